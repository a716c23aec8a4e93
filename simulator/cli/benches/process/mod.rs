//! Runs of the program as processes of their own, and what they cost. Linux only: times and memory
//! are read from /proc.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

/// What one run cost.
pub(crate) struct Cost {
    pub(crate) blocks: u64,
    pub(crate) events: u64,
    /// User and system time.
    pub(crate) cpu: Duration,
    /// The largest resident memory, in KiB.
    pub(crate) peak_kib: u64,
}

impl Cost {
    /// Processor time of a confirmed block.
    pub(crate) fn micros_per_block(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.blocks as f64
    }
}

/// Prints whether a claim held, and says it.
pub(crate) fn claim(text: &str, held: bool) -> bool {
    println!(
        "    {} {text}",
        if held { "held:    " } else { "NOT HELD:" }
    );
    held
}

/// Runs a scenario on one thread, without reports; it must pass.
pub(crate) fn run(args: &[&str]) -> Cost {
    let before = children_cpu();
    let mut child = Command::new(env!("CARGO_BIN_EXE_microchains"))
        .arg("run")
        .args(args)
        .args([
            "--no-report",
            "--no-progress",
            "--format",
            "json",
            "--threads",
            "1",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait().expect("it is a child").is_none() {
        peak_kib = peak_kib.max(high_water(&status));
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().expect("it has ended");
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(printed["verdict"], "pass", "{printed}");
    let blocks = printed["blocks"].as_u64().expect("a count");
    Cost {
        blocks,
        events: printed["events"].as_u64().expect("a count"),
        cpu: children_cpu() - before,
        peak_kib,
    }
}

/// The largest resident memory so far, in KiB.
fn high_water(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

/// User and system time of all children that have ended. The kernel counts a hundred a second.
fn children_cpu() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = text.rsplit(')').next().expect("the name is in brackets");
    let fields: Vec<_> = after_name.split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u64>().expect("a count");
    Duration::from_millis((ticks(13) + ticks(14)) * 10)
}
