//! What a worker tells of its chains beside its answers.

use super::Worker;
use crate::{
    ids::{BlockHeight, ChainId},
    machine::Outputs,
    observe::Observation,
    round::Round,
    rpc::Reason,
};

impl Worker {
    /// Height and round of the chain's next block, if the chain is loaded.
    pub(super) fn round_of(&self, chain: ChainId) -> Option<(BlockHeight, Round)> {
        let state = self.chains.get(&chain)?;
        Some((state.next_height(), state.manager.current_round()))
    }

    /// Tells of a round that was entered at the same height.
    pub(super) fn observe_round(
        &self,
        chain: ChainId,
        before: Option<(BlockHeight, Round)>,
        out: &mut Outputs,
    ) {
        let (Some((old_height, old)), Some((height, round))) = (before, self.round_of(chain))
        else {
            return;
        };
        if old_height == height && old != round {
            out.observe(Observation::RoundEntered {
                chain,
                height,
                round,
            });
            self.notify(chain, Reason::NewRound { round }, out);
        }
    }

    /// Tells whether the chain's own state keeps its shape towards `peers`.
    pub(super) fn observe_shape(
        &self,
        chain: ChainId,
        peers: impl IntoIterator<Item = ChainId>,
        out: &mut Outputs,
    ) {
        if let Err((shape, detail)) = self.chains[&chain].check_shape(peers) {
            out.observe(Observation::ShapeBroken {
                chain,
                shape,
                detail: detail.to_owned(),
            });
        }
    }
}
