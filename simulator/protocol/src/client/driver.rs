//! The steps of one operation, and what leads from one to the next.
//!
//! | step | asks every validator | goes on when | then |
//! |---|---|---|---|
//! | finding | what the chain has received | a quorum has answered | downloading, or next |
//! | downloading | blocks that sent to the chain | all have answered or failed | next |
//! | proposing | to vote for the pending block | a quorum of votes, and the grace period | finalizing; in the fast round: broadcasting |
//! | finalizing | to confirm the validated block | a quorum of votes, and the grace period | broadcasting |
//! | broadcasting | to execute the confirmed block | a quorum has, and the grace period | done |
//! | recovering | height, votes and locks | a quorum has answered | syncing, finalizing or proposing |
//! | syncing | blocks of the chain that are missing here | it has answered | next |
//! | backing off | nothing | the delay is over | recovering |

use std::sync::Arc;

use super::{
    Client,
    communication::{Communication, LaneStatus, NotMine},
    find_received::{Fetch, LogAnswer},
    staging::Staged,
};
use crate::{
    block::{Block, ProposedBlock},
    certificate::{ConfirmedBlockCertificate, ValidatedBlockCertificate, VoteCollector},
    hash::CryptoHash,
    ids::{Address, BlockHeight, ChainId, ValidatorIndex},
    machine::Outputs,
    observe::Observation,
    proposal::BlockProposal,
    round::Round,
    rpc::{ChainInfoQuery, Command, Reply, Request, RequestId},
    store::{ContentStore, Executed},
    time::Timestamp,
};

/// A block that was proposed and is not yet confirmed.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) block: Arc<ProposedBlock>,
    pub(super) block_hash: CryptoHash,
    pub(super) round: Round,
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
    BackingOff,
}

/// What a recovery has learned.
#[derive(Clone, Debug, Default)]
pub(super) struct Recovery {
    pub(super) weight: u64,
    pub(super) ahead: Option<(BlockHeight, ValidatorIndex)>,
    pub(super) lock: Option<Arc<ValidatedBlockCertificate>>,
}

/// What a wallet is doing.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) command: Option<Arc<Command>>,
    pub(super) communication: Communication,
    pub(super) stage: Stage,
}

/// What a timer is for; its token is `phase * 4` plus this.
const OVERDUE: u64 = 0;
pub(super) const GRACE: u64 = 1;
const BACKOFF: u64 = 2;
const BACKGROUND: u64 = 3;

impl Client {
    /// Starts the next operation, if none runs and there is something to do.
    pub(super) fn proceed(&mut self, now: Timestamp, store: &dyn ContentStore, out: &mut Outputs) {
        while self.operation.is_none() && self.chain.is_some() {
            let before = self.open_commands();
            if self.pending.is_some() {
                self.start_recovering(now, out);
            } else if self.wants_to_find() {
                self.start_finding(now, out);
            } else if let Some(command) = self.next_command() {
                self.propose_new(now, Some(command), store, out);
            } else if self.takes_in_by_itself() {
                self.propose_new(now, None, store, out);
            }
            if self.operation.is_none() && self.open_commands() >= before {
                return;
            }
        }
    }

    fn next_command(&mut self) -> Option<Arc<Command>> {
        let inbox_waits = self.inbox_waits();
        let ready = self.ready.pop_front();
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
        if let Some(command) = &command {
            let chain = self.chain_ref().execution.chain_id;
            out.observe(Observation::CommandStarted {
                command: command.number,
                chain,
            });
        }
        match self.stage(now, command.as_deref(), store) {
            Staged::Nothing => self.finish(None, command, out),
            Staged::Impossible(error) => {
                if let Some(command) = &command {
                    self.fail_command(command, error.to_string(), out);
                }
                self.fresh = false;
            }
            Staged::Block {
                block,
                block_hash,
                executed,
            } => {
                let round = self.proposal_round();
                self.pending = Some(Box::new(Pending {
                    block,
                    block_hash,
                    round,
                    command,
                }));
                out.persist(self.chain_ref().execution.chain_id);
                self.start_proposing(now, &executed, out);
            }
        }
    }

    /// The round to propose in: fast if allowed, else the first that is not.
    fn proposal_round(&self) -> Round {
        let ownership = &self.chain_ref().execution.ownership;
        let first = ownership.first_round();
        let owner = self.config.key.public().owner();
        let fast = self.config.allow_fast_blocks && ownership.super_owners.contains(&owner);
        if first.is_fast() && !fast {
            Round::MultiLeader(0)
        } else {
            first
        }
    }

    pub(super) fn start_proposing(
        &mut self,
        now: Timestamp,
        executed: &Executed,
        out: &mut Outputs,
    ) {
        let pending = self.pending.as_ref().expect("saved before it is sent");
        let proposal = Arc::new(BlockProposal::fresh(
            pending.block.clone(),
            pending.round,
            &self.config.key,
        ));
        out.signed(1);
        let count = |number: usize| u32::try_from(number).expect("blocks are small");
        out.observe(Observation::BlockProposed {
            chain: pending.block.chain_id,
            height: pending.block.height,
            round: pending.round,
            proposal: pending.block_hash,
            operations: count(pending.block.operations().count()),
            incoming: count(pending.block.incoming_bundles().count()),
            scheduled_us: pending
                .command
                .as_ref()
                .and_then(|command| command.scheduled_us),
        });
        let (chain, command) = (pending.block.chain_id, pending.command.clone());
        let stage = Stage::Proposing {
            block: executed.block.clone(),
            votes: VoteCollector::default(),
        };
        self.ask_all(
            now,
            command,
            stage,
            (chain, Request::Proposal(proposal)),
            out,
        );
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

    fn start_recovering(&mut self, now: Timestamp, out: &mut Outputs) {
        let chain = self.chain_ref().execution.chain_id;
        let query = ChainInfoQuery {
            manager_values: true,
            received_log_from: None,
        };
        let command = self
            .pending
            .as_ref()
            .and_then(|pending| pending.command.clone());
        let stage = Stage::Recovering(Recovery::default());
        self.ask_all(now, command, stage, (chain, Request::ChainInfo(query)), out);
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
            self.phase * 4 + OVERDUE,
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
            self.absorb(
                &mut operation.stage,
                (lane, validator),
                response,
                store,
                out,
            )
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

    pub(super) fn back_off(&mut self, now: Timestamp, operation: Operation, out: &mut Outputs) {
        self.failures += 1;
        self.notified |= matches!(
            operation.stage,
            Stage::Finding(_) | Stage::Downloading { .. }
        );
        let options = &self.config.options;
        let delay = options
            .retry_delay
            .saturating_mul(self.failures)
            .min(options.max_backoff);
        self.ask(now, operation.command, Stage::BackingOff, Vec::new(), out);
        out.timer(delay, self.phase * 4 + BACKOFF);
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
        let (phase, kind) = (token / 4, token % 4);
        if kind == BACKGROUND {
            return self.on_background_timer(now, phase, out);
        }
        let current = |operation: &mut Box<Operation>| operation.communication.phase == phase;
        let Some(mut operation) = self.operation.take_if(current) else {
            return;
        };
        match kind {
            BACKOFF => {
                if let Some(command) = operation.command.take()
                    && self.pending.is_none()
                {
                    self.ready.push_front(command);
                }
                return self.proceed(now, store, out);
            }
            OVERDUE if matches!(operation.stage, Stage::BackingOff) => {
                self.operation = Some(operation);
                return;
            }
            OVERDUE => self.repeat_overdue(now, &mut operation.communication, OVERDUE, out),
            _ => {}
        }
        self.advance_if_ready(now, operation, store, out);
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
            out.timer(timeout, communication.phase * 4 + kind);
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
            out.timer(timeout, communication.phase * 4 + BACKGROUND);
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
                self.absorb(&mut stage, (lane, validator), response, store, out)
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
