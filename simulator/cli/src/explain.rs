//! `microchains explain` and `microchains help`: why a message is not there, and what a code means.

use std::{collections::BTreeMap, fmt::Write as _, fs::File, io::BufReader, path::Path};

use analysis::life::{CODES, Code, Handle, Life, Lives, code};
use protocol::{hash::CryptoHash, ids::ChainId};
use serde_json::json;
use trace::{Item, Reader, Sampling};

use crate::{
    args::{ExplainArgs, Format, HelpArgs},
    exit::{CliError, Exit},
    rundir,
    terminal::Terminal,
};

/// Lives that are told whole; of more, those that end well are only counted.
const WHOLE: usize = 12;
/// Events of one life that are told from its beginning and from its end.
const FIRST: usize = 14;
const LAST: usize = 6;
/// Codes of messages that are where they should be.
const WELL: [&str; 2] = ["M-30", "M-33"];

/// `microchains explain`.
pub(crate) fn explain(args: &ExplainArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let usage = |message: String| {
        CliError::new(Exit::Usage, message).hint(
            "a message is A:3/0 (message 0 of block 3 of chain A), A:3 (all of that block) or A->B",
        )
    };
    let handle = Handle::parse(&args.message)
        .map_err(|problem| usage(format!("`{}` names no message: {problem}", args.message)))?;
    let reader = open(&args.dir)?;
    let names = names(&args.dir)?;
    let directory = reader.header().directory.clone();
    let mut lives = Lives::new(directory, names, handle)
        .map_err(|name| usage(format!("this run has no chain `{name}`")))?;
    for item in reader {
        let item = item.map_err(|error| {
            let path = args.dir.join(rundir::TRACE);
            let message = format!("{} is corrupted: {error}", path.display());
            CliError::new(Exit::InputOutput, message).hint("run the scenario again")
        })?;
        if let Item::Record(record) = item {
            lives.record(&record);
        }
    }
    let lives = lives.finish();
    let text = match terminal.format {
        Format::Json => {
            let value = json!({ "schema": "explain/v1", "lives": lives });
            serde_json::to_string_pretty(&value).expect("plain data")
        }
        Format::Human => human(&lives),
    };
    terminal.result(text.trim_end());
    Ok(Exit::Held)
}

/// The trace of a run directory: there must be one, and it must be whole.
pub(crate) fn open(dir: &Path) -> Result<Reader<BufReader<File>>, CliError> {
    let manifest = rundir::read_manifest(dir)?;
    let hint = format!(
        "run it again with a full trace: {} --set output.trace=full",
        manifest.reproduce
    );
    let incomplete = |message: &str| {
        CliError::new(Exit::InputOutput, format!("{}: {message}", dir.display())).hint(hint.clone())
    };
    if !manifest.files.contains_key(rundir::TRACE) {
        return Err(incomplete("this run has kept no trace"));
    }
    let path = dir.join(rundir::TRACE);
    let file = File::open(&path).map_err(|error| CliError::file("read", &path, &error))?;
    let reader = Reader::new(BufReader::new(file)).map_err(|error| {
        let message = format!("{} is corrupted: {error}", path.display());
        CliError::new(Exit::InputOutput, message)
    })?;
    if reader.header().sampling != Sampling::Full {
        return Err(incomplete("this run has kept a part of its trace only"));
    }
    Ok(reader)
}

/// The names of all chains, those that were opened too.
pub(crate) fn names(dir: &Path) -> Result<BTreeMap<ChainId, String>, CliError> {
    let tables = rundir::read_tables(dir)?;
    let chains = tables.chains.into_iter();
    let entry = |row: analysis::tables::ChainRow| {
        let hash = row.chain_id.parse::<CryptoHash>().ok()?;
        Some((ChainId(hash), row.chain))
    };
    Ok(chains.filter_map(entry).collect())
}

fn human(lives: &[Life]) -> String {
    let mut text = String::new();
    let told: Vec<_> = if lives.len() <= WHOLE {
        lives.iter().collect()
    } else {
        let open = lives.iter().filter(|life| !WELL.contains(&life.code));
        open.take(WHOLE).collect()
    };
    if lives.len() > 1 {
        counts(&mut text, lives);
    }
    for life in &told {
        if !text.is_empty() {
            text.push('\n');
        }
        one(&mut text, life);
    }
    if told.len() < lives.len() {
        let rest = lives.len() - told.len();
        line(&mut text, format_args!("\n{rest} more: name one to see it"));
    }
    text
}

/// How many messages have which fate.
fn counts(text: &mut String, lives: &[Life]) {
    let mut by_code: BTreeMap<&str, usize> = BTreeMap::new();
    for life in lives {
        *by_code.entry(life.code).or_default() += 1;
    }
    line(text, format_args!("{} bundles", lives.len()));
    for (name, count) in by_code {
        let title = code(name).map_or("", |code| code.title);
        line(text, format_args!("  {count:>6}  {name}  {title}"));
    }
}

fn one(text: &mut String, life: &Life) {
    line(text, format_args!("{}  {}", life.code, life.headline));
    for message in &life.messages {
        line(
            text,
            format_args!(
                "  {:<14} {:<10} {}",
                message.handle, message.kind, message.label
            ),
        );
    }
    if let (Some(height), Some(transaction), Some(epoch)) =
        (life.height, life.transaction, life.epoch)
    {
        let sender = &life.sender;
        line(
            text,
            format_args!(
                "  sent by block {sender}:{height}, transaction {transaction}, epoch {epoch}"
            ),
        );
    }
    for (number, event) in life.events.iter().enumerate() {
        let until = life.events.len().saturating_sub(LAST);
        if (FIRST..until).contains(&number) && life.events.len() > FIRST + LAST + 1 {
            if number == FIRST {
                let more = until - FIRST;
                let text_of_it = format!("{more} more; --format json has them all");
                line(text, format_args!("  {:>14}  {text_of_it}", "..."));
            }
            continue;
        }
        let time = format!(
            "{}.{:06} s",
            event.time_us / 1_000_000,
            event.time_us % 1_000_000
        );
        line(
            text,
            format_args!("  {time:>14}  {:<12} {}", event.place, event.what),
        );
    }
    for place in &life.places {
        let there = match place.arrived_us {
            Some(_) => "there",
            None => "not there",
        };
        let code = place
            .code
            .map_or_else(String::new, |code| format!("{code} "));
        line(
            text,
            format_args!(
                "  {:<6} {there:<9}  {code}{}",
                place.validator, place.detail
            ),
        );
    }
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(text, "{what}").expect("a string takes all");
}

/// `microchains help`.
pub(crate) fn help(args: &HelpArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let Some(topic) = &args.topic else {
        let mut text = String::from("Codes of `microchains explain`:\n");
        for (_, code) in CODES {
            line(&mut text, format_args!("  {}  {}", code.name, code.title));
        }
        text.push_str(
            "\n`microchains help M-03` tells more of one, `microchains --help` lists the commands.",
        );
        terminal.result(&text);
        return Ok(Exit::Held);
    };
    let found = code(topic).ok_or_else(|| {
        CliError::new(Exit::Usage, format!("there is no code `{topic}`"))
            .hint("`microchains help` lists them")
    })?;
    terminal.result(&code_text(found));
    Ok(Exit::Held)
}

fn code_text(code: &Code) -> String {
    let mut text = format!("{}  {}\n\n{}", code.name, code.title, code.meaning);
    if !code.remedy.is_empty() {
        write!(text, "\n\nWhat helps: {}", code.remedy).expect("a string takes all");
    }
    text
}
