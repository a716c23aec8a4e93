//! A network in which nothing goes wrong breaks nothing; each thing that goes wrong is caught by
//! the check that is named after it, and by no other.

use protocol::{
    Amount, Timestamp,
    block::{Block, Transaction},
    certificate::CertificateKind,
    hash::CryptoHash,
    ids::{ChainId, Epoch},
    message::{MessageAction, SystemMessage},
    observe::{Observation, Shape},
    round::Round,
};

use super::*;
use crate::{
    registry::Registry,
    testing::{A, B, Network, ROUND, directory, tampered, wallet, worker},
    validators::{Committee, Parties},
};
use trace::Event;

/// Everything after the records of a network were looked at.
pub(super) fn watched(network: &Network) -> Invariants {
    let (genesis, parties) = (network.genesis.clone(), Parties::new(&directory()));
    let committee = Committee {
        weights: vec![1; 4],
        quorum: 3,
        byzantine: vec![false; 4],
    };
    let mut registry = Registry::new(&genesis);
    let mut invariants = Invariants::new(committee, network.members(), &parties, &genesis);
    for record in &network.records {
        let (time, actor) = (record.time, record.actor);
        let party = parties.of(actor);
        let mut stamp = Stamp {
            time,
            actor,
            party,
            chain: None,
        };
        match &record.record {
            Event::Protocol(fact) => {
                let subject = registry.subject(fact);
                stamp.chain = subject.chain;
                invariants.observe(stamp, fact, subject, &mut registry);
            }
            Event::Network(fact) => invariants.network(stamp, fact),
            Event::Fault(_) => {}
        }
    }
    invariants.finish();
    invariants
}

/// The statements that broke, each once.
pub(super) fn broken(network: &Network) -> Vec<Invariant> {
    let invariants = watched(network);
    let mut names: Vec<_> = invariants
        .verdicts
        .violations()
        .iter()
        .map(|broken| broken.invariant)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A network in which `A` has paid `B`, and the block that did it.
fn paid() -> (Network, Arc<Block>) {
    let mut network = Network::new();
    let pay = network.pay(10);
    let block = network.commit_new(A, vec![pay]);
    (network, block)
}

#[test]
fn a_correct_run_breaks_nothing_and_leaves_nothing_open() {
    let (mut network, sender) = paid();
    let first = network.take(&sender, B, MessageAction::Accept);
    network.commit_new(B, vec![first]);
    let more = [network.pay(20), network.claim(1), network.open(5)];
    let sender = network.commit_new(A, more.to_vec());
    let rejected = network.take(&sender, B, MessageAction::Reject);
    let bouncer = network.commit_new(B, vec![rejected]);
    let home = network.take(&bouncer, A, MessageAction::Accept);
    network.commit_new(A, vec![home]);

    let invariants = watched(&network);
    assert_eq!(invariants.verdicts.violations(), []);
    for invariant in [
        Invariant::CommitAgreement,
        Invariant::Conservation,
        Invariant::NoForgery,
        Invariant::OutboxInboxLink,
        Invariant::SingleWriter,
    ] {
        assert!(invariants.verdicts.counts(invariant).0 > 0, "{invariant}");
    }
    let tokens = |number: u64| Some(Amount::from_tokens(number).attos());
    let chain = |number| ChainNo(number);
    assert_eq!(invariants.money.chain_balance(chain(0)), tokens(85));
    assert_eq!(invariants.money.chain_balance(chain(1)), tokens(10));
    assert_eq!(invariants.money.held(), tokens(100));
    assert_eq!(invariants.heights.certified_max, 1);
    assert!((0..4).all(|validator| invariants.heights.lag(validator) == 0));
    assert!((0..4).all(|validator| invariants.delivery.missing(validator) == 0));
}

#[test]
fn i_1_two_blocks_with_a_quorum_each() {
    // Two of four vote twice, for two blocks, in two rounds: nobody gathers the votes.
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let one = network.block(A, transactions);
    let other = tampered(&one, |proposed, _| {
        proposed.timestamp = Timestamp::from_micros(9);
    });
    let second = Round::MultiLeader(1);
    for validator in 0..3 {
        network.vote(validator, &one, CertificateKind::Confirmed, ROUND);
    }
    for validator in 1..4 {
        network.vote(validator, &other, CertificateKind::Confirmed, second);
    }
    // Votes to confirm in two rounds convict nobody: what lies between may allow them.
    let expected = [Invariant::CommitAgreement, Invariant::Accountability];
    assert_eq!(broken(&network), expected);
    assert_eq!(watched(&network).heights.certified_max, 2);
}

#[test]
fn i_1_two_certificates_at_one_height() {
    let (mut network, block) = paid();
    let other = tampered(&block, |proposed, _| {
        proposed.timestamp = Timestamp::from_micros(9);
    });
    network.crash(wallet(A));
    network.confirm(&other);
    assert_eq!(broken(&network), [Invariant::CommitAgreement]);
}

#[test]
fn i_2_a_block_without_a_certificate() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.execute(0, &block);
    assert_eq!(broken(&network), [Invariant::ExecutedPrefix]);
}

#[test]
fn i_2_a_certificate_without_the_votes() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    for validator in 0..2 {
        network.vote(validator, &block, CertificateKind::Confirmed, ROUND);
    }
    network.confirm(&block);
    assert_eq!(broken(&network), [Invariant::ExecutedPrefix]);
}

#[test]
fn i_3_a_block_on_another_parent() {
    let (mut network, _) = paid();
    let transactions = vec![network.pay(1)];
    let block = network.block(A, transactions);
    let wrong = tampered(&block, |proposed, _| {
        proposed.previous_block_hash = Some(CryptoHash::default());
    });
    network.commit(&wrong);
    assert_eq!(broken(&network), [Invariant::ChainLinking]);
}

#[test]
fn i_3_a_gap_and_a_far_epoch() {
    let (network, block) = paid();
    let below = block.hash();
    let follow = |change: &dyn Fn(&mut protocol::block::ProposedBlock)| {
        let mut network = Network {
            chains: network.chains.clone(),
            states: network.states.clone(),
            records: network.records.clone(),
            now_us: network.now_us,
            ..Network::new()
        };
        let transactions = vec![network.pay(1)];
        let block = network.block(A, transactions);
        let wrong = tampered(&block, |proposed, _| change(proposed));
        network.votes(&wrong);
        network.confirm(&wrong);
        broken(&network)
    };
    assert_eq!(follow(&|block| block.previous_block_hash = Some(below)), []);
    let wrong = [Invariant::ChainLinking];
    assert_eq!(
        follow(&|block| block.height = crate::testing::height(3)),
        wrong
    );
    let far = [Invariant::ChainLinking, Invariant::EpochOrder];
    assert_eq!(follow(&|block| block.epoch = Epoch(2)), far);
    let equal = |block: &mut protocol::block::ProposedBlock| {
        block.timestamp = Timestamp::default();
    };
    assert_eq!(follow(&equal), [], "equal times are in order");
}

#[test]
fn i_3_time_does_not_run_backwards() {
    let (mut network, _) = paid();
    let transactions = vec![network.pay(1)];
    network.commit_new(A, transactions);
    let transactions = vec![network.pay(2)];
    let block = network.block(A, transactions);
    let wrong = tampered(&block, |proposed, _| {
        proposed.timestamp = Timestamp::from_micros(1);
    });
    network.commit(&wrong);
    assert_eq!(broken(&network), [Invariant::ChainLinking]);
}

#[test]
fn i_4_another_state_at_one_validator() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.votes(&block);
    network.confirm(&block);
    network.execute(0, &block);
    let fact = Observation::BlockExecuted {
        chain: block.chain_id(),
        height: block.height(),
        hash: block.hash(),
        state_hash: CryptoHash::default(),
    };
    network.tell(worker(1, A), fact);
    assert_eq!(broken(&network), [Invariant::Determinism]);
}

#[test]
fn i_5_a_tip_that_falls_and_one_that_leaps() {
    let (mut network, block) = paid();
    network.execute(2, &block);
    assert_eq!(broken(&network), [Invariant::TipMonotone]);

    let (mut network, _) = paid();
    let skipped = vec![network.pay(1)];
    let skipped = network.block(A, skipped);
    network.votes(&skipped);
    network.confirm(&skipped);
    let next = vec![network.pay(1)];
    let next = network.block(A, next);
    network.votes(&next);
    network.confirm(&next);
    network.execute(2, &next);
    assert_eq!(broken(&network), [Invariant::TipMonotone]);
}

#[test]
fn i_6_a_chain_opened_twice_and_one_that_nobody_opened() {
    let mut network = Network::new();
    let transactions = vec![network.open(5), network.open(5)];
    let block = network.block(A, transactions);
    let wrong = tampered(&block, |_, outcome| {
        outcome.opened[1] = outcome.opened[0].clone();
    });
    network.commit(&wrong);
    // The second one is neither new nor does it say truly which it is.
    assert_eq!(broken(&network), [Invariant::UniqueIdentity]);

    let mut network = Network::new();
    let transactions = vec![network.claim(5)];
    let block = network.block(A, transactions);
    let nowhere = tampered(&block, |proposed, outcome| {
        proposed.chain_id = ChainId(CryptoHash::of_bytes("nowhere", &[]));
        outcome.opened = vec![Vec::new()];
    });
    network.votes(&nowhere);
    network.confirm(&nowhere);
    assert_eq!(broken(&network), [Invariant::UniqueIdentity]);
}

#[test]
fn i_7_and_i_8_two_votes_in_one_round_and_rounds_that_go_back() {
    for (kind, name) in [
        (CertificateKind::Validated, Invariant::ValidatedVotes),
        (CertificateKind::Confirmed, Invariant::ConfirmedVotes),
    ] {
        let mut network = Network::new();
        let transactions = vec![network.pay(10)];
        let one = network.block(A, transactions);
        let other = tampered(&one, |proposed, _| {
            proposed.timestamp = Timestamp::from_micros(9);
        });
        network.vote(0, &one, kind, ROUND);
        network.vote(0, &one, kind, ROUND);
        assert_eq!(broken(&network), [], "the same vote again is no second one");
        network.vote(0, &other, kind, ROUND);
        assert_eq!(broken(&network), [name]);

        let mut network = Network::new();
        let transactions = vec![network.pay(10)];
        let block = network.block(A, transactions);
        network.vote(0, &block, kind, Round::MultiLeader(2));
        network.vote(0, &block, kind, Round::MultiLeader(1));
        assert_eq!(broken(&network), [name]);
    }
}

#[test]
fn i_9_a_vote_to_validate_in_the_fast_round() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.vote(1, &block, CertificateKind::Validated, Round::Fast);
    let expected = [Invariant::FastRound, Invariant::ProposerRights];
    assert_eq!(
        broken(&network),
        expected,
        "nor may a regular owner propose there"
    );
}

#[test]
fn i_12_a_vote_below_the_tip() {
    let (mut network, block) = paid();
    network.vote(0, &block, CertificateKind::Confirmed, Round::MultiLeader(1));
    assert_eq!(broken(&network), [Invariant::VoteAboveTip]);
}

#[test]
fn i_13_two_blocks_validated_in_one_round() {
    // Only votes that break I-7 can do it: three of four for one, three for the other.
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let one = network.block(A, transactions);
    let other = tampered(&one, |proposed, _| {
        proposed.timestamp = Timestamp::from_micros(9);
    });
    for validator in 0..3 {
        network.vote(validator, &one, CertificateKind::Validated, ROUND);
    }
    for validator in 1..4 {
        network.vote(validator, &other, CertificateKind::Validated, ROUND);
    }
    let both = [Invariant::ValidatedVotes, Invariant::UniqueValidated];
    assert_eq!(broken(&network), both);
}

#[test]
fn i_16_i_27_i_28_and_i_39_are_told_by_the_machine() {
    for (shape, name) in [
        (Shape::Durable, Invariant::PersistBeforeRelease),
        (Shape::Inbox, Invariant::InboxShape),
        (Shape::Outbox, Invariant::OutboxShape),
        (Shape::Notified, Invariant::Notifications),
    ] {
        let mut network = Network::new();
        let (chain, detail) = (network.chains[A], "both queues are non-empty".to_owned());
        let fact = Observation::ShapeBroken {
            chain,
            shape,
            detail,
        };
        network.tell(worker(0, A), fact);
        assert_eq!(broken(&network), [name]);
    }
}

#[test]
fn i_19_more_is_paid_than_there_is() {
    // A block that pays what its chain does not have: its outcome is what its transaction says.
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    let transaction = network.pay(150);
    let wrong = tampered(&block, |proposed, outcome| {
        proposed.transactions = vec![transaction];
        let SystemMessage::Credit { amount, .. } = &mut outcome.messages[0][0].message else {
            panic!("a payment is a credit");
        };
        *amount = Amount::from_tokens(150);
    });
    network.commit(&wrong);
    let names = broken(&network);
    assert_eq!(names[0], Invariant::NoNegativeBalance);
    // Money from nowhere breaks the sum as well.
    assert_eq!(names[1..], [Invariant::Conservation]);
}

#[test]
fn i_20_i_21_a_block_sends_more_than_it_pays() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    let wrong = tampered(&block, |_, outcome| {
        let again = outcome.messages[0][0].clone();
        outcome.messages[0].push(again);
    });
    network.commit(&wrong);
    let both = [Invariant::Conservation, Invariant::BlockConservation];
    assert_eq!(broken(&network), both);
}

#[test]
fn i_21_a_block_sends_to_another_account_than_it_pays() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    let wrong = tampered(&block, |_, outcome| {
        outcome.messages[0][0].kind = protocol::message::MessageKind::Simple;
    });
    network.commit(&wrong);
    assert_eq!(broken(&network), [Invariant::BlockConservation]);
}

#[test]
fn i_20_a_rejected_message_that_does_not_come_back_is_dropped_money() {
    // The bundle comes home and is rejected there: the protocol loses it, and the sum knows.
    let (mut network, sender) = paid();
    let rejected = network.take(&sender, B, MessageAction::Reject);
    let bouncer = network.commit_new(B, vec![rejected]);
    let again = network.take(&bouncer, A, MessageAction::Reject);
    network.commit_new(A, vec![again]);
    let invariants = watched(&network);
    assert_eq!(invariants.verdicts.violations(), []);
    assert_eq!(
        invariants.money.held(),
        Some(Amount::from_tokens(90).attos())
    );
}

#[test]
fn i_24_another_bundle_arrives_than_was_sent() {
    let mut network = Network::new();
    let transactions = vec![network.claim(10)];
    let block = network.block(A, transactions);
    network.votes(&block);
    network.confirm(&block);
    let (recipient, bundle) = &block.bundles()[0];
    let mut forged = (**bundle).clone();
    forged.timestamp = Timestamp::from_micros(77);
    network.arrive_bundle(1, (block.chain_id(), *recipient), &forged);
    assert_eq!(broken(&network), [Invariant::NoForgery]);
}

#[test]
fn i_24_a_bundle_of_no_block_arrives() {
    let mut network = Network::new();
    let transactions = vec![network.claim(10)];
    let block = network.block(A, transactions);
    network.arrive(1, &block);
    assert_eq!(broken(&network), [Invariant::NoForgery]);
}

#[test]
fn i_24_another_bundle_is_taken_in_than_was_sent() {
    let mut network = Network::new();
    let transactions = vec![network.claim(10)];
    let sender = network.commit_new(A, transactions);
    let taken = network.take(&sender, B, MessageAction::Reject);
    let block = network.block(B, vec![taken]);
    let wrong = tampered(&block, |proposed, _| {
        let Transaction::ReceiveMessages(incoming) = &mut proposed.transactions[0] else {
            panic!("it takes a bundle in");
        };
        let mut forged = (*incoming.bundle).clone();
        forged.timestamp = Timestamp::default();
        forged.messages[0].authenticated_owner = None;
        incoming.bundle = Arc::new(forged);
    });
    network.commit(&wrong);
    assert_eq!(broken(&network), [Invariant::NoForgery]);
}

/// `A` has sent two claims, which carry no money; what `B` does with them is up to the test.
fn claimed() -> (Network, [Arc<Block>; 2]) {
    let mut network = Network::new();
    let mut claim = || {
        let transactions = vec![network.claim(1)];
        network.commit_new(A, transactions)
    };
    let blocks = [claim(), claim()];
    (network, blocks)
}

/// A block of `B` that takes these bundles in, whatever execution would say.
fn taking(network: &mut Network, senders: &[&Block]) {
    let take = |sender: &&Block| network.take(sender, B, MessageAction::Reject);
    let transactions = senders.iter().map(take).collect();
    network.commit_new(B, transactions);
}

#[test]
fn i_25_a_bundle_is_taken_in_twice() {
    let (mut network, [first, second]) = claimed();
    taking(&mut network, &[&first, &second]);
    assert_eq!(broken(&network), []);
    taking(&mut network, &[&second]);
    assert_eq!(broken(&network), [Invariant::AtMostOnce]);

    let (mut network, [first, _]) = claimed();
    taking(&mut network, &[&first, &first]);
    assert_eq!(broken(&network), [Invariant::AtMostOnce]);
}

#[test]
fn i_26_bundles_are_taken_in_out_of_order() {
    let (mut network, [first, second]) = claimed();
    taking(&mut network, &[&second, &first]);
    assert_eq!(broken(&network), [Invariant::Order]);
}

#[test]
fn i_26_only_what_may_be_is_jumped_over() {
    let (mut network, [_, second]) = claimed();
    taking(&mut network, &[&second]);
    assert_eq!(broken(&network), [], "claims may be jumped over");

    let (mut network, _) = paid();
    let transactions = vec![network.pay(5)];
    let second = network.commit_new(A, transactions);
    taking(&mut network, &[&second]);
    let names = broken(&network);
    assert_eq!(names, [Invariant::Order], "payments may not");
}

#[test]
fn i_27_bundles_arrive_out_of_order_and_twice() {
    let mut network = Network::new();
    let mut sent = || {
        let transactions = vec![network.claim(1)];
        let block = network.block(A, transactions);
        network.votes(&block);
        network.confirm(&block);
        block
    };
    let (first, second) = (sent(), sent());
    network.arrive(0, &second);
    assert_eq!(broken(&network), [Invariant::InboxShape]);

    let (mut network, [first_again, _]) = (network, [first, second]);
    network.records.pop();
    network.arrive(0, &first_again);
    assert_eq!(broken(&network), []);
    network.arrive(0, &first_again);
    assert_eq!(broken(&network), [Invariant::InboxShape]);
}

#[test]
fn i_27_a_bundle_that_everybody_has_arrives_again() {
    let (mut network, [first, second]) = claimed();
    taking(&mut network, &[&first, &second]);
    network.arrive(0, &first);
    assert_eq!(broken(&network), [Invariant::InboxShape]);
}

#[test]
fn i_29_an_outbox_forgets_what_has_not_arrived() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.votes(&block);
    network.confirm(&block);
    network.arrive(0, &block);
    network.pop(0, &block);
    assert_eq!(broken(&network), []);
    network.pop(1, &block);
    assert_eq!(broken(&network), [Invariant::OutboxInboxLink]);
}

#[test]
fn i_30_two_workers_speak_for_a_chain() {
    let (mut network, _) = paid();
    let (chain, origin) = (network.chains[A], network.chains[B]);
    let recipient = chain;
    network.tell(
        worker(1, B),
        Observation::DuplicateUpdate { recipient, origin },
    );
    assert_eq!(broken(&network), [Invariant::SingleWriter]);
}

#[test]
fn a_crash_excuses_the_missing_facts_of_one_input() {
    // The worker of A at v1 crashed between saving and telling: it never told of the first block.
    let mut network = Network::new();
    let mut block = || {
        let transactions = vec![network.pay(10)];
        let block = network.block(A, transactions);
        network.votes(&block);
        network.confirm(&block);
        block
    };
    let (_, second, _, fourth) = (block(), block(), block(), block());
    network.crash(worker(0, A));
    network.execute(0, &second);
    assert_eq!(broken(&network), []);
    network.execute(0, &fourth);
    assert_eq!(
        broken(&network),
        [Invariant::TipMonotone],
        "one crash, one excuse"
    );

    // The worker of B crashed the same way: the arrival was never told.
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.votes(&block);
    network.confirm(&block);
    network.crash(worker(0, B));
    network.pop(0, &block);
    assert_eq!(broken(&network), []);
}

#[test]
fn a_block_that_its_wallet_never_told_is_unknown_and_no_contradiction() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let untold = network.block(A, transactions);
    network.votes(&untold);
    network.crash(wallet(A));
    for validator in 0..4 {
        network.execute(validator, &untold);
        network.arrive(validator, &untold);
        network.pop(validator, &untold);
    }
    let taken = network.take(&untold, B, MessageAction::Accept);
    network.commit_new(B, vec![taken]);
    let transactions = vec![network.pay(7)];
    network.commit_new(A, transactions);
    let invariants = watched(&network);
    assert_eq!(invariants.verdicts.violations(), []);
    assert_eq!(
        invariants.money.chain_balance(ChainNo(0)),
        None,
        "it is not known"
    );
    assert_eq!(invariants.money.held(), None);
    let ten = Amount::from_tokens(10).attos();
    assert_eq!(invariants.money.chain_balance(ChainNo(1)), Some(ten));

    // But a validator that has another block there contradicts the others.
    let other = tampered(&untold, |proposed, _| {
        proposed.timestamp = Timestamp::from_micros(9);
    });
    let mut network = Network::new();
    network.crash(wallet(A));
    network.execute(0, &untold);
    network.execute(1, &other);
    assert_eq!(broken(&network), [Invariant::ExecutedPrefix]);
}

#[test]
fn a_validator_that_lags_keeps_heights_open_and_others_are_forgotten() {
    let (mut network, _) = paid();
    let transactions = vec![network.pay(1)];
    let block = network.block(A, transactions);
    network.votes(&block);
    network.confirm(&block);
    for validator in 0..3 {
        network.execute(validator, &block);
    }
    let mut invariants = watched(&network);
    assert_eq!(invariants.heights.lag(3), 1);
    assert_eq!(invariants.heights.lag(0), 0);
    assert!(
        invariants.heights.open(ChainNo(0), 0, 0).is_none(),
        "everybody has executed it"
    );
    assert!(invariants.heights.open(ChainNo(0), 1, 0).is_some());
    assert_eq!(invariants.delivery.missing(0), 1);
}
