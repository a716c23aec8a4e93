//! Validators whose number of workers changes: their databases, and what the environment does.

use std::sync::{Arc, Mutex};

use engine::{Input, Resident, Scripted, VirtualTime};
use protocol::{
    database::{Database, Placement, ShardMap},
    ids::{Address, ShardIndex, ValidatorIndex},
};
use scenario::{Plan, plan};

use super::table;
use crate::{
    autoscale::{Gauge, Gauges, Scaler},
    elastic::{DRAIN, Due, Elastic, RESIZE},
    node::{Envelope, SimNode},
    topology::Topology,
};

/// Where the chains of a validator are at first.
pub(super) fn first_map(plan: &Plan, validator: u32) -> ShardMap {
    let index = plan::ValidatorIndex::new(validator);
    let placement = if plan.is_elastic_online(index) {
        Placement::Stable
    } else {
        Placement::Remainder
    };
    ShardMap::first(plan.validators[index.position()].workers, placement)
}

/// Gives elastic validators their databases, and returns what the environment does to them.
pub(super) fn equip(
    plan: &Plan,
    topology: &Topology,
    residents: &mut [Resident<SimNode>],
) -> Vec<Scripted<Envelope>> {
    let mut script = Vec::new();
    for number in (0..).take(plan.validators.len()) {
        let index = plan::ValidatorIndex::new(number);
        if !plan.is_elastic(index) {
            continue;
        }
        let database = Arc::new(Mutex::new(Database::new(first_map(plan, number))));
        let workers_max = plan.workers_max(index);
        let validator = ValidatorIndex(number);
        let actors = std::iter::once(Address::Proxy(validator))
            .chain((0..workers_max).map(|shard| Address::Worker(validator, ShardIndex(shard))));
        let gauges = Gauges::default();
        let scale = plan.autoscale(index);
        for address in actors {
            let mut elastic = Elastic::new(database.clone(), workers_max);
            let actor = topology.actor(address);
            let node = usize::try_from(actor.0 - 1).expect("an index fits memory");
            let node = &mut residents[node].node;
            match (address, scale) {
                (Address::Proxy(_), Some(scale)) => {
                    elastic.scale(Scaler::new(
                        scale.options,
                        table(&scale.boot),
                        gauges.clone(),
                    ));
                }
                (Address::Proxy(_), None) => elastic.plan(due(plan, index)),
                (Address::Worker(_, shard), Some(_)) => {
                    node.gauge = Some(Box::new(Gauge::new(gauges.clone(), shard)));
                }
                (Address::Worker(..) | Address::Client(_), _) => {}
            }
            node.elastic = Some(Box::new(elastic));
        }
        for (fault, resize) in plan.resizes(index) {
            let from = plan.faults[fault].from;
            script.extend(inputs(resize, from, (validator, workers_max), topology));
        }
    }
    script
}

/// The changes of a validator's number of workers, and when they are in place.
fn due(plan: &Plan, validator: plan::ValidatorIndex) -> Vec<Due> {
    let one = |(fault, resize): (usize, &plan::ResizePlan)| Due {
        at: plan.faults[fault].from.saturating_add(resize.lasts()),
        fault: u32::try_from(fault).expect("few faults"),
        workers: resize.workers,
        online: resize.manner == plan::ResizeManner::Online,
    };
    plan.resizes(validator).map(one).collect()
}

/// What the environment does to a validator for one change. The proxy is the first to stop and to
/// come back.
fn inputs(
    resize: &plan::ResizePlan,
    from: VirtualTime,
    (validator, workers_max): (ValidatorIndex, u32),
    topology: &Topology,
) -> Vec<Scripted<Envelope>> {
    let there = from.saturating_add(resize.lasts());
    let proxy = topology.actor(Address::Proxy(validator));
    let timer = |at, token| Scripted {
        at,
        to: proxy,
        input: Input::Timer { token },
    };
    let mut script = Vec::new();
    if let plan::ResizeManner::Offline { drain } = resize.manner {
        script.push(timer(from, DRAIN));
        let stop = from.saturating_add(drain);
        let workers = (0..workers_max).map(|shard| Address::Worker(validator, ShardIndex(shard)));
        let nodes = || {
            let workers = workers.clone().map(|address| topology.actor(address));
            std::iter::once(proxy).chain(workers)
        };
        script.extend(nodes().map(|to| Scripted {
            at: stop,
            to,
            input: Input::Crash,
        }));
        script.extend(nodes().map(|to| Scripted {
            at: there,
            to,
            input: Input::Restart,
        }));
    }
    // Once more for a proxy that something else keeps from stopping.
    script.push(timer(there, RESIZE));
    script
}
