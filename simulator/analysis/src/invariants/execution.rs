//! What validators execute: I-2, I-4, I-5.

use protocol::hash::CryptoHash;

use super::{Invariant, Invariants, losses::Missing};
use crate::registry::ChainNo;

impl Invariants {
    /// A validator has executed a block.
    pub(super) fn block_executed(
        &mut self,
        validator: u32,
        chain: ChainNo,
        height: u64,
        (hash, state_hash): (CryptoHash, CryptoHash),
    ) {
        let tip = self.heights.tip(validator, chain);
        let (actor, verdicts) = (self.verdicts.stamp.actor, &mut self.verdicts);
        let leaps = height > tip
            && !self.losses.excuse(
                (validator, chain),
                (Missing::Blocks, verdicts.stamp.time),
                actor,
            );
        let falls = height < tip;
        verdicts.check(Invariant::TipMonotone, !falls && !leaps, || {
            format!("block {height} is executed, and the next height is {tip}")
        });
        if falls {
            return;
        }
        let epoch = self.heads.next_epoch(chain);
        if let Some(open) = self.heights.open(chain, height, epoch) {
            let value = open.value(hash);
            let lossy = self.losses.any();
            let quorum = self.epochs.committee(open.epoch).quorum;
            let has_quorum = open.is_confirmed(value, quorum);
            verdicts.check(Invariant::ExecutedPrefix, has_quorum || lossy, || {
                format!("block {hash:?} at height {height} is executed without a certificate")
            });
            let (known, state) = *open.state.get_or_insert((value, state_hash));
            let same = verdicts.check(Invariant::ExecutedPrefix, known == value, || {
                let known = open.hash(known);
                format!("block {hash:?} is executed at height {height}, elsewhere {known:?}")
            });
            if same {
                verdicts.check(Invariant::Determinism, state == state_hash, || {
                    format!("state {state_hash:?} after height {height}, elsewhere {state:?}")
                });
            }
        }
        self.heights.advance(validator, chain, height);
    }
}
