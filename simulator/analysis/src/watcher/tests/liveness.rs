//! Whether runs get on: each promise is broken by a record that was tampered with, and none is judged
//! where a fault takes away what it rests on.

use protocol::round::Round;

use super::*;
use crate::invariants::Invariant;

#[test]
fn a_quorum_that_grows_delivers_nothing_twice() {
    let plan = plan("");
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let sent = network.block(A, transactions);
    network.commit(&sent);
    for _ in 0..2 {
        network
            .records
            .pop()
            .expect("the last validator's outbox, and its inbox");
    }
    let options = WatchOptions::default();
    let mut watcher = Watcher::new(&plan, directory(), info(Vec::new()), options);
    watcher.window(&mut network.records);
    // Another committee needs all four.
    watcher.metrics.committee.quorum = 4;
    network.arrive(3, &sent);
    watcher.window(&mut network.records);
    let counters = watcher.metrics.counters;
    assert_eq!((counters.in_flight, counters.waiting), (0, 1));
    assert_eq!(counters.delivered, 1);
}

/// The liveness statements that a run without anything left to do breaks.
fn broken(plan: &Plan, network: &Network) -> Vec<Invariant> {
    let mut broken: Vec<_> = quiet(plan, network)
        .violations
        .iter()
        .map(|violation| violation.invariant)
        .filter(|invariant| *invariant >= Invariant::SingleOwnerProgress)
        .collect();
    broken.dedup();
    broken
}

/// These facts, after which nothing is left to happen.
fn quiet(plan: &Plan, network: &Network) -> Findings {
    let options = WatchOptions::default();
    let mut watcher = Watcher::new(plan, directory(), info(Vec::new()), options);
    watcher.window(&mut network.records.clone());
    watcher.finish(&ended(Outcome::Quiescent, END_US))
}

fn checked(findings: &Findings, invariant: Invariant) -> u64 {
    expectation(findings, invariant.name()).checked
}

#[test]
fn a_run_that_gets_on_keeps_all_promises() {
    let findings = quiet(&plan(""), &paid_and_taken());
    assert_eq!(findings.violations, []);
    for invariant in [
        Invariant::SingleOwnerProgress,
        Invariant::EventualDelivery,
        Invariant::CatchUp,
    ] {
        assert!(checked(&findings, invariant) > 0, "{invariant}");
    }
}

#[test]
fn i_43_a_block_is_never_confirmed() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.propose(&block, None);
    assert_eq!(
        broken(&plan(""), &network),
        [Invariant::SingleOwnerProgress]
    );
}

#[test]
fn i_43_a_block_is_confirmed_late() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.propose(&block, None);
    network.now_us += 3_600_000_000;
    network.commit(&block);
    assert_eq!(
        broken(&plan(""), &network),
        [Invariant::SingleOwnerProgress]
    );
}

#[test]
fn i_44_rivals_never_come_to_an_end() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.propose(&block, None);
    // Another wallet of that owner proposes, too.
    let first = network.records.last().expect("a proposal").clone();
    let mut second = first;
    second.actor = crate::testing::wallet(B);
    network.records.push(second);
    assert_eq!(broken(&plan(""), &network), [Invariant::ContendedProgress]);
}

#[test]
fn i_45_a_bundle_never_arrives() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.propose(&block, None);
    network.votes(&block);
    network.confirm(&block);
    for validator in 0..4 {
        network.execute(validator, &block);
        if validator != 3 {
            network.arrive(validator, &block);
        }
    }
    assert_eq!(broken(&plan(""), &network), [Invariant::EventualDelivery]);
}

#[test]
fn i_45_an_outbox_keeps_what_has_arrived() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.commit(&block);
    let popped = network.records.iter().rposition(|record| {
        matches!(&record.record, trace::Event::Protocol(fact)
            if matches!(**fact, protocol::observe::Observation::OutboxConfirmed { .. }))
    });
    network
        .records
        .remove(popped.expect("an outbox was emptied"));
    assert_eq!(broken(&plan(""), &network), [Invariant::EventualDelivery]);
}

#[test]
fn i_46_a_validator_stays_behind() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.propose(&block, None);
    network.votes(&block);
    network.confirm(&block);
    for validator in 0..3 {
        network.execute(validator, &block);
        network.arrive(validator, &block);
        network.pop(validator, &block);
    }
    assert_eq!(broken(&plan(""), &network), [Invariant::CatchUp]);
}

#[test]
fn i_48_no_block_has_a_chance() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let one = network.block(A, transactions);
    let other = tampered(&one, |proposed, _| {
        proposed.timestamp = protocol::Timestamp::from_micros(9);
    });
    network.propose(&one, None);
    for (validator, block) in [(0, &one), (1, &one), (2, &other)] {
        network.vote(validator, block, CertificateKind::Confirmed, Round::Fast);
    }
    // The fourth may vote for the first one: three of four are a quorum.
    let progress = Invariant::SingleOwnerProgress;
    assert_eq!(broken(&plan(""), &network), [progress]);
    network.vote(3, &other, CertificateKind::Confirmed, Round::Fast);
    assert_eq!(broken(&plan(""), &network), [progress, Invariant::NoWedge]);
}

#[test]
fn what_faults_take_away_for_good_is_not_judged() {
    let cut = "[[faults]]\nname = \"cut\"\nat = \"1s\"\npartition = { between = [\"clients\", \"v3, v4\"] }\n";
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.propose(&block, None);
    let plan = plan(cut);
    assert_eq!(broken(&plan, &network), []);
    let findings = quiet(&plan, &network);
    let row = expectation(&findings, Invariant::SingleOwnerProgress.name());
    assert_eq!(row.verdict, "not judged");
    assert_eq!(row.detail, "less than a quorum of validators is left");
}
