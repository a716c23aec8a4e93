//! The one database of a validator, which all of its workers share, and the map that says which
//! worker owns which chain.
//!
//! Keeps I-30: a chain has one holder at most. A holder is named by a lease whose number grows with
//! every new holder; what a worker writes without holding the lease is not kept. Pure bookkeeping,
//! like every machine: whoever hands it to a worker sees to it that one worker at a time has it.
//! Only validators whose number of workers may change need one; the others' chains never move.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    blob::BlobId,
    chain::ChainState,
    description::ChainDescription,
    epochs::Epochs,
    genesis::shard_of,
    hash::CryptoHash,
    ids::{ChainId, ShardIndex},
    signature::PublicKey,
    streams::KnownEvents,
    time::{TimeDelta, Timestamp},
};

/// How chains are placed on workers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// By a remainder, as in a static table: another number of workers moves nearly every chain.
    Remainder,
    /// By a jump hash: going from `n` to `n + 1` workers moves one chain in `n + 1`, and all of these
    /// to the new worker.
    Stable,
}

/// Which worker of a validator owns which chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardMap {
    /// Grows by one with every change.
    pub version: u32,
    /// How many workers share the chains.
    pub shards: u32,
    /// How they share them.
    pub placement: Placement,
    /// Which workers these are, if not the first ones: a worker that has taken another's place has
    /// its share.
    members: Option<Arc<[ShardIndex]>>,
}

impl ShardMap {
    /// The map that a validator starts with.
    pub const fn first(shards: u32, placement: Placement) -> Self {
        Self {
            version: 0,
            shards,
            placement,
            members: None,
        }
    }

    /// The next map: the same chains on so many workers.
    #[must_use]
    pub const fn resized(&self, shards: u32) -> Self {
        Self {
            version: self.version + 1,
            shards,
            placement: self.placement,
            members: None,
        }
    }

    /// The next map: the same chains on these workers. A worker in the place of another gets what
    /// that one had.
    #[must_use]
    pub fn shared_by(&self, members: &[ShardIndex]) -> Self {
        let shards = u32::try_from(members.len()).expect("few workers");
        Self {
            members: Some(members.into()),
            ..self.resized(shards)
        }
    }

    /// The workers that share the chains, by place.
    pub fn members(&self) -> Vec<ShardIndex> {
        match &self.members {
            Some(members) => members.to_vec(),
            None => (0..self.shards).map(ShardIndex).collect(),
        }
    }

    /// The worker that owns a chain.
    pub fn shard_of(&self, validator: &PublicKey, chain: &ChainId) -> ShardIndex {
        let place = match self.placement {
            Placement::Remainder => shard_of(validator, chain, self.shards),
            // The remainder by 2^32 of a hash with the validator's key mixed in.
            Placement::Stable => {
                let key = shard_of(validator, chain, u32::MAX);
                ShardIndex(jump(u64::from(key.0), self.shards))
            }
        };
        match &self.members {
            Some(members) => members[usize::try_from(place.0).expect("few workers")],
            None => place,
        }
    }
}

/// Jump consistent hash (Lamping and Veach), in integers.
fn jump(key: u64, buckets: u32) -> u32 {
    let mut state = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ key;
    let (mut bucket, mut next) = (0, 0);
    while next < u64::from(buckets) {
        bucket = next;
        state = state
            .wrapping_mul(2_862_933_555_777_941_757)
            .wrapping_add(1);
        next = ((bucket + 1) << 31) / ((state >> 33) + 1);
    }
    u32::try_from(bucket).expect("below the number of buckets")
}

/// What became of the wish to hold a chain.
#[derive(Debug)]
pub enum Acquired {
    /// It is held now, under a lease of this number; with what the last holder saved, if anything.
    Taken(u64, Option<Box<ChainState>>),
    /// It was held all the time: there was nothing yet to keep in memory.
    Mine,
    /// Another worker holds it.
    HeldBy(ShardIndex),
    /// Its last holder is gone, and nobody may have it before this instant.
    NotBefore(Timestamp),
}

/// One chain.
#[derive(Debug)]
struct Row {
    lease: u64,
    holder: Option<ShardIndex>,
    /// When the holder stopped, if it has.
    stopped: Option<Timestamp>,
    /// When the last holder gave it up.
    free_since: Option<Timestamp>,
    /// As it was saved last by a holder that gave it up or stopped.
    saved: Option<Box<ChainState>>,
}

/// The database of one validator.
#[derive(Debug)]
pub struct Database {
    map: ShardMap,
    rows: BTreeMap<ChainId, Row>,
    descriptions: BTreeMap<ChainId, Arc<ChainDescription>>,
    epochs: Arc<Epochs>,
    /// Blobs that a worker has stored, and the certified block that referred to each.
    blobs: BTreeMap<BlobId, CryptoHash>,
    events: KnownEvents,
}

impl Database {
    /// How long a worker that stopped keeps its chains: until then nobody can tell whether it has
    /// stopped or is slow.
    pub const SESSION: TimeDelta = TimeDelta::from_secs(1);

    /// An empty one.
    pub fn new(map: ShardMap) -> Self {
        Self {
            map,
            rows: BTreeMap::new(),
            descriptions: BTreeMap::new(),
            epochs: Arc::default(),
            blobs: BTreeMap::new(),
            events: KnownEvents::default(),
        }
    }

    /// The map of now.
    pub const fn map(&self) -> &ShardMap {
        &self.map
    }

    /// From now on so many workers share the chains. Returns the new map.
    pub fn resize(&mut self, shards: u32) -> &ShardMap {
        self.map = self.map.resized(shards);
        &self.map
    }

    /// From now on these workers share the chains. Returns the new map.
    pub fn share(&mut self, members: &[ShardIndex]) -> &ShardMap {
        self.map = self.map.shared_by(members);
        &self.map
    }

    /// A worker wants to hold a chain that it does not have in memory. A chain that was given up at
    /// an instant is taken at a later one: between two holders time passes.
    pub fn acquire(&mut self, now: Timestamp, chain: ChainId, shard: ShardIndex) -> Acquired {
        let Some(row) = self.rows.get_mut(&chain) else {
            let row = Row {
                lease: 0,
                holder: Some(shard),
                stopped: None,
                free_since: None,
                saved: None,
            };
            self.rows.insert(chain, row);
            return Acquired::Taken(0, None);
        };
        match (row.holder, row.stopped) {
            (Some(holder), None) if holder == shard => return Acquired::Mine,
            (Some(holder), None) => return Acquired::HeldBy(holder),
            (Some(holder), Some(stopped)) if holder != shard => {
                let until = stopped.saturating_add(Self::SESSION);
                if now <= until {
                    return Acquired::NotBefore(until.saturating_add(TimeDelta::from_micros(1)));
                }
            }
            (Some(_), Some(_)) => {}
            (None, _) => {
                if let Some(since) = row.free_since.filter(|since| now <= *since) {
                    return Acquired::NotBefore(since.saturating_add(TimeDelta::from_micros(1)));
                }
            }
        }
        row.hold(shard)
    }

    /// The seeded bug: a worker takes a chain whoever holds it.
    pub(crate) fn seize(&mut self, chain: ChainId, shard: ShardIndex) -> Acquired {
        let row = self.rows.get_mut(&chain);
        row.expect("somebody holds it").hold(shard)
    }

    /// The holder gives a chain up, as it is in its memory. Returns the number of the lease that
    /// ends; `None` if this worker does not hold it.
    pub fn release(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        shard: ShardIndex,
        state: Option<Box<ChainState>>,
    ) -> Option<u64> {
        let row = self.rows.get_mut(&chain)?;
        if row.holder != Some(shard) {
            return None;
        }
        row.holder = None;
        row.free_since = Some(now);
        if state.is_some() {
            row.saved = state;
        }
        Some(row.lease)
    }

    /// A worker stops with this in its durable state. It keeps its chains until its session is over.
    pub fn stopped(
        &mut self,
        now: Timestamp,
        shard: ShardIndex,
        mut chains: BTreeMap<ChainId, Box<ChainState>>,
    ) {
        for (chain, row) in &mut self.rows {
            if row.holder == Some(shard) && row.stopped.is_none() {
                row.stopped = Some(now);
                if let Some(state) = chains.remove(chain) {
                    row.saved = Some(state);
                }
            }
        }
    }

    /// A worker is there again: what it held before is free. Returns that.
    pub fn started(&mut self, now: Timestamp, shard: ShardIndex) -> Vec<ChainId> {
        let mut free = Vec::new();
        for (chain, row) in &mut self.rows {
            if row.holder == Some(shard) && row.stopped.take().is_some() {
                row.holder = None;
                row.free_since = Some(now);
                free.push(*chain);
            }
        }
        free
    }

    /// Chains that no worker has in memory and whose messages wait for their recipients.
    pub(crate) fn idle_senders(&self) -> impl Iterator<Item = ChainId> {
        let idle = |row: &Row| row.holder.is_none() || row.stopped.is_some();
        let waits = |state: &ChainState| {
            let mut outboxes = state.outboxes().iter();
            outboxes.any(|(_, outbox)| !outbox.queue().is_empty())
        };
        let rows = self.rows.iter().filter(move |(_, row)| {
            let saved = row.saved.as_ref().filter(|_| idle(row));
            saved.is_some_and(|state| waits(state))
        });
        rows.map(|(chain, _)| *chain)
    }

    /// Whether a worker holds a chain and has not stopped.
    pub fn is_held(&self, chain: &ChainId, shard: ShardIndex) -> bool {
        let row = self.rows.get(chain);
        row.is_some_and(|row| row.holder == Some(shard) && row.stopped.is_none())
    }

    /// How a chain begins that a block of this validator opened.
    pub fn description(&self, chain: &ChainId) -> Option<&Arc<ChainDescription>> {
        self.descriptions.get(chain)
    }

    /// What a worker knows of opened chains and of epochs is known to all.
    pub(crate) fn learn(
        &mut self,
        descriptions: &BTreeMap<ChainId, Arc<ChainDescription>>,
        epochs: &Arc<Epochs>,
    ) {
        for (chain, description) in descriptions {
            let known = self.descriptions.entry(*chain);
            known.or_insert_with(|| description.clone());
        }
        if epochs.is_newer_than(&self.epochs) {
            self.epochs = epochs.clone();
        }
    }

    /// Blobs that a worker has stored are there for all.
    pub(crate) fn learn_blobs(&mut self, stored: impl Iterator<Item = (BlobId, CryptoHash)>) {
        for (id, by) in stored {
            self.blobs.entry(id).or_insert(by);
        }
    }

    /// Events that a worker knows are known to all.
    pub(crate) fn learn_events(&mut self, known: &KnownEvents) {
        // A worker knows what the database does before it learns more.
        if known.count() > self.events.count() {
            for run in known.runs() {
                self.events.note(&run);
            }
        }
    }

    /// The events that the validator knows.
    pub(crate) const fn events(&self) -> &KnownEvents {
        &self.events
    }

    /// The blobs that the validator has stored.
    pub(crate) const fn blobs(&self) -> &BTreeMap<BlobId, CryptoHash> {
        &self.blobs
    }

    /// What the validator knows of epochs.
    pub(crate) const fn epochs(&self) -> &Arc<Epochs> {
        &self.epochs
    }
}

impl Row {
    fn hold(&mut self, shard: ShardIndex) -> Acquired {
        self.lease += 1;
        self.holder = Some(shard);
        self.stopped = None;
        self.free_since = None;
        Acquired::Taken(self.lease, self.saved.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::key;

    fn chain(number: u32) -> ChainId {
        ChainId::placeholder(number)
    }

    fn at(micros: u64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    const W1: ShardIndex = ShardIndex(0);
    const W2: ShardIndex = ShardIndex(1);

    fn database() -> Database {
        Database::new(ShardMap::first(1, Placement::Remainder))
    }

    #[track_caller]
    fn taken(acquired: &Acquired) -> u64 {
        match acquired {
            Acquired::Taken(lease, _) => *lease,
            Acquired::Mine | Acquired::HeldBy(_) | Acquired::NotBefore(_) => panic!("{acquired:?}"),
        }
    }

    #[test]
    fn a_chain_has_one_holder_and_time_passes_between_two() {
        let mut database = database();
        assert_eq!(taken(&database.acquire(at(1), chain(0), W1)), 0);
        let refused = database.acquire(at(2), chain(0), W2);
        assert!(matches!(refused, Acquired::HeldBy(W1)));
        assert_eq!(database.release(at(3), chain(0), W2, None), None);
        assert_eq!(database.release(at(3), chain(0), W1, None), Some(0));
        let same_instant = database.acquire(at(3), chain(0), W2);
        assert!(matches!(same_instant, Acquired::NotBefore(_)));
        assert_eq!(taken(&database.acquire(at(4), chain(0), W2)), 1);
        assert!(database.is_held(&chain(0), W2) && !database.is_held(&chain(0), W1));
    }

    #[test]
    fn a_stopped_holder_keeps_its_chains_until_its_session_ends_or_it_is_back() {
        let session = Database::SESSION.micros();
        let mut database = database();
        for number in 0..2 {
            assert_eq!(taken(&database.acquire(at(1), chain(number), W1)), 0);
        }
        database.stopped(at(10), W1, BTreeMap::new());
        let early = database.acquire(at(10 + session), chain(0), W2);
        assert!(matches!(early, Acquired::NotBefore(_)));
        assert_eq!(taken(&database.acquire(at(11 + session), chain(0), W2)), 1);
        database.started(at(12 + session), W1);
        assert_eq!(taken(&database.acquire(at(13 + session), chain(1), W2)), 1);
        let gone = database.acquire(at(14 + session), chain(0), W1);
        assert!(matches!(gone, Acquired::HeldBy(W2)));
    }

    #[test]
    fn one_more_worker_takes_its_share_and_moves_nothing_else() {
        let validator = key(1, 0).public();
        let map = ShardMap::first(4, Placement::Stable);
        let next = map.resized(5);
        let mut load = [0_u32; 5];
        let mut moved = 0;
        for number in 0..10_000 {
            let (before, after) = (
                map.shard_of(&validator, &chain(number)),
                next.shard_of(&validator, &chain(number)),
            );
            load[after.0 as usize] += 1;
            if before != after {
                assert_eq!(after, ShardIndex(4));
                moved += 1;
            }
        }
        assert!((1_800..2_200).contains(&moved), "{moved}");
        assert!(load.iter().all(|load| (1_800..2_200).contains(load)));
    }

    #[test]
    fn a_worker_in_the_place_of_another_gets_its_chains_and_moves_nothing_else() {
        let validator = key(1, 0).public();
        let map = ShardMap::first(4, Placement::Stable);
        let next = map.shared_by(&[0, 1, 7, 3].map(ShardIndex));
        assert_eq!((next.version, next.shards), (1, 4));
        assert_eq!(next.members(), [0, 1, 7, 3].map(ShardIndex));
        let mut moved = 0;
        for number in 0..1_000 {
            let before = map.shard_of(&validator, &chain(number));
            let after = next.shard_of(&validator, &chain(number));
            let expected = if before.0 == 2 { 7 } else { before.0 };
            assert_eq!(after, ShardIndex(expected));
            moved += usize::from(before != after);
        }
        assert!((200..300).contains(&moved), "{moved}");
    }
}
