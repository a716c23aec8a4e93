//! The round ender: with each block it asks the validators to vote that rounds are over that have
//! time left, have no timer, or are not there yet, and to take over from its owners if they may.

use super::extra_requests;
use crate::{
    client::Client,
    machine::Outputs,
    round::Round,
    rpc::{ChainInfoQuery, Request},
};

pub(super) fn distort(client: &Client, out: &mut Outputs) -> bool {
    let config = |client: &Client| Some(client.chain()?.execution.ownership.timeout_config);
    let falls_back = config(client).is_some_and(|config| config.fallback_duration.is_some());
    extra_requests(out, |request| {
        let Request::Proposal(proposal) = request else {
            return Vec::new();
        };
        let later = Round::SingleLeader(7);
        let asked = [proposal.round, later].map(|round| {
            Request::ChainInfo(Box::new(ChainInfoQuery {
                leader_timeout: Some((proposal.block.height, round)),
                ..ChainInfoQuery::default()
            }))
        });
        let fallback = Request::ChainInfo(Box::new(ChainInfoQuery {
            fallback: Some(proposal.block.height),
            ..ChainInfoQuery::default()
        }));
        let asked = asked.into_iter();
        asked.chain(falls_back.then_some(fallback)).collect()
    })
}
