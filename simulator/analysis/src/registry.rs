//! Small numbers for chains and for pairs of chains, so that folds are vectors.
//!
//! Invariant: numbers are given in the order of first appearance, the chains of the genesis first;
//! nothing is ever forgotten. The table answers by key only: its inner order is seen by nobody.

use std::sync::Arc;

use protocol::{
    description::ChainDescription, ids::ChainId, observe::Observation, sharding::ShardingFact,
};

/// Number of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChainNo(pub(crate) u32);

/// Number of an ordered pair: recipient and origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PairNo(pub(crate) u32);

impl ChainNo {
    pub(crate) fn index(self) -> usize {
        index(self.0)
    }
}

impl PairNo {
    pub(crate) fn index(self) -> usize {
        index(self.0)
    }
}

/// A number as an index.
pub(crate) fn index(number: u32) -> usize {
    usize::try_from(number).expect("a usize has at least 32 bits here")
}

/// An index as a number.
///
/// # Panics
/// If there are 2^32 or more of something.
pub(crate) fn number(index: usize) -> u32 {
    u32::try_from(index).expect("there are fewer than 2^32 of anything that is counted here")
}

/// Length as 64 bits.
pub(crate) fn long(length: usize) -> u64 {
    u64::try_from(length).expect("lengths fit 64 bits")
}

/// Grows a vector so that `at` is an index of it.
pub(crate) fn reach<T: Default>(list: &mut Vec<T>, at: usize) -> &mut T {
    if list.len() <= at {
        list.resize_with(at + 1, T::default);
    }
    &mut list[at]
}

/// Numbers by 64-bit keys, by open addressing: a tree would cost three times as much for each of
/// the dozens of facts that a block leaves. Who owns the things says whether a number is the right
/// one, so different things may share a key.
#[derive(Debug, Default)]
struct Numbers {
    /// The upper half of a key, and a number plus one; 0 is free. A power of two long, at most
    /// half full.
    slots: Vec<u64>,
    count: usize,
}

/// The lower half of a slot.
const NUMBER: u64 = 0xffff_ffff;

impl Numbers {
    fn first(&self, key: u64) -> usize {
        let mixed = (key ^ (key >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        usize::try_from(mixed).unwrap_or(usize::MAX) & (self.slots.len() - 1)
    }

    /// The number with this key for which `is` holds.
    fn find(&self, key: u64, is: impl Fn(usize) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.first(key);
        while self.slots[at] != 0 {
            let slot = self.slots[at];
            let found = u32::try_from((slot & NUMBER) - 1).expect("half a slot");
            if slot >> 32 == key >> 32 && is(index(found)) {
                return Some(found);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        None
    }

    /// Gives the next number to a key; `key_of` says the keys of the others.
    fn insert(&mut self, key: u64, key_of: impl Fn(usize) -> u64) -> u32 {
        if (self.count + 1) * 2 > self.slots.len() {
            self.slots = vec![0; (self.slots.len() * 2).max(16)];
            for number in 0..self.count {
                self.put(key_of(number), number);
            }
        }
        self.put(key, self.count);
        self.count += 1;
        number(self.count - 1)
    }

    fn put(&mut self, key: u64, number: usize) {
        let mut at = self.first(key);
        while self.slots[at] != 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = (key & !NUMBER) | (long(number) + 1);
    }
}

/// What a fact is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The chain: the recipient of an arrival, the sender of what an outbox confirmed.
    pub(crate) chain: Option<ChainNo>,
    /// Recipient and origin, for arrivals and confirmations.
    pub(crate) pair: Option<PairNo>,
}

/// All chains and pairs that were heard of.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    ids: Vec<ChainId>,
    by_id: Numbers,
    /// Recipient and origin, in the halves of a word.
    pairs: Vec<u64>,
    by_pair: Numbers,
}

impl Registry {
    pub(crate) fn new(genesis: &[(ChainId, Arc<ChainDescription>)]) -> Self {
        let mut registry = Self::default();
        for (id, _) in genesis {
            registry.chain(id);
        }
        registry
    }

    /// The number of a chain, new if it was never heard of.
    pub(crate) fn chain(&mut self, id: &ChainId) -> ChainNo {
        if let Some(found) = self.find(id) {
            return found;
        }
        let ids = &self.ids;
        let number = self
            .by_id
            .insert(id.0.fingerprint(), |number| ids[number].0.fingerprint());
        self.ids.push(*id);
        ChainNo(number)
    }

    /// The number of a chain that was heard of.
    pub(crate) fn find(&self, id: &ChainId) -> Option<ChainNo> {
        let found = self
            .by_id
            .find(id.0.fingerprint(), |number| self.ids[number] == *id);
        found.map(ChainNo)
    }

    pub(crate) fn pair(&mut self, recipient: ChainNo, origin: ChainNo) -> PairNo {
        let ends = u64::from(recipient.0) << 32 | u64::from(origin.0);
        // Both ends count in the half of the key that a slot keeps.
        let key = |ends: u64| ends.wrapping_mul(0xD1B5_4A32_D192_ED03);
        let pairs = &self.pairs;
        if let Some(found) = self.by_pair.find(key(ends), |number| pairs[number] == ends) {
            return PairNo(found);
        }
        let number = self.by_pair.insert(key(ends), |number| key(pairs[number]));
        self.pairs.push(ends);
        PairNo(number)
    }

    pub(crate) fn id(&self, chain: ChainNo) -> ChainId {
        self.ids[chain.index()]
    }

    /// Recipient and origin of a pair.
    pub(crate) fn ends(&self, pair: PairNo) -> (ChainNo, ChainNo) {
        let key = self.pairs[pair.index()];
        let half = |part: u64| u32::try_from(part).expect("half of 64 bits");
        (
            ChainNo(half(key >> 32)),
            ChainNo(half(key & u64::from(u32::MAX))),
        )
    }

    /// The pairs that a chain sends in.
    pub(crate) fn pairs_from(&self, origin: ChainNo) -> Vec<PairNo> {
        let all = (0..number(self.pairs.len())).map(PairNo);
        all.filter(|pair| self.ends(*pair).1 == origin).collect()
    }

    pub(crate) fn pairs(&self) -> usize {
        self.pairs.len()
    }

    pub(crate) fn chains(&self) -> usize {
        self.ids.len()
    }

    /// What a fact is about.
    pub(crate) fn subject(&mut self, fact: &Observation) -> Subject {
        let (chain, origin) = match fact {
            Observation::CommandDone { .. }
            | Observation::Sharding(
                ShardingFact::MapChanged { .. }
                | ShardingFact::ScalingDecided { .. }
                | ShardingFact::WorkersRunning { .. },
            ) => return Subject::default(),
            Observation::CommandStarted { chain, .. }
            | Observation::CommandFailed { chain, .. }
            | Observation::BlockProposed { chain, .. }
            | Observation::CertificateFormed { chain, .. }
            | Observation::VoteCast { chain, .. }
            | Observation::RoundEntered { chain, .. }
            | Observation::EpochsKnown { chain, .. }
            | Observation::RuleBitten { chain, .. }
            | Observation::BlobStored { chain, .. }
            | Observation::BlobPending { chain, .. }
            | Observation::FeesCharged { chain, .. }
            | Observation::ApplicationsRan { chain, .. }
            | Observation::ApplicationCreated { chain, .. }
            | Observation::BlockGivenUp { chain, .. }
            | Observation::BlockExecuted { chain, .. }
            | Observation::BlockPreprocessed { chain, .. }
            | Observation::RequestRefused { chain, .. }
            | Observation::ValidatorHelped { chain, .. }
            | Observation::RequestTimedOut { chain, .. }
            | Observation::DeliveryAnswered { chain, .. }
            | Observation::BundleRejected { chain, .. }
            | Observation::BundlePostponed { chain, .. }
            | Observation::SenderBlockRefused { chain, .. }
            | Observation::Sharding(
                ShardingFact::ChainTaken { chain, .. } | ShardingFact::ChainReleased { chain, .. },
            )
            | Observation::ShapeBroken { chain, .. } => (*chain, None),
            Observation::BlockConfirmed { certificate } => (certificate.block().chain_id(), None),
            Observation::BundleArrived {
                recipient, origin, ..
            } => (*recipient, Some(*origin)),
            Observation::DuplicateUpdate { recipient, .. }
            | Observation::UpdateRefused { recipient, .. } => (*recipient, None),
            Observation::OutboxConfirmed {
                sender, recipient, ..
            } => {
                let (recipient, sender) = (self.chain(recipient), self.chain(sender));
                let pair = Some(self.pair(recipient, sender));
                return Subject {
                    chain: Some(sender),
                    pair,
                };
            }
            Observation::UpdateAbandoned { sender, .. }
            | Observation::UpdateRetried { sender, .. }
            | Observation::UpdateDropped { sender, .. }
            | Observation::OutboxRestored { sender, .. } => (*sender, None),
            // Told by whoever the network took it from: of no chain of its own.
            Observation::CrossChainLost { .. } => return Subject::default(),
        };
        let chain = self.chain(&chain);
        let pair = origin.map(|origin| {
            let origin = self.chain(&origin);
            self.pair(chain, origin)
        });
        Subject {
            chain: Some(chain),
            pair,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::hash::CryptoHash;

    #[test]
    fn numbers_are_dense_and_stay() {
        let mut registry = Registry::default();
        let id = |n: u64| ChainId(CryptoHash::of_bytes("t", &n.to_le_bytes()));
        for n in 0..5_000 {
            assert_eq!(
                registry.chain(&id(n)),
                ChainNo(u32::try_from(n).expect("small"))
            );
        }
        for n in (0..5_000).rev() {
            assert_eq!(
                registry.find(&id(n)).map(ChainNo::index),
                usize::try_from(n).ok()
            );
        }
        assert_eq!(registry.find(&id(5_000)), None);
        assert_eq!(registry.chains(), 5_000);
    }

    #[test]
    fn ids_that_share_a_fingerprint_are_apart() {
        let mut registry = Registry::default();
        let id = |tail: u8| {
            let mut bytes = [7; 32];
            bytes[31] = tail;
            ChainId(CryptoHash::from_bytes(bytes))
        };
        let numbers: Vec<_> = (0..4).map(|tail| registry.chain(&id(tail))).collect();
        assert_eq!(numbers, [0, 1, 2, 3].map(ChainNo));
        assert_eq!(registry.find(&id(2)), Some(ChainNo(2)));
        assert_eq!(registry.find(&id(9)), None);
    }

    #[test]
    fn pairs_know_their_ends() {
        let mut registry = Registry::default();
        let pair = registry.pair(ChainNo(3), ChainNo(u32::MAX));
        let other = registry.pair(ChainNo(u32::MAX), ChainNo(3));
        assert_ne!(pair, other);
        assert_eq!(registry.ends(pair), (ChainNo(3), ChainNo(u32::MAX)));
        assert_eq!(registry.pair(ChainNo(3), ChainNo(u32::MAX)), pair);
    }
}
