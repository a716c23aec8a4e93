//! The wrong executor: signs outcomes that no execution gave. Its vote is over the hash of the right
//! one, which is the hash of no block.

use super::infos;
use crate::{
    certificate::{Vote, VotePayload},
    hash::CryptoHash,
    machine::Outputs,
    observe::{Ground, Observation},
    worker::Worker,
};

pub(super) fn distort(worker: &Worker, out: &mut Outputs) -> bool {
    let mut told = Vec::new();
    for response in infos(out) {
        let info = &mut response.info;
        if let Some(vote) = &mut info.vote {
            let payload = VotePayload {
                value_hash: CryptoHash::of(&vote.payload),
                ..vote.payload
            };
            *vote = Vote::new(payload, worker.key());
            told.push(Observation::VoteCast {
                chain: info.chain_id,
                height: info.next_block_height,
                payload,
                current_round: payload.round,
                ground: Ground::Certificate,
            });
        }
    }
    let misbehaved = !told.is_empty();
    told.into_iter().for_each(|fact| out.observe(fact));
    misbehaved
}
