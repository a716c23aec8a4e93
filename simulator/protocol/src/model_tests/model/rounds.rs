//! Rounds of the reference: their order, ends and leaders, and what ends them.

use serde::Serialize;

use super::{Checked, LAST_OPEN, Model};
use crate::{
    TimeDelta, Timestamp,
    certificate::{Timeout, VotePayload},
    error::{CertificateError, NodeError},
    hash::{CryptoHash, Hashable},
    ids::{AccountOwner, BlockHeight, ChainId, Epoch},
    round::Round,
    rpc::ChainInfoQuery,
};

impl Model {
    pub(in super::super) fn first_round(&self) -> Round {
        if self.ownership.super_owners.is_empty() {
            Round::MultiLeader(0)
        } else {
            Round::Fast
        }
    }

    pub(in super::super) fn next_round(&self, round: Round) -> Round {
        match round {
            Round::Fast => Round::MultiLeader(0),
            Round::MultiLeader(0) => Round::MultiLeader(1),
            Round::MultiLeader(_) => Round::SingleLeader(0),
            Round::LAST_REGULAR => Round::Validator(0),
            Round::SingleLeader(number) => Round::SingleLeader(number + 1),
            Round::Validator(number) => Round::Validator(number + 1),
        }
    }

    pub(super) fn end_of(&self, round: Round, now: Timestamp) -> Option<Timestamp> {
        let seconds = match round {
            Round::Fast if self.ownership.owners.is_empty() => return None,
            Round::Fast => 2,
            Round::MultiLeader(0) => return None,
            Round::MultiLeader(_) => 3,
            Round::SingleLeader(number) | Round::Validator(number) => 3 + u64::from(number),
        };
        Some(now.saturating_add(TimeDelta::from_secs(seconds)))
    }

    pub(super) fn reach(&mut self, round: Round, now: Timestamp) {
        if round > self.round {
            self.round = round;
            self.until = self.end_of(round, now);
        }
    }

    pub(super) fn reach_signed(&mut self, round: Round, now: Timestamp) {
        if round <= LAST_OPEN && self.signed.is_none_or(|known| known < round) {
            self.signed = Some(round);
            self.reach(round, now);
        }
    }

    /// I-18.
    pub(in super::super) fn may_propose(&self, owner: AccountOwner, round: Round) -> bool {
        let is_super = self.ownership.super_owners.contains(&owner);
        let is_regular = self.ownership.owners.contains_key(&owner);
        match round {
            Round::Fast => is_super,
            Round::MultiLeader(_) => {
                self.ownership.open_multi_leader_rounds || is_super || is_regular
            }
            Round::SingleLeader(0) if self.ownership.first_leader.is_some() => {
                is_super || self.ownership.first_leader == Some(owner)
            }
            Round::SingleLeader(_) => is_super || self.drawn(round) == Some(owner),
            Round::Validator(_) => false,
        }
    }

    /// The first owner has weight 1 and the second has weight 2, or there are none.
    fn drawn(&self, round: Round) -> Option<AccountOwner> {
        #[derive(Serialize)]
        struct Draw(ChainId, BlockHeight, Round);
        impl Hashable for Draw {
            const TAG: &'static str = "LeaderDraw";
        }
        let draw = CryptoHash::of(&Draw(self.chain, self.height, round));
        let lots = self.ownership.owners.iter().flat_map(|(owner, weight)| {
            let weight = usize::try_from(*weight).expect("1 or 2");
            std::iter::repeat_n(*owner, weight)
        });
        let lots: Vec<_> = lots.collect();
        let count = u64::try_from(lots.len()).expect("a handful");
        let lot = draw.fingerprint().checked_rem(count)?;
        lots.get(usize::try_from(lot).expect("a handful")).copied()
    }

    // What ends rounds: 4.8.

    pub(super) fn end_round(
        &mut self,
        to: ChainId,
        timeout: &Timeout,
        round: Round,
        valid: &Result<(), CertificateError>,
        now: Timestamp,
    ) -> Checked<Option<VotePayload>> {
        self.known(to)?;
        if timeout.chain_id != to {
            return Err(NodeError::Certificate(CertificateError::OtherBlock));
        }
        self.at_tip(timeout.height)?;
        self.check_epoch(timeout.epoch)?;
        valid.clone()?;
        if self.ended.is_some_and(|known| known >= round) {
            self.apply("timeout: known already");
            return Ok(None);
        }
        self.ended = Some(round);
        let next = self.next_round(round);
        self.apply(if next > self.round {
            "timeout: the next round"
        } else {
            "timeout: of an earlier round"
        });
        self.reach(next, now);
        Ok(None)
    }

    /// A vote to end a round is given again whenever it is asked for again.
    pub(super) fn query(
        &mut self,
        to: ChainId,
        query: &ChainInfoQuery,
        now: Timestamp,
    ) -> Checked<Option<VotePayload>> {
        self.known(to)?;
        if let Some(height) = query.fallback {
            return self.take_over(height, now);
        }
        let Some((height, round)) = query.leader_timeout else {
            return Ok(None);
        };
        self.at_tip(height)?;
        if self.timeout_vote == Some(round) {
            self.apply("the same vote to end a round again");
        } else {
            let (current, found) = (self.round, round);
            if found != current {
                return Err(NodeError::WrongRound { current, found });
            }
            let until = self.until.ok_or(NodeError::RoundDoesNotTimeOut(round))?;
            if now < until {
                return Err(NodeError::NotTimedOutYet { round, until });
            }
            self.timeout_vote = Some(round);
            self.apply("vote to end a round");
        }
        let timeout = Timeout {
            chain_id: self.chain,
            height,
            epoch: Epoch(0),
        };
        Ok(Some(timeout.payload(round)))
    }
    /// 4.8: once the next epoch is old enough, validators may lead; asked again, the vote is the same.
    fn take_over(&mut self, height: BlockHeight, now: Timestamp) -> Checked<Option<VotePayload>> {
        self.at_tip(height)?;
        let round = Round::LAST_REGULAR;
        if self.fallback_vote {
            self.apply("the same vote to hand a height over again");
        } else {
            let span = self.ownership.timeout_config.fallback_duration;
            let span = span.ok_or(NodeError::RoundDoesNotTimeOut(round))?;
            let since = self.next_epoch;
            let since = since.ok_or(NodeError::EventsNotFound(Epoch(1)))?;
            if self.round > round {
                let (current, found) = (self.round, round);
                self.apply("the height is handed over already");
                return Err(NodeError::WrongRound { current, found });
            }
            let until = since.saturating_add(span);
            if now < until {
                self.apply("too early to hand a height over");
                return Err(NodeError::NotTimedOutYet { round, until });
            }
            self.fallback_vote = true;
            self.apply("vote to hand a height over");
        }
        let timeout = Timeout {
            chain_id: self.chain,
            height,
            epoch: Epoch(0),
        };
        Ok(Some(timeout.payload(round)))
    }
}
