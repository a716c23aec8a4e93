//! Epochs that nobody created, or that come in the wrong order, and messages of revoked ones: each
//! breach is caught by the statement that is named after it.

use std::sync::Arc;

use protocol::{
    TimeDelta,
    block::{SystemOperation, Transaction},
    certificate::Timeout,
    committee::Committee,
    hash::CryptoHash,
    ids::Epoch,
    observe::{Ground, Observation},
    round::Round,
};

use super::{Invariant, tests::broken};
use crate::testing::{A, B, Network, ROUND, members, tampered, worker};

fn operation(operation: SystemOperation) -> Transaction {
    Transaction::ExecuteOperation(operation)
}

fn create(committee: &Arc<Committee>) -> Vec<Transaction> {
    let blob_hash = CryptoHash::of(&**committee);
    let (committee, epoch) = (committee.clone(), Epoch(1));
    vec![
        operation(SystemOperation::PublishCommitteeBlob { committee }),
        operation(SystemOperation::CreateCommittee { epoch, blob_hash }),
    ]
}

/// A network whose first chain is the admin chain and has created an epoch.
fn in_two_epochs() -> Network {
    let mut network = Network::with_admin();
    network.commit_new(A, create(&members()));
    network
}

/// A vote to hand the next height of `B` over, in a round of owners, which is so much too early.
fn hand_over(network: &mut Network, current_round: Round, early: TimeDelta) {
    let timeout = Timeout {
        chain_id: network.chains[B],
        height: network.states[B].next_height,
        epoch: Epoch(0),
    };
    let vote = Observation::VoteCast {
        chain: timeout.chain_id,
        height: timeout.height,
        payload: timeout.payload(Round::LAST_REGULAR),
        current_round,
        ground: Ground::Fallback(early),
    };
    network.tell(worker(0, B), vote);
}

const NOW: TimeDelta = TimeDelta::from_secs(0);

fn with_fallback_in_two_epochs() -> Network {
    let mut network = Network::with_fallback();
    network.commit_new(A, create(&members()));
    network
}

#[test]
fn i_15_nothing_is_wrong_when_a_height_is_handed_over_in_time() {
    let mut network = with_fallback_in_two_epochs();
    hand_over(&mut network, ROUND, NOW);
    assert_eq!(broken(&network), []);
}

#[test]
fn i_15_a_height_is_handed_over_too_early() {
    let mut network = with_fallback_in_two_epochs();
    hand_over(&mut network, ROUND, TimeDelta::from_micros(1));
    assert_eq!(broken(&network), [Invariant::TimeoutVotes]);
}

#[test]
fn i_15_a_height_is_handed_over_in_the_newest_epoch() {
    let mut network = Network::with_fallback();
    hand_over(&mut network, ROUND, NOW);
    assert_eq!(broken(&network), [Invariant::TimeoutVotes]);
}

#[test]
fn i_15_a_height_is_handed_over_whose_owners_do_not_allow_it() {
    let mut network = in_two_epochs();
    hand_over(&mut network, ROUND, NOW);
    assert_eq!(broken(&network), [Invariant::TimeoutVotes]);
}

#[test]
fn i_12_a_height_is_handed_over_that_validators_lead() {
    let mut network = with_fallback_in_two_epochs();
    hand_over(&mut network, Round::Validator(0), NOW);
    assert_eq!(broken(&network), [Invariant::VoteAboveTip]);
}

#[test]
fn i_8_a_height_is_handed_over_twice() {
    let mut network = with_fallback_in_two_epochs();
    hand_over(&mut network, ROUND, NOW);
    hand_over(&mut network, ROUND, NOW);
    assert_eq!(broken(&network), [Invariant::ConfirmedVotes]);
}

#[test]
fn i_37_nothing_is_wrong_when_a_chain_follows() {
    let mut network = in_two_epochs();
    let next = operation(SystemOperation::ProcessNewEpoch(Epoch(1)));
    network.commit_new(B, vec![next]);
    let paid = network.pay(1);
    let block = network.commit_new(A, vec![paid]);
    assert_eq!(block.proposed().epoch, Epoch(1));
    assert_eq!(broken(&network), []);
}

#[test]
fn i_37_a_chain_enters_an_epoch_that_nobody_created() {
    let mut network = Network::with_admin();
    let next = operation(SystemOperation::ProcessNewEpoch(Epoch(1)));
    network.commit_new(B, vec![next]);
    assert_eq!(broken(&network), [Invariant::EpochOrder]);
}

#[test]
fn i_37_a_block_is_of_another_epoch_than_its_chain() {
    let mut network = in_two_epochs();
    let next = operation(SystemOperation::ProcessNewEpoch(Epoch(1)));
    let block = network.block(B, vec![next]);
    let early = tampered(&block, |proposed, _| proposed.epoch = Epoch(1));
    network.commit(&early);
    assert!(broken(&network).contains(&Invariant::EpochOrder));
}

#[test]
fn i_37_a_chain_that_is_not_the_admin_chain_creates_an_epoch() {
    let mut network = in_two_epochs();
    let next = operation(SystemOperation::ProcessNewEpoch(Epoch(1)));
    let block = network.block(B, vec![next]);
    let alien = tampered(&block, |proposed, _| {
        proposed.transactions = create(&members())
    });
    network.commit(&alien);
    assert!(broken(&network).contains(&Invariant::EpochOrder));
}

/// A payment of `A` in its first epoch arrives at a worker that knows it to be revoked; `more`: one
/// of the second epoch comes in the same request.
fn revoked_payment(more: bool) -> Vec<Invariant> {
    let mut network = Network::with_admin();
    let paid = network.pay(1);
    let first = network.block(A, vec![paid]);
    network.propose(&first, None);
    network.votes(&first);
    network.confirm(&first);
    for validator in 0..4 {
        network.execute(validator, &first);
    }
    network.commit_new(A, create(&members()));
    let paid = network.pay(1);
    let second = network.block(A, vec![paid]);
    network.propose(&second, None);
    network.votes(&second);
    network.confirm(&second);
    let chain = network.chains[A];
    network.tell(
        worker(0, B),
        Observation::EpochsKnown {
            chain,
            newest: Epoch(1),
            first_trusted: Epoch(1),
        },
    );
    network.arrive(0, &first);
    let at = network.now_us;
    if more {
        network.now_us = at - 1;
        network.arrive(0, &second);
    } else {
        network.arrive(0, &second);
    }
    broken(&network)
}

#[test]
fn i_38_a_revoked_message_comes_alone() {
    assert_eq!(revoked_payment(false), [Invariant::RevokedMessages]);
}

#[test]
fn i_38_a_later_message_of_the_request_vouches() {
    assert_eq!(revoked_payment(true), []);
}
