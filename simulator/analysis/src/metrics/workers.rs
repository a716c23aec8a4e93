//! How busy workers are, interval by interval between checkpoints.

use engine::{ActorId, ServiceStats, VirtualTime};
use scenario::expression::{Measure, Window};

use super::windows::{Windows, jain};
use crate::validators::{Parties, Party};

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

/// All workers.
#[derive(Debug)]
pub(crate) struct Workers {
    /// Actor, validator and shard, by actor.
    pub(crate) parties: Vec<(ActorId, u32, u32)>,
    pub(crate) lines: Vec<WorkerLine>,
    last: VirtualTime,
}

impl Workers {
    pub(crate) fn new(parties: &Parties) -> Self {
        let worker = |(actor, party)| match party {
            Party::Worker(validator, shard) => Some((actor, validator, shard)),
            Party::Environment | Party::Proxy(_) | Party::Wallet(_) => None,
        };
        let parties = parties.iter().filter_map(worker).collect();
        Self {
            parties,
            lines: Vec::new(),
            last: VirtualTime::ZERO,
        }
    }

    /// The interval up to `time` is over.
    pub(crate) fn checkpoint(
        &mut self,
        windows: &mut Windows,
        time: VirtualTime,
        service: &[ServiceStats],
    ) {
        let span = Window {
            from: self.last,
            until: time,
        };
        let nanos = time.since(self.last).as_nanos();
        self.last = time;
        if nanos == 0 {
            return;
        }
        for (worker, (actor, _, _)) in (0u32..).zip(&self.parties) {
            let found = service.binary_search_by_key(actor, |stats| stats.actor);
            let stats = found.ok().map(|at| &service[at]);
            let busy = stats.map_or(0, |stats| stats.busy.as_nanos());
            let queue = stats.map_or(0, |stats| stats.queue_max);
            let short = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
            self.lines.push(WorkerLine {
                worker,
                start: span.from.as_micros(),
                busy_us: busy / 1_000,
                queue: short(queue),
                handled: short(stats.map_or(0, |stats| stats.served)),
            });
            let share = u128::from(busy) * 1_000_000 / u128::from(nanos);
            let share = u64::try_from(share).unwrap_or(u64::MAX);
            windows.sample_span(Measure::WorkerBusy, span, share);
            windows.sample_span(Measure::WorkerQueue, span, queue);
        }
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
            let end = next.unwrap_or_else(|| self.last.as_micros());
            if from <= line.start && end <= until {
                busy[crate::registry::index(line.worker)] += line.busy_us;
            }
        }
        jain(&busy)
    }
}
