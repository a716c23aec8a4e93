//! The rules of microchains as pure state machines: no clock, no randomness, no actor, no input or
//! output.
//!
//! A machine is given an instant, an input and a port to shared immutable data; it returns an
//! ordered list of outputs. Nothing here knows of threads, virtual time, files or scenarios. Names
//! are those of the Linera protocol; rules are cited by their names at the branch that keeps them.

pub mod adversary;
pub mod amount;
pub mod application;
pub mod autoscale;
pub mod blob;
pub mod block;
pub mod call;
pub mod certificate;
pub mod chain;
pub mod client;
pub mod committee;
pub mod database;
pub mod description;
pub mod draft;
pub mod epochs;
pub mod error;
pub mod execution;
pub mod genesis;
pub mod hash;
pub mod ids;
pub mod inbox;
mod leader;
pub mod machine;
pub mod manager;
pub mod message;
pub mod observe;
pub mod oracle;
pub mod outbox;
pub mod outside;
pub mod ownership;
pub mod pending_blobs;
pub mod permissions;
pub mod policy;
pub mod proposal;
pub mod proxy;
pub mod round;
pub mod rpc;
pub mod rules;
pub mod sabotage;
pub mod sharding;
pub mod signature;
pub mod small_map;
pub mod store;
pub mod streams;
pub mod submission;
pub mod time;
pub mod worker;

pub use amount::Amount;
pub use time::{TimeDelta, Timestamp};

#[cfg(test)]
mod attestation_tests;
#[cfg(test)]
mod epoch_tests;
#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod round_tests;
#[cfg(test)]
mod testing;
