//! From what was written to a plan: names, units, times and references, all mistakes at once.
//!
//! Owns the order of the checks and what a default is. Invariants: a value that was already
//! reported is passed over in silence, so no mistake is reported twice; a plan is given out only
//! if there is no error. Knows nothing of files and terminals.

mod actions;
mod allowances;
mod applications;
mod blobs;
mod bundles;
mod calls;
mod chains;
mod delivery;
mod elastic;
mod expectations;
mod faults;
mod fees;
mod json;
mod lints;
mod output;
mod owners;
mod permissions;
mod recipients;
mod sweep;
mod validators;
mod wallets;
mod workload;

use std::collections::BTreeSet;
use std::ops::Range;

use engine::VirtualTime;
use protocol::policy::ResourceControlPolicy;

use crate::diagnostic::{Code, Diagnostic, Severity, floor_boundary};
use crate::document::{At, Document, Spot};
use crate::files::Shelf;
use crate::names::{Names, is_name};
use crate::plan::{Plan, Signatures};
use crate::shape::Shaped;
use crate::spec::Spec;
use crate::text::{Piece, TextError};
use crate::units::{self, UnitError};

pub use output::FIGURES;
pub use sweep::{Sweep, SweepPoint};

/// The longest name or sentence in a scenario, in bytes.
const TEXT_MAX: usize = 2_000;

/// A plan and the scenario with every default filled in.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) plan: Plan,
    pub(crate) filled: Spec,
    /// What `sweep` runs, if the scenario says it.
    pub(crate) sweep: Option<Sweep>,
}

/// Resolves a scenario for one variant. The plan is `None` if any diagnostic is an error.
pub(crate) fn resolve(
    document: &Document,
    shaped: &Shaped,
    variant: Option<&str>,
    files: &Shelf<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Resolved> {
    let mut resolver = Resolver {
        document,
        files,
        damaged: &shaped.damaged,
        variant,
        names: Names::default(),
        validator_count: 0,
        has_admin: false,
        policy: ResourceControlPolicy::no_fees(),
        end: VirtualTime::ZERO,
        end_is_known: false,
        warmup: VirtualTime::ZERO,
        diagnostics: Vec::new(),
    };
    let resolved = resolver.run(&shaped.spec);
    let failed = diagnostics
        .iter()
        .chain(&resolver.diagnostics)
        .any(|one| one.severity() == Severity::Error);
    diagnostics.append(&mut resolver.diagnostics);
    if failed { None } else { resolved }
}

/// The scenario while it is resolved.
struct Resolver<'a> {
    document: &'a Document,
    files: &'a Shelf<'a>,
    damaged: &'a BTreeSet<At>,
    variant: Option<&'a str>,
    names: Names,
    /// How many validators the file asks for.
    validator_count: u64,
    /// Whether a chain of the file is the admin chain.
    has_admin: bool,
    /// What resources cost at first.
    policy: ResourceControlPolicy,
    /// The end of the run.
    end: VirtualTime,
    /// Whether the duration could be read; without it nothing is after the end.
    end_is_known: bool,
    warmup: VirtualTime,
    diagnostics: Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn run(&mut self, spec: &Spec) -> Option<Resolved> {
        let mut filled = spec.clone();
        self.entries_of_other_variants(spec);
        let header = self.header(spec, &mut filled);
        let validators = self.validators(spec, &mut filled);
        self.validator_count = spec
            .validators
            .as_ref()
            .and_then(|one| one.count)
            .unwrap_or(0);
        let delivery = self.delivery(spec, &mut filled);
        self.name_applications(spec);
        let (mut groups, mut chains) = self.chains(spec, &mut filled);
        self.opened_chains(spec, &mut groups, &mut chains);
        self.stand_by(spec, validators.as_deref());
        self.regions(spec);
        let network = self.network(spec, &mut filled);
        // Faults are named before expectations speak of them.
        let (faults, fault_places) = self.faults(spec);
        self.check_resizes(&faults, &fault_places);
        self.check_autoscale(validators.as_deref(), &faults, &fault_places);
        let workloads = self.workloads(spec, &mut filled, &mut chains);
        // Who owns a chain that a step opens is known now.
        let applications = self.applications(spec, &mut filled, &chains);
        let expectations = self.expectations(spec, &faults);
        let output = self.output(spec, &mut filled, chains.len());
        let limits = self.limits(spec, &mut filled);
        self.note_unused(spec);
        let sweep = self.sweep(spec);
        self.keep_variant(&mut filled);
        let (name, seed, signatures) = header;
        let plan = Plan {
            name: name?,
            about: spec.about.clone().unwrap_or_default(),
            claim: spec.claim.clone().unwrap_or_default(),
            breaks: spec.breaks.clone(),
            variant: self.variant.map(str::to_owned),
            seed: seed?,
            duration: self.end.since(VirtualTime::ZERO),
            warmup: self.warmup.since(VirtualTime::ZERO),
            signatures: signatures?,
            regions: self.names.regions.clone(),
            network: network?,
            validators: validators?,
            delivery: delivery?,
            owners: self.names.take_owners(),
            groups,
            chains,
            applications,
            web: Vec::new(),
            workloads,
            faults,
            expectations,
            output,
            limits,
        };
        let clean = self
            .diagnostics
            .iter()
            .all(|one| one.severity() != Severity::Error);
        if clean {
            self.lint(&plan, spec, &fault_places);
        }
        Some(Resolved {
            plan,
            filled,
            sweep,
        })
    }

    fn header(
        &mut self,
        spec: &Spec,
        filled: &mut Spec,
    ) -> (Option<String>, Option<u64>, Option<Signatures>) {
        let root = At::root();
        let name = spec
            .name
            .as_ref()
            .filter(|name| self.is_file_name(name))
            .cloned();
        for key in ["about", "claim"] {
            let text = if key == "about" {
                &spec.about
            } else {
                &spec.claim
            };
            if text.as_ref().is_some_and(|text| text.len() > TEXT_MAX) {
                let message = format!("`{key}` is longer than {TEXT_MAX} bytes");
                self.say(&root.key(key), Code::BadValue, message, None);
            }
        }
        if let Some(end) = self.read(&root.key("duration"), spec.duration.as_ref(), units::micros) {
            self.end = VirtualTime::from_micros(end);
            self.end_is_known = end > 0;
            if end == 0 {
                let message = "a run of no time does nothing";
                self.say(&root.key("duration"), Code::BadValue, message, None);
            }
        }
        let warmup = filled.warmup.get_or_insert_with(|| "0s".to_owned()).clone();
        if let Some(warmup) = self.read(&root.key("warmup"), Some(&warmup), units::micros) {
            self.warmup = VirtualTime::from_micros(warmup);
            if self.end_is_known && self.warmup >= self.end && warmup > 0 {
                let message = "the warm-up is as long as the run";
                let help = "make it shorter, or the duration longer".to_owned();
                self.say(&root.key("warmup"), Code::BadValue, message, help);
            }
        }
        let signatures = filled
            .signatures
            .get_or_insert_with(|| "ed25519".to_owned());
        let signatures = match signatures.as_str() {
            "ed25519" => Some(Signatures::Ed25519),
            "modeled" => Some(Signatures::Modeled),
            _ => None,
        };
        (name, spec.seed, signatures)
    }

    fn is_file_name(&mut self, name: &str) -> bool {
        let fits = !name.is_empty()
            && name.len() <= 64
            && name
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || "-_.".contains(one))
            && !name.starts_with(['.', '-']);
        if !fits {
            let message = "the name of a scenario is also the name of a directory";
            let help = "use letters, digits, `-`, `_` and `.`, at most 64".to_owned();
            self.say(&At::root().key("name"), Code::BadValue, message, help);
        }
        fits
    }

    /// Whether an entry limited to `variant` belongs to this run.
    fn is_active(&self, variant: Option<&String>) -> bool {
        variant.is_none_or(|variant| self.variant == Some(variant.as_str()))
    }

    /// Checks every `variant = ...` against the variants that there are, and their names.
    fn entries_of_other_variants(&mut self, spec: &Spec) {
        let root = At::root();
        let known: Vec<String> = spec
            .variants
            .iter()
            .filter_map(|one| one.name.clone())
            .collect();
        for (index, name) in known.iter().enumerate() {
            let at = root.key("variants").index(index).key("name");
            if !is_name(name) {
                let help = "use letters, digits, `-` and `_`".to_owned();
                self.say(&at, Code::BadValue, format!("`{name}` is not a name"), help);
            } else if known[..index].contains(name) {
                let message = format!("two variants are called `{name}`");
                self.say(&at, Code::DuplicateName, message, None);
            }
        }
        let mut written: Vec<(At, &String)> = Vec::new();
        for (index, workload) in spec.workload.iter().enumerate() {
            let at = root.key("workload").index(index);
            written.extend(
                workload
                    .variant
                    .iter()
                    .map(|name| (at.key("variant"), name)),
            );
            for (step, one) in workload.script.iter().flatten().enumerate() {
                let at = at.key("script").index(step).key("variant");
                written.extend(one.variant.iter().map(|name| (at.clone(), name)));
            }
        }
        for (index, fault) in spec.faults.iter().enumerate() {
            let at = root.key("faults").index(index).key("variant");
            written.extend(fault.variant.iter().map(|name| (at.clone(), name)));
        }
        for (index, expect) in spec.expect.iter().enumerate() {
            let at = root.key("expect").index(index).key("variant");
            written.extend(expect.variant.iter().map(|name| (at.clone(), name)));
        }
        for (at, name) in written {
            if !known.contains(name) && !self.is_damaged(&root.key("variants")) {
                let help =
                    crate::names::suggest(name, "variants", known.iter().map(String::as_str))
                        .unwrap_or_else(|| "declare it with [[variants]]".to_owned());
                let message = format!("no variant is called `{name}`");
                self.say(&at, Code::UnknownVariant, message, help);
            }
        }
    }

    fn note_unused(&mut self, spec: &Spec) {
        if spec.sweep.is_some() {
            let message = "`sweep` is read by the sweep command and ignored here";
            self.say_key(&At::root().key("sweep"), Code::Unused, message, "", None);
        }
    }

    /// Takes the variants out of the filled scenario: it is the one that was chosen.
    fn keep_variant(&self, filled: &mut Spec) {
        filled.variants.clear();
        filled.sweep = None;
        filled
            .workload
            .retain(|one| self.is_active(one.variant.as_ref()));
        filled
            .faults
            .retain(|one| self.is_active(one.variant.as_ref()));
        filled
            .expect
            .retain(|one| self.is_active(one.variant.as_ref()));
        for workload in &mut filled.workload {
            workload.variant = None;
            if let Some(script) = &mut workload.script {
                script.retain(|step| self.is_active(step.variant.as_ref()));
                script.iter_mut().for_each(|step| step.variant = None);
            }
        }
        filled.faults.iter_mut().for_each(|one| one.variant = None);
        filled.expect.iter_mut().for_each(|one| one.variant = None);
    }
}

// How things are said.
impl Resolver<'_> {
    /// Whether something here was cut out because of its shape, and reported.
    fn is_damaged(&self, at: &At) -> bool {
        self.damaged.contains(at)
    }

    /// Whether anything at or below `at` was cut out.
    fn is_damaged_inside(&self, at: &At) -> bool {
        self.damaged.range(at.clone()..).next().is_some_and(|next| {
            let below = next.as_str().strip_prefix(at.as_str());
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Something about a value.
    fn say(
        &mut self,
        at: &At,
        code: Code,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        let spot = self.document.place(at).value.clone();
        self.push(&spot, code, message.into(), "", help.into());
    }

    /// Something about a key, or about a whole table.
    fn say_key(
        &mut self,
        at: &At,
        code: Code,
        message: impl Into<String>,
        label: &str,
        help: impl Into<Option<String>>,
    ) {
        let place = self.document.place(at);
        let spot = place.key.as_ref().unwrap_or(&place.value).clone();
        self.push(&spot, code, message.into(), label, help.into());
    }

    fn say_labelled(
        &mut self,
        at: &At,
        code: Code,
        message: impl Into<String>,
        label: &str,
        help: impl Into<Option<String>>,
    ) {
        let spot = self.document.place(at).value.clone();
        self.push(&spot, code, message.into(), label, help.into());
    }

    /// Something about a part of the string at `at`.
    fn say_text(&mut self, at: &At, error: TextError) {
        // Names are not known to be wrong while the place that declares them was not read.
        let excused = match error.code {
            Code::UnknownChain | Code::UnknownOwner => self.names.chains_are_partial,
            Code::UnknownApplication => self.names.applications_are_partial,
            Code::UnknownValidator | Code::UnknownWorker | Code::UnknownRegion => {
                self.names.validators_are_partial
            }
            Code::UnknownFault => self.is_damaged_inside(&At::root().key("faults")),
            _ => false,
        };
        if excused {
            return;
        }
        let spot = self.inside(at, error.span);
        self.push(&spot, error.code, error.message, &error.label, error.help);
    }

    /// Something about a part of the key at `at`.
    fn say_in_key(&mut self, at: &At, key: &str, error: TextError) {
        let place = self.document.place(at);
        let spot = place.key.as_ref().unwrap_or(&place.value);
        let spot = within(spot.clone(), key, error.span);
        self.push(&spot, error.code, error.message, &error.label, error.help);
    }

    fn push(
        &mut self,
        spot: &Spot,
        code: Code,
        message: String,
        label: &str,
        help: Option<String>,
    ) {
        self.diagnostics.push(Diagnostic {
            code,
            source: std::sync::Arc::clone(&spot.source),
            span: spot.span.clone(),
            message,
            label: label.to_owned(),
            help,
        });
    }

    /// Where the bytes `part` of the string at `at` stand in the text.
    fn inside(&self, at: &At, part: Range<usize>) -> Spot {
        let spot = self.document.place(at).value.clone();
        let value = self.document.value.pointer(at.as_str());
        match value.and_then(|one| one.as_str()) {
            Some(value) => within(spot, value, part),
            None => spot,
        }
    }

    /// Reads a quantity and reports what is wrong with it. What is not there gives `None`.
    fn read<T>(
        &mut self,
        at: &At,
        text: Option<&String>,
        parse: impl FnOnce(&str) -> Result<T, UnitError>,
    ) -> Option<T> {
        let text = text?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.say_labelled(at, Code::BadValue, error.message, "", Some(error.help));
                None
            }
        }
    }

    /// Reads a text with parts and reports what is wrong with it.
    fn read_text<T>(
        &mut self,
        at: &At,
        text: Option<&String>,
        parse: impl FnOnce(&Names, &str) -> Result<T, TextError>,
    ) -> Option<T> {
        match parse(&self.names, text?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.say_text(at, error);
                None
            }
        }
    }

    /// Reads an instant and warns if it is after the end of the run.
    fn instant(&mut self, at: &At, text: Option<&String>, what: &str) -> Option<VirtualTime> {
        let instant = VirtualTime::from_micros(self.read(at, text, units::micros)?);
        if self.end_is_known && instant >= self.end {
            let end = units::write_micros(self.end.as_micros());
            let message = format!("{what} after the end of the run");
            let label = format!("the run ends at {end}");
            let help = "make `duration` longer, or this instant earlier".to_owned();
            self.say_labelled(at, Code::AfterEnd, message, &label, help);
        }
        Some(instant)
    }

    /// A name that has to be there and be the only one of its kind.
    fn unique<'t>(
        &mut self,
        at: &At,
        name: Option<&'t String>,
        taken: &mut BTreeSet<String>,
        what: &str,
    ) -> Option<&'t String> {
        let name = name?;
        if name.trim().is_empty() || name.len() > TEXT_MAX || name.chars().any(char::is_control) {
            let message = format!("this is not a name of {what}");
            self.say(&at.key("name"), Code::BadValue, message, None);
        } else if !taken.insert(name.clone()) {
            let message = format!("{what} called `{name}` is there already");
            self.say(&at.key("name"), Code::DuplicateName, message, None);
        }
        Some(name)
    }

    /// Says that there is no action, or more than one, unless a key was cut out.
    fn one_action(&mut self, at: &At, found: &[&str], choices: &str) -> bool {
        match found {
            [_] => true,
            [] => {
                if !self.is_damaged(at) {
                    let help = format!("add one of: {choices}");
                    self.say_key(at, Code::NoAction, "nothing is to be done here", "", help);
                }
                false
            }
            [_, second, ..] => {
                let message = format!("two actions: `{}` and `{second}`", found[0]);
                let help = "make two entries of it, each with one action".to_owned();
                self.say_key(
                    &at.key(second),
                    Code::TwoActions,
                    message,
                    "the second one",
                    help,
                );
                false
            }
        }
    }

    /// A piece that is the whole of a text.
    fn whole(text: &str) -> Piece<'_> {
        Piece::of(text, 0..text.len())
    }
}

/// Where the bytes `part` of a string or a key stand in the text, of which `spot` is the whole. With
/// escapes it is marked as a whole.
fn within(spot: Spot, value: &str, part: Range<usize>) -> Spot {
    let written = spot.source.text.get(spot.span.clone()).unwrap_or_default();
    let Some(quote) = [0, 1, 3].into_iter().find(|quote| {
        let inner = written.get(*quote..written.len().saturating_sub(*quote));
        inner == Some(value)
    }) else {
        return spot;
    };
    let start = floor_boundary(value, part.start);
    let end = floor_boundary(value, part.end).max(start);
    let base = spot.span.start + quote;
    Spot {
        span: base + start..base + end,
        ..spot
    }
}

/// Where faults were written, in the order of the plan.
type FaultPlaces = Vec<At>;

/// The keys of a map in the order of the file, if they were written there, else by name.
fn in_file_order<'m, T>(
    document: &Document,
    at: &At,
    map: &'m std::collections::BTreeMap<String, T>,
) -> Vec<(&'m String, &'m T)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| {
        let place = document.place(&at.key(key));
        place.key.as_ref().map_or(0, |key| key.span.start)
    });
    entries
}

/// The keys that are there.
fn present<'n>(keys: &[(&'n str, bool)]) -> Vec<&'n str> {
    keys.iter()
        .filter(|(_, there)| *there)
        .map(|(key, _)| *key)
        .collect()
}
