//! Faults of a plan as rules of the network, inputs of the environment, and faults of nodes.

use engine::{
    ActorId, Effect, Input, NodeSet, Ratio, Rule, Scope, Scripted, VirtualDuration, VirtualTime,
};
use protocol::ids::{Address, ShardIndex, ValidatorIndex};
use scenario::{Plan, plan};

use super::{Names, is_some, table};
use crate::{
    autoscale::IF_CHOSEN,
    node::{Envelope, LocalFault, LocalFaultKind},
    topology::Topology,
};

/// What the faults of a plan come to.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) rules: Vec<Rule>,
    /// For each rule: its fault.
    pub(super) rule_faults: Vec<usize>,
    pub(super) script: Vec<Scripted<Envelope>>,
    pub(super) local: Vec<(ActorId, LocalFault)>,
}

/// Turns all faults of a plan into what the engine and the nodes understand.
pub(super) fn plan_faults(plan: &Plan, names: &Names, topology: &Topology) -> Faults {
    let mut faults = Faults::default();
    let places = Places {
        plan,
        names,
        topology,
    };
    for (index, fault) in plan.faults.iter().enumerate() {
        faults.add(index, fault, &places);
    }
    faults
}

impl Faults {
    fn add(&mut self, index: usize, fault: &plan::FaultPlan, places: &Places<'_>) {
        match &fault.kind {
            plan::FaultKind::Partition(link) => {
                self.rule(index, fault, places.link(link), Effect::Partition);
            }
            plan::FaultKind::Loss(link, ratio) => {
                if is_some(*ratio) {
                    self.rule(index, fault, places.link(link), Effect::Loss(*ratio));
                }
            }
            plan::FaultKind::Crash {
                targets,
                restarts,
                point,
                loses_disk,
            } => {
                let actors = places.actors(targets);
                for actor in &actors {
                    self.crash(fault, *actor, *restarts, *point);
                }
                if *loses_disk {
                    self.local(index, fault, actors, LocalFaultKind::LosesDisk);
                }
            }
            plan::FaultKind::SlowLinks { targets, extra } => {
                let effect = Effect::Slow {
                    factor: Ratio::percent(100),
                    extra: table(extra),
                };
                self.rule(index, fault, places.touching(targets), effect);
            }
            plan::FaultKind::SlowWork { targets, factor } => {
                let kind = LocalFaultKind::SlowWork(u64::from(*factor));
                self.local(index, fault, places.actors(targets), kind);
            }
            plan::FaultKind::ByzantineValidators {
                validators,
                behaviour,
            } => {
                let kind = LocalFaultKind::Validator(*behaviour);
                let targets = plan::Targets::Validators(validators.clone());
                self.local(index, fault, places.actors(&targets), kind);
            }
            plan::FaultKind::ByzantineOwners {
                chains,
                owner,
                behaviour,
            } => {
                let kind = LocalFaultKind::Owner(*behaviour);
                self.local(index, fault, places.wallets(chains, *owner), kind);
            }
            plan::FaultKind::Rollback(targets) => {
                let actors = places.actors(targets);
                self.local(index, fault, actors, LocalFaultKind::Rollback);
            }
            plan::FaultKind::LoseWorkers {
                validators,
                share,
                restarts,
            } => {
                // Which workers it takes is known when it comes: every worker is asked then.
                let workers = |validator: &plan::ValidatorIndex| {
                    let numbers = 0..places.plan.workers_max(*validator);
                    let validator = *validator;
                    numbers.map(move |number| (validator, plan::WorkerIndex::new(number)))
                };
                let workers = validators.iter().flat_map(workers).collect();
                let actors = places.actors(&plan::Targets::Workers(workers));
                for actor in &actors {
                    let point = plan::CrashPoint::AfterOutputs(IF_CHOSEN);
                    self.crash(fault, *actor, *restarts, point);
                }
                self.local(index, fault, actors, LocalFaultKind::LosesWorkers(*share));
            }
            // No fault of a node or a link; see `elastic`.
            plan::FaultKind::Resize(_) => {}
            plan::FaultKind::Clock { targets, skew } => {
                let kind = LocalFaultKind::Clock(*skew);
                self.local(index, fault, places.actors(targets), kind);
            }
        }
    }

    fn rule(&mut self, index: usize, fault: &plan::FaultPlan, scope: Scope, effect: Effect) {
        self.rules.push(Rule {
            from: fault.from,
            until: fault.until,
            scope,
            effect,
        });
        self.rule_faults.push(index);
    }

    fn crash(
        &mut self,
        fault: &plan::FaultPlan,
        actor: ActorId,
        restarts: bool,
        point: plan::CrashPoint,
    ) {
        let mut at = |at: VirtualTime, input| {
            self.script.push(Scripted {
                at,
                to: actor,
                input,
            })
        };
        match point {
            plan::CrashPoint::BetweenSteps => {
                at(fault.from, Input::Crash);
                if restarts {
                    at(fault.until, Input::Restart);
                }
            }
            plan::CrashPoint::AfterOutputs(outputs) => {
                let restart_after = if restarts {
                    fault.until.since(fault.from)
                } else {
                    VirtualDuration::MAX
                };
                at(
                    fault.from,
                    Input::ArmCrash {
                        outputs,
                        restart_after,
                    },
                );
            }
        }
    }

    fn local(
        &mut self,
        index: usize,
        fault: &plan::FaultPlan,
        actors: Vec<ActorId>,
        kind: LocalFaultKind,
    ) {
        let index = u32::try_from(index).expect("few faults");
        let (from, until) = (fault.from, fault.until);
        let local = LocalFault {
            index,
            from,
            until,
            kind,
        };
        self.local
            .extend(actors.into_iter().map(|actor| (actor, local)));
    }
}

/// Finds actors by the plan's indices.
struct Places<'a> {
    plan: &'a Plan,
    names: &'a Names,
    topology: &'a Topology,
}

impl Places<'_> {
    fn validator(&self, validator: plan::ValidatorIndex) -> Vec<ActorId> {
        let index = ValidatorIndex(validator.get());
        let workers = self.plan.workers_max(validator);
        let proxy = self.topology.actor(Address::Proxy(index));
        let worker = |shard| {
            self.topology
                .actor(Address::Worker(index, ShardIndex(shard)))
        };
        let mut actors: Vec<_> = std::iter::once(proxy)
            .chain((0..workers).map(worker))
            .collect();
        actors.extend(self.producers(validator));
        actors
    }

    /// The wallets of a validator: on public chains, and on those that it may take over.
    fn producers(&self, validator: plan::ValidatorIndex) -> impl Iterator<Item = ActorId> + '_ {
        let at = move |(chain, owner)| {
            let wallet = self.names.wallet((chain, owner));
            self.topology.actor(Address::Client(wallet))
        };
        let chains = self.plan.chains.iter().enumerate();
        let name = &self.plan.validators[validator.position()].name;
        let owner = move |chain: &plan::ChainPlan| {
            let is_it = |owner: &plan::OwnerIndex| self.plan.owner_name(*owner) == name;
            let mut stand_ins = chain.stand_ins.iter().copied();
            if chain.public {
                Some(chain.owners[validator.position()].owner)
            } else {
                stand_ins.find(is_it)
            }
        };
        let led = chains.filter_map(move |(position, chain)| {
            Some((plan::ChainIndex::at(position), owner(chain)?))
        });
        led.map(at)
    }

    fn worker(&self, validator: plan::ValidatorIndex, worker: plan::WorkerIndex) -> ActorId {
        let shard = ShardIndex(worker.get());
        self.topology
            .actor(Address::Worker(ValidatorIndex(validator.get()), shard))
    }

    /// The wallets of these chains: of one owner, or of all that ever own them.
    fn wallets(&self, chains: &plan::ChainSet, only: Option<plan::OwnerIndex>) -> Vec<ActorId> {
        let owners = |chain: plan::ChainIndex| {
            let plan = self.plan.chain(chain);
            let first = plan.owners.iter().map(|owner| owner.owner);
            let all = first.chain(plan.later_owners.iter().copied());
            all.filter(move |owner| only.is_none_or(|only| only == *owner))
                .map(move |owner| self.names.wallet((chain, owner)))
        };
        let actor = |wallet| self.topology.actor(Address::Client(wallet));
        chains.iter().flat_map(owners).map(actor).collect()
    }

    fn actors(&self, targets: &plan::Targets) -> Vec<ActorId> {
        match targets {
            plan::Targets::Validators(list) => list
                .iter()
                .flat_map(|validator| self.validator(*validator))
                .collect(),
            plan::Targets::Workers(list) => list
                .iter()
                .map(|(validator, worker)| self.worker(*validator, *worker))
                .collect(),
            plan::Targets::Wallets(chains, owner) => self.wallets(chains, *owner),
        }
    }

    /// Messages that these nodes send or get. Workers talk inside their validator only.
    fn touching(&self, targets: &plan::Targets) -> Scope {
        let set: NodeSet = self.actors(targets).into_iter().collect();
        match targets {
            plan::Targets::Validators(_) | plan::Targets::Wallets(..) => Scope::Touching(set),
            plan::Targets::Workers(list) => {
                let group = list
                    .iter()
                    .flat_map(|(validator, _)| self.validator(*validator));
                Scope::Between(set, group.collect())
            }
        }
    }

    fn link(&self, link: &plan::LinkPlan) -> Scope {
        match link {
            plan::LinkPlan::Clients {
                chains,
                owner,
                validators,
            } => {
                let proxies = validators
                    .iter()
                    .map(|v| self.topology.actor(Address::Proxy(ValidatorIndex(v.get()))));
                Scope::Between(
                    self.wallets(chains, *owner).into_iter().collect(),
                    proxies.collect(),
                )
            }
            plan::LinkPlan::Workers {
                validator,
                left,
                right,
            } => {
                let side = |workers: &[plan::WorkerIndex]| {
                    workers
                        .iter()
                        .map(|worker| self.worker(*validator, *worker))
                        .collect()
                };
                Scope::Between(side(left), side(right))
            }
        }
    }
}
