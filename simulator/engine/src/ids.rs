//! Names of things in a world: actors, latency groups, sites; and the total order of events.

use std::fmt;

use crate::time::VirtualTime;

/// A node of the world. Nodes are numbered from 1 in the order in which the world lists them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId(pub u32);

impl ActorId {
    /// The source of scripted inputs. It is only ever a source: nothing can be sent to it.
    pub const ENVIRONMENT: Self = Self(0);

    /// The node's place in the world's list, or `None` for the environment.
    #[must_use]
    pub fn index(self) -> Option<usize> {
        self.0
            .checked_sub(1)
            .and_then(|index| usize::try_from(index).ok())
    }

    /// The identifier of the node at `index` of the world's list.
    ///
    /// # Panics
    /// If there are more nodes than 32 bits can number.
    #[must_use]
    pub fn from_index(index: usize) -> Self {
        let index = u32::try_from(index).expect("worlds have fewer than 2^32 nodes");
        Self(
            index
                .checked_add(1)
                .expect("worlds have fewer than 2^32 nodes"),
        )
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A latency group: its members reach each other in any positive time, others need at least the
/// network's floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

/// A region: the latency between groups depends on the sites of the two ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(pub u16);

/// A number that orders what one source emits, and tells copies and the kernel's own events apart.
///
/// An emission has an even value, twice its number; a duplicate made by the network has the odd
/// value after it and so consumes no number. Restarts and ends of service, which the kernel
/// schedules for a node, lie above every emission and consume none either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    const KERNEL: u64 = 1 << 63;
    const RESTART: u64 = 1 << 62;

    /// The sequence of the emission with this number.
    #[must_use]
    pub const fn emission(number: u64) -> Self {
        Self(number << 1)
    }

    /// The sequence of the network's extra copy of this emission.
    #[must_use]
    pub const fn copy(self) -> Self {
        Self(self.0 | 1)
    }

    pub(crate) const fn service(number: u64) -> Self {
        Self(Self::KERNEL | number)
    }

    pub(crate) const fn restart(epoch: u32) -> Self {
        // Widening, which `From` cannot do in a constant function.
        Self(Self::KERNEL | Self::RESTART | epoch as u64)
    }

    /// The value as it is compared and hashed.
    #[must_use]
    pub const fn raw(self) -> u64 {
        self.0
    }
}

/// The total order of events: nothing else orders anything.
///
/// Equal times go to the lower source, and then to what that source emitted first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// When the event happens.
    pub time: VirtualTime,
    /// Who caused it.
    pub src: ActorId,
    /// Which of that source's emissions it is.
    pub seq: Sequence,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_by_time_then_source_then_sequence_and_copies_follow_their_original() {
        let key = |time, src, seq| Key {
            time: VirtualTime(time),
            src: ActorId(src),
            seq,
        };
        let first = Sequence::emission(0);
        let second = Sequence::emission(1);
        let sorted = [
            key(1, 9, second),
            key(2, 1, first),
            key(2, 1, first.copy()),
            key(2, 1, second),
            key(2, 1, Sequence::service(0)),
            key(2, 1, Sequence::restart(0)),
            key(2, 2, first),
        ];
        assert!(sorted.is_sorted());
    }

    #[test]
    fn the_environment_has_no_place_in_the_list_of_nodes() {
        assert_eq!(ActorId::ENVIRONMENT.index(), None);
        assert_eq!(ActorId::from_index(0), ActorId(1));
        assert_eq!(ActorId(7).index(), Some(6));
    }
}
