//! How a run ended and what it left: the same for every driver.

use crate::digest::{ActorDigest, Digest};
use crate::ids::ActorId;
use crate::network::NetworkCounters;
use crate::time::{VirtualDuration, VirtualTime};

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The end time was reached and events lay beyond it.
    Completed,
    /// Nothing was left to happen before the end time.
    Quiescent,
    /// [`Limits::events`](crate::Limits::events) was reached.
    EventLimit,
    /// [`Limits::pending`](crate::Limits::pending) was exceeded.
    PendingLimit,
    /// The sink stopped the run, for this reason.
    Stopped(String),
    /// The engine found a fault in itself: no result of this run may be used.
    CheckFailed(EngineCheck),
}

/// What the engine checks about itself in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineCheck {
    /// Every node's events come to it in the order of their keys.
    KeyOrder,
    /// Every message sent is delivered, lost for a named reason, or still on its way.
    Conservation,
}

impl EngineCheck {
    /// The check's name, as reports print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeyOrder => "engine.key-order",
            Self::Conservation => "engine.conservation",
        }
    }
}

/// A check that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// When.
    pub at: VirtualTime,
    /// At which node; the environment if it concerns none in particular.
    pub actor: ActorId,
    /// Which check.
    pub check: EngineCheck,
}

/// A handler that panicked. Its node counts as crashed for the rest of the run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodePanic {
    /// When.
    pub at: VirtualTime,
    /// Which node.
    pub actor: ActorId,
    /// What it said.
    pub message: String,
}

/// How busy a node was between two checkpoints. Only nodes that ever called
/// [`Ctx::work`](crate::Ctx::work) have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceStats {
    /// The node.
    pub actor: ActorId,
    /// How long it was in service.
    pub busy: VirtualDuration,
    /// How many inputs it began to serve.
    pub served: u64,
    /// How long those inputs had waited, together.
    pub waited: VirtualDuration,
    /// The most inputs that waited at one time.
    pub queue_max: u64,
    /// How many wait at the checkpoint.
    pub queue_now: u64,
}

/// What a sink sees at a checkpoint. Counts are since the start of the run.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointView<'a> {
    /// Events before this time have been handled, and no others.
    pub time: VirtualTime,
    /// The root over all actors' chains.
    pub root: Digest,
    /// Events handled.
    pub events: u64,
    /// Events waiting to happen.
    pub pending: u64,
    /// What the network did.
    pub network: &'a NetworkCounters,
    /// How often each rule struck.
    pub rule_hits: &'a [u64],
    /// How busy nodes were since the previous checkpoint, in the order of their identifiers.
    pub service: &'a [ServiceStats],
}

/// A checkpoint, as the run's result lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Events before this time have been handled, and no others.
    pub time: VirtualTime,
    /// The root over all actors' chains.
    pub root: Digest,
    /// Events handled.
    pub events: u64,
}

/// What a run left. Equal for every driver, but for `partitions_used`.
#[derive(Clone, Debug)]
pub struct RunOutcome<N> {
    /// Why it ended.
    pub outcome: Outcome,
    /// When it ended: the time of the last checkpoint.
    pub ended_at: VirtualTime,
    /// THE hash of the run.
    pub root: Digest,
    /// Events handled.
    pub events: u64,
    /// Where each actor stands, in the order of their identifiers.
    pub actors: Vec<ActorDigest>,
    /// All checkpoints, the end included.
    pub checkpoints: Vec<Checkpoint>,
    /// The nodes as the run left them, in the order of their identifiers.
    pub nodes: Vec<N>,
    /// How often each rule struck.
    pub rule_hits: Vec<u64>,
    /// What the network did.
    pub network: NetworkCounters,
    /// Handlers that panicked, in order.
    pub panics: Vec<NodePanic>,
    /// Checks that failed, in order; empty unless the engine is broken. At most the first few.
    pub violations: Vec<Violation>,
    /// How many partitions really ran.
    pub partitions_used: usize,
}
