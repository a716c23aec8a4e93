//! The run directory: written beside its place and moved there when it is whole, so that a failure
//! leaves the old one. All bytes follow from scenario, seed and variant, but for `host.json`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use analysis::{Findings, Verdict, tables::Tables};
use report::page::PageOptions;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    args::{Driver, Driving},
    exit::{CliError, Exit},
    folder::{self, Inputs},
    load::Loaded,
    simulate::Ran,
};

/// The one file that may differ between two runs of the same.
pub(crate) const HOST: &str = "host.json";
/// The file that lists all others.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The scenario as given.
pub(crate) const SCENARIO: &str = "scenario.toml";
/// All tables for programs: pictures are drawn from it again.
const TABLES: &str = "tables/all.json.zst";
/// The event trace.
pub(crate) const TRACE: &str = "trace.mct";
/// Compression of the tables; part of what the bytes are.
const LEVEL: i32 = 3;

/// What identifies a run and its files.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) schema: String,
    pub(crate) run: String,
    pub(crate) verdict: String,
    /// Whether the run was interrupted, so that this is a part of it.
    pub(crate) partial: bool,
    pub(crate) outcome: String,
    pub(crate) scenario: String,
    pub(crate) seed: u64,
    pub(crate) variant: Option<String>,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) plan_hash: String,
    pub(crate) engine: EngineFacts,
    pub(crate) trace_hash: String,
    pub(crate) events: u64,
    pub(crate) checkpoints: u64,
    pub(crate) virtual_us: i64,
    pub(crate) reproduce: String,
    /// Copies of the files that the scenario names, by path.
    #[serde(default, skip_serializing_if = "Inputs::is_empty")]
    pub(crate) inputs: Inputs,
    /// blake3 of every other file but `host.json`, by path.
    pub(crate) files: BTreeMap<String, String>,
}

/// What made a run.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EngineFacts {
    pub(crate) version: String,
    pub(crate) rng: String,
    pub(crate) hash: String,
    pub(crate) encoding: String,
    pub(crate) signatures: String,
}

/// A directory in the making.
pub(crate) struct Draft {
    place: PathBuf,
    making: PathBuf,
}

impl Draft {
    /// Begins a directory below `out`. Fails early if nothing can be written there.
    pub(crate) fn new(out: &Path, loaded: &Loaded) -> Result<Self, CliError> {
        let plan = &loaded.checked.plan;
        let mut leaf = match &plan.variant {
            Some(variant) => format!("{}-{variant}", plan.seed),
            None => plan.seed.to_string(),
        };
        // What was changed on the command line is another run, beside the plain one.
        if !loaded.options.set.is_empty() {
            let hash = plan_hash(loaded).to_string();
            leaf = format!("{leaf}-set-{}", &hash[..8]);
        }
        let parent = out.join(&plan.name);
        let making = parent.join(format!(".{leaf}.partial"));
        let hint = "choose another directory with --out";
        if making.exists() {
            fs::remove_dir_all(&making).map_err(|e| CliError::file("clear", &making, &e))?;
        }
        fs::create_dir_all(&making)
            .map_err(|error| CliError::file("write to", &parent, &error).hint(hint))?;
        Ok(Self {
            place: parent.join(leaf),
            making,
        })
    }

    /// Where the trace is written while the run goes on.
    pub(crate) fn trace_file(&self) -> PathBuf {
        self.making.join(TRACE)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        let path = self.making.join(name);
        let parent = path.parent().expect("a file in the directory");
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, bytes))
            .map_err(|error| CliError::file("write", &path, &error))
    }

    /// Writes everything and moves the directory to its place.
    pub(crate) fn finish(
        self,
        loaded: &Loaded,
        ran: &Ran,
        driving: &Driving,
    ) -> Result<PathBuf, CliError> {
        let tables = &ran.findings.tables;
        self.write(SCENARIO, loaded.source.as_bytes())?;
        for (_, input, bytes) in folder::copies(&loaded.checked.files) {
            self.write(input.file(), bytes)?;
        }
        self.write(
            "scenario.resolved.json",
            loaded.checked.resolved_json.as_bytes(),
        )?;
        self.write("summary.json", &pretty(&summary(ran)))?;
        self.write("expectations.json", &pretty(&tables.expectations))?;
        for (name, bytes) in report::tables::files(tables) {
            self.write(&name, &bytes)?;
        }
        self.write(TABLES, &compress(tables)?)?;
        let mut pictures = Vec::new();
        let wanted = &loaded.checked.plan.output.figures;
        let asked = |name: &&&str| {
            let of_name = |one: &String| one.split('.').next() == Some(**name);
            wanted.iter().any(of_name)
        };
        for name in report::figures().iter().filter(asked) {
            for (file, bytes) in figure(name, tables)? {
                if !is_wanted(name, &file, &loaded.checked.plan.output.figures) {
                    continue;
                }
                let file = format!("figures/{file}");
                self.write(&file, &bytes)?;
                pictures.push(file);
            }
        }
        let page = PageOptions {
            about: loaded.checked.plan.about.clone(),
            claim: loaded.checked.plan.claim.clone(),
            command: reproduce(loaded),
            files: links(&pictures),
            ..PageOptions::default()
        };
        self.write("index.html", report::page::html(tables, &page).as_bytes())?;
        let files = hashes(&self.making).map_err(|e| CliError::file("read", &self.making, &e))?;
        self.write(MANIFEST, &pretty(&manifest(loaded, ran, files)))?;
        self.write(HOST, &pretty(&host(ran, driving)))?;
        self.put_in_place()
    }

    fn put_in_place(self) -> Result<PathBuf, CliError> {
        let replace = || {
            if self.place.exists() {
                fs::remove_dir_all(&self.place)?;
            }
            fs::rename(&self.making, &self.place)
        };
        replace().map_err(|error| CliError::file("write to", &self.place, &error))?;
        Ok(self.place)
    }
}

/// The files of one figure.
pub(crate) fn figure(name: &str, tables: &Tables) -> Result<Vec<(String, Vec<u8>)>, CliError> {
    report::figure(name, tables).map_err(|error| {
        let exit = match &error {
            report::FigureError::Unknown { .. } => Exit::Usage,
            report::FigureError::Png(_) => Exit::Bug,
        };
        CliError::new(exit, error.to_string())
    })
}

fn links(pictures: &[String]) -> Vec<String> {
    let others = [
        "manifest.json",
        "summary.json",
        "expectations.json",
        SCENARIO,
    ];
    let others = others.into_iter().map(str::to_owned);
    others
        .chain(["tables/README.md".to_owned()])
        .chain(pictures.iter().cloned())
        .collect()
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("rows are plain data");
    bytes.push(b'\n');
    bytes
}

fn compress(tables: &Tables) -> Result<Vec<u8>, CliError> {
    let json = serde_json::to_vec(tables).expect("rows are plain data");
    zstd::bulk::compress(&json, LEVEL)
        .map_err(|error| CliError::new(Exit::Bug, format!("cannot compress the tables: {error}")))
}

/// The tables of a run directory.
pub(crate) fn read_tables(dir: &Path) -> Result<Tables, CliError> {
    let path = dir.join(TABLES);
    let file = fs::File::open(&path).map_err(|error| {
        CliError::file("read", &path, &error).hint("a run directory is what `microchains run` made")
    })?;
    let corrupted = |error: &dyn std::fmt::Display| {
        let message = format!("{} is corrupted: {error}", path.display());
        CliError::new(Exit::InputOutput, message).hint("run the scenario again")
    };
    let reader = zstd::Decoder::new(file).map_err(|error| corrupted(&error))?;
    serde_json::from_reader(io::BufReader::new(reader)).map_err(|error| corrupted(&error))
}

/// The manifest of a run directory.
pub(crate) fn read_manifest(dir: &Path) -> Result<Manifest, CliError> {
    let path = dir.join(MANIFEST);
    let bytes = fs::read(&path).map_err(|error| {
        CliError::file("read", &path, &error).hint("a run directory is what `microchains run` made")
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("{} is corrupted: {error}", path.display());
        CliError::new(Exit::InputOutput, message).hint("run the scenario again")
    })
}

/// blake3 of every file below `dir` but the manifest and the host's facts, by path.
pub(crate) fn hashes(dir: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut hashes = BTreeMap::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let parts: Vec<_> = path
                .strip_prefix(dir)
                .expect("found below it")
                .components()
                .map(|part| part.as_os_str().to_string_lossy().into_owned())
                .collect();
            let name = parts.join("/");
            if name != MANIFEST && name != HOST {
                hashes.insert(name, blake3::hash(&fs::read(&path)?).to_hex().to_string());
            }
        }
    }
    Ok(hashes)
}

/// The command that makes the same run again.
fn reproduce(loaded: &Loaded) -> String {
    let plan = &loaded.checked.plan;
    // What ran may be a file that nobody has any more; a copy lies beside the page.
    let bundled = scenario::bundled_scenario(&plan.name);
    let is_bundled = bundled.is_some_and(|one| one.source == loaded.source);
    let what = if is_bundled { &plan.name } else { SCENARIO };
    let mut command = format!("microchains run {what} --seed {}", plan.seed);
    if let Some(variant) = &plan.variant {
        command.push_str(&format!(" --variant {variant}"));
    }
    for (key, value) in &loaded.options.set {
        command.push_str(&format!(" --set '{key}={value}'"));
    }
    command
}

fn manifest(loaded: &Loaded, ran: &Ran, files: BTreeMap<String, String>) -> Manifest {
    let (plan, run) = (&loaded.checked.plan, &ran.findings.tables.run);
    Manifest {
        schema: "manifest/v1".to_owned(),
        run: handle(loaded),
        verdict: run.verdict.clone(),
        partial: ran.findings.interrupted,
        outcome: ran.findings.outcome.clone(),
        scenario: plan.name.clone(),
        seed: plan.seed,
        variant: plan.variant.clone(),
        set: loaded.options.set.clone(),
        plan_hash: plan_hash(loaded).to_string(),
        engine: EngineFacts {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rng: "chacha8, keyed by what a draw is about".to_owned(),
            hash: "blake3".to_owned(),
            encoding: "bcs".to_owned(),
            signatures: match plan.signatures {
                scenario::plan::Signatures::Ed25519 => "ed25519".to_owned(),
                scenario::plan::Signatures::Modeled => "modeled".to_owned(),
            },
        },
        trace_hash: ran.root.to_string(),
        events: ran.events,
        checkpoints: u64::try_from(ran.checkpoints).expect("fits"),
        virtual_us: run.virtual_us,
        reproduce: reproduce(loaded),
        inputs: folder::copies(&loaded.checked.files)
            .into_iter()
            .map(|(path, input, _)| (path, input))
            .collect(),
        files,
    }
}

/// Whether a scenario's `[output] figures` ask for a file of the figure `name`. Data and captions
/// come with any picture of it.
fn is_wanted(name: &str, file: &str, wanted: &[String]) -> bool {
    let of_name = |one: &String| {
        one.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    let is_picture = [".svg", ".png", ".dot", ".graphml"]
        .iter()
        .any(|ending| file.ends_with(ending));
    if is_picture {
        wanted.iter().any(|one| one == file)
    } else {
        wanted.iter().any(of_name)
    }
}

/// The handle of a run, such as `lanes@42`.
pub(crate) fn handle(loaded: &Loaded) -> String {
    let plan = &loaded.checked.plan;
    match &plan.variant {
        Some(variant) => format!("{}@{}#{variant}", plan.name, plan.seed),
        None => format!("{}@{}", plan.name, plan.seed),
    }
}

/// Hash of the plan: of the scenario with every default filled in, of the seed, and of the code of its
/// applications.
pub(crate) fn plan_hash(loaded: &Loaded) -> engine::Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(loaded.checked.resolved_json.as_bytes());
    hasher.update(&loaded.checked.plan.seed.to_le_bytes());
    for application in &loaded.checked.plan.applications {
        for code in [&application.module.contract, &application.module.service] {
            hasher.update(blake3::hash(code).as_bytes());
        }
    }
    engine::Digest(*hasher.finalize().as_bytes())
}

fn summary(ran: &Ran) -> serde_json::Value {
    let counters = &ran.findings.counters;
    let latency = |latency: &analysis::Latency| {
        json!({
            "name": latency.name, "count": latency.count, "p50_us": latency.p50_us,
            "p95_us": latency.p95_us, "p99_us": latency.p99_us, "max_us": latency.max_us,
        })
    };
    let validator = |validator: &analysis::ValidatorFindings| {
        json!({
            "validator": validator.validator, "executed": validator.executed,
            "behind": validator.behind, "undelivered": validator.undelivered,
        })
    };
    json!({
        "schema": "summary/v1",
        "run": ran.findings.tables.run,
        "outcome": ran.findings.outcome,
        "commands": {
            "started": counters.commands_started, "done": counters.commands_done,
            "failed": counters.commands_failed,
        },
        "messages": {
            "sent": counters.sent, "delivered": counters.delivered, "received": counters.received,
            "rejected": counters.rejected, "waiting": counters.waiting,
            "in_flight": counters.in_flight,
        },
        "votes": counters.votes,
        "fast_blocks": counters.fast_blocks,
        "requests_refused": counters.requests_refused,
        "requests_timed_out": counters.requests_timed_out,
        "helps": counters.helps,
        "lost_messages": counters.lost_messages,
        "latencies": ran.findings.latencies.iter().map(latency).collect::<Vec<_>>(),
        "validators": ran.findings.validators.iter().map(validator).collect::<Vec<_>>(),
        "violations": violations(&ran.findings),
        "convicted": ran.findings.convicted,
        "warnings": ran.findings.warnings,
        "panics": ran.findings.panics,
        "engine_violations": ran.findings.engine_violations,
    })
}

/// Violations in words.
pub(crate) fn violations(findings: &Findings) -> Vec<String> {
    let text = |violation: &analysis::Violation| {
        let micros = violation.time.as_micros();
        let name = violation.invariant.name();
        format!("{name} at {micros} us: {}", violation.detail)
    };
    findings.violations.iter().map(text).collect()
}

fn host(ran: &Ran, driving: &Driving) -> serde_json::Value {
    let driver = match driving.driver {
        Driver::Kernel => "kernel",
        Driver::Started => "started",
        Driver::Plain => "plain",
        Driver::Heap => "heap",
    };
    json!({
        "schema": "host/v1",
        "command": std::env::args().collect::<Vec<_>>(),
        "driver": driver,
        "threads_asked": driving.threads,
        "partitions_used": ran.partitions,
        "window_divisor": driving.window_divisor,
        "paranoid": driving.paranoid,
        "wall_ms": u64::try_from(ran.wall.as_millis()).unwrap_or(u64::MAX),
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "debug_build": cfg!(debug_assertions),
    })
}

/// The exit code of a verdict.
pub(crate) const fn exit_of(findings: &Findings) -> Exit {
    match findings.verdict {
        _ if findings.interrupted => Exit::Interrupted,
        Verdict::Pass | Verdict::NotJudged => Exit::Held,
        Verdict::Inconclusive => Exit::Inconclusive,
        Verdict::Fail => Exit::Failed,
    }
}
