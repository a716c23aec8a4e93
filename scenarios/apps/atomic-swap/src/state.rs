//! The state of a swap on its own chain, and the list of swaps on the proposer's.

use linera_sdk::{
    linera_base_types::ChainId,
    views::{LogView, RegisterView, RootView, ViewStorageContext, linera_views},
};

use crate::{Status, Terms};

/// What is stored.
#[derive(RootView)]
#[view(context = ViewStorageContext)]
pub struct AtomicSwapState {
    /// What was agreed, on the swap's chain.
    pub terms: RegisterView<Option<Terms>>,
    /// How far it is, on the swap's chain.
    pub status: RegisterView<Status>,
    /// Chains that were opened here for swaps, oldest first.
    pub proposed: LogView<ChainId>,
}
