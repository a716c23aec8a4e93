//! Seeds of the swarms as watched runs, one after another or side by side.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use actors::BuildOptions;
use analysis::{
    Findings,
    swarm::{DeliveryRow, SeedRow},
};
use protocol::sabotage::Sabotage;
use scenario::{Options, Plan, swarm::Swarm};

use crate::{Drive, source_plan, watch};

/// Seeded bugs that make money, lose it on its way or let too much of it be spent, and the check that notices each.
pub const DELIVERY_BUGS: [(Sabotage, &str); 6] = [
    (Sabotage::GrantPaidTwice, "I-21 BlockConservation"),
    (Sabotage::AllowanceNotLowered, "I-23 Allowances"),
    (Sabotage::BounceDropped, "I-32 Bounces"),
    (Sabotage::FeeNotBurned, "I-21 BlockConservation"),
    (Sabotage::BundlesTwice, "I-27 InboxShape"),
    (Sabotage::ConfirmsBeforeSaving, "I-16 PersistBeforeRelease"),
];

/// Runs the scenario of a seed of the swarm about everything.
///
/// # Panics
/// If its text is not valid.
pub fn run_seed(seed: u64, options: BuildOptions) -> SeedRow {
    let row = |plan: &Plan, findings: &Findings| SeedRow::new(plan, findings);
    run(Swarm::Everything, seed, options, &row)
}

fn run<R>(
    swarm: Swarm,
    seed: u64,
    options: BuildOptions,
    row: &(dyn Fn(&Plan, &Findings) -> R + Sync),
) -> R {
    let plan = source_plan(&swarm.scenario(seed), &[], Options::default());
    let watched = watch(&plan, Drive::Heap, options);
    row(&plan, &watched.findings)
}

/// Whether a statement about the protocol, and not only an expectation, did not hold.
pub fn breaks_an_invariant(row: &SeedRow) -> bool {
    row.broken
        .iter()
        .any(|broken| broken.starts_with("fail: I-"))
}

/// Runs the seeds from `first` to `last` of the swarm about everything on two threads, if `stop` until
/// one breaks an invariant. The rows are in the order of the seeds, and the same with any number of
/// threads: where the swarm is stopped, they end with the first seed that broke one.
///
/// # Panics
/// If a thread panics.
pub fn run_seeds(first: u64, last: u64, options: BuildOptions, stop: bool) -> Vec<SeedRow> {
    let row = |plan: &Plan, findings: &Findings| SeedRow::new(plan, findings);
    let run = |seed| run(Swarm::Everything, seed, options, &row);
    side_by_side((first, last), &run, &|row| {
        (row.seed, stop && breaks_an_invariant(row))
    })
}

/// The same for one of the swarms about what happens inside validators.
///
/// # Panics
/// If a thread panics.
pub fn run_delivery_seeds(
    swarm: Swarm,
    (first, last): (u64, u64),
    options: BuildOptions,
    stop: bool,
) -> Vec<DeliveryRow> {
    let row = |plan: &Plan, findings: &Findings| DeliveryRow::new(swarm, plan, findings);
    let run = |seed| run(swarm, seed, options, &row);
    side_by_side((first, last), &run, &|row| {
        (row.row.seed, stop && breaks_an_invariant(&row.row))
    })
}

/// The results of all seeds, in order, up to the first that is to be the last. `judge` gives the seed of
/// a result, and whether it is.
fn side_by_side<R: Send>(
    (first, last): (u64, u64),
    run: &(dyn Fn(u64) -> R + Sync),
    judge: &(dyn Fn(&R) -> (u64, bool) + Sync),
) -> Vec<R> {
    let next = AtomicU64::new(first);
    let end = AtomicU64::new(last);
    let rows = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > end.load(Ordering::Relaxed) {
                return;
            }
            let row = run(seed);
            if judge(&row).1 {
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
    rows.sort_unstable_by_key(|row| judge(row).0);
    let end = end.into_inner();
    rows.retain(|row| judge(row).0 <= end);
    rows
}
