//! Who owns a chain, and which rounds follow from that. The kind of a chain is entirely a function
//! of this record.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{hash::Hashable, ids::AccountOwner, round::Round, time::TimeDelta};

/// How long rounds last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct TimeoutConfig {
    /// Duration of the fast round; `None`: it never times out.
    pub fast_round_duration: Option<TimeDelta>,
    /// Duration of the last multi-leader round and of the first single-leader round.
    pub base_timeout: TimeDelta,
    /// What every further single-leader or validator round lasts longer.
    pub timeout_increment: TimeDelta,
    /// After how long validators may take over from vanished owners; `None`: never.
    pub fallback_duration: Option<TimeDelta>,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        Self {
            fast_round_duration: None,
            base_timeout: TimeDelta::from_secs(10),
            timeout_increment: TimeDelta::from_secs(1),
            fallback_duration: None,
        }
    }
}

/// The ownership record of a chain.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ChainOwnership {
    /// Owners that may propose in every round but the validators'.
    pub super_owners: BTreeSet<AccountOwner>,
    /// Regular owners with their weights as leaders.
    pub owners: BTreeMap<AccountOwner, u64>,
    /// Leader of the first single-leader round, if fixed.
    pub first_leader: Option<AccountOwner>,
    /// Number of multi-leader rounds.
    pub multi_leader_rounds: u32,
    /// Whether anybody may propose in multi-leader rounds.
    pub open_multi_leader_rounds: bool,
    /// How long rounds last.
    pub timeout_config: TimeoutConfig,
}

impl Hashable for ChainOwnership {
    const TAG: &'static str = "ChainOwnership";
}

impl ChainOwnership {
    /// Weight of an owner when nothing else is said.
    pub const DEFAULT_WEIGHT: u64 = 100;
    /// Multi-leader rounds when nothing else is said.
    pub const DEFAULT_MULTI_LEADER_ROUNDS: u32 = 5;

    /// One regular owner: blocks take two round trips.
    pub fn single(owner: AccountOwner) -> Self {
        Self {
            owners: BTreeMap::from([(owner, Self::DEFAULT_WEIGHT)]),
            multi_leader_rounds: Self::DEFAULT_MULTI_LEADER_ROUNDS,
            ..Self::default()
        }
    }

    /// One super owner: blocks take one round trip.
    pub fn single_super(owner: AccountOwner) -> Self {
        Self {
            super_owners: BTreeSet::from([owner]),
            ..Self::default()
        }
    }

    /// Whether anybody can ever propose.
    pub fn is_active(&self) -> bool {
        !self.super_owners.is_empty()
            || !self.owners.is_empty()
            || self.timeout_config.fallback_duration == Some(TimeDelta::default())
    }

    /// A public chain: no owners, and validators take over at once.
    pub fn public(timeout_config: TimeoutConfig) -> Self {
        Self {
            timeout_config: TimeoutConfig {
                fallback_duration: Some(TimeDelta::default()),
                ..timeout_config
            },
            ..Self::default()
        }
    }

    /// Whether nobody owns the chain and validators propose its blocks.
    pub fn is_public(&self) -> bool {
        self.owners.is_empty() && self.super_owners.is_empty() && self.is_active()
    }

    /// Whether `owner` is a regular or super owner, or the fixed first leader.
    pub fn is_owner(&self, owner: &AccountOwner) -> bool {
        self.super_owners.contains(owner)
            || self.owners.contains_key(owner)
            || self.first_leader.as_ref() == Some(owner)
    }

    /// The round that every height starts in.
    pub fn first_round(&self) -> Round {
        if !self.super_owners.is_empty() {
            Round::Fast
        } else if self.owners.is_empty() {
            Round::Validator(0)
        } else if self.multi_leader_rounds > 0 {
            Round::MultiLeader(0)
        } else {
            Round::SingleLeader(0)
        }
    }

    /// The round after `round`; `None` when numbers run out.
    pub fn next_round(&self, round: Round) -> Option<Round> {
        match round {
            Round::Fast if self.multi_leader_rounds == 0 => Some(Round::SingleLeader(0)),
            Round::Fast => Some(Round::MultiLeader(0)),
            Round::MultiLeader(number) => match number.checked_add(1) {
                Some(next) if next < self.multi_leader_rounds => Some(Round::MultiLeader(next)),
                Some(_) | None => Some(Round::SingleLeader(0)),
            },
            Round::SingleLeader(number) => Some(
                number
                    .checked_add(1)
                    .map_or(Round::Validator(0), Round::SingleLeader),
            ),
            Round::Validator(number) => number.checked_add(1).map(Round::Validator),
        }
    }

    /// How long `round` lasts at most; `None`: it does not time out.
    pub fn round_timeout(&self, round: Round) -> Option<TimeDelta> {
        let config = &self.timeout_config;
        match round {
            Round::Fast if self.owners.is_empty() => None,
            Round::Fast => config.fast_round_duration,
            Round::MultiLeader(number) => (number.saturating_add(1) >= self.multi_leader_rounds)
                .then_some(config.base_timeout),
            Round::SingleLeader(number) | Round::Validator(number) => {
                let growth = config.timeout_increment.saturating_mul(u64::from(number));
                let micros = config.base_timeout.micros().saturating_add(growth.micros());
                Some(TimeDelta::from_micros(micros))
            }
        }
    }

    /// Whether `owner` may propose in `round`, where that is decided by ownership alone: leaders of
    /// single-leader and validator rounds are drawn elsewhere.
    pub fn may_propose(&self, owner: &AccountOwner, round: Round) -> bool {
        match round {
            Round::Fast => self.super_owners.contains(owner),
            Round::MultiLeader(_) => self.open_multi_leader_rounds || self.is_owner(owner),
            Round::SingleLeader(_) => self.super_owners.contains(owner),
            Round::Validator(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::CryptoHash;

    fn owner(byte: u8) -> AccountOwner {
        AccountOwner::Address32(CryptoHash::from_bytes([byte; 32]))
    }

    #[test]
    fn regular_owner_goes_through_five_multi_leader_rounds() {
        let ownership = ChainOwnership::single(owner(1));
        let mut round = ownership.first_round();
        for number in 0..5 {
            assert_eq!(round, Round::MultiLeader(number));
            let timed = ownership.round_timeout(round).is_some();
            assert_eq!(
                timed,
                number == 4,
                "only the last multi-leader round has a timer"
            );
            round = ownership.next_round(round).expect("more rounds follow");
        }
        assert_eq!(round, Round::SingleLeader(0));
    }

    #[test]
    fn super_owner_starts_fast_and_never_times_out_alone() {
        let ownership = ChainOwnership::single_super(owner(1));
        assert_eq!(ownership.first_round(), Round::Fast);
        assert_eq!(ownership.round_timeout(Round::Fast), None);
        assert_eq!(
            ownership.next_round(Round::Fast),
            Some(Round::SingleLeader(0))
        );
        assert!(ownership.may_propose(&owner(1), Round::Fast));
        assert!(!ownership.may_propose(&owner(2), Round::Fast));
    }
}
