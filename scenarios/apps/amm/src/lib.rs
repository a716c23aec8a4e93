//! # AMM
//!
//! A pool of two tokens: who brings one gets the other, at a price that follows from what is in the
//! pool. Owners of the pool are those who have filled it, and every trade leaves a little there.
//!
//! | | |
//! |---|---|
//! | parameters | `{"tokens": [id, id]}`: two applications that speak [`FungibleTokenAbi`](fungible::FungibleTokenAbi) |
//! | argument | none |
//! | operations | [`Operation`], on every chain |
//! | messages | [`Message`], to the pool's chain |
//! | queries | `reserves`, `shares(chainId, owner)`, `totalShares`, `trades`, `price(input, amount)` |
//!
//! The pool lies on the chain that created it, so one chain carries the load of all traders. What
//! comes from elsewhere is tokens and a request in one bundle; what the pool refuses goes back with
//! the bundle. What the pool pays goes where the request came from.
//!
//! **What it keeps:** the product of both reserves is never less after a trade than before, and the
//! pool's accounts hold the reserves. Amounts are rounded in favour of the pool.

pub mod arithmetic;
pub mod state;

use async_graphql::{Enum, Request, Response};
use linera_sdk::{
    graphql::GraphQLMutationRoot,
    linera_base_types::{AccountOwner, Amount, ApplicationId, ContractAbi, ServiceAbi},
};
use serde::{Deserialize, Serialize};

/// How others call a pool.
pub struct AmmAbi;

impl ContractAbi for AmmAbi {
    type Operation = Operation;
    type Response = ();
}

impl ServiceAbi for AmmAbi {
    type Query = Request;
    type QueryResponse = Response;
}

/// What is traded.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Parameters {
    /// The applications of both tokens.
    pub tokens: [ApplicationId; 2],
}

/// One of the two tokens.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq, Serialize)]
pub enum Side {
    /// The first of the parameters.
    First,
    /// The second of the parameters.
    Second,
}

impl Side {
    /// Its place in the parameters and in the reserves.
    pub fn index(self) -> usize {
        match self {
            Side::First => 0,
            Side::Second => 1,
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Side::First => Side::Second,
            Side::Second => Side::First,
        }
    }
}

/// What a block may ask.
#[derive(Debug, Deserialize, Serialize, GraphQLMutationRoot)]
pub enum Operation {
    /// Brings one token and takes the other.
    Trade {
        /// Who trades; must sign.
        owner: AccountOwner,
        /// What is brought.
        input: Side,
        /// How much of it, from an account of this chain.
        amount: Amount,
        /// The trade is refused if it gives less than this.
        at_least: Amount,
    },
    /// Fills the pool. What does not fit the price comes back.
    Fill {
        /// Who fills; must sign.
        owner: AccountOwner,
        /// At most so much of the first token, from an account of this chain.
        first: Amount,
        /// At most so much of the second token, from an account of this chain.
        second: Amount,
    },
    /// Takes a part of the pool out.
    Drain {
        /// Who has filled it, from this chain; must sign.
        owner: AccountOwner,
        /// How many shares are given up.
        shares: Amount,
    },
}

/// What the application on one chain asks of the pool on another.
#[derive(Debug, Deserialize, Serialize)]
pub enum Message {
    /// The input was sent in the same bundle.
    Trade {
        /// Who trades.
        owner: AccountOwner,
        /// What was brought.
        input: Side,
        /// How much of it.
        amount: Amount,
        /// What it is to give, at least.
        at_least: Amount,
    },
    /// Both amounts were sent in the same bundle.
    Fill {
        /// Who fills.
        owner: AccountOwner,
        /// Of the first and the second token.
        amounts: [Amount; 2],
    },
    /// Asks for tokens; the owner has signed where this comes from.
    Drain {
        /// Who has filled.
        owner: AccountOwner,
        /// How many shares are given up.
        shares: Amount,
    },
}
