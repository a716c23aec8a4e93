//! The lives of messages in small traces, and the table of codes.

use std::collections::{BTreeMap, BTreeSet};

use engine::NetworkFact;
use protocol::{
    block::Block,
    error::NodeError,
    message::MessageAction,
    observe::{Letter, Observation},
};
use trace::Event;

use super::*;
use crate::testing::{A, B, Network, directory, wallet, worker};

fn lives(network: &Network, handle: &str) -> Vec<Life> {
    let names = [(network.chains[A], "A"), (network.chains[B], "B")];
    let names: BTreeMap<_, _> = names.map(|(id, name)| (id, name.to_owned())).into();
    let handle = Handle::parse(handle).expect("a handle");
    let mut lives = Lives::new(directory(), names, handle).expect("both chains are known");
    network
        .records
        .iter()
        .for_each(|record| lives.record(record));
    lives.finish()
}

fn code_of(network: &Network, handle: &str) -> &'static str {
    lives(network, handle)[0].code
}

/// `A` has paid `B`, and all validators have the block.
fn sent() -> (Network, std::sync::Arc<Block>) {
    let mut network = Network::new();
    let pay = network.pay(10);
    let block = network.block(A, vec![pay]);
    network.propose(&block, None);
    network.votes(&block);
    network.confirm(&block);
    (network, block)
}

#[test]
fn handles_are_read_in_both_ways_and_written_in_one() {
    for (text, same) in [
        ("A:3/0", "A:3/0"),
        ("A@3:0", "A:3/0"),
        ("user/7:3", "user/7:3"),
        ("user/7@3", "user/7:3"),
        ("A -> user/7", "A->user/7"),
    ] {
        let handle = Handle::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        assert_eq!(handle.to_string(), same);
    }
    for wrong in ["A", "A:", "A:x", "A:1/x", ":1", "->B", "A->", ""] {
        assert!(Handle::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn codes_are_complete_and_none_is_given_twice() {
    let names: BTreeSet<_> = CODES.iter().map(|(_, code)| code.name).collect();
    assert_eq!(names.len(), CODES.len());
    let document = include_str!("../../../../docs/DIAGNOSTICS.md");
    for (_, code) in CODES {
        let row = format!(
            "| {} | {} | {} | {} |",
            code.name, code.title, code.meaning, code.remedy
        );
        assert!(document.contains(&row), "docs/DIAGNOSTICS.md lacks: {row}");
    }
    assert_eq!(code("m-03").map(|code| code.name), Some("M-03"));
    assert_eq!(code("M-99"), None);
}

#[test]
fn what_was_never_sent() {
    let (network, _) = sent();
    assert_eq!(code_of(&network, "A:1"), "M-01");
    assert_eq!(code_of(&network, "B->A"), "M-01");
    assert_eq!(code_of(&network, "A:0/7"), "M-02");
}

#[test]
fn what_is_on_its_way_waits_and_is_taken_in() {
    let (mut network, block) = sent();
    assert_eq!(code_of(&network, "A:0/0"), "M-11", "nobody has the block");
    for validator in 0..4 {
        network.execute(validator, &block);
    }
    assert_eq!(code_of(&network, "A:0/0"), "M-16");
    for validator in 0..4 {
        network.arrive(validator, &block);
    }
    assert_eq!(code_of(&network, "A->B"), "M-20");
    let take = network.take(&block, B, MessageAction::Accept);
    let taking = network.block(B, vec![take]);
    network.propose(&taking, None);
    assert_eq!(code_of(&network, "A->B"), "M-25");
    network.votes(&taking);
    network.confirm(&taking);
    assert_eq!(code_of(&network, "A->B"), "M-30");
}

#[test]
fn a_rejected_payment_says_why_and_is_followed_home() {
    let (mut network, block) = sent();
    let (chain, origin) = (network.chains[B], network.chains[A]);
    let cursor = block.bundles()[0].1.cursor();
    let reason = "no room".to_owned();
    network.tell(
        wallet(B),
        Observation::BundleRejected {
            chain,
            origin,
            cursor,
            reason,
        },
    );
    let take = network.take(&block, B, MessageAction::Reject);
    let rejecting = network.commit_new(B, vec![take]);
    let life = &lives(&network, "A:0/0")[0];
    assert_eq!(life.code, "M-32");
    assert!(life.headline.contains("no room"), "{}", life.headline);
    assert!(
        life.headline.contains("not taken it back"),
        "{}",
        life.headline
    );
    let take = network.take(&rejecting, A, MessageAction::Accept);
    network.commit_new(A, vec![take]);
    let life = &lives(&network, "A:0/0")[0];
    assert!(
        life.headline.contains("A:1 has taken it back"),
        "{}",
        life.headline
    );
}

#[test]
fn what_is_jumped_over_is_gone() {
    let mut network = Network::new();
    let claim = network.claim(1);
    network.commit_new(A, vec![claim]);
    let claim = network.claim(2);
    let second = network.commit_new(A, vec![claim]);
    let take = network.take(&second, B, MessageAction::Reject);
    network.commit_new(B, vec![take]);
    assert_eq!(code_of(&network, "A:0"), "M-33");
    assert_eq!(code_of(&network, "A:1"), "M-31");
    assert_eq!(lives(&network, "A->B").len(), 2);
}

/// What is told of `A`'s update to `B` at all validators gives this cause.
fn cause(told: impl Fn(&mut Network, u32, (ChainId, ChainId))) -> &'static str {
    let (mut network, block) = sent();
    let pair = (network.chains[A], network.chains[B]);
    for validator in 0..4 {
        network.execute(validator, &block);
        told(&mut network, validator, pair);
    }
    code_of(&network, "A:0/0")
}

#[test]
fn every_cause_has_its_code() {
    let refused = |error: NodeError| {
        cause(|network, validator, (origin, recipient)| {
            let error = error.clone();
            network.tell(
                worker(validator, B),
                Observation::UpdateRefused {
                    recipient,
                    origin,
                    error,
                },
            );
        })
    };
    let unknown = NodeError::InactiveChain(Network::new().chains[B]);
    assert_eq!(refused(unknown), "M-06");
    assert_eq!(
        refused(NodeError::RevokedEpoch(protocol::ids::Epoch(0))),
        "M-10"
    );
    assert_eq!(refused(NodeError::BatchRolledBack), "M-13");
    let dropped = cause(|network, validator, (sender, recipient)| {
        let fact = Observation::UpdateDropped { sender, recipient };
        network.tell(worker(validator, A), fact);
    });
    assert_eq!(dropped, "M-08");
    let given_up = cause(|network, validator, (sender, recipient)| {
        let fact = Observation::UpdateAbandoned { sender, recipient };
        network.tell(worker(validator, A), fact);
    });
    assert_eq!(given_up, "M-09");
    let crashed = cause(|network, validator, _| network.crash(worker(validator, A)));
    assert_eq!(crashed, "M-05", "and nobody has started it again");
    let restarted = cause(|network, validator, _| {
        network.crash(worker(validator, A));
        network.record(worker(validator, A), Event::Network(NetworkFact::Restarted));
    });
    assert_eq!(restarted, "M-15");
}

fn lose(network: &mut Network, validator: u32, letter: Letter, fact: NetworkFact) {
    let (from, to) = match letter {
        Letter::Confirmation => (B, A),
        Letter::Update | Letter::Reversal => (A, B),
    };
    let actor = match fact {
        NetworkFact::ToDownNode { .. } => worker(validator, to),
        _ => worker(validator, from),
    };
    let (sender, recipient) = (network.chains[A], network.chains[B]);
    network.record(actor, Event::Network(fact));
    network.now_us -= 1;
    let lost = Observation::CrossChainLost {
        sender,
        recipient,
        letter,
        height: crate::testing::height(0),
    };
    network.tell(actor, lost);
}

#[test]
fn what_the_network_loses_is_told_apart() {
    let to = worker(0, B);
    let partitioned = NetworkFact::Partitioned {
        to,
        number: 1,
        rule: 0,
    };
    let cut = cause(|network, validator, _| {
        lose(network, validator, Letter::Update, partitioned);
    });
    assert_eq!(cut, "M-04");
    let down = NetworkFact::ToDownNode {
        from: worker(0, A),
        number: 1,
    };
    let down = cause(|network, validator, _| lose(network, validator, Letter::Update, down));
    assert_eq!(down, "M-05");
}

#[test]
fn a_lost_confirmation_shows_although_the_message_is_there() {
    let (mut network, block) = sent();
    for validator in 0..4 {
        network.execute(validator, &block);
        network.arrive(validator, &block);
    }
    let to = worker(2, A);
    lose(
        &mut network,
        2,
        Letter::Confirmation,
        NetworkFact::Lost { to, number: 1 },
    );
    let life = &lives(&network, "A:0/0")[0];
    assert_eq!(life.code, "M-20");
    assert!(
        life.headline.contains("; at v3 M-03, "),
        "{}",
        life.headline
    );
    assert_eq!(life.places[2].code, Some("M-03"));
    assert_eq!(life.places[1].code, None);
}

#[test]
fn a_recipient_that_is_away_has_a_code() {
    let (mut network, block) = sent();
    for validator in 0..4 {
        network.execute(validator, &block);
        network.arrive(validator, &block);
    }
    network.crash(wallet(B));
    assert_eq!(code_of(&network, "A:0/0"), "M-22");
}
