//! How many workers share the chains of each validator, and how often chains move.

use engine::VirtualTime;
use protocol::sharding::ShardingFact;
use scenario::Plan;

use crate::registry::index;

/// A validator's number of workers from some instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) validator: u32,
    /// In virtual microseconds.
    pub(crate) at: u64,
    pub(crate) workers: u32,
}

/// All changes of numbers of workers.
#[derive(Debug)]
pub(crate) struct Scaling {
    /// What each validator has now.
    now: Vec<u32>,
    /// What each validator had at first, then every change, in order.
    pub(crate) sizes: Vec<Size>,
    /// Chains taken over by a worker after another, or itself before it stopped, had held them.
    pub(crate) moved: u64,
}

impl Scaling {
    pub(crate) fn new(plan: &Plan) -> Self {
        let now: Vec<u32> = plan.validators.iter().map(|one| one.workers).collect();
        let size = |(validator, workers): (u32, &u32)| Size {
            validator,
            at: 0,
            workers: *workers,
        };
        Self {
            sizes: (0..).zip(&now).map(size).collect(),
            now,
            moved: 0,
        }
    }

    pub(crate) fn observe(&mut self, time: VirtualTime, fact: &ShardingFact) {
        match *fact {
            ShardingFact::MapChanged {
                validator, shards, ..
            } => {
                self.now[index(validator.0)] = shards;
                self.sizes.push(Size {
                    validator: validator.0,
                    at: time.as_micros(),
                    workers: shards,
                });
            }
            ShardingFact::ChainTaken { .. } => self.moved += 1,
            ShardingFact::ChainReleased { .. } => {}
        }
    }

    /// How many workers share the chains of a validator.
    pub(crate) fn workers(&self, validator: u32) -> u32 {
        self.now[index(validator)]
    }
}
