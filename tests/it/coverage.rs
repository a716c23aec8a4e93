//! The two tables of the documentation that say what is tried where: docs/EDGE-CASES.md and
//! docs/INVARIANTS.md. No row has an empty cell, and each says the truth: the seeded bug that it
//! names makes its scenario fail, and by the check that it names; its statement is really checked in
//! the scenario that it names.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use actors::BuildOptions;
use analysis::{Invariant, Verdict};
use protocol::{rules::Rule, sabotage::Sabotage};
use scenario::{Options, Plan};
use tests::{Drive, Watched, source_plan, watch};

/// Seeded bugs that concern few scenarios.
const SPECIAL: &[Sabotage] = &[
    Sabotage::PermissionsIgnored,
    Sabotage::RevokedAdmitted,
    Sabotage::AnticipatedRefused,
    Sabotage::EpochsInAnyOrder,
    Sabotage::NeverLooksFirst,
    Sabotage::NeverSweeps,
    Sabotage::DuplicatesUnconfirmed,
    Sabotage::DuplicatesConfirmed,
    Sabotage::GapsUnseen,
    Sabotage::GivesUp,
    Sabotage::HelpsNobody,
    Sabotage::InboxesUnseen,
    Sabotage::TwoOwners,
    Sabotage::AnybodyPays,
    Sabotage::ClosedChainsPay,
    Sabotage::OwnersNeverChange,
    Sabotage::EpochsNeverChange,
    Sabotage::BlocksOfTheFuture,
    Sabotage::CrashForgetsVotes,
    Sabotage::NeverLooksAgain,
    Sabotage::LongGrace,
    Sabotage::BlobsOfAnybody,
    Sabotage::BlobsUnseen,
    Sabotage::BlobsWithoutLimit,
    Sabotage::OraclesUnrecorded,
    Sabotage::FeeNotBurned,
    Sabotage::MessagesAreFree,
    Sabotage::FuelIsFree,
    Sabotage::BlobsAreFree,
    Sabotage::EventIndexReused,
    Sabotage::StreamsHandedTwice,
    Sabotage::NoLimits,
    Sabotage::BounceDropped,
    Sabotage::GrantPaidTwice,
    Sabotage::AllowanceNotLowered,
    Sabotage::ProtectedRejected,
    Sabotage::BundlesByHalves,
    Sabotage::ZeroAmounts,
    Sabotage::ChainsOnCredit,
    Sabotage::BatchesByHalves,
    Sabotage::BundlesTwice,
    Sabotage::ConfirmsBeforeSaving,
    Sabotage::BalancesUnchecked,
    Sabotage::SelfPaymentsSent,
];

/// Seeded bugs that almost everything notices.
const GENERAL: &[Sabotage] = &[
    Sabotage::InboxOutOfOrder,
    Sabotage::OutboxForgets,
    Sabotage::VoteTwice,
    Sabotage::AnswersBeforeSaving,
];

/// All seeded bugs; those that say the most about a scenario come first.
fn bugs() -> Vec<Sabotage> {
    let rules = Rule::ALL.into_iter().map(Sabotage::Without);
    let special = SPECIAL.iter().copied();
    special
        .chain(rules)
        .chain(GENERAL.iter().copied())
        .collect()
}

/// The cells of the rows of a page's tables, of those whose first cell `is_row` accepts. None is empty.
fn rows(page: &str, cells: usize, is_row: impl Fn(&str) -> bool) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(page);
    let text = fs::read_to_string(path).expect("a text");
    let lines = text.lines().filter(|line| line.starts_with("| "));
    let row = |line: &str| {
        let inner = line.trim_start_matches("| ").trim_end_matches(" |");
        let row: Vec<_> = inner
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect();
        if !is_row(&row[0]) {
            return None;
        }
        assert_eq!(row.len(), cells, "{page}: a row has {cells} cells: {line}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{page}: {line}");
        Some(row)
    };
    lines.filter_map(row).collect()
}

/// The text between the first two backquotes.
fn quoted(cell: &str) -> String {
    cell.split('`')
        .nth(1)
        .expect("a name in backquotes")
        .to_owned()
}

fn plan_of(name: &str) -> Arc<Plan> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let files = [format!("edge/{name}.toml"), format!("{name}.toml")];
    let mut files = files.map(|file| folder.join(file)).into_iter();
    let file = files.find(|path| path.exists());
    let file = file.unwrap_or_else(|| panic!("no scenario is called {name}"));
    let source = fs::read_to_string(file).expect("a text");
    source_plan(&source, &[], Options::default())
}

fn run(plan: &Arc<Plan>, sabotage: Sabotage) -> Watched {
    let options = BuildOptions {
        sabotage,
        ..BuildOptions::default()
    };
    watch(plan, Drive::Heap, options)
}

fn failures(watched: &Watched) -> Vec<String> {
    let rows = watched.findings.tables.expectations.iter();
    let failed = rows.filter(|row| row.verdict == "fail");
    failed.map(|row| row.name.clone()).collect()
}

/// What the last two cells of a scenario's row may say.
fn suggestion(plan: &Arc<Plan>) -> Option<(Sabotage, String)> {
    bugs().into_iter().find_map(|bug| {
        let failures = failures(&run(plan, bug));
        Some((bug, failures.into_iter().next()?))
    })
}

#[test]
fn every_edge_case_has_a_seeded_bug_that_it_notices() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/edge");
    let files = fs::read_dir(folder).expect("the directory is there");
    let names = files.map(|file| {
        let path = file.expect("it can be read").path();
        path.file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    });
    let mut left: BTreeMap<String, Arc<Plan>> =
        names.map(|name| (name.clone(), plan_of(&name))).collect();
    let mut wrong = Vec::new();
    for row in rows("EDGE-CASES.md", 5, |cell| {
        cell != "case" && !cell.starts_with("--")
    }) {
        let name = quoted(&row[1]);
        let plan = left.remove(&name).unwrap_or_else(|| plan_of(&name));
        let bug = quoted(&row[3]);
        let known = bugs().into_iter().find(|one| format!("{one:?}") == bug);
        let watched = known.map(|bug| run(&plan, bug));
        let noticed = watched.is_some_and(|watched| {
            watched.findings.verdict == Verdict::Fail && failures(&watched).contains(&row[4])
        });
        if !noticed {
            wrong.push((name, plan));
        }
    }
    wrong.extend(left);
    for (name, plan) in &wrong {
        match suggestion(plan) {
            Some((bug, check)) => println!("{name}: | `{bug:?}` | {check} |"),
            None => println!("{name}: no seeded bug makes it fail"),
        }
    }
    let names: Vec<_> = wrong.iter().map(|(name, _)| name).collect();
    assert!(
        wrong.is_empty(),
        "docs/EDGE-CASES.md has no row for these, or one that is not true; see above: {names:?}"
    );
}

#[test]
fn every_invariant_is_checked_where_the_table_says() {
    let is_row = |cell: &str| Invariant::ALL.iter().any(|one| one.name() == cell);
    let rows = rows("INVARIANTS.md", 5, is_row);
    let mut runs: BTreeMap<String, Watched> = BTreeMap::new();
    for invariant in Invariant::ALL {
        let name = invariant.name();
        let row = rows.iter().find(|row| row[0] == name);
        let row = row.unwrap_or_else(|| panic!("docs/INVARIANTS.md has no row for {name}"));
        let scenario = quoted(&row[3]);
        let watched = runs
            .entry(scenario.clone())
            .or_insert_with(|| run(&plan_of(&scenario), Sabotage::None));
        let judged = &watched.findings.tables.expectations;
        let checked = judged.iter().find(|row| row.name == name);
        let checked = checked.map_or(0, |row| row.checked);
        assert!(checked > 0, "{scenario} never checks {name}");
    }
}
