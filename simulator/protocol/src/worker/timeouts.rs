//! Ending a round whose time has run out: votes for that, and their certificates (4.8).

use std::sync::Arc;

use super::Worker;
use crate::{
    certificate::{Timeout, TimeoutCertificate, Vote},
    error::{CertificateError, NodeError},
    ids::{BlockHeight, ChainId},
    machine::Outputs,
    observe::Ground,
    round::Round,
    rpc::Response,
    store::ContentStore,
    time::Timestamp,
};

impl Worker {
    /// Section 4.8 for a request to end a round.
    pub(super) fn vote_timeout(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        asked: (BlockHeight, Round),
        out: &mut Outputs,
    ) -> Result<Vote, NodeError> {
        let (found, round) = asked;
        let key = self.config.key.clone();
        let state = self.chains.get_mut(&chain).expect("loaded above");
        let expected = state.next_height();
        if expected != found {
            return Err(NodeError::UnexpectedBlockHeight { expected, found });
        }
        let timeout = Timeout {
            chain_id: chain,
            height: found,
            epoch: state.execution.epoch,
        };
        if let Some(vote) = state.manager.timeout_vote_of(round) {
            return Ok(*vote);
        }
        let vote = state
            .manager
            .vote_timeout(&timeout, round, &key, now, &mut self.rules)?;
        let until = state.manager.round_timeout().unwrap_or(now);
        out.signed(1);
        out.persist(chain);
        let ground = Ground::Timer(until.since(now));
        self.observe_vote(chain, found, &vote, ground, out);
        Ok(vote)
    }

    /// Section 4.8 for a timeout certificate.
    pub(super) fn handle_timeout(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        certificate: &Arc<TimeoutCertificate>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Result<Response, NodeError> {
        let state = self.load(now, chain)?;
        let timeout = certificate.timeout();
        if timeout.chain_id != chain {
            return Err(NodeError::Certificate(CertificateError::OtherBlock));
        }
        let (expected, found) = (state.next_height(), timeout.height);
        if expected != found {
            return Err(NodeError::UnexpectedBlockHeight { expected, found });
        }
        let epoch = state.execution.epoch;
        if timeout.epoch != epoch {
            return Err(NodeError::InvalidEpoch {
                expected: epoch,
                found: timeout.epoch,
            });
        }
        let committee = self.committee(epoch)?;
        out.verified(certificate.lite().signatures.len());
        certificate.lite().check(&committee, store)?;
        let state = self.chains.get_mut(&chain).expect("loaded above");
        if state.manager.handle_timeout(certificate, now) {
            out.persist(chain);
        }
        self.push_outboxes(now, chain, store, out);
        Ok(self.unsigned_info(chain))
    }
}
