//! A machine as a node of the engine: unwraps an input, calls the machine, hands the outputs back.
//!
//! This is where virtual time becomes a node's own clock, where work costs virtual time, and where
//! a node can be made to die between two outputs.

use std::sync::Arc;

use engine::{Ctx, Input, Node, Purpose, QuantileTable, VirtualDuration, VirtualTime};
use protocol::{
    TimeDelta, Timestamp,
    adversary::{self, OwnerBehaviour, ValidatorBehaviour},
    client::Client,
    ids::{Address, ChainId},
    machine::{Output, Outputs},
    observe::Observation,
    proxy::Proxy,
    rpc::{Packet, RequestKind},
    store::ContentStore,
    worker::Worker,
};
use trace::Event;

use crate::{
    autoscale::{self, BOOTED, Gauge, IF_CHOSEN, LOOK},
    closed_loop::ClosedLoop,
    elastic::{DRAIN, Elastic, RESIZE},
    store::SharedStore,
    topology::Topology,
};

/// What travels between nodes.
#[derive(Clone, Debug)]
pub struct Envelope(pub Packet);

impl engine::Message for Envelope {
    fn fingerprint(&self) -> u64 {
        self.0.fingerprint()
    }
}

/// The machine inside a node.
#[derive(Clone, Debug)]
pub enum Machine {
    /// The public face of a validator.
    Proxy(Proxy),
    /// A worker shard of a validator.
    Worker(Box<Worker>),
    /// A user's wallet, which drives its chain.
    Wallet(Box<Client>),
}

/// The virtual time that a worker is busy with one request of each kind, besides cryptography.
#[derive(Debug)]
pub(crate) struct ServiceTimes {
    pub(crate) propose: QuantileTable,
    pub(crate) validated: QuantileTable,
    pub(crate) confirmed: QuantileTable,
    pub(crate) cross_chain: QuantileTable,
    pub(crate) query: QuantileTable,
    pub(crate) load: QuantileTable,
}

/// A fault that only the node itself can show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalFault {
    pub(crate) index: u32,
    pub(crate) from: VirtualTime,
    pub(crate) until: VirtualTime,
    pub(crate) kind: LocalFaultKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum LocalFaultKind {
    SlowWork(u64),
    Clock(engine::ClockSkew),
    Validator(ValidatorBehaviour),
    Owner(OwnerBehaviour),
    Rollback,
    LosesDisk,
    LosesWorkers(engine::Ratio),
}

/// What all nodes of a world share; nobody changes it but the store.
pub(crate) struct Shared {
    pub(crate) store: SharedStore,
    pub(crate) topology: Topology,
    pub(crate) signing: VirtualDuration,
    pub(crate) verifying: VirtualDuration,
}

/// A node: a machine and what surrounds it.
pub struct SimNode {
    pub(crate) machine: Machine,
    pub(crate) shared: Arc<Shared>,
    pub(crate) service: Option<Arc<ServiceTimes>>,
    pub(crate) faults: Vec<LocalFault>,
    pub(crate) applied_faults: u64,
    pub(crate) closed_loop: Option<Box<ClosedLoop>>,
    pub(crate) served: u64,
    pub(crate) armed: Option<(u32, VirtualDuration)>,
    /// What the disk held when a fault began that will bring it back.
    pub(crate) old_disk: Option<Box<Machine>>,
    /// What nodes of an elastic validator have beside their machines.
    pub(crate) elastic: Option<Box<Elastic>>,
    /// Where a worker of a validator that scales itself writes down how it fares.
    pub(crate) gauge: Option<Box<Gauge>>,
    /// Empty between inputs; kept for its memory.
    pub(crate) outputs: Outputs,
}

/// Timer token: the user of a closed loop has thought enough.
pub(crate) const THOUGHT: u64 = 1 << 62;

type NodeCtx<'a> = Ctx<'a, Envelope, Event>;

impl SimNode {
    /// The machine inside.
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// This node's clock, in protocol time.
    fn local_now(&mut self, ctx: &mut NodeCtx<'_>) -> Timestamp {
        let mut now = ctx.local_now();
        for (bit, fault) in self.faults.iter().enumerate() {
            let active = fault.from <= ctx.now() && ctx.now() < fault.until;
            if let (true, LocalFaultKind::Clock(skew)) = (active, fault.kind) {
                now = skew.local(now);
                if self.applied_faults & (1 << bit) == 0 {
                    self.applied_faults |= 1 << bit;
                    ctx.record(Event::Fault(fault.index));
                }
            }
        }
        Timestamp::from_micros(now.as_micros())
    }

    /// Charges the virtual time that an input costs a worker: it is the shared machine where work
    /// waits in line. A wallet computes for its user alone.
    fn charge(
        &mut self,
        ctx: &mut NodeCtx<'_>,
        service: &ServiceTimes,
        kind: Option<&QuantileTable>,
        out: &Outputs,
    ) {
        let mut cost = self
            .shared
            .signing
            .saturating_mul(u64::from(out.work.signatures));
        let verifying = self
            .shared
            .verifying
            .saturating_mul(u64::from(out.work.verifications));
        cost = VirtualDuration(cost.0.saturating_add(verifying.0));
        let loads = (0..out.work.loads).map(|_| &service.load);
        for table in kind.into_iter().chain(loads) {
            let sample = table
                .as_constant()
                .unwrap_or_else(|| ctx.sample(table, Purpose::Service, self.served));
            self.served += 1;
            cost = VirtualDuration(cost.0.saturating_add(sample.0));
        }
        for (bit, fault) in self.faults.iter().enumerate() {
            let active = fault.from <= ctx.now() && ctx.now() < fault.until;
            if let (true, LocalFaultKind::SlowWork(factor)) = (active, fault.kind) {
                cost = cost.saturating_mul(factor);
                if self.applied_faults & (1 << bit) == 0 && !cost.is_zero() {
                    self.applied_faults |= 1 << bit;
                    ctx.record(Event::Fault(fault.index));
                }
            }
        }
        if let Some(gauge) = &self.gauge {
            gauge.served(cost, ctx.now().since(ctx.cause().time));
        }
        if !cost.is_zero() {
            ctx.work(cost);
        }
    }

    /// The behaviour that a fault of now imposes, and its number.
    fn imposed<B>(
        &self,
        ctx: &NodeCtx<'_>,
        select: impl Fn(LocalFaultKind) -> Option<B>,
    ) -> Option<(B, u32)> {
        self.faults.iter().find_map(|fault| {
            let active = fault.from <= ctx.now() && ctx.now() < fault.until;
            let behaviour = select(fault.kind).filter(|_| active)?;
            Some((behaviour, fault.index))
        })
    }

    /// Keeps the disk as it is when a rollback begins, and brings it back when that ends.
    fn roll_back(&mut self, ctx: &mut NodeCtx<'_>) {
        let rollback = |fault: &&LocalFault| matches!(fault.kind, LocalFaultKind::Rollback);
        let Some(fault) = self.faults.iter().find(rollback).copied() else {
            return;
        };
        let now = ctx.now();
        if fault.from <= now && now < fault.until && self.old_disk.is_none() {
            self.old_disk = Some(Box::new(self.machine.clone()));
        }
        if fault.until <= now
            && let Some(old) = self.old_disk.take()
        {
            self.machine = *old;
            self.crash();
            ctx.record(Event::Fault(fault.index));
        }
    }

    /// A wallet that stops may lose its disk, once for each fault that says so.
    fn lose_disk(&mut self, ctx: &mut NodeCtx<'_>) {
        let now = self.local_now(ctx);
        let Machine::Wallet(client) = &mut self.machine else {
            return;
        };
        for (bit, fault) in self.faults.iter().enumerate() {
            let loses = matches!(fault.kind, LocalFaultKind::LosesDisk) && fault.from <= ctx.now();
            if loses && self.applied_faults & (1 << bit) == 0 {
                self.applied_faults |= 1 << bit;
                client.lose_disk(now);
            }
        }
    }

    /// Calls the machine and performs what it wants.
    fn step(
        &mut self,
        ctx: &mut NodeCtx<'_>,
        kind: Option<RequestKind>,
        cross_chain: bool,
        call: impl FnOnce(&mut Machine, Timestamp, &SharedStore, &mut Outputs),
    ) {
        let now = self.local_now(ctx);
        let before = self.armed.map(|_| self.machine.clone());
        let mut out = std::mem::take(&mut self.outputs);
        out.work = protocol::machine::Work::default();
        call(&mut self.machine, now, &self.shared.store, &mut out);
        self.distort(ctx, &mut out);
        if let Some(service) = self.service.take() {
            self.charge(ctx, &service, service.table(kind, cross_chain), &out);
            self.service = Some(service);
        }
        match (self.armed, before) {
            (Some((outputs, restart_after)), Some(before)) if !out.list.is_empty() => {
                self.armed = None;
                let count = usize::try_from(outputs).unwrap_or(usize::MAX);
                out.list.truncate(count);
                self.restore(before, &saved(&out.list));
                self.perform(ctx, &mut out.list);
                ctx.crash_self(restart_after);
            }
            (Some(_) | None, _) => self.perform(ctx, &mut out.list),
        }
        // Validators' nodes are few and busy; a wallet's buffer would lie idle, and there are many.
        if !matches!(self.machine, Machine::Wallet(_)) {
            self.outputs = out;
        }
    }

    /// What a misbehaving owner sends instead.
    fn distort(&self, ctx: &mut NodeCtx<'_>, out: &mut Outputs) {
        let Machine::Wallet(client) = &self.machine else {
            return;
        };
        let imposed = self.imposed(ctx, |kind| match kind {
            LocalFaultKind::Owner(behaviour) => Some(behaviour),
            _ => None,
        });
        if let Some((how, fault)) = imposed
            && adversary::distort_as_owner(how, client, out)
        {
            ctx.record(Event::Fault(fault));
        }
    }

    /// Goes back to what was saved before a crash hit.
    fn restore(&mut self, before: Machine, saved: &[ChainId]) {
        match (&mut self.machine, before) {
            (Machine::Worker(worker), Machine::Worker(before)) => {
                **worker = Worker::clone(worker).crashed(&before, saved);
            }
            (Machine::Wallet(_), before @ Machine::Wallet(_)) if saved.is_empty() => {
                self.machine = before;
            }
            (Machine::Wallet(_) | Machine::Proxy(_) | Machine::Worker(_), _) => {}
        }
    }

    fn perform(&mut self, ctx: &mut NodeCtx<'_>, list: &mut Vec<Output>) {
        for output in list.drain(..) {
            match output {
                // The machine's state is the durable state: what is not saved is undone by a crash.
                Output::Persist(_) => {}
                Output::Send(to, packet) => {
                    let to = self.shared.topology.actor(to);
                    ctx.send(to, Envelope(packet));
                }
                Output::Timer(delay, token) => {
                    // At least a nanosecond: time moves on.
                    let delay = VirtualDuration::from_micros(delay.micros());
                    ctx.timer(delay.max(VirtualDuration(1)), token);
                }
                Output::Observe(observation) => {
                    self.watch_closed_loop(ctx, &observation);
                    ctx.record(Event::Protocol(observation));
                }
            }
        }
    }

    /// Whether a user of a closed loop has begun and nothing of it is under way: a crash has taken
    /// the timer of its thinking.
    fn user_is_idle(&self, ctx: &NodeCtx<'_>) -> bool {
        let begun = |user: &ClosedLoop| user.has_begun(ctx.now());
        match (&self.closed_loop, &self.machine) {
            (Some(user), Machine::Wallet(client)) => begun(user) && client.is_idle(),
            _ => false,
        }
    }

    fn think(&self, ctx: &mut NodeCtx<'_>) {
        if let Some(user) = &self.closed_loop {
            let think = user.think(ctx.seed());
            ctx.timer(think.max(VirtualDuration(1)), THOUGHT);
        }
    }

    /// A user of a closed loop thinks when the last command has ended.
    fn watch_closed_loop(&self, ctx: &mut NodeCtx<'_>, observation: &Observation) {
        let Some(user) = &self.closed_loop else {
            return;
        };
        let ended = match observation {
            Observation::CommandDone { command, .. }
            | Observation::CommandFailed { command, .. } => user.owns(*command),
            _ => false,
        };
        if ended {
            self.think(ctx);
        }
    }

    fn on_message(&mut self, ctx: &mut NodeCtx<'_>, from: Option<Address>, packet: Packet) {
        let kind = match &packet {
            Packet::Forward { request, .. } => Some(request.kind()),
            _ => None,
        };
        let cross_chain = matches!(packet, Packet::CrossChain(_));
        self.roll_back(ctx);
        let imposed = self.imposed(ctx, |kind| match kind {
            LocalFaultKind::Validator(behaviour) => Some(behaviour),
            _ => None,
        });
        let mut misbehaved = false;
        let elastic = self.elastic.take();
        let crash = self.armed.map(|(outputs, _)| outputs);
        self.step(
            ctx,
            kind,
            cross_chain,
            |machine, now, store, out| match machine {
                Machine::Worker(worker) => {
                    let mut handle = |worker: &mut Worker, packet, out: &mut Outputs| match imposed
                    {
                        Some((how, _)) => {
                            misbehaved |=
                                adversary::handle_as_worker(how, worker, now, packet, store, out);
                        }
                        None => worker.handle(now, packet, store, out),
                    };
                    match &elastic {
                        Some(elastic) => {
                            let host = (store as &dyn ContentStore, out, crash);
                            elastic.let_in((worker, now), packet, host, &mut handle);
                        }
                        None => handle(worker, packet, out),
                    }
                }
                Machine::Proxy(proxy) => {
                    if let Some(from) = from {
                        proxy.handle(from, packet, out);
                    }
                }
                Machine::Wallet(client) => {
                    let me = Address::Client(client.index());
                    client.handle(now, from.unwrap_or(me), packet, store, out);
                }
            },
        );
        self.elastic = elastic;
        if let (true, Some((_, fault))) = (misbehaved, imposed) {
            ctx.record(Event::Fault(fault));
        }
    }

    fn on_timer(&mut self, ctx: &mut NodeCtx<'_>, token: u64) {
        if token == THOUGHT {
            let (now, seed) = (ctx.now(), ctx.seed());
            let next = self
                .closed_loop
                .as_mut()
                .and_then(|user| user.next(now, seed));
            if let Some(command) = next {
                self.on_message(ctx, None, Packet::Command(Arc::new(command)));
            }
            return;
        }
        if let RESIZE | LOOK | BOOTED = token {
            return self.resize(ctx, token);
        }
        let elastic = self.elastic.take();
        let crash = self.armed.map(|(outputs, _)| outputs);
        self.step(ctx, None, false, |machine, now, store, out| match machine {
            Machine::Worker(worker) => match &elastic {
                Some(elastic) => elastic.on_timer((worker, now), token, (store, out, crash)),
                None => worker.on_timer(now, token, store, out),
            },
            Machine::Wallet(client) => client.on_timer(now, token, store, out),
            Machine::Proxy(proxy) => {
                if token == DRAIN {
                    proxy.drain();
                }
            }
        });
        self.elastic = elastic;
    }

    /// A proxy goes over to the number of workers of now, or looks at them.
    fn resize(&mut self, ctx: &mut NodeCtx<'_>, token: u64) {
        if let (Some(elastic), Machine::Proxy(proxy)) = (&mut self.elastic, &mut self.machine) {
            match token {
                RESIZE => elastic.resize(proxy, ctx, &self.shared.topology),
                _ => elastic.on_scaler_timer(proxy, token, ctx, &self.shared.topology),
            }
        }
    }

    fn on_start(&mut self, ctx: &mut NodeCtx<'_>) {
        let elastic = self.elastic.take();
        self.step(ctx, None, false, |machine, now, store, out| match machine {
            Machine::Wallet(client) => client.start(now, store, out),
            Machine::Worker(worker) => match &elastic {
                Some(elastic) => elastic.started(worker, now, out),
                None => worker.go_on(out),
            },
            Machine::Proxy(_) => {}
        });
        self.elastic = elastic;
        self.resize(ctx, RESIZE);
        if let (Some(elastic), Machine::Proxy(_)) = (&mut self.elastic, &self.machine) {
            elastic.start_scaler(ctx);
        }
        self.is_down(ctx, false);
    }

    /// Whoever looks at the workers sees that this one is gone, or back.
    fn is_down(&self, ctx: &mut NodeCtx<'_>, is_down: bool) {
        let (Some(gauge), Some(elastic)) = (&self.gauge, &self.elastic) else {
            return;
        };
        if let (Machine::Worker(worker), true) = (&self.machine, gauge.set_down(is_down)) {
            let running = gauge.running(&elastic.members());
            autoscale::tell_running(worker.validator(), running, ctx);
        }
    }

    /// Stops if it is one of the workers that a fault of now takes.
    fn stop_if_chosen(&self, ctx: &mut NodeCtx<'_>, restart_after: VirtualDuration) {
        let (Some(elastic), Machine::Worker(worker)) = (&self.elastic, &self.machine) else {
            return;
        };
        let members = elastic.members();
        let fault = autoscale::lost_by(&self.faults, ctx.now(), &members, worker.shard());
        if let Some(fault) = fault {
            ctx.record(Event::Fault(fault));
            ctx.crash_self(restart_after);
        }
    }

    /// Stops, and loses what is volatile.
    fn stop(&mut self, ctx: &mut NodeCtx<'_>) {
        let now = self.local_now(ctx);
        if let (Some(elastic), Machine::Worker(worker)) = (&self.elastic, &mut self.machine) {
            elastic.stopped(worker, now);
        }
        self.is_down(ctx, true);
        self.crash();
    }

    fn crash(&mut self) {
        match &mut self.machine {
            Machine::Worker(worker) => worker.crash(),
            Machine::Proxy(proxy) => proxy.crash(),
            Machine::Wallet(client) => client.crash(),
        }
        self.armed = None;
    }
}

/// The chains saved by these outputs.
fn saved(list: &[Output]) -> Vec<ChainId> {
    let chain = |output: &Output| match output {
        Output::Persist(chain) => Some(*chain),
        Output::Send(..) | Output::Timer(..) | Output::Observe(_) => None,
    };
    list.iter().filter_map(chain).collect()
}

impl ServiceTimes {
    fn table(&self, kind: Option<RequestKind>, cross_chain: bool) -> Option<&QuantileTable> {
        if cross_chain {
            return Some(&self.cross_chain);
        }
        Some(match kind? {
            RequestKind::Proposal => &self.propose,
            RequestKind::Validated => &self.validated,
            RequestKind::Confirmed => &self.confirmed,
            RequestKind::Query
            | RequestKind::Subscribe
            | RequestKind::Timeout
            | RequestKind::Blob => &self.query,
        })
    }
}

impl Node for SimNode {
    type Message = Envelope;
    type Record = Event;

    fn lost(message: &Envelope) -> Option<Event> {
        let fact = message.0.loss()?;
        Some(Event::Protocol(Box::new(fact)))
    }

    fn shrink(&mut self) {
        self.outputs = Outputs::default();
    }

    fn on_input(&mut self, ctx: &mut NodeCtx<'_>, input: Input<Envelope>) {
        match input {
            Input::Start => self.on_start(ctx),
            Input::Message { from, body } => {
                let from = self.shared.topology.address(from);
                self.on_message(ctx, from, body.0);
            }
            Input::Timer { token } => self.on_timer(ctx, token),
            Input::ArmCrash {
                outputs: IF_CHOSEN,
                restart_after,
            } => self.stop_if_chosen(ctx, restart_after),
            Input::ArmCrash {
                outputs,
                restart_after,
            } => {
                self.armed = Some((outputs, restart_after));
            }
            Input::Crash => {
                self.stop(ctx);
                self.lose_disk(ctx);
            }
            // A restarted wallet takes up its pending block and asks to be told again.
            Input::Restart => {
                let idle = self.user_is_idle(ctx);
                self.on_start(ctx);
                if idle {
                    self.think(ctx);
                }
            }
        }
    }
}

/// The protocol's view of a span of virtual time.
pub(crate) fn to_protocol(span: VirtualDuration) -> TimeDelta {
    TimeDelta::from_micros(span.as_micros())
}
