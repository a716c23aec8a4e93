//! Which part of the offered load was carried, stretch by stretch.
//!
//! Blocks that a workload asked for are counted where they are confirmed, and compared with what was
//! asked for in the same stretch of time. Stretches in which a fault strikes, or in which a validator
//! misses workers that it has lost, are left out, and so is the one after them. Nothing is kept unless
//! an expectation asks.

use engine::VirtualTime;
use scenario::{
    Plan,
    expression::{Function, Measure, Window},
    plan::FaultKind,
};

use super::{
    scaling::Scaling,
    windows::{Windows, nice_step},
};
use crate::registry::{long, reach};

/// A run has about so many stretches.
const STRETCHES: u64 = 50;

/// What was offered and carried in each stretch.
#[derive(Debug)]
pub(crate) struct Carried {
    /// How long a stretch is, in microseconds.
    step: u64,
    offered: Vec<u64>,
    carried: Vec<u64>,
    /// Stretches of time in which faults strike, in microseconds; both ends belong to them.
    faults: Vec<(u64, u64)>,
}

impl Carried {
    /// The counts of a run whose expectations ask for them.
    pub(crate) fn new(plan: &Plan) -> Option<Self> {
        let mut calls = plan
            .expectations
            .iter()
            .flat_map(|one| one.expression.calls());
        let asks =
            calls.any(|call| matches!(call.function, Function::Statistic(_, Measure::Carried, _)));
        let end = plan.end();
        let faults = plan.faults.iter().map(|fault| {
            let lost_for_good = matches!(
                fault.kind,
                FaultKind::LoseWorkers {
                    restarts: false,
                    ..
                }
            );
            // How long they are missing is seen when it comes.
            let until = if lost_for_good {
                fault.from
            } else {
                fault.until
            };
            (fault.from.as_micros(), until.min(end).as_micros())
        });
        asks.then(|| Self {
            step: nice_step(plan.duration, STRETCHES).as_micros(),
            offered: Vec::new(),
            carried: Vec::new(),
            faults: faults.collect(),
        })
    }

    fn place(&self, at: VirtualTime) -> usize {
        usize::try_from(at.as_micros() / self.step).expect("few stretches")
    }

    pub(crate) fn offered(&mut self, at: VirtualTime, times: u64) {
        let place = self.place(at);
        *reach(&mut self.offered, place) += times;
    }

    pub(crate) fn confirmed(&mut self, at: VirtualTime) {
        let place = self.place(at);
        *reach(&mut self.carried, place) += 1;
    }

    /// The run is over: tells the share of every stretch that counts, in millionths.
    pub(crate) fn finish(mut self, windows: &mut Windows, scaling: &Scaling, end: VirtualTime) {
        self.faults.extend(scaling.missing(end));
        for (place, offered) in self.offered.iter().enumerate() {
            let (from, until) = (long(place) * self.step, (long(place) + 1) * self.step);
            let struck = |(begin, end): &(u64, u64)| *begin < until && from < end + self.step;
            if *offered == 0 || until > end.as_micros() || self.faults.iter().any(struck) {
                continue;
            }
            let carried = self.carried.get(place).copied().unwrap_or(0);
            let span = Window {
                from: VirtualTime::from_micros(from),
                until: VirtualTime::from_micros(until),
            };
            windows.sample_span(Measure::Carried, span, carried * 1_000_000 / offered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario::expression::Statistic;

    const TEXT: &str = r#"
[[faults]]
name  = "a worker stops"
at    = "2500ms"
crash = { workers = "v1/w1", restart = "100ms" }
[[expect]]
name   = "all is carried"
metric = "min(carried) >= 95%"
"#;

    #[test]
    fn stretches_count_that_no_fault_touches() {
        let plan = crate::testing::plan(TEXT);
        let mut windows = Windows::new(&plan);
        let mut carried = windows.carried.take().expect("an expectation asks");
        let step = carried.step;
        let at = |place: u64| VirtualTime::from_micros(place * step);
        let struck = 2_500_000 / step;
        for place in [0, 1, struck, struck + 1, struck + 2] {
            carried.offered(at(place), 10);
        }
        for _ in 0..9 {
            carried.confirmed(at(1));
        }
        let scaling = Scaling::new(&plan);
        carried.finish(&mut windows, &scaling, at(struck + 3));
        let calls = plan.expectations[0].expression.calls();
        let Function::Statistic(_, _, all) = calls[0].function else {
            panic!("the expectation asks for a statistic");
        };
        let tell = |statistic| windows.statistic(statistic, Measure::Carried, all);
        // Nothing of the first stretch, nine tenths of the second; two are left out.
        assert_eq!(tell(Statistic::Min), Some(0));
        assert_eq!(tell(Statistic::Max), Some(900_000));
        assert_eq!(tell(Statistic::Mean), Some(300_000));
    }
}
