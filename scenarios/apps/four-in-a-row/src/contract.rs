//! The contract: opens chains for games, and on such a chain sees to the rules and the clock.

#![cfg_attr(target_arch = "wasm32", no_main)]

use four_in_a_row::{
    Board, FourInARowAbi, Message, Operation, Outcome, Player,
    state::{FourInARowState, Game},
};
use linera_sdk::{
    Contract, ContractRuntime,
    linera_base_types::{
        AccountOwner, Amount, ApplicationPermissions, ChainId, ChainOwnership, TimeDelta,
        TimeoutConfig, WithContractAbi,
    },
    views::{RootView, View},
};

/// Rounds in which both may propose blocks on the game's chain, before they take turns.
const MULTI_LEADER_ROUNDS: u32 = 100;

/// A game, while a transaction runs.
pub struct FourInARowContract {
    state: FourInARowState,
    runtime: ContractRuntime<Self>,
}

linera_sdk::contract!(FourInARowContract);

impl WithContractAbi for FourInARowContract {
    type Abi = FourInARowAbi;
}

impl Contract for FourInARowContract {
    type Message = Message;
    type Parameters = ();
    type InstantiationArgument = ();
    type EventValue = ();

    async fn load(runtime: ContractRuntime<Self>) -> Self {
        let state = FourInARowState::load(runtime.root_view_storage_context())
            .await
            .expect("the state of a game can be read");
        FourInARowContract { state, runtime }
    }

    async fn instantiate(&mut self, (): ()) {}

    async fn execute_operation(&mut self, operation: Operation) -> Option<ChainId> {
        match operation {
            Operation::Start {
                first,
                second,
                thinking_time,
                for_fees,
            } => return Some(self.open([first, second], thinking_time, for_fees)),
            Operation::Drop { column } => self.drop(column),
            Operation::TimeIsUp => self.time_is_up(),
            Operation::Resign => {
                let (game, player) = self.open_game();
                self.end(game, wins(player.other()));
            }
        }
        None
    }

    async fn execute_message(&mut self, message: Message) {
        let origin = self.runtime.message_origin_chain_id();
        let origin = origin.expect("a message comes from a chain");
        match message {
            Message::Start {
                players,
                thinking_time,
            } => self.begin(origin, players, thinking_time),
            Message::Over(outcome) => {
                let stored = self.state.games.insert(&origin, outcome);
                stored.expect("games can be written");
            }
        }
    }

    async fn store(mut self) {
        self.state
            .save()
            .await
            .expect("the state of a game can be written");
    }
}

fn wins(player: Player) -> Outcome {
    match player {
        Player::First => Outcome::First,
        Player::Second => Outcome::Second,
    }
}

// Where games are started.
impl FourInARowContract {
    fn open(
        &mut self,
        players: [AccountOwner; 2],
        thinking_time: TimeDelta,
        for_fees: Amount,
    ) -> ChainId {
        assert_ne!(players[0], players[1], "a game is for two");
        let own = self.runtime.application_id().forget_abi();
        let ownership = ChainOwnership::multiple(
            players.map(|player| (player, 1)),
            MULTI_LEADER_ROUNDS,
            TimeoutConfig::default(),
        );
        let permissions = ApplicationPermissions {
            execute_operations: Some(vec![own]),
            close_chain: vec![own],
            ..ApplicationPermissions::default()
        };
        let chain = self.runtime.open_chain(ownership, permissions, for_fees);
        let start = Message::Start {
            players,
            thinking_time,
        };
        self.runtime.send_message(chain, start);
        let stored = self.state.games.insert(&chain, Outcome::Open);
        stored.expect("games can be written");
        chain
    }
}

// On the chain of a game.
impl FourInARowContract {
    fn begin(&mut self, started_at: ChainId, players: [AccountOwner; 2], thinking_time: TimeDelta) {
        assert!(self.state.game.get().is_none(), "a chain is for one game");
        let game = Game {
            started_at,
            players,
            thinking_time,
            board: Board::default(),
            to_move: Player::First,
            since: self.runtime.system_time(),
            outcome: Outcome::Open,
        };
        self.state.game.set(Some(game));
    }

    /// The game that is on, and the player who has signed.
    fn open_game(&mut self) -> (Game, Player) {
        let game = self.state.game.get().clone();
        let game = game.expect("a game has begun on this chain");
        assert_eq!(game.outcome, Outcome::Open, "the game is over");
        let signer = self.runtime.authenticated_signer();
        let player = signer.and_then(|signer| game.player(signer));
        (game, player.expect("only players play"))
    }

    fn drop(&mut self, column: u8) {
        let (mut game, player) = self.open_game();
        assert_eq!(player, game.to_move, "it is the other one's turn");
        let won = game.board.drop(player, column);
        let won = won.unwrap_or_else(|why| panic!("{why}"));
        if won {
            self.end(game, wins(player));
        } else if game.board.is_full() {
            self.end(game, Outcome::Draw);
        } else {
            game.to_move = player.other();
            game.since = self.runtime.system_time();
            self.state.game.set(Some(game));
        }
    }

    fn time_is_up(&mut self) {
        let (game, player) = self.open_game();
        assert_ne!(player, game.to_move, "nobody ends their own thinking");
        assert!(
            self.runtime.system_time() >= game.moves_until(),
            "there is time left to think"
        );
        self.end(game, wins(player));
    }

    fn end(&mut self, mut game: Game, outcome: Outcome) {
        game.outcome = outcome;
        let over = Message::Over(outcome);
        self.runtime.send_message(game.started_at, over);
        self.state.game.set(Some(game));
        let closed = self.runtime.close_chain();
        closed.expect("the chain was opened so that its application may close it");
    }
}

#[cfg(test)]
#[path = "contract/tests.rs"]
mod tests;
