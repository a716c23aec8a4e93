//! Messages between the shards of one validator: at least once in transport, exactly once in effect.
//!
//! What recipient and sender do with the requests that `delivery` sends. The recipient confirms
//! after saving, also when nothing was new, so that a lost confirmation repairs itself.

use std::sync::Arc;

use super::{Worker, delivery::Pair};
use crate::{
    error::{InboxError, NodeError},
    hash::CryptoHash,
    ids::{BlockHeight, ChainId, Epoch},
    machine::Outputs,
    message::MessageBundle,
    observe::{Arrival, Observation},
    rpc::{CrossChainRequest, Packet, Reason},
    sabotage::Sabotage,
    store::ContentStore,
    time::Timestamp,
};

impl Worker {
    /// Section 5.4. A recipient that is not known here, or that nobody can ever extend, saves nothing
    /// and confirms nothing.
    ///
    /// # Errors
    /// Why the update is refused. Nothing is changed then, and the fact is told.
    pub(super) fn update_recipient(
        &mut self,
        now: Timestamp,
        pair: Pair,
        bundles: &[(Epoch, Arc<MessageBundle>)],
        previous_height: Option<BlockHeight>,
        out: &mut Outputs,
    ) -> Result<(), NodeError> {
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
                    error: error.clone(),
                });
                self.ask_for_lost(pair, &error, out);
                return Err(error);
            }
        };
        // The seeded bug: the outbox forgets what is not saved yet.
        let late = sabotage == Sabotage::ConfirmsBeforeSaving;
        if !late {
            out.persist(recipient);
        }
        let new = !received.arrivals.is_empty();
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
        let confirms = new
            || match sabotage {
                Sabotage::DuplicatesUnconfirmed => false,
                Sabotage::DuplicatesConfirmed => true,
                _ => self.config.delivery.confirm_duplicates,
            };
        if let Some(latest_height) = received.latest_height.filter(|_| confirms) {
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
        if late {
            out.persist(recipient);
        }
        Ok(())
    }

    /// A recipient that misses what the sender takes for confirmed asks for it, where that is
    /// allowed.
    fn ask_for_lost(&self, pair: Pair, error: &NodeError, out: &mut Outputs) {
        let NodeError::Inbox {
            error: InboxError::InboxGapDetected { next, .. },
            ..
        } = error
        else {
            return;
        };
        if self.config.delivery.repair_gaps {
            let (sender, recipient) = pair;
            let request = CrossChainRequest::RevertConfirm {
                sender,
                recipient,
                retransmit_from: *next,
            };
            out.send(
                self.shard_of(&sender),
                Packet::CrossChain(Box::new(request)),
            );
        }
    }

    /// A recipient has lost what it had confirmed: what was sent from a height on goes into the
    /// outbox again, and out.
    pub(super) fn revert_confirm(
        &mut self,
        now: Timestamp,
        pair: Pair,
        retransmit_from: BlockHeight,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let (sender, recipient) = pair;
        let Some(state) = self.chains.get_mut(&sender) else {
            return;
        };
        let restored = state.restore_outbox(recipient, retransmit_from, store);
        if restored.is_empty() {
            return;
        }
        out.persist(sender);
        for height in restored {
            out.observe(Observation::OutboxRestored {
                sender,
                recipient,
                height,
            });
        }
        self.observe_shape(sender, [recipient], out);
        self.push_update(now, pair, 1, store, out);
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
        self.go_on_after(now, pair, store, out);
        self.answer_delivered(sender, out);
    }

    fn answer_delivered(&mut self, chain: ChainId, out: &mut Outputs) {
        let Some(waiting) = self.volatile.delivery.remove(&chain) else {
            return;
        };
        let mut still_waiting = Vec::new();
        for (height, client, id) in waiting {
            if self.chains[&chain].all_delivered_up_to(height) {
                out.observe(Observation::DeliveryAnswered { chain, height });
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
