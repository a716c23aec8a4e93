//! How many workers a validator wants: the decisions of one that scales itself.
//!
//! It looks at its own workers every so often, and sees what anybody who runs them sees: which are up,
//! how long each was busy, and how long the last request waited in front of each. From that follows
//! how many workers would have been as busy as they should be. Invariants: one change at a time; no
//! fewer workers than the least, no more than the most; places of workers that are up never change
//! but at the end of the list. Knows nothing of chains, and performs nothing.

use crate::{
    ids::ShardIndex,
    sharding::ScalingCause,
    time::{TimeDelta, Timestamp},
};

/// What a validator that scales itself goes by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AutoscaleOptions {
    /// The fewest workers that it has.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// How busy workers should be, in millionths of their time. More than none.
    pub target: u32,
    /// How often it looks. More than no time.
    pub interval: TimeDelta,
    /// It has fewer workers only when fewer would have been enough for so long.
    pub patience: TimeDelta,
}

/// What is seen of one worker since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct WorkerReport {
    /// Whether it has not stopped.
    pub is_down: bool,
    /// How long it was busy.
    pub busy: TimeDelta,
    /// How long the request waited that it has begun last: what was in front of it then.
    pub waiting: TimeDelta,
}

/// A change of the workers, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The workers that are to share the chains, by place.
    pub members: Vec<ShardIndex>,
    /// Why.
    pub cause: ScalingCause,
    /// How busy the workers were on average, in millionths.
    pub busy: u32,
    /// How long work waits, all workers together.
    pub waiting: TimeDelta,
}

/// The decisions of one validator.
#[derive(Clone, Debug)]
pub struct Autoscaler {
    options: AutoscaleOptions,
    /// When it began to look, and when it looked last.
    since: Timestamp,
    last: Timestamp,
    /// How many workers would have been right, at the looks of the last while.
    wanted: Vec<(Timestamp, u32)>,
    /// A decision is being put in place.
    is_changing: bool,
}

/// All that is seen at one look.
struct Seen {
    up: u32,
    lost: u32,
    busy: u64,
    waiting: u64,
}

impl Autoscaler {
    /// One that begins to look at `now`.
    pub const fn new(options: AutoscaleOptions, now: Timestamp) -> Self {
        Self {
            options,
            since: now,
            last: now,
            wanted: Vec::new(),
            is_changing: false,
        }
    }

    /// How often it is to look.
    pub const fn interval(&self) -> TimeDelta {
        self.options.interval
    }

    /// Looks at the workers: `reports` are of all workers that there can be, by number, `members` those
    /// that share the chains.
    pub fn look(
        &mut self,
        now: Timestamp,
        members: &[ShardIndex],
        reports: &[WorkerReport],
    ) -> Option<Decision> {
        let span = now.since(self.last).micros();
        self.last = now;
        if span == 0 {
            return None;
        }
        let seen = Seen::of(members, reports);
        let wanted = self.wanted(&seen, span);
        self.remember(now, wanted);
        if self.is_changing {
            return None;
        }
        let count = u32::try_from(members.len()).expect("few workers");
        let next = if wanted > count {
            wanted
        } else {
            self.enough(now).map_or(count, |enough| enough.min(count))
        };
        let cause = match next {
            _ if seen.lost > 0 => ScalingCause::Lost(seen.lost),
            next if next > count => ScalingCause::Busy,
            _ => ScalingCause::Idle,
        };
        let next = next.clamp(self.options.min, self.options.max);
        let next = composed(members, reports, next);
        if next == members {
            return None;
        }
        self.is_changing = true;
        let whole = u128::from(span) * u128::from(seen.up.max(1));
        let busy = u128::from(seen.busy) * 1_000_000 / whole;
        Some(Decision {
            members: next,
            cause,
            busy: u32::try_from(busy).unwrap_or(u32::MAX),
            waiting: TimeDelta::from_micros(seen.waiting),
        })
    }

    /// The last decision is in place.
    pub const fn changed(&mut self) {
        self.is_changing = false;
    }

    /// How many workers would have been as busy as they should be. What waits counts as if it had
    /// to be done in the time between two looks.
    fn wanted(&self, seen: &Seen, span: u64) -> u32 {
        let work = u128::from(seen.busy) + u128::from(seen.waiting);
        let each = u128::from(span) * u128::from(self.options.target);
        let wanted = (work * 1_000_000).div_ceil(each.max(1));
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        wanted.clamp(self.options.min, self.options.max)
    }

    fn remember(&mut self, now: Timestamp, wanted: u32) {
        let patience = self.options.patience;
        self.wanted
            .retain(|(at, _)| now.since(*at).micros() <= patience.micros());
        self.wanted.push((now, wanted));
    }

    /// How many workers would have been enough all the time that its patience lasts; `None` if it
    /// has not looked for so long.
    fn enough(&self, now: Timestamp) -> Option<u32> {
        let looked = now.since(self.since).micros();
        if looked < self.options.patience.micros() {
            return None;
        }
        self.wanted.iter().map(|(_, wanted)| *wanted).max()
    }
}

impl Seen {
    fn of(members: &[ShardIndex], reports: &[WorkerReport]) -> Self {
        let mut seen = Self {
            up: 0,
            lost: 0,
            busy: 0,
            waiting: 0,
        };
        for member in members {
            let report = report_of(reports, *member);
            if report.is_down {
                seen.lost += 1;
                continue;
            }
            seen.up += 1;
            seen.busy = seen.busy.saturating_add(report.busy.micros());
            seen.waiting = seen.waiting.saturating_add(report.waiting.micros());
        }
        seen
    }
}

fn report_of(reports: &[WorkerReport], worker: ShardIndex) -> WorkerReport {
    let place = usize::try_from(worker.0).expect("few workers");
    reports.get(place).copied().unwrap_or(WorkerReport {
        is_down: true,
        ..WorkerReport::default()
    })
}

/// `count` workers: those of now, with a spare one in the place of each that is gone, as far as there
/// are spare ones.
fn composed(members: &[ShardIndex], reports: &[WorkerReport], count: u32) -> Vec<ShardIndex> {
    let all = (0..u32::try_from(reports.len()).expect("few workers")).map(ShardIndex);
    let is_spare =
        |worker: &ShardIndex| !report_of(reports, *worker).is_down && !members.contains(worker);
    let mut spare = all.filter(is_spare);
    let count = usize::try_from(count).expect("few workers");
    let mut next: Vec<_> = members.iter().take(count).copied().collect();
    for member in &mut next {
        if report_of(reports, *member).is_down
            && let Some(fresh) = spare.next()
        {
            *member = fresh;
        }
    }
    let missing = count.saturating_sub(next.len());
    next.extend(spare.take(missing));
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: AutoscaleOptions = AutoscaleOptions {
        min: 2,
        max: 8,
        target: 500_000,
        interval: TimeDelta::from_secs(1),
        patience: TimeDelta::from_secs(3),
    };

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_micros(secs * 1_000_000)
    }

    fn workers<const N: usize>(numbers: [u32; N]) -> Vec<ShardIndex> {
        numbers.map(ShardIndex).to_vec()
    }

    /// Ten workers; each of the first `members` was busy for so many milliseconds.
    fn reports(members: usize, millis: u64) -> Vec<WorkerReport> {
        let busy = WorkerReport {
            busy: TimeDelta::from_millis(millis),
            ..WorkerReport::default()
        };
        let mut all = vec![busy; members];
        all.resize(10, WorkerReport::default());
        all
    }

    #[test]
    fn more_work_than_there_should_be_gets_more_workers_and_one_change_at_a_time() {
        let mut scaler = Autoscaler::new(OPTIONS, at(0));
        let members = workers([0, 1]);
        let decision = scaler.look(at(1), &members, &reports(2, 900));
        let decision = decision.expect("too busy");
        // 1.8 s of work in a second, at a half of the time each.
        assert_eq!(decision.members, workers([0, 1, 2, 3]));
        assert_eq!(decision.cause, ScalingCause::Busy);
        assert_eq!(decision.busy, 900_000);
        assert_eq!(scaler.look(at(2), &members, &reports(2, 999)), None);
        scaler.changed();
        let next = scaler.look(at(3), &decision.members, &reports(4, 999));
        assert_eq!(next.expect("too busy").members.len(), 8, "at most");
    }

    #[test]
    fn what_waits_is_work_too() {
        let mut scaler = Autoscaler::new(OPTIONS, at(0));
        let mut seen = reports(2, 500);
        assert_eq!(scaler.look(at(1), &workers([0, 1]), &seen), None);
        seen[1].waiting = TimeDelta::from_millis(400);
        let decision = scaler.look(at(2), &workers([0, 1]), &seen);
        let decision = decision.expect("requests wait");
        assert_eq!(decision.members.len(), 3);
        assert_eq!(decision.waiting, TimeDelta::from_millis(400));
    }

    #[test]
    fn fewer_workers_must_have_been_enough_for_a_while() {
        let mut scaler = Autoscaler::new(OPTIONS, at(0));
        let members = workers([0, 1, 2, 3, 4, 5]);
        assert_eq!(scaler.look(at(1), &members, &reports(6, 100)), None);
        assert_eq!(scaler.look(at(2), &members, &reports(6, 400)), None);
        assert_eq!(
            scaler
                .look(at(3), &members, &reports(6, 100))
                .map(|d| d.members.len()),
            Some(5)
        );
        scaler.changed();
        let members = workers([0, 1, 2, 3, 4]);
        for second in 4..6 {
            assert_eq!(scaler.look(at(second), &members, &reports(5, 10)), None);
        }
        let decision = scaler.look(at(6), &members, &reports(5, 10)).expect("idle");
        assert_eq!(decision.members, workers([0, 1]), "no fewer than the least");
        assert_eq!(decision.cause, ScalingCause::Idle);
    }

    #[test]
    fn spare_workers_take_the_places_of_lost_ones() {
        let mut scaler = Autoscaler::new(OPTIONS, at(0));
        let mut seen = reports(4, 500);
        for gone in [1, 3, 4] {
            seen[gone].is_down = true;
        }
        let decision = scaler.look(at(1), &workers([0, 1, 2, 3]), &seen);
        let decision = decision.expect("two are gone");
        assert_eq!(decision.members, workers([0, 5, 2, 6]));
        assert_eq!(decision.cause, ScalingCause::Lost(2));
        assert_eq!(decision.busy, 500_000, "of those that are up");
        // Nobody is left to take a place: they wait for those that are gone.
        let mut scaler = Autoscaler::new(OPTIONS, at(0));
        let seen = [seen[0], seen[1]];
        assert_eq!(scaler.look(at(1), &workers([0, 1]), &seen), None);
    }
}
