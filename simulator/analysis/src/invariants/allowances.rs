//! I-23: what spenders take of an account is at most what its owner has approved.
//!
//! Reckoned from the operations of confirmed blocks alone; where one was never told, nothing is known
//! of its chain any more.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    block::{Block, SystemOperation},
    ids::AccountOwner,
};

use super::{Invariant, Verdicts};
use crate::registry::ChainNo;

/// What is left of all approvals.
#[derive(Debug, Default)]
pub(super) struct Allowances {
    left: BTreeMap<(ChainNo, AccountOwner, AccountOwner), u128>,
    untold: BTreeSet<ChainNo>,
}

impl Allowances {
    /// A block of this chain was never told.
    pub(super) fn untold(&mut self, chain: ChainNo) {
        self.untold.insert(chain);
    }

    /// Takes in the next confirmed block of a chain.
    pub(super) fn block(&mut self, verdicts: &mut Verdicts, chain: ChainNo, block: &Block) {
        for operation in block.proposed().operations() {
            match operation {
                SystemOperation::Approve {
                    owner,
                    spender,
                    amount,
                } => {
                    let approval = (chain, *owner, *spender);
                    self.left.insert(approval, amount.attos());
                }
                SystemOperation::TransferFrom { owner, amount, .. } => {
                    self.taken(verdicts, chain, block, (*owner, amount.attos()));
                }
                _ => {}
            }
        }
    }

    fn taken(
        &mut self,
        verdicts: &mut Verdicts,
        chain: ChainNo,
        block: &Block,
        (owner, attos): (AccountOwner, u128),
    ) {
        let known = !self.untold.contains(&chain);
        let spender = block.proposed().authenticated_owner;
        let approval = spender.map(|spender| (chain, owner, spender));
        let left = approval.and_then(|approval| self.left.get_mut(&approval));
        let rest = left.as_ref().and_then(|left| left.checked_sub(attos));
        verdicts.check(Invariant::Allowances, rest.is_some() || !known, || {
            let (height, left) = (block.height(), left.as_deref().copied().unwrap_or(0));
            format!("block {height} takes {attos} attos of {owner}, who has approved {left} more")
        });
        if let (Some(left), Some(rest)) = (left, rest) {
            *left = rest;
        }
    }
}
