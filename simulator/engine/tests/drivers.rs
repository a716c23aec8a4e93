//! The drivers of this crate agree with each other, and end runs as they should.

mod chatter;

use chatter::{Archive, Chatterer, Note, assert_same, world};
use engine::{
    DriverOptions, EngineCheck, NetworkFact, Outcome, RunOutcome, Sabotage, Scripted, Starting,
    VirtualDuration, VirtualTime, World, WorldError, run_heap, run_windowed,
};

type Run = (RunOutcome<Chatterer>, Archive);

fn heap(world: World<Chatterer>) -> Run {
    let mut archive = Archive::default();
    let run = run_heap(world, &mut archive, DriverOptions::default());
    (run.expect("the world is valid"), archive)
}

fn windowed(mut world: World<Chatterer>, window: VirtualDuration) -> Run {
    world.config.window = window;
    let mut archive = Archive::default();
    let run = run_windowed(world, &mut archive, DriverOptions::default());
    (run.expect("the world is valid"), archive)
}

#[test]
fn windows_of_any_width_agree_with_the_heap() {
    for seed in 1..=3 {
        let reference = heap(world(seed));
        for micros in [1_000, 250, 333, 10] {
            assert_same(
                &reference,
                &windowed(world(seed), VirtualDuration::from_micros(micros)),
            );
        }
    }
}

#[test]
fn everything_that_can_happen_happens_in_the_test_world() {
    let (run, archive) = heap(world(1));
    assert_eq!(run.outcome, Outcome::Completed);
    assert!(run.violations.is_empty() && run.panics.is_empty());
    let network = run.network;
    let counts = [
        network.sent,
        network.between_groups,
        network.lost,
        network.lost_by_rule,
        network.partitioned,
        network.duplicated,
        network.raised_to_floor,
        network.delivered,
        network.to_down_node,
        network.injected,
        network.lost_in_backlog,
        network.stale_timers,
    ];
    assert!(counts.iter().all(|&count| count > 0), "{network:?}");
    assert!(network.crashes >= 4 && network.restarts >= 3, "{network:?}");
    assert!(
        run.rule_hits.iter().all(|&hits| hits > 0),
        "{:?}",
        run.rule_hits
    );
    assert!(archive.service.iter().any(|(_, stats)| stats.queue_max > 5));
    let waited = |note: &Note| matches!(note, Note::Heard { waited, .. } if waited.0 > 0);
    assert!(
        archive
            .records
            .iter()
            .any(|stamped| waited(&stamped.record))
    );
    let lost_outputs = |note: &Note| {
        matches!(note, Note::Network(NetworkFact::Crashed { outputs, backlog })
            if *outputs > 0 || *backlog > 0)
    };
    assert!(
        archive
            .records
            .iter()
            .any(|stamped| lost_outputs(&stamped.record))
    );
    assert!(run.events > 3_000, "{}", run.events);
}

#[test]
fn records_come_in_their_one_order() {
    let (_, archive) = windowed(world(1), VirtualDuration::from_millis(1));
    assert!(archive.records.is_sorted_by_key(engine::Stamped::order));
    let mut counts = std::collections::BTreeMap::new();
    for stamped in &archive.records {
        let next = counts.entry(stamped.actor).or_insert(0);
        assert_eq!(
            stamped.index, *next,
            "no record of {} is missing",
            stamped.actor
        );
        *next += 1;
    }
}

#[test]
fn a_server_is_never_busier_than_time_allows() {
    let (run, archive) = heap(world(1));
    let interval = VirtualDuration::from_micros(40_107);
    assert!(
        archive
            .service
            .iter()
            .all(|(_, stats)| stats.busy <= interval)
    );
    assert!(archive.service.iter().any(|(_, stats)| stats.busy.0 > 0));
    assert_eq!(run.checkpoints.len(), 9);
}

#[test]
fn another_seed_is_another_run() {
    let runs = [heap(world(1)).0, heap(world(2)).0];
    assert_ne!(runs[0].root, runs[1].root);
    assert_eq!(runs[0].root, heap(world(1)).0.root);
}

#[test]
fn a_driver_that_swaps_two_events_is_caught() {
    let sabotaged = DriverOptions {
        sabotage: Sabotage::SwapTwoEvents,
    };
    let mut archive = Archive::default();
    let heap = run_heap(world(1), &mut archive, sabotaged).expect("valid");
    let windowed = run_windowed(world(1), &mut archive, sabotaged).expect("valid");
    for run in [heap, windowed] {
        assert_eq!(run.outcome, Outcome::CheckFailed(EngineCheck::KeyOrder));
        assert_eq!(run.violations[0].check.name(), "engine.key-order");
    }
}

#[test]
fn limits_and_sinks_end_a_run_at_the_same_checkpoint_everywhere() {
    let limited = |events, pending| {
        let mut world = world(1);
        world.config.limits.events = events;
        world.config.limits.pending = pending;
        world
    };
    let narrow = VirtualDuration::from_micros(70);
    for (world, outcome) in [
        (limited(Some(1_000), None), Outcome::EventLimit),
        (limited(None, Some(10)), Outcome::PendingLimit),
    ] {
        let reference = heap(world.clone());
        assert_eq!(reference.0.outcome, outcome);
        assert_same(&reference, &windowed(world, narrow));
    }
    let stop = || Archive {
        stop_at: Some(VirtualTime::from_millis(100)),
        ..Archive::default()
    };
    let (mut first, mut second) = (stop(), stop());
    let options = DriverOptions::default();
    let reference = run_heap(world(1), &mut first, options).expect("valid");
    assert_eq!(
        reference.outcome,
        Outcome::Stopped("seen enough".to_owned())
    );
    assert_eq!(reference.ended_at, VirtualTime::from_micros(3 * 40_107));
    let other = run_windowed(world(1), &mut second, options).expect("valid");
    assert_same(&(reference, first), &(other, second));
}

#[test]
fn a_world_in_which_nothing_is_left_to_do_is_quiescent() {
    let mut quiet = world(1);
    quiet.config.end = VirtualTime::from_secs(100);
    let reference = heap(quiet.clone());
    assert_eq!(reference.0.outcome, Outcome::Quiescent);
    assert!(reference.0.ended_at < VirtualTime::from_secs(10));
    assert_same(
        &reference,
        &windowed(quiet, VirtualDuration::from_millis(1)),
    );
    let mut empty = world(1);
    empty.starting = Starting::Scripted;
    empty.script.clear();
    assert_eq!(heap(empty).0.outcome, Outcome::Quiescent);
}

#[test]
fn a_panicking_node_is_a_crashed_node() {
    let mut fragile = world(1);
    fragile.residents[5].node.fragile = Some(2);
    fragile.residents[20].node.fragile = Some(0);
    let reference = heap(fragile.clone());
    assert_eq!(reference.0.panics.len(), 2);
    assert_eq!(reference.0.panics[0].message, "cannot hear this");
    assert_same(
        &reference,
        &windowed(fragile, VirtualDuration::from_micros(200)),
    );
}

#[test]
fn impossible_worlds_are_refused() {
    type Spoil = fn(&mut World<Chatterer>);
    type Expected = fn(&WorldError) -> bool;
    let spoiled: [(Spoil, Expected); 6] = [
        (
            |world| world.residents.clear(),
            |e| *e == WorldError::NoNodes,
        ),
        (
            |world| world.config.window = VirtualDuration::from_millis(2),
            |e| matches!(e, WorldError::Window { .. }),
        ),
        (
            |world| world.network.between.truncate(3),
            |e| matches!(e, WorldError::Links { .. }),
        ),
        (
            |world| world.residents[3].site.0 = 2,
            |e| matches!(e, WorldError::UnknownSite(_)),
        ),
        (
            |world| world.network.floor = VirtualDuration::ZERO,
            |e| *e == WorldError::NoFloor,
        ),
        (
            |world| {
                let Scripted { to, .. } = &mut world.script[0];
                to.0 = 9_999;
            },
            |e| matches!(e, WorldError::UnknownNode { entry: 0, .. }),
        ),
    ];
    for (spoil, expected) in spoiled {
        let mut world = world(1);
        spoil(&mut world);
        let error = run_heap(world, &mut Archive::default(), DriverOptions::default())
            .expect_err("the world is impossible");
        assert!(expected(&error), "{error}");
    }
}

#[test]
#[should_panic(expected = "below the latency floor")]
fn the_heap_asserts_the_floor() {
    let options = DriverOptions {
        sabotage: Sabotage::IgnoreFloor,
    };
    let run = run_heap(world(1), &mut Archive::default(), options);
    assert!(run.is_err(), "the run cannot have come to an end");
}

#[test]
#[should_panic(expected = "below the latency floor")]
fn the_windowed_driver_asserts_the_floor() {
    let options = DriverOptions {
        sabotage: Sabotage::IgnoreFloor,
    };
    let run = run_windowed(world(1), &mut Archive::default(), options);
    assert!(run.is_err(), "the run cannot have come to an end");
}

#[test]
fn sending_to_nobody_is_the_senders_fault() {
    let mut astray = world(1);
    for resident in &mut astray.residents {
        resident.node.lose_address_book();
    }
    let reference = heap(astray.clone());
    assert!(
        reference
            .0
            .panics
            .iter()
            .any(|panic| panic.message.contains("there is no node"))
    );
    assert_same(
        &reference,
        &windowed(astray, VirtualDuration::from_millis(1)),
    );
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(24))]

    #[test]
    fn drivers_agree_whatever_the_grid(
        seed in 0_u64..1_000_000,
        window_nanos in 5_000_u64..=1_000_000,
        checkpoint_nanos in 700_000_u64..90_000_000,
        end_nanos in 1_u64..200_000_000,
    ) {
        let mut arbitrary = world(seed);
        arbitrary.config.checkpoint_every = VirtualDuration::from_nanos(checkpoint_nanos);
        arbitrary.config.end = VirtualTime::from_nanos(end_nanos);
        let reference = heap(arbitrary.clone());
        assert_same(&reference, &windowed(arbitrary, VirtualDuration::from_nanos(window_nanos)));
    }
}
