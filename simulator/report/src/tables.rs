//! The tables as CSV, with a data dictionary made from the same list of columns.
//!
//! Invariant: header, rows, `schema.json` and `README.md` come from one list, so they cannot
//! disagree. Empty fields mean that it did not happen.

mod columns;

use analysis::tables::Tables;
use serde_json::json;

use columns::{
    Column, RunSummary, blocks, chains, expectations, faults, messages, rules, runs, scaling,
    workers,
};

pub(crate) use columns::handle;

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
        "scaling",
        "How many workers each validator has: at first, then every change.",
        &["validator", "t_us", "change"],
        &scaling(),
        &tables.scaling,
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
    add(table(
        "rules",
        "The validators' voting rules, and whether the run has tried them.",
        &["rule"],
        &rules(),
        &tables.rules,
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
mod tests;
