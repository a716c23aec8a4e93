//! The Actix driver: every node of a world is an actor, spread over arbiters.
//!
//! [`run`] gives the same root hash as the engine's plain drivers for any number of partitions,
//! either spawn policy, any window width and any cooling: a partition takes its actors' events
//! in batches from its [`Desk`](engine::kernel::Desk), which alone decides what happens; actors
//! only carry it out. Partitions meet at a barrier in shared memory between windows. Nothing
//! here knows what a node does.
//!
//! Threads, arbiters and Actix are found in this module and nowhere else below the command line.

mod arbiters;
mod barrier;
mod cells;
mod conduct;
mod exchange;
mod partition;
mod placement;

use std::error::Error;
use std::fmt;

use engine::{Node, RunOutcome, Sabotage, Sink, VirtualDuration, World, WorldError};

/// How a node becomes an actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpawnPolicy {
    /// The partition's kernel owns the actor's own context future and polls it: what Actix does
    /// when it starts an actor, less the runtime's scheduling.
    #[default]
    Owned,
    /// The actor is started the ordinary way and the runtime schedules it. Never cools.
    Started,
}

/// How a world is hosted. Nothing here changes a result, but for sabotage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostingConfig {
    /// Partitions asked for, each with an arbiter of its own. A world with fewer latency groups
    /// gets fewer.
    pub partitions: usize,
    /// How nodes become actors.
    pub spawn: SpawnPolicy,
    /// The world's window is divided by this.
    pub window_divisor: u64,
    /// After so many windows without an event an actor gives up its context, shrinks and keeps
    /// only its node. `None`: never.
    pub cold_after: Option<u32>,
    /// A fault put in on purpose.
    pub sabotage: Sabotage,
}

impl Default for HostingConfig {
    fn default() -> Self {
        Self {
            partitions: 1,
            spawn: SpawnPolicy::Owned,
            window_divisor: 1,
            cold_after: Some(256),
            sabotage: Sabotage::None,
        }
    }
}

/// Why a world was not run to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostingError {
    /// The world is not valid.
    World(WorldError),
    /// A partition broke down: a fault of the simulator, not of the world.
    Partition(String),
}

impl fmt::Display for HostingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World(error) => error.fmt(f),
            Self::Partition(message) => write!(f, "a partition broke down: {message}"),
        }
    }
}

impl Error for HostingError {}

impl From<WorldError> for HostingError {
    fn from(error: WorldError) -> Self {
        Self::World(error)
    }
}

/// Runs a world with every node as an Actix actor.
///
/// The sink is called on the calling thread, which must not be inside an asynchronous runtime.
///
/// # Errors
/// If the world is not valid, or if a partition breaks down.
///
/// # Panics
/// If the sink does.
pub fn run<N: Node, S: Sink<N::Record>>(
    mut world: World<N>,
    sink: &mut S,
    config: &HostingConfig,
) -> Result<RunOutcome<N>, HostingError> {
    let window = world.config.window.as_nanos() / config.window_divisor.max(1);
    world.config.window = VirtualDuration::from_nanos(window.max(1));
    let assign = placement::place(&world.residents, config.partitions);
    conduct::conduct(world, &assign, sink, config)
}

#[cfg(test)]
mod tests;
