//! The terminal: results on stdout, everything else on stderr.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Color, Format, Global};

/// What the user wants to see, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    pub(crate) format: Format,
    quiet: u8,
    progress: bool,
    coloured_errors: bool,
}

impl Terminal {
    pub(crate) fn new(global: &Global) -> Self {
        let choice = match global.color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
        let stderr = std::io::stderr();
        let coloured = anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never;
        Self {
            format: global.format,
            quiet: global.quiet,
            progress: !global.no_progress && global.quiet == 0,
            coloured_errors: coloured,
        }
    }

    /// The same without results and notes; errors are said all the same.
    pub(crate) const fn silent(self) -> Self {
        Self { quiet: 2, ..self }
    }

    /// How diagnostics are drawn.
    pub(crate) const fn style(&self) -> scenario::Style {
        if self.coloured_errors {
            scenario::Style::Coloured
        } else {
            scenario::Style::Plain
        }
    }

    /// The verdict line: shown unless everything is to be silent.
    pub(crate) fn verdict(&self, text: &str) {
        if self.quiet < 2 {
            print(text);
        }
    }

    /// Results besides the verdict.
    pub(crate) fn result(&self, text: &str) {
        if self.quiet == 0 {
            print(text);
        }
    }

    /// Something on the side.
    pub(crate) fn note(&self, text: &str) {
        if self.quiet < 2 {
            complain(text);
        }
    }

    /// Progress of something that is counted up to `total`.
    pub(crate) fn count(&self, what: &'static str, total: u64) -> Count {
        let bar = (self.progress && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(total);
            let template = format!("  {what} {{pos}}/{{len}}  {{bar:24}} {{msg}}  eta {{eta}}");
            let style = ProgressStyle::with_template(&template).expect("a constant template");
            bar.set_style(style);
            bar
        });
        Count {
            bar,
            lines: self.progress,
            what,
            last: Instant::now(),
            total,
        }
    }

    /// Progress of a run that ends at `end_us` of virtual time.
    pub(crate) fn progress(&self, end_us: u64) -> Progress {
        let bar = (self.progress && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(end_us);
            let template = "  virtual {msg}  {bar:24} {percent:>3}%  eta {eta}";
            let style = ProgressStyle::with_template(template).expect("a constant template");
            bar.set_style(style);
            bar
        });
        Progress {
            bar,
            lines: self.progress,
            started: Instant::now(),
            last: Instant::now(),
            end_us,
        }
    }
}

/// Shows how many of something are done: a bar on a terminal, else a line every ten seconds.
pub(crate) struct Count {
    bar: Option<ProgressBar>,
    lines: bool,
    what: &'static str,
    last: Instant,
    total: u64,
}

impl Count {
    pub(crate) fn at(&mut self, done: usize, failed: usize) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(format!("{failed} failed"));
                bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
            }
            None if self.lines && self.last.elapsed() >= Duration::from_secs(10) => {
                self.last = Instant::now();
                let (total, what) = (self.total, self.what);
                complain(&format!("  {done} of {total} {what}, {failed} failed"));
            }
            None => {}
        }
    }

    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A closed pipe is no reason to panic: whoever reads has seen enough.
fn print(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Prints to stderr.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Shows how far a run is: a bar on a terminal, else a line every ten seconds.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    started: Instant,
    last: Instant,
    end_us: u64,
}

impl Progress {
    pub(crate) fn at(&mut self, virtual_us: u64, events: u64) {
        let elapsed = self.started.elapsed();
        let rate = u128::from(events) * 1_000 / elapsed.as_millis().max(1);
        let message = format!("{:.2} s, {rate} events/s", Seconds(virtual_us));
        match &self.bar {
            Some(bar) => {
                bar.set_message(message);
                bar.set_position(virtual_us.min(self.end_us));
            }
            None if self.lines && self.last.elapsed() >= Duration::from_secs(10) => {
                self.last = Instant::now();
                let percent = virtual_us * 100 / self.end_us.max(1);
                complain(&format!("  virtual {message}  {percent}%"));
            }
            None => {}
        }
    }

    pub(crate) fn finish(self) -> Duration {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}

/// Microseconds shown as seconds, without floats.
pub(crate) struct Seconds(pub(crate) u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = f.precision().unwrap_or(3).min(6);
        let scale = 10u64.pow(u32::try_from(6 - digits).expect("at most 6"));
        write!(
            f,
            "{}.{:0digits$}",
            self.0 / 1_000_000,
            self.0 % 1_000_000 / scale
        )
    }
}
