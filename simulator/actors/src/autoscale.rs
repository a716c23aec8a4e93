//! Validators that scale themselves: what is seen of their workers, and putting decisions in place.
//!
//! The decisions are [`protocol::autoscale`]'s. What it sees is written down by the workers' nodes as
//! they are served, and read by the proxy's node at every look. Like the database of an elastic
//! validator this is shared by nodes of one latency group, which one thread runs in a fixed order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::{Ctx, Purpose, QuantileTable, Ratio, VirtualDuration, VirtualTime};
use protocol::{
    TimeDelta, Timestamp,
    autoscale::{AutoscaleOptions, Autoscaler, Decision, WorkerReport},
    ids::{ShardIndex, ValidatorIndex},
    observe::Observation,
    sharding::{ScalingCause, ShardingFact},
};
use trace::Event;

use crate::node::{Envelope, LocalFault, LocalFaultKind, to_protocol};

/// Timer token: look at the workers.
pub(crate) const LOOK: u64 = (1 << 62) + 3;
/// Timer token: the workers of the last decision have started.
pub(crate) const BOOTED: u64 = (1 << 62) + 4;
/// As the number of outputs after which a node is to crash: if it is one of those that are lost.
pub(crate) const IF_CHOSEN: u32 = u32::MAX;

/// What is seen of all workers that a validator can have, by number.
pub(crate) type Gauges = Arc<Mutex<Vec<WorkerReport>>>;

fn open(gauges: &Gauges) -> MutexGuard<'_, Vec<WorkerReport>> {
    gauges.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part of a worker's node that writes down how it fares.
pub(crate) struct Gauge {
    gauges: Gauges,
    worker: usize,
}

impl Gauge {
    pub(crate) fn new(gauges: Gauges, worker: ShardIndex) -> Self {
        let worker = usize::try_from(worker.0).expect("few workers");
        let mut reports = open(&gauges);
        if reports.len() <= worker {
            reports.resize(worker + 1, WorkerReport::default());
        }
        drop(reports);
        Self { gauges, worker }
    }

    /// The worker needs this long for an input that had waited.
    pub(crate) fn served(&self, cost: VirtualDuration, waited: VirtualDuration) {
        let report = &mut open(&self.gauges)[self.worker];
        let busy = report.busy.micros().saturating_add(cost.as_micros());
        report.busy = TimeDelta::from_micros(busy);
        report.waiting = to_protocol(waited);
    }

    /// The worker is gone, or back. Tells whether that is news.
    pub(crate) fn set_down(&self, is_down: bool) -> bool {
        let report = &mut open(&self.gauges)[self.worker];
        std::mem::replace(&mut report.is_down, is_down) != is_down
    }

    /// How many of these workers are up.
    pub(crate) fn running(&self, members: &[ShardIndex]) -> u32 {
        running(&open(&self.gauges), members)
    }
}

fn running(reports: &[WorkerReport], members: &[ShardIndex]) -> u32 {
    let is_up = |member: &&ShardIndex| {
        let place = usize::try_from(member.0).expect("few workers");
        !reports[place].is_down
    };
    u32::try_from(members.iter().filter(is_up).count()).expect("few workers")
}

/// Says how many of its workers a validator has.
pub(crate) fn tell_running(
    validator: ValidatorIndex,
    workers: u32,
    ctx: &mut Ctx<'_, Envelope, Event>,
) {
    let fact = ShardingFact::WorkersRunning { validator, workers };
    ctx.record(Event::Protocol(Box::new(Observation::Sharding(fact))));
}

/// The part of a proxy's node that looks at the workers.
pub(crate) struct Scaler {
    options: AutoscaleOptions,
    boot: QuantileTable,
    gauges: Gauges,
    machine: Autoscaler,
    /// How many times workers were started.
    boots: u64,
    /// The decision whose workers are starting, and when they are there.
    starting: Option<(VirtualTime, Decision)>,
}

impl Scaler {
    pub(crate) fn new(options: AutoscaleOptions, boot: QuantileTable, gauges: Gauges) -> Self {
        Self {
            options,
            boot,
            gauges,
            machine: Autoscaler::new(options, Timestamp::default()),
            boots: 0,
            starting: None,
        }
    }

    /// Begins to look, or begins anew after a stop: what it knew is gone.
    pub(crate) fn start(&mut self, ctx: &mut Ctx<'_, Envelope, Event>) {
        let now = Timestamp::from_micros(ctx.now().as_micros());
        self.machine = Autoscaler::new(self.options, now);
        self.starting = None;
        self.set_timer(ctx);
    }

    fn set_timer(&self, ctx: &mut Ctx<'_, Envelope, Event>) {
        let interval = VirtualDuration::from_micros(self.machine.interval().micros());
        ctx.timer(interval, LOOK);
    }

    /// Looks at the workers. What it decides is in place when the workers have started; stopping
    /// takes no time.
    pub(crate) fn look(
        &mut self,
        (validator, members): (ValidatorIndex, &[ShardIndex]),
        ctx: &mut Ctx<'_, Envelope, Event>,
    ) {
        self.set_timer(ctx);
        let now = Timestamp::from_micros(ctx.now().as_micros());
        let decision = {
            let mut reports = open(&self.gauges);
            let decision = self.machine.look(now, members, &reports);
            for report in reports.iter_mut() {
                (report.busy, report.waiting) = (TimeDelta::default(), TimeDelta::default());
            }
            decision
        };
        let Some(decision) = decision else {
            return;
        };
        let count = |workers: &[ShardIndex]| u32::try_from(workers.len()).expect("few workers");
        let fact = ShardingFact::ScalingDecided {
            validator,
            from: count(members),
            to: count(&decision.members),
            cause: decision.cause,
            busy: decision.busy,
            waiting: decision.waiting,
        };
        ctx.record(Event::Protocol(Box::new(Observation::Sharding(fact))));
        let boot = match decision.cause {
            ScalingCause::Idle => VirtualDuration::ZERO,
            ScalingCause::Busy | ScalingCause::Lost(_) => self.boot_time(ctx),
        };
        let boot = boot.max(VirtualDuration(1));
        self.starting = Some((ctx.now().saturating_add(boot), decision));
        ctx.timer(boot, BOOTED);
    }

    fn boot_time(&mut self, ctx: &Ctx<'_, Envelope, Event>) -> VirtualDuration {
        self.boots += 1;
        let sample = self.boot.as_constant();
        sample.unwrap_or_else(|| ctx.sample(&self.boot, Purpose::Other, self.boots))
    }

    /// The workers that are to share the chains from now on, if some have started.
    pub(crate) fn booted(&mut self, now: VirtualTime) -> Option<Vec<ShardIndex>> {
        let (_, decision) = self.starting.take_if(|(at, _)| *at <= now)?;
        self.machine.changed();
        Some(decision.members)
    }

    /// How many of these workers are up.
    pub(crate) fn running(&self, members: &[ShardIndex]) -> u32 {
        running(&open(&self.gauges), members)
    }
}

/// The fault of now that takes a part of the workers, if this one is in it: one of the first places
/// that make up the share.
pub(crate) fn lost_by(
    faults: &[LocalFault],
    now: VirtualTime,
    members: &[ShardIndex],
    worker: ShardIndex,
) -> Option<u32> {
    let place = members.iter().position(|member| *member == worker)?;
    faults.iter().find_map(|fault| match fault.kind {
        LocalFaultKind::LosesWorkers(share) if fault.from == now => {
            (place < part(share, members.len())).then_some(fault.index)
        }
        _ => None,
    })
}

/// So many of all, at least one.
fn part(share: Ratio, all: usize) -> usize {
    let all = u128::try_from(all).expect("few workers");
    let part = all * u128::from(share.num()) / u128::from(share.den());
    usize::try_from(part).expect("a part of few").max(1)
}
