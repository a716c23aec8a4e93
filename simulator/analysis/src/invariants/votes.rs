//! Votes and certificates: I-1, I-7, I-8, I-9, I-11 to I-14, I-49. Looked at vote by vote, so that a
//! conflict shows even if nobody ever gathers the votes.

use protocol::{
    block::Block,
    certificate::{CertificateKind, VotePayload},
    round::Round,
};

use super::{
    Invariant, Invariants, Verdicts,
    accountability::{Proof, convict, proof},
    grounds::{self, Cast},
    heights::Height,
};
use crate::registry::ChainNo;

impl Invariants {
    /// A validator has voted.
    pub(super) fn vote_cast(&mut self, validator: u32, chain: ChainNo, cast: &Cast<'_>) {
        let (height, payload) = (cast.height.0, cast.payload);
        let verdicts = &mut self.verdicts;
        let (round, kind) = (payload.round, payload.kind);
        // What one validator may sign says nothing of one that breaks the rules anyway; its votes
        // count all the same.
        let honest = !self.epochs.committee(0).is_byzantine(validator);
        let validates_fast = kind == CertificateKind::Validated && round.is_fast();
        verdicts.check(Invariant::FastRound, !validates_fast || !honest, || {
            format!("a vote to validate at height {height} in the fast round")
        });
        let tip = self.heights.tip(validator, chain);
        let above = verdicts.check(Invariant::VoteAboveTip, height >= tip || !honest, || {
            format!("a vote at height {height}, and the next height is {tip}")
        });
        if !above {
            return;
        }
        let epoch = self.heads.next_epoch(chain);
        let Some(open) = self.heights.open(chain, height, epoch) else {
            return;
        };
        let epoch = open.epoch;
        if honest {
            check_rounds(verdicts, open, validator, payload);
            grounds::check_rounds(verdicts, cast);
            if self.heads.next_height(chain) == height
                && let Some(owners) = self.rights.of(chain)
            {
                let superseded = self.epochs.is_known(epoch + 1) || self.losses.any();
                let members = self.epochs.members(epoch);
                grounds::check_rights(verdicts, cast, owners, members, superseded);
            }
        }
        if !self.epochs.is_one() && self.heads.next_height(chain) < height {
            // Blocks below were never told, so nobody knows whose votes count here.
            return;
        }
        let committee = self.epochs.committee(epoch);
        let quorum = committee.quorum;
        let Some((_, weight)) = open.vote(committee, validator, payload) else {
            return;
        };
        if honest {
            check_locks(verdicts, open, validator);
        }
        if weight < quorum {
            return;
        }
        let value = open.value(payload.value_hash);
        preserve_locks(verdicts, quorum, open, payload, value);
        match kind {
            CertificateKind::Timeout => {}
            CertificateKind::Validated => {
                let count = open.validated(round, quorum);
                verdicts.check(Invariant::UniqueValidated, count <= 1, || {
                    format!("{count} blocks are validated at height {height} in round {round}")
                });
            }
            CertificateKind::Confirmed => {
                let count = agree(verdicts, quorum, open);
                let convicted = (count > 1).then(|| convict(open));
                self.heights.note_certified(count);
                if let Some(convicted) = convicted {
                    self.account((height, epoch), &convicted);
                }
            }
        }
    }

    /// Two blocks are confirmed at one height: those whose votes prove it weigh a third at least, and
    /// all of them were made to break the rules.
    fn account(&mut self, (height, epoch): (u64, u32), convicted: &[(u32, Proof)]) {
        let names = convicted
            .iter()
            .map(|(validator, proof)| format!("v{} {proof}", validator + 1));
        let names = names.collect::<Vec<_>>().join("; ");
        let committee = self.epochs.committee(epoch);
        let weights = convicted.iter().map(|(one, _)| committee.weight(*one));
        let weight: u64 = weights.sum();
        let guilty = convicted
            .iter()
            .all(|(validator, _)| committee.is_byzantine(*validator));
        let least = committee.validity();
        self.verdicts
            .check(Invariant::Accountability, guilty && weight >= least, || {
                format!("height {height}: weight {weight} of {least} is convicted: {names}")
            });
        self.convicted = convicted.to_vec();
    }

    /// A wallet holds a quorum of votes. `lossless`: every vote cast was told.
    pub(super) fn certificate_formed(
        &mut self,
        chain: ChainNo,
        height: u64,
        payload: &VotePayload,
        lossless: bool,
    ) {
        let epoch = self.heads.next_epoch(chain);
        let Some(open) = self.heights.open(chain, height, epoch) else {
            return;
        };
        let value = open.value(payload.value_hash);
        if payload.kind != CertificateKind::Confirmed {
            return;
        }
        let weight = open.weight(payload.kind, payload.round, value);
        let quorum = self.epochs.committee(open.epoch).quorum;
        self.verdicts.check(
            Invariant::ExecutedPrefix,
            weight >= quorum || !lossless,
            || {
                format!(
                    "a certificate at height {height} with votes of weight {weight} of {quorum}"
                )
            },
        );
        let count = certify(&mut self.verdicts, quorum, open, value);
        self.heights.note_certified(count);
    }

    /// A wallet tells a confirmed block.
    pub(super) fn block_certified(&mut self, chain: ChainNo, block: &Block) {
        let height = block.height().0;
        let epoch = block.proposed().epoch.0;
        let Some(open) = self.heights.open(chain, height, epoch) else {
            return;
        };
        open.epoch = epoch;
        let value = open.value(block.hash());
        let quorum = self.epochs.committee(epoch).quorum;
        let count = certify(&mut self.verdicts, quorum, open, value);
        let state_hash = block.outcome().state_hash;
        let (known, state) = *open.state.get_or_insert((value, state_hash));
        self.verdicts.check(
            Invariant::Determinism,
            known != value || state == state_hash,
            || format!("block {height} says state {state_hash:?}, a validator has {state:?}"),
        );
        self.heights.note_certified(count);
    }
}

/// I-7 and I-8: one value a round, and rounds go one way; a height is handed over once.
fn check_rounds(verdicts: &mut Verdicts, open: &Height, validator: u32, payload: &VotePayload) {
    let (kind, round) = (payload.kind, payload.round);
    let invariant = match kind {
        CertificateKind::Validated => Invariant::ValidatedVotes,
        CertificateKind::Confirmed | CertificateKind::Timeout => Invariant::ConfirmedVotes,
    };
    let mine = open
        .ballots
        .iter()
        .filter(|own| own.validator == validator && own.kind == kind);
    let mut other = None;
    let mut newest: Option<Round> = None;
    for own in mine {
        if own.round == round && open.hash(own.value) != payload.value_hash {
            other = Some(own.value);
        }
        newest = newest.max(Some(own.round));
    }
    let height = open.height;
    let single = verdicts.check(invariant, other.is_none(), || {
        let first = other.map(|value| open.hash(value)).unwrap_or_default();
        let second = payload.value_hash;
        format!("votes for {first:?} and {second:?} at height {height} in round {round}")
    });
    if kind == CertificateKind::Timeout {
        let mut mine = open.ballots.iter().filter(|own| {
            own.validator == validator && own.kind == kind && own.round == Round::LAST_REGULAR
        });
        let again = round == Round::LAST_REGULAR && mine.next().is_some();
        verdicts.check(invariant, !again, || {
            format!("a second vote to hand height {height} over")
        });
    } else if single {
        verdicts.check(
            invariant,
            newest.is_none_or(|newest| newest <= round),
            || {
                let newest = newest.map(|newest| newest.to_string()).unwrap_or_default();
                format!("a vote at height {height} in round {round} after one in round {newest}")
            },
        );
    }
}

/// I-11: the newest vote of a validator against its others.
fn check_locks(verdicts: &mut Verdicts, open: &Height, validator: u32) {
    let Some((newest, before)) = open.ballots.split_last() else {
        return;
    };
    let mine = before.iter().filter(|own| own.validator == validator);
    let mut mine = mine.filter_map(|own| proof(own, newest));
    let broken = mine.find(|proof| matches!(proof, Proof::LockViolation { .. }));
    let height = open.height;
    verdicts.check(Invariant::LockRule, broken.is_none(), || {
        let proof = broken.map(|proof| proof.to_string()).unwrap_or_default();
        format!("a validator {proof} at height {height}, which the lock forbids")
    });
}

/// I-14: a quorum that has just come together, against the quorums in other rounds.
fn preserve_locks(
    verdicts: &mut Verdicts,
    quorum: u64,
    open: &Height,
    payload: &VotePayload,
    value: u16,
) {
    let round = payload.round;
    let broken = match payload.kind {
        CertificateKind::Validated => {
            open.other_has_quorum(CertificateKind::Confirmed, value, quorum, |one| one < round)
        }
        CertificateKind::Confirmed => {
            open.other_has_quorum(CertificateKind::Validated, value, quorum, |one| one > round)
        }
        CertificateKind::Timeout => return,
    };
    let height = open.height;
    verdicts.check(Invariant::LockPreservation, !broken, || {
        format!("a block is confirmed at height {height}, and another is validated later")
    });
}

/// I-1: at most one block of a height holds a certificate to confirm. Returns how many do.
fn agree(verdicts: &mut Verdicts, quorum: u64, open: &Height) -> u32 {
    let count = open.confirmed(quorum);
    verdicts.check(Invariant::CommitAgreement, count <= 1, || {
        format!("{count} blocks are confirmed at height {}", open.height)
    });
    count
}

/// A certificate to confirm is there, whatever votes were told.
fn certify(verdicts: &mut Verdicts, quorum: u64, open: &mut Height, value: u16) -> u32 {
    let first = *open.certified.get_or_insert(value);
    if first != value {
        let (one, other) = (open.hash(first), open.hash(value));
        verdicts.check(Invariant::CommitAgreement, false, || {
            format!(
                "{one:?} and {other:?} are both confirmed at height {}",
                open.height
            )
        });
        return open.confirmed(quorum).max(2);
    }
    agree(verdicts, quorum, open)
}
