//! What a whole scenario says: every kind of mistake, every lint, and the plan of good ones.

mod applications;
mod docs;
mod fuzz;
mod mistakes;
mod plans;

use crate::{Checked, Diagnostic, Options, Style, check, render, summary};

/// A small scenario without mistakes, which tests change in one place.
const BASE: &str = r#"format   = 1
name     = "base"
seed     = 42
duration = "10s"

[network]
latency = { client = "20ms", worker = "1ms" }

[validators]
count   = 4
workers = 2

[[chains]]
name    = "A"
balance = "100"
[[chains]]
name    = "user"
count   = 10
balance = "5"
[[chains]]
name    = "shop"
owners  = { ana = 1, ben = 1 }
balance = "7"

[[workload]]
name   = "script"
script = [
  { at = "100ms",   chain = "A", transfer = { to = "shop", amount = "10" } },
  { when = "inbox", chain = "shop", owner = "ben", process_inbox = true },
]

[[workload]]
name     = "arrivals"
chains   = "user/*"
open     = { arrivals = "poisson", rate = "40/s" }
transfer = { to = "uniform(user/*)", amount = "1" }

[[faults]]
name      = "cut"
at        = "1s"
for       = "2s"
partition = { between = ["clients", "v3"] }

[[expect]]
name    = "A has paid"
finally = 'balance("A") == 90'

[[variants]]
name = "super"
set  = { "chains.user.owner" = "super" }
"#;

#[track_caller]
fn good(text: &str) -> Checked {
    match check(text, "base.toml", &Options::default()) {
        Ok(checked) => checked,
        Err(all) => panic!("{}", render(&all, Style::Plain)),
    }
}

/// Everything that is said about a text.
fn said(text: &str, options: &Options) -> Vec<Diagnostic> {
    match check(text, "base.toml", options) {
        Ok(checked) => checked.warnings,
        Err(all) => all,
    }
}

/// [`BASE`] with one part of it replaced.
#[track_caller]
fn changed(from: &str, to: &str) -> String {
    assert_eq!(
        BASE.matches(from).count(),
        1,
        "`{from}` stands once in the base scenario"
    );
    BASE.replace(from, to)
}

/// Diagnostics as the command line prints them.
fn printed(diagnostics: &[Diagnostic]) -> String {
    format!(
        "{}{}\n",
        render(diagnostics, Style::Plain),
        summary("base.toml", diagnostics)
    )
}
