//! What the admin chain says of epochs: which committees follow the first one, and which epochs are
//! over for good.
//!
//! A part of the admin chain's execution state, and what every node remembers of it. A node learns
//! it from confirmed blocks of the admin chain only, so any two nodes know the same, one of them
//! perhaps less of it.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    committee::Committee, genesis::Genesis, hash::CryptoHash, ids::Epoch, time::Timestamp,
};

/// The epochs after the first.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Epochs {
    /// Committees that were published, by the hash of their blob.
    published: BTreeMap<CryptoHash, Arc<Committee>>,
    /// The committees of the epochs 1, 2, ..., and since when they are.
    created: Vec<(Arc<Committee>, Timestamp)>,
    /// How many epochs are revoked: those below this one.
    revoked: u32,
}

impl Epochs {
    /// The newest epoch.
    pub fn newest(&self) -> Epoch {
        Epoch(u32::try_from(self.created.len()).expect("one block creates one epoch at most"))
    }

    /// The committee of `epoch`, also if it is revoked; `None` if the epoch is unknown.
    pub fn committee<'a>(
        &'a self,
        genesis: &'a Genesis,
        epoch: Epoch,
    ) -> Option<&'a Arc<Committee>> {
        match epoch.0.checked_sub(1) {
            None => Some(genesis.committee()),
            Some(index) => Some(&self.created.get(usize::try_from(index).ok()?)?.0),
        }
    }

    /// The timestamp of the block that has created `epoch`; `None` of the first one, and of those
    /// that are unknown.
    pub fn created_at(&self, epoch: Epoch) -> Option<Timestamp> {
        let index = usize::try_from(epoch.0.checked_sub(1)?).ok()?;
        Some(self.created.get(index)?.1)
    }

    /// Whether blocks of `epoch` no longer prove anything by themselves (7.4).
    pub const fn is_revoked(&self, epoch: Epoch) -> bool {
        epoch.0 < self.revoked
    }

    /// The first epoch that is not revoked.
    pub const fn first_trusted(&self) -> Epoch {
        Epoch(self.revoked)
    }

    /// Whether `self` says more than `other`.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        (self.created.len(), self.revoked) > (other.created.len(), other.revoked)
    }

    /// Keeps the blob of a committee.
    pub(crate) fn publish(&mut self, committee: Arc<Committee>) -> CryptoHash {
        let hash = CryptoHash::of(&*committee);
        self.published.insert(hash, committee);
        hash
    }

    /// Makes a published committee that of the next epoch, which is since `now`. `false`: nobody has
    /// published it.
    pub(crate) fn create(&mut self, blob_hash: &CryptoHash, now: Timestamp) -> bool {
        let committee = self.published.get(blob_hash);
        let created = committee.cloned().map(|committee| (committee, now));
        self.created.extend(created);
        committee.is_some()
    }

    /// Revokes the next epoch.
    pub(crate) const fn remove_next(&mut self) {
        self.revoked += 1;
    }
}
