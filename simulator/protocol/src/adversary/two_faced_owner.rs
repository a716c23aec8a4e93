//! The two-faced owner: the second half of the validators gets another block than the first, signed
//! by the same key for the same round. In the fast round this can block the chain for good (E-2).

use std::sync::Arc;

use super::other_block;
use crate::{
    client::Client,
    ids::Address,
    machine::{Output, Outputs},
    proposal::BlockProposal,
    rpc::{Packet, Request},
};

pub(super) fn distort(client: &Client, out: &mut Outputs) -> bool {
    let half = client.committee_size() / 2;
    let mut misbehaved = false;
    for output in &mut out.list {
        if let Output::Send(Address::Proxy(validator), Packet::Request { request, .. }) = output
            && let Request::Proposal(proposal) = request
            && proposal.original_proposal.is_none()
            && usize::try_from(validator.0).is_ok_and(|index| index >= half)
        {
            let other =
                BlockProposal::fresh(other_block(&proposal.block), proposal.round, client.key());
            *request = Request::Proposal(Arc::new(other));
            misbehaved = true;
        }
    }
    misbehaved
}
