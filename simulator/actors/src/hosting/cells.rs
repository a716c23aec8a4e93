//! The actor around a node, and the cells in which a partition keeps its actors.
//!
//! Invariant: an actor owns its node while it is hot; a cold cell owns it otherwise. An actor
//! handles a batch by having the desk run it: the mailbox decides nothing but when.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};

use actix::dev::ContextFut;
use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message};
use engine::Node;
use engine::kernel::{Batch, Desk};

/// What the actors of one partition share with its kernel, all on one thread.
pub(super) struct Shared<N: Node> {
    pub(super) desk: RefCell<Desk<N>>,
    /// How many messages were handled.
    handled: Cell<u64>,
    /// Nodes that actors gave back, with their places.
    returned: RefCell<Vec<(usize, Box<N>)>>,
    failure: RefCell<Option<String>>,
    failed: Cell<bool>,
}

impl<N: Node> Shared<N> {
    pub(super) fn new(desk: Desk<N>) -> Self {
        Self {
            desk: RefCell::new(desk),
            handled: Cell::new(0),
            returned: RefCell::new(Vec::new()),
            failure: RefCell::new(None),
            failed: Cell::new(false),
        }
    }

    fn fail(&self, message: String) {
        self.failed.set(true);
        self.failure.borrow_mut().get_or_insert(message);
    }
}

/// A node as an actor.
struct Host<N: Node> {
    place: usize,
    node: Option<Box<N>>,
    shared: Rc<Shared<N>>,
}

impl<N: Node> Actor for Host<N> {
    type Context = Context<Self>;
}

/// Handle this batch.
struct Deliver(Batch);

impl Message for Deliver {
    type Result = ();
}

/// Give the node back and stop.
struct Retire;

impl Message for Retire {
    type Result = ();
}

impl<N: Node> Handler<Deliver> for Host<N> {
    type Result = ();

    fn handle(&mut self, Deliver(batch): Deliver, _: &mut Context<Self>) {
        let Self { node, shared, .. } = self;
        // A node's own panics are dealt with inside; what comes out here is a broken kernel.
        // Caught at this place, it cannot be swallowed by whoever polls the actor.
        let run = AssertUnwindSafe(|| match node {
            Some(node) => shared.desk.borrow_mut().run(batch, node),
            None => unreachable!("a retired actor gets no batch"),
        });
        if let Err(payload) = catch_unwind(run) {
            shared.fail(panic_message(payload.as_ref()));
        }
        shared.handled.set(shared.handled.get() + 1);
    }
}

impl<N: Node> Handler<Retire> for Host<N> {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Context<Self>) {
        let Self {
            place,
            node,
            shared,
        } = self;
        shared
            .returned
            .borrow_mut()
            .extend(node.take().map(|node| (*place, node)));
        shared.handled.set(shared.handled.get() + 1);
        ctx.stop();
    }
}

type Body<N> = Pin<Box<ContextFut<Host<N>, Context<Host<N>>>>>;

enum Occupant<N: Node> {
    Cold(Box<N>),
    /// An actor whose context future the kernel owns, and the last window it was used in.
    Owned(Addr<Host<N>>, Body<N>, u64),
    /// An actor that the runtime polls.
    Started(Addr<Host<N>>),
    /// Between two of the others.
    Vacant,
}

/// All actors of one partition.
pub(super) struct Cells<N: Node> {
    shared: Rc<Shared<N>>,
    occupants: Vec<Occupant<N>>,
    owned: bool,
    cooling: Option<Cooling>,
    window: u64,
    /// Messages sent.
    sent: u64,
}

/// Who was used when: the oldest list is the next to cool.
struct Cooling {
    after: usize,
    used: std::collections::VecDeque<Vec<usize>>,
    spares: Vec<Vec<usize>>,
}

impl<N: Node> Cells<N> {
    /// Cells for these nodes, all cold. `owned`: the kernel polls them, and lets them cool after
    /// so many windows.
    pub(super) fn new(
        shared: Rc<Shared<N>>,
        nodes: Vec<N>,
        owned: bool,
        cold_after: Option<u32>,
    ) -> Self {
        let cooling = cold_after.filter(|_| owned).map(|windows| Cooling {
            after: usize::try_from(windows).expect("32 bits fit"),
            used: [Vec::new()].into(),
            spares: Vec::new(),
        });
        let occupants = nodes
            .into_iter()
            .map(|node| Occupant::Cold(Box::new(node)))
            .collect();
        Self {
            shared,
            occupants,
            owned,
            cooling,
            window: 0,
            sent: 0,
        }
    }

    /// Gives a batch to its actor. A started actor handles it when the runtime lets it.
    pub(super) fn deliver(&mut self, batch: Batch) -> Result<(), String> {
        let place = batch.local();
        if let Occupant::Cold(_) = self.occupants[place] {
            self.wake(place);
        }
        self.sent += 1;
        match &mut self.occupants[place] {
            Occupant::Owned(address, body, used) => {
                address.do_send(Deliver(batch));
                if let Some(cooling) = &mut self.cooling
                    && *used != self.window
                    && let Some(current) = cooling.used.back_mut()
                {
                    *used = self.window;
                    current.push(place);
                }
                poll(body, "an actor stopped while it was needed")?;
                self.check()
            }
            Occupant::Started(address) => {
                address.do_send(Deliver(batch));
                Ok(())
            }
            Occupant::Cold(_) | Occupant::Vacant => unreachable!("it was just woken"),
        }
    }

    /// Polls of started actors come from the runtime: ready when all that was sent was handled.
    pub(super) fn poll_settled(&self, cx: &mut TaskContext<'_>) -> Poll<Result<(), String>> {
        if self.shared.failed.get() || self.shared.handled.get() == self.sent {
            return Poll::Ready(self.check());
        }
        // Not `yield_now`, which waits for the runtime's driver: the actors are runnable now.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// A window is over: whoever has been idle for long goes cold.
    pub(super) fn cool(&mut self) -> Result<(), String> {
        let Some(cooling) = &mut self.cooling else {
            return Ok(());
        };
        let fresh = cooling.spares.pop().unwrap_or_default();
        cooling.used.push_back(fresh);
        let due = cooling.used.len() > cooling.after + 1;
        let oldest = if due { cooling.used.pop_front() } else { None };
        let after = u64::try_from(cooling.after).expect("lengths fit 64 bits");
        let idle_since = self.window.wrapping_sub(after);
        self.window += 1;
        let Some(mut idle) = oldest else {
            return Ok(());
        };
        for place in idle.drain(..) {
            if let Occupant::Owned(_, _, used) = self.occupants[place]
                && used == idle_since
            {
                self.chill(place)?;
            }
        }
        if let Some(cooling) = &mut self.cooling {
            cooling.spares.push(idle);
        }
        Ok(())
    }

    /// Takes all nodes back, but those of started actors, which [`Cells::poll_settled`] waits for
    /// and [`Cells::into_nodes`] collects.
    pub(super) fn retire_all(&mut self) -> Result<(), String> {
        for place in 0..self.occupants.len() {
            if matches!(self.occupants[place], Occupant::Owned(..)) {
                self.retire_owned(place)?;
            } else if let Occupant::Started(address) = &self.occupants[place] {
                address.do_send(Retire);
                self.sent += 1;
            }
        }
        Ok(())
    }

    /// The nodes, in the order of their places.
    pub(super) fn into_nodes(mut self) -> Result<Vec<N>, String> {
        for (place, node) in self.shared.returned.borrow_mut().drain(..) {
            self.occupants[place] = Occupant::Cold(node);
        }
        let nodes = self.occupants.into_iter().map(|occupant| match occupant {
            Occupant::Cold(node) => Ok(*node),
            Occupant::Owned(..) | Occupant::Started(_) | Occupant::Vacant => {
                Err("an actor did not give its node back".to_owned())
            }
        });
        nodes.collect()
    }

    fn wake(&mut self, place: usize) {
        let Occupant::Cold(node) = std::mem::replace(&mut self.occupants[place], Occupant::Vacant)
        else {
            unreachable!("only cold nodes are woken");
        };
        let host = Host {
            place,
            node: Some(node),
            shared: Rc::clone(&self.shared),
        };
        self.occupants[place] = if self.owned {
            let context = Context::new();
            let address = context.address();
            // No window has this number: the first use is always noted.
            Occupant::Owned(address, Box::pin(context.into_future(host)), u64::MAX)
        } else {
            Occupant::Started(host.start())
        };
    }

    fn chill(&mut self, place: usize) -> Result<(), String> {
        self.retire_owned(place)?;
        if let Occupant::Cold(node) = &mut self.occupants[place] {
            node.shrink();
        }
        Ok(())
    }

    fn retire_owned(&mut self, place: usize) -> Result<(), String> {
        let occupant = std::mem::replace(&mut self.occupants[place], Occupant::Vacant);
        let Occupant::Owned(address, mut body, _) = occupant else {
            unreachable!("only owned actors are retired here");
        };
        address.do_send(Retire);
        self.sent += 1;
        if poll(&mut body, "").is_ok() {
            return Err("an actor refused to stop".to_owned());
        }
        let returned = self.shared.returned.borrow_mut().pop();
        let (_, node) = returned.ok_or("an actor kept its node")?;
        self.occupants[place] = Occupant::Cold(node);
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if !self.shared.failed.get() {
            return Ok(());
        }
        let failure = self.shared.failure.borrow().clone();
        Err(failure.unwrap_or_else(|| "an actor failed".to_owned()))
    }
}

/// Lets an owned actor handle what is in its mailbox; an error with this message if it stopped.
fn poll<N: Node>(body: &mut Body<N>, stopped: &str) -> Result<(), String> {
    let mut context = TaskContext::from_waker(Waker::noop());
    match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(&mut context))) {
        Ok(Poll::Pending) => Ok(()),
        Ok(Poll::Ready(())) => Err(stopped.to_owned()),
        Err(payload) => Err(panic_message(payload.as_ref())),
    }
}

pub(super) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}
