//! `microchains query`: what an application of a run says about a chain, at any height.

use std::{path::Path, sync::Arc};

use actors::{History, HistoryError};
use protocol::{
    hash::CryptoHash,
    ids::{ApplicationId, BlockHeight, ChainId},
};
use serde_json::{Value, json};
use trace::{Event, Item};

use crate::{
    args::{Format, QueryArgs},
    commands::load_again,
    exit::{CliError, Exit},
    explain, rundir,
    terminal::{Terminal, complain},
};

/// `microchains query`.
pub(crate) fn query(args: &QueryArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let request = request(&args.request)?;
    let (history, names) = history(&args.dir, terminal)?;
    let application = application(&history, &names, &args.application)?;
    let chain = match &args.chain {
        Some(name) => chain_called(&args.dir, name)?,
        None => creator(&history, application)?,
    };
    let height = args.height.map(BlockHeight);
    let queried = history.query(chain, height, application, request);
    let queried = queried.map_err(|error| {
        let exit = match &error {
            HistoryError::UnknownChain(_) | HistoryError::TooHigh { .. } => Exit::Usage,
            HistoryError::Service(_) => Exit::Failed,
            HistoryError::Block { .. } | HistoryError::Other(_) => Exit::InputOutput,
        };
        CliError::new(exit, error.to_string())
    })?;
    let response: Option<Value> = serde_json::from_slice(&queried.response).ok();
    let text = match (terminal.format, &response) {
        (Format::Json, _) => {
            let blocks = history.blocks_of(chain);
            let value = json!({
                "schema": "query/v1",
                "application": application.to_string(),
                "chain_id": chain.to_string(),
                "height": args.height.or_else(|| blocks.checked_sub(1)),
                "response": response,
                "operations": queried.operations.len(),
            });
            serde_json::to_string_pretty(&value).expect("plain data")
        }
        (Format::Human, Some(response)) => {
            serde_json::to_string_pretty(response).expect("plain data")
        }
        (Format::Human, None) => String::from_utf8_lossy(&queried.response).into_owned(),
    };
    terminal.result(&text);
    let errors = response
        .as_ref()
        .and_then(|response| response.get("errors"));
    if errors.is_some_and(|errors| errors.as_array().is_some_and(|all| !all.is_empty())) {
        complain("error: the service refuses the request");
        return Ok(Exit::Failed);
    }
    if !queried.operations.is_empty() {
        let count = queried.operations.len();
        terminal.note(&format!(
            "the request schedules {count} operations: in a run that is over, nothing comes of them"
        ));
    }
    Ok(Exit::Held)
}

/// What is sent to the service: JSON as it is, and GraphQL wrapped in it.
fn request(text: &str) -> Result<Vec<u8>, CliError> {
    let written: Result<Value, _> = serde_json::from_str(text);
    let value = match written {
        Ok(Value::Object(object)) => Value::Object(object),
        Ok(_) => {
            return Err(CliError::new(
                Exit::Usage,
                "a request is GraphQL or a JSON object",
            ));
        }
        Err(_) => json!({ "query": text }),
    };
    Ok(serde_json::to_vec(&value).expect("plain data"))
}

/// The blocks of a run, and the names of the applications of its scenario.
fn history(dir: &Path, terminal: &Terminal) -> Result<(History, Vec<String>), CliError> {
    let manifest = rundir::read_manifest(dir)?;
    let reader = explain::open(dir)?;
    let loaded = load_again(dir, &manifest, &terminal.silent())?;
    let plan = Arc::new(loaded.checked.plan);
    let mut history = History::new(&plan);
    for item in reader {
        let item = item.map_err(|error| {
            let path = dir.join(rundir::TRACE);
            let message = format!("{} is corrupted: {error}", path.display());
            CliError::new(Exit::InputOutput, message).hint("run the scenario again")
        })?;
        if let Item::Record(record) = item
            && let Event::Protocol(fact) = &record.record
        {
            history.observe(fact);
        }
    }
    let names = plan.applications.iter();
    Ok((history, names.map(|one| one.name.clone()).collect()))
}

fn application(history: &History, names: &[String], text: &str) -> Result<ApplicationId, CliError> {
    if let Some(known) = history.application(text) {
        return Ok(known);
    }
    if let Ok(hash) = text.parse::<CryptoHash>() {
        return Ok(ApplicationId(hash));
    }
    if names.iter().any(|name| name == text) {
        let message = format!("`{text}` was not created in this run");
        return Err(CliError::new(Exit::Usage, message));
    }
    let message = format!("this run has no application `{text}`");
    let hint = if names.is_empty() {
        "its scenario has no applications".to_owned()
    } else {
        format!("applications of its scenario: {}", names.join(", "))
    };
    Err(CliError::new(Exit::Usage, message).hint(hint))
}

fn chain_called(dir: &Path, name: &str) -> Result<ChainId, CliError> {
    let names = explain::names(dir)?;
    let mut found = names.iter().filter(|(_, known)| *known == name);
    let found = found.next().map(|(chain, _)| *chain);
    found.ok_or_else(|| {
        let message = format!("this run has no chain `{name}`");
        let some: Vec<_> = names.values().take(10).cloned().collect();
        CliError::new(Exit::Usage, message).hint(format!("such as: {}", some.join(", ")))
    })
}

fn creator(history: &History, application: ApplicationId) -> Result<ChainId, CliError> {
    let described = history.description(application);
    let described = described.ok_or_else(|| {
        let message = format!("nobody has created {application} in this run");
        CliError::new(Exit::Usage, message)
    })?;
    Ok(described.creator_chain_id)
}
