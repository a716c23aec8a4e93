//! I-3 and I-6: how the blocks of a chain follow one another, and how chains begin.

use std::sync::Arc;

use protocol::{
    block::Block,
    certificate::ConfirmedBlockCertificate,
    description::{ChainDescription, ChainOrigin},
    hash::CryptoHash,
    ids::ChainId,
};

use super::{Invariant, Verdicts, epochs::epoch_after};
use crate::registry::{ChainNo, Registry, reach};

/// What a confirmed block is to what was told of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The next one.
    Next,
    /// Blocks below it were never told, because their wallet crashed.
    AfterGap,
    /// It, or its place, was told before.
    Repeated,
}

/// The last confirmed block of a chain, as told.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    /// Whether it is known how the chain began.
    described: bool,
    next: u64,
    tip: Option<CryptoHash>,
    timestamp: u64,
    epoch: u32,
    /// Epoch of the next block.
    next_epoch: u32,
}

/// The heads of all chains.
#[derive(Debug)]
pub(crate) struct Heads {
    heads: Vec<Head>,
}

impl Heads {
    /// The chains of the genesis have the first numbers, in this order.
    pub(crate) fn new(genesis: &[(ChainId, Arc<ChainDescription>)]) -> Self {
        let heads = genesis
            .iter()
            .map(|(_, description)| Head::of(description))
            .collect();
        Self { heads }
    }

    /// The height of the next block of a chain.
    pub(crate) fn next_height(&self, chain: ChainNo) -> u64 {
        self.heads.get(chain.index()).map_or(0, |head| head.next)
    }

    /// The epoch of the next block of a chain.
    pub(crate) fn next_epoch(&self, chain: ChainNo) -> u32 {
        self.heads
            .get(chain.index())
            .map_or(0, |head| head.next_epoch)
    }

    /// Whether it is known how a chain began.
    pub(crate) fn is_described(&self, chain: ChainNo) -> bool {
        self.heads
            .get(chain.index())
            .is_some_and(|head| head.described)
    }

    /// Takes in a confirmed block. `lossy`: some node has crashed, so facts may be missing.
    pub(crate) fn block(
        &mut self,
        verdicts: &mut Verdicts,
        lossy: bool,
        chain: ChainNo,
        certificate: &ConfirmedBlockCertificate,
        registry: &mut Registry,
    ) -> Standing {
        let block = certificate.block();
        let head = reach(&mut self.heads, chain.index());
        let height = block.height().0;
        verdicts.check(Invariant::UniqueIdentity, head.described || lossy, || {
            "a block of a chain that nobody has opened".to_owned()
        });
        if height < head.next {
            let is_tip = height + 1 == head.next;
            let same = !is_tip || head.tip == Some(block.hash());
            verdicts.check(Invariant::CommitAgreement, same, || {
                format!(
                    "{:?} is confirmed at height {height} beside the tip",
                    block.hash()
                )
            });
            return Standing::Repeated;
        }
        let standing = follow(verdicts, lossy, head, block);
        self.open_children(verdicts, block, registry);
        standing
    }

    /// I-6: every opened chain is new, and says where it was opened.
    fn open_children(&mut self, verdicts: &mut Verdicts, block: &Block, registry: &mut Registry) {
        for (position, description) in (0u32..).zip(block.opened()) {
            let child = registry.chain(&description.id());
            let head = reach(&mut self.heads, child.index());
            verdicts.check(Invariant::UniqueIdentity, !head.described, || {
                format!("chain {:?} is opened a second time", description.id())
            });
            let expected = ChainOrigin::Child {
                parent: block.chain_id(),
                block_height: block.height(),
                chain_index: position,
            };
            let origin = description.origin;
            verdicts.check(Invariant::UniqueIdentity, origin == expected, || {
                format!("a chain says that it comes from {origin:?}, and comes from {expected:?}")
            });
            if !head.described {
                *head = Head {
                    next: head.next,
                    ..Head::of(description)
                };
            }
        }
    }
}

impl Head {
    fn of(description: &ChainDescription) -> Self {
        Self {
            described: true,
            next: 0,
            tip: None,
            timestamp: description.timestamp.micros(),
            epoch: description.config.epoch.0,
            next_epoch: description.config.epoch.0,
        }
    }
}

/// I-3: a block follows the head.
fn follow(verdicts: &mut Verdicts, lossy: bool, head: &mut Head, block: &Block) -> Standing {
    let proposed = block.proposed();
    let (height, expected) = (block.height().0, head.next);
    let standing = if height == expected {
        Standing::Next
    } else {
        Standing::AfterGap
    };
    let contiguous = standing == Standing::Next || lossy;
    verdicts.check(Invariant::ChainLinking, contiguous, || {
        format!("block {height} is confirmed, and the next height is {expected}")
    });
    if standing == Standing::Next {
        let (previous, tip) = (proposed.previous_block_hash, head.tip);
        verdicts.check(Invariant::ChainLinking, previous == tip, || {
            format!("block {height} stands on {previous:?}, and the block below is {tip:?}")
        });
    }
    let (time, before) = (proposed.timestamp.micros(), head.timestamp);
    verdicts.check(Invariant::ChainLinking, time >= before, || {
        format!("block {height} is of {time} us, and the block below of {before} us")
    });
    let (epoch, last) = (proposed.epoch.0, head.epoch);
    verdicts.check(
        Invariant::ChainLinking,
        epoch == last || Some(epoch) == last.checked_add(1),
        || format!("block {height} is of epoch {epoch}, and the block below of {last}"),
    );
    head.next = height.saturating_add(1);
    head.tip = Some(block.hash());
    head.timestamp = time.max(before);
    head.epoch = epoch;
    head.next_epoch = epoch_after(block);
    standing
}
