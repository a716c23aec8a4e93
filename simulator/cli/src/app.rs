//! `microchains app`: what there is to know of an application's bytecode before anybody runs it.

use std::{fmt::Write as _, fs::File, io::Read, path::Path};

use execution::{
    INTERFACE_VERSION, Limits,
    inspect::{Inspection, inspect},
};
use protocol::application::guest::Role;
use serde_json::json;

use crate::{
    args::{AppArgs, AppCommand, Format, InspectArgs},
    exit::{CliError, Exit},
    terminal::Terminal,
};

/// How a file begins that zstd has compressed.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// More is not read: ten times what a module may have.
const READ_MAX: u64 = 10 * Limits::DEFAULT.bytecode_bytes;

/// `microchains app`.
pub(crate) fn app(args: &AppArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    match &args.command {
        AppCommand::Inspect(args) => look(args, terminal),
    }
}

/// `microchains app inspect`.
fn look(args: &InspectArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let bytecode = read(&args.file)?;
    let name = args.file.display().to_string();
    let found = inspect(&bytecode, &Limits::DEFAULT).map_err(|error| {
        CliError::new(Exit::Failed, format!("{name}: {error}"))
            .hint("give it a contract or a service that was built for wasm32-unknown-unknown")
    })?;
    let text = match terminal.format {
        Format::Json => {
            let value = json!({ "schema": "app-inspect/v1", "file": name, "module": json(&found) });
            serde_json::to_string_pretty(&value).expect("plain data")
        }
        Format::Human => human(&name, &found, args.functions),
    };
    terminal.verdict(text.trim_end());
    Ok(if found.problems.is_empty() {
        Exit::Held
    } else {
        Exit::Failed
    })
}

/// The bytecode of a file, which may be compressed.
fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let unreadable = |error: std::io::Error| CliError::file("read", path, &error);
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let mut limited = file.take(READ_MAX);
    limited.read_to_end(&mut bytes).map_err(unreadable)?;
    if !bytes.starts_with(&ZSTD) {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    let decoder = zstd::Decoder::new(bytes.as_slice()).map_err(unreadable)?;
    let mut limited = decoder.take(READ_MAX);
    limited.read_to_end(&mut plain).map_err(unreadable)?;
    Ok(plain)
}

const fn role(found: &Inspection) -> &'static str {
    match found.role {
        Some(Role::Contract) => "contract",
        Some(Role::Service) => "service",
        None => "neither a contract nor a service",
    }
}

fn json(found: &Inspection) -> serde_json::Value {
    let problems: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
    json!({
        "role": found.role.map(|_| role(found)),
        "interface_version": found.version,
        "bytes": found.bytes,
        "functions": found.functions,
        "locals_most": found.locals,
        "memory_bytes": found.memory_bytes,
        "table_elements": found.table_elements,
        "imports": found.imports,
        "exports": found.exports,
        "problems": problems,
    })
}

fn human(name: &str, found: &Inspection, functions: bool) -> String {
    let Limits {
        bytecode_bytes,
        memory_bytes,
        table_elements,
        locals_per_function,
        functions: functions_max,
        ..
    } = Limits::DEFAULT;
    let verdict = if found.problems.is_empty() {
        "OK  "
    } else {
        "FAIL"
    };
    let version = found.version.unwrap_or("none");
    let mut text = format!(
        "{verdict}  {name}: {}, interface {version} (this host speaks {INTERFACE_VERSION})\n",
        role(found)
    );
    let mut row = |what: &str, value: u64, most: u64| {
        writeln!(text, "  {what:<22}{value:>12}  of {most:>12}").expect("to a string");
    };
    row("bytes", found.bytes, bytecode_bytes);
    row("functions", found.functions, functions_max);
    row("locals of one", found.locals, locals_per_function);
    row("bytes of memory", found.memory_bytes, memory_bytes);
    row("table elements", found.table_elements, table_elements);
    let (imports, exports) = (found.imports.len(), found.exports.len());
    writeln!(text, "  {imports} imports, {exports} exports").expect("to a string");
    let lists = [("import", &found.imports), ("export", &found.exports)];
    for (what, names) in lists.into_iter().filter(|_| functions) {
        for name in names {
            writeln!(text, "    {what} {name}").expect("to a string");
        }
    }
    for problem in &found.problems {
        writeln!(text, "  problem: {problem}").expect("to a string");
    }
    text
}
