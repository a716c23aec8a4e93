//! The kernel of one partition: a task on its arbiter that takes its actors from window to
//! window, and from checkpoint to checkpoint.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use engine::kernel::{Part, Survey, Turn, first_checkpoint, next_checkpoint};
use engine::{Node, RunConfig, Stamped, VirtualTime};

use super::barrier::Poisoned;
use super::cells::{Cells, Shared};
use super::exchange::Exchange;
use super::{HostingConfig, SpawnPolicy};

/// What a partition tells the conducting thread. All partitions send the same kinds in the same
/// order.
pub(super) enum Report<N: Node> {
    /// Its records since the last such report, in order.
    Records(Vec<Stamped<N::Record>>),
    /// Where it stands at a checkpoint; it waits for an answer.
    Survey(Box<Survey>),
    /// The run is over.
    Done {
        /// Its nodes, in the order of their places.
        nodes: Vec<N>,
        /// Messages still on their way.
        messages: u64,
    },
    /// It broke down.
    Failed(String),
}

/// A partition's ties to the conducting thread and to the other partitions.
pub(super) struct Ties<N: Node> {
    pub(super) me: usize,
    pub(super) exchange: Arc<Exchange<N::Message>>,
    pub(super) reports: SyncSender<(usize, Report<N>)>,
    /// Whether the run goes on, after each survey.
    pub(super) verdicts: Receiver<bool>,
    /// Vectors of records to use again.
    pub(super) emptied: Receiver<Vec<Stamped<N::Record>>>,
}

/// Why a kernel ended early.
pub(super) enum Broken {
    /// It broke down itself.
    Here(String),
    /// Somebody else did, or the run was given up.
    Elsewhere,
}

impl From<Poisoned> for Broken {
    fn from(_: Poisoned) -> Self {
        Self::Elsewhere
    }
}

impl From<String> for Broken {
    fn from(message: String) -> Self {
        Self::Here(message)
    }
}

/// Records are reported when so many wait in all partitions: few enough that a batch stays in the
/// processor's cache on its way to the other thread.
const FLUSH: u64 = 1_024;

pub(super) struct Kernel<N: Node> {
    ties: Ties<N>,
    run: RunConfig,
    shared: Rc<Shared<N>>,
    cells: Cells<N>,
    started: bool,
    meetings: u64,
}

impl<N: Node> Kernel<N> {
    pub(super) fn new(
        part: Part<N>,
        ties: Ties<N>,
        run: RunConfig,
        hosting: &HostingConfig,
    ) -> Self {
        let shared = Rc::new(Shared::new(part.desk));
        let owned = hosting.spawn == SpawnPolicy::Owned;
        let cells = Cells::new(Rc::clone(&shared), part.nodes, owned, hosting.cold_after);
        Self {
            ties,
            run,
            shared,
            cells,
            started: !owned,
            meetings: 0,
        }
    }

    /// Runs to the end and reports; a breakdown is reported too and lets the others go.
    pub(super) async fn run(mut self) -> Result<(), Broken> {
        let mut checkpoint = first_checkpoint(&self.run);
        loop {
            self.meetings += 1;
            let agreed = {
                let mut desk = self.shared.desk.borrow_mut();
                self.ties
                    .exchange
                    .meet(self.ties.me, self.meetings, &mut desk)?
            };
            let idle = agreed.window == u64::MAX
                || self.shared.desk.borrow().window_start(agreed.window) >= checkpoint;
            if idle {
                if !self.checkpoint(checkpoint)? {
                    return self.finish().await;
                }
                checkpoint = next_checkpoint(&self.run, checkpoint);
                continue;
            }
            self.window(agreed.window).await?;
            if agreed.records >= FLUSH {
                self.report_records()?;
            }
        }
    }

    async fn window(&mut self, window: u64) -> Result<(), Broken> {
        self.shared.desk.borrow_mut().open(window);
        loop {
            let turn = self.shared.desk.borrow_mut().next_turn();
            match turn {
                Turn::Run(batch) => self.cells.deliver(batch)?,
                Turn::Settle => self.settle().await?,
                Turn::Done => break,
            }
        }
        self.settle().await?;
        Ok(self.cells.cool()?)
    }

    /// Owned actors have handled a batch when it was delivered; started ones need to be waited
    /// for.
    async fn settle(&mut self) -> Result<(), Broken> {
        if self.started {
            poll_fn(|cx| self.cells.poll_settled(cx)).await?;
        }
        Ok(())
    }

    /// Reports at a checkpoint and says whether the run goes on.
    fn checkpoint(&mut self, time: VirtualTime) -> Result<bool, Broken> {
        self.report_records()?;
        let survey = self.shared.desk.borrow_mut().survey(time);
        self.report(Report::Survey(Box::new(survey)))?;
        self.ties.verdicts.recv().map_err(|_| Broken::Elsewhere)
    }

    fn report_records(&mut self) -> Result<(), Broken> {
        let emptied = self.ties.emptied.try_recv().unwrap_or_default();
        let records = self.shared.desk.borrow_mut().take_records(emptied);
        self.report(Report::Records(records))
    }

    async fn finish(mut self) -> Result<(), Broken> {
        self.cells.retire_all()?;
        self.settle().await?;
        let messages = self.shared.desk.borrow().messages_pending();
        let nodes = self.cells.into_nodes()?;
        let done = Report::Done { nodes, messages };
        self.ties
            .reports
            .send((self.ties.me, done))
            .map_err(|_| Broken::Elsewhere)
    }

    fn report(&self, report: Report<N>) -> Result<(), Broken> {
        self.ties
            .reports
            .send((self.ties.me, report))
            .map_err(|_| Broken::Elsewhere)
    }
}
