//! Records with their place in the run's one order, and the sink that takes them.
//!
//! Invariant: a sink sees records in the order (time, actor, index), whatever drove the run; how
//! they are cut into batches means nothing.

use crate::digest::Chain;
use crate::ids::ActorId;
use crate::node::Record;
use crate::outcome::CheckpointView;
use crate::time::VirtualTime;

/// A record and its place in the order of all records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped<R> {
    /// When it was made: the start of service of the input that made it.
    pub time: VirtualTime,
    /// Who made it.
    pub actor: ActorId,
    /// Which of this actor's records it is, counted from 0.
    pub index: u64,
    /// What it says.
    pub record: R,
}

impl<R> Stamped<R> {
    /// What records are ordered by.
    #[must_use]
    pub fn order(&self) -> (VirtualTime, ActorId, u64) {
        (self.time, self.actor, self.index)
    }
}

/// Whether a run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Continue,
    /// It ends here, for this reason.
    Stop(String),
}

/// Takes what a run leaves behind, while it runs.
pub trait Sink<R> {
    /// Whether records are wanted at all. They count for the digest in any case.
    fn wants_records(&self) -> bool {
        true
    }

    /// The next records in order. What is left in the vector is dropped.
    fn window(&mut self, records: &mut Vec<Stamped<R>>);

    /// All records before this checkpoint's time have been given.
    fn checkpoint(&mut self, checkpoint: &CheckpointView<'_>) -> Flow;
}

/// Takes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullSink;

impl<R> Sink<R> for NullSink {
    fn wants_records(&self) -> bool {
        false
    }

    fn window(&mut self, _records: &mut Vec<Stamped<R>>) {}

    fn checkpoint(&mut self, _checkpoint: &CheckpointView<'_>) -> Flow {
        Flow::Continue
    }
}

/// Records on their way to the sink.
pub(crate) struct RecordLog<R> {
    keep: bool,
    pub(crate) items: Vec<Stamped<R>>,
}

impl<R: Record> RecordLog<R> {
    pub(crate) fn new(keep: bool) -> Self {
        Self {
            keep,
            items: Vec::new(),
        }
    }

    pub(crate) fn push(
        &mut self,
        time: VirtualTime,
        actor: ActorId,
        next_index: &mut u64,
        chain: &mut Chain,
        record: R,
    ) {
        chain.recorded(record.fingerprint());
        let index = *next_index;
        *next_index += 1;
        if self.keep {
            self.items.push(Stamped {
                time,
                actor,
                index,
                record,
            });
        }
    }
}
