//! The amnesiac: forgets its lock and what it voted to confirm before it looks at a proposal. It
//! still votes once a round.

use super::chain_of;
use crate::{
    rpc::{Packet, Request},
    worker::Worker,
};

pub(super) fn prepare(worker: &mut Worker, packet: &Packet) -> bool {
    let proposal = matches!(
        packet,
        Packet::Forward {
            request: Request::Proposal(_),
            ..
        }
    );
    let manager = chain_of(packet).and_then(|chain| worker.manager_of(chain));
    proposal && manager.is_some_and(crate::manager::ChainManager::forget_locks)
}
