//! Expectations: when something must hold, and the statement itself.

use std::cell::RefCell;
use std::collections::BTreeSet;

use engine::VirtualTime;

use super::Resolver;
use crate::diagnostic::Code;
use crate::document::At;
use crate::expression::{Expression, Scope, Use, Window, build};
use crate::names::suggest;
use crate::plan::{ChainSet, ExpectationKind, ExpectationPlan, FaultPlan};
use crate::spec::{EventuallySpec, ExpectSpec, Spec};
use crate::units;

const KINDS: &str = "finally, always, eventually, metric";

impl Resolver<'_> {
    pub(super) fn expectations(
        &mut self,
        spec: &Spec,
        faults: &[FaultPlan],
    ) -> Vec<ExpectationPlan> {
        let root = At::root().key("expect");
        let mut taken = BTreeSet::new();
        let mut plans = Vec::new();
        for (index, written) in spec.expect.iter().enumerate() {
            if !self.is_active(written.variant.as_ref()) {
                continue;
            }
            let at = root.index(index);
            let name = self.unique(&at, written.name.as_ref(), &mut taken, "an expectation");
            let plan = self.expectation(&at, written, faults);
            if let (Some(name), Some((kind, expression))) = (name, plan) {
                plans.push(ExpectationPlan {
                    name: name.clone(),
                    kind,
                    expression,
                });
            }
        }
        if spec.expect.is_empty() && !self.is_damaged(&root) {
            let message = "this scenario expects nothing";
            let help = "add [[expect]] with name and finally = 'in_flight() == 0'".to_owned();
            let label = "a run of it always passes";
            self.say_labelled(&At::root(), Code::NoExpectation, message, label, help);
        }
        plans
    }

    fn expectation(
        &mut self,
        at: &At,
        written: &ExpectSpec,
        faults: &[FaultPlan],
    ) -> Option<(ExpectationKind, Expression)> {
        let choices = [
            ("finally", written.finally.is_some()),
            ("always", written.always.is_some()),
            ("eventually", written.eventually.is_some()),
            ("metric", written.metric.is_some()),
        ];
        let found: Vec<&str> = choices
            .iter()
            .filter(|(_, there)| *there)
            .map(|(key, _)| *key)
            .collect();
        if !self.one_action(at, &found, KINDS) {
            return None;
        }
        if let Some(text) = &written.finally {
            let expression = self.statement(&at.key("finally"), text, Use::Whole);
            return Some((ExpectationKind::Finally, expression?));
        }
        if let Some(text) = &written.always {
            let expression = self.statement(&at.key("always"), text, Use::Moment);
            return Some((ExpectationKind::Always, expression?));
        }
        if let Some(text) = &written.metric {
            let expression = self.statement(&at.key("metric"), text, Use::Whole);
            return Some((ExpectationKind::Metric, expression?));
        }
        let eventually = written.eventually.as_ref()?;
        self.eventually(&at.key("eventually"), eventually, faults)
    }

    fn eventually(
        &mut self,
        at: &At,
        written: &EventuallySpec,
        faults: &[FaultPlan],
    ) -> Option<(ExpectationKind, Expression)> {
        let expression = written
            .holds
            .as_ref()
            .and_then(|text| self.statement(&at.key("holds"), text, Use::Moment));
        let after = self.after(&at.key("after"), written.after.as_ref(), faults);
        let within = self.read(&at.key("within"), written.within.as_ref(), units::duration);
        let (after, within) = (after?, within?);
        let deadline = after.saturating_add(within);
        if self.end_is_known && deadline > self.end {
            let end = units::write_micros(self.end.as_micros());
            let deadline = units::write_micros(deadline.as_micros());
            let message = format!("the run ends at {end}, before the deadline at {deadline}");
            let help = "make `duration` longer; until then the verdict can be inconclusive";
            self.say(&at.key("within"), Code::AfterEnd, message, help.to_owned());
        }
        Some((ExpectationKind::Eventually { after, deadline }, expression?))
    }

    /// The end of a fault, or an instant.
    fn after(
        &mut self,
        at: &At,
        text: Option<&String>,
        faults: &[FaultPlan],
    ) -> Option<VirtualTime> {
        let Some(text) = text else {
            return Some(VirtualTime::ZERO);
        };
        if let Some(fault) = faults.iter().find(|fault| fault.name == *text) {
            if self.end_is_known && fault.until >= self.end {
                let message = format!("`{text}` lasts to the end of the run");
                let help = "give the fault an end with `for`".to_owned();
                self.say(at, Code::AfterEnd, message, help);
            }
            return Some(fault.until);
        }
        if units::split_number(text).is_some() {
            return self.instant(at, Some(text), "this begins");
        }
        let names = self.names.faults.clone();
        let help = suggest(text, "faults", names.iter().map(String::as_str))
            .unwrap_or_else(|| "name a fault, or write an instant such as \"5s\"".to_owned());
        let message = format!("no fault is called `{text}`");
        if !self.is_damaged_inside(&At::root().key("faults")) {
            self.say_labelled(at, Code::UnknownFault, message, "unknown fault", help);
        }
        None
    }

    fn statement(&mut self, at: &At, text: &str, use_of: Use) -> Option<Expression> {
        let window = Window {
            from: self.warmup,
            until: self.end.max(self.warmup),
        };
        let all = self.names.groups().iter();
        let genesis = self.names.groups().iter().filter(|group| group.genesis);
        let scope = Scope {
            names: &self.names,
            use_of,
            window,
            all_chains: ChainSet::new(all.map(|one| one.first..one.first + one.count)),
            genesis_chains: ChainSet::new(genesis.map(|one| one.first..one.first + one.count)),
            windows: RefCell::new(Vec::new()),
        };
        let built = build(&scope, text);
        let mut windows = scope.windows.into_inner();
        windows.dedup();
        match built {
            Ok(expression) => {
                for (window, span) in windows {
                    self.lint_window(at, window, span);
                }
                Some(expression)
            }
            Err(errors) => {
                for error in errors {
                    self.say_text(at, error);
                }
                None
            }
        }
    }

    /// Says so where a stretch of time holds no measurements.
    fn lint_window(&mut self, at: &At, window: Window, span: std::ops::Range<usize>) {
        let warmup = units::write_micros(self.warmup.as_micros());
        let (code, message) = if self.end_is_known && window.from >= self.end {
            (
                Code::AfterEnd,
                "this stretch of time is after the end of the run".to_owned(),
            )
        } else if self.end_is_known && window.until > self.end {
            (
                Code::AfterEnd,
                "this stretch of time goes on after the end of the run".to_owned(),
            )
        } else if window.until <= self.warmup {
            let message =
                format!("nothing is left of this stretch of time after the warm-up of {warmup}");
            (Code::WarmupHidesWindow, message)
        } else if window.from < self.warmup {
            let message =
                format!("the warm-up of {warmup} hides the beginning of this stretch of time");
            (Code::WarmupHidesWindow, message)
        } else {
            return;
        };
        let spot = self.inside(at, span);
        self.push(&spot, code, message, "", None);
    }
}
