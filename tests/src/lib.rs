//! Shared builders and checks of the integration tests: a scenario becomes a watched run.

pub mod swarm;

use std::sync::Arc;

use actors::{
    BuildOptions,
    hosting::{self, HostingConfig, SpawnPolicy},
};
use analysis::{Findings, GenesisInfo, WatchOptions, Watcher};
use engine::{DriverOptions, RunOutcome, Sabotage, VirtualDuration};
use scenario::{Options, Plan};

/// How a world is run. None of these may change a result, but for sabotage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// The reference: one heap.
    Heap,
    /// The reference with a fault put into it.
    SabotagedHeap(Sabotage),
    /// Windows without Actix; the width is divided by this.
    Plain(u64),
    /// Actix actors polled by the kernels of so many partitions; the width is divided by the second.
    Kernel(usize, u64),
    /// Actix actors started the ordinary way.
    Started(usize, u64),
}

/// A run and what it has shown.
pub struct Watched {
    /// What the engine says.
    pub outcome: RunOutcome<actors::SimNode>,
    /// What the watcher says.
    pub findings: Findings,
}

impl Watched {
    /// THE hash of the run.
    pub fn root(&self) -> String {
        self.outcome.root.to_string()
    }

    /// Names of the invariants that were broken.
    pub fn broken(&self) -> Vec<&'static str> {
        self.findings
            .violations
            .iter()
            .map(|violation| violation.invariant.name())
            .collect()
    }
}

/// The plan of a bundled scenario with some keys changed.
///
/// # Panics
/// If there is no such scenario or it is not valid.
#[track_caller]
pub fn plan(name: &str, set: &[(&str, &str)], options: Options) -> Arc<Plan> {
    let bundled = scenario::bundled_scenario(name).expect("a bundled scenario");
    source_plan(bundled.source, set, options)
}

/// The plan of a scenario's text with some keys changed.
///
/// # Panics
/// If it is not valid.
#[track_caller]
pub fn source_plan(source: &str, set: &[(&str, &str)], options: Options) -> Arc<Plan> {
    let set = set
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    match scenario::check(source, "test.toml", &Options { set, ..options }) {
        Ok(checked) => Arc::new(checked.plan),
        Err(diagnostics) => {
            panic!("{}", scenario::render(&diagnostics, scenario::Style::Plain))
        }
    }
}

/// Runs a plan and watches it.
///
/// # Panics
/// If the world cannot be run at all.
#[track_caller]
pub fn watch(plan: &Arc<Plan>, drive: Drive, options: BuildOptions) -> Watched {
    let mut built = actors::build(plan, options);
    let genesis = GenesisInfo::new(&built.genesis, built.rule_faults.clone());
    let mut watcher = Watcher::new(plan, built.directory, genesis, WatchOptions::default());
    let heap = |sabotage| DriverOptions { sabotage };
    let outcome = match drive {
        Drive::Heap => engine::run_heap(built.world, &mut watcher, heap(Sabotage::None)),
        Drive::SabotagedHeap(sabotage) => {
            engine::run_heap(built.world, &mut watcher, heap(sabotage))
        }
        Drive::Plain(divisor) => {
            let width = built.world.config.window.as_nanos() / divisor;
            built.world.config.window = VirtualDuration::from_nanos(width.max(1));
            engine::run_windowed(built.world, &mut watcher, heap(Sabotage::None))
        }
        Drive::Kernel(partitions, divisor) => {
            let config = hosted(partitions, divisor, SpawnPolicy::Owned);
            Ok(hosting::run(built.world, &mut watcher, &config).expect("the world is valid"))
        }
        Drive::Started(partitions, divisor) => {
            let config = hosted(partitions, divisor, SpawnPolicy::Started);
            Ok(hosting::run(built.world, &mut watcher, &config).expect("the world is valid"))
        }
    };
    let outcome = outcome.expect("the world is valid");
    let findings = watcher.finish(&outcome);
    Watched { outcome, findings }
}

fn hosted(partitions: usize, window_divisor: u64, spawn: SpawnPolicy) -> HostingConfig {
    HostingConfig {
        partitions,
        spawn,
        window_divisor,
        ..HostingConfig::default()
    }
}
