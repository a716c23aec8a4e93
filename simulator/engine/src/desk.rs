//! The desk: all that one partition of a windowed world needs, whoever calls its nodes.
//!
//! A host opens a window, takes batches from the desk one after another, and has each batch run
//! on the node that it is for: directly, or by way of an actor's mailbox. Invariant: every node
//! gets its events in the order of their keys. Windows are at most as wide as the latency floor
//! between groups, so a group needs nothing from others to run its window; inside a group,
//! stretches no longer than the smallest latency inside are cut out, in which its members need
//! nothing from each other; where they share something, a stretch is one event.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use crate::Sabotage;
use crate::conductor::Survey;
use crate::event::{Event, Kind};
use crate::heap::count;
use crate::ids::{ActorId, Sequence};
use crate::node::Node;
use crate::queue::{Grid, Queue};
use crate::records::Stamped;
use crate::step::{Stepper, Vitals};
use crate::time::{VirtualDuration, VirtualTime};
use crate::world::Setting;

/// The place of an event of the open window: sorted by group, then by key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Group in the upper half, nanoseconds since the start of the window in the lower.
    lead: u64,
    src: ActorId,
    seq: Sequence,
    /// Where the event is in the window's buffer.
    index: u32,
}

const OFFSET: u64 = 0xffff_ffff;

/// Events for one node, to be handled at one go.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    local: u32,
    list: List,
    first: u32,
    last: u32,
    /// What the node emits to itself before this time belongs to the batch too.
    until: VirtualTime,
}

impl Batch {
    /// The place, in this partition, of the node that the batch is for.
    #[must_use]
    pub fn local(&self) -> usize {
        place(self.local)
    }
}

/// Which of the desk's lists a batch is a part of.
#[derive(Clone, Copy, Debug)]
enum List {
    Window,
    Stretch,
}

/// What a host does next.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// Have this batch run; it may be while other batches are still under way.
    Run(Batch),
    /// Wait until all batches handed out have run.
    Settle,
    /// The window is done.
    Done,
}

/// The group that is being cut into stretches.
struct Stretching {
    /// What of the window's list is left.
    known: Range<usize>,
    /// Its members' events born in this window.
    born: BinaryHeap<Reverse<Entry>>,
    active: bool,
    /// Its members have something in common: a stretch is one event.
    sharing: bool,
    /// The batches of the current stretch still to be handed out.
    batches: Range<usize>,
    /// Whether batches of it were handed out and may not have run.
    under_way: bool,
    until: VirtualTime,
}

/// One partition of a windowed world.
pub struct Desk<N: Node> {
    stepper: Stepper<N>,
    vitals: Vec<Vitals<N::Message>>,
    queue: Queue<N::Message>,
    /// Events for other partitions, by partition.
    outboxes: Vec<Vec<Event<N::Message>>>,
    outbox_earliest: VirtualTime,
    me: u16,
    sabotage: Sabotage,
    /// The events of the open window; those born in it are added at the end.
    window: Vec<Event<N::Message>>,
    start: VirtualTime,
    until: VirtualTime,
    /// The open window in order.
    order: Vec<Entry>,
    /// How far `order` was handed out.
    cursor: usize,
    stretch: Vec<Entry>,
    stretching: Stretching,
    /// The shortest time in which a member of a group reaches another.
    lookahead: VirtualDuration,
    /// Events that a node emits to itself inside a batch.
    own: BinaryHeap<Reverse<Entry>>,
}

impl<N: Node> Desk<N> {
    /// The desk of partition `me` of so many, which hosts these actors in the order of their
    /// places.
    pub(crate) fn new(
        setting: Arc<Setting>,
        hosted: impl Iterator<Item = ActorId>,
        (me, partitions): (u16, u16),
        keep_records: bool,
        sabotage: Sabotage,
    ) -> Self {
        let inside = setting.network.inside.latency.min();
        let grid = Grid::new(&setting.config);
        Self {
            stepper: Stepper::new(setting, keep_records, sabotage),
            vitals: hosted.map(Vitals::new).collect(),
            queue: Queue::new(grid),
            outboxes: std::iter::repeat_with(Vec::new)
                .take(usize::from(partitions))
                .collect(),
            outbox_earliest: VirtualTime::MAX,
            me,
            sabotage,
            window: Vec::new(),
            start: VirtualTime::ZERO,
            until: VirtualTime::ZERO,
            order: Vec::new(),
            cursor: 0,
            stretch: Vec::new(),
            stretching: Stretching {
                known: 0..0,
                born: BinaryHeap::new(),
                active: false,
                sharing: false,
                batches: 0..0,
                under_way: false,
                until: VirtualTime::ZERO,
            },
            lookahead: inside.max(VirtualDuration::NANOSECOND),
            own: BinaryHeap::new(),
        }
    }

    /// The first window in which something happens, as far as this partition knows: its own
    /// queue and what it is about to send to others. [`u64::MAX`] if nothing does.
    #[must_use]
    pub fn next_window(&self) -> u64 {
        let own = self.queue.next_window().unwrap_or(u64::MAX);
        if self.outbox_earliest >= self.stepper.setting.config.end {
            return own;
        }
        own.min(self.queue.grid().window(self.outbox_earliest))
    }

    /// When a window begins.
    #[must_use]
    pub fn window_start(&self, window: u64) -> VirtualTime {
        self.queue.grid().start(window)
    }

    /// What this partition has for another one; to be emptied at every exchange.
    pub fn outbox(&mut self, partition: usize) -> &mut Vec<Event<N::Message>> {
        &mut self.outboxes[partition]
    }

    /// All outboxes were emptied.
    pub fn outboxes_emptied(&mut self) {
        debug_assert!(
            self.outboxes.iter().all(Vec::is_empty),
            "every outbox was emptied"
        );
        self.outbox_earliest = VirtualTime::MAX;
    }

    /// Takes what another partition has for this one.
    pub fn accept(&mut self, events: &mut Vec<Event<N::Message>>) {
        for event in events.drain(..) {
            self.queue.push(event);
        }
    }

    /// An event for whoever hosts its node.
    pub(crate) fn route(&mut self, event: Event<N::Message>) {
        if self.outboxes.len() > 1 {
            let host = self.stepper.setting.place(event.to).partition;
            if host != self.me {
                self.outbox_earliest = self.outbox_earliest.min(event.time);
                self.outboxes[usize::from(host)].push(event);
                return;
            }
        }
        self.queue.push(event);
    }

    /// Opens a window: the first in which anything happens anywhere.
    ///
    /// # Panics
    /// If the previous window is not done.
    pub fn open(&mut self, window: u64) {
        assert!(
            self.cursor == self.order.len(),
            "the previous window is done"
        );
        self.window.clear();
        self.queue.open(window, &mut self.window);
        self.start = self.queue.grid().start(window);
        self.until = self.queue.grid().until(window);
        self.order.clear();
        self.cursor = 0;
        let Self {
            stepper,
            window,
            order,
            start,
            ..
        } = self;
        order.extend(window.iter().enumerate().map(|(index, event)| {
            let group = u64::from(stepper.setting.place(event.to).group.0);
            entry(group, *start, event, index)
        }));
        order.sort_unstable();
        if self.sabotage == Sabotage::SwapTwoEvents {
            self.swap_two();
        }
    }

    fn swap_two(&mut self) {
        let target = |entry: &Entry| self.window[place(entry.index)].to;
        let twice = self
            .order
            .windows(2)
            .position(|pair| target(&pair[0]) == target(&pair[1]));
        if let Some(first) = twice {
            self.order.swap(first, first + 1);
            self.sabotage = Sabotage::None;
        }
    }

    /// What the host does next. Batches of one node never overlap.
    pub fn next_turn(&mut self) -> Turn {
        if self.stretching.active {
            return self.next_in_stretch();
        }
        let Some(entry) = self.order.get(self.cursor) else {
            return Turn::Done;
        };
        let to = self.window[place(entry.index)].to;
        let home = self.stepper.setting.place(to);
        let first = self.cursor;
        self.cursor = self.end_of_group(first);
        if home.alone {
            return Turn::Run(Batch {
                local: home.local,
                list: List::Window,
                first: index(first),
                last: index(self.cursor),
                until: self.until,
            });
        }
        self.stretching.known = first..self.cursor;
        self.stretching.active = true;
        self.stretching.sharing = home.sharing;
        self.next_in_stretch()
    }

    fn end_of_group(&self, first: usize) -> usize {
        let group = self.order[first].lead & !OFFSET;
        let rest = &self.order[first..];
        let same = rest
            .iter()
            .take_while(|entry| entry.lead & !OFFSET == group)
            .count();
        first + same
    }

    fn next_in_stretch(&mut self) -> Turn {
        loop {
            let Range { start: first, end } = self.stretching.batches.clone();
            if first < end {
                self.stretching.under_way = true;
                return Turn::Run(self.stretch_batch(first, end));
            }
            // What this stretch gives birth to decides where the next one begins.
            if std::mem::take(&mut self.stretching.under_way) {
                return Turn::Settle;
            }
            if !self.cut_stretch() {
                self.stretching.active = false;
                return self.next_turn();
            }
        }
    }

    /// All that is left in the stretch for the node that is next.
    fn stretch_batch(&mut self, first: usize, end: usize) -> Batch {
        let target = |entry: &Entry| self.window[place(entry.index)].to;
        let to = target(&self.stretch[first]);
        let same = self.stretch[first..end]
            .iter()
            .take_while(|entry| target(entry) == to);
        let last = first + same.count();
        self.stretching.batches.start = last;
        Batch {
            local: self.stepper.setting.place(to).local,
            list: List::Stretch,
            first: index(first),
            last: index(last),
            until: self.stretching.until,
        }
    }

    /// Takes the group's next event for a stretch of its own; false if nothing is left.
    fn cut_one(&mut self) -> bool {
        let stretching = &mut self.stretching;
        let known = self.order[stretching.known.clone()].first().copied();
        let born = stretching.born.peek().map(|Reverse(entry)| *entry);
        let is_born = match (known, born) {
            (Some(known), Some(born)) => key_of(born) < key_of(known),
            (None, Some(_)) => true,
            (Some(_), None) => false,
            (None, None) => return false,
        };
        let Some(entry) = (if is_born { born } else { known }) else {
            return false;
        };
        if is_born {
            stretching.born.pop();
        } else {
            stretching.known.start += 1;
        }
        let at = VirtualDuration(entry.lead & OFFSET);
        let next = at.saturating_add(VirtualDuration::NANOSECOND);
        stretching.until = self.start.saturating_add(next).min(self.until);
        self.stretch.clear();
        self.stretch.push(entry);
        stretching.batches = 0..1;
        true
    }

    /// Cuts the next stretch out of the group's events, ordered by node and then by key; false if
    /// nothing is left.
    fn cut_stretch(&mut self) -> bool {
        if self.stretching.sharing {
            return self.cut_one();
        }
        let Self {
            stretching,
            stretch,
            order,
            window,
            ..
        } = self;
        let known = order[stretching.known.clone()]
            .first()
            .map(|entry| entry.lead & OFFSET);
        let born = stretching
            .born
            .peek()
            .map(|Reverse(entry)| entry.lead & OFFSET);
        let Some(first) = [known, born].into_iter().flatten().min() else {
            return false;
        };
        let first = self.start.saturating_add(VirtualDuration(first));
        stretching.until = first.saturating_add(self.lookahead).min(self.until);
        let limit = stretching.until.since(self.start).0;
        stretch.clear();
        let rest = &order[stretching.known.clone()];
        let taken = rest
            .iter()
            .take_while(|entry| entry.lead & OFFSET < limit)
            .count();
        stretch.extend_from_slice(&rest[..taken]);
        stretching.known.start += taken;
        while let Some(Reverse(entry)) = stretching.born.peek()
            && entry.lead & OFFSET < limit
        {
            stretch.push(*entry);
            stretching.born.pop();
        }
        if taken > 0 && taken < stretch.len() {
            stretch.sort_unstable();
        }
        let target = |entry: &Entry| window[place(entry.index)].to;
        if stretch
            .iter()
            .any(|entry| target(entry) != target(&stretch[0]))
        {
            // Stable, so that every node's events stay in the order of their keys.
            stretch.sort_by_key(target);
        }
        stretching.batches = 0..stretch.len();
        true
    }

    /// Runs a batch on its node.
    pub fn run(&mut self, batch: Batch, node: &mut N) {
        let local = batch.local();
        let me = self.vitals[local].me();
        let (mut next, last) = (place(batch.first), place(batch.last));
        loop {
            let list = match batch.list {
                List::Window => &self.order,
                List::Stretch => &self.stretch,
            };
            let known = (next < last).then(|| list[next]);
            let own = self.own.peek().map(|Reverse(entry)| *entry);
            let entry = match (known, own) {
                (Some(known), Some(own)) if key_of(own) < key_of(known) => {
                    self.own.pop();
                    own
                }
                (Some(known), _) => {
                    next += 1;
                    known
                }
                (None, Some(own)) => {
                    self.own.pop();
                    own
                }
                (None, None) => return,
            };
            let event = self.take(entry);
            self.stepper.step(&mut self.vitals[local], node, event);
            if self.stepper.born.is_empty() {
                continue;
            }
            let mut born = std::mem::take(&mut self.stepper.born);
            for event in born.drain(..) {
                if event.to == me && event.time < batch.until {
                    let entry = self.keep(event);
                    self.own.push(Reverse(entry));
                } else if event.time < self.until {
                    let entry = self.keep(event);
                    self.stretching.born.push(Reverse(entry));
                } else {
                    self.route(event);
                }
            }
            self.stepper.born = born;
        }
    }

    /// Runs the open window on nodes that lie in a slice, in the order of their places: every
    /// group in the order of its keys.
    pub(crate) fn run_window(&mut self, nodes: &mut [N]) {
        while let Some(entry) = self.order.get(self.cursor) {
            let to = self.window[place(entry.index)].to;
            let home = self.stepper.setting.place(to);
            if home.alone {
                let Turn::Run(batch) = self.next_turn() else {
                    unreachable!("a group of one is one batch");
                };
                self.run(batch, &mut nodes[place(home.local)]);
            } else {
                let first = self.cursor;
                self.cursor = self.end_of_group(first);
                self.run_group(first..self.cursor, nodes);
            }
        }
    }

    fn run_group(&mut self, mut known: Range<usize>, nodes: &mut [N]) {
        loop {
            let next = self.order[known.clone()].first().copied();
            let own = self.own.peek().map(|Reverse(entry)| *entry);
            let entry = match (next, own) {
                (Some(next), Some(own)) if key_of(own) < key_of(next) => {
                    self.own.pop();
                    own
                }
                (Some(next), _) => {
                    known.start += 1;
                    next
                }
                (None, Some(own)) => {
                    self.own.pop();
                    own
                }
                (None, None) => return,
            };
            let event = self.take(entry);
            let local = place(self.stepper.setting.place(event.to).local);
            self.stepper
                .step(&mut self.vitals[local], &mut nodes[local], event);
            let mut born = std::mem::take(&mut self.stepper.born);
            for event in born.drain(..) {
                if event.time < self.until {
                    let entry = self.keep(event);
                    self.own.push(Reverse(entry));
                } else {
                    self.route(event);
                }
            }
            self.stepper.born = born;
        }
    }

    fn take(&mut self, entry: Entry) -> Event<N::Message> {
        let event = &mut self.window[place(entry.index)];
        let kind = std::mem::replace(&mut event.kind, Kind::Taken);
        Event {
            time: event.time,
            seq: event.seq,
            src: event.src,
            to: event.to,
            kind,
        }
    }

    /// Adds an event born in the open window to its buffer.
    fn keep(&mut self, event: Event<N::Message>) -> Entry {
        let group = u64::from(self.stepper.setting.place(event.to).group.0);
        let entry = entry(group, self.start, &event, self.window.len());
        self.window.push(event);
        entry
    }

    /// How many records wait to be taken.
    #[must_use]
    pub fn records_waiting(&self) -> usize {
        self.stepper.records.items.len()
    }

    /// The records made since they were last taken, in order. Only between windows. `emptied` takes
    /// the next ones: memory that is used again need not be cleared by the system.
    pub fn take_records(&mut self, emptied: Vec<Stamped<N::Record>>) -> Vec<Stamped<N::Record>> {
        debug_assert!(emptied.is_empty(), "records are handed on once");
        let mut records = std::mem::replace(&mut self.stepper.records.items, emptied);
        records.sort_unstable_by_key(Stamped::order);
        records
    }

    /// What this partition reports at a checkpoint.
    pub fn survey(&mut self, now: VirtualTime) -> Survey {
        let pending = self.queue.pending();
        self.stepper.survey(&mut self.vitals, pending, now)
    }

    /// How many messages are still on their way when the run ends.
    #[must_use]
    pub fn messages_pending(&self) -> u64 {
        self.queue.pending_messages()
            + count(
                self.outboxes
                    .iter()
                    .flatten()
                    .filter(|event| event.is_message())
                    .count(),
            )
    }
}

fn entry<M>(group: u64, start: VirtualTime, event: &Event<M>, at: usize) -> Entry {
    let offset = event.time.since(start).0;
    debug_assert!(offset <= OFFSET, "windows are no wider than 32 bits");
    Entry {
        lead: group << 32 | offset,
        src: event.src,
        seq: event.seq,
        index: index(at),
    }
}

/// The order inside a group.
fn key_of(entry: Entry) -> (u64, ActorId, Sequence) {
    (entry.lead & OFFSET, entry.src, entry.seq)
}

fn index(at: usize) -> u32 {
    u32::try_from(at).expect("a window has fewer than 2^32 events")
}

fn place(index: u32) -> usize {
    usize::try_from(index).expect("32 bits fit")
}
