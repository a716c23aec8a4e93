//! What applications keep on a chain: their storage, their streams, what the chain follows for them.
//!
//! Each application has a namespace of its own, ordered by key. Namespaces and streams are shared
//! between the states of a chain until one changes them. Every change has an [`ApplicationChange`],
//! so that none is missing from the historical hash.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use serde::Serialize;

use crate::{
    application::{
        description::{GenericApplicationId, StreamId, StreamName},
        outcome::{Event, StreamRange},
        request::{KeyValue, WriteOperation},
    },
    hash::CryptoHash,
    ids::{ApplicationId, ChainId},
};

/// What one application keeps on one chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Namespace {
    entries: BTreeMap<Arc<[u8]>, Arc<[u8]>>,
    /// Of keys and values.
    bytes: u64,
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a length has at most 64 bits")
}

impl Namespace {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.remove(key);
        self.bytes += count(key.len() + value.len());
        self.entries.insert(key.into(), value.into());
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(value) = self.entries.remove(key) {
            self.bytes -= count(key.len() + value.len());
        }
    }

    fn remove_prefix(&mut self, prefix: &[u8]) {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let begin = self.entries.range::<[u8], _>(from).map(|(key, _)| key);
        let begin = begin.take_while(|key| key.starts_with(prefix));
        let doomed: Vec<_> = begin.cloned().collect();
        for key in doomed {
            self.remove(&key);
        }
    }
}

/// What all applications keep on one chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Applications {
    storage: BTreeMap<ApplicationId, Arc<Namespace>>,
    streams: BTreeMap<StreamId, Arc<Vec<Arc<[u8]>>>>,
    /// Who follows what, and the first event that each has not seen.
    subscriptions: BTreeMap<(ChainId, StreamId), BTreeMap<ApplicationId, u32>>,
}

/// One change of it.
#[derive(Serialize)]
pub(super) enum ApplicationChange {
    Written(ApplicationId, CryptoHash),
    Event(StreamId, u32, CryptoHash),
    Subscribed(ApplicationId, ChainId, StreamId),
    Unsubscribed(ApplicationId, ChainId, StreamId),
    Seen(ApplicationId, ChainId, StreamId, u32),
}

impl Applications {
    /// The value of a key of an application.
    pub fn value(&self, application: &ApplicationId, key: &[u8]) -> Option<&Arc<[u8]>> {
        self.storage.get(application)?.entries.get(key)
    }

    /// What follows a prefix in the keys that begin so, in order, with the values.
    pub fn find<'a>(
        &'a self,
        application: &ApplicationId,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let namespace = self.storage.get(application);
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let found = namespace.map(|namespace| namespace.entries.range::<[u8], _>(from));
        found
            .into_iter()
            .flatten()
            .map_while(move |(key, value)| Some((key.strip_prefix(prefix)?, &**value)))
    }

    /// All keys and values of an application, in order.
    pub fn storage_of(&self, application: &ApplicationId) -> Vec<KeyValue> {
        let all = self.find(application, &[]);
        all.map(|(key, value)| (key.to_vec(), value.to_vec()))
            .collect()
    }

    /// How many keys an application has, and how many bytes of keys and values.
    pub fn size_of(&self, application: &ApplicationId) -> (u64, u64) {
        let namespace = self.storage.get(application);
        namespace.map_or((0, 0), |namespace| {
            (count(namespace.entries.len()), namespace.bytes)
        })
    }

    /// An event that an application has added to its stream on this chain.
    pub fn event(&self, stream: &StreamId, index: u32) -> Option<&Arc<[u8]>> {
        let place = usize::try_from(index).ok()?;
        self.streams.get(stream)?.get(place)
    }

    /// The streams that are followed here: of which chain, by whom, and the first event that is new.
    pub fn subscriptions(&self) -> impl Iterator<Item = (ChainId, &StreamId, &ApplicationId, u32)> {
        self.subscriptions
            .iter()
            .flat_map(|((chain, stream), all)| {
                let all = all.iter();
                all.map(move |(application, next)| (*chain, stream, application, *next))
            })
    }

    /// The first event that an application has not seen of a stream, if it follows that.
    pub fn seen(
        &self,
        application: &ApplicationId,
        chain: ChainId,
        stream: &StreamId,
    ) -> Option<u32> {
        let subscribers = self.subscriptions.get(&(chain, stream.clone()))?;
        subscribers.get(application).copied()
    }

    /// An application that follows a stream gets a range of it.
    pub(super) fn see(&mut self, range: &StreamRange) -> ApplicationChange {
        let (chain, stream) = (range.chain_id, range.stream_id.clone());
        let subscribers = self.subscriptions.entry((chain, stream.clone()));
        let next_index = range.next_index;
        subscribers
            .or_default()
            .insert(range.application_id, next_index);
        ApplicationChange::Seen(range.application_id, chain, stream, next_index)
    }

    pub(super) fn write(
        &mut self,
        application: ApplicationId,
        operations: &[WriteOperation],
    ) -> ApplicationChange {
        let namespace = Arc::make_mut(self.storage.entry(application).or_default());
        for operation in operations {
            match operation {
                WriteOperation::Put(key, value) => {
                    namespace.put(key, value);
                }
                WriteOperation::Delete(key) => {
                    namespace.remove(key);
                }
                WriteOperation::DeletePrefix(prefix) => namespace.remove_prefix(prefix),
            }
        }
        if namespace.entries.is_empty() {
            self.storage.remove(&application);
        }
        let bytes = bcs::to_bytes(operations).expect("a batch encodes");
        ApplicationChange::Written(application, CryptoHash::of_bytes("WriteBatch", &bytes))
    }

    pub(super) fn emit(
        &mut self,
        application: ApplicationId,
        stream_name: StreamName,
        value: &Arc<[u8]>,
    ) -> (Event, ApplicationChange) {
        let stream_id = StreamId {
            application_id: GenericApplicationId::User(application),
            stream_name,
        };
        let stream = self.streams.entry(stream_id.clone()).or_default();
        let index = u32::try_from(stream.len()).expect("fuel does not last for so many events");
        Arc::make_mut(stream).push(value.clone());
        let hash = CryptoHash::of_bytes("EventValue", value);
        let change = ApplicationChange::Event(stream_id.clone(), index, hash);
        let value = value.clone();
        let event = Event {
            stream_id,
            index,
            value,
        };
        (event, change)
    }

    /// `None`: the application follows it already.
    pub(super) fn subscribe(
        &mut self,
        application: ApplicationId,
        chain: ChainId,
        stream: StreamId,
    ) -> Option<ApplicationChange> {
        let subscribers = self.subscriptions.entry((chain, stream.clone()));
        let subscribers = subscribers.or_default();
        let new = !subscribers.contains_key(&application);
        subscribers.entry(application).or_insert(0);
        new.then_some(ApplicationChange::Subscribed(application, chain, stream))
    }

    /// `None`: the application does not follow it.
    pub(super) fn unsubscribe(
        &mut self,
        application: ApplicationId,
        chain: ChainId,
        stream: StreamId,
    ) -> Option<ApplicationChange> {
        let key = (chain, stream);
        let subscribers = self.subscriptions.get_mut(&key)?;
        subscribers.remove(&application)?;
        if subscribers.is_empty() {
            self.subscriptions.remove(&key);
        }
        let (chain, stream) = key;
        Some(ApplicationChange::Unsubscribed(application, chain, stream))
    }
}
