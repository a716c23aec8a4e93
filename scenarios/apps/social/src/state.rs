//! What one chain has written and read.

use std::collections::BTreeSet;

use linera_sdk::{
    linera_base_types::ChainId,
    views::{MapView, RootView, SetView, ViewStorageContext, linera_views},
};

use crate::Post;

/// What is stored.
#[derive(RootView)]
#[view(context = ViewStorageContext)]
pub struct SocialState {
    /// Posts of this chain, by their place in its stream.
    pub posts: MapView<u32, Post>,
    /// Posts of those whom this chain follows, by author and place.
    pub feed: MapView<(ChainId, u32), Post>,
    /// Whom this chain follows.
    pub follows: SetView<ChainId>,
    /// The chains that have called a post good, as far as this chain knows, by author and place.
    pub likes: MapView<(ChainId, u32), BTreeSet<ChainId>>,
}

impl SocialState {
    /// Notes that a chain likes a post. The same like may come again after a new subscription.
    pub async fn like(&mut self, who: ChainId, author: ChainId, index: u32) {
        let mut likes = self.likes_of(author, index).await;
        likes.insert(who);
        let stored = self.likes.insert(&(author, index), likes);
        stored.expect("likes can be written");
    }

    /// The chains that have called a post good, as far as this chain knows.
    pub async fn likes_of(&self, author: ChainId, index: u32) -> BTreeSet<ChainId> {
        let likes = self.likes.get(&(author, index)).await;
        likes.expect("likes can be read").unwrap_or_default()
    }
}
