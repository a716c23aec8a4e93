//! Blobs that a chain's next block waits for at one validator.
//!
//! Keeps I-35: a blob is taken in only if a proposal or a validated certificate of the next height has
//! named it, and only the newest of each is waited for, so there is a bound on what nobody has
//! certified. Knows nothing of why a block needs a blob.

use std::{collections::BTreeMap, sync::Arc};

use crate::blob::{Blob, BlobId};

/// What a proposal or certificate needs; `None`: it is not here.
type Wanted = BTreeMap<BlobId, Option<Arc<Blob>>>;

/// The blobs of a chain's next height.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PendingBlobs {
    proposed: Wanted,
    validated: Wanted,
}

impl PendingBlobs {
    /// A proposal needs these instead of what an earlier one needed.
    pub(crate) fn expect_proposed(&mut self, wanted: impl Iterator<Item = BlobId>) {
        let wanted = wanted.map(|id| (id, self.get(&id).cloned()));
        self.proposed = wanted.collect();
    }

    /// The same of a validated certificate.
    pub(crate) fn expect_validated(&mut self, wanted: impl Iterator<Item = BlobId>) {
        let wanted = wanted.map(|id| (id, self.get(&id).cloned()));
        self.validated = wanted.collect();
    }

    /// A blob that is here.
    pub fn get(&self, id: &BlobId) -> Option<&Arc<Blob>> {
        let known = [self.proposed.get(id), self.validated.get(id)];
        known.into_iter().flatten().flatten().next()
    }

    /// Takes a blob in. `false`: nobody waits for it.
    pub(crate) fn accept(&mut self, blob: &Arc<Blob>) -> bool {
        let id = blob.id();
        let mut expected = false;
        for wanted in [&mut self.proposed, &mut self.validated] {
            if let Some(slot) = wanted.get_mut(&id) {
                *slot = Some(blob.clone());
                expected = true;
            }
        }
        expected
    }

    /// How many blobs are here, each counted where it is wanted.
    pub fn len(&self) -> usize {
        let all = self.proposed.values().chain(self.validated.values());
        all.flatten().count()
    }

    /// Whether none is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
