//! The conducting thread: it starts the partitions, merges what they report, and decides at
//! checkpoints whether the run goes on.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

use engine::kernel::{Conductor, Parts, divide};
use engine::{Node, Outcome, RunOutcome, Sink, Stamped, World};

use super::arbiters::Arbiters;
use super::exchange::Exchange;
use super::partition::{Report, Ties};
use super::{HostingConfig, HostingError};

/// How many reports may wait for the conducting thread, per partition: a slow sink slows the run
/// instead of filling memory.
const BACKLOG: usize = 4;

pub(super) fn conduct<N: Node, S: Sink<N::Record>>(
    world: World<N>,
    assign: &[u16],
    sink: &mut S,
    hosting: &HostingConfig,
) -> Result<RunOutcome<N>, HostingError> {
    let run = world.config;
    let Parts { parts, injected } = divide(world, assign, sink.wants_records(), hosting.sabotage)?;
    let partitions = parts.len();
    let exchange = Arc::new(Exchange::new(partitions));
    let (reports, incoming) = sync_channel(BACKLOG * partitions);
    let mut verdicts = Vec::new();
    let mut emptied = Vec::new();
    let mut arbiters = Arbiters::new();
    for (me, part) in parts.into_iter().enumerate() {
        let (verdict, answers) = channel();
        verdicts.push(verdict);
        let (used, to_use) = channel();
        emptied.push(used);
        let exchange = Arc::clone(&exchange);
        let ties = Ties {
            me,
            exchange,
            reports: reports.clone(),
            verdicts: answers,
            emptied: to_use,
        };
        arbiters.host(part, ties, run, *hosting);
    }
    drop(reports);
    let conductor = Conductor::new(sink, run, assign.len(), injected);
    let queues = std::iter::repeat_with(VecDeque::new)
        .take(partitions)
        .collect();
    let desk = Lectern {
        incoming,
        queues,
        verdicts,
        emptied,
    };
    // A sink may panic: the partitions must be let go before the panic goes on.
    let ended = catch_unwind(AssertUnwindSafe(|| desk.lead(conductor, assign)));
    if !matches!(ended, Ok(Ok(_))) {
        exchange.poison();
    }
    drop(arbiters);
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Where the reports come together.
struct Lectern<N: Node> {
    incoming: Receiver<(usize, Report<N>)>,
    /// Reports of partitions that are ahead of others.
    queues: Vec<VecDeque<Report<N>>>,
    verdicts: Vec<Sender<bool>>,
    /// Where vectors of records go back to.
    emptied: Vec<Sender<Vec<Stamped<N::Record>>>>,
}

impl<N: Node> Lectern<N> {
    fn lead<S: Sink<N::Record>>(
        mut self,
        mut conductor: Conductor<'_, N::Record, S>,
        assign: &[u16],
    ) -> Result<RunOutcome<N>, HostingError> {
        let mut outcome: Option<Outcome> = None;
        let mut records = Vec::new();
        loop {
            let mut surveys = Vec::new();
            let mut done = Vec::new();
            let mut on_their_way = 0;
            for partition in 0..self.queues.len() {
                match self.next_of(partition)? {
                    Report::Records(mut part) => {
                        merge(&mut records, &mut part);
                        // One that is gone needs it no more.
                        let _ = self.emptied[partition].send(part);
                    }
                    Report::Survey(survey) => surveys.push(*survey),
                    Report::Done { nodes, messages } => {
                        done.push(nodes.into_iter());
                        on_their_way += messages;
                    }
                    Report::Failed(message) => return Err(HostingError::Partition(message)),
                }
            }
            if self.queues.len() > 1 {
                // Stable, because it is quick where pieces are in order already.
                records.sort_by_key(Stamped::order);
            }
            conductor.records(&mut records);
            if !surveys.is_empty() {
                outcome = conductor.checkpoint(surveys);
                for verdict in &self.verdicts {
                    // One that is gone has reported why, or will.
                    let _ = verdict.send(outcome.is_none());
                }
            }
            if let Some(outcome) = outcome.take_if(|_| !done.is_empty()) {
                let partitions = done.len();
                let gather = |&partition: &u16| {
                    done[usize::from(partition)]
                        .next()
                        .expect("every node was given back")
                };
                let nodes = assign.iter().map(gather).collect();
                return Ok(conductor.finish(outcome, on_their_way, nodes, partitions));
            }
        }
    }

    fn next_of(&mut self, partition: usize) -> Result<Report<N>, HostingError> {
        loop {
            if let Some(report) = self.queues[partition].pop_front() {
                return Ok(report);
            }
            match self.incoming.recv() {
                Ok((_, Report::Failed(message))) => return Err(HostingError::Partition(message)),
                Ok((from, report)) => self.queues[from].push_back(report),
                Err(_) => {
                    let message = "a partition ended without a word".to_owned();
                    return Err(HostingError::Partition(message));
                }
            }
        }
    }
}

/// Moves a part over and leaves an empty vector with room.
fn merge<T>(all: &mut Vec<T>, part: &mut Vec<T>) {
    if all.is_empty() {
        std::mem::swap(all, part);
    } else {
        all.append(part);
    }
}
