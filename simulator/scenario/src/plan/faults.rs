//! What goes wrong in a run, with every name resolved.

use engine::{ClockSkew, Distribution, Ratio, VirtualTime};
use protocol::adversary::{OwnerBehaviour, ValidatorBehaviour};

use super::{ChainSet, OwnerIndex, ResizePlan, ValidatorIndex, WorkerIndex};

/// Something that goes wrong, from one instant to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// Its name.
    pub name: String,
    /// When it begins.
    pub from: VirtualTime,
    /// When it ends; the end of the run if it does not.
    pub until: VirtualTime,
    /// What it is.
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing passes on a link.
    Partition(LinkPlan),
    /// A share of the messages on a link gets lost, in addition to what the network loses.
    Loss(LinkPlan, Ratio),
    /// Nodes stop and lose what was not persisted.
    Crash {
        /// Which.
        targets: Targets,
        /// Whether they come back when the fault ends.
        restarts: bool,
        /// Where in a step they stop.
        point: CrashPoint,
        /// Whether they lose also what they had persisted.
        loses_disk: bool,
    },
    /// Validators that scale themselves lose a share of the workers that they have then, for good or
    /// until the fault ends.
    LoseWorkers {
        /// Which validators.
        validators: Vec<ValidatorIndex>,
        /// The share of each one's workers; at least one worker.
        share: Ratio,
        /// Whether they come back when the fault ends.
        restarts: bool,
    },
    /// Every message that these nodes send or get takes longer.
    SlowLinks {
        /// Which.
        targets: Targets,
        /// How much longer.
        extra: Distribution,
    },
    /// Work takes these nodes so many times as long.
    SlowWork {
        /// Which.
        targets: Targets,
        /// How many times; at least 2.
        factor: u32,
    },
    /// Validators break the rules.
    ByzantineValidators {
        /// Which.
        validators: Vec<ValidatorIndex>,
        /// How.
        behaviour: ValidatorBehaviour,
    },
    /// Wallets break the rules.
    ByzantineOwners {
        /// The chains of the wallets.
        chains: ChainSet,
        /// The one owner whose wallets are meant; everybody's if `None`.
        owner: Option<OwnerIndex>,
        /// How.
        behaviour: OwnerBehaviour,
    },
    /// When the fault ends, the disks of these validators are as they were when it began.
    Rollback(Targets),
    /// Validators go over to another number of workers: no fault, but as timed as one.
    Resize(ResizePlan),
    /// The clocks of these nodes are off.
    Clock {
        /// Which.
        targets: Targets,
        /// How far.
        skew: ClockSkew,
    },
}

/// A link that a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkPlan {
    /// Between wallets and validators, in both directions.
    Clients {
        /// The chains of the wallets.
        chains: ChainSet,
        /// The one owner whose wallets are meant; everybody's if `None`.
        owner: Option<OwnerIndex>,
        /// The validators, ascending.
        validators: Vec<ValidatorIndex>,
    },
    /// Between workers of one validator, in both directions.
    Workers {
        /// The validator.
        validator: ValidatorIndex,
        /// The workers of one side, ascending.
        left: Vec<WorkerIndex>,
        /// The workers of the other side, ascending.
        right: Vec<WorkerIndex>,
    },
}

/// The nodes that a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Whole validators, ascending.
    Validators(Vec<ValidatorIndex>),
    /// Workers, ascending.
    Workers(Vec<(ValidatorIndex, WorkerIndex)>),
    /// The wallets of chains: of one owner, or of all.
    Wallets(ChainSet, Option<OwnerIndex>),
}

/// Where in a step a node stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// Between two steps.
    BetweenSteps,
    /// Inside the first step that begins at or after the fault, after so many of its outputs.
    AfterOutputs(u32),
}
