//! What a plan allows to be judged of progress: from when on, of whom, and within which time.
//!
//! Knows the plan only. Where a promise depends on faults that never heal, on more wrong validators
//! than the protocol bears, or on messages that get lost to the end, nothing is judged, and the reason
//! is kept for the report.

use engine::{ClockSkew, VirtualDuration, VirtualTime};
use protocol::client::ClientOptions;
use scenario::{
    Plan,
    plan::{
        Action, ChainSet, FaultKind, FaultPlan, LinkPlan, Targets, ValidatorIndex, WorkloadKind,
    },
};

use crate::validators::Committee;

/// Round trips that a block may take, a round to catch up among them.
const TRIPS: u64 = 4;

/// Why a chain is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Excuse {
    /// A wallet stays away, or has lost its disk.
    Away,
    /// A wallet breaks the rules.
    Byzantine,
}

/// The terms of a run.
#[derive(Debug)]
pub(super) struct Terms {
    /// When the last fault is over; or why that is not judged.
    pub(super) healed: Result<VirtualTime, &'static str>,
    /// The round trips that a block may take, with the work of validators.
    pub(super) trips: VirtualDuration,
    /// How long a wallet may wait before it tries again.
    pub(super) patience: VirtualDuration,
    /// How long messages may wait for a sweep; `None`: nobody sweeps.
    pub(super) sweep: Option<VirtualDuration>,
    /// Whether an update is confirmed again that brings nothing new.
    pub(super) confirmed_again: bool,
    /// Whether the committee changes.
    pub(super) committees: bool,
    /// By validator: whether it is up at the end and keeps the rules.
    pub(super) correct: Vec<bool>,
    /// By chain of the plan.
    pub(super) excused: Vec<Option<Excuse>>,
}

impl Terms {
    pub(super) fn of(plan: &Plan, committee: &Committee) -> Self {
        let mut terms = Self {
            healed: Ok(VirtualTime::ZERO),
            trips: times(trip(plan), TRIPS),
            patience: VirtualDuration::ZERO,
            sweep: plan.delivery.sweep.map(from_protocol),
            confirmed_again: plan.delivery.confirm_duplicates,
            committees: plan
                .workloads
                .iter()
                .any(|one| changes_committee(&one.kind)),
            correct: Vec::new(),
            excused: vec![None; plan.chains.len()],
        };
        // Who is no member at first may be one later.
        let members = plan.validators.iter();
        let members = members.map(|one| one.weight > 0 || terms.committees);
        terms.correct = members.collect();
        let mut longest = VirtualDuration::ZERO;
        for fault in &plan.faults {
            terms.fault(plan, fault);
            if heals(plan, fault) {
                longest = longest.max(fault.until.since(fault.from));
            }
        }
        let options = ClientOptions::default();
        let step = from_protocol(options.request_timeout);
        let backoff = from_protocol(options.retry_delay);
        let backoff = VirtualDuration(backoff.0.saturating_add(longest.0));
        let backoff = backoff.min(from_protocol(options.max_backoff));
        terms.patience = VirtualDuration(step.0.saturating_add(backoff.0));
        terms.check_weights(plan, committee);
        let network = &plan.network;
        let lost = !network.client_loss.is_zero() || !network.worker_loss.is_zero();
        let clocks = plan.validators.iter();
        if lost {
            terms.healed = Err("messages get lost to the end");
        } else if clocks.into_iter().any(|one| one.clock != ClockSkew::NONE) {
            terms.healed = Err("clocks are off to the end");
        }
        terms
    }

    fn heal(&mut self, fault: &FaultPlan) {
        if let Ok(healed) = &mut self.healed {
            *healed = (*healed).max(fault.until);
        }
    }

    fn fault(&mut self, plan: &Plan, fault: &FaultPlan) {
        let heals = heals(plan, fault);
        if heals {
            self.heal(fault);
        }
        match &fault.kind {
            FaultKind::ByzantineValidators { validators, .. } => self.incorrect(validators),
            FaultKind::ByzantineOwners { chains, .. } => self.excuse(chains, Excuse::Byzantine),
            FaultKind::Rollback(_) => self.healed = Err("a disk falls back"),
            FaultKind::Crash {
                targets,
                restarts,
                loses_disk,
                ..
            } => {
                if !heals || !restarts || *loses_disk {
                    self.stays(targets);
                }
            }
            // Other workers take over, in their own time.
            FaultKind::LoseWorkers {
                validators,
                restarts,
                ..
            } if !heals || !restarts => self.incorrect(validators),
            FaultKind::Partition(link) | FaultKind::Loss(link, _) if !heals => match link {
                LinkPlan::Clients { validators, .. } => self.incorrect(validators),
                LinkPlan::Workers { validator, .. } => self.incorrect(&[*validator]),
            },
            FaultKind::SlowLinks { targets, .. }
            | FaultKind::SlowWork { targets, .. }
            | FaultKind::Clock { targets, .. }
                if !heals =>
            {
                self.stays(targets);
            }
            FaultKind::Resize(resize) if !heals => self.incorrect(&resize.validators),
            FaultKind::Partition(_)
            | FaultKind::Loss(..)
            | FaultKind::SlowLinks { .. }
            | FaultKind::SlowWork { .. }
            | FaultKind::Clock { .. }
            | FaultKind::LoseWorkers { .. }
            | FaultKind::Resize(_) => {}
        }
    }

    /// What a fault takes away for good.
    fn stays(&mut self, targets: &Targets) {
        match targets {
            Targets::Validators(validators) => self.incorrect(validators),
            Targets::Workers(workers) => {
                let validators: Vec<_> = workers.iter().map(|(one, _)| *one).collect();
                self.incorrect(&validators);
            }
            Targets::Wallets(chains, _) => self.excuse(chains, Excuse::Away),
        }
    }

    fn incorrect(&mut self, validators: &[ValidatorIndex]) {
        for validator in validators {
            self.correct[validator.position()] = false;
        }
    }

    fn excuse(&mut self, chains: &ChainSet, excuse: Excuse) {
        for chain in chains.iter() {
            let excused = &mut self.excused[chain.position()];
            *excused = (*excused).max(Some(excuse));
        }
    }

    /// Nothing is promised where the validators that are left are no quorum, or too many are wrong.
    fn check_weights(&mut self, plan: &Plan, committee: &Committee) {
        let weight = |wanted: &dyn Fn(usize) -> bool| -> u64 {
            let all = plan.validators.iter().enumerate();
            all.filter(|(at, _)| wanted(*at))
                .map(|(_, validator)| validator.weight)
                .sum()
        };
        let left = weight(&|at| self.correct[at]);
        let wrong = weight(&|at| committee.byzantine[at]);
        let members = plan.validators.iter().zip(&self.correct);
        let mut members = members.filter(|(validator, _)| validator.weight > 0);
        if wrong > 0 && wrong >= committee.validity() {
            self.healed = Err("too many validators break the rules");
        } else if left < committee.quorum {
            self.healed = Err("less than a quorum of validators is left");
        } else if self.committees && members.any(|(_, correct)| !correct) {
            self.healed = Err("committees change, and validators are missing");
        }
    }
}

/// Whether a fault is over before the run is.
fn heals(plan: &Plan, fault: &FaultPlan) -> bool {
    fault.until < plan.end()
}

fn changes_committee(workload: &WorkloadKind) -> bool {
    let changes = |action: &Action| matches!(action, Action::NewCommittee(..));
    match workload {
        WorkloadKind::Script(steps) => steps.iter().any(|step| changes(&step.action)),
        WorkloadKind::Open(_, action) | WorkloadKind::Closed(_, action) => changes(action),
    }
}

/// The longest round trip between a wallet and a validator, with the validator's work.
fn trip(plan: &Plan) -> VirtualDuration {
    let longest = |one: &engine::Distribution| {
        one.table()
            .map_or(VirtualDuration::ZERO, |table| table.max())
    };
    let latencies = plan.network.client_latencies.iter().flatten();
    let latency = latencies
        .map(longest)
        .max()
        .unwrap_or(VirtualDuration::ZERO);
    let mut seen = Vec::new();
    for validator in &plan.validators {
        if !seen.contains(&&validator.service) {
            seen.push(&validator.service);
        }
    }
    let works = seen.iter().flat_map(|service| {
        let all = [
            &service.propose,
            &service.validated,
            &service.confirmed,
            &service.query,
            &service.load,
        ];
        all.map(longest)
    });
    let work = works.max().unwrap_or(VirtualDuration::ZERO);
    let both = times(latency, 2);
    VirtualDuration(both.0.saturating_add(work.0))
}

fn times(one: VirtualDuration, count: u64) -> VirtualDuration {
    VirtualDuration(one.0.saturating_mul(count))
}

fn from_protocol(delta: protocol::TimeDelta) -> VirtualDuration {
    VirtualDuration::from_micros(delta.micros())
}
