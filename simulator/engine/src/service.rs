//! The queue in front of a node that needs time for its inputs.
//!
//! Invariant: one input is in service at a time, the others wait in the order in which they
//! arrived; what an input in service emits is held back until its service ends.

use std::collections::VecDeque;

use crate::event::Event;
use crate::ids::ActorId;
use crate::node::Output;
use crate::outcome::ServiceStats;
use crate::time::{VirtualDuration, VirtualTime};

/// The server of a node that has called `work` at least once.
pub(crate) struct Service<M> {
    /// Whether an input is in service.
    pub(crate) busy: bool,
    /// When the service of the last input ends, or ended.
    until: VirtualTime,
    /// How many inputs were ever served with work; numbers the ends of service.
    pub(crate) served: u64,
    /// What the input in service emitted.
    pub(crate) held: Vec<Output<M>>,
    /// The node crashes when the input in service is done, and how long it then stays down.
    pub(crate) crash: Option<VirtualDuration>,
    /// What waits.
    pub(crate) backlog: VecDeque<Event<M>>,
    ledger: Ledger,
}

/// What the next checkpoint reports.
#[derive(Default)]
struct Ledger {
    /// All work ever begun, less what crashes cut off.
    begun: VirtualDuration,
    /// All work ever reported.
    reported: VirtualDuration,
    served: u64,
    waited: VirtualDuration,
    queue_max: u64,
}

impl<M> Service<M> {
    pub(crate) fn new() -> Self {
        Self {
            busy: false,
            until: VirtualTime::ZERO,
            served: 0,
            held: Vec::new(),
            crash: None,
            backlog: VecDeque::new(),
            ledger: Ledger::default(),
        }
    }

    /// Puts an input at the end of the queue.
    pub(crate) fn enqueue(&mut self, event: Event<M>) {
        self.backlog.push_back(event);
        self.ledger.queue_max = self.ledger.queue_max.max(self.waiting());
    }

    /// Takes the input that has waited longest.
    pub(crate) fn next(&mut self, now: VirtualTime) -> Option<Event<M>> {
        let event = self.backlog.pop_front()?;
        self.ledger.waited = self.ledger.waited.saturating_add(now.since(event.time));
        Some(event)
    }

    /// An input was handled at `now` and needs this much work. Says when it ends.
    pub(crate) fn begin(&mut self, now: VirtualTime, work: VirtualDuration) -> VirtualTime {
        self.busy = true;
        self.until = now.saturating_add(work);
        self.served += 1;
        self.ledger.begun = self.ledger.begun.saturating_add(work);
        self.until
    }

    /// An input was taken into service, whether or not it needs work.
    pub(crate) fn count(&mut self) {
        self.ledger.served += 1;
    }

    /// The node dies: what waits and what is in service is lost. Says how much waited, of it how
    /// many messages, and how many outputs were held back.
    pub(crate) fn crash(&mut self, now: VirtualTime) -> (u64, u64) {
        if self.busy {
            let cut = self.until.since(now);
            self.ledger.begun = self.ledger.begun.saturating_sub(cut);
            self.busy = false;
        }
        self.crash = None;
        let outputs = u64::try_from(self.held.len()).expect("lengths fit 64 bits");
        let backlog = self.waiting();
        self.held.clear();
        self.backlog.clear();
        (backlog, outputs)
    }

    fn waiting(&self) -> u64 {
        u64::try_from(self.backlog.len()).expect("lengths fit 64 bits")
    }

    /// What happened since the last report.
    pub(crate) fn report(&mut self, actor: ActorId, now: VirtualTime) -> ServiceStats {
        let ahead = if self.busy {
            self.until.since(now)
        } else {
            VirtualDuration::ZERO
        };
        let done = self.ledger.begun.saturating_sub(ahead);
        let stats = ServiceStats {
            actor,
            busy: done.saturating_sub(self.ledger.reported),
            served: self.ledger.served,
            waited: self.ledger.waited,
            queue_max: self.ledger.queue_max,
            queue_now: self.waiting(),
        };
        let (begun, queue_max) = (self.ledger.begun, self.waiting());
        self.ledger = Ledger {
            begun,
            reported: done,
            queue_max,
            ..Ledger::default()
        };
        stats
    }
}
