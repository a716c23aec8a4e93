//! What all drivers do in the same way: checkpoints, limits, the sink, and the final account.
//!
//! Invariant: whether a run ends is decided at checkpoints alone, from values that do not depend
//! on the driver.

use crate::digest::{ActorDigest, Digest, root};
use crate::ids::ActorId;
use crate::network::NetworkCounters;
use crate::node::Record;
use crate::outcome::{
    Checkpoint, CheckpointView, EngineCheck, NodePanic, Outcome, RunOutcome, ServiceStats,
    Violation,
};
use crate::records::{Flow, Sink, Stamped};
use crate::time::VirtualTime;
use crate::world::RunConfig;

/// What one part of the world reports at a checkpoint.
pub struct Survey {
    /// Where this part's actors stand, with their identifiers; `None` if nothing happened here
    /// since the last survey.
    pub(crate) actors: Option<Vec<(ActorId, ActorDigest)>>,
    pub(crate) handled: u64,
    pub(crate) pending: u64,
    pub(crate) counters: NetworkCounters,
    pub(crate) rule_hits: Vec<u64>,
    pub(crate) service: Vec<ServiceStats>,
    pub(crate) panics: Vec<NodePanic>,
    pub(crate) violations: Vec<Violation>,
}

/// Leads one run from checkpoint to checkpoint.
pub struct Conductor<'s, R, S> {
    sink: &'s mut S,
    config: RunConfig,
    /// Messages that the environment injects in the course of the run.
    injected: u64,
    actors: Vec<ActorDigest>,
    root: Digest,
    next: VirtualTime,
    checkpoints: Vec<Checkpoint>,
    panics: Vec<NodePanic>,
    violations: Vec<Violation>,
    latest: Totals,
    records: std::marker::PhantomData<fn(R)>,
}

/// Sums over all parts of the world.
#[derive(Default)]
struct Totals {
    handled: u64,
    pending: u64,
    counters: NetworkCounters,
    rule_hits: Vec<u64>,
}

/// The first checkpoint after zero, for drivers to start with.
#[must_use]
pub fn first_checkpoint(config: &RunConfig) -> VirtualTime {
    VirtualTime::ZERO
        .saturating_add(config.checkpoint_every)
        .min(config.end)
}

/// The checkpoint after `time`, which is one.
#[must_use]
pub fn next_checkpoint(config: &RunConfig, time: VirtualTime) -> VirtualTime {
    time.saturating_add(config.checkpoint_every).min(config.end)
}

impl<'s, R: Record, S: Sink<R>> Conductor<'s, R, S> {
    /// Begins a run of so many actors, into whose world the environment injects so many messages.
    pub fn new(sink: &'s mut S, config: RunConfig, actors: usize, injected: u64) -> Self {
        let actors = vec![ActorDigest::default(); actors];
        Self {
            sink,
            config,
            injected,
            root: root(&actors),
            actors,
            next: first_checkpoint(&config),
            checkpoints: Vec::new(),
            panics: Vec::new(),
            violations: Vec::new(),
            latest: Totals::default(),
            records: std::marker::PhantomData,
        }
    }

    /// Hands records to the sink; they must continue the order.
    pub fn records(&mut self, records: &mut Vec<Stamped<R>>) {
        if !records.is_empty() {
            debug_assert!(
                records.is_sorted_by_key(Stamped::order),
                "records come in order"
            );
            self.sink.window(records);
            records.clear();
        }
    }

    /// Everything before the next checkpoint has happened. Says why the run ends, if it does.
    pub fn checkpoint(&mut self, surveys: Vec<Survey>) -> Option<Outcome> {
        let time = self.next;
        let mut totals = Totals {
            rule_hits: Vec::new(),
            ..Totals::default()
        };
        let mut service = Vec::new();
        let mut changed = false;
        for survey in surveys {
            totals.handled += survey.handled;
            totals.pending += survey.pending;
            totals.counters.add(&survey.counters);
            totals.rule_hits.resize(survey.rule_hits.len(), 0);
            let hits = totals.rule_hits.iter_mut().zip(&survey.rule_hits);
            hits.for_each(|(sum, hits)| *sum += hits);
            service.extend(survey.service);
            self.panics.extend(survey.panics);
            self.violations.extend(survey.violations);
            for (actor, digest) in survey.actors.into_iter().flatten() {
                changed = true;
                let index = actor.index().expect("only nodes have chains");
                self.actors[index] = digest;
            }
        }
        totals.counters.injected = self.injected;
        service.sort_unstable_by_key(|stats| stats.actor);
        if changed {
            self.root = root(&self.actors);
        }
        let view = CheckpointView {
            time,
            root: self.root,
            events: totals.handled,
            pending: totals.pending,
            network: &totals.counters,
            rule_hits: &totals.rule_hits,
            service: &service,
        };
        let flow = self.sink.checkpoint(&view);
        self.checkpoints.push(Checkpoint {
            time,
            root: self.root,
            events: totals.handled,
        });
        self.latest = totals;
        self.next = next_checkpoint(&self.config, time);
        self.ending(time, flow)
    }

    fn ending(&self, time: VirtualTime, flow: Flow) -> Option<Outcome> {
        let limits = self.config.limits;
        if let Some(violation) = self.violations.first() {
            return Some(Outcome::CheckFailed(violation.check));
        }
        if self.latest.pending == 0 {
            return Some(Outcome::Quiescent);
        }
        if time >= self.config.end {
            return Some(Outcome::Completed);
        }
        if let Flow::Stop(reason) = flow {
            return Some(Outcome::Stopped(reason));
        }
        if limits
            .events
            .is_some_and(|limit| self.latest.handled >= limit)
        {
            return Some(Outcome::EventLimit);
        }
        if limits
            .pending
            .is_some_and(|limit| self.latest.pending > limit)
        {
            return Some(Outcome::PendingLimit);
        }
        None
    }

    /// The final account. `messages` are still on their way, in all parts of the world.
    ///
    /// # Panics
    /// If the run has not reached any checkpoint.
    pub fn finish<N>(
        mut self,
        outcome: Outcome,
        messages: u64,
        nodes: Vec<N>,
        partitions_used: usize,
    ) -> RunOutcome<N> {
        let last = *self.checkpoints.last().expect("a run ends at a checkpoint");
        let outcome = self.audit(last.time, messages).unwrap_or(outcome);
        self.panics.sort();
        self.violations.sort();
        RunOutcome {
            outcome,
            ended_at: last.time,
            root: last.root,
            events: last.events,
            actors: self.actors,
            checkpoints: self.checkpoints,
            nodes,
            rule_hits: self.latest.rule_hits,
            network: self.latest.counters,
            panics: self.panics,
            violations: self.violations,
            partitions_used,
        }
    }

    /// No message may vanish.
    fn audit(&mut self, at: VirtualTime, messages: u64) -> Option<Outcome> {
        let counters = &self.latest.counters;
        let made = counters.sent + counters.injected + counters.duplicated;
        let gone = counters.lost + counters.lost_by_rule + counters.partitioned;
        let come = counters.delivered + counters.to_down_node;
        if made == gone + come + messages {
            return None;
        }
        let (actor, check) = (ActorId::ENVIRONMENT, EngineCheck::Conservation);
        self.violations.push(Violation { at, actor, check });
        Some(Outcome::CheckFailed(check))
    }
}
