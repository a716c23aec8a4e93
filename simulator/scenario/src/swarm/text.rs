//! Writing TOML as a person does: one table after another, with the equals signs below each other.

use std::fmt::Write as _;

/// A text that grows.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// A line of its own.
    pub(super) fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// A table with its keys. A header that is empty continues the top of the file; a blank line
    /// parts tables of different names.
    pub(super) fn table(&mut self, header: &str, keys: &[(&str, String)]) {
        if !header.is_empty() {
            let last = self.0.lines().rev().find(|line| line.starts_with('['));
            if last != Some(header) {
                self.0.push('\n');
            }
            self.line(header);
        }
        let width = keys.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        for (key, value) in keys {
            writeln!(self.0, "{key:<width$} = {value}").expect("a string takes all");
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// A duration, as short as it can be written.
pub(super) fn duration(millis: u64) -> String {
    if millis.is_multiple_of(1_000) {
        format!("\"{}s\"", millis / 1_000)
    } else {
        format!("\"{millis}ms\"")
    }
}

/// `v1, v3`.
pub(super) fn validators(positions: &[usize]) -> String {
    let mut sorted = positions.to_vec();
    sorted.sort_unstable();
    let names: Vec<_> = sorted.iter().map(|at| format!("v{}", at + 1)).collect();
    names.join(", ")
}
