//! The port to what is shared: immutable values keyed by content, and results of pure functions.
//!
//! Machines are given a store with each input. It may remember or recompute: no answer depends on
//! which. It never says what a validator *has*; that is in the validator's own state.

use std::{fmt, sync::Arc};

use crate::{
    application::{
        activity::Activity,
        guest::{Module, ModuleError, Role},
    },
    blob::{Blob, BlobId},
    block::{Block, ProposedBlock},
    certificate::ConfirmedBlockCertificate,
    error::BlockError,
    execution::{self, Charged, ExecutionState, Terms},
    hash::CryptoHash,
    outside::Outside,
    policy::ResourceControlPolicy,
    sabotage::Sabotage,
    signature::{PublicKey, Signature},
};

/// What executing a block gives: the block with its outcome, and the state after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Executed {
    /// The block with its outcome.
    pub block: Arc<Block>,
    /// The state of the chain after it.
    pub state: Arc<ExecutionState>,
    /// What the block has cost; `None` where nothing costs and nothing is limited.
    pub charged: Option<Charged>,
    /// What applications did, if any was called.
    pub activity: Option<Arc<Activity>>,
}

impl Executed {
    /// Whether a node with this knowledge of the rest of the world would have got the same.
    pub fn agrees_with(&self, outside: &dyn Outside) -> bool {
        let mut responses = self.block.outcome().oracle_responses.iter().flatten();
        responses.all(|response| outside.agrees(response))
    }
}

/// What executing a block looks up: all of it named by its content.
pub trait Content {
    /// A blob, if it is anywhere.
    fn blob(&self, id: &BlobId) -> Option<Arc<Blob>>;

    /// The code in a blob, compiled for this role; `None` where nothing runs code.
    fn module(&self, role: Role, blob: &Arc<Blob>) -> Option<Result<Arc<dyn Module>, ModuleError>>;
}

impl fmt::Debug for dyn Content + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content")
    }
}

/// A store as what executing a block looks things up in.
pub struct Shared<'a, S: ?Sized>(pub &'a S);

impl<S: ContentStore + ?Sized> Content for Shared<'_, S> {
    fn blob(&self, id: &BlobId) -> Option<Arc<Blob>> {
        self.0.blob(id)
    }

    fn module(&self, role: Role, blob: &Arc<Blob>) -> Option<Result<Arc<dyn Module>, ModuleError>> {
        self.0.module(role, blob)
    }
}

/// Shared immutable data, by content.
pub trait ContentStore: Send + Sync {
    /// Whether `signature` is `key`'s over `digest`.
    fn verify(&self, key: &PublicKey, digest: &CryptoHash, signature: &Signature) -> bool {
        key.verify(digest, signature)
    }

    /// Executes `block`, whose hash is `block_hash`, on `state`, under the policy of its epoch.
    ///
    /// # Errors
    /// If the block is not valid there.
    fn execute(
        &self,
        state: &Arc<ExecutionState>,
        block: &ProposedBlock,
        block_hash: CryptoHash,
        policy: Option<&ResourceControlPolicy>,
        outside: &dyn Outside,
    ) -> Result<Executed, BlockError> {
        let _ = block_hash;
        let content = Shared(self);
        let terms = Terms {
            policy,
            sabotage: Sabotage::None,
            content: Some(&content),
            outside: Some(outside),
        };
        let executed = execution::execute_under(terms, state, block)?;
        self.keep_created(&executed);
        Ok(executed)
    }

    /// Executes `block` again, with the oracle responses that it has recorded.
    ///
    /// # Errors
    /// If the block is not valid there, or asks for other answers.
    fn replay(
        &self,
        state: &Arc<ExecutionState>,
        block: &Block,
        policy: Option<&ResourceControlPolicy>,
    ) -> Result<Executed, BlockError> {
        let content = Shared(self);
        let terms = Terms {
            policy,
            sabotage: Sabotage::None,
            content: Some(&content),
            outside: None,
        };
        let executed = execution::replay(state, block, terms)?;
        self.keep_created(&executed);
        Ok(executed)
    }

    /// Keeps the blobs that came to be by executing a block.
    fn keep_created(&self, executed: &Executed) {
        for blob in executed.block.created_blobs() {
            self.put_blob(blob);
        }
    }

    /// The code in a blob, compiled for this role; `None` where nothing runs code.
    fn module(&self, role: Role, blob: &Arc<Blob>) -> Option<Result<Arc<dyn Module>, ModuleError>> {
        let _ = (role, blob);
        None
    }

    /// Keeps a blob.
    fn put_blob(&self, blob: &Arc<Blob>);

    /// A blob that was kept.
    fn blob(&self, id: &BlobId) -> Option<Arc<Blob>>;

    /// Keeps a confirmed certificate, by the hash of its block.
    fn put_certificate(&self, certificate: &Arc<ConfirmedBlockCertificate>);

    /// A certificate that was kept.
    fn certificate(&self, block_hash: &CryptoHash) -> Option<Arc<ConfirmedBlockCertificate>>;
}
