//! What a run leaves behind, and what ends it.

use super::Resolver;
use crate::diagnostic::{Code, did_you_mean};
use crate::distribution::trace_mode;
use crate::document::At;
use crate::plan::{Limits, OutputPlan, TraceMode};
use crate::spec::Spec;

/// Pictures by name, and the formats of each; every picture comes with its data.
pub const FIGURES: [(&str, &[&str]); 6] = [
    ("lanes", &["svg", "png"]),
    ("flow", &["svg", "png", "dot", "graphml"]),
    ("throughput", &["svg", "png"]),
    ("latency", &["svg", "png"]),
    ("queues", &["svg", "png"]),
    ("workers", &["svg", "png"]),
];

/// Pictures of later work.
const LATER: [&str; 7] = [
    "latency-timeline",
    "latency-cdf",
    "validators",
    "matrix",
    "inbox",
    "rounds",
    "fairness",
];

/// Formats of later work.
const LATER_FORMATS: [&str; 3] = [".pdf", ".mmd", ".vl.json"];

/// Pictures of a scenario that does not say which.
const FIGURES_DEFAULT: [&str; 8] = [
    "lanes.svg",
    "lanes.png",
    "flow.svg",
    "flow.dot",
    "flow.graphml",
    "throughput.svg",
    "latency.svg",
    "queues.svg",
];

/// Runs with more chains than this keep no event trace unless they ask for it.
const TRACED_CHAINS: usize = 200;
/// An hour of host time at a slow pace: more than this is a loop, not a run.
const EVENTS_MAX: u64 = 10_000_000_000;
/// Some gigabytes of waiting events.
const PENDING_MAX: u64 = 50_000_000;

impl Resolver<'_> {
    pub(super) fn output(&mut self, spec: &Spec, filled: &mut Spec, chains: usize) -> OutputPlan {
        let at = At::root().key("output");
        let written = spec.output.clone().unwrap_or_default();
        let target = filled.output.get_or_insert_default();
        let default = if chains <= TRACED_CHAINS {
            "full"
        } else {
            "off"
        };
        let text = target.trace.get_or_insert_with(|| default.to_owned());
        let trace = self.read_text(&at.key("trace"), Some(text), |_, text| trace_mode(text));

        let tables = target.tables.get_or_insert_with(|| vec!["csv".to_owned()]);
        for (index, table) in tables.iter().enumerate() {
            let here = at.key("tables").index(index);
            match table.as_str() {
                "csv" => {}
                "parquet" => {
                    let message = "`parquet` is not in this version";
                    let help = "write tables = [\"csv\"]".to_owned();
                    let label = "of later work";
                    self.say_labelled(&here, Code::NotInThisVersion, message, label, help);
                }
                other => {
                    let message = format!("there are no tables in the format `{other}`");
                    self.say(
                        &here,
                        Code::BadValue,
                        message,
                        "write tables = [\"csv\"]".to_owned(),
                    );
                }
            }
        }
        let csv = tables.iter().any(|table| table == "csv");

        for (index, figure) in written.figures.iter().flatten().enumerate() {
            self.figure(&at.key("figures").index(index), figure);
        }
        let figures = target
            .figures
            .get_or_insert_with(|| FIGURES_DEFAULT.map(str::to_owned).to_vec())
            .clone();
        OutputPlan {
            trace: trace.unwrap_or(TraceMode::Off),
            csv,
            figures,
        }
    }

    fn figure(&mut self, at: &At, figure: &str) {
        let known = FIGURES.iter().find_map(|(name, formats)| {
            let format = figure.strip_prefix(name)?.strip_prefix('.')?;
            Some(formats.contains(&format))
        });
        if known == Some(true) {
            return;
        }
        let later_name = LATER.iter().any(|name| {
            figure
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
        });
        let later = later_name || LATER_FORMATS.iter().any(|format| figure.ends_with(format));
        if later {
            let message = format!("`{figure}` is not in this version");
            let help = "remove it from the list".to_owned();
            self.say_labelled(at, Code::NotInThisVersion, message, "of later work", help);
            return;
        }
        let all: Vec<String> = FIGURES
            .iter()
            .flat_map(|(name, formats)| {
                formats.iter().map(move |format| format!("{name}.{format}"))
            })
            .collect();
        let help = did_you_mean(figure, all.iter().map(String::as_str))
            .unwrap_or_else(|| format!("figures: {}", all.join(", ")));
        self.say(
            at,
            Code::BadValue,
            format!("there is no figure `{figure}`"),
            help,
        );
    }

    pub(super) fn limits(&mut self, spec: &Spec, filled: &mut Spec) -> Limits {
        let target = filled.limits.get_or_insert_default();
        let limits = Limits {
            events: *target.events.get_or_insert(EVENTS_MAX),
            pending: *target.pending.get_or_insert(PENDING_MAX),
        };
        let at = At::root().key("limits").key("pending");
        if spec
            .limits
            .as_ref()
            .and_then(|one| one.pending)
            .is_some_and(|most| most < 1_000)
        {
            let message = "fewer waiting events than any run has";
            let help = "at least 1000".to_owned();
            self.say(&at, Code::BadValue, message, help);
        }
        limits
    }
}
