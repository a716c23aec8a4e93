//! The jumper: where two bundles of one sender wait, its blocks take in the later one only, whether
//! the earlier may be jumped over or not.

use super::replace_proposals;
use crate::{
    block::{ProposedBlock, Transaction},
    client::Client,
    machine::Outputs,
};

pub(super) fn distort(client: &Client, out: &mut Outputs) -> bool {
    replace_proposals(client, out, |block| {
        let place = first_of_two(block)?;
        let mut block = block.clone();
        block.transactions.remove(place);
        Some(block)
    })
}

/// The first bundle that another one of the same sender follows.
fn first_of_two(block: &ProposedBlock) -> Option<usize> {
    let origin = |step: &Transaction| match step {
        Transaction::ReceiveMessages(incoming) => Some(incoming.origin),
        Transaction::ExecuteOperation(_) => None,
    };
    let origins: Vec<_> = block.transactions.iter().map(origin).collect();
    (0..origins.len())
        .find(|at| origins[*at].is_some() && origins[at + 1..].contains(&origins[*at]))
}
