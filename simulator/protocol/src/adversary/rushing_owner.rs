//! The rushing owner: with each block that it proposes, and whenever it should only look, it proposes
//! another one in rounds that are not its turn.

use std::sync::Arc;

use super::{extra_requests, other_block};
use crate::{
    client::Client, machine::Outputs, proposal::BlockProposal, round::Round, rpc::Request,
};

/// Rounds that nobody is in at the start of a height.
const TOO_EARLY: [Round; 4] = [
    Round::Fast,
    Round::SingleLeader(0),
    Round::SingleLeader(3),
    Round::Validator(0),
];

pub(super) fn distort(client: &Client, out: &mut Outputs) -> bool {
    extra_requests(out, |request| {
        let (block, rounds) = match request {
            Request::Proposal(proposal) => (other_block(&proposal.block), &TOO_EARLY[..]),
            Request::ChainInfo(query) if query.manager_values => {
                let Some(pending) = client.pending_block() else {
                    return Vec::new();
                };
                (other_block(pending), &[Round::MultiLeader(0)][..])
            }
            _ => return Vec::new(),
        };
        rounds
            .iter()
            .map(|round| {
                let early = BlockProposal::fresh(block.clone(), *round, client.key());
                Request::Proposal(Arc::new(early))
            })
            .collect()
    })
}
