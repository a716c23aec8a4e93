//! # Counter
//!
//! The smallest application that has a state: a number on every chain, which operations increase.
//!
//! | | |
//! |---|---|
//! | parameters | none |
//! | argument | the number to begin with, on the chain that creates the application |
//! | operation | `Increment { value }`; answers with the sum |
//! | query | `{ value }` |
//! | mutation | `increment(value: 3)` |
//!
//! Sends no messages: the numbers of two chains have nothing to do with each other.

pub mod state;

use async_graphql::{Request, Response};
use linera_sdk::{
    graphql::GraphQLMutationRoot,
    linera_base_types::{ContractAbi, ServiceAbi},
};
use serde::{Deserialize, Serialize};

/// How others call the counter.
pub struct CounterAbi;

/// What a block may ask of the counter.
#[derive(Debug, Deserialize, Serialize, GraphQLMutationRoot)]
pub enum Operation {
    /// Adds `value` and answers with the sum. A sum beyond 64 bits fails.
    Increment {
        /// How much to add; may be nothing.
        value: u64,
    },
}

impl ContractAbi for CounterAbi {
    type Operation = Operation;
    type Response = u64;
}

impl ServiceAbi for CounterAbi {
    type Query = Request;
    type QueryResponse = Response;
}
