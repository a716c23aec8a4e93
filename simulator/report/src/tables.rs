//! The tables as CSV, with a data dictionary made from the same list of columns.
//!
//! Invariant: header, rows, `schema.json` and `README.md` come from one list, so they cannot
//! disagree. Empty fields mean that it did not happen.

use analysis::tables::{
    BlockRow, ChainRow, ExpectationRow, FaultRow, MessageOutcome, MessageRow, RunRow, Tables,
    WorkerRow,
};
use serde_json::json;

use crate::quantile::{Sample, quantile_us};

/// A column of a table and how to read it from a row.
struct Column<R> {
    name: &'static str,
    kind: &'static str,
    doc: &'static str,
    value: fn(&R) -> String,
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

/// A table without its rows, for the dictionary.
struct Described {
    name: &'static str,
    doc: &'static str,
    key: &'static [&'static str],
    columns: Vec<(&'static str, &'static str, &'static str)>,
    rows: usize,
}

/// The tables as files: `tables/<name>.csv`, `tables/schema.json`, `tables/README.md`.
pub fn files(tables: &Tables) -> Vec<(String, Vec<u8>)> {
    let run = [RunSummary::of(tables)];
    let mut files = Vec::new();
    let mut described = Vec::new();
    let mut add = |(description, text): (Described, String)| {
        files.push((
            format!("tables/{}.csv", description.name),
            text.into_bytes(),
        ));
        described.push(description);
    };
    add(table(
        "runs",
        "The whole run in one row.",
        &["run"],
        &runs(),
        &run,
    ));
    add(table(
        "chains",
        "User chains.",
        &["chain"],
        &chains(),
        &tables.chains,
    ));
    add(table(
        "blocks",
        "Blocks, confirmed or still pending.",
        &["block"],
        &blocks(),
        &tables.blocks,
    ));
    add(table(
        "messages",
        "Cross-chain messages.",
        &["message"],
        &messages(),
        &tables.messages,
    ));
    add(table(
        "workers",
        "Worker shards over time, one row a sampling interval.",
        &["validator", "worker", "t_us"],
        &workers(),
        &tables.workers,
    ));
    add(table(
        "faults",
        "Injected faults.",
        &["name"],
        &faults(),
        &tables.faults,
    ));
    add(table(
        "expectations",
        "Expectations and built-in checks.",
        &["name"],
        &expectations(),
        &tables.expectations,
    ));
    files.push((
        "tables/schema.json".to_owned(),
        schema(&described).into_bytes(),
    ));
    files.push((
        "tables/README.md".to_owned(),
        dictionary(&described).into_bytes(),
    ));
    files
}

fn table<R>(
    name: &'static str,
    doc: &'static str,
    key: &'static [&'static str],
    columns: &[Column<R>],
    rows: &[R],
) -> (Described, String) {
    let header: Vec<&str> = columns.iter().map(|c| c.name).collect();
    let text = csv_text(
        &header,
        rows.iter()
            .map(|row| columns.iter().map(|column| (column.value)(row)).collect()),
    );
    let columns = columns.iter().map(|c| (c.name, c.kind, c.doc)).collect();
    (
        Described {
            name,
            doc,
            key,
            columns,
            rows: rows.len(),
        },
        text,
    )
}

/// Rows as CSV (RFC 4180 quoting, `\n` line ends).
pub(crate) fn csv_text(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    // Writing to memory cannot fail, and all rows have the length of the header.
    let _ = writer.write_record(header);
    for row in rows {
        let _ = writer.write_record(&row);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// The row of the run with the figures that it is compared by.
struct RunSummary<'a> {
    run: &'a RunRow,
    confirmed: usize,
    latency: Sample,
    inbox: Sample,
}

impl<'a> RunSummary<'a> {
    fn of(tables: &'a Tables) -> Self {
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

fn runs<'a>() -> Vec<Column<RunSummary<'a>>> {
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

fn chains() -> Vec<Column<ChainRow>> {
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

fn blocks() -> Vec<Column<BlockRow>> {
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

fn messages() -> Vec<Column<MessageRow>> {
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
    }
}

fn workers() -> Vec<Column<WorkerRow>> {
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

fn faults() -> Vec<Column<FaultRow>> {
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

fn expectations() -> Vec<Column<ExpectationRow>> {
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

fn schema(tables: &[Described]) -> String {
    let list: Vec<_> = tables
        .iter()
        .map(|table| {
            let columns: Vec<_> = table
                .columns
                .iter()
                .map(|(name, kind, doc)| json!({ "name": name, "type": kind, "description": doc }))
                .collect();
            json!({
                "name": table.name,
                "file": format!("{}.csv", table.name),
                "description": table.doc,
                "key": table.key,
                "rows": table.rows,
                "columns": columns,
            })
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&json!({ "schema": "tables/v1", "tables": list }))
        .unwrap_or_default();
    text.push('\n');
    text
}

fn dictionary(tables: &[Described]) -> String {
    let mut out = String::from(
        "# Tables of this run\n\n\
         CSV in UTF-8, fields quoted as in RFC 4180. Times are whole virtual microseconds from the \
         start of the run; an empty field means that it did not happen. Amounts are whole numbers \
         of 1e-18 tokens. The same list as JSON: `schema.json`.\n",
    );
    for table in tables {
        let key = table.key.join(", ");
        out.push_str(&format!(
            "\n## {0}.csv\n\n{1} Key: {key}. Rows: {2}.\n\n| Column | Type | Meaning |\n|---|---|---|\n",
            table.name, table.doc, table.rows
        ));
        for (name, kind, doc) in &table.columns {
            out.push_str(&format!("| `{name}` | {kind} | {doc} |\n"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn every_csv_reads_back_with_all_rows_and_the_columns_of_the_schema() {
        let tables = samples::hostile();
        let files = files(&tables);
        let find = |name: &str| {
            let file = files
                .iter()
                .find(|(file, _)| file == name)
                .expect("the file is listed");
            String::from_utf8(file.1.clone()).expect("UTF-8")
        };
        let schema: serde_json::Value =
            serde_json::from_str(&find("tables/schema.json")).expect("valid JSON");
        let listed = schema["tables"].as_array().expect("a list");
        assert_eq!(listed.len(), 7);
        for table in listed {
            let text = find(&format!(
                "tables/{}",
                table["file"].as_str().expect("a name")
            ));
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let header: Vec<String> = reader
                .headers()
                .expect("a header")
                .iter()
                .map(str::to_owned)
                .collect();
            let columns: Vec<&str> = table["columns"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|c| c["name"].as_str().expect("a name"))
                .collect();
            assert_eq!(header, columns);
            let rows = reader.records().filter(|row| row.is_ok()).count();
            assert_eq!(
                Some(rows),
                table["rows"].as_u64().and_then(|n| usize::try_from(n).ok())
            );
        }
        let mut reader =
            csv::Reader::from_reader(find("tables/messages.csv").into_bytes().leak() as &[u8]);
        let first = reader
            .records()
            .next()
            .expect("a row")
            .expect("well-formed");
        assert_eq!(first.get(1), Some("<script>alert('1')</script>"));
    }

    #[test]
    fn the_dictionary_names_every_column() {
        let files = files(&samples::lanes());
        let text =
            String::from_utf8(files.last().expect("README is last").1.clone()).expect("UTF-8");
        assert!(text.contains("| `delivered_quorum_us` | integer |"));
        assert!(text.contains("## expectations.csv"));
    }
}
