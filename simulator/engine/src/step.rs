//! One step of the world: an event meets its node.
//!
//! Everything that a run means is decided here, for every driver: what is handled and what is
//! lost, which numbers emissions get, when they leave, what is folded into the chain. Drivers
//! only choose whose turn it is, and may choose only orders that agree with the total order on
//! every single node.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::Sabotage;
use crate::conductor::Survey;
use crate::digest::{ActorDigest, Chain};
use crate::draw::LinkDraws;
use crate::event::{Event, Kind};
use crate::ids::{ActorId, Key, Sequence};
use crate::network::{Carried, Carrier, Passage};
use crate::node::{Ctx, Emission, Input, Message, NetworkFact, Node, Output, Record};
use crate::outcome::{EngineCheck, NodePanic, Violation};
use crate::records::RecordLog;
use crate::service::Service;
use crate::time::{VirtualDuration, VirtualTime};
use crate::world::Setting;

/// What the kernel knows about one actor beside its node.
pub(crate) struct Vitals<M> {
    me: ActorId,
    /// Incremented by every crash: what was set before it is stale.
    epoch: u32,
    status: Status,
    chain: Chain,
    handled: u64,
    next_number: u64,
    next_record: u64,
    /// The key of the last event that came to this actor.
    last: Option<Key>,
    pub(crate) service: Option<Box<Service<M>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Up,
    Down,
    /// The handler panicked: the node's state cannot be trusted and it never comes up again.
    Broken,
}

impl<M> Vitals<M> {
    pub(crate) fn new(me: ActorId) -> Self {
        Self {
            me,
            epoch: 0,
            status: Status::Up,
            chain: Chain::default(),
            handled: 0,
            next_number: 0,
            next_record: 0,
            last: None,
            service: None,
        }
    }

    pub(crate) fn me(&self) -> ActorId {
        self.me
    }

    pub(crate) fn digest(&self) -> ActorDigest {
        ActorDigest {
            events: self.handled,
            chain: self.chain.value(),
        }
    }
}

/// How many violations are kept: one is one too many, and a broken driver makes millions.
const VIOLATIONS_KEPT: usize = 16;

/// Performs steps, and holds what they share: the network, records, and what was emitted.
pub(crate) struct Stepper<N: Node> {
    pub(crate) setting: Arc<Setting>,
    pub(crate) carrier: Carrier,
    pub(crate) records: RecordLog<N::Record>,
    /// Events that the last step caused; the driver takes them.
    pub(crate) born: Vec<Event<N::Message>>,
    pub(crate) panics: Vec<NodePanic>,
    pub(crate) violations: Vec<Violation>,
    /// Events handled.
    handled: u64,
    /// Steps made, and how many of them when the last survey was made.
    steps: u64,
    surveyed: Option<u64>,
    /// Places of the nodes that have a service queue.
    servers: Vec<u32>,
    /// What the handler emits. Empty between steps; kept for its capacity.
    outputs: Vec<Output<N::Message>>,
}

/// How a handler is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// With all that a context offers.
    Served,
    /// At once, whatever else is in service, and without taking time.
    Immediate,
    /// Without emissions.
    Dying,
}

/// What a handler asked for beside its outputs.
struct Asked {
    work: VirtualDuration,
    crash: Option<VirtualDuration>,
}

impl<N: Node> Stepper<N> {
    pub(crate) fn new(setting: Arc<Setting>, keep_records: bool, sabotage: Sabotage) -> Self {
        let draws = LinkDraws::new(setting.config.seed);
        Self {
            carrier: Carrier::new(&setting.network, draws, sabotage),
            setting,
            records: RecordLog::new(keep_records),
            born: Vec::new(),
            panics: Vec::new(),
            violations: Vec::new(),
            handled: 0,
            steps: 0,
            surveyed: None,
            servers: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Lets one event happen. What it causes is in `born` afterwards.
    pub(crate) fn step(
        &mut self,
        vitals: &mut Vitals<N::Message>,
        node: &mut N,
        event: Event<N::Message>,
    ) {
        self.steps += 1;
        self.check_order(vitals, event.key());
        let now = event.time;
        match event.kind {
            Kind::Message(ref body) => {
                if vitals.status == Status::Up {
                    self.carrier.tally.counters.delivered += 1;
                    self.arrive(vitals, node, event);
                } else {
                    self.carrier.tally.counters.to_down_node += 1;
                    let number = event.seq.raw() >> 1;
                    let from = event.src;
                    self.note_loss(vitals, now, NetworkFact::ToDownNode { from, number }, body);
                }
            }
            Kind::Timer { epoch, .. } => {
                if vitals.status == Status::Up && vitals.epoch == epoch {
                    self.arrive(vitals, node, event);
                } else {
                    self.carrier.tally.counters.stale_timers += 1;
                }
            }
            Kind::Start | Kind::ScriptedTimer { .. } => {
                if vitals.status == Status::Up {
                    self.arrive(vitals, node, event);
                }
            }
            Kind::ServiceEnd { epoch } => {
                if vitals.epoch == epoch {
                    self.end_service(vitals, node, now, event.key());
                }
            }
            Kind::ArmCrash {
                outputs,
                restart_after,
            } => {
                if vitals.status == Status::Up {
                    let input = Input::ArmCrash {
                        outputs,
                        restart_after,
                    };
                    self.serve_at_once(vitals, node, event.key(), input);
                }
            }
            Kind::Crash => {
                if vitals.status == Status::Up {
                    self.handled += 1;
                    vitals.handled += 1;
                    self.crash(vitals, node, now, event.key(), VirtualDuration::MAX);
                }
            }
            Kind::Recovery { epoch } => {
                if vitals.status == Status::Down && vitals.epoch == epoch {
                    self.recover(vitals, node, event);
                }
            }
            Kind::Restart => {
                if vitals.status == Status::Down {
                    self.recover(vitals, node, event);
                }
            }
            Kind::Taken => unreachable!("an event is taken out once"),
        }
    }

    fn check_order(&mut self, vitals: &mut Vitals<N::Message>, key: Key) {
        if vitals.last.is_some_and(|last| last >= key) && self.violations.len() < VIOLATIONS_KEPT {
            let (at, actor) = (key.time, vitals.me);
            self.violations.push(Violation {
                at,
                actor,
                check: EngineCheck::KeyOrder,
            });
        }
        vitals.last = Some(key);
    }

    /// An input for a node that is up: it is served now, or waits.
    fn arrive(&mut self, vitals: &mut Vitals<N::Message>, node: &mut N, event: Event<N::Message>) {
        if let Some(service) = &mut vitals.service {
            if service.busy {
                service.enqueue(event);
                return;
            }
            service.count();
        }
        let now = event.time;
        self.serve(vitals, node, now, event);
    }

    fn serve(
        &mut self,
        vitals: &mut Vitals<N::Message>,
        node: &mut N,
        now: VirtualTime,
        event: Event<N::Message>,
    ) {
        let key = event.key();
        let (fingerprint, input) = match event.kind {
            Kind::Message(body) => (
                body.fingerprint(),
                Input::Message {
                    from: event.src,
                    body,
                },
            ),
            Kind::Timer { token, .. } | Kind::ScriptedTimer { token } => {
                (token, Input::Timer { token })
            }
            Kind::Start => (1, Input::Start),
            Kind::Restart | Kind::Recovery { .. } => (2, Input::Restart),
            Kind::ServiceEnd { .. } | Kind::ArmCrash { .. } | Kind::Crash | Kind::Taken => {
                unreachable!("only inputs that can wait are served")
            }
        };
        self.handled += 1;
        vitals.handled += 1;
        vitals.chain.handled(key, fingerprint);
        let Some(asked) = self.call(vitals, node, now, key, input, Manner::Served) else {
            return;
        };
        if asked.work.is_zero() {
            self.release(vitals, now);
            if let Some(restart_after) = asked.crash {
                self.crash(vitals, node, now, key, restart_after);
            }
            return;
        }
        let (me, epoch) = (vitals.me, vitals.epoch);
        let service = vitals.service.get_or_insert_with(|| {
            self.servers.push(self.setting.place(me).local);
            let mut service = Service::new();
            service.count();
            Box::new(service)
        });
        let seq = Sequence::service(service.served);
        let time = service.begin(now, asked.work);
        service.crash = asked.crash;
        std::mem::swap(&mut service.held, &mut self.outputs);
        self.born.push(Event {
            time,
            seq,
            src: me,
            to: me,
            kind: Kind::ServiceEnd { epoch },
        });
    }

    fn serve_at_once(
        &mut self,
        vitals: &mut Vitals<N::Message>,
        node: &mut N,
        key: Key,
        input: Input<N::Message>,
    ) {
        self.handled += 1;
        vitals.handled += 1;
        vitals.chain.handled(key, 3);
        if let Some(asked) = self.call(vitals, node, key.time, key, input, Manner::Immediate) {
            self.release(vitals, key.time);
            if let Some(restart_after) = asked.crash {
                self.crash(vitals, node, key.time, key, restart_after);
            }
        }
    }

    fn end_service(
        &mut self,
        vitals: &mut Vitals<N::Message>,
        node: &mut N,
        now: VirtualTime,
        key: Key,
    ) {
        let Some(service) = &mut vitals.service else {
            unreachable!("a service that ends has begun");
        };
        service.busy = false;
        std::mem::swap(&mut service.held, &mut self.outputs);
        let crash = service.crash.take();
        self.release(vitals, now);
        if let Some(restart_after) = crash {
            self.crash(vitals, node, now, key, restart_after);
            return;
        }
        // Inputs that need no work do not make the node busy: several may be served at once.
        while let Some(service) = &mut vitals.service
            && !service.busy
            && let Some(event) = service.next(now)
        {
            service.count();
            self.serve(vitals, node, now, event);
        }
    }

    /// Calls the handler; `None` if it panicked. Its outputs are in `self.outputs` afterwards.
    fn call(
        &mut self,
        vitals: &mut Vitals<N::Message>,
        node: &mut N,
        now: VirtualTime,
        cause: Key,
        input: Input<N::Message>,
        manner: Manner,
    ) -> Option<Asked> {
        let mut ctx = Ctx {
            now,
            cause,
            me: vitals.me,
            last_node: self.setting.last_node(),
            skew: self.setting.skew(vitals.me),
            seed: self.setting.config.seed,
            next_number: &mut vitals.next_number,
            next_record: &mut vitals.next_record,
            chain: &mut vitals.chain,
            outputs: &mut self.outputs,
            records: &mut self.records,
            work: VirtualDuration::ZERO,
            crash: None,
            muted: manner == Manner::Dying,
        };
        let handled = catch_unwind(AssertUnwindSafe(|| {
            node.on_input(&mut ctx, input);
            Asked {
                work: ctx.work,
                crash: ctx.crash,
            }
        }));
        match handled {
            Ok(asked) => Some(asked),
            Err(payload) => {
                self.outputs.clear();
                let message = panic_message(payload.as_ref());
                self.panics.push(NodePanic {
                    at: now,
                    actor: vitals.me,
                    message,
                });
                self.go_down(vitals, now, Status::Broken);
                self.note(vitals, now, NetworkFact::Panicked);
                None
            }
        }
    }

    fn crash(
        &mut self,
        vitals: &mut Vitals<N::Message>,
        node: &mut N,
        now: VirtualTime,
        cause: Key,
        restart_after: VirtualDuration,
    ) {
        self.carrier.tally.counters.crashes += 1;
        let (backlog, outputs) = self.go_down(vitals, now, Status::Down);
        vitals.chain.handled(cause, 4);
        self.note(vitals, now, NetworkFact::Crashed { backlog, outputs });
        if self
            .call(vitals, node, now, cause, Input::Crash, Manner::Dying)
            .is_none()
        {
            return;
        }
        if restart_after != VirtualDuration::MAX {
            let (me, epoch) = (vitals.me, vitals.epoch);
            let time = now.saturating_add(restart_after.max(VirtualDuration::NANOSECOND));
            let seq = Sequence::restart(epoch);
            self.born.push(Event {
                time,
                seq,
                src: me,
                to: me,
                kind: Kind::Recovery { epoch },
            });
        }
    }

    /// Everything volatile in the kernel is lost. Says what waited and what was held back.
    fn go_down(
        &mut self,
        vitals: &mut Vitals<N::Message>,
        now: VirtualTime,
        status: Status,
    ) -> (u64, u64) {
        vitals.status = status;
        vitals.epoch += 1;
        let Some(service) = &mut vitals.service else {
            return (0, 0);
        };
        let (backlog, outputs) = service.crash(now);
        self.carrier.tally.counters.lost_in_backlog += backlog;
        (backlog, outputs)
    }

    fn recover(&mut self, vitals: &mut Vitals<N::Message>, node: &mut N, event: Event<N::Message>) {
        vitals.status = Status::Up;
        self.carrier.tally.counters.restarts += 1;
        let now = event.time;
        self.note(vitals, now, NetworkFact::Restarted);
        if let Some(service) = &mut vitals.service {
            service.count();
        }
        self.serve(vitals, node, now, event);
    }

    fn note(&mut self, vitals: &mut Vitals<N::Message>, now: VirtualTime, fact: NetworkFact) {
        if let Some(record) = <N::Record as Record>::from_network(fact) {
            self.keep(vitals, now, record);
        }
    }

    fn keep(&mut self, vitals: &mut Vitals<N::Message>, now: VirtualTime, record: N::Record) {
        let Vitals {
            me,
            next_record,
            chain,
            ..
        } = vitals;
        self.records.push(now, *me, next_record, chain, record);
    }

    /// Notes that a message is lost, and what its node type says of it.
    fn note_loss(
        &mut self,
        vitals: &mut Vitals<N::Message>,
        now: VirtualTime,
        fact: NetworkFact,
        message: &N::Message,
    ) {
        self.note(vitals, now, fact);
        if let Some(record) = N::lost(message) {
            self.keep(vitals, now, record);
        }
    }

    /// The outputs leave.
    fn release(&mut self, vitals: &mut Vitals<N::Message>, now: VirtualTime) {
        if self.outputs.is_empty() {
            return;
        }
        let mut outputs = std::mem::take(&mut self.outputs);
        for Output { number, what } in outputs.drain(..) {
            let seq = Sequence::emission(number);
            match what {
                Emission::Timer { delay, token } => {
                    let time = now.saturating_add(delay.max(VirtualDuration::NANOSECOND));
                    let (me, epoch) = (vitals.me, vitals.epoch);
                    let kind = Kind::Timer { token, epoch };
                    self.born.push(Event {
                        time,
                        seq,
                        src: me,
                        to: me,
                        kind,
                    });
                }
                Emission::Send { to, body } => self.dispatch(vitals, now, seq, to, body),
            }
        }
        self.outputs = outputs;
    }

    fn dispatch(
        &mut self,
        vitals: &mut Vitals<N::Message>,
        now: VirtualTime,
        seq: Sequence,
        to: ActorId,
        body: N::Message,
    ) {
        let me = vitals.me;
        let (here, there) = (self.setting.place(me), self.setting.place(to));
        let passage = Passage {
            from: (me, here.group, here.site),
            alone: here.alone,
            to: (to, there.group, there.site),
            at: now,
            seq,
        };
        let number = seq.raw() >> 1;
        let carried = match self.carrier.carry(&self.setting.network, passage) {
            Carried::Arrives { at, copy } => Ok((at, copy)),
            Carried::Lost => Err(NetworkFact::Lost { to, number }),
            Carried::LostByRule(rule) => Err(NetworkFact::LostByRule { to, number, rule }),
            Carried::Partitioned(rule) => Err(NetworkFact::Partitioned { to, number, rule }),
        };
        let (at, copy) = match carried {
            Ok(arrival) => arrival,
            Err(fact) => return self.note_loss(vitals, now, fact, &body),
        };
        if here.group != there.group {
            // What windows rest on: between groups nothing is faster than the floor.
            let earliest = now.saturating_add(self.setting.network.floor);
            let soonest = copy.map_or(at, |copy| copy.min(at));
            assert!(
                soonest >= earliest,
                "{me} reaches {to} at {soonest}, below the latency floor: before {earliest}"
            );
        }
        if let Some(time) = copy {
            self.note(vitals, now, NetworkFact::Duplicated { to, number });
            let kind = Kind::Message(body.clone());
            self.born.push(Event {
                time,
                seq: seq.copy(),
                src: me,
                to,
                kind,
            });
        }
        self.born.push(Event {
            time: at,
            seq,
            src: me,
            to,
            kind: Kind::Message(body),
        });
    }
}

impl<N: Node> Stepper<N> {
    /// What a part of the world reports at a checkpoint; `vitals` are all of its actors', in the
    /// order of their places.
    pub(crate) fn survey(
        &mut self,
        vitals: &mut [Vitals<N::Message>],
        pending: u64,
        now: VirtualTime,
    ) -> Survey {
        let changed = self.surveyed.replace(self.steps) != Some(self.steps);
        let actors = changed.then(|| vitals.iter().map(|one| (one.me, one.digest())).collect());
        let servers = self.servers.iter().filter_map(|&local| {
            let one = &mut vitals[usize::try_from(local).expect("32 bits fit")];
            one.service
                .as_mut()
                .map(|service| service.report(one.me, now))
        });
        Survey {
            actors,
            handled: self.handled,
            pending,
            counters: self.carrier.tally.counters,
            rule_hits: self.carrier.tally.rule_hits.clone(),
            service: servers.collect(),
            panics: std::mem::take(&mut self.panics),
            violations: std::mem::take(&mut self.violations),
        }
    }
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}
