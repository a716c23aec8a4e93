//! Distributions as a scenario states them, and their way into integer tables.
//!
//! Floats live here and nowhere else: only `+ - * /`, square roots and `libm`, which give the
//! same bits on every platform. What leaves this module is integer.

use std::error::Error;
use std::fmt;

use crate::quantiles::QuantileTable;
use crate::time::{Ratio, VirtualDuration};

/// A distribution of spans of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Always the same.
    Constant(VirtualDuration),
    /// Evenly between two values.
    Uniform {
        /// The smallest value.
        min: VirtualDuration,
        /// The largest value.
        max: VirtualDuration,
    },
    /// Exponential: waiting times of a memoryless process.
    Exp {
        /// The mean.
        mean: VirtualDuration,
    },
    /// Normal, cut off at zero.
    Normal {
        /// The mean.
        mean: VirtualDuration,
        /// The standard deviation.
        sd: VirtualDuration,
    },
    /// Log-normal, given by two of its percentiles.
    LogNormal {
        /// Half of the values lie below.
        median: VirtualDuration,
        /// 99 of 100 values lie below.
        p99: VirtualDuration,
    },
    /// Pareto: heavy tailed.
    Pareto {
        /// The smallest value.
        min: VirtualDuration,
        /// The exponent: the smaller, the heavier the tail.
        alpha: Ratio,
    },
    /// Measured values, interpolated between neighbours.
    Empirical(Vec<VirtualDuration>),
    /// One of several distributions, each as often as its weight says.
    Mix(Vec<(u32, Distribution)>),
}

/// Why a distribution has no table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistributionError {
    /// `max` lies below `min`, or `p99` below `median`.
    Unordered,
    /// The median of a log-normal is zero.
    ZeroMedian,
    /// The exponent of a Pareto is zero.
    ZeroAlpha,
    /// There are no measured values.
    NoValues,
    /// A mix has no part with a positive weight.
    NoWeights,
}

impl fmt::Display for DistributionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unordered => "the upper value lies below the lower one",
            Self::ZeroMedian => "the median must be positive",
            Self::ZeroAlpha => "alpha must be positive",
            Self::NoValues => "at least one measured value is needed",
            Self::NoWeights => "at least one weight must be positive",
        })
    }
}

impl Error for DistributionError {}

impl Distribution {
    /// The table that a run samples from.
    ///
    /// # Errors
    /// If the parameters describe no distribution.
    pub fn table(&self) -> Result<QuantileTable, DistributionError> {
        match self {
            Self::Constant(value) => Ok(QuantileTable::constant(*value)),
            Self::Uniform { min, max } => uniform(*min, *max),
            Self::Exp { mean } => {
                let mean = float(mean.0);
                Ok(table(|p| -mean * libm::log1p(-p)))
            }
            Self::Normal { mean, sd } => {
                let (mean, sd) = (float(mean.0), float(sd.0));
                Ok(table(|p| mean + sd * normal_quantile(p)))
            }
            Self::LogNormal { median, p99 } => log_normal(*median, *p99),
            Self::Pareto { min, alpha } => pareto(*min, *alpha),
            Self::Empirical(values) => empirical(values.iter().map(|value| (value.0, 1)).collect()),
            Self::Mix(parts) => mix(parts),
        }
    }
}

fn uniform(min: VirtualDuration, max: VirtualDuration) -> Result<QuantileTable, DistributionError> {
    let width = max
        .0
        .checked_sub(min.0)
        .ok_or(DistributionError::Unordered)?;
    Ok(QuantileTable::from_quantiles(|num, den| {
        // Here the ends are known, so the half cells that keep others from infinity go.
        let num = if num == 1 { 0 } else { num };
        let num = if num + 1 == den { den } else { num };
        let step = u128::from(width) * u128::from(num) / u128::from(den);
        min.0 + u64::try_from(step).expect("a fraction of the width fits")
    }))
}

fn log_normal(
    median: VirtualDuration,
    p99: VirtualDuration,
) -> Result<QuantileTable, DistributionError> {
    if median.is_zero() {
        return Err(DistributionError::ZeroMedian);
    }
    if p99 < median {
        return Err(DistributionError::Unordered);
    }
    let mu = libm::log(float(median.0));
    let sigma = (libm::log(float(p99.0)) - mu) / normal_quantile(0.99);
    Ok(table(|p| libm::exp(mu + sigma * normal_quantile(p))))
}

fn pareto(min: VirtualDuration, alpha: Ratio) -> Result<QuantileTable, DistributionError> {
    if alpha.is_zero() {
        return Err(DistributionError::ZeroAlpha);
    }
    let min = float(min.0);
    let exponent = -float(alpha.den()) / float(alpha.num());
    Ok(table(|p| min * libm::pow(1.0 - p, exponent)))
}

/// The table of weighted values, linear between the middles of neighbours' shares.
fn empirical(mut values: Vec<(u64, u64)>) -> Result<QuantileTable, DistributionError> {
    if values.is_empty() {
        return Err(DistributionError::NoValues);
    }
    values.sort_unstable();
    let total: u64 = values.iter().map(|&(_, weight)| weight).sum();
    // Twice the weight below the middle of each value's own share.
    let mut below = 0;
    let middles: Vec<u128> = values
        .iter()
        .map(|&(_, weight)| {
            let middle = 2 * below + weight;
            below += weight;
            u128::from(middle)
        })
        .collect();
    Ok(QuantileTable::from_quantiles(|num, den| {
        // Positions are compared as multiples of 1 / (2 * total * den).
        let position = 2 * u128::from(total) * u128::from(num);
        let den = u128::from(den);
        let next = middles.partition_point(|&middle| middle * den <= position);
        if next == 0 {
            return values[0].0;
        }
        if next == values.len() {
            return values[next - 1].0;
        }
        let (low, high) = (values[next - 1].0, values[next].0);
        let span = (middles[next] - middles[next - 1]) * den;
        let into = position - middles[next - 1] * den;
        low + u64::try_from(u128::from(high - low) * into / span).expect("a fraction fits")
    }))
}

fn mix(parts: &[(u32, Distribution)]) -> Result<QuantileTable, DistributionError> {
    const POINTS: u64 = 1 << 16;
    const SHARE_BITS: u32 = 40;
    let total: u64 = parts.iter().map(|&(weight, _)| u64::from(weight)).sum();
    if total == 0 {
        return Err(DistributionError::NoWeights);
    }
    let mut points = Vec::new();
    for (weight, part) in parts.iter().filter(|(weight, _)| *weight > 0) {
        let table = part.table()?;
        let weight = u64::from(*weight);
        let count = (POINTS * weight / total).max(1);
        // Every part keeps its share, however the points divide.
        let share = (u128::from(weight) << SHARE_BITS) / u128::from(total * count);
        let share = u64::try_from(share).expect("a share of 2^40 fits");
        for point in 0..count {
            let middle = (u128::from(2 * point + 1) << 63) / u128::from(count);
            let draw = u64::try_from(middle).expect("the middle of a cell lies below 2^64");
            points.push((table.at(draw).0, share));
        }
    }
    empirical(points)
}

fn table(quantile: impl Fn(f64) -> f64) -> QuantileTable {
    QuantileTable::from_quantiles(|num, den| nanos(quantile(f64::from(num) / f64::from(den))))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "parameters need no more than 53 bits"
)]
fn float(value: u64) -> f64 {
    value as f64
}

/// The nearest whole nanosecond; negative values and those beyond `u64` saturate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float-to-integer cast saturates, which is what is wanted"
)]
fn nanos(value: f64) -> u64 {
    libm::round(value.max(0.0)) as u64
}

/// The inverse of the standard normal distribution function, to about 1e-9 relative error:
/// P. J. Acklam's rational approximation, refined by one Halley step over `libm::erfc`.
fn normal_quantile(p: f64) -> f64 {
    let estimate = normal_quantile_estimate(p);
    let error = 0.5 * libm::erfc(-estimate / std::f64::consts::SQRT_2) - p;
    let step =
        error * libm::sqrt(2.0 * std::f64::consts::PI) * libm::exp(estimate * estimate / 2.0);
    estimate - step / (1.0 + estimate * step / 2.0)
}

fn normal_quantile_estimate(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    const TAIL: f64 = 0.024_25;
    let horner = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    if p < TAIL {
        let q = libm::sqrt(-2.0 * libm::log(p));
        horner(&C, q) / horner(&D, q)
    } else if p > 1.0 - TAIL {
        let q = libm::sqrt(-2.0 * libm::log1p(-p));
        -horner(&C, q) / horner(&D, q)
    } else {
        let q = p - 0.5;
        let r = q * q;
        q * horner(&A, r) / horner(&B, r)
    }
}

#[cfg(test)]
mod tests;
