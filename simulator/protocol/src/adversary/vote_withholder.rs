//! The vote withholder: does its work and answers, but its votes never leave.

use super::infos;
use crate::machine::Outputs;

pub(super) fn distort(out: &mut Outputs) -> bool {
    let mut misbehaved = false;
    for response in infos(out) {
        let info = &mut response.info;
        misbehaved |= info.vote.take().is_some();
        misbehaved |= info.timeout_vote.take().is_some();
    }
    misbehaved
}
