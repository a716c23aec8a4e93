//! The validators of an epoch and their weights, and what resources cost in it.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    hash::Hashable, ids::ValidatorIndex, policy::ResourceControlPolicy, signature::PublicKey,
};

/// One member of a committee.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ValidatorState {
    /// Where to reach it.
    pub index: ValidatorIndex,
    /// Its voting weight, at least 1.
    pub votes: u64,
}

/// The validators of an epoch.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Committee {
    validators: BTreeMap<PublicKey, ValidatorState>,
    total_votes: u64,
    /// `None`: nothing costs and nothing is limited.
    policy: Option<Arc<ResourceControlPolicy>>,
}

impl Hashable for Committee {
    const TAG: &'static str = "Committee";
}

impl Committee {
    /// The committee of these validators.
    ///
    /// # Panics
    /// If the total weight is 0 or does not fit.
    pub fn new(validators: BTreeMap<PublicKey, ValidatorState>) -> Self {
        let total_votes = validators
            .values()
            .try_fold(0u64, |sum, validator| sum.checked_add(validator.votes))
            .expect("the plan bounds weights");
        assert!(total_votes > 0, "a committee has weight");
        Self {
            validators,
            total_votes,
            policy: None,
        }
    }

    /// The same with these prices and limits.
    #[must_use]
    pub fn with_policy(mut self, policy: ResourceControlPolicy) -> Self {
        let free = policy == ResourceControlPolicy::no_fees();
        self.policy = (!free).then(|| Arc::new(policy));
        self
    }

    /// Prices and limits of its epoch; `None`: nothing costs and nothing is limited.
    pub fn policy(&self) -> Option<&ResourceControlPolicy> {
        self.policy.as_deref()
    }

    /// All members by key.
    pub const fn validators(&self) -> &BTreeMap<PublicKey, ValidatorState> {
        &self.validators
    }

    /// Where to reach its members, in the order of their numbers.
    pub fn members(&self) -> Vec<ValidatorIndex> {
        let members = self.validators.values().map(|member| member.index);
        let mut members: Vec<_> = members.collect();
        members.sort_unstable();
        members
    }

    /// Total weight N.
    pub const fn total_votes(&self) -> u64 {
        self.total_votes
    }

    /// Weight of `key`: 0 if it is no member.
    pub fn weight(&self, key: &PublicKey) -> u64 {
        self.validators
            .get(key)
            .map_or(0, |validator| validator.votes)
    }

    /// Any set of this weight holds a correct validator: ceil(N / 3).
    pub const fn validity_threshold(&self) -> u64 {
        self.total_votes.div_ceil(3)
    }

    /// Any two sets of this weight share a correct validator: ceil((N + ceil(N / 3)) / 2).
    pub const fn quorum_threshold(&self) -> u64 {
        // Half of the sum, without the sum: it could overflow.
        let validity = self.validity_threshold();
        validity + (self.total_votes - validity).div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{SignatureScheme, SigningKey};

    fn committee(weights: &[u64]) -> Committee {
        let member = |(index, &votes): (usize, &u64)| {
            let index = u8::try_from(index).expect("few validators in a test");
            let key = SigningKey::from_seed(SignatureScheme::Modeled, &[index; 32]).public();
            (
                key,
                ValidatorState {
                    index: ValidatorIndex(u32::from(index)),
                    votes,
                },
            )
        };
        Committee::new(weights.iter().enumerate().map(member).collect())
    }

    #[test]
    fn thresholds_of_equal_committees() {
        for (size, validity, quorum) in [(1, 1, 1), (4, 2, 3), (7, 3, 5), (10, 4, 7)] {
            let committee = committee(&vec![1; size]);
            assert_eq!(committee.validity_threshold(), validity, "{size}");
            assert_eq!(committee.quorum_threshold(), quorum, "{size}");
        }
    }

    #[test]
    fn two_quorums_share_more_than_the_faulty_may_weigh() {
        for total in 1..200 {
            let committee = committee(&[total]);
            let (quorum, validity) = (committee.quorum_threshold(), committee.validity_threshold());
            assert_eq!(quorum, (total + validity).div_ceil(2));
            assert!(2 * quorum - total >= validity);
            assert!(
                total - (validity - 1) >= quorum,
                "the correct alone make a quorum"
            );
        }
    }
}
