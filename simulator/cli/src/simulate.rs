//! Running a plan with a driver. The driver, the threads and the windows change speed, never a byte.

use std::{
    fs::File,
    io::BufWriter,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actors::{
    BuildOptions, SimNode,
    hosting::{self, HostingConfig, SpawnPolicy},
};
use analysis::{Findings, GenesisInfo, Rows, WatchOptions, Watcher};
use engine::{Digest, RunOutcome, Sink, VirtualDuration, World};
use scenario::plan::{Plan, TraceMode};
use trace::{Directory, End, Event, Header, Sampling, TraceWrite, Writer, Written};

use crate::{
    args::{Driver, Driving},
    exit::{CliError, Exit},
    terminal::Terminal,
};

/// What a run has given.
pub(crate) struct Ran {
    pub(crate) findings: Findings,
    pub(crate) root: Digest,
    pub(crate) events: u64,
    pub(crate) checkpoints: usize,
    pub(crate) partitions: usize,
    pub(crate) trace: Option<Written>,
    pub(crate) wall: Duration,
}

/// Set by the first Ctrl-C.
pub(crate) type Interrupt = Arc<AtomicBool>;

/// Runs `plan`; the trace, if the plan wants one, goes to `trace_file`.
pub(crate) fn simulate(
    plan: &Arc<Plan>,
    plan_hash: Digest,
    driving: &Driving,
    trace_file: Option<&Path>,
    (terminal, interrupt): (&Terminal, &Interrupt),
) -> Result<Ran, CliError> {
    let built = actors::build(
        plan,
        BuildOptions {
            paranoid: driving.paranoid,
            ..BuildOptions::default()
        },
    );
    let mut writer = match (trace_file, sampling(plan)) {
        (Some(path), Some(sampling)) => Some(open_trace(
            path,
            plan,
            plan_hash,
            sampling,
            built.directory.clone(),
        )?),
        _ => None,
    };
    let genesis = GenesisInfo::new(&built.genesis, built.rule_faults);
    let mut progress = terminal.progress(plan.end().as_micros());
    let mut on_progress = |now: &analysis::Progress| progress.at(now.time.as_micros(), now.events);
    let mut stop = || {
        interrupt
            .load(Ordering::Relaxed)
            .then(|| "interrupted by the user".to_owned())
    };
    let options = WatchOptions {
        trace: writer.as_mut().map(|writer| writer as &mut dyn TraceWrite),
        rows: Rows::default(),
        progress: Some(&mut on_progress),
        stop: Some(&mut stop),
    };
    let mut watcher = Watcher::new(plan, built.directory, genesis, options);
    let mut outcome = drive(built.world, &mut watcher, driving)?;
    // The tables need the memory more than anybody needs the nodes.
    outcome.nodes = Vec::new();
    let findings = watcher.finish(&outcome);
    let wall = progress.finish();
    if let Some(error) = &findings.trace_error {
        return Err(CliError::new(Exit::InputOutput, error.to_string()));
    }
    let trace = writer
        .map(|writer| finish_trace(writer, &outcome))
        .transpose()?;
    Ok(Ran {
        findings,
        root: outcome.root,
        events: outcome.events,
        checkpoints: outcome.checkpoints.len(),
        partitions: outcome.partitions_used,
        trace,
        wall,
    })
}

/// Runs a world with the chosen driver.
fn drive<S: Sink<Event>>(
    mut world: World<SimNode>,
    sink: &mut S,
    driving: &Driving,
) -> Result<RunOutcome<SimNode>, CliError> {
    let bug = |text: String| CliError::new(Exit::Bug, format!("the run broke down: {text}"));
    let spawn = match driving.driver {
        Driver::Heap => {
            let options = engine::DriverOptions::default();
            return engine::run_heap(world, sink, options).map_err(|e| bug(e.to_string()));
        }
        Driver::Plain => {
            let nanos = (world.config.window.as_nanos() / driving.window_divisor).max(1);
            world.config.window = VirtualDuration::from_nanos(nanos);
            let options = engine::DriverOptions::default();
            return engine::run_windowed(world, sink, options).map_err(|e| bug(e.to_string()));
        }
        Driver::Kernel => SpawnPolicy::Owned,
        Driver::Started => SpawnPolicy::Started,
    };
    let config = HostingConfig {
        partitions: usize::from(driving.threads),
        spawn,
        window_divisor: driving.window_divisor,
        ..HostingConfig::default()
    };
    hosting::run(world, sink, &config).map_err(|error| bug(error.to_string()))
}

const fn sampling(plan: &Plan) -> Option<Sampling> {
    match plan.output.trace {
        TraceMode::Full => Some(Sampling::Full),
        TraceMode::Sampled(ratio) => Some(Sampling::Share(ratio)),
        TraceMode::Off => None,
    }
}

fn open_trace(
    path: &Path,
    plan: &Plan,
    plan_hash: Digest,
    sampling: Sampling,
    directory: Directory,
) -> Result<Writer<BufWriter<File>>, CliError> {
    let file = File::create(path).map_err(|error| CliError::file("write", path, &error))?;
    let header = Header {
        scenario: plan.name.clone(),
        seed: plan.seed,
        plan: plan_hash,
        sampling,
        directory,
    };
    Writer::new(BufWriter::new(file), &header).map_err(|error| trace_error(&error))
}

fn finish_trace(
    writer: Writer<BufWriter<File>>,
    outcome: &RunOutcome<SimNode>,
) -> Result<Written, CliError> {
    let end = End {
        outcome: analysis::outcome_text(&outcome.outcome),
        ended_at: outcome.ended_at,
        root: outcome.root,
        events: outcome.events,
    };
    writer.finish(&end).map_err(|error| trace_error(&error))
}

fn trace_error(error: &trace::WriteError) -> CliError {
    CliError::new(Exit::InputOutput, error.to_string())
}
