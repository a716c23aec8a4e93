use super::*;
use chatter::{Archive, Chatterer, assert_same, world};
use engine::{DriverOptions, EngineCheck, Outcome, VirtualTime, run_heap};

#[path = "../../../engine/tests/chatter/mod.rs"]
mod chatter;

type Run = (RunOutcome<Chatterer>, Archive);

fn heap(world: World<Chatterer>) -> Run {
    let mut archive = Archive::default();
    let run = run_heap(world, &mut archive, DriverOptions::default());
    (run.expect("the world is valid"), archive)
}

fn hosted(world: World<Chatterer>, config: &HostingConfig) -> Run {
    let mut archive = Archive::default();
    let run = run(world, &mut archive, config).expect("no partition breaks down");
    (run, archive)
}

fn configs() -> Vec<HostingConfig> {
    let mut configs = Vec::new();
    for spawn in [SpawnPolicy::Owned, SpawnPolicy::Started] {
        for partitions in [1, 2, 3, 7] {
            for window_divisor in [1, 4] {
                configs.push(HostingConfig {
                    partitions,
                    spawn,
                    window_divisor,
                    ..HostingConfig::default()
                });
            }
        }
    }
    configs
}

#[test]
fn hosting_of_every_kind_agrees_with_the_heap() {
    for seed in 1..=2 {
        let reference = heap(world(seed));
        for config in configs() {
            let run = hosted(world(seed), &config);
            assert_same(&reference, &run);
            assert_eq!(run.0.partitions_used, config.partitions);
        }
    }
}

#[test]
fn nobody_can_tell_a_cold_actor_from_a_hot_one() {
    let reference = heap(world(1));
    for cold_after in [Some(0), Some(1), Some(7), None] {
        for partitions in [1, 2] {
            let config = HostingConfig {
                partitions,
                cold_after,
                ..HostingConfig::default()
            };
            assert_same(&reference, &hosted(world(1), &config));
        }
    }
}

#[test]
fn a_host_that_swaps_two_events_is_caught() {
    for spawn in [SpawnPolicy::Owned, SpawnPolicy::Started] {
        let config = HostingConfig {
            partitions: 2,
            spawn,
            sabotage: Sabotage::SwapTwoEvents,
            ..HostingConfig::default()
        };
        let (run, _) = hosted(world(1), &config);
        assert_eq!(run.outcome, Outcome::CheckFailed(EngineCheck::KeyOrder));
    }
}

#[test]
fn runs_end_early_at_the_same_checkpoint() {
    let mut limited = world(1);
    limited.config.limits.events = Some(1_000);
    let reference = heap(limited.clone());
    assert_eq!(reference.0.outcome, Outcome::EventLimit);
    let config = HostingConfig {
        partitions: 3,
        ..HostingConfig::default()
    };
    assert_same(&reference, &hosted(limited, &config));
    let stop = || Archive {
        stop_at: Some(VirtualTime::from_millis(100)),
        ..Archive::default()
    };
    let (mut first, mut second) = (stop(), stop());
    let left = run_heap(world(1), &mut first, DriverOptions::default()).expect("valid");
    let right = run(world(1), &mut second, &config).expect("no breakdown");
    assert_eq!(right.outcome, Outcome::Stopped("seen enough".to_owned()));
    assert_same(&(left, first), &(right, second));
}

#[test]
fn a_panicking_node_is_a_crashed_node_here_too() {
    let mut fragile = world(1);
    fragile.residents[5].node.fragile = Some(2);
    fragile.residents[20].node.fragile = Some(0);
    fragile.residents[30].node.lose_address_book();
    let reference = heap(fragile.clone());
    assert!(reference.0.panics.len() >= 2);
    for spawn in [SpawnPolicy::Owned, SpawnPolicy::Started] {
        let config = HostingConfig {
            partitions: 2,
            spawn,
            ..HostingConfig::default()
        };
        assert_same(&reference, &hosted(fragile.clone(), &config));
    }
}

#[test]
fn a_broken_floor_breaks_the_run_and_hangs_nobody() {
    for spawn in [SpawnPolicy::Owned, SpawnPolicy::Started] {
        for partitions in [1, 3] {
            let config = HostingConfig {
                partitions,
                spawn,
                sabotage: Sabotage::IgnoreFloor,
                ..HostingConfig::default()
            };
            let broken = run(world(1), &mut Archive::default(), &config);
            let Err(HostingError::Partition(message)) = broken else {
                panic!("the floor is asserted");
            };
            assert!(message.contains("below the latency floor"), "{message}");
        }
    }
}

#[test]
fn a_sink_that_panics_hangs_nobody() {
    struct Fussy;
    impl Sink<chatter::Note> for Fussy {
        fn window(&mut self, _: &mut Vec<engine::Stamped<chatter::Note>>) {
            panic!("I do not like this");
        }

        fn checkpoint(&mut self, _: &engine::CheckpointView<'_>) -> engine::Flow {
            engine::Flow::Continue
        }
    }
    let config = HostingConfig {
        partitions: 3,
        ..HostingConfig::default()
    };
    let attempt = std::panic::AssertUnwindSafe(|| run(world(1), &mut Fussy, &config).map(drop));
    let panic = std::panic::catch_unwind(attempt).expect_err("the sink panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"I do not like this"));
}

#[test]
fn an_impossible_world_is_refused() {
    let mut empty = world(1);
    empty.residents.clear();
    let refused = run(empty, &mut Archive::default(), &HostingConfig::default());
    assert_eq!(
        refused.map(drop),
        Err(HostingError::World(WorldError::NoNodes))
    );
}
