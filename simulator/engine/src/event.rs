//! Events as drivers move them: a small header and what happens.

use std::cmp::Ordering;

use crate::ids::{ActorId, Key, Sequence};
use crate::time::{VirtualDuration, VirtualTime};

/// Something that happens to one node at one time. Events are ordered by their key alone. Hosts
/// carry them between partitions and do not look inside.
pub struct Event<M> {
    pub(crate) time: VirtualTime,
    pub(crate) seq: Sequence,
    pub(crate) src: ActorId,
    pub(crate) to: ActorId,
    pub(crate) kind: Kind<M>,
}

/// What happens.
pub(crate) enum Kind<M> {
    Message(M),
    Timer {
        token: u64,
        epoch: u32,
    },
    /// The service of an input ends.
    ServiceEnd {
        epoch: u32,
    },
    /// A crash wears off.
    Recovery {
        epoch: u32,
    },
    /// The environment acts.
    Start,
    ScriptedTimer {
        token: u64,
    },
    ArmCrash {
        outputs: u32,
        restart_after: VirtualDuration,
    },
    Crash,
    Restart,
    /// The event was taken out and handled.
    Taken,
}

impl<M> Event<M> {
    pub(crate) fn key(&self) -> Key {
        Key {
            time: self.time,
            src: self.src,
            seq: self.seq,
        }
    }

    pub(crate) fn is_message(&self) -> bool {
        matches!(self.kind, Kind::Message(_))
    }
}

impl<M> PartialEq for Event<M> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<M> Eq for Event<M> {}

impl<M> PartialOrd for Event<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M> Ord for Event<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
