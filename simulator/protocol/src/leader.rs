//! Who leads a round: one of several owners, drawn by weight from a hash of chain, height and round.
//!
//! Everybody draws the same, and whoever has weight leads again and again.

use serde::Serialize;

use crate::{
    hash::{CryptoHash, Hashable},
    ids::{AccountOwner, BlockHeight, ChainId},
    round::Round,
};

/// What the leader of a round is drawn by: everybody draws the same.
#[derive(Serialize)]
struct LeaderDraw {
    chain_id: ChainId,
    height: BlockHeight,
    round: Round,
}

impl Hashable for LeaderDraw {
    const TAG: &'static str = "LeaderDraw";
}

/// One of the owners, by weight and by a hash that all know.
pub(crate) fn draw_leader(
    (chain_id, height): (ChainId, BlockHeight),
    round: Round,
    mut owners: impl Iterator<Item = (AccountOwner, u64)> + Clone,
) -> Option<AccountOwner> {
    let total = owners.clone().map(|(_, weight)| u128::from(weight)).sum();
    let draw = CryptoHash::of(&LeaderDraw {
        chain_id,
        height,
        round,
    });
    let mut left = u128::from(draw.fingerprint()).checked_rem(total)?;
    owners.find_map(|(owner, weight)| {
        let weight = u128::from(weight);
        let found = left < weight;
        left = left.saturating_sub(weight);
        found.then_some(owner)
    })
}
