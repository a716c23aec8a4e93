//! The queue of updates between the shards of a validator (5.6): bounded, one a pair of chains,
//! sent again until confirmed, and gone with a crash.
//!
//! Owns what is on its way; what waits is in the outboxes, and every update is built from them
//! anew, with all that waits by then. Knows nothing of what a recipient does with an update.

use std::collections::{BTreeMap, BTreeSet};

use super::{SWEEP, Worker};
use crate::{
    ids::ChainId,
    machine::Outputs,
    observe::Observation,
    rpc::{CrossChainRequest, Packet},
    sabotage::Sabotage,
    store::ContentStore,
    time::{TimeDelta, Timestamp},
};

/// Sender and recipient chain of an update.
pub(super) type Pair = (ChainId, ChainId);

/// How the shards of a validator deliver messages to one another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeliveryOptions {
    /// Updates on their way at most, per shard; one more is dropped.
    pub queue: usize,
    /// How often an update that nobody confirms is sent again before it is forgotten.
    pub retries: u32,
    /// The delay before the first time; later ones wait this much longer each time.
    pub retry_delay: TimeDelta,
    /// The longest such delay.
    pub max_backoff: TimeDelta,
    /// Blocks in one update at most; the rest follows when these are confirmed.
    pub chunk_blocks: usize,
    /// What was dropped or forgotten, or was on its way when the shard crashed, is taken up again
    /// after so long; `None`: only when something touches the sender chain.
    pub sweep: Option<TimeDelta>,
    /// Whether an update with nothing new is confirmed once more, so that a lost confirmation
    /// repairs itself.
    pub confirm_duplicates: bool,
    /// Whether a recipient that has lost what it had confirmed asks for it.
    pub repair_gaps: bool,
    /// Updates for one chain that come within so long are saved together, or not at all; `None`:
    /// each by itself.
    pub batch: Option<TimeDelta>,
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        Self {
            queue: 1_000,
            retries: 10,
            retry_delay: TimeDelta::from_secs(2),
            max_backoff: TimeDelta::from_secs(30),
            chunk_blocks: 100,
            sweep: Some(TimeDelta::from_secs(60)),
            confirm_duplicates: true,
            repair_gaps: false,
            batch: None,
        }
    }
}

/// An update on its way to another shard, not yet confirmed.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    attempt: u32,
    due: Timestamp,
}

/// What is on its way from one shard, and what should be.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    /// Updates that wait for their confirmation.
    in_flight: BTreeMap<Pair, InFlight>,
    /// Pairs whose updates found no room.
    dropped: BTreeSet<Pair>,
    /// Whether a look at `in_flight` is scheduled.
    looking: bool,
    /// Whether a look at all outboxes is scheduled.
    sweeping: bool,
}

impl Queue {
    /// A chain is another worker's from now on.
    pub(super) fn forget_sender(&mut self, chain: ChainId) {
        self.in_flight.retain(|(sender, _), _| *sender != chain);
        self.dropped.retain(|(sender, _)| *sender != chain);
    }
}

impl Worker {
    /// Sends what waits in the outboxes of `chain`, unless it is on its way already.
    pub(super) fn push_outboxes(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        for pair in self.waiting_pairs(chain) {
            self.push_unless_sent(now, pair, store, out);
        }
    }

    fn waiting_pairs(&self, chain: ChainId) -> Vec<Pair> {
        let outboxes = self.chains[&chain].outboxes().iter();
        let waiting = outboxes.filter(|(_, outbox)| !outbox.queue().is_empty());
        waiting.map(|(recipient, _)| (chain, *recipient)).collect()
    }

    fn push_unless_sent(
        &mut self,
        now: Timestamp,
        pair: Pair,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let queue = &mut self.volatile.queue;
        if queue.in_flight.contains_key(&pair) {
            return;
        }
        if queue.in_flight.len() < self.config.delivery.queue {
            return self.push_update(now, pair, 1, store, out);
        }
        if queue.dropped.insert(pair) {
            let (sender, recipient) = pair;
            out.observe(Observation::UpdateDropped { sender, recipient });
            self.schedule_sweep(out);
        }
    }

    /// Sends all that waits for a pair of chains, if anything does.
    pub(super) fn push_update(
        &mut self,
        now: Timestamp,
        pair: Pair,
        attempt: u32,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let queue = &mut self.volatile.queue;
        queue.dropped.remove(&pair);
        let Some(request) = self.update_for(pair, store) else {
            self.volatile.queue.in_flight.remove(&pair);
            return;
        };
        let options = &self.config.delivery;
        let delay = options
            .retry_delay
            .saturating_mul(u64::from(attempt))
            .min(options.max_backoff);
        let due = now.saturating_add(delay);
        let queue = &mut self.volatile.queue;
        queue.in_flight.insert(pair, InFlight { attempt, due });
        out.send(
            self.shard_of(&pair.1),
            Packet::CrossChain(Box::new(request)),
        );
        self.schedule_look(out);
    }

    fn schedule_look(&mut self, out: &mut Outputs) {
        if !self.volatile.queue.looking {
            self.volatile.queue.looking = true;
            out.timer(self.config.delivery.retry_delay, SWEEP);
        }
    }

    pub(super) fn schedule_sweep(&mut self, out: &mut Outputs) {
        if let Some(delay) = self.config.delivery.sweep
            && !self.volatile.queue.sweeping
            && self.config.sabotage != Sabotage::NeverSweeps
        {
            self.volatile.queue.sweeping = true;
            out.timer(delay, super::SWEEP_ALL);
        }
    }

    fn update_for(&self, pair: Pair, store: &dyn ContentStore) -> Option<CrossChainRequest> {
        let (sender, recipient) = pair;
        let state = self.chains.get(&sender)?;
        let queue = state.outboxes().get(&recipient)?.queue();
        let first = *queue.front()?;
        let mut bundles = Vec::new();
        let mut previous_height = None;
        for height in queue.iter().take(self.config.delivery.chunk_blocks) {
            let hash = state
                .block_hash(*height)
                .expect("I-28: a scheduled block is stored");
            let certificate = store
                .certificate(&hash)
                .expect("stored certificates are kept");
            let block = certificate.block();
            if *height == first {
                let previous = block.outcome().previous_message_blocks.get(&recipient);
                previous_height = previous.map(|(_, height)| *height);
            }
            let epoch = block.proposed().epoch;
            bundles.extend(
                block
                    .bundles_for(&recipient)
                    .iter()
                    .map(|(_, bundle)| (epoch, bundle.clone())),
            );
        }
        Some(CrossChainRequest::UpdateRecipient {
            sender,
            recipient,
            bundles,
            previous_height,
        })
    }

    /// What a pair of chains had on its way is confirmed: sends what waits still, and what found no
    /// room before.
    pub(super) fn go_on_after(
        &mut self,
        now: Timestamp,
        pair: Pair,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        self.volatile.queue.in_flight.remove(&pair);
        self.push_update(now, pair, 1, store, out);
        let sweeps = self.config.sabotage != Sabotage::NeverSweeps;
        if self.config.delivery.sweep.is_none() || !sweeps {
            return;
        }
        while self.volatile.queue.in_flight.len() < self.config.delivery.queue
            && let Some(next) = self.volatile.queue.dropped.pop_first()
        {
            self.push_unless_sent(now, next, store, out);
        }
    }

    /// Sends again what was not confirmed in time.
    pub(super) fn look_at_queue(
        &mut self,
        now: Timestamp,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        self.volatile.queue.looking = false;
        let in_flight = self.volatile.queue.in_flight.iter();
        let late = in_flight.filter(|(_, update)| update.due <= now);
        let late: Vec<_> = late.map(|(pair, update)| (*pair, update.attempt)).collect();
        for (pair, attempt) in late {
            let (sender, recipient) = pair;
            if attempt > self.config.delivery.retries {
                self.volatile.queue.in_flight.remove(&pair);
                out.observe(Observation::UpdateAbandoned { sender, recipient });
                self.schedule_sweep(out);
            } else {
                out.observe(Observation::UpdateRetried {
                    sender,
                    recipient,
                    attempt: attempt + 1,
                });
                self.push_update(now, pair, attempt + 1, store, out);
            }
        }
        if !self.volatile.queue.in_flight.is_empty() {
            self.schedule_look(out);
        }
    }

    /// Takes up everything that waits in some outbox and is not on its way: chains that nobody
    /// touches are not forgotten.
    pub(super) fn sweep_all(
        &mut self,
        now: Timestamp,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        self.volatile.queue.sweeping = false;
        self.volatile.queue.dropped.clear();
        let chains: Vec<_> = self.chains.keys().copied().collect();
        for chain in chains {
            self.push_outboxes(now, chain, store, out);
        }
    }

    /// Goes on after a crash: what was on its way then is in the outboxes.
    pub fn go_on(&mut self, out: &mut Outputs) {
        let outboxes = self.chains.values().map(|chain| chain.outboxes());
        if outboxes
            .flat_map(|all| all.iter())
            .any(|(_, outbox)| !outbox.queue().is_empty())
        {
            self.schedule_sweep(out);
        }
    }
}
