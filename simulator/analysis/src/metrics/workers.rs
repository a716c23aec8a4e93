//! How busy workers are, interval by interval. An interval is one or more stretches between
//! checkpoints: a run has a few hundred of them, however often it is checked.

use engine::{ActorId, ServiceStats, VirtualDuration, VirtualTime};
use scenario::expression::{Measure, Window};

use super::windows::{Windows, jain, nice_step};
use crate::{
    registry::index,
    validators::{Parties, Party},
};

/// A run has about so many intervals, if it has as many checkpoints.
const INTERVALS: u64 = 200;

/// One worker in one interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkerLine {
    /// Position in [`Workers::parties`].
    pub(crate) worker: u32,
    /// Start of the interval, in virtual microseconds.
    pub(crate) start: u64,
    pub(crate) busy_us: u64,
    pub(crate) queue: u32,
    pub(crate) handled: u32,
}

/// What a worker did in the open interval.
#[derive(Clone, Copy, Debug, Default)]
struct Interval {
    busy: u64,
    queue: u64,
    handled: u64,
}

/// All workers.
#[derive(Debug)]
pub(crate) struct Workers {
    /// Actor, validator and shard, by actor.
    pub(crate) parties: Vec<(ActorId, u32, u32)>,
    pub(crate) lines: Vec<WorkerLine>,
    /// How long an interval is at least.
    step: VirtualDuration,
    /// Start of the open interval,
    start: VirtualTime,
    /// and what each worker did in it.
    open: Vec<Interval>,
}

impl Workers {
    pub(crate) fn new(parties: &Parties, duration: VirtualDuration) -> Self {
        let worker = |(actor, party)| match party {
            Party::Worker(validator, shard) => Some((actor, validator, shard)),
            Party::Environment | Party::Proxy(_) | Party::Wallet(_) => None,
        };
        let parties: Vec<_> = parties.iter().filter_map(worker).collect();
        Self {
            open: vec![Interval::default(); parties.len()],
            parties,
            lines: Vec::new(),
            step: nice_step(duration, INTERVALS),
            start: VirtualTime::ZERO,
        }
    }

    /// What workers did since the last checkpoint.
    pub(crate) fn checkpoint(
        &mut self,
        windows: &mut Windows,
        time: VirtualTime,
        service: &[ServiceStats],
    ) {
        for stats in service {
            let found = self
                .parties
                .binary_search_by_key(&stats.actor, |(actor, _, _)| *actor);
            let Some(open) = found.ok().map(|at| &mut self.open[at]) else {
                continue;
            };
            open.busy += stats.busy.as_nanos();
            open.queue = open.queue.max(stats.queue_max);
            open.handled += stats.served;
        }
        if time.since(self.start) >= self.step {
            self.close(windows, time);
        }
    }

    /// The run is over: so is the open interval.
    pub(crate) fn finish(&mut self, windows: &mut Windows, time: VirtualTime) {
        if time > self.start {
            self.close(windows, time);
        }
    }

    fn close(&mut self, windows: &mut Windows, time: VirtualTime) {
        let span = Window {
            from: self.start,
            until: time,
        };
        let nanos = u128::from(time.since(self.start).as_nanos());
        let short = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        for (worker, open) in (0u32..).zip(&mut self.open) {
            let Interval {
                busy,
                queue,
                handled,
            } = std::mem::take(open);
            self.lines.push(WorkerLine {
                worker,
                start: span.from.as_micros(),
                busy_us: busy / 1_000,
                queue: short(queue),
                handled: short(handled),
            });
            let share = u128::from(busy) * 1_000_000 / nanos;
            windows.sample_span(
                Measure::WorkerBusy,
                span,
                u64::try_from(share).unwrap_or(u64::MAX),
            );
            windows.sample_span(Measure::WorkerQueue, span, queue);
        }
        self.start = time;
    }

    /// How evenly the workers were busy in the intervals within a stretch of time, in millionths.
    pub(crate) fn jain(&self, window: Window) -> Option<u64> {
        let (from, until) = (window.from.as_micros(), window.until.as_micros());
        let mut busy = vec![0u64; self.parties.len()];
        for (at, line) in self.lines.iter().enumerate() {
            let next = self
                .lines
                .get(at + self.parties.len())
                .map(|next| next.start);
            let end = next.unwrap_or_else(|| self.start.as_micros());
            if from <= line.start && end <= until {
                busy[index(line.worker)] += line.busy_us;
            }
        }
        jain(&busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::{Address, ShardIndex, ValidatorIndex};
    use trace::Directory;

    fn workers(duration: VirtualDuration) -> Workers {
        let validator = ValidatorIndex(0);
        let addresses = vec![
            Address::Proxy(validator),
            Address::Worker(validator, ShardIndex(0)),
            Address::Worker(validator, ShardIndex(1)),
        ];
        let directory = Directory {
            addresses,
            ..Directory::default()
        };
        Workers::new(&Parties::new(&directory), duration)
    }

    #[test]
    fn steps_are_round() {
        for (seconds, millis) in [(2, 10), (20, 100), (120, 500), (3_600, 10_000)] {
            let step = nice_step(VirtualDuration::from_secs(seconds), INTERVALS);
            assert_eq!(step, VirtualDuration::from_millis(millis), "{seconds} s");
        }
        assert_eq!(
            nice_step(VirtualDuration::ZERO, INTERVALS),
            VirtualDuration::from_micros(1)
        );
    }

    #[test]
    fn intervals_join_checkpoints_and_idle_workers_have_rows() {
        let mut workers = workers(VirtualDuration::from_secs(4));
        let plan = crate::testing::plan("");
        let mut windows = Windows::new(&plan);
        let at = |millis| VirtualTime::ZERO.saturating_add(VirtualDuration::from_millis(millis));
        let stats = |busy, queue_max| ServiceStats {
            actor: ActorId(3),
            busy: VirtualDuration::from_millis(busy),
            served: 2,
            waited: VirtualDuration::ZERO,
            queue_max,
            queue_now: 0,
        };
        workers.checkpoint(&mut windows, at(10), &[stats(4, 7)]);
        assert!(workers.lines.is_empty(), "the step is 20 ms");
        workers.checkpoint(&mut windows, at(20), &[stats(6, 3)]);
        workers.checkpoint(&mut windows, at(30), &[]);
        workers.finish(&mut windows, at(30));
        let lines: Vec<_> = workers
            .lines
            .iter()
            .map(|line| {
                (
                    line.worker,
                    line.start,
                    line.busy_us,
                    line.queue,
                    line.handled,
                )
            })
            .collect();
        let expected = [
            (0, 0, 0, 0, 0),
            (1, 0, 10_000, 7, 4),
            (0, 20_000, 0, 0, 0),
            (1, 20_000, 0, 0, 0),
        ];
        assert_eq!(lines, expected);
        let all = Window {
            from: VirtualTime::ZERO,
            until: VirtualTime::MAX,
        };
        assert_eq!(workers.jain(all), Some(500_000));
    }
}
