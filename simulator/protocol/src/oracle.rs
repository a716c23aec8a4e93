//! Oracle responses: what executing a block learned from outside of its chain.
//!
//! They are recorded in the block, and every later execution replays them, each once and in order,
//! instead of asking. A fast block has none, because its validators have not agreed on answers.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    application::request::{HttpRequest, HttpResponse},
    blob::BlobId,
    error::ExecutionError,
    ids::Epoch,
    outside::EventId,
};

/// An answer from outside of a chain.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum OracleResponse {
    /// This blob exists; recorded when the chain uses it for the first time.
    Blob(BlobId),
    /// The admin chain has created this epoch.
    Event(Epoch),
    /// What a service answered.
    Service(Arc<[u8]>),
    /// It is early enough.
    Assert,
    /// The number of the round, in multi-leader rounds.
    Round(Option<u32>),
    /// What a web server answered to what.
    Http(Arc<(HttpRequest, HttpResponse)>),
    /// What an event of another chain says.
    StreamEvent(Arc<(EventId, Arc<[u8]>)>),
    /// There is such an event on another chain.
    EventExists(Arc<EventId>),
}

/// Where one transaction gets its answers.
#[derive(Debug)]
pub(crate) enum Oracles {
    /// From outside: the caller has looked that they are true.
    Ask,
    /// From the block: these, in their order.
    Replay(VecDeque<OracleResponse>),
}

impl Oracles {
    /// The answer to a question whose only true answer is `expected`.
    pub(crate) fn answer(
        &mut self,
        expected: OracleResponse,
    ) -> Result<OracleResponse, ExecutionError> {
        match self {
            Self::Ask => Ok(expected),
            Self::Replay(recorded) => match recorded.pop_front() {
                None => Err(ExecutionError::MissingOracleResponse),
                Some(found) if found != expected => Err(ExecutionError::OracleResponseMismatch),
                Some(found) => Ok(found),
            },
        }
    }

    /// The answer that was recorded; `None`: somebody has to be asked.
    pub(crate) fn recorded(&mut self) -> Result<Option<OracleResponse>, ExecutionError> {
        match self {
            Self::Ask => Ok(None),
            Self::Replay(recorded) => match recorded.pop_front() {
                None => Err(ExecutionError::MissingOracleResponse),
                found => Ok(found),
            },
        }
    }

    /// The transaction is over: nothing may be left.
    pub(crate) fn finish(&self) -> Result<(), ExecutionError> {
        match self {
            Self::Replay(left) if !left.is_empty() => Err(ExecutionError::UnexpectedOracleResponse),
            Self::Replay(_) | Self::Ask => Ok(()),
        }
    }
}
