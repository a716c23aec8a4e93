//! How many workers share the chains of each validator, and how often chains move.

use engine::VirtualTime;
use protocol::{
    ids::ValidatorIndex,
    sharding::{ScalingCause, ShardingFact},
};
use scenario::{Plan, plan::ValidatorPlan};

use crate::registry::index;

/// How many workers a validator has from some instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) validator: u32,
    /// In virtual microseconds.
    pub(crate) at: u64,
    /// The workers that share its chains.
    pub(crate) workers: u32,
    /// Those of them that are up.
    pub(crate) running: u32,
    /// As many as it has decided to have; more than `workers` while some start.
    pub(crate) wanted: u32,
    /// What has changed.
    pub(crate) change: Change,
}

/// What has changed about a validator's workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing yet: the run begins.
    Start,
    /// It has decided on another number, for this reason.
    Decided(ScalingCause),
    /// Other workers share the chains.
    Map,
    /// A worker has stopped, or is back.
    Running,
}

/// All changes of numbers of workers.
#[derive(Debug)]
pub(crate) struct Scaling {
    /// What each validator has now.
    now: Vec<Size>,
    /// What each validator had at first, then every change, in order.
    pub(crate) sizes: Vec<Size>,
    /// Chains taken over by a worker after another, or itself before it stopped, had held them.
    pub(crate) moved: u64,
}

impl Scaling {
    pub(crate) fn new(plan: &Plan) -> Self {
        let size = |(validator, plan): (u32, &ValidatorPlan)| Size {
            validator,
            at: 0,
            workers: plan.workers,
            running: plan.workers,
            wanted: plan.workers,
            change: Change::Start,
        };
        let now: Vec<_> = (0..).zip(&plan.validators).map(size).collect();
        Self {
            sizes: now.clone(),
            now,
            moved: 0,
        }
    }

    pub(crate) fn observe(&mut self, time: VirtualTime, fact: &ShardingFact) {
        match *fact {
            ShardingFact::MapChanged {
                validator, shards, ..
            } => self.change(validator, time, Change::Map, |size| {
                size.workers = shards;
                size.running = shards;
                size.wanted = shards;
            }),
            ShardingFact::ScalingDecided {
                validator,
                to,
                cause,
                ..
            } => self.change(validator, time, Change::Decided(cause), |size| {
                size.wanted = to;
            }),
            ShardingFact::WorkersRunning { validator, workers } => {
                self.change(validator, time, Change::Running, |size| {
                    size.running = workers;
                });
            }
            ShardingFact::ChainTaken { .. } => self.moved += 1,
            ShardingFact::ChainReleased { .. } => {}
        }
    }

    fn change(
        &mut self,
        validator: ValidatorIndex,
        time: VirtualTime,
        change: Change,
        apply: impl FnOnce(&mut Size),
    ) {
        let size = &mut self.now[index(validator.0)];
        size.at = time.as_micros();
        size.change = change;
        apply(size);
        self.sizes.push(*size);
    }

    /// How many workers share the chains of a validator.
    pub(crate) fn workers(&self, validator: u32) -> u32 {
        self.now[index(validator)].workers
    }

    /// The stretches of time in which a validator misses workers that it has lost, in microseconds.
    pub(crate) fn missing(&self, end: VirtualTime) -> Vec<(u64, u64)> {
        let mut missing = Vec::new();
        let mut since = vec![None; self.now.len()];
        for size in &self.sizes {
            let since = &mut since[index(size.validator)];
            if size.running < size.workers {
                since.get_or_insert(size.at);
            } else if let Some(begin) = since.take() {
                missing.push((begin, size.at));
            }
        }
        let open = since.into_iter().flatten();
        missing.extend(open.map(|begin| (begin, end.as_micros())));
        missing
    }

    /// How many of them are up.
    pub(crate) fn running(&self, validator: u32) -> u32 {
        self.now[index(validator)].running
    }
}
