//! Seeds of the swarm as watched runs, one after another or side by side.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use actors::BuildOptions;
use analysis::swarm::SeedRow;
use scenario::Options;

use crate::{Drive, source_plan, watch};

/// Runs the scenario of a seed.
///
/// # Panics
/// If its text is not valid.
pub fn run_seed(seed: u64, options: BuildOptions) -> SeedRow {
    let plan = source_plan(&scenario::swarm::scenario(seed), &[], Options::default());
    let watched = watch(&plan, Drive::Heap, options);
    SeedRow::new(&plan, &watched.findings)
}

/// Whether a statement about the protocol, and not only an expectation, did not hold.
pub fn breaks_an_invariant(row: &SeedRow) -> bool {
    row.broken
        .iter()
        .any(|broken| broken.starts_with("fail: I-"))
}

/// Runs the seeds from `first` to `last` on two threads, if `stop` until one breaks an invariant.
/// The rows are in the order of the seeds, and the same with any number of threads: where the swarm
/// is stopped, they end with the first seed that broke one.
///
/// # Panics
/// If a thread panics.
pub fn run_seeds(first: u64, last: u64, options: BuildOptions, stop: bool) -> Vec<SeedRow> {
    let next = AtomicU64::new(first);
    let end = AtomicU64::new(last);
    let rows = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > end.load(Ordering::Relaxed) {
                return;
            }
            let row = run_seed(seed, options);
            if stop && breaks_an_invariant(&row) {
                end.fetch_min(seed, Ordering::Relaxed);
            }
            rows.lock().expect("nobody panics").push(row);
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let mut rows = rows.into_inner().expect("nobody panics");
    rows.sort_unstable_by_key(|row: &SeedRow| row.seed);
    let end = end.into_inner();
    rows.retain(|row| row.seed <= end);
    rows
}
