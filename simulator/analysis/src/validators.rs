//! The validators as checks see them: weights, quorum, and who an actor is.

use engine::ActorId;
use protocol::ids::Address;
use trace::Directory;

use crate::registry::{index, number};

/// Weights and threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committee {
    /// Voting weight of each validator, by index.
    pub(crate) weights: Vec<u64>,
    /// The weight that certifies.
    pub(crate) quorum: u64,
    /// Which of them a fault makes break the rules.
    pub(crate) byzantine: Vec<bool>,
}

impl Committee {
    pub(crate) fn weight(&self, validator: u32) -> u64 {
        self.weights.get(index(validator)).copied().unwrap_or(0)
    }

    /// Whether a validator may break the rules: checks of a single validator say nothing then.
    pub(crate) fn is_byzantine(&self, validator: u32) -> bool {
        self.byzantine.get(index(validator)) == Some(&true)
    }

    /// Any set of this weight holds a correct validator, if the protocol's assumption holds.
    pub(crate) fn validity(&self) -> u64 {
        self.weights.iter().sum::<u64>().div_ceil(3)
    }

    pub(crate) fn size(&self) -> usize {
        self.weights.len()
    }
}

/// Who an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    /// Nobody: the script of the run.
    Environment,
    /// The public face of a validator.
    Proxy(u32),
    /// A worker shard: validator and number.
    Worker(u32, u32),
    /// A wallet.
    Wallet(u32),
}

/// The parties by actor.
#[derive(Clone, Debug)]
pub(crate) struct Parties(Vec<Party>);

impl Parties {
    pub(crate) fn new(directory: &Directory) -> Self {
        let party = |address: &Address| match address {
            Address::Client(wallet) => Party::Wallet(wallet.0),
            Address::Proxy(validator) => Party::Proxy(validator.0),
            Address::Worker(validator, shard) => Party::Worker(validator.0, shard.0),
        };
        Self(directory.addresses.iter().map(party).collect())
    }

    pub(crate) fn of(&self, actor: ActorId) -> Party {
        let at = actor.index().and_then(|at| self.0.get(at));
        at.copied().unwrap_or(Party::Environment)
    }

    /// All actors and who they are.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ActorId, Party)> + '_ {
        self.0
            .iter()
            .enumerate()
            .map(|(at, party)| (ActorId(number(at) + 1), *party))
    }
}
