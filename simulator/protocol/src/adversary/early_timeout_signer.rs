//! The early timeout signer: votes to end whatever round it is asked to, whatever the clock says.

use crate::{
    certificate::{Timeout, Vote},
    ids::{BlockHeight, ChainId},
    machine::{Output, Outputs},
    observe::{Ground, Observation},
    round::Round,
    rpc::{Packet, Request, Response},
    time::TimeDelta,
    worker::Worker,
};

/// The round of a request for a vote to end one.
pub(super) fn wanted(packet: &Packet) -> Option<(BlockHeight, Round)> {
    match packet {
        Packet::Forward {
            request: Request::ChainInfo(query),
            ..
        } => {
            let fallback = query.fallback;
            let fallback = fallback.map(|height| (height, Round::LAST_REGULAR));
            query.leader_timeout.or(fallback)
        }
        _ => None,
    }
}

/// Turns a refusal into a vote.
pub(super) fn distort(
    worker: &Worker,
    chain_id: ChainId,
    (height, round): (BlockHeight, Round),
    out: &mut Outputs,
) -> bool {
    let Some(state) = worker.chains().get(&chain_id) else {
        return false;
    };
    let timeout = Timeout {
        chain_id,
        height,
        epoch: state.execution.epoch,
    };
    let vote = Vote::new(timeout.payload(round), worker.key());
    let mut misbehaved = false;
    for output in &mut out.list {
        if let Output::Send(_, Packet::ForwardReply { reply, .. }) = output
            && reply.is_err()
        {
            let Response::Info(mut response) = worker.unsigned_info(chain_id) else {
                continue;
            };
            response.info.timeout_vote = Some(Box::new(vote));
            **reply = Ok(Response::Info(response));
            misbehaved = true;
        }
    }
    if misbehaved {
        out.observe(Observation::VoteCast {
            chain: chain_id,
            height,
            payload: vote.payload,
            current_round: vote.payload.round,
            ground: ground_of(round),
        });
    }
    misbehaved
}

fn ground_of(round: Round) -> Ground {
    if round == Round::LAST_REGULAR {
        Ground::Fallback(TimeDelta::default())
    } else {
        Ground::Timer(TimeDelta::default())
    }
}
