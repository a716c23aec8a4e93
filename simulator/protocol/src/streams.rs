//! Which events a node knows, and the confirmed blocks that hold them.
//!
//! Events are known one block at a time, in any order. What they say is looked up in the block, whose
//! hash is kept, so two nodes that name the same block say the same.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    application::{
        description::StreamId,
        request::{HttpRequest, HttpResponse},
    },
    block::Block,
    hash::CryptoHash,
    ids::ChainId,
    outside::{EventId, Outside, WebAnswers},
    store::ContentStore,
};

/// Events of one stream that one block has added.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct EventRun {
    /// The chain that has published them.
    pub chain_id: ChainId,
    /// The stream.
    pub stream_id: StreamId,
    /// The first of them.
    pub first_index: u32,
    /// The one after the last.
    pub next_index: u32,
    /// The block.
    pub block: CryptoHash,
}

/// The runs of events of a block, by stream.
pub fn runs_of(block: &Block) -> Vec<EventRun> {
    let mut runs: BTreeMap<&StreamId, (u32, u32)> = BTreeMap::new();
    for event in block.events() {
        let run = runs.entry(&event.stream_id);
        let run = run.or_insert((event.index, event.index));
        run.1 = event.index.saturating_add(1);
    }
    let runs = runs.into_iter();
    runs.map(|(stream_id, (first_index, next_index))| EventRun {
        chain_id: block.chain_id(),
        stream_id: stream_id.clone(),
        first_index,
        next_index,
        block: block.hash(),
    })
    .collect()
}

/// What one run adds to the stream that it is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    next_index: u32,
    block: CryptoHash,
}

/// The events that a node knows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KnownEvents(BTreeMap<(ChainId, StreamId), BTreeMap<u32, Place>>);

impl KnownEvents {
    /// Nothing is known.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Notes a run. `false`: it was known.
    pub fn note(&mut self, run: &EventRun) -> bool {
        let stream = (run.chain_id, run.stream_id.clone());
        let places = self.0.entry(stream).or_default();
        let place = Place {
            next_index: run.next_index,
            block: run.block,
        };
        places.insert(run.first_index, place).is_none()
    }

    /// How many runs there are.
    pub fn count(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// All runs, by chain and stream.
    pub fn runs(&self) -> impl Iterator<Item = EventRun> {
        self.0.iter().flat_map(|((chain_id, stream_id), places)| {
            places.iter().map(|(first_index, place)| EventRun {
                chain_id: *chain_id,
                stream_id: stream_id.clone(),
                first_index: *first_index,
                next_index: place.next_index,
                block: place.block,
            })
        })
    }

    /// The first event of a stream that is missing here.
    pub fn next_index(&self, chain_id: ChainId, stream_id: &StreamId) -> u32 {
        let places = self.0.get(&(chain_id, stream_id.clone()));
        let mut next = 0;
        for (first, place) in places.into_iter().flatten() {
            if *first > next {
                break;
            }
            next = place.next_index;
        }
        next
    }

    /// The blocks that hold the known events of a stream from `index` on, in order.
    pub fn blocks_from(
        &self,
        chain_id: ChainId,
        stream_id: &StreamId,
        index: u32,
    ) -> impl Iterator<Item = CryptoHash> {
        let places = self.0.get(&(chain_id, stream_id.clone()));
        let places = places.into_iter().flatten();
        places
            .filter(move |(_, place)| place.next_index > index)
            .map(|(_, place)| place.block)
    }

    /// The block that holds an event.
    pub fn block_of(&self, id: &EventId) -> Option<CryptoHash> {
        let places = self.0.get(&(id.chain_id, id.stream_id.clone()))?;
        let (_, place) = places.range(..=id.index).next_back()?;
        (id.index < place.next_index).then_some(place.block)
    }

    /// What an event says.
    pub fn value(&self, id: &EventId, store: &dyn ContentStore) -> Option<Arc<[u8]>> {
        let certificate = store.certificate(&self.block_of(id)?)?;
        let mut events = certificate.block().events();
        let found =
            events.find(|event| event.index == id.index && event.stream_id == id.stream_id)?;
        Some(found.value.clone())
    }
}

/// What one node knows of the rest of the world.
#[derive(Clone, Copy)]
pub struct Knowledge<'a> {
    /// Events.
    pub events: &'a KnownEvents,
    /// What web servers answer to it.
    pub web: &'a WebAnswers,
    /// The number of the multi-leader round that it looks at, if it is one.
    pub round: Option<u32>,
    /// Where blocks are.
    pub store: &'a dyn ContentStore,
}

impl Outside for Knowledge<'_> {
    fn event(&self, id: &EventId) -> Option<Arc<[u8]>> {
        self.events.value(id, self.store)
    }

    fn http(&self, request: &HttpRequest) -> Option<HttpResponse> {
        self.web.answer(request)
    }

    fn round(&self) -> Option<u32> {
        self.round
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::description::{GenericApplicationId, StreamName};

    fn run(first_index: u32, next_index: u32) -> EventRun {
        EventRun {
            chain_id: ChainId::placeholder(1),
            stream_id: StreamId {
                application_id: GenericApplicationId::System,
                stream_name: StreamName(b"s".to_vec()),
            },
            first_index,
            next_index,
            block: CryptoHash::of_bytes("Test", &first_index.to_le_bytes()),
        }
    }

    #[test]
    fn a_gap_is_not_jumped_over() {
        let mut known = KnownEvents::default();
        let (chain, stream) = (run(0, 0).chain_id, run(0, 0).stream_id);
        assert!(known.note(&run(2, 5)));
        assert_eq!(known.next_index(chain, &stream), 0);
        assert!(known.note(&run(0, 2)));
        assert!(!known.note(&run(0, 2)));
        assert_eq!(known.next_index(chain, &stream), 5);
        let from_three: Vec<_> = known.blocks_from(chain, &stream, 3).collect();
        assert_eq!(from_three, [run(2, 5).block]);
        let mut id = EventId {
            chain_id: chain,
            stream_id: stream,
            index: 4,
        };
        assert_eq!(known.block_of(&id), Some(run(2, 5).block));
        id.index = 5;
        assert_eq!(known.block_of(&id), None);
        assert_eq!(known.count(), 2);
    }
}
