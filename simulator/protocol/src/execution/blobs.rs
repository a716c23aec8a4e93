//! Operations on blobs.
//!
//! That the blobs are at hand is for the caller to look up; here is what a block may publish, and when
//! the chain uses a blob for the first time.

use std::sync::Arc;

use super::{Execution, StateChange};
use crate::{blob::BlobId, error::ExecutionError, oracle::OracleResponse, sabotage::Sabotage};

impl Execution<'_> {
    pub(super) fn verify_blob(&mut self, blob: BlobId) -> Result<(), ExecutionError> {
        let used = &self.state.used_blobs;
        if used.as_ref().is_some_and(|used| used.contains(&blob)) {
            return Ok(());
        }
        self.ask(OracleResponse::Blob(blob))?;
        self.use_blob(blob);
        Ok(())
    }

    /// The chain knows the blob from now on; of one that is published nobody has to be asked.
    pub(super) fn use_blob(&mut self, blob: BlobId) {
        let used = self.state.used_blobs.get_or_insert_default();
        if !used.contains(&blob) {
            Arc::make_mut(used).insert(blob);
            self.changes.push(StateChange::BlobUsed(blob));
        }
    }

    /// Asks something outside of the chain, or takes the answer that was recorded.
    pub(super) fn ask(&mut self, expected: OracleResponse) -> Result<(), ExecutionError> {
        if self.sabotage == Sabotage::OraclesUnrecorded {
            return Ok(());
        }
        let response = self.oracles.answer(expected)?;
        let recorded = self.oracle_responses.last_mut();
        recorded
            .expect("pushed before each transaction")
            .push(response);
        Ok(())
    }
}
