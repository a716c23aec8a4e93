//! A user that acts, waits for the end, thinks, and acts again. Draws are keyed by the user's own
//! count, so that no other user moves them.

use std::sync::Arc;

use engine::{Purpose, QuantileTable, Seed, VirtualDuration, VirtualTime};
use protocol::rpc::{Command, Trigger};
use scenario::{Plan, plan};

use crate::world::{Acting, Names};

/// Numbers of closed-loop commands start here; below are those of scripts and arrivals.
const FIRST_NUMBER: u64 = 1 << 40;
/// Commands of one user at most.
const PER_USER: u64 = 1 << 20;

/// A closed workload, shared by its users.
#[derive(Debug)]
pub(crate) struct ClosedWorkload {
    pub(crate) number: u64,
    pub(crate) think: QuantileTable,
    pub(crate) from: VirtualTime,
    pub(crate) until: VirtualTime,
    pub(crate) action: plan::Action,
}

/// One user.
#[derive(Clone, Debug)]
pub(crate) struct ClosedLoop {
    workload: Arc<ClosedWorkload>,
    names: Arc<Names>,
    plan: Arc<Plan>,
    chain: plan::ChainIndex,
    owner: plan::OwnerIndex,
    /// Number among all closed-loop users.
    user: u64,
    acted: u64,
}

impl ClosedLoop {
    pub(crate) fn new(
        workload: Arc<ClosedWorkload>,
        names: Arc<Names>,
        plan: Arc<Plan>,
        user: plan::ClosedUser,
        number: u64,
    ) -> Self {
        Self {
            workload,
            names,
            plan,
            chain: user.chain,
            owner: user.owner,
            user: number,
            acted: 0,
        }
    }

    /// Whether a command of this number is this user's.
    pub(crate) fn owns(&self, command: u64) -> bool {
        let first = FIRST_NUMBER + self.user * PER_USER;
        (first..first + PER_USER).contains(&command)
    }

    /// Whether the user's first action was due before.
    pub(crate) fn has_begun(&self, now: VirtualTime) -> bool {
        self.workload.from < now
    }

    /// How long the user thinks before the next action.
    pub(crate) fn think(&self, seed: Seed) -> VirtualDuration {
        let n = self.user * PER_USER + self.acted;
        let number = self.workload.number;
        seed.workload_sample(&self.workload.think, Purpose::Think, number, n)
    }

    /// The next command, unless the workload is over.
    pub(crate) fn next(&mut self, now: VirtualTime, seed: Seed) -> Option<Command> {
        if now >= self.workload.until || self.acted + 1 >= PER_USER {
            return None;
        }
        let n = self.user * PER_USER + self.acted;
        self.acted += 1;
        let draw = seed.workload_draw(Purpose::Target, self.workload.number, n);
        let acting = Acting {
            chain: self.chain,
            owner: self.owner,
            number: n,
        };
        Some(Command {
            number: FIRST_NUMBER + n,
            trigger: Trigger::Now,
            action: self
                .names
                .action(&self.plan, acting, &self.workload.action, draw),
            scheduled_us: Some(now.as_micros()),
            then: None,
        })
    }
}
