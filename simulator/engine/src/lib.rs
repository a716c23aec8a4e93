//! Virtual time, total order, randomness, links and faults; has never heard of a chain.
//!
//! A [`World`] lists nodes, their links and what the environment does to them. A driver runs it:
//! [`run_heap`] is the reference; other drivers are faster or spread the nodes over threads, and
//! all of them end with the same root hash. What a node may do is in [`Ctx`]; what an event is
//! and what orders it is in [`Key`].
//!
//! This crate knows no thread, no wall clock and no actor library, and no float reaches a
//! decision: distributions become integer tables before a run starts.

mod conductor;
mod desk;
mod digest;
mod distribution;
mod draw;
mod event;
mod heap;
mod ids;
mod network;
mod node;
mod outcome;
mod partition;
mod quantiles;
mod queue;
mod records;
mod rules;
mod service;
mod step;
mod time;
mod windowed;
mod world;

pub use digest::{ActorDigest, Digest};
pub use distribution::{Distribution, DistributionError};
pub use draw::{Purpose, Seed, below};
pub use heap::run_heap;
pub use ids::{ActorId, GroupId, Key, Sequence, SiteId};
pub use network::{Link, Network, NetworkCounters};
pub use node::{Ctx, Input, Message, NetworkFact, Node, Record};
pub use outcome::{
    Checkpoint, CheckpointView, EngineCheck, NodePanic, Outcome, RunOutcome, ServiceStats,
    Violation,
};
pub use quantiles::QuantileTable;
pub use records::{Flow, NullSink, Sink, Stamped};
pub use rules::{Effect, NodeSet, Rule, Scope};
pub use time::{ClockSkew, Ratio, VirtualDuration, VirtualTime};
pub use windowed::run_windowed;
pub use world::{Limits, Resident, RunConfig, Scripted, Starting, World, WorldError};

/// What hosts are made of: drivers outside this crate that let something else call the nodes.
pub mod kernel {
    pub use crate::conductor::{Conductor, Survey, first_checkpoint, next_checkpoint};
    pub use crate::desk::{Batch, Desk, Turn};
    pub use crate::event::Event;
    pub use crate::partition::{Part, Parts, divide};
}

/// A fault put into a driver on purpose, so that tests can see its checks fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    /// None: the driver does its work.
    #[default]
    None,
    /// Once, two consecutive events of one node are handled in the wrong order.
    SwapTwoEvents,
    /// Latencies between groups are not raised to the floor.
    IgnoreFloor,
}

/// How a driver goes about a run. Nothing here changes a result, but for sabotage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriverOptions {
    /// A fault to put in.
    pub sabotage: Sabotage,
}
