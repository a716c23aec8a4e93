//! The contract: emits what is written here, and takes in what is written elsewhere.

#![cfg_attr(target_arch = "wasm32", no_main)]

use linera_sdk::{
    Contract, ContractRuntime,
    linera_base_types::{ChainId, StreamUpdate, WithContractAbi},
    views::{RootView, View},
};
use social::{Event, Operation, Post, STREAM, SocialAbi, TEXT_MAX, state::SocialState};

/// Posts and the feed of a chain, while a transaction runs.
pub struct SocialContract {
    state: SocialState,
    runtime: ContractRuntime<Self>,
}

linera_sdk::contract!(SocialContract);

impl WithContractAbi for SocialContract {
    type Abi = SocialAbi;
}

impl Contract for SocialContract {
    type Message = ();
    type Parameters = ();
    type InstantiationArgument = ();
    type EventValue = Event;

    async fn load(runtime: ContractRuntime<Self>) -> Self {
        let state = SocialState::load(runtime.root_view_storage_context())
            .await
            .expect("what was posted can be read");
        SocialContract { state, runtime }
    }

    async fn instantiate(&mut self, (): ()) {}

    async fn execute_operation(&mut self, operation: Operation) -> Option<u32> {
        match operation {
            Operation::Subscribe { chain_id } => {
                self.subscribe(chain_id).await;
                None
            }
            Operation::Unsubscribe { chain_id } => {
                self.unsubscribe(chain_id).await;
                None
            }
            Operation::Post { text } => Some(self.post(text)),
            Operation::Like { author, index } => Some(self.like(author, index).await),
        }
    }

    async fn execute_message(&mut self, (): ()) {
        panic!("this application sends no messages");
    }

    async fn process_streams(&mut self, updates: Vec<StreamUpdate>) {
        for update in updates {
            assert_eq!(
                update.stream_id.stream_name.0, STREAM,
                "there is one stream to subscribe to"
            );
            for index in update.new_indices() {
                self.take_in(update.chain_id, index).await;
            }
        }
    }

    async fn store(mut self) {
        self.state.save().await.expect("posts can be written");
    }
}

impl SocialContract {
    async fn follows(&self, chain_id: ChainId) -> bool {
        let follows = self.state.follows.contains(&chain_id).await;
        follows.expect("the list can be read")
    }

    async fn subscribe(&mut self, chain_id: ChainId) {
        assert!(
            !self.follows(chain_id).await,
            "{chain_id} is followed already"
        );
        let stored = self.state.follows.insert(&chain_id);
        stored.expect("the list can be written");
        let application_id = self.runtime.application_id().forget_abi();
        self.runtime
            .subscribe_to_events(chain_id, application_id, STREAM.into());
    }

    async fn unsubscribe(&mut self, chain_id: ChainId) {
        assert!(self.follows(chain_id).await, "{chain_id} is not followed");
        let stored = self.state.follows.remove(&chain_id);
        stored.expect("the list can be written");
        let application_id = self.runtime.application_id().forget_abi();
        self.runtime
            .unsubscribe_from_events(chain_id, application_id, STREAM.into());
    }

    fn post(&mut self, text: String) -> u32 {
        assert!(!text.is_empty(), "a post says something");
        assert!(
            text.len() <= TEXT_MAX,
            "a post has {TEXT_MAX} bytes at most, not {}",
            text.len()
        );
        let time = self.runtime.system_time();
        let post = Post { time, text };
        let index = self.runtime.emit(STREAM.into(), &Event::Post(post.clone()));
        let stored = self.state.posts.insert(&index, post);
        stored.expect("posts can be written");
        index
    }

    async fn like(&mut self, author: ChainId, index: u32) -> u32 {
        let here = self.runtime.chain_id();
        let known = if author == here {
            self.state.posts.contains_key(&index).await
        } else {
            self.state.feed.contains_key(&(author, index)).await
        };
        assert!(
            known.expect("posts can be read"),
            "{author} has posted nothing at {index} that is known here"
        );
        self.state.like(here, author, index).await;
        self.runtime
            .emit(STREAM.into(), &Event::Like { author, index })
    }

    async fn take_in(&mut self, chain_id: ChainId, index: u32) {
        match self.runtime.read_event(chain_id, STREAM.into(), index) {
            Event::Post(post) => {
                let stored = self.state.feed.insert(&(chain_id, index), post);
                stored.expect("posts can be written");
            }
            Event::Like { author, index } => self.state.like(chain_id, author, index).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use linera_sdk::{
        bcs,
        linera_base_types::{ApplicationId, CryptoHash, GenericApplicationId, StreamId, Timestamp},
        util::BlockingWait,
    };

    use super::*;

    fn chain(name: &str) -> ChainId {
        ChainId(CryptoHash::test_hash(name))
    }

    fn application() -> ApplicationId {
        ApplicationId::new(CryptoHash::test_hash("social"))
    }

    fn contract() -> SocialContract {
        let runtime = ContractRuntime::new()
            .with_application_id(application().with_abi())
            .with_chain_id(chain("here"))
            .with_system_time(Timestamp::from(5));
        SocialContract::load(runtime).blocking_wait()
    }

    fn post(contract: &mut SocialContract, text: &str) -> Option<u32> {
        let text = text.to_owned();
        let posted = contract.execute_operation(Operation::Post { text });
        posted.blocking_wait()
    }

    fn written(text: &str) -> Post {
        Post {
            time: Timestamp::from(5),
            text: text.to_owned(),
        }
    }

    /// Lets a contract take in what another chain has emitted.
    fn take_in(contract: &mut SocialContract, events: &[Event]) {
        let mut next_index = 0;
        for event in events {
            let bytes = bcs::to_bytes(event).expect("events have an encoding");
            let runtime = &mut contract.runtime;
            runtime.add_event(chain("there"), STREAM.into(), next_index, &bytes);
            next_index += 1;
        }
        let update = StreamUpdate {
            chain_id: chain("there"),
            stream_id: StreamId {
                application_id: GenericApplicationId::User(application()),
                stream_name: STREAM.into(),
            },
            previous_index: 0,
            next_index,
        };
        contract.process_streams(vec![update]).blocking_wait();
    }

    #[test]
    fn posts_are_numbered_and_kept() {
        let mut contract = contract();
        assert_eq!(post(&mut contract, "first"), Some(0));
        assert_eq!(post(&mut contract, "second"), Some(1));
        let kept = contract.state.posts.get(&1).blocking_wait();
        assert_eq!(kept.expect("posts can be read"), Some(written("second")));
    }

    #[test]
    #[should_panic(expected = "1000 bytes at most, not 1001")]
    fn a_post_has_an_end() {
        post(&mut contract(), &"x".repeat(1_001));
    }

    #[test]
    fn events_of_others_become_a_feed() {
        let mut contract = contract();
        let like = Event::Like {
            author: chain("elsewhere"),
            index: 9,
        };
        let posts = ["a", "b"].map(|text| Event::Post(written(text)));
        take_in(&mut contract, &[posts[0].clone(), like, posts[1].clone()]);
        let feed = contract.state.feed.index_values().blocking_wait();
        let feed = feed.expect("the feed can be read");
        let expected = [
            ((chain("there"), 0), written("a")),
            ((chain("there"), 2), written("b")),
        ];
        assert_eq!(feed, expected);
        let likes = contract.state.likes_of(chain("elsewhere"), 9);
        assert_eq!(likes.blocking_wait().len(), 1);
    }

    #[test]
    fn a_post_of_the_feed_can_be_liked() {
        let mut contract = contract();
        take_in(&mut contract, &[Event::Post(written("a"))]);
        let like = Operation::Like {
            author: chain("there"),
            index: 0,
        };
        let index = contract.execute_operation(like).blocking_wait();
        assert_eq!(index, Some(0));
        let likes = contract.state.likes_of(chain("there"), 0);
        assert_eq!(likes.blocking_wait().len(), 1);
    }

    #[test]
    #[should_panic(expected = "nothing at 3")]
    fn an_unknown_post_cannot_be_liked() {
        let like = Operation::Like {
            author: chain("there"),
            index: 3,
        };
        contract().execute_operation(like).blocking_wait();
    }
}
