//! What a plan says that its author probably did not mean.
//!
//! Invariant: a lint looks at a plan without errors, and never changes it.

use engine::{VirtualDuration, VirtualTime};
use protocol::Amount;

use super::{FaultPlaces, Resolver};
use crate::diagnostic::Code;
use crate::distribution::mean;
use crate::document::At;
use crate::plan::{
    Action, ChainPlan, ChainSet, FaultKind, FaultPlan, LinkPlan, OwnerPlan, Plan, ResizeManner,
    Targets, Trigger, ValidatorPlan, WorkloadKind, WorkloadPlan,
};
use crate::spec::Spec;
use crate::units::write_micros;

impl Resolver<'_> {
    pub(super) fn lint(&mut self, plan: &Plan, spec: &Spec, fault_places: &FaultPlaces) {
        let places = self.workload_places(spec);
        self.lint_unreachable_steps(plan, &places);
        self.lint_closing(plan, &places);
        self.lint_owners(plan, spec);
        self.lint_fallback(plan, spec);
        self.lint_users(plan, &places);
        self.lint_quorum(plan, fault_places);
        self.lint_load(plan);
        self.lint_spending(plan, &places);
    }

    /// Where each workload of the plan was written, with the places of its steps.
    fn workload_places(&self, spec: &Spec) -> Vec<(At, Vec<At>)> {
        let root = At::root().key("workload");
        let active = |(index, one): (usize, &crate::spec::WorkloadSpec)| {
            self.is_active(one.variant.as_ref()).then(|| {
                let at = root.index(index);
                let steps = one.script.iter().flatten().enumerate();
                let steps = steps
                    .filter(|(_, step)| self.is_active(step.variant.as_ref()))
                    .map(|(number, _)| at.key("script").index(number))
                    .collect();
                (at, steps)
            })
        };
        spec.workload
            .iter()
            .enumerate()
            .filter_map(active)
            .collect()
    }

    fn lint_unreachable_steps(&mut self, plan: &Plan, places: &[(At, Vec<At>)]) {
        let reached = reachable(plan);
        for (workload, (_, steps)) in plan.workloads.iter().zip(places) {
            let WorkloadKind::Script(script) = &workload.kind else {
                continue;
            };
            for (step, at) in script.iter().zip(steps) {
                if step.trigger == Trigger::InboxNotEmpty && !reached.contains(step.chain) {
                    let name = &plan.chain(step.chain).name;
                    let message = "this step never begins";
                    let label = format!("nobody sends anything to `{name}`");
                    let help = "let another chain transfer to it, or write at = \"1s\"".to_owned();
                    let key = at.key("when");
                    self.say_labelled(&key, Code::UnreachableStep, message, &label, help);
                }
            }
        }
    }

    fn lint_owners(&mut self, plan: &Plan, spec: &Spec) {
        for (index, written) in spec.chains.iter().enumerate() {
            let at = At::root().key("chains").index(index);
            let Some(group) = plan.groups.get(index) else {
                continue;
            };
            let Some(first) = group.chains.get(0) else {
                continue;
            };
            let owners = &plan.chain(first).owners;
            let supers = owners.iter().filter(|owner| owner.is_super).count();
            if supers > 1 {
                let message = "two super owners can block this chain for good";
                let help = "keep one super owner, and make the others regular owners".to_owned();
                let label = "two fast blocks at one height leave no quorum for either";
                let key = at.key("super_owners");
                self.say_key(&key, Code::FastRoundConflict, message, label, help);
            } else if supers == 1
                && owners.len() > 1
                && written.owners.is_some()
                && written.fast_round.is_none()
            {
                let message = "regular owners wait until the super owner opens another round";
                let help = "write fast_round = \"5s\", after which they may end it".to_owned();
                let key = at.key("owners");
                self.say_key(&key, Code::FastRoundConflict, message, "", help);
            }
        }
    }

    fn lint_fallback(&mut self, plan: &Plan, spec: &Spec) {
        if plan.chains.iter().any(|chain| chain.admin) {
            return;
        }
        for (index, written) in spec.chains.iter().enumerate() {
            if written.fallback.is_some() {
                let message = "nobody ever takes this chain over";
                let label = "without an admin chain no epoch ends";
                let help = "declare a chain with admin = true, or remove the key".to_owned();
                let at = At::root().key("chains").index(index);
                self.say_key(&at.key("fallback"), Code::NoEffect, message, label, help);
            }
        }
    }

    fn lint_users(&mut self, plan: &Plan, places: &[(At, Vec<At>)]) {
        for (workload, (at, _)) in plan.workloads.iter().zip(places) {
            let WorkloadKind::Closed(closed, _) = &workload.kind else {
                continue;
            };
            let mut chains: Vec<_> = closed.users.iter().map(|user| user.chain).collect();
            chains.sort_unstable();
            let shared = chains
                .windows(2)
                .find(|pair| pair[0] == pair[1] && has_super(&plan.chain(pair[0]).owners));
            if let Some(pair) = shared {
                let name = &plan.chain(pair[0]).name;
                let message = "two clients use the fast round of one chain";
                let label = format!("more than one user acts on `{name}`");
                let help = "let one user act there, or use regular owners".to_owned();
                let key = at.key("closed").key("users");
                self.say_labelled(&key, Code::FastRoundConflict, message, &label, help);
            }
        }
    }

    fn lint_quorum(&mut self, plan: &Plan, places: &FaultPlaces) {
        if plan.chains.iter().any(|chain| chain.admin) {
            // Which validators make a quorum changes with the epochs.
            return;
        }
        let genesis = plan
            .genesis_chains()
            .map(|(chain, _)| chain.get()..chain.get() + 1);
        let downtime = Downtime {
            faults: &plan.faults,
            validators: &plan.validators,
            wallets: ChainSet::new(genesis),
            total: plan.duration,
        };
        let mut instants: Vec<VirtualTime> = plan.faults.iter().map(|fault| fault.from).collect();
        instants.sort_unstable();
        instants.dedup();
        for instant in instants {
            let up = downtime.weight_up(instant);
            if up >= plan.quorum_weight() {
                continue;
            }
            // The fault that begins last is the one that breaks the quorum.
            let Some((index, fault)) = plan
                .faults
                .iter()
                .enumerate()
                .rfind(|(_, fault)| fault.from == instant && downtime.cuts(&fault.kind))
            else {
                continue;
            };
            let from = write_micros(fault.from.as_micros());
            let message = format!("from {from} on no block can be confirmed");
            let label = format!(
                "validators with {up} of {} votes are left, a quorum is {}",
                plan.total_weight(),
                plan.quorum_weight()
            );
            let help = if fault.until.since(VirtualTime::ZERO) >= downtime.total {
                "and it stays so to the end of the run: give the fault an end".to_owned()
            } else {
                format!("until {}", write_micros(fault.until.as_micros()))
            };
            let action = match &fault.kind {
                FaultKind::Partition(_) => "partition",
                FaultKind::Loss(_, _) => "loss",
                FaultKind::Crash { .. } | FaultKind::LoseWorkers { .. } => "crash",
                FaultKind::SlowLinks { .. } | FaultKind::SlowWork { .. } => "slow",
                FaultKind::Clock { .. } => "clock",
                FaultKind::Resize(_) => "resize",
                FaultKind::ByzantineValidators { .. }
                | FaultKind::ByzantineOwners { .. }
                | FaultKind::Rollback(_) => "byzantine",
            };
            let key = places[index].key(action);
            self.say_key(&key, Code::NoQuorum, message, &label, help);
        }
    }

    /// Compares the work that is offered with the work that a validator's workers can do, of the
    /// validator that ever has the fewest at most.
    fn lint_load(&mut self, plan: &Plan) {
        let workers = |number| plan.workers_at_once(crate::plan::ValidatorIndex::at(number));
        let weakest = (0..plan.validators.len()).min_by_key(|number| workers(*number));
        let Some(weakest) = weakest else {
            return;
        };
        let (validator, workers) = (&plan.validators[weakest], workers(weakest));
        let service = &validator.service;
        let micros = |one: VirtualDuration| u128::from(one.as_micros());
        let consensus = micros(mean(&service.propose)) + micros(mean(&service.confirmed));
        let validated = micros(mean(&service.validated));
        let crossing = 2 * micros(mean(&service.cross_chain));
        let mut busiest = 0_u128;
        let mut rate_at_busiest = 0_u128;
        for instant in load_instants(plan) {
            let mut busy = 0_u128;
            let mut rates = 0_u128;
            for workload in &plan.workloads {
                let WorkloadKind::Open(open, action) = &workload.kind else {
                    continue;
                };
                if instant < open.from() || instant >= open.until() {
                    continue;
                }
                let rate = u128::from(rate_at(open.points(), instant));
                let fast = open
                    .chains()
                    .get(0)
                    .is_some_and(|chain| has_super(&plan.chain(chain).owners));
                let messages = match action {
                    Action::Transfer { .. }
                    | Action::TransferFrom { .. }
                    | Action::SendBundle(_)
                    | Action::Claim { .. }
                    | Action::Call(_) => crossing,
                    Action::Submit { .. }
                    | Action::Approve { .. }
                    | Action::OpenChain(_)
                    | Action::ProcessInbox
                    | Action::TakeNewest
                    | Action::Airdrop { .. }
                    | Action::ChangeOwnership(_)
                    | Action::CloseChain
                    | Action::NewCommittee(..)
                    | Action::RevokeEpoch(_)
                    | Action::PublishBlobs(_)
                    | Action::VerifyBlob(_)
                    | Action::ChangePermissions { .. } => 0,
                };
                let block = consensus + if fast { 0 } else { validated } + messages;
                busy += rate * block;
                rates += rate;
            }
            if busy > busiest {
                busiest = busy;
                rate_at_busiest = rates;
            }
        }
        // Millionths of events a second times microseconds is 10^-12; one worker is busy at 10^12.
        let capacity = u128::from(workers) * 1_000_000_000_000;
        if busiest > capacity {
            let percent = busiest * 100 / capacity;
            let rate = rate_at_busiest / 1_000_000;
            let message = format!("about {percent}% of what the workers can do is offered");
            let help = format!(
                "{rate} blocks a second need {} workers in every validator; here are {workers}",
                busiest.div_ceil(1_000_000_000_000),
            );
            let at = At::root().key("validators");
            let key = if self.document.has(&at.key("workers")) {
                at.key("workers")
            } else {
                at
            };
            self.say_key(
                &key,
                Code::Overload,
                message,
                "queues grow without end",
                help,
            );
        }
    }

    fn lint_spending(&mut self, plan: &Plan, places: &[(At, Vec<At>)]) {
        let reached = reachable(plan);
        let poor = |chain: &ChainPlan, amount: Amount| chain.balance < amount;
        for (workload, (at, _)) in plan.workloads.iter().zip(places) {
            let WorkloadKind::Open(open, Action::Transfer { amount, .. }) = &workload.kind else {
                continue;
            };
            let broke = open
                .chains()
                .iter()
                .find(|chain| poor(plan.chain(*chain), *amount) && !reached.contains(*chain));
            if let Some(chain) = broke {
                let name = &plan.chain(chain).name;
                let message = format!("`{name}` never has so many tokens");
                let help = "give it a balance, or send less".to_owned();
                let key = at.key("transfer").key("amount");
                self.say(&key, Code::Overspend, message, help);
            }
        }
    }
}

fn has_super(owners: &[OwnerPlan]) -> bool {
    owners.iter().any(|owner| owner.is_super)
}

/// Every chain that may get a message.
fn reachable(plan: &Plan) -> ChainSet {
    let mut all = ChainSet::default();
    let count = u32::try_from(plan.chains.len()).expect("the checker bounds chains");
    let everywhere = ChainSet::new(std::iter::once(0..count));
    let mut add = |action: &Action| match action {
        Action::Transfer { to, .. }
        | Action::TransferFrom { to, .. }
        | Action::Submit { to, .. } => all = all.union(&to.candidates()),
        Action::SendBundle(bundle) => all = all.union(&bundle.to.candidates()),
        Action::Claim { target, to, .. } => {
            all = all
                .union(&ChainSet::one(*target))
                .union(&ChainSet::one(*to));
        }
        Action::OpenChain(chain) => all = all.union(&ChainSet::one(*chain)),
        Action::Airdrop { to, .. } => all = all.union(to),
        // Where an application sends is in its code.
        Action::Call(_) => all = all.union(&everywhere),
        Action::ProcessInbox
        | Action::Approve { .. }
        | Action::TakeNewest
        | Action::ChangeOwnership(_)
        | Action::CloseChain
        | Action::NewCommittee(..)
        | Action::RevokeEpoch(_)
        | Action::PublishBlobs(_)
        | Action::VerifyBlob(_)
        | Action::ChangePermissions { .. } => {}
    };
    for WorkloadPlan { kind, .. } in &plan.workloads {
        match kind {
            WorkloadKind::Script(steps) => steps.iter().for_each(|step| add(&step.action)),
            WorkloadKind::Open(_, action) | WorkloadKind::Closed(_, action) => add(action),
        }
    }
    all
}

/// The instants at which the offered load can be highest.
fn load_instants(plan: &Plan) -> Vec<VirtualTime> {
    let mut instants = Vec::new();
    for workload in &plan.workloads {
        if let WorkloadKind::Open(open, _) = &workload.kind {
            instants.push(open.from());
            instants.extend(open.points().iter().map(|point| point.at));
        }
    }
    instants.sort_unstable();
    instants.dedup();
    instants
}

/// The rate at an instant, in millionths a second; at points it is exact, between them linear.
fn rate_at(points: &[crate::plan::RatePoint], at: VirtualTime) -> u64 {
    let next = points.partition_point(|point| point.at <= at);
    let before = next
        .checked_sub(1)
        .map_or(&points[0], |index| &points[index]);
    let after = points.get(next).unwrap_or(before);
    before
        .rate
        .millionths_per_second()
        .max(after.rate.millionths_per_second())
}

/// The faults and validators that a lint looks at together.
struct Downtime<'p> {
    faults: &'p [FaultPlan],
    validators: &'p [ValidatorPlan],
    /// All chains, so that a partition from some of them is told apart.
    wallets: ChainSet,
    total: VirtualDuration,
}

impl Downtime<'_> {
    /// The weight of the validators that answer every wallet at an instant.
    fn weight_up(&self, instant: VirtualTime) -> u64 {
        let mut up = vec![true; self.validators.len()];
        for fault in self.faults {
            if instant < fault.from || instant >= fault.until {
                continue;
            }
            if let Some(down) = self.down(&fault.kind) {
                down.iter()
                    .for_each(|validator| up[validator.position()] = false);
            }
        }
        let weights = self.validators.iter().zip(&up).filter(|(_, up)| **up);
        weights.map(|(validator, _)| validator.weight).sum()
    }

    fn cuts(&self, kind: &FaultKind) -> bool {
        self.down(kind).is_some_and(|down| !down.is_empty())
    }

    /// The validators that a fault takes away from all wallets.
    fn down<'k>(&self, kind: &'k FaultKind) -> Option<&'k [crate::plan::ValidatorIndex]> {
        match kind {
            FaultKind::Partition(LinkPlan::Clients {
                chains,
                owner: None,
                validators,
            }) => {
                let all = self.wallets.iter().all(|chain| chains.contains(chain));
                (all && !chains.is_empty()).then_some(validators.as_slice())
            }
            FaultKind::Loss(
                LinkPlan::Clients {
                    chains,
                    owner: None,
                    validators,
                },
                ratio,
            ) => {
                let all = ratio.num() == ratio.den() && chains.len() >= self.wallets.len();
                all.then_some(validators.as_slice())
            }
            FaultKind::Crash {
                targets: Targets::Validators(validators),
                ..
            } => Some(validators.as_slice()),
            FaultKind::Resize(resize) => match resize.manner {
                ResizeManner::Offline { .. } => Some(resize.validators.as_slice()),
                ResizeManner::Online => None,
            },
            FaultKind::Partition(LinkPlan::Workers { .. } | LinkPlan::Clients { .. })
            | FaultKind::Loss(LinkPlan::Workers { .. } | LinkPlan::Clients { .. }, _)
            | FaultKind::Crash {
                targets: Targets::Workers(_) | Targets::Wallets(..),
                ..
            }
            | FaultKind::LoseWorkers { .. }
            | FaultKind::SlowLinks { .. }
            | FaultKind::SlowWork { .. }
            | FaultKind::ByzantineValidators { .. }
            | FaultKind::ByzantineOwners { .. }
            | FaultKind::Rollback(_)
            | FaultKind::Clock { .. } => None,
        }
    }
}
