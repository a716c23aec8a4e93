//! The columns of every table: name, type, meaning, and how to read them from a row.

use analysis::tables::{
    BlockRow, ChainRow, ExpectationRow, FaultRow, MessageOutcome, MessageRow, RuleRow, RunRow,
    ScalingRow, Tables, WorkerRow,
};

use crate::quantile::{Sample, quantile_us};

/// A column of a table and how to read it from a row.
pub(super) struct Column<R> {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) doc: &'static str,
    pub(super) value: fn(&R) -> String,
}

const fn column<R>(
    name: &'static str,
    kind: &'static str,
    doc: &'static str,
    value: fn(&R) -> String,
) -> Column<R> {
    Column {
        name,
        kind,
        doc,
        value,
    }
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// The row of the run with the figures that it is compared by.
pub(super) struct RunSummary<'a> {
    run: &'a RunRow,
    confirmed: usize,
    latency: Sample,
    inbox: Sample,
}

impl<'a> RunSummary<'a> {
    pub(super) fn of(tables: &'a Tables) -> Self {
        Self {
            run: &tables.run,
            confirmed: tables
                .blocks
                .iter()
                .filter(|row| row.confirmed_us.is_some())
                .count(),
            latency: crate::quantile::confirmation(tables),
            inbox: crate::quantile::inbox_wait(tables),
        }
    }
}

pub(super) fn runs<'a>() -> Vec<Column<RunSummary<'a>>> {
    vec![
        column(
            "run",
            "text",
            "Handle of the run: scenario, variant and seed.",
            |r| handle(r.run),
        ),
        column("scenario", "text", "Name of the scenario.", |r| {
            r.run.scenario.clone()
        }),
        column("variant", "text", "Variant of the scenario, if any.", |r| {
            optional(r.run.variant.clone())
        }),
        column("seed", "integer", "Seed of every draw.", |r| {
            r.run.seed.to_string()
        }),
        column(
            "verdict",
            "text",
            "`pass`, `fail` or `inconclusive`.",
            |r| r.run.verdict.clone(),
        ),
        column("trace_hash", "text", "Root of the trace hash, hex.", |r| {
            r.run.trace_hash.clone()
        }),
        column(
            "events",
            "integer",
            "Events that the engine handled.",
            |r| r.run.events.to_string(),
        ),
        column(
            "virtual_us",
            "integer",
            "Virtual time at the end, µs.",
            |r| r.run.virtual_us.to_string(),
        ),
        column(
            "warmup_us",
            "integer",
            "Latencies leave out what was scheduled before this, µs.",
            |r| r.run.warmup_us.to_string(),
        ),
        column("validators", "integer", "Validators.", |r| {
            r.run.validators.to_string()
        }),
        column(
            "workers",
            "integer",
            "Worker shards of all validators at the start.",
            |r| r.run.workers.to_string(),
        ),
        column("chains", "integer", "User chains at the end.", |r| {
            r.run.chains.to_string()
        }),
        column("blocks", "integer", "Confirmed blocks.", |r| {
            r.confirmed.to_string()
        }),
        column(
            "messages",
            "integer",
            "Messages sent by confirmed blocks.",
            |r| r.run.messages.to_string(),
        ),
        column(
            "p50_us",
            "integer",
            "Median confirmation latency, µs; empty when n is too small.",
            |r| optional(quantile_us(&r.latency, 500)),
        ),
        column(
            "p95_us",
            "integer",
            "95th percentile of it, µs; empty when n is too small.",
            |r| optional(quantile_us(&r.latency, 950)),
        ),
        column(
            "p99_us",
            "integer",
            "99th percentile of it, µs; empty when n is too small.",
            |r| optional(quantile_us(&r.latency, 990)),
        ),
        column(
            "max_us",
            "integer",
            "Greatest confirmation latency, µs.",
            |r| optional(r.latency.max()),
        ),
        column(
            "inbox_p99_us",
            "integer",
            "99th percentile of the wait in the inbox, µs; empty when n is too small.",
            |r| optional(quantile_us(&r.inbox, 990)),
        ),
    ]
}

/// `lanes@42` or `lanes-variant@42`.
pub(crate) fn handle(run: &RunRow) -> String {
    match &run.variant {
        Some(variant) => format!("{}-{variant}@{}", run.scenario, run.seed),
        None => format!("{}@{}", run.scenario, run.seed),
    }
}

pub(super) fn chains() -> Vec<Column<ChainRow>> {
    vec![
        column("chain", "text", "Name of the chain.", |r| r.chain.clone()),
        column("group", "text", "Group that it was declared in.", |r| {
            r.group.clone()
        }),
        column("chain_id", "text", "Id of the chain, hex.", |r| {
            r.chain_id.clone()
        }),
        column("opened_us", "integer", "When it was opened, µs.", |r| {
            r.opened_us.to_string()
        }),
        column("blocks", "integer", "Confirmed blocks.", |r| {
            r.blocks.to_string()
        }),
        column(
            "sent",
            "integer",
            "Messages that its confirmed blocks sent.",
            |r| r.sent.to_string(),
        ),
        column(
            "received",
            "integer",
            "Messages that its confirmed blocks took in.",
            |r| r.received.to_string(),
        ),
        column(
            "balance_attos",
            "decimal",
            "Balance at the end, all accounts together, in 1e-18 tokens.",
            |r| r.balance_attos.clone(),
        ),
    ]
}

pub(super) fn blocks() -> Vec<Column<BlockRow>> {
    vec![
        column(
            "block",
            "text",
            "Handle of the block, such as `B:3`.",
            |r| format!("{}:{}", r.chain, r.height),
        ),
        column("chain", "text", "Name of the chain.", |r| r.chain.clone()),
        column("height", "integer", "Height on that chain.", |r| {
            r.height.to_string()
        }),
        column("proposer", "text", "Owner that proposed it.", |r| {
            r.proposer.clone()
        }),
        column(
            "round",
            "text",
            "Round of confirmation, or of the last proposal: `fast`, `ml-0`, `sl-2`, `v-1`.",
            |r| r.round.clone(),
        ),
        column(
            "scheduled_us",
            "integer",
            "When the workload asked for it, µs.",
            |r| optional(r.scheduled_us),
        ),
        column(
            "proposed_us",
            "integer",
            "When it was first proposed, µs.",
            |r| r.proposed_us.to_string(),
        ),
        column(
            "confirmed_us",
            "integer",
            "When its owner held a quorum of confirm votes, µs.",
            |r| optional(r.confirmed_us),
        ),
        column("operations", "integer", "Operations in it.", |r| {
            r.operations.to_string()
        }),
        column("incoming", "integer", "Bundles taken in.", |r| {
            r.incoming.to_string()
        }),
        column("rejected", "integer", "Of these, rejected ones.", |r| {
            r.rejected.to_string()
        }),
        column("outgoing", "integer", "Messages that it sends.", |r| {
            r.outgoing.to_string()
        }),
        column("attempts", "integer", "Proposals that it took.", |r| {
            r.attempts.to_string()
        }),
        column("hash", "text", "Hash of the block, hex.", |r| {
            r.hash.clone()
        }),
    ]
}

pub(super) fn messages() -> Vec<Column<MessageRow>> {
    vec![
        column(
            "message",
            "text",
            "Handle of the message, such as `B:3/0`.",
            |r| format!("{}:{}/{}", r.src, r.src_height, r.index),
        ),
        column("src", "text", "Sender chain.", |r| r.src.clone()),
        column(
            "src_height",
            "integer",
            "Height of the block that sent it.",
            |r| r.src_height.to_string(),
        ),
        column(
            "transaction",
            "integer",
            "Transaction of that block.",
            |r| r.transaction.to_string(),
        ),
        column(
            "index",
            "integer",
            "Position among the messages of that block.",
            |r| r.index.to_string(),
        ),
        column("dst", "text", "Recipient chain.", |r| r.dst.clone()),
        column(
            "app",
            "text",
            "Application, `system` for native messages.",
            |r| r.app.clone(),
        ),
        column(
            "kind",
            "text",
            "`simple`, `protected`, `tracked` or `bouncing`.",
            |r| r.kind.clone(),
        ),
        column("label", "text", "Short human label.", |r| r.label.clone()),
        column(
            "sent_us",
            "integer",
            "When the sending block was confirmed, µs.",
            |r| r.sent_us.to_string(),
        ),
        column(
            "delivered_first_us",
            "integer",
            "When the first validator had it in the inbox, µs.",
            |r| optional(r.delivered_first_us),
        ),
        column(
            "delivered_quorum_us",
            "integer",
            "When a quorum of validators had it in the inbox, µs.",
            |r| optional(r.delivered_quorum_us),
        ),
        column(
            "received_us",
            "integer",
            "When the block that took it in was confirmed, µs.",
            |r| optional(r.received_us),
        ),
        column("dst_height", "integer", "Height of that block.", |r| {
            optional(r.dst_height)
        }),
        column(
            "outcome",
            "text",
            "`accepted`, `rejected`, `waiting` or `in_flight`.",
            |r| outcome(r.outcome).to_owned(),
        ),
        column(
            "amount_attos",
            "decimal",
            "Amount that it carries, in 1e-18 tokens.",
            |r| r.amount_attos.clone(),
        ),
    ]
}

fn outcome(outcome: MessageOutcome) -> &'static str {
    match outcome {
        MessageOutcome::InFlight => "in_flight",
        MessageOutcome::Waiting => "waiting",
        MessageOutcome::Accepted => "accepted",
        MessageOutcome::Rejected => "rejected",
        MessageOutcome::Skipped => "skipped",
    }
}

pub(super) fn workers() -> Vec<Column<WorkerRow>> {
    vec![
        column("validator", "text", "Name of the validator.", |r| {
            r.validator.clone()
        }),
        column("worker", "text", "Name of the worker shard.", |r| {
            r.worker.clone()
        }),
        column("t_us", "integer", "Start of the interval, µs.", |r| {
            r.t_us.to_string()
        }),
        column(
            "busy_us",
            "integer",
            "Virtual time busy within it, µs.",
            |r| r.busy_us.to_string(),
        ),
        column("queue", "integer", "Longest queue within it.", |r| {
            r.queue.to_string()
        }),
        column("handled", "integer", "Requests handled within it.", |r| {
            r.handled.to_string()
        }),
    ]
}

pub(super) fn scaling() -> Vec<Column<ScalingRow>> {
    vec![
        column("validator", "text", "Name of the validator.", |r| {
            r.validator.clone()
        }),
        column("t_us", "integer", "When it changed, µs.", |r| {
            r.t_us.to_string()
        }),
        column(
            "change",
            "text",
            "`start`, `decided`, `map` (others share the chains) or `running` (one stopped, or is back).",
            |r| r.change.clone(),
        ),
        column(
            "cause",
            "text",
            "Why it was decided: `busy`, `idle` or `lost`.",
            |r| r.cause.clone(),
        ),
        column(
            "workers",
            "integer",
            "Workers that share its chains from then on.",
            |r| r.workers.to_string(),
        ),
        column("running", "integer", "Those of them that are up.", |r| {
            r.running.to_string()
        }),
        column(
            "wanted",
            "integer",
            "As many as it has decided to have.",
            |r| r.wanted.to_string(),
        ),
    ]
}

pub(super) fn faults() -> Vec<Column<FaultRow>> {
    vec![
        column("name", "text", "Name from the scenario.", |r| {
            r.name.clone()
        }),
        column(
            "kind",
            "text",
            "Kind, such as `partition` or `crash`.",
            |r| r.kind.clone(),
        ),
        column("start_us", "integer", "Start, µs.", |r| {
            r.start_us.to_string()
        }),
        column(
            "end_us",
            "integer",
            "End, µs; empty: until the end of the run.",
            |r| optional(r.end_us),
        ),
        column("hits", "integer", "How often it changed something.", |r| {
            r.hits.to_string()
        }),
    ]
}

pub(super) fn expectations() -> Vec<Column<ExpectationRow>> {
    vec![
        column(
            "name",
            "text",
            "Name from the scenario, or of a built-in check.",
            |r| r.name.clone(),
        ),
        column(
            "kind",
            "text",
            "`finally`, `always`, `eventually`, `metric` or `invariant`.",
            |r| r.kind.clone(),
        ),
        column(
            "verdict",
            "text",
            "`pass`, `fail` or `inconclusive`.",
            |r| r.verdict.clone(),
        ),
        column(
            "first_violation_us",
            "integer",
            "When it first failed, µs.",
            |r| optional(r.first_violation_us),
        ),
        column("checked", "integer", "How often it was checked.", |r| {
            r.checked.to_string()
        }),
        column("detail", "text", "Values that decided.", |r| {
            r.detail.clone()
        }),
    ]
}

pub(super) fn rules() -> Vec<Column<RuleRow>> {
    vec![
        column("rule", "text", "Name of the rule.", |r| r.rule.clone()),
        column(
            "workers",
            "integer",
            "Workers that had to apply it; 0: the run has not tried it.",
            |r| r.workers.to_string(),
        ),
        column(
            "first_us",
            "integer",
            "When the first of them did, µs.",
            |r| optional(r.first_us),
        ),
    ]
}
