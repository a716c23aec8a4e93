//! The forger of bundles: what its blocks take in is not what was sent.

use std::sync::Arc;

use super::replace_proposals;
use crate::{
    amount::Amount,
    block::{ProposedBlock, Transaction},
    client::Client,
    machine::Outputs,
    message::SystemMessage,
};

pub(super) fn distort(client: &Client, out: &mut Outputs) -> bool {
    replace_proposals(client, out, |block| {
        let mut block = block.clone();
        forge(&mut block).then_some(block)
    })
}

/// Puts one token more into the first payment that is taken in.
fn forge(block: &mut ProposedBlock) -> bool {
    let more = Amount::from_tokens(1);
    for step in &mut block.transactions {
        let Transaction::ReceiveMessages(incoming) = step else {
            continue;
        };
        for message in &mut Arc::make_mut(&mut incoming.bundle).messages {
            if let SystemMessage::Credit { amount, .. } = &mut message.message {
                *amount = amount.checked_add(more).unwrap_or(*amount);
                return true;
            }
        }
    }
    false
}
