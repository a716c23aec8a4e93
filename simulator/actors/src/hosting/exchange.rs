//! What partitions tell each other between windows: events that cross, the next window, and how
//! many records wait.
//!
//! Invariant: every decision that must be common to all is made from values exchanged here, so
//! all partitions make the same one. There are two of everything, used in turn: a partition can
//! be one window ahead of another, never two.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use engine::Node;
use engine::kernel::{Desk, Event};

use super::barrier::{Barrier, Poisoned};

pub(super) struct Exchange<M> {
    partitions: usize,
    barrier: Barrier,
    boards: [Vec<Notice>; 2],
    /// From the first partition to all, from the second to all, and so on.
    letters: [Vec<Mutex<Vec<Event<M>>>>; 2],
}

/// What a partition tells all others; on a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Notice {
    next_window: AtomicU64,
    records: AtomicU64,
}

/// What all partitions know after they met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agreed {
    /// The first window in which anything happens anywhere; [`u64::MAX`] if nothing does.
    pub(super) window: u64,
    /// How many records wait in all partitions.
    pub(super) records: u64,
}

impl<M> Exchange<M> {
    pub(super) fn new(partitions: usize) -> Self {
        let board = || {
            std::iter::repeat_with(Notice::default)
                .take(partitions)
                .collect()
        };
        let pairs = partitions * partitions;
        let letters = || {
            std::iter::repeat_with(|| Mutex::new(Vec::new()))
                .take(pairs)
                .collect()
        };
        Self {
            partitions,
            barrier: Barrier::new(partitions),
            boards: [board(), board()],
            letters: [letters(), letters()],
        }
    }

    /// Gives the run up: whoever waits is let go.
    pub(super) fn poison(&self) {
        self.barrier.poison();
    }

    /// Meets the other partitions for the `meeting`th time.
    pub(super) fn meet<N: Node<Message = M>>(
        &self,
        me: usize,
        meeting: u64,
        desk: &mut Desk<N>,
    ) -> Result<Agreed, Poisoned> {
        let next_window = desk.next_window();
        let records = u64::try_from(desk.records_waiting()).expect("lengths fit 64 bits");
        if self.partitions == 1 {
            return Ok(Agreed {
                window: next_window,
                records,
            });
        }
        let turn = usize::from(meeting % 2 == 1);
        let (board, letters) = (&self.boards[turn], &self.letters[turn]);
        board[me].next_window.store(next_window, Ordering::Release);
        board[me].records.store(records, Ordering::Release);
        let others = || (0..self.partitions).filter(|&other| other != me);
        for other in others() {
            let outbox = desk.outbox(other);
            if !outbox.is_empty() {
                let letter = &letters[me * self.partitions + other];
                let mut letter = letter.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::swap(&mut *letter, outbox);
            }
        }
        desk.outboxes_emptied();
        self.barrier.wait()?;
        for other in others() {
            let letter = &letters[other * self.partitions + me];
            desk.accept(&mut letter.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let windows = board
            .iter()
            .map(|notice| notice.next_window.load(Ordering::Acquire));
        let records = board
            .iter()
            .map(|notice| notice.records.load(Ordering::Acquire));
        Ok(Agreed {
            window: windows.min().unwrap_or(u64::MAX),
            records: records.sum(),
        })
    }
}
