//! Quantities as people write them: text with a unit becomes an integer.
//!
//! Owns the parsers of durations, amounts, shares and rates, and the way such values are written
//! back. Invariant: nothing is rounded in silence; what the integer unit cannot hold is refused.
//! Knows nothing of scenarios.

use std::fmt;

use engine::{Ratio, VirtualDuration};
use protocol::Amount;

/// The longest span that a scenario can speak of: ten thousand hours.
pub(crate) const LONGEST_US: u64 = 10_000 * 3_600 * 1_000_000;

/// A rate in millionths of one event a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// The highest rate: a billion events a second.
    pub const MAX: Self = Self(1_000_000_000 * 1_000_000);

    /// So many millionths of an event a second; at most [`Rate::MAX`].
    pub const fn from_millionths_per_second(millionths: u64) -> Self {
        Self(if millionths > Self::MAX.0 {
            Self::MAX.0
        } else {
            millionths
        })
    }

    /// Millionths of an event a second.
    pub const fn millionths_per_second(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/s",
            Decimal {
                unscaled: u128::from(self.0),
                scale: 6
            }
        )
    }
}

/// Why a quantity could not be read: what is wrong, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnitError {
    pub(crate) message: String,
    pub(crate) help: String,
}

fn refuse<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, UnitError> {
    Err(UnitError {
        message: message.into(),
        help: help.into(),
    })
}

/// A decimal number without a sign: `unscaled / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) unscaled: u128,
    pub(crate) scale: u32,
}

impl Decimal {
    /// The number in units of `10^-scale`; `None` if it has more decimals or does not fit.
    pub(crate) fn at_scale(self, scale: u32) -> Option<u128> {
        if self.scale <= scale {
            return self
                .unscaled
                .checked_mul(10_u128.checked_pow(scale - self.scale)?);
        }
        let divisor = 10_u128.checked_pow(self.scale - scale)?;
        self.unscaled
            .is_multiple_of(divisor)
            .then(|| self.unscaled / divisor)
    }

    /// `self * factor`, if it is a whole number that fits.
    pub(crate) fn times(self, factor: u128) -> Option<u128> {
        let product = self.unscaled.checked_mul(factor)?;
        let divisor = 10_u128.checked_pow(self.scale)?;
        product.is_multiple_of(divisor).then(|| product / divisor)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divisor = 10_u128.pow(self.scale);
        let (whole, rest) = (self.unscaled / divisor, self.unscaled % divisor);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let width = usize::try_from(self.scale).expect("a scale is a small number");
        let digits = format!("{rest:0width$}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// Splits `12.5ms` into its number and what follows; `None` if it does not begin with a digit.
pub(crate) fn split_number(text: &str) -> Option<(Decimal, &str)> {
    let digits_end = |text: &str| {
        text.find(|letter: char| !letter.is_ascii_digit() && letter != '_')
            .unwrap_or(text.len())
    };
    if !text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let whole_end = digits_end(text);
    let mut digits: String = text[..whole_end].replace('_', "");
    let mut rest = &text[whole_end..];
    let mut scale = 0;
    if let Some(after_dot) = rest.strip_prefix('.') {
        let end = digits_end(after_dot);
        if after_dot.starts_with(|letter: char| letter.is_ascii_digit()) {
            let decimals = after_dot[..end].replace('_', "");
            scale = u32::try_from(decimals.len())
                .ok()
                .filter(|scale| *scale <= 30)?;
            digits.push_str(&decimals);
            rest = &after_dot[end..];
        }
    }
    let unscaled = digits.parse().ok()?;
    Some((Decimal { unscaled, scale }, rest))
}

/// A span of virtual time in whole microseconds, such as `50ms`.
pub(crate) fn micros(text: &str) -> Result<u64, UnitError> {
    const HELP: &str = "write a number and one unit of us, ms, s, m, h: \"50ms\", \"2s\"";
    let Some((number, unit)) = split_number(text) else {
        return refuse(format!("`{text}` is not a duration"), HELP);
    };
    let micros = match unit {
        "ns" if number.unscaled == 0 => Some(0),
        "ns" => number
            .times(1)
            .filter(|nanos| nanos % 1_000 == 0)
            .map(|nanos| nanos / 1_000),
        "us" => number.times(1),
        "ms" => number.times(1_000),
        "s" => number.times(1_000_000),
        "m" => number.times(60 * 1_000_000),
        "h" => number.times(3_600 * 1_000_000),
        "" => {
            return refuse(
                format!("`{text}` has no unit"),
                format!("write \"{text}ms\" or \"{text}s\""),
            );
        }
        _ => return refuse(format!("`{text}` is not a duration"), HELP),
    };
    match micros.map(u64::try_from) {
        Some(Ok(micros)) if micros <= LONGEST_US => Ok(micros),
        Some(_) => refuse(format!("`{text}` is too long"), "at most 10000h"),
        None => refuse(
            format!("`{text}` is not a whole number of microseconds"),
            "the shortest span is 1us",
        ),
    }
}

/// A span of virtual time for the engine.
pub(crate) fn duration(text: &str) -> Result<VirtualDuration, UnitError> {
    micros(text).map(VirtualDuration::from_micros)
}

/// A span of virtual time with a sign, in microseconds.
pub(crate) fn signed_micros(text: &str) -> Result<i64, UnitError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = i64::try_from(micros(digits)?).expect("the longest span fits");
    Ok(if negative { -size } else { size })
}

/// An amount of tokens with up to 18 decimals, such as `0.25`.
pub(crate) fn amount(text: &str) -> Result<Amount, UnitError> {
    const HELP: &str = "write tokens as a decimal number: \"10\" or \"0.25\"";
    match split_number(text) {
        Some((number, "")) => match number.at_scale(18) {
            Some(attos) => Ok(Amount::from_attos(attos)),
            None => refuse(
                format!("`{text}` is more than an amount can hold"),
                "at most 18 decimals and 340282366920938463463 tokens",
            ),
        },
        Some(_) | None => refuse(format!("`{text}` is not an amount"), HELP),
    }
}

/// A share such as `0.5%` or `1/200`, at most 100 %.
pub(crate) fn ratio(text: &str) -> Result<Ratio, UnitError> {
    const HELP: &str = "write a share as \"0.5%\" or \"1/200\"";
    let fraction = match split_number(text) {
        Some((number, "%")) => number
            .at_scale(7)
            .and_then(|num| u64::try_from(num).ok())
            .map(|num| (num, 1_000_000_000)),
        Some((num, rest)) if num.scale == 0 => {
            match rest.strip_prefix('/').and_then(split_number) {
                Some((den, "")) if den.scale == 0 => u64::try_from(num.unscaled)
                    .ok()
                    .zip(u64::try_from(den.unscaled).ok()),
                Some(_) | None => None,
            }
        }
        Some(_) | None => None,
    };
    let Some((num, den)) = fraction else {
        return refuse(format!("`{text}` is not a share"), HELP);
    };
    match reduced(num, den) {
        Some(ratio) if ratio.is_probability() => Ok(ratio),
        Some(_) => refuse(
            format!("`{text}` is more than all"),
            "a share is at most 100%",
        ),
        None => refuse(format!("`{text}` divides by zero"), HELP),
    }
}

fn reduced(num: u64, den: u64) -> Option<Ratio> {
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let divisor = a.max(1);
    Ratio::new(num / divisor, den / divisor)
}

/// A rate such as `40/s`.
pub(crate) fn rate(text: &str) -> Result<Rate, UnitError> {
    const HELP: &str = "write a number and one of /ms, /s, /m, /h: \"40/s\"";
    let Some((number, unit)) = split_number(text) else {
        return refuse(format!("`{text}` is not a rate"), HELP);
    };
    let (times, per) = match unit {
        "/ms" => (1_000_000_000, 1),
        "/s" => (1_000_000, 1),
        "/m" => (1_000_000, 60),
        "/h" => (1_000_000, 3_600),
        _ => return refuse(format!("`{text}` is not a rate"), HELP),
    };
    let millionths = number.times(times).map(|whole| (whole + per / 2) / per);
    match millionths.map(u64::try_from) {
        Some(Ok(millionths)) if millionths <= Rate::MAX.0 => Ok(Rate(millionths)),
        Some(_) => refuse(format!("`{text}` is too high"), "at most 1000000000/s"),
        None => refuse(format!("`{text}` is finer than 0.000001/s"), HELP),
    }
}

/// Microseconds in the largest unit that keeps them whole: `1500us`, `2s`.
pub(crate) fn write_micros(micros: u64) -> String {
    let units = [
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1_000),
    ];
    for (unit, size) in units {
        if micros >= size && micros.is_multiple_of(size) {
            return format!("{}{unit}", micros / size);
        }
    }
    if micros == 0 {
        "0s".to_owned()
    } else {
        format!("{micros}us")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_microseconds() {
        assert_eq!(micros("50ms"), Ok(50_000));
        assert_eq!(micros("1.5s"), Ok(1_500_000));
        assert_eq!(micros("1_500us"), Ok(1_500));
        assert_eq!(micros("2000ns"), Ok(2));
        assert_eq!(micros("0s"), Ok(0));
        assert_eq!(micros("10000h"), Ok(LONGEST_US));
        for wrong in [
            "", "5", "5 ms", "ms", "-5ms", "1.5us", "1500ns", "10001h", "5sec", "1..2s", "٣s",
        ] {
            assert!(micros(wrong).is_err(), "{wrong}");
        }
        assert_eq!(signed_micros("-300ms"), Ok(-300_000));
        assert_eq!(signed_micros("+2s"), Ok(2_000_000));
    }

    #[test]
    fn amounts_have_eighteen_decimals() {
        assert_eq!(amount("10"), Ok(Amount::from_tokens(10)));
        assert_eq!(
            amount("0.25").map(Amount::attos),
            Ok(250_000_000_000_000_000)
        );
        assert_eq!(amount("0.000000000000000001").map(Amount::attos), Ok(1));
        for wrong in [
            "",
            "1e3",
            "0.0000000000000000001",
            "340282366920938463464",
            "-1",
            "1 ",
        ] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_are_reduced_and_at_most_all() {
        assert_eq!(ratio("0.5%"), Ok(Ratio::new(1, 200).expect("not zero")));
        assert_eq!(ratio("1/3"), Ok(Ratio::new(1, 3).expect("not zero")));
        assert_eq!(ratio("0%").map(Ratio::is_zero), Ok(true));
        for wrong in ["101%", "2/1", "1/0", "5", "%", "1.5/2", "5 %"] {
            assert!(ratio(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_millionths_a_second() {
        assert_eq!(
            rate("40/s").map(Rate::millionths_per_second),
            Ok(40_000_000)
        );
        assert_eq!(rate("0.5/s").map(Rate::millionths_per_second), Ok(500_000));
        assert_eq!(rate("60/m").map(Rate::millionths_per_second), Ok(1_000_000));
        assert_eq!(
            rate("2/ms").map(Rate::millionths_per_second),
            Ok(2_000_000_000)
        );
        assert_eq!(
            rate("40/s").map(|rate| rate.to_string()),
            Ok("40/s".to_owned())
        );
        for wrong in ["40", "/s", "40/d", "2000000000/s", "0.0000001/s"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_reads_as_the_same() {
        for size in [
            0,
            1,
            999,
            1_000,
            1_500,
            60_000_000,
            90_000_000,
            3_600_000_000,
        ] {
            assert_eq!(micros(&write_micros(size)), Ok(size));
        }
    }
}
