//! Events of other chains at a worker: which it knows, and telling the other shards.
//!
//! Keeps: an event is known here only if a confirmed block holds it. The database of a validator is
//! one, so shards tell one another; what is lost on the way is told again when a block comes again.

use std::sync::Arc;

use super::Worker;
use crate::{
    application::description::StreamId,
    block::Block,
    ids::{Address, ChainId, ShardIndex},
    machine::Outputs,
    outside::number_of,
    round::Round,
    rpc::{CrossChainRequest, Packet, Response},
    store::ContentStore,
    streams::{EventRun, Knowledge, runs_of},
};

/// Blocks that are sent in one answer.
const BLOCKS_AT_ONCE: usize = 100;

impl Worker {
    /// What this worker knows of the rest of the world when it looks at a block of this round.
    pub(super) fn outside<'a>(
        &'a self,
        round: Round,
        store: &'a dyn ContentStore,
    ) -> Knowledge<'a> {
        Knowledge {
            events: &self.events,
            web: &self.config.web,
            round: number_of(round),
            store,
        }
    }

    /// These events exist.
    pub(super) fn note_events(&mut self, runs: &[EventRun]) {
        for run in runs {
            self.events.note(run);
        }
    }

    /// Tells the other shards of the events of a block.
    pub(super) fn spread_events_of(&self, block: &Block, out: &mut Outputs) {
        let runs: Arc<[_]> = runs_of(block).into();
        if runs.is_empty() {
            return;
        }
        for shard in (0..self.config.map.shards).map(ShardIndex) {
            if shard != self.config.shard {
                let request = CrossChainRequest::StoreEvents(runs.clone());
                let to = Address::Worker(self.config.validator, shard);
                out.send(to, Packet::CrossChain(Box::new(request)));
            }
        }
    }

    /// The blocks that hold events of a stream.
    pub(super) fn handle_event_download(
        &self,
        chain: ChainId,
        (stream, from): &(StreamId, u32),
        store: &dyn ContentStore,
    ) -> Response {
        let blocks = self.events.blocks_from(chain, stream, *from);
        let found = blocks.filter_map(|block| store.certificate(&block));
        Response::Certificates(found.take(BLOCKS_AT_ONCE).collect())
    }
}
