//! # Social
//!
//! Everybody posts on their own chain, as events of a stream; whoever subscribes to somebody's
//! chain finds the posts on their own. No messages: an author does not know who reads.
//!
//! | | |
//! |---|---|
//! | parameters, argument | none |
//! | operations | [`Operation`] |
//! | events | [`Event`], in the stream [`STREAM`] |
//! | queries | `posts`, `feed`, `follows`, `likes(author, index)` |
//!
//! **What it keeps:** the posts of an author in a feed are the first ones that the author wrote
//! since the beginning of the stream, each once, in order. How the posts of two authors lie to each
//! other is up to the blocks of the reader.

pub mod state;

use async_graphql::{Request, Response, SimpleObject};
use linera_sdk::{
    graphql::GraphQLMutationRoot,
    linera_base_types::{ChainId, ContractAbi, ServiceAbi, Timestamp},
};
use serde::{Deserialize, Serialize};

/// The one stream of this application.
pub const STREAM: &[u8] = b"posts";
/// Longer texts are refused, in bytes.
pub const TEXT_MAX: usize = 1_000;

/// How others call this application.
pub struct SocialAbi;

impl ContractAbi for SocialAbi {
    type Operation = Operation;
    /// The index in the stream of what was emitted, if anything was.
    type Response = Option<u32>;
}

impl ServiceAbi for SocialAbi {
    type Query = Request;
    type QueryResponse = Response;
}

/// What a block may ask.
#[derive(Debug, Deserialize, Serialize, GraphQLMutationRoot)]
pub enum Operation {
    /// Follows the author who posts on a chain.
    Subscribe {
        /// The author's chain.
        chain_id: ChainId,
    },
    /// Follows no longer. What was read stays.
    Unsubscribe {
        /// The author's chain.
        chain_id: ChainId,
    },
    /// Writes something.
    Post {
        /// Some text, not empty and not longer than [`TEXT_MAX`].
        text: String,
    },
    /// Says that a post is good, to one's own readers: a post of a feed, or one of one's own.
    Like {
        /// The author's chain.
        author: ChainId,
        /// The place of the post in the author's stream.
        index: u32,
    },
}

/// What is emitted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Event {
    /// Something was written.
    Post(Post),
    /// Somebody else's post is good.
    Like {
        /// The author's chain.
        author: ChainId,
        /// The place of the post in the author's stream.
        index: u32,
    },
}

/// Something that was written.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, SimpleObject)]
pub struct Post {
    /// When: the time of the author's block.
    pub time: Timestamp,
    /// What.
    pub text: String,
}
