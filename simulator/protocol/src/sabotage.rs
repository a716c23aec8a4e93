//! Seeded bugs. A check that has never failed proves nothing: each of these must make one fail.

use crate::rules::{Rule, Rules};

/// One deliberate bug in a machine. No scenario can name one; tests can.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sabotage {
    /// No bug.
    #[default]
    None,
    /// A validator signs a second, different vote in the same round.
    VoteTwice,
    /// An inbox takes in bundles without looking at their order.
    InboxOutOfOrder,
    /// An outbox forgets a height that was never delivered.
    OutboxForgets,
    /// A voting rule is not looked at.
    Without(Rule),
}

impl Sabotage {
    /// The rules that are left.
    pub const fn rules(self) -> Rules {
        let missing = match self {
            Self::Without(rule) => Some(rule),
            Self::None | Self::VoteTwice | Self::InboxOutOfOrder | Self::OutboxForgets => None,
        };
        Rules::without(missing)
    }
}
