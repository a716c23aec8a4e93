//! One function a command.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use analysis::{Findings, Verdict};
use clap::CommandFactory as _;
use serde_json::json;

use crate::{
    args::{CheckArgs, Cli, Driver, Driving, FigureArgs, Format, NewArgs, RunArgs, VerifyArgs},
    exit::{CliError, Exit},
    folder::Folder,
    load::{Loaded, load, load_source},
    rundir::{self, Draft},
    simulate::{Interrupt, Ran, simulate},
    terminal::{Seconds, Terminal, complain},
};

/// `microchains run`.
pub(crate) fn run(args: &RunArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let interrupt = catch_interrupts()?;
    let loaded = load(&args.choice, terminal)?;
    let draft = if args.no_report {
        None
    } else {
        Some(Draft::new(&args.out, &loaded)?)
    };
    let ran = simulate_loaded(
        &loaded,
        &args.driving,
        draft.as_ref(),
        (terminal, &interrupt),
    )?;
    let place = match draft {
        Some(draft) => Some(draft.finish(&loaded, &ran, &args.driving)?),
        None => None,
    };
    show(&loaded, &ran, place.as_deref(), terminal);
    if args.check_determinism && !ran.findings.interrupted {
        let exit = check_determinism(&loaded, &ran, &args.driving, (terminal, &interrupt))?;
        if exit != Exit::Held {
            return Ok(exit);
        }
    }
    Ok(rundir::exit_of(&ran.findings))
}

fn simulate_loaded(
    loaded: &Loaded,
    driving: &Driving,
    draft: Option<&Draft>,
    surroundings: (&Terminal, &Interrupt),
) -> Result<Ran, CliError> {
    let plan = Arc::new(loaded.checked.plan.clone());
    let trace_file = draft.map(Draft::trace_file);
    simulate(
        &plan,
        rundir::plan_hash(loaded),
        driving,
        trace_file.as_deref(),
        surroundings,
    )
}

/// Runs once more with another driver: the reference, or the kernel where that was the reference.
fn check_determinism(
    loaded: &Loaded,
    ran: &Ran,
    driving: &Driving,
    surroundings: (&Terminal, &Interrupt),
) -> Result<Exit, CliError> {
    let driver = match driving.driver {
        Driver::Heap => Driver::Kernel,
        Driver::Kernel | Driver::Started | Driver::Plain => Driver::Heap,
    };
    let again = simulate_loaded(
        loaded,
        &Driving {
            driver,
            ..driving.clone()
        },
        None,
        surroundings,
    )?;
    if again.root == ran.root {
        surroundings
            .0
            .result("  the same run with another driver has the same trace hash");
        return Ok(Exit::Held);
    }
    complain(&format!(
        "error: the trace hashes differ: {} and {}",
        ran.root, again.root
    ));
    Ok(Exit::NotDeterministic)
}

/// The first Ctrl-C ends the run at the next checkpoint; the second ends the program.
pub(crate) fn catch_interrupts() -> Result<Interrupt, CliError> {
    let interrupt: Interrupt = Arc::new(AtomicBool::new(false));
    let flag = interrupt.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
    })
    .map_err(|error| CliError::new(Exit::Bug, format!("cannot catch Ctrl-C: {error}")))?;
    Ok(interrupt)
}

fn show(loaded: &Loaded, ran: &Ran, place: Option<&Path>, terminal: &Terminal) {
    match terminal.format {
        Format::Json => terminal.verdict(&run_json(loaded, ran, place)),
        Format::Human => {
            terminal.verdict(&verdict_line(loaded, ran));
            terminal.result(&details(ran, place));
        }
    }
}

fn run_json(loaded: &Loaded, ran: &Ran, place: Option<&Path>) -> String {
    let value = json!({
        "schema": "run/v1",
        "run": rundir::handle(loaded),
        "verdict": word(&ran.findings),
        "outcome": ran.findings.outcome,
        "trace_hash": ran.root.to_string(),
        "events": ran.events,
        "blocks": ran.findings.counters.blocks,
        "messages": ran.findings.counters.sent,
        "expectations": ran.findings.tables.expectations,
        "violations": rundir::violations(&ran.findings),
        "convicted": ran.findings.convicted,
        "warnings": ran.findings.warnings,
        "partitions_used": ran.partitions,
        "trace_records": ran.trace.as_ref().map(|trace| trace.records),
        "report": place.map(|place| place.join("index.html")),
    });
    serde_json::to_string_pretty(&value).expect("plain data")
}

const fn word(findings: &Findings) -> &'static str {
    match findings.verdict {
        _ if findings.interrupted => "interrupted",
        Verdict::Pass | Verdict::NotJudged => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// What nothing could be said of.
const NOT_JUDGED: &str = Verdict::NotJudged.as_str();

fn verdict_line(loaded: &Loaded, ran: &Ran) -> String {
    let expectations = &ran.findings.tables.expectations;
    let held = expectations
        .iter()
        .filter(|row| row.verdict == "pass")
        .count();
    let judged = expectations.iter().filter(|row| row.verdict != NOT_JUDGED);
    let counters = &ran.findings.counters;
    format!(
        "{}  {}   {held} of {} expectations · {} blocks · {} messages · {} events · {:.1} s wall",
        word(&ran.findings).to_uppercase(),
        rundir::handle(loaded),
        judged.count(),
        counters.blocks,
        counters.sent,
        ran.events,
        Seconds(u64::try_from(ran.wall.as_micros()).unwrap_or(u64::MAX)),
    )
}

/// Whether so many values have the quantile, in thousandths; the largest value is no quantile.
fn enough(count: u64, thousandths: i64) -> bool {
    thousandths == 0 || i64::try_from(count).is_ok_and(|n| n >= report::sample_needed(thousandths))
}

fn details(ran: &Ran, place: Option<&Path>) -> String {
    let mut text = String::new();
    let mut line = |part: String| writeln!(text, "  {part}").expect("a string takes all");
    for latency in &ran.findings.latencies {
        // The page and the charts refuse the same quantiles.
        let show = |value: Option<u64>, thousandths| match value {
            Some(us) if enough(latency.count, thousandths) => {
                format!("{}.{:03} ms", us / 1_000, us % 1_000)
            }
            Some(_) | None => "n too small".to_owned(),
        };
        line(format!(
            "{:<16} p50 {}   p95 {}   p99 {}   max {}   ({} samples)",
            latency.name.replace('_', " "),
            show(latency.p50_us, 500),
            show(latency.p95_us, 950),
            show(latency.p99_us, 990),
            show(latency.max_us, 0),
            latency.count,
        ));
    }
    for row in &ran.findings.tables.expectations {
        if row.verdict != "pass" && row.verdict != NOT_JUDGED {
            line(format!(
                "{}: {} ({})",
                row.verdict.to_uppercase(),
                row.name,
                row.detail
            ));
        }
    }
    for violation in rundir::violations(&ran.findings) {
        line(format!("BROKEN: {violation}"));
    }
    for warning in &ran.findings.warnings {
        line(format!("LOST: {warning}"));
    }
    for proof in &ran.findings.convicted {
        line(format!("CONVICTED: {proof}"));
    }
    if ran.findings.interrupted {
        line(format!(
            "{}: this is a part of the run, marked as such",
            ran.findings.outcome
        ));
    }
    line(format!(
        "partitions {}   trace {}",
        ran.partitions, ran.root
    ));
    if let Some(place) = place {
        line(format!("report {}", place.join("index.html").display()));
    }
    text.trim_end().to_owned()
}

/// `microchains check`.
pub(crate) fn check(args: &CheckArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let loaded = load(&args.choice, terminal)?;
    let plan = &loaded.checked.plan;
    if args.resolved {
        terminal.result(loaded.checked.resolved_json.trim_end());
    } else if terminal.format == Format::Json {
        terminal.result(&scenario::to_json(&loaded.checked.warnings));
    } else {
        terminal.verdict(&format!(
            "{}: valid · {} chains · {} validators · {} workloads · {} faults · {} expectations",
            loaded.file,
            plan.chains.len(),
            plan.validators.len(),
            plan.workloads.len(),
            plan.faults.len(),
            plan.expectations.len(),
        ));
    }
    Ok(Exit::Held)
}

/// `microchains new`.
pub(crate) fn new(args: &NewArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let Some(name) = &args.name else {
        for bundled in scenario::bundled() {
            terminal.result(bundled.name);
        }
        return Ok(Exit::Held);
    };
    let known = scenario::bundled()
        .iter()
        .find(|bundled| bundled.name == name);
    let bundled = known.ok_or_else(|| {
        let names: Vec<_> = scenario::bundled()
            .iter()
            .map(|bundled| bundled.name)
            .collect();
        CliError::new(
            Exit::Usage,
            format!("no bundled scenario is called `{name}`"),
        )
        .hint(format!("there are {}", names.join(", ")))
    })?;
    let path = args
        .out
        .clone()
        .unwrap_or_else(|| format!("{name}.toml").into());
    if path.exists() {
        return Err(
            CliError::new(Exit::InputOutput, format!("{} exists", path.display()))
                .hint("choose another place with --out"),
        );
    }
    let schema = path.with_file_name("scenario.v1.schema.json");
    write(&path, bundled.source.as_bytes())?;
    write(&schema, scenario::schema().as_bytes())?;
    terminal.result(&format!(
        "wrote {} and {}",
        path.display(),
        schema.display()
    ));
    Ok(Exit::Held)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    fs::write(path, bytes).map_err(|error| CliError::file("write", path, &error))
}

/// `microchains schema`.
pub(crate) fn schema(terminal: &Terminal) -> Result<Exit, CliError> {
    terminal.result(scenario::schema().trim_end());
    Ok(Exit::Held)
}

/// `microchains completion`.
pub(crate) fn completion(
    shell: clap_complete::Shell,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    // Into memory first: who reads the output may stop early.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "microchains", &mut script);
    terminal.result(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Held)
}

/// `microchains figure`.
pub(crate) fn figure(args: &FigureArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let tables = rundir::read_tables(&args.dir)?;
    let Some(name) = &args.name else {
        for name in report::figures() {
            terminal.result(name);
        }
        return Ok(Exit::Held);
    };
    let name = name
        .strip_suffix(".svg")
        .or_else(|| name.strip_suffix(".png"))
        .unwrap_or(name);
    let files = rundir::figure(name, &tables)?;
    fs::create_dir_all(&args.out).map_err(|e| CliError::file("write to", &args.out, &e))?;
    for (file, bytes) in files {
        let path = args.out.join(file);
        write(&path, &bytes)?;
        terminal.result(&format!("wrote {}", path.display()));
    }
    Ok(Exit::Held)
}

/// `microchains verify`.
pub(crate) fn verify(args: &VerifyArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let manifest = rundir::read_manifest(&args.dir)?;
    let found =
        rundir::hashes(&args.dir).map_err(|error| CliError::file("read", &args.dir, &error))?;
    let mut problems = Vec::new();
    for (name, hash) in &manifest.files {
        match found.get(name) {
            None => problems.push(format!("{name} is missing")),
            Some(other) if other != hash => problems.push(format!("{name} was changed")),
            Some(_) => {}
        }
    }
    for name in found
        .keys()
        .filter(|name| !manifest.files.contains_key(*name))
    {
        problems.push(format!("{name} is not in the manifest"));
    }
    if problems.is_empty() {
        problems.extend(check_trace(&args.dir, &manifest)?);
    }
    if problems.is_empty() && args.rerun {
        problems.extend(rerun(args, &manifest, terminal)?);
    }
    for problem in &problems {
        complain(&format!("error: {problem}"));
    }
    let word = if problems.is_empty() {
        "SAME"
    } else {
        "DIFFERENT"
    };
    terminal.verdict(&format!(
        "{word}  {}   {} files · trace {}",
        manifest.run,
        manifest.files.len(),
        manifest.trace_hash
    ));
    Ok(if problems.is_empty() {
        Exit::Held
    } else {
        Exit::Failed
    })
}

/// Reads the whole trace: its frames have checksums, and it ends with the hash of the run.
fn check_trace(dir: &Path, manifest: &rundir::Manifest) -> Result<Vec<String>, CliError> {
    if !manifest.files.contains_key(rundir::TRACE) {
        return Ok(Vec::new());
    }
    let path = dir.join(rundir::TRACE);
    let file = fs::File::open(&path).map_err(|error| CliError::file("read", &path, &error))?;
    let corrupted = |error: trace::ReadError| {
        CliError::new(
            Exit::InputOutput,
            format!("{} is corrupted: {error}", path.display()),
        )
    };
    let reader = trace::Reader::new(std::io::BufReader::new(file)).map_err(corrupted)?;
    let mut root = None;
    for item in reader {
        if let trace::Item::End(end) = item.map_err(corrupted)? {
            root = Some(end.root.to_string());
        }
    }
    Ok(match root {
        Some(root) if root == manifest.trace_hash => Vec::new(),
        Some(root) => vec![format!(
            "the trace ends with {root}, not with the manifest's hash"
        )],
        None => vec!["the trace has no end".to_owned()],
    })
}

/// The scenario of a run, as it was read then.
pub(crate) fn load_again(
    dir: &Path,
    manifest: &rundir::Manifest,
    terminal: &Terminal,
) -> Result<Loaded, CliError> {
    let path = dir.join(rundir::SCENARIO);
    let source = fs::read_to_string(&path).map_err(|e| CliError::file("read", &path, &e))?;
    let options = scenario::Options {
        set: manifest.set.clone(),
        seed: Some(manifest.seed),
        variant: manifest.variant.clone(),
    };
    let source = (source, Folder::around(&path));
    load_source(rundir::SCENARIO.to_owned(), source, options, terminal)
}

fn rerun(
    args: &VerifyArgs,
    manifest: &rundir::Manifest,
    terminal: &Terminal,
) -> Result<Vec<String>, CliError> {
    if manifest.partial {
        return Ok(vec![
            "an interrupted run cannot be run again to the same instant".to_owned(),
        ]);
    }
    let loaded = load_again(&args.dir, manifest, terminal)?;
    if rundir::plan_hash(&loaded).to_string() != manifest.plan_hash {
        return Ok(vec![
            "this version reads the scenario as another plan".to_owned(),
        ]);
    }
    let interrupt = catch_interrupts()?;
    let ran = simulate_loaded(&loaded, &args.driving, None, (terminal, &interrupt))?;
    let root = ran.root.to_string();
    if root == manifest.trace_hash {
        return Ok(Vec::new());
    }
    Ok(vec![format!("running it again gives trace {root}")])
}
