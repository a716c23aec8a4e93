//! What applications did while a block was executed, as far as the block itself does not say it: for
//! whoever watches a run. No rule depends on it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    amount::Amount,
    application::{description::StreamId, guest::Entry, request::LogLevel},
    ids::{Account, AccountOwner, ApplicationId, ChainId},
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
};

/// Where a user action enters its first application.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum EntryKind {
    /// It is created.
    Instantiate,
    /// An operation.
    Operation,
    /// A message.
    Message,
    /// New events of streams.
    Streams,
}

impl EntryKind {
    /// Of an entry point that begins a user action.
    pub(crate) const fn of(entry: &Entry) -> Self {
        match entry {
            Entry::Instantiate(_) => Self::Instantiate,
            Entry::ExecuteMessage(_) => Self::Message,
            Entry::ProcessStreams(_) => Self::Streams,
            Entry::ExecuteOperation(_) | Entry::Finalize | Entry::HandleQuery(_) => Self::Operation,
        }
    }
}

/// An application that ran in a user action, each time it was entered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct CallRecord {
    /// Which one.
    pub application: ApplicationId,
    /// How many others waited for it.
    pub depth: u32,
    /// Fuel that it used itself, without those that it called.
    pub fuel: u64,
}

/// A user action.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ActionRecord {
    /// The transaction that it belongs to.
    pub transaction: u32,
    /// Where it began.
    pub entry: EntryKind,
    /// Who ran, in the order of entering; the first is the application that the action is of. What a
    /// service used that was asked as an oracle is not among them.
    pub calls: Vec<CallRecord>,
    /// What else they used.
    pub used: Usage,
}

/// What a user action used, beside fuel, of all that may have a price.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Reads of storage, events and blobs.
    pub read_operations: u64,
    /// Bytes that they gave.
    pub bytes_read: u64,
    /// Changes of storage.
    pub write_operations: u64,
    /// Bytes of keys and values in them.
    pub bytes_written: u64,
    /// Blobs of code that were loaded.
    pub blobs_read: u64,
    /// Their bytes.
    pub blob_bytes_read: u64,
    /// Blobs that were created, and events.
    pub published: u64,
    /// Their bytes.
    pub bytes_published: u64,
    /// Services that were asked as oracles.
    pub oracle_queries: u64,
    /// Requests to web servers.
    pub http_requests: u64,
}

/// Money that an application moved.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct MoneyMove {
    /// The user action in which it did, as its place among those of the block.
    pub action: u32,
    /// Which application.
    pub application: ApplicationId,
    /// What.
    pub what: Moved,
}

/// How money was moved.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Moved {
    /// From an account of this chain to any account.
    Transfer {
        /// Whose account.
        source: AccountOwner,
        /// Where to.
        destination: Account,
        /// How much.
        amount: Amount,
    },
    /// Asked for from an account on another chain.
    Claim {
        /// Whose account.
        source: AccountOwner,
        /// The chain that holds it.
        target: ChainId,
        /// Where to.
        destination: Account,
        /// How much.
        amount: Amount,
    },
    /// From the chain to a chain that it opens.
    Opened {
        /// The new chain.
        chain: ChainId,
        /// How much.
        amount: Amount,
    },
    /// From an account into the grant of a message.
    Grant {
        /// Whose account.
        source: AccountOwner,
        /// How much.
        amount: Amount,
    },
}

/// What an application changed that other blocks of the chain depend on, and that the block does not
/// say.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ChainChange {
    /// The user action in which it did, as its place among those of the block.
    pub action: u32,
    /// Which application.
    pub application: ApplicationId,
    /// What.
    pub what: Changed,
}

/// A change of a chain by an application.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Changed {
    /// The chain is closed.
    Closed,
    /// It has other owners.
    Ownership(Arc<ChainOwnership>),
    /// It permits something else.
    Permissions(Arc<ApplicationPermissions>),
    /// The application follows a stream of a chain from its first event on, if it did not before.
    Subscribed(ChainId, StreamId),
    /// The application follows it no more.
    Unsubscribed(ChainId, StreamId),
    /// The application gets the events of a stream from one index to before another.
    Handed(ChainId, StreamId, u32, u32),
}

/// What an application keeps on the chain after a block that called it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StorageRecord {
    /// Which application.
    pub application: ApplicationId,
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// What the applications of one block did.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Activity {
    /// User actions, in order.
    pub actions: Vec<ActionRecord>,
    /// Money that they moved, in order.
    pub moves: Vec<MoneyMove>,
    /// What else they changed that lasts, in order.
    pub changes: Vec<ChainChange>,
    /// What those applications keep that were called, by id.
    pub storage: Vec<StorageRecord>,
    /// Lines that they wrote to their logs, each cut to a length, and how many there were.
    pub log: Vec<LogLine>,
    /// Lines beyond those that are kept.
    pub log_dropped: u64,
}

/// A line of a log.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct LogLine {
    /// Whose.
    pub application: ApplicationId,
    /// How urgent.
    pub level: LogLevel,
    /// What it says.
    pub text: Arc<str>,
}

/// The most lines of a block that are kept.
pub(crate) const LOG_LINES_MAX: usize = 100;
/// The most bytes of a line that are kept.
pub(crate) const LOG_BYTES_MAX: usize = 1_000;
