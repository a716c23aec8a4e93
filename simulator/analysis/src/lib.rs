//! Folds over the records of a run: invariants, metrics, tables, expectations.
//!
//! ```text
//! records ─► Watcher ─► trace          (if one is written)
//!                    ├► invariants     named checks, each on every fact that concerns it
//!                    ├► metrics        blocks, messages, workers, stretches of time
//!                    └► expectations   at blocks, checkpoints and the end      ─► Findings, Tables
//! ```
//! Owns what is true, what was measured and what was expected of a run. Invariants: everything is
//! a function of the records in their order and of the plan; memory follows chains and what is
//! open, not the length of the run (but for the rows that tables ask for). Knows nothing of files,
//! of machines' states, or of how the run is driven.

mod expectations;
mod faults;
mod findings;
mod invariants;
pub mod life;
mod liveness;
mod metrics;
mod names;
mod registry;
pub mod swarm;
pub mod tables;
#[cfg(test)]
mod testing;
mod validators;
mod watcher;

pub use findings::{Findings, Latency, ValidatorFindings, Verdict, outcome_text};
pub use invariants::{Invariant, Violation};
pub use metrics::{Counters, Rows};
pub use watcher::{GenesisInfo, OnProgress, Progress, StopRequest, WatchOptions, Watcher};
