//! What the engine asks of a simulated node, and what it offers to one while it handles an input.
//!
//! Invariant: a node reads its own state, its input and its context, and changes the world only
//! through the context. It never learns about threads, windows or other nodes' states.

use crate::digest::Chain;
use crate::draw::{Purpose, Seed};
use crate::ids::{ActorId, Key};
use crate::quantiles::QuantileTable;
use crate::records::RecordLog;
use crate::time::{ClockSkew, VirtualDuration, VirtualTime};

/// What nodes send to each other. Keep it small: large contents belong behind an `Arc`.
pub trait Message: Clone + Send + 'static {
    /// A hash of the contents that is the same in every process, for the run's digest.
    fn fingerprint(&self) -> u64;
}

/// What a run leaves behind: one line of the trace.
pub trait Record: Send + Sized + 'static {
    /// A hash of the contents that is the same in every process, for the run's digest.
    fn fingerprint(&self) -> u64;

    /// The record of something that the network or the kernel did; `None` if nobody cares.
    fn from_network(fact: NetworkFact) -> Option<Self>;
}

/// What the network or the kernel did to a message or a node.
///
/// The record's actor is the sender for what happens on the way, the node itself otherwise.
/// `number` is the number of the sender's emission, as [`Ctx::send`] returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFact {
    /// The link lost a message.
    Lost {
        /// The receiver.
        to: ActorId,
        /// The emission.
        number: u64,
    },
    /// A rule lost a message.
    LostByRule {
        /// The receiver.
        to: ActorId,
        /// The emission.
        number: u64,
        /// The rule's index.
        rule: usize,
    },
    /// A rule cut the way of a message.
    Partitioned {
        /// The receiver.
        to: ActorId,
        /// The emission.
        number: u64,
        /// The rule's index.
        rule: usize,
    },
    /// The network delivers a message twice.
    Duplicated {
        /// The receiver.
        to: ActorId,
        /// The emission.
        number: u64,
    },
    /// A message reached a node that is down, and is lost.
    ToDownNode {
        /// The sender.
        from: ActorId,
        /// The emission.
        number: u64,
    },
    /// The node crashed.
    Crashed {
        /// Messages and timers that waited for service and are lost.
        backlog: u64,
        /// Outputs of the input in service that never left.
        outputs: u64,
    },
    /// The node came up again.
    Restarted,
    /// The node's handler panicked: it stays down for the rest of the run.
    Panicked,
}

/// What a node is given to handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<M> {
    /// The run begins for this node.
    Start,
    /// A message arrived.
    Message {
        /// Who sent it.
        from: ActorId,
        /// What it says.
        body: M,
    },
    /// A timer that this node set has run out.
    Timer {
        /// The token that the timer was set with.
        token: u64,
    },
    /// The node must crash itself, with [`Ctx::crash_self`], after so many further outputs.
    ArmCrash {
        /// How many outputs still leave.
        outputs: u32,
        /// How long it then stays down; [`VirtualDuration::MAX`] is for ever.
        restart_after: VirtualDuration,
    },
    /// The node dies now: throw away what is volatile. Nothing can be sent.
    Crash,
    /// The node comes up again with what is durable.
    Restart,
}

/// A simulated node.
pub trait Node: Send + 'static {
    /// What nodes of this world send to each other.
    type Message: Message;
    /// What this world records.
    type Record: Record;

    /// Handles one input: a pure function of the node's state, the input and the context.
    fn on_input(
        &mut self,
        ctx: &mut Ctx<'_, Self::Message, Self::Record>,
        input: Input<Self::Message>,
    );

    /// What is recorded after the fact that a message was lost: by its sender, or by a receiver
    /// that is down.
    fn lost(_message: &Self::Message) -> Option<Self::Record> {
        None
    }

    /// Gives memory back because the node is idle. Nobody may be able to tell whether, when or
    /// how often this was called.
    fn shrink(&mut self) {}
}

/// Something a node emitted, not yet on its way.
pub(crate) struct Output<M> {
    pub(crate) number: u64,
    pub(crate) what: Emission<M>,
}

pub(crate) enum Emission<M> {
    Send { to: ActorId, body: M },
    Timer { delay: VirtualDuration, token: u64 },
}

/// What a node can see and do while it handles an input.
pub struct Ctx<'a, M, R> {
    pub(crate) now: VirtualTime,
    pub(crate) cause: Key,
    pub(crate) me: ActorId,
    /// The node with the highest number.
    pub(crate) last_node: ActorId,
    pub(crate) skew: ClockSkew,
    pub(crate) seed: Seed,
    pub(crate) next_number: &'a mut u64,
    pub(crate) next_record: &'a mut u64,
    pub(crate) chain: &'a mut Chain,
    pub(crate) outputs: &'a mut Vec<Output<M>>,
    pub(crate) records: &'a mut RecordLog<R>,
    pub(crate) work: VirtualDuration,
    pub(crate) crash: Option<VirtualDuration>,
    pub(crate) muted: bool,
}

impl<M: Message, R: Record> Ctx<'_, M, R> {
    /// The virtual time at which the service of this input starts.
    #[must_use]
    pub fn now(&self) -> VirtualTime {
        self.now
    }

    /// What this node's own, skewed clock shows.
    #[must_use]
    pub fn local_now(&self) -> VirtualTime {
        self.skew.local(self.now)
    }

    /// This node.
    #[must_use]
    pub fn me(&self) -> ActorId {
        self.me
    }

    /// The key of the event being handled: when it arrived (which may be before [`Ctx::now`] if
    /// it waited), who caused it and with which emission.
    #[must_use]
    pub fn cause(&self) -> Key {
        self.cause
    }

    /// Sends a message, and says which number this emission has among all of this node.
    ///
    /// A node that is crashing sends nothing, and the number returned is not used up.
    ///
    /// # Panics
    /// If there is no such node. The engine catches it and takes it for a fault of the sender.
    pub fn send(&mut self, to: ActorId, body: M) -> u64 {
        let exists = to != ActorId::ENVIRONMENT && to <= self.last_node;
        assert!(exists, "there is no node {to} to send to");
        if self.muted || self.crash.is_some() {
            return *self.next_number;
        }
        self.chain.emitted(u64::from(to.0), body.fingerprint());
        self.emit(Emission::Send { to, body })
    }

    /// Sets a timer that runs out `delay` (at least a nanosecond) after this input's outputs
    /// leave. A crash forgets it.
    pub fn timer(&mut self, delay: VirtualDuration, token: u64) {
        if self.muted || self.crash.is_some() {
            return;
        }
        self.chain.emitted(delay.0, token);
        self.emit(Emission::Timer { delay, token });
    }

    /// Adds to the time that the service of this input takes. The node is busy so long, later
    /// inputs wait, and the outputs leave at the end. Has no effect while handling
    /// [`Input::ArmCrash`] or [`Input::Crash`].
    pub fn work(&mut self, cost: VirtualDuration) {
        self.work = self.work.saturating_add(cost);
    }

    /// Leaves a record, at [`Ctx::now`].
    pub fn record(&mut self, record: R) {
        self.records
            .push(self.now, self.me, self.next_record, self.chain, record);
    }

    /// The draw number `n` of this node for this purpose: uniform over all of `u64`.
    #[must_use]
    pub fn draw(&self, purpose: Purpose, n: u64) -> u64 {
        self.seed.actor_draw(purpose, self.me, n)
    }

    /// The draw number `n` of this node for this purpose, taken from `table`.
    #[must_use]
    pub fn sample(&self, table: &QuantileTable, purpose: Purpose, n: u64) -> VirtualDuration {
        self.seed.actor_sample(table, purpose, self.me, n)
    }

    /// The seed of the run, for workload draws.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The node dies as soon as the outputs emitted so far have left; later ones in this input
    /// never do. It comes up again `restart_after` later; [`VirtualDuration::MAX`] is never.
    pub fn crash_self(&mut self, restart_after: VirtualDuration) {
        if !self.muted && self.crash.is_none() {
            self.crash = Some(restart_after);
        }
    }

    fn emit(&mut self, what: Emission<M>) -> u64 {
        let number = *self.next_number;
        *self.next_number += 1;
        self.outputs.push(Output { number, what });
        number
    }
}
