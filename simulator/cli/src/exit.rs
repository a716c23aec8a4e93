//! Exit codes and the errors that lead to them: one clear message each.

use std::{fmt, io, path::Path};

/// How the program ends. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything held.
    Held = 0,
    /// An expectation or an invariant failed, or a run directory is not what it says.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// The scenario is invalid.
    InvalidScenario = 3,
    /// The run ended before everything was decided.
    Inconclusive = 4,
    /// Two runs of the same differ.
    NotDeterministic = 5,
    /// Something could not be read or written.
    InputOutput = 6,
    /// A bug in this program.
    Bug = 101,
    /// Interrupted; the partial run was kept and marked.
    Interrupted = 130,
}

/// Why a command cannot go on.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl CliError {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Something could not be done to a file.
    pub(crate) fn file(action: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(
            Exit::InputOutput,
            format!("cannot {action} {}: {error}", path.display()),
        )
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  = help: {hint}"),
            None => Ok(()),
        }
    }
}
