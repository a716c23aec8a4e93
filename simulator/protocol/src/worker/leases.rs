//! Who owns a chain when the number of workers may change: leases, hand-over, and what waits for it.
//!
//! Every packet about a chain comes by here before anything else sees it. It goes on if this worker
//! holds the chain; if another owns the chain, it is sent there; if this worker owns it and somebody
//! else still holds it, it waits. Keeps I-30 together with [`Database`]: a chain is in the memory of
//! its holder only, and what a worker does not hold it never touches.

use std::collections::BTreeMap;

use super::{Asked, RELEASE, SWEEP_ALL, WAITING, Worker};
use crate::{
    chain::ChainState,
    database::{Acquired, Database},
    ids::{Address, ChainId, ShardIndex},
    machine::Outputs,
    observe::Observation,
    rpc::{CrossChainRequest, Packet},
    sabotage::Sabotage,
    sharding::{ShardingFact, ShardingMessage, SoftState},
    store::ContentStore,
    time::{TimeDelta, Timestamp},
};

/// Chains given up in one step: more, and the requests behind would wait for all of them.
const RELEASED_AT_ONCE: usize = 32;
/// The pause between two such steps.
const RELEASE_PAUSE: TimeDelta = TimeDelta::from_millis(5);
/// When a claim that nobody has answered is made again.
const CLAIM_AGAIN: TimeDelta = TimeDelta::from_millis(500);

/// Packets whose chain another worker still holds, and when they are looked at again.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    packets: BTreeMap<ChainId, Vec<Packet>>,
    due: Option<Timestamp>,
}

impl Worker {
    /// What of a packet is to be handled now, by [`Worker::handle`]: perhaps nothing yet, perhaps
    /// also packets that have waited.
    pub fn let_in(
        &mut self,
        now: Timestamp,
        packet: Packet,
        database: &mut Database,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Vec<Packet> {
        self.follow(database, out);
        match packet {
            Packet::Sharding(message) => match *message {
                ShardingMessage::NewMap => {
                    self.release_some(now, database, out);
                    // Who hands a chain over may stop before it tells, and the message may get lost.
                    self.schedule_sweep(out);
                    Vec::new()
                }
                ShardingMessage::Claim(chain, from) => {
                    self.claimed(now, chain, from, database, out);
                    Vec::new()
                }
                ShardingMessage::HandOver(soft) => {
                    self.handed_over(now, *soft, database, store, out)
                }
            },
            packet => match subject(&packet) {
                Some(chain) => self.let_in_to(now, chain, packet, database, out),
                None => vec![packet],
            },
        }
    }

    /// As [`Worker::on_timer`], for a worker that shares a database. Returns packets to handle now.
    pub fn on_shared_timer(
        &mut self,
        now: Timestamp,
        token: u64,
        database: &mut Database,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Vec<Packet> {
        self.follow(database, out);
        match token {
            WAITING => self.look_again(now, database, out),
            RELEASE => {
                self.release_some(now, database, out);
                Vec::new()
            }
            SWEEP_ALL => {
                let ready = self.take_idle(now, database, out);
                self.on_timer(now, token, store, out);
                self.look_for_idle(database, out);
                ready
            }
            _ => {
                self.on_timer(now, token, store, out);
                Vec::new()
            }
        }
    }

    /// Before all outboxes are looked at: takes the chains that this worker owns, that nobody holds, and
    /// whose messages wait. Nothing else may ever touch them again. Returns packets to handle now.
    fn take_idle(
        &mut self,
        now: Timestamp,
        database: &mut Database,
        out: &mut Outputs,
    ) -> Vec<Packet> {
        let idle: Vec<_> = database.idle_senders().collect();
        let mut ready = Vec::new();
        for chain in idle {
            if self.owns(&chain) && self.acquire(now, chain, database, out) {
                let waiting = self.volatile.waiting.packets.remove(&chain);
                ready.extend(waiting.unwrap_or_default());
            }
        }
        ready
    }

    /// Sees to it that all outboxes are looked at, if there are such chains.
    fn look_for_idle(&mut self, database: &Database, out: &mut Outputs) {
        if database.idle_senders().any(|chain| self.owns(&chain)) {
            self.schedule_sweep(out);
        }
    }

    /// What was learned while handling a packet is known to the whole validator.
    pub fn tell(&self, database: &mut Database) {
        database.learn(&self.descriptions, &self.epochs);
        database.learn_blobs(self.stored_blobs());
        database.learn_events(&self.events);
    }

    /// Stops: what is volatile is lost, the chains stay in the database.
    pub fn stop(&mut self, now: Timestamp, database: &mut Database) {
        self.crash();
        database.stopped(now, self.config.shard, std::mem::take(&mut self.chains));
    }

    /// Is there again, with nothing in memory. What its chains had on their way is looked at later, as
    /// by a worker that keeps its chains; what is another's by now, that one is told of.
    pub fn start(&mut self, now: Timestamp, database: &mut Database, out: &mut Outputs) {
        self.follow(database, out);
        for chain in database.started(now, self.config.shard) {
            if !self.owns(&chain) {
                let soft = SoftState {
                    chain,
                    bodies: Vec::new(),
                    delivery: Vec::new(),
                };
                self.tell_owner(soft, out);
            }
        }
        if self.config.map.version > 0 {
            // What was on its way to it may be its own by now.
            self.schedule_sweep(out);
        } else {
            self.look_for_idle(database, out);
        }
    }

    /// Goes by the newest map, and by what other workers have learned.
    fn follow(&mut self, database: &Database, out: &mut Outputs) {
        if self.config.map.version != database.map().version {
            self.config.map = database.map().clone();
        }
        self.store_epochs(database.epochs().clone(), out);
        if database.blobs().len() > self.stored_blobs().count() {
            let stored: Vec<_> = database.blobs().iter().map(|(id, by)| (*id, *by)).collect();
            self.note_blobs(&stored);
        }
        if database.events().count() > self.events.count() {
            self.events = database.events().clone();
        }
    }

    fn owns(&self, chain: &ChainId) -> bool {
        // The seeded bug: what it has it keeps, whatever the map says.
        if self.config.sabotage == Sabotage::TwoOwners && self.chains.contains_key(chain) {
            return true;
        }
        self.config.map.shard_of(&self.config.key.public(), chain) == self.config.shard
    }

    fn let_in_to(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        packet: Packet,
        database: &mut Database,
        out: &mut Outputs,
    ) -> Vec<Packet> {
        if !self.owns(&chain) {
            self.release(now, chain, database, out);
            out.send(self.shard_of(&chain), packet);
            return Vec::new();
        }
        if self.chains.contains_key(&chain) {
            return vec![packet];
        }
        if self.acquire(now, chain, database, out) {
            let mut ready = self
                .volatile
                .waiting
                .packets
                .remove(&chain)
                .unwrap_or_default();
            ready.push(packet);
            return ready;
        }
        self.volatile
            .waiting
            .packets
            .entry(chain)
            .or_default()
            .push(packet);
        Vec::new()
    }

    /// Tries to hold a chain that this worker owns. If somebody else holds it, asks for it.
    fn acquire(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        database: &mut Database,
        out: &mut Outputs,
    ) -> bool {
        let shard = self.config.shard;
        let mut acquired = database.acquire(now, chain, shard);
        if let (Acquired::HeldBy(_), Sabotage::TwoOwners) = (&acquired, self.config.sabotage) {
            acquired = database.seize(chain, shard);
        }
        let wait = match acquired {
            Acquired::Taken(lease, state) => {
                self.install(chain, lease, state, database, out);
                return true;
            }
            Acquired::Mine => {
                self.learn_of(chain, database);
                return true;
            }
            Acquired::HeldBy(holder) => {
                if !self.volatile.waiting.packets.contains_key(&chain) {
                    let claim = ShardingMessage::Claim(chain, shard);
                    self.tell_worker(holder, claim, out);
                }
                CLAIM_AGAIN
            }
            Acquired::NotBefore(at) => at.since(now),
        };
        if self.volatile.waiting.due.is_none_or(|due| due <= now) {
            self.volatile.waiting.due = Some(now.saturating_add(wait));
            out.timer(wait, WAITING);
        }
        false
    }

    fn install(
        &mut self,
        chain: ChainId,
        lease: u64,
        state: Option<Box<ChainState>>,
        database: &Database,
        out: &mut Outputs,
    ) {
        self.learn_of(chain, database);
        if let Some(state) = state {
            out.work.loads += 1;
            self.chains.insert(chain, state);
        }
        if lease > 0 {
            let fact = ShardingFact::ChainTaken { chain, lease };
            out.observe(Observation::Sharding(fact));
        }
    }

    /// How the chain begins, if another worker was told.
    fn learn_of(&mut self, chain: ChainId, database: &Database) {
        if let Some(description) = database.description(&chain) {
            self.store_description(description.clone());
        }
    }

    /// Gives a chain up, if this worker holds it. Returns what was known of it beside its state.
    fn release(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        database: &mut Database,
        out: &mut Outputs,
    ) -> Option<SoftState> {
        let state = self.chains.remove(&chain);
        let lease = database.release(now, chain, self.config.shard, state)?;
        let fact = ShardingFact::ChainReleased { chain, lease };
        out.observe(Observation::Sharding(fact));
        self.volatile.queue.forget_sender(chain);
        self.volatile.batches.forget_recipient(chain);
        let (mine, other) = std::mem::take(&mut self.volatile.delayed)
            .into_iter()
            .partition(|(_, asked)| asked.chain == chain);
        self.volatile.delayed = other;
        let owner = self.shard_of(&chain);
        let mine: Vec<(Timestamp, Asked)> = mine;
        for (_, asked) in mine {
            out.send(owner, asked.into_packet());
        }
        Some(SoftState {
            chain,
            bodies: self
                .volatile
                .recent_blocks
                .remove(&chain)
                .unwrap_or_default(),
            delivery: self.volatile.delivery.remove(&chain).unwrap_or_default(),
        })
    }

    /// Gives up some chains that are another worker's by the map of now.
    fn release_some(&mut self, now: Timestamp, database: &mut Database, out: &mut Outputs) {
        let others = self.chains.keys().filter(|chain| !self.owns(chain));
        let mut others: Vec<_> = others.take(RELEASED_AT_ONCE + 1).copied().collect();
        let more = others.len() > RELEASED_AT_ONCE;
        others.truncate(RELEASED_AT_ONCE);
        for chain in others {
            self.hand_over(now, chain, database, out);
        }
        if more {
            out.timer(RELEASE_PAUSE, RELEASE);
        }
    }

    fn hand_over(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        database: &mut Database,
        out: &mut Outputs,
    ) {
        let Some(soft) = self.release(now, chain, database, out) else {
            return;
        };
        self.tell_owner(soft, out);
    }

    fn tell_owner(&self, soft: SoftState, out: &mut Outputs) {
        let key = self.config.key.public();
        let owner = self.config.map.shard_of(&key, &soft.chain);
        let message = ShardingMessage::HandOver(Box::new(soft));
        self.tell_worker(owner, message, out);
    }

    /// The owner of a chain asks for it. If the map has changed again since, nobody waits in vain:
    /// whoever waits looks at the map again.
    fn claimed(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        from: ShardIndex,
        database: &mut Database,
        out: &mut Outputs,
    ) {
        if self.owns(&chain) || from == self.config.shard {
            return;
        }
        self.hand_over(now, chain, database, out);
    }

    /// A chain is free for this worker: takes it, goes on with its outboxes, and lets in what waits.
    fn handed_over(
        &mut self,
        now: Timestamp,
        soft: SoftState,
        database: &mut Database,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Vec<Packet> {
        let chain = soft.chain;
        if !self.owns(&chain) {
            return self.forward_waiting(chain, out);
        }
        if !self.chains.contains_key(&chain) && !self.acquire(now, chain, database, out) {
            self.look_for_idle(database, out);
            return Vec::new();
        }
        if self.chains.contains_key(&chain) {
            let bodies = self.volatile.recent_blocks.entry(chain).or_default();
            bodies.extend(soft.bodies);
            let delivery = self.volatile.delivery.entry(chain).or_default();
            delivery.extend(soft.delivery);
            self.push_outboxes(now, chain, store, out);
        }
        self.volatile
            .waiting
            .packets
            .remove(&chain)
            .unwrap_or_default()
    }

    fn forward_waiting(&mut self, chain: ChainId, out: &mut Outputs) -> Vec<Packet> {
        let owner = self.shard_of(&chain);
        for packet in self
            .volatile
            .waiting
            .packets
            .remove(&chain)
            .unwrap_or_default()
        {
            out.send(owner, packet);
        }
        Vec::new()
    }

    /// Tries again for every chain that packets wait for.
    fn look_again(
        &mut self,
        now: Timestamp,
        database: &mut Database,
        out: &mut Outputs,
    ) -> Vec<Packet> {
        self.volatile.waiting.due = None;
        let waiting = std::mem::take(&mut self.volatile.waiting.packets);
        let mut ready = Vec::new();
        for (chain, packets) in waiting {
            for packet in packets {
                ready.extend(self.let_in_to(now, chain, packet, database, out));
            }
        }
        ready
    }

    fn tell_worker(&self, shard: ShardIndex, message: ShardingMessage, out: &mut Outputs) {
        let to = Address::Worker(self.config.validator, shard);
        out.send(to, Packet::Sharding(Box::new(message)));
    }
}

/// The chain whose holder a packet is for.
fn subject(packet: &Packet) -> Option<ChainId> {
    match packet {
        Packet::Forward { chain, .. } => Some(*chain),
        Packet::CrossChain(request) => match &**request {
            CrossChainRequest::UpdateRecipient { recipient, .. } => Some(*recipient),
            CrossChainRequest::ConfirmUpdatedRecipient { sender, .. }
            | CrossChainRequest::RevertConfirm { sender, .. } => Some(*sender),
            // For everybody: immutable, or known to grow only.
            CrossChainRequest::StoreDescription(_)
            | CrossChainRequest::StoreEpochs(_)
            | CrossChainRequest::StoreBlobs(_)
            | CrossChainRequest::StoreEvents(_) => None,
        },
        Packet::Request { .. }
        | Packet::Reply { .. }
        | Packet::ForwardReply { .. }
        | Packet::Sharding(_)
        | Packet::Notification(_)
        | Packet::Command(_)
        | Packet::CommandDone(_)
        | Packet::ChainOpened(_)
        | Packet::ApplicationCreated(..)
        | Packet::Submit(_)
        | Packet::SubmissionDone(..) => None,
    }
}

#[cfg(test)]
mod tests;
