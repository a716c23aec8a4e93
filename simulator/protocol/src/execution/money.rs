//! Moving native tokens.
//!
//! Owns balances and who may move them (3.6). Every change of a balance goes through here, so that
//! none is missing from the historical hash.

use super::{Execution, StateChange};
use crate::{
    amount::Amount,
    error::ExecutionError,
    ids::{Account, AccountOwner, ChainId},
    message::{MessageKind, OutgoingMessage, SystemMessage},
    sabotage::Sabotage,
    submission::SubmittedOperation,
};

impl Execution<'_> {
    /// An operation that its user has signed, in the user's order.
    pub(super) fn submitted(
        &mut self,
        operation: &SubmittedOperation,
    ) -> Result<(), ExecutionError> {
        let (owner, submission) = (operation.owner(), &operation.submission);
        if submission.chain_id != self.state.chain_id {
            return Err(ExecutionError::SubmittedElsewhere);
        }
        let (expected, found) = (self.state.executed_of(&owner), submission.nonce);
        let next = expected.checked_add(1);
        let Some(next) = next.filter(|_| expected == found) else {
            return Err(ExecutionError::UnexpectedNonce {
                owner,
                expected,
                found,
            });
        };
        let executed = self.state.executed.get_or_insert_default();
        executed.insert(owner, next);
        self.changes.push(StateChange::Executed(owner, next));
        self.transfer(owner, submission.recipient, submission.amount, Some(owner))
    }

    /// An owner's money moves for that owner only; the chain's money for any owner of the chain.
    pub(super) fn authenticate(&self, owner: AccountOwner) -> Result<(), ExecutionError> {
        let allowed = self.block.authenticated_owner.is_some_and(|signer| {
            signer == owner
                || (owner == AccountOwner::CHAIN && self.state.ownership.is_owner(&signer))
        });
        if allowed || self.sabotage == Sabotage::AnybodyPays {
            Ok(())
        } else {
            Err(ExecutionError::UnauthenticatedTransferOwner { owner })
        }
    }

    pub(super) fn transfer(
        &mut self,
        owner: AccountOwner,
        recipient: Account,
        amount: Amount,
        authenticated_owner: Option<AccountOwner>,
    ) -> Result<(), ExecutionError> {
        self.debit(owner, amount)?;
        let sent = self.sabotage == Sabotage::SelfPaymentsSent;
        if recipient.chain_id == self.state.chain_id && !sent {
            return self.credit(recipient.owner, amount);
        }
        let message = SystemMessage::Credit {
            target: recipient.owner,
            amount,
            source: owner,
        };
        self.send(OutgoingMessage {
            destination: recipient.chain_id,
            authenticated_owner,
            grant: Amount::ZERO,
            refund_grant_to: None,
            kind: MessageKind::Tracked,
            message,
        });
        Ok(())
    }

    pub(super) fn claim(
        &mut self,
        owner: AccountOwner,
        target_id: ChainId,
        recipient: Account,
        amount: Amount,
        authenticated_owner: Option<AccountOwner>,
    ) -> Result<(), ExecutionError> {
        if target_id == self.state.chain_id {
            return self.transfer(owner, recipient, amount, authenticated_owner);
        }
        if amount.is_zero() {
            return Err(ExecutionError::IncorrectTransferAmount);
        }
        self.send(OutgoingMessage {
            destination: target_id,
            authenticated_owner,
            grant: Amount::ZERO,
            refund_grant_to: None,
            kind: MessageKind::Simple,
            message: SystemMessage::Withdraw {
                owner,
                amount,
                recipient,
            },
        });
        Ok(())
    }

    pub(super) fn debit(
        &mut self,
        owner: AccountOwner,
        amount: Amount,
    ) -> Result<(), ExecutionError> {
        if amount.is_zero() && self.sabotage != Sabotage::ZeroAmounts {
            return Err(ExecutionError::IncorrectTransferAmount);
        }
        let balance = self.state.balance_of(&owner);
        let unchecked = self.sabotage == Sabotage::BalancesUnchecked;
        let left = balance
            .checked_sub(amount)
            .or(unchecked.then_some(Amount::ZERO))
            .ok_or(ExecutionError::InsufficientBalance {
                owner,
                balance,
                amount,
            })?;
        self.set_balance(owner, left);
        Ok(())
    }

    pub(super) fn credit(
        &mut self,
        owner: AccountOwner,
        amount: Amount,
    ) -> Result<(), ExecutionError> {
        let balance = self.state.balance_of(&owner);
        let sum = balance
            .checked_add(amount)
            .ok_or(ExecutionError::AmountOverflow)?;
        self.set_balance(owner, sum);
        Ok(())
    }

    pub(super) fn set_balance(&mut self, owner: AccountOwner, balance: Amount) {
        self.changes.push(StateChange::Balance(owner, balance));
        if owner == AccountOwner::CHAIN {
            self.state.balance = balance;
        } else if balance.is_zero() {
            self.state.balances.remove(&owner);
        } else {
            self.state.balances.insert(owner, balance);
        }
    }
}
