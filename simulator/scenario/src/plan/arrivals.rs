//! When the arrivals of an open workload come, and which chain acts.
//!
//! The arrivals are those of a unit-rate process stretched by the mass of the rate curve: arrival
//! `n` comes when the integral of the rate reaches the sum of the first `n` gaps. All of it is
//! integer arithmetic (mass in 10^-15 arrivals, time in nanoseconds), so every platform agrees.

use engine::{VirtualTime, below};

use super::index::{ChainIndex, ChainSet};
use crate::units::Rate;

/// One arrival in units of mass: millionths of arrivals a second, times nanoseconds.
const ONE: u128 = 1_000_000_000_000_000;

/// How the gaps between arrivals are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    /// Exponential: arrivals know nothing of one another.
    Poisson,
    /// Evenly between nothing and twice the mean.
    Uniform,
    /// Always the mean.
    Constant,
}

/// Which chain acts at an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// Drawn for each arrival.
    Random,
    /// One after the other, over and over.
    InTurn,
    /// One after the other; when each has acted there are no more arrivals.
    Once,
}

/// A point of the rate curve, which is linear between points and level before the first and after
/// the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatePoint {
    /// When.
    pub at: VirtualTime,
    /// The rate then.
    pub rate: Rate,
}

/// Arrivals at a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPlan {
    gaps: Gaps,
    points: Vec<RatePoint>,
    from: VirtualTime,
    until: VirtualTime,
    visit: Visit,
    chains: ChainSet,
    segments: Vec<Segment>,
}

/// A stretch of time over which the rate is linear.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    /// Nanoseconds.
    start: u64,
    /// Nanoseconds; positive.
    length: u64,
    /// Millionths of arrivals a second.
    first: u64,
    /// Millionths of arrivals a second.
    last: u64,
    /// Mass of all segments before.
    before: u128,
}

/// How far an arrival process has come: pass it to [`OpenPlan::next_arrival`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrivalCursor {
    mass: u128,
    count: u64,
}

impl ArrivalCursor {
    /// How many arrivals there were.
    pub const fn count(self) -> u64 {
        self.count
    }
}

impl OpenPlan {
    /// A process over `from..until` that makes `chains` act.
    ///
    /// # Panics
    /// If there is no point or no chain, or points are not ascending: the checker's business.
    pub(crate) fn new(
        gaps: Gaps,
        points: Vec<RatePoint>,
        (from, until): (VirtualTime, VirtualTime),
        visit: Visit,
        chains: ChainSet,
    ) -> Self {
        assert!(!points.is_empty() && !chains.is_empty());
        assert!(points.is_sorted_by(|a, b| a.at < b.at));
        let segments = segments(&points, from.0, until.0);
        Self {
            gaps,
            points,
            from,
            until,
            visit,
            chains,
            segments,
        }
    }

    /// How gaps are drawn.
    pub const fn gaps(&self) -> Gaps {
        self.gaps
    }

    /// The rate curve as it was given.
    pub fn points(&self) -> &[RatePoint] {
        &self.points
    }

    /// When arrivals begin.
    pub const fn from(&self) -> VirtualTime {
        self.from
    }

    /// When they end (excluded).
    pub const fn until(&self) -> VirtualTime {
        self.until
    }

    /// Which chain acts at an arrival.
    pub const fn visit(&self) -> Visit {
        self.visit
    }

    /// The chains that act.
    pub const fn chains(&self) -> &ChainSet {
        &self.chains
    }

    /// The next arrival, or `None` when there are no more. `draw` is uniform over all of `u64` and
    /// belongs to arrival number [`ArrivalCursor::count`]. Instants never decrease; two arrivals
    /// may share one.
    pub fn next_arrival(&self, cursor: &mut ArrivalCursor, draw: u64) -> Option<VirtualTime> {
        if self.visit == Visit::Once && cursor.count >= u64::from(self.chains.len()) {
            return None;
        }
        cursor.mass += match self.gaps {
            Gaps::Poisson => exponential(draw),
            Gaps::Uniform => (u128::from(draw) * 2 * ONE) >> 64,
            Gaps::Constant => ONE,
        };
        let at = self.instant(cursor.mass)?;
        cursor.count += 1;
        Some(at)
    }

    /// The chain that acts at arrival number `count` (from 0). `draw` is uniform over all of
    /// `u64`.
    pub fn source(&self, count: u64, draw: u64) -> ChainIndex {
        let chains = u64::from(self.chains.len());
        let position = match self.visit {
            Visit::Random => below(draw, chains),
            Visit::InTurn | Visit::Once => count % chains,
        };
        let position = u32::try_from(position).expect("below the number of chains");
        self.chains
            .get(position)
            .expect("below the number of chains")
    }

    /// The number of arrivals that the rate curve asks for, rounded down.
    pub fn expected(&self) -> u64 {
        let mass = self
            .segments
            .last()
            .map_or(0, |last| last.before + last.mass(last.length));
        let arrivals = u64::try_from(mass / ONE).unwrap_or(u64::MAX);
        match self.visit {
            Visit::Once => arrivals.min(u64::from(self.chains.len())),
            Visit::Random | Visit::InTurn => arrivals,
        }
    }

    /// The instant at which the curve has gathered `mass`; `None` if it never does.
    fn instant(&self, mass: u128) -> Option<VirtualTime> {
        let next = self
            .segments
            .partition_point(|segment| segment.before < mass);
        let segment = &self.segments[next.checked_sub(1)?];
        let into = segment.reach(mass - segment.before)?;
        let at = VirtualTime(segment.start + into);
        (at < self.until).then_some(at)
    }
}

fn segments(points: &[RatePoint], from: u64, until: u64) -> Vec<Segment> {
    let mut borders: Vec<u64> = points.iter().map(|point| point.at.0).collect();
    borders.extend([from, until]);
    borders.retain(|border| (from..=until).contains(border));
    borders.sort_unstable();
    borders.dedup();
    let mut before = 0;
    borders
        .windows(2)
        .map(|pair| {
            let (start, end) = (pair[0], pair[1]);
            let segment = Segment {
                start,
                length: end - start,
                first: rate_at(points, start),
                last: rate_at(points, end),
                before,
            };
            before += segment.mass(segment.length);
            segment
        })
        .collect()
}

fn rate_at(points: &[RatePoint], at: u64) -> u64 {
    let rate = |point: &RatePoint| point.rate.millionths_per_second();
    let next = points.partition_point(|point| point.at.0 <= at);
    let Some(before) = next.checked_sub(1).map(|index| &points[index]) else {
        return rate(&points[0]);
    };
    let Some(after) = points.get(next) else {
        return rate(before);
    };
    let (low, high) = (rate(before), rate(after));
    let part = u128::from(at - before.at.0);
    let whole = u128::from(after.at.0 - before.at.0);
    let step = u128::from(low.abs_diff(high)) * part / whole;
    let step = u64::try_from(step).expect("a part of a difference");
    if low < high { low + step } else { low - step }
}

impl Segment {
    /// The mass of the first `into` nanoseconds, rounded so that it never decreases.
    fn mass(&self, into: u64) -> u128 {
        let into = u128::from(into);
        let level = u128::from(self.first) * into;
        // Half of slope * into^2, split in two so that nothing overflows.
        let double = 2 * u128::from(self.length);
        let rise = u128::from(self.first.abs_diff(self.last)) * into;
        let slope = rise / double * into + rise % double * into / double;
        if self.first <= self.last {
            level + slope
        } else {
            level - slope
        }
    }

    /// The least time after which the mass is at least `mass`; `None` if it is not reached here.
    fn reach(&self, mass: u128) -> Option<u64> {
        if self.first == self.last {
            let rate = u128::from(self.first);
            let into = if rate == 0 {
                return None;
            } else {
                mass.div_ceil(rate)
            };
            return u64::try_from(into).ok().filter(|into| *into <= self.length);
        }
        if self.mass(self.length) < mass {
            return None;
        }
        let (mut low, mut high) = (0, self.length);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.mass(middle) < mass {
                low = middle + 1
            } else {
                high = middle
            }
        }
        Some(low)
    }
}

/// An exponential gap with mean [`ONE`]: `-ln(u)` for `u = (draw + 1) / 2^64`.
fn exponential(draw: u64) -> u128 {
    const FRACTION_BITS: u32 = 40;
    /// `ln 2`, in units of mass.
    const LN_2: u128 = 693_147_180_559_945;
    let u = u128::from(draw) + 1;
    let whole = u.ilog2();
    // The mantissa lies between 1 and 2, with 63 bits of fraction; each squaring gives one bit.
    let mut mantissa = if whole >= 63 {
        u >> (whole - 63)
    } else {
        u << (63 - whole)
    };
    let mut logarithm = u128::from(whole);
    for _ in 0..FRACTION_BITS {
        mantissa = (mantissa * mantissa) >> 63;
        let bit = mantissa >> 64;
        mantissa >>= bit;
        logarithm = (logarithm << 1) | bit;
    }
    let negative = (64_u128 << FRACTION_BITS) - logarithm;
    (negative * LN_2) >> FRACTION_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: u64) -> Rate {
        Rate::from_millionths_per_second(per_second * 1_000_000)
    }

    fn plan(gaps: Gaps, points: &[(u64, u64)], until: u64, visit: Visit) -> OpenPlan {
        let points = points
            .iter()
            .map(|(at, per_second)| RatePoint {
                at: VirtualTime::from_secs(*at),
                rate: rate(*per_second),
            })
            .collect();
        let span = (VirtualTime::ZERO, VirtualTime::from_secs(until));
        OpenPlan::new(gaps, points, span, visit, ChainSet::range(0..10))
    }

    fn arrivals(plan: &OpenPlan) -> Vec<VirtualTime> {
        let mut cursor = ArrivalCursor::default();
        std::iter::from_fn(|| {
            let n = cursor.count();
            let draw = engine::Seed(7).workload_draw(engine::Purpose::Arrival, 0, n);
            plan.next_arrival(&mut cursor, draw)
        })
        .collect()
    }

    #[test]
    fn constant_arrivals_are_evenly_spaced() {
        let all = arrivals(&plan(Gaps::Constant, &[(0, 4)], 2, Visit::Random));
        let millis: Vec<u64> = all.iter().map(|at| at.as_micros() / 1_000).collect();
        assert_eq!(millis, [250, 500, 750, 1_000, 1_250, 1_500, 1_750]);
    }

    #[test]
    fn exponential_gaps_have_the_right_quantiles() {
        // -ln(1/2) and -ln(2^-64), in 10^-15; the largest draw gives no gap at all.
        assert_eq!(exponential((1 << 63) - 1), 693_147_180_559_945);
        assert_eq!(exponential(0), 44_361_419_555_836_480);
        assert_eq!(exponential(u64::MAX), 0);
    }

    #[test]
    fn poisson_arrivals_follow_the_rate() {
        let plan = plan(Gaps::Poisson, &[(0, 1_000)], 20, Visit::Random);
        let all = arrivals(&plan);
        // The standard deviation of a count of 20,000 is 141.
        assert!((19_500..20_500).contains(&all.len()), "{}", all.len());
        assert!(all.is_sorted());
        assert_eq!(plan.expected(), 20_000);
    }

    #[test]
    fn a_ramp_has_its_mass_in_the_right_places() {
        let plan = plan(
            Gaps::Constant,
            &[(0, 0), (10, 1_000), (20, 0)],
            20,
            Visit::Random,
        );
        let all = arrivals(&plan);
        assert_eq!(plan.expected(), 10_000);
        let early = all
            .iter()
            .filter(|at| **at < VirtualTime::from_secs(5))
            .count();
        let middle = all
            .iter()
            .filter(|at| **at < VirtualTime::from_secs(10))
            .count();
        assert!((1_249..=1_251).contains(&early), "{early}");
        assert!((4_999..=5_001).contains(&middle), "{middle}");
        assert!(all.is_sorted());
    }

    #[test]
    fn once_visits_every_chain_and_ends() {
        let plan = plan(Gaps::Uniform, &[(0, 100)], 20, Visit::Once);
        let all = arrivals(&plan);
        assert_eq!(all.len(), 10);
        let visited: Vec<u32> = (0..10).map(|n| plan.source(n, 3).get()).collect();
        assert_eq!(visited, (0..10).collect::<Vec<_>>());
    }
}
