//! Expectations: a small language of integers over named quantities of a run.
//!
//! Owns the language from its text to a verdict: words, syntax, dimensions, evaluation. An
//! [`Expression`] has no names left: its [`Call`]s say with indices which quantity they mean, and
//! whoever has a run implements [`Quantities`]. Invariants: no floats; what is compared or added
//! has one dimension; a quantity that is not known makes only those verdicts unknown that depend
//! on it.
//!
//! | dimension | base unit of every value |
//! |---|---|
//! | amount | atto-tokens |
//! | duration | microseconds of virtual time |
//! | rate | millionths of an event a second |
//! | share | millionths |
//! | count | one |

mod build;
mod evaluate;
mod functions;
mod syntax;
mod words;

#[cfg(test)]
mod tests;

use engine::VirtualTime;

use crate::plan::{ChainIndex, ChainSet, FaultIndex, OwnerIndex, ValidatorIndex};

pub use evaluate::{Evaluation, Quantities, Reading};

pub(crate) use build::{Scope, Use, build};
#[cfg(test)]
pub(crate) use functions::function_names;

/// An expectation's statement, ready to be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// The text that it was read from.
    pub text: String,
    pub(crate) truth: Truth,
}

impl Expression {
    /// Every quantity that the statement needs, in the order of the text; one that stands twice
    /// is listed twice.
    pub fn calls(&self) -> Vec<&Call> {
        let mut calls = Vec::new();
        self.truth.collect(&mut calls);
        calls
    }
}

/// What kind of number a quantity is; the module's documentation lists the base units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// How many.
    Count,
    /// Tokens.
    Amount,
    /// Virtual time.
    Duration,
    /// Events a second.
    Rate,
    /// A part of all.
    Share,
}

impl Dimension {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "a count",
            Self::Amount => "an amount",
            Self::Duration => "a duration",
            Self::Rate => "a rate",
            Self::Share => "a share",
        }
    }
}

/// One quantity of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The text of the call, such as `balance("A")`.
    pub text: String,
    /// Which quantity.
    pub function: Function,
}

impl Call {
    /// What kind of number it is.
    pub const fn dimension(&self) -> Dimension {
        self.function.dimension()
    }
}

/// Which quantity of a run. States are those of the instant of evaluation; the view is that of a
/// quorum of validators where replicas differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Function {
    /// The sum of these chains' own balances (without the accounts of owners there).
    Balance(ChainSet),
    /// The balance of an owner's account on a chain.
    OwnerBalance(OwnerIndex, ChainIndex),
    /// What an owner lets another spend of his account on a chain.
    Allowance {
        /// Where the account is.
        chain: ChainIndex,
        /// Whose account.
        owner: OwnerIndex,
        /// Who may spend.
        spender: OwnerIndex,
    },
    /// All tokens: balances, accounts, and messages on their way.
    Supply,
    /// The fees of all confirmed blocks; nobody has them.
    BurnedFees,
    /// Tokens that are lost for good, in messages that were rejected or skipped.
    Dropped,
    /// Messages that wait in the inboxes of these chains.
    Inbox(ChainSet),
    /// Messages that were sent and are not yet in the inbox of a quorum.
    InFlight,
    /// Blocks that were proposed and are not confirmed.
    PendingBlocks,
    /// The most different blocks that hold a confirmed certificate at one height of one chain.
    MaxCertifiedPerHeight,
    /// Confirmed blocks of these chains.
    Blocks(ChainSet),
    /// Confirmed blocks of these chains that were confirmed in the fast round.
    FastBlocks(ChainSet),
    /// The next height of a chain.
    Height(ChainIndex),
    /// The epoch of a chain's next block.
    Epoch(ChainIndex),
    /// The fewest confirmed blocks of any one of these chains.
    MinBlocks(ChainSet),
    /// Protocol messages that the network or a fault has lost so far.
    LostMessages,
    /// Cross-chain messages that a block has taken in and rejected so far.
    RejectedMessages,
    /// Certificates that ended a round which ran out of time.
    Timeouts,
    /// Commands of users that are done.
    DoneCommands,
    /// Commands of users that could not be done.
    FailedCommands,
    /// Requests that validators refused for this reason, by the name of the error.
    Refused(&'static str),
    /// How often this was told of a message on its way, by its word.
    Deliveries(&'static str),
    /// How often a fault changed something: messages cut or lost, nodes stopped or slowed.
    FaultHits(FaultIndex),
    /// How many confirmed blocks a validator is behind the furthest one, over all chains.
    Lag(ValidatorIndex),
    /// How many workers share the chains of a validator.
    Workers(ValidatorIndex),
    /// How many of these are up, of a validator that scales itself.
    RunningWorkers(ValidatorIndex),
    /// Messages of confirmed blocks that never reached an inbox of a validator.
    Undelivered(ValidatorIndex),
    /// How often a worker took over a chain that it, or another, had held before.
    MovedChains,
    /// Events a second.
    Rate(Counter, Window),
    /// Events.
    Total(Counter, Window),
    /// A statistic over a measure.
    Statistic(Statistic, Measure, Window),
}

impl Function {
    /// What kind of number it is.
    pub const fn dimension(&self) -> Dimension {
        match self {
            Self::Balance(_)
            | Self::OwnerBalance(_, _)
            | Self::Allowance { .. }
            | Self::Supply
            | Self::BurnedFees
            | Self::Dropped => Dimension::Amount,
            Self::Inbox(_)
            | Self::InFlight
            | Self::PendingBlocks
            | Self::MaxCertifiedPerHeight
            | Self::Blocks(_)
            | Self::FastBlocks(_)
            | Self::Height(_)
            | Self::Epoch(_)
            | Self::MinBlocks(_)
            | Self::LostMessages
            | Self::RejectedMessages
            | Self::Timeouts
            | Self::DoneCommands
            | Self::FailedCommands
            | Self::Refused(_)
            | Self::Deliveries(_)
            | Self::FaultHits(_)
            | Self::Lag(_)
            | Self::Workers(_)
            | Self::RunningWorkers(_)
            | Self::Undelivered(_)
            | Self::MovedChains
            | Self::Total(_, _) => Dimension::Count,
            Self::Rate(_, _) => Dimension::Rate,
            Self::Statistic(Statistic::Jain, _, _) => Dimension::Share,
            Self::Statistic(_, measure, _) => measure.dimension(),
        }
    }

    /// Whether it speaks of a stretch of time, and so is known only afterwards.
    pub const fn has_window(&self) -> bool {
        matches!(
            self,
            Self::Rate(_, _) | Self::Total(_, _) | Self::Statistic(_, _, _)
        )
    }
}

/// A stretch of time: `from` belongs to it, `until` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first instant.
    pub from: VirtualTime,
    /// The first instant after it.
    pub until: VirtualTime,
}

/// Events that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// What workloads asked for, by the scheduled instant: `arrivals`.
    Arrivals,
    /// `confirmed_blocks`.
    ConfirmedBlocks,
    /// Those confirmed in the fast round: `fast_blocks`.
    FastBlocks,
    /// Proposals, retries among them: `proposals`.
    Proposals,
    /// Cross-chain messages of confirmed blocks: `sent_messages`.
    SentMessages,
    /// Cross-chain messages that reached the inbox of a quorum: `delivered_messages`.
    DeliveredMessages,
    /// Cross-chain messages that a confirmed block took in: `received_messages`.
    ReceivedMessages,
    /// Those among them that it rejected: `rejected_messages`.
    RejectedMessages,
}

/// What is measured of each block, message or worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// From the scheduled instant of a block to its confirmation: `confirm_latency`.
    ConfirmLatency,
    /// From sent to in the inbox of a quorum: `delivery_latency`.
    DeliveryLatency,
    /// From in the inbox to taken in: `inbox_wait`.
    InboxWait,
    /// From sent to taken in: `message_latency`.
    MessageLatency,
    /// Messages that wait in all inboxes, sampled over time: `inbox_depth`.
    InboxDepth,
    /// Requests that wait at a worker, sampled over time: `worker_queue`.
    WorkerQueue,
    /// The part of the time that a worker is busy: `worker_busy`.
    WorkerBusy,
    /// Confirmed blocks beside those that were asked for, stretch by stretch: `carried`.
    Carried,
}

impl Measure {
    /// What kind of number it is.
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::ConfirmLatency
            | Self::DeliveryLatency
            | Self::InboxWait
            | Self::MessageLatency => Dimension::Duration,
            Self::InboxDepth | Self::WorkerQueue => Dimension::Count,
            Self::WorkerBusy | Self::Carried => Dimension::Share,
        }
    }
}

/// One number for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statistic {
    /// The smallest value that at least so many ten-thousandths of all values do not exceed:
    /// `p99` is 9,900.
    Quantile(u32),
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The arithmetic mean, rounded down.
    Mean,
    /// Jain's index of fairness over the members, 1/n to 1: `jain`.
    Jain,
}

/// A truth value that can be computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Literal(bool),
    Not(Box<Truth>),
    And(Box<Truth>, Box<Truth>),
    Or(Box<Truth>, Box<Truth>),
    /// Whether both are the same.
    Same(Box<Truth>, Box<Truth>),
    Compare(Comparison, Number, Number),
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A number that can be computed, in base units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Literal(i128),
    Call(Call),
    Negative(Box<Number>),
    Sum(Box<Number>, Box<Number>),
    Difference(Box<Number>, Box<Number>),
    Product(Box<Number>, Box<Number>),
}

impl Truth {
    fn collect<'a>(&'a self, calls: &mut Vec<&'a Call>) {
        match self {
            Self::Literal(_) => {}
            Self::Not(inner) => inner.collect(calls),
            Self::And(left, right) | Self::Or(left, right) | Self::Same(left, right) => {
                left.collect(calls);
                right.collect(calls);
            }
            Self::Compare(_, left, right) => {
                left.collect(calls);
                right.collect(calls);
            }
        }
    }
}

impl Number {
    fn collect<'a>(&'a self, calls: &mut Vec<&'a Call>) {
        match self {
            Self::Literal(_) => {}
            Self::Call(call) => calls.push(call),
            Self::Negative(inner) => inner.collect(calls),
            Self::Sum(left, right) | Self::Difference(left, right) | Self::Product(left, right) => {
                left.collect(calls);
                right.collect(calls);
            }
        }
    }
}
