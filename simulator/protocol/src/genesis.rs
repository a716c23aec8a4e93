//! What everybody knows before the first block: the first committee, the keys of all validators, the
//! first chains.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    committee::Committee,
    description::{ChainDescription, ChainOrigin},
    ids::{ChainId, ShardIndex, ValidatorIndex},
    signature::PublicKey,
};

/// The trust anchor of a network.
#[derive(Debug)]
pub struct Genesis {
    committee: Arc<Committee>,
    keys: BTreeMap<ValidatorIndex, PublicKey>,
    descriptions: BTreeMap<ChainId, Arc<ChainDescription>>,
    admin: Option<ChainId>,
}

impl Genesis {
    /// The network of this first committee and these first chains.
    pub fn new(committee: Committee, descriptions: Vec<ChainDescription>) -> Self {
        let keys = committee
            .validators()
            .iter()
            .map(|(key, state)| (state.index, *key))
            .collect();
        let described = |description: ChainDescription| (description.id(), Arc::new(description));
        let descriptions: BTreeMap<_, _> = descriptions.into_iter().map(described).collect();
        let mut chains = descriptions.iter();
        let admin = chains.find(|(_, description)| description.origin == ChainOrigin::ADMIN);
        let admin = admin.map(|(chain, _)| *chain);
        Self {
            committee: Arc::new(committee),
            keys,
            descriptions,
            admin,
        }
    }

    /// The same with the keys of validators that no committee has yet.
    #[must_use]
    pub fn with_candidates(mut self, keys: BTreeMap<ValidatorIndex, PublicKey>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// The committee of the first epoch.
    pub const fn committee(&self) -> &Arc<Committee> {
        &self.committee
    }

    /// The chain that says which committees follow, if there is one.
    pub const fn admin(&self) -> Option<ChainId> {
        self.admin
    }

    /// All validators of all epochs, by index.
    pub const fn keys(&self) -> &BTreeMap<ValidatorIndex, PublicKey> {
        &self.keys
    }

    /// How a first chain began.
    pub fn description(&self, chain: &ChainId) -> Option<&Arc<ChainDescription>> {
        self.descriptions.get(chain)
    }

    /// All first chains.
    pub const fn descriptions(&self) -> &BTreeMap<ChainId, Arc<ChainDescription>> {
        &self.descriptions
    }
}

/// The shard of a validator that owns a chain. The validator's key is mixed in, so that a busy
/// chain lands on different shard numbers at different validators.
pub fn shard_of(validator: &PublicKey, chain: &ChainId, shards: u32) -> ShardIndex {
    let key = validator.owner();
    let salt = match key {
        crate::ids::AccountOwner::Address32(hash) => hash.fingerprint(),
        crate::ids::AccountOwner::Reserved(_) | crate::ids::AccountOwner::Address20(_) => 0,
    };
    let mixed = (chain.0.fingerprint() ^ salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let shard = (mixed >> 32) % u64::from(shards);
    ShardIndex(u32::try_from(shard).expect("a remainder of a 32-bit number"))
}
