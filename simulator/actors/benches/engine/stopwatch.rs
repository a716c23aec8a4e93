//! Measures the steady part of a run: from its first checkpoint to its last.

use std::time::Instant;

use engine::{CheckpointView, Flow, Sink, Stamped};

use crate::blocks::Nothing;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// CPU time of the whole process.
    Cpu,
    /// Wall-clock time.
    Wall,
}

/// A sink that looks at the clock at every checkpoint.
#[derive(Default)]
pub(crate) struct Stopwatch {
    first: Option<Moment>,
    last: Option<Moment>,
}

#[derive(Clone, Copy)]
struct Moment {
    events: u64,
    wall: Instant,
    cpu: f64,
    /// CPU seconds that the whole machine was busy.
    busy: f64,
}

/// What happened between the first checkpoint and the last.
pub(crate) struct Lap {
    pub(crate) events: f64,
    /// Seconds.
    pub(crate) cpu: f64,
    /// Seconds.
    pub(crate) wall: f64,
    /// How much of the machine others used meanwhile.
    pub(crate) foreign: f64,
}

impl Stopwatch {
    #[expect(clippy::cast_precision_loss, reason = "fewer events than 2^53")]
    pub(crate) fn lap(&self) -> Lap {
        let (first, last) = self.first.zip(self.last).expect("a run has checkpoints");
        let (cpu, busy) = (last.cpu - first.cpu, last.busy - first.busy);
        let wall = last.wall.duration_since(first.wall).as_secs_f64();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Lap {
            events: (last.events - first.events) as f64,
            cpu,
            wall,
            foreign: ((busy - cpu) / (wall * cores as f64)).max(0.0),
        }
    }
}

impl Sink<Nothing> for Stopwatch {
    fn wants_records(&self) -> bool {
        false
    }

    fn window(&mut self, _: &mut Vec<Stamped<Nothing>>) {}

    fn checkpoint(&mut self, view: &CheckpointView<'_>) -> Flow {
        let (wall, cpu, busy) = (Instant::now(), cpu_seconds(), busy_seconds());
        let moment = Moment {
            events: view.events,
            wall,
            cpu,
            busy,
        };
        self.first.get_or_insert(moment);
        self.last = Some(moment);
        Flow::Continue
    }
}

/// What `/proc` counts in.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time that the machine was not idle, over all cores; zero where the operating system does
/// not say.
fn busy_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1);
    // user nice system idle iowait irq softirq steal
    let ticks = fields
        .take(8)
        .enumerate()
        .filter(|(place, _)| !matches!(place, 3 | 4));
    ticks
        .filter_map(|(_, ticks)| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / TICKS_PER_SECOND
}

/// CPU time that this process has used, to a hundredth of a second; wall-clock time where the
/// operating system does not say.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").ok();
    let ticks = stat.and_then(|stat| {
        // The command's name is in brackets and may contain anything; times come later.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(11);
        let user: f64 = fields.next()?.parse().ok()?;
        let system: f64 = fields.next()?.parse().ok()?;
        Some(user + system)
    });
    match ticks {
        Some(ticks) => ticks / TICKS_PER_SECOND,
        None => {
            static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
            START.get_or_init(Instant::now).elapsed().as_secs_f64()
        }
    }
}
