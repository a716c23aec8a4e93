//! Exactly what a person may write in a scenario file, and nothing more.
//!
//! Owns the keys of format 1: the JSON Schema for editors is generated from these types, and their
//! documentation is what an editor shows on hover. Everything is optional here, because a file with
//! mistakes is read too; what must be there is marked in the schema and reported by the checker.
//! Quantities stay text until they are resolved. Knows nothing of what the keys mean together.

mod allowances;
mod applications;
mod bundle;
mod delivery;
mod elastic;
mod fees;
mod permissions;
mod workload;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use allowances::{ApproveSpec, TransferFromSpec};
pub use applications::{ApplicationSpec, CallSpec};
pub use bundle::{BundleSpec, MessageSpec};
pub use delivery::DeliverySpec;
pub use elastic::{AutoscaleSpec, ResizeSpec};
pub use fees::PolicySpec;
pub use permissions::PermissionsSpec;
pub use workload::{
    AirdropSpec, BlobSpec, ClaimSpec, ClosedSpec, OpenChainSpec, OpenSpec, OwnershipSpec, StepSpec,
    SubmitSpec, TransferSpec, WorkloadSpec,
};

/// How a span of virtual time is written.
pub(crate) const DURATION: &str = r"^[0-9][0-9_]*(\.[0-9]+)?(ns|us|ms|s|m|h)$";
/// How a signed span of virtual time is written.
pub(crate) const SIGNED_DURATION: &str = r"^[+-]?[0-9][0-9_]*(\.[0-9]+)?(ns|us|ms|s|m|h)$";
/// How an amount of tokens is written.
pub(crate) const AMOUNT: &str = r"^[0-9][0-9_]*(\.[0-9]+)?$";
/// How a share is written.
pub(crate) const RATIO: &str = r"^([0-9][0-9_]*(\.[0-9]+)?%|[0-9]+/[0-9]+)$";
/// How a distribution over spans of time is written.
pub(crate) const DISTRIBUTION: &str = r"^([0-9][0-9_]*(\.[0-9]+)?(ns|us|ms|s|m|h)|(constant|exp|normal|lognormal|uniform|pareto|mix)\(.+\))$";
/// How a distribution is written where `regional` may stand instead.
pub(crate) const REGIONAL: &str = r"^(regional|[0-9][0-9_]*(\.[0-9]+)?(ns|us|ms|s|m|h)|(constant|exp|normal|lognormal|uniform|pareto|mix)\(.+\))$";
/// How a rate of arrivals is written.
pub(crate) const RATE: &str = r"^([0-9][0-9_]*(\.[0-9]+)?/(ms|s|m|h)|ramp\(.+\))$";

/// A scenario: a network, validators, chains, what they do, what goes wrong, and what must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Scenario")]
pub struct Spec {
    /// The version of this format: 1.
    #[schemars(required, extend("enum" = [1]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<u64>,
    /// The name of the scenario: letters, digits, `-`, `_` and `.`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One sentence on what happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The statement that the expectations test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The seed of every draw.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How much virtual time is simulated.
    #[schemars(required, regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// What is scheduled before this instant is left out of every metric; `"0s"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup: Option<String>,
    /// `ed25519`: real signatures. `modeled`: unforgeable values that cost host time close to
    /// nothing and the same virtual time.
    #[schemars(extend("enum" = ["ed25519", "modeled"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signatures: Option<String>,
    /// The links.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkSpec>,
    /// The validators and their workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validators: Option<ValidatorsSpec>,
    /// How messages go from worker to worker inside a validator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliverySpec>,
    /// Groups of chains, each with one user's wallet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chains: Vec<ChainSpec>,
    /// Applications, each created once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<ApplicationSpec>,
    /// What the users do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workload: Vec<WorkloadSpec>,
    /// What goes wrong, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultSpec>,
    /// What must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<ExpectSpec>,
    /// Checks of the protocol that this run is meant to break, such as `"I-1 CommitAgreement"`: each
    /// must break, and then does not fail the run. For runs beyond the protocol's assumptions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaks: Vec<String>,
    /// What a run leaves behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputSpec>,
    /// What ends a run that goes on for too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsSpec>,
    /// Named changes to this scenario, chosen with `--variant`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantSpec>,
    /// Used by `sweep`, ignored by `run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepSpec>,
}

/// The links: wallet to validator, and worker to worker inside a validator. There is none between
/// validators.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// One-way delays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencySpec>,
    /// One-way delays between regions, used where the client latency is `"regional"`: `same` for
    /// within one region, `eu-us` for a pair in either direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regional: Option<BTreeMap<String, String>>,
    /// The share of messages that get lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<LinkRatioSpec>,
    /// The share of messages that arrive twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<LinkRatioSpec>,
    /// No message between a wallet and a validator takes less than this; `"1ms"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<String>,
    /// What blocks cost and how large they may be: `no-fees`, `only-fuel` or `testnet`; `no-fees` if
    /// not given.
    #[schemars(extend("enum" = ["no-fees", "only-fuel", "testnet"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fees: Option<String>,
    /// Own prices and limits, each instead of the one of `fees`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicySpec>,
}

/// One-way delays by kind of link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencySpec {
    /// Between a wallet and a validator: a duration, a distribution, or `regional`.
    #[schemars(regex(pattern = REGIONAL))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Between two workers of one validator: a duration or a distribution.
    #[schemars(regex(pattern = DISTRIBUTION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// A share of messages by kind of link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkRatioSpec {
    /// Between a wallet and a validator, such as `"0.5%"`.
    #[schemars(regex(pattern = RATIO))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Between two workers of one validator, such as `"0.5%"`.
    #[schemars(regex(pattern = RATIO))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// The validators `v1`, `v2`, ..., each with the workers `w1`, `w2`, ...
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidatorsSpec {
    /// How many validators.
    #[schemars(required, range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How many workers each validator has; 1 if not given.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<u64>,
    /// Validators with another number of workers, such as `{ v1 = 6 }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_workers: Option<BTreeMap<String, u64>>,
    /// Validators find out for themselves how many workers they need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<AutoscaleSpec>,
    /// Voting weights by validator, such as `{ v1 = 3 }`; 1 for those not named. 0: it stands by, for
    /// a later committee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<BTreeMap<String, u64>>,
    /// How many validators stand in each region, in the order of the names `v1`, `v2`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<BTreeMap<String, u64>>,
    /// What work costs, in virtual time of one worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceSpec>,
    /// How far a validator's clock is off, such as `{ v2 = "-300ms" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_skew: Option<BTreeMap<String, String>>,
}

/// The virtual time that a worker is busy with one request of each kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// Executing a proposed block and signing a vote.
    #[schemars(regex(pattern = DISTRIBUTION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propose: Option<String>,
    /// Checking a validated certificate and signing a vote.
    #[schemars(regex(pattern = DISTRIBUTION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validated: Option<String>,
    /// Checking a confirmed certificate and applying its block.
    #[schemars(regex(pattern = DISTRIBUTION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<String>,
    /// Handling one cross-chain request from another worker.
    #[schemars(regex(pattern = DISTRIBUTION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_chain: Option<String>,
    /// Answering a query of a chain's state.
    #[schemars(regex(pattern = DISTRIBUTION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Loading a chain that another worker held.
    #[schemars(regex(pattern = DISTRIBUTION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<String>,
}

/// One chain, or `count` alike chains called `name/0`, `name/1`, ...
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainSpec {
    /// The name: letters, digits, `-` and `_`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many; without it there is one chain, and its name has no number.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The tokens that each of them starts with; `"0"` if not given.
    #[schemars(regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<String>,
    /// Regular owners and their weights, such as `{ ana = 1, ben = 1 }`; without any owners there
    /// is one, named as the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owners: Option<BTreeMap<String, u64>>,
    /// Owners that may use the fast round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub super_owners: Option<Vec<String>>,
    /// What the one owner named as the chain is: `regular` (two round trips a block) or `super`
    /// (one). Not together with `owners` or `super_owners`.
    #[schemars(extend("enum" = ["regular", "super"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// It is the admin chain: its blocks create and revoke committees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    /// Nobody owns it: validators take turns and put into its blocks what users submit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// Rounds in which every owner may propose; 5 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_leader_rounds: Option<u64>,
    /// How long the first round with a timer lasts; `"10s"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_timeout: Option<String>,
    /// The owner that leads the first single-leader round; drawn by weight if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_leader: Option<String>,
    /// How long the fast round lasts before regular owners may end it; without end if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fast_round: Option<String>,
    /// How long after the next epoch has begun the validators may take the chain over, if its owners
    /// have not led it there; never if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// Whether anybody may propose in multi-leader rounds, owner or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_multi_leader_rounds: Option<bool>,
    /// People who have wallets for the chain without owning it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guests: Option<Vec<String>>,
    /// How many wallets owners have, all with the owner's key, such as `{ ana = 2 }`: the second one
    /// is called `ana#2`. One each if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallets: Option<BTreeMap<String, u64>>,
    /// Where the wallets stand, by weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<BTreeMap<String, u64>>,
    /// `manual`: waiting messages are taken in by the chain's next block. `auto`: the wallet also
    /// proposes a block as soon as a message waits.
    #[schemars(extend("enum" = ["manual", "auto"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbox: Option<String>,
    /// What is done with waiting messages: `accept` those that can be executed, `reject` all that may
    /// be rejected, or `ignore` them; `accept` if not given.
    #[schemars(extend("enum" = ["accept", "reject", "ignore"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_policy: Option<String>,
    /// What applications may do on it; everything if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<PermissionsSpec>,
}

/// Something that goes wrong: when, for how long, and one action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// The name.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it begins.
    #[schemars(required, regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// How long it lasts; to the end of the run if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#for: Option<String>,
    /// Action: nothing passes on a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<LinkSpec>,
    /// Action: stop, losing everything that was not persisted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash: Option<CrashSpec>,
    /// Action: be slow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow: Option<SlowSpec>,
    /// Action: lose a share of the messages on a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossSpec>,
    /// Action: a wrong clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockSpec>,
    /// Action: go over to another number of workers. No fault, but as timed as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize: Option<ResizeSpec>,
    /// Action: break the rules of the protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byzantine: Option<ByzantineSpec>,
    /// Only in this variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// A link: wallets to validators, or worker to worker inside a validator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// The two ends: `["clients", "v3"]`, `["user/[0..10]", "v*"]`; with `inside`:
    /// `["w1", "w2"]`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<Vec<String>>,
    /// The validator, for a link between its workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
}

/// A share of the messages on a link gets lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossSpec {
    /// The two ends, as for a partition.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<Vec<String>>,
    /// The validator, for a link between its workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
    /// The share.
    #[schemars(required, regex(pattern = RATIO))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<String>,
}

/// Stop, losing everything that was not persisted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrashSpec {
    /// Whole validators, such as `v2` or `v*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validators: Option<String>,
    /// Workers, such as `v1/w2` or `v1/w*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<String>,
    /// The wallets of these chains, such as `user/[0..10]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chains: Option<String>,
    /// The share of them that stops, the first ones; all if not given.
    #[schemars(regex(pattern = RATIO))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraction: Option<String>,
    /// They come back after this; without it (and without `for`) they do not.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// Stop inside a step, after so many of its outputs; without it between two steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_outputs: Option<u64>,
    /// They come back without their disks. For wallets only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loses_disk: Option<bool>,
}

/// Be slow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowSpec {
    /// Whole validators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validators: Option<String>,
    /// Workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<String>,
    /// The wallets of these chains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chains: Option<String>,
    /// Added to the delay of every message that they send or get.
    #[schemars(regex(pattern = DISTRIBUTION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
    /// Work takes so many times as long.
    #[schemars(range(min = 2))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<u64>,
}

/// Break the rules of the protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByzantineSpec {
    /// Whole validators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validators: Option<String>,
    /// Single workers, which can only roll back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<String>,
    /// The wallets of these chains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chains: Option<String>,
    /// How. Validators: `silent`, `withholds-votes`, `equivocates`, `amnesiac`, `executes-wrongly`,
    /// `signs-timeouts-early`, `lies-about-log`, `answers-stale`, `rolls-back`. Wallets: `two-faced`,
    /// `rushes`, `drags`, `burns-rounds`, `ends-rounds`, `withholds-certificates`,
    /// `forges-certificates`, `stuffs-blobs`, `forges-bundles`, `jumps-over`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<String>,
}

/// A wrong clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockSpec {
    /// Whole validators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validators: Option<String>,
    /// The wallets of these chains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chains: Option<String>,
    /// How far the clock is off, such as `"+2s"` or `"-300ms"`.
    #[schemars(required, regex(pattern = SIGNED_DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skew: Option<String>,
}

/// What must hold: one of `finally`, `always`, `eventually` and `metric`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectSpec {
    /// What the expectation says, for people.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// At the end of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finally: Option<String>,
    /// All the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub always: Option<String>,
    /// At some instant before a deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eventually: Option<EventuallySpec>,
    /// About rates and percentiles over a stretch of time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Only in this variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// At some instant before a deadline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventuallySpec {
    /// What must hold.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
    /// The time counts from the end of this fault, or from this instant; from the start if not
    /// given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// So much time it may take.
    #[schemars(required, regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
}

/// What a run leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// The merged event trace: `full`, `sampled(5%)` or `off`. Metrics use every event anyway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The kinds of tables: `csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<String>>,
    /// The pictures, such as `lanes.svg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<Vec<String>>,
}

/// What ends a run that goes on for too long, with an outcome of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// The most events that are handled.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// The most events that wait at one instant.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<u64>,
}

/// A named change to the scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantSpec {
    /// The name; steps, workloads, faults and expectations may be limited to it.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Keys that get another value, such as `{ "chains.*.owner" = "super" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<BTreeMap<String, Value>>,
}

/// Used by `sweep`, ignored by `run`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepSpec {
    /// The seeds, such as `"1..=20"`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeds: Option<String>,
    /// The variants to run; the scenario as it is if none are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variants: Option<Vec<String>>,
    /// The part of what the most loaded worker allows that every point must reach, such as `"90%"`.
    #[schemars(regex(pattern = RATIO))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_bound: Option<String>,
    /// Keys and the values that each takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axes: Option<BTreeMap<String, Vec<Value>>>,
}
