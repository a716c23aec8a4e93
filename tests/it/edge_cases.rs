//! Every scenario of `scenarios/edge`, and the shows that only run once: each passes, and gives one
//! hash on one heap and on three partitions.

use std::{collections::BTreeSet, fs, path::Path};

use actors::BuildOptions;
use analysis::Verdict;
use protocol::rules::Rule;
use scenario::Options;
use tests::{Drive, source_plan, watch};

/// Rules that no edge case tries: a chain would need 2^64 blocks, and others speak before (see
/// docs/VOTING-RULES.md).
const OUT_OF_REACH: [&str; 2] = ["HeightBelowMax", "CertificateAboveLock"];

/// Runs a scenario; returns the voting rules that it has tried.
fn check(name: &str, source: &str) -> BTreeSet<String> {
    check_with(name, source, Options::default())
}

fn check_with(name: &str, source: &str, options: Options) -> BTreeSet<String> {
    let plan = source_plan(source, &[], options);
    assert_eq!(plan.name, name, "a scenario is called as its file");
    let heap = watch(&plan, Drive::Heap, BuildOptions::default());
    let failed: Vec<_> = heap
        .findings
        .tables
        .expectations
        .iter()
        .filter(|row| row.verdict != "pass")
        .collect();
    assert_eq!(heap.findings.verdict, Verdict::Pass, "{name}: {failed:#?}");
    let parallel = watch(&plan, Drive::Kernel(3, 1), BuildOptions::default());
    assert_eq!(parallel.root(), heap.root(), "{name}: one hash");
    let rules = heap.findings.tables.rules.into_iter();
    rules
        .filter(|row| row.workers > 0)
        .map(|row| row.rule)
        .collect()
}

#[test]
fn every_edge_case_passes_with_one_hash() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/edge");
    let mut files: Vec<_> = fs::read_dir(&directory)
        .expect("the directory is there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort();
    assert!(files.len() >= 22, "{files:?}");
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/EDGE-CASES.md");
    let table = fs::read_to_string(table).expect("a text");
    let mut tried = BTreeSet::new();
    for file in files {
        let source = fs::read_to_string(&file).expect("a text");
        let name = file.file_stem().expect("a name").to_string_lossy();
        let listed = table.contains(&format!("| [`{name}`]"));
        assert!(listed, "docs/EDGE-CASES.md has no row for {name}");
        tried.extend(check(&name, &source));
    }
    let rules = Rule::ALL.into_iter().map(Rule::name);
    let untried: Vec<_> = rules.filter(|rule| !tried.contains(*rule)).collect();
    assert_eq!(untried, OUT_OF_REACH, "rules that no edge case tries");
}

#[test]
fn the_shows_of_shared_chains_pass_with_one_hash() {
    for name in [
        "contended-game",
        "permissioned-swap",
        "public-chain",
        "reconfiguration",
        "fees",
        "byzantine-partition",
    ] {
        let show = scenario::bundled_scenario(name).expect("bundled");
        check(show.name, show.source);
    }
}

#[test]
fn the_shows_of_applications_pass_with_one_hash() {
    let names = [
        "counter",
        "fungible-everywhere",
        "crowd-funding",
        "social-feed",
        "amm-rush",
        "game-night",
        "hostile-app",
    ];
    for name in names {
        let show = scenario::bundled_scenario(name).expect("bundled");
        check(show.name, show.source);
    }
    let swap = scenario::bundled_scenario("atomic-swap").expect("bundled");
    for variant in ["happy", "bob-vanishes"] {
        let options = Options {
            variant: Some(variant.to_owned()),
            ..Options::default()
        };
        check_with(swap.name, swap.source, options);
    }
}

#[test]
fn a_fork_is_noticed_and_convicts_the_guilty() {
    let fork = scenario::bundled_scenario("broken-assumption").expect("bundled");
    check(fork.name, fork.source);
    let plan = source_plan(fork.source, &[], Options::default());
    let watched = watch(&plan, Drive::Heap, BuildOptions::default());
    assert!(watched.broken().contains(&"I-1 CommitAgreement"));
    let convicted = &watched.findings.convicted;
    let names: Vec<_> = convicted
        .iter()
        .filter_map(|proof| proof.split(' ').next())
        .collect();
    assert_eq!(names, ["v3", "v4"], "{convicted:?}");
}
