//! The round burner: with each block it proposes others in all multi-leader rounds that are left, so
//! that nobody else finds one. Single-leader rounds end that.

use std::sync::Arc;

use super::{extra_requests, other_block};
use crate::{
    client::Client, machine::Outputs, proposal::BlockProposal, round::Round, rpc::Request,
};

pub(super) fn distort(client: &Client, out: &mut Outputs) -> bool {
    let rounds = client
        .chain()
        .map_or(0, |chain| chain.manager.ownership().multi_leader_rounds);
    extra_requests(out, |request| {
        let Request::Proposal(proposal) = request else {
            return Vec::new();
        };
        let Round::MultiLeader(current) = proposal.round else {
            return Vec::new();
        };
        let block = other_block(&proposal.block);
        let later = (current.saturating_add(1)..rounds).map(Round::MultiLeader);
        later
            .map(|round| {
                let burning = BlockProposal::fresh(block.clone(), round, client.key());
                Request::Proposal(Arc::new(burning))
            })
            .collect()
    })
}
