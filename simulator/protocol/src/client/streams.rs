//! A wallet and events of other chains (5.11, 9.12): which streams its chain follows, the blocks that
//! hold their events, and handing them to applications.
//!
//! Nothing a validator says is believed: events are known by certified blocks. News tell when to look,
//! and a wallet that waits for messages looks now and then without any.

use std::{collections::BTreeSet, sync::Arc};

use super::{Client, InboxPolicy, blobs::push_with_blobs, driver::Stage};
use crate::{
    application::{description::StreamId, outcome::StreamRange},
    block::SystemOperation,
    certificate::{CertificateKind, ConfirmedBlockCertificate},
    ids::{Address, ApplicationId, ChainId},
    machine::Outputs,
    outside::{EventId, number_of},
    round::Round,
    rpc::{Command, Delivery, Packet, Request},
    store::ContentStore,
    streams::{Knowledge, KnownEvents, runs_of},
    time::Timestamp,
};

/// A stream of a chain.
type Stream = (ChainId, StreamId);

/// What a wallet knows of streams, once it has to do with any.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    known: KnownEvents,
    /// Streams of which there may be more to know.
    wanted: BTreeSet<Stream>,
    /// Chains of whose blocks validators tell this wallet.
    followed: BTreeSet<ChainId>,
    /// Events that a block has needed, and that were looked for.
    sought: BTreeSet<EventId>,
    /// Applications that could not take what is new of a stream, up to here.
    stuck: BTreeSet<(ApplicationId, ChainId, StreamId, u32)>,
}

/// Asking for the events of one stream.
#[derive(Clone, Debug)]
pub(super) struct Following {
    stream: Stream,
    pub(super) weight: u64,
}

impl Client {
    /// What this wallet knows of the rest of the world when it looks at a block of this round.
    pub(super) fn outside<'a>(
        &'a self,
        round: Option<Round>,
        store: &'a dyn ContentStore,
    ) -> Knowledge<'a> {
        static NOTHING: KnownEvents = KnownEvents::new();
        let streams = self.streams.as_ref();
        Knowledge {
            events: streams.map_or(&NOTHING, |streams| &streams.known),
            web: &self.config.web,
            round: round.and_then(number_of),
            store,
        }
    }

    /// The streams that its chain follows.
    fn subscriptions(&self) -> impl Iterator<Item = (ChainId, &StreamId, &ApplicationId, u32)> {
        let chain = self.chain.as_ref();
        let applications = chain.and_then(|chain| chain.execution.applications.as_ref());
        applications.into_iter().flat_map(|all| all.subscriptions())
    }

    /// Its chain may follow other streams than before: asks to be told of the chains that publish
    /// them.
    pub(super) fn follow_streams(&mut self, out: &mut Outputs) {
        let subscriptions = self.subscriptions();
        let all: BTreeSet<Stream> = subscriptions
            .map(|(chain, stream, ..)| (chain, stream.clone()))
            .collect();
        if all.is_empty() && self.streams.is_none() {
            return;
        }
        let streams = self.streams.get_or_insert_default();
        let mut new = BTreeSet::new();
        for (chain, stream) in all {
            if streams.followed.insert(chain) {
                new.insert(chain);
            }
            if streams.known.next_index(chain, &stream) == 0 {
                streams.wanted.insert((chain, stream));
            }
        }
        let validators = self.validators();
        for chain in new {
            for validator in &validators {
                let id = self.request_id();
                let request = Request::Subscribe { blocks: true };
                let packet = Packet::Request { id, chain, request };
                out.send(Address::Proxy(*validator), packet);
            }
        }
    }

    /// There may be more to know of everything that its chain follows.
    pub(super) fn want_events(&mut self) {
        let subscriptions = self.subscriptions();
        let all: Vec<_> = subscriptions
            .map(|(chain, stream, ..)| (chain, stream.clone()))
            .collect();
        if let Some(streams) = &mut self.streams {
            streams.wanted.extend(all);
            streams.stuck.clear();
            streams.sought.clear();
        }
    }

    /// A validator tells of a block. Returns whether it is of a chain that this one follows.
    pub(super) fn on_published(&mut self, chain: ChainId) -> bool {
        let own = self.config.chain == Some(chain);
        let followed = |streams: &Streams| !own && streams.followed.contains(&chain);
        if !self.streams.as_deref().is_some_and(followed) {
            return false;
        }
        let subscriptions = self.subscriptions();
        let all: Vec<_> = subscriptions
            .filter(|(publisher, ..)| *publisher == chain)
            .map(|(chain, stream, ..)| (chain, stream.clone()))
            .collect();
        if let Some(streams) = &mut self.streams {
            streams.wanted.extend(all);
        }
        true
    }

    /// Whether to look for events before anything else.
    pub(super) fn wants_events(&self) -> bool {
        let wanted = self
            .streams
            .as_ref()
            .is_some_and(|all| !all.wanted.is_empty());
        wanted && (self.config.inbox_policy == InboxPolicy::Auto || self.has_work())
    }

    /// Asks for the events of a stream that are not known here.
    pub(super) fn start_following(&mut self, now: Timestamp, out: &mut Outputs) {
        let streams = self.streams.get_or_insert_default();
        let Some(stream) = streams.wanted.pop_first() else {
            return;
        };
        self.follow(now, None, stream, out);
    }

    fn follow(
        &mut self,
        now: Timestamp,
        command: Option<Arc<Command>>,
        stream: Stream,
        out: &mut Outputs,
    ) {
        let known = &self.streams.get_or_insert_default().known;
        let from = known.next_index(stream.0, &stream.1);
        let wanted = Box::new((stream.1.clone(), from));
        let goal = (stream.0, Request::DownloadEvents(wanted));
        let stage = Stage::Following(Following { stream, weight: 0 });
        self.ask_all(now, command, stage, goal, out);
    }

    /// Takes blocks that hold events. `false`: one of them is not what it should be.
    pub(super) fn absorb_events(
        &mut self,
        following: &mut Following,
        weight: u64,
        certificates: &[Arc<ConfirmedBlockCertificate>],
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> bool {
        for certificate in certificates {
            let block = certificate.block();
            let Some(committee) = self.committee_of(block.proposed().epoch) else {
                self.want_epochs();
                return false;
            };
            out.verified(certificate.lite().signatures.len());
            let proves = certificate.kind() == CertificateKind::Confirmed
                && block.chain_id() == following.stream.0
                && certificate.lite().check(committee, store).is_ok();
            if !proves {
                return false;
            }
            store.put_certificate(certificate);
            let streams = self.streams.get_or_insert_default();
            let mut news = false;
            for run in runs_of(block) {
                news |= streams.known.note(&run);
            }
            if news {
                // There may be more than fits an answer.
                streams.wanted.insert(following.stream.clone());
            }
        }
        following.weight += weight;
        true
    }

    /// Looks for an event that a block needs.
    pub(super) fn seek_event(
        &mut self,
        now: Timestamp,
        command: Option<Arc<Command>>,
        id: EventId,
        out: &mut Outputs,
    ) {
        let stream = (id.chain_id, id.stream_id.clone());
        self.streams.get_or_insert_default().sought.insert(id);
        self.follow(now, command, stream, out);
    }

    /// What was looked for in vain may be there by now.
    pub(super) fn forget_sought(&mut self) {
        if let Some(streams) = &mut self.streams {
            streams.sought.clear();
        }
    }

    /// Validators have told what they know of a stream: goes on with the command.
    pub(super) fn followed(&mut self, command: Option<Arc<Command>>) {
        if let Some(command) = command {
            self.ready.push_front(command);
        }
    }

    /// Whether an event was looked for in vain.
    pub(super) fn was_sought(&self, id: &EventId) -> bool {
        let streams = self.streams.as_ref();
        streams.is_some_and(|streams| streams.sought.contains(id))
    }

    /// What is new for applications that follow streams.
    pub(super) fn stream_updates(&self) -> Vec<SystemOperation> {
        let Some(streams) = &self.streams else {
            return Vec::new();
        };
        let closed = self.chain_ref().execution.closed;
        let subscriptions = self.subscriptions().filter(|_| !closed);
        let updates = subscriptions.filter_map(|(chain_id, stream_id, application, seen)| {
            let next_index = streams.known.next_index(chain_id, stream_id);
            let stuck = (*application, chain_id, stream_id.clone(), next_index);
            (next_index > seen && !streams.stuck.contains(&stuck)).then(|| {
                SystemOperation::UpdateStream(Arc::new(StreamRange {
                    application_id: *application,
                    chain_id,
                    stream_id: stream_id.clone(),
                    next_index,
                }))
            })
        });
        updates.collect()
    }

    /// Whether to hand events over without being asked.
    pub(super) fn hands_over_by_itself(&self) -> bool {
        self.config.inbox_policy == InboxPolicy::Auto && !self.stream_updates().is_empty()
    }

    /// An application cannot take what is new; it is not handed over before there is more.
    pub(super) fn note_stuck(&mut self, update: &SystemOperation) {
        let SystemOperation::UpdateStream(range) = update else {
            return;
        };
        let stuck = (
            range.application_id,
            range.chain_id,
            range.stream_id.clone(),
            range.next_index,
        );
        self.streams.get_or_insert_default().stuck.insert(stuck);
    }

    /// The blocks that a validator needs which does not know an event: those that hold what the chain
    /// has not seen of its stream.
    pub(super) fn event_helpers(
        &self,
        id: &EventId,
        store: &dyn ContentStore,
    ) -> Vec<(ChainId, Request)> {
        let Some(streams) = &self.streams else {
            return Vec::new();
        };
        let subscriptions = self.subscriptions();
        let seen = subscriptions
            .filter(|(chain, stream, ..)| *chain == id.chain_id && **stream == id.stream_id)
            .map(|(.., seen)| seen);
        let from = seen.min().unwrap_or(id.index).min(id.index);
        let blocks = streams.known.blocks_from(id.chain_id, &id.stream_id, from);
        let certificates = blocks.filter_map(|block| store.certificate(&block));
        certificates
            .flat_map(|one| push_with_blobs(one, Delivery::NonBlocking, store))
            .collect()
    }
}
