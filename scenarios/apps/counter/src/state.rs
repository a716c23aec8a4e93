//! The state on one chain: a number, zero where nobody has counted yet.

use linera_sdk::views::{RegisterView, RootView, ViewStorageContext, linera_views};

/// What is stored.
#[derive(RootView)]
#[view(context = ViewStorageContext)]
pub struct CounterState {
    /// The sum of all increments on this chain.
    pub value: RegisterView<u64>,
}
