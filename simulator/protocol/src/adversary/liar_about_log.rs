//! The liar about its received log: withholds the newer half of what is asked for, and names a block
//! that nobody made.

use super::infos;
use crate::{
    hash::CryptoHash,
    ids::{BlockHeight, ChainId},
    machine::Outputs,
};

pub(super) fn distort(out: &mut Outputs) -> bool {
    let mut misbehaved = false;
    for response in infos(out) {
        let log = &mut response.info.received_log;
        if !log.is_empty() {
            log.truncate(log.len() / 2);
            let nobody = ChainId(CryptoHash::of_bytes("Nobody", b""));
            log.push((nobody, BlockHeight(7)));
            misbehaved = true;
        }
    }
    misbehaved
}
