//! The shows of elastic validators, in the sizes that tests have time for.

use actors::BuildOptions;
use analysis::Verdict;
use scenario::Options;
use tests::{Drive, Watched, plan, watch};

fn variant(name: &str) -> Options {
    Options {
        variant: Some(name.to_owned()),
        ..Options::default()
    }
}

#[track_caller]
fn passed(watched: &Watched) {
    let rows = watched.findings.tables.expectations.iter();
    let failed: Vec<_> = rows.filter(|row| row.verdict != "pass").collect();
    assert_eq!(watched.findings.verdict, Verdict::Pass, "{failed:#?}");
}

#[test]
fn workers_follow_the_load_and_lost_ones_are_replaced() {
    let plan = plan("elastic", &[], variant("small"));
    let heap = watch(&plan, Drive::Heap, BuildOptions::default());
    passed(&heap);
    let scaling = &heap.findings.tables.scaling;
    for cause in ["busy", "idle", "lost"] {
        let of_cause = |row: &&analysis::tables::ScalingRow| row.cause == cause;
        let mut decided = scaling.iter().filter(of_cause);
        assert!(decided.next().is_some(), "nothing was decided: {cause}");
    }
    // New workers take chains when they have started, and not before.
    for (at, row) in scaling.iter().enumerate() {
        if row.change == "decided" && row.cause != "idle" {
            let next = scaling[at + 1..]
                .iter()
                .find(|next| next.validator == row.validator && next.change == "map");
            let in_place = next.map_or(i64::MAX, |next| next.t_us);
            assert!(in_place >= row.t_us + 1_000_000, "{row:?}");
        }
    }
    let parallel = watch(&plan, Drive::Kernel(3, 1), BuildOptions::default());
    assert_eq!(parallel.root(), heap.root(), "one hash");
}

#[test]
fn eight_workers_do_as_much_as_the_busiest_of_them_allows() {
    let blocks = |name: &str| {
        let plan = plan("scaling", &[], variant(name));
        let watched = watch(&plan, Drive::Heap, BuildOptions::default());
        passed(&watched);
        watched.findings.tables.run.blocks
    };
    let (one, eight) = (blocks("w1"), blocks("w8"));
    assert!(eight > 6 * one && eight <= 8 * one, "{one} and {eight}");
}
