//! A scenario with every default filled in and every name resolved: what a world is built from.
//!
//! Owns the plan's types. Invariants: every index is in range, every distribution has a table,
//! times are engine times, amounts are protocol amounts, and entries that belong to another variant
//! are gone. Knows nothing of text: names stay only where people will read them again.

mod action;
mod applications;
mod arrivals;
mod bundle;
mod elastic;
mod faults;
mod index;
mod permissions;
mod recipients;
mod web;

use engine::{ClockSkew, Distribution, Ratio, VirtualDuration, VirtualTime};
use protocol::{
    Amount, TimeDelta, client::MessagePolicy, policy::ResourceControlPolicy,
    worker::DeliveryOptions,
};

use crate::expression::Expression;

pub use action::{Account, Action, BlobPlan};
pub use applications::{ApplicationPlan, CallPlan, ModulePlan, Part, Says, TextPlan};
pub use arrivals::{ArrivalCursor, Gaps, OpenPlan, RatePoint, Visit};
pub use bundle::{BundlePlan, ContentPlan, MessagePlan};
pub use elastic::{AutoscalePlan, ResizeManner, ResizePlan};
pub use faults::{CrashPoint, FaultKind, FaultPlan, LinkPlan, Targets};
pub use index::{
    ApplicationIndex, ChainIndex, ChainSet, FaultIndex, GroupIndex, OwnerIndex, RegionIndex,
    ValidatorIndex, WorkerIndex,
};
pub use permissions::PermissionsPlan;
pub use recipients::{Chooser, WeightedPart};
pub use web::WebAnswerPlan;

/// A whole run, ready to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The scenario's name, such as `lanes`.
    pub name: String,
    /// One sentence on what happens; may be empty.
    pub about: String,
    /// The statement that the expectations test; may be empty.
    pub claim: String,
    /// The variant that was chosen, if any.
    pub variant: Option<String>,
    /// The seed of every draw.
    pub seed: u64,
    /// How much virtual time is simulated.
    pub duration: VirtualDuration,
    /// What is scheduled before this instant is left out of metrics.
    pub warmup: VirtualDuration,
    /// How signatures are made.
    pub signatures: Signatures,
    /// Names of the regions, by [`RegionIndex`]; at least one.
    pub regions: Vec<String>,
    /// The links.
    pub network: NetworkPlan,
    /// The validators `v1`, `v2`, ..., by [`ValidatorIndex`].
    pub validators: Vec<ValidatorPlan>,
    /// How messages go from worker to worker.
    pub delivery: DeliveryOptions,
    /// Names of the owners, by [`OwnerIndex`]. An owner is one wallet's key, whatever chains it
    /// owns. A further wallet with the same key has the owner's name with a number, `ana#2`.
    pub owners: Vec<String>,
    /// The groups that chains were declared in, by [`GroupIndex`].
    pub groups: Vec<GroupPlan>,
    /// The chains, by [`ChainIndex`]: those of the genesis first, then those that scripts open.
    pub chains: Vec<ChainPlan>,
    /// Applications that are created, by [`ApplicationIndex`].
    pub applications: Vec<ApplicationPlan>,
    /// What web servers answer to applications.
    pub web: Vec<WebAnswerPlan>,
    /// What users do.
    pub workloads: Vec<WorkloadPlan>,
    /// What goes wrong, by [`FaultIndex`].
    pub faults: Vec<FaultPlan>,
    /// What must hold.
    pub expectations: Vec<ExpectationPlan>,
    /// Checks of the protocol that this run is meant to break, by name.
    pub breaks: Vec<String>,
    /// What the run leaves behind.
    pub output: OutputPlan,
    /// What ends a run that goes on for too long.
    pub limits: Limits,
}

impl Plan {
    /// The plan of a chain.
    ///
    /// # Panics
    /// If `chain` comes from another plan.
    pub fn chain(&self, chain: ChainIndex) -> &ChainPlan {
        &self.chains[chain.position()]
    }

    /// The chains that exist when the run begins.
    pub fn genesis_chains(&self) -> impl Iterator<Item = (ChainIndex, &ChainPlan)> {
        self.chains
            .iter()
            .enumerate()
            .filter_map(|(position, chain)| match chain.origin {
                ChainOrigin::Genesis => Some((ChainIndex::at(position), chain)),
                ChainOrigin::Opened { .. } => None,
            })
    }

    /// Whether an application opens a chain.
    pub fn is_opened_by_call(&self, chain: ChainIndex) -> bool {
        let opens = |step: &StepPlan| match &step.action {
            Action::Call(call) => call.opens == Some(chain),
            _ => false,
        };
        self.workloads.iter().any(|workload| match &workload.kind {
            WorkloadKind::Script(steps) => steps.iter().any(opens),
            WorkloadKind::Open(..) | WorkloadKind::Closed(..) => false,
        })
    }

    /// The name of an owner.
    ///
    /// # Panics
    /// If `owner` comes from another plan.
    pub fn owner_name(&self, owner: OwnerIndex) -> &str {
        &self.owners[owner.position()]
    }

    /// The name of the owner whose key a wallet has: `ana` also for the wallet `ana#2`.
    ///
    /// # Panics
    /// If `owner` comes from another plan.
    pub fn key_name(&self, owner: OwnerIndex) -> &str {
        crate::names::key_name(self.owner_name(owner))
    }

    /// The sum of the validators' voting weights in the first committee.
    pub fn total_weight(&self) -> u64 {
        self.validators
            .iter()
            .map(|validator| validator.weight)
            .sum()
    }

    /// The voting weight that confirms a block: more than two thirds of all.
    pub fn quorum_weight(&self) -> u64 {
        self.total_weight() * 2 / 3 + 1
    }

    /// The end of the run.
    pub fn end(&self) -> VirtualTime {
        VirtualTime::ZERO.saturating_add(self.duration)
    }
}

/// How signatures are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// Real ones.
    Ed25519,
    /// Values that only the holder of the key can make, at the same cost in virtual time.
    Modeled,
}

/// The links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkPlan {
    /// One-way delay between a wallet and a validator: row by wallet region, column by validator
    /// region. Use [`NetworkPlan::client_latency`].
    pub client_latencies: Vec<Vec<Distribution>>,
    /// One-way delay between two workers of one validator.
    pub worker_latency: Distribution,
    /// Share of messages between wallets and validators that gets lost.
    pub client_loss: Ratio,
    /// Share of messages between workers that gets lost.
    pub worker_loss: Ratio,
    /// Share of messages between wallets and validators that arrives twice.
    pub client_duplicate: Ratio,
    /// Share of messages between workers that arrives twice.
    pub worker_duplicate: Ratio,
    /// No message between a wallet and a validator takes less.
    pub floor: VirtualDuration,
    /// What blocks of the first epoch cost, and how large they may be.
    pub policy: ResourceControlPolicy,
}

impl NetworkPlan {
    /// The one-way delay between a wallet and a validator, in either direction.
    ///
    /// # Panics
    /// If a region comes from another plan.
    pub fn client_latency(&self, wallet: RegionIndex, validator: RegionIndex) -> &Distribution {
        &self.client_latencies[wallet.position()][validator.position()]
    }
}

/// One validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorPlan {
    /// `v1`, `v2`, ...
    pub name: String,
    /// Its voting weight in the first committee; 0 if it is no member.
    pub weight: u64,
    /// Where it stands.
    pub region: RegionIndex,
    /// How many workers `w1`, `w2`, ... it has.
    pub workers: u32,
    /// How it finds out how many workers it needs, if it does.
    pub autoscale: Option<AutoscalePlan>,
    /// What work costs there.
    pub service: ServicePlan,
    /// How far its clock is off.
    pub clock: ClockSkew,
}

/// The virtual time that a worker is busy with one request of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePlan {
    /// Executing a proposed block and signing a vote.
    pub propose: Distribution,
    /// Checking a validated certificate and signing a vote.
    pub validated: Distribution,
    /// Checking a confirmed certificate and applying its block.
    pub confirmed: Distribution,
    /// Handling one cross-chain request.
    pub cross_chain: Distribution,
    /// Answering a query.
    pub query: Distribution,
    /// Loading a chain that another worker held.
    pub load: Distribution,
}

/// A group of chains, as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlan {
    /// Its name, such as `user`.
    pub name: String,
    /// Its chains.
    pub chains: ChainSet,
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainPlan {
    /// Its name, such as `A` or `user/17`.
    pub name: String,
    /// The group that it was declared in.
    pub group: GroupIndex,
    /// Its number in that group.
    pub position: u32,
    /// Tokens at the start.
    pub balance: Amount,
    /// Its owners, super owners first; at least one. The first one acts where none is named.
    pub owners: Vec<OwnerPlan>,
    /// Rounds in which every owner may propose.
    pub multi_leader_rounds: u32,
    /// How long the first round with a timer lasts.
    pub round_timeout: TimeDelta,
    /// Who leads the first single-leader round, if fixed.
    pub first_leader: Option<OwnerIndex>,
    /// How long the fast round lasts; `None`: without end.
    pub fast_round: Option<TimeDelta>,
    /// Whether anybody may propose in multi-leader rounds.
    pub open_rounds: bool,
    /// How long after the next epoch has begun the validators may take it over; `None`: never.
    pub fallback: Option<TimeDelta>,
    /// The validators, each of which then has a wallet for it.
    pub stand_ins: Vec<OwnerIndex>,
    /// Guests, further wallets of owners, and whom steps of the script make owners later: they have
    /// wallets from the beginning.
    pub later_owners: Vec<OwnerIndex>,
    /// Where its wallet stands.
    pub region: RegionIndex,
    /// When waiting messages are taken in.
    pub inbox: InboxPolicy,
    /// What is done with them.
    pub message_policy: MessagePolicy,
    /// Whether its blocks create and revoke committees.
    pub admin: bool,
    /// Whether nobody owns it: what stands as its owners are then the validators.
    pub public: bool,
    /// Where it comes from.
    pub origin: ChainOrigin,
    /// What applications may do on it at first; `None`: everything.
    pub permissions: Option<PermissionsPlan>,
}

/// An owner of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerPlan {
    /// Who.
    pub owner: OwnerIndex,
    /// The weight in the choice of leaders; 0 for super owners.
    pub weight: u64,
    /// Whether the owner may use the fast round.
    pub is_super: bool,
}

/// Who owns a chain from some height on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnershipPlan {
    /// The owners, super owners first; none of a public chain.
    pub owners: Vec<OwnerPlan>,
    /// Rounds in which every owner may propose.
    pub multi_leader_rounds: u32,
    /// How long the first round with a timer lasts.
    pub round_timeout: TimeDelta,
    /// Who leads the first single-leader round, if fixed.
    pub first_leader: Option<OwnerIndex>,
    /// How long the fast round lasts; `None`: without end.
    pub fast_round: Option<TimeDelta>,
    /// How long after the next epoch has begun the validators may take it over; `None`: never.
    pub fallback: Option<TimeDelta>,
    /// Whether anybody may propose in multi-leader rounds.
    pub open_rounds: bool,
}

impl ChainPlan {
    /// Who owns it at first.
    pub fn ownership(&self) -> OwnershipPlan {
        OwnershipPlan {
            owners: if self.public {
                Vec::new()
            } else {
                self.owners.clone()
            },
            multi_leader_rounds: self.multi_leader_rounds,
            round_timeout: self.round_timeout,
            first_leader: self.first_leader,
            fast_round: self.fast_round,
            fallback: self.fallback,
            open_rounds: self.open_rounds,
        }
    }
}

/// When a wallet takes waiting messages in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxPolicy {
    /// With the chain's next block, whatever proposes it.
    Manual,
    /// Also by itself, as soon as a message waits.
    Auto,
}

/// Where a chain comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainOrigin {
    /// It is there when the run begins.
    Genesis,
    /// A step of a script opens it; its balance is paid by the chain of that step.
    Opened {
        /// The chain whose step opens it.
        parent: ChainIndex,
    },
}

/// What some users do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadPlan {
    /// Its name.
    pub name: String,
    /// What makes them act, and what they do.
    pub kind: WorkloadKind,
}

/// What makes users act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkloadKind {
    /// Steps in the order of the file, each with its own trigger.
    Script(Vec<StepPlan>),
    /// Arrivals at a rate.
    Open(OpenPlan, Action),
    /// Users that act, wait, think and act again.
    Closed(ClosedPlan, Action),
}

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepPlan {
    /// When.
    pub trigger: Trigger,
    /// The chain whose wallet acts.
    pub chain: ChainIndex,
    /// The owner that acts.
    pub owner: OwnerIndex,
    /// What it does.
    pub action: Action,
}

/// When a step begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// At an instant.
    At(VirtualTime),
    /// As soon as a message waits for the step's chain, and not before the step that precedes it
    /// on the same chain has ended.
    InboxNotEmpty,
    /// So long after the step before has ended.
    AfterPrevious(VirtualDuration),
}

/// Users that act, wait for the end, think, and act again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedPlan {
    /// The users; at least one.
    pub users: Vec<ClosedUser>,
    /// The time between the end of one action and the next.
    pub think: Distribution,
    /// When they begin.
    pub from: VirtualTime,
    /// No action begins at or after this.
    pub until: VirtualTime,
}

/// One user of a closed workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedUser {
    /// The chain that the user acts on.
    pub chain: ChainIndex,
    /// The owner that the user is.
    pub owner: OwnerIndex,
}

/// What must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationPlan {
    /// What it says, for people.
    pub name: String,
    /// When it must hold.
    pub kind: ExpectationKind,
    /// What must hold; a truth value.
    pub expression: Expression,
}

/// When an expectation must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectationKind {
    /// At the end of the run.
    Finally,
    /// At every instant that is looked at.
    Always,
    /// At some instant from `after` to `deadline`, both included. If the run ends before the
    /// deadline without it, the verdict is inconclusive.
    Eventually {
        /// From here on.
        after: VirtualTime,
        /// Until here.
        deadline: VirtualTime,
    },
    /// About rates and percentiles, when the run is over.
    Metric,
}

/// What a run leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPlan {
    /// How much of the merged event trace is kept.
    pub trace: TraceMode,
    /// Whether tables are written as CSV.
    pub csv: bool,
    /// The file names of the pictures, such as `lanes.svg`, in the order of the file.
    pub figures: Vec<String>,
}

/// How much of the merged event trace is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceMode {
    /// All of it.
    Full,
    /// A share of it.
    Sampled(Ratio),
    /// Nothing but the hash.
    Off,
}

/// What ends a run that goes on for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most events that are handled.
    pub events: u64,
    /// The most events that wait at one instant.
    pub pending: u64,
}
