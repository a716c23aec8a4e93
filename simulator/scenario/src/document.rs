//! The text of a scenario as a tree of plain values that remembers where each value was written.
//!
//! Owns parsing (with every syntax error, not the first), the map from a place in the tree to a
//! place in the text, and assignments by path (`--set`, variants). Invariant: every value of the
//! tree has a place. Knows no key of the format.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, Source, did_you_mean};

/// A JSON pointer that is grown step by step.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(String);

impl At {
    /// The pointer to the whole tree.
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// A pointer that is already written out.
    pub(crate) fn from_pointer(pointer: &str) -> Self {
        Self(pointer.to_owned())
    }

    /// The value of `key` in the table here.
    pub(crate) fn key(&self, key: &str) -> Self {
        Self(format!(
            "{}/{}",
            self.0,
            key.replace('~', "~0").replace('/', "~1")
        ))
    }

    /// The element `index` of the array here.
    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }

    /// The table or array that holds the value here, and its key or number there.
    pub(crate) fn parent(&self) -> Option<(Self, String)> {
        let (parent, last) = self.0.rsplit_once('/')?;
        Some((
            Self(parent.to_owned()),
            last.replace("~1", "/").replace("~0", "~"),
        ))
    }

    /// Whether the value here is not the format's: it becomes JSON for an application.
    fn is_free(&self) -> bool {
        let mut steps = self.0.split('/').skip(1);
        if steps.next() == Some("applications") {
            return matches!(steps.nth(1), Some("parameters" | "argument"));
        }
        let is_request = |step: &str| step == "request";
        steps.any(|step| step == "call") && steps.next().is_some_and(is_request)
    }

    /// The pointer as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A stretch of one text.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) source: Arc<Source>,
    pub(crate) span: Range<usize>,
}

/// Where a value was written.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its key, unless it is an element of an array.
    pub(crate) key: Option<Spot>,
    /// The value itself.
    pub(crate) value: Spot,
    /// What TOML calls its type.
    pub(crate) kind: &'static str,
}

/// A scenario as it was written, with what was set beside it.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) value: Value,
    places: BTreeMap<At, Place>,
}

impl Document {
    /// Reads TOML. The tree holds all that could be made out; the diagnostics are the syntax
    /// errors.
    pub(crate) fn parse(text: &str, name: &str) -> (Self, Vec<Diagnostic>) {
        let source = Arc::new(Source {
            name: name.to_owned(),
            text: text.to_owned(),
        });
        let (table, errors) = DeTable::parse_recoverable(text);
        let diagnostics = errors
            .iter()
            .map(|error| Diagnostic {
                code: Code::Syntax,
                source: Arc::clone(&source),
                span: error.span().unwrap_or(0..0),
                message: error.message().to_owned(),
                label: String::new(),
                help: None,
            })
            .collect();
        let mut document = Self {
            value: Value::Null,
            places: BTreeMap::new(),
        };
        let root = At::root();
        let first_line = text.find('\n').unwrap_or(text.len());
        document.places.insert(
            root.clone(),
            Place {
                key: None,
                value: Spot {
                    source: Arc::clone(&source),
                    span: 0..first_line,
                },
                kind: "table",
            },
        );
        document.value = document.read_table(table.get_ref(), &root, &source);
        (document, diagnostics)
    }

    /// Where the value at `at` was written; the nearest table around it if there is none.
    pub(crate) fn place(&self, at: &At) -> &Place {
        let mut at = at.clone();
        loop {
            if let Some(place) = self.places.get(&at) {
                return place;
            }
            at = at.parent().expect("the root has a place").0;
        }
    }

    /// Whether something was written exactly here.
    pub(crate) fn has(&self, at: &At) -> bool {
        self.places.contains_key(at)
    }

    fn read_table(&mut self, table: &DeTable<'_>, at: &At, source: &Arc<Source>) -> Value {
        let mut map = Map::new();
        for (key, value) in table.iter() {
            let here = at.key(key.get_ref());
            let key_spot = Spot {
                source: Arc::clone(source),
                span: key.span(),
            };
            let tree = self.read(value.get_ref(), value.span(), Some(key_spot), &here, source);
            map.insert(key.get_ref().clone().into_owned(), tree);
        }
        Value::Object(map)
    }

    fn read(
        &mut self,
        value: &DeValue<'_>,
        span: Range<usize>,
        key: Option<Spot>,
        at: &At,
        source: &Arc<Source>,
    ) -> Value {
        let spot = Spot {
            source: Arc::clone(source),
            span,
        };
        self.places.insert(
            at.clone(),
            Place {
                key,
                value: spot,
                kind: value.type_str(),
            },
        );
        // No key of the format takes a float or a date, so both become what no type of the schema fits.
        // What becomes JSON may hold floats.
        let foreign = Value::Null;
        match value {
            DeValue::String(text) => Value::String(text.clone().into_owned()),
            DeValue::Integer(number) => {
                match i128::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => match (u64::try_from(number), i64::try_from(number)) {
                        (Ok(number), _) => Value::from(number),
                        (Err(_), Ok(number)) => Value::from(number),
                        (Err(_), Err(_)) => foreign,
                    },
                    Err(_) => foreign,
                }
            }
            // Written as in JSON, it is read as JSON would.
            DeValue::Float(number) if at.is_free() => {
                serde_json::from_str(number.as_str()).unwrap_or(foreign)
            }
            DeValue::Float(_) | DeValue::Datetime(_) => foreign,
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Array(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| {
                        self.read(item.get_ref(), item.span(), None, &at.index(index), source)
                    })
                    .collect(),
            ),
            DeValue::Table(table) => self.read_table(table, at, source),
        }
    }
}

/// One step of a path such as `workload.payments.open.rate`, and where it stands in the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
}

/// Splits a path at its dots; a segment in quotes may hold dots and blanks.
pub(crate) fn split_path(path: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut name = String::new();
    let mut start = 0;
    let mut quoted = false;
    for (at, letter) in path.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '.' if !quoted => {
                segments.push(Segment {
                    name: std::mem::take(&mut name),
                    span: start..at,
                });
                start = at + 1;
            }
            _ => name.push(letter),
        }
    }
    segments.push(Segment {
        name,
        span: start..path.len(),
    });
    segments
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathError {
    /// Which segment.
    pub(crate) segment: usize,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Document {
    /// All places that a path means: `*` is every element, a name is the element with that name.
    /// Tables on the way are made if they are missing.
    pub(crate) fn targets(&mut self, path: &[Segment]) -> Result<Vec<At>, PathError> {
        let mut found = Vec::new();
        walk(&mut self.value, &At::root(), path, 0, &mut found)?;
        Ok(found)
    }

    /// Puts the subtree that `other` has at `from` to the place `to`, with its places.
    pub(crate) fn copy_from(&mut self, other: &Self, from: &At, to: &At) {
        let Some(value) = other.value.pointer(from.as_str()) else {
            return;
        };
        self.forget(to);
        let spot = other.place(from).value.clone();
        self.place_parents(to, &spot);
        for (at, place) in &other.places {
            let Some(rest) = at.0.strip_prefix(&from.0) else {
                continue;
            };
            if rest.is_empty() || rest.starts_with('/') {
                self.places
                    .insert(At(format!("{}{rest}", to.0)), place.clone());
            }
        }
        self.put(to, value.clone());
    }

    /// Puts the value that `text[span]` spells to the place `to`: TOML if it is, else the bare text.
    pub(crate) fn put_text(&mut self, to: &At, source: &Arc<Source>, start: usize, bare: bool) {
        let text = &source.text[start..];
        self.forget(to);
        let key = Spot {
            source: Arc::clone(source),
            span: 0..start.saturating_sub(1),
        };
        self.place_parents(to, &key);
        let parsed = DeValue::parse(text).ok();
        let tree = match parsed {
            Some(value) if !bare || value.get_ref().is_str() => {
                let wrapper = Arc::new(Source {
                    name: source.name.clone(),
                    text: text.to_owned(),
                });
                let tree = self.read(value.get_ref(), value.span(), None, to, &wrapper);
                self.move_into(to, source, start);
                tree
            }
            Some(_) | None => {
                let spot = Spot {
                    source: Arc::clone(source),
                    span: start..source.text.len(),
                };
                self.places.insert(
                    to.clone(),
                    Place {
                        key: None,
                        value: spot,
                        kind: "string",
                    },
                );
                Value::String(text.to_owned())
            }
        };
        self.places
            .get_mut(to)
            .expect("both arms have put a place")
            .key = Some(key);
        self.put(to, tree);
    }

    /// Shifts the places at and below `at`, which counted from the value, to count from the start
    /// of `source`.
    fn move_into(&mut self, at: &At, source: &Arc<Source>, start: usize) {
        let shift = |spot: &mut Spot| {
            spot.source = Arc::clone(source);
            spot.span = spot.span.start + start..spot.span.end + start;
        };
        for (here, place) in &mut self.places {
            let below = here.0.strip_prefix(&at.0);
            if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                shift(&mut place.value);
                if let Some(key) = &mut place.key {
                    shift(key);
                }
            }
        }
    }

    /// Tables that a path has made are where the path was written.
    fn place_parents(&mut self, at: &At, spot: &Spot) {
        let mut at = at.clone();
        while let Some((parent, _)) = at.parent() {
            self.places.entry(parent.clone()).or_insert_with(|| Place {
                key: Some(spot.clone()),
                value: spot.clone(),
                kind: "table",
            });
            at = parent;
        }
    }

    fn forget(&mut self, at: &At) {
        self.places.retain(|here, _| {
            let below = here.0.strip_prefix(&at.0);
            !below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
    }

    fn put(&mut self, at: &At, value: Value) {
        let Some((parent, last)) = at.parent() else {
            return;
        };
        match self.value.pointer_mut(parent.as_str()) {
            Some(Value::Object(map)) => {
                map.insert(last, value);
            }
            Some(Value::Array(items)) => {
                if let Some(slot) = last
                    .parse()
                    .ok()
                    .and_then(|index: usize| items.get_mut(index))
                {
                    *slot = value;
                }
            }
            Some(_) | None => {}
        }
    }
}

/// The keys whose value is a list of named tables.
const LISTS: [&str; 6] = [
    "chains",
    "applications",
    "workload",
    "faults",
    "expect",
    "variants",
];

fn walk(
    value: &mut Value,
    at: &At,
    path: &[Segment],
    depth: usize,
    found: &mut Vec<At>,
) -> Result<(), PathError> {
    let Some(segment) = path.get(depth) else {
        found.push(at.clone());
        return Ok(());
    };
    let name = segment.name.as_str();
    let last = depth + 1 == path.len();
    match value {
        Value::Object(map) => {
            if last {
                found.push(at.key(name));
                return Ok(());
            }
            if !map.contains_key(name) && LISTS.contains(&name) {
                let message = format!("there are no {name} to change");
                return Err(PathError {
                    segment: depth,
                    message,
                    help: None,
                });
            }
            let next = map.entry(name).or_insert_with(|| Value::Object(Map::new()));
            walk(next, &at.key(name), path, depth + 1, found)
        }
        Value::Array(items) => {
            let chosen = choose(items, segment, depth)?;
            for index in chosen {
                walk(&mut items[index], &at.index(index), path, depth + 1, found)?;
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(PathError {
            segment: depth,
            message: format!("`{name}` leads into a single value"),
            help: Some("end the path one step earlier".to_owned()),
        }),
    }
}

fn choose(items: &[Value], segment: &Segment, depth: usize) -> Result<Vec<usize>, PathError> {
    let name = segment.name.as_str();
    if name == "*" {
        return Ok((0..items.len()).collect());
    }
    let names: Vec<Option<&str>> = items
        .iter()
        .map(|item| item.get("name").and_then(Value::as_str))
        .collect();
    if let Some(index) = names.iter().position(|one| *one == Some(name)) {
        return Ok(vec![index]);
    }
    if let Some(index) = name
        .parse::<usize>()
        .ok()
        .filter(|index| *index < items.len())
    {
        return Ok(vec![index]);
    }
    let known: Vec<&str> = names.into_iter().flatten().collect();
    let help = did_you_mean(name, known.iter().copied())
        .unwrap_or_else(|| format!("names here: {}; `*` means all", known.join(", ")));
    Err(PathError {
        segment: depth,
        message: format!("nothing here is called `{name}`"),
        help: Some(help),
    })
}
