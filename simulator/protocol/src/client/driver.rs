//! The steps of one operation, and what leads from one to the next.
//!
//! | step | asks every validator | goes on when | then |
//! |---|---|---|---|
//! | finding | what the chain has received | a quorum has answered | downloading, or next |
//! | downloading | blocks that sent to the chain | all have answered or failed | next |
//! | proposing | to vote for the pending block | a quorum of votes, and the grace period | finalizing; in the fast round: broadcasting |
//! | finalizing | to confirm the validated block | a quorum of votes, and the grace period | broadcasting |
//! | broadcasting | to execute the confirmed block | a quorum has, and the grace period | done |
//! | recovering | height, proposals, locks, timeouts | a quorum has answered | syncing, finalizing, proposing, ending or waiting |
//! | ending | to vote that the round is over | a quorum of votes | spreading |
//! | spreading | to go on to the next round | a quorum has | recovering |
//! | waiting | nothing | a notification, the end of the round, or some time | recovering |
//! | syncing | blocks of the chain that are missing here | it has answered | next |
//! | fetching | for a block that proves a blob | one has it, or a quorum has not | next |
//! | following | for blocks that hold events | a quorum has answered | next |
//! | learning | blocks of the admin chain | a quorum has answered | next |
//! | backing off | nothing | the delay is over | recovering |

use std::sync::Arc;

use super::{
    Client,
    blobs::Fetching,
    communication::{Communication, LaneStatus, NotMine},
    find_received::{Fetch, LogAnswer},
    staging::Staged,
    streams::Following,
};
use crate::{
    block::{Block, ProposedBlock},
    certificate::{
        ConfirmedBlockCertificate, Timeout, ValidatedBlockCertificate, VoteCollector, VotePayload,
    },
    committee::Committee,
    hash::CryptoHash,
    ids::{Address, BlockHeight, ChainId, ValidatorIndex},
    machine::Outputs,
    observe::Observation,
    rpc::{Action, ChainInfoQuery, Command, Reply, Request, RequestId},
    store::ContentStore,
    time::Timestamp,
};

/// A block that was proposed and is not yet confirmed.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) block: Arc<ProposedBlock>,
    pub(super) block_hash: CryptoHash,
    pub(super) command: Option<Arc<Command>>,
    /// Whether it asks no oracle.
    pub(super) may_be_fast: bool,
}

/// A confirmed block that no quorum is known to have executed, and the command that it does.
#[derive(Clone, Debug)]
pub(super) struct Untold {
    pub(super) certificate: Arc<ConfirmedBlockCertificate>,
    pub(super) command: Option<Arc<Command>>,
}

/// Where an operation stands.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    Finding(Vec<LogAnswer>),
    Downloading {
        fetches: Vec<Fetch>,
        answers: Vec<LogAnswer>,
    },
    Proposing {
        block: Arc<Block>,
        votes: VoteCollector,
    },
    Finalizing {
        certificate: Arc<ValidatedBlockCertificate>,
        votes: VoteCollector,
    },
    Broadcasting {
        certificate: Arc<ConfirmedBlockCertificate>,
        weight: u64,
    },
    Recovering(Recovery),
    Syncing,
    Ending {
        timeout: Timeout,
        payload: VotePayload,
        votes: VoteCollector,
    },
    Spreading {
        weight: u64,
    },
    /// Asking this committee for blocks of the admin chain.
    Learning {
        committee: Arc<Committee>,
        weight: u64,
        /// Whether the blocks say something new of epochs.
        news: bool,
    },
    /// Asking who has published a blob.
    Fetching(Fetching),
    /// Asking for events of a stream.
    Following(Following),
    Waiting,
    BackingOff,
}

/// What a recovery has learned.
#[derive(Clone, Debug, Default)]
pub(super) struct Recovery {
    pub(super) weight: u64,
    /// Validators that say they have more blocks, and the height that they expect next.
    pub(super) ahead: Vec<(BlockHeight, ValidatorIndex)>,
}

/// What a wallet is doing.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) command: Option<Arc<Command>>,
    pub(super) communication: Communication,
    pub(super) stage: Stage,
}

/// What a timer is for; its token is `phase * 8` plus this.
const OVERDUE: u64 = 0;
pub(super) const GRACE: u64 = 1;
const BACKOFF: u64 = 2;
const BACKGROUND: u64 = 3;
pub(super) const TURN: u64 = 4;

impl Client {
    /// Starts the next operation, if none runs and there is something to do.
    pub(super) fn proceed(&mut self, now: Timestamp, store: &dyn ContentStore, out: &mut Outputs) {
        while self.operation.is_none() && self.chain.is_some() {
            let before = self.open_commands();
            if self.untold.is_some() {
                self.start_broadcasting(now, out);
            } else if self.pending.is_some() {
                self.start_recovering(now, out);
            } else if self.wants_epochs() {
                self.start_learning(now, out);
            } else if self.stands_in() {
                self.stand_in(now, store, out);
            } else if self.wants_to_find() {
                self.start_finding(now, out);
            } else if self.wants_events() {
                self.start_following(now, out);
            } else if self.wants_to_look() && self.must_look_first() {
                self.start_recovering(now, out);
            } else if self.is_behind() {
                self.propose_next_epoch(now, store, out);
            } else if let Some(command) = self.next_command() {
                self.propose_new(now, Some(command), store, out);
            } else if self.makes_blocks_by_itself() {
                self.propose_new(now, None, store, out);
            }
            if self.operation.is_none() && self.open_commands() >= before {
                return;
            }
        }
    }

    /// Whether it matters how the chain stands.
    fn wants_to_look(&self) -> bool {
        self.has_work() || self.is_behind() || self.is_in_the_dark()
    }

    /// Whether there is a block to be made.
    pub(super) fn has_work(&self) -> bool {
        let on_inbox = !self.on_inbox.is_empty() && self.inbox_waits();
        self.next_ready().is_some() || on_inbox || self.makes_blocks_by_itself()
    }

    fn makes_blocks_by_itself(&self) -> bool {
        self.takes_in_by_itself() || self.hands_over_by_itself() || self.pool_waits()
    }

    fn next_command(&mut self) -> Option<Arc<Command>> {
        let inbox_waits = self.inbox_waits();
        let ready = self.next_ready();
        let ready = ready.and_then(|position| self.ready.remove(position));
        ready.or_else(|| {
            if inbox_waits {
                self.on_inbox.pop_front()
            } else {
                None
            }
        })
    }

    /// Proposes a block for `command` with all that waits in the inbox.
    fn propose_new(
        &mut self,
        now: Timestamp,
        command: Option<Arc<Command>>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        if let Some(command) = &command
            && let Some(blob) = self.blob_to_find(&command.action)
        {
            return self.start_fetching(now, Some(command.clone()), (blob, true), out);
        }
        if let Some(command) = &command {
            self.tell_started(command, out);
        }
        if let Some(command) = &command
            && self.names_unopened(&command.action)
        {
            let reason = "the chain that it names is not open yet".to_owned();
            return self.fail_command(command, reason, out);
        }
        if let Some(command) = &command
            && matches!(command.action, Action::Submit { .. })
        {
            return self.hand_in(command, out);
        }
        if let Some(command) = &command
            && let Err(reason) = Self::keep_blobs(&command.action, store)
        {
            return self.fail_command(command, reason, out);
        }
        match self.stage(now, command.as_deref(), store, out) {
            Staged::Nothing => self.finish(None, command, store, out),
            Staged::Impossible(reason) => {
                if let Some(command) = &command {
                    self.fail_command(command, reason, out);
                }
                self.fresh = false;
            }
            Staged::Lacking(lacking) => self.look_for(now, command, lacking, out),
            Staged::Block {
                block,
                block_hash,
                may_be_fast,
            } => {
                self.pending = Some(Box::new(Pending {
                    block,
                    block_hash,
                    command,
                    may_be_fast,
                }));
                out.persist(self.chain_ref().execution.chain_id);
                self.drive_height(now, store, out);
            }
        }
    }

    pub(super) fn start_finalizing(
        &mut self,
        now: Timestamp,
        certificate: Arc<ValidatedBlockCertificate>,
        out: &mut Outputs,
    ) {
        let chain = certificate.block().chain_id();
        let request = Request::LiteValidated(Arc::new(certificate.lite().clone()));
        let command = self
            .pending
            .as_ref()
            .and_then(|pending| pending.command.clone());
        let stage = Stage::Finalizing {
            certificate,
            votes: VoteCollector::default(),
        };
        self.ask_all(now, command, stage, (chain, request), out);
    }

    /// Tells every validator of the confirmed block; nothing else begins before a quorum has it.
    pub(super) fn start_broadcasting(&mut self, now: Timestamp, out: &mut Outputs) {
        let Some(untold) = &self.untold else { return };
        let certificate = untold.certificate.clone();
        let chain = certificate.block().chain_id();
        let request = Request::LiteConfirmed(Arc::new(certificate.lite().clone()));
        let to = |validator| (validator, chain, request.clone());
        let goals = self.audience(&certificate).into_iter().map(to).collect();
        let stage = Stage::Broadcasting {
            certificate,
            weight: 0,
        };
        self.ask(now, None, stage, goals, out);
    }

    pub(super) fn start_recovering(&mut self, now: Timestamp, out: &mut Outputs) {
        let chain = self.chain_ref().execution.chain_id;
        let query = ChainInfoQuery {
            manager_values: true,
            ..ChainInfoQuery::default()
        };
        let command = self
            .pending
            .as_ref()
            .and_then(|pending| pending.command.clone());
        let stage = Stage::Recovering(Recovery::default());
        self.ask_all(
            now,
            command,
            stage,
            (chain, Request::ChainInfo(Box::new(query))),
            out,
        );
    }

    pub(super) fn ask_all(
        &mut self,
        now: Timestamp,
        command: Option<Arc<Command>>,
        stage: Stage,
        goal: (ChainId, Request),
        out: &mut Outputs,
    ) {
        let to = |validator| (validator, goal.0, goal.1.clone());
        let goals = self.validators().into_iter().map(to).collect();
        self.ask(now, command, stage, goals, out);
    }

    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        command: Option<Arc<Command>>,
        stage: Stage,
        goals: Vec<(ValidatorIndex, ChainId, Request)>,
        out: &mut Outputs,
    ) {
        self.phase += 1;
        let next = &mut self.next_request;
        let communication = Communication::start(self.phase, now, goals, next, out);
        out.timer(
            self.config.options.request_timeout,
            self.phase * 8 + OVERDUE,
        );
        self.operation = Some(Box::new(Operation {
            command,
            communication,
            stage,
        }));
    }

    /// Handles an answer of a validator.
    pub(super) fn on_reply(
        &mut self,
        now: Timestamp,
        answer: (Address, RequestId),
        reply: Reply,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let (from, id) = answer;
        let Some(mut operation) = self.operation.take() else {
            return self.on_background_reply(now, id, reply, store, out);
        };
        let next = &mut self.next_request;
        match operation
            .communication
            .on_reply(now, id, reply.clone(), next, out)
        {
            Ok((lane, reply)) => {
                debug_assert_eq!(
                    from,
                    Address::Proxy(operation.communication.lanes[lane].validator)
                );
                self.on_answer(now, &mut operation, lane, reply, store, out);
                self.advance_if_ready(now, operation, store, out);
            }
            Err(NotMine::Help) => self.operation = Some(operation),
            Err(NotMine::Stale) => {
                self.operation = Some(operation);
                self.on_background_reply(now, id, reply, store, out);
            }
        }
    }

    fn on_answer(
        &mut self,
        now: Timestamp,
        operation: &mut Operation,
        lane: usize,
        reply: Reply,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let validator = operation.communication.lanes[lane].validator;
        let absorbed = reply.and_then(|response| {
            let from = (lane, validator);
            self.absorb(now, &mut operation.stage, from, response, store, out)
        });
        match absorbed {
            Ok(true) => operation.communication.lanes[lane].status = LaneStatus::Answered,
            Ok(false) => self.try_next_source(now, operation, lane, out),
            Err(error) => {
                let lane = &mut operation.communication.lanes[lane];
                self.remedy(now, &operation.stage, lane, error, store, out);
            }
        }
    }

    /// A step has failed. Votes that went elsewhere are looked at once more at once; anything else
    /// is tried again later.
    pub(super) fn back_off(&mut self, now: Timestamp, operation: Operation, out: &mut Outputs) {
        self.notified |= matches!(
            operation.stage,
            Stage::Finding(_) | Stage::Downloading { .. }
        );
        let voting = matches!(
            operation.stage,
            Stage::Proposing { .. } | Stage::Finalizing { .. }
        );
        if voting {
            return self.start_recovering(now, out);
        }
        if self.pending.is_none()
            && let Some(command) = operation.command
        {
            self.ready.push_front(command);
        }
        self.wait_after_failure(now, out);
    }

    /// Tries again after a delay that grows with each failure.
    pub(super) fn wait_after_failure(&mut self, now: Timestamp, out: &mut Outputs) {
        self.failures += 1;
        // Somebody's block may be locked that nobody else will finish.
        self.looked = false;
        self.want_epochs();
        let options = &self.config.options;
        let delay = options
            .retry_delay
            .saturating_mul(self.failures)
            .min(options.max_backoff);
        self.ask(now, None, Stage::BackingOff, Vec::new(), out);
        out.timer(delay, self.phase * 8 + BACKOFF);
    }

    /// Handles a timer.
    pub fn on_timer(
        &mut self,
        now: Timestamp,
        token: u64,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        if let Some(number) = token.checked_sub(super::HELD) {
            return self.release_held(now, number, store, out);
        }
        if token == super::SUBMIT {
            return self.hand_in_again(out);
        }
        if token == super::fallback::FALLBACK {
            return self.proceed(now, store, out);
        }
        if token == super::POLL {
            self.polling = false;
            self.notified = true;
            self.want_epochs();
            self.want_events();
            self.keep_looking(out);
            return self.proceed(now, store, out);
        }
        let (phase, kind) = (token / 8, token % 8);
        if kind == BACKGROUND {
            return self.on_background_timer(now, phase, out);
        }
        let current = |operation: &mut Box<Operation>| operation.communication.phase == phase;
        let Some(mut operation) = self.operation.take_if(current) else {
            return;
        };
        match kind {
            BACKOFF => return self.proceed(now, store, out),
            TURN => {
                self.operation = Some(operation);
                return self.stop_waiting(now, store, out);
            }
            OVERDUE if matches!(operation.stage, Stage::BackingOff) => {
                self.operation = Some(operation);
                return;
            }
            OVERDUE if matches!(operation.stage, Stage::Waiting) => {
                self.operation = Some(operation);
                return self.stop_waiting(now, store, out);
            }
            OVERDUE => self.repeat_overdue(now, &mut operation.communication, OVERDUE, out),
            _ => {}
        }
        self.advance_if_ready(now, operation, store, out);
    }

    /// Looks again instead of waiting for a turn.
    pub(super) fn stop_waiting(
        &mut self,
        now: Timestamp,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let waiting = |operation: &mut Box<Operation>| matches!(operation.stage, Stage::Waiting);
        if self.operation.take_if(waiting).is_some() {
            self.looked = false;
            self.proceed(now, store, out);
        }
    }

    /// Stops gathering votes for a height that another block has taken.
    pub(super) fn stop_asking(&mut self, now: Timestamp, height: BlockHeight, out: &mut Outputs) {
        let asks = |operation: &mut Box<Operation>| {
            matches!(
                operation.stage,
                Stage::Proposing { .. } | Stage::Finalizing { .. } | Stage::Ending { .. }
            )
        };
        let shared = self.chain.is_some() && !self.is_alone();
        if shared
            && height >= self.chain_ref().next_height()
            && self.operation.take_if(asks).is_some()
        {
            self.start_recovering(now, out);
        }
    }

    fn repeat_overdue(
        &mut self,
        now: Timestamp,
        communication: &mut Communication,
        kind: u64,
        out: &mut Outputs,
    ) {
        let options = self.config.options;
        let timeout = options.request_timeout;
        let overdue = Timestamp::from_micros(now.micros().saturating_sub(timeout.micros()));
        let next = &mut self.next_request;
        let repeated = communication.repeat_overdue(now, overdue, options.retries, next, out);
        let chain = self.config.chain.unwrap_or_default();
        for validator in repeated {
            out.observe(Observation::RequestTimedOut { chain, validator });
        }
        if !communication.all_settled() {
            out.timer(timeout, communication.phase * 8 + kind);
        }
    }

    /// Keeps telling validators of a confirmed block after a quorum has it, until the next block.
    pub(super) fn background_rest(&mut self, operation: &Operation, out: &mut Outputs) {
        let Stage::Broadcasting { certificate, .. } = &operation.stage else {
            return;
        };
        let communication = &operation.communication;
        self.background = None;
        if !communication.all_settled() {
            self.background = Some(Box::new((communication.clone(), certificate.clone())));
            let timeout = self.config.options.request_timeout;
            out.timer(timeout, communication.phase * 8 + BACKGROUND);
        }
    }

    fn on_background_reply(
        &mut self,
        now: Timestamp,
        id: RequestId,
        reply: Reply,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let Some(mut background) = self.background.take() else {
            return;
        };
        let (communication, certificate) = &mut *background;
        let next = &mut self.next_request;
        if let Ok((lane, reply)) = communication.on_reply(now, id, reply, next, out) {
            let certificate = certificate.clone();
            let mut stage = Stage::Broadcasting {
                certificate,
                weight: 0,
            };
            let validator = communication.lanes[lane].validator;
            let absorbed = reply.and_then(|response| {
                self.absorb(now, &mut stage, (lane, validator), response, store, out)
            });
            let lane = &mut communication.lanes[lane];
            match absorbed {
                Ok(_) => lane.status = LaneStatus::Answered,
                Err(error) => self.remedy(now, &stage, lane, error, store, out),
            }
        }
        if !background.0.all_settled() {
            self.background = Some(background);
        }
    }

    fn on_background_timer(&mut self, now: Timestamp, phase: u64, out: &mut Outputs) {
        let current = |background: &mut Box<super::Background>| background.0.phase == phase;
        let Some(mut background) = self.background.take_if(current) else {
            return;
        };
        self.repeat_overdue(now, &mut background.0, BACKGROUND, out);
        if !background.0.all_settled() {
            self.background = Some(background);
        }
    }
}
