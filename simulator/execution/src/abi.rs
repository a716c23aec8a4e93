//! The canonical ABI, as core modules of wit-bindgen use it: how a value of the interface lies in the
//! memory of a guest, and how it is passed to functions.
//!
//! Types are data ([`Type`]), so one table of functions gives the linker its signatures, the inspector
//! its messages, and the tests their hostile arguments. A guest's bytes are never trusted: every
//! address, length, case and text is checked before anything is allocated for it.

mod lift;
mod lower;

pub(crate) use lift::{Lift, Malformed};
pub(crate) use lower::Lower;

use wasmi::ValType;

/// A type of the interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    Bool,
    U8,
    U16,
    U32,
    U64,
    /// A record of four words, the most significant bytes first: 32 bytes.
    Hash,
    /// A record of two words, the lower one first: 128 bits.
    Amount,
    /// `string`: UTF-8.
    Text,
    /// `list<u8>`.
    Bytes,
    List(&'static Self),
    Option(&'static Self),
    /// A record or a tuple. One with a single field is that field.
    Record(&'static [Self]),
    /// A variant, an enum or a result: the payload of each case, if it has one.
    Variant(&'static [Option<Self>]),
}

/// A value of the interface. Which kind it has follows from its type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Bool(bool),
    /// Of any width.
    Int(u64),
    Hash([u8; 32]),
    Amount(u128),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Option(Option<Box<Value>>),
    Record(Vec<Value>),
    Variant(u32, Option<Box<Value>>),
}

impl Value {
    /// What a value weighs at least on the host.
    pub(crate) const WEIGHT: u64 = 32;

    /// What it weighs on the host, about: its bytes, and something for every part.
    pub(crate) fn weight(&self) -> u64 {
        let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let inner = match self {
            Self::Bool(_) | Self::Int(_) | Self::Hash(_) | Self::Amount(_) => 0,
            Self::Text(text) => length(text.len()),
            Self::Bytes(bytes) => length(bytes.len()),
            Self::List(values) | Self::Record(values) => values.iter().map(Self::weight).sum(),
            Self::Option(value) | Self::Variant(_, value) => {
                value.as_deref().map_or(0, Self::weight)
            }
        };
        Self::WEIGHT + inner
    }
}

/// The most values that are passed as parameters themselves; more lie in memory.
const FLAT_PARAMS_MAX: usize = 16;
/// The most values that are returned themselves.
const FLAT_RESULTS_MAX: usize = 1;

impl Type {
    /// What its address is a multiple of.
    pub(crate) fn alignment(&self) -> u32 {
        match self {
            Self::Bool | Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 | Self::Text | Self::Bytes | Self::List(_) => 4,
            Self::U64 | Self::Hash | Self::Amount => 8,
            Self::Option(payload) => payload.alignment(),
            Self::Record(fields) => fields.iter().map(Self::alignment).max().unwrap_or(1),
            Self::Variant(cases) => payloads(cases)
                .map(Self::alignment)
                .max()
                .unwrap_or(1)
                .max(tag_size(cases.len())),
        }
    }

    /// How many bytes it takes, with what fills the end.
    pub(crate) fn size(&self) -> u32 {
        match self {
            Self::Bool | Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 => 4,
            Self::U64 | Self::Text | Self::Bytes | Self::List(_) => 8,
            Self::Amount => 16,
            Self::Hash => 32,
            Self::Option(payload) => {
                let end = self.payload_offset() + payload.size();
                align(end, self.alignment())
            }
            Self::Record(fields) => {
                let end = fields
                    .iter()
                    .fold(0, |end, field| align(end, field.alignment()) + field.size());
                align(end, self.alignment())
            }
            Self::Variant(cases) => {
                let largest = payloads(cases).map(Self::size).max().unwrap_or(0);
                align(self.payload_offset() + largest, self.alignment())
            }
        }
    }

    /// Where the payload of an option or a variant begins.
    fn payload_offset(&self) -> u32 {
        match self {
            Self::Option(payload) => align(1, payload.alignment()),
            Self::Variant(cases) => {
                let alignment = payloads(cases).map(Self::alignment).max().unwrap_or(1);
                align(tag_size(cases.len()), alignment)
            }
            Self::Bool
            | Self::U8
            | Self::U16
            | Self::U32
            | Self::U64
            | Self::Hash
            | Self::Amount
            | Self::Text
            | Self::Bytes
            | Self::List(_)
            | Self::Record(_) => unreachable!("has no payload"),
        }
    }

    /// The values that it is when it is passed and does not lie in memory.
    pub(crate) fn flat(&self) -> Vec<ValType> {
        match self {
            Self::Bool | Self::U8 | Self::U16 | Self::U32 => vec![ValType::I32],
            Self::U64 => vec![ValType::I64],
            Self::Hash => vec![ValType::I64; 4],
            Self::Amount => vec![ValType::I64; 2],
            Self::Text | Self::Bytes | Self::List(_) => vec![ValType::I32; 2],
            Self::Record(fields) => fields.iter().flat_map(Self::flat).collect(),
            Self::Option(payload) => with_tag(payload.flat()),
            Self::Variant(cases) => with_tag(
                payloads(cases)
                    .map(Self::flat)
                    .fold(Vec::new(), |joined, flat| join(&joined, &flat)),
            ),
        }
    }
}

fn with_tag(mut payload: Vec<ValType>) -> Vec<ValType> {
    payload.insert(0, ValType::I32);
    payload
}

/// The types that hold either of two payloads: the wider one at every place.
fn join(left: &[ValType], right: &[ValType]) -> Vec<ValType> {
    let longest = left.len().max(right.len());
    let wider = |index: usize| match (left.get(index), right.get(index)) {
        (Some(left), Some(right)) if left == right => *left,
        (Some(_), Some(_)) => ValType::I64,
        (Some(only), None) | (None, Some(only)) => *only,
        (None, None) => unreachable!("no longer than the longest"),
    };
    (0..longest).map(wider).collect()
}

fn payloads(cases: &'static [Option<Type>]) -> impl Iterator<Item = &'static Type> {
    cases.iter().flatten()
}

/// How many bytes say which of so many cases it is.
fn tag_size(cases: usize) -> u32 {
    assert!(cases <= 256, "the interface has no larger variants");
    1
}

const fn align(offset: u32, alignment: u32) -> u32 {
    offset.next_multiple_of(alignment)
}

/// The types of a function as a module sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Signature {
    pub(crate) params: Vec<ValType>,
    pub(crate) results: Vec<ValType>,
    /// Whether the parameters lie in memory, and their address is passed.
    pub(crate) params_in_memory: bool,
    /// Whether the result does not fit: an import is told where to put it, an export says where it is.
    pub(crate) result_in_memory: bool,
}

impl Signature {
    /// Of a function that modules import.
    pub(crate) fn of_import(params: &[Type], result: Option<Type>) -> Self {
        let mut signature = Self::of(params, result);
        if signature.result_in_memory {
            signature.params.push(ValType::I32);
            signature.results.clear();
        }
        signature
    }

    /// Of a function that modules export.
    pub(crate) fn of_export(params: &[Type], result: Option<Type>) -> Self {
        Self::of(params, result)
    }

    fn of(params: &[Type], result: Option<Type>) -> Self {
        let mut params: Vec<_> = params.iter().flat_map(Type::flat).collect();
        let params_in_memory = params.len() > FLAT_PARAMS_MAX;
        if params_in_memory {
            params = vec![ValType::I32];
        }
        let mut results = result.map_or_else(Vec::new, |result| result.flat());
        let result_in_memory = results.len() > FLAT_RESULTS_MAX;
        if result_in_memory {
            results = vec![ValType::I32];
        }
        Self {
            params,
            results,
            params_in_memory,
            result_in_memory,
        }
    }
}

#[cfg(test)]
mod tests;
