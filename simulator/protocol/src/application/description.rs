//! What applications and their event streams are called.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    blob::{Blob, BlobContent, BlobId, BlobType},
    hash::CryptoHash,
    ids::{ApplicationId, BlockHeight, ChainId},
};

/// The machine that a module is made for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum VmRuntime {
    /// WebAssembly.
    Wasm,
    /// Ethereum's machine: named by the interface, run by nobody here.
    Evm,
}

/// Code: a contract and a service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ModuleId {
    /// The blob with the contract's bytecode.
    pub contract_blob_hash: CryptoHash,
    /// The blob with the service's bytecode.
    pub service_blob_hash: CryptoHash,
    /// What runs them.
    pub vm_runtime: VmRuntime,
}

impl ModuleId {
    /// The contract's bytecode.
    pub const fn contract(&self) -> BlobId {
        let (blob_type, hash) = (BlobType::ContractBytecode, self.contract_blob_hash);
        BlobId { blob_type, hash }
    }

    /// The service's bytecode.
    pub const fn service(&self) -> BlobId {
        let (blob_type, hash) = (BlobType::ServiceBytecode, self.service_blob_hash);
        BlobId { blob_type, hash }
    }

    /// Both.
    pub const fn blobs(&self) -> [BlobId; 2] {
        [self.contract(), self.service()]
    }
}

/// An application: code with what it was created with. Its id is the hash of the blob that says this.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ApplicationDescription {
    /// Its code.
    pub module_id: ModuleId,
    /// The chain that created it.
    pub creator_chain_id: ChainId,
    /// The block that created it.
    pub block_height: BlockHeight,
    /// How many applications that block had created before.
    pub application_index: u32,
    /// Parameters (JSON), the same on every chain and for ever.
    pub parameters: Vec<u8>,
    /// Applications that it may call, and that are loaded wherever it is.
    pub required_application_ids: Vec<ApplicationId>,
}

impl ApplicationDescription {
    /// The blob that says it.
    pub fn content(&self) -> BlobContent {
        let bytes = bcs::to_bytes(self).expect("descriptions encode");
        BlobContent::new(BlobType::ApplicationDescription, bytes)
    }

    /// What a blob says, if it is a description at all.
    pub fn of(blob: &Blob) -> Option<Self> {
        let is_one = blob.id().blob_type == BlobType::ApplicationDescription;
        is_one.then(|| bcs::from_bytes(blob.bytes()).ok()).flatten()
    }

    /// Its id.
    pub fn id(&self) -> ApplicationId {
        ApplicationId(self.content().id().hash)
    }
}

/// An application, or the protocol itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum GenericApplicationId {
    /// The protocol itself.
    System,
    /// An application of users.
    User(ApplicationId),
}

/// The name of a stream, unique within its application.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamName(pub Vec<u8>);

impl StreamName {
    /// The most bytes that a name has.
    pub const LENGTH_MAX: usize = 64;
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// A stream of events.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct StreamId {
    /// Who adds events to it.
    pub application_id: GenericApplicationId,
    /// Its name there.
    pub stream_name: StreamName,
}

/// New events of a stream that a chain is subscribed to: those from `previous_index` up to and
/// without `next_index`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StreamUpdate {
    /// The chain that publishes them.
    pub chain_id: ChainId,
    /// The stream.
    pub stream_id: StreamId,
    /// The first event that the subscriber has not seen.
    pub previous_index: u32,
    /// The first event that does not exist yet.
    pub next_index: u32,
}
