//! From one step of an operation to the next, once enough validators have answered.

use std::sync::Arc;

use super::{
    Client,
    driver::{GRACE, Operation, Recovery, Stage, Untold},
};
use crate::{
    application::activity::Activity,
    block::Block,
    certificate::{BlockCertificate, CertificateKind, ConfirmedBlockCertificate, LiteCertificate},
    ids::{Address, BlockHeight, ChainId, ClientIndex, ValidatorIndex},
    machine::Outputs,
    observe::Observation,
    rpc::{Action, Command, Lineage, Packet, Request},
    store::ContentStore,
    time::{TimeDelta, Timestamp},
};

/// Blocks that are downloaded at once at most.
const SYNC_MAX: u64 = 500;

impl Client {
    /// Whether the step has what it needs; a failed step backs off.
    pub(super) fn advance_if_ready(
        &mut self,
        now: Timestamp,
        mut operation: Box<Operation>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let settled = operation.communication.all_settled();
        let ready = self.has_enough(&operation.stage, settled);
        let waited = operation
            .communication
            .grace_until
            .is_some_and(|until| now >= until);
        if ready && (settled || waited) {
            self.background_rest(&operation, out);
            self.advance(now, *operation, store, out);
            self.proceed(now, store, out);
        } else if ready {
            if operation.communication.grace_until.is_none() {
                let elapsed = now.since(operation.communication.started).micros();
                let grace = TimeDelta::from_micros(elapsed / self.config.options.grace_divisor);
                operation.communication.grace_until = Some(now.saturating_add(grace));
                out.timer(grace, operation.communication.phase * 8 + GRACE);
            }
            self.operation = Some(operation);
        } else if settled || self.is_hopeless(&operation) {
            self.back_off(now, *operation, out);
        } else {
            self.operation = Some(operation);
        }
    }

    /// Whether no quorum of votes can come together any more, whatever the rest answers.
    fn is_hopeless(&self, operation: &Operation) -> bool {
        match &operation.stage {
            Stage::Proposing { votes, .. }
            | Stage::Finalizing { votes, .. }
            | Stage::Ending { votes, .. } => {
                let committee = self.committee();
                let quorum = committee.quorum_threshold();
                let weight = |lanes: &mut dyn Iterator<Item = ValidatorIndex>| -> u64 {
                    lanes.map(|validator| self.weight_of(validator)).sum()
                };
                let busy = weight(&mut operation.communication.busy());
                // Once a quorum has answered, those that let two requests pass are not waited for.
                let answered = committee.total_votes() - busy;
                let open = if answered >= quorum {
                    weight(&mut operation.communication.prompt())
                } else {
                    busy
                };
                votes.best_weight() + open < quorum
            }
            Stage::Finding(_)
            | Stage::Downloading { .. }
            | Stage::Broadcasting { .. }
            | Stage::Recovering(_)
            | Stage::Syncing
            | Stage::Spreading { .. }
            | Stage::Learning { .. }
            | Stage::Fetching(_)
            | Stage::Following(_)
            | Stage::Waiting
            | Stage::BackingOff => false,
        }
    }

    fn has_enough(&self, stage: &Stage, settled: bool) -> bool {
        let committee = self.committee();
        let quorum = committee.quorum_threshold();
        match stage {
            Stage::Finding(answers) => {
                answers
                    .iter()
                    .map(|answer| self.weight_of(answer.validator))
                    .sum::<u64>()
                    >= quorum
            }
            Stage::Downloading { .. } => settled,
            Stage::Syncing => settled || !self.synced.is_empty(),
            Stage::Proposing { votes, .. }
            | Stage::Finalizing { votes, .. }
            | Stage::Ending { votes, .. } => votes.has_quorum(&committee),
            Stage::Broadcasting { weight, .. } | Stage::Spreading { weight } => *weight >= quorum,
            Stage::Recovering(recovery) => recovery.weight >= quorum,
            Stage::Learning {
                committee, weight, ..
            } => *weight >= committee.quorum_threshold() || (settled && *weight > 0),
            Stage::Fetching(fetching) => fetching.found || fetching.denied >= quorum,
            Stage::Following(following) => following.weight >= quorum,
            Stage::Waiting | Stage::BackingOff => false,
        }
    }

    fn advance(
        &mut self,
        now: Timestamp,
        operation: Operation,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let (committee, chain) = (self.committee(), self.chain_ref().execution.chain_id);
        if !matches!(operation.stage, Stage::Recovering(_)) {
            self.failures = 0;
        }
        match operation.stage {
            Stage::Finding(answers) => self.start_downloading(now, answers, out),
            Stage::Downloading { fetches, answers } => {
                self.finish_downloading(fetches, &answers, out);
            }
            Stage::Proposing { block, votes } => {
                let lite = votes
                    .certificate(chain, &committee)
                    .expect("checked: a quorum voted");
                self.certified(now, block, lite, store, out);
            }
            Stage::Finalizing { certificate, votes } => {
                let lite = votes
                    .certificate(chain, &committee)
                    .expect("checked: a quorum voted");
                self.certified(now, certificate.block().clone(), lite, store, out);
            }
            Stage::Broadcasting { certificate, .. } => {
                let command = self.untold.take().and_then(|untold| untold.command);
                self.finish(Some(&certificate), command, store, out);
            }
            Stage::Recovering(recovery) => self.recovered(now, recovery, store, out),
            Stage::Syncing => self.apply_synced(now, store, out),
            Stage::Ending { timeout, votes, .. } => self.round_ended(now, timeout, &votes, out),
            Stage::Spreading { .. } => self.start_recovering(now, out),
            Stage::Learning { news, .. } => self.learned(news, out),
            Stage::Fetching(fetching) => {
                self.fetched(now, &fetching, operation.command, out);
            }
            Stage::Following(_) => self.followed(operation.command),
            Stage::Waiting | Stage::BackingOff => {}
        }
    }

    /// A quorum has signed: validated blocks are finalized, confirmed ones are executed and told.
    fn certified(
        &mut self,
        now: Timestamp,
        block: Arc<Block>,
        lite: LiteCertificate,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let (chain, height, payload) = (block.chain_id(), block.height(), lite.payload);
        out.observe(Observation::CertificateFormed {
            chain,
            height,
            payload,
        });
        let certificate = BlockCertificate::new(block, lite).expect("votes for this block");
        let certificate = Arc::new(certificate);
        match payload.kind {
            CertificateKind::Validated => self.start_finalizing(now, certificate, out),
            CertificateKind::Confirmed => self.confirmed(now, &certificate, store, out),
            CertificateKind::Timeout => unreachable!("nobody collects timeout votes for a block"),
        }
    }

    fn confirmed(
        &mut self,
        now: Timestamp,
        certificate: &Arc<ConfirmedBlockCertificate>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let chain = certificate.block().chain_id();
        let command = self.settle_pending(certificate.block());
        store.put_certificate(certificate);
        let activity = self.execute_locally(now, certificate, store);
        self.follow_streams(out);
        self.follow_epoch(certificate.block().proposed().epoch, out);
        if let Some(activity) = activity {
            out.observe(Observation::ApplicationsRan {
                chain: certificate.block().chain_id(),
                height: certificate.block().height(),
                activity,
            });
        }
        out.observe(Observation::BlockConfirmed {
            certificate: certificate.clone(),
        });
        out.persist(chain);
        self.prune_pool(Some(certificate.block().height()), out);
        self.lost_disk = None;
        self.untold = Some(Box::new(Untold {
            certificate: certificate.clone(),
            command,
        }));
        self.start_broadcasting(now, out);
    }

    fn execute_locally(
        &mut self,
        now: Timestamp,
        certificate: &ConfirmedBlockCertificate,
        store: &dyn ContentStore,
    ) -> Option<Arc<Activity>> {
        let block = certificate.block();
        let executed = store
            .replay(
                &self.chain_ref().execution,
                block,
                self.policy(block.proposed().epoch),
            )
            .expect("a quorum has executed this block on the same state");
        assert_eq!(
            executed.block.hash(),
            block.hash(),
            "I-4: execution is a function"
        );
        let activity = executed.activity.clone();
        self.chain_mut()
            .apply(executed, now)
            .expect("a certified block fits the local inbox");
        for id in block.stored_blobs() {
            self.blobs.insert(id, block.hash());
        }
        self.looked = false;
        self.seen.clear();
        self.attempt = None;
        activity
    }

    /// The height of the pending block is taken. Returns the command if its block took it;
    /// otherwise the command has to wait for another block.
    fn settle_pending(&mut self, block: &Block) -> Option<Arc<Command>> {
        let pending = self.pending.take_if(|p| p.block.height <= block.height())?;
        let mine = pending.block_hash == block.proposed_hash();
        if mine {
            return pending.command;
        }
        if let Some(command) = pending.command {
            self.ready.push_front(command);
        }
        None
    }

    fn recovered(
        &mut self,
        now: Timestamp,
        recovery: Recovery,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let chain = self.chain_ref().execution.chain_id;
        let next = self.chain_ref().next_height();
        if !recovery.ahead.is_empty() {
            // What one validator says may be a lie, so all of them are asked.
            let goal = |(height, validator): &(BlockHeight, ValidatorIndex)| {
                let until = height.0.min(next.0.saturating_add(SYNC_MAX));
                let heights = (next.0..until).map(BlockHeight).collect();
                (*validator, chain, Request::DownloadCertificates(heights))
            };
            let goals = recovery.ahead.iter().map(goal).collect();
            let command = self
                .pending
                .as_ref()
                .and_then(|pending| pending.command.clone());
            self.ask(now, command, Stage::Syncing, goals, out);
        } else {
            self.looked = true;
            self.drive_height(now, store, out);
        }
    }

    /// Executes blocks that others have made of this chain.
    fn apply_synced(&mut self, now: Timestamp, store: &dyn ContentStore, out: &mut Outputs) {
        let certificates = std::mem::take(&mut self.synced);
        let chain = self.chain_ref().execution.chain_id;
        if certificates.is_empty() {
            return self.wait_after_failure(now, out);
        }
        for certificate in certificates {
            let block = certificate.block();
            if !self.extends_chain(&certificate, store, out) {
                continue;
            }
            self.execute_locally(now, &certificate, store);
            self.follow_streams(out);
            self.follow_epoch(block.proposed().epoch, out);
            out.persist(chain);
            self.prune_pool(None, out);
            if let Some(command) = self.settle_pending(block) {
                self.finish(Some(&certificate), Some(command), store, out);
            }
        }
    }

    /// A command is done: tells who waits for it.
    pub(super) fn finish(
        &mut self,
        certificate: Option<&Arc<ConfirmedBlockCertificate>>,
        command: Option<Arc<Command>>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        self.fresh = false;
        let Some(command) = command else { return };
        out.observe(Observation::CommandDone {
            command: command.number,
            height: certificate.map(|certificate| certificate.block().height()),
        });
        if let (
            Some(certificate),
            Action::OpenChain {
                wallets,
                placeholder,
                ..
            },
        ) = (certificate, &command.action)
        {
            self.tell_opened(certificate, wallets, *placeholder, store, out);
        }
        if let (Some(certificate), Action::Call(call)) = (certificate, &command.action)
            && let Some(opens) = &call.opens
        {
            self.tell_opened(certificate, &opens.wallets, opens.placeholder, store, out);
        }
        if let (Some(certificate), Action::CreateApplication(creation)) =
            (certificate, &command.action)
        {
            self.tell_created(certificate.block(), creation, out);
        }
        if let Some(waiting) = command.then {
            out.send(
                Address::Client(waiting),
                Packet::CommandDone(command.number),
            );
        }
    }

    /// Tells the owners of the chains that a block has opened, with the proof.
    fn tell_opened(
        &self,
        certificate: &Arc<ConfirmedBlockCertificate>,
        wallets: &[ClientIndex],
        placeholder: ChainId,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        for description in certificate.block().opened() {
            let mut certificates = self.lineage.clone();
            certificates.push(certificate.clone());
            let lineage = Arc::new(Lineage {
                placeholder,
                description: description.clone(),
                certificates,
                admin: self.admin_blocks(store),
            });
            for wallet in wallets {
                let packet = Packet::ChainOpened(lineage.clone());
                out.send(Address::Client(*wallet), packet);
            }
        }
    }
}
