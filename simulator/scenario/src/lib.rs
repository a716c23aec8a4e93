//! Scenario files: what a person wrote, checked whole, becomes a plan with every default filled in.
//!
//! ```text
//! text ─document─► tree with places ─shape─► Spec ─resolve─► Plan
//!                     (all syntax errors)  (all keys and types)  (all names, units, times; lints)
//! ```
//! Owns the format of scenario files, their schema, their diagnostics and the language of
//! expectations. Invariants: every mistake is reported at once and with its place; the same text
//! and options give the same plan and the same bytes of resolved JSON; no input makes it panic.
//! Never opens a file, reads a clock or runs anything.

mod bundled;
mod diagnostic;
mod distribution;
mod document;
pub mod expression;
mod files;
mod graphql;
mod names;
pub mod plan;
mod resolve;
mod shape;
pub mod spec;
pub mod swarm;
mod template;
mod text;
mod units;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use bundled::{Bundled, bundled, bundled_scenario};
pub use diagnostic::{
    Code, Diagnostic, Row, Severity, Source, Style, did_you_mean, render, summary, to_json,
};
pub use files::{FileError, Files, InputFile, MODULE_BYTES_MAX};
pub use plan::Plan;
pub use resolve::{FIGURES, Sweep, SweepPoint};
pub use units::Rate;

use document::{At, Document, split_path};
use files::{NoFiles, Shelf};
use resolve::{Resolved, resolve};

/// The version of the format: the value of the key `format`.
pub const FORMAT: u64 = 1;

/// What is given beside the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Keys that get another value: paths such as `network.loss.client` and the text of the value.
    pub set: Vec<(String, String)>,
    /// Another seed.
    pub seed: Option<u64>,
    /// The variant to run.
    pub variant: Option<String>,
}

/// A scenario without errors.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What a world is built from.
    pub plan: Plan,
    /// The scenario as JSON with every default filled in, of the chosen variant.
    pub resolved_json: String,
    /// What `sweep` runs, if the scenario says it.
    pub sweep: Option<Sweep>,
    /// The files that the scenario names, by path.
    pub files: Vec<InputFile>,
    /// What its author probably did not mean; without errors.
    pub warnings: Vec<Diagnostic>,
}

/// Checks a scenario that names no files as a whole; see [`check_with`].
///
/// # Errors
/// As there.
pub fn check(source: &str, file_name: &str, options: &Options) -> Result<Checked, Vec<Diagnostic>> {
    check_with(source, file_name, options, &NoFiles)
}

/// Checks a scenario as a whole.
///
/// Without a variant in the options, every variant of the scenario is checked too, and what is
/// wrong with one of them is an error.
///
/// # Errors
/// All mistakes, with the warnings, by their place in the file. At least one is an error.
pub fn check_with(
    source: &str,
    file_name: &str,
    options: &Options,
    files: &dyn Files,
) -> Result<Checked, Vec<Diagnostic>> {
    let files = Shelf::new(files);
    let (document, mut diagnostics) = Document::parse(source, file_name);
    let syntax_is_broken = !diagnostics.is_empty();
    let names = variant_names(&document);
    let known = |name: &String| names.contains(name);
    if let Some(variant) = options.variant.as_ref().filter(|name| !known(name)) {
        diagnostics.push(unknown_variant(variant, &names));
    }
    let chosen = options
        .variant
        .as_deref()
        .filter(|name| names.iter().any(|one| one == name));
    let resolved = check_variant(&document, options, chosen, &files, &mut diagnostics);
    if options.variant.is_none() {
        for name in &names {
            let mut of_variant = Vec::new();
            check_variant(&document, options, Some(name), &files, &mut of_variant);
            for one in of_variant {
                if one.severity() == Severity::Error && !diagnostics.contains(&one) {
                    diagnostics.push(one);
                }
            }
        }
    }
    if syntax_is_broken {
        keep_what_is_sure(&mut diagnostics);
    }
    if resolved.is_none()
        && diagnostics
            .iter()
            .all(|one| one.severity() != Severity::Error)
    {
        diagnostics.push(unresolved(&document));
    }
    sort(&mut diagnostics, file_name);
    match resolved {
        Some(resolved)
            if diagnostics
                .iter()
                .all(|one| one.severity() != Severity::Error) =>
        {
            let mut json = serde_json::to_string_pretty(&resolved.filled)
                .expect("a scenario holds only strings, numbers, lists and maps with string keys");
            json.push('\n');
            Ok(Checked {
                plan: resolved.plan,
                resolved_json: json,
                sweep: resolved.sweep,
                files: files.inputs(),
                warnings: diagnostics,
            })
        }
        Some(_) | None => Err(diagnostics),
    }
}

/// The JSON Schema of scenario files for editors: draft-07, without `$ref`, with documentation.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(shape::schema()).expect("a schema is a JSON value");
    text.push('\n');
    text
}

/// A bug of ours, said as data: a text never makes the checker panic.
fn unresolved(document: &Document) -> Diagnostic {
    let spot = &document.place(&At::root()).value;
    Diagnostic {
        code: Code::BadValue,
        source: Arc::clone(&spot.source),
        span: spot.span.clone(),
        message: UNRESOLVED.to_owned(),
        label: String::new(),
        help: Some("please report it: the checker should have said why".to_owned()),
    }
}

/// What is said where a plan is missing and no mistake was found.
const UNRESOLVED: &str = "this scenario cannot be resolved";

fn check_variant(
    document: &Document,
    options: &Options,
    variant: Option<&str>,
    files: &Shelf<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Resolved> {
    let mut document = document.clone();
    if let Some(variant) = variant {
        apply_variant(&mut document, variant, diagnostics);
    }
    for (path, value) in &options.set {
        apply_set(&mut document, path, value, diagnostics);
    }
    if let Some(seed) = options.seed {
        let source = Source {
            name: "--seed".to_owned(),
            text: seed.to_string(),
        };
        document.put_text(&At::root().key("seed"), &Arc::new(source), 0, false);
    }
    let shaped = shape::shape(&document, diagnostics);
    resolve(&document, &shaped, variant, files, diagnostics)
}

fn variant_names(document: &Document) -> Vec<String> {
    let variants = document
        .value
        .get("variants")
        .and_then(|all| all.as_array());
    variants
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("name").and_then(|name| name.as_str()))
        .map(str::to_owned)
        .collect()
}

fn unknown_variant(variant: &str, names: &[String]) -> Diagnostic {
    let help = names::suggest(variant, "variants", names.iter().map(String::as_str))
        .unwrap_or_else(|| "this scenario has no variants".to_owned());
    Diagnostic {
        code: Code::UnknownVariant,
        source: Arc::new(Source {
            name: "--variant".to_owned(),
            text: variant.to_owned(),
        }),
        span: 0..variant.len(),
        message: format!("no variant is called `{variant}`"),
        label: String::new(),
        help: Some(help),
    }
}

/// Gives the keys of a variant's `set` their other values.
fn apply_variant(document: &mut Document, variant: &str, diagnostics: &mut Vec<Diagnostic>) {
    let original = document.clone();
    let variants = original
        .value
        .get("variants")
        .and_then(|all| all.as_array());
    let index = variants
        .into_iter()
        .flatten()
        .position(|one| one.get("name").and_then(|name| name.as_str()) == Some(variant));
    let Some(index) = index else { return };
    let at = At::root().key("variants").index(index).key("set");
    let mut leaves = Vec::new();
    collect_leaves(&original, &at, String::new(), &mut leaves);
    for (path, from) in leaves {
        let segments = split_path(&path);
        match document.targets(&segments) {
            Ok(targets) => {
                for target in targets {
                    document.copy_from(&original, &from, &target);
                }
            }
            Err(error) => {
                let place = original.place(&from);
                let spot = place.key.as_ref().unwrap_or(&place.value);
                diagnostics.push(Diagnostic {
                    code: Code::UnknownPath,
                    source: Arc::clone(&spot.source),
                    span: spot.span.clone(),
                    message: error.message,
                    label: "this path leads nowhere".to_owned(),
                    help: error.help,
                });
            }
        }
    }
}

/// The single values below `at`, with the paths that their keys spell.
fn collect_leaves(document: &Document, at: &At, path: String, leaves: &mut Vec<(String, At)>) {
    let Some(value) = document.value.pointer(at.as_str()) else {
        return;
    };
    match value.as_object() {
        Some(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            for key in keys {
                let longer = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                collect_leaves(document, &at.key(key), longer, leaves);
            }
        }
        None if !path.is_empty() => leaves.push((path, at.clone())),
        None => {}
    }
}

/// Gives one key another value, from the command line.
fn apply_set(document: &mut Document, path: &str, value: &str, diagnostics: &mut Vec<Diagnostic>) {
    let source = Arc::new(Source {
        name: "--set".to_owned(),
        text: format!("{path}={value}"),
    });
    let segments = split_path(path);
    match document.targets(&segments) {
        Ok(targets) => {
            for target in targets {
                // Where a string belongs, `balance=10` and `balance="10"` are the same.
                let bare = shape::wants_string(&target);
                document.put_text(&target, &source, path.len() + 1, bare);
            }
        }
        Err(error) => diagnostics.push(Diagnostic {
            code: Code::UnknownPath,
            source,
            span: segments[error.segment].span.clone(),
            message: error.message,
            label: "this path leads nowhere".to_owned(),
            help: error.help,
        }),
    }
}

/// What follows from a line that could not be read is noise: next to syntax errors only mistakes of
/// single values on other lines are kept.
fn keep_what_is_sure(diagnostics: &mut Vec<Diagnostic>) {
    let broken: Vec<usize> = diagnostics
        .iter()
        .filter(|one| one.code == Code::Syntax)
        .map(Diagnostic::line)
        .collect();
    diagnostics.retain(|one| match one.code {
        Code::Syntax => true,
        Code::UnknownKey | Code::NotInThisVersion | Code::WrongType | Code::BadValue => {
            !broken.contains(&one.line())
        }
        _ => false,
    });
}

/// By place, the file first; of two at one place the worse first.
fn sort(diagnostics: &mut Vec<Diagnostic>, file_name: &str) {
    diagnostics.sort_by(|one, other| {
        let is_beside = |it: &Diagnostic| it.source.name != file_name;
        is_beside(one)
            .cmp(&is_beside(other))
            .then_with(|| one.source.text.cmp(&other.source.text))
            .then_with(|| one.span.start.cmp(&other.span.start))
            .then_with(|| one.severity().cmp(&other.severity()))
    });
    diagnostics.dedup();
}
