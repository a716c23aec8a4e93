//! Requests to hand a height over to validators (4.8, 7.5): a chain that stays in its epoch for too
//! long after the next one has begun is led on by them.
//!
//! The rule is about epochs alone: that owners make blocks does not help, as long as none of these
//! leads to the next epoch.

use super::Worker;
use crate::{
    certificate::{Timeout, Vote},
    error::NodeError,
    ids::{BlockHeight, ChainId},
    machine::Outputs,
    observe::Ground,
    round::Round,
    time::Timestamp,
};

impl Worker {
    /// The vote to hand `found` over, given at most once a height.
    pub(super) fn vote_fallback(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        found: BlockHeight,
        out: &mut Outputs,
    ) -> Result<Vote, NodeError> {
        let state = &self.chains[&chain];
        let expected = state.next_height();
        if expected != found {
            return Err(NodeError::UnexpectedBlockHeight { expected, found });
        }
        if let Some(vote) = state.manager.fallback_vote() {
            return Ok(*vote);
        }
        let due = self.fallback_due(chain)?;
        let epoch = state.execution.epoch;
        let key = self.config.key.clone();
        let timeout = Timeout {
            chain_id: chain,
            height: found,
            epoch,
        };
        let state = self.chains.get_mut(&chain).expect("loaded by the caller");
        let vote = state
            .manager
            .vote_fallback(&timeout, &key, (now, due), &mut self.rules)?;
        out.signed(1);
        out.persist(chain);
        let ground = Ground::Fallback(due.since(now));
        self.observe_vote(chain, found, &vote, ground, out);
        Ok(vote)
    }

    /// From when on validators may take the chain over.
    fn fallback_due(&self, chain: ChainId) -> Result<Timestamp, NodeError> {
        let state = &self.chains[&chain];
        let span = state.manager.ownership().timeout_config.fallback_duration;
        let never = NodeError::RoundDoesNotTimeOut(Round::LAST_REGULAR);
        let span = span.ok_or_else(|| never.clone())?;
        let next = state.execution.epoch.next().ok_or(never)?;
        let since = self.epochs.created_at(next);
        let since = since.ok_or(NodeError::EventsNotFound(next))?;
        Ok(since.saturating_add(span))
    }
}
