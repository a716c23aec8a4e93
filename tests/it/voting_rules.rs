//! The kill table: each voting rule is taken out at every validator, and the scenario that
//! docs/VOTING-RULES.md names for it must then fail. With the rule it passes, which other tests show.

use std::{collections::BTreeMap, fs, path::Path};

use actors::BuildOptions;
use analysis::Verdict;
use protocol::{rules::Rule, sabotage::Sabotage};
use scenario::Options;
use tests::{Drive, Watched, source_plan, watch};

/// Rules that no run can miss; the table says what implies them.
const IMPLIED: [Rule; 2] = [Rule::CertificateAboveLock, Rule::HeightBelowMax];

/// The rows of the table: rule, scenario or `-`, what fails without the rule.
fn table() -> BTreeMap<String, (String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/VOTING-RULES.md");
    let text = fs::read_to_string(path).expect("a text");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, rule, _, scenario, fails, _] = cells[..] else {
            panic!("a row has four cells: {line}");
        };
        let plain = |cell: &str| cell.trim_matches('`').to_owned();
        (plain(rule), (plain(scenario), fails.to_owned()))
    };
    rows.map(row).collect()
}

/// Names of what does not hold in a run.
fn failures(watched: &Watched) -> Vec<String> {
    let rows = &watched.findings.tables.expectations;
    let failed = rows.iter().filter(|row| row.verdict == "fail");
    failed.map(|row| row.name.clone()).collect()
}

fn without(rule: Rule, scenario: &str) -> Watched {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let file = [format!("edge/{scenario}.toml"), format!("{scenario}.toml")]
        .map(|name| folder.join(name))
        .into_iter()
        .find(|path| path.exists());
    let source = fs::read_to_string(file.expect("a scenario")).expect("a text");
    let plan = source_plan(&source, &[], Options::default());
    let options = BuildOptions {
        sabotage: Sabotage::Without(rule),
        ..BuildOptions::default()
    };
    watch(&plan, Drive::Heap, options)
}

#[test]
fn every_voting_rule_is_missed_where_the_table_says() {
    let table = table();
    assert_eq!(table.len(), Rule::ALL.len(), "one row for each rule");
    for rule in Rule::ALL {
        let (scenario, fails) = &table[&format!("{rule:?}")];
        if IMPLIED.contains(&rule) {
            assert_eq!(scenario, "-", "{rule:?} is implied by others");
            assert!(fails.len() > 40, "{rule:?} needs an argument");
            continue;
        }
        let watched = without(rule, scenario);
        let failures = failures(&watched);
        println!("{rule:?} | {scenario} | {}", failures.join("; "));
        assert_eq!(
            watched.findings.verdict,
            Verdict::Fail,
            "{rule:?} {scenario}"
        );
        assert!(
            failures.contains(fails),
            "{rule:?} without it, {scenario} fails at {failures:?}, and the table says {fails}"
        );
    }
}
