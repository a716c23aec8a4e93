//! Money that is lost for good: in bounces that were rejected or jumped over, and in other messages
//! that do not come back. The rules allow it, so it is a warning and no violation.

use engine::VirtualTime;
use protocol::{Amount, block::Block};

use super::Stamp;
use crate::registry::ChainNo;

/// Events that are kept; more are counted.
const KEPT: usize = 100;

/// A block has lost money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    /// When its certificate was formed.
    pub(crate) time: VirtualTime,
    /// Its chain.
    pub(crate) chain: Option<ChainNo>,
    /// Its height.
    pub(crate) height: u64,
    /// In messages that it rejects, in attos.
    pub(crate) rejected: u128,
    /// In messages that it jumps over, in attos.
    pub(crate) skipped: u128,
}

/// All losses of a run.
#[derive(Debug, Default)]
pub(crate) struct Drops {
    losses: Vec<Loss>,
    more: u64,
}

impl Drops {
    /// A block rejects and jumps over messages that held so much.
    pub(super) fn note(&mut self, stamp: Stamp, block: &Block, (rejected, skipped): (u128, u128)) {
        if rejected == 0 && skipped == 0 {
            return;
        }
        if self.losses.len() == KEPT {
            self.more += 1;
            return;
        }
        self.losses.push(Loss {
            time: stamp.time,
            chain: stamp.chain,
            height: block.height().0,
            rejected,
            skipped,
        });
    }

    /// The first of them, in order.
    pub(crate) fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// How many there were beyond those.
    pub(crate) const fn more(&self) -> u64 {
        self.more
    }
}

impl Loss {
    /// What is lost how, such as `block 2 rejects 10 that nobody gets back`.
    pub(crate) fn text(&self) -> String {
        let parts = [("rejects", self.rejected), ("jumps over", self.skipped)];
        let lost = parts.iter().filter(|(_, attos)| *attos > 0);
        let lost = lost.map(|(how, attos)| format!("{how} {}", Amount::from_attos(*attos)));
        let lost = lost.collect::<Vec<_>>().join(" and ");
        format!("block {} {lost} that nobody gets back", self.height)
    }
}
