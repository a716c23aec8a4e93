//! Some seeds of the swarm: they hold, they are functions of their seeds, and a missing lock rule
//! does not go unnoticed.

use actors::BuildOptions;
use protocol::{rules::Rule, sabotage::Sabotage};
use scenario::{
    Options,
    swarm::{Family, Swarm},
};
use tests::{
    Drive, source_plan,
    swarm::{breaks_an_invariant, run_delivery_seeds, run_seed, run_seeds},
    watch,
};

/// Seeds that are run by this test.
const SEEDS: u64 = 30;

#[test]
fn the_first_seeds_hold_and_every_family_strikes() {
    let rows = run_seeds(1, SEEDS, BuildOptions::default(), false);
    let seeds: Vec<u64> = rows.iter().map(|row| row.seed).collect();
    assert_eq!(seeds, (1..=SEEDS).collect::<Vec<_>>(), "in their order");
    for row in &rows {
        assert!(row.held(), "seed {}: {:?}", row.seed, row.broken);
        assert!(row.blocks >= 50, "seed {}: {} blocks", row.seed, row.blocks);
    }
    for (at, family) in Family::ALL.iter().enumerate() {
        let strikes: Vec<_> = rows.iter().filter_map(|row| row.strikes[at]).collect();
        assert!(!strikes.is_empty(), "{family} is in some seed");
        assert!(strikes.iter().all(|strikes| *strikes > 0), "{family}");
    }
}

#[test]
fn seeds_that_once_found_a_bug_hold() {
    // In turn: one block on two grounds in one round; what a stopped holder owes; a block that went
    // with its wallet's disk; a user whose wallet lost its disk while the user was thinking; a bound that
    // counted the rounds from the last one; a fast block that its wallet forgot and did not finish; an
    // outbox whose emptying a crash kept to itself.
    for seed in [336, 7842, 3240, 499, 316, 5911, 5688] {
        let row = run_seed(seed, BuildOptions::default());
        assert!(row.held(), "seed {seed}: {:?}", row.broken);
    }
}

#[test]
fn a_seed_gives_one_text_and_one_hash() {
    let text = scenario::swarm::scenario(7);
    assert_eq!(text, scenario::swarm::scenario(7));
    assert_ne!(text, scenario::swarm::scenario(8));
    let first = run_seed(7, BuildOptions::default());
    assert_eq!(first, run_seed(7, BuildOptions::default()));
    let plan = source_plan(&text, &[], Options::default());
    for drive in [Drive::Heap, Drive::Plain(1), Drive::Kernel(2, 1)] {
        let again = watch(&plan, drive, BuildOptions::default());
        assert_eq!(again.root(), first.trace_hash, "{drive:?}");
    }
}

#[track_caller]
fn check_caught(seed: u64, rule: Rule, invariant: &str) {
    let sound = run_seed(seed, BuildOptions::default());
    assert!(sound.held(), "without the bug: {:?}", sound.broken);
    let sabotage = Sabotage::Without(rule);
    let options = BuildOptions {
        sabotage,
        ..BuildOptions::default()
    };
    let row = run_seed(seed, options);
    assert!(breaks_an_invariant(&row), "{:?}", row.broken);
    let named = |broken: &String| broken.starts_with(&format!("fail: {invariant}"));
    assert!(row.broken.iter().any(named), "{:?}", row.broken);
}

#[test]
fn a_fresh_block_after_a_vote_to_confirm_breaks_the_lock_rule() {
    check_caught(1, Rule::NothingFreshAfterConfirming, "I-11 LockRule");
}

#[track_caller]
fn check_delivery(swarm: Swarm) {
    let rows = run_delivery_seeds(swarm, (1, SEEDS), BuildOptions::default(), false);
    assert_eq!(rows.len() as u64, SEEDS);
    for row in &rows {
        let seed = row.row.seed;
        assert!(row.row.held(), "seed {seed}: {:?}", row.row.broken);
    }
}

#[test]
fn the_first_seeds_about_messages_hold() {
    check_delivery(Swarm::Messages);
}

#[test]
fn the_first_seeds_about_hand_overs_hold() {
    check_delivery(Swarm::HandOver);
}

#[track_caller]
fn check_delivery_caught(swarm: Swarm, sabotage: Sabotage, invariant: &str) {
    let options = BuildOptions {
        sabotage,
        ..BuildOptions::default()
    };
    let rows = run_delivery_seeds(swarm, (1, SEEDS), options, true);
    let last = rows.last().expect("one at least");
    let named = |broken: &String| broken.starts_with(&format!("fail: {invariant} "));
    assert!(last.row.broken.iter().any(named), "{:?}", last.row.broken);
}

#[test]
fn what_makes_or_loses_money_on_its_way_is_caught_by_its_own_check() {
    for (sabotage, invariant) in tests::swarm::DELIVERY_BUGS {
        check_delivery_caught(Swarm::Messages, sabotage, invariant);
    }
}

#[test]
fn two_holders_of_one_chain_are_caught() {
    check_delivery_caught(Swarm::HandOver, Sabotage::TwoOwners, "I-30 SingleWriter");
}
