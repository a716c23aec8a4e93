//! I-23: what spenders take of an account is at most what its owner has approved.
//!
//! Reckoned from the operations of confirmed blocks alone; where one was never told, nothing is known
//! of approvals from before it. That the money leaves the owner's account, and no other, is I-20 and
//! I-21, in `reckoning`. Knows nothing of why a transfer from an account is refused.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    Amount,
    block::{Block, SystemOperation},
    ids::AccountOwner,
};

use super::{Invariant, Verdicts};
use crate::registry::ChainNo;

/// An owner, and who spends from his account.
type Between = (AccountOwner, AccountOwner);

/// What is left of all approvals.
#[derive(Debug, Default)]
pub(crate) struct Allowances {
    left: BTreeMap<(ChainNo, Between), u128>,
    /// Chains of which a block was never told.
    untold: BTreeSet<ChainNo>,
}

impl Allowances {
    /// A block of this chain was never told, so whatever was approved before may have changed.
    pub(super) fn untold(&mut self, chain: ChainNo) {
        self.untold.insert(chain);
        self.left.retain(|(of, _), _| *of != chain);
    }

    /// What the second of these may still take of the account of the first, in attos; `None` if that
    /// is not known.
    pub(crate) fn left(&self, chain: ChainNo, between: Between) -> Option<u128> {
        let nothing = (!self.untold.contains(&chain)).then_some(0);
        self.left.get(&(chain, between)).copied().or(nothing)
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
                    let approval = (chain, (*owner, *spender));
                    self.left.insert(approval, amount.attos());
                }
                SystemOperation::TransferFrom { owner, amount, .. } => {
                    self.taken(verdicts, chain, block, (*owner, *amount));
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
        (owner, amount): (AccountOwner, Amount),
    ) {
        let height = block.height();
        let Some(spender) = block.proposed().authenticated_owner else {
            verdicts.check(Invariant::Allowances, false, || {
                format!("block {height} takes {amount} from {owner}, and nobody has signed it")
            });
            return;
        };
        let between = (owner, spender);
        let Some(left) = self.left(chain, between) else {
            return;
        };
        let rest = left.checked_sub(amount.attos());
        verdicts.check(Invariant::Allowances, rest.is_some(), || {
            let left = Amount::from_attos(left);
            format!("block {height} takes {amount} from {owner}, who lets {spender} spend {left}")
        });
        if let Some(rest) = rest {
            self.left.insert((chain, between), rest);
        }
    }
}
