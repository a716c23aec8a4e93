//! # Four in a row
//!
//! Two players take turns at dropping stones into seven columns of six; who has four in a row has
//! won. A game is played on a chain that belongs to both, was opened for it, and closes with it.
//! Who thinks for too long can be told that the time is up, and has lost.
//!
//! | | |
//! |---|---|
//! | parameters, argument | none |
//! | operations | [`Operation`]; `Start` answers with the chain of the game |
//! | messages | [`Message`] |
//! | queries | `board`, `toMove`, `outcome`, `movesUntil` on the game's chain; `games` where it was started |
//!
//! **What it keeps:** a stone is dropped by whose turn it is, in a block that this player has signed;
//! a game has one end, and the chain where it was started hears of it.
//!
//! Both players may propose blocks at any time, so they race for them: a move that is in a block
//! that was not taken is made again.

pub mod board;
pub mod state;

use async_graphql::{Enum, Request, Response};
use linera_sdk::{
    graphql::GraphQLMutationRoot,
    linera_base_types::{AccountOwner, Amount, ChainId, ContractAbi, ServiceAbi, TimeDelta},
};
use serde::{Deserialize, Serialize};

pub use self::board::{Board, Player};

/// How others call this application.
pub struct FourInARowAbi;

impl ContractAbi for FourInARowAbi {
    type Operation = Operation;
    type Response = Option<ChainId>;
}

impl ServiceAbi for FourInARowAbi {
    type Query = Request;
    type QueryResponse = Response;
}

/// What a block may ask.
#[derive(Debug, Deserialize, Serialize, GraphQLMutationRoot)]
pub enum Operation {
    /// Opens a chain for a game.
    Start {
        /// Who begins.
        first: AccountOwner,
        /// The other one.
        second: AccountOwner,
        /// How long a player may think about one stone.
        thinking_time: TimeDelta,
        /// What the game's chain gets of this chain's native tokens, for fees.
        for_fees: Amount,
    },
    /// Drops a stone. Works on the game's chain.
    Drop {
        /// From 0 to 6.
        column: u8,
    },
    /// Says that the other one has thought for too long. Works on the game's chain.
    TimeIsUp,
    /// Gives up. Works on the game's chain.
    Resign,
}

/// What this application tells itself on other chains.
#[derive(Debug, Deserialize, Serialize)]
pub enum Message {
    /// To the game's chain: this is what it was opened for.
    Start {
        /// Who plays; the first one begins.
        players: [AccountOwner; 2],
        /// How long a player may think about one stone.
        thinking_time: TimeDelta,
    },
    /// To the chain where it was started: it is over.
    Over(Outcome),
}

/// How a game has ended, if it has.
#[derive(Clone, Copy, Debug, Default, Deserialize, Enum, Eq, PartialEq, Serialize)]
pub enum Outcome {
    /// It has not.
    #[default]
    Open,
    /// The first player has won.
    First,
    /// The second player has won.
    Second,
    /// The board is full.
    Draw,
}
