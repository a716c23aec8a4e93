//! Votes that nothing allows, and certificates that are none: each breach is caught by the statement
//! that is named after it.

use std::collections::BTreeMap;

use protocol::{
    TimeDelta,
    certificate::{CertificateKind, LiteCertificate, Vote},
    committee::{Committee, ValidatorState},
    ids::ValidatorIndex,
    observe::{Ground, Observation},
    round::Round,
    signature::{SignatureScheme, SigningKey},
};

use super::{Invariant, Verdicts, grounds, tests::broken};
use crate::testing::{A, B, Network, ROUND, key, payload, worker};

const CONFIRMED: CertificateKind = CertificateKind::Confirmed;
const VALIDATED: CertificateKind = CertificateKind::Validated;

/// What one vote on a block of `A` breaks.
#[track_caller]
fn check_vote(kind: CertificateKind, round: Round, ground: Ground, expected: &[Invariant]) {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.vote_on(0, &block, payload(block.hash(), kind, round), ground);
    assert_eq!(broken(&network), expected);
}

#[test]
fn i_9_a_regular_owners_fast_block_is_confirmed() {
    let ground = Ground::Proposal(key(A).public().owner());
    let broken = [Invariant::FastRound, Invariant::ProposerRights];
    check_vote(CONFIRMED, Round::Fast, ground, &broken);
}

#[test]
fn i_10_a_block_is_confirmed_that_nobody_validated() {
    let ground = Ground::Proposal(key(A).public().owner());
    let broken = [Invariant::FastRound, Invariant::ConfirmValidated];
    check_vote(CONFIRMED, ROUND, ground, &broken);
}

#[test]
fn i_12_a_vote_comes_before_its_round() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.tell(
        worker(0, A),
        Observation::VoteCast {
            chain: block.chain_id(),
            height: block.height(),
            payload: payload(block.hash(), VALIDATED, Round::MultiLeader(1)),
            current_round: ROUND,
            ground: Ground::Proposal(key(A).public().owner()),
        },
    );
    assert_eq!(broken(&network), [Invariant::VoteAboveTip]);
}

#[test]
fn i_15_a_round_is_voted_to_be_over_with_time_left() {
    let ground = Ground::Timer(TimeDelta::from_secs(1));
    let last = Round::MultiLeader(4);
    check_vote(
        CertificateKind::Timeout,
        last,
        ground,
        &[Invariant::TimeoutVotes],
    );
}

#[test]
fn i_15_a_round_without_a_timer_is_voted_to_be_over() {
    let ground = Ground::Timer(TimeDelta::default());
    check_vote(
        CertificateKind::Timeout,
        ROUND,
        ground,
        &[Invariant::TimeoutVotes],
    );
}

#[test]
fn i_18_a_stranger_gets_a_vote() {
    let ground = Ground::Proposal(key(B).public().owner());
    check_vote(VALIDATED, ROUND, ground, &[Invariant::ProposerRights]);
}

#[test]
fn i_17_a_vote_says_that_a_later_round_is_the_first() {
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    let mut payload = payload(block.hash(), CONFIRMED, Round::MultiLeader(1));
    payload.first_round = true;
    network.vote_on(0, &block, payload, Ground::Certificate);
    assert_eq!(broken(&network), [Invariant::CertificateForm]);
}

#[test]
fn i_17_certificates_need_distinct_members_and_a_quorum() {
    let keys: Vec<_> = (0u8..5)
        .map(|index| SigningKey::from_seed(SignatureScheme::Modeled, &[index + 1; 32]))
        .collect();
    let members = keys.iter().take(4).zip(0..);
    let committee = Committee::new(BTreeMap::from_iter(members.map(|(key, index)| {
        let index = ValidatorIndex(index);
        (key.public(), ValidatorState { index, votes: 1 })
    })));
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    let payload = payload(block.hash(), CONFIRMED, ROUND);
    let holds = |signers: &[usize]| {
        let votes = signers
            .iter()
            .map(|signer| Vote::new(payload, &keys[*signer]));
        let lite = LiteCertificate {
            chain_id: block.chain_id(),
            payload,
            signatures: votes.map(|vote| (vote.key, vote.signature)).collect(),
        };
        let certificate = protocol::certificate::BlockCertificate::new(block.clone(), lite);
        let mut verdicts = Verdicts::default();
        let certificate = certificate.expect("it is of this block");
        grounds::check_certificate(&mut verdicts, &certificate, &committee);
        verdicts.violations().is_empty()
    };
    assert!(holds(&[0, 1, 2]));
    assert!(!holds(&[0, 1]), "no quorum");
    assert!(!holds(&[0, 1, 1]), "one signs twice");
    assert!(!holds(&[0, 1, 4]), "an outsider");
}
