//! Votes to hand a height over to validators, because its owners have vanished (4.8, 7.5).
//!
//! Keeps I-8: one such vote a height. Whether the chain's epoch is over for long enough is what the
//! caller knows; here it is an instant.

use super::ChainManager;
use crate::{
    certificate::{Timeout, Vote},
    error::NodeError,
    round::Round,
    rules::{Rule, Rules},
    signature::SigningKey,
    time::Timestamp,
};

impl ChainManager {
    /// The vote to hand this height over to validators, if it was given.
    pub fn fallback_vote(&self) -> Option<&Vote> {
        self.fallback_vote.as_deref()
    }

    /// Rules of 4.8 on a request to hand this height over, for which no vote was given yet and which
    /// may be granted from `due` on.
    ///
    /// # Errors
    /// If validators lead already, or it is too early.
    pub fn vote_fallback(
        &mut self,
        timeout: &Timeout,
        key: &SigningKey,
        (now, due): (Timestamp, Timestamp),
        rules: &mut Rules,
    ) -> Result<Vote, NodeError> {
        let (current, round) = (self.current_round, Round::LAST_REGULAR);
        if current > round {
            let found = round;
            return Err(NodeError::WrongRound { current, found });
        }
        if now < due && rules.bites(Rule::FallbackWhenDue) {
            return Err(NodeError::NotTimedOutYet { round, until: due });
        }
        let vote = Vote::new(timeout.payload(round), key);
        self.fallback_vote = Some(Box::new(vote));
        Ok(vote)
    }
}
