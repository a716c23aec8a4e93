//! What lies outside of a chain, as one node knows it: events of other chains, web servers, the round
//! in which a block is proposed.
//!
//! Nodes may know different things. Whatever a block learns here is recorded in it, so a quorum agrees
//! on it or the block is not certified, and whoever executes it later asks nobody.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    application::{
        description::StreamId,
        request::{HttpMethod, HttpRequest, HttpResponse},
    },
    ids::ChainId,
    oracle::OracleResponse,
    round::Round,
};

/// The name of an event.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct EventId {
    /// The chain that has published it.
    pub chain_id: ChainId,
    /// The stream.
    pub stream_id: StreamId,
    /// Its place there.
    pub index: u32,
}

/// What a node knows that is not in the state of the chain.
pub trait Outside {
    /// What an event of another chain says, if this node knows it.
    fn event(&self, id: &EventId) -> Option<Arc<[u8]>>;

    /// What a web server answers; `None`: nobody answers there.
    fn http(&self, request: &HttpRequest) -> Option<HttpResponse>;

    /// The number of the multi-leader round in which the block is proposed, if it is one.
    fn round(&self) -> Option<u32>;

    /// Whether it would have answered the same.
    fn agrees(&self, response: &OracleResponse) -> bool {
        match response {
            OracleResponse::Round(round) => *round == self.round(),
            OracleResponse::StreamEvent(read) => self.event(&read.0).as_ref() == Some(&read.1),
            OracleResponse::EventExists(id) => self.event(id).is_some(),
            OracleResponse::Http(exchange) => self.http(&exchange.0).as_ref() == Some(&exchange.1),
            // Blobs are looked for apart, and the others follow from the state and the block.
            OracleResponse::Blob(_)
            | OracleResponse::Event(_)
            | OracleResponse::Service(_)
            | OracleResponse::Assert => true,
        }
    }
}

impl fmt::Debug for dyn Outside + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside")
    }
}

/// Nothing is known outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Outside for Nowhere {
    fn event(&self, _: &EventId) -> Option<Arc<[u8]>> {
        None
    }

    fn http(&self, _: &HttpRequest) -> Option<HttpResponse> {
        None
    }

    fn round(&self) -> Option<u32> {
        None
    }
}

/// The number that applications are told of a round.
pub const fn number_of(round: Round) -> Option<u32> {
    match round {
        Round::MultiLeader(number) => Some(number),
        _ => None,
    }
}

/// What web servers answer to one node, by verb and address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WebAnswers(pub BTreeMap<(HttpMethod, String), HttpResponse>);

impl WebAnswers {
    /// The answer to a request, whatever its headers and body.
    pub fn answer(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let place = (request.method, request.url.clone());
        self.0.get(&place).cloned()
    }
}
