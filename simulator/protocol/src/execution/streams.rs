//! Events of other chains, and handing them to applications that follow them (9.12).
//!
//! Keeps I-36: the ranges that an application gets of a stream follow one another without gap or
//! overlap, because what it has seen is state.

use std::sync::Arc;

use super::Execution;
use crate::{
    amount::Amount,
    application::{
        activity::Changed, description::StreamUpdate, guest::Entry, outcome::StreamRange,
        runtime::RuntimeError,
    },
    error::ExecutionError,
    oracle::OracleResponse,
    outside::EventId,
    sabotage::Sabotage,
};

impl Execution<'_> {
    /// What an event says, of this chain or of another.
    pub(super) fn read_event(&mut self, id: EventId) -> Result<Arc<[u8]>, RuntimeError> {
        if id.chain_id == self.state.chain_id {
            let applications = self.state.applications.as_ref();
            let value = applications.and_then(|all| all.event(&id.stream_id, id.index));
            return value.cloned().ok_or(RuntimeError::UnknownEvent {
                chain_id: id.chain_id,
                name: id.stream_id.stream_name,
                index: id.index,
            });
        }
        let asked = id.clone();
        let learned = self.learn(|outside| match outside.event(&id) {
            Some(value) => Ok(OracleResponse::StreamEvent(Arc::new((id, value)))),
            None => Err(ExecutionError::MissingEvent(Box::new(id)).into()),
        })?;
        match learned {
            OracleResponse::StreamEvent(read) if read.0 == asked => Ok(read.1.clone()),
            _ => Err(ExecutionError::OracleResponseMismatch.into()),
        }
    }

    /// Hands new events to an application that follows them.
    pub(super) fn update_stream(&mut self, range: &StreamRange) -> Result<(), ExecutionError> {
        let applications = self.state.applications.as_ref();
        let seen = applications
            .and_then(|all| all.seen(&range.application_id, range.chain_id, &range.stream_id));
        let application = range.application_id;
        let seen = seen.ok_or(ExecutionError::UnsubscribedUpdateStream(application))?;
        let Some(last) = range.next_index.checked_sub(1).filter(|last| *last >= seen) else {
            return Err(ExecutionError::OutdatedUpdateStream { next_index: seen });
        };
        self.event_exists(EventId {
            chain_id: range.chain_id,
            stream_id: range.stream_id.clone(),
            index: last,
        })?;
        self.change_applications(|applications| ((), Some(applications.see(range))));
        let seen = if self.sabotage == Sabotage::StreamsHandedTwice {
            0
        } else {
            seen
        };
        let (chain_id, stream_id) = (range.chain_id, range.stream_id.clone());
        let handed = Changed::Handed(chain_id, stream_id, seen, range.next_index);
        self.has_changed(application, handed);
        let update = StreamUpdate {
            chain_id: range.chain_id,
            stream_id: range.stream_id.clone(),
            previous_index: seen,
            next_index: range.next_index,
        };
        let mut action = self.action(application, Entry::ProcessStreams(vec![update]));
        // Nobody in particular wants it.
        action.owner = None;
        self.act(action, Amount::ZERO).map(drop)
    }

    fn event_exists(&mut self, id: EventId) -> Result<(), ExecutionError> {
        let expected = Arc::new(id);
        let asked = expected.clone();
        let learned = self.learn(|outside| {
            if outside.event(&asked).is_none() {
                let id = Box::new((*asked).clone());
                return Err(ExecutionError::MissingEvent(id).into());
            }
            Ok(OracleResponse::EventExists(asked))
        });
        match learned {
            Ok(OracleResponse::EventExists(id)) if id == expected => Ok(()),
            Ok(_) => Err(ExecutionError::OracleResponseMismatch),
            Err(RuntimeError::Execution(error)) => Err(error),
            Err(error) => Err(ExecutionError::Unloadable(Box::new(error))),
        }
    }
}
