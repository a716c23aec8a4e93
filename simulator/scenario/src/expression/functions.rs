//! The functions of expressions: their names, their arguments, and the quantities that they mean.

use std::ops::Range;

use engine::VirtualTime;
use protocol::{error::NodeError, observe::DELIVERIES};

use super::build::{Scope, Use};
use super::syntax::{Tree, TreeKind};
use super::{Counter, Function, Measure, Statistic, Window};
use crate::diagnostic::{Code, did_you_mean};
use crate::text::{Piece, TextError};
use crate::units;

/// Functions with one shape of arguments each, and how they are written.
const STATES: [(&str, &str); 31] = [
    ("balance", "balance(\"A\") or balance(\"ana@A\")"),
    ("allowance", "allowance(\"A\", \"ana\", \"ben\")"),
    ("supply", "supply()"),
    ("burned_fees", "burned_fees()"),
    ("dropped", "dropped()"),
    ("inbox", "inbox(\"A\")"),
    ("inbox_total", "inbox_total()"),
    ("in_flight", "in_flight()"),
    ("pending_blocks", "pending_blocks()"),
    ("max_certified_per_height", "max_certified_per_height()"),
    ("confirmed_blocks", "confirmed_blocks()"),
    ("blocks", "blocks(\"A\")"),
    ("fast_blocks", "fast_blocks()"),
    ("height", "height(\"A\")"),
    ("epoch", "epoch(\"A\")"),
    (
        "min_blocks_per_chain",
        "min_blocks_per_chain() or min_blocks_per_chain(\"user/*\")",
    ),
    ("lost_messages", "lost_messages()"),
    ("rejected_messages", "rejected_messages()"),
    ("timeouts", "timeouts()"),
    ("done_commands", "done_commands()"),
    ("failed_commands", "failed_commands()"),
    ("refused", "refused(\"WrongRound\")"),
    ("deliveries", "deliveries(\"retried\")"),
    ("fault_hits", "fault_hits(\"name of the fault\")"),
    ("lag", "lag(\"v4\")"),
    ("workers", "workers(\"v1\")"),
    ("running_workers", "running_workers(\"v1\")"),
    ("undelivered", "undelivered(\"v1\")"),
    ("moved_chains", "moved_chains()"),
    ("rate", "rate(confirmed_blocks, 10s..20s)"),
    ("total", "total(confirmed_blocks, 10s..20s)"),
];

const STATISTICS: [&str; 9] = [
    "p50", "p75", "p90", "p95", "p99", "max", "min", "mean", "jain",
];

/// Functions about applications and byzantine validators.
const LATER: [&str; 6] = [
    "app_balance",
    "closed",
    "count",
    "app",
    "events",
    "supply_of",
];

const COUNTERS: [(&str, Counter); 8] = [
    ("arrivals", Counter::Arrivals),
    ("confirmed_blocks", Counter::ConfirmedBlocks),
    ("fast_blocks", Counter::FastBlocks),
    ("proposals", Counter::Proposals),
    ("sent_messages", Counter::SentMessages),
    ("delivered_messages", Counter::DeliveredMessages),
    ("received_messages", Counter::ReceivedMessages),
    ("rejected_messages", Counter::RejectedMessages),
];

const MEASURES: [(&str, Measure); 8] = [
    ("confirm_latency", Measure::ConfirmLatency),
    ("delivery_latency", Measure::DeliveryLatency),
    ("inbox_wait", Measure::InboxWait),
    ("message_latency", Measure::MessageLatency),
    ("inbox_depth", Measure::InboxDepth),
    ("worker_queue", Measure::WorkerQueue),
    ("worker_busy", Measure::WorkerBusy),
    ("carried", Measure::Carried),
];

/// The names of all functions, for the reference.
#[cfg(test)]
pub(crate) fn function_names() -> impl Iterator<Item = &'static str> {
    STATES.iter().map(|(name, _)| *name).chain(STATISTICS)
}

/// Finds out which quantity a call means.
pub(super) fn function(
    scope: &Scope<'_>,
    text: &str,
    name: &str,
    arguments: &[Tree<'_>],
    span: &Range<usize>,
) -> Result<Function, TextError> {
    let call = Arguments {
        scope,
        text,
        name,
        list: arguments,
        span,
    };
    if let Some(statistic) = statistic(name) {
        return call.statistic(statistic);
    }
    match name {
        "balance" => call.balance(),
        "allowance" => call.allowance(),
        "supply" => call.nothing(Function::Supply),
        "burned_fees" => call.nothing(Function::BurnedFees),
        "dropped" => call.nothing(Function::Dropped),
        "inbox" => call.chains().map(Function::Inbox),
        "inbox_total" => call.nothing(Function::Inbox(scope.all_chains.clone())),
        "in_flight" => call.nothing(Function::InFlight),
        "pending_blocks" => call.nothing(Function::PendingBlocks),
        "max_certified_per_height" => call.nothing(Function::MaxCertifiedPerHeight),
        "confirmed_blocks" => call.nothing(Function::Blocks(scope.all_chains.clone())),
        "blocks" => call.chains().map(Function::Blocks),
        "fast_blocks" if arguments.is_empty() => Ok(Function::FastBlocks(scope.all_chains.clone())),
        "fast_blocks" => call.chains().map(Function::FastBlocks),
        "height" => {
            let piece = call.one_text()?;
            scope.names.find_chain(&piece).map(Function::Height)
        }
        "epoch" => {
            let piece = call.one_text()?;
            scope.names.find_chain(&piece).map(Function::Epoch)
        }
        "min_blocks_per_chain" if arguments.is_empty() => {
            Ok(Function::MinBlocks(scope.genesis_chains.clone()))
        }
        "min_blocks_per_chain" => call.chains().map(Function::MinBlocks),
        "lost_messages" => call.nothing(Function::LostMessages),
        "rejected_messages" => call.nothing(Function::RejectedMessages),
        "timeouts" => call.nothing(Function::Timeouts),
        "done_commands" => call.nothing(Function::DoneCommands),
        "failed_commands" => call.nothing(Function::FailedCommands),
        "refused" => call.refusal(),
        "deliveries" => call.delivery(),
        "fault_hits" => {
            let piece = call.one_text()?;
            scope.names.find_fault(&piece).map(Function::FaultHits)
        }
        "lag" => {
            let piece = call.one_text()?;
            scope.names.find_validator(&piece).map(Function::Lag)
        }
        "workers" => {
            let piece = call.one_text()?;
            scope.names.find_validator(&piece).map(Function::Workers)
        }
        "running_workers" => {
            let piece = call.one_text()?;
            let found = scope.names.find_validator(&piece);
            found.map(Function::RunningWorkers)
        }
        "undelivered" => {
            let piece = call.one_text()?;
            let found = scope.names.find_validator(&piece);
            found.map(Function::Undelivered)
        }
        "moved_chains" => call.nothing(Function::MovedChains),
        "rate" => call
            .counter()
            .map(|(counter, window)| Function::Rate(counter, window)),
        "total" => call
            .counter()
            .map(|(counter, window)| Function::Total(counter, window)),
        _ => Err(unknown_function(name, span)),
    }
}

fn unknown_function(name: &str, span: &Range<usize>) -> TextError {
    let span = span.start..span.start + name.len();
    if LATER.contains(&name) {
        let message = format!("`{name}` is not in this version");
        let help = "remove the expectation, or keep the file for a later version".to_owned();
        return TextError::new(span, Code::NotInThisVersion, message, help)
            .with_label("of later work");
    }
    let known = || STATES.iter().map(|(name, _)| *name).chain(STATISTICS);
    let help = did_you_mean(name, known())
        .unwrap_or_else(|| format!("functions: {}", known().collect::<Vec<_>>().join(", ")));
    let message = format!("unknown function `{name}`");
    TextError::new(span, Code::UnknownFunction, message, help).with_label("no such function")
}

/// `p99` is 9,900 ten-thousandths, `p999` 9,990, `p5` 500.
fn statistic(name: &str) -> Option<Statistic> {
    match name {
        "max" => Some(Statistic::Max),
        "min" => Some(Statistic::Min),
        "mean" => Some(Statistic::Mean),
        "jain" => Some(Statistic::Jain),
        _ => {
            let digits = name.strip_prefix('p')?;
            let plain = digits.bytes().all(|one| one.is_ascii_digit());
            let times = match digits.len() {
                1 | 2 => 100,
                3 => 10,
                4 => 1,
                _ => return None,
            };
            let number: u32 = digits.parse().ok().filter(|number| plain && *number > 0)?;
            Some(Statistic::Quantile(number * times))
        }
    }
}

struct Arguments<'a> {
    scope: &'a Scope<'a>,
    text: &'a str,
    name: &'a str,
    list: &'a [Tree<'a>],
    span: &'a Range<usize>,
}

impl<'a> Arguments<'a> {
    fn wrong(&self, span: &Range<usize>) -> TextError {
        let name = self.name;
        let written = STATES.iter().find(|(state, _)| *state == name).map_or_else(
            || format!("write {name}(confirm_latency, 10s..20s)"),
            |(_, written)| format!("write {written}"),
        );
        let message = format!("`{name}` takes other arguments");
        TextError::new(span.clone(), Code::WrongArgument, message, written)
    }

    fn nothing(&self, function: Function) -> Result<Function, TextError> {
        match self.list.first() {
            None => Ok(function),
            Some(first) => Err(self.wrong(&first.span)),
        }
    }

    fn one_text(&self) -> Result<Piece<'a>, TextError> {
        match self.list {
            [one] => self.text_of(one),
            [] => Err(self.wrong(self.span)),
            [first, ..] => Err(self.wrong(&first.span)),
        }
    }

    fn text_of(&self, tree: &Tree<'_>) -> Result<Piece<'a>, TextError> {
        let span = &tree.span;
        match tree.kind {
            // The quotes do not belong to the name.
            TreeKind::Text(_) => Ok(Piece::of(self.text, span.start + 1..span.end - 1)),
            _ => Err(self.wrong(span)),
        }
    }

    fn chains(&self) -> Result<crate::plan::ChainSet, TextError> {
        self.scope.names.find_chains(&self.one_text()?)
    }

    /// A reason for which validators refuse requests.
    fn refusal(&self) -> Result<Function, TextError> {
        let piece = self.one_text()?;
        let known = || NodeError::NAMES.iter().copied();
        if let Some(name) = known().find(|name| *name == piece.text) {
            return Ok(Function::Refused(name));
        }
        let help = did_you_mean(piece.text, known())
            .unwrap_or_else(|| format!("reasons: {}", NodeError::NAMES.join(", ")));
        let message = format!("no request is refused for `{}`", piece.text);
        let span = piece.start..piece.start + piece.text.len();
        Err(TextError::new(span, Code::WrongArgument, message, help).with_label("no such reason"))
    }

    /// Something that is told of messages on their way.
    fn delivery(&self) -> Result<Function, TextError> {
        let piece = self.one_text()?;
        if let Some(word) = DELIVERIES.iter().find(|word| **word == piece.text) {
            return Ok(Function::Deliveries(word));
        }
        let help = did_you_mean(piece.text, DELIVERIES.iter().copied())
            .unwrap_or_else(|| format!("words: {}", DELIVERIES.join(", ")));
        let message = format!("nothing of a message is called `{}`", piece.text);
        let span = piece.start..piece.start + piece.text.len();
        Err(TextError::new(span, Code::WrongArgument, message, help).with_label("no such word"))
    }

    fn balance(&self) -> Result<Function, TextError> {
        let piece = self.one_text()?;
        let names = self.scope.names;
        let Some(at) = piece.text.find('@') else {
            return names.find_chains(&piece).map(Function::Balance);
        };
        let start = piece.start;
        let owner = Piece::of(self.text, start..start + at);
        let chain = Piece::of(self.text, start + at + 1..start + piece.text.len());
        Ok(Function::OwnerBalance(
            names.find_owner(&owner)?,
            names.find_chain(&chain)?,
        ))
    }

    fn allowance(&self) -> Result<Function, TextError> {
        let [chain, owner, spender] = self.list else {
            return Err(self.wrong(self.span));
        };
        let names = self.scope.names;
        Ok(Function::Allowance {
            chain: names.find_chain(&self.text_of(chain)?)?,
            owner: names.find_owner(&self.text_of(owner)?)?,
            spender: names.find_owner(&self.text_of(spender)?)?,
        })
    }

    fn counter(&self) -> Result<(Counter, Window), TextError> {
        let (counter, window) = self.metric(&COUNTERS, "counters")?;
        Ok((counter, window))
    }

    fn statistic(&self, statistic: Statistic) -> Result<Function, TextError> {
        let (measure, window) = self.metric(&MEASURES, "measures")?;
        if statistic == Statistic::Jain && measure != Measure::WorkerBusy {
            let message = "`jain` compares the members of a group";
            let help = "write jain(worker_busy, 10s..20s)".to_owned();
            let span = self.list[0].span.clone();
            return Err(TextError::new(span, Code::WrongArgument, message, help));
        }
        Ok(Function::Statistic(statistic, measure, window))
    }

    fn metric<T: Copy>(&self, known: &[(&str, T)], what: &str) -> Result<(T, Window), TextError> {
        if self.scope.use_of == Use::Moment {
            let message = format!("`{}` is about a stretch of time", self.name);
            let help = "it belongs in `metric = ...` or `finally = ...`".to_owned();
            return Err(TextError::new(
                self.span.clone(),
                Code::WrongArgument,
                message,
                help,
            ));
        }
        let [first, rest @ ..] = self.list else {
            return Err(self.wrong(self.span));
        };
        let TreeKind::Name(name) = first.kind else {
            return Err(self.wrong(&first.span));
        };
        let Some((_, metric)) = known.iter().find(|(one, _)| *one == name) else {
            let names = || known.iter().map(|(one, _)| *one);
            let help = did_you_mean(name, names())
                .unwrap_or_else(|| format!("{what}: {}", names().collect::<Vec<_>>().join(", ")));
            let message = format!("`{}` has no metric `{name}`", self.name);
            let error = TextError::new(first.span.clone(), Code::UnknownMetric, message, help);
            return Err(error.with_label("unknown metric"));
        };
        let window = match rest {
            [] => self.scope.window,
            [
                Tree {
                    kind: TreeKind::Range(from, until),
                    span,
                },
            ] => self.window(from.as_deref(), until.as_deref(), span)?,
            [other, ..] => return Err(self.wrong(&other.span)),
        };
        Ok((*metric, window))
    }

    fn window(
        &self,
        from: Option<&Tree<'_>>,
        until: Option<&Tree<'_>>,
        span: &Range<usize>,
    ) -> Result<Window, TextError> {
        let instant = |tree: &Tree<'_>| match tree.kind {
            TreeKind::Number(text) => units::micros(text)
                .map(VirtualTime::from_micros)
                .map_err(|error| TextError::unit(tree.span.clone(), error)),
            _ => Err(self.wrong(&tree.span)),
        };
        let whole = self.scope.window;
        let from = from.map(instant).transpose()?.unwrap_or(whole.from);
        let until = until.map(instant).transpose()?.unwrap_or(whole.until);
        if from >= until {
            let message = "this stretch of time is empty";
            return Err(TextError::new(span.clone(), Code::BadValue, message, None));
        }
        self.scope.note_window(Window { from, until }, span);
        Ok(Window { from, until })
    }
}
