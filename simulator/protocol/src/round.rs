//! Rounds of one height, totally ordered: fast, multi-leader, single-leader, validator.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A round of the consensus at one height of one chain. The order of the variants is the order of
/// rounds, whatever their numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Round {
    /// Super owners propose; validators confirm at once.
    Fast,
    /// Any owner proposes.
    MultiLeader(u32),
    /// One owner, drawn by weight, proposes.
    SingleLeader(u32),
    /// One validator, drawn by weight, proposes.
    Validator(u32),
}

impl Round {
    /// The last round of owners. A quorum that ends it hands the height over to validators (4.8).
    pub const LAST_REGULAR: Self = Self::SingleLeader(u32::MAX);

    /// Whether this is the fast round.
    pub const fn is_fast(self) -> bool {
        matches!(self, Self::Fast)
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fast => f.write_str("fast"),
            Self::MultiLeader(number) => write!(f, "ml-{number}"),
            Self::SingleLeader(number) => write!(f, "sl-{number}"),
            Self::Validator(number) => write!(f, "v-{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Round::*;

    #[test]
    fn kinds_order_before_numbers() {
        assert!(Fast < MultiLeader(0));
        assert!(MultiLeader(9) < SingleLeader(0));
        assert!(SingleLeader(u32::MAX) < Validator(0));
    }
}
