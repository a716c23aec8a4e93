//! The shape of a scenario: which keys there are, and of which type.
//!
//! Owns the JSON Schema (generated from [`crate::spec`]), its application to a document, and the
//! translation of every violation into a diagnostic. What violates the shape is cut out of the
//! tree, so that the rest can be read and checked too. Knows nothing of what values mean.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::document::{At, Document, Spot};
use crate::spec::{self, Spec};

/// Keys of later work, by the table that they will stand in (`*` is any one step).
const LATER: [(&str, &[&str]); 7] = [
    ("", &["invariants", "include", "testnet"]),
    ("/network", &["exporter", "export", "bandwidth"]),
    ("/validators", &["stake"]),
    ("/workload/*", LATER_ACTIONS),
    ("/workload/*/script/*", LATER_ACTIONS),
    (
        "/workload/*/script/*/open_chain",
        &["open_multi_leader_rounds"],
    ),
    ("/faults/*", &["client", "autoscale"]),
];

const LATER_ACTIONS: &[&str] = &["query", "subscribe"];

static SCHEMA: LazyLock<Value> = LazyLock::new(build_schema);

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let mut schema = SCHEMA.clone();
    // What a quantity looks like is checked where it is parsed, with a better message.
    remove_key(&mut schema, "pattern");
    jsonschema::draft7::new(&schema).expect("the generated schema is a valid draft-07 schema")
});

/// The JSON Schema of scenario files for editors: draft-07, without `$ref`.
pub(crate) fn schema() -> &'static Value {
    &SCHEMA
}

fn build_schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<Spec>()
        .to_value();
    remove_null(&mut schema);
    schema
}

/// TOML has no null, so an optional key is one that is not written.
fn remove_null(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get("type") {
                let kept: Vec<Value> = types
                    .iter()
                    .filter(|one| **one != "null")
                    .cloned()
                    .collect();
                if let [only] = kept.as_slice() {
                    map.insert("type".to_owned(), only.clone());
                }
            }
            map.values_mut().for_each(remove_null);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn remove_key(value: &mut Value, key: &str) {
    match value {
        Value::Object(map) => {
            // A property may have the name of a keyword; its schema is an object.
            if map.get(key).is_some_and(Value::is_string) {
                map.remove(key);
            }
            map.values_mut().for_each(|one| remove_key(one, key));
        }
        Value::Array(items) => items.iter_mut().for_each(|one| remove_key(one, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The part of the schema that speaks of the value at `at`; `true` where everything goes.
pub(crate) fn schema_at(at: &At) -> Option<&'static Value> {
    let mut here: &Value = &SCHEMA;
    for step in at.as_str().split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let property = here.get("properties").and_then(|all| all.get(&step));
        here = property.or_else(|| here.get("items")).or_else(|| {
            here.get("additionalProperties")
                .filter(|one| one.is_object())
        })?;
    }
    Some(here)
}

/// Whether a string belongs at `at`.
pub(crate) fn wants_string(at: &At) -> bool {
    schema_at(at)
        .and_then(|schema| schema.get("type"))
        .is_some_and(|one| one == "string")
}

/// A document without what violated its shape.
pub(crate) struct Shaped {
    pub(crate) spec: Spec,
    /// The tables and arrays that lost something, and what was lost.
    pub(crate) damaged: BTreeSet<At>,
}

/// Checks the shape of `document`, cuts out what violates it, and reads the rest.
pub(crate) fn shape(document: &Document, diagnostics: &mut Vec<Diagnostic>) -> Shaped {
    let mut cut = Cutter {
        value: document.value.clone(),
        damaged: BTreeSet::new(),
    };
    for error in VALIDATOR.iter_errors(&document.value) {
        let at = At::from_pointer(error.instance_path().as_str());
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    diagnostics.push(unknown_key(document, &at, key));
                    cut.remove(&at.key(key));
                }
            }
            ValidationErrorKind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                diagnostics.push(missing_key(document, &at, key));
                cut.damaged.insert(at.key(key));
            }
            ValidationErrorKind::Type { .. } => {
                diagnostics.push(wrong_type(document, &at));
                cut.remove_or_empty(&at);
            }
            ValidationErrorKind::Enum { options } => {
                diagnostics.push(not_an_option(document, &at, options));
                cut.remove(&at);
            }
            ValidationErrorKind::Minimum { limit } => {
                diagnostics.push(bad_number(document, &at, &format!("at least {limit}")));
                cut.remove(&at);
            }
            ValidationErrorKind::Maximum { limit } => {
                diagnostics.push(bad_number(document, &at, &format!("at most {limit}")));
                cut.remove(&at);
            }
            _ => {
                let message = error.to_string();
                diagnostics.push(at_value(document, &at, Code::BadValue, message, "", None));
                cut.remove_or_empty(&at);
            }
        }
    }
    let spec = match serde_json::from_value(cut.value) {
        Ok(spec) => spec,
        Err(error) => {
            let message = format!("this scenario cannot be read: {error}");
            let root = At::root();
            diagnostics.push(at_value(document, &root, Code::BadValue, message, "", None));
            cut.damaged.insert(root);
            Spec::default()
        }
    };
    Shaped {
        spec,
        damaged: cut.damaged,
    }
}

struct Cutter {
    value: Value,
    damaged: BTreeSet<At>,
}

impl Cutter {
    fn remove(&mut self, at: &At) {
        self.damaged.insert(at.clone());
        let Some((parent, last)) = at.parent() else {
            self.value = Value::Object(Map::new());
            return;
        };
        self.damaged.insert(parent.clone());
        let holder = self.value.pointer_mut(parent.as_str());
        if let Some(Value::Object(map)) = holder {
            map.remove(&last);
        } else if matches!(holder, Some(Value::Array(_))) {
            // Without one of its elements an array of strings means something else.
            self.remove(&parent);
        }
    }

    /// An element of an array of tables becomes an empty table, so that the numbers of the others
    /// stay what they are.
    fn remove_or_empty(&mut self, at: &At) {
        let wants_table = schema_at(at)
            .and_then(|schema| schema.get("type"))
            .is_some_and(|one| one == "object");
        let in_array = at
            .parent()
            .and_then(|(parent, _)| self.value.pointer(parent.as_str()).map(Value::is_array))
            .unwrap_or(false);
        if wants_table && in_array {
            self.damaged.insert(at.clone());
            if let Some(slot) = self.value.pointer_mut(at.as_str()) {
                *slot = Value::Object(Map::new());
            }
        } else {
            self.remove(at);
        }
    }
}

fn diagnostic(
    spot: &Spot,
    code: Code,
    message: String,
    label: &str,
    help: Option<String>,
) -> Diagnostic {
    Diagnostic {
        code,
        source: std::sync::Arc::clone(&spot.source),
        span: spot.span.clone(),
        message,
        label: label.to_owned(),
        help,
    }
}

fn at_value(
    document: &Document,
    at: &At,
    code: Code,
    message: String,
    label: &str,
    help: Option<String>,
) -> Diagnostic {
    diagnostic(&document.place(at).value, code, message, label, help)
}

fn unknown_key(document: &Document, at: &At, key: &str) -> Diagnostic {
    let place = document.place(&at.key(key));
    let spot = place.key.as_ref().unwrap_or(&place.value);
    if is_later(at, key) {
        let message = format!("`{key}` is not in this version");
        let help = "remove it, or keep the file for a later version".to_owned();
        return diagnostic(
            spot,
            Code::NotInThisVersion,
            message,
            "of later work",
            Some(help),
        );
    }
    let properties = schema_at(at)
        .and_then(|one| one.get("properties"))
        .and_then(Value::as_object);
    let mut known: Vec<&str> = properties
        .map(|all| all.keys().map(String::as_str).collect())
        .unwrap_or_default();
    known.sort_unstable();
    let help = did_you_mean(key, known.iter().copied())
        .or_else(|| (!known.is_empty()).then(|| format!("keys here: {}", known.join(", "))));
    let message = format!("unknown key `{key}`");
    diagnostic(
        spot,
        Code::UnknownKey,
        message,
        "not a key of this table",
        help,
    )
}

fn is_later(at: &At, key: &str) -> bool {
    let fits = |pattern: &str| {
        let steps: Vec<&str> = pattern.split('/').collect();
        let path: Vec<&str> = at.as_str().split('/').collect();
        steps.len() == path.len()
            && steps
                .iter()
                .zip(&path)
                .all(|(step, here)| *step == "*" || step == here)
    };
    LATER
        .iter()
        .any(|(pattern, keys)| fits(pattern) && keys.contains(&key))
}

fn missing_key(document: &Document, at: &At, key: &str) -> Diagnostic {
    let place = document.place(at);
    let spot = place
        .key
        .as_ref()
        .filter(|_| place.kind == "table")
        .unwrap_or(&place.value);
    let example = match key {
        "format" => "format = 1",
        "name" => "name = \"...\"",
        "seed" => "seed = 1",
        "duration" => "duration = \"2s\"",
        "count" => "count = 4",
        "at" => "at = \"1s\"",
        "amount" => "amount = \"1\"",
        "to" => "to = \"B\"",
        "chain" => "chain = \"A\"",
        "within" => "within = \"5s\"",
        "think" => "think = \"exp(mean=1s)\"",
        "rate" => "rate = \"40/s\"",
        "arrivals" => "arrivals = \"poisson\"",
        "creator" => "creator = \"A\"",
        "application" => "application = \"...\"",
        "between" => "between = [\"clients\", \"v1\"]",
        _ => "",
    };
    let help = (!example.is_empty()).then(|| format!("add {example}"));
    let label = "it belongs in this table";
    diagnostic(
        spot,
        Code::MissingKey,
        format!("`{key}` is missing"),
        label,
        help,
    )
}

fn wrong_type(document: &Document, at: &At) -> Diagnostic {
    let place = document.place(at);
    let schema = schema_at(at);
    let wanted = schema
        .and_then(|one| one.get("type"))
        .and_then(Value::as_str)
        .unwrap_or("value");
    let pattern = schema
        .and_then(|one| one.get("pattern"))
        .and_then(Value::as_str);
    let written = &place.value.source.text[place.value.span.clone()];
    let label = match wanted {
        "string" => "expected a string",
        "integer" => "expected a whole number",
        "boolean" => "expected true or false",
        "array" => "expected an array",
        "object" => "expected a table",
        _ => "of another type",
    };
    let is_number = matches!(place.kind, "integer" | "float");
    let help = match pattern {
        Some(spec::AMOUNT) if is_number => {
            Some(format!("amounts are decimal strings: write \"{written}\""))
        }
        Some(spec::DURATION | spec::DISTRIBUTION | spec::REGIONAL) if is_number => Some(format!(
            "durations carry their unit: write \"{written}ms\" or \"{written}s\""
        )),
        Some(spec::RATIO) if is_number => Some("shares are strings: write \"1%\"".to_owned()),
        Some(spec::RATE) if is_number => {
            Some(format!("rates carry their unit: write \"{written}/s\""))
        }
        Some(_) | None if wanted == "string" && is_number => {
            Some(format!("write it in quotes: \"{written}\""))
        }
        Some(_) | None if wanted == "integer" && place.kind == "string" => {
            Some("write the number without quotes, such as 4".to_owned())
        }
        Some(_) | None if wanted == "integer" && place.kind == "integer" => {
            Some("the number is too large".to_owned())
        }
        Some(_) | None => None,
    };
    let message = match at.parent() {
        Some((_, last)) if last.parse::<usize>().is_err() => format!("wrong type for `{last}`"),
        Some(_) | None => "wrong type for this element".to_owned(),
    };
    diagnostic(&place.value, Code::WrongType, message, label, help)
}

fn not_an_option(document: &Document, at: &At, options: &Value) -> Diagnostic {
    let key = at.parent().map(|(_, last)| last).unwrap_or_default();
    let options: Vec<String> = options
        .as_array()
        .map(|all| {
            all.iter()
                .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
                .collect()
        })
        .unwrap_or_default();
    let written = document
        .value
        .pointer(at.as_str())
        .and_then(Value::as_str)
        .unwrap_or_default();
    let help = did_you_mean(written, options.iter().map(String::as_str));
    let label = format!("expected {}", options.join(" or "));
    let place = document.place(at);
    let text = &place.value.source.text[place.value.span.clone()];
    let message = format!("{text} is not a value of `{key}`");
    at_value(document, at, Code::BadValue, message, &label, help)
}

fn bad_number(document: &Document, at: &At, bound: &str) -> Diagnostic {
    let key = at.parent().map(|(_, last)| last).unwrap_or_default();
    let message = format!("`{key}` must be {bound}");
    at_value(document, at, Code::BadValue, message, "out of bounds", None)
}
