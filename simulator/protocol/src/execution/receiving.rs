//! Taking in bundles: what an accepted message does, and what a rejected one leaves behind.
//!
//! Whether a bundle may be taken in at all is the inbox's business.

use super::Execution;
use crate::{
    amount::Amount,
    error::ExecutionError,
    ids::ChainId,
    message::{
        IncomingBundle, MessageAction, MessageKind, OutgoingMessage, PostedMessage, SystemMessage,
    },
    sabotage::Sabotage,
};

impl Execution<'_> {
    pub(super) fn receive(&mut self, incoming: &IncomingBundle) -> Result<(), ExecutionError> {
        match incoming.action {
            MessageAction::Accept => {
                let done = incoming.bundle.messages.iter().try_for_each(|message| {
                    let left = self.accept(incoming.origin, message)?;
                    self.refund(message, left)
                });
                if self.sabotage == Sabotage::BundlesByHalves {
                    return Ok(());
                }
                done
            }
            MessageAction::Reject
                if incoming.bundle.is_protected()
                    && !self.was_closed
                    && self.sabotage != Sabotage::ProtectedRejected =>
            {
                Err(ExecutionError::CannotRejectMessage)
            }
            MessageAction::Reject => incoming
                .bundle
                .messages
                .iter()
                .try_for_each(|message| self.reject(incoming.origin, message)),
        }
    }

    /// Executes a message; gives what is left of its grant.
    pub(super) fn accept(
        &mut self,
        origin: ChainId,
        posted: &PostedMessage,
    ) -> Result<Amount, ExecutionError> {
        match &posted.message {
            SystemMessage::Credit {
                target,
                amount,
                source,
            } => {
                let bounced = posted.kind == MessageKind::Bouncing;
                self.credit(if bounced { *source } else { *target }, *amount)?;
            }
            SystemMessage::Withdraw {
                owner,
                amount,
                recipient,
            } => self.transfer(*owner, *recipient, *amount, posted.authenticated_owner)?,
            SystemMessage::User(message) => return self.user_message(origin, posted, message),
        }
        Ok(posted.grant)
    }

    /// A rejected tracked message goes home as a bouncing one, with its grant; of another one the grant
    /// goes home, if it was not protected (table 3.4).
    fn reject(&mut self, origin: ChainId, posted: &PostedMessage) -> Result<(), ExecutionError> {
        match posted.kind {
            MessageKind::Tracked if self.sabotage == Sabotage::BounceDropped => {}
            MessageKind::Tracked => self.send(OutgoingMessage {
                destination: origin,
                authenticated_owner: posted.authenticated_owner,
                grant: posted.grant,
                refund_grant_to: posted.refund_grant_to.clone(),
                kind: MessageKind::Bouncing,
                message: posted.message.clone(),
            }),
            MessageKind::Simple | MessageKind::Bouncing => self.refund(posted, posted.grant)?,
            MessageKind::Protected => {}
        }
        Ok(())
    }
}
