//! The tables of a run: plain rows with names instead of ids, times in virtual microseconds.
//!
//! Owns the shape of what leaves a run as data. Every chart and every picture is a function of
//! these rows. Knows nothing of files or drawing. A time that is `None` did not happen.

use serde::{Deserialize, Serialize};

/// Everything that pictures, charts and tables are made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tables {
    /// One row about the whole run.
    pub run: RunRow,
    /// The chains, in the order of the scenario (opened chains follow, in order of opening).
    pub chains: Vec<ChainRow>,
    /// Confirmed and still pending blocks, by (chain, height).
    pub blocks: Vec<BlockRow>,
    /// Cross-chain messages, by (sender chain, height, index).
    pub messages: Vec<MessageRow>,
    /// Validators' workers over time, one row a worker and sampling instant.
    pub workers: Vec<WorkerRow>,
    /// How many workers each validator has: at first, then every change.
    #[serde(default)]
    pub scaling: Vec<ScalingRow>,
    /// The injected faults, in the order of the scenario.
    pub faults: Vec<FaultRow>,
    /// The expectations and what became of them.
    pub expectations: Vec<ExpectationRow>,
    /// The voting rules, in their order, and whether the run has tried them.
    pub rules: Vec<RuleRow>,
}

/// What the whole run was and gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// Scenario name, such as `lanes`.
    pub scenario: String,
    /// Variant of the scenario, if any.
    pub variant: Option<String>,
    /// The seed of every draw.
    pub seed: u64,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: String,
    /// Root of the trace hash, in hex.
    pub trace_hash: String,
    /// Events that the engine handled.
    pub events: u64,
    /// Virtual time at the end of the run.
    pub virtual_us: i64,
    /// Metrics leave out what was scheduled before this instant.
    pub warmup_us: i64,
    /// Number of validators.
    pub validators: u32,
    /// Worker shards over all validators at the start.
    pub workers: u32,
    /// Number of user chains at the end.
    pub chains: u64,
    /// Confirmed blocks.
    pub blocks: u64,
    /// Messages sent by confirmed blocks.
    pub messages: u64,
}

/// One chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainRow {
    /// Name, such as `A` or `user/17`.
    pub chain: String,
    /// Name of the group that it was declared in, such as `user` (or its own name).
    pub group: String,
    /// The chain's id in hex.
    pub chain_id: String,
    /// When it was opened (0 for the chains of the scenario).
    pub opened_us: i64,
    /// Confirmed blocks.
    pub blocks: u64,
    /// Messages that its confirmed blocks sent.
    pub sent: u64,
    /// Messages that its confirmed blocks took in.
    pub received: u64,
    /// Balance at the end, all accounts of the chain together, in attos as decimal text.
    pub balance_attos: String,
}

/// One block, confirmed or still pending at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRow {
    /// Chain name.
    pub chain: String,
    /// Height on that chain.
    pub height: u64,
    /// Owner that proposed it.
    pub proposer: String,
    /// Round in which it was confirmed (or last proposed): `fast`, `ml-0`, `sl-2`, `v-1`.
    pub round: String,
    /// When the workload asked for it (the open-loop instant).
    pub scheduled_us: Option<i64>,
    /// When it was first proposed.
    pub proposed_us: i64,
    /// When its owner held a quorum of confirm votes.
    pub confirmed_us: Option<i64>,
    /// Operations in it.
    pub operations: u32,
    /// Incoming bundles in it.
    pub incoming: u32,
    /// Of these, rejected ones.
    pub rejected: u32,
    /// Messages that it sends.
    pub outgoing: u32,
    /// Proposals that it took.
    pub attempts: u32,
    /// Block hash in hex.
    pub hash: String,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageOutcome {
    /// Sent, and not yet in the inbox of a quorum of validators.
    #[default]
    InFlight,
    /// In the inbox, never taken in.
    Waiting,
    /// Taken in and executed.
    Accepted,
    /// Taken in and refused.
    Rejected,
    /// Jumped over: a later message of the same sender was taken in.
    Skipped,
}

/// One cross-chain message: three instants (sent, in inbox, received).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    /// Sender chain.
    pub src: String,
    /// Height of the block that sent it.
    pub src_height: u64,
    /// Transaction of that block.
    pub transaction: u32,
    /// Position among the messages of that block.
    pub index: u32,
    /// Recipient chain.
    pub dst: String,
    /// Application, `system` for native messages.
    pub app: String,
    /// `simple`, `protected`, `tracked` or `bouncing`.
    pub kind: String,
    /// Short human label, such as `transfer 10`.
    pub label: String,
    /// When the sending block was confirmed.
    pub sent_us: i64,
    /// When the first validator had it in the inbox.
    pub delivered_first_us: Option<i64>,
    /// When a quorum of validators had it in the inbox.
    pub delivered_quorum_us: Option<i64>,
    /// When the block that took it in was confirmed.
    pub received_us: Option<i64>,
    /// Height of that block, or of the one that jumped over it.
    pub dst_height: Option<u64>,
    /// What became of it.
    pub outcome: MessageOutcome,
    /// Amount that it carries, in attos as decimal text (empty when none).
    pub amount_attos: String,
}

/// One worker shard during one sampling interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRow {
    /// Validator name, such as `v1`.
    pub validator: String,
    /// Worker name, such as `w2`.
    pub worker: String,
    /// Start of the interval.
    pub t_us: i64,
    /// Virtual time that it was busy within the interval.
    pub busy_us: i64,
    /// Longest queue seen within the interval.
    pub queue: u32,
    /// Requests handled within the interval.
    pub handled: u32,
}

/// How many workers a validator has from some instant on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScalingRow {
    /// Validator name, such as `v1`.
    pub validator: String,
    /// The instant.
    pub t_us: i64,
    /// What has changed: `start`, `decided`, `map` or `running`.
    pub change: String,
    /// Why it was decided: `busy`, `idle` or `lost`; empty otherwise.
    pub cause: String,
    /// Workers that share its chains.
    pub workers: u32,
    /// Those of them that are up.
    pub running: u32,
    /// As many as it has decided to have.
    pub wanted: u32,
}

/// One injected fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRow {
    /// Name from the scenario.
    pub name: String,
    /// What kind, such as `partition` or `crash`.
    pub kind: String,
    /// Start.
    pub start_us: i64,
    /// End (`None`: until the end of the run).
    pub end_us: Option<i64>,
    /// How often it changed something (a fault that never fires fails the run).
    pub hits: u64,
}

/// One expectation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectationRow {
    /// Name from the scenario, or the name of a built-in check such as `I-1 CommitAgreement`.
    pub name: String,
    /// `finally`, `always`, `eventually` or `metric`; or what every run is held to: `invariant`,
    /// `fault` (each fault strikes) and `engine`.
    pub kind: String,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: String,
    /// When it first failed.
    pub first_violation_us: Option<i64>,
    /// How often it was checked.
    pub checked: u64,
    /// Values that decided, such as `balance("A") = 90`.
    pub detail: String,
}

/// One voting rule of docs/VOTING-RULES.md.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRow {
    /// Its name, such as `AboveLock`.
    pub rule: String,
    /// How many workers have had to apply it; 0: the run has not tried it.
    pub workers: u32,
    /// When the first of them did.
    pub first_us: Option<i64>,
}
