//! What is told of a packet that was lost on its way: enough to say why a message is not there.

use super::{CrossChainRequest, Packet};
use crate::observe::{Letter, Observation};

impl Packet {
    /// The fact that this packet was lost, if it is one between shards about messages.
    pub fn loss(&self) -> Option<Observation> {
        let Self::CrossChain(request) = self else {
            return None;
        };
        let (sender, recipient, letter, height) = match &**request {
            CrossChainRequest::UpdateRecipient {
                sender,
                recipient,
                bundles,
                ..
            } => {
                let newest = bundles.last().map(|(_, bundle)| bundle.height);
                (
                    sender,
                    recipient,
                    Letter::Update,
                    newest.unwrap_or_default(),
                )
            }
            CrossChainRequest::ConfirmUpdatedRecipient {
                sender,
                recipient,
                latest_height,
            } => (sender, recipient, Letter::Confirmation, *latest_height),
            CrossChainRequest::RevertConfirm {
                sender,
                recipient,
                retransmit_from,
            } => (sender, recipient, Letter::Reversal, *retransmit_from),
            CrossChainRequest::StoreDescription(_)
            | CrossChainRequest::StoreEpochs(_)
            | CrossChainRequest::StoreBlobs(_)
            | CrossChainRequest::StoreEvents(_) => {
                return None;
            }
        };
        Some(Observation::CrossChainLost {
            sender: *sender,
            recipient: *recipient,
            letter,
            height,
        })
    }
}
