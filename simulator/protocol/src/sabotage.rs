//! Seeded bugs. A check that has never failed proves nothing: each of these must make one fail.

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
}
