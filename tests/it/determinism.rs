//! One scenario and seed give one trace hash, whatever drives the run.

use std::sync::Arc;

use actors::BuildOptions;
use scenario::{Options, Plan};
use tests::{Drive, plan, watch};

/// A pairwise cover of partitions, drivers, window widths and paranoia: each pair of values of two
/// columns that exists together stands in some row.
const COVER: [(Drive, bool); 12] = [
    (Drive::Heap, false),
    (Drive::Heap, true),
    (Drive::Plain(1), true),
    (Drive::Plain(4), false),
    (Drive::Kernel(1, 1), false),
    (Drive::Kernel(2, 4), true),
    (Drive::Kernel(3, 1), true),
    (Drive::Kernel(7, 4), false),
    (Drive::Started(1, 4), true),
    (Drive::Started(2, 1), false),
    (Drive::Started(3, 4), false),
    (Drive::Started(7, 1), true),
];

const fn partitions(drive: Drive) -> usize {
    match drive {
        Drive::Heap | Drive::SabotagedHeap(_) | Drive::Plain(_) => 1,
        Drive::Kernel(partitions, _) | Drive::Started(partitions, _) => partitions,
    }
}

#[track_caller]
fn check_cover(plan: &Arc<Plan>) {
    let reference = watch(plan, Drive::Heap, BuildOptions::default());
    assert!(
        reference.findings.violations.is_empty(),
        "{:?}",
        reference.broken()
    );
    for (drive, paranoid) in COVER {
        let other = watch(
            plan,
            drive,
            BuildOptions {
                paranoid,
                ..BuildOptions::default()
            },
        );
        assert_eq!(
            other.outcome.partitions_used,
            partitions(drive),
            "{drive:?}"
        );
        assert_eq!(
            other.root(),
            reference.root(),
            "{drive:?} paranoid {paranoid}"
        );
        assert_eq!(other.outcome.events, reference.outcome.events, "{drive:?}");
        assert_eq!(
            other.findings.tables, reference.findings.tables,
            "{drive:?}"
        );
    }
}

#[test]
fn lanes_over_the_cover() {
    check_cover(&plan("lanes", &[], Options::default()));
}

#[test]
fn lossy_network_over_the_cover() {
    check_cover(&plan(
        "lossy-network",
        &[("signatures", "modeled")],
        Options::default(),
    ));
}

#[test]
fn payments_over_the_cover() {
    let set = [
        ("signatures", "modeled"),
        ("duration", "3s"),
        ("warmup", "0s"),
        ("workload.payments.open.until", "1500ms"),
    ];
    check_cover(&payments(&set));
}

/// The payments scenario without its expectations, which are about the whole run.
fn payments(set: &[(&str, &str)]) -> Arc<Plan> {
    let source = scenario::bundled_scenario("payments-1k")
        .expect("bundled")
        .source;
    let end = source.find("[[expect]]").expect("it has expectations");
    tests::source_plan(&source[..end], set, Options::default())
}

#[test]
fn ten_repeats_of_one_cell() {
    let plan = plan(
        "lossy-network",
        &[("signatures", "modeled")],
        Options::default(),
    );
    let roots: Vec<_> = (0..10)
        .map(|_| watch(&plan, Drive::Kernel(2, 1), BuildOptions::default()).root())
        .collect();
    assert!(roots.iter().all(|root| *root == roots[0]), "{roots:?}");
}

#[test]
fn another_seed_is_another_run() {
    let run = |seed| {
        let options = Options {
            seed: Some(seed),
            ..Options::default()
        };
        let plan = plan("lossy-network", &[("signatures", "modeled")], options);
        watch(&plan, Drive::Heap, BuildOptions::default())
    };
    let (one, two) = (run(1), run(2));
    assert_ne!(one.root(), two.root());
    let instants = |watched: &tests::Watched| {
        let blocks = &watched.findings.tables.blocks;
        blocks
            .iter()
            .map(|block| (block.chain.clone(), block.proposed_us))
            .collect::<Vec<_>>()
    };
    assert_ne!(instants(&one), instants(&two), "not only keys differ");
}

#[test]
fn an_added_chain_moves_no_draw_of_the_others() {
    let source = scenario::bundled_scenario("lanes").expect("bundled").source;
    let more = source.replace("name = \"C\"\n", "name = \"C\"\n[[chains]]\nname = \"D\"\n");
    assert_ne!(source, more);
    let run = |source: &str| {
        let plan = tests::source_plan(source, &[], Options::default());
        watch(&plan, Drive::Heap, BuildOptions::default())
            .findings
            .tables
    };
    let (three, four) = (run(source), run(&more));
    assert_eq!(three.messages, four.messages);
}
