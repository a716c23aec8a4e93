//! Counts and samples over the stretches of time that somebody asks about, exact and in integers.
//!
//! The questions are known before the run, so each event is counted where it belongs and then
//! forgotten. Nothing before the warm-up counts.

use engine::{Purpose, Seed, VirtualDuration, VirtualTime};
use scenario::{
    Plan,
    expression::{Counter, Function, Measure, Statistic, Window},
    plan::{ArrivalCursor, Trigger, WorkloadKind},
};

use super::carried::Carried;
use crate::registry::long;

/// The latencies that every run tells, asked or not.
const ALWAYS: [Measure; 4] = [
    Measure::ConfirmLatency,
    Measure::DeliveryLatency,
    Measure::InboxWait,
    Measure::MessageLatency,
];

/// Samples of one measure in one stretch of time.
#[derive(Debug)]
struct Samples {
    measure: Measure,
    window: Window,
    clipped: Window,
    values: Vec<u64>,
}

/// All questions and what was counted for them.
#[derive(Debug)]
pub(crate) struct Windows {
    whole: Window,
    counters: Vec<(Counter, Window, Window, u64)>,
    samples: Vec<Samples>,
    /// What of the offered load is carried, if anybody asks.
    pub(crate) carried: Option<Carried>,
}

fn holds(window: Window, at: VirtualTime) -> bool {
    window.from <= at && at < window.until
}

impl Windows {
    pub(crate) fn new(plan: &Plan) -> Self {
        let start = VirtualTime::ZERO.saturating_add(plan.warmup);
        let whole = Window {
            from: start,
            until: VirtualTime::MAX,
        };
        let mut windows = Self {
            whole,
            counters: Vec::new(),
            samples: Vec::new(),
            carried: Carried::new(plan),
        };
        for measure in ALWAYS {
            windows.ask_samples(measure, whole, start);
        }
        let calls = plan
            .expectations
            .iter()
            .flat_map(|one| one.expression.calls());
        for call in calls {
            match call.function {
                Function::Rate(counter, window) | Function::Total(counter, window) => {
                    windows.ask_count(counter, window, start);
                }
                Function::Statistic(_, measure, window) => {
                    windows.ask_samples(measure, window, start);
                }
                _ => {}
            }
        }
        windows
    }

    fn ask_count(&mut self, counter: Counter, window: Window, start: VirtualTime) {
        if self.total(counter, window).is_none() {
            let clipped = Window {
                from: window.from.max(start),
                ..window
            };
            self.counters.push((counter, window, clipped, 0));
        }
    }

    fn ask_samples(&mut self, measure: Measure, window: Window, start: VirtualTime) {
        if self.values(measure, window).is_none() {
            let clipped = Window {
                from: window.from.max(start),
                ..window
            };
            self.samples.push(Samples {
                measure,
                window,
                clipped,
                values: Vec::new(),
            });
        }
    }

    /// Something happened `times` times.
    pub(crate) fn count(&mut self, counter: Counter, at: VirtualTime, times: u64) {
        if let (Some(carried), Counter::Arrivals) = (&mut self.carried, counter) {
            carried.offered(at, times);
        }
        for (asked, _, clipped, count) in &mut self.counters {
            if *asked == counter && holds(*clipped, at) {
                *count += times;
            }
        }
    }

    /// Something was measured `times` times; `at` says to which stretch of time it belongs.
    pub(crate) fn sample(&mut self, measure: Measure, at: VirtualTime, value: u64, times: usize) {
        for samples in &mut self.samples {
            if samples.measure == measure && holds(samples.clipped, at) {
                samples.values.extend(std::iter::repeat_n(value, times));
            }
        }
    }

    /// Something was measured over a stretch of time, which must lie in the one asked about.
    pub(crate) fn sample_span(&mut self, measure: Measure, span: Window, value: u64) {
        for samples in &mut self.samples {
            let within = samples.clipped.from <= span.from && span.until <= samples.clipped.until;
            if samples.measure == measure && within {
                samples.values.push(value);
            }
        }
    }

    /// How often it happened; `None` if nobody had asked.
    pub(crate) fn total(&self, counter: Counter, window: Window) -> Option<u64> {
        let asked = |one: &&(Counter, Window, Window, u64)| (one.0, one.1) == (counter, window);
        self.counters.iter().find(asked).map(|one| one.3)
    }

    /// How often a second it happened, in millionths, rounded down.
    pub(crate) fn rate(&self, counter: Counter, window: Window) -> Option<i128> {
        let total = self.total(counter, window)?;
        let from = window.from.max(self.whole.from);
        let nanos = window.until.since(from).as_nanos();
        let scaled = u128::from(total) * 1_000_000 * 1_000_000_000;
        i128::try_from(scaled.checked_div(u128::from(nanos))?).ok()
    }

    fn values(&self, measure: Measure, window: Window) -> Option<&[u64]> {
        let asked = |one: &&Samples| (one.measure, one.window) == (measure, window);
        self.samples
            .iter()
            .find(asked)
            .map(|one| one.values.as_slice())
    }

    /// A statistic over what was measured; `None` if nothing was.
    pub(crate) fn statistic(
        &self,
        statistic: Statistic,
        measure: Measure,
        window: Window,
    ) -> Option<u64> {
        statistic_of(statistic, self.values(measure, window)?)
    }

    /// What was measured after the warm-up.
    pub(crate) fn whole_run(&self, measure: Measure) -> &[u64] {
        self.values(measure, self.whole).unwrap_or_default()
    }
}

/// A statistic over some values; `None` over none. Jain's index is of members, not of samples.
pub(crate) fn statistic_of(statistic: Statistic, values: &[u64]) -> Option<u64> {
    match statistic {
        Statistic::Quantile(share) => quantile(values, share),
        Statistic::Max => values.iter().copied().max(),
        Statistic::Min => values.iter().copied().min(),
        Statistic::Mean => {
            let sum: u128 = values.iter().map(|value| u128::from(*value)).sum();
            let mean = sum.checked_div(u128::from(long(values.len())))?;
            Some(u64::try_from(mean).expect("a mean is at most the largest value"))
        }
        Statistic::Jain => None,
    }
}

/// The smallest value that at least `share` ten-thousandths of all do not exceed.
pub(crate) fn quantile(values: &[u64], share: u32) -> Option<u64> {
    let count = u128::from(long(values.len()));
    let rank = (count * u128::from(share)).div_ceil(10_000).max(1);
    let place = usize::try_from(rank - 1).ok()?;
    let mut values = values.to_vec();
    if place >= values.len() {
        return None;
    }
    let (_, value, _) = values.select_nth_unstable(place);
    Some(*value)
}

/// Jain's index of fairness in millionths: (sum x)^2 / (n * sum x^2). `None` without members;
/// nobody having anything is fair.
pub(crate) fn jain(members: &[u64]) -> Option<u64> {
    if members.is_empty() {
        return None;
    }
    // Squares of more than 2^48 would not fit: a common factor changes nothing.
    let largest = members.iter().copied().max().unwrap_or(0);
    let shift = (64 - largest.leading_zeros()).saturating_sub(40);
    let scaled = members.iter().map(|member| u128::from(member >> shift));
    let sum: u128 = scaled.clone().sum();
    let squares: u128 = scaled.map(|member| member * member).sum();
    if squares == 0 {
        return Some(1_000_000);
    }
    let below = u128::from(long(members.len())) * squares;
    // The quotient is at most one, so the sum's square may lose low bits before it is scaled.
    let share = (sum * sum).checked_mul(1_000_000).map_or_else(
        || (sum * sum) / (below / 1_000_000).max(1),
        |scaled| scaled / below,
    );
    u64::try_from(share.min(1_000_000)).ok()
}

/// Counts what scripts and open workloads ask for, and returns how many commands that is.
pub(crate) fn count_scripted(plan: &Plan, windows: &mut Windows) -> u64 {
    let seed = Seed(plan.seed);
    let asked = windows
        .counters
        .iter()
        .any(|one| one.0 == Counter::Arrivals)
        || windows.carried.is_some();
    let closed = |one: &WorkloadKind| matches!(one, WorkloadKind::Closed(..));
    if !asked && !plan.workloads.iter().any(|workload| closed(&workload.kind)) {
        return u64::MAX;
    }
    let mut commands = 0;
    for (number, workload) in (0..).zip(&plan.workloads) {
        match &workload.kind {
            WorkloadKind::Script(steps) => {
                commands += long(steps.len());
                for step in steps {
                    if let Trigger::At(at) = step.trigger {
                        windows.count(Counter::Arrivals, at, 1);
                    }
                }
            }
            WorkloadKind::Open(open, _) => {
                let mut cursor = ArrivalCursor::default();
                loop {
                    let gap = seed.workload_draw(Purpose::Arrival, number, cursor.count());
                    let Some(at) = open.next_arrival(&mut cursor, gap) else {
                        break;
                    };
                    windows.count(Counter::Arrivals, at, 1);
                    commands += 1;
                }
            }
            WorkloadKind::Closed(..) => {}
        }
    }
    commands
}

/// The largest of 1, 2, 5, 10, 20, 50, ... microseconds that gives so many intervals: such steps
/// end where people's stretches of time end.
pub(crate) fn nice_step(duration: VirtualDuration, intervals: u64) -> VirtualDuration {
    let longest = duration.as_micros() / intervals;
    let mut best = 1;
    let mut power = 1u64;
    while power <= longest {
        let steps = [1, 2, 5].map(|lead| power.saturating_mul(lead));
        best = steps
            .into_iter()
            .filter(|step| *step <= longest)
            .max()
            .unwrap_or(best);
        power = power.saturating_mul(10);
    }
    VirtualDuration::from_micros(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_values_of_exact_ranks() {
        let values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(quantile(&values, 5_000), Some(50));
        assert_eq!(quantile(&values, 9_900), Some(99));
        assert_eq!(quantile(&values, 9_901), Some(100));
        assert_eq!(quantile(&values, 10_000), Some(100));
        assert_eq!(quantile(&values, 1), Some(1));
        assert_eq!(quantile(&[7], 5_000), Some(7));
        assert_eq!(quantile(&[], 5_000), None);
    }

    #[test]
    fn means_round_down_and_jain_is_one_for_equals() {
        assert_eq!(statistic_of(Statistic::Mean, &[1, 2, 2]), Some(1));
        assert_eq!(
            statistic_of(Statistic::Mean, &[u64::MAX, u64::MAX]),
            Some(u64::MAX)
        );
        assert_eq!(statistic_of(Statistic::Max, &[]), None);
        assert_eq!(jain(&[5, 5, 5, 5]), Some(1_000_000));
        assert_eq!(jain(&[1, 0, 0, 0]), Some(250_000));
        assert_eq!(jain(&[0, 0]), Some(1_000_000));
        assert_eq!(jain(&[]), None);
        assert_eq!(jain(&[u64::MAX; 1_000]), Some(1_000_000));
    }
}
