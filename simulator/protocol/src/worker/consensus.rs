//! Proposals and certificates at a worker: the order of checks is that of 4.6, 4.8 and 4.10.

use std::sync::Arc;

use super::{Asked, Worker, blobs};
use crate::{
    block::Block,
    certificate::{
        BlockCertificate, CertificateKind, ConfirmedBlockCertificate, LiteCertificate,
        ValidatedBlockCertificate, Vote, VotePayload,
    },
    error::{CertificateError, NodeError},
    execution::Charged,
    hash::CryptoHash,
    ids::{BlockHeight, ChainId},
    machine::Outputs,
    manager::Gate,
    observe::{Ground, Observation},
    proposal::{BlockProposal, OriginalProposal},
    rpc::{CrossChainRequest, Delivery, Packet, Reason, Response},
    rules::Rule,
    sabotage::Sabotage,
    store::{ContentStore, Executed},
    streams::runs_of,
    time::{TimeDelta, Timestamp},
};

impl Worker {
    /// Section 4.6, in its order. On an error the chain is as it was, but for a signed proposal
    /// that was recorded.
    pub(super) fn handle_proposal(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        proposal: &Arc<BlockProposal>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Result<Response, NodeError> {
        self.load(now, chain)?;
        out.verified(1 + proposal.block.submitted().count());
        self.check_proposal(chain, proposal, store)?;
        let state = self.chains.get_mut(&chain).expect("loaded above");
        match state
            .manager
            .check_proposed_block(proposal, proposal.block.height, &mut self.rules)
        {
            Ok(Gate::Skip) => return Ok(self.unsigned_info(chain)),
            Ok(Gate::Accept) => {}
            Err(error) => {
                if matches!(error, NodeError::HasIncompatibleConfirmedVote(_)) {
                    state.manager.record_signed_proposal(proposal, now);
                    out.persist(chain);
                }
                return Err(error);
            }
        }
        state.manager.record_signed_proposal(proposal, now);
        out.persist(chain);
        self.gather_published(chain, &proposal.block)?;
        let grace = self.config.block_time_grace_period;
        let ahead = proposal.block.timestamp.since(now) > grace;
        if ahead && self.config.sabotage != Sabotage::BlocksOfTheFuture {
            let block = proposal.block.timestamp;
            return Err(NodeError::InvalidTimestamp { block, local: now });
        }
        if self.config.sabotage != Sabotage::InboxesUnseen {
            self.chains[&chain].check_incoming(&proposal.block)?;
        }
        let block = self.block_of(chain, proposal, store)?;
        if proposal.round.is_fast() && block.outcome().uses_oracles() {
            return Err(NodeError::FastBlockUsingOracles);
        }
        self.remember_body(chain, &block);
        self.vote_for_proposal(now, chain, proposal, &block, out);
        self.push_outboxes(now, chain, store, out);
        Ok(self.unsigned_info(chain))
    }

    fn check_proposal(
        &mut self,
        chain: ChainId,
        proposal: &BlockProposal,
        store: &dyn ContentStore,
    ) -> Result<(), NodeError> {
        let block = &proposal.block;
        let well_formed = block.chain_id == chain
            && match &proposal.original_proposal {
                None => proposal.outcome.is_none(),
                Some(OriginalProposal::Fast { .. }) => {
                    proposal.outcome.is_none() && !proposal.round.is_fast()
                }
                Some(OriginalProposal::Regular { certificate }) => {
                    proposal.outcome.is_some() && proposal.round > certificate.payload.round
                }
            };
        if !well_formed || !proposal.check_signature(store) {
            return Err(NodeError::InvalidProposal);
        }
        let state = &self.chains[&chain];
        let expected = state.next_height();
        if block.height != expected {
            return Err(NodeError::UnexpectedBlockHeight {
                expected,
                found: block.height,
            });
        }
        if block.previous_block_hash != state.execution.tip_hash {
            return Err(NodeError::UnexpectedPreviousBlockHash);
        }
        if block.epoch != state.execution.epoch {
            let expected = state.execution.epoch;
            return Err(NodeError::InvalidEpoch {
                expected,
                found: block.epoch,
            });
        }
        let proposer = proposal.owner();
        let instance = (chain, block.height);
        let committee = self.committee(block.epoch)?;
        let manager = &state.manager;
        let may = manager.can_propose(instance, &proposer, proposal.round, &committee);
        if !may && self.rules.bites(Rule::ProposerMayPropose) {
            return Err(NodeError::InvalidOwner(proposal.round));
        }
        if !block.submitted().all(|operation| operation.check(store)) {
            return Err(NodeError::InvalidProposal);
        }
        self.check_original(chain, proposal, store)
    }

    /// Whose block it is: the signer's if fresh, the super owner's in a fast retry, a quorum's in a
    /// regular retry.
    fn check_original(
        &self,
        chain: ChainId,
        proposal: &BlockProposal,
        store: &dyn ContentStore,
    ) -> Result<(), NodeError> {
        let state = &self.chains[&chain];
        let authenticated = proposal.block.authenticated_owner;
        match &proposal.original_proposal {
            None if authenticated.is_none_or(|owner| owner == proposal.owner()) => Ok(()),
            None => Err(NodeError::InvalidProposal),
            Some(OriginalProposal::Fast {
                public_key,
                signature,
            }) => {
                let owner = public_key.owner();
                let valid = state.manager.ownership().super_owners.contains(&owner)
                    && authenticated.is_none_or(|authenticated| authenticated == owner)
                    && proposal.check_fast_signature(public_key, signature, store);
                if valid {
                    Ok(())
                } else {
                    Err(NodeError::InvalidProposal)
                }
            }
            Some(OriginalProposal::Regular { certificate }) => {
                let committee = self.committee(proposal.block.epoch)?;
                if certificate.payload.kind != CertificateKind::Validated {
                    return Err(NodeError::InvalidProposal);
                }
                certificate.check(&committee, store)?;
                certified_block(proposal, certificate).map(drop)
            }
        }
    }

    /// The block with its outcome: executed, or adopted where a quorum vouches for it.
    fn block_of(
        &self,
        chain: ChainId,
        proposal: &BlockProposal,
        store: &dyn ContentStore,
    ) -> Result<Arc<Block>, NodeError> {
        match &proposal.original_proposal {
            Some(OriginalProposal::Regular { certificate }) => {
                Ok(certified_block(proposal, certificate)?.block().clone())
            }
            Some(OriginalProposal::Fast { .. }) | None => {
                self.check_events(&proposal.block)?;
                self.check_required(chain, &proposal.block)?;
                let state = &self.chains[&chain].execution;
                let executed = store.execute(
                    state,
                    &proposal.block,
                    proposal.block_hash(),
                    self.policy(proposal.block.epoch),
                    &self.outside(proposal.round, store),
                );
                let executed = executed.map_err(blobs::lacking)?;
                self.check_asked(chain, &executed.block)?;
                Ok(executed.block)
            }
        }
    }

    fn vote_for_proposal(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        proposal: &Arc<BlockProposal>,
        block: &Arc<Block>,
        out: &mut Outputs,
    ) {
        let lock = match &proposal.original_proposal {
            Some(OriginalProposal::Regular { certificate }) => {
                let certificate = BlockCertificate::new(block.clone(), certificate.clone());
                Some(Arc::new(certificate.expect("checked with the proposal")))
            }
            Some(OriginalProposal::Fast { .. }) | None => None,
        };
        let key = self.config.key.clone();
        let state = self.chains.get_mut(&chain).expect("loaded above");
        let vote =
            state
                .manager
                .create_vote(proposal, lock, block, Some(&key), (now, &mut self.rules));
        out.signed(1);
        out.persist(chain);
        if let Some(vote) = vote {
            let ground = Ground::Proposal(proposal.owner());
            self.observe_vote(chain, block.height(), &vote, ground, out);
        }
    }

    /// Tells of a vote; the seeded bug tells of a second one for another block.
    pub(super) fn observe_vote(
        &self,
        chain: ChainId,
        height: BlockHeight,
        vote: &Vote,
        ground: Ground,
        out: &mut Outputs,
    ) {
        let current_round = self.chains[&chain].manager.current_round();
        let told = |payload: VotePayload| Observation::VoteCast {
            chain,
            height,
            payload,
            current_round,
            ground,
        };
        out.observe(told(vote.payload));
        if self.config.sabotage == Sabotage::VoteTwice {
            let value_hash = CryptoHash::of(&vote.payload);
            let second = VotePayload {
                value_hash,
                ..vote.payload
            };
            out.observe(told(second));
        }
    }

    /// Section 4.8 for a validated certificate.
    pub(super) fn handle_validated(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        certificate: &Arc<ValidatedBlockCertificate>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Result<Response, NodeError> {
        let state = self.load(now, chain)?;
        let block = certificate.block();
        let (expected, found) = (state.next_height(), block.height());
        if block.chain_id() != chain || certificate.kind() != CertificateKind::Validated {
            return Err(NodeError::Certificate(CertificateError::OtherBlock));
        }
        if expected != found {
            return Err(NodeError::UnexpectedBlockHeight { expected, found });
        }
        let epoch = state.execution.epoch;
        if block.proposed().epoch != epoch {
            return Err(NodeError::InvalidEpoch {
                expected: epoch,
                found: block.proposed().epoch,
            });
        }
        let committee = self.committee(epoch)?;
        out.verified(certificate.lite().signatures.len());
        certificate.lite().check(&committee, store)?;
        let key = self.config.key.clone();
        let state = self.chains.get_mut(&chain).expect("loaded above");
        if state
            .manager
            .check_validated_block(certificate, &mut self.rules)?
            == Gate::Skip
        {
            return Ok(self.unsigned_info(chain));
        }
        self.gather_validated(chain, block, out)?;
        let state = self.chains.get_mut(&chain).expect("loaded above");
        let vote = state
            .manager
            .create_final_vote(certificate, Some(&key), (now, &mut self.rules));
        out.signed(1);
        out.persist(chain);
        self.remember_body(chain, certificate.block());
        if let Some(vote) = vote {
            self.observe_vote(chain, found, &vote, Ground::Certificate, out);
        }
        self.push_outboxes(now, chain, store, out);
        Ok(self.unsigned_info(chain))
    }

    /// Section 4.10.
    pub(super) fn handle_confirmed(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        certificate: &Arc<ConfirmedBlockCertificate>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Result<Response, NodeError> {
        let block = certificate.block();
        if block.chain_id() != chain || certificate.kind() != CertificateKind::Confirmed {
            return Err(NodeError::Certificate(CertificateError::OtherBlock));
        }
        let next = self.load(now, chain)?.next_height();
        if block.height() < next {
            self.spread_epochs(chain, out);
            self.spread_blobs_of(block, out);
            self.spread_events_of(block, out);
            self.push_outboxes(now, chain, store, out);
            return Ok(self.unsigned_info(chain));
        }
        let committee = self.committee(block.proposed().epoch)?;
        out.verified(certificate.lite().signatures.len());
        certificate.lite().check(&committee, store)?;
        store.put_certificate(certificate);
        self.store_blobs_of(chain, block, out)?;
        if block.height() > next {
            self.preprocess_block(chain, certificate, out);
        } else {
            self.execute_confirmed(now, chain, certificate, store, out)?;
            self.execute_waiting(now, chain, store, out)?;
        }
        self.spread_blobs_of(block, out);
        self.note_events(&runs_of(block));
        self.spread_events_of(block, out);
        self.push_outboxes(now, chain, store, out);
        Ok(self.unsigned_info(chain))
    }

    fn preprocess_block(
        &mut self,
        chain: ChainId,
        certificate: &ConfirmedBlockCertificate,
        out: &mut Outputs,
    ) {
        let block = certificate.block();
        let state = self.chains.get_mut(&chain).expect("loaded by the caller");
        if state.preprocess(block) {
            out.persist(chain);
            let (height, hash) = (block.height(), block.hash());
            out.observe(Observation::BlockPreprocessed {
                chain,
                height,
                hash,
            });
            self.observe_shape(chain, block.recipients(), out);
            self.spread_descriptions(block, out);
        }
    }

    /// Executes the preprocessed blocks that follow the tip without a gap.
    fn execute_waiting(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Result<(), NodeError> {
        while let Some(hash) = self.chains[&chain].next_preprocessed() {
            let certificate = store
                .certificate(&hash)
                .expect("kept when it was preprocessed");
            self.execute_confirmed(now, chain, &certificate, store, out)?;
        }
        let state = self.chains.get_mut(&chain).expect("loaded by the caller");
        state.reschedule_preprocessed(store);
        Ok(())
    }

    fn execute_confirmed(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        certificate: &ConfirmedBlockCertificate,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Result<(), NodeError> {
        let block = certificate.block();
        let state = &self.chains[&chain].execution;
        if block.proposed().previous_block_hash != state.tip_hash {
            return Err(NodeError::UnexpectedPreviousBlockHash);
        }
        if block.proposed().epoch != state.epoch {
            let (expected, found) = (state.epoch, block.proposed().epoch);
            return Err(NodeError::InvalidEpoch { expected, found });
        }
        // I-17: what is said of the first round can be judged here, where the owners are known.
        let is_first = certificate.round() == state.ownership.first_round();
        if certificate.lite().payload.first_round != is_first {
            return Err(NodeError::Certificate(
                CertificateError::FirstRoundViolation,
            ));
        }
        self.check_events(block.proposed())?;
        let corrupted = NodeError::CorruptedChainState(block.hash());
        let policy = self.policy(block.proposed().epoch);
        let executed = store
            .replay(state, block, policy)
            .map_err(|_| corrupted.clone())?;
        if executed.block.hash() != block.hash() {
            return Err(corrupted);
        }
        self.apply(now, chain, executed, out)?;
        self.spread_descriptions(block, out);
        self.spread_epochs(chain, out);
        self.notify(
            chain,
            Reason::NewBlock {
                height: block.height(),
            },
            out,
        );
        Ok(())
    }

    fn apply(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        executed: Executed,
        out: &mut Outputs,
    ) -> Result<(), NodeError> {
        let (height, hash) = (executed.block.height(), executed.block.hash());
        let mut peers = executed.block.recipients();
        let incoming = executed.block.proposed().incoming_bundles();
        peers.extend(incoming.map(|incoming| incoming.origin));
        let (state_hash, charged) = (executed.state.state_hash, executed.charged);
        let state = self.chains.get_mut(&chain).expect("loaded by the caller");
        state.apply(executed, now)?;
        self.volatile.recent_blocks.remove(&chain);
        out.persist(chain);
        out.observe(Observation::BlockExecuted {
            chain,
            height,
            hash,
            state_hash,
        });
        if let Some(Charged { fees, held }) = charged {
            out.observe(Observation::FeesCharged {
                chain,
                height,
                fees,
                held,
            });
        }
        self.observe_shape(chain, peers, out);
        self.forget_one(chain, out);
        Ok(())
    }

    /// Gives the descriptions of opened chains to the shards that own them: to each validator its
    /// database is one, whatever the number of its shards.
    fn spread_descriptions(&mut self, block: &Block, out: &mut Outputs) {
        for description in block.opened() {
            let owner = self.shard_of(&description.id());
            if owner == self.address() {
                self.store_description(description.clone());
            } else {
                let request = CrossChainRequest::StoreDescription(description.clone());
                out.send(owner, Packet::CrossChain(Box::new(request)));
            }
        }
    }

    /// Keeps the body of a block voted for, so that lite certificates suffice.
    fn remember_body(&mut self, chain: ChainId, block: &Arc<Block>) {
        let bodies = self.volatile.recent_blocks.entry(chain).or_default();
        if bodies.iter().all(|known| known.hash() != block.hash()) {
            bodies.push(block.clone());
        }
    }

    /// The full certificate of a lite one, if the body is at hand.
    pub(super) fn body_of(
        &self,
        lite: &LiteCertificate,
    ) -> Result<Arc<BlockCertificate>, NodeError> {
        let bodies = self.volatile.recent_blocks.get(&lite.chain_id);
        let body = bodies
            .into_iter()
            .flatten()
            .find(|block| block.hash() == lite.payload.value_hash)
            .ok_or(NodeError::MissingCertificateValue)?;
        Ok(Arc::new(BlockCertificate::new(body.clone(), lite.clone())?))
    }

    /// Answers at once, or remembers to answer when all messages up to `height` are delivered.
    pub(super) fn answer_when_delivered(
        &mut self,
        asked: &Asked,
        height: BlockHeight,
        delivery: Delivery,
        response: Response,
        out: &mut Outputs,
    ) -> Option<Response> {
        let state = &self.chains[&asked.chain];
        match delivery {
            Delivery::Blocking if !state.all_delivered_up_to(height) => {
                let waiting = self.volatile.delivery.entry(asked.chain).or_default();
                waiting.push((height, asked.client, asked.id));
                None
            }
            Delivery::Blocking => {
                let chain = asked.chain;
                out.observe(Observation::DeliveryAnswered { chain, height });
                Some(response)
            }
            Delivery::NonBlocking => Some(response),
        }
    }
}

/// What a quorum vouches for in a retry of a validated block: it has signed just this block with
/// just this outcome.
fn certified_block(
    proposal: &BlockProposal,
    certificate: &LiteCertificate,
) -> Result<BlockCertificate, NodeError> {
    let outcome = proposal.outcome.as_deref();
    let outcome = outcome.ok_or(NodeError::InvalidProposal)?.clone();
    let block = Arc::new(Block::new((*proposal.block).clone(), outcome));
    Ok(BlockCertificate::new(block, certificate.clone())?)
}

/// The longest that a proposal may wait for its own timestamp.
const _: () = assert!(
    super::WorkerConfig::BLOCK_TIME_GRACE_PERIOD.micros() < TimeDelta::from_secs(4).micros(),
    "a delayed vote must not look like a lost one"
);
