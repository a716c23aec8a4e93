//! The time axis: virtual microseconds to tenths of a pixel, and its ticks.
//!
//! Invariant: monotonic and integer. Linear throughout unless idle stretches were asked to be
//! squeezed; a squeezed stretch is listed, so that it can be marked.

use crate::text::{Dp, fixed};

/// A piecewise linear map from time to position.
#[derive(Clone, Debug)]
pub(crate) struct TimeAxis {
    /// (time, position), strictly increasing in both.
    knots: Vec<(i64, Dp)>,
    /// Positions of squeezed stretches and what they leave out.
    pub(crate) breaks: Vec<(Dp, i64)>,
}

/// A labelled instant of the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) x: Dp,
    pub(crate) label: String,
}

/// Width of a squeezed stretch.
const BREAK: Dp = 240;

impl TimeAxis {
    pub(crate) fn linear(from_us: i64, to_us: i64, left: Dp, right: Dp) -> Self {
        let to_us = to_us.max(from_us + 1);
        Self {
            knots: vec![(from_us, left), (to_us, right)],
            breaks: Vec::new(),
        }
    }

    /// Squeezes the given idle stretches (sorted, disjoint) to a fixed width each.
    pub(crate) fn squeezed(from: i64, to: i64, left: Dp, right: Dp, idle: &[(i64, i64)]) -> Self {
        let busy = (to - from - idle.iter().map(|(a, b)| b - a).sum::<i64>()).max(1);
        let stretches = i64::try_from(idle.len()).unwrap_or(0);
        let room = (right - left - BREAK * stretches).max(1_000);
        let mut axis = Self {
            knots: vec![(from, left)],
            breaks: Vec::new(),
        };
        let (mut at, mut used) = (from, 0);
        for (position, (start, end)) in idle.iter().enumerate() {
            used += start - at;
            let squeezed = BREAK * i64::try_from(position).unwrap_or(0);
            let x = left + scaled(used, room, busy) + squeezed;
            axis.push(*start, x);
            axis.push(*end, x + BREAK);
            axis.breaks.push((x + BREAK / 2, end - start));
            at = *end;
        }
        axis.push(to.max(at + 1), right);
        axis
    }

    fn push(&mut self, time: i64, x: Dp) {
        if self.knots.last().is_none_or(|last| last.0 < time) {
            self.knots.push((time, x));
        }
    }

    /// Position of an instant; instants outside are put at the ends.
    pub(crate) fn x(&self, us: i64) -> Dp {
        let after = self.knots.partition_point(|knot| knot.0 <= us);
        let Some((t0, x0)) = after
            .checked_sub(1)
            .and_then(|i| self.knots.get(i))
            .copied()
        else {
            return self.left();
        };
        self.knots
            .get(after)
            .map_or(x0, |(t1, x1)| x0 + scaled(us - t0, x1 - x0, t1 - t0))
    }

    pub(crate) fn left(&self) -> Dp {
        self.knots.first().map_or(0, |knot| knot.1)
    }

    pub(crate) fn right(&self) -> Dp {
        self.knots.last().map_or(0, |knot| knot.1)
    }

    fn span(&self) -> (i64, i64) {
        (
            self.knots.first().map_or(0, |k| k.0),
            self.knots.last().map_or(1, |k| k.0),
        )
    }

    /// Unit and ticks, at least `apart` from each other.
    pub(crate) fn ticks(&self, apart: Dp) -> (&'static str, Vec<Tick>) {
        let (from, to) = self.span();
        let wanted = ((self.right() - self.left()) / apart.max(1)).max(1);
        let squeezed: i64 = self.breaks.iter().map(|(_, us)| us).sum();
        let step = nice_step((to - from - squeezed).max(1), wanted);
        let (unit, decimals) = unit_of(from.abs().max(to));
        let mut ticks: Vec<Tick> = Vec::new();
        let mut at = from.div_euclid(step) * step;
        while at <= to {
            let x = self.x(at);
            let inside = self
                .breaks
                .iter()
                .all(|(middle, _)| (x - middle).abs() >= BREAK / 2);
            let clear = ticks
                .last()
                .is_none_or(|last: &Tick| x - last.x >= apart * 2 / 3);
            if at >= from && inside && clear {
                ticks.push(Tick {
                    x,
                    label: scaled_label(at, decimals),
                });
            }
            at += step;
        }
        (unit, ticks)
    }
}

/// Unit for times up to `us`, and its decimal exponent over microseconds.
pub(crate) fn unit_of(us: i64) -> (&'static str, u32) {
    match us {
        i64::MIN..10_000 => ("µs", 0),
        10_000..10_000_000 => ("ms", 3),
        _ => ("s", 6),
    }
}

/// A value divided by a power of ten, as text.
pub(crate) fn scaled_label(value: i64, decimals: u32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!(
        "{sign}{}",
        fixed(u128::from(value.unsigned_abs()), decimals)
    )
}

/// The smallest step of 1, 2 or 5 times a power of ten that cuts `span` in at most `wanted` parts.
pub(crate) fn nice_step(span: i64, wanted: i64) -> i64 {
    let least = span.max(1).div_euclid(wanted.max(1)).max(1);
    let mut power = 1_i64;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step >= least && span / step <= wanted {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// `value * to / of` without overflow.
pub(crate) fn scaled(value: i64, to: i64, of: i64) -> i64 {
    let of = i128::from(of.max(1));
    i64::try_from(i128::from(value) * i128::from(to) / of).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = TimeAxis::linear(0, 1_000_000, 860, 10_960);
        let (unit, ticks) = axis.ticks(900);
        assert_eq!(unit, "ms");
        let labels: Vec<&str> = ticks.iter().map(|t| t.label.as_str()).collect();
        assert_eq!(labels[..3], ["0", "100", "200"]);
        assert_eq!(ticks.last().map(|t| t.x), Some(10_960));
    }

    #[test]
    fn a_squeezed_axis_stays_monotonic_and_ends_where_it_should() {
        let axis = TimeAxis::squeezed(0, 10_000, 0, 10_000, &[(1_000, 8_000), (8_500, 9_900)]);
        let positions: Vec<Dp> = (0..=100).map(|n| axis.x(n * 100)).collect();
        assert!(positions.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!((positions[0], positions[100]), (0, 10_000));
        assert_eq!(axis.breaks.len(), 2);
    }
}
