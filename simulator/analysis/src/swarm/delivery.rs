//! What seeds of the swarms about messages and hand-overs have shown: how often each kind of thing went
//! wrong, as a table.

use std::fmt;

use scenario::{
    Plan,
    swarm::{Family, Swarm},
};

use super::{SeedRow, Spread, long, strikes_of};
use crate::findings::{Findings, Verdict};

/// A kind of thing that goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Workers stop, most of them inside a step.
    Stops,
    /// Messages between workers get lost, on the way or at a worker that has stopped.
    Lost,
    /// Messages between workers arrive twice.
    Doubled,
    /// Updates that hold nothing new.
    Repeated,
    /// Messages that a block rejects: what bounces.
    Rejected,
    /// Chains that are closed.
    Closed,
    /// Resizes of validators.
    Resizes,
    /// Chains that a worker takes over.
    Taken,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Stops,
        Self::Lost,
        Self::Doubled,
        Self::Repeated,
        Self::Rejected,
        Self::Closed,
        Self::Resizes,
        Self::Taken,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stops => "workers that stop",
            Self::Lost => "messages that get lost",
            Self::Doubled => "messages that come twice",
            Self::Repeated => "updates with nothing new",
            Self::Rejected => "messages that are rejected",
            Self::Closed => "chains that are closed",
            Self::Resizes => "resizes",
            Self::Taken => "chains handed over",
        }
    }

    fn count(self, plan: &Plan, findings: &Findings) -> u64 {
        let counters = &findings.counters;
        match self {
            Self::Stops => counters.crashes,
            Self::Lost => counters.lost_messages,
            Self::Doubled => counters.duplicated_messages,
            Self::Repeated => counters.duplicate_updates,
            Self::Rejected => counters.rejected,
            Self::Closed => {
                let closing = |row: &&crate::tables::ChainRow| row.group == "closing";
                long(findings.tables.chains.iter().filter(closing).count())
            }
            Self::Resizes => strikes_of(Family::Resize, plan, findings),
            Self::Taken => counters.chains_taken,
        }
    }

    /// Whether every seed of a swarm has it.
    const fn is_certain(self, swarm: Swarm) -> bool {
        match swarm {
            Swarm::Everything => false,
            Swarm::Messages => matches!(
                self,
                Self::Stops | Self::Lost | Self::Doubled | Self::Rejected | Self::Closed
            ),
            Swarm::HandOver => matches!(self, Self::Stops | Self::Resizes | Self::Taken),
        }
    }
}

/// What one seed has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// What every seed tells.
    pub row: SeedRow,
    /// Cross-chain messages of confirmed blocks.
    pub messages: u64,
    /// How often each kind of thing went wrong, in the order of [`Kind::ALL`].
    pub counts: [u64; Kind::ALL.len()],
}

impl DeliveryRow {
    /// The row of a run of this swarm.
    pub fn new(swarm: Swarm, plan: &Plan, findings: &Findings) -> Self {
        let mut row = SeedRow::new(plan, findings);
        // What must strike here are the kinds below; owners who share a chain need not meet on it.
        let contention = format!("fail: {} never struck", Family::Contention);
        row.broken.retain(|what| *what != contention);
        let counts = Kind::ALL.map(|kind| kind.count(plan, findings));
        if row.verdict == Verdict::Pass {
            let kinds = Kind::ALL.into_iter().zip(counts);
            let silent = kinds.filter(|(kind, count)| *count == 0 && kind.is_certain(swarm));
            row.broken
                .extend(silent.map(|(kind, _)| format!("fail: {} never struck", kind.name())));
        }
        Self {
            row,
            messages: findings.counters.sent,
            counts,
        }
    }
}

/// The rows of many seeds as a table.
#[derive(Clone, Debug)]
pub struct DeliveryTable<'a>(pub &'a [DeliveryRow]);

impl fmt::Display for DeliveryTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, seeds) = ("in all", "seeds");
        let (least, median, most) = ("least", "median", "most");
        writeln!(
            f,
            "  {:<28} {all:>9} {seeds:>7} {least:>7} {median:>7} {most:>7}",
            "a seed has"
        )?;
        let mut line = |name: &str, values: Vec<u64>| {
            let sum: u64 = values.iter().sum();
            let seeds = values.iter().filter(|value| **value > 0).count();
            let spread = Spread::new(values.into_iter());
            let (least, median, most) = (spread.least, spread.median, spread.most);
            writeln!(
                f,
                "  {name:<28} {sum:>9} {seeds:>7} {least:>7} {median:>7} {most:>7}"
            )
        };
        let of = |value: &dyn Fn(&DeliveryRow) -> u64| self.0.iter().map(value).collect();
        line("confirmed blocks", of(&|row| row.row.blocks))?;
        line("messages sent", of(&|row| row.messages))?;
        for (at, kind) in Kind::ALL.iter().enumerate() {
            line(kind.name(), of(&|row| row.counts[at]))?;
        }
        let violation = |broken: &String| broken.starts_with("fail: I-");
        let violations =
            |row: &DeliveryRow| long(row.row.broken.iter().filter(|one| violation(one)).count());
        line("violations", of(&violations))?;
        line(
            "seeds that do not hold",
            of(&|row| u64::from(!row.row.held())),
        )
    }
}
