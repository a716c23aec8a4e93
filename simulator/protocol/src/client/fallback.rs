//! What a validator's wallet does for a chain whose owners do not lead it to the next epoch (7.5).
//!
//! It leaves the chain alone until the next epoch is as old as the chain's owners allow. Then it asks
//! all validators to hand the height over, and whoever leads proposes the block that leads on. The
//! validators judge by their own clocks whether it is time.

use super::{Client, driver::Stage};
use crate::{
    certificate::VoteCollector,
    ids::Epoch,
    machine::Outputs,
    round::Round,
    rpc::{ChainInfoQuery, Request},
    store::ContentStore,
    time::Timestamp,
};

/// Timer token: the chain may be taken over.
pub(super) const FALLBACK: u64 = 1 << 57;

impl Client {
    /// Whether this wallet is there for the case that the chain's owners vanish: a validator's, and
    /// no owner's.
    pub(super) fn stands_in(&self) -> bool {
        let key = self.config.key.public();
        let ownership = &self.chain_ref().execution.ownership;
        let falls_back = ownership.timeout_config.fallback_duration.is_some();
        falls_back
            && !ownership.is_public()
            && !ownership.is_owner(&key.owner())
            && self.config.genesis.keys().values().any(|one| *one == key)
    }

    /// Goes on with the chain if it is time to, and sees to it that it looks again when it is.
    pub(super) fn stand_in(&mut self, now: Timestamp, store: &dyn ContentStore, out: &mut Outputs) {
        let Some(due) = self.fallback_due() else {
            return;
        };
        if self.committee().weight(&self.config.key.public()) == 0 {
            // The chain is in the epoch of others.
        } else if now < due {
            if self.takes_over_at != Some(due) {
                self.takes_over_at = Some(due);
                out.timer(due.since(now), FALLBACK);
            }
        } else if !self.looked {
            self.start_recovering(now, out);
        } else if self.validators_lead() {
            self.propose_next_epoch(now, store, out);
        } else {
            // Whoever refuses may know of another block.
            self.looked = false;
            self.start_taking_over(now, out);
        }
    }

    /// Whether the current round is one of the validators.
    pub(super) fn validators_lead(&self) -> bool {
        self.chain_ref().manager.current_round() > Round::LAST_REGULAR
    }

    /// From when on the validators may take the chain over, as far as is known here.
    fn fallback_due(&self) -> Option<Timestamp> {
        let state = &self.chain_ref().execution;
        let span = state.ownership.timeout_config.fallback_duration?;
        let next: Epoch = state.epoch.next().filter(|_| !state.closed)?;
        Some(self.epoch_since(next)?.saturating_add(span))
    }

    fn start_taking_over(&mut self, now: Timestamp, out: &mut Outputs) {
        let timeout = self.next_timeout();
        let query = ChainInfoQuery {
            fallback: Some(timeout.height),
            ..ChainInfoQuery::default()
        };
        let stage = Stage::Ending {
            timeout,
            payload: timeout.payload(Round::LAST_REGULAR),
            votes: VoteCollector::default(),
        };
        let goal = (timeout.chain_id, Request::ChainInfo(Box::new(query)));
        self.ask_all(now, None, stage, goal, out);
    }
}
