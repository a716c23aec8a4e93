//! The queue of the windowed drivers: one bucket per window.
//!
//! Windows cut time into pieces that never straddle a checkpoint. A bucket is sorted when its
//! window opens and not before, so that a push costs the same however much waits. Windows beyond
//! the ring wait in a heap; events at the end of the run or later are counted and forgotten.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::event::Event;
use crate::time::VirtualTime;
use crate::world::RunConfig;

/// How many windows the ring covers.
const RING: usize = 4_096;
const RING_WINDOWS: u64 = 4_096;
const WORD: usize = 64;
/// Emptied buckets kept for use again.
const SPARES: usize = 256;

/// Where windows begin and end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// Width of a window in nanoseconds; the last one before a checkpoint may be narrower.
    width: u64,
    /// Distance of checkpoints in nanoseconds.
    interval: u64,
    /// Windows in an interval.
    per_interval: u64,
    end: VirtualTime,
}

impl Grid {
    pub(crate) fn new(config: &RunConfig) -> Self {
        let interval = config.checkpoint_every.0;
        // Offsets inside a window are sorted as 32 bits.
        let width = config.window.0.min(interval).min(u64::from(u32::MAX));
        Self {
            width,
            interval,
            per_interval: interval.div_ceil(width),
            end: config.end,
        }
    }

    /// The window that contains this time.
    pub(crate) fn window(&self, time: VirtualTime) -> u64 {
        let (interval, offset) = (time.0 / self.interval, time.0 % self.interval);
        // Saturation only concerns times beyond the end, which no window is opened for.
        interval
            .saturating_mul(self.per_interval)
            .saturating_add(offset / self.width)
    }

    /// When a window begins.
    pub(crate) fn start(&self, window: u64) -> VirtualTime {
        let (interval, place) = (window / self.per_interval, window % self.per_interval);
        VirtualTime(
            interval
                .saturating_mul(self.interval)
                .saturating_add(place * self.width),
        )
    }

    /// The first time after a window, and never beyond the end of the run.
    pub(crate) fn until(&self, window: u64) -> VirtualTime {
        self.start(window.saturating_add(1)).min(self.end)
    }
}

pub(crate) struct Queue<M> {
    grid: Grid,
    /// The first window that the ring covers; no earlier one can be pushed to.
    base: u64,
    ring: Vec<Vec<Event<M>>>,
    /// One bit per bucket: whether anything is in it.
    occupied: [u64; RING / WORD],
    overflow: BinaryHeap<Reverse<Event<M>>>,
    spares: Vec<Vec<Event<M>>>,
    /// The spare that is next to give way to a roomier one.
    rotor: usize,
    len: u64,
    /// Events that lie at the end of the run or beyond, and how many of them are messages.
    beyond: u64,
    beyond_messages: u64,
    /// The interval of the last push, so that most pushes need one division.
    near: Near,
}

#[derive(Clone, Copy)]
struct Near {
    start: u64,
    first_window: u64,
}

impl<M> Queue<M> {
    pub(crate) fn new(grid: Grid) -> Self {
        Self {
            grid,
            base: 0,
            ring: std::iter::repeat_with(Vec::new).take(RING).collect(),
            occupied: [0; RING / WORD],
            overflow: BinaryHeap::new(),
            spares: Vec::new(),
            rotor: 0,
            len: 0,
            beyond: 0,
            beyond_messages: 0,
            near: Near {
                start: 0,
                first_window: 0,
            },
        }
    }

    pub(crate) fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Events that wait, those beyond the end included.
    pub(crate) fn pending(&self) -> u64 {
        self.len + self.beyond
    }

    /// How many of them are messages.
    pub(crate) fn pending_messages(&self) -> u64 {
        let ring = self.ring.iter().flatten();
        let all = ring.chain(self.overflow.iter().map(|Reverse(event)| event));
        crate::heap::count(all.filter(|event| event.is_message()).count()) + self.beyond_messages
    }

    pub(crate) fn push(&mut self, event: Event<M>) {
        if event.time >= self.grid.end {
            self.beyond += 1;
            self.beyond_messages += u64::from(event.is_message());
            return;
        }
        self.len += 1;
        let window = self.window(event.time);
        assert!(
            window >= self.base,
            "an event at {} comes too late",
            event.time
        );
        if window - self.base < RING_WINDOWS {
            self.put(window, event);
        } else {
            self.overflow.push(Reverse(event));
        }
    }

    fn window(&mut self, time: VirtualTime) -> u64 {
        let offset = time.0.wrapping_sub(self.near.start);
        if offset < self.grid.interval {
            return self.near.first_window + offset / self.grid.width;
        }
        let interval = time.0 / self.grid.interval;
        self.near = Near {
            start: interval * self.grid.interval,
            first_window: interval * self.grid.per_interval,
        };
        self.grid.window(time)
    }

    fn put(&mut self, window: u64, event: Event<M>) {
        let slot = slot(window);
        let bucket = &mut self.ring[slot];
        if bucket.is_empty() {
            self.occupied[slot / WORD] |= 1 << (slot % WORD);
        }
        // A full bucket moves into a roomier spare; a spare that is none is of no use to anybody.
        if bucket.len() == bucket.capacity()
            && let Some(mut spare) = self.spares.pop()
            && spare.capacity() > bucket.capacity()
        {
            spare.append(bucket);
            *bucket = spare;
        }
        bucket.push(event);
    }

    /// The first window with anything in it.
    pub(crate) fn next_window(&self) -> Option<u64> {
        self.next_in_ring().or_else(|| {
            self.overflow
                .peek()
                .map(|Reverse(event)| self.grid.window(event.time))
        })
    }

    fn next_in_ring(&self) -> Option<u64> {
        let first = slot(self.base);
        let words = self.occupied.len();
        // The word of the base is looked at twice: its upper part first, its lower part last.
        for step in 0..=words {
            let word = (first / WORD + step) % words;
            let mut bits = self.occupied[word];
            if step == 0 {
                bits &= u64::MAX << (first % WORD);
            } else if step == words {
                bits &= !(u64::MAX << (first % WORD));
            }
            if bits != 0 {
                let bit = usize::try_from(bits.trailing_zeros()).expect("at most 64");
                let ahead = (word * WORD + bit + RING - first) % RING;
                return Some(self.base + crate::heap::count(ahead));
            }
        }
        None
    }

    /// Moves on to `window`, before which nothing may be left, and takes what happens in it.
    /// `emptied` is a vector to use again.
    pub(crate) fn open(&mut self, window: u64, emptied: &mut Vec<Event<M>>) {
        debug_assert!(
            self.next_window().is_none_or(|next| next >= window),
            "nothing is skipped"
        );
        debug_assert!(emptied.is_empty(), "the old window is done");
        self.base = window;
        while let Some(Reverse(event)) = self.overflow.peek()
            && self.grid.window(event.time) - window < RING_WINDOWS
        {
            let Reverse(event) = self.overflow.pop().expect("it was just seen");
            self.put(self.grid.window(event.time), event);
        }
        let slot = slot(window);
        self.occupied[slot / WORD] &= !(1 << (slot % WORD));
        let bucket = std::mem::take(&mut self.ring[slot]);
        self.len -= crate::heap::count(bucket.len());
        // The open window grows by what is born in it: keep its room where that is the larger part.
        let mut spare = bucket;
        if emptied.capacity() / 2 > spare.len() {
            emptied.append(&mut spare);
        } else {
            std::mem::swap(emptied, &mut spare);
        }
        self.keep_spare(spare);
    }

    /// Keeps an emptied bucket; where there are enough, in the place of a smaller one.
    fn keep_spare(&mut self, mut spare: Vec<Event<M>>) {
        if self.spares.len() == SPARES {
            self.rotor = (self.rotor + 1) % SPARES;
            let other = &mut self.spares[self.rotor];
            if other.capacity() < spare.capacity() {
                std::mem::swap(other, &mut spare);
            }
        } else if spare.capacity() > 0 {
            self.spares.push(spare);
        }
    }
}

fn slot(window: u64) -> usize {
    usize::try_from(window % RING_WINDOWS).expect("a place in the ring")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Purpose, Seed, below};
    use crate::event::Kind;
    use crate::ids::{ActorId, Sequence};
    use crate::time::VirtualDuration;
    use crate::world::Limits;

    fn config(window: u64, interval: u64, end: u64) -> RunConfig {
        RunConfig {
            seed: Seed(1),
            end: VirtualTime(end),
            window: VirtualDuration(window),
            checkpoint_every: VirtualDuration(interval),
            limits: Limits::default(),
        }
    }

    fn event(time: u64, number: u64) -> Event<()> {
        Event {
            time: VirtualTime(time),
            seq: Sequence::emission(number),
            src: ActorId(1),
            to: ActorId(1),
            kind: Kind::Timer {
                token: number,
                epoch: 0,
            },
        }
    }

    #[test]
    fn windows_tile_time_and_never_straddle_a_checkpoint() {
        let grid = Grid::new(&config(30, 100, 1_000));
        for time in 0..1_000 {
            let window = grid.window(VirtualTime(time));
            assert!(grid.start(window) <= VirtualTime(time));
            assert!(VirtualTime(time) < grid.until(window));
            assert_eq!(grid.start(window).0 / 100, (grid.until(window).0 - 1) / 100);
        }
        assert_eq!(
            grid.until(grid.window(VirtualTime(999))),
            VirtualTime(1_000)
        );
    }

    #[test]
    fn everything_comes_out_in_the_order_of_time_however_far_away_it_was() {
        let seed = Seed(5);
        let mut queue = Queue::new(Grid::new(&config(10, 1_000, 100_000_000)));
        let mut expected = Vec::new();
        let mut number = 0;
        let mut now = 0;
        let mut seen = Vec::new();
        let mut window = Vec::new();
        for _ in 0..2_000 {
            for _ in 0..3 {
                let draw = seed.workload_draw(Purpose::Arrival, 0, number);
                let reach = if number % 10 == 0 { 1_000_000 } else { 500 };
                let time = now + 10 + below(draw, reach);
                queue.push(event(time, number));
                expected.push(time);
                number += 1;
            }
            let next = queue.next_window().expect("something was pushed");
            now = queue.grid().start(next).0;
            queue.open(next, &mut window);
            let mut times: Vec<u64> = window.drain(..).map(|event| event.time.0).collect();
            times.sort_unstable();
            seen.extend(times);
        }
        while let Some(next) = queue.next_window() {
            queue.open(next, &mut window);
            let mut times: Vec<u64> = window.drain(..).map(|event| event.time.0).collect();
            times.sort_unstable();
            seen.extend(times);
        }
        expected.sort_unstable();
        assert_eq!(seen, expected);
        assert_eq!(queue.pending(), 0);
    }

    #[test]
    fn what_lies_beyond_the_end_is_only_counted() {
        let mut queue = Queue::new(Grid::new(&config(10, 100, 95)));
        queue.push(event(95, 0));
        queue.push(event(94, 1));
        assert_eq!(queue.pending(), 2);
        assert_eq!(queue.next_window(), Some(9));
        queue.open(9, &mut Vec::new());
        assert_eq!((queue.pending(), queue.next_window()), (1, None));
    }
}
