//! Updates for one chain that are saved together: all of them, or none (5.6).
//!
//! Owns the updates that wait for that. A batch with a bad update leaves the chain as it was and
//! confirms nothing; the chain's updates are then taken one by one until one succeeds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{BATCH, Worker};
use crate::{
    error::NodeError,
    ids::{BlockHeight, ChainId, Epoch},
    machine::{Output, Outputs},
    message::MessageBundle,
    observe::Observation,
    sabotage::Sabotage,
    time::Timestamp,
};

/// What a sender chain's shard wants in a recipient's inbox.
#[derive(Clone, Debug)]
pub(super) struct Update {
    pub(super) sender: ChainId,
    pub(super) bundles: Vec<(Epoch, Arc<MessageBundle>)>,
    pub(super) previous_height: Option<BlockHeight>,
}

/// What waits to be saved together.
#[derive(Clone, Debug, Default)]
pub(super) struct Batches {
    waiting: BTreeMap<ChainId, Vec<Update>>,
    /// Chains whose last batch was rolled back.
    one_by_one: BTreeSet<ChainId>,
}

impl Batches {
    /// A chain is another worker's from now on: what waits for it comes again.
    pub(super) fn forget_recipient(&mut self, chain: ChainId) {
        self.waiting.remove(&chain);
        self.one_by_one.remove(&chain);
    }
}

/// Updates in a batch at most.
const BATCH_MAX: usize = 1_000;

impl Worker {
    /// Takes an update in, at once or with others.
    pub(super) fn take_update(
        &mut self,
        now: Timestamp,
        recipient: ChainId,
        update: Update,
        out: &mut Outputs,
    ) {
        let batches = &mut self.volatile.batches;
        let together = self.config.delivery.batch;
        let Some(delay) = together.filter(|_| !batches.one_by_one.contains(&recipient)) else {
            // A refusal is told as a fact; there is nobody to answer.
            if self.apply_update(now, recipient, &update, out).is_ok() {
                self.volatile.batches.one_by_one.remove(&recipient);
            }
            return;
        };
        if batches.waiting.is_empty() {
            out.timer(delay, BATCH);
        }
        batches.waiting.entry(recipient).or_default().push(update);
    }

    fn apply_update(
        &mut self,
        now: Timestamp,
        recipient: ChainId,
        update: &Update,
        out: &mut Outputs,
    ) -> Result<(), NodeError> {
        let pair = (update.sender, recipient);
        self.update_recipient(now, pair, &update.bundles, update.previous_height, out)
    }

    /// Saves what has come together.
    pub(super) fn save_batches(&mut self, now: Timestamp, out: &mut Outputs) {
        for (chain, updates) in std::mem::take(&mut self.volatile.batches.waiting) {
            for batch in updates.chunks(BATCH_MAX) {
                self.save_batch(now, chain, batch, out);
            }
        }
    }

    fn save_batch(&mut self, now: Timestamp, chain: ChainId, batch: &[Update], out: &mut Outputs) {
        let before = self.chains.get(&chain).cloned();
        let mut done = Outputs::default();
        for (number, update) in batch.iter().enumerate() {
            let told = done.list.len();
            if self.apply_update(now, chain, update, &mut done).is_err() {
                match before {
                    Some(before) => drop(self.chains.insert(chain, before)),
                    None => drop(self.chains.remove(&chain)),
                }
                // What the bad one tells and asks for stands; the others were never there.
                out.list.extend(done.list.drain(told..));
                if self.config.sabotage == Sabotage::BatchesByHalves {
                    let sends = |output: &Output| matches!(output, Output::Send(..));
                    out.list.extend(done.list.into_iter().filter(sends));
                }
                roll_back(chain, batch, number, out);
                self.volatile.batches.one_by_one.insert(chain);
                return;
            }
        }
        // One save, before everything that rests on it.
        let is_save = |output: &Output| matches!(output, Output::Persist(_));
        if done.list.iter().any(is_save) {
            out.persist(chain);
        }
        done.list.retain(|output| !is_save(output));
        out.list.append(&mut done.list);
    }
}

/// Tells that all updates of a batch but the bad one came to nothing because of it.
fn roll_back(chain: ChainId, batch: &[Update], bad: usize, out: &mut Outputs) {
    for (number, update) in batch.iter().enumerate() {
        if number != bad {
            out.observe(Observation::UpdateRefused {
                recipient: chain,
                origin: update.sender,
                error: NodeError::BatchRolledBack,
            });
        }
    }
}
