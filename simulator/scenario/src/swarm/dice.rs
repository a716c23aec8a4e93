//! Draws of one part of a scenario's text, one after another.

use engine::{Purpose, Seed, below};

/// Which families are enabled.
pub(super) const FAMILIES: u64 = 1;
/// The network, the validators, the chains and what they do.
pub(super) const CAST: u64 = 2;
/// All of a scenario about messages.
pub(super) const MESSAGES: u64 = 3;
/// All of a scenario about chains that are handed over.
pub(super) const HAND_OVER: u64 = 4;
/// What owners let others spend, in a scenario about messages.
pub(super) const ALLOWANCES: u64 = 5;
/// Faults: the number of the family is added.
pub(super) const FAULTS: u64 = 100;

/// The draws of one part. Purpose and stream are used by no run.
#[derive(Debug)]
pub(super) struct Dice {
    seed: Seed,
    stream: u64,
    drawn: u64,
}

impl Dice {
    pub(super) const fn new(seed: u64, stream: u64) -> Self {
        Self {
            seed: Seed(seed),
            stream,
            drawn: 0,
        }
    }

    fn next(&mut self) -> u64 {
        let n = self.drawn;
        self.drawn += 1;
        self.seed.workload_draw(Purpose::Population, self.stream, n)
    }

    /// One of the numbers from `low` to `high`.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + below(self.next(), high - low + 1)
    }

    /// The same for positions.
    pub(super) fn position(&mut self, low: usize, high: usize) -> usize {
        let span = u64::try_from(high - low).expect("a few");
        low + usize::try_from(self.between(0, span)).expect("a few")
    }

    /// True in `part` of `of` cases.
    pub(super) fn chance(&mut self, part: u64, of: u64) -> bool {
        below(self.next(), of) < part
    }

    /// One of these.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.position(0, from.len() - 1)]
    }

    /// The numbers below `count` in random order.
    pub(super) fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.position(0, last));
        }
        order
    }

    /// A time in whole tenths of a second, in milliseconds.
    pub(super) fn millis(&mut self, low: u64, high: u64) -> u64 {
        self.between(low / 100, high / 100) * 100
    }
}
