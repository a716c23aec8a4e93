//! `microchains swarm`: one random scenario for each seed, several at once. A run has one thread and
//! knows of no other, and rows are kept in the order of seeds, so that the number of jobs changes
//! nothing but the time.

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use actors::BuildOptions;
use analysis::{
    GenesisInfo, WatchOptions, Watcher,
    swarm::{DeliveryRow, DeliveryTable, Distribution, Kind, SeedRow},
};
use scenario::{Options, Style, swarm::Swarm};
use serde_json::json;

use crate::{
    args::{Format, SwarmArgs},
    commands::catch_interrupts,
    exit::{CliError, Exit},
    simulate::Interrupt,
    terminal::{Seconds, Terminal},
};

/// How often progress is shown.
const LOOK: Duration = Duration::from_millis(200);

/// `microchains swarm`.
pub(crate) fn swarm(args: &SwarmArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    if let Some(seed) = args.print {
        let swarm = Swarm::from(args.about);
        terminal.result(swarm.scenario(seed).trim_end());
        return Ok(Exit::Held);
    }
    let interrupt = catch_interrupts()?;
    let started = Instant::now();
    let rows = run(args, terminal, &interrupt)?;
    let failed: Vec<&SeedRow> = {
        let rows = rows.iter().map(|row| &row.row);
        rows.filter(|row| !row.held()).collect()
    };
    let interrupted = interrupt.load(Ordering::Relaxed);
    match terminal.format {
        Format::Json => terminal.verdict(&swarm_json(args, &rows)),
        Format::Human => {
            let word = match (interrupted, failed.is_empty()) {
                (true, _) => "INTERRUPTED",
                (false, true) => "PASS",
                (false, false) => "FAIL",
            };
            let (first, last) = args.seeds;
            terminal.verdict(&format!(
                "{word}  swarm/{first}..={last}   {} of {} seeds held",
                rows.len() - failed.len(),
                rows.len(),
            ));
            terminal.result(table(args, &rows).trim_end());
            if !failed.is_empty() {
                terminal.result(failures(args, &failed).trim_end());
            }
            let wall = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            terminal.note(&format!("  {:.1} s wall", Seconds(wall)));
        }
    }
    Ok(match (interrupted, failed.is_empty()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Held,
        (false, false) => Exit::Failed,
    })
}

/// What the seeds have in common.
fn table(args: &SwarmArgs, rows: &[DeliveryRow]) -> String {
    match Swarm::from(args.about) {
        Swarm::Everything => {
            let rows: Vec<SeedRow> = rows.iter().map(|row| row.row.clone()).collect();
            Distribution(&rows).to_string()
        }
        Swarm::Messages | Swarm::HandOver => DeliveryTable(rows).to_string(),
    }
}

/// What did not hold, and how to see it again.
fn failures(args: &SwarmArgs, failed: &[&SeedRow]) -> String {
    let mut text = String::new();
    for row in failed {
        writeln!(text, "  FAIL: seed {}", row.seed).expect("a string takes all");
        for broken in &row.broken {
            writeln!(text, "    {broken}").expect("a string takes all");
        }
    }
    let seed = failed.first().map_or(0, |row| row.seed);
    let about = match Swarm::from(args.about) {
        Swarm::Everything => "",
        Swarm::Messages => " --about messages",
        Swarm::HandOver => " --about hand-over",
    };
    writeln!(
        text,
        "  to see one again: microchains swarm{about} --print {seed} > s.toml; microchains run s.toml"
    )
    .expect("a string takes all");
    text
}

fn swarm_json(args: &SwarmArgs, rows: &[DeliveryRow]) -> String {
    let row = |one: &DeliveryRow| {
        let row = &one.row;
        let kinds = Kind::ALL.into_iter().zip(one.counts);
        let kinds: serde_json::Map<_, _> = kinds
            .map(|(kind, count)| (kind.name().to_owned(), count.into()))
            .collect();
        let families = scenario::swarm::Family::ALL.into_iter().zip(row.strikes);
        let strikes: serde_json::Map<_, _> = families
            .filter_map(|(family, strikes)| Some((family.name().to_owned(), strikes?.into())))
            .collect();
        json!({
            "seed": row.seed,
            "held": row.held(),
            "broken": row.broken,
            "trace_hash": row.trace_hash,
            "strikes": strikes,
            "kinds": kinds,
            "validators": row.validators,
            "byzantine": row.byzantine,
            "blocks": row.blocks,
            "fast_blocks": row.fast,
            "single_leader_blocks": row.single_leader,
            "timeouts": row.timeouts,
            "events": row.events,
        })
    };
    let value = json!({
        "schema": "swarm/v1",
        "seeds": { "first": args.seeds.0, "last": args.seeds.1 },
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&value).expect("plain data")
}

/// The rows of all seeds, in their order.
fn run(
    args: &SwarmArgs,
    terminal: &Terminal,
    interrupt: &Interrupt,
) -> Result<Vec<DeliveryRow>, CliError> {
    let (first, last) = args.seeds;
    let next = AtomicU64::new(first);
    let rows = Mutex::new(Vec::new());
    let work = || -> Result<(), CliError> {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > last || interrupt.load(Ordering::Relaxed) {
                return Ok(());
            }
            let row = run_seed(args.about.into(), seed)?;
            rows.lock()
                .expect("no worker panics while it holds the lock")
                .push(row);
        }
    };
    thread::scope(|scope| {
        let jobs: Vec<_> = (0..args.jobs).map(|_| scope.spawn(work)).collect();
        let mut progress = terminal.count("seeds", last - first + 1);
        while !jobs.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(LOOK);
            let rows = rows
                .lock()
                .expect("no worker panics while it holds the lock");
            let failed = rows
                .iter()
                .filter(|row: &&DeliveryRow| !row.row.held())
                .count();
            progress.at(rows.len(), failed);
        }
        progress.finish();
        jobs.into_iter().try_for_each(|job| {
            let bug = || CliError::new(Exit::Bug, "a job of the swarm panicked".to_owned());
            job.join().map_err(|_| bug())?
        })
    })?;
    let mut rows = rows.into_inner().expect("all workers have ended");
    rows.sort_unstable_by_key(|row: &DeliveryRow| row.row.seed);
    Ok(rows)
}

/// Runs the scenario of one seed.
fn run_seed(swarm: Swarm, seed: u64) -> Result<DeliveryRow, CliError> {
    let bug = |text: String| CliError::new(Exit::Bug, format!("seed {seed}: {text}"));
    let text = swarm.scenario(seed);
    let name = format!("swarm-{seed}.toml");
    let checked = scenario::check(&text, &name, &Options::default())
        .map_err(|found| bug(scenario::render(&found, Style::Plain)))?;
    let plan = Arc::new(checked.plan);
    let built = actors::build(&plan, BuildOptions::default());
    let genesis = GenesisInfo::new(&built.genesis, built.rule_faults);
    let mut watcher = Watcher::new(&plan, built.directory, genesis, WatchOptions::default());
    let options = engine::DriverOptions::default();
    let outcome = engine::run_heap(built.world, &mut watcher, options)
        .map_err(|error| bug(error.to_string()))?;
    Ok(DeliveryRow::new(swarm, &plan, &watcher.finish(&outcome)))
}
