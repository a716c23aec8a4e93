//! Validators whose number of workers changes.

use engine::{VirtualDuration, VirtualTime};

use super::Resolver;
use super::validators::WORKERS_MAX;
use crate::diagnostic::Code;
use crate::document::At;
use crate::plan::{FaultKind, FaultPlan, ResizeManner, ResizePlan, Targets};
use crate::spec::{FaultSpec, ResizeSpec, Spec};
use crate::units;

/// How long workers take to start when nothing else is said.
const BOOT: &str = "1s";
/// How long a validator that is about to stop goes on with what it has.
const DRAIN: &str = "100ms";

impl Resolver<'_> {
    /// The most workers that any resize asks for, so that faults may name them.
    pub(super) fn workers_to_come(&mut self, spec: &Spec) {
        let active = spec
            .faults
            .iter()
            .filter(|fault| self.is_active(fault.variant.as_ref()));
        let asked = active.filter_map(|fault| fault.resize.as_ref()?.workers);
        let most = asked.filter(|workers| *workers <= WORKERS_MAX).max();
        let most = most.and_then(|workers| u32::try_from(workers).ok());
        self.names.workers_max = self.names.workers.max(most.unwrap_or(0));
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
