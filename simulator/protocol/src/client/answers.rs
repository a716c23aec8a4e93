//! What a wallet takes from an answer of a validator, by the step that it is in. Nothing is believed
//! that is not signed or certified.

use super::{
    Client,
    driver::{Recovery, Stage},
};
use crate::{
    certificate::{CertificateKind, ConfirmedBlockCertificate, Vote, VoteCollector},
    error::NodeError,
    hash::CryptoHash,
    ids::ValidatorIndex,
    machine::Outputs,
    rpc::{ChainInfoResponse, Response},
    store::ContentStore,
    time::Timestamp,
};

impl Client {
    /// Takes in what a validator told. `Ok(false)`: it is of no use, ask another.
    pub(super) fn absorb(
        &mut self,
        now: Timestamp,
        stage: &mut Stage,
        lane: (usize, ValidatorIndex),
        response: Response,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Result<bool, NodeError> {
        let (lane, validator) = lane;
        match (stage, response) {
            (Stage::Finding(answers), Response::Info(response)) => {
                Ok(self.absorb_log(answers, validator, &response))
            }
            (Stage::Downloading { fetches, .. }, Response::Certificates(certificates)) => {
                Ok(self.absorb_blocks(&mut fetches[lane], &certificates, store, out))
            }
            (Stage::Proposing { block, votes }, Response::Info(response)) => {
                let hash = block.hash();
                Ok(self.absorb_vote(votes, hash, validator, &response.info.vote, store, out))
            }
            (Stage::Finalizing { certificate, votes }, Response::Info(response)) => {
                let hash = certificate.hash();
                let confirms = |vote: &Vote| vote.payload.kind == CertificateKind::Confirmed;
                let vote = response.info.vote.filter(confirms);
                Ok(self.absorb_vote(votes, hash, validator, &vote, store, out))
            }
            (
                Stage::Broadcasting {
                    certificate,
                    weight,
                },
                Response::Info(response),
            ) => {
                let found = certificate.block().height();
                let expected = response.info.next_block_height;
                if expected <= found {
                    return Err(NodeError::UnexpectedBlockHeight { expected, found });
                }
                *weight += self.weight_of(validator);
                Ok(true)
            }
            (Stage::Recovering(recovery), Response::Info(response)) => {
                Ok(self.absorb_recovery(now, recovery, validator, &response, store, out))
            }
            (Stage::Ending { payload, votes, .. }, Response::Info(response)) => {
                let vote = response.info.timeout_vote.as_deref().copied();
                let right = vote.filter(|vote| vote.payload == *payload);
                Ok(self.absorb_vote(votes, payload.value_hash, validator, &right, store, out))
            }
            (Stage::Spreading { weight }, Response::Info(_)) => {
                *weight += self.weight_of(validator);
                Ok(true)
            }
            (
                Stage::Learning {
                    committee,
                    weight,
                    news,
                },
                Response::Certificates(certificates),
            ) => {
                let taken = self.absorb_admin_blocks(&certificates, store, out);
                *news |= taken == Some(true);
                let key = self.config.genesis.keys().get(&validator);
                *weight += key.map_or(0, |key| committee.weight(key));
                Ok(taken.is_some())
            }
            (Stage::Fetching(fetching), Response::Blob(proof)) => {
                let weight = self.weight_of(validator);
                Ok(self.absorb_proof(fetching, weight, proof.as_ref(), store, out))
            }
            (Stage::Following(following), Response::Certificates(certificates)) => {
                let weight = self.weight_of(validator);
                Ok(self.absorb_events(following, weight, &certificates, store, out))
            }
            (Stage::Syncing, Response::Certificates(certificates)) => {
                let first = certificates.first();
                let useful = first.is_some_and(|first| self.extends_chain(first, store, out));
                if useful && certificates.len() > self.synced.len() {
                    self.synced = certificates;
                }
                Ok(useful)
            }
            (
                Stage::Finding(_)
                | Stage::Downloading { .. }
                | Stage::Proposing { .. }
                | Stage::Finalizing { .. }
                | Stage::Broadcasting { .. }
                | Stage::Recovering(_)
                | Stage::Syncing
                | Stage::Ending { .. }
                | Stage::Spreading { .. }
                | Stage::Learning { .. }
                | Stage::Fetching(_)
                | Stage::Following(_)
                | Stage::Waiting
                | Stage::BackingOff,
                _,
            ) => Ok(false),
        }
    }

    /// Whether a quorum has confirmed this block as the next one of the chain.
    pub(super) fn extends_chain(
        &self,
        certificate: &ConfirmedBlockCertificate,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> bool {
        let (block, state) = (certificate.block(), &self.chain_ref().execution);
        let fits = block.height() == state.next_height
            && block.proposed().previous_block_hash == state.tip_hash
            && block.chain_id() == state.chain_id
            && block.proposed().epoch == state.epoch
            && self.leads_to_known_epoch(block.proposed())
            && certificate.kind() == CertificateKind::Confirmed;
        if !fits {
            return false;
        }
        out.verified(certificate.lite().signatures.len());
        certificate.lite().check(&self.committee(), store).is_ok()
    }

    fn absorb_vote(
        &self,
        votes: &mut VoteCollector,
        block: CryptoHash,
        validator: ValidatorIndex,
        vote: &Option<Vote>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> bool {
        let Some(vote) = vote else { return false };
        let committee = self.committee();
        if votes.has_quorum(&committee) {
            // A straggler's answer shows that it has the block; its signature is not needed.
            return true;
        }
        out.verified(1);
        let valid = self.config.genesis.keys().get(&validator) == Some(&vote.key)
            && vote.payload.value_hash == block
            && vote.check(store);
        if valid {
            votes.add(vote, &committee);
        }
        valid
    }

    fn absorb_recovery(
        &mut self,
        now: Timestamp,
        recovery: &mut Recovery,
        validator: ValidatorIndex,
        response: &ChainInfoResponse,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> bool {
        if !self.check_info(validator, response, store, out) {
            return false;
        }
        let (info, next) = (&response.info, self.chain_ref().next_height());
        recovery.weight += self.weight_of(validator);
        if info.next_block_height > next {
            recovery.ahead.push((info.next_block_height, validator));
        }
        if info.next_block_height == next {
            self.absorb_evidence(now, info, store, out);
        }
        true
    }

    pub(super) fn weight_of(&self, validator: ValidatorIndex) -> u64 {
        let key = self.config.genesis.keys().get(&validator);
        key.map_or(0, |key| self.committee().weight(key))
    }
}
