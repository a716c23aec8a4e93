//! One content hash for everything: blake3 over a type tag and the canonical (BCS) encoding.
//!
//! The tag separates domains: equal bytes of two types never share a hash. Knows nothing of what
//! is hashed.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A value that has a content hash: its tag is part of what is hashed.
pub trait Hashable: Serialize {
    /// Domain of the hash, unique among all hashed types.
    const TAG: &'static str;
}

/// The hash of a value: 32 bytes, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CryptoHash([u8; 32]);

impl CryptoHash {
    /// The hash of `value` under its type's tag.
    pub fn of<T: Hashable>(value: &T) -> Self {
        let bytes = bcs::to_bytes(value).expect("hashed types have no unbounded or float parts");
        Self::of_bytes(T::TAG, &bytes)
    }

    /// The hash of `bytes` under `tag`.
    pub fn of_bytes(tag: &str, bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(tag.as_bytes());
        hasher.update(b"::");
        hasher.update(bytes);
        Self(*hasher.finalize().as_bytes())
    }

    /// The hash that has these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight bytes as a number: a fingerprint, not an identity.
    pub fn fingerprint(&self) -> u64 {
        let mut head = [0; 8];
        head.copy_from_slice(&self.0[..8]);
        u64::from_le_bytes(head)
    }
}

impl Ord for CryptoHash {
    /// Byte order. The first eight bytes nearly always decide, without a call.
    fn cmp(&self, other: &Self) -> Ordering {
        let head = |hash: &Self| {
            let mut head = [0; 8];
            head.copy_from_slice(&hash.0[..8]);
            u64::from_be_bytes(head)
        };
        head(self)
            .cmp(&head(other))
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for CryptoHash {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for CryptoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CryptoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 hexadecimal digits")]
pub struct ParseHashError;

impl FromStr for CryptoHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(ParseHashError);
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let pair = &text[2 * index..2 * index + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ParseHashError)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for CryptoHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            // As one byte string: a tuple would cost a call for each of its bytes.
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for CryptoHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?
                .parse()
                .map_err(D::Error::custom)
        } else {
            let bytes = <&[u8]>::deserialize(deserializer)?;
            bytes
                .try_into()
                .map(Self)
                .map_err(|_| D::Error::custom("a hash is 32 bytes"))
        }
    }
}

/// How many bytes the canonical encoding of a value has, without making it.
///
/// # Panics
/// If the value has no canonical encoding; all that is signed has one.
pub fn encoded_size<T: Serialize>(value: &T) -> u64 {
    let size = bcs::serialized_size(value).expect("what is signed encodes");
    u64::try_from(size).expect("a size has at most 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct One(u64);
    impl Hashable for One {
        const TAG: &'static str = "One";
    }
    #[derive(Serialize)]
    struct Two(u64);
    impl Hashable for Two {
        const TAG: &'static str = "Two";
    }

    #[test]
    fn tags_separate_domains() {
        assert_ne!(CryptoHash::of(&One(7)), CryptoHash::of(&Two(7)));
        assert_eq!(CryptoHash::of(&One(7)), CryptoHash::of(&One(7)));
    }

    #[test]
    fn text_round_trips() {
        let hash = CryptoHash::of(&One(7));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("xyz".parse::<CryptoHash>(), Err(ParseHashError));
    }
}
