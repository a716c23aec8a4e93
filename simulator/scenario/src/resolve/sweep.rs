//! What a sweep runs: its points and its seeds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Resolver;
use crate::diagnostic::Code;
use crate::document::At;
use crate::names::suggest;
use crate::spec::{Spec, SweepSpec};
use crate::units;

/// More runs than anybody waits for.
const RUNS_MAX: u64 = 100_000;

/// The runs of a sweep: every point with every seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The seeds, ascending.
    pub seeds: Vec<u64>,
    /// What differs from point to point.
    pub points: Vec<SweepPoint>,
    /// The part of what the most loaded worker allows that every point must reach, in millionths.
    pub of_bound: Option<u32>,
}

/// A point of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepPoint {
    /// Its name: that of the variant, and the keys with another value.
    pub name: String,
    /// The variant.
    pub variant: Option<String>,
    /// Keys with another value, as for `--set`.
    pub set: Vec<(String, String)>,
}

impl Resolver<'_> {
    pub(super) fn sweep(&mut self, spec: &Spec) -> Option<Sweep> {
        let written = spec.sweep.as_ref()?;
        let at = At::root().key("sweep");
        let seeds = self.seeds(&at.key("seeds"), written.seeds.as_deref()?);
        let variants = self.variants_to_sweep(&at.key("variants"), spec, written);
        let of_bound = self.read(&at.key("of_bound"), written.of_bound.as_ref(), units::ratio);
        let millionths = of_bound.map(|share| {
            let share = u128::from(share.num()) * 1_000_000 / u128::from(share.den());
            u32::try_from(share).unwrap_or(u32::MAX)
        });
        let (seeds, variants) = (seeds?, variants?);
        let axes = written.axes.clone().unwrap_or_default();
        let points: u64 = axes.values().map(|values| long(values.len())).product();
        let runs = points
            .saturating_mul(long(variants.len()))
            .saturating_mul(long(seeds.len()));
        if runs == 0 || runs > RUNS_MAX {
            let message = format!("a sweep has between 1 and {RUNS_MAX} runs, and this {runs}");
            self.say_key(&at, Code::BadValue, message, "", None);
            return None;
        }
        let points = variants
            .iter()
            .flat_map(|variant| points_of(variant.as_ref(), &axes));
        Some(Sweep {
            points: points.collect(),
            seeds,
            of_bound: millionths,
        })
    }

    fn seeds(&mut self, at: &At, text: &str) -> Option<Vec<u64>> {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let seeds: Option<Vec<u64>> = match text.split_once("..") {
            None => number(text).map(|only| vec![only]),
            Some((first, last)) => {
                let inclusive = last.strip_prefix('=');
                let last = number(inclusive.unwrap_or(last));
                let end = last.map(|last| last.saturating_add(u64::from(inclusive.is_some())));
                let range = number(first).zip(end);
                range
                    .filter(|(first, end)| first < end && end - first <= RUNS_MAX)
                    .map(|(first, end)| (first..end).collect())
            }
        };
        if seeds.is_none() {
            let message = format!("`{text}` names no seeds");
            let help = "write one, such as \"1\", or a range, such as \"1..=20\"".to_owned();
            self.say(at, Code::BadValue, message, help);
        }
        seeds
    }

    /// The variants to run; the scenario without any if none are named.
    fn variants_to_sweep(
        &mut self,
        at: &At,
        spec: &Spec,
        written: &SweepSpec,
    ) -> Option<Vec<Option<String>>> {
        let Some(named) = &written.variants else {
            return Some(vec![None]);
        };
        let known: Vec<&str> = spec
            .variants
            .iter()
            .filter_map(|one| one.name.as_deref())
            .collect();
        let mut failed = false;
        for (place, name) in named.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let help = suggest(name, "variants", known.iter().copied());
                let message = format!("no variant is called `{name}`");
                self.say(&at.index(place), Code::UnknownVariant, message, help);
                failed = true;
            }
        }
        (!failed).then(|| named.iter().cloned().map(Some).collect())
    }
}

fn long(length: usize) -> u64 {
    u64::try_from(length).expect("lengths fit 64 bits")
}

/// Every choice of a value for each key; the last key changes fastest.
fn points_of(variant: Option<&String>, axes: &BTreeMap<String, Vec<Value>>) -> Vec<SweepPoint> {
    let mut sets: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for (key, values) in axes {
        let longer = |set: &Vec<(String, String)>| {
            let set = set.clone();
            values.iter().map(move |value| {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                let mut longer = set.clone();
                longer.push((key.clone(), text));
                longer
            })
        };
        sets = sets.iter().flat_map(longer).collect();
    }
    let point = |set: Vec<(String, String)>| {
        let keys = set.iter().map(|(key, value)| format!("{key}={value}"));
        let parts: Vec<String> = variant.cloned().into_iter().chain(keys).collect();
        SweepPoint {
            name: parts.join(" "),
            variant: variant.cloned(),
            set,
        }
    };
    sets.into_iter().map(point).collect()
}
