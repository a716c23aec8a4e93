//! The dragging owner: with each block that it proposes, or has a certificate for, it proposes another
//! one in the rounds that are over.

use std::sync::Arc;

use super::{extra_requests, other_block};
use crate::{
    block::ProposedBlock, client::Client, machine::Outputs, proposal::BlockProposal, round::Round,
    rpc::Request,
};

pub(super) fn distort(client: &Client, out: &mut Outputs) -> bool {
    let certified = client.finalizing().cloned();
    let propose = |block: &ProposedBlock, rounds: &[Round]| -> Vec<Request> {
        let block = other_block(block);
        let late = rounds
            .iter()
            .map(|round| BlockProposal::fresh(block.clone(), *round, client.key()));
        late.map(|late| Request::Proposal(Arc::new(late))).collect()
    };
    extra_requests(out, |request| match request {
        Request::Proposal(proposal) => {
            let mut over = vec![Round::Fast, Round::MultiLeader(0)];
            over.retain(|round| *round < proposal.round);
            propose(&proposal.block, &over)
        }
        Request::LiteValidated(_) => certified.iter().fold(Vec::new(), |mut all, certificate| {
            all.extend(propose(certificate.block().proposed(), &[Round::Fast]));
            all
        }),
        _ => Vec::new(),
    })
}
