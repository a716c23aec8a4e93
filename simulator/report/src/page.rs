//! The report of a run as one self-contained HTML page.
//!
//! Invariant: no outside resources, no scripts, nothing that the tables do not give, except the
//! command and the list of files that the caller passes in. Every text is escaped.

use std::fmt::Write as _;

use analysis::tables::{MessageOutcome, Tables};

use crate::charts::{self, mean_rate, summary};
use crate::lanes::{self, LanesOptions};
use crate::quantile::{confirmation, inbox_wait};
use crate::svg::escape;
use crate::text::{amount, count, fixed, grouped, parse_attos, time};
use crate::{flow, header, tables as csv};

/// Chains that the page lists; the rest is in the table.
const LISTED_CHAINS: usize = 100;

/// What the page says beyond the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageOptions {
    /// What the scenario is about; may be empty.
    pub about: String,
    /// What the scenario claims; may be empty.
    pub claim: String,
    /// The command that makes this run again.
    pub command: String,
    /// Files beside the page, relative to it: they become links.
    pub files: Vec<String>,
    /// How the lanes are drawn.
    pub lanes: LanesOptions,
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#111418;--soft:#59616b;--rule:#c9ced6;--paper:#fff;--box:#f5f6f8;--link:#0072b2}\
@media screen and (prefers-color-scheme:dark){:root{--ink:#f2f4f7;--soft:#a4adb8;--rule:#3a424d;--paper:#111418;--box:#1b2129;--link:#6db8e6}}\
body{font:16px/1.5 DejaVu Sans,Verdana,Helvetica,Arial,sans-serif;color:var(--ink);background:var(--paper);margin:0 auto;max-width:1160px;padding:1.5rem}\
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}a{color:var(--link)}\
.soft{color:var(--soft)}.verdict{display:inline-block;font-weight:bold;padding:.1rem .7rem;border:2px solid;border-radius:.3rem;margin-right:.6rem}\
.pass{color:#00734f}.fail{color:#b92c00}.inconclusive{color:#785a69}\
@media screen and (prefers-color-scheme:dark){.pass{color:#3fc796}.fail{color:#ff7a4d}.inconclusive{color:#c9a3b4}}\
table{border-collapse:collapse;font-size:.9rem;width:100%}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--rule);vertical-align:top}\
th{color:var(--soft);font-weight:normal}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.6rem}\
.numbers div{background:var(--box);border-radius:.4rem;padding:.6rem .8rem}.numbers b{display:block;font-size:1.2rem}\
.figure{overflow-x:auto;border:1px solid var(--rule);border-radius:.4rem;margin:.5rem 0}.figure svg{display:block}\
pre{background:var(--box);padding:.8rem;border-radius:.4rem;overflow-x:auto;user-select:all}summary{cursor:pointer;font-size:1.15rem;font-weight:bold;margin:1.5rem 0 .5rem}\
ul.files{columns:3 14rem}\
@media print{body{max-width:none;padding:0}.figure{overflow:visible;border:0;break-inside:avoid}.figure svg{max-width:100%;height:auto}h2{break-after:avoid}}";

/// The page.
pub fn html(tables: &Tables, options: &PageOptions) -> String {
    let title = escape(&crate::tables::handle(&tables.run));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title}</title><style>{STYLE}</style></head>\n<body>\n"
    );
    verdict(&mut out, tables);
    for (word, text) in [("About", &options.about), ("Claim", &options.claim)] {
        if !text.is_empty() {
            let _ = writeln!(out, "<p><b>{word}.</b> {}</p>", escape(text));
        }
    }
    expectations(&mut out, tables);
    numbers(&mut out, tables);
    figure(
        &mut out,
        "Message flow over time",
        &lanes::svg(tables, &options.lanes),
    );
    figure(&mut out, "Who talks to whom", &flow::svg(tables));
    for (name, chart) in [
        ("Throughput", charts::throughput(tables)),
        ("Confirmation latency", charts::latency(tables)),
        ("Queues and waiting", charts::queues(tables)),
    ] {
        figure(&mut out, name, &chart.svg);
    }
    faults(&mut out, tables);
    rules(&mut out, tables);
    chains(&mut out, tables);
    reproduce(&mut out, tables, options);
    out.push_str("</body></html>\n");
    out
}

/// What nothing could be said of.
const NOT_JUDGED: &str = "not judged";

fn class(verdict: &str) -> &'static str {
    match verdict {
        "pass" => "pass",
        "fail" => "fail",
        NOT_JUDGED => "soft",
        _ => "inconclusive",
    }
}

fn verdict(out: &mut String, tables: &Tables) {
    let run = &tables.run;
    let passed = tables
        .expectations
        .iter()
        .filter(|row| row.verdict == "pass")
        .count();
    let judged = tables.expectations.iter();
    let judged = judged.filter(|row| row.verdict != NOT_JUDGED).count();
    let _ = writeln!(
        out,
        "<h1><span class=\"verdict {}\">{}</span>{}</h1>\n<p class=\"soft\">{} of {} expectations \
         and checks hold · {} · {} of virtual time · {} events<br>trace {}</p>",
        class(&run.verdict),
        escape(&run.verdict.to_uppercase()),
        escape(&csv::handle(run)),
        count(passed),
        count(judged),
        escape(&header::facts(tables)),
        time(run.virtual_us),
        grouped(u128::from(run.events)),
        escape(&run.trace_hash)
    );
}

fn expectations(out: &mut String, tables: &Tables) {
    out.push_str("<h2>Expectations</h2>\n");
    if tables.expectations.is_empty() {
        out.push_str("<p>None were stated.</p>\n");
        return;
    }
    out.push_str(
        "<table><tr><th>Verdict</th><th>Name</th><th>Kind</th><th>First violation</th>\
         <th class=\"n\">Checked</th><th>Values</th></tr>\n",
    );
    let mut rows: Vec<_> = tables.expectations.iter().collect();
    // What failed comes first; otherwise the order of the scenario.
    rows.sort_by_key(|row| match row.verdict.as_str() {
        "fail" => 0,
        "pass" => 2,
        NOT_JUDGED => 3,
        _ => 1,
    });
    for row in rows {
        let first = row.first_violation_us.map_or(String::new(), time);
        let _ = writeln!(
            out,
            "<tr><td class=\"{}\"><b>{}</b></td><td>{}</td><td>{}</td><td>{first}</td>\
             <td class=\"n\">{}</td><td>{}</td></tr>",
            class(&row.verdict),
            escape(&row.verdict),
            escape(&row.name),
            escape(&row.kind),
            grouped(u128::from(row.checked)),
            escape(&row.detail)
        );
    }
    out.push_str("</table>\n");
}

/// Which voting rules the run has tried. What nothing ran into has not been tested.
fn rules(out: &mut String, tables: &Tables) {
    let (tried, untried): (Vec<_>, Vec<_>) = tables.rules.iter().partition(|row| row.workers > 0);
    out.push_str("<h2>Voting rules</h2>\n");
    for (what, rows) in [
        ("Applied by a validator in this run", tried),
        ("Never applied: this run says nothing about them", untried),
    ] {
        let names: Vec<_> = rows.iter().map(|row| row.rule.as_str()).collect();
        if !names.is_empty() {
            let _ = writeln!(out, "<p>{what}: {}.</p>", escape(&names.join(", ")));
        }
    }
}

fn numbers(out: &mut String, tables: &Tables) {
    let run = &tables.run;
    let confirmed = tables
        .blocks
        .iter()
        .filter(|row| row.confirmed_us.is_some())
        .count();
    let received = tables
        .messages
        .iter()
        .filter(|row| row.received_us.is_some())
        .count();
    let outcome = |wanted| {
        tables
            .messages
            .iter()
            .filter(|row| row.outcome == wanted)
            .count()
    };
    let rate = |number| fixed(mean_rate(number, run.virtual_us), 1);
    let cards = [
        ("Chains", count(tables.chains.len()), String::new()),
        (
            "Blocks confirmed",
            count(confirmed),
            format!(
                "{} pending, {}/s",
                count(tables.blocks.len() - confirmed),
                rate(confirmed)
            ),
        ),
        (
            "Messages",
            count(tables.messages.len()),
            format!("{} received, {}/s", count(received), rate(received)),
        ),
        (
            "What became of them",
            format!("{} accepted", count(outcome(MessageOutcome::Accepted))),
            format!(
                "{} rejected, {} waiting, {} in flight",
                count(outcome(MessageOutcome::Rejected)),
                count(outcome(MessageOutcome::Waiting)),
                count(outcome(MessageOutcome::InFlight))
            ),
        ),
    ];
    out.push_str("<h2>Key numbers</h2>\n<div class=\"numbers\">\n");
    for (name, value, more) in cards {
        let _ = writeln!(
            out,
            "<div><span class=\"soft\">{name}</span><b>{value}</b>{more}</div>"
        );
    }
    out.push_str("</div>\n<table style=\"margin-top:.6rem\">\n");
    for (name, sample) in [
        ("Confirmation latency", confirmation(tables)),
        ("Wait in the inbox", inbox_wait(tables)),
    ] {
        let _ = writeln!(out, "<tr><th>{name}</th><td>{}</td></tr>", summary(&sample));
    }
    out.push_str("</table>\n");
}

fn figure(out: &mut String, title: &str, svg: &str) {
    let _ = writeln!(out, "<h2>{title}</h2>\n<div class=\"figure\">{svg}</div>");
}

fn faults(out: &mut String, tables: &Tables) {
    if tables.faults.is_empty() {
        return;
    }
    out.push_str(
        "<h2>Faults</h2>\n<table><tr><th>Name</th><th>Kind</th><th>From</th><th>To</th>\
         <th class=\"n\">Hits</th></tr>\n",
    );
    for row in &tables.faults {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>",
            escape(&row.name),
            escape(&row.kind),
            time(row.start_us),
            row.end_us.map_or("the end".to_owned(), time),
            grouped(u128::from(row.hits))
        );
    }
    out.push_str("</table>\n");
}

fn chains(out: &mut String, tables: &Tables) {
    let mut rows: Vec<_> = tables.chains.iter().enumerate().collect();
    rows.sort_by_key(|(at, row)| (std::cmp::Reverse(row.blocks + row.sent + row.received), *at));
    let shown = rows.len().min(LISTED_CHAINS);
    rows.truncate(shown);
    rows.sort_by_key(|(at, _)| *at);
    let scope = if shown < tables.chains.len() {
        format!(
            "the {} busiest of {}; all are in tables/chains.csv",
            count(shown),
            count(tables.chains.len())
        )
    } else {
        format!("all {}", count(shown))
    };
    let _ = writeln!(
        out,
        "<details><summary>Chains ({scope})</summary>\n<table><tr><th>Chain</th><th>Group</th>\
         <th class=\"n\">Blocks</th><th class=\"n\">Sent</th><th class=\"n\">Received</th>\
         <th class=\"n\">Balance</th></tr>"
    );
    for (_, row) in rows {
        let balance = parse_attos(&row.balance_attos).map_or(String::new(), amount);
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{balance}</td></tr>",
            escape(&row.chain),
            escape(&row.group),
            grouped(u128::from(row.blocks)),
            grouped(u128::from(row.sent)),
            grouped(u128::from(row.received))
        );
    }
    out.push_str("</table></details>\n");
}

fn reproduce(out: &mut String, tables: &Tables, options: &PageOptions) {
    out.push_str("<h2>Make it again</h2>\n");
    if !options.command.is_empty() {
        let _ = writeln!(out, "<pre>{}</pre>", escape(&options.command));
    }
    let _ = writeln!(
        out,
        "<p class=\"soft\">The same scenario and seed give the trace {}.</p>",
        escape(&tables.run.trace_hash)
    );
    if options.files.is_empty() {
        return;
    }
    out.push_str("<h2>Files</h2>\n<ul class=\"files\">\n");
    for file in &options.files {
        let _ = writeln!(
            out,
            "<li><a href=\"{}\">{}</a></li>",
            link(file),
            escape(file)
        );
    }
    out.push_str("</ul>\n");
}

/// A relative link: `./` in front, so that no name can be taken for a scheme.
fn link(file: &str) -> String {
    let mut out = String::from("./");
    for byte in file.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'@' => {
                out.push(char::from(byte));
            }
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
