//! The state of a game on its own chain, and the list of games where they were started.

use linera_sdk::{
    linera_base_types::{AccountOwner, ChainId, TimeDelta, Timestamp},
    views::{MapView, RegisterView, RootView, ViewStorageContext, linera_views},
};
use serde::{Deserialize, Serialize};

use crate::{Board, Outcome, Player};

/// A game.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Game {
    /// Where it was started.
    pub started_at: ChainId,
    /// Who plays.
    pub players: [AccountOwner; 2],
    /// How long a player may think about one stone.
    pub thinking_time: TimeDelta,
    /// Where the stones are.
    pub board: Board,
    /// Whose turn it is.
    pub to_move: Player,
    /// Since when: the time of the block before.
    pub since: Timestamp,
    /// How it has ended, if it has.
    pub outcome: Outcome,
}

impl Game {
    /// From when on the time is up of whose turn it is.
    pub fn moves_until(&self) -> Timestamp {
        self.since.saturating_add(self.thinking_time)
    }

    /// Which of the two somebody is.
    pub fn player(&self, owner: AccountOwner) -> Option<Player> {
        let [first, second] = self.players;
        match owner {
            _ if owner == first => Some(Player::First),
            _ if owner == second => Some(Player::Second),
            _ => None,
        }
    }
}

/// What is stored.
#[derive(RootView)]
#[view(context = ViewStorageContext)]
pub struct FourInARowState {
    /// The game of this chain.
    pub game: RegisterView<Option<Game>>,
    /// Games that were started here, by their chains, and how they have ended.
    pub games: MapView<ChainId, Outcome>,
}
