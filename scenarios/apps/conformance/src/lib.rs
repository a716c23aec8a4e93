//! # Conformance
//!
//! Calls what a host offers, one function at a time, and answers with what came back: a host is
//! tested function by function with a program that the SDK has built. Every function of the three
//! interfaces `base-runtime-api`, `contract-runtime-api` and `service-runtime-api` is named by a
//! variant of [`Base`], [`Call`] or [`Ask`]; [`calls`] is the list.
//!
//! | | |
//! |---|---|
//! | parameters | any JSON |
//! | argument | a list of calls, which are made at instantiation |
//! | operation | [`Call`], as BCS; answers with [`Answer`] |
//! | message | a list of calls, which are made where it arrives |
//! | query | [`Ask`], as JSON: `{"Base": "GetChainId"}`, `{"Base": {"ReadValueBytes": [1]}}`; answers with [`Answer`] |
//!
//! What happens without anybody asking leaves a value in storage, which a query can read: see the
//! keys in [`calls`]. The application has no other state: every other key is as callers leave it.
//!
//! Calls go through the SDK's runtime where it has a method for them, and through the SDK's
//! bindings (`linera_sdk::contract::wit`) where it has none.

pub mod answers;
pub mod calls;
pub mod storage;

use linera_sdk::{
    linera_base_types::{ContractAbi, ServiceAbi},
    serde_json::Value,
};

pub use self::{
    answers::Answer,
    calls::{Ask, Base, Call},
};

/// How others call this application.
pub struct ConformanceAbi;

impl ContractAbi for ConformanceAbi {
    type Operation = Call;
    type Response = Answer;
}

impl ServiceAbi for ConformanceAbi {
    type Query = Ask;
    type QueryResponse = Answer;
}

/// Any application: its operations and responses are bytes, its queries are JSON.
pub struct AnyAbi;

impl ContractAbi for AnyAbi {
    type Operation = Vec<u8>;
    type Response = Vec<u8>;

    fn deserialize_operation(operation: Vec<u8>) -> Result<Vec<u8>, String> {
        Ok(operation)
    }

    fn serialize_operation(operation: &Vec<u8>) -> Result<Vec<u8>, String> {
        Ok(operation.clone())
    }

    fn deserialize_response(response: Vec<u8>) -> Result<Vec<u8>, String> {
        Ok(response)
    }

    fn serialize_response(response: Vec<u8>) -> Result<Vec<u8>, String> {
        Ok(response)
    }
}

impl ServiceAbi for AnyAbi {
    type Query = Value;
    type QueryResponse = Value;
}
