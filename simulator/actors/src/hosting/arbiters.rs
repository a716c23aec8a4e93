//! Arbiters: one thread with an event loop of its own for each partition.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use actix::{Arbiter, System};
use engine::kernel::Part;
use engine::{Node, RunConfig};

use super::HostingConfig;
use super::cells::panic_message;
use super::partition::{Broken, Kernel, Report, Ties};

/// Arbiters at work; they are stopped and joined when this is dropped.
pub(super) struct Arbiters {
    arbiters: Vec<Arbiter>,
    // Arbiters belong to a system, which is only kept for them: nothing ever runs on it.
    _system: actix::SystemRunner,
}

impl Arbiters {
    pub(super) fn new() -> Self {
        Self {
            _system: System::new(),
            arbiters: Vec::new(),
        }
    }

    /// Runs a partition on an arbiter of its own.
    pub(super) fn host<N: Node>(
        &mut self,
        part: Part<N>,
        ties: Ties<N>,
        run: RunConfig,
        hosting: HostingConfig,
    ) {
        let arbiter = Arbiter::new();
        // A spawned task, not the runtime's root future, which is polled once in 61 tasks.
        arbiter.spawn_fn(move || {
            actix::spawn(watch(part, ties, run, hosting));
        });
        self.arbiters.push(arbiter);
    }
}

impl Drop for Arbiters {
    fn drop(&mut self) {
        for arbiter in self.arbiters.drain(..) {
            arbiter.stop();
            // A kernel's panic was caught and reported; there is nothing more to learn here.
            let _ = arbiter.join();
        }
    }
}

/// Runs a kernel to its end. If it breaks down, everybody is told.
async fn watch<N: Node>(part: Part<N>, ties: Ties<N>, run: RunConfig, hosting: HostingConfig) {
    let (me, exchange) = (ties.me, Arc::clone(&ties.exchange));
    let reports = ties.reports.clone();
    let mut kernel = pin!(Kernel::new(part, ties, run, &hosting).run());
    let ended = poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| kernel.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(ended)) => Poll::Ready(ended),
            Err(payload) => Poll::Ready(Err(Broken::Here(panic_message(payload.as_ref())))),
        },
    );
    match ended.await {
        Ok(()) => {}
        Err(Broken::Elsewhere) => exchange.poison(),
        Err(Broken::Here(message)) => {
            exchange.poison();
            // If nobody listens any more, the run was given up already.
            let _ = reports.send((me, Report::Failed(message)));
        }
    }
}
