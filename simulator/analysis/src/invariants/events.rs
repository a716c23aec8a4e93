//! I-36: events of streams have the indices 0, 1, 2 and so on, say the same to whoever reads them, and
//! come to each application that follows them once and in order.
//!
//! Knows all events of the confirmed blocks that were told, by the hash of what they say. After a gap
//! nothing is said of what may be missing.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    application::{
        activity::{ChainChange, Changed},
        description::{GenericApplicationId, StreamId},
        outcome::{Event, StreamRange},
    },
    block::{Block, SystemOperation, Transaction},
    hash::CryptoHash,
    ids::{ApplicationId, ChainId},
    oracle::OracleResponse,
    outside::EventId,
};

use super::{
    Invariant, Standing, Verdicts,
    actions::{self, Known},
};
use crate::registry::{ChainNo, index, long};

/// Who follows a stream: on which chain, which application, of which chain, which one.
type Following = (ChainNo, ApplicationId, ChainId, StreamId);

/// All streams.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// What the events of each stream say.
    streams: BTreeMap<(ChainId, StreamId), Vec<CryptoHash>>,
    /// Chains of which blocks, and so events, were never told.
    unsure: BTreeSet<ChainId>,
    /// For who follows what: the first event that is new to it.
    following: BTreeMap<Following, u32>,
    /// Chains on which somebody may follow something that is not known.
    untold: BTreeSet<ChainNo>,
}

fn said(value: &[u8]) -> CryptoHash {
    CryptoHash::of_bytes("Event", value)
}

impl Events {
    /// A chain has one more confirmed block. `lossy`: facts of other chains may be missing.
    pub(super) fn block(
        &mut self,
        verdicts: &mut Verdicts,
        (chain, block): (ChainNo, &Block),
        known: Known<'_>,
        standing: Standing,
        lossy: bool,
    ) {
        if standing == Standing::AfterGap {
            self.unsure.insert(block.chain_id());
        }
        if standing == Standing::AfterGap || known.told().is_none() {
            self.untold.insert(chain);
            self.following.retain(|(on, ..), _| *on != chain);
        }
        for (at, step) in block.proposed().transactions.iter().enumerate() {
            self.answers(verdicts, block, at, lossy);
            if let Transaction::ExecuteOperation(SystemOperation::UpdateStream(range)) = step {
                asked(verdicts, block, at, range, known);
            }
            let changes = known.told().into_iter();
            for change in changes.flat_map(|activity| actions::changes_of(activity, at)) {
                self.change(verdicts, (chain, block), change);
            }
        }
        let outcome = block.outcome().applications.as_ref();
        for (at, event) in outcome.iter().flat_map(|outcome| &outcome.events) {
            self.event(verdicts, block, event);
            let GenericApplicationId::User(publisher) = event.stream_id.application_id else {
                verdicts.fails(Invariant::Events, "the protocol publishes here".to_owned());
                continue;
            };
            if let Some(activity) = known.told() {
                let ran = actions::ran(activity, index(*at), publisher);
                verdicts.check(Invariant::Events, ran, || {
                    let height = block.height();
                    format!("block {height} has an event of {publisher}, which did not run")
                });
            }
        }
    }

    /// An event that a block adds.
    fn event(&mut self, verdicts: &mut Verdicts, block: &Block, event: &Event) {
        let stream = (block.chain_id(), event.stream_id.clone());
        let stream = self.streams.entry(stream).or_default();
        let next = long(stream.len());
        let sure = !self.unsure.contains(&block.chain_id());
        let contiguous = u64::from(event.index) == next;
        verdicts.check(Invariant::Events, contiguous || !sure, || {
            let (height, name) = (block.height(), &event.stream_id.stream_name);
            let index = event.index;
            format!("block {height} adds event {index} to stream {name}, and the next is {next}")
        });
        stream.push(said(&event.value));
    }

    /// What a transaction has learned of events of other chains.
    fn answers(&self, verdicts: &mut Verdicts, block: &Block, at: usize, lossy: bool) {
        let answers = block.outcome().oracle_responses.get(at);
        for answer in answers.into_iter().flatten() {
            let (id, value) = match answer {
                OracleResponse::StreamEvent(read) => (&read.0, Some(said(&read.1))),
                OracleResponse::EventExists(id) => (&**id, None),
                _ => continue,
            };
            if self.unsure.contains(&id.chain_id) {
                continue;
            }
            let found = self.find(id);
            let holds = found.is_some_and(|found| value.is_none_or(|value| value == found));
            let unknown = found.is_none() && lossy;
            verdicts.check(Invariant::Events, holds || unknown, || {
                let (height, index, name) = (block.height(), id.index, &id.stream_id.stream_name);
                let what = if found.is_some() {
                    "says something else"
                } else {
                    "does not exist"
                };
                format!("block {height} has read event {index} of stream {name}, which {what}")
            });
        }
    }

    fn find(&self, id: &EventId) -> Option<CryptoHash> {
        let stream = self.streams.get(&(id.chain_id, id.stream_id.clone()))?;
        stream.get(index(id.index)).copied()
    }

    /// An application begins or ends to follow a stream, or gets a part of it.
    fn change(
        &mut self,
        verdicts: &mut Verdicts,
        (chain, block): (ChainNo, &Block),
        change: &ChainChange,
    ) {
        let who =
            |of: &ChainId, stream: &StreamId| (chain, change.application, *of, stream.clone());
        match &change.what {
            Changed::Subscribed(of, stream) => {
                // Where not all was told, it may have followed it before.
                if !self.untold.contains(&chain) {
                    self.following.entry(who(of, stream)).or_insert(0);
                }
            }
            Changed::Unsubscribed(of, stream) => {
                self.following.remove(&who(of, stream));
            }
            Changed::Handed(of, stream, from, until) => {
                let who = who(of, stream);
                let seen = self.following.get(&who).copied();
                let unknown = seen.is_none() && self.untold.contains(&chain);
                let follows = (seen == Some(*from) || unknown) && from < until;
                verdicts.check(Invariant::Events, follows, || {
                    let (height, name) = (block.height(), &stream.stream_name);
                    let seen = seen.map_or("nobody follows it".to_owned(), |seen| {
                        format!("{seen} is the next")
                    });
                    format!(
                        "block {height} hands the events from {from} to before {until} of stream \
                         {name} over, and {seen}"
                    )
                });
                self.following.insert(who, *until);
            }
            Changed::Closed | Changed::Ownership(_) | Changed::Permissions(_) => {}
        }
    }
}

/// What is handed over is what the operation says, and its last event was looked for.
fn asked(verdicts: &mut Verdicts, block: &Block, at: usize, range: &StreamRange, known: Known<'_>) {
    let height = block.height();
    if let Some(activity) = known.told() {
        let mut handed = actions::changes_of(activity, at).filter_map(|change| {
            let Changed::Handed(of, stream, _, until) = &change.what else {
                return None;
            };
            Some((change.application, *of, stream, *until))
        });
        let first = handed.next();
        let (application, of, until) = (range.application_id, range.chain_id, range.next_index);
        let expected = (application, of, &range.stream_id, until);
        let same = first == Some(expected) && handed.next().is_none();
        verdicts.check(Invariant::Events, same, || {
            format!("transaction {at} of block {height} hands something else over than it says")
        });
    }
    let answers = block.outcome().oracle_responses.get(at);
    let mut answers = answers.into_iter().flatten();
    let looked = answers.any(|answer| {
        matches!(answer, OracleResponse::EventExists(id)
            if id.chain_id == range.chain_id
                && id.stream_id == range.stream_id
                && Some(id.index) == range.next_index.checked_sub(1))
    });
    verdicts.check(Invariant::Events, looked, || {
        format!("transaction {at} of block {height} hands events over that nobody looked for")
    });
}
