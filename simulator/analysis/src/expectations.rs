//! What a scenario expects, judged while it runs.
//!
//! | kind | looked at |
//! |---|---|
//! | `always`, `eventually` | after every block that is confirmed, and at every checkpoint |
//! | `finally`, `metric` | when the run is over |
//!
//! A statement about more than [`NARROW`] single chains is looked at at checkpoints only. A
//! deadline is looked at just before the first fact after it.

mod quantities;

use engine::VirtualTime;
use scenario::{
    expression::{Evaluation, Expression, Function, Quantities},
    plan::{ExpectationKind, ExpectationPlan},
};

pub(crate) use quantities::View;

use crate::names::Names;

/// Statements about so many single chains are looked at after every block.
const NARROW: u32 = 64;

/// What became of a run, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing could be said; it counts for nothing.
    NotJudged,
    /// All that was stated holds.
    Pass,
    /// The run does not say.
    Inconclusive,
    /// Something does not hold.
    Fail,
}

impl Verdict {
    /// The word for it: `pass`, `inconclusive` or `fail`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJudged => "not judged",
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }
}

/// When statements are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A block was confirmed.
    Block,
    /// A checkpoint, a deadline, or the end.
    Checkpoint,
}

/// One expectation and what is known of it.
#[derive(Debug)]
struct Tracked {
    plan: ExpectationPlan,
    wide: bool,
    checked: u64,
    unknown: u64,
    /// When it was decided, how, and by which values.
    decided: Option<(VirtualTime, Verdict, String)>,
    /// What was found when it was last looked at.
    last: Option<Evaluation>,
}

/// An expectation when the run is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) first_violation: Option<VirtualTime>,
    pub(crate) checked: u64,
    pub(crate) detail: String,
}

/// All expectations.
#[derive(Debug)]
pub(crate) struct Expectations {
    tracked: Vec<Tracked>,
    /// The next deadline of a statement that is still open.
    deadline: VirtualTime,
}

impl Expectations {
    pub(crate) fn new(plans: &[ExpectationPlan], names: &Names<'_>) -> Self {
        let track = |plan: &ExpectationPlan| Tracked {
            plan: plan.clone(),
            wide: is_wide(&plan.expression, names),
            checked: 0,
            unknown: 0,
            decided: None,
            last: None,
        };
        let mut all = Self {
            tracked: plans.iter().map(track).collect(),
            deadline: VirtualTime::MAX,
        };
        all.find_deadline();
        all
    }

    fn find_deadline(&mut self) {
        let open = self.tracked.iter().filter(|one| one.decided.is_none());
        let deadlines = open.filter_map(|one| match one.plan.kind {
            ExpectationKind::Eventually { deadline, .. } => Some(deadline),
            ExpectationKind::Finally | ExpectationKind::Always | ExpectationKind::Metric => None,
        });
        self.deadline = deadlines.min().unwrap_or(VirtualTime::MAX);
    }

    /// Whether a deadline has passed before `time`.
    pub(crate) fn is_due(&self, time: VirtualTime) -> bool {
        self.deadline < time
    }

    /// Looks at the statements whose deadlines have passed before `time`, as things stand.
    pub(crate) fn deadlines(&mut self, time: VirtualTime, quantities: &dyn Quantities) {
        for one in &mut self.tracked {
            let ExpectationKind::Eventually { deadline, .. } = one.plan.kind else {
                continue;
            };
            if one.decided.is_none() && deadline < time {
                let held = one.look_for(deadline, quantities);
                if one.decided.is_none() {
                    let unknown = held.is_none();
                    let verdict = if unknown {
                        Verdict::Inconclusive
                    } else {
                        Verdict::Fail
                    };
                    one.decided = Some((deadline, verdict, one.last_text()));
                }
            }
        }
        self.find_deadline();
    }

    /// Looks at what is looked at on this occasion.
    pub(crate) fn look(
        &mut self,
        occasion: Occasion,
        time: VirtualTime,
        quantities: &dyn Quantities,
    ) {
        for one in &mut self.tracked {
            let skipped = one.wide && occasion == Occasion::Block;
            if skipped || one.decided.is_some() {
                continue;
            }
            match one.plan.kind {
                ExpectationKind::Always => {
                    let evaluation = one.evaluate(quantities);
                    if evaluation.verdict == Some(false) {
                        one.decided = Some((time, Verdict::Fail, text_of(&evaluation)));
                    }
                }
                ExpectationKind::Eventually { after, deadline } => {
                    if after <= time && time <= deadline {
                        one.look_for(time, quantities);
                    }
                }
                ExpectationKind::Finally | ExpectationKind::Metric => {}
            }
        }
    }

    /// Judges all of them. `complete`: the run went on to its end, or nothing was left to happen;
    /// `end` is then the end of the plan.
    pub(crate) fn judge(
        mut self,
        complete: bool,
        end: VirtualTime,
        quantities: &dyn Quantities,
    ) -> Vec<Judged> {
        if complete {
            self.deadlines(end, quantities);
        }
        self.tracked
            .into_iter()
            .map(|one| one.judge(complete, end, quantities))
            .collect()
    }
}

impl Tracked {
    fn evaluate(&mut self, quantities: &dyn Quantities) -> Evaluation {
        let evaluation = self.plan.expression.evaluate(quantities);
        self.checked += 1;
        self.unknown += u64::from(evaluation.verdict.is_none());
        evaluation
    }

    fn last_text(&self) -> String {
        self.last.as_ref().map_or_else(String::new, text_of)
    }

    /// Looks whether what must come has come.
    fn look_for(&mut self, time: VirtualTime, quantities: &dyn Quantities) -> Option<bool> {
        let evaluation = self.evaluate(quantities);
        let verdict = evaluation.verdict;
        if verdict == Some(true) {
            self.decided = Some((time, Verdict::Pass, text_of(&evaluation)));
        } else {
            self.last = Some(evaluation);
        }
        verdict
    }

    fn judge(mut self, complete: bool, end: VirtualTime, quantities: &dyn Quantities) -> Judged {
        let (verdict, first_violation, detail) = match (self.plan.kind, self.decided.take()) {
            (_, Some((time, verdict, text))) => {
                (verdict, (verdict == Verdict::Fail).then_some(time), text)
            }
            (ExpectationKind::Eventually { after, deadline }, None) => {
                // A run that is over stays as it is.
                let text = if complete && after <= end {
                    let evaluation = self.evaluate(quantities);
                    let text = text_of(&evaluation);
                    if evaluation.verdict == Some(true) && end <= deadline {
                        return self.judged(Verdict::Pass, None, text);
                    }
                    text
                } else {
                    self.last_text()
                };
                let detail = format!("the run ended before the deadline; {text}");
                (Verdict::Inconclusive, None, detail)
            }
            (ExpectationKind::Always, None) => {
                let evaluation = self.evaluate(quantities);
                let text = text_of(&evaluation);
                match (evaluation.verdict, self.unknown) {
                    (Some(false), _) => (Verdict::Fail, Some(end), text),
                    (_, 0) => (Verdict::Pass, None, text),
                    _ => (Verdict::Inconclusive, None, text),
                }
            }
            (ExpectationKind::Finally | ExpectationKind::Metric, None) => {
                let evaluation = self.evaluate(quantities);
                let text = text_of(&evaluation);
                match evaluation.verdict {
                    _ if !complete => {
                        let detail = format!("the run did not come to its end; {text}");
                        (Verdict::Inconclusive, None, detail)
                    }
                    Some(true) => (Verdict::Pass, None, text),
                    Some(false) => (Verdict::Fail, Some(end), text),
                    None => (Verdict::Inconclusive, None, text),
                }
            }
        };
        self.judged(verdict, first_violation, detail)
    }

    fn judged(
        self,
        verdict: Verdict,
        first_violation: Option<VirtualTime>,
        detail: String,
    ) -> Judged {
        let kind = match self.plan.kind {
            ExpectationKind::Finally => "finally",
            ExpectationKind::Always => "always",
            ExpectationKind::Eventually { .. } => "eventually",
            ExpectationKind::Metric => "metric",
        };
        Judged {
            name: self.plan.name,
            kind,
            verdict,
            first_violation,
            checked: self.checked,
            detail,
        }
    }
}

/// The values that decided, such as `balance("A") = 90, inbox_total() = 0`.
fn text_of(evaluation: &Evaluation) -> String {
    let readings: Vec<_> = evaluation
        .readings
        .iter()
        .map(ToString::to_string)
        .collect();
    readings.join(", ")
}

/// Whether evaluating a statement means going through many chains.
fn is_wide(expression: &Expression, names: &Names<'_>) -> bool {
    let chains = |function: &Function| match function {
        Function::Balance(set) | Function::MinBlocks(set) => set.len(),
        Function::Inbox(set) | Function::Blocks(set) | Function::FastBlocks(set) => {
            if names.are_all(set) { 1 } else { set.len() }
        }
        // It goes through all pairs of chains.
        Function::Undelivered(_) => NARROW + 1,
        Function::OwnerBalance(..)
        | Function::Allowance { .. }
        | Function::Supply
        | Function::BurnedFees
        | Function::Dropped
        | Function::InFlight
        | Function::PendingBlocks
        | Function::MaxCertifiedPerHeight
        | Function::Height(_)
        | Function::Epoch(_)
        | Function::LostMessages
        | Function::RejectedMessages
        | Function::Timeouts
        | Function::DoneCommands
        | Function::FailedCommands
        | Function::Refused(_)
        | Function::Deliveries(_)
        | Function::FaultHits(_)
        | Function::Lag(_)
        | Function::Workers(_)
        | Function::RunningWorkers(_)
        | Function::MovedChains
        | Function::Rate(..)
        | Function::Total(..)
        | Function::Statistic(..) => 1,
    };
    expression
        .calls()
        .into_iter()
        .any(|call| chains(&call.function) > NARROW)
}
