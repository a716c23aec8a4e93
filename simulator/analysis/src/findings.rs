//! What a run has shown: the verdict, and the tables with names.

mod rows;

use engine::{Outcome, RunOutcome, VirtualTime};
use scenario::expression::{Measure, Statistic};
use trace::WriteError;

pub use crate::expectations::Verdict;
use crate::{
    expectations::{Judged, View},
    faults::Faults,
    invariants::{Invariant, Invariants, Loss, Sealed, Violation},
    liveness::Liveness,
    metrics::{Counters, Metrics, windows::statistic_of},
    names::Names,
    registry::{Registry, long},
    tables::Tables,
    watcher::Watcher,
};

/// What a run has shown.
#[derive(Debug)]
pub struct Findings {
    /// Everything that pictures, charts and tables are made from.
    pub tables: Tables,
    /// The first statements that did not hold, in order; at most a hundred.
    pub violations: Vec<Violation>,
    /// Violations beyond those.
    pub more_violations: u64,
    /// Whom a fork convicts of breaking the rules, with the proofs from their own votes.
    pub convicted: Vec<String>,
    /// Where money was lost for good, which the rules allow; at most a hundred, and how many more.
    /// Then the chains that keep for good what is sent to them.
    pub warnings: Vec<String>,
    /// The verdict over all.
    pub verdict: Verdict,
    /// Why the run ended, such as `completed` or `stopped: I-1 CommitAgreement`.
    pub outcome: String,
    /// Whether the run was stopped by whoever ran it, so that it is a partial one.
    pub interrupted: bool,
    /// Counts over the whole run.
    pub counters: Counters,
    /// Latencies after the warm-up.
    pub latencies: Vec<Latency>,
    /// What each validator lacks at the end.
    pub validators: Vec<ValidatorFindings>,
    /// Handlers that panicked: when, who, and what they said.
    pub panics: Vec<String>,
    /// What the engine found wrong with itself.
    pub engine_violations: Vec<String>,
    /// Why the trace could not be written, if so.
    pub trace_error: Option<WriteError>,
}

/// Exact percentiles of a latency, in virtual microseconds. `None`: nothing was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The name of the measure, such as `confirm_latency`.
    pub name: &'static str,
    /// How many there were.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_us: Option<u64>,
    /// 95 % of them took no longer.
    pub p95_us: Option<u64>,
    /// 99 % of them took no longer.
    pub p99_us: Option<u64>,
    /// The longest.
    pub max_us: Option<u64>,
}

/// What a validator lacks at the end (I-45 and I-46: findings, because a run may end too early).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorFindings {
    /// Its name.
    pub validator: String,
    /// Blocks that it has executed.
    pub executed: u64,
    /// Blocks that the furthest validator of each chain has and it has not.
    pub behind: u64,
    /// Bundles of confirmed blocks that never reached an inbox there.
    pub undelivered: u64,
}

/// The text of an outcome, as reports and traces tell it.
pub fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed => "completed".to_owned(),
        Outcome::Quiescent => "quiescent".to_owned(),
        Outcome::EventLimit => "event limit".to_owned(),
        Outcome::PendingLimit => "pending limit".to_owned(),
        Outcome::Stopped(reason) => format!("stopped: {reason}"),
        Outcome::CheckFailed(check) => format!("engine check failed: {}", check.name()),
    }
}

/// Whether a run came to an end by itself.
const fn is_complete(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Completed | Outcome::Quiescent => true,
        Outcome::EventLimit
        | Outcome::PendingLimit
        | Outcome::Stopped(_)
        | Outcome::CheckFailed(_) => false,
    }
}

/// Draws the conclusions.
pub(crate) fn conclude<N>(watcher: Watcher<'_>, outcome: &RunOutcome<N>) -> Findings {
    let Watcher {
        plan,
        names,
        registry,
        invariants,
        metrics,
        faults,
        expectations,
        liveness,
        ..
    } = watcher;
    let (trace_error, interrupted) = (watcher.trace_error, watcher.interrupted);
    let complete = is_complete(&outcome.outcome);
    // A run that is quiet stays as it is until the end of the plan.
    let end = match outcome.outcome {
        Outcome::Quiescent => plan.end().max(outcome.ended_at),
        _ => outcome.ended_at,
    };
    let view = View {
        names: &names,
        invariants: &invariants,
        metrics: &metrics,
        faults: &faults,
    };
    let mut judged = expectations.judge(complete, end, &view);
    judged.extend(judge_faults(plan, &faults, complete, outcome.ended_at));
    let broken = invariants.verdicts.violations();
    let violations: Vec<_> = broken
        .iter()
        .map(|broken| names.violation(&registry, broken))
        .collect();
    let invariant_rows = judge_invariants(plan, &invariants.verdicts, &liveness, &violations);
    judged.extend(invariant_rows);
    judged.extend(judge_engine(outcome));
    let all = judged
        .iter()
        .map(|one| one.verdict)
        .max()
        .unwrap_or(Verdict::Pass);
    let verdict = if complete {
        all
    } else {
        all.max(Verdict::Inconclusive)
    };
    let validators = (0..crate::registry::number(plan.validators.len()))
        .map(|validator| ValidatorFindings {
            validator: names.validator(validator),
            executed: invariants.heights.executed(validator),
            behind: invariants.heights.lag(validator),
            undelivered: invariants.delivery.missing(validator),
        })
        .collect();
    let place = |at: VirtualTime, actor| format!("{at} {}", names.actor(actor));
    let panics = outcome.panics.iter();
    let own = outcome.violations.iter();
    Findings {
        convicted: convicted(&invariants),
        warnings: warnings(&names, &registry, &invariants),
        violations,
        more_violations: invariants.verdicts.more(),
        verdict,
        outcome: outcome_text(&outcome.outcome),
        interrupted,
        counters: metrics.counters,
        latencies: latencies(&metrics),
        validators,
        panics: panics
            .map(|one| format!("{}: {}", place(one.at, one.actor), one.message))
            .collect(),
        engine_violations: own
            .map(|one| format!("{}: {}", place(one.at, one.actor), one.check.name()))
            .collect(),
        trace_error,
        tables: rows::tables(&rows::Sources {
            plan,
            names: &names,
            registry: &registry,
            invariants: &invariants,
            metrics: &metrics,
            faults: &faults,
            judged: &judged,
            verdict,
            root: outcome.root.to_string(),
            events: outcome.events,
            ended_at: outcome.ended_at,
        }),
    }
}

/// The validators that a fork convicts, with the proofs.
fn convicted(invariants: &crate::invariants::Invariants) -> Vec<String> {
    let proofs = invariants.convicted.iter();
    proofs
        .map(|(validator, proof)| format!("v{} {proof}", validator + 1))
        .collect()
}

/// The name of the check that a fault strikes.
pub(crate) fn strike_check(fault: &str) -> String {
    format!("the fault `{fault}` strikes")
}

/// Money that was lost for good, such as `9.2s A: block 2 rejects 10 that nobody gets back`, and
/// chains that keep all that is sent to them.
fn warnings(names: &Names<'_>, registry: &Registry, invariants: &Invariants) -> Vec<String> {
    let drops = &invariants.money.drops;
    let sealed = |one: &Sealed| {
        let (time, height, chain) = (one.time, one.height, names.chain(registry, one.chain));
        format!(
            "{time} {chain}: block {height} closes the chain, on which every block has to call an \
             application: nothing that is sent there comes back"
        )
    };
    let sealed = invariants.permissions.sealed().iter().map(sealed);
    let place = |loss: &Loss| {
        let chain = loss.chain.map(|chain| names.chain(registry, chain));
        format!("{} {}", loss.time, chain.unwrap_or_default())
    };
    let told = drops.losses().iter();
    let told = told.map(|loss| format!("{}: {}", place(loss), loss.text()));
    let more = (drops.more() > 0).then(|| format!("and {} more losses", drops.more()));
    told.chain(more).chain(sealed).collect()
}

/// A fault that never changed anything makes the run fail, unless the run ended before it began.
fn judge_faults(
    plan: &scenario::Plan,
    faults: &Faults,
    complete: bool,
    ended_at: VirtualTime,
) -> Vec<Judged> {
    let judge = |(at, fault): (usize, &scenario::plan::FaultPlan)| {
        let hits = faults.hits(at);
        let verdict = match hits {
            0 if complete && fault.from < plan.end() => Verdict::Fail,
            0 => Verdict::Inconclusive,
            _ => Verdict::Pass,
        };
        Judged {
            name: strike_check(&fault.name),
            kind: "fault",
            verdict,
            first_violation: (verdict == Verdict::Fail).then_some(ended_at),
            checked: 1,
            detail: format!("it changed something {hits} times"),
        }
    };
    plan.faults.iter().enumerate().map(judge).collect()
}

fn judge_invariants(
    plan: &scenario::Plan,
    verdicts: &crate::invariants::Verdicts,
    liveness: &Liveness,
    violations: &[Violation],
) -> Vec<Judged> {
    let judge = |invariant: &Invariant| {
        let (checked, failed) = verdicts.counts(*invariant);
        let first = violations
            .iter()
            .find(|violation| violation.invariant == *invariant);
        let unjudged = liveness.unjudged(*invariant).filter(|_| checked == 0);
        let detail = match first {
            None if unjudged.is_some() => unjudged.unwrap_or_default().to_owned(),
            Some(first) => format!("{}: {} ({failed} times in all)", first.place, first.detail),
            None => String::new(),
        };
        let meant = plan.breaks.iter().any(|name| name == invariant.name());
        Judged {
            name: invariant.name().to_owned(),
            kind: if meant { "breaks" } else { "invariant" },
            verdict: if unjudged.is_some() && !meant {
                Verdict::NotJudged
            } else if (failed > 0) == meant {
                Verdict::Pass
            } else {
                Verdict::Fail
            },
            first_violation: first.map(|violation| violation.time),
            checked,
            detail,
        }
    };
    let unknown = |name: &&String| Invariant::ALL.iter().all(|one| one.name() != name.as_str());
    let unknown = plan.breaks.iter().filter(unknown).map(|name| Judged {
        name: name.clone(),
        kind: "breaks",
        verdict: Verdict::Fail,
        first_violation: None,
        checked: 0,
        detail: "there is no check of this name".to_owned(),
    });
    Invariant::ALL.iter().map(judge).chain(unknown).collect()
}

/// No handler panics, and the engine finds nothing wrong with itself.
fn judge_engine<N>(outcome: &RunOutcome<N>) -> [Judged; 2] {
    let judge = |name: &str, count: usize, first: Option<(VirtualTime, String)>| {
        let (at, detail) = first.unzip();
        Judged {
            name: name.to_owned(),
            kind: "engine",
            verdict: if count > 0 {
                Verdict::Fail
            } else {
                Verdict::Pass
            },
            first_violation: at,
            checked: 1,
            detail: detail.unwrap_or_default(),
        }
    };
    let (panics, own) = (&outcome.panics, &outcome.violations);
    let panic = panics.first().map(|one| (one.at, one.message.clone()));
    let mut check = own.first().map(|one| (one.at, one.check.name().to_owned()));
    let mut checks = own.len();
    if let (Outcome::CheckFailed(failed), 0) = (&outcome.outcome, checks) {
        check = Some((outcome.ended_at, failed.name().to_owned()));
        checks = 1;
    }
    [
        judge("no handler panics", panics.len(), panic),
        judge("the engine's checks", checks, check),
    ]
}

fn latencies(metrics: &Metrics) -> Vec<Latency> {
    let named = [
        ("confirm_latency", Measure::ConfirmLatency),
        ("delivery_latency", Measure::DeliveryLatency),
        ("inbox_wait", Measure::InboxWait),
        ("message_latency", Measure::MessageLatency),
    ];
    let latency = |(name, measure)| {
        let values = metrics.windows.whole_run(measure);
        let of = |statistic| statistic_of(statistic, values);
        Latency {
            name,
            count: long(values.len()),
            p50_us: of(Statistic::Quantile(5_000)),
            p95_us: of(Statistic::Quantile(9_500)),
            p99_us: of(Statistic::Quantile(9_900)),
            max_us: of(Statistic::Max),
        }
    };
    named.into_iter().map(latency).collect()
}
