//! What a person may write about workloads.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AMOUNT, ApproveSpec, BundleSpec, CallSpec, DISTRIBUTION, DURATION, PermissionsSpec, PolicySpec,
    RATE, TransferFromSpec,
};

/// What some users do: a script, or arrivals at a rate, or users that act and think in turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSpec {
    /// The name.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Steps, each with one action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<Vec<StepSpec>>,
    /// Arrivals at a rate, whatever became of the ones before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenSpec>,
    /// Users that wait for their action to end, think, and act again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<ClosedSpec>,
    /// The chains that act, such as `user/*` (not for scripts).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chains: Option<String>,
    /// Action: send tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferSpec>,
    /// Action: send several messages to another chain at once, of any kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_bundle: Option<BundleSpec>,
    /// Action: ask for tokens of one's account on another chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimSpec>,
    /// Action: hand a payment in to a public chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submit: Option<SubmitSpec>,
    /// Action: ask something of an application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CallSpec>,
    /// Action: take in waiting messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_inbox: Option<bool>,
    /// Only in this variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// A payment to many chains in one block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AirdropSpec {
    /// The chains that get it, such as `user/*`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many tokens each of them gets, such as `"0.01"`.
    #[schemars(required, regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}

/// One step of a script: when, which chain, and one action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// At this instant.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// `inbox`: as soon as a message waits for the chain.
    #[schemars(extend("enum" = ["inbox"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// `prev`: when the step before has ended; or a duration after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The chain whose wallet acts.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// The owner that acts; the first one if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Action: send tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferSpec>,
    /// Action: send several messages to another chain at once, of any kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_bundle: Option<BundleSpec>,
    /// Action: ask for tokens of one's account on another chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimSpec>,
    /// Action: hand a payment in to a public chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submit: Option<SubmitSpec>,
    /// Action: let somebody spend from one's own account on the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve: Option<ApproveSpec>,
    /// Action: spend from the account of somebody who lets one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_from: Option<TransferFromSpec>,
    /// Action: open a chain. Together with `call`: the chain that the application opens, of which only
    /// `name`, owners and `inbox` are said here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_chain: Option<OpenChainSpec>,
    /// Action: ask something of an application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CallSpec>,
    /// Action: take in waiting messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_inbox: Option<bool>,
    /// Action: pay many chains the same in one block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub airdrop: Option<AirdropSpec>,
    /// Action: take in the newest waiting message of each sender, and jump over those before it that
    /// may be jumped over: they can never be taken in again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take_newest: Option<bool>,
    /// Action: give the chain other owners, from the next height on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_ownership: Option<OwnershipSpec>,
    /// Action: close the chain for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_chain: Option<bool>,
    /// Action: change what applications may do on the chain, from the next block on; together with
    /// `close_chain`, one block does both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_permissions: Option<PermissionsSpec>,
    /// Action, on the admin chain: begin an epoch with these validators and voting weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_committee: Option<BTreeMap<String, u64>>,
    /// With `new_committee`: what blocks cost from that epoch on, as in `[network]`; as at the
    /// beginning if not given.
    #[schemars(extend("enum" = ["no-fees", "only-fuel", "testnet"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fees: Option<String>,
    /// With `new_committee`: own prices and limits, as in `[network]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicySpec>,
    /// Action, on the admin chain: revoke an epoch; the first one is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke_epoch: Option<u64>,
    /// Action: publish a blob of data, or several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_blob: Option<BlobSpec>,
    /// Action: put on record that a blob exists; the step fails if nobody has published it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_blob: Option<BlobSpec>,
    /// Only in this variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// A blob of data, whose bytes follow from its name and size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlobSpec {
    /// The name: letters, digits, `-` and `_`; `name/2` for one of several.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many bytes; 100 if not given.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// To publish so many at once, `name/0`, `name/1`, ...
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// Send tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferSpec {
    /// A chain, `owner@chain`, `own@chain` (the account of who acts), or a choice such as `uniform(user/*)`, `zipf(user/*, s=1.1)`,
    /// `weighted(shop: 9, user/*: 1)`, `sticky(user/*)` or `in-turn(user/*)`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many tokens.
    #[schemars(required, regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// The owner whose account on the chain pays; the chain's own balance if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_owner: Option<String>,
}

/// Hand a payment in to a public chain: from one's own account there, in the order of one's steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitSpec {
    /// The public chain.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Who gets it, as in a transfer.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many tokens.
    #[schemars(required, regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}

/// Ask for tokens of an owner's account on another chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimSpec {
    /// The account, `owner@chain`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// A chain or `owner@chain`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many tokens.
    #[schemars(required, regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}

/// Who owns a chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnershipSpec {
    /// Regular owners and their weights, such as `{ ana = 1, ben = 1 }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owners: Option<BTreeMap<String, u64>>,
    /// Owners that may use the fast round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub super_owners: Option<Vec<String>>,
    /// The owner that leads the first single-leader round; drawn by weight if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_leader: Option<String>,
    /// Rounds in which every owner may propose; 5 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_leader_rounds: Option<u64>,
    /// How long the first round with a timer lasts; `"10s"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_timeout: Option<String>,
    /// How long the fast round lasts; without end if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fast_round: Option<String>,
}

/// Open a chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenChainSpec {
    /// Its name; later steps and expectations may use it.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The tokens that it starts with, paid by the opening chain; `"0"` if not given.
    #[schemars(regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<String>,
    /// Regular owners and their weights; the acting owner if no owners are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owners: Option<BTreeMap<String, u64>>,
    /// Owners that may use the fast round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub super_owners: Option<Vec<String>>,
    /// Rounds in which every owner may propose; 5 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_leader_rounds: Option<u64>,
    /// How long the first round with a timer lasts; `"10s"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_timeout: Option<String>,
    /// `manual` or `auto`, as for the chains of the scenario.
    #[schemars(extend("enum" = ["manual", "auto"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbox: Option<String>,
    /// What applications may do on it; everything if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<PermissionsSpec>,
}

/// Arrivals at a rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSpec {
    /// How the gaps between arrivals are drawn: `poisson`, `uniform` (0 to twice the mean) or
    /// `constant`.
    #[schemars(required, extend("enum" = ["poisson", "uniform", "constant"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<String>,
    /// Such as `"40/s"` or `"ramp(10s: 500/s, 60s: 6000/s)"`.
    #[schemars(required, regex(pattern = RATE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// When arrivals begin; `"0s"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When they end; the duration of the run if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Which chain acts: `random` (drawn for each arrival), `in-turn`, or `once` (in turn, and the
    /// arrivals end when every chain has acted); `random` if not given.
    #[schemars(extend("enum" = ["random", "in-turn", "once"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visit: Option<String>,
}

/// Users that act, wait for the end, think, and act again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosedSpec {
    /// How many, or which owners, such as `["ana", "ben"]`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Value>,
    /// The time between the end of one action and the next.
    #[schemars(required, regex(pattern = DISTRIBUTION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub think: Option<String>,
    /// When they begin; `"0s"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// No action begins after this; the duration of the run if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}
