//! The two-faced owner: the second half of the validators gets another block than the first, signed
//! by the same key for the same round. In the fast round this can block the chain for good (E-2).

use std::sync::Arc;

use crate::{
    client::Client,
    ids::Address,
    machine::{Output, Outputs},
    proposal::BlockProposal,
    rpc::{Packet, Request},
    time::TimeDelta,
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
            let mut block = (*proposal.block).clone();
            block.timestamp = block.timestamp.saturating_add(TimeDelta::from_micros(1));
            let other = BlockProposal::fresh(Arc::new(block), proposal.round, client.key());
            *request = Request::Proposal(Arc::new(other));
            misbehaved = true;
        }
    }
    misbehaved
}
