//! Bundles of several messages, and the grants that messages carry (3.4, 8.6).
//!
//! Keeps: what is granted leaves the payer when the message is sent, and comes back once, when the
//! message has been executed or rejected. No message of the protocol itself uses anything that a
//! grant could pay for, so all of it comes back; one of an application pays with it first. What comes
//! back does so by a message for which the recipient pays.

use super::Execution;
use crate::{
    amount::Amount,
    draft::{BundleDraft, ContentDraft, MessageDraft},
    error::ExecutionError,
    ids::{Account, AccountOwner},
    message::{MessageKind, OutgoingMessage, PostedMessage, SystemMessage},
    sabotage::Sabotage,
};

impl Execution<'_> {
    pub(super) fn send_bundle(&mut self, draft: &BundleDraft) -> Result<(), ExecutionError> {
        self.authenticate(draft.payer)?;
        if draft.destination == self.state.chain_id || draft.messages.is_empty() {
            return Err(ExecutionError::InvalidBundle);
        }
        draft
            .messages
            .iter()
            .try_for_each(|message| self.send_draft(draft, message))
    }

    fn send_draft(
        &mut self,
        bundle: &BundleDraft,
        draft: &MessageDraft,
    ) -> Result<(), ExecutionError> {
        if draft.kind == MessageKind::Bouncing {
            return Err(ExecutionError::InvalidBundle);
        }
        let message = match &draft.content {
            ContentDraft::Credit { target, amount } => {
                self.debit(bundle.payer, *amount)?;
                SystemMessage::Credit {
                    target: *target,
                    amount: *amount,
                    source: bundle.payer,
                }
            }
            ContentDraft::Withdraw { amount, .. } if amount.is_zero() => {
                return Err(ExecutionError::IncorrectTransferAmount);
            }
            ContentDraft::Withdraw {
                owner,
                amount,
                recipient,
            } => {
                self.authenticate(*owner)?;
                SystemMessage::Withdraw {
                    owner: *owner,
                    amount: *amount,
                    recipient: *recipient,
                }
            }
        };
        let mut refund_grant_to = None;
        if !draft.grant.is_zero() {
            self.debit(bundle.payer, draft.grant)?;
            refund_grant_to = Some(Box::new(Account {
                chain_id: self.state.chain_id,
                owner: bundle.payer,
            }));
        }
        self.send(OutgoingMessage {
            destination: bundle.destination,
            authenticated_owner: self.block.authenticated_owner,
            grant: draft.grant,
            refund_grant_to,
            kind: draft.kind,
            message,
        });
        Ok(())
    }

    /// What is left of a message's grant goes back to where it came from.
    pub(super) fn refund(
        &mut self,
        posted: &PostedMessage,
        left: Amount,
    ) -> Result<(), ExecutionError> {
        let Some(account) = posted.refund_grant_to.as_deref() else {
            return Ok(());
        };
        if left.is_zero() {
            return Ok(());
        }
        if self.sabotage == Sabotage::GrantPaidTwice {
            self.pay_back(*account, left)?;
        }
        self.pay_back(*account, left)
    }

    fn pay_back(&mut self, account: Account, amount: Amount) -> Result<(), ExecutionError> {
        if account.chain_id == self.state.chain_id {
            return self.credit(account.owner, amount);
        }
        self.send(OutgoingMessage {
            destination: account.chain_id,
            authenticated_owner: self.block.authenticated_owner,
            grant: Amount::ZERO,
            refund_grant_to: None,
            kind: MessageKind::Tracked,
            message: SystemMessage::Credit {
                target: account.owner,
                amount,
                source: AccountOwner::CHAIN,
            },
        });
        Ok(())
    }
}
