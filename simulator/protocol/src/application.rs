//! The port between the rules of the protocol and the code of applications.
//!
//! Owns the words in which they talk: what code may ask ([`request`]), who answers ([`runtime`]), how
//! code is run ([`guest`]), and the rules of one user action and of one query ([`action`],
//! [`query`]): who is loaded, who calls whom, who is told whose authentication, who is finalized and
//! in which order.
//!
//! Code is run as a coroutine: it goes on until it asks something, is given the answer, and goes on.
//! So nothing here is called back, suspended callers cost no native stack, and whoever answers needs
//! no share of the machine's state. Knows nothing of Wasm: another crate implements
//! [`guest::VirtualMachine`].

pub mod action;
pub mod activity;
mod answering;
mod calls;
pub mod description;
pub mod guest;
pub mod outcome;
pub mod query;
pub mod request;
pub mod runtime;
