//! How a chain began: the description blob whose hash is the chain's id.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    amount::Amount,
    hash::{CryptoHash, Hashable},
    ids::{BlockHeight, ChainId, Epoch},
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
    time::Timestamp,
};

/// Where a chain comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum ChainOrigin {
    /// A chain of the genesis; `Root(0)` is the admin chain.
    Root(u32),
    /// A chain opened by a block of another chain.
    Child {
        /// The chain that opened it.
        parent: ChainId,
        /// Height of the block that opened it.
        block_height: BlockHeight,
        /// How many chains that block opened before it.
        chain_index: u32,
    },
}

impl ChainOrigin {
    /// Where the admin chain comes from.
    pub const ADMIN: Self = Self::Root(0);
}

/// What a chain starts with.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct InitialChainConfig {
    /// Who owns it. Every state of the chain shares this record until it changes.
    pub ownership: Arc<ChainOwnership>,
    /// Its first epoch.
    pub epoch: Epoch,
    /// What its own account holds.
    pub balance: Amount,
    /// What applications may do on it; `None`: everything.
    pub permissions: Option<Arc<ApplicationPermissions>>,
}

/// Everything that determines a new chain.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ChainDescription {
    /// Where it comes from.
    pub origin: ChainOrigin,
    /// When it was opened.
    pub timestamp: Timestamp,
    /// What it starts with.
    pub config: InitialChainConfig,
}

impl Hashable for ChainDescription {
    const TAG: &'static str = "ChainDescription";
}

impl ChainDescription {
    /// The chain's id. Unique, verifiable, and known to the opener before its block is certified.
    pub fn id(&self) -> ChainId {
        // Only what is restricted is part of the hash, so that any other chain has the id that it
        // had before there were permissions: files that are kept stay what they are.
        if self.config.permissions.is_some() {
            return ChainId(CryptoHash::of(self));
        }
        let InitialChainConfig {
            ownership,
            epoch,
            balance,
            permissions: _,
        } = &self.config;
        let unrestricted = (self.origin, self.timestamp, (ownership, epoch, balance));
        let bytes = bcs::to_bytes(&unrestricted).expect("descriptions encode");
        ChainId(CryptoHash::of_bytes(Self::TAG, &bytes))
    }
}
