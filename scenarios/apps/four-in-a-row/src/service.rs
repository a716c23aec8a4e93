//! The service: shows the board, and turns mutations into operations.

#![cfg_attr(target_arch = "wasm32", no_main)]

use std::sync::Arc;

use async_graphql::{EmptySubscription, Object, Request, Response, Schema, SimpleObject};
use four_in_a_row::{
    FourInARowAbi, Operation, Outcome,
    state::{FourInARowState, Game},
};
use linera_sdk::{
    Service, ServiceRuntime,
    graphql::GraphQLMutationRoot,
    linera_base_types::{AccountOwner, ChainId, Timestamp, WithServiceAbi},
    views::View,
};

/// A game, while a query runs.
pub struct FourInARowService {
    state: Arc<FourInARowState>,
    runtime: Arc<ServiceRuntime<Self>>,
}

linera_sdk::service!(FourInARowService);

impl WithServiceAbi for FourInARowService {
    type Abi = FourInARowAbi;
}

impl Service for FourInARowService {
    type Parameters = ();

    async fn new(runtime: ServiceRuntime<Self>) -> Self {
        let state = FourInARowState::load(runtime.root_view_storage_context())
            .await
            .expect("the state of a game can be read");
        FourInARowService {
            state: Arc::new(state),
            runtime: Arc::new(runtime),
        }
    }

    async fn handle_query(&self, request: Request) -> Response {
        let query = Query {
            state: self.state.clone(),
        };
        let mutations = Operation::mutation_root(self.runtime.clone());
        let schema = Schema::build(query, mutations, EmptySubscription).finish();
        schema.execute(request).await
    }
}

/// What may be asked.
struct Query {
    state: Arc<FourInARowState>,
}

/// A game that was started here.
#[derive(SimpleObject)]
struct Started {
    /// Where it is played.
    chain_id: ChainId,
    /// How it has ended, as far as this chain knows.
    outcome: Outcome,
}

impl Query {
    fn game(&self) -> Option<&Game> {
        self.state.game.get().as_ref()
    }
}

#[Object]
impl Query {
    /// The board of this chain's game, the highest line first; nothing if there is no game.
    async fn board(&self) -> Option<Vec<String>> {
        self.game().map(|game| game.board.lines())
    }

    /// Whose turn it is.
    async fn to_move(&self) -> Option<AccountOwner> {
        let game = self.game()?;
        Some(game.players[game.to_move.index()])
    }

    /// From when on the time is up of whose turn it is.
    async fn moves_until(&self) -> Option<Timestamp> {
        self.game().map(Game::moves_until)
    }

    /// How the game has ended, if it has.
    async fn outcome(&self) -> Option<Outcome> {
        self.game().map(|game| game.outcome)
    }

    /// The games that were started here.
    async fn games(&self) -> Vec<Started> {
        let games = self.state.games.index_values().await;
        let started = |(chain_id, outcome)| Started { chain_id, outcome };
        let games = games.expect("games can be read");
        games.into_iter().map(started).collect()
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;
    use four_in_a_row::{Board, Player};
    use linera_sdk::{
        linera_base_types::{CryptoHash, TimeDelta},
        serde_json::json,
        util::BlockingWait,
    };

    use super::*;

    #[test]
    fn a_board_is_shown() {
        let runtime = ServiceRuntime::<FourInARowService>::new();
        let state = FourInARowState::load(runtime.root_view_storage_context()).blocking_wait();
        let mut state = state.expect("an empty state can be read");
        let mut board = Board::default();
        board.drop(Player::First, 3).expect("it fits");
        let game = Game {
            started_at: ChainId(CryptoHash::test_hash("lobby")),
            players: ["ana", "bob"].map(|name| CryptoHash::test_hash(name).into()),
            thinking_time: TimeDelta::from_micros(5),
            board,
            to_move: Player::Second,
            since: Timestamp::from(10),
            outcome: Outcome::Open,
        };
        state.game.set(Some(game));
        let service = FourInARowService {
            state: Arc::new(state),
            runtime: Arc::new(runtime),
        };
        let request = Request::new("{ board outcome movesUntil games { outcome } }");
        let response = service.handle_query(request).blocking_wait();
        let empty = ".......";
        let expected = json!({
            "board": [empty, empty, empty, empty, empty, "...x..."],
            "outcome": "OPEN", "movesUntil": 15, "games": [],
        });
        let expected = Value::from_json(expected).expect("this is a value");
        assert_eq!(response.data, expected, "{:?}", response.errors);
    }
}
