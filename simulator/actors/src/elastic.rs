//! Validators whose number of workers may change: the database that their workers share, and the
//! changes themselves.
//!
//! The database is the one thing that several nodes have in common. They are of one latency group,
//! which the engine runs in the order of keys on one thread whatever the driver, so who comes first
//! is part of the plan and the lock is never waited for. Knows nothing of what is in a chain.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::{Ctx, VirtualTime};
use protocol::{
    Timestamp,
    database::{Database, ShardMap},
    ids::{Address, ShardIndex, ValidatorIndex},
    machine::Outputs,
    observe::Observation,
    proxy::Proxy,
    rpc::Packet,
    sharding::{ShardingFact, ShardingMessage},
    store::ContentStore,
    worker::Worker,
};
use trace::Event;

use crate::{
    autoscale::{LOOK, Scaler, tell_running},
    node::Envelope,
    topology::Topology,
};

/// Timer token of the environment: a resize is due.
pub(crate) const RESIZE: u64 = (1 << 62) + 1;

/// A change of the number of workers, at the instant when the new ones are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) at: VirtualTime,
    /// The position of its fault in the plan.
    pub(crate) fault: u32,
    pub(crate) workers: u32,
    /// Whether the validator works on meanwhile.
    pub(crate) online: bool,
}

/// Timer token of the environment: the validator is about to stop.
pub(crate) const DRAIN: u64 = (1 << 62) + 2;

/// What a node of an elastic validator has beside its machine.
pub(crate) struct Elastic {
    database: Arc<Mutex<Database>>,
    /// The changes to come, the next one last. Only the proxy has them.
    due: Vec<Due>,
    /// The most workers that there ever are.
    workers_max: u32,
    /// What looks at the workers, at the proxy of a validator that scales itself.
    scaler: Option<Box<Scaler>>,
}

impl Elastic {
    pub(crate) fn new(database: Arc<Mutex<Database>>, workers_max: u32) -> Self {
        Self {
            database,
            due: Vec::new(),
            workers_max,
            scaler: None,
        }
    }

    /// From the beginning of the run on the validator scales itself.
    pub(crate) fn scale(&mut self, scaler: Scaler) {
        self.scaler = Some(Box::new(scaler));
    }

    /// The workers that share the chains.
    pub(crate) fn members(&self) -> Vec<ShardIndex> {
        self.database().map().members()
    }

    /// All changes to come, in the order in which they come.
    pub(crate) fn plan(&mut self, mut due: Vec<Due>) {
        due.sort_by_key(|one| one.at);
        due.reverse();
        self.due = due;
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a packet to a worker as far as the chain that it is about is there. `handle` is called
    /// for each packet whose time has come, but for none after the output at which the worker crashes,
    /// if it does: each packet is an input of its own.
    pub(crate) fn let_in(
        &self,
        (worker, now): (&mut Worker, Timestamp),
        packet: Packet,
        (store, out, crash): (&dyn ContentStore, &mut Outputs, Option<u32>),
        handle: &mut dyn FnMut(&mut Worker, Packet, &mut Outputs),
    ) {
        let mut database = self.database();
        for packet in worker.let_in(now, packet, &mut database, store, out) {
            if is_cut(out, crash) {
                break;
            }
            let mut one = Outputs::default();
            handle(worker, packet, &mut one);
            out.append(one);
        }
        worker.tell(&mut database);
    }

    /// A timer of a worker.
    pub(crate) fn on_timer(
        &self,
        (worker, now): (&mut Worker, Timestamp),
        token: u64,
        (store, out, crash): (&dyn ContentStore, &mut Outputs, Option<u32>),
    ) {
        let mut database = self.database();
        for packet in worker.on_shared_timer(now, token, &mut database, store, out) {
            if is_cut(out, crash) {
                break;
            }
            let mut one = Outputs::default();
            worker.handle(now, packet, store, &mut one);
            out.append(one);
        }
        worker.tell(&mut database);
    }

    /// A worker stops.
    pub(crate) fn stopped(&self, worker: &mut Worker, now: Timestamp) {
        worker.stop(now, &mut self.database());
    }

    /// A worker starts, perhaps again.
    pub(crate) fn started(&self, worker: &mut Worker, now: Timestamp, out: &mut Outputs) {
        worker.start(now, &mut self.database(), out);
    }

    /// Puts the changes in place whose time has come, at the proxy. A proxy that was away does it
    /// when it is back.
    pub(crate) fn resize(
        &mut self,
        proxy: &mut Proxy,
        ctx: &mut Ctx<'_, Envelope, Event>,
        topology: &Topology,
    ) {
        let validator = proxy.validator();
        while let Some(due) = self.due.pop_if(|due| due.at <= ctx.now()) {
            let map = self.database().resize(due.workers).clone();
            ctx.record(Event::Fault(due.fault));
            self.announce(&map, validator, ctx);
            if due.online {
                self.tell_workers(validator, ctx, topology);
            }
        }
        proxy.set_map(self.database().map().clone());
    }

    /// A proxy starts, perhaps again: so does what looks at the workers.
    pub(crate) fn start_scaler(&mut self, ctx: &mut Ctx<'_, Envelope, Event>) {
        if let Some(scaler) = &mut self.scaler {
            scaler.start(ctx);
        }
    }

    /// A timer of what looks at the workers, at the proxy.
    pub(crate) fn on_scaler_timer(
        &mut self,
        proxy: &mut Proxy,
        token: u64,
        ctx: &mut Ctx<'_, Envelope, Event>,
        topology: &Topology,
    ) {
        let validator = proxy.validator();
        let members = self.members();
        let Some(scaler) = &mut self.scaler else {
            return;
        };
        if token == LOOK {
            return scaler.look((validator, &members), ctx);
        }
        let Some(members) = scaler.booted(ctx.now()) else {
            return;
        };
        let running = scaler.running(&members);
        let map = self.database().share(&members).clone();
        self.announce(&map, validator, ctx);
        tell_running(validator, running, ctx);
        self.tell_workers(validator, ctx, topology);
        proxy.set_map(map);
    }

    fn announce(
        &self,
        map: &ShardMap,
        validator: ValidatorIndex,
        ctx: &mut Ctx<'_, Envelope, Event>,
    ) {
        let fact = ShardingFact::MapChanged {
            validator,
            version: map.version,
            shards: map.shards,
        };
        ctx.record(Event::Protocol(Box::new(Observation::Sharding(fact))));
    }

    /// Whoever does not hear of it gives chains up when their new owners ask for them.
    fn tell_workers(
        &self,
        validator: ValidatorIndex,
        ctx: &mut Ctx<'_, Envelope, Event>,
        topology: &Topology,
    ) {
        for shard in (0..self.workers_max).map(ShardIndex) {
            let message = Packet::Sharding(Box::new(ShardingMessage::NewMap));
            let to = topology.actor(Address::Worker(validator, shard));
            ctx.send(to, Envelope(message));
        }
    }
}

/// Whether a worker that crashes after so many outputs has come so far.
fn is_cut(out: &Outputs, crash: Option<u32>) -> bool {
    let made = out.list.len();
    crash.is_some_and(|after| made > 0 && u32::try_from(made).is_ok_and(|made| made >= after))
}
