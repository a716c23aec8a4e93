//! Operations on blobs.
//!
//! That the blobs are at hand is for the caller to look up; here is what a block may publish, and when
//! the chain uses a blob for the first time.

use std::sync::Arc;

use super::{Execution, StateChange};
use crate::{
    application::runtime::RuntimeError, blob::BlobId, error::ExecutionError,
    oracle::OracleResponse, outside::Outside, sabotage::Sabotage,
};

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
        self.record(response);
        Ok(())
    }

    /// Learns something from outside of the chain: what was recorded, or else what this node knows.
    pub(super) fn learn(
        &mut self,
        look: impl FnOnce(&dyn Outside) -> Result<OracleResponse, RuntimeError>,
    ) -> Result<OracleResponse, RuntimeError> {
        let response = match self.oracles.recorded()? {
            Some(recorded) => recorded,
            None => look(self.outside)?,
        };
        if self.sabotage != Sabotage::OraclesUnrecorded {
            self.record(response.clone());
        }
        Ok(response)
    }

    fn record(&mut self, response: OracleResponse) {
        let recorded = self.oracle_responses.last_mut();
        recorded
            .expect("pushed before each transaction")
            .push(response);
    }
}
