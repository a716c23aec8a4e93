//! What a block says of applications: what calls them, and what they leave behind in it.
//!
//! Owns the operation and the message of an application, and the part of a block's outcome that only
//! blocks with calls have. Knows nothing of what the bytes mean.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    application::description::StreamId,
    blob::Blob,
    ids::{ApplicationId, ChainId},
};

/// An operation of an application.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct UserOperation {
    /// Whose.
    pub application_id: ApplicationId,
    /// What it says, in the application's encoding.
    pub bytes: Vec<u8>,
}

/// A message from an application to itself on another chain.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct UserMessage {
    /// Whose.
    pub application_id: ApplicationId,
    /// What it says, in the application's encoding.
    pub bytes: Vec<u8>,
}

/// New events of a stream, for an application that follows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StreamRange {
    /// Who follows it.
    pub application_id: ApplicationId,
    /// The chain that publishes them.
    pub chain_id: ChainId,
    /// The stream.
    pub stream_id: StreamId,
    /// The one after the last that is handed over; those from the first that the application has not
    /// seen.
    pub next_index: u32,
}

/// An event that a block adds to a stream.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Event {
    /// The stream.
    pub stream_id: StreamId,
    /// Its place there.
    pub index: u32,
    /// What it says, in the application's encoding.
    pub value: Arc<[u8]>,
}

/// What the applications called by a block have left in it, beside messages and chains. Each entry
/// says which transaction it is of.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ApplicationOutcome {
    /// Events, in order.
    pub events: Vec<(u32, Event)>,
    /// Blobs that came to be by executing it, in order.
    pub created_blobs: Vec<(u32, Arc<Blob>)>,
    /// What operations returned, those that returned nothing left out.
    pub operation_results: Vec<(u32, Vec<u8>)>,
}
