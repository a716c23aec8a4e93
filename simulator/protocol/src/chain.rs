//! The state of one chain at one node: what follows from its blocks, the consensus of its next
//! height, and its inboxes and outboxes.
//!
//! Keeps I-24 to I-28: each bundle arrives once and in order, outbox counters count outboxes. Pure
//! bookkeeping: who may ask for a change is decided by the worker.

use std::sync::Arc;

use crate::{
    block::{Block, ProposedBlock},
    description::ChainDescription,
    error::{InboxError, NodeError},
    execution::ExecutionState,
    hash::CryptoHash,
    ids::{BlockHeight, ChainId, Epoch},
    inbox::{Added, Inbox, Removed},
    manager::ChainManager,
    message::MessageBundle,
    observe::{Arrival, Shape},
    outbox::Outbox,
    pending_blobs::PendingBlobs,
    sabotage::Sabotage,
    small_map::SmallMap,
    store::{ContentStore, Executed},
    time::Timestamp,
};

/// One chain at one node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainState {
    /// What follows from its blocks.
    pub execution: Arc<ExecutionState>,
    /// The consensus of its next height.
    pub manager: ChainManager,
    inboxes: SmallMap<ChainId, Inbox>,
    outboxes: SmallMap<ChainId, Outbox>,
    outbox_counters: SmallMap<BlockHeight, u32>,
    received_log: Vec<(ChainId, BlockHeight)>,
    block_hashes: Vec<CryptoHash>,
    /// Confirmed blocks above the tip; boxed, since most chains have none.
    preprocessed: Option<Box<SmallMap<BlockHeight, CryptoHash>>>,
    /// Blobs that its next block waits for; boxed, since most have none.
    pub(crate) pending_blobs: Option<Box<PendingBlobs>>,
}

/// What came of a cross-chain update.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Received {
    /// The bundles that were new.
    pub arrivals: Vec<(Arc<MessageBundle>, Arrival)>,
    /// The highest height that is here after it, if any.
    pub latest_height: Option<BlockHeight>,
}

impl ChainState {
    /// A new chain.
    pub fn new(description: &ChainDescription, now: Timestamp) -> Self {
        let execution = Arc::new(ExecutionState::new(description));
        let manager = ChainManager::new(execution.ownership.clone(), now);
        Self {
            execution,
            manager,
            inboxes: SmallMap::default(),
            outboxes: SmallMap::default(),
            outbox_counters: SmallMap::default(),
            received_log: Vec::new(),
            block_hashes: Vec::new(),
            preprocessed: None,
            pending_blobs: None,
        }
    }

    /// Height of the next block.
    pub fn next_height(&self) -> BlockHeight {
        self.execution.next_height
    }

    /// Inboxes by origin.
    pub const fn inboxes(&self) -> &SmallMap<ChainId, Inbox> {
        &self.inboxes
    }

    /// Outboxes that matter, by recipient.
    pub const fn outboxes(&self) -> &SmallMap<ChainId, Outbox> {
        &self.outboxes
    }

    /// Which blocks of which chains have arrived, in order of arrival.
    pub fn received_log(&self) -> &[(ChainId, BlockHeight)] {
        &self.received_log
    }

    /// Hash of the block at `height`, executed or preprocessed, if it is here.
    pub fn block_hash(&self, height: BlockHeight) -> Option<CryptoHash> {
        let executed = usize::try_from(height.0)
            .ok()
            .and_then(|index| self.block_hashes.get(index));
        let above = || self.preprocessed.as_ref()?.get(&height);
        executed.or_else(above).copied()
    }

    /// Checks that every bundle of a proposal is in its inbox, in order; changes nothing.
    ///
    /// # Errors
    /// All missing blocks at once, or the first bundle that is out of place.
    pub fn check_incoming(&self, block: &ProposedBlock) -> Result<(), NodeError> {
        let mut copies: SmallMap<ChainId, Inbox> = SmallMap::default();
        let mut missing = Vec::new();
        for incoming in block.incoming_bundles() {
            let origin = incoming.origin;
            let original = || self.inboxes.get(&origin).cloned().unwrap_or_default();
            let inbox = copies.get_or_insert_with(origin, original);
            match inbox.remove(&incoming.bundle) {
                Ok(Removed::Known) => {}
                Ok(Removed::Anticipated) => missing.push((origin, incoming.bundle.height)),
                Err(error) => return Err(NodeError::Inbox { origin, error }),
            }
        }
        missing.dedup();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(NodeError::MissingCrossChainUpdates(missing))
        }
    }

    /// Moves the tip over a confirmed block whose execution gave `executed`.
    ///
    /// # Errors
    /// If an inbox contradicts the block. Nothing is changed then.
    pub fn apply(&mut self, executed: Executed, now: Timestamp) -> Result<(), NodeError> {
        let block = &executed.block;
        assert_eq!(
            block.height(),
            self.next_height(),
            "blocks are applied in order"
        );
        let mut inboxes: SmallMap<ChainId, Inbox> = SmallMap::default();
        for incoming in block.proposed().incoming_bundles() {
            let origin = incoming.origin;
            let original = || self.inboxes.get(&origin).cloned().unwrap_or_default();
            let inbox = inboxes.get_or_insert_with(origin, original);
            inbox
                .remove(&incoming.bundle)
                .map_err(|error| NodeError::Inbox { origin, error })?;
        }
        for (origin, inbox) in inboxes {
            *self.inboxes.get_or_default(origin) = inbox;
        }
        push_tight(&mut self.block_hashes, block.hash());
        if let Some(preprocessed) = &mut self.preprocessed {
            preprocessed.remove(&block.height());
            self.preprocessed.take_if(|above| above.is_empty());
        }
        self.pending_blobs = None;
        self.execution = executed.state;
        for recipient in executed.block.recipients() {
            self.schedule(recipient, executed.block.height());
        }
        self.manager = ChainManager::new(self.execution.ownership.clone(), now);
        Ok(())
    }

    /// Stores a confirmed block above the tip and schedules those of its messages that are known to
    /// leave no gap (5.5, 5.8). Returns whether it was new.
    pub fn preprocess(&mut self, block: &Block) -> bool {
        assert!(
            block.height() > self.next_height(),
            "a block at the tip is executed"
        );
        let preprocessed = self.preprocessed.get_or_insert_default();
        let new = preprocessed.insert(block.height(), block.hash()).is_none();
        self.schedule_preprocessed(block);
        new
    }

    /// Tries again to schedule what preprocessed blocks send: a gap may have closed.
    pub fn reschedule_preprocessed(&mut self, store: &dyn ContentStore) {
        let hashes = self.preprocessed.iter().flat_map(|above| above.iter());
        let hashes: Vec<_> = hashes.map(|(_, hash)| *hash).collect();
        for hash in hashes {
            if let Some(certificate) = store.certificate(&hash) {
                self.schedule_preprocessed(certificate.block());
            }
        }
    }

    fn schedule_preprocessed(&mut self, block: &Block) {
        for recipient in block.recipients() {
            let previous = block.outcome().previous_message_blocks.get(&recipient);
            let gap_free = previous.is_none_or(|(_, height)| {
                let scheduled = self
                    .outboxes
                    .get(&recipient)
                    .map(Outbox::next_height_to_schedule);
                *height < self.next_height() || scheduled == Some(height.next())
            });
            if gap_free {
                self.schedule(recipient, block.height());
            }
        }
    }

    fn schedule(&mut self, recipient: ChainId, height: BlockHeight) {
        if self.outboxes.get_or_default(recipient).schedule(height) {
            *self.outbox_counters.get_or_default(height) += 1;
        }
    }

    /// Hash of the first preprocessed block, if it is the next one.
    pub fn next_preprocessed(&self) -> Option<CryptoHash> {
        let preprocessed = self.preprocessed.as_ref()?;
        preprocessed.get(&self.next_height()).copied()
    }

    /// Takes in bundles of `origin`, dropping what is here already.
    ///
    /// # Errors
    /// If a block between is missing or a bundle contradicts the inbox. Nothing is changed then.
    pub fn receive(
        &mut self,
        origin: ChainId,
        bundles: &[(Epoch, Arc<MessageBundle>)],
        previous_height: Option<BlockHeight>,
        sabotage: Sabotage,
    ) -> Result<Received, NodeError> {
        let refuse = |error| NodeError::Inbox { origin, error };
        let mut inbox = self.inboxes.get(&origin).cloned().unwrap_or_default();
        let mut received = Received::default();
        if sabotage == Sabotage::InboxOutOfOrder {
            for (_, bundle) in bundles {
                inbox.add_in_any_order(bundle.clone());
                received.arrivals.push((bundle.clone(), Arrival::Queued));
            }
        } else {
            let next = inbox.next_height_to_receive();
            if let Some(previous) = previous_height
                && previous >= next
                && sabotage != Sabotage::GapsUnseen
            {
                return Err(refuse(InboxError::InboxGapDetected { previous, next }));
            }
            let bundles = bundles.iter().map(|(_, bundle)| bundle);
            // The seeded bug: also what is here already.
            let again = bundles.clone().filter(|bundle| bundle.height < next);
            for bundle in again.filter(|_| sabotage == Sabotage::BundlesTwice) {
                inbox.add_in_any_order(bundle.clone());
                received.arrivals.push((bundle.clone(), Arrival::Queued));
            }
            for bundle in bundles.filter(|bundle| bundle.height >= next) {
                let arrival = match inbox.add(bundle.clone()).map_err(refuse)? {
                    Added::Queued => Arrival::Queued,
                    Added::Anticipated => Arrival::Anticipated,
                    Added::Skipped => Arrival::Skipped,
                };
                received.arrivals.push((bundle.clone(), arrival));
            }
        }
        for (bundle, _) in &received.arrivals {
            if self.received_log.last() != Some(&(origin, bundle.height)) {
                push_tight(&mut self.received_log, (origin, bundle.height));
            }
        }
        received.latest_height = inbox.next_height_to_receive().previous();
        *self.inboxes.get_or_default(origin) = inbox;
        Ok(received)
    }

    /// Drops what `recipient` has confirmed; returns the heights.
    pub fn confirm_outbox(&mut self, recipient: ChainId, height: BlockHeight) -> Vec<BlockHeight> {
        let Some(outbox) = self.outboxes.get_mut(&recipient) else {
            return Vec::new();
        };
        let confirmed = outbox.confirm(height);
        let drained = outbox.queue().is_empty();
        if drained && outbox.next_height_to_schedule() <= self.execution.next_height {
            self.outboxes.remove(&recipient);
        }
        for height in &confirmed {
            let counter = self
                .outbox_counters
                .get_mut(height)
                .expect("I-28: counted when scheduled");
            *counter -= 1;
            if *counter == 0 {
                self.outbox_counters.remove(height);
            }
        }
        confirmed
    }

    /// Puts back into the outbox what was sent to `recipient` from a height on, following the links
    /// from block to block; returns the heights that were not there.
    pub fn restore_outbox(
        &mut self,
        recipient: ChainId,
        from: BlockHeight,
        store: &dyn ContentStore,
    ) -> Vec<BlockHeight> {
        let mut link = self.execution.previous_message_blocks.get(&recipient);
        let mut sent = Vec::new();
        let mut certificate;
        while let Some((hash, height)) = link
            && *height >= from
        {
            sent.push(*height);
            certificate = store
                .certificate(hash)
                .expect("stored certificates are kept");
            let links = &certificate.block().outcome().previous_message_blocks;
            link = links.get(&recipient);
        }
        if sent.is_empty() {
            return sent;
        }
        sent.reverse();
        let restored = self.outboxes.get_or_default(recipient).restore(&sent);
        for height in &restored {
            *self.outbox_counters.get_or_default(*height) += 1;
        }
        restored
    }

    /// Whether all messages of blocks up to `height` are confirmed by their recipients.
    pub fn all_delivered_up_to(&self, height: BlockHeight) -> bool {
        self.outbox_counters
            .iter()
            .next()
            .is_none_or(|(first, _)| *first > height)
    }

    /// Loses the newest entry of one outbox: the seeded bug of an outbox. Returns what is lost.
    pub fn forget_outbox(&mut self) -> Option<(ChainId, BlockHeight)> {
        let (recipient, outbox) = self.outboxes.iter().next()?;
        let (recipient, last) = (*recipient, *outbox.queue().back()?);
        self.confirm_outbox(recipient, last);
        Some((recipient, last))
    }

    /// Invariants I-27 and I-28 of what was changed: the inboxes and outboxes of `peers`, and the
    /// counters.
    ///
    /// # Errors
    /// Which one is broken, and how.
    pub fn check_shape(
        &self,
        peers: impl IntoIterator<Item = ChainId>,
    ) -> Result<(), (Shape, &'static str)> {
        for peer in peers {
            let inbox = self.inboxes.get(&peer).map_or(Ok(()), Inbox::check_shape);
            inbox.map_err(|detail| (Shape::Inbox, detail))?;
            let outbox = self.outboxes.get(&peer).map_or(Ok(()), Outbox::check_shape);
            outbox.map_err(|detail| (Shape::Outbox, detail))?;
        }
        let lengths = self.outboxes.iter().map(|(_, outbox)| outbox.queue().len());
        let waiting = u64::try_from(lengths.sum::<usize>()).expect("queues fit memory");
        let counted: u64 = self
            .outbox_counters
            .iter()
            .map(|(_, count)| u64::from(*count))
            .sum();
        if waiting != counted {
            return Err((Shape::Outbox, "counters do not count the waiting heights"));
        }
        Ok(())
    }
}

/// Pushes without room to spare while the list is short: most chains have a handful of entries, and
/// there are hundreds of thousands of chains.
fn push_tight<T>(list: &mut Vec<T>, entry: T) {
    if list.len() < 4 {
        list.reserve_exact(1);
    }
    list.push(entry);
}
