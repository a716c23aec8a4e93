//! Blobs at a worker: what it has, what it waits for, and what it refuses (1.5, 4.6, 4.8, 4.10).
//!
//! Keeps I-34 and I-35: a block is executed when its blobs are here, and a blob is taken in only if a
//! pending or a certified block refers to it. The database of a validator is one, so shards tell one
//! another of what they have stored.

use std::sync::Arc;

use super::Worker;
use crate::{
    blob::{Blob, BlobId, BlobLimits},
    block::{Block, ProposedBlock},
    error::{BlockError, ExecutionError, NodeError},
    hash::CryptoHash,
    ids::{Address, ChainId, ShardIndex},
    machine::Outputs,
    observe::Observation,
    rpc::{CrossChainRequest, Packet, Response},
    sabotage::Sabotage,
    store::ContentStore,
    time::Timestamp,
};

/// What a worker knows of a blob that a certified block refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BlobState {
    /// The block.
    last_used_by: CryptoHash,
    /// Whether its bytes are here.
    stored: bool,
}

impl Worker {
    fn has_blob(&self, chain: ChainId, id: &BlobId) -> bool {
        let stored = self.blobs.get(id).is_some_and(|state| state.stored);
        if self.config.sabotage == Sabotage::BlobsUnseen {
            return true;
        }
        let pending = self.chains[&chain].pending_blobs.as_ref();
        stored || pending.is_some_and(|pending| pending.get(id).is_some())
    }

    fn missing(&self, chain: ChainId, ids: impl Iterator<Item = BlobId>) -> Vec<BlobId> {
        let mut missing: Vec<_> = ids.filter(|id| !self.has_blob(chain, id)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Step 11 of 4.6: the blobs that a proposal publishes are here. Remembers to wait for those
    /// that are not.
    pub(super) fn gather_published(
        &mut self,
        chain: ChainId,
        block: &ProposedBlock,
    ) -> Result<(), NodeError> {
        if block.published_blobs().next().is_none() {
            return Ok(());
        }
        let count = BlobLimits::DEFAULT.check_count(block.published_blobs().count());
        if self.config.sabotage != Sabotage::BlobsWithoutLimit {
            count.map_err(NodeError::Blob)?;
        }
        let state = self.chains.get_mut(&chain).expect("loaded by the caller");
        let pending = state.pending_blobs.get_or_insert_default();
        pending.expect_proposed(block.published_blobs());
        found(self.missing(chain, block.published_blobs()))
    }

    /// The blobs that a proposal refers to are here.
    pub(super) fn check_required(
        &self,
        chain: ChainId,
        block: &ProposedBlock,
    ) -> Result<(), NodeError> {
        found(self.missing(chain, block.required_blobs()))
    }

    /// The blobs that executing a proposal asked for are here. Those that it names were looked for
    /// before.
    pub(super) fn check_asked(&self, chain: ChainId, block: &Block) -> Result<(), NodeError> {
        if !block.proposed().calls_applications() {
            return Ok(());
        }
        found(self.missing(chain, block.required_blobs()))
    }

    /// 4.8: all blobs of a validated block are here. Remembers to wait for those that are not.
    pub(super) fn gather_validated(
        &mut self,
        chain: ChainId,
        block: &Block,
        out: &mut Outputs,
    ) -> Result<(), NodeError> {
        let missing = self.missing(chain, block.required_blobs());
        if !missing.is_empty() {
            let state = self.chains.get_mut(&chain).expect("loaded by the caller");
            let pending = state.pending_blobs.get_or_insert_default();
            pending.expect_validated(block.required_blobs());
            out.persist(chain);
        }
        found(missing)
    }

    /// 4.10: stores all blobs of a certified block, or remembers that it refers to them.
    pub(super) fn store_blobs_of(
        &mut self,
        chain: ChainId,
        block: &Block,
        out: &mut Outputs,
    ) -> Result<(), NodeError> {
        let missing = self.missing(chain, block.required_blobs());
        for id in &missing {
            self.blobs.entry(*id).or_insert(BlobState {
                last_used_by: block.hash(),
                stored: false,
            });
        }
        found(missing)?;
        for id in block.stored_blobs() {
            if self.config.sabotage != Sabotage::BlobsUnseen {
                self.store_blob(chain, id, block.hash(), out);
            }
        }
        Ok(())
    }

    fn store_blob(&mut self, chain: ChainId, id: BlobId, by: CryptoHash, out: &mut Outputs) {
        let new = BlobState {
            last_used_by: by,
            stored: true,
        };
        let known = self.blobs.entry(id).or_insert(BlobState {
            stored: false,
            ..new
        });
        if !known.stored {
            known.stored = true;
            out.observe(Observation::BlobStored { chain, blob: id });
        }
    }

    fn spread_blobs(&self, ids: &[BlobId], out: &mut Outputs) {
        let state = |id: &BlobId| Some((*id, self.blobs.get(id)?.last_used_by));
        let stored: Arc<[_]> = ids.iter().filter_map(state).collect();
        for shard in (0..self.config.map.shards).map(ShardIndex) {
            if shard != self.config.shard {
                let request = CrossChainRequest::StoreBlobs(stored.clone());
                let to = Address::Worker(self.config.validator, shard);
                out.send(to, Packet::CrossChain(Box::new(request)));
            }
        }
    }

    /// Tells the other shards of the blobs of a block, once that is saved. Also done when an old block
    /// comes again: what was lost on the way repairs itself so.
    pub(super) fn spread_blobs_of(&mut self, block: &Block, out: &mut Outputs) {
        let ids: Vec<_> = block.stored_blobs().collect();
        if !ids.is_empty() {
            self.spread_blobs(&ids, out);
        }
    }

    /// The blobs that this worker has stored, and what referred to them.
    pub(super) fn stored_blobs(&self) -> impl Iterator<Item = (BlobId, CryptoHash)> {
        let stored = self.blobs.iter().filter(|(_, state)| state.stored);
        stored.map(|(id, state)| (*id, state.last_used_by))
    }

    /// Another shard has stored these.
    pub(super) fn note_blobs(&mut self, stored: &[(BlobId, CryptoHash)]) {
        for (id, last_used_by) in stored {
            let state = BlobState {
                last_used_by: *last_used_by,
                stored: true,
            };
            self.blobs
                .entry(*id)
                .and_modify(|known| known.stored = true)
                .or_insert(state);
        }
    }

    /// A blob for a pending block.
    pub(super) fn handle_pending_blob(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        blob: &Arc<Blob>,
        out: &mut Outputs,
    ) -> Result<Response, NodeError> {
        BlobLimits::DEFAULT
            .check_size(blob)
            .map_err(NodeError::Blob)?;
        let takes_all = self.config.sabotage == Sabotage::BlobsOfAnybody;
        let state = self.load(now, chain)?;
        if takes_all {
            let pending = state.pending_blobs.get_or_insert_default();
            pending.expect_validated(std::iter::once(blob.id()));
        }
        let pending = state.pending_blobs.as_mut();
        let accepted = pending.and_then(|pending| pending.accept(blob).then(|| pending.len()));
        let accepted = accepted.ok_or(NodeError::UnexpectedBlob(blob.id()))?;
        let pending = u64::try_from(accepted).expect("bounded");
        out.persist(chain);
        out.observe(Observation::BlobPending {
            chain,
            blob: blob.id(),
            size: blob.size(),
            pending,
        });
        Ok(self.unsigned_info(chain))
    }

    /// A blob that a certified block refers to (E-85).
    pub(super) fn handle_blob_upload(
        &mut self,
        chain: ChainId,
        blob: &Arc<Blob>,
        out: &mut Outputs,
    ) -> Result<Response, NodeError> {
        let id = blob.id();
        let known = self.blobs.get(&id).copied();
        let known = known.ok_or(NodeError::UnexpectedBlob(id))?;
        if !known.stored {
            self.store_blob(chain, id, known.last_used_by, out);
            self.spread_blobs(&[id], out);
        }
        Ok(Response::Done)
    }

    /// The block that proves that a blob exists, if it is here.
    pub(super) fn handle_blob_download(&self, id: &BlobId, store: &dyn ContentStore) -> Response {
        let state = self.blobs.get(id).filter(|state| state.stored);
        Response::Blob(state.and_then(|state| store.certificate(&state.last_used_by)))
    }
}

/// Why a proposal cannot be executed here: what it lacks can be brought.
pub(super) fn lacking(error: BlockError) -> NodeError {
    match error {
        BlockError::Transaction {
            error: ExecutionError::MissingBlob(blob),
            ..
        } => NodeError::BlobsNotFound(vec![blob]),
        BlockError::Transaction {
            error: ExecutionError::MissingEvent(id),
            ..
        } => NodeError::StreamEventsNotFound(id),
        error => error.into(),
    }
}

fn found(missing: Vec<BlobId>) -> Result<(), NodeError> {
    if missing.is_empty() {
        Ok(())
    } else {
        Err(NodeError::BlobsNotFound(missing))
    }
}
