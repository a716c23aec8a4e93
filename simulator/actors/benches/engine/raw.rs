//! What Actix itself can do: messages that do nothing, to actors that do nothing.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Instant;

use actix::dev::ContextFut;
use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, System};

use crate::say;

const ACTORS: usize = 1_000;
const ROUNDS: usize = 1_000;

struct Counter(Rc<Cell<usize>>);

impl Actor for Counter {
    type Context = Context<Self>;
}

struct Ping;

impl Message for Ping {
    type Result = ();
}

impl Handler<Ping> for Counter {
    type Result = ();

    fn handle(&mut self, _: Ping, _: &mut Context<Self>) {
        self.0.set(self.0.get() + 1);
    }
}

type Body = Pin<Box<ContextFut<Counter, Context<Counter>>>>;

/// Prints the raw message rates of owned and of started actors.
pub(crate) fn report() {
    say("\nraw actix messages, one to each of 1000 actors in turn, one thread, wall clock");
    let system = System::new();
    system.block_on(async {
        let task = actix::spawn(async { (owned(), started().await) });
        let (owned, started) = task.await.expect("the task does not panic");
        say(&format!(
            "{:<26}{owned:>14.1} ns/message",
            "do_send + own poll"
        ));
        say(&format!(
            "{:<26}{started:>14.1} ns/message",
            "do_send + runtime"
        ));
    });
}

#[expect(clippy::cast_precision_loss, reason = "fewer messages than 2^53")]
fn nanos(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / (ACTORS * ROUNDS) as f64
}

fn owned() -> f64 {
    let count = Rc::new(Cell::new(0));
    let mut actors: Vec<(Addr<Counter>, Body)> = (0..ACTORS)
        .map(|_| {
            let context = Context::new();
            let address = context.address();
            (
                address,
                Box::pin(context.into_future(Counter(Rc::clone(&count)))),
            )
        })
        .collect();
    let mut context = TaskContext::from_waker(Waker::noop());
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for (address, body) in &mut actors {
            address.do_send(Ping);
            let polled = body.as_mut().poll(&mut context);
            assert!(polled.is_pending(), "the actor lives");
        }
    }
    let nanos = nanos(start);
    assert_eq!(count.get(), ACTORS * ROUNDS);
    nanos
}

async fn started() -> f64 {
    let count = Rc::new(Cell::new(0));
    let actors: Vec<Addr<Counter>> = (0..ACTORS)
        .map(|_| Counter(Rc::clone(&count)).start())
        .collect();
    let start = Instant::now();
    for round in 1..=ROUNDS {
        for address in &actors {
            address.do_send(Ping);
        }
        poll_fn(|cx| {
            if count.get() == round * ACTORS {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
    nanos(start)
}
