//! Indices into a plan, and sets of chains.
//!
//! Invariant: an index was made for a vector that has it; a [`ChainSet`] holds ascending, disjoint,
//! non-empty ranges, so that 100,000 chains of one group cost sixteen bytes.

use std::ops::Range;

/// Defines an index: a private `u32`, `new`, `get`, and its position in a vector.
macro_rules! index_type {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The index `index`, from 0.
            pub const fn new(index: u32) -> Self {
                Self(index)
            }

            /// The index as a number, from 0.
            pub const fn get(self) -> u32 {
                self.0
            }

            /// The position in a vector.
            pub fn position(self) -> usize {
                usize::try_from(self.0).expect("a usize has at least 32 bits here")
            }

            /// The index of a position in a vector.
            ///
            /// # Panics
            /// If the position is 2^32 or more.
            pub fn at(position: usize) -> Self {
                Self(u32::try_from(position).expect("the checker bounds every count"))
            }
        }
    };
}

index_type!(
    /// A chain, in [`Plan::chains`](crate::Plan::chains).
    ChainIndex
);
index_type!(
    /// A group of chains, in [`Plan::groups`](crate::Plan::groups).
    GroupIndex
);
index_type!(
    /// An owner, in [`Plan::owners`](crate::Plan::owners).
    OwnerIndex
);
index_type!(
    /// A validator, in [`Plan::validators`](crate::Plan::validators).
    ValidatorIndex
);
index_type!(
    /// A worker of one validator: 0 is `w1`.
    WorkerIndex
);
index_type!(
    /// A region, in [`Plan::regions`](crate::Plan::regions).
    RegionIndex
);
index_type!(
    /// An application, in [`Plan::applications`](crate::Plan::applications).
    ApplicationIndex
);
index_type!(
    /// A fault, in [`Plan::faults`](crate::Plan::faults).
    FaultIndex
);

/// A set of chains, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainSet {
    ranges: Vec<(u32, u32)>,
    len: u32,
}

impl ChainSet {
    /// The chains of all `ranges` together; they may overlap and come in any order.
    pub fn new(ranges: impl IntoIterator<Item = Range<u32>>) -> Self {
        let mut given: Vec<(u32, u32)> = ranges
            .into_iter()
            .filter(|range| range.start < range.end)
            .map(|range| (range.start, range.end))
            .collect();
        given.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for (start, end) in given {
            match ranges.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                Some(_) | None => ranges.push((start, end)),
            }
        }
        let len = ranges.iter().map(|(start, end)| end - start).sum();
        Self { ranges, len }
    }

    /// The chains of one range.
    pub fn range(range: Range<u32>) -> Self {
        Self::new(std::iter::once(range))
    }

    /// One chain.
    pub fn one(chain: ChainIndex) -> Self {
        Self {
            ranges: vec![(chain.0, chain.0 + 1)],
            len: 1,
        }
    }

    /// How many chains.
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The chain number `position` of the set, from 0.
    pub fn get(&self, position: u32) -> Option<ChainIndex> {
        let mut rest = position;
        for (start, end) in &self.ranges {
            let width = end - start;
            if rest < width {
                return Some(ChainIndex(start + rest));
            }
            rest -= width;
        }
        None
    }

    /// The number of `chain` in the set, if it is in it.
    pub fn position(&self, chain: ChainIndex) -> Option<u32> {
        let mut before = 0;
        for (start, end) in &self.ranges {
            if (*start..*end).contains(&chain.0) {
                return Some(before + chain.0 - start);
            }
            before += end - start;
        }
        None
    }

    /// Whether `chain` is in the set.
    pub fn contains(&self, chain: ChainIndex) -> bool {
        self.position(chain).is_some()
    }

    /// The chains, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ChainIndex> + '_ {
        self.ranges
            .iter()
            .flat_map(|(start, end)| (*start..*end).map(ChainIndex))
    }

    /// The only chain, if there is just one.
    pub fn only(&self) -> Option<ChainIndex> {
        if self.len == 1 { self.get(0) } else { None }
    }

    /// The first `count` chains.
    pub fn first(&self, count: u32) -> Self {
        let mut rest = count;
        Self::new(self.ranges.iter().map_while(|(start, end)| {
            let taken = rest.min(end - start);
            rest -= taken;
            (taken > 0).then_some(*start..start + taken)
        }))
    }

    /// The chains of both sets.
    pub fn union(&self, other: &Self) -> Self {
        Self::new(
            self.ranges
                .iter()
                .chain(&other.ranges)
                .map(|(start, end)| *start..*end),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_merge_and_count() {
        let set = ChainSet::new([5..8, 0..2, 7..9, 4..4]);
        assert_eq!(set.len(), 6);
        let all: Vec<u32> = set.iter().map(ChainIndex::get).collect();
        assert_eq!(all, [0, 1, 5, 6, 7, 8]);
        for (number, chain) in (0..).zip(set.iter()) {
            assert_eq!(set.get(number), Some(chain));
            assert_eq!(set.position(chain), Some(number));
        }
        assert_eq!(set.get(6), None);
        assert!(!set.contains(ChainIndex::new(3)));
        assert_eq!(set.first(3), ChainSet::new([0..2, 5..6]));
        assert_eq!(
            set.union(&ChainSet::one(ChainIndex::new(2))),
            ChainSet::new([0..3, 5..9])
        );
    }
}
