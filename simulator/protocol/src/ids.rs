//! Identifiers: chains, accounts, heights, epochs, cursors and the parties that talk.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::hash::CryptoHash;

/// A microchain: the content hash of its [`crate::description::ChainDescription`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainId(pub CryptoHash);

impl ChainId {
    /// What stands for a chain that a script opens later: its id is known when the block that opens
    /// it is confirmed. Wallets put the id in its place before they propose anything.
    pub fn placeholder(number: u32) -> Self {
        Self(CryptoHash::of_bytes(
            "ChainToBeOpened",
            &number.to_le_bytes(),
        ))
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chain {:?}", self.0)
    }
}

/// An application: the content hash of its description.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApplicationId(pub CryptoHash);

impl ApplicationId {
    /// What stands for an application that a scenario names and nobody has created.
    pub fn placeholder(name: &str) -> Self {
        Self(CryptoHash::of_bytes(
            "ApplicationToBeCreated",
            name.as_bytes(),
        ))
    }
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who holds an account: a key, an application, or the chain itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum AccountOwner {
    /// Reserved by the protocol; 0 is the chain's own pooled balance.
    Reserved(u8),
    /// Hash of a public key, or of an application's description.
    Address32(CryptoHash),
    /// An Ethereum-style address.
    Address20([u8; 20]),
}

impl AccountOwner {
    /// The chain's own pooled balance.
    pub const CHAIN: Self = Self::Reserved(0);
}

impl fmt::Display for AccountOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserved(byte) => write!(f, "0x{byte:02x}"),
            Self::Address32(hash) => write!(f, "0x{hash}"),
            Self::Address20(bytes) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// An account: an owner's balance on one chain. Shown as `owner@chain`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Account {
    /// The chain that keeps the balance.
    pub chain_id: ChainId,
    /// Whose balance it is.
    pub owner: AccountOwner,
}

impl Account {
    /// The pooled balance of `chain_id`.
    pub const fn chain(chain_id: ChainId) -> Self {
        Self {
            chain_id,
            owner: AccountOwner::CHAIN,
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.owner, self.chain_id)
    }
}

/// Height of a block on its chain; the first is 0.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BlockHeight(pub u64);

impl BlockHeight {
    /// The height that no block may have (rule V5).
    pub const MAX: Self = Self(u64::MAX);

    /// The height above, at most [`BlockHeight::MAX`].
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The height below, unless this is the first.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl fmt::Display for BlockHeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a committee.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The one after it.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

/// Position of a bundle in its origin chain: block height, then transaction index.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Cursor {
    /// Height of the sender's block.
    pub height: BlockHeight,
    /// Transaction within that block.
    pub index: u32,
}

impl Cursor {
    /// The smallest cursor after this one.
    pub fn next(self) -> Self {
        match self.index.checked_add(1) {
            Some(index) => Self {
                height: self.height,
                index,
            },
            None => Self {
                height: self.height.next(),
                index: 0,
            },
        }
    }
}

/// Index of a validator in the scenario; a handle, not a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValidatorIndex(pub u32);

/// Index of a worker shard within its validator.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardIndex(pub u32);

/// Index of a user's wallet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientIndex(pub u32);

/// A party that sends and receives packets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Address {
    /// A user's wallet with its local node.
    Client(ClientIndex),
    /// The public face of a validator.
    Proxy(ValidatorIndex),
    /// A worker shard of a validator.
    Worker(ValidatorIndex, ShardIndex),
}

/// The text is not a chain id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a chain id is 64 hexadecimal digits")]
pub struct ParseChainIdError;

impl FromStr for ChainId {
    type Err = ParseChainIdError;

    fn from_str(text: &str) -> Result<Self, ParseChainIdError> {
        text.parse().map(Self).map_err(|_| ParseChainIdError)
    }
}
