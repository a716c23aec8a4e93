//! What a run measures: blocks, messages, workers, and what expectations ask about stretches of
//! time.
//!
//! Owns everything that tables and quantities are made from but money, which the checks reckon.
//! Rows are kept small, with numbers for names; names come back in [`crate::tables`]. A latency of
//! a block counts from the scheduled instant, so that waiting is part of it.

pub(crate) mod blocks;
mod carried;
pub(crate) mod messages;
pub(crate) mod rules;
pub(crate) mod scaling;
pub(crate) mod windows;
pub(crate) mod workers;

use std::collections::BTreeMap;

use engine::{NetworkFact, VirtualTime};
use protocol::{
    certificate::CertificateKind, error::NodeError, observe::Observation, sharding::ShardingFact,
};
use scenario::{Plan, expression::Counter};

use crate::{
    invariants::{Stamp, Standing},
    registry::{Registry, Subject, reach},
    validators::{Committee, Parties, Party},
};

use blocks::Blocks;
use messages::Messages;
use rules::RulesTried;
use scaling::Scaling;
use windows::Windows;
use workers::Workers;

/// Whether one row for each block and message is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rows {
    /// Yes: tables and pictures have them all.
    #[default]
    Full,
    /// No: only counters and latencies. For runs of millions of blocks.
    CountersOnly,
}

/// An instant in virtual microseconds, for times that did not come.
pub(crate) const NEVER: u64 = u64::MAX;

/// Counts over the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Proposals, retries among them.
    pub proposals: u64,
    /// Confirmed blocks.
    pub blocks: u64,
    /// Those confirmed in the fast round.
    pub fast_blocks: u64,
    /// Heights proposed and not confirmed, that somebody still wants to bring forward.
    pub pending_blocks: u64,
    /// Cross-chain messages of confirmed blocks.
    pub sent: u64,
    /// Messages that reached the inbox of a quorum.
    pub delivered: u64,
    /// Messages that a confirmed block took in.
    pub received: u64,
    /// Those among them that it rejected.
    pub rejected: u64,
    /// Messages that wait in an inbox.
    pub waiting: u64,
    /// Messages sent, and not yet in the inbox of a quorum.
    pub in_flight: u64,
    /// Commands that a wallet began; one that was begun again after a crash counts again.
    pub commands_started: u64,
    /// Commands that are done.
    pub commands_done: u64,
    /// Commands that cannot be done.
    pub commands_failed: u64,
    /// Votes cast.
    pub votes: u64,
    /// Requests that validators refused.
    pub requests_refused: u64,
    /// Certificates that ended a round which ran out of time.
    pub timeouts: u64,
    /// Requests that nobody answered in time.
    pub requests_timed_out: u64,
    /// Validators that a wallet helped to catch up, each time.
    pub helps: u64,
    /// Cross-chain updates that held nothing new.
    pub duplicate_updates: u64,
    /// Cross-chain updates that were refused.
    pub updates_refused: u64,
    /// Proposals that met another block of their height, or came when it was taken.
    pub rival_proposals: u64,
    /// Messages of the protocol that the network, a fault or a stopped node has lost.
    pub lost_messages: u64,
    /// Messages of the protocol that the network has let arrive twice.
    pub duplicated_messages: u64,
    /// Nodes that stopped, each time.
    pub crashes: u64,
    /// Handlers that panicked.
    pub panics: u64,
    /// How often a worker took a chain over from another, or from itself before it stopped.
    pub chains_taken: u64,
}

/// All that is measured.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) committee: Committee,
    pub(crate) counters: Counters,
    pub(crate) windows: Windows,
    pub(crate) blocks: Blocks,
    pub(crate) messages: Messages,
    pub(crate) workers: Workers,
    pub(crate) scaling: Scaling,
    /// Refused requests by reason.
    pub(crate) refusals: BTreeMap<&'static str, u64>,
    /// Facts about messages on their way, by word.
    pub(crate) deliveries: BTreeMap<&'static str, u64>,
    pub(crate) rules: RulesTried,
    closed: ClosedArrivals,
}

/// Commands of closed workloads, which no script lists.
#[derive(Debug, Default)]
struct ClosedArrivals {
    /// Commands below this number are in the script.
    scripted: u64,
    /// The last one of each wallet, plus one.
    last: Vec<u64>,
}

impl Metrics {
    pub(crate) fn new(plan: &Plan, committee: Committee, parties: &Parties, rows: Rows) -> Self {
        let mut windows = Windows::new(plan);
        let scripted = windows::count_scripted(plan, &mut windows);
        Self {
            committee,
            counters: Counters::default(),
            windows,
            blocks: Blocks::new(rows),
            messages: Messages::new(rows),
            workers: Workers::new(parties, plan.duration),
            scaling: Scaling::new(plan),
            refusals: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            rules: RulesTried::default(),
            closed: ClosedArrivals {
                scripted,
                last: Vec::new(),
            },
        }
    }

    /// Looks at what the network or the kernel did.
    pub(crate) fn network(&mut self, fact: &NetworkFact) {
        let counters = &mut self.counters;
        match fact {
            NetworkFact::Lost { .. }
            | NetworkFact::LostByRule { .. }
            | NetworkFact::Partitioned { .. }
            | NetworkFact::ToDownNode { .. } => counters.lost_messages += 1,
            NetworkFact::Crashed { .. } => counters.crashes += 1,
            NetworkFact::Panicked => counters.panics += 1,
            NetworkFact::Duplicated { .. } => counters.duplicated_messages += 1,
            NetworkFact::Restarted => {}
        }
    }

    /// Looks at a fact. `standing` is what a confirmed block is to its chain.
    pub(crate) fn observe(
        &mut self,
        stamp: Stamp,
        fact: &Observation,
        subject: Subject,
        standing: Option<Standing>,
        registry: &mut Registry,
    ) {
        if let Some(word) = fact.delivery() {
            *self.deliveries.entry(word).or_default() += 1;
        }
        let counters = &mut self.counters;
        match fact {
            Observation::CommandStarted { command, .. } => {
                counters.commands_started += 1;
                self.closed.started(&mut self.windows, stamp, *command);
            }
            Observation::CommandDone { .. } => counters.commands_done += 1,
            Observation::CommandFailed { .. } => counters.commands_failed += 1,
            Observation::BlockProposed { .. } => {
                counters.proposals += 1;
                self.windows.count(Counter::Proposals, stamp.time, 1);
                let chain = subject.chain.expect("a proposal is about a chain");
                let rival = self.blocks.proposed(stamp, chain, fact);
                counters.rival_proposals += u64::from(rival);
                counters.pending_blocks = self.blocks.pending();
            }
            Observation::BlockConfirmed { certificate } => {
                if matches!(standing, Some(Standing::Next | Standing::AfterGap)) {
                    let chain = subject.chain.expect("a block is of a chain");
                    self.blocks
                        .confirmed(counters, &mut self.windows, stamp, chain, certificate);
                    let block = certificate.block();
                    self.messages.taken_in(
                        counters,
                        &mut self.windows,
                        stamp.time,
                        chain,
                        block,
                        registry,
                    );
                    self.messages.sent(
                        counters,
                        &mut self.windows,
                        stamp.time,
                        chain,
                        block,
                        registry,
                    );
                }
            }
            Observation::BundleArrived { cursor, .. } => {
                if let (Party::Worker(validator, _), Some(pair)) = (stamp.party, subject.pair) {
                    let weight = self.committee.weight(validator);
                    self.messages.arrived(
                        counters,
                        &mut self.windows,
                        (weight, self.committee.quorum),
                        stamp.time,
                        (pair, *cursor),
                        registry,
                    );
                }
            }
            Observation::BlockGivenUp { height, .. } => {
                let chain = subject.chain.expect("a height is one of a chain");
                self.blocks.given_up(stamp, chain, height.0);
                counters.pending_blocks = self.blocks.pending();
            }
            Observation::VoteCast { .. } => counters.votes += 1,
            Observation::RequestRefused { error, .. } => {
                counters.requests_refused += 1;
                *self.refusals.entry(error.name()).or_default() += 1;
            }
            Observation::RequestTimedOut { .. } => counters.requests_timed_out += 1,
            Observation::ValidatorHelped { .. } => counters.helps += 1,
            Observation::DuplicateUpdate { .. } => counters.duplicate_updates += 1,
            Observation::UpdateRefused { error, .. } => {
                counters.updates_refused += 1;
                if matches!(error, NodeError::RevokedEpoch(_)) {
                    *self.refusals.entry(error.name()).or_default() += 1;
                }
            }
            Observation::CertificateFormed { payload, .. } => {
                counters.timeouts += u64::from(payload.kind == CertificateKind::Timeout);
            }
            Observation::RuleBitten { rule, .. } => self.rules.bitten(*rule, stamp),
            Observation::Sharding(fact) => {
                let taken = matches!(fact, ShardingFact::ChainTaken { .. });
                counters.chains_taken += u64::from(taken);
                self.scaling.observe(stamp.time, fact);
            }
            Observation::RoundEntered { .. }
            | Observation::BlobStored { .. }
            | Observation::BlobPending { .. }
            | Observation::EpochsKnown { .. }
            | Observation::FeesCharged { .. }
            | Observation::ApplicationsRan { .. }
            | Observation::ApplicationCreated { .. }
            | Observation::BlockExecuted { .. }
            | Observation::BlockPreprocessed { .. }
            | Observation::OutboxConfirmed { .. }
            | Observation::UpdateAbandoned { .. }
            | Observation::UpdateRetried { .. }
            | Observation::UpdateDropped { .. }
            | Observation::CrossChainLost { .. }
            | Observation::OutboxRestored { .. }
            | Observation::DeliveryAnswered { .. }
            | Observation::BundleRejected { .. }
            | Observation::BundlePostponed { .. }
            | Observation::SenderBlockRefused { .. }
            | Observation::ShapeBroken { .. } => {}
        }
    }

    /// Samples what is sampled over time.
    pub(crate) fn checkpoint(&mut self, time: VirtualTime, service: &[engine::ServiceStats]) {
        let waiting = self.counters.waiting;
        self.windows
            .sample(scenario::expression::Measure::InboxDepth, time, waiting, 1);
        self.workers.checkpoint(&mut self.windows, time, service);
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, time: VirtualTime) {
        self.workers.finish(&mut self.windows, time);
        if let Some(carried) = self.windows.carried.take() {
            carried.finish(&mut self.windows, &self.scaling, time);
        }
    }
}

impl ClosedArrivals {
    /// A command that no script lists arrives when its user begins it.
    fn started(&mut self, windows: &mut Windows, stamp: Stamp, command: u64) {
        let Party::Wallet(wallet) = stamp.party else {
            return;
        };
        if command < self.scripted {
            return;
        }
        let last = reach(&mut self.last, crate::registry::index(wallet));
        if *last <= command {
            *last = command + 1;
            windows.count(Counter::Arrivals, stamp.time, 1);
        }
    }
}
