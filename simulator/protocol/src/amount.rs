//! Native-token amounts: whole numbers of attos, 10^18 to a token. Arithmetic is checked.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An amount of the native token, in attos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(u128::MAX);
    /// Attos in one token.
    pub const ATTOS_PER_TOKEN: u128 = 1_000_000_000_000_000_000;
    /// Decimals of a token.
    const DECIMALS: usize = 18;

    /// An amount of `attos`.
    pub const fn from_attos(attos: u128) -> Self {
        Self(attos)
    }

    /// An amount of whole `tokens`.
    pub const fn from_tokens(tokens: u64) -> Self {
        Self(tokens as u128 * Self::ATTOS_PER_TOKEN)
    }

    /// Number of attos.
    pub const fn attos(self) -> u128 {
        self.0
    }

    /// The sum, unless it overflows.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, unless `other` is larger.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The sum, or the largest amount.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// So many times this, or the largest amount.
    pub fn saturating_mul(self, count: u64) -> Self {
        Self(self.0.saturating_mul(u128::from(count)))
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tokens, attos) = (
            self.0 / Self::ATTOS_PER_TOKEN,
            self.0 % Self::ATTOS_PER_TOKEN,
        );
        if attos == 0 {
            return write!(f, "{tokens}");
        }
        let digits = format!("{attos:0width$}", width = Self::DECIMALS);
        write!(f, "{tokens}.{}", digits.trim_end_matches('0'))
    }
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    /// Something other than digits and one point.
    #[error("an amount is digits with at most one point, such as 10 or 0.25")]
    Malformed,
    /// More than 18 digits after the point.
    #[error("an amount has at most 18 digits after the point")]
    TooPrecise,
    /// More than 2^128 - 1 attos.
    #[error("the amount is too large")]
    TooLarge,
}

impl FromStr for Amount {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Self, ParseAmountError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(ParseAmountError::Malformed);
        }
        if fraction.len() > Self::DECIMALS {
            return Err(ParseAmountError::TooPrecise);
        }
        let tokens: u128 = whole.parse().map_err(|_| ParseAmountError::TooLarge)?;
        let attos: u128 = format!("{fraction:0<width$}", width = Self::DECIMALS)
            .parse()
            .expect("at most 18 digits");
        tokens
            .checked_mul(Self::ATTOS_PER_TOKEN)
            .and_then(|whole| whole.checked_add(attos))
            .map(Self)
            .ok_or(ParseAmountError::TooLarge)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?
                .parse()
                .map_err(D::Error::custom)
        } else {
            Ok(Self(u128::deserialize(deserializer)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in [
            "0",
            "10",
            "0.25",
            "340282366920938463463.374607431768211455",
        ] {
            assert_eq!(
                text.parse::<Amount>().map(|a| a.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn bad_text_is_refused() {
        assert_eq!("1e3".parse::<Amount>(), Err(ParseAmountError::Malformed));
        assert_eq!("1.".parse::<Amount>(), Err(ParseAmountError::Malformed));
        assert_eq!(
            "0.0000000000000000001".parse::<Amount>(),
            Err(ParseAmountError::TooPrecise)
        );
        assert_eq!(
            "340282366920938463464".parse::<Amount>(),
            Err(ParseAmountError::TooLarge)
        );
    }
}
