//! The stale answerer: as if nothing had happened at this height, neither lock nor proposal nor
//! timeout.

use super::infos;
use crate::machine::Outputs;

pub(super) fn distort(out: &mut Outputs) -> bool {
    let mut misbehaved = false;
    for response in infos(out) {
        let info = &mut response.info;
        misbehaved |= info.locking_block.take().is_some();
        misbehaved |= info.proposed.take().is_some();
        misbehaved |= info.timeout.take().is_some();
    }
    misbehaved
}
