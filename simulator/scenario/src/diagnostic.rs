//! What is wrong with a scenario, where, and what to write instead.
//!
//! Owns the list of diagnostic codes and their two renderings: rustc-like text with carets, and
//! rows for programs. Every diagnostic points into a [`Source`] that it carries along, so that
//! rendering needs nothing else. Knows nothing of what a scenario means.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

/// One text that diagnostics point into: the scenario file, or one `--set` argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name shown before line and column, such as `bad.toml` or `--set seed`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The scenario cannot be run.
    Error,
    /// The scenario can be run, and probably does not do what its author thinks.
    Warning,
    /// Something that is worth knowing.
    Note,
}

impl Severity {
    /// The word that opens the rendered text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What kind of mistake it is; the text in brackets after `error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The text is not TOML.
    Syntax,
    /// A key that its table does not have.
    UnknownKey,
    /// A key of later work.
    NotInThisVersion,
    /// A value of another type, such as a number where a string belongs.
    WrongType,
    /// A key that must be there.
    MissingKey,
    /// A value of the right type that cannot be read or is outside its bounds.
    BadValue,
    /// Two things of one kind with one name.
    DuplicateName,
    /// A name that no chain has.
    UnknownChain,
    /// A name that no owner of that chain has.
    UnknownOwner,
    /// A name that no application has.
    UnknownApplication,
    /// A name that no validator has.
    UnknownValidator,
    /// A name that no worker has.
    UnknownWorker,
    /// A name that no region has.
    UnknownRegion,
    /// A name that no fault has.
    UnknownFault,
    /// A name that no variant has.
    UnknownVariant,
    /// A path of `--set` or of a variant that leads nowhere.
    UnknownPath,
    /// A function that expressions, distributions or recipients do not have.
    UnknownFunction,
    /// A metric that expressions do not have.
    UnknownMetric,
    /// A function with arguments that it does not take.
    WrongArgument,
    /// Two quantities that cannot be compared or added.
    Dimension,
    /// Text that is not an expression.
    BadExpression,
    /// A step, fault, workload or expectation that says nothing to do.
    NoAction,
    /// A step, fault, workload or expectation that says two things to do.
    TwoActions,
    /// More of something than this version can hold.
    TooLarge,
    /// Something that changes nothing.
    NoEffect,
    /// Something that lies after the end of the run.
    AfterEnd,
    /// A step that can never begin.
    UnreachableStep,
    /// So many validators are cut off that nothing can be confirmed.
    NoQuorum,
    /// An expectation about a stretch of time that the warm-up leaves out.
    WarmupHidesWindow,
    /// Two clients may use the fast round of one chain.
    FastRoundConflict,
    /// More work is offered than the validators can do.
    Overload,
    /// A latency distribution that the floor cuts off.
    BelowFloor,
    /// A chain that spends more than it has.
    Overspend,
    /// A chain that is closed so that it can send nothing back.
    StuckMessages,
    /// A scenario that claims nothing.
    NoExpectation,
    /// Something that this command does not use.
    Unused,
}

impl Code {
    /// Every code, errors first.
    pub const ALL: [Self; 36] = [
        Self::Syntax,
        Self::UnknownKey,
        Self::NotInThisVersion,
        Self::WrongType,
        Self::MissingKey,
        Self::BadValue,
        Self::DuplicateName,
        Self::UnknownChain,
        Self::UnknownOwner,
        Self::UnknownApplication,
        Self::UnknownValidator,
        Self::UnknownWorker,
        Self::UnknownRegion,
        Self::UnknownFault,
        Self::UnknownVariant,
        Self::UnknownPath,
        Self::UnknownFunction,
        Self::UnknownMetric,
        Self::WrongArgument,
        Self::Dimension,
        Self::BadExpression,
        Self::NoAction,
        Self::TwoActions,
        Self::TooLarge,
        Self::NoEffect,
        Self::AfterEnd,
        Self::UnreachableStep,
        Self::NoQuorum,
        Self::WarmupHidesWindow,
        Self::FastRoundConflict,
        Self::Overload,
        Self::BelowFloor,
        Self::Overspend,
        Self::StuckMessages,
        Self::NoExpectation,
        Self::Unused,
    ];

    /// The code as it is printed, and as programs see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownKey => "unknown-key",
            Self::NotInThisVersion => "not-in-this-version",
            Self::WrongType => "wrong-type",
            Self::MissingKey => "missing-key",
            Self::BadValue => "bad-value",
            Self::DuplicateName => "duplicate-name",
            Self::UnknownChain => "unknown-chain",
            Self::UnknownOwner => "unknown-owner",
            Self::UnknownApplication => "unknown-application",
            Self::UnknownValidator => "unknown-validator",
            Self::UnknownWorker => "unknown-worker",
            Self::UnknownRegion => "unknown-region",
            Self::UnknownFault => "unknown-fault",
            Self::UnknownVariant => "unknown-variant",
            Self::UnknownPath => "unknown-path",
            Self::UnknownFunction => "unknown-function",
            Self::UnknownMetric => "unknown-metric",
            Self::WrongArgument => "wrong-argument",
            Self::Dimension => "dimension",
            Self::BadExpression => "bad-expression",
            Self::NoAction => "no-action",
            Self::TwoActions => "two-actions",
            Self::TooLarge => "too-large",
            Self::NoEffect => "no-effect",
            Self::AfterEnd => "after-end",
            Self::UnreachableStep => "unreachable-step",
            Self::NoQuorum => "no-quorum",
            Self::WarmupHidesWindow => "warmup-hides-window",
            Self::FastRoundConflict => "fast-round-conflict",
            Self::Overload => "overload",
            Self::BelowFloor => "below-floor",
            Self::Overspend => "overspend",
            Self::StuckMessages => "stuck-messages",
            Self::NoExpectation => "no-expectation",
            Self::Unused => "unused",
        }
    }

    /// How bad a diagnostic of this code is.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Syntax
            | Self::UnknownKey
            | Self::NotInThisVersion
            | Self::WrongType
            | Self::MissingKey
            | Self::BadValue
            | Self::DuplicateName
            | Self::UnknownChain
            | Self::UnknownOwner
            | Self::UnknownApplication
            | Self::UnknownValidator
            | Self::UnknownWorker
            | Self::UnknownRegion
            | Self::UnknownFault
            | Self::UnknownVariant
            | Self::UnknownPath
            | Self::UnknownFunction
            | Self::UnknownMetric
            | Self::WrongArgument
            | Self::Dimension
            | Self::BadExpression
            | Self::NoAction
            | Self::TwoActions
            | Self::TooLarge => Severity::Error,
            Self::NoEffect
            | Self::AfterEnd
            | Self::UnreachableStep
            | Self::NoQuorum
            | Self::WarmupHidesWindow
            | Self::FastRoundConflict
            | Self::Overload
            | Self::BelowFloor
            | Self::Overspend
            | Self::StuckMessages
            | Self::NoExpectation => Severity::Warning,
            Self::Unused => Severity::Note,
        }
    }
}

/// One thing to say about a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of thing it is.
    pub code: Code,
    /// The text that it points into.
    pub source: Arc<Source>,
    /// The bytes of that text.
    pub span: Range<usize>,
    /// What is wrong, in one line.
    pub message: String,
    /// What stands beside the caret; may be empty.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// How bad it is.
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// The line of the first byte, from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The column of the first byte in characters, from 1.
    pub fn column(&self) -> usize {
        let before = self.before();
        let line = before.rfind('\n').map_or(before, |at| &before[at + 1..]);
        line.chars().count() + 1
    }

    /// The diagnostic as data, in the shape that `--format json` prints.
    pub fn row(&self) -> Row {
        Row {
            severity: self.severity(),
            code: self.code.as_str(),
            file: self.source.name.clone(),
            span: [self.span.start, self.span.end],
            line: self.line(),
            column: self.column(),
            message: self.message.clone(),
            label: self.label.clone(),
            help: self.help.clone(),
        }
    }

    fn before(&self) -> &str {
        let text = &self.source.text;
        &text[..floor_boundary(text, self.span.start)]
    }
}

/// A diagnostic for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `error`, `warning` or `note`.
    pub severity: Severity,
    /// The code, such as `unknown-key`.
    pub code: &'static str,
    /// The file, or the argument that was given beside it.
    pub file: String,
    /// First byte and the byte after the last one.
    pub span: [usize; 2],
    /// Line of the first byte, from 1.
    pub line: usize,
    /// Column of the first byte in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What stands beside the caret.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Whether rendered text carries terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences.
    Plain,
    /// ANSI colours.
    Coloured,
}

/// The diagnostics as text for people: one block each, a blank line between them, no line at the
/// end that counts them (see [`summary`]).
pub fn render(diagnostics: &[Diagnostic], style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&render_one(&renderer, diagnostic));
        text.push('\n');
    }
    text
}

fn render_one(renderer: &Renderer, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let text = diagnostic.source.text.as_str();
    let start = floor_boundary(text, diagnostic.span.start);
    let end = floor_boundary(text, diagnostic.span.end).max(start);
    let mut annotation = AnnotationKind::Primary.span(start..end);
    if !diagnostic.label.is_empty() {
        annotation = annotation.label(diagnostic.label.as_str());
    }
    let snippet = Snippet::source(text)
        .path(diagnostic.source.name.as_str())
        .annotation(annotation);
    let mut group = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.as_str())
        .element(snippet);
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// The counting line, such as `bad.toml: 7 error(s), 1 warning(s)`.
pub fn summary(file_name: &str, diagnostics: &[Diagnostic]) -> String {
    let count = |severity| {
        diagnostics
            .iter()
            .filter(|one| one.severity() == severity)
            .count()
    };
    let errors = count(Severity::Error);
    let warnings = count(Severity::Warning);
    let notes = count(Severity::Note);
    let mut text = format!("{file_name}: {errors} error(s), {warnings} warning(s)");
    if notes > 0 {
        text.push_str(&format!(", {notes} note(s)"));
    }
    text
}

/// The diagnostics as a JSON array of [`Row`]s, two spaces of indentation.
pub fn to_json(diagnostics: &[Diagnostic]) -> String {
    let rows: Vec<Row> = diagnostics.iter().map(Diagnostic::row).collect();
    serde_json::to_string_pretty(&rows).expect("rows hold only strings and numbers")
}

/// The nearest character boundary at or before `at`.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// `did you mean ...?` for the candidate that is near enough to what was written, if any.
pub fn did_you_mean<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    // A typing slip changes about one character in three; more than that is another word.
    let near_enough =
        |distance: usize, length: usize| distance < length && distance * 3 <= length.max(3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(written, candidate), candidate))
        .filter(|(distance, candidate)| {
            near_enough(
                *distance,
                written.chars().count().max(candidate.chars().count()),
            )
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}
