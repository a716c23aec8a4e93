//! Whoever watches a run: hands each record to the trace, the checks, the measurements and the
//! expectations, in this order, and stops the run when a check fails.

use std::sync::Arc;

use engine::{Checkpoint, CheckpointView, Flow, Outcome, RunOutcome, Sink, Stamped, VirtualTime};
use protocol::{
    description::ChainDescription, genesis::Genesis, ids::ChainId, observe::Observation,
    ownership::ChainOwnership,
};
use scenario::{Plan, plan::FaultKind};
use trace::{Directory, Event, TraceWrite, WriteError};

use crate::{
    expectations::{Expectations, Occasion, View},
    faults::Faults,
    findings::{Findings, conclude},
    invariants::{Broken, Invariants, Stamp, Standing},
    liveness::Liveness,
    metrics::{Metrics, Rows},
    names::Names,
    registry::Registry,
    validators::{Committee, Parties},
};

/// What everybody knows before the first block, and which fault each rule of the network is of.
#[derive(Clone, Debug)]
pub struct GenesisInfo {
    /// How each of the first chains began, in any order.
    pub chains: Vec<(ChainId, Arc<ChainDescription>)>,
    /// The voting weight that certifies.
    pub quorum: u64,
    /// The validators with their keys.
    pub committee: Arc<protocol::committee::Committee>,
    /// For each rule of the network: the fault of the plan that it belongs to.
    pub rule_faults: Vec<usize>,
}

impl GenesisInfo {
    /// The same from a genesis.
    pub fn new(genesis: &Genesis, rule_faults: Vec<usize>) -> Self {
        let committee = genesis.committee();
        let chains = genesis.descriptions().iter();
        Self {
            chains: chains
                .map(|(id, description)| (*id, description.clone()))
                .collect(),
            quorum: committee.quorum_threshold(),
            committee: committee.clone(),
            rule_faults,
        }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// All before this instant has happened.
    pub time: VirtualTime,
    /// The end of the run.
    pub end: VirtualTime,
    /// Events handled.
    pub events: u64,
    /// Events that wait to happen.
    pub pending: u64,
    /// Confirmed blocks.
    pub blocks: u64,
    /// Heights proposed and not confirmed, that somebody still wants to bring forward.
    pub pending_blocks: u64,
    /// Cross-chain messages sent, and taken in.
    pub messages: (u64, u64),
    /// Violations found.
    pub violations: u64,
}

/// What is called at every checkpoint to show how far the run is.
pub type OnProgress<'a> = &'a mut dyn FnMut(&Progress);

/// What is asked at every checkpoint whether to stop, and why.
pub type StopRequest<'a> = &'a mut dyn FnMut() -> Option<String>;

/// What a watcher does besides checking and measuring. Nothing here changes a result, but for the
/// rows that are kept.
#[derive(Default)]
pub struct WatchOptions<'a> {
    /// Where the trace goes, if anywhere.
    pub trace: Option<&'a mut dyn TraceWrite>,
    /// Which rows are kept.
    pub rows: Rows,
    /// Who wants to know how far the run is.
    pub progress: Option<OnProgress<'a>>,
    /// Who may stop the run.
    pub stop: Option<StopRequest<'a>>,
}

/// Watches a run: the sink of its records.
pub struct Watcher<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) names: Names<'a>,
    pub(crate) registry: Registry,
    parties: Parties,
    pub(crate) invariants: Invariants,
    pub(crate) liveness: Liveness,
    pub(crate) metrics: Metrics,
    pub(crate) faults: Faults,
    pub(crate) expectations: Expectations,
    options: WatchOptions<'a>,
    pub(crate) trace_error: Option<WriteError>,
    /// Whether somebody has stopped the run who is no check.
    pub(crate) interrupted: bool,
}

/// The validators that faults make break the rules. A disk that falls back is no excuse: that the
/// checks notice is what such a fault is for.
fn byzantine(plan: &Plan) -> Vec<bool> {
    let mut all = vec![false; plan.validators.len()];
    for fault in &plan.faults {
        if let FaultKind::ByzantineValidators { validators, .. } = &fault.kind {
            for validator in validators {
                all[validator.position()] = true;
            }
        }
    }
    all
}

impl<'a> Watcher<'a> {
    /// A watcher of a run of `plan`.
    pub fn new(
        plan: &'a Plan,
        directory: Directory,
        genesis: GenesisInfo,
        options: WatchOptions<'a>,
    ) -> Self {
        let parties = Parties::new(&directory);
        let faults = Faults::new(plan, &directory, genesis.rule_faults);
        let weights = plan
            .validators
            .iter()
            .map(|validator| validator.weight)
            .collect();
        let committee = Committee {
            weights,
            quorum: genesis.quorum,
            byzantine: byzantine(plan),
        };
        let members = genesis.committee;
        let (names, chains) = Names::new(plan, directory, genesis.chains);
        Self {
            registry: Registry::new(&chains),
            invariants: Invariants::new(committee.clone(), members, &parties, &chains),
            liveness: Liveness::new(plan, &committee),
            metrics: Metrics::new(plan, committee, &parties, options.rows),
            expectations: Expectations::new(&plan.expectations, &names),
            plan,
            names,
            parties,
            faults,
            options,
            trace_error: None,
            interrupted: false,
        }
    }

    /// What the run has shown.
    pub fn finish<N>(mut self, outcome: &RunOutcome<N>) -> Findings {
        self.faults.rules(&outcome.rule_hits);
        self.metrics.finish(outcome.ended_at);
        self.invariants.finish();
        if let Outcome::Completed | Outcome::Quiescent = outcome.outcome {
            let quiet = matches!(outcome.outcome, Outcome::Quiescent);
            let end = (outcome.ended_at, quiet);
            let (invariants, registry) = (&mut self.invariants, &self.registry);
            self.liveness.finish(end, invariants, registry, &self.names);
        }
        conclude(self, outcome)
    }

    fn take(&mut self, record: &Stamped<Event>) {
        if self.expectations.is_due(record.time) {
            let view = View {
                names: &self.names,
                invariants: &self.invariants,
                metrics: &self.metrics,
                faults: &self.faults,
            };
            self.expectations.deadlines(record.time, &view);
        }
        if let (Some(trace), None) = (&mut self.options.trace, &self.trace_error) {
            self.trace_error = trace.record(record).err();
        }
        let party = self.parties.of(record.actor);
        let mut stamp = Stamp {
            time: record.time,
            actor: record.actor,
            party,
            chain: None,
        };
        match &record.record {
            Event::Network(fact) => {
                self.invariants.network(stamp, fact);
                self.metrics.network(fact);
                if let engine::NetworkFact::Crashed { .. } = fact {
                    self.faults.crashed(record.actor, record.time);
                }
            }
            Event::Fault(fault) => self.faults.reached(*fault),
            Event::Protocol(fact) => {
                let subject = self.registry.subject(fact);
                stamp.chain = subject.chain;
                let owners = self.owners_before(fact, stamp);
                let registry = &mut self.registry;
                let standing = self.invariants.observe(stamp, fact, subject, registry);
                let epochs = &self.invariants.epochs;
                if let (Observation::BundleArrived { .. }, Some(chain), false) =
                    (&**fact, subject.chain, epochs.is_one())
                {
                    let epoch = self.invariants.heads.next_epoch(chain);
                    let committee = epochs.committee(epoch);
                    self.metrics.committee.clone_from(committee);
                }
                self.metrics
                    .observe(stamp, fact, subject, standing, registry);
                if let (
                    Observation::BlockProposed { .. } | Observation::RoundEntered { .. },
                    Some(chain),
                ) = (&**fact, subject.chain)
                {
                    let (invariants, names) = (&mut self.invariants, &self.names);
                    self.liveness.observe(stamp, fact, chain, invariants, names);
                }
                if let Observation::ApplicationCreated {
                    placeholder,
                    application,
                    ..
                } = &**fact
                {
                    self.names.created(*placeholder, *application);
                }
                if let (
                    Some(Standing::Next | Standing::AfterGap),
                    Observation::BlockConfirmed { certificate },
                ) = (standing, &**fact)
                {
                    for description in certificate.block().opened() {
                        let block = certificate.block();
                        let child = self.names.opened(registry, block, description);
                        self.metrics.blocks.opened(child, record.time);
                    }
                    if let Some(chain) = subject.chain {
                        let block = certificate.block();
                        let told = (chain, block.chain_id(), block.height());
                        let (invariants, names) = (&mut self.invariants, &self.names);
                        let owners = owners.as_deref();
                        self.liveness
                            .confirmed(record.time, told, owners, invariants, names);
                    }
                    self.look(Occasion::Block, record.time);
                }
            }
        }
    }

    /// Who owns a chain at the height of a block that is confirmed.
    fn owners_before(&self, fact: &Observation, stamp: Stamp) -> Option<Arc<ChainOwnership>> {
        match fact {
            Observation::BlockConfirmed { .. } => self.invariants.owners(stamp.chain?).cloned(),
            _ => None,
        }
    }

    fn look(&mut self, occasion: Occasion, time: VirtualTime) {
        let view = View {
            names: &self.names,
            invariants: &self.invariants,
            metrics: &self.metrics,
            faults: &self.faults,
        };
        self.expectations.look(occasion, time, &view);
    }

    fn flow(&mut self) -> Flow {
        let meant = |broken: &&Broken| {
            let name = broken.invariant.name();
            self.plan.breaks.iter().any(|one| one == name)
        };
        let mut broken = self.invariants.verdicts.violations().iter();
        if let Some(broken) = broken.find(|broken| !meant(broken)) {
            return Flow::Stop(broken.invariant.name().to_owned());
        }
        if let Some(error) = &self.trace_error {
            self.interrupted = true;
            return Flow::Stop(error.to_string());
        }
        match self.options.stop.as_mut().and_then(|stop| stop()) {
            Some(reason) => {
                self.interrupted = true;
                Flow::Stop(reason)
            }
            None => Flow::Continue,
        }
    }
}

impl Sink<Event> for Watcher<'_> {
    fn window(&mut self, records: &mut Vec<Stamped<Event>>) {
        for record in records.drain(..) {
            self.take(&record);
        }
    }

    fn checkpoint(&mut self, checkpoint: &CheckpointView<'_>) -> Flow {
        let CheckpointView {
            time,
            root,
            events,
            pending,
            ..
        } = *checkpoint;
        self.metrics.checkpoint(time, checkpoint.service);
        self.liveness.checkpoint(time, checkpoint.service);
        self.faults.rules(checkpoint.rule_hits);
        if self.expectations.is_due(time) {
            let view = View {
                names: &self.names,
                invariants: &self.invariants,
                metrics: &self.metrics,
                faults: &self.faults,
            };
            self.expectations.deadlines(time, &view);
        }
        self.look(Occasion::Checkpoint, time);
        if let (Some(trace), None) = (&mut self.options.trace, &self.trace_error) {
            self.trace_error = trace.checkpoint(&Checkpoint { time, root, events }).err();
        }
        let verdicts = &self.invariants.verdicts;
        let violations = crate::registry::long(verdicts.violations().len()) + verdicts.more();
        if let Some(progress) = &mut self.options.progress {
            let counters = &self.metrics.counters;
            progress(&Progress {
                time,
                end: self.plan.end(),
                events,
                pending,
                blocks: counters.blocks,
                pending_blocks: counters.pending_blocks,
                messages: (counters.sent, counters.received),
                violations,
            });
        }
        self.flow()
    }
}

#[cfg(test)]
mod pending_tests;
#[cfg(test)]
mod tests;
