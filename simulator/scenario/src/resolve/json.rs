//! Values that become JSON for an application, and the texts inside of them.

use serde_json::Value;

use super::Resolver;
use crate::diagnostic::Code;
use crate::document::At;
use crate::plan::{Part, TextPlan};
use crate::template::{Context, Placed, parse};

/// What is written for a part of unknown length where only the shape of a text is looked at.
const STAND_IN: char = '0';

impl Resolver<'_> {
    /// The JSON of whatever is written at `at`; `null` if nothing is.
    pub(super) fn json(&mut self, at: &At, context: Context) -> Option<TextPlan> {
        if !self.document.has(at) {
            return Some(TextPlan(vec![Part::Text("null".to_owned())]));
        }
        let document = self.document;
        let value = document.value.pointer(at.as_str())?;
        let mut text = Text::default();
        self.write(at, value, context, &mut text)
            .then_some(text.plan())
    }

    /// The JSON that is written as such in the string at `at`.
    pub(super) fn raw_json(&mut self, at: &At, text: &str, context: Context) -> Option<TextPlan> {
        let parts = self.template(at, text, context)?;
        let mut shape = String::new();
        for one in &parts {
            match &one.part {
                Part::Text(text) => shape.push_str(text),
                _ => shape.push(STAND_IN),
            }
        }
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&shape) {
            let message = format!("this is not JSON: {error}");
            let help = "a table becomes JSON: request = { query = \"...\" }".to_owned();
            self.say(at, Code::BadValue, message, help);
            return None;
        }
        let mut plan = Text::default();
        parts.into_iter().for_each(|one| plan.push(one.part));
        Some(plan.plan())
    }

    /// The parts of the string at `at`; what is wrong with its names is reported.
    pub(super) fn template(
        &mut self,
        at: &At,
        text: &str,
        context: Context,
    ) -> Option<Vec<Placed>> {
        match parse(&self.names, text, context) {
            Ok(parts) => Some(parts),
            Err(errors) => {
                errors
                    .into_iter()
                    .for_each(|error| self.say_text(at, error));
                None
            }
        }
    }

    /// Whether nothing was wrong.
    fn write(&mut self, at: &At, value: &Value, context: Context, out: &mut Text) -> bool {
        match value {
            Value::Null => self.not_json(at),
            Value::Bool(_) | Value::Number(_) => {
                out.push_text(&value.to_string());
                true
            }
            Value::String(text) => match self.template(at, text, context) {
                Some(parts) => {
                    out.push_string(parts);
                    true
                }
                None => false,
            },
            Value::Array(items) => {
                let mut good = true;
                out.push_text("[");
                for (index, item) in items.iter().enumerate() {
                    out.push_text(if index == 0 { "" } else { "," });
                    good &= self.write(&at.index(index), item, context, out);
                }
                out.push_text("]");
                good
            }
            Value::Object(map) => {
                let mut good = true;
                // By name, however maps are kept: the bytes are a part of what runs.
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                out.push_text("{");
                for (index, (key, item)) in entries.into_iter().enumerate() {
                    out.push_text(if index == 0 { "" } else { "," });
                    let here = at.key(key);
                    match parse(&self.names, key, context) {
                        Ok(parts) => out.push_string(parts),
                        Err(errors) => {
                            let said = errors.into_iter();
                            said.for_each(|error| self.say_in_key(&here, key, error));
                            good = false;
                        }
                    }
                    out.push_text(":");
                    good &= self.write(&here, item, context, out);
                }
                out.push_text("}");
                good
            }
        }
    }

    /// A value that was not read, since no JSON is like it.
    fn not_json(&mut self, at: &At) -> bool {
        let kind = self.document.place(at).kind;
        let message = match kind {
            "float" | "integer" => "JSON here has no such number",
            _ => "JSON has no dates",
        };
        self.say(at, Code::BadValue, message, "write it in quotes".to_owned());
        false
    }
}

/// A text that grows.
#[derive(Default)]
pub(super) struct Text(Vec<Part>);

impl Text {
    pub(super) fn push_text(&mut self, text: &str) {
        if let Some(Part::Text(last)) = self.0.last_mut() {
            last.push_str(text);
        } else if !text.is_empty() {
            self.0.push(Part::Text(text.to_owned()));
        }
    }

    fn push(&mut self, part: Part) {
        match part {
            Part::Text(text) => self.push_text(&text),
            name => self.0.push(name),
        }
    }

    /// A string of JSON. Ids and accounts need no escapes.
    fn push_string(&mut self, parts: Vec<Placed>) {
        self.push_text("\"");
        self.push_inside_string(parts);
        self.push_text("\"");
    }

    /// What stands inside of a string of JSON.
    pub(super) fn push_inside_string(&mut self, parts: Vec<Placed>) {
        for one in parts {
            match one.part {
                Part::Text(text) => {
                    let quoted = Value::String(text).to_string();
                    self.push_text(&quoted[1..quoted.len() - 1]);
                }
                name => self.0.push(name),
            }
        }
    }

    pub(super) fn plan(self) -> TextPlan {
        TextPlan(self.0)
    }
}
