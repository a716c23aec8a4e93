//! I-31 and I-32, what a block says of its messages, and I-33, what a validator says of delivery.

use protocol::{
    block::{Block, Transaction},
    hash::CryptoHash,
    ids::ChainId,
    message::{MessageAction, MessageKind, OutgoingMessage, PostedMessage},
};

use super::{Invariant, Verdicts};
use crate::registry::{ChainNo, Registry, reach};

/// For each pair of chains: the last block that sent from one to the other.
#[derive(Debug, Default)]
pub(crate) struct Links {
    last: Vec<Option<(CryptoHash, u64)>>,
    /// Chains of which blocks were never told: their links are taken as they are.
    unsure: Vec<bool>,
}

impl Links {
    /// I-31: a block names, for each recipient, the last block before it that sent there.
    pub(crate) fn block(
        &mut self,
        verdicts: &mut Verdicts,
        chain: ChainNo,
        block: &Block,
        after_gap: bool,
        registry: &mut Registry,
    ) {
        *reach(&mut self.unsure, chain.index()) |= after_gap;
        let recipients = block.recipients();
        let links = &block.outcome().previous_message_blocks;
        for recipient in &recipients {
            let number = registry.chain(recipient);
            let pair = registry.pair(number, chain);
            let last = reach(&mut self.last, pair.index());
            let said = links.get(recipient).map(|(hash, height)| (*hash, height.0));
            let known = *last;
            if !self.unsure[chain.index()] {
                verdicts.check(Invariant::MessageLinks, said == known, || {
                    let height = |link: Option<(CryptoHash, u64)>| match link {
                        Some((_, height)) => format!("height {height}"),
                        None => "no block".to_owned(),
                    };
                    format!(
                        "block {} says that {} sent to a recipient last, and {} did",
                        block.height(),
                        height(said),
                        height(known)
                    )
                });
            }
            *last = Some((block.hash(), block.height().0));
        }
        let mut named = links.iter().map(|(recipient, _)| recipient);
        let only_recipients = named.all(|one| recipients.binary_search(one).is_ok());
        verdicts.check(Invariant::MessageLinks, only_recipients, || {
            format!(
                "block {} links to a chain that it does not send to",
                block.height()
            )
        });
    }
}

/// I-32: what comes back, and what may not be rejected.
pub(crate) fn check_bounces(verdicts: &mut Verdicts, block: &Block, was_closed: bool) {
    let outcome = &block.outcome().messages;
    for (step, sent) in block.proposed().transactions.iter().zip(outcome) {
        let bouncing: Vec<_> = sent
            .iter()
            .filter(|message| message.kind == MessageKind::Bouncing)
            .collect();
        let mut expected = Vec::new();
        if let Transaction::ReceiveMessages(incoming) = step
            && incoming.action == MessageAction::Reject
        {
            let tracked = incoming.bundle.messages.iter();
            let tracked = tracked.filter(|message| message.kind == MessageKind::Tracked);
            expected.extend(tracked.map(|message| (incoming.origin, message)));
            let allowed = was_closed || !incoming.bundle.is_protected();
            verdicts.check(Invariant::Bounces, allowed, || {
                format!("block {} rejects a protected message", block.height())
            });
        }
        let pairs = bouncing.iter().zip(&expected);
        let same = bouncing.len() == expected.len()
            && pairs
                .into_iter()
                .all(|(back, (origin, message))| returns(back, *origin, message));
        verdicts.check(Invariant::Bounces, same, || {
            format!(
                "block {} sends {} messages back where it rejects {} tracked ones, or others",
                block.height(),
                bouncing.len(),
                expected.len()
            )
        });
    }
}

/// Whether a message is a rejected one on its way home, and nothing else.
fn returns(back: &OutgoingMessage, origin: ChainId, rejected: &PostedMessage) -> bool {
    back.destination == origin
        && back.message == rejected.message
        && back.grant == rejected.grant
        && back.refund_grant_to == rejected.refund_grant_to
        && back.authenticated_owner == rejected.authenticated_owner
}
