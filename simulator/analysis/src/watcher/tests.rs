//! Whole runs, fact by fact: what the tables say, and how expectations and faults are judged.

use engine::{
    CheckpointView, Digest, EngineCheck, Flow, NetworkCounters, NetworkFact, NodePanic, Outcome,
    RunOutcome, Sink, Violation, VirtualTime,
};
use protocol::{certificate::CertificateKind, message::MessageAction};
use trace::{Event, Header, Item, Reader, Sampling, Writer};

mod liveness;

use super::*;
use crate::{
    Verdict,
    tables::{ExpectationRow, MessageOutcome},
    testing::{A, B, Network, ROUND, directory, genesis, members, plan, tampered, worker},
};

fn info(rule_faults: Vec<usize>) -> GenesisInfo {
    GenesisInfo {
        chains: genesis(),
        committee: members(),
        quorum: 3,
        rule_faults,
    }
}

fn checkpoint_at(watcher: &mut Watcher<'_>, time_us: u64, rule_hits: &[u64]) -> Flow {
    let network = NetworkCounters::default();
    watcher.checkpoint(&CheckpointView {
        time: VirtualTime::from_micros(time_us),
        root: Digest([1; 32]),
        events: 5,
        pending: 0,
        network: &network,
        rule_hits,
        service: &[],
    })
}

fn ended(outcome: Outcome, at_us: u64) -> RunOutcome<()> {
    RunOutcome {
        outcome,
        ended_at: VirtualTime::from_micros(at_us),
        root: Digest([7; 32]),
        events: 99,
        actors: Vec::new(),
        checkpoints: Vec::new(),
        nodes: Vec::new(),
        rule_hits: Vec::new(),
        network: NetworkCounters::default(),
        panics: Vec::new(),
        violations: Vec::new(),
        partitions_used: 1,
    }
}

const END_US: u64 = 10_000_000;

/// A run of these facts to the end of the plan.
pub(super) fn run(plan: &Plan, network: &Network) -> Findings {
    let options = WatchOptions::default();
    let mut watcher = Watcher::new(plan, directory(), info(Vec::new()), options);
    watcher.window(&mut network.records.clone());
    checkpoint_at(&mut watcher, END_US, &[]);
    watcher.finish(&ended(Outcome::Completed, END_US))
}

fn expectation<'a>(findings: &'a Findings, name: &str) -> &'a ExpectationRow {
    let rows = &findings.tables.expectations;
    rows.iter()
        .find(|row| row.name == name)
        .expect("the expectation is in the table")
}

fn verdict_of(findings: &Findings, name: &str) -> String {
    expectation(findings, name).verdict.clone()
}

/// `A` was asked at 100 us to pay 10, and pays; `B` takes it in.
fn paid_and_taken() -> Network {
    let mut network = Network::new();
    network.now_us = 200;
    let transactions = vec![network.pay(10)];
    let block = network.block(A, transactions);
    network.propose(&block, Some(100));
    network.votes(&block);
    network.confirm(&block);
    for validator in 0..4 {
        network.execute(validator, &block);
        network.arrive(validator, &block);
        network.pop(validator, &block);
    }
    let taken = network.take(&block, B, MessageAction::Accept);
    network.commit_new(B, vec![taken]);
    network
}

#[test]
fn tables_tell_blocks_messages_and_balances_by_name() {
    let plan = plan("");
    let findings = run(&plan, &paid_and_taken());
    assert_eq!(findings.violations, []);
    let tables = &findings.tables;
    assert_eq!(
        (tables.run.blocks, tables.run.messages, tables.run.chains),
        (2, 1, 2)
    );
    assert_eq!((tables.run.validators, tables.run.workers), (4, 8));
    assert_eq!(tables.run.trace_hash, "07".repeat(32));

    let [first, second] = tables.blocks.as_slice() else {
        panic!("{:?}", tables.blocks)
    };
    assert_eq!(
        (first.chain.as_str(), first.height, first.proposer.as_str()),
        ("A", 0, "A")
    );
    // Proposed at 201, eight votes, a certificate, and the block itself at 211.
    assert_eq!((first.scheduled_us, first.proposed_us), (Some(100), 201));
    assert_eq!((first.confirmed_us, first.attempts), (Some(211), 1));
    assert_eq!(
        (first.operations, first.incoming, first.outgoing),
        (1, 0, 1)
    );
    assert_eq!(first.round, "ml-0");
    assert_eq!(
        (second.chain.as_str(), second.incoming, second.scheduled_us),
        ("B", 1, None)
    );

    let [message] = tables.messages.as_slice() else {
        panic!("{:?}", tables.messages)
    };
    assert_eq!((message.src.as_str(), message.dst.as_str()), ("A", "B"));
    assert_eq!(
        (message.label.as_str(), message.kind.as_str()),
        ("transfer 10", "tracked")
    );
    // Each validator tells three facts: executed, arrived, popped.
    assert_eq!(
        (message.sent_us, message.delivered_first_us),
        (211, Some(213))
    );
    assert_eq!(message.delivered_quorum_us, Some(219));
    assert_eq!(
        (message.received_us, message.dst_height),
        (second.confirmed_us, Some(0))
    );
    assert_eq!(message.outcome, MessageOutcome::Accepted);

    let balances: Vec<_> = tables
        .chains
        .iter()
        .map(|row| row.balance_attos.as_str())
        .collect();
    assert_eq!(balances, ["90000000000000000000", "10000000000000000000"]);
    let latency = &findings.latencies[0];
    assert_eq!(
        (latency.name, latency.count, latency.p50_us),
        ("confirm_latency", 1, Some(111))
    );
}

#[test]
fn messages_that_are_rejected_come_back_as_bounces_and_wait_where_nobody_takes_them_in() {
    let plan = plan("");
    let mut network = Network::new();
    let transactions = vec![network.pay(10), network.claim(3)];
    let sender = network.commit_new(A, transactions);
    let refused = network.take(&sender, B, MessageAction::Reject);
    network.commit_new(B, vec![refused]);
    let findings = run(&plan, &network);
    let rows: Vec<_> = findings
        .tables
        .messages
        .iter()
        .map(|row| (row.label.as_str(), row.kind.as_str(), row.outcome))
        .collect();
    let expected = [
        ("transfer 10", "tracked", MessageOutcome::Rejected),
        ("withdraw 3", "simple", MessageOutcome::Waiting),
        ("bounce 10", "bouncing", MessageOutcome::Waiting),
    ];
    assert_eq!(rows, expected);
    let counters = findings.counters;
    assert_eq!(
        (counters.sent, counters.received, counters.rejected),
        (3, 1, 1)
    );
    assert_eq!((counters.waiting, counters.in_flight), (2, 0));
    assert_eq!(findings.tables.blocks[1].rejected, 1);
}

#[test]
fn pending_blocks_and_messages_on_their_way_are_told() {
    let plan = plan("");
    let mut network = Network::new();
    let transactions = vec![network.pay(10)];
    let sent = network.block(A, transactions);
    network.propose(&sent, None);
    network.propose(&sent, None);
    network.votes(&sent);
    network.confirm(&sent);
    for validator in 0..2 {
        network.execute(validator, &sent);
        network.arrive(validator, &sent);
    }
    let transactions = vec![network.pay(5)];
    let pending = network.block(A, transactions);
    network.propose(&pending, None);
    let findings = run(&plan, &network);
    assert_eq!(findings.tables.blocks[0].attempts, 2);
    let pending = &findings.tables.blocks[1];
    assert_eq!((pending.height, pending.confirmed_us), (1, None));
    assert_eq!(pending.hash, "");
    let message = &findings.tables.messages[0];
    assert!(message.delivered_first_us.is_some() && message.delivered_quorum_us.is_none());
    assert_eq!(message.outcome, MessageOutcome::InFlight);
    assert_eq!(
        (
            findings.counters.pending_blocks,
            findings.counters.in_flight
        ),
        (1, 1)
    );
    let lacking: Vec<_> = findings
        .validators
        .iter()
        .map(|one| (one.validator.as_str(), one.behind, one.undelivered))
        .collect();
    assert_eq!(
        lacking,
        [("v1", 0, 0), ("v2", 0, 0), ("v3", 1, 1), ("v4", 1, 1)]
    );
}

#[test]
fn without_rows_the_counters_and_latencies_are_the_same() {
    let plan = plan("");
    let network = paid_and_taken();
    let full = run(&plan, &network);
    let options = WatchOptions {
        rows: Rows::CountersOnly,
        ..WatchOptions::default()
    };
    let mut watcher = Watcher::new(&plan, directory(), info(Vec::new()), options);
    watcher.window(&mut network.records.clone());
    checkpoint_at(&mut watcher, END_US, &[]);
    let counted = watcher.finish(&ended(Outcome::Completed, END_US));
    assert_eq!(
        (counted.counters, &counted.latencies),
        (full.counters, &full.latencies)
    );
    assert_eq!(
        (counted.tables.blocks.len(), counted.tables.messages.len()),
        (0, 0)
    );
    assert_eq!(counted.tables.chains, full.tables.chains);
}

#[test]
fn opened_chains_have_the_names_of_the_plan() {
    let plan = plan(
        r#"
[[workload]]
name = "open"
script = [{ at = "2s", chain = "A", open_chain = { name = "D", owners = { A = 100 }, balance = "5" } }]
"#,
    );
    let mut network = Network::new();
    let transactions = vec![network.open(5)];
    network.commit_new(A, transactions);
    let findings = run(&plan, &network);
    let names: Vec<_> = findings
        .tables
        .chains
        .iter()
        .map(|row| row.chain.as_str())
        .collect();
    assert_eq!(names, ["A", "B", "D"]);
    let opened = &findings.tables.chains[2];
    assert_eq!(
        (opened.opened_us, opened.balance_attos.as_str()),
        (11, "5000000000000000000")
    );
    assert_eq!(findings.violations, []);
}

const EXPECTATIONS: &str = r#"
[[expect]]
name = "balances"
finally = 'balance("A") == 90 && balance("B") == 10'
[[expect]]
name = "wrong balance"
finally = 'balance("B") == 11'
[[expect]]
name = "supply"
always = "supply() == 100"
[[expect]]
name = "never on its way"
always = "in_flight() == 0"
[[expect]]
name = "comes"
eventually = { holds = 'height("B") == 1', within = "1s" }
[[expect]]
name = "comes too late"
eventually = { holds = 'height("B") == 1', within = "215us" }
[[expect]]
name = "latency"
metric = "p99(confirm_latency) == 111us"
[[expect]]
name = "rate"
metric = "rate(confirmed_blocks, 0s..1ms) == 2000/s && total(arrivals, 0s..5s) == 1"
[[expect]]
name = "nothing measured"
metric = "p50(confirm_latency, 5s..6s) < 1s"
[[expect]]
name = "counts"
finally = 'inbox("B") == 0 && blocks("A") == 1 && lag("v1") == 0 && max_certified_per_height() == 1'
"#;

#[test]
fn expectations_are_judged_with_the_values_that_decided() {
    let plan = plan(EXPECTATIONS);
    let findings = run(&plan, &paid_and_taken());
    let passed = ["balances", "supply", "comes", "latency", "rate", "counts"];
    for name in passed {
        let row = expectation(&findings, name);
        assert_eq!(row.verdict, "pass", "{row:?}");
    }
    let wrong = expectation(&findings, "wrong balance");
    assert_eq!(
        (wrong.verdict.as_str(), wrong.kind.as_str()),
        ("fail", "finally")
    );
    assert_eq!(wrong.detail, "balance(\"B\") = 10");
    assert_eq!(wrong.first_violation_us, Some(10_000_000));
    // Looked at when the block of A is confirmed, before its message has arrived.
    let never = expectation(&findings, "never on its way");
    assert_eq!(
        (never.verdict.as_str(), never.first_violation_us),
        ("fail", Some(211))
    );
    let late = expectation(&findings, "comes too late");
    assert_eq!(
        (late.verdict.as_str(), late.first_violation_us),
        ("fail", Some(215))
    );
    assert_eq!(late.detail, "height(\"B\") = 0");
    assert_eq!(verdict_of(&findings, "nothing measured"), "inconclusive");
    assert_eq!(findings.verdict, Verdict::Fail);
    assert_eq!(findings.tables.run.verdict, "fail");
}

#[test]
fn what_was_scheduled_in_the_warm_up_is_not_measured() {
    let mut plan =
        plan("[[expect]]\nname = \"rate\"\nmetric = \"rate(confirmed_blocks, 0s..1s) == 0/s\"\n");
    plan.warmup = engine::VirtualDuration::from_millis(1);
    let findings = run(&plan, &paid_and_taken());
    assert_eq!(findings.latencies[0].count, 0);
    assert_eq!(findings.counters.blocks, 2, "counters are of the whole run");
    assert_eq!(verdict_of(&findings, "rate"), "pass");
}

#[test]
fn a_run_that_is_stopped_judges_only_what_it_has_seen() {
    let plan = plan(EXPECTATIONS);
    let mut asked = 0;
    let mut stop = || {
        asked += 1;
        (asked == 2).then(|| "interrupted".to_owned())
    };
    let options = WatchOptions {
        stop: Some(&mut stop),
        ..WatchOptions::default()
    };
    let mut watcher = Watcher::new(&plan, directory(), info(Vec::new()), options);
    let mut records = paid_and_taken().records;
    let mut late = records.split_off(5);
    watcher.window(&mut records);
    assert_eq!(checkpoint_at(&mut watcher, 206, &[]), Flow::Continue);
    let reason = "interrupted".to_owned();
    assert_eq!(
        checkpoint_at(&mut watcher, 207, &[]),
        Flow::Stop(reason.clone())
    );
    late.clear();
    let findings = watcher.finish(&ended(Outcome::Stopped(reason), 207));
    assert_eq!(findings.outcome, "stopped: interrupted");
    assert!(findings.interrupted);
    assert_eq!(verdict_of(&findings, "balances"), "inconclusive");
    assert_eq!(verdict_of(&findings, "comes"), "inconclusive");
    assert_eq!(verdict_of(&findings, "supply"), "pass");
    assert_eq!(findings.verdict, Verdict::Inconclusive);
}

#[test]
fn a_quiet_run_stays_as_it_is_until_the_end_of_the_plan() {
    let more = r#"
[[expect]]
name = "later"
eventually = { holds = 'height("B") == 1', after = "5s", within = "1s" }
[[expect]]
name = "never"
eventually = { holds = 'height("B") == 2', after = "5s", within = "1s" }
"#;
    let plan = plan(more);
    let options = WatchOptions::default();
    let mut watcher = Watcher::new(&plan, directory(), info(Vec::new()), options);
    watcher.window(&mut paid_and_taken().records);
    checkpoint_at(&mut watcher, 1_000, &[]);
    let findings = watcher.finish(&ended(Outcome::Quiescent, 1_000));
    assert_eq!(verdict_of(&findings, "later"), "pass");
    assert_eq!(verdict_of(&findings, "never"), "fail");
}

#[test]
fn the_first_violation_stops_the_run_by_its_name_and_the_trace_keeps_what_led_to_it() {
    let plan = plan("");
    let mut network = paid_and_taken();
    let transactions = vec![network.pay(1)];
    let block = network.block(A, transactions);
    let other = tampered(&block, |proposed, _| {
        proposed.timestamp = protocol::Timestamp::from_micros(9_999);
    });
    network.vote(2, &block, CertificateKind::Validated, ROUND);
    network.vote(2, &other, CertificateKind::Validated, ROUND);
    let header = Header {
        scenario: plan.name.clone(),
        seed: plan.seed,
        plan: Digest::default(),
        sampling: Sampling::Full,
        directory: directory(),
    };
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &header).expect("memory takes everything");
    let mut seen = Vec::new();
    let mut progress = |progress: &Progress| seen.push(*progress);
    let options = WatchOptions {
        trace: Some(&mut writer),
        progress: Some(&mut progress),
        ..WatchOptions::default()
    };
    let mut watcher = Watcher::new(&plan, directory(), info(Vec::new()), options);
    watcher.window(&mut network.records.clone());
    let name = "I-7 ValidatedVotes".to_owned();
    assert_eq!(
        checkpoint_at(&mut watcher, 5_000, &[]),
        Flow::Stop(name.clone())
    );
    let findings = watcher.finish(&ended(Outcome::Stopped(name.clone()), 5_000));
    assert_eq!(findings.verdict, Verdict::Fail);
    assert!(!findings.interrupted);
    let [violation] = findings.violations.as_slice() else {
        panic!("one violation")
    };
    assert_eq!(
        (violation.invariant.name(), violation.place.as_str()),
        (name.as_str(), "v3/w1 on A")
    );
    assert_eq!(expectation(&findings, &name).verdict, "fail");
    assert_eq!((seen.len(), seen[0].blocks, seen[0].violations), (1, 2, 1));

    let end = trace::End {
        outcome: findings.outcome,
        ended_at: VirtualTime::from_micros(5_000),
        root: Digest::default(),
        events: 99,
    };
    writer.finish(&end).expect("memory takes everything");
    let items: Vec<_> = Reader::new(&*bytes)
        .expect("a trace")
        .map(|item| item.expect("whole"))
        .collect();
    let records = items
        .iter()
        .filter(|item| matches!(item, Item::Record(_)))
        .count();
    assert_eq!(records, network.records.len());
}

const FAULTS: &str = r#"
[[faults]]
name = "cut"
partition = { between = ["clients", "v1"] }
at = "1s"
for = "1s"
[[faults]]
name = "crash"
crash = { validators = "v2" }
at = "2s"
for = "1s"
"#;

#[test]
fn a_fault_that_never_strikes_makes_the_run_fail() {
    let plan = plan(FAULTS);
    let network = paid_and_taken();
    let finish = |crashed: bool, rule_hits: Vec<u64>, outcome, at_us| {
        let options = WatchOptions::default();
        let mut watcher = Watcher::new(&plan, directory(), info(vec![0]), options);
        watcher.window(&mut network.records.clone());
        if crashed {
            let fact = NetworkFact::Crashed {
                backlog: 0,
                outputs: 0,
            };
            let (time, actor) = (VirtualTime::from_micros(2_000_000), worker(1, A));
            let record = Stamped {
                time,
                actor,
                index: 0,
                record: Event::Network(fact),
            };
            watcher.window(&mut vec![record]);
        }
        watcher.finish(&RunOutcome {
            rule_hits,
            ..ended(outcome, at_us)
        })
    };
    let verdicts = |findings: &Findings| {
        let of = |name| verdict_of(findings, &format!("the fault `{name}` strikes"));
        [of("cut"), of("crash")]
    };
    let findings = finish(true, vec![3], Outcome::Completed, END_US);
    assert_eq!(verdicts(&findings), ["pass", "pass"]);
    assert_eq!(findings.verdict, Verdict::Pass);
    let hits: Vec<_> = findings.tables.faults.iter().map(|row| row.hits).collect();
    assert_eq!(hits, [3, 1]);
    assert_eq!(findings.tables.faults[0].kind, "partition");
    assert_eq!(findings.tables.faults[1].end_us, Some(3_000_000));

    let findings = finish(false, vec![3], Outcome::Completed, END_US);
    assert_eq!(verdicts(&findings), ["pass", "fail"]);
    assert_eq!(findings.verdict, Verdict::Fail);
    let findings = finish(false, vec![0], Outcome::Stopped("x".to_owned()), 500_000);
    assert_eq!(verdicts(&findings), ["inconclusive", "inconclusive"]);
    assert_eq!(findings.verdict, Verdict::Inconclusive);
}

#[test]
fn panics_and_the_engines_own_checks_make_the_run_fail() {
    let plan = plan("");
    let network = paid_and_taken();
    let judge = |outcome: RunOutcome<()>| {
        let options = WatchOptions::default();
        let mut watcher = Watcher::new(&plan, directory(), info(Vec::new()), options);
        watcher.window(&mut network.records.clone());
        watcher.finish(&outcome)
    };
    assert_eq!(
        judge(ended(Outcome::Completed, END_US)).verdict,
        Verdict::Pass
    );
    let (at, actor) = (VirtualTime::from_micros(5), worker(0, A));
    let panics = vec![NodePanic {
        at,
        actor,
        message: "index out of range".to_owned(),
    }];
    let findings = judge(RunOutcome {
        panics,
        ..ended(Outcome::Completed, END_US)
    });
    assert_eq!(findings.verdict, Verdict::Fail);
    assert_eq!(findings.panics, ["0.000005000s v1/w1: index out of range"]);
    let check = EngineCheck::KeyOrder;
    let violations = vec![Violation { at, actor, check }];
    let outcome = RunOutcome {
        violations,
        ..ended(Outcome::CheckFailed(check), 5)
    };
    let findings = judge(outcome);
    assert_eq!(findings.verdict, Verdict::Fail);
    assert_eq!(findings.outcome, "engine check failed: engine.key-order");
}
