//! Virtual time: integer nanoseconds since the start of a run, durations, exact ratios and clock
//! skew.
//!
//! Invariant: nothing here reads a clock, and nothing is a float. Overflow is checked or
//! saturates by name.

use std::fmt;

/// A point of virtual time, in nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualTime(pub u64);

/// A span of virtual time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualDuration(pub u64);

const NANOS_PER_MICRO: u64 = 1_000;
const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_SEC: u64 = 1_000_000_000;

impl VirtualTime {
    /// The start of a run.
    pub const ZERO: Self = Self(0);
    /// Later than anything that happens.
    pub const MAX: Self = Self(u64::MAX);

    /// A time given in nanoseconds since the start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A time given in whole microseconds since the start; saturates.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(NANOS_PER_MICRO))
    }

    /// A time given in whole milliseconds since the start; saturates.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(NANOS_PER_MILLI))
    }

    /// A time given in whole seconds since the start; saturates.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SEC))
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the start, rounded down.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0 / NANOS_PER_MICRO
    }

    /// `self + span`, or `None` beyond the end of time.
    #[must_use]
    pub const fn checked_add(self, span: VirtualDuration) -> Option<Self> {
        match self.0.checked_add(span.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// `self + span`, at most [`VirtualTime::MAX`].
    #[must_use]
    pub const fn saturating_add(self, span: VirtualDuration) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// `self - span`, at least [`VirtualTime::ZERO`].
    #[must_use]
    pub const fn saturating_sub(self, span: VirtualDuration) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The span from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> VirtualDuration {
        VirtualDuration(self.0.saturating_sub(earlier.0))
    }
}

impl VirtualDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The shortest positive span.
    pub const NANOSECOND: Self = Self(1);
    /// The longest span.
    pub const MAX: Self = Self(u64::MAX);

    /// A span given in nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span given in whole microseconds; saturates.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(NANOS_PER_MICRO))
    }

    /// A span given in whole milliseconds; saturates.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(NANOS_PER_MILLI))
    }

    /// A span given in whole seconds; saturates.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SEC))
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span in whole microseconds, rounded down.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0 / NANOS_PER_MICRO
    }

    /// `self + other`, or `None` on overflow.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// `self + other`, at most [`VirtualDuration::MAX`].
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `self - other`, at least zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self * factor`, at most [`VirtualDuration::MAX`].
    #[must_use]
    pub const fn saturating_mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// Whether this is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

fn write_nanos(f: &mut fmt::Formatter<'_>, nanos: u64) -> fmt::Result {
    write!(f, "{}.{:09}s", nanos / NANOS_PER_SEC, nanos % NANOS_PER_SEC)
}

impl fmt::Display for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_nanos(f, self.0)
    }
}

impl fmt::Display for VirtualDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_nanos(f, self.0)
    }
}

/// An exact fraction: probabilities, factors and exponents are given so, never as floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: u64,
    den: u64,
}

impl Ratio {
    /// Nothing: probability 0.
    pub const ZERO: Self = Self { num: 0, den: 1 };
    /// All: probability 1, factor 1.
    pub const ONE: Self = Self { num: 1, den: 1 };

    /// `num / den`; `None` if `den` is zero.
    #[must_use]
    pub const fn new(num: u64, den: u64) -> Option<Self> {
        if den == 0 {
            None
        } else {
            Some(Self { num, den })
        }
    }

    /// `percent / 100`.
    #[must_use]
    pub const fn percent(percent: u64) -> Self {
        Self {
            num: percent,
            den: 100,
        }
    }

    /// The numerator as given.
    #[must_use]
    pub const fn num(self) -> u64 {
        self.num
    }

    /// The denominator as given; never zero.
    #[must_use]
    pub const fn den(self) -> u64 {
        self.den
    }

    /// Whether the ratio is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.num == 0
    }

    /// Whether the ratio is at most one, as a probability must be.
    #[must_use]
    pub const fn is_probability(self) -> bool {
        self.num <= self.den
    }

    /// Whether a uniform `draw` over all of `u64` falls into this probability: true for
    /// `draw / 2^64 < num / den`, exactly.
    #[must_use]
    pub fn hit(self, draw: u64) -> bool {
        self.num != 0 && u128::from(draw) * u128::from(self.den) < u128::from(self.num) << 64
    }

    /// `span * num / den`, rounded down, saturating.
    #[must_use]
    pub fn scale(self, span: VirtualDuration) -> VirtualDuration {
        let scaled = u128::from(span.0) * u128::from(self.num) / u128::from(self.den);
        VirtualDuration(u64::try_from(scaled).unwrap_or(u64::MAX))
    }
}

/// How a node's own clock differs from virtual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClockSkew {
    /// Nanoseconds that the clock is ahead at the start of the run (negative: behind).
    pub offset_nanos: i64,
    /// Parts per million that the clock runs fast (negative: slow).
    pub drift_ppm: i32,
}

impl ClockSkew {
    /// A perfect clock.
    pub const NONE: Self = Self {
        offset_nanos: 0,
        drift_ppm: 0,
    };

    /// What a clock with this skew shows at `now`, never before zero.
    #[must_use]
    pub fn local(self, now: VirtualTime) -> VirtualTime {
        if self == Self::NONE {
            return now;
        }
        let now = i128::from(now.0);
        let drift = now * i128::from(self.drift_ppm) / 1_000_000;
        let local = (now + drift + i128::from(self.offset_nanos)).max(0);
        VirtualTime(u64::try_from(local).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_hits_exactly_its_share() {
        let half = Ratio::new(1, 2).expect("two is not zero");
        assert!(half.hit(0));
        assert!(half.hit((1 << 63) - 1));
        assert!(!half.hit(1 << 63));
        assert!(Ratio::ONE.hit(u64::MAX));
        assert!(!Ratio::ZERO.hit(0));
        assert!(Ratio::new(1, 0).is_none());
    }

    #[test]
    fn a_skewed_clock_drifts_and_never_shows_a_time_before_zero() {
        let fast = ClockSkew {
            offset_nanos: 5,
            drift_ppm: 1_000,
        };
        assert_eq!(
            fast.local(VirtualTime::from_secs(1)),
            VirtualTime(1_001_000_005)
        );
        let behind = ClockSkew {
            offset_nanos: -10,
            drift_ppm: 0,
        };
        assert_eq!(behind.local(VirtualTime(3)), VirtualTime::ZERO);
        assert_eq!(behind.local(VirtualTime(30)), VirtualTime(20));
        let slow = ClockSkew {
            offset_nanos: 0,
            drift_ppm: -500_000,
        };
        assert_eq!(slow.local(VirtualTime(100)), VirtualTime(50));
    }

    #[test]
    fn arithmetic_saturates_by_name() {
        assert_eq!(VirtualTime::MAX.checked_add(VirtualDuration(1)), None);
        assert_eq!(
            VirtualTime::MAX.saturating_add(VirtualDuration(1)),
            VirtualTime::MAX
        );
        assert_eq!(VirtualTime(3).since(VirtualTime(5)), VirtualDuration::ZERO);
        assert_eq!(
            Ratio::new(3, 2)
                .expect("not zero")
                .scale(VirtualDuration(5)),
            VirtualDuration(7)
        );
        assert_eq!(
            VirtualDuration::from_millis(1500).to_string(),
            "1.500000000s"
        );
    }
}
