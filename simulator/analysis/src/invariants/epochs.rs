//! I-37 and I-38: which committee judges a block, how chains go from one epoch to the next, and which
//! messages of revoked epochs a validator takes in.
//!
//! Knows the committees from the blocks of the admin chain that were told. Where those may be
//! missing, because a wallet has crashed, nothing is said.

use std::{collections::BTreeMap, sync::Arc};

use engine::ActorId;
use protocol::{
    block::{Block, SystemOperation},
    committee::Committee as Members,
    description::{ChainDescription, ChainOrigin},
    hash::CryptoHash,
    ids::{ChainId, Epoch},
    observe::{Arrival, Observation},
};

use super::{Invariant, Stamp, Verdicts};
use crate::{
    registry::{ChainNo, PairNo, index, number, reach},
    validators::Committee,
};

/// The committee of an epoch: as checks see it, and with its keys.
#[derive(Debug)]
struct Known {
    committee: Committee,
    members: Arc<Members>,
}

/// A message of a revoked epoch has arrived, and the rest of its request has to vouch for it.
#[derive(Debug)]
struct Owed {
    stamp: Stamp,
    pair: PairNo,
    epoch: u32,
}

/// All epochs, and who knows of them.
#[derive(Debug)]
pub(crate) struct Epochs {
    admin: Option<ChainNo>,
    published: BTreeMap<CryptoHash, Arc<Members>>,
    known: Vec<Known>,
    /// By chain: the heights from which on its blocks are of a later epoch.
    switches: Vec<Vec<(u64, u32)>>,
    /// By worker: the first epoch that it does not know to be revoked.
    first_trusted: BTreeMap<ActorId, u32>,
    owed: Option<Owed>,
}

impl Epochs {
    /// The chains of the genesis have the first numbers, in this order.
    pub(crate) fn new(
        committee: Committee,
        members: Arc<Members>,
        genesis: &[(ChainId, Arc<ChainDescription>)],
    ) -> Self {
        let mut origins = genesis.iter().map(|(_, description)| description.origin);
        let admin = origins.position(|origin| origin == ChainOrigin::ADMIN);
        Self {
            admin: admin.map(|at| ChainNo(number(at))),
            published: BTreeMap::new(),
            known: vec![Known { committee, members }],
            switches: Vec::new(),
            first_trusted: BTreeMap::new(),
            owed: None,
        }
    }

    fn of(&self, epoch: u32) -> &Known {
        // An epoch that is not known is reported where its block is told.
        let last = self.known.len() - 1;
        &self.known[index(epoch).min(last)]
    }

    /// The committee of an epoch.
    pub(crate) fn committee(&self, epoch: u32) -> &Committee {
        &self.of(epoch).committee
    }

    /// The committee of an epoch, with its keys.
    pub(crate) fn members(&self, epoch: u32) -> &Arc<Members> {
        &self.of(epoch).members
    }

    /// Whether a block has created this epoch.
    pub(crate) fn is_known(&self, epoch: u32) -> bool {
        epoch < number(self.known.len())
    }

    /// Whether nothing is known of what resources cost in an epoch, in a run where they do cost.
    pub(crate) fn has_unknown_prices(&self, epoch: u32) -> bool {
        epoch >= number(self.known.len())
            && self.known.iter().any(|one| one.members.policy().is_some())
    }

    /// Whether all epochs of this run are one.
    pub(crate) fn is_one(&self) -> bool {
        self.known.len() == 1
    }

    /// A chain has one more confirmed block. `expected`: the epoch of the chain before it, if all
    /// blocks below were told. `lossy`: facts may be missing.
    pub(crate) fn block(
        &mut self,
        verdicts: &mut Verdicts,
        (chain, block): (ChainNo, &Block),
        expected: Option<u32>,
        lossy: bool,
    ) {
        let (height, epoch) = (block.height().0, block.proposed().epoch);
        let right = expected.is_none_or(|expected| expected == epoch.0);
        verdicts.check(Invariant::EpochOrder, right, || {
            format!("block {height} is of {epoch:?}, and its chain is in {expected:?}")
        });
        let known = epoch.0 < number(self.known.len());
        verdicts.check(Invariant::EpochOrder, known || lossy, || {
            format!("block {height} is of {epoch:?}, which nobody has created")
        });
        let mut next = epoch;
        for operation in block.proposed().operations() {
            self.operation(verdicts, (chain, block), operation, &mut next, lossy);
        }
        if next != epoch && !self.is_one() {
            let from = height.saturating_add(1);
            reach(&mut self.switches, chain.index()).push((from, next.0));
        }
    }

    fn operation(
        &mut self,
        verdicts: &mut Verdicts,
        (chain, block): (ChainNo, &Block),
        operation: &SystemOperation,
        current: &mut Epoch,
        lossy: bool,
    ) {
        let height = block.height();
        let is_admin = self.admin == Some(chain);
        let (to, may) = match operation {
            SystemOperation::PublishCommitteeBlob { committee } => {
                let hash = CryptoHash::of(&**committee);
                self.published.insert(hash, committee.clone());
                (None, is_admin)
            }
            SystemOperation::CreateCommittee { epoch, blob_hash } => {
                let new = epoch.0 == number(self.known.len());
                let members = self.published.get(blob_hash).cloned();
                let made = members.is_some_and(|members| self.create(members));
                (Some(*epoch), is_admin && (lossy || new && made))
            }
            SystemOperation::RemoveCommittee { epoch } => (None, is_admin && epoch < current),
            SystemOperation::ProcessNewEpoch(epoch) => {
                let created = epoch.0 < number(self.known.len());
                (Some(*epoch), !is_admin && (lossy || created))
            }
            SystemOperation::Transfer { .. }
            | SystemOperation::SendBundle(_)
            | SystemOperation::Claim { .. }
            | SystemOperation::OpenChain(_)
            | SystemOperation::ChangeOwnership(_)
            | SystemOperation::CloseChain
            | SystemOperation::Submitted(_)
            | SystemOperation::PublishDataBlob { .. }
            | SystemOperation::VerifyBlob { .. }
            | SystemOperation::PublishModule { .. }
            | SystemOperation::CreateApplication(_)
            | SystemOperation::User(_)
            | SystemOperation::UpdateStream(_)
            | SystemOperation::Approve { .. }
            | SystemOperation::TransferFrom { .. }
            | SystemOperation::ChangeApplicationPermissions(_) => return,
        };
        verdicts.check(Invariant::EpochOrder, may, || {
            format!("block {height} may not do this: {operation:?}")
        });
        if let Some(to) = to {
            let before = block.proposed().epoch;
            let follows = *current == before && before.next() == Some(to);
            verdicts.check(Invariant::EpochOrder, follows, || {
                format!("block {height} of {before:?} goes from {current:?} to {to:?}")
            });
            *current = to;
        }
    }

    fn create(&mut self, members: Arc<Members>) -> bool {
        let first = &self.known[0].committee;
        let mut weights = vec![0; first.size()];
        for member in members.validators().values() {
            if let Some(weight) = weights.get_mut(index(member.index.0)) {
                *weight = member.votes;
            }
        }
        let committee = Committee {
            weights,
            quorum: members.quorum_threshold(),
            byzantine: first.byzantine.clone(),
        };
        self.known.push(Known { committee, members });
        true
    }

    /// The epoch of a block that was told.
    fn epoch_of(&self, chain: ChainNo, height: u64) -> u32 {
        let switches = self.switches.get(chain.index());
        let before = |(from, _): &&(u64, u32)| *from <= height;
        let last = switches.and_then(|switches| switches.iter().rfind(before));
        last.map_or(0, |(_, epoch)| *epoch)
    }

    /// A chain begins in this epoch.
    pub(crate) fn opened(&mut self, chain: ChainNo, epoch: Epoch) {
        if epoch != Epoch(0) {
            reach(&mut self.switches, chain.index()).push((0, epoch.0));
        }
    }

    /// I-38: a fact of a worker. `arrived`: the pair and the origin of a bundle that it takes in.
    /// `lossy`: the fact that vouches may be missing.
    pub(crate) fn worker(
        &mut self,
        verdicts: &mut Verdicts,
        fact: &Observation,
        arrived: Option<(PairNo, ChainNo)>,
        lossy: bool,
    ) {
        let stamp = verdicts.stamp;
        if let Observation::EpochsKnown { first_trusted, .. } = fact {
            self.first_trusted.insert(stamp.actor, first_trusted.0);
        }
        if self.first_trusted.is_empty() {
            return;
        }
        let arrival = match (fact, arrived) {
            (
                Observation::BundleArrived {
                    cursor, arrival, ..
                },
                Some((pair, origin)),
            ) => Some((pair, self.epoch_of(origin, cursor.height.0), *arrival)),
            _ => None,
        };
        let of_request = |owed: &Owed| {
            let pair = arrival.is_some_and(|(pair, ..)| pair == owed.pair);
            pair && (owed.stamp.actor, owed.stamp.time) == (stamp.actor, stamp.time)
        };
        if let Some(owed) = self.owed.take_if(|owed| !of_request(owed)) {
            refuse(verdicts, &owed, lossy);
        }
        let Some((pair, epoch, arrival)) = arrival else {
            return;
        };
        let trusted = self.first_trusted.get(&stamp.actor).copied().unwrap_or(0);
        let vouches = epoch >= trusted || arrival != Arrival::Queued;
        verdicts.check(Invariant::RevokedMessages, true, String::new);
        self.owed = (!vouches).then_some(Owed { stamp, pair, epoch });
    }

    /// The run is over: nothing more vouches.
    pub(crate) fn end(&mut self, verdicts: &mut Verdicts, lossy: bool) {
        if let Some(owed) = self.owed.take() {
            refuse(verdicts, &owed, lossy);
        }
    }
}

fn refuse(verdicts: &mut Verdicts, owed: &Owed, lossy: bool) {
    if lossy {
        return;
    }
    let stamp = std::mem::replace(&mut verdicts.stamp, owed.stamp);
    let epoch = owed.epoch;
    verdicts.fails(
        Invariant::RevokedMessages,
        format!("a message of epoch {epoch} is taken in, which is revoked"),
    );
    verdicts.stamp = stamp;
}

/// The epoch of a chain after this block.
pub(super) fn epoch_after(block: &Block) -> u32 {
    let steps = block.proposed().operations().filter(|operation| {
        matches!(
            operation,
            SystemOperation::CreateCommittee { .. } | SystemOperation::ProcessNewEpoch(_)
        )
    });
    let epoch = block.proposed().epoch.0;
    epoch.saturating_add(u32::from(steps.count() > 0))
}
