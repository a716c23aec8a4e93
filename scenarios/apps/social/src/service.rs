//! The service: shows posts, and turns mutations into operations.

#![cfg_attr(target_arch = "wasm32", no_main)]

use std::sync::Arc;

use async_graphql::{EmptySubscription, Object, Request, Response, Schema, SimpleObject};
use linera_sdk::{
    Service, ServiceRuntime,
    graphql::GraphQLMutationRoot,
    linera_base_types::{ChainId, WithServiceAbi},
    views::View,
};
use social::{Operation, Post, SocialAbi, state::SocialState};

/// Posts and the feed of a chain, while a query runs.
pub struct SocialService {
    state: Arc<SocialState>,
    runtime: Arc<ServiceRuntime<Self>>,
}

linera_sdk::service!(SocialService);

impl WithServiceAbi for SocialService {
    type Abi = SocialAbi;
}

impl Service for SocialService {
    type Parameters = ();

    async fn new(runtime: ServiceRuntime<Self>) -> Self {
        let state = SocialState::load(runtime.root_view_storage_context())
            .await
            .expect("what was posted can be read");
        SocialService {
            state: Arc::new(state),
            runtime: Arc::new(runtime),
        }
    }

    async fn handle_query(&self, request: Request) -> Response {
        let query = Query {
            state: self.state.clone(),
            runtime: self.runtime.clone(),
        };
        let mutations = Operation::mutation_root(self.runtime.clone());
        let schema = Schema::build(query, mutations, EmptySubscription).finish();
        schema.execute(request).await
    }
}

/// What may be asked.
struct Query {
    state: Arc<SocialState>,
    runtime: Arc<ServiceRuntime<SocialService>>,
}

/// A post, and where it is from.
#[derive(SimpleObject)]
struct Entry {
    /// The author's chain.
    author: ChainId,
    /// The place in the author's stream.
    index: u32,
    /// What was written.
    post: Post,
}

#[Object]
impl Query {
    /// What was written here, oldest first.
    async fn posts(&self) -> Vec<Entry> {
        let author = self.runtime.chain_id();
        let posts = self.state.posts.index_values().await;
        let mut posts = posts.expect("posts can be read");
        // Keys lie in the order of their encoding, which is not that of numbers.
        posts.sort_by_key(|(index, _)| *index);
        let entry = |(index, post)| Entry {
            author,
            index,
            post,
        };
        posts.into_iter().map(entry).collect()
    }

    /// What was written by those who are followed, oldest first.
    async fn feed(&self) -> Vec<Entry> {
        let feed = self.state.feed.index_values().await;
        let mut feed = feed.expect("the feed can be read");
        feed.sort_by_key(|((author, index), post)| (post.time, *author, *index));
        let entry = |((author, index), post)| Entry {
            author,
            index,
            post,
        };
        feed.into_iter().map(entry).collect()
    }

    /// Whom this chain follows.
    async fn follows(&self) -> Vec<ChainId> {
        let follows = self.state.follows.indices().await;
        follows.expect("the list can be read")
    }

    /// The chains that have called a post good, as far as this chain knows.
    async fn likes(&self, author: ChainId, index: u32) -> Vec<ChainId> {
        let likes = self.state.likes_of(author, index).await;
        likes.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;
    use linera_sdk::{
        linera_base_types::{CryptoHash, Timestamp},
        serde_json::json,
        util::BlockingWait,
    };

    use super::*;

    #[test]
    fn posts_are_shown_in_their_order() {
        let here = ChainId(CryptoHash::test_hash("here"));
        let runtime = ServiceRuntime::<SocialService>::new().with_chain_id(here);
        let state = SocialState::load(runtime.root_view_storage_context()).blocking_wait();
        let mut state = state.expect("an empty state can be read");
        for index in [256, 1] {
            let post = Post {
                time: Timestamp::from(0),
                text: format!("number {index}"),
            };
            state.posts.insert(&index, post).expect("a post is written");
        }
        let service = SocialService {
            state: Arc::new(state),
            runtime: Arc::new(runtime),
        };
        let request = Request::new("{ posts { index post { text } } follows }");
        let response = service.handle_query(request).blocking_wait();
        let expected = json!({"follows": [], "posts": [
            {"index": 1, "post": {"text": "number 1"}},
            {"index": 256, "post": {"text": "number 256"}},
        ]});
        let expected = Value::from_json(expected).expect("this is a value");
        assert_eq!(response.data, expected, "{:?}", response.errors);
    }
}
