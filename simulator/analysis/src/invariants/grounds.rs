//! I-9, I-10, I-12, I-15, I-17 and I-18: what each single vote rests on, and what each certificate
//! that is told holds.
//!
//! Knows who owns a chain at its next height, from the blocks that were told; where those may be
//! missing, or a height is another, nothing is said about rights.

use std::sync::Arc;

use protocol::{
    Timestamp,
    application::activity::Changed,
    block::{Block, SystemOperation, Transaction},
    certificate::{BlockCertificate, CertificateKind, VotePayload},
    committee::Committee,
    description::ChainDescription,
    ids::{BlockHeight, ChainId},
    manager::ChainManager,
    observe::Ground,
    ownership::ChainOwnership,
    round::Round,
};

use super::{
    Invariant, Verdicts,
    actions::{self, Known},
};
use crate::registry::{ChainNo, Registry, reach};

/// A vote with its circumstances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cast<'a> {
    pub(crate) chain: ChainId,
    pub(crate) height: BlockHeight,
    pub(crate) payload: &'a VotePayload,
    pub(crate) current_round: Round,
    pub(crate) ground: Ground,
}

/// Who owns each chain at its next height.
#[derive(Debug)]
pub(crate) struct Rights {
    ownership: Vec<Option<Arc<ChainOwnership>>>,
}

impl Rights {
    /// The chains of the genesis have the first numbers, in this order.
    pub(crate) fn new(genesis: &[(ChainId, Arc<ChainDescription>)]) -> Self {
        let owners = |(_, description): &(ChainId, Arc<ChainDescription>)| {
            Some(description.config.ownership.clone())
        };
        Self {
            ownership: genesis.iter().map(owners).collect(),
        }
    }

    /// Takes in what a confirmed block says of owners.
    pub(crate) fn block(
        &mut self,
        chain: ChainNo,
        block: &Block,
        known: Known<'_>,
        registry: &mut Registry,
    ) {
        let owners = reach(&mut self.ownership, chain.index());
        for (at, step) in block.proposed().transactions.iter().enumerate() {
            if let Transaction::ExecuteOperation(SystemOperation::ChangeOwnership(ownership)) = step
            {
                *owners = Some(Arc::new((**ownership).clone()));
            }
            let changes = known.told().into_iter();
            for change in changes.flat_map(|activity| actions::changes_of(activity, at)) {
                if let Changed::Ownership(ownership) = &change.what {
                    *owners = Some(ownership.clone());
                }
            }
        }
        if known.told().is_none() {
            // Its applications may have changed them.
            *owners = None;
        }
        for description in block.opened() {
            let child = registry.chain(&description.id());
            *reach(&mut self.ownership, child.index()) = Some(description.config.ownership.clone());
        }
    }

    /// The owners of a chain at its next height.
    pub(crate) fn of(&self, chain: ChainNo) -> Option<&Arc<ChainOwnership>> {
        self.ownership.get(chain.index())?.as_ref()
    }
}

/// What a vote says about rounds, whoever owns the chain.
pub(crate) fn check_rounds(verdicts: &mut Verdicts, cast: &Cast<'_>) {
    let (height, round, kind) = (cast.height, cast.payload.round, cast.payload.kind);
    let current = cast.current_round;
    let hands_over = matches!(cast.ground, Ground::Fallback(_));
    // A vote to hand the height over is of the last round of owners, whichever they are in.
    let in_order = if hands_over {
        current <= Round::LAST_REGULAR
    } else {
        round <= current
    };
    verdicts.check(Invariant::VoteAboveTip, in_order, || {
        format!("a vote at height {height} in round {round}, and the current round is {current}")
    });
    if kind == CertificateKind::Confirmed && !round.is_fast() {
        let vouched = cast.ground == Ground::Certificate && round == current;
        verdicts.check(Invariant::ConfirmValidated, vouched, || {
            let ground = cast.ground;
            format!("height {height} is confirmed in round {round} of {current} for {ground:?}")
        });
    }
    if let Ground::Timer(left) = cast.ground {
        let over = left.micros() == 0 && round == current;
        verdicts.check(Invariant::TimeoutVotes, over, || {
            let left = left.micros();
            format!("round {round} of {current} is voted to be over with {left} us left")
        });
    }
    if let Ground::Fallback(left) = cast.ground {
        let last = kind == CertificateKind::Timeout && round == Round::LAST_REGULAR;
        verdicts.check(Invariant::TimeoutVotes, last && left.micros() == 0, || {
            let left = left.micros();
            format!("height {height} is handed over in round {round} with {left} us left")
        });
    }
}

/// What the owners at this height allow. `superseded`: whether the chain's epoch has a successor.
pub(crate) fn check_rights(
    verdicts: &mut Verdicts,
    cast: &Cast<'_>,
    owners: &Arc<ChainOwnership>,
    committee: &Committee,
    superseded: bool,
) {
    let (height, round, kind) = (cast.height, cast.payload.round, cast.payload.kind);
    if let Ground::Proposal(owner) = cast.ground {
        let manager = ChainManager::new(owners.clone(), Timestamp::default());
        let may = manager.can_propose((cast.chain, height), &owner, round, committee);
        verdicts.check(Invariant::ProposerRights, may, || {
            format!("{owner} may not propose at height {height} in round {round}")
        });
        let fast = kind == CertificateKind::Confirmed;
        let by_super = owners.super_owners.contains(&owner);
        verdicts.check(
            Invariant::FastRound,
            !fast || (by_super && round.is_fast()),
            || format!("a proposal of {owner} at height {height} in round {round} is confirmed"),
        );
    }
    if matches!(cast.ground, Ground::Timer(_)) {
        let timed = owners.round_timeout(round).is_some();
        verdicts.check(Invariant::TimeoutVotes, timed, || {
            format!("round {round} at height {height} has no timer and is voted to be over")
        });
    }
    if matches!(cast.ground, Ground::Fallback(_)) {
        let allowed = owners.timeout_config.fallback_duration.is_some();
        verdicts.check(Invariant::TimeoutVotes, allowed && superseded, || {
            format!(
                "height {height} is handed over: its owners allow it: {allowed}, there is a later \
                 epoch: {superseded}"
            )
        });
    }
    if kind == CertificateKind::Confirmed {
        let first = round == owners.first_round();
        let says = cast.payload.first_round;
        verdicts.check(Invariant::CertificateForm, says == first, || {
            format!("a vote at height {height} in round {round} says that it is the first: {says}")
        });
    }
}

/// I-17: distinct members of the committee sign one payload, and they are a quorum.
pub(crate) fn check_certificate(
    verdicts: &mut Verdicts,
    certificate: &BlockCertificate,
    committee: &Committee,
) {
    let signers = &certificate.lite().signatures;
    let mut keys: Vec<_> = signers.iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys.dedup();
    let members = keys.iter().all(|key| committee.weight(key) > 0);
    let weight: u64 = keys.iter().map(|key| committee.weight(key)).sum();
    let quorum = committee.quorum_threshold();
    let holds = keys.len() == signers.len() && members && weight >= quorum;
    verdicts.check(Invariant::CertificateForm, holds, || {
        let height = certificate.block().height();
        format!(
            "{} signers of weight {weight} of {quorum} certify height {height}",
            signers.len()
        )
    });
}
