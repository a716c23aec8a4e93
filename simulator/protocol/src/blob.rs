//! Blobs: bytes that are named by their hash and belong to no chain.
//!
//! A block *publishes* the blobs whose bytes its proposer brings along, and *requires* those that it
//! only refers to. Whoever has a certified block has its blobs: validators keep account of theirs, and
//! wallets get them with the blocks.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::{
    hash::{CryptoHash, Hashable},
    ids::ApplicationId,
};

/// What a blob holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum BlobType {
    /// Data of users.
    Data,
    /// The code of a contract, compressed.
    ContractBytecode,
    /// The code of a service, compressed.
    ServiceBytecode,
    /// What an application was created with; the blob's hash is the application's id.
    ApplicationDescription,
}

/// The name of a blob.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct BlobId {
    /// What it holds.
    pub blob_type: BlobType,
    /// The hash of its content.
    pub hash: CryptoHash,
}

impl BlobId {
    /// The name of a blob of data.
    pub const fn data(hash: CryptoHash) -> Self {
        let blob_type = BlobType::Data;
        Self { blob_type, hash }
    }

    /// The name of the description of an application.
    pub const fn description(application: ApplicationId) -> Self {
        let (blob_type, hash) = (BlobType::ApplicationDescription, application.0);
        Self { blob_type, hash }
    }
}

/// A blob: bytes with their type.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct BlobContent {
    blob_type: BlobType,
    bytes: Vec<u8>,
}

impl Hashable for BlobContent {
    const TAG: &'static str = "BlobContent";
}

impl BlobContent {
    /// A blob of this type.
    pub const fn new(blob_type: BlobType, bytes: Vec<u8>) -> Self {
        Self { blob_type, bytes }
    }

    /// A blob of data.
    pub const fn data(bytes: Vec<u8>) -> Self {
        Self::new(BlobType::Data, bytes)
    }

    /// What it holds.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its name.
    pub fn id(&self) -> BlobId {
        BlobId {
            blob_type: self.blob_type,
            hash: CryptoHash::of(self),
        }
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        u64::try_from(self.bytes.len()).expect("a size has at most 64 bits")
    }
}

/// A blob with its name: computed once, never taken from anybody.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Blob {
    id: BlobId,
    content: BlobContent,
}

impl Blob {
    /// Names a blob.
    pub fn new(content: BlobContent) -> Arc<Self> {
        let id = content.id();
        Arc::new(Self { id, content })
    }

    /// Its name.
    pub const fn id(&self) -> BlobId {
        self.id
    }

    /// What it holds.
    pub fn bytes(&self) -> &[u8] {
        self.content.bytes()
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.content.size()
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.content.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let content = BlobContent::deserialize(deserializer)?;
        let id = content.id();
        Ok(Self { id, content })
    }
}

/// How much of blobs a block may publish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlobLimits {
    /// The most bytes of one blob.
    pub maximum_blob_size: u64,
    /// The most blobs that one block publishes.
    pub maximum_published_blobs: u64,
}

impl BlobLimits {
    /// What holds everywhere.
    pub const DEFAULT: Self = Self {
        maximum_blob_size: 1_000_000,
        maximum_published_blobs: 10,
    };

    /// Whether a blob is small enough.
    ///
    /// # Errors
    /// If it is not.
    pub fn check_size(&self, blob: &Blob) -> Result<(), BlobError> {
        let (size, maximum) = (blob.size(), self.maximum_blob_size);
        if size > maximum {
            return Err(BlobError::BlobTooLarge { size, maximum });
        }
        Ok(())
    }

    /// Whether a block may publish so many.
    ///
    /// # Errors
    /// If it may not.
    pub fn check_count(&self, published: usize) -> Result<(), BlobError> {
        let published = u64::try_from(published).expect("blocks are small");
        let maximum = self.maximum_published_blobs;
        if published > maximum {
            return Err(BlobError::TooManyPublishedBlobs { published, maximum });
        }
        Ok(())
    }
}

/// Why blobs are refused, whoever asks.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
pub enum BlobError {
    /// A blob is too large.
    #[error("a blob of {size} bytes is larger than {maximum}")]
    BlobTooLarge {
        /// Its bytes.
        size: u64,
        /// The most there may be.
        maximum: u64,
    },
    /// A block publishes too many.
    #[error("{published} published blobs are more than {maximum}")]
    TooManyPublishedBlobs {
        /// How many it publishes.
        published: u64,
        /// The most there may be.
        maximum: u64,
    },
}
