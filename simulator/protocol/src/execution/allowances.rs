//! Allowances: what an owner lets another spend of his account on a chain.
//!
//! Keeps I-23: what spenders take is at most what was approved, and each taking lowers the rest. An
//! approval replaces the one before it; nothing of it is set aside, so the account may hold less.

use std::sync::Arc;

use super::{Execution, StateChange};
use crate::{
    amount::Amount,
    error::ExecutionError,
    ids::{Account, AccountOwner},
    sabotage::Sabotage,
};

impl Execution<'_> {
    /// Lets `spender` take so much of the account of `owner`, and no more from now on. The chain's own
    /// account is everybody's who owns the chain, so nobody lends it.
    pub(super) fn approve(
        &mut self,
        owner: AccountOwner,
        spender: AccountOwner,
        amount: Amount,
    ) -> Result<(), ExecutionError> {
        if owner == AccountOwner::CHAIN {
            return Err(ExecutionError::UnauthenticatedTransferOwner { owner });
        }
        self.authenticate(owner)?;
        self.set_allowance(owner, spender, amount);
        Ok(())
    }

    /// The block's owner takes from the account of another, as far as that was approved.
    pub(super) fn transfer_from(
        &mut self,
        owner: AccountOwner,
        recipient: Account,
        amount: Amount,
    ) -> Result<(), ExecutionError> {
        let spender = self.block.authenticated_owner;
        let spender = spender.ok_or(ExecutionError::UnauthenticatedTransferOwner { owner })?;
        let allowance = self.state.allowance(&owner, &spender);
        let left = allowance.checked_sub(amount);
        let left = left.ok_or(ExecutionError::InsufficientAllowance {
            owner,
            allowance,
            amount,
        })?;
        if self.sabotage != Sabotage::AllowanceNotLowered {
            self.set_allowance(owner, spender, left);
        }
        self.transfer(owner, recipient, amount, Some(spender))
    }

    fn set_allowance(&mut self, owner: AccountOwner, spender: AccountOwner, amount: Amount) {
        let mut allowances = self.state.allowances.take().unwrap_or_default();
        let all = Arc::make_mut(&mut allowances);
        if amount.is_zero() {
            all.remove(&(owner, spender));
        } else {
            all.insert((owner, spender), amount);
        }
        // A state is the same whether there never were any or all are used up.
        self.state.allowances = (!all.is_empty()).then_some(allowances);
        let change = StateChange::Allowance(owner, spender, amount);
        self.changes.push(change);
    }
}
