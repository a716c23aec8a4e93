//! From small rows with numbers to the tables with names.

use engine::VirtualTime;
use protocol::{message::MessageKind, sharding::ScalingCause};
use scenario::{
    Plan,
    plan::{FaultKind, FaultPlan},
};

use crate::{
    expectations::{Judged, Verdict},
    faults::{Faults, kind_of},
    invariants::Invariants,
    metrics::{
        Metrics, NEVER,
        blocks::BlockLine,
        messages::MessageLine,
        scaling::{Change, Size},
        workers::WorkerLine,
    },
    names::Names,
    registry::{ChainNo, Registry, index, long, number},
    tables::{
        BlockRow, ChainRow, ExpectationRow, FaultRow, MessageRow, RunRow, ScalingRow, Tables,
        WorkerRow,
    },
};

/// Everything that tables are made from.
pub(super) struct Sources<'a> {
    pub(super) plan: &'a Plan,
    pub(super) names: &'a Names<'a>,
    pub(super) registry: &'a Registry,
    pub(super) invariants: &'a Invariants,
    pub(super) metrics: &'a Metrics,
    pub(super) faults: &'a Faults,
    pub(super) judged: &'a [Judged],
    pub(super) verdict: Verdict,
    pub(super) root: String,
    pub(super) events: u64,
    pub(super) ended_at: VirtualTime,
}

/// The tables of a run.
pub(super) fn tables(sources: &Sources<'_>) -> Tables {
    let Sources {
        plan,
        names,
        registry,
        metrics,
        ..
    } = sources;
    let chain_names: Vec<_> = (0..number(registry.chains()))
        .map(|chain| names.chain(registry, ChainNo(chain)))
        .collect();
    let name = |chain: ChainNo| chain_names[chain.index()].clone();
    let chains = sources.chains(&chain_names);
    let blocks = metrics.blocks.lines();
    let messages = metrics.messages.lines();
    Tables {
        run: RunRow {
            scenario: plan.name.clone(),
            variant: plan.variant.clone(),
            seed: plan.seed,
            verdict: sources.verdict.as_str().to_owned(),
            trace_hash: sources.root.clone(),
            events: sources.events,
            virtual_us: signed(sources.ended_at.as_micros()),
            warmup_us: signed(plan.warmup.as_micros()),
            validators: number(plan.validators.len()),
            workers: plan
                .validators
                .iter()
                .map(|validator| validator.workers)
                .sum(),
            chains: long(chains.len()),
            blocks: metrics.counters.blocks,
            messages: metrics.counters.sent,
        },
        chains,
        blocks: blocks
            .iter()
            .map(|line| block_row(line, names, name(line.chain)))
            .collect(),
        messages: messages
            .iter()
            .map(|line| message_row(line, name(line.src), name(line.dst), names))
            .collect(),
        workers: metrics
            .workers
            .lines
            .iter()
            .map(|line| sources.worker_row(line))
            .collect(),
        scaling: sources.scaling_rows(),
        faults: sources.fault_rows(),
        expectations: sources.judged.iter().map(expectation_row).collect(),
        rules: metrics.rules.rows(),
    }
}

impl Sources<'_> {
    /// Chains that are open, by number: those of the scenario first.
    fn chains(&self, chain_names: &[String]) -> Vec<ChainRow> {
        let row = |(number, name): (u32, &String)| {
            let chain = ChainNo(number);
            if !self.invariants.heads.is_described(chain) {
                return None;
            }
            let blocks = self.metrics.blocks.tally(chain);
            let messages = self.metrics.messages.tally(chain);
            let balance = self.invariants.money.total(chain);
            Some(ChainRow {
                chain: name.clone(),
                group: self.names.group(self.registry, chain),
                chain_id: self.registry.id(chain).to_string(),
                opened_us: signed(blocks.opened_us),
                blocks: blocks.blocks,
                sent: messages.sent,
                received: messages.received,
                balance_attos: balance.map_or_else(String::new, |attos| attos.to_string()),
            })
        };
        (0..).zip(chain_names).filter_map(row).collect()
    }

    fn worker_row(&self, line: &WorkerLine) -> WorkerRow {
        let (_, validator, shard) = self.metrics.workers.parties[index(line.worker)];
        WorkerRow {
            validator: self.names.validator(validator),
            worker: format!("w{}", shard + 1),
            t_us: signed(line.start),
            busy_us: signed(line.busy_us),
            queue: line.queue,
            handled: line.handled,
        }
    }

    fn scaling_rows(&self) -> Vec<ScalingRow> {
        let row = |size: &Size| {
            let (change, cause) = match size.change {
                Change::Start => ("start", ""),
                Change::Decided(ScalingCause::Busy) => ("decided", "busy"),
                Change::Decided(ScalingCause::Idle) => ("decided", "idle"),
                Change::Decided(ScalingCause::Lost(_)) => ("decided", "lost"),
                Change::Map => ("map", ""),
                Change::Running => ("running", ""),
            };
            ScalingRow {
                validator: self.names.validator(size.validator),
                t_us: signed(size.at),
                change: change.to_owned(),
                cause: cause.to_owned(),
                workers: size.workers,
                running: size.running,
                wanted: size.wanted,
            }
        };
        self.metrics.scaling.sizes.iter().map(row).collect()
    }

    fn fault_rows(&self) -> Vec<FaultRow> {
        let end = self.plan.end();
        let faults = self.plan.faults.iter().enumerate();
        let missing = self.metrics.scaling.missing(self.ended_at);
        // Workers that are lost for good are missing until others have their places.
        let replaced = |fault: &FaultPlan| match fault.kind {
            FaultKind::LoseWorkers {
                restarts: false, ..
            } => {
                let from = fault.from.as_micros();
                let since = missing.iter().find(|(since, _)| *since >= from);
                since.map(|(_, until)| VirtualTime::from_micros(*until))
            }
            _ => None,
        };
        let row = |(at, fault): (usize, &FaultPlan)| FaultRow {
            name: fault.name.clone(),
            kind: kind_of(fault).to_owned(),
            start_us: signed(fault.from.as_micros()),
            end_us: {
                let until = replaced(fault).unwrap_or(fault.until);
                (until < end).then(|| signed(until.as_micros()))
            },
            hits: self.faults.hits(at),
        };
        faults.map(row).collect()
    }
}

/// Virtual microseconds as tables have them.
fn signed(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

fn at(micros: u64) -> Option<i64> {
    (micros != NEVER).then(|| signed(micros))
}

fn block_row(line: &BlockLine, names: &Names<'_>, chain: String) -> BlockRow {
    let is_confirmed = line.confirmed != NEVER;
    BlockRow {
        chain,
        height: line.height,
        proposer: names.wallet_owner(line.wallet),
        round: line.round.to_string(),
        scheduled_us: at(line.scheduled),
        proposed_us: signed(line.proposed),
        confirmed_us: at(line.confirmed),
        operations: line.operations,
        incoming: line.incoming,
        rejected: line.rejected,
        outgoing: line.outgoing,
        attempts: line.attempts,
        hash: if is_confirmed {
            line.hash.to_string()
        } else {
            String::new()
        },
    }
}

fn message_row(line: &MessageLine, src: String, dst: String, names: &Names<'_>) -> MessageRow {
    let kind = match line.kind {
        MessageKind::Simple => "simple",
        MessageKind::Protected => "protected",
        MessageKind::Tracked => "tracked",
        MessageKind::Bouncing => "bouncing",
    };
    MessageRow {
        src,
        src_height: line.src_height,
        transaction: line.transaction,
        index: line.index,
        dst,
        app: line.application.map_or("system".to_owned(), |application| {
            names.application(application)
        }),
        kind: kind.to_owned(),
        label: line.label(names),
        sent_us: signed(line.sent),
        delivered_first_us: at(line.delivered_first),
        delivered_quorum_us: at(line.delivered_quorum),
        received_us: at(line.received),
        dst_height: (line.received != NEVER
            || line.outcome == crate::tables::MessageOutcome::Skipped)
            .then_some(line.dst_height),
        outcome: line.outcome,
        amount_attos: line.amount.to_string(),
    }
}

fn expectation_row(judged: &Judged) -> ExpectationRow {
    ExpectationRow {
        name: judged.name.clone(),
        kind: judged.kind.to_owned(),
        verdict: judged.verdict.as_str().to_owned(),
        first_violation_us: judged.first_violation.map(|time| signed(time.as_micros())),
        checked: judged.checked,
        detail: judged.detail.clone(),
    }
}
