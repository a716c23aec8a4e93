//! Taking in bundles: what an accepted message does, and what a rejected one leaves behind.
//!
//! Whether a bundle may be taken in at all is the inbox's business.

use super::Execution;
use crate::{
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
            MessageAction::Accept => incoming
                .bundle
                .messages
                .iter()
                .try_for_each(|message| self.accept(message)),
            MessageAction::Reject if incoming.bundle.is_protected() && !self.was_closed => {
                Err(ExecutionError::CannotRejectMessage)
            }
            MessageAction::Reject => {
                for message in &incoming.bundle.messages {
                    self.reject(incoming.origin, message);
                }
                Ok(())
            }
        }
    }

    pub(super) fn accept(&mut self, posted: &PostedMessage) -> Result<(), ExecutionError> {
        match &posted.message {
            SystemMessage::Credit {
                target,
                amount,
                source,
            } => {
                let bounced = posted.kind == MessageKind::Bouncing;
                self.credit(if bounced { *source } else { *target }, *amount)
            }
            SystemMessage::Withdraw {
                owner,
                amount,
                recipient,
            } => self.transfer(*owner, *recipient, *amount, posted.authenticated_owner),
        }
    }

    /// A rejected tracked message goes home as a bouncing one; nothing else happens (table 3.4).
    pub(super) fn reject(&mut self, origin: ChainId, posted: &PostedMessage) {
        match posted.kind {
            MessageKind::Tracked if self.sabotage == Sabotage::BounceDropped => {}
            MessageKind::Tracked => self.send(OutgoingMessage {
                destination: origin,
                authenticated_owner: posted.authenticated_owner,
                grant: posted.grant,
                kind: MessageKind::Bouncing,
                message: posted.message.clone(),
            }),
            MessageKind::Simple | MessageKind::Protected | MessageKind::Bouncing => {}
        }
    }
}
