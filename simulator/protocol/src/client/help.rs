//! Helping a validator by the error that it returned (table 5.10).
//!
//! Only what this wallet holds is sent: blocks of its own chain, and blocks whose messages it takes
//! in.

use std::sync::Arc;

use super::{
    Client,
    blobs::push_with_blobs,
    communication::{Lane, LaneStatus},
    driver::Stage,
};
use crate::{
    certificate::ConfirmedBlockCertificate,
    error::NodeError,
    ids::{BlockHeight, ChainId, Epoch},
    machine::Outputs,
    observe::Observation,
    rpc::{Delivery, Request},
    store::ContentStore,
    time::Timestamp,
};

/// How often one validator is helped within one step.
pub(super) const HELPS_MAX: u32 = 8;

impl Client {
    /// Helps the validator of `lane` or gives it up.
    pub(super) fn remedy(
        &mut self,
        now: Timestamp,
        stage: &Stage,
        lane: &mut Lane,
        error: NodeError,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        if lane.helped >= HELPS_MAX || !self.config.options.helps {
            lane.status = LaneStatus::Failed;
            return;
        }
        if let (NodeError::MissingCertificateValue, Some(full)) = (&error, full_goal(stage)) {
            lane.helped += 1;
            let validator = lane.validator;
            lane.replace_goal(now, validator, full, &mut self.next_request, out);
            return;
        }
        let helpers = self.helpers(stage, lane, &error, store);
        if helpers.is_empty() {
            lane.status = LaneStatus::Failed;
            return;
        }
        let (chain, validator) = (self.chain_ref().execution.chain_id, lane.validator);
        let requests = u32::try_from(helpers.len()).expect("bounded by the chain's height");
        out.observe(Observation::ValidatorHelped {
            chain,
            validator,
            requests,
        });
        lane.help(now, helpers, &mut self.next_request, out);
    }

    fn helpers(
        &self,
        stage: &Stage,
        lane: &Lane,
        error: &NodeError,
        store: &dyn ContentStore,
    ) -> Vec<(ChainId, Request)> {
        let chain = self.chain_ref().execution.chain_id;
        match error {
            NodeError::UnexpectedBlockHeight { expected, found } if expected < found => {
                self.own_blocks(*expected, *found, store)
            }
            NodeError::MissingCrossChainUpdates(missing) => {
                self.sender_blocks(missing, lane.helped, store)
            }
            NodeError::InactiveChain(id) if *id == chain && lane.chain() == chain => {
                self.own_lineage(store)
            }
            NodeError::WrongRound { current, found } if current < found => self.round_evidence(),
            NodeError::EventsNotFound(_) => self.push_admin_blocks(store),
            NodeError::StreamEventsNotFound(id) => self.event_helpers(id, store),
            NodeError::BlobsNotFound(missing) => self.blob_helpers(stage, lane, missing, store),
            NodeError::InactiveChain(_)
            | NodeError::UnexpectedBlockHeight { .. }
            | NodeError::UnexpectedPreviousBlockHash
            | NodeError::MissingCertificateValue
            | NodeError::InvalidTimestamp { .. }
            | NodeError::InvalidEpoch { .. }
            | NodeError::InvalidOwner(_)
            | NodeError::InvalidProposal
            | NodeError::WrongRound { .. }
            | NodeError::InsufficientRound { .. }
            | NodeError::InsufficientRoundStrict { .. }
            | NodeError::MustBeNewerThanLockingBlock { .. }
            | NodeError::HasIncompatibleConfirmedVote(_)
            | NodeError::HeightOverflow
            | NodeError::Certificate(_)
            | NodeError::Inbox { .. }
            | NodeError::Block(_)
            | NodeError::NotTimedOutYet { .. }
            | NodeError::RoundDoesNotTimeOut(_)
            | NodeError::FastBlockUsingOracles
            | NodeError::RevokedEpoch(_)
            | NodeError::BatchRolledBack
            | NodeError::UnexpectedBlob(_)
            | NodeError::Blob(_)
            | NodeError::CorruptedChainState(_) => Vec::new(),
        }
    }

    fn own_blocks(
        &self,
        from: BlockHeight,
        until: BlockHeight,
        store: &dyn ContentStore,
    ) -> Vec<(ChainId, Request)> {
        let state = self.chain_ref();
        let hashes = (from.0..until.0).filter_map(|height| state.block_hash(BlockHeight(height)));
        let certificates = hashes.filter_map(|hash| store.certificate(&hash));
        certificates
            .flat_map(|certificate| push_with_blobs(certificate, Delivery::NonBlocking, store))
            .collect()
    }

    /// The named blocks, each after those before it that sent here too: more of these each time.
    fn sender_blocks(
        &self,
        missing: &[(ChainId, BlockHeight)],
        helped: u32,
        store: &dyn ContentStore,
    ) -> Vec<(ChainId, Request)> {
        let recipient = self.chain_ref().execution.chain_id;
        let depth = (1usize << helped) - 1;
        let mut helpers = Vec::new();
        for (origin, height) in missing {
            let mut hash = self.sender_block(*origin, *height);
            let mut blocks = Vec::new();
            while let Some(certificate) = hash.and_then(|hash| store.certificate(&hash)) {
                let links = &certificate.block().outcome().previous_message_blocks;
                hash = links
                    .get(&recipient)
                    .map(|(hash, _)| *hash)
                    .filter(|_| blocks.len() < depth);
                blocks.push(push_with_blobs(certificate, Delivery::Blocking, store));
            }
            helpers.extend(blocks.into_iter().rev().flatten());
        }
        helpers
    }

    /// What took this node to its round: the certificate that ended the last round that ran out of
    /// time, and the newest proposal. One of them takes a validator there too.
    fn round_evidence(&self) -> Vec<(ChainId, Request)> {
        let chain = self.chain_ref();
        let manager = &chain.manager;
        let timeout = manager.timeout().cloned().map(Request::Timeout);
        let proposal = manager.newest_proposal().cloned().map(Request::Proposal);
        let known = timeout.into_iter().chain(proposal);
        known
            .map(|request| (chain.execution.chain_id, request))
            .collect()
    }

    /// The blocks that opened this chain and its ancestors.
    fn own_lineage(&self, store: &dyn ContentStore) -> Vec<(ChainId, Request)> {
        let later = |one: &Arc<ConfirmedBlockCertificate>| one.block().proposed().epoch > Epoch(0);
        let mut blocks = if self.lineage.iter().any(later) {
            self.push_admin_blocks(store)
        } else {
            Vec::new()
        };
        let lineage = self.lineage.iter().cloned();
        let with_blobs = |one| push_with_blobs(one, Delivery::NonBlocking, store);
        blocks.extend(lineage.flat_map(with_blobs));
        blocks
    }

    fn push_admin_blocks(&self, store: &dyn ContentStore) -> Vec<(ChainId, Request)> {
        let blocks = self.admin_blocks(store).into_iter();
        blocks
            .map(|certificate| push(certificate, Delivery::NonBlocking))
            .collect()
    }
}

pub(super) fn push(
    certificate: Arc<ConfirmedBlockCertificate>,
    delivery: Delivery,
) -> (ChainId, Request) {
    (
        certificate.block().chain_id(),
        Request::Confirmed(certificate, delivery),
    )
}

fn full_goal(stage: &Stage) -> Option<Request> {
    match stage {
        Stage::Finalizing { certificate, .. } => Some(Request::Validated(certificate.clone())),
        Stage::Broadcasting { certificate, .. } => Some(Request::Confirmed(
            certificate.clone(),
            Delivery::NonBlocking,
        )),
        Stage::Finding(_)
        | Stage::Downloading { .. }
        | Stage::Proposing { .. }
        | Stage::Recovering(_)
        | Stage::Syncing
        | Stage::Ending { .. }
        | Stage::Spreading { .. }
        | Stage::Learning { .. }
        | Stage::Fetching(_)
        | Stage::Following(_)
        | Stage::Waiting
        | Stage::BackingOff => None,
    }
}
