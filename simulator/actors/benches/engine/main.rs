//! What Actix costs: the same world under every driver, side by side.
//!
//! Four validators of a proxy and four shards each are latency groups; every client is a group of
//! its own and takes a block through 25 events. All drivers must end with the same root hash.
//! Rounds are interleaved and medians are reported, since the machine may be shared: CPU time of
//! the process where one thread runs, wall-clock time where several do. The steady part of a run
//! is measured, from its first checkpoint to its last.
//!
//! `cargo bench -p actors --bench engine -- [--rounds N] [--only NAME] [--driver NAME] [--scale PERCENT]`

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark measures real time"
)]

mod blocks;
mod raw;
mod stopwatch;

use std::io::{Write, stdout};

use actors::hosting::{HostingConfig, SpawnPolicy, run};
use blocks::{Client, Effort, Member, world};
use engine::{Digest, DriverOptions, RunOutcome, run_heap, run_windowed};
use stopwatch::{Clock, Lap, Stopwatch};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A way to run the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Heap,
    Windowed,
    Owned(usize),
    Started(usize),
}

impl Driver {
    fn name(self) -> String {
        match self {
            Self::Heap => "plain, one heap".to_owned(),
            Self::Windowed => "plain, windows".to_owned(),
            Self::Owned(partitions) => format!("actix owned, {partitions} thread(s)"),
            Self::Started(partitions) => format!("actix started, {partitions} thread(s)"),
        }
    }

    /// One thread is measured by what it used, several by how long they took.
    fn clock(self) -> Clock {
        match self {
            Self::Heap | Self::Windowed | Self::Owned(1) | Self::Started(1) => Clock::Cpu,
            Self::Owned(_) | Self::Started(_) => Clock::Wall,
        }
    }
}

/// What must hold between two lines of a table.
struct Claim {
    what: &'static str,
    driver: Driver,
    /// The driver it is compared with; the fastest plain one if none is named.
    against: Option<Driver>,
    at_least: f64,
    clock: Clock,
}

/// A world and who runs it.
struct Scene {
    name: &'static str,
    clients: u32,
    work_nanos: u64,
    millis: u64,
    drivers: Vec<Driver>,
    claims: Vec<Claim>,
}

fn scenes() -> Vec<Scene> {
    use Driver::{Heap, Owned, Started, Windowed};
    let ratio = |driver, at_least| Claim {
        what: "of the fastest plain driver, CPU",
        driver,
        against: None,
        at_least,
        clock: Clock::Cpu,
    };
    let speed_up = |at_least| Claim {
        what: "times one thread, wall clock",
        driver: Owned(2),
        against: Some(Owned(1)),
        at_least,
        clock: Clock::Wall,
    };
    vec![
        Scene {
            name: "empty-1k",
            clients: 1_000,
            work_nanos: 0,
            millis: 20_000,
            drivers: vec![Heap, Windowed, Owned(1), Owned(2), Started(1)],
            claims: vec![ratio(Owned(1), 0.4)],
        },
        Scene {
            name: "empty-100k",
            clients: 100_000,
            work_nanos: 0,
            millis: 400,
            drivers: vec![Heap, Windowed, Owned(1), Owned(2), Started(1)],
            claims: vec![ratio(Owned(1), 0.28)],
        },
        Scene {
            name: "busy-1k",
            clients: 1_000,
            work_nanos: 5_000,
            millis: 900,
            drivers: vec![Windowed, Owned(1), Owned(2)],
            claims: vec![ratio(Owned(1), 0.9), speed_up(1.6)],
        },
        Scene {
            name: "empty-1m",
            clients: 1_000_000,
            work_nanos: 0,
            millis: 160,
            drivers: vec![Windowed, Owned(1)],
            claims: vec![ratio(Owned(1), 0.3)],
        },
    ]
}

struct Options {
    /// Whether to measure in earnest.
    bench: bool,
    rounds: usize,
    only: Option<String>,
    driver: Option<String>,
    scale: u64,
}

fn options() -> Options {
    // Cargo names the mode: as a test, the program only shows that it works.
    let bench = std::env::args().any(|argument| argument == "--bench");
    let mut options = Options {
        bench,
        rounds: 9,
        only: None,
        driver: None,
        scale: 100,
    };
    if !bench {
        options = Options {
            rounds: 1,
            only: Some("1k".to_owned()),
            scale: 4,
            ..options
        };
    }
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--rounds" => options.rounds = value().parse().unwrap_or(9).max(1),
            "--scale" => options.scale = value().parse().unwrap_or(100),
            "--only" => options.only = Some(value()),
            "--driver" => options.driver = Some(value()),
            // Cargo adds arguments of its own.
            _ => {}
        }
    }
    options
}

fn main() {
    let options = options();
    let mut failed = 0;
    for mut scene in scenes() {
        if !options.bench {
            scene.claims.clear();
        }
        if let Some(driver) = &options.driver {
            scene
                .drivers
                .retain(|one| one.name().contains(driver.as_str()));
            scene.claims.clear();
        }
        if options
            .only
            .as_ref()
            .is_none_or(|only| scene.name.contains(only.as_str()))
        {
            failed += measure(&scene, &options);
        }
    }
    if options.only.as_ref().is_none_or(|only| only == "raw") {
        raw::report();
    }
    say(&format!("claims that did not hold: {failed}"));
}

fn say(line: &str) {
    writeln!(stdout(), "{line}").expect("the terminal takes a line");
}

/// Seconds for an event in one round, and how much of the machine others used.
struct Sample {
    cpu: f64,
    wall: f64,
    foreign: f64,
}

/// All rounds of one scene.
struct Table<'a> {
    scene: &'a Scene,
    samples: Vec<Vec<Sample>>,
}

/// A wall clock says nothing about a driver while others use more of the machine than this.
const QUIET: f64 = 0.05;

impl Table<'_> {
    fn of(&self, driver: Driver) -> &[Sample] {
        let place = self.scene.drivers.iter().position(|one| *one == driver);
        &self.samples[place.expect("the driver is in the scene")]
    }

    fn middle(&self, driver: Driver, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.of(driver).iter().map(of).collect())
    }

    /// Seconds for an event; for the wall clock from quiet rounds only, if there are any.
    fn time(&self, driver: Driver, clock: Clock) -> Option<f64> {
        if clock == Clock::Cpu {
            return Some(self.middle(driver, |sample| sample.cpu));
        }
        let quiet = self
            .of(driver)
            .iter()
            .filter(|sample| sample.foreign < QUIET);
        let walls: Vec<f64> = quiet.map(|sample| sample.wall).collect();
        if walls.is_empty() {
            None
        } else {
            Some(median(walls))
        }
    }

    fn print(&self) {
        let heads = [
            "CPU ns/event",
            "wall ns/event",
            "M events/s",
            "foreign load",
        ];
        let [cpu, wall, rate, foreign] = heads;
        say(&format!(
            "{:<26}{cpu:>14}{wall:>15}{rate:>12}{foreign:>14}",
            "driver"
        ));
        for &driver in &self.scene.drivers {
            let cpu = self.middle(driver, |sample| sample.cpu);
            let wall = self.middle(driver, |sample| sample.wall);
            let foreign = self.middle(driver, |sample| sample.foreign) * 100.0;
            let rate = 1e-6
                / if driver.clock() == Clock::Cpu {
                    cpu
                } else {
                    wall
                };
            let (name, cpu, wall) = (driver.name(), cpu * 1e9, wall * 1e9);
            say(&format!(
                "{name:<26}{cpu:>14.1}{wall:>15.1}{rate:>12.3}{foreign:>13.0}%"
            ));
        }
    }

    /// Whether a claim holds, as far as this table can tell.
    fn judge(&self, claim: &Claim) -> bool {
        let plain = [Driver::Heap, Driver::Windowed].into_iter();
        let plain = plain.filter(|driver| self.scene.drivers.contains(driver));
        let base = match claim.against {
            Some(driver) => self.time(driver, claim.clock),
            None => plain
                .filter_map(|driver| self.time(driver, claim.clock))
                .reduce(f64::min),
        };
        let (name, what, least) = (claim.driver.name(), claim.what, claim.at_least);
        let Some((base, own)) = base.zip(self.time(claim.driver, claim.clock)) else {
            say(&format!(
                "  {name}, {what}: not judged, the machine is too busy"
            ));
            return true;
        };
        let found = base / own;
        let verdict = if found >= least { "holds" } else { "FAILS" };
        say(&format!(
            "  {name}: {found:.2} {what}; at least {least}: {verdict}"
        ));
        found >= least
    }
}

/// Measures one scene; says how many claims failed.
fn measure(scene: &Scene, options: &Options) -> usize {
    let effort = Effort::calibrated(scene.work_nanos);
    let millis = (scene.millis * options.scale / 100).max(40);
    let mut samples: Vec<Vec<Sample>> = scene.drivers.iter().map(|_| Vec::new()).collect();
    let mut agreed: Option<(Digest, u64)> = None;
    for _ in 0..options.rounds {
        for (driver, samples) in scene.drivers.iter().zip(&mut samples) {
            let mut stopwatch = Stopwatch::default();
            let outcome = drive(*driver, scene.clients, effort, millis, &mut stopwatch);
            let found = (outcome.root, outcome.events);
            assert_eq!(*agreed.get_or_insert(found), found, "{driver:?} disagrees");
            let Lap {
                events,
                cpu,
                wall,
                foreign,
            } = stopwatch.lap();
            samples.push(Sample {
                cpu: cpu / events,
                wall: wall / events,
                foreign,
            });
        }
    }
    let Some((root, events)) = agreed else {
        return 0;
    };
    let (name, clients, work) = (scene.name, scene.clients, scene.work_nanos / 1_000);
    let (rounds, root) = (options.rounds, root.to_string());
    say(&format!(
        "\n{name}: {clients} clients, {work} us of work an event, {events} events, \
         {rounds} rounds, root {root:.16}"
    ));
    let table = Table { scene, samples };
    table.print();
    scene
        .claims
        .iter()
        .filter(|claim| !table.judge(claim))
        .count()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn drive(
    driver: Driver,
    clients: u32,
    effort: Effort,
    millis: u64,
    stopwatch: &mut Stopwatch,
) -> RunOutcome<Member> {
    let world = world(clients, effort, millis);
    let hosting = |partitions, spawn| HostingConfig {
        partitions,
        spawn,
        ..HostingConfig::default()
    };
    let options = DriverOptions::default();
    let outcome = match driver {
        Driver::Heap => run_heap(world, stopwatch, options).map_err(|e| e.to_string()),
        Driver::Windowed => run_windowed(world, stopwatch, options).map_err(|e| e.to_string()),
        Driver::Owned(partitions) => {
            run(world, stopwatch, &hosting(partitions, SpawnPolicy::Owned))
                .map_err(|e| e.to_string())
        }
        Driver::Started(partitions) => {
            run(world, stopwatch, &hosting(partitions, SpawnPolicy::Started))
                .map_err(|e| e.to_string())
        }
    };
    let outcome = outcome.expect("the world is valid and nothing breaks down");
    let done = |member: &Member| matches!(member, Member::Client(Client { blocks: 1.., .. }));
    assert!(
        outcome.nodes.iter().any(done) || millis < 150,
        "blocks are made"
    );
    outcome
}
