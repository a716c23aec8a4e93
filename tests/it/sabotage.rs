//! Seeded bugs: each must make a named check fail, or that check proves nothing.

use std::sync::Arc;

use actors::BuildOptions;
use analysis::Verdict;
use engine::EngineCheck;
use protocol::sabotage::Sabotage;
use scenario::{Options, Plan};
use tests::{Drive, plan, watch};

#[track_caller]
fn check_caught(scenario: &str, sabotage: Sabotage, invariant: &str) {
    let plan = plan(scenario, &[("signatures", "modeled")], Options::default());
    check_plan_caught(&plan, sabotage, invariant);
}

#[track_caller]
fn check_plan_caught(plan: &Arc<Plan>, sabotage: Sabotage, invariant: &str) {
    let sound = watch(plan, Drive::Heap, BuildOptions::default());
    assert_eq!(
        sound.broken(),
        Vec::<&str>::new(),
        "the same run without the bug"
    );
    let options = BuildOptions {
        sabotage,
        saboteur: Some(0),
        ..BuildOptions::default()
    };
    let watched = watch(plan, Drive::Heap, options);
    assert!(
        watched.broken().contains(&invariant),
        "{:?}",
        watched.broken()
    );
    assert_eq!(watched.findings.verdict, Verdict::Fail);
}

#[test]
fn a_validator_that_votes_twice_is_caught() {
    check_caught("lanes", Sabotage::VoteTwice, "I-7 ValidatedVotes");
}

#[test]
fn an_inbox_that_accepts_out_of_order_is_caught() {
    check_caught(
        "slow-validator",
        Sabotage::InboxOutOfOrder,
        "I-27 InboxShape",
    );
}

#[test]
fn an_outbox_that_forgets_is_caught() {
    check_caught("lanes", Sabotage::OutboxForgets, "I-29 OutboxInboxLink");
}

/// A bug of execution: everybody has it, so all agree, and only reckoning of one's own finds it.
#[track_caller]
fn check_caught_everywhere(scenario: &str, sabotage: Sabotage, invariant: &str) {
    let path = format!(
        "{}/../scenarios/edge/{scenario}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let source = std::fs::read_to_string(path).expect("the scenario is there");
    // A payment that nobody can make would be made, and break something else first.
    let all_of_it = "to = \"B\", amount = \"10\" } }";
    let steps = source
        .lines()
        .filter(|line| sabotage != Sabotage::FeeNotBurned || !line.contains(all_of_it));
    let source = steps.collect::<Vec<_>>().join("\n");
    let plan = tests::source_plan(&source, &[("signatures", "modeled")], Options::default());
    let sound = watch(&plan, Drive::Heap, BuildOptions::default());
    assert_eq!(
        sound.broken(),
        Vec::<&str>::new(),
        "the same run without the bug"
    );
    let options = BuildOptions {
        sabotage,
        ..BuildOptions::default()
    };
    let watched = watch(&plan, Drive::Heap, options);
    assert_eq!(watched.broken().first(), Some(&invariant));
    assert_eq!(watched.findings.verdict, Verdict::Fail);
}

#[test]
fn a_fee_that_is_not_burned_is_caught() {
    check_caught_everywhere(
        "e-21-fees-exceed-funding",
        Sabotage::FeeNotBurned,
        "I-21 BlockConservation",
    );
}

#[test]
fn a_price_that_is_not_asked_is_caught() {
    check_caught_everywhere(
        "e-21-fees-exceed-funding",
        Sabotage::MessagesAreFree,
        "I-22 Fees",
    );
}

#[test]
fn a_grant_that_is_paid_twice_is_caught() {
    check_caught_everywhere(
        "e-23-refunded-grant",
        Sabotage::GrantPaidTwice,
        "I-21 BlockConservation",
    );
}

#[test]
fn an_allowance_that_is_never_used_up_is_caught() {
    check_caught_everywhere(
        "i-23-allowances",
        Sabotage::AllowanceNotLowered,
        "I-23 Allowances",
    );
}

#[test]
fn a_protected_message_that_is_rejected_is_caught() {
    check_caught_everywhere(
        "e-37-protected-message",
        Sabotage::ProtectedRejected,
        "I-32 Bounces",
    );
}

#[test]
fn a_bundle_that_is_taken_in_by_halves_is_caught() {
    check_caught_everywhere(
        "e-38-bundle-that-fails",
        Sabotage::BundlesByHalves,
        "I-19 NoNegativeBalance",
    );
}

#[test]
fn a_bounce_that_is_dropped_is_caught() {
    check_caught_everywhere(
        "e-18-rejected-transfer",
        Sabotage::BounceDropped,
        "I-32 Bounces",
    );
}

#[test]
fn a_validator_that_answers_before_it_saves_is_caught() {
    check_caught(
        "lanes",
        Sabotage::AnswersBeforeSaving,
        "I-16 PersistBeforeRelease",
    );
}

#[test]
fn a_worker_that_notifies_before_it_saves_is_caught() {
    check_caught(
        "lanes",
        Sabotage::NotifiesBeforeSaving,
        "I-39 Notifications",
    );
}

#[track_caller]
fn check_edge_case(name: &str, sabotage: Sabotage, invariant: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/edge");
    let source = std::fs::read_to_string(folder.join(name)).expect("a text");
    let plan = tests::source_plan(&source, &[], Options::default());
    let sound = watch(&plan, Drive::Heap, BuildOptions::default());
    assert_eq!(sound.broken(), Vec::<&str>::new(), "without the bug");
    let options = BuildOptions {
        sabotage,
        ..BuildOptions::default()
    };
    let watched = watch(&plan, Drive::Heap, options);
    let broken = watched.broken();
    assert!(broken.contains(&invariant), "{broken:?}");
}

#[test]
fn a_chain_that_stays_in_its_epoch_is_caught() {
    let name = "e-57-idle-over-three-epochs.toml";
    check_edge_case(name, Sabotage::EpochsNeverChange, "I-37 Epoch");
}

#[test]
fn a_block_that_calls_nobody_is_caught() {
    let name = "e-51-mandatory-application.toml";
    check_edge_case(name, Sabotage::PermissionsIgnored, "I-41 Permissions");
    let name = "e-51-operations-of-one-application.toml";
    check_edge_case(name, Sabotage::PermissionsIgnored, "I-41 Permissions");
}

#[test]
fn a_message_of_a_revoked_epoch_is_caught() {
    let name = "e-82-closed-chain-and-epochs.toml";
    check_edge_case(name, Sabotage::RevokedAdmitted, "I-38 RevokedMessages");
}

#[test]
fn a_wallet_that_gives_up_is_caught() {
    let name = "e-73-wallet-without-a-quorum.toml";
    check_edge_case(name, Sabotage::GivesUp, "I-43 SingleOwnerProgress");
}

#[test]
fn a_wallet_that_helps_nobody_is_caught() {
    let name = "e-01-fast-path-with-one-silent.toml";
    check_edge_case(name, Sabotage::HelpsNobody, "I-46 CatchUp");
}

#[test]
fn a_wallet_that_wedges_its_chain_is_caught() {
    let name = "e-04-the-wallet-forgot-its-block.toml";
    check_edge_case(name, Sabotage::NeverLooksFirst, "I-48 NoWedge");
}

#[test]
fn wallets_that_stay_in_a_round_for_good_are_caught() {
    let name = "../contended-game.toml";
    check_edge_case(name, Sabotage::NeverEndsRounds, "I-44 ContendedProgress");
}

#[test]
fn a_worker_that_never_sweeps_is_caught() {
    let name = "e-30-full-queue.toml";
    check_edge_case(name, Sabotage::NeverSweeps, "I-45 EventualDelivery");
}

#[test]
fn an_outbox_that_keeps_a_block_is_caught() {
    let name = "e-29-lost-confirmation.toml";
    let bug = Sabotage::DuplicatesUnconfirmed;
    check_edge_case(name, bug, "I-45 EventualDelivery");
}

#[test]
fn two_workers_that_hold_one_chain_are_caught() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../scenarios/edge/i-30-online-resize.toml"
    );
    let source = std::fs::read_to_string(path).expect("a text");
    let plan = tests::source_plan(&source, &[], Options::default());
    check_plan_caught(&plan, Sabotage::TwoOwners, "I-30 SingleWriter");
}

#[test]
fn a_driver_that_reorders_two_events_is_caught() {
    let plan = plan("lanes", &[], Options::default());
    let sabotage = engine::Sabotage::SwapTwoEvents;
    let watched = watch(
        &plan,
        Drive::SabotagedHeap(sabotage),
        BuildOptions::default(),
    );
    let checks: Vec<_> = watched
        .outcome
        .violations
        .iter()
        .map(|broken| broken.check)
        .collect();
    assert!(checks.contains(&EngineCheck::KeyOrder), "{checks:?}");
    assert_eq!(watched.findings.verdict, Verdict::Fail);
}

#[test]
fn a_fault_that_never_fires_fails_the_run() {
    let source = scenario::bundled_scenario("lanes").expect("bundled").source;
    let fault = "[[faults]]\nname = \"too late\"\nat = \"1900ms\"\npartition = { between = \
                 [\"clients\", \"v4\"] }\n";
    let plan = tests::source_plan(&format!("{source}\n{fault}"), &[], Options::default());
    let watched = watch(&plan, Drive::Heap, BuildOptions::default());
    assert_eq!(watched.findings.verdict, Verdict::Fail);
}
