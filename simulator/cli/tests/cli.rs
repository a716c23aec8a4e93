//! The command line from outside: what is printed, what is written, and how it ends.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

fn microchains(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_microchains"))
        .args(args)
        .current_dir(dir)
        .env_remove("MICROCHAINS_REPORTS")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn temp() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[track_caller]
fn check(output: &Output, code: i32, stderr: &str) {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout: {out}\nstderr: {err}"
    );
    assert!(err.contains(stderr), "stderr: {err}");
    assert!(!err.contains("panicked"), "stderr: {err}");
}

/// All files below a directory but `host.json`, with their bytes.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                open.push(path);
            } else if !path.ends_with("host.json") {
                let name = path.strip_prefix(dir).expect("below").display().to_string();
                files.push((name, fs::read(&path).expect("readable")));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_bare_run_passes_and_its_directory_verifies() {
    let dir = temp();
    let output = microchains(dir.path(), &["run"]);
    check(&output, 0, "");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("PASS  lanes@42"), "{text}");
    assert!(
        text.contains("report reports/lanes/42/index.html"),
        "{text}"
    );
    let run = dir.path().join("reports/lanes/42");
    for file in [
        "index.html",
        "manifest.json",
        "trace.mct",
        "figures/lanes.svg",
    ] {
        assert!(run.join(file).exists(), "{file}");
    }
    check(
        &microchains(dir.path(), &["verify", "reports/lanes/42", "--rerun"]),
        0,
        "",
    );
}

#[test]
fn two_runs_differ_in_one_file_only() {
    let (one, two) = (temp(), temp());
    check(&microchains(one.path(), &["run", "lanes"]), 0, "");
    let args = [
        "run",
        "lanes",
        "--driver",
        "started",
        "--threads",
        "3",
        "--window-divisor",
        "4",
    ];
    check(&microchains(two.path(), &args), 0, "");
    let run = "reports/lanes/42";
    assert_eq!(files(&one.path().join(run)), files(&two.path().join(run)));
}

#[test]
fn a_scenario_with_many_mistakes_prints_all_and_exits_3() {
    let dir = temp();
    let bad = "format = 1\nname = \"bad\"\nduration = \"2 sec onds\"\nlatencey = 3\n\
               [[chains]]\nname = \"A\"\nbalance = 100\n";
    fs::write(dir.path().join("bad.toml"), bad).expect("writable");
    let output = microchains(dir.path(), &["run", "bad.toml"]);
    check(&output, 3, "latencey");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("balance") && err.contains("duration"), "{err}");
    assert!(!dir.path().join("reports").exists(), "nothing is written");
}

#[test]
fn a_missing_file_exits_6() {
    let dir = temp();
    check(
        &microchains(dir.path(), &["run", "nowhere.toml"]),
        6,
        "cannot read nowhere.toml",
    );
}

#[test]
fn a_directory_that_cannot_be_written_exits_6() {
    let dir = temp();
    fs::write(dir.path().join("taken"), "a file").expect("writable");
    check(
        &microchains(dir.path(), &["run", "lanes", "--out", "taken"]),
        6,
        "cannot write to",
    );
}

#[test]
fn wrong_usage_exits_2() {
    let dir = temp();
    check(&microchains(dir.path(), &["run", "--threads", "0"]), 2, "0");
    check(
        &microchains(dir.path(), &["run", "--seed", "many"]),
        2,
        "expected a number",
    );
    check(
        &microchains(dir.path(), &["run", "--set", "seed"]),
        2,
        "KEY=VALUE",
    );
    check(&microchains(dir.path(), &["fly"]), 2, "fly");
    check(
        &microchains(dir.path(), &["new", "nothing"]),
        2,
        "no bundled scenario",
    );
}

#[test]
fn an_expectation_that_fails_exits_1() {
    let dir = temp();
    check(&microchains(dir.path(), &["new", "lanes"]), 0, "");
    let path = dir.path().join("lanes.toml");
    let source = fs::read_to_string(&path).expect("just written");
    fs::write(
        &path,
        source.replace("balance(\"A\") == 90", "balance(\"A\") == 91"),
    )
    .expect("ok");
    let output = microchains(dir.path(), &["run", "lanes.toml"]);
    check(&output, 1, "");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("FAIL"));
}

#[test]
fn a_changed_directory_is_different_and_a_corrupted_one_is_unreadable() {
    let dir = temp();
    check(&microchains(dir.path(), &["run", "lanes"]), 0, "");
    let run = dir.path().join("reports/lanes/42");
    fs::write(run.join("tables/chains.csv"), "lies").expect("writable");
    check(
        &microchains(dir.path(), &["verify", "reports/lanes/42"]),
        1,
        "was changed",
    );
    fs::write(run.join("manifest.json"), "{").expect("writable");
    check(
        &microchains(dir.path(), &["verify", "reports/lanes/42"]),
        6,
        "corrupted",
    );
    fs::write(run.join("tables/all.json.zst"), "{").expect("writable");
    check(
        &microchains(dir.path(), &["figure", "reports/lanes/42", "lanes"]),
        6,
        "corrupted",
    );
    check(
        &microchains(dir.path(), &["verify", "nowhere"]),
        6,
        "cannot read",
    );
}

#[test]
fn a_figure_is_drawn_again_with_the_same_bytes() {
    let dir = temp();
    check(&microchains(dir.path(), &["run", "lanes"]), 0, "");
    let args = ["figure", "reports/lanes/42", "lanes", "--out", "again"];
    check(&microchains(dir.path(), &args), 0, "");
    for name in ["lanes.svg", "lanes.png"] {
        let first = fs::read(dir.path().join("reports/lanes/42/figures").join(name));
        let again = fs::read(dir.path().join("again").join(name));
        assert_eq!(first.expect("drawn"), again.expect("drawn again"), "{name}");
    }
    check(
        &microchains(dir.path(), &["figure", "reports/lanes/42", "smile"]),
        2,
        "smile",
    );
}

#[test]
fn json_on_stdout_is_json() {
    let dir = temp();
    let output = microchains(
        dir.path(),
        &["run", "lanes", "--format", "json", "--no-report"],
    );
    check(&output, 0, "");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(value["verdict"], "pass");
    assert_eq!(value["trace_hash"].as_str().map(str::len), Some(64));
}

#[test]
fn check_schema_and_completion_print_to_stdout() {
    let dir = temp();
    for args in [
        &["check", "lanes"][..],
        &["schema"],
        &["completion", "bash"],
        &["new"],
    ] {
        let output = microchains(dir.path(), args);
        check(&output, 0, "");
        assert!(!output.stdout.is_empty(), "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_is_kept_and_marked() {
    let dir = temp();
    // Hours of virtual time: it cannot end by itself before it is interrupted.
    let mut child = Command::new(env!("CARGO_BIN_EXE_microchains"))
        .args(["run", "payments-1k", "--set", "duration=3600s"])
        .args([
            "--set",
            "workload.payments.open.until=3500s",
            "--set",
            "signatures=modeled",
        ])
        .args(["--set", "workload.payments.open.rate=200/s"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // Its name tells what was changed with `--set`.
    let runs = dir.path().join("reports/payments-1k");
    let only = || Some(fs::read_dir(&runs).ok()?.next()?.expect("readable").path());
    while only().is_none() {
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_secs(4));
    let id = child.id().to_string();
    let killed = Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill exists");
    assert!(killed.success());
    let status = child.wait().expect("it ends");
    let output = child.wait_with_output().expect("it has ended");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(status.code(), Some(130), "{err}");
    let run = only().expect("the run is kept");
    let name = run.file_name().expect("a name").to_string_lossy();
    assert!(name.starts_with("1-set-"), "{name}");
    let manifest = fs::read(run.join("manifest.json"));
    let manifest: serde_json::Value =
        serde_json::from_slice(&manifest.expect("kept")).expect("json");
    assert_eq!(manifest["partial"], true);
}

#[test]
fn a_sweep_draws_its_points_and_holds_them_to_their_bound() {
    let dir = temp();
    let text = r#"format   = 1
name     = "two"
seed     = 1
duration = "2s"
signatures = "modeled"
[network]
latency = { client = "5ms", worker = "400us" }
[validators]
count   = 3
service = { propose = "9ms" }
[[chains]]
name    = "user"
count   = 40
balance = "10"
[[workload]]
name     = "payments"
chains   = "user/*"
closed   = { users = 40, think = "1ms" }
transfer = { to = "uniform(user/*)", amount = "0.01" }
[[expect]]
name    = "no payment fails"
finally = "failed_commands() == 0"
[sweep]
seeds    = "1..=2"
axes     = { "validators.workers" = [2, 1] }
of_bound = "80%"
"#;
    fs::write(dir.path().join("two.toml"), text).expect("it can be written");
    let sweep = |out: &str, jobs: &str, more: &[&str]| {
        let args = [&["sweep", "two.toml", "--out", out, "-j", jobs][..], more].concat();
        microchains(dir.path(), &args)
    };
    check(&sweep("a", "1", &[]), 0, "");
    check(&sweep("b", "2", &[]), 0, "");
    let read = |out: &str| files(&dir.path().join(out).join("two/sweep"));
    assert_eq!(read("a"), read("b"), "jobs change nothing");
    let names: Vec<_> = read("a").into_iter().map(|(name, _)| name).collect();
    let expected = [
        "runs.csv",
        "scaling.csv",
        "scaling.png",
        "scaling.svg",
        "scaling.txt",
    ];
    assert_eq!(names, expected);
    let runs = fs::read_to_string(dir.path().join("a/two/sweep/runs.csv")).expect("a text");
    assert_eq!(runs.lines().count(), 5, "{runs}");
    let more = sweep("c", "1", &["--set", "sweep.of_bound=100%"]);
    check(&more, 1, "");
    let said = String::from_utf8_lossy(&more.stdout).into_owned();
    assert!(
        said.contains("FAIL: validators.workers=2 reaches"),
        "{said}"
    );
    check(
        &microchains(dir.path(), &["sweep", "lanes"]),
        2,
        "has no [sweep]",
    );
}

#[test]
fn explain_says_the_cause_in_its_first_line_and_help_says_what_a_code_means() {
    let dir = temp();
    let output = microchains(dir.path(), &["run", "lost-confirmation", "--out", "r"]);
    check(&output, 0, "");
    let run = "r/lost-confirmation/1";
    let explained = microchains(dir.path(), &["explain", run, "A:0/0"]);
    check(&explained, 0, "");
    let text = String::from_utf8_lossy(&explained.stdout).into_owned();
    let first = text.lines().next().expect("a line");
    assert!(first.starts_with("M-30  A:0/0 to B"), "{first}");
    assert!(
        first.contains("at v1 M-03, the confirmation was lost in a partition"),
        "{first}"
    );
    let help = microchains(dir.path(), &["help", "M-03"]);
    check(&help, 0, "");
    assert!(String::from_utf8_lossy(&help.stdout).contains("M-03"));
    let unknown = microchains(dir.path(), &["explain", run, "Z:0/0"]);
    check(&unknown, 2, "this run has no chain `Z`");
    let malformed = microchains(dir.path(), &["explain", run, "A-B"]);
    check(&malformed, 2, "help:");
}

#[test]
fn modules_are_inspected_and_what_is_none_is_refused() {
    let dir = temp();
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/apps/modules");
    let contract = format!("{modules}/counter_contract.wasm.zst");
    let output = microchains(dir.path(), &["app", "inspect", &contract, "--functions"]);
    check(&output, 0, "");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("OK"), "{text}");
    assert!(text.contains(": contract, interface 0.15"), "{text}");
    assert!(
        text.contains("export linera:app/contract-entrypoints#instantiate"),
        "{text}"
    );
    let service = format!("{modules}/counter_service.wasm.zst");
    let output = microchains(
        dir.path(),
        &["app", "inspect", &service, "--format", "json"],
    );
    check(&output, 0, "");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["module"]["role"], "service");
    fs::write(dir.path().join("empty.wasm"), b"\0asm\x01\0\0\0").expect("writable");
    let output = microchains(dir.path(), &["app", "inspect", "empty.wasm"]);
    check(&output, 1, "");
    assert!(String::from_utf8_lossy(&output.stdout).contains("problem: no export"));
    fs::write(dir.path().join("text.wasm"), "hello").expect("writable");
    let output = microchains(dir.path(), &["app", "inspect", "text.wasm"]);
    check(&output, 1, "not a Wasm module");
    let output = microchains(dir.path(), &["app", "inspect", "none.wasm"]);
    check(&output, 6, "cannot read none.wasm");
}
