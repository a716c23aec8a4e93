//! The equivocator: forgets every vote before it is asked for one, so it votes for anything, also for
//! two blocks of one round.

use super::{asks_for_vote, chain_of};
use crate::{rpc::Packet, time::Timestamp, worker::Worker};

pub(super) fn prepare(worker: &mut Worker, now: Timestamp, packet: &Packet) -> bool {
    let manager = chain_of(packet).and_then(|chain| worker.manager_of(chain));
    asks_for_vote(packet) && manager.is_some_and(|manager| manager.forget_votes(now))
}
