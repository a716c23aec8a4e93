//! What is wrong with messages is caught by the check that is named after it.

use protocol::{
    hash::CryptoHash,
    message::{MessageAction, MessageKind},
    observe::Observation,
};

use super::{
    Invariant,
    tests::{broken, watched},
};
use crate::testing::{A, B, Network, height, tampered, worker};

/// `A` has paid `B` twice, and `B` has rejected the first payment.
fn rejected() -> Network {
    let mut network = Network::new();
    let pay = network.pay(10);
    let first = network.commit_new(A, vec![pay]);
    let pay = network.pay(5);
    network.commit_new(A, vec![pay]);
    let take = network.take(&first, B, MessageAction::Reject);
    network.commit_new(B, vec![take]);
    network
}

#[test]
fn links_and_bounces_of_a_correct_run_hold() {
    let network = rejected();
    assert_eq!(broken(&network), []);
    let rows = watched(&network).verdicts;
    for invariant in [Invariant::MessageLinks, Invariant::Bounces] {
        assert!(
            rows.counts(invariant).0 > 0,
            "{invariant} was never looked at"
        );
    }
}

#[test]
fn i_31_a_block_that_forgets_who_sent_before() {
    let mut network = Network::new();
    let pay = network.pay(10);
    network.commit_new(A, vec![pay]);
    let pay = network.pay(5);
    let block = network.block(A, vec![pay]);
    let forgetful = tampered(&block, |_, outcome| {
        outcome.previous_message_blocks = Default::default();
    });
    network.propose(&forgetful, None);
    network.votes(&forgetful);
    network.confirm(&forgetful);
    assert_eq!(broken(&network), [Invariant::MessageLinks]);
}

#[test]
fn i_31_a_block_that_links_to_another_one() {
    let mut network = Network::new();
    let pay = network.pay(10);
    let block = network.block(A, vec![pay]);
    let to = network.chains[B];
    let wrong = tampered(&block, |_, outcome| {
        let link = (CryptoHash::of_bytes("test", b"another"), height(7));
        outcome.previous_message_blocks = [(to, link)].into_iter().collect();
    });
    network.propose(&wrong, None);
    network.votes(&wrong);
    network.confirm(&wrong);
    assert_eq!(broken(&network), [Invariant::MessageLinks]);
}

/// A block of `B` that rejects a payment of `A`, changed.
fn with_changed_bounce(
    change: impl FnOnce(&mut Vec<Vec<protocol::message::OutgoingMessage>>),
) -> Vec<Invariant> {
    let mut network = Network::new();
    let pay = network.pay(10);
    let sender = network.commit_new(A, vec![pay]);
    let take = network.take(&sender, B, MessageAction::Reject);
    let block = network.block(B, vec![take]);
    let changed = tampered(&block, |_, outcome| change(&mut outcome.messages));
    network.propose(&changed, None);
    network.votes(&changed);
    network.confirm(&changed);
    broken(&network)
}

#[test]
fn i_32_a_rejected_payment_that_does_not_come_back() {
    let broken = with_changed_bounce(|messages| messages[0].clear());
    assert!(broken.contains(&Invariant::Bounces), "{broken:?}");
}

#[test]
fn i_32_a_rejected_payment_that_comes_back_twice() {
    let broken = with_changed_bounce(|messages| {
        let again = messages[0][0].clone();
        messages[0].push(again);
    });
    assert!(broken.contains(&Invariant::Bounces), "{broken:?}");
}

#[test]
fn i_32_something_that_comes_back_from_an_accepted_payment() {
    let mut network = Network::new();
    let pay = network.pay(10);
    let block = network.block(A, vec![pay]);
    let changed = tampered(&block, |_, outcome| {
        outcome.messages[0][0].kind = MessageKind::Bouncing;
    });
    network.propose(&changed, None);
    network.votes(&changed);
    network.confirm(&changed);
    let broken = broken(&network);
    assert!(broken.contains(&Invariant::Bounces), "{broken:?}");
}

#[test]
fn i_32_a_protected_message_that_is_rejected() {
    let mut network = Network::new();
    let pay = network.pay(10);
    let block = network.block(A, vec![pay]);
    let protected = tampered(&block, |_, outcome| {
        outcome.messages[0][0].kind = MessageKind::Protected;
    });
    network.commit(&protected);
    let take = network.take(&protected, B, MessageAction::Accept);
    let block = network.block(B, vec![take]);
    let rejecting = tampered(&block, |proposed, _| {
        let take = network.take(&protected, B, MessageAction::Reject);
        proposed.transactions = vec![take];
    });
    network.propose(&rejecting, None);
    network.votes(&rejecting);
    network.confirm(&rejecting);
    let broken = broken(&network);
    assert!(broken.contains(&Invariant::Bounces), "{broken:?}");
}

#[test]
fn i_33_an_answer_before_everything_is_delivered() {
    for early in [true, false] {
        let mut network = Network::new();
        let pay = network.pay(10);
        let block = network.block(A, vec![pay]);
        network.propose(&block, None);
        network.votes(&block);
        network.confirm(&block);
        network.execute(0, &block);
        let (chain, height) = (block.chain_id(), block.height());
        let answer = Observation::DeliveryAnswered { chain, height };
        if !early {
            network.arrive(0, &block);
        }
        network.tell(worker(0, A), answer);
        let expected: &[Invariant] = if early {
            &[Invariant::BlockingDelivery]
        } else {
            &[]
        };
        assert_eq!(broken(&network), expected, "early: {early}");
    }
}
