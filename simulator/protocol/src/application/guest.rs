//! Code as something that runs: what a virtual machine offers.
//!
//! A [`Module`] is compiled code; a [`Guest`] is one instance of it with its memory, good for one user
//! action. A guest runs as a coroutine: [`Guest::start`] and [`Guest::resume`] go on until it asks
//! something, returns or fails. What it does depends on its code, its fuel and the answers alone.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::application::{
    description::StreamUpdate,
    request::{Answer, Request},
};

/// What code is for; each has an interface of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Role {
    /// Changes state, in blocks.
    Contract,
    /// Answers queries, and changes nothing.
    Service,
}

/// A way into code, with what it is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// Contract: the application is created, with this argument (JSON).
    Instantiate(Vec<u8>),
    /// Contract: an operation; returns the response.
    ExecuteOperation(Vec<u8>),
    /// Contract: a message has been accepted.
    ExecuteMessage(Vec<u8>),
    /// Contract: there are new events in streams that the chain follows.
    ProcessStreams(Vec<StreamUpdate>),
    /// Contract: the action is over, save what must stay.
    Finalize,
    /// Service: a query (JSON); returns the answer.
    HandleQuery(Vec<u8>),
}

impl Entry {
    /// Whose interface it belongs to.
    pub const fn role(&self) -> Role {
        match self {
            Self::Instantiate(_)
            | Self::ExecuteOperation(_)
            | Self::ExecuteMessage(_)
            | Self::ProcessStreams(_)
            | Self::Finalize => Role::Contract,
            Self::HandleQuery(_) => Role::Service,
        }
    }
}

/// Where a guest has stopped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// It waits for an answer.
    Asks(Request),
    /// The entry point is through, with what it returns; nothing where it returns nothing.
    Returns(Vec<u8>),
    /// It is of no use any more.
    Fails(GuestError),
}

/// Code that runs.
pub trait Guest: Send {
    /// Enters it. It may be entered again once it has returned, but not while it waits.
    fn start(&mut self, entry: Entry) -> Step;

    /// Gives it the answer that it waits for.
    ///
    /// # Panics
    /// If it waits for nothing, or for an answer of another kind.
    fn resume(&mut self, answer: Answer) -> Step;

    /// What fuel it has left; nothing once it ran out.
    fn fuel(&self) -> u64;

    /// Gives it so much fuel instead.
    fn set_fuel(&mut self, fuel: u64);
}

/// Compiled code, shared by all that run it.
pub trait Module: Send + Sync {
    /// A fresh instance, which has `fuel` less what making it has cost.
    ///
    /// # Errors
    /// If there is not that much fuel, or its memory is larger than guests may have.
    fn instantiate(&self, fuel: u64) -> Result<Box<dyn Guest>, GuestError>;
}

/// Whoever compiles and runs code.
pub trait VirtualMachine: Send + Sync {
    /// Checks and compiles bytecode. The same bytes always give the same result.
    ///
    /// # Errors
    /// If it is not code, or not of this interface.
    fn compile(&self, role: Role, bytecode: &[u8]) -> Result<Arc<dyn Module>, ModuleError>;
}

/// Why a guest failed. It ends the user action, and touches nothing else.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
pub enum GuestError {
    /// It panicked, with this text.
    #[error("{0}")]
    Panic(String),
    /// It did what its machine cannot do, without a word.
    #[error("trap: {0}")]
    Trap(String),
    /// Its fuel is used up.
    #[error("out of fuel")]
    OutOfFuel,
    /// It wanted more memory, or larger tables, than a guest may have.
    #[error("more than {maximum} bytes of memory, or tables beyond their limit")]
    MemoryLimit {
        /// The most that there is.
        maximum: u64,
    },
    /// It asked too often.
    #[error("more than {maximum} calls of the host")]
    HostCallLimit {
        /// How often it may.
        maximum: u64,
    },
    /// It logged too much.
    #[error("more than {maximum} bytes of log")]
    LogLimit {
        /// The most bytes.
        maximum: u64,
    },
    /// What it passed to a function is not what the interface says.
    #[error("{function}: {reason}")]
    Malformed {
        /// The function of the interface.
        function: String,
        /// What is wrong.
        reason: String,
    },
}

/// Why bytecode was refused.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
pub enum ModuleError {
    /// It is longer than code may be.
    #[error("{size} bytes of code, more than {maximum}")]
    TooLarge {
        /// Its length.
        size: u64,
        /// The most there may be.
        maximum: u64,
    },
    /// It is not a module at all.
    #[error("not a Wasm module: {0}")]
    NotWasm(String),
    /// It is a module, and breaks a rule of modules.
    #[error("not a valid module: {0}")]
    Invalid(String),
    /// It lacks something that the interface demands.
    #[error("no export `{name}`: {}", match .nearest {
        Some(nearest) => format!("is `{nearest}` meant to be it?"),
        None => "is it built for this interface?".to_owned(),
    })]
    MissingExport {
        /// What is missing.
        name: String,
        /// What it exports that is called nearly so.
        nearest: Option<String>,
    },
    /// An export has another type than the interface says.
    #[error("export `{name}` is {found}, and should be {expected}")]
    MistypedExport {
        /// Which one.
        name: String,
        /// Its type.
        found: String,
        /// The type that it should have.
        expected: String,
    },
    /// It wants a function that does not exist.
    #[error("unknown import `{name}`{}", match .nearest {
        Some(nearest) => format!("; the nearest known one is `{nearest}`"),
        None => String::new(),
    })]
    UnknownImport {
        /// What it wants.
        name: String,
        /// What exists and is called nearly so.
        nearest: Option<String>,
    },
    /// It wants a function with another type.
    #[error("import `{name}` is {found}, and should be {expected}")]
    MistypedImport {
        /// Which one.
        name: String,
        /// The type that it wants.
        found: String,
        /// The type that the function has.
        expected: String,
    },
    /// It is built for a later version of the interface.
    #[error("import `{name}` is of interface {version}, and this host speaks {supported}")]
    NewerInterface {
        /// A function that gives it away.
        name: String,
        /// The version that has it.
        version: String,
        /// The newest version here.
        supported: String,
    },
    /// It is larger in some way than guests may be.
    #[error("{what}: {found}, more than {maximum}")]
    Limit {
        /// In which way.
        what: String,
        /// How much there is.
        found: u64,
        /// How much there may be.
        maximum: u64,
    },
}
