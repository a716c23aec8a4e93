//! # Meta-counter
//!
//! Has no state of its own: it increases somebody else's counter, on its own chain by a call and on
//! others by messages to itself. The ways in which that can fail are there to be tried.
//!
//! | | |
//! |---|---|
//! | parameters | the counter, any application that speaks [`CounterAbi`](counter::CounterAbi) |
//! | argument | none |
//! | operations | [`Operation`]; answers with the counter's sum where it was increased at once |
//! | messages | [`Message`] |
//! | query | `{ value }`, which asks the counter's service |

use async_graphql::{Request, Response};
use linera_sdk::{
    graphql::GraphQLMutationRoot,
    linera_base_types::{ChainId, ContractAbi, ServiceAbi},
};
use serde::{Deserialize, Serialize};

/// How others call this application.
pub struct MetaCounterAbi;

impl ContractAbi for MetaCounterAbi {
    type Operation = Operation;
    type Response = Option<u64>;
}

impl ServiceAbi for MetaCounterAbi {
    type Query = Request;
    type QueryResponse = Response;
}

/// What a block may ask.
#[derive(Debug, Deserialize, Serialize, GraphQLMutationRoot)]
pub enum Operation {
    /// Calls the counter on this chain.
    Increment {
        /// How much to add.
        value: u64,
    },
    /// Asks the counter's service, as an oracle, what the number is, and adds as much again.
    Double,
    /// Has the counter of another chain called.
    IncrementElsewhere {
        /// The other chain.
        chain_id: ChainId,
        /// How much to add there.
        value: u64,
        /// Whether it is added here if the other chain rejects the message.
        tracked: bool,
        /// Fuel that is paid for here and used there.
        fuel_grant: u64,
    },
    /// Sends a message that panics wherever it is executed.
    FailElsewhere {
        /// The other chain.
        chain_id: ChainId,
    },
    /// Calls the counter and panics afterwards: nothing may be left of either.
    IncrementAndFail {
        /// How much would be added.
        value: u64,
    },
}

/// What this application on one chain tells itself on another.
#[derive(Debug, Deserialize, Serialize)]
pub enum Message {
    /// Calls the counter.
    Increment {
        /// How much to add.
        value: u64,
    },
    /// Panics.
    Fail,
}
