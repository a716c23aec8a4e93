//! What a wallet does about its chain's next height (6.6): which block it proposes and in which
//! round, when it waits for its turn, and how it ends a round that ran out of time.
//!
//! The local manager, which has no key, gathers the evidence: locks, timeouts, proposals. It is the
//! same code that votes at validators, so a wallet and a quorum agree on the round.

use std::sync::Arc;

use super::{
    Client,
    driver::{Stage, TURN},
};
use crate::{
    block::ProposedBlock,
    certificate::{CertificateKind, Timeout, TimeoutCertificate, VoteCollector},
    error::BlockError,
    hash::CryptoHash,
    ids::{AccountOwner, BlockHeight, ChainId},
    machine::Outputs,
    manager::LockingBlock,
    observe::Observation,
    proposal::{BlockProposal, Content},
    round::Round,
    rpc::{ChainInfo, ChainInfoQuery, Command, Request},
    store::{ContentStore, Executed},
    time::{TimeDelta, Timestamp},
};

/// What a wallet may do in the current round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// Propose in this round.
    Propose(Round),
    /// Ask for this round to end: its time is over.
    End(Round),
    /// Wait: until the round ends, if it does.
    Wait(Option<Timestamp>),
}

/// The block to bring forward at this height.
#[derive(Clone, Debug)]
pub(super) enum Candidate {
    /// A locked or fast block, whoever made it.
    Locked(LockingBlock),
    /// The wallet's own, and whether it asks no oracle.
    Own(Arc<ProposedBlock>, CryptoHash, bool),
}

impl Candidate {
    /// Hash of the proposed block.
    fn block_hash(&self) -> CryptoHash {
        match self {
            Self::Locked(LockingBlock::Regular(lock)) => lock.block().proposed_hash(),
            Self::Locked(LockingBlock::Fast(fast)) => fast.block_hash(),
            Self::Own(_, hash, _) => *hash,
        }
    }

    /// What votes for it are about.
    fn content(&self) -> Content {
        let certified = match self {
            Self::Locked(LockingBlock::Regular(lock)) => Some(lock.round()),
            Self::Locked(LockingBlock::Fast(_)) | Self::Own(..) => None,
        };
        (self.block_hash(), certified)
    }

    /// Whether it may be a fast block, as far as its content goes.
    pub(super) fn uses_no_oracles(&self) -> bool {
        match self {
            Self::Locked(LockingBlock::Regular(lock)) => !lock.block().outcome().uses_oracles(),
            // No correct validator locks another.
            Self::Locked(LockingBlock::Fast(_)) => true,
            Self::Own(_, _, may_be_fast) => *may_be_fast,
        }
    }
}

impl Client {
    /// Whether nobody else may extend the chain.
    pub(super) fn is_alone(&self) -> bool {
        let ownership = &self.chain_ref().execution.ownership;
        let owners = ownership.owners.len() + ownership.super_owners.len();
        owners == 1
            && ownership.is_owner(&self.owner())
            && !ownership.open_multi_leader_rounds
            && ownership.timeout_config.fallback_duration.is_none()
    }

    /// Whether the chain must be looked at before a new block is built on it.
    pub(super) fn must_look_first(&self) -> bool {
        self.config.options.looks_first
            && !self.looked
            && (!self.is_alone() || self.is_in_the_dark())
    }

    fn owner(&self) -> AccountOwner {
        self.config.key.public().owner()
    }

    fn instance(&self) -> (ChainId, BlockHeight) {
        let chain = self.chain_ref();
        (chain.execution.chain_id, chain.next_height())
    }

    /// The wallet has a block, or somebody's block is locked: goes on with the next height.
    pub(super) fn drive_height(
        &mut self,
        now: Timestamp,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let manager = &self.chain_ref().manager;
        let current = manager.current_round();
        let candidate = match (manager.locking_block(), &self.pending) {
            (Some(LockingBlock::Regular(lock)), _) if lock.round() == current => {
                let lock = lock.clone();
                return self.start_finalizing(now, lock, out);
            }
            (Some(lock), _) => Candidate::Locked(lock.clone()),
            (None, Some(pending)) => Candidate::Own(
                pending.block.clone(),
                pending.block_hash,
                pending.may_be_fast,
            ),
            (None, None) => return,
        };
        if self.is_shut_out() {
            return self.give_up_pending(out);
        }
        match self.turn(now, candidate.content(), self.may_be_fast(&candidate)) {
            Turn::Propose(round) if self.attempt == Some((round, candidate.content())) => {
                // The very same was refused: it helps only to give the others time.
                self.attempt = None;
                self.wait_after_failure(now, out);
            }
            Turn::Propose(round) => self.propose(now, &candidate, round, store, out),
            Turn::End(round) if self.config.options.ends_rounds => {
                self.start_ending(now, round, out);
            }
            Turn::End(_) => self.wait(now, None, out),
            Turn::Wait(until) => self.wait(now, until, out),
        }
    }

    /// Whether this wallet may propose in no round at all: its owner was replaced.
    pub(super) fn is_shut_out(&self) -> bool {
        let ownership = &self.chain_ref().execution.ownership;
        let validators = ownership.is_public() || self.validators_lead();
        let leads = validators && self.committee().weight(&self.config.key.public()) > 0;
        !ownership.is_owner(&self.owner()) && !ownership.open_multi_leader_rounds && !leads
    }

    fn give_up_pending(&mut self, out: &mut Outputs) {
        let pending = self.pending.take();
        if let Some(command) = pending.and_then(|pending| pending.command) {
            let reason = "the wallet's key is no owner of the chain".to_owned();
            self.fail_command(&command, reason, out);
        }
        let (chain, height) = self.instance();
        out.observe(Observation::BlockGivenUp { chain, height });
        out.persist(chain);
    }

    /// Rules on rounds of 6.6. A round in which something else was proposed is left to that: another
    /// block, or the same one on another ground.
    fn turn(&self, now: Timestamp, content: Content, may_be_fast: bool) -> Turn {
        let manager = &self.chain_ref().manager;
        let (ownership, round) = (manager.ownership(), manager.current_round());
        if manager.round_timeout().is_some_and(|until| until <= now) {
            return Turn::End(round);
        }
        let rival = self
            .seen
            .iter()
            .any(|(seen, other)| *seen == round && *other != content);
        let (owner, committee) = (self.owner(), self.committee());
        let may = |round: Round| {
            let instance = self.instance();
            manager.can_propose(instance, &owner, round, &committee)
        };
        let round = match round {
            Round::Fast
                if self.config.allow_fast_blocks && may_be_fast && !rival && may(Round::Fast) =>
            {
                Some(Round::Fast)
            }
            Round::Fast if may(Round::Fast) => ownership.next_round(round),
            Round::Fast => None,
            Round::MultiLeader(_) if rival => ownership
                .next_round(round)
                .filter(|next| matches!(next, Round::MultiLeader(_))),
            Round::SingleLeader(_) | Round::Validator(_) if rival => None,
            Round::MultiLeader(_) | Round::SingleLeader(_) | Round::Validator(_) => Some(round),
        };
        match round.filter(|round| may(*round)) {
            Some(round) => Turn::Propose(round),
            None => Turn::Wait(manager.round_timeout()),
        }
    }

    fn propose(
        &mut self,
        now: Timestamp,
        candidate: &Candidate,
        round: Round,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let key = &self.config.key;
        let (proposal, block) = match candidate {
            Candidate::Locked(LockingBlock::Regular(lock)) => {
                let proposal = BlockProposal::retry_validated(lock, round, key);
                (proposal, lock.block().clone())
            }
            Candidate::Locked(LockingBlock::Fast(fast)) => {
                let Ok(executed) =
                    self.execute_staged(&fast.block, fast.block_hash(), Some(round), store)
                else {
                    return self.wait_after_failure(now, out);
                };
                let proposal = if round.is_fast() {
                    (**fast).clone()
                } else {
                    BlockProposal::retry_fast(fast, round, key)
                };
                (proposal, executed.block)
            }
            Candidate::Own(block, hash, _) => {
                let Ok(executed) = self.execute_staged(block, *hash, Some(round), store) else {
                    return self.wait_after_failure(now, out);
                };
                let proposal = BlockProposal::fresh(block.clone(), round, key);
                (proposal, executed.block)
            }
        };
        out.signed(1);
        self.attempt = Some((round, proposal.content()));
        let own = self.own_command(proposal.block_hash());
        observe_proposal(&proposal, own.as_deref(), out);
        let stage = Stage::Proposing {
            block,
            votes: VoteCollector::default(),
        };
        let (chain, _) = self.instance();
        let goal = (chain, Request::Proposal(Arc::new(proposal)));
        self.ask_all(now, own, stage, goal, out);
    }

    /// Executes a block that is not certified, in this round if one is known.
    pub(super) fn execute_staged(
        &self,
        block: &ProposedBlock,
        hash: CryptoHash,
        round: Option<Round>,
        store: &dyn ContentStore,
    ) -> Result<Executed, BlockError> {
        let state = &self.chain_ref().execution;
        let outside = self.outside(round, store);
        store.execute(state, block, hash, self.policy(block.epoch), &outside)
    }

    /// The command of the pending block, if that is the one with this hash.
    pub(super) fn own_command(&self, block: CryptoHash) -> Option<Arc<Command>> {
        let pending = self.pending.as_ref()?;
        let mine = pending.block_hash == block;
        pending.command.clone().filter(|_| mine)
    }

    /// What votes to end a round of the next height are about.
    pub(super) fn next_timeout(&self) -> Timeout {
        let (chain_id, height) = self.instance();
        Timeout {
            chain_id,
            height,
            epoch: self.chain_ref().execution.epoch,
        }
    }

    fn start_ending(&mut self, now: Timestamp, round: Round, out: &mut Outputs) {
        let timeout = self.next_timeout();
        let query = ChainInfoQuery {
            leader_timeout: Some((timeout.height, round)),
            ..ChainInfoQuery::default()
        };
        let stage = Stage::Ending {
            timeout,
            payload: timeout.payload(round),
            votes: VoteCollector::default(),
        };
        let goal = (timeout.chain_id, Request::ChainInfo(Box::new(query)));
        self.ask_all(now, None, stage, goal, out);
    }

    /// A quorum has voted to end a round: tells everybody.
    pub(super) fn round_ended(
        &mut self,
        now: Timestamp,
        timeout: Timeout,
        votes: &VoteCollector,
        out: &mut Outputs,
    ) {
        let chain = timeout.chain_id;
        let lite = votes
            .certificate(chain, &self.committee())
            .expect("checked: a quorum voted");
        out.observe(Observation::CertificateFormed {
            chain,
            height: timeout.height,
            payload: lite.payload,
        });
        let certificate = TimeoutCertificate::new(timeout, lite).expect("votes for this timeout");
        let certificate = Arc::new(certificate);
        self.chain_mut().manager.handle_timeout(&certificate, now);
        let goal = (chain, Request::Timeout(certificate));
        self.ask_all(now, None, Stage::Spreading { weight: 0 }, goal, out);
    }

    /// Waits for somebody else's move, and no longer than the round lasts.
    fn wait(&mut self, now: Timestamp, until: Option<Timestamp>, out: &mut Outputs) {
        let command = self.pending.as_ref().and_then(|p| p.command.clone());
        self.ask(now, command, Stage::Waiting, Vec::new(), out);
        if let Some(until) = until {
            // A clock that is behind by the last microsecond would ask a moment too early.
            let left = until.since(now).micros().saturating_add(1);
            out.timer(TimeDelta::from_micros(left), self.phase * 8 + TURN);
        }
    }

    /// Takes what a validator tells about the next height, as far as it proves itself.
    pub(super) fn absorb_evidence(
        &mut self,
        now: Timestamp,
        info: &ChainInfo,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let (chain, next) = self.instance();
        if let Some(timeout) = &info.timeout
            && self.is_news(timeout)
        {
            out.verified(timeout.lite().signatures.len());
            if timeout.lite().check(&self.committee(), store).is_ok() {
                self.chain_mut().manager.handle_timeout(timeout, now);
            }
        }
        if let Some(lock) = &info.locking_block
            && self.is_lock(lock, store, out)
        {
            self.chain_mut().manager.note_lock(lock, now);
        }
        if let Some(proposal) = &info.proposed
            && proposal.block.chain_id == chain
            && proposal.block.height == next
        {
            out.verified(1);
            let manager = &self.chain_ref().manager;
            let committee = self.committee();
            let (owner, round) = (proposal.owner(), proposal.round);
            let allowed = manager.can_propose((chain, next), &owner, round, &committee);
            if allowed && proposal.check_signature(store) {
                self.seen.insert((proposal.round, proposal.content()));
                let manager = &mut self.chain_mut().manager;
                manager.record_signed_proposal(proposal, now);
            }
        }
    }

    fn is_news(&self, certificate: &TimeoutCertificate) -> bool {
        let known = self.chain_ref().manager.timeout();
        *certificate.timeout() == self.next_timeout()
            && known.is_none_or(|known| known.round() < certificate.round())
    }

    fn is_lock(&self, lock: &LockingBlock, store: &dyn ContentStore, out: &mut Outputs) -> bool {
        let (chain, next) = self.instance();
        let manager = &self.chain_ref().manager;
        match lock {
            LockingBlock::Regular(certificate) => {
                let block = certificate.block();
                let newer = manager
                    .locking_block()
                    .is_none_or(|known| known.round() < certificate.round());
                let fits = block.chain_id() == chain
                    && block.height() == next
                    && certificate.kind() == CertificateKind::Validated;
                if !newer || !fits || !self.leads_to_known_epoch(block.proposed()) {
                    return false;
                }
                out.verified(certificate.lite().signatures.len());
                certificate.lite().check(&self.committee(), store).is_ok()
            }
            LockingBlock::Fast(fast) => {
                // A validator locks a fast block with the proposal that it came in, which may be a
                // retry: what counts is the super owner's signature for the fast round.
                let (key, signature) = fast.fast_signature();
                let supers = &manager.ownership().super_owners;
                out.verified(1);
                let executed = self.execute_staged(&fast.block, fast.block_hash(), None, store);
                let asks = |executed: &Executed| executed.block.outcome().uses_oracles();
                fast.block.chain_id == chain
                    && fast.block.height == next
                    && !executed.as_ref().is_ok_and(asks)
                    && supers.contains(&key.owner())
                    && fast.check_fast_signature(&key, &signature, store)
            }
        }
    }
}

fn observe_proposal(proposal: &BlockProposal, command: Option<&Command>, out: &mut Outputs) {
    let count = |number: usize| u32::try_from(number).expect("blocks are small");
    let block = &proposal.block;
    out.observe(Observation::BlockProposed {
        chain: block.chain_id,
        height: block.height,
        round: proposal.round,
        proposal: proposal.block_hash(),
        operations: count(block.operations().count()),
        incoming: count(block.incoming_bundles().count()),
        scheduled_us: command.and_then(|command| command.scheduled_us),
    });
}
