//! The reference driver: one heap, the smallest key first. It knows nothing of windows, groups
//! or threads, and every other driver must agree with it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::conductor::{Conductor, Survey, first_checkpoint, next_checkpoint};
use crate::event::Event;
use crate::ids::ActorId;
use crate::node::Node;
use crate::outcome::RunOutcome;
use crate::records::{RecordLog, Sink, Stamped};
use crate::step::{Stepper, Vitals};
use crate::time::VirtualTime;
use crate::world::{Unpacked, World, WorldError};
use crate::{DriverOptions, Sabotage};

/// Records are handed on when so many wait.
const BATCH: usize = 4_096;

/// Runs a world with one heap.
///
/// # Errors
/// If the world is not valid.
pub fn run_heap<N: Node, S: Sink<N::Record>>(
    world: World<N>,
    sink: &mut S,
    options: DriverOptions,
) -> Result<RunOutcome<N>, WorldError> {
    let Unpacked {
        setting,
        nodes,
        events,
    } = world.unpack(&[])?;
    let injected = count(events.iter().filter(|event| event.is_message()).count());
    let config = setting.config;
    let vitals = (0..nodes.len())
        .map(|index| Vitals::new(ActorId::from_index(index)))
        .collect();
    let mut run = HeapRun {
        stepper: Stepper::new(setting, sink.wants_records(), options.sabotage),
        heap: events.into_iter().map(Reverse).collect(),
        nodes,
        vitals,
        sabotage: options.sabotage,
        ordered: 0,
        instant: VirtualTime::ZERO,
    };
    let mut conductor = Conductor::new(sink, config, run.nodes.len(), injected);
    let mut checkpoint = first_checkpoint(&config);
    loop {
        run.until(checkpoint, &mut conductor);
        let survey = run.survey(checkpoint);
        if let Some(outcome) = conductor.checkpoint(vec![survey]) {
            let messages = run.messages_pending();
            return Ok(conductor.finish(outcome, messages, run.nodes, 1));
        }
        checkpoint = next_checkpoint(&config, checkpoint);
    }
}

struct HeapRun<N: Node> {
    stepper: Stepper<N>,
    heap: BinaryHeap<Reverse<Event<N::Message>>>,
    nodes: Vec<N>,
    vitals: Vec<Vitals<N::Message>>,
    sabotage: Sabotage,
    /// How many of the waiting records are in their final order.
    ordered: usize,
    /// The time of the records after those.
    instant: VirtualTime,
}

impl<N: Node> HeapRun<N> {
    fn until<S: Sink<N::Record>>(
        &mut self,
        checkpoint: VirtualTime,
        conductor: &mut Conductor<'_, N::Record, S>,
    ) {
        while let Some(event) = self.pop_before(checkpoint) {
            if event.time > self.instant {
                self.order_instant();
                self.instant = event.time;
                if self.ordered >= BATCH {
                    self.ordered = 0;
                    conductor.records(&mut self.stepper.records.items);
                }
            }
            match self.sabotage {
                Sabotage::SwapTwoEvents => self.swap(event),
                Sabotage::None | Sabotage::IgnoreFloor => self.step(event),
            }
        }
        self.order_instant();
        self.ordered = 0;
        conductor.records(&mut self.stepper.records.items);
    }

    fn pop_before(&mut self, checkpoint: VirtualTime) -> Option<Event<N::Message>> {
        if self
            .heap
            .peek()
            .is_some_and(|Reverse(event)| event.time < checkpoint)
        {
            self.heap.pop().map(|Reverse(event)| event)
        } else {
            None
        }
    }

    fn step(&mut self, event: Event<N::Message>) {
        let index = event.to.index().expect("events happen to nodes");
        self.stepper
            .step(&mut self.vitals[index], &mut self.nodes[index], event);
        self.heap.extend(self.stepper.born.drain(..).map(Reverse));
    }

    /// Handles the next event before this one, if both are for the same node.
    fn swap(&mut self, event: Event<N::Message>) {
        match self.heap.pop() {
            Some(Reverse(next))
                if next.to == event.to && next.time < self.stepper.setting.config.end =>
            {
                self.sabotage = Sabotage::None;
                self.step(next);
            }
            Some(next) => self.heap.push(next),
            None => {}
        }
        self.step(event);
    }

    /// Several actors may leave records at one time, in any order of their sources.
    fn order_instant(&mut self) {
        let RecordLog { items, .. } = &mut self.stepper.records;
        if items.len() > self.ordered {
            items[self.ordered..].sort_unstable_by_key(Stamped::order);
        }
        self.ordered = items.len();
    }

    fn survey(&mut self, now: VirtualTime) -> Survey {
        self.stepper
            .survey(&mut self.vitals, count(self.heap.len()), now)
    }

    fn messages_pending(&self) -> u64 {
        count(
            self.heap
                .iter()
                .filter(|Reverse(event)| event.is_message())
                .count(),
        )
    }
}

pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).expect("lengths fit 64 bits")
}
