//! How often each fault of the scenario changed something. One that never did makes the run fail:
//! it tested nothing.
//!
//! What rules of the network did is known as of the last checkpoint; stopped and slowed nodes at
//! once.

use std::collections::BTreeMap;

use engine::{ActorId, VirtualTime};
use protocol::ids::{Address, ClientIndex, ShardIndex, ValidatorIndex};
use scenario::{
    Plan,
    plan::{FaultKind, FaultPlan, Targets},
};
use trace::Directory;

use crate::registry::{index, reach};

/// The faults and their hits.
#[derive(Debug)]
pub(crate) struct Faults {
    /// By rule of the network: its fault.
    rule_faults: Vec<usize>,
    rule_hits: Vec<u64>,
    /// Nodes stopped and slowed, by fault.
    own_hits: Vec<u64>,
    /// Crash faults by actor, in the order of their beginnings.
    crashes: BTreeMap<ActorId, Vec<(VirtualTime, usize)>>,
}

impl Faults {
    pub(crate) fn new(plan: &Plan, directory: &Directory, rule_faults: Vec<usize>) -> Self {
        let mut crashes: BTreeMap<ActorId, Vec<(VirtualTime, usize)>> = BTreeMap::new();
        for (at, fault) in plan.faults.iter().enumerate() {
            if let FaultKind::Crash { targets, .. } = &fault.kind {
                for actor in actors(plan, directory, targets) {
                    crashes.entry(actor).or_default().push((fault.from, at));
                }
            }
        }
        for list in crashes.values_mut() {
            list.sort_unstable();
        }
        let own_hits = vec![0; plan.faults.len()];
        Self {
            rule_faults,
            rule_hits: Vec::new(),
            own_hits,
            crashes,
        }
    }

    /// A fault that no link shows has reached a node.
    pub(crate) fn reached(&mut self, fault: u32) {
        *reach(&mut self.own_hits, index(fault)) += 1;
    }

    /// A node has stopped: because of the last fault that began before. Of two that began at
    /// once, both did it.
    pub(crate) fn crashed(&mut self, actor: ActorId, time: VirtualTime) {
        let list = self.crashes.get(&actor);
        let list = list.map(Vec::as_slice).unwrap_or_default();
        let begun = &list[..list.partition_point(|(from, _)| *from <= time)];
        let Some((last, _)) = begun.last() else {
            return;
        };
        for (_, fault) in begun.iter().rev().take_while(|(from, _)| from == last) {
            self.own_hits[*fault] += 1;
        }
    }

    /// What the rules of the network did so far.
    pub(crate) fn rules(&mut self, hits: &[u64]) {
        self.rule_hits.clear();
        self.rule_hits.extend_from_slice(hits);
    }

    /// How often a fault changed something.
    pub(crate) fn hits(&self, fault: usize) -> u64 {
        let of_rules = self.rule_faults.iter().zip(&self.rule_hits);
        let rules: u64 = of_rules
            .filter(|(of, _)| **of == fault)
            .map(|(_, hits)| hits)
            .sum();
        rules + self.own_hits.get(fault).copied().unwrap_or(0)
    }
}

/// The word for a kind of fault.
pub(crate) const fn kind_of(fault: &FaultPlan) -> &'static str {
    match fault.kind {
        FaultKind::Partition(_) => "partition",
        FaultKind::Loss(..) => "loss",
        FaultKind::Crash { .. } | FaultKind::LoseWorkers { .. } => "crash",
        FaultKind::SlowLinks { .. } => "slow-links",
        FaultKind::SlowWork { .. } => "slow-work",
        FaultKind::Clock { .. } => "clock",
        FaultKind::ByzantineValidators { .. } | FaultKind::ByzantineOwners { .. } => "byzantine",
        FaultKind::Rollback(_) => "rollback",
        FaultKind::Resize(_) => "resize",
    }
}

/// The actors that a fault is about.
fn actors(plan: &Plan, directory: &Directory, targets: &Targets) -> Vec<ActorId> {
    let all = || (1u32..).map(ActorId).zip(&directory.addresses);
    let these = |wanted: &dyn Fn(&Address) -> bool| {
        all()
            .filter(|(_, address)| wanted(address))
            .map(|(actor, _)| actor)
            .collect()
    };
    match targets {
        Targets::Validators(list) => these(&|address| match address {
            Address::Proxy(ValidatorIndex(validator))
            | Address::Worker(ValidatorIndex(validator), _) => {
                list.iter().any(|one| one.get() == *validator)
            }
            Address::Client(_) => false,
        }),
        Targets::Workers(list) => these(&|address| match address {
            Address::Worker(ValidatorIndex(validator), ShardIndex(shard)) => list
                .iter()
                .any(|(one, worker)| (one.get(), worker.get()) == (*validator, *shard)),
            Address::Proxy(_) | Address::Client(_) => false,
        }),
        Targets::Wallets(chains, owner) => {
            let owner = owner.map(|owner| plan.owner_name(owner));
            let names: BTreeMap<&str, ()> = chains
                .iter()
                .map(|chain| (plan.chain(chain).name.as_str(), ()))
                .collect();
            these(&|address| match address {
                Address::Client(ClientIndex(wallet)) => {
                    let entry = directory.wallets.get(index(*wallet));
                    entry.is_some_and(|entry| {
                        names.contains_key(entry.chain_name.as_str())
                            && owner.is_none_or(|owner| owner == entry.owner_name)
                    })
                }
                Address::Proxy(_) | Address::Worker(..) => false,
            })
        }
    }
}
