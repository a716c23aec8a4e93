//! Two blocks for one height, and a chain that is closed: each breach is caught by the statement that
//! is named after it.

use std::sync::Arc;

use protocol::{
    Timestamp,
    block::{Block, SystemOperation, Transaction},
    certificate::{CertificateKind, VotePayload},
    observe::Ground,
    round::Round,
};

use super::{
    Invariant,
    tests::{broken, watched},
};
use crate::testing::{A, Network, ROUND, payload, tampered};

/// A block of `A`, and another one for the same height.
fn rivals(network: &mut Network) -> (Arc<Block>, Arc<Block>) {
    let transactions = vec![network.pay(10)];
    let one = network.block(A, transactions);
    let other = tampered(&one, |proposed, _| {
        proposed.timestamp = Timestamp::from_micros(9);
    });
    (one, other)
}

#[test]
fn i_11_another_block_is_validated_after_a_vote_to_confirm() {
    let mut network = Network::new();
    let (one, other) = rivals(&mut network);
    network.vote(0, &one, CertificateKind::Confirmed, ROUND);
    let second = Round::MultiLeader(1);
    network.vote(0, &other, CertificateKind::Validated, second);
    assert_eq!(broken(&network), [Invariant::LockRule]);
}

#[test]
fn i_14_what_may_be_committed_is_overtaken() {
    let mut network = Network::new();
    let (one, other) = rivals(&mut network);
    for validator in 0..3 {
        network.vote(validator, &one, CertificateKind::Confirmed, ROUND);
    }
    for validator in 1..4 {
        let second = Round::MultiLeader(1);
        network.vote(validator, &other, CertificateKind::Validated, second);
    }
    let expected = [Invariant::LockRule, Invariant::LockPreservation];
    assert_eq!(broken(&network), expected);
}

#[test]
fn i_14_one_validator_weighs_once_in_whatever_ways_it_votes() {
    let mut network = Network::new();
    let (one, other) = rivals(&mut network);
    for validator in 0..3 {
        network.vote(validator, &one, CertificateKind::Confirmed, ROUND);
    }
    let second = Round::MultiLeader(1);
    for unlocking_round in [None, Some(Round::Fast), Some(ROUND)] {
        let payload = VotePayload {
            unlocking_round,
            ..payload(other.hash(), CertificateKind::Validated, second)
        };
        network.vote_on(3, &other, payload, Ground::Certificate);
    }
    assert!(!broken(&network).contains(&Invariant::LockPreservation));
}

#[test]
fn i_49_a_fork_convicts_those_who_voted_twice() {
    let mut network = Network::new();
    let (one, other) = rivals(&mut network);
    for validator in 0..3 {
        network.vote(validator, &one, CertificateKind::Confirmed, ROUND);
    }
    for validator in 1..4 {
        network.vote(validator, &other, CertificateKind::Confirmed, ROUND);
    }
    let invariants = watched(&network);
    let convicted: Vec<_> = invariants.convicted.iter().map(|(one, _)| *one).collect();
    assert_eq!(convicted, [1, 2], "those who signed both, and nobody else");
    // No fault of the plan made them do it: that is a mistake of ours.
    assert!(broken(&network).contains(&Invariant::Accountability));
}

#[test]
fn i_40_a_closed_chain_pays() {
    let mut network = Network::new();
    let payments = [0, 1].map(|_| {
        let transactions = vec![network.pay(10)];
        network.block(A, transactions)
    });
    let closing = tampered(&payments[0], |proposed, _| {
        let close = Transaction::ExecuteOperation(SystemOperation::CloseChain);
        proposed.transactions.push(close);
    });
    network.commit(&closing);
    assert!(!broken(&network).contains(&Invariant::ClosedChains));
    network.commit(&payments[1]);
    assert!(broken(&network).contains(&Invariant::ClosedChains));
}
