//! Where two traces part.

use std::io::Read;

use crate::{
    format::Item,
    reader::{ReadError, Reader},
};

/// Which of two traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first.
    Left,
    /// The second.
    Right,
}

/// The first place where two traces differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// They are of other scenarios, seeds, plans or parties.
    Header,
    /// An entry.
    Item {
        /// How many entries came before it.
        number: u64,
        /// The entry of the first trace, if it has one there.
        left: Option<Item>,
        /// The entry of the second trace, if it has one there.
        right: Option<Item>,
    },
}

/// Finds the first place where two traces differ; `None` if they are the same.
///
/// # Errors
/// Which trace cannot be read up to there, and why.
pub fn first_difference<A: Read, B: Read>(
    mut left: Reader<A>,
    mut right: Reader<B>,
) -> Result<Option<Difference>, (Side, ReadError)> {
    if left.header() != right.header() {
        return Ok(Some(Difference::Header));
    }
    for number in 0.. {
        let one = left
            .next()
            .transpose()
            .map_err(|error| (Side::Left, error))?;
        let other = right
            .next()
            .transpose()
            .map_err(|error| (Side::Right, error))?;
        if one.is_none() && other.is_none() {
            break;
        }
        if one != other {
            return Ok(Some(Difference::Item {
                number,
                left: one,
                right: other,
            }));
        }
    }
    Ok(None)
}
