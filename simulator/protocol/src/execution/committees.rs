//! Operations on committees and epochs.
//!
//! Owns the rules of section 7 that a block alone can tell: who may create, revoke and enter an
//! epoch. Does not know whether an epoch was created on the admin chain: the caller looks that up.

use std::sync::Arc;

use super::{Execution, StateChange};
use crate::{
    committee::Committee, epochs::Epochs, error::ExecutionError, hash::CryptoHash, ids::Epoch,
    oracle::OracleResponse, sabotage::Sabotage,
};

impl Execution<'_> {
    pub(super) fn admin_epochs(&mut self) -> Result<&mut Epochs, ExecutionError> {
        let epochs = self.state.epochs.as_mut();
        epochs
            .map(Arc::make_mut)
            .ok_or(ExecutionError::AdminOperationOnNonAdminChain)
    }

    pub(super) fn publish(&mut self, committee: &Arc<Committee>) -> Result<(), ExecutionError> {
        let hash = self.admin_epochs()?.publish(committee.clone());
        self.changes.push(StateChange::CommitteePublished(hash));
        Ok(())
    }

    pub(super) fn create_committee(
        &mut self,
        epoch: Epoch,
        blob_hash: &CryptoHash,
    ) -> Result<(), ExecutionError> {
        self.admin_epochs()?;
        self.check_next(epoch)?;
        let now = self.block.timestamp;
        if !self.admin_epochs()?.create(blob_hash, now) {
            return Err(ExecutionError::BlobsNotFound(*blob_hash));
        }
        let change = StateChange::CommitteeCreated(epoch, *blob_hash);
        self.changes.push(change);
        self.state.epoch = epoch;
        Ok(())
    }

    pub(super) fn remove_committee(&mut self, epoch: Epoch) -> Result<(), ExecutionError> {
        let current = self.state.epoch;
        let any_order = self.sabotage == Sabotage::EpochsInAnyOrder;
        let epochs = self.admin_epochs()?;
        let in_order = epoch == epochs.first_trusted() && epoch < current;
        if !in_order && !any_order {
            return Err(ExecutionError::InvalidCommitteeRemoval(epoch));
        }
        epochs.remove_next();
        self.changes.push(StateChange::CommitteeRemoved(epoch));
        Ok(())
    }

    /// Whether the epoch was created is for the caller to look up: it is the event that this reads.
    pub(super) fn process_new_epoch(&mut self, epoch: Epoch) -> Result<(), ExecutionError> {
        self.check_next(epoch)?;
        if self.state.epochs.is_some() {
            // The admin chain has gone on when it created the epoch.
            return Err(ExecutionError::InvalidCommitteeEpoch(epoch));
        }
        self.ask(OracleResponse::Event(epoch))?;
        if self.sabotage == Sabotage::EpochsNeverChange {
            return Ok(());
        }
        self.changes.push(StateChange::Epoch(epoch));
        self.state.epoch = epoch;
        Ok(())
    }

    /// One block leads from its own epoch to the next one, and no further.
    pub(super) fn check_next(&self, epoch: Epoch) -> Result<(), ExecutionError> {
        let next = self.block.epoch.next();
        if self.state.epoch == self.block.epoch && next == Some(epoch) {
            Ok(())
        } else {
            Err(ExecutionError::InvalidCommitteeEpoch(epoch))
        }
    }
}
