//! `microchains sweep`: every point of a scenario's `[sweep]` with every seed, several runs at once. A
//! run has one thread and knows of no other, and rows are kept in the order of points and seeds, so
//! that the number of jobs changes nothing but the time.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use actors::BuildOptions;
use analysis::{GenesisInfo, WatchOptions, Watcher};
use report::sweep::{SweepPoint, SweepRow};
use scenario::{Options, Plan, Sweep};
use serde_json::json;

use crate::{
    args::{Format, SweepArgs},
    commands::catch_interrupts,
    exit::{CliError, Exit},
    load::{Loaded, load, load_source},
    simulate::Interrupt,
    terminal::{Seconds, Terminal},
};

/// How often progress is shown.
const LOOK: Duration = Duration::from_millis(200);

/// One run that is to be made.
struct Run {
    point: String,
    plan: Arc<Plan>,
}

/// `microchains sweep`.
pub(crate) fn sweep(args: &SweepArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let interrupt = catch_interrupts()?;
    let started = Instant::now();
    // That there is a sweep is no news here.
    let loaded = load(&args.choice, &terminal.silent())?;
    let sweep = loaded.checked.sweep.clone().ok_or_else(|| {
        CliError::new(Exit::Usage, "the scenario has no [sweep]".to_owned())
            .hint("such as [sweep] seeds = \"1..=20\"")
    })?;
    let runs = plans(&loaded, &sweep, terminal)?;
    let rows = run_all(&runs, args.jobs, terminal, &interrupt)?;
    if interrupt.load(Ordering::Relaxed) {
        terminal.verdict(&format!(
            "INTERRUPTED  {} of {} runs",
            rows.len(),
            runs.len()
        ));
        return Ok(Exit::Interrupted);
    }
    let points = report::sweep::points(&rows);
    let name = &loaded.checked.plan.name;
    let place = args.out.join(name).join("sweep");
    write_all(&place, name, &sweep, &rows, &points)?;
    let mut problems: Vec<String> = rows
        .iter()
        .filter(|row| row.verdict != "pass")
        .map(|row| {
            format!(
                "{}: {} with seed {}",
                row.verdict.to_uppercase(),
                row.point,
                row.seed
            )
        })
        .collect();
    let below = |point: &&SweepPoint| {
        sweep
            .of_bound
            .is_some_and(|least| point.of_bound < u64::from(least))
    };
    let below = points.iter().filter(below).map(|point| {
        format!(
            "FAIL: {} reaches {} of the bound",
            point.name,
            percent(point.of_bound)
        )
    });
    problems.extend(below);
    show(terminal, &loaded, (&sweep, &points), &problems, &place);
    let wall = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    terminal.note(&format!("  {:.1} s wall", Seconds(wall)));
    Ok(if problems.is_empty() {
        Exit::Held
    } else {
        Exit::Failed
    })
}

/// The plans of all runs, points first.
fn plans(loaded: &Loaded, sweep: &Sweep, terminal: &Terminal) -> Result<Vec<Run>, CliError> {
    let mut runs = Vec::new();
    for point in &sweep.points {
        for seed in &sweep.seeds {
            let mut set = loaded.options.set.clone();
            set.extend(point.set.iter().cloned());
            let options = Options {
                set,
                seed: Some(*seed),
                variant: point.variant.clone(),
            };
            let source = (loaded.source.clone(), loaded.folder.clone());
            let one = load_source(loaded.file.clone(), source, options, &terminal.silent())?;
            runs.push(Run {
                point: point.name.clone(),
                plan: Arc::new(one.checked.plan),
            });
        }
    }
    Ok(runs)
}

/// The rows of all runs, in their order.
fn run_all(
    runs: &[Run],
    jobs: u16,
    terminal: &Terminal,
    interrupt: &Interrupt,
) -> Result<Vec<SweepRow>, CliError> {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    let work = || -> Result<(), CliError> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(run) = runs.get(number) else {
                return Ok(());
            };
            if interrupt.load(Ordering::Relaxed) {
                return Ok(());
            }
            let row = run_one(run)?;
            rows.lock()
                .expect("no worker panics while it holds the lock")
                .push((number, row));
        }
    };
    thread::scope(|scope| {
        let jobs: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let all = u64::try_from(runs.len()).unwrap_or(u64::MAX);
        let mut progress = terminal.count("runs", all);
        while !jobs.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(LOOK);
            let rows = rows
                .lock()
                .expect("no worker panics while it holds the lock");
            let failed = rows
                .iter()
                .filter(|(_, row): &&(usize, SweepRow)| row.verdict != "pass");
            progress.at(rows.len(), failed.count());
        }
        progress.finish();
        jobs.into_iter().try_for_each(|job| {
            let bug = || CliError::new(Exit::Bug, "a run of the sweep panicked".to_owned());
            job.join().map_err(|_| bug())?
        })
    })?;
    let mut rows = rows.into_inner().expect("all workers have ended");
    rows.sort_unstable_by_key(|(number, _)| *number);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn run_one(run: &Run) -> Result<SweepRow, CliError> {
    let built = actors::build(&run.plan, BuildOptions::default());
    let genesis = GenesisInfo::new(&built.genesis, built.rule_faults);
    let mut watcher = Watcher::new(&run.plan, built.directory, genesis, WatchOptions::default());
    let options = engine::DriverOptions::default();
    let outcome = engine::run_heap(built.world, &mut watcher, options)
        .map_err(|error| CliError::new(Exit::Bug, format!("{}: {error}", run.point)))?;
    let findings = watcher.finish(&outcome);
    Ok(SweepRow::of(&run.point, &findings.tables))
}

fn write_all(
    place: &Path,
    name: &str,
    sweep: &Sweep,
    rows: &[SweepRow],
    points: &[SweepPoint],
) -> Result<(), CliError> {
    fs::create_dir_all(place).map_err(|error| CliError::file("write to", place, &error))?;
    let seeds = match sweep.seeds.as_slice() {
        [only] => format!("seed {only}"),
        several => format!("{} seeds", several.len()),
    };
    let figure = report::charts::scaling(name, &seeds, points);
    let png = report::png(&figure.svg, 2)
        .map_err(|error| CliError::new(Exit::Bug, format!("cannot draw: {error}")))?;
    let files = [
        ("runs.csv", report::sweep::runs_csv(rows).into_bytes()),
        ("scaling.svg", figure.svg.into_bytes()),
        ("scaling.png", png),
        ("scaling.csv", figure.csv.into_bytes()),
        ("scaling.txt", figure.caption.into_bytes()),
    ];
    for (file, bytes) in files {
        let path = place.join(file);
        fs::write(&path, bytes).map_err(|error| CliError::file("write", &path, &error))?;
    }
    Ok(())
}

fn percent(millionths: u64) -> String {
    format!("{}.{} %", millionths / 10_000, millionths / 1_000 % 10)
}

fn show(
    terminal: &Terminal,
    loaded: &Loaded,
    (sweep, points): (&Sweep, &[SweepPoint]),
    problems: &[String],
    place: &Path,
) {
    let word = if problems.is_empty() { "PASS" } else { "FAIL" };
    let name = &loaded.checked.plan.name;
    let runs = sweep.points.len() * sweep.seeds.len();
    if terminal.format == Format::Json {
        let row = |point: &SweepPoint| {
            json!({
                "point": point.name, "workers": point.workers, "runs": point.runs,
                "blocks_per_s": point.throughput / 1_000, "bound_per_s": point.bound / 1_000,
                "of_bound_millionths": point.of_bound,
            })
        };
        let value = json!({
            "schema": "sweep/v1", "sweep": name, "verdict": word.to_lowercase(), "runs": runs,
            "points": points.iter().map(row).collect::<Vec<_>>(), "problems": problems,
        });
        let text = serde_json::to_string_pretty(&value).expect("plain data");
        return terminal.verdict(&text);
    }
    terminal.verdict(&format!(
        "{word}  {name}   {runs} runs · {} points × {} seeds",
        sweep.points.len(),
        sweep.seeds.len(),
    ));
    for point in points {
        terminal.result(&format!(
            "  {:<12} {:>4} workers   {:>8} blocks/s   bound {:>8}   {:>7} of it",
            point.name,
            point.workers,
            point.throughput / 1_000,
            point.bound / 1_000,
            percent(point.of_bound),
        ));
    }
    for problem in problems {
        terminal.result(&format!("  {problem}"));
    }
    terminal.result(&format!("  written to {}", place.display()));
}
