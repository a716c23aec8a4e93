//! Blobs of a wallet: those that its blocks publish, and those of others that they refer to (5.10,
//! 6.2).
//!
//! A wallet holds the blobs that it publishes, and those of every certified block that it has. Before
//! a block refers to somebody else's blob, it asks the validators for a block that proves it.

use std::sync::Arc;

use super::{Client, communication::Lane, driver::Stage, help::push, staging::Lacking};
use crate::{
    blob::{Blob, BlobId, BlobLimits},
    block::SystemOperation,
    certificate::{CertificateKind, ConfirmedBlockCertificate},
    ids::ChainId,
    machine::Outputs,
    observe::Observation,
    rpc::{Action, Command, Delivery, Request},
    store::ContentStore,
    time::Timestamp,
};

/// A blob that is looked for, and what validators say of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetching {
    pub(super) blob: BlobId,
    pub(super) found: bool,
    /// The weight of those who do not have it.
    pub(super) denied: u64,
    /// Whether the command is given up if nobody has it. A blob that a block turned out to need was
    /// certified somewhere, and validators may hear of it later.
    pub(super) gives_up: bool,
}

impl Client {
    /// Keeps the blobs that a command publishes.
    /// An error says which is too large.
    pub(super) fn keep_blobs(action: &Action, store: &dyn ContentStore) -> Result<(), String> {
        let blobs: Vec<&Arc<Blob>> = match action {
            Action::PublishBlobs(blobs) => blobs.iter().collect(),
            Action::PublishModule(module) => module.blobs().to_vec(),
            Action::CreateApplication(creation) if creation.publish => {
                creation.module.blobs().to_vec()
            }
            _ => return Ok(()),
        };
        for blob in blobs {
            let sized = BlobLimits::DEFAULT.check_size(blob);
            sized.map_err(|error| error.to_string())?;
            store.put_blob(blob);
        }
        Ok(())
    }

    /// The blob that must be found before a command can be done.
    pub(super) fn blob_to_find(&self, action: &Action) -> Option<BlobId> {
        match action {
            Action::VerifyBlob(id) if !self.blobs.contains_key(id) => Some(*id),
            _ => None,
        }
    }

    /// Asks all validators who has published a blob, and whether the command ends if nobody has.
    pub(super) fn start_fetching(
        &mut self,
        now: Timestamp,
        command: Option<Arc<Command>>,
        (blob, gives_up): (BlobId, bool),
        out: &mut Outputs,
    ) {
        let chain = self.chain_ref().execution.chain_id;
        let stage = Stage::Fetching(Fetching {
            blob,
            found: false,
            denied: 0,
            gives_up,
        });
        let goal = (chain, Request::DownloadBlob(Box::new(blob)));
        self.ask_all(now, command, stage, goal, out);
    }

    /// Tells once that a command has started, also if something has to be found for it first.
    pub(super) fn tell_started(&mut self, command: &Command, out: &mut Outputs) {
        if self.started != Some(command.number) {
            self.started = Some(command.number);
            self.forget_sought();
            out.observe(Observation::CommandStarted {
                command: command.number,
                chain: self.chain_ref().execution.chain_id,
            });
        }
    }

    /// Looks for what a block has turned out to need.
    pub(super) fn look_for(
        &mut self,
        now: Timestamp,
        command: Option<Arc<Command>>,
        lacking: Lacking,
        out: &mut Outputs,
    ) {
        match lacking {
            Lacking::Blob(blob) => self.start_fetching(now, command, (blob, false), out),
            Lacking::Event(id) => self.seek_event(now, command, id, out),
        }
    }

    /// Takes a block that proves a blob. `false`: the answer is of no use.
    pub(super) fn absorb_proof(
        &mut self,
        fetching: &mut Fetching,
        weight: u64,
        certificate: Option<&Arc<ConfirmedBlockCertificate>>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> bool {
        let Some(certificate) = certificate else {
            fetching.denied += weight;
            return true;
        };
        let block = certificate.block();
        let Some(committee) = self.committee_of(block.proposed().epoch) else {
            self.want_epochs();
            return false;
        };
        out.verified(certificate.lite().signatures.len());
        let proves = certificate.kind() == CertificateKind::Confirmed
            && block.stored_blobs().any(|id| id == fetching.blob)
            && certificate.lite().check(committee, store).is_ok();
        if proves {
            store.put_certificate(certificate);
            self.blobs.insert(fetching.blob, certificate.hash());
            fetching.found = true;
        }
        proves
    }

    /// The validators have answered: goes on with the command, or gives it up.
    pub(super) fn fetched(
        &mut self,
        now: Timestamp,
        fetching: &Fetching,
        command: Option<Arc<Command>>,
        out: &mut Outputs,
    ) {
        match command {
            Some(command) if !fetching.found && fetching.gives_up => {
                self.tell_started(&command, out);
                self.fail_command(&command, "nobody has published the blob".to_owned(), out);
            }
            command => {
                if let Some(command) = command {
                    self.ready.push_front(command);
                }
                if !fetching.found {
                    self.wait_after_failure(now, out);
                }
            }
        }
    }

    /// What a validator needs that lacks blobs of a block: those that nobody has certified go to the
    /// chain that waits for them, and the others where a certified block refers to them.
    pub(super) fn blob_helpers(
        &self,
        stage: &Stage,
        lane: &Lane,
        missing: &[BlobId],
        store: &dyn ContentStore,
    ) -> Vec<(ChainId, Request)> {
        let chain = lane.chain();
        // A validated block waits for all of its blobs, a proposal for those that it publishes.
        let pending = |id: &BlobId| match stage {
            Stage::Proposing { block, .. } => {
                block.proposed().published_blobs().any(|one| one == *id)
            }
            _ => matches!(stage, Stage::Finalizing { .. }),
        };
        let mut helpers = Vec::new();
        for id in missing {
            let Some(blob) = store.blob(id) else {
                continue;
            };
            let proof = self.blobs.get(id).and_then(|hash| store.certificate(hash));
            if matches!(stage, Stage::Broadcasting { .. }) {
                helpers.push((chain, Request::UploadBlob(blob)));
            } else if pending(id) {
                helpers.push((chain, Request::PendingBlob(blob)));
            } else if let Some(proof) = proof {
                helpers.extend(push_with_blobs(proof, Delivery::NonBlocking, store));
            }
        }
        helpers
    }
}

/// A certified block for a validator that lacks it, with its blobs.
pub(super) fn push_with_blobs(
    certificate: Arc<ConfirmedBlockCertificate>,
    delivery: Delivery,
    store: &dyn ContentStore,
) -> Vec<(ChainId, Request)> {
    let chain = certificate.block().chain_id();
    let ids: Vec<_> = certificate.block().required_blobs().collect();
    let blobs = ids.iter().filter_map(|id| store.blob(id));
    let uploads: Vec<_> = blobs
        .map(|blob| (chain, Request::UploadBlob(blob)))
        .collect();
    let push_it = push(certificate, delivery);
    if uploads.is_empty() {
        return vec![push_it];
    }
    // The first time says which blobs the block refers to, and the second time they are there.
    let mut all = vec![push_it.clone()];
    all.extend(uploads);
    all.push(push_it);
    all
}

/// The operations of a command on blobs.
pub(super) fn operations_on_blobs(action: &Action) -> Vec<SystemOperation> {
    match action {
        Action::PublishBlobs(blobs) => blobs
            .iter()
            .map(|blob| SystemOperation::PublishDataBlob {
                hash: blob.id().hash,
            })
            .collect(),
        Action::VerifyBlob(blob_id) => vec![SystemOperation::VerifyBlob { blob_id: *blob_id }],
        _ => Vec::new(),
    }
}
