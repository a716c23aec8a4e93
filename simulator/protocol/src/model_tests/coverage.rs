//! What the sequences reach: names of reasons and flaws, and a test that each of them is met.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    Run,
    actions::{self, Action, Flaw, Retry},
};
use crate::{blob::BlobError, certificate::CertificateKind, error::NodeError};

/// A refusal after which the round of a signed proposal counts nevertheless (4.6).
pub(super) const fn is_recorded(error: &NodeError) -> bool {
    matches!(
        error,
        NodeError::HasIncompatibleConfirmedVote(_)
            | NodeError::InvalidTimestamp { .. }
            | NodeError::MissingCrossChainUpdates(_)
            | NodeError::BlobsNotFound(_)
            | NodeError::Blob(BlobError::TooManyPublishedBlobs { .. })
            | NodeError::Inbox { .. }
            | NodeError::Block(_)
    )
}

/// The name of a reason.
pub(super) fn reason(error: &NodeError) -> String {
    format!("refused: {}", error.name())
}

/// The name of what is wrong with a message.
pub(super) fn flaw_of(action: &Action) -> Option<String> {
    let (message, flaw) = match action {
        Action::Propose { retry, flaw, .. } => match retry {
            Retry::Fresh => (FRESH, *flaw),
            Retry::Fast(_) => (FAST_RETRY, *flaw),
            Retry::Regular(..) => (REGULAR_RETRY, *flaw),
        },
        Action::Certify { kind, flaw, .. } if *kind == CertificateKind::Validated => {
            (VALIDATED, *flaw)
        }
        Action::Certify { flaw, .. } => (CONFIRMED, *flaw),
        Action::EndRound { flaw, .. } => (TIMEOUT, *flaw),
        Action::AskToEnd { flaw, .. } => (REQUEST, *flaw),
        Action::AskToTakeOver(flaw) => (TAKE_OVER, *flaw),
        _ => return None,
    };
    flaw.map(|flaw| name_of(message, flaw))
}

const FRESH: &str = "a fresh proposal";
const FAST_RETRY: &str = "a retry of a fast block";
const REGULAR_RETRY: &str = "a retry of a validated block";
const VALIDATED: &str = "a validated certificate";
const CONFIRMED: &str = "a confirmed certificate";
const TIMEOUT: &str = "a timeout certificate";
const REQUEST: &str = "a request to end a round";
const TAKE_OVER: &str = "a request to hand a height over";

fn name_of(message: &str, flaw: Flaw) -> String {
    format!("mangled: {message}: {flaw:?}")
}

/// Every rule that the reference names.
const RULES: &[&str] = &[
    "V0: the same again",
    "V1: earlier rounds are over",
    "V1: later rounds only when they are current",
    "V1: only super owners leave the fast round",
    "V2: one vote to validate a round",
    "V3: above the lock",
    "V4 refuses, and the round counts",
    "V4: another block with a newer certificate",
    "V4: no fast block after a later vote",
    "V4: no other block without a newer certificate",
    "V4: no other fast block",
    "V4: not the same block with an older certificate",
    "V4: nothing fresh",
    "V4: the fast block again",
    "V4: the same block with its certificate",
    "V5: the last height stays empty",
    "a blob is taken in",
    "a bundle arrives",
    "a proposal waits for its time",
    "confirmed: above the tip",
    "confirmed: and the one above it",
    "confirmed: at the tip",
    "confirmed: below the tip",
    "the blob is here",
    "the height is handed over already",
    "the same vote to end a round again",
    "the same vote to hand a height over again",
    "timeout: known already",
    "timeout: of an earlier round",
    "timeout: the next round",
    "too early to hand a height over",
    "validated: below the vote to validate",
    "validated: confirmed already",
    "validated: locks without a vote",
    "validated: not above the lock",
    "validated: vote to confirm",
    "vote for a fast proposal",
    "vote for a fresh proposal",
    "vote for a retry of a fast block",
    "vote for a retry of the lock",
    "vote for a retry that unlocks",
    "vote to end a round",
    "vote to hand a height over",
];

/// What happens beyond rules, reasons and flaws.
const EVENTS: &[&str] = &[
    "crashes",
    "done",
    "steps",
    "votes",
    "votes saved in a crash",
];

/// All that must be met.
fn expected() -> BTreeSet<String> {
    let proposals = Flaw::OF_PROPOSALS;
    let flaws = [
        (FRESH, proposals),
        (FAST_RETRY, proposals),
        (FAST_RETRY, Flaw::OF_FAST_RETRIES),
        (REGULAR_RETRY, proposals),
        (REGULAR_RETRY, Flaw::OF_REGULAR_RETRIES),
        (VALIDATED, Flaw::OF_CERTIFICATES),
        (CONFIRMED, Flaw::OF_CERTIFICATES),
        (TIMEOUT, Flaw::OF_TIMEOUTS),
        (REQUEST, Flaw::OF_REQUESTS),
        (TAKE_OVER, Flaw::OF_REQUESTS),
    ];
    let flaws = flaws
        .into_iter()
        .flat_map(|(message, flaws)| flaws.iter().map(|flaw| name_of(message, *flaw)));
    // No block here reads an epoch or calls an application, and none is revoked, and no wallet is told
    // of a batch; those have tests of their own.
    let elsewhere = [
        "BatchRolledBack",
        "FastBlockUsingOracles",
        "FirstRoundViolation",
        "RevokedEpoch",
        "StreamEventsNotFound",
    ];
    let reasons = NodeError::NAMES
        .iter()
        .filter(|name| !elsewhere.contains(name));
    let reasons = reasons.map(|name| format!("refused: {name}"));
    let others = RULES.iter().chain(EVENTS).map(|name| (*name).to_owned());
    flaws.chain(reasons).chain(others).collect()
}

#[test]
fn the_sequences_reach_every_rule_every_reason_and_every_flaw() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut tally: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..1_500 {
        let tree = actions::run().new_tree(&mut runner).expect("no filters");
        let (setting, steps) = tree.current();
        let mut run = Run::new(setting);
        steps.iter().for_each(|step| run.step(step));
        for (name, count) in run.tally {
            *tally.entry(name).or_default() += count;
        }
    }
    let met: BTreeSet<_> = tally.keys().cloned().collect();
    assert_eq!(met, expected(), "{tally:#?}");
}
