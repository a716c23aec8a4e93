//! Validators whose number of workers changes.

use engine::{Distribution, Ratio, VirtualDuration, VirtualTime};

use protocol::{TimeDelta, autoscale::AutoscaleOptions};

use super::Resolver;
use super::validators::WORKERS_MAX;
use crate::diagnostic::Code;
use crate::distribution::distribution;
use crate::document::At;
use crate::plan::{
    AutoscalePlan, FaultKind, FaultPlan, ResizeManner, ResizePlan, Targets, ValidatorIndex,
};
use crate::spec::{AutoscaleSpec, CrashSpec, FaultSpec, ResizeSpec, Spec};
use crate::units;

/// How long workers take to start when nothing else is said.
const BOOT: &str = "1s";
/// How long a validator that is about to stop goes on with what it has.
const DRAIN: &str = "100ms";

/// How a validator that scales itself does it, where nothing else is said.
const TARGET: &str = "65%";
const INTERVAL: &str = "2s";
const AUTOSCALE_BOOT: &str = "5s";
const PATIENCE: &str = "10s";

/// The validators that scale themselves, and how.
pub(super) type Autoscaled = (Vec<ValidatorIndex>, AutoscalePlan);

impl Resolver<'_> {
    /// The most workers that each validator ever has, so that faults may name them.
    pub(super) fn workers_to_come(&mut self, spec: &Spec, autoscale: Option<&Autoscaled>) {
        self.names.workers_max = self.names.workers.clone();
        for validator in autoscale.iter().flat_map(|(validators, _)| validators) {
            let most = autoscale.map_or(0, |(_, scale)| scale.options.max);
            self.names.workers_max[validator.position()] = most;
        }
        for fault in &spec.faults {
            if !self.is_active(fault.variant.as_ref()) {
                continue;
            }
            let Some(resize) = &fault.resize else {
                continue;
            };
            let asked = resize.workers.filter(|workers| *workers <= WORKERS_MAX);
            let asked = asked.and_then(|workers| u32::try_from(workers).ok());
            let text = resize.validators.as_deref().unwrap_or_default();
            let validators = self.names.find_validators(&Self::whole(text));
            for validator in validators.unwrap_or_default() {
                let most = &mut self.names.workers_max[validator.position()];
                *most = (*most).max(asked.unwrap_or(0));
            }
        }
    }

    pub(super) fn autoscale(&mut self, at: &At, written: &mut AutoscaleSpec) -> Option<Autoscaled> {
        let whose = written.validators.get_or_insert_with(|| "v*".to_owned());
        let validators = self.read_text(&at.key("validators"), Some(whose), |names, text| {
            names.find_validators(&Self::whole(text))
        });
        let min = *written.min.get_or_insert(1);
        let min = self.bounded(&at.key("min"), Some(min), WORKERS_MAX);
        let max = self.bounded(&at.key("max"), written.max, WORKERS_MAX);
        let target = written
            .target
            .get_or_insert_with(|| TARGET.to_owned())
            .clone();
        let target = self.busy_share(&at.key("target"), &target);
        let interval = written.interval.get_or_insert_with(|| INTERVAL.to_owned());
        let why = "between two looks at the workers passes time";
        let interval = self.positive(&at.key("interval"), &interval.clone(), why);
        let patience = written.patience.get_or_insert_with(|| PATIENCE.to_owned());
        let patience = self.read(&at.key("patience"), Some(patience), units::duration);
        let boot = written
            .boot
            .get_or_insert_with(|| AUTOSCALE_BOOT.to_owned());
        let boot = self.read_text(&at.key("boot"), Some(boot), |_, text| distribution(text));
        if boot == Some(Distribution::Constant(VirtualDuration::ZERO)) {
            let help = "the shortest is \"1us\"".to_owned();
            self.say(
                &at.key("boot"),
                Code::BadValue,
                "workers take time to start",
                help,
            );
        }
        let span = |one: VirtualDuration| TimeDelta::from_micros(one.as_micros());
        let (validators, options) = (
            validators?,
            AutoscaleOptions {
                min: min?,
                max: max?,
                target: target?,
                interval: span(interval?),
                patience: span(patience?),
            },
        );
        if options.min > options.max {
            let message = format!("the least is {}, and the most {}", options.min, options.max);
            let help = "make `min` at most `max`".to_owned();
            self.say(&at.key("min"), Code::BadValue, message, help);
            return None;
        }
        self.first_workers(at, &validators, options);
        let boot = boot?;
        Some((validators, AutoscalePlan { options, boot }))
    }

    /// Workers begin as many as there may be.
    fn first_workers(&mut self, at: &At, validators: &[ValidatorIndex], options: AutoscaleOptions) {
        let fits = |workers: u32| (options.min..=options.max).contains(&workers);
        let outside = validators.iter().find_map(|validator| {
            let first = *self.names.workers.get(validator.position())?;
            (!fits(first)).then_some((validator.get() + 1, first))
        });
        if let Some((validator, first)) = outside
            && !self.names.validators_are_partial
        {
            let message = format!(
                "v{validator} begins with {first} workers, and has {} to {}",
                options.min, options.max
            );
            let help = format!("write workers = {} in [validators]", options.min);
            self.say_key(at, Code::BadValue, message, "", help);
        }
    }

    /// A share of the time, in millionths.
    fn busy_share(&mut self, at: &At, text: &String) -> Option<u32> {
        let share = self.read(at, Some(text), units::ratio)?;
        let millionths = u128::from(share.num()) * 1_000_000 / u128::from(share.den());
        let millionths = u32::try_from(millionths).ok()?;
        if millionths == 0 {
            let message = "workers that are never busy do nothing";
            self.say(at, Code::BadValue, message, "write \"65%\"".to_owned());
            return None;
        }
        Some(millionths)
    }

    /// `v1/w*` of validators that scale themselves: the workers that they have when it strikes, or a
    /// share of them.
    pub(super) fn lose_workers(
        &mut self,
        at: &At,
        spec: &Spec,
        written: &CrashSpec,
        has_end: bool,
    ) -> Option<FaultKind> {
        let scale = spec.validators.as_ref()?.autoscale.as_ref()?;
        let whose = written.workers.as_deref()?.strip_suffix("/w*")?;
        let find = |text: &str| self.names.find_validators(&Self::whole(text)).ok();
        let validators = find(whose)?;
        let scaled = find(scale.validators.as_deref().unwrap_or("v*"))?;
        if !validators.iter().all(|one| scaled.contains(one)) {
            return None;
        }
        if written.after_outputs.is_some() {
            let message = "which workers these are is known when the fault strikes";
            let help = "name one worker, such as `v1/w1`".to_owned();
            self.say_key(&at.key("after_outputs"), Code::BadValue, message, "", help);
        }
        let share = written.fraction.as_deref().map(units::ratio);
        Some(FaultKind::LoseWorkers {
            validators,
            share: share.and_then(Result::ok).unwrap_or(Ratio::ONE),
            restarts: has_end || written.restart.is_some(),
        })
    }

    /// What validators that scale themselves cannot go together with.
    pub(super) fn check_autoscale(
        &mut self,
        plans: Option<&[crate::plan::ValidatorPlan]>,
        faults: &[FaultPlan],
        places: &[At],
    ) {
        let scales = |validator: &ValidatorIndex| {
            let plan = plans.and_then(|plans| plans.get(validator.position()));
            plan.is_some_and(|plan| plan.autoscale.is_some())
        };
        for (fault, at) in faults.iter().zip(places) {
            let (key, what, hit) = match &fault.kind {
                FaultKind::Resize(resize) => (
                    "resize",
                    "decides itself how many workers it has",
                    resize.validators.iter().any(scales),
                ),
                FaultKind::Rollback(Targets::Validators(validators)) => (
                    "byzantine",
                    "has one disk for all workers, which cannot fall back",
                    validators.iter().any(scales),
                ),
                FaultKind::Rollback(Targets::Workers(workers)) => (
                    "byzantine",
                    "has one disk for all workers, which cannot fall back",
                    workers.iter().any(|(validator, _)| scales(validator)),
                ),
                _ => continue,
            };
            if hit {
                let message = format!("a validator that scales itself {what}");
                let help = "leave it out with autoscale = { validators = \"v2\", ... }".to_owned();
                self.say_key(&at.key(key), Code::BadValue, message, "", help);
            }
        }
    }

    pub(super) fn resize(
        &mut self,
        place: &At,
        fault: &FaultSpec,
        written: &ResizeSpec,
    ) -> Option<FaultKind> {
        let at = &place.key("resize");
        if fault.r#for.is_some() {
            let message = "a resize ends when the workers are there";
            let help = "write boot = \"2s\" inside `resize`".to_owned();
            self.say_key(&place.key("for"), Code::TwoActions, message, "", help);
        }
        let validators = self.read_text(
            &at.key("validators"),
            written.validators.as_ref(),
            |names, text| names.find_validators(&Self::whole(text)),
        );
        let workers = self.bounded(&at.key("workers"), written.workers, WORKERS_MAX);
        let boot = written.boot.clone().unwrap_or_else(|| BOOT.to_owned());
        let boot = self.positive(&at.key("boot"), &boot, "workers take time to start");
        let manner = self.manner(at, written);
        Some(FaultKind::Resize(ResizePlan {
            validators: validators?,
            workers: workers?,
            boot: boot?,
            manner: manner?,
        }))
    }

    fn manner(&mut self, at: &At, written: &ResizeSpec) -> Option<ResizeManner> {
        if written.online == Some(true) {
            if written.drain.is_some() {
                let message = "a validator that goes on working is not drained";
                let help = "keep `online` or `drain`".to_owned();
                self.say_key(&at.key("drain"), Code::TwoActions, message, "", help);
            }
            return Some(ResizeManner::Online);
        }
        let drain = written.drain.clone().unwrap_or_else(|| DRAIN.to_owned());
        let drain = self.positive(&at.key("drain"), &drain, "stopping takes time")?;
        Some(ResizeManner::Offline { drain })
    }

    fn positive(&mut self, at: &At, text: &String, why: &str) -> Option<VirtualDuration> {
        let span = self.read(at, Some(text), units::duration)?;
        if span.is_zero() {
            let help = "the shortest is \"1us\"".to_owned();
            self.say(at, Code::BadValue, why, help);
            return None;
        }
        Some(span)
    }

    /// What a resize cannot go together with, and resizes that change nothing.
    pub(super) fn check_resizes(&mut self, faults: &[FaultPlan], places: &[At]) {
        for (position, (fault, at)) in faults.iter().zip(places).enumerate() {
            let FaultKind::Resize(resize) = &fault.kind else {
                continue;
            };
            let shared = |other: &&FaultPlan| match &other.kind {
                FaultKind::Rollback(Targets::Validators(validators)) => validators
                    .iter()
                    .any(|validator| resize.validators.contains(validator)),
                FaultKind::Rollback(Targets::Workers(workers)) => workers
                    .iter()
                    .any(|(validator, _)| resize.validators.contains(validator)),
                _ => false,
            };
            if let Some(other) = faults.iter().find(shared) {
                let message = format!(
                    "the disk of a resized validator cannot fall back: `{}`",
                    other.name
                );
                let help = "its workers share one disk: take two validators".to_owned();
                self.say_key(&at.key("resize"), Code::BadValue, message, "", help);
            }
            let overlaps = |other: &&FaultPlan| match &other.kind {
                FaultKind::Resize(one) => {
                    other.from <= fault.until
                        && fault.from <= other.until
                        && one
                            .validators
                            .iter()
                            .any(|validator| resize.validators.contains(validator))
                }
                _ => false,
            };
            if let Some(other) = faults[..position].iter().find(overlaps) {
                let message = format!("`{}` resizes this validator at the same time", other.name);
                let help = "begin one when the other has ended".to_owned();
                self.say_key(&at.key("resize"), Code::BadValue, message, "", help);
            }
            if fault.until >= self.end && self.end_is_known {
                let message = "the workers are not there before the end of the run";
                let help = "resize earlier, or make `boot` shorter".to_owned();
                self.say_key(&at.key("resize"), Code::AfterEnd, message, "", help);
            }
        }
    }
}

/// When a resize is over.
pub(super) fn end_of(from: Option<VirtualTime>, kind: &FaultKind) -> Option<VirtualTime> {
    match kind {
        FaultKind::Resize(resize) => Some(from?.saturating_add(resize.lasts())),
        _ => None,
    }
}
