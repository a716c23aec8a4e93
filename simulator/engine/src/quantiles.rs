//! Integer quantile tables: how a distribution is sampled while a run is on.
//!
//! Invariant: sampling is integer arithmetic over integer nanoseconds, monotone in the draw, and
//! never below the table's first or above its last entry.

use crate::time::VirtualDuration;

/// Equal cells of the body; the last one is subdivided by the tail.
const BODY: u32 = 1 << BODY_BITS;
const BODY_BITS: u32 = 10;
/// Cells of the tail.
const TAIL: u32 = 1 << TAIL_BITS;
const TAIL_BITS: u32 = 8;

/// The quantiles of a distribution in nanoseconds: 1024 equal cells, the last one cut into 256
/// again, so that the resolution of the upper tail is one draw in 262 144.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantileTable {
    /// Borders of the cells, one more than there are cells.
    body: Vec<u64>,
    /// Borders of the cells of the last cell.
    tail: Vec<u64>,
}

impl QuantileTable {
    /// The table of one value.
    #[must_use]
    pub fn constant(value: VirtualDuration) -> Self {
        Self::from_quantiles(|_, _| value.0)
    }

    /// Builds a table from a quantile function of `(num, den)`: the value below which `num / den`
    /// of all samples lie. Values that would decrease are raised to their predecessor.
    pub(crate) fn from_quantiles(mut quantile: impl FnMut(u32, u32) -> u64) -> Self {
        const ALL: u32 = BODY * TAIL;
        // The ends of a distribution may lie at infinity: the borders there are taken half a
        // cell of the tail inside.
        let mut at = |position: u32| quantile((2 * position).clamp(1, 2 * ALL - 1), 2 * ALL);
        let mut body: Vec<u64> = (0..=BODY).map(|cell| at(cell * TAIL)).collect();
        let mut tail: Vec<u64> = (0..=TAIL).map(|cell| at(ALL - TAIL + cell)).collect();
        for borders in [&mut body, &mut tail] {
            for cell in 1..borders.len() {
                borders[cell] = borders[cell].max(borders[cell - 1]);
            }
        }
        Self { body, tail }
    }

    /// The sample that a uniform `draw` over all of `u64` selects.
    #[must_use]
    pub fn at(&self, draw: u64) -> VirtualDuration {
        let (cell, rest) = split(draw, BODY_BITS);
        if cell + 2 == self.body.len() {
            let (cell, rest) = split(rest, TAIL_BITS);
            VirtualDuration(interpolate(&self.tail, cell, rest))
        } else {
            VirtualDuration(interpolate(&self.body, cell, rest))
        }
    }

    /// The smallest value that can be sampled.
    #[must_use]
    pub fn min(&self) -> VirtualDuration {
        VirtualDuration(self.body[0])
    }

    /// The largest value that can be sampled.
    #[must_use]
    pub fn max(&self) -> VirtualDuration {
        VirtualDuration(self.tail.last().copied().unwrap_or(0))
    }

    /// The only value of the table, if it has only one.
    #[must_use]
    pub fn as_constant(&self) -> Option<VirtualDuration> {
        (self.min() == self.max()).then(|| self.min())
    }

    /// The share of draws, in millionths, whose sample lies below `floor`.
    #[must_use]
    pub fn share_below(&self, floor: VirtualDuration) -> u32 {
        // `at` is monotone, so the draws below the floor are a prefix: bisect for its end.
        let (mut below, mut above) = (0_u64, u64::MAX);
        if self.at(below) >= floor {
            return 0;
        }
        if self.at(above) < floor {
            return 1_000_000;
        }
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if self.at(middle) < floor {
                below = middle
            } else {
                above = middle
            }
        }
        let millionths = (u128::from(above) * 1_000_000) >> 64;
        u32::try_from(millionths).expect("at most a million")
    }
}

/// The cell that the leading bits name, and the draw inside it.
fn split(draw: u64, bits: u32) -> (usize, u64) {
    let cell = usize::try_from(draw >> (u64::BITS - bits)).expect("few bits fit");
    (cell, draw << bits)
}

fn interpolate(borders: &[u64], cell: usize, rest: u64) -> u64 {
    let (from, to) = (borders[cell], borders[cell + 1]);
    let step = (u128::from(to - from) * u128::from(rest)) >> 64;
    from + u64::try_from(step).expect("a fraction of a u64 fits u64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_is_monotone_and_stays_inside() {
        let table = QuantileTable::from_quantiles(|num, den| {
            let share = u64::from(num) * 1_000_000 / u64::from(den);
            share * share
        });
        let mut last = table.min();
        for step in 0..100_000_u64 {
            let sample = table.at(step * (u64::MAX / 100_000));
            assert!(sample >= last && sample <= table.max());
            last = sample;
        }
        assert_eq!(table.at(0), table.min());
    }

    #[test]
    fn a_constant_is_recognised() {
        let table = QuantileTable::constant(VirtualDuration(9));
        assert_eq!(table.as_constant(), Some(VirtualDuration(9)));
        assert_eq!(table.at(u64::MAX), VirtualDuration(9));
    }

    #[test]
    fn the_share_below_a_floor_is_measured() {
        let table =
            QuantileTable::from_quantiles(|num, den| u64::from(num) * 1_000_000 / u64::from(den));
        let share = table.share_below(VirtualDuration(250_000));
        assert!((249_000..251_000).contains(&share), "{share}");
        assert_eq!(table.share_below(VirtualDuration(0)), 0);
        assert_eq!(table.share_below(VirtualDuration(2_000_000)), 1_000_000);
    }
}
