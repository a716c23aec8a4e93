//! The certificate withholder: keeps the certificates of validated blocks to itself. When it tells
//! of them again, they are stale.

use crate::{
    machine::{Output, Outputs},
    rpc::{Packet, Request},
};

pub(super) fn distort(out: &mut Outputs) -> bool {
    let before = out.list.len();
    out.list.retain(|output| {
        !matches!(
            output,
            Output::Send(
                _,
                Packet::Request {
                    request: Request::LiteValidated(_) | Request::Validated(_),
                    ..
                }
            )
        )
    });
    out.list.len() < before
}
