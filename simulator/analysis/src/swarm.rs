//! What became of the seeds of a swarm: one row each, and how they are distributed.

mod delivery;

use std::fmt;

pub use delivery::{DeliveryRow, DeliveryTable, Kind};

use scenario::{Plan, plan::FaultKind, swarm::Family};

use crate::{
    findings::{Findings, Verdict, strike_check},
    tables::BlockRow,
};

/// What one seed has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedRow {
    /// The seed.
    pub seed: u64,
    /// The trace hash of its run.
    pub trace_hash: String,
    /// The verdict of its run, but for faults that did not strike while others of their family did.
    pub verdict: Verdict,
    /// What did not hold: expectations, invariants, faults and families that never struck.
    pub broken: Vec<String>,
    /// How often each family struck, where it is enabled, in the order of [`Family::ALL`].
    pub strikes: [Option<u64>; Family::ALL.len()],
    /// How many validators there were.
    pub validators: u64,
    /// How many of them break the rules.
    pub byzantine: u64,
    /// Confirmed blocks.
    pub blocks: u64,
    /// Those of them confirmed in the fast round.
    pub fast: u64,
    /// Those confirmed in a multi-leader round after the first.
    pub later_multi_leader: u64,
    /// Those confirmed in a single-leader round.
    pub single_leader: u64,
    /// Certificates that ended a round which ran out of time.
    pub timeouts: u64,
    /// Proposals that met another block of their height, or came when it was taken.
    pub rivals: u64,
    /// Events of the run.
    pub events: u64,
}

impl SeedRow {
    /// The row of a run.
    pub fn new(plan: &Plan, findings: &Findings) -> Self {
        let enabled = Family::enabled(plan);
        let mut strikes = [None; Family::ALL.len()];
        for (strikes, family) in strikes.iter_mut().zip(Family::ALL) {
            *strikes = enabled
                .contains(&family)
                .then(|| strikes_of(family, plan, findings));
        }
        let tables = &findings.tables;
        let excused = excused(plan, &strikes);
        let failed = tables
            .expectations
            .iter()
            .filter(|row| !["pass", "not judged"].contains(&row.verdict.as_str()))
            .filter(|row| !excused.contains(&row.name));
        let mut broken: Vec<String> = failed
            .map(|row| format!("{}: {} {}", row.verdict, row.name, row.detail))
            .collect();
        let silent = strikes
            .iter()
            .zip(Family::ALL)
            .filter(|(strikes, _)| **strikes == Some(0));
        let verdict = match findings.verdict {
            Verdict::Fail if broken.is_empty() => Verdict::Pass,
            verdict => verdict,
        };
        // A run that a violation ended early has an excuse.
        if verdict == Verdict::Pass {
            broken.extend(silent.map(|(_, family)| format!("fail: {family} never struck")));
        }
        let confirmed = |is: &dyn Fn(&BlockRow) -> bool| {
            let blocks = tables.blocks.iter();
            long(
                blocks
                    .filter(|block| block.confirmed_us.is_some() && is(block))
                    .count(),
            )
        };
        Self {
            seed: plan.seed,
            trace_hash: tables.run.trace_hash.clone(),
            verdict,
            broken,
            strikes,
            validators: long(plan.validators.len()),
            byzantine: byzantine(plan),
            blocks: findings.counters.blocks,
            fast: findings.counters.fast_blocks,
            later_multi_leader: confirmed(&|block| {
                block.round.starts_with("ml-") && block.round != "ml-0"
            }),
            single_leader: confirmed(&|block| block.round.starts_with("sl-")),
            timeouts: findings.counters.timeouts,
            rivals: findings.counters.rival_proposals,
            events: tables.run.events,
        }
    }

    /// Whether everything held.
    pub fn held(&self) -> bool {
        self.verdict == Verdict::Pass && self.broken.is_empty()
    }
}

/// A swarm promises that each enabled family strikes, not each of its faults: names of the checks of
/// faults whose family did.
fn excused(plan: &Plan, strikes: &[Option<u64>; Family::ALL.len()]) -> Vec<String> {
    let struck = |fault: &&scenario::plan::FaultPlan| {
        let family = Family::of(&fault.kind);
        strikes[family as usize].is_some_and(|strikes| strikes > 0)
    };
    let faults = plan.faults.iter().filter(struck);
    faults.map(|fault| strike_check(&fault.name)).collect()
}

fn long(count: usize) -> u64 {
    crate::registry::long(count)
}

fn byzantine(plan: &Plan) -> u64 {
    let sets = plan.faults.iter().filter_map(|fault| match &fault.kind {
        FaultKind::ByzantineValidators { validators, .. } => Some(validators),
        _ => None,
    });
    let mut all: Vec<_> = sets.flatten().collect();
    all.sort_unstable();
    all.dedup();
    long(all.len())
}

/// How often a family struck.
fn strikes_of(family: Family, plan: &Plan, findings: &Findings) -> u64 {
    let faults = plan.faults.iter().zip(&findings.tables.faults);
    let hits = faults.filter(|(fault, _)| Family::of(&fault.kind) == family);
    match family {
        Family::Contention => findings.counters.rival_proposals,
        Family::Duplication => findings.counters.duplicated_messages,
        // Blocks of the second wallets.
        Family::Twins => {
            let blocks = findings.tables.blocks.iter();
            long(blocks.filter(|block| block.proposer.contains('#')).count())
        }
        _ => hits.map(|(_, row)| row.hits).sum(),
    }
}

/// How the rows of many seeds are distributed. Shown as a table.
#[derive(Clone, Debug)]
pub struct Distribution<'a>(pub &'a [SeedRow]);

/// What is counted of a seed.
type Count<'a> = &'a dyn Fn(&SeedRow) -> u64;

/// A count of each seed that has one.
struct Spread {
    seeds: usize,
    least: u64,
    median: u64,
    most: u64,
}

impl Spread {
    fn new(values: impl Iterator<Item = u64>) -> Self {
        let mut values: Vec<u64> = values.collect();
        values.sort_unstable();
        let at = |position: usize| values.get(position).copied().unwrap_or(0);
        Self {
            seeds: values.len(),
            least: at(0),
            median: at(values.len() / 2),
            most: at(values.len().saturating_sub(1)),
        }
    }
}

impl Distribution<'_> {
    fn line(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        of: &dyn Fn(&SeedRow) -> Option<u64>,
    ) -> fmt::Result {
        let spread = Spread::new(self.0.iter().filter_map(of));
        writeln!(
            f,
            "  {name:<34} {:>7} {:>8} {:>8} {:>8}",
            spread.seeds, spread.least, spread.median, spread.most
        )
    }
}

impl fmt::Display for Distribution<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["seeds", "least", "median", "most"];
        let [seeds, least, median, most] = head;
        writeln!(
            f,
            "  {:<34} {seeds:>7} {least:>8} {median:>8} {most:>8}",
            "strikes of"
        )?;
        for (at, family) in Family::ALL.iter().enumerate() {
            self.line(f, family.name(), &|row| row.strikes[at])?;
        }
        writeln!(
            f,
            "  {:<34} {seeds:>7} {least:>8} {median:>8} {most:>8}",
            "a seed has"
        )?;
        let lines: [(&str, Count<'_>); 10] = [
            ("families enabled", &|row| {
                long(row.strikes.iter().flatten().count())
            }),
            ("validators", &|row| row.validators),
            ("validators that break the rules", &|row| row.byzantine),
            ("confirmed blocks", &|row| row.blocks),
            ("  in the fast round", &|row| row.fast),
            ("  in later multi-leader rounds", &|row| {
                row.later_multi_leader
            }),
            ("  in single-leader rounds", &|row| row.single_leader),
            ("rounds that ran out of time", &|row| row.timeouts),
            ("rival proposals", &|row| row.rivals),
            ("events", &|row| row.events),
        ];
        for (name, of) in lines {
            self.line(f, name, &|row| Some(of(row)))?;
        }
        for (name, verdict) in [
            ("pass", Verdict::Pass),
            ("fail", Verdict::Fail),
            ("inconclusive", Verdict::Inconclusive),
        ] {
            let count = self.0.iter().filter(|row| row.verdict == verdict).count();
            writeln!(f, "  {name:<34} {count:>7}")?;
        }
        Ok(())
    }
}
