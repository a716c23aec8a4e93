//! Who can be shown to have broken the rules, from nothing but signed votes.
//!
//! Two votes of one key are the proof: for two blocks in one round, or for another block after a vote
//! to confirm, without a newer certificate that allows it. A validator that keeps the rules never
//! signs such a pair, so nobody is convicted wrongly. Execution lies are not attributable.

use std::fmt;

use protocol::{certificate::CertificateKind, round::Round};

use super::heights::{Ballot, Height};

/// What two votes of one key prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Votes of one kind for two blocks in one round.
    DoubleVote(CertificateKind, Round),
    /// A vote to validate another block above the round of a vote to confirm.
    LockViolation {
        /// Round of the vote to confirm.
        confirmed: Round,
        /// Round of the vote to validate.
        validated: Round,
    },
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoubleVote(CertificateKind::Confirmed, round) => {
                write!(f, "confirmed two blocks in round {round}")
            }
            Self::DoubleVote(_, round) => write!(f, "validated two blocks in round {round}"),
            Self::LockViolation {
                confirmed,
                validated,
            } => write!(
                f,
                "confirmed one block in round {confirmed} and validated another in {validated}"
            ),
        }
    }
}

/// The validators whose votes at this height convict them, each with the first proof.
pub(crate) fn convict(open: &Height) -> Vec<(u32, Proof)> {
    let mut convicted: Vec<(u32, Proof)> = Vec::new();
    for (at, one) in open.ballots.iter().enumerate() {
        if convicted.iter().any(|(known, _)| *known == one.validator) {
            continue;
        }
        let others = open.ballots[at + 1..].iter();
        let mut same = others.filter(|other| other.validator == one.validator);
        if let Some(proof) = same.find_map(|other| proof(one, other)) {
            convicted.push((one.validator, proof));
        }
    }
    convicted.sort_unstable_by_key(|(validator, _)| *validator);
    convicted
}

/// What two votes of one validator prove, in whatever order they were cast.
pub(super) fn proof(one: &Ballot, other: &Ballot) -> Option<Proof> {
    if one.value == other.value {
        return None;
    }
    if one.kind == other.kind {
        let voted = one.kind != CertificateKind::Timeout && one.round == other.round;
        return voted.then_some(Proof::DoubleVote(one.kind, one.round));
    }
    let (confirm, validate) = match (one.kind, other.kind) {
        (CertificateKind::Confirmed, CertificateKind::Validated) => (one, other),
        (CertificateKind::Validated, CertificateKind::Confirmed) => (other, one),
        _ => return None,
    };
    breaks_lock(confirm, validate).then_some(Proof::LockViolation {
        confirmed: confirm.round,
        validated: validate.round,
    })
}

/// Rule V4 over two votes for different blocks: a vote to validate above the round of a vote to
/// confirm needs a certificate from between.
fn breaks_lock(confirm: &Ballot, validate: &Ballot) -> bool {
    let unlocked = validate
        .unlocking
        .is_some_and(|unlocking| confirm.round < unlocking);
    confirm.round < validate.round && !unlocked
}
