//! Messages between the shards of one validator: at least once in transport, exactly once in effect.
//!
//! An update carries everything that waits for a recipient, rebuilt from the outbox each time; at
//! most one a pair of chains is on its way. The recipient confirms after saving, also when nothing
//! was new, so that a lost confirmation repairs itself.

use std::sync::Arc;

use super::{InFlight, SWEEP, Worker};
use crate::{
    error::NodeError,
    hash::CryptoHash,
    ids::{BlockHeight, ChainId, Epoch},
    machine::Outputs,
    message::MessageBundle,
    observe::{Arrival, Observation},
    rpc::{CrossChainRequest, Packet, Reason},
    sabotage::Sabotage,
    store::ContentStore,
    time::{TimeDelta, Timestamp},
};

/// Sender and recipient chain of an update.
type Pair = (ChainId, ChainId);

/// The delay before the first retry; later ones wait this much longer each time.
const RETRY_DELAY: TimeDelta = TimeDelta::from_secs(2);
/// The longest delay between retries.
const RETRY_DELAY_MAX: TimeDelta = TimeDelta::from_secs(30);
/// After so many retries an update is forgotten until something touches its sender chain.
const RETRIES_MAX: u32 = 10;
/// Updates on their way at most, per shard: more are dropped, and derived again later.
const QUEUE_MAX: usize = 1_000_000;
/// Blocks in one update at most; the rest follows when these are confirmed.
const CHUNK_BLOCKS_MAX: usize = 100;

impl Worker {
    /// Sends what waits in the outboxes of `chain`, unless it is on its way already.
    pub(super) fn push_outboxes(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let state = &self.chains[&chain];
        let waiting = state
            .outboxes()
            .iter()
            .filter(|(_, outbox)| !outbox.queue().is_empty());
        let recipients: Vec<_> = waiting.map(|(recipient, _)| *recipient).collect();
        for recipient in recipients {
            let pair = (chain, recipient);
            if self.volatile.in_flight.len() < QUEUE_MAX
                && !self.volatile.in_flight.contains_key(&pair)
            {
                self.push_update(now, pair, 1, store, out);
            }
        }
    }

    fn push_update(
        &mut self,
        now: Timestamp,
        pair: Pair,
        attempt: u32,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let Some(request) = self.update_for(pair, store) else {
            self.volatile.in_flight.remove(&pair);
            return;
        };
        let delay = RETRY_DELAY
            .saturating_mul(u64::from(attempt))
            .min(RETRY_DELAY_MAX);
        let due = now.saturating_add(delay);
        self.volatile
            .in_flight
            .insert(pair, InFlight { attempt, due });
        out.send(
            self.shard_of(&pair.1),
            Packet::CrossChain(Box::new(request)),
        );
        if !self.volatile.sweeping {
            self.volatile.sweeping = true;
            out.timer(RETRY_DELAY, SWEEP);
        }
    }

    fn update_for(&self, pair: Pair, store: &dyn ContentStore) -> Option<CrossChainRequest> {
        let (sender, recipient) = pair;
        let state = self.chains.get(&sender)?;
        let queue = state.outboxes().get(&recipient)?.queue();
        let first = *queue.front()?;
        let mut bundles = Vec::new();
        let mut previous_height = None;
        for height in queue.iter().take(CHUNK_BLOCKS_MAX) {
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

    /// Sends again what was not confirmed in time.
    pub(super) fn sweep(&mut self, now: Timestamp, store: &dyn ContentStore, out: &mut Outputs) {
        self.volatile.sweeping = false;
        let late = self
            .volatile
            .in_flight
            .iter()
            .filter(|(_, update)| update.due <= now);
        let late: Vec<_> = late.map(|(pair, update)| (*pair, update.attempt)).collect();
        for (pair, attempt) in late {
            if attempt > RETRIES_MAX {
                self.volatile.in_flight.remove(&pair);
                out.observe(Observation::UpdateAbandoned {
                    sender: pair.0,
                    recipient: pair.1,
                });
            } else {
                self.push_update(now, pair, attempt + 1, store, out);
            }
        }
        if !self.volatile.sweeping && !self.volatile.in_flight.is_empty() {
            self.volatile.sweeping = true;
            out.timer(RETRY_DELAY, SWEEP);
        }
    }

    /// Section 5.4. A recipient that is not known here, or that nobody can ever extend, saves nothing
    /// and confirms nothing.
    pub(super) fn update_recipient(
        &mut self,
        now: Timestamp,
        pair: Pair,
        bundles: &[(Epoch, Arc<MessageBundle>)],
        previous_height: Option<BlockHeight>,
        out: &mut Outputs,
    ) {
        let (sender, recipient) = pair;
        let sabotage = self.config.sabotage;
        let admitted = self.admit(pair, bundles, out);
        let result = self.load(now, recipient).and_then(|state| {
            if state.execution.ownership.is_active() {
                state.receive(sender, admitted, previous_height, sabotage)
            } else {
                Err(NodeError::InactiveChain(recipient))
            }
        });
        let received = match result {
            Ok(received) => received,
            Err(error) => {
                out.observe(Observation::UpdateRefused {
                    recipient,
                    origin: sender,
                    error,
                });
                return;
            }
        };
        out.persist(recipient);
        match received.arrivals.last() {
            Some((newest, _)) => {
                let reason = Reason::NewIncomingBundle {
                    origin: sender,
                    height: newest.height,
                };
                self.notify(recipient, reason, out);
            }
            None => out.observe(Observation::DuplicateUpdate {
                recipient,
                origin: sender,
            }),
        }
        for (bundle, arrival) in received.arrivals {
            observe_arrival(pair, &bundle, arrival, out);
        }
        self.observe_shape(recipient, [sender], out);
        if let Some(latest_height) = received.latest_height {
            let confirm = CrossChainRequest::ConfirmUpdatedRecipient {
                sender,
                recipient,
                latest_height,
            };
            out.send(
                self.shard_of(&sender),
                Packet::CrossChain(Box::new(confirm)),
            );
        }
    }

    /// Section 5.5: drops what is confirmed, sends the next chunk, answers who waits for delivery.
    pub(super) fn confirm_updated_recipient(
        &mut self,
        now: Timestamp,
        pair: Pair,
        latest_height: BlockHeight,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let (sender, recipient) = pair;
        self.volatile.in_flight.remove(&pair);
        let Some(state) = self.chains.get_mut(&sender) else {
            return;
        };
        let confirmed = state.confirm_outbox(recipient, latest_height);
        if !confirmed.is_empty() {
            out.persist(sender);
        }
        for height in confirmed {
            out.observe(Observation::OutboxConfirmed {
                sender,
                recipient,
                height,
            });
        }
        self.observe_shape(sender, [recipient], out);
        self.push_update(now, pair, 1, store, out);
        self.answer_delivered(sender, out);
    }

    fn answer_delivered(&mut self, chain: ChainId, out: &mut Outputs) {
        let Some(waiting) = self.volatile.delivery.remove(&chain) else {
            return;
        };
        let mut still_waiting = Vec::new();
        for (height, client, id) in waiting {
            if self.chains[&chain].all_delivered_up_to(height) {
                let response = self.unsigned_info(chain);
                self.reply(client, id, Ok(response), out);
            } else {
                still_waiting.push((height, client, id));
            }
        }
        if !still_waiting.is_empty() {
            self.volatile.delivery.insert(chain, still_waiting);
        }
    }

    /// The seeded bug of an outbox: an entry goes away that nobody has confirmed.
    pub(super) fn forget_one(&mut self, chain: ChainId, out: &mut Outputs) {
        if self.config.sabotage != Sabotage::OutboxForgets {
            return;
        }
        let state = self
            .chains
            .get_mut(&chain)
            .expect("the caller has just applied a block");
        if let Some((recipient, height)) = state.forget_outbox() {
            out.observe(Observation::OutboxConfirmed {
                sender: chain,
                recipient,
                height,
            });
        }
    }
}

fn observe_arrival(pair: Pair, bundle: &MessageBundle, arrival: Arrival, out: &mut Outputs) {
    out.observe(Observation::BundleArrived {
        recipient: pair.1,
        origin: pair.0,
        cursor: bundle.cursor(),
        bundle: CryptoHash::of(bundle),
        arrival,
    });
}
