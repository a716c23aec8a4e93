//! The round ender: with each block it asks the validators to vote that rounds are over that have
//! time left, have no timer, or are not there yet.

use super::extra_requests;
use crate::{
    client::Client,
    machine::Outputs,
    round::Round,
    rpc::{ChainInfoQuery, Request},
};

pub(super) fn distort(_client: &Client, out: &mut Outputs) -> bool {
    extra_requests(out, |request| {
        let Request::Proposal(proposal) = request else {
            return Vec::new();
        };
        let later = Round::SingleLeader(7);
        let asked = [proposal.round, later].map(|round| {
            Request::ChainInfo(ChainInfoQuery {
                leader_timeout: Some((proposal.block.height, round)),
                ..ChainInfoQuery::default()
            })
        });
        asked.to_vec()
    })
}
