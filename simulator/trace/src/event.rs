//! One entry of a run's record: what a machine told, or what the network and the kernel did.

use engine::NetworkFact;
use protocol::observe::Observation;

/// What happened, before it gets its place in the order of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A machine has told a fact of the protocol.
    Protocol(Box<Observation>),
    /// The network or the kernel did something to a message or a node.
    Network(NetworkFact),
    /// A fault of the scenario that no link shows (a slow node, a wrong clock) has reached a node;
    /// the number is the fault's index in the plan.
    Fault(u32),
}

impl engine::Record for Event {
    fn fingerprint(&self) -> u64 {
        match self {
            Self::Protocol(observation) => observation.fingerprint(),
            // The engine's own chain hash covers what it did; see `engine::Record`.
            Self::Network(_) => 0,
            Self::Fault(index) => u64::from(*index) + 1,
        }
    }

    fn from_network(fact: NetworkFact) -> Option<Self> {
        Some(Self::Network(fact))
    }
}
