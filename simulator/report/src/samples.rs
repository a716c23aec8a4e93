//! Made-up tables for tests and the gallery: nothing here is a result of a run.
//!
//! Invariant: the same arguments give the same tables; every message row agrees with the block
//! rows that sent it and took it in.

use std::collections::BTreeMap;

use analysis::tables::{
    BlockRow, ChainRow, ExpectationRow, FaultRow, MessageOutcome, MessageRow, RuleRow, RunRow,
    Tables, WorkerRow,
};

const TOKEN: u128 = 1_000_000_000_000_000_000;

/// Four chains and every mark that a message can have.
pub(crate) fn lanes() -> Tables {
    let block =
        |chain: &str, height, from: i64, to: i64, round: &str, ops, incoming, rejected| BlockRow {
            chain: chain.to_owned(),
            height,
            proposer: chain.to_lowercase(),
            round: round.to_owned(),
            scheduled_us: (incoming == 0).then_some(from * 1_000 - 2_000),
            proposed_us: from * 1_000,
            confirmed_us: Some(to * 1_000),
            operations: ops,
            incoming,
            rejected,
            outgoing: 0,
            attempts: 1,
            hash: format!("{chain}{height}"),
        };
    let message = |label: &str, app: &str, from: (&str, u64), to: &str, at: [i64; 3], taken| {
        let [sent, inbox, received] = at;
        let (kind, outcome) = match (label, received) {
            ("bid 3", _) => ("tracked", MessageOutcome::Rejected),
            ("bounce 3", _) => ("bouncing", MessageOutcome::Waiting),
            (_, 0) => ("simple", MessageOutcome::Waiting),
            _ => ("simple", MessageOutcome::Accepted),
        };
        MessageRow {
            src: from.0.to_owned(),
            src_height: from.1,
            transaction: 0,
            index: u32::from(label == "receipt"),
            dst: to.to_owned(),
            app: app.to_owned(),
            kind: kind.to_owned(),
            label: label.to_owned(),
            sent_us: sent * 1_000,
            delivered_first_us: Some(inbox * 1_000 - 4_000),
            delivered_quorum_us: Some(inbox * 1_000),
            received_us: (received > 0).then_some(received * 1_000),
            dst_height: taken,
            outcome,
            amount_attos: label
                .rsplit(' ')
                .next()
                .and_then(|n| n.parse::<u128>().ok())
                .map_or(String::new(), |n| (n * TOKEN).to_string()),
        }
    };
    let mut tables = Tables {
        run: RunRow {
            scenario: "lanes".to_owned(),
            seed: 42,
            verdict: "pass".to_owned(),
            trace_hash: "9c1f3ab07744d2f0aa91b6a2".to_owned(),
            events: 1_204,
            virtual_us: 1_000_000,
            validators: 4,
            workers: 8,
            ..RunRow::default()
        },
        blocks: vec![
            block("A", 0, 60, 130, "fast", 1, 0, 0),
            block("A", 1, 640, 720, "fast", 0, 2, 0),
            block("B", 0, 250, 330, "fast", 1, 1, 0),
            block("B", 1, 600, 670, "fast", 1, 0, 0),
            block("C", 0, 470, 560, "ml-0", 0, 1, 0),
            block("C", 1, 690, 760, "fast", 1, 0, 0),
            block("D", 3, 800, 870, "fast", 0, 1, 1),
        ],
        messages: vec![
            message(
                "transfer 10",
                "system",
                ("A", 0),
                "B",
                [130, 160, 330],
                Some(0),
            ),
            message("pay 4", "token", ("B", 0), "C", [330, 365, 560], Some(0)),
            message("receipt", "token", ("B", 0), "A", [330, 372, 720], Some(1)),
            message("bid 3", "swap", ("B", 1), "D", [670, 705, 870], Some(3)),
            message(
                "transfer 1",
                "system",
                ("C", 0),
                "A",
                [560, 610, 720],
                Some(1),
            ),
            message("tip 1", "token", ("C", 1), "D", [760, 800, 0], None),
            message("bounce 3", "swap", ("D", 3), "B", [870, 905, 0], None),
        ],
        faults: vec![FaultRow {
            name: "clients lose v3".to_owned(),
            kind: "partition".to_owned(),
            start_us: 400_000,
            end_us: Some(560_000),
            hits: 14,
        }],
        expectations: vec![
            expectation("A ends with 91", "finally", "pass", None),
            expectation("I-1 CommitAgreement", "invariant", "pass", None),
        ],
        workers: workers(4, 2, 1_000_000, 50_000),
        ..Tables::default()
    };
    finish(
        &mut tables,
        &["A", "B", "C", "D"].map(|n| (n.to_owned(), n.to_owned())),
    );
    tables
}

/// The sample of [`lanes`] with a failed expectation, a pending block and a message in flight.
pub(crate) fn failing() -> Tables {
    let mut tables = lanes();
    tables.run.verdict = "fail".to_owned();
    tables.expectations.push(expectation(
        "no bid is refused",
        "always",
        "fail",
        Some(870_000),
    ));
    tables
        .expectations
        .push(expectation("D ends with 3", "finally", "fail", None));
    let mut pending = tables.blocks[1].clone();
    pending.height = 2;
    pending.round = "sl-2".to_owned();
    pending.proposed_us = 900_000;
    pending.confirmed_us = None;
    pending.incoming = 0;
    pending.operations = 1;
    tables.blocks.insert(2, pending);
    let mut flying = tables.messages[0].clone();
    flying.src = "A".to_owned();
    flying.src_height = 1;
    flying.dst = "C".to_owned();
    flying.label = "transfer 2".to_owned();
    flying.sent_us = 720_000;
    flying.delivered_first_us = None;
    flying.delivered_quorum_us = None;
    flying.received_us = None;
    flying.dst_height = None;
    flying.outcome = MessageOutcome::InFlight;
    tables.messages.insert(1, flying);
    tables
}

/// Names that try to break out of every format.
pub(crate) fn hostile() -> Tables {
    let mut text = serde_json::to_string(&failing()).expect("tables serialise");
    for (from, to) in [
        ("\"A\"", "\"<script>alert('1')</script>\""),
        ("\"B\"", "\"b \\\" -> c;\\n]]> & \\u0000 \\u202e\\\\\""),
        ("\"token\"", "\"to,ken\\\"<b>\""),
        ("clients lose v3", "</svg></text>&amp;"),
        ("\"lanes\"", "\"</title><x y='\\\"'>\""),
    ] {
        text = text.replace(from, to);
    }
    serde_json::from_str(&text).expect("the replaced text is still JSON")
}

/// How the chains of [`synthetic`] talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// Anyone to anyone, one declared group.
    Uniform,
    /// Mostly within undeclared communities of neighbours in number, some to a hub.
    Communities,
    /// Several declared groups, users mostly towards shops.
    Groups,
}

/// A run with many chains: `sends` blocks with one or two messages each over `span_us`.
pub(crate) fn synthetic(chains: usize, sends: usize, span_us: i64, traffic: Traffic) -> Tables {
    let mut dice = Dice(0x9e37_79b9 ^ u64::try_from(chains).expect("few chains"));
    let names: Vec<(String, String)> = (0..chains).map(|n| name_of(n, chains, traffic)).collect();
    let mut at: Vec<i64> = (0..sends).map(|_| dice.below(span_us * 9 / 10)).collect();
    at.sort_unstable();
    let mut free = vec![0_i64; chains];
    let mut height = vec![0_u64; chains];
    let mut inbox: Vec<Vec<usize>> = vec![Vec::new(); chains];
    let (mut blocks, mut messages) = (Vec::new(), Vec::<MessageRow>::new());
    for scheduled in at {
        let src = index_of(dice.below(size(chains)));
        let proposed = scheduled.max(free[src]) + 1_000 + dice.below(3_000);
        let slow = if dice.below(50) == 0 { 400_000 } else { 0 };
        let confirmed = proposed + 45_000 + dice.below(40_000) + slow;
        free[src] = confirmed + 1_000;
        let (taken, left): (Vec<usize>, Vec<usize>) = inbox[src].iter().partition(|m| {
            messages[**m]
                .delivered_quorum_us
                .is_some_and(|t| t <= proposed)
        });
        inbox[src] = left;
        let mut rejected = 0;
        for message in &taken {
            let row = &mut messages[*message];
            let refused = dice.below(40) == 0;
            rejected += u32::from(refused);
            row.outcome = if refused {
                MessageOutcome::Rejected
            } else {
                MessageOutcome::Accepted
            };
            row.received_us = Some(confirmed);
            row.dst_height = Some(height[src]);
        }
        let outgoing = 1 + u32::from(dice.below(4) == 0);
        for number in 0..outgoing {
            let dst = recipient(&mut dice, src, chains, traffic);
            inbox[dst].push(messages.len());
            let row = message_row(
                &mut dice,
                &names,
                (src, height[src], number),
                dst,
                confirmed,
                span_us,
            );
            messages.push(row);
        }
        let round = if slow > 0 { "sl-1" } else { "ml-0" };
        blocks.push(BlockRow {
            chain: names[src].0.clone(),
            height: height[src],
            proposer: names[src].0.clone(),
            round: if dice.below(3) == 0 { round } else { "fast" }.to_owned(),
            scheduled_us: Some(scheduled),
            proposed_us: proposed,
            confirmed_us: (confirmed <= span_us).then_some(confirmed),
            operations: 1,
            incoming: u32::try_from(taken.len()).expect("few"),
            rejected,
            outgoing,
            attempts: 1,
            hash: format!("{src:x}"),
        });
        height[src] += 1;
    }
    let mut tables = Tables {
        run: RunRow {
            scenario: format!("sample-{chains}"),
            seed: 7,
            verdict: "pass".to_owned(),
            trace_hash: "5f0ca91e7b7744d2f0aa91b6".to_owned(),
            events: 10_000,
            virtual_us: span_us,
            validators: 4,
            workers: 16,
            ..RunRow::default()
        },
        blocks,
        messages,
        faults: vec![
            FaultRow {
                name: "v3 is cut off".to_owned(),
                kind: "partition".to_owned(),
                start_us: span_us / 5,
                end_us: Some(span_us * 2 / 5),
                hits: 3,
            },
            FaultRow {
                name: "w2 crashes".to_owned(),
                kind: "crash".to_owned(),
                start_us: span_us * 3 / 5,
                end_us: Some(span_us * 3 / 5 + span_us / 50),
                hits: 1,
            },
        ],
        expectations: vec![expectation(
            "I-1 CommitAgreement",
            "invariant",
            "pass",
            None,
        )],
        workers: workers(4, 4, span_us, (span_us / 100).max(1)),
        ..Tables::default()
    };
    finish(&mut tables, &names);
    tables
}

fn name_of(n: usize, chains: usize, traffic: Traffic) -> (String, String) {
    match traffic {
        Traffic::Uniform | Traffic::Communities => (format!("user/{n}"), "user".to_owned()),
        Traffic::Groups if n == 0 => ("bank".to_owned(), "bank".to_owned()),
        Traffic::Groups if n < chains / 10 + 1 => (format!("shop/{n}"), "shop".to_owned()),
        Traffic::Groups if n < chains / 4 + 1 => (format!("bot/{n}"), "bot".to_owned()),
        Traffic::Groups => (format!("user/{n}"), "user".to_owned()),
    }
}

fn recipient(dice: &mut Dice, src: usize, chains: usize, traffic: Traffic) -> usize {
    let any = index_of(dice.below(size(chains)));
    match traffic {
        Traffic::Uniform => any,
        Traffic::Communities => {
            let community = (chains / 12).max(2);
            let first = src / community * community;
            match dice.below(20) {
                0..3 => chains / 3,
                3..18 => (first + any % community).min(chains - 1),
                _ => any,
            }
        }
        Traffic::Groups => match dice.below(10) {
            0..3 => 0,
            3..8 => 1 + any % (chains / 10).max(1),
            _ => any,
        },
    }
}

fn message_row(
    dice: &mut Dice,
    names: &[(String, String)],
    (src, src_height, index): (usize, u64, u32),
    dst: usize,
    sent_us: i64,
    end_us: i64,
) -> MessageRow {
    let delivered = sent_us + 20_000 + dice.below(30_000);
    let arrived = delivered <= end_us;
    let app = ["system", "system", "token", "swap", "game"][index_of(dice.below(5))];
    let units = u128::try_from(1 + dice.below(90)).expect("positive");
    MessageRow {
        src: names[src].0.clone(),
        src_height,
        transaction: 0,
        index,
        dst: names[dst].0.clone(),
        app: app.to_owned(),
        kind: if dice.below(6) == 0 {
            "tracked"
        } else {
            "simple"
        }
        .to_owned(),
        label: format!("pay {units}"),
        sent_us,
        delivered_first_us: arrived.then_some(delivered - 5_000),
        delivered_quorum_us: arrived.then_some(delivered),
        received_us: None,
        dst_height: None,
        outcome: if arrived {
            MessageOutcome::Waiting
        } else {
            MessageOutcome::InFlight
        },
        amount_attos: (units * TOKEN).to_string(),
    }
}

fn expectation(name: &str, kind: &str, verdict: &str, at: Option<i64>) -> ExpectationRow {
    ExpectationRow {
        name: name.to_owned(),
        kind: kind.to_owned(),
        verdict: verdict.to_owned(),
        first_violation_us: at,
        checked: 12,
        detail: "balance(\"A\") = 91".to_owned(),
    }
}

fn workers(validators: usize, shards: usize, span_us: i64, step_us: i64) -> Vec<WorkerRow> {
    let mut dice = Dice(77);
    let mut rows = Vec::new();
    for validator in 0..validators {
        for worker in 0..shards {
            for interval in 0..span_us / step_us {
                let load = 20 + (interval * 60 * step_us / span_us) + dice.below(20);
                rows.push(WorkerRow {
                    validator: format!("v{}", validator + 1),
                    worker: format!("w{}", worker + 1),
                    t_us: interval * step_us,
                    busy_us: step_us * load.min(100) / 100,
                    queue: u32::try_from(load / 9 + dice.below(3)).expect("small"),
                    handled: 5,
                });
            }
        }
    }
    rows
}

/// Fills in the chains table and the totals, and puts the rows in the order of their keys.
fn finish(tables: &mut Tables, names: &[(String, String)]) {
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for (position, (name, group)) in names.iter().enumerate() {
        rows.insert(name, position);
        tables.chains.push(ChainRow {
            chain: name.clone(),
            group: group.clone(),
            chain_id: format!("{position:064x}"),
            balance_attos: (TOKEN * 100).to_string(),
            ..ChainRow::default()
        });
    }
    let place = |chain: &str| rows.get(chain).copied().expect("rows name known chains");
    for row in &tables.blocks {
        tables.chains[place(&row.chain)].blocks += u64::from(row.confirmed_us.is_some());
    }
    for row in &tables.messages {
        tables.chains[place(&row.src)].sent += 1;
        tables.chains[place(&row.dst)].received += u64::from(row.received_us.is_some());
    }
    let rule = |(at, name): (i64, &str)| RuleRow {
        rule: name.to_owned(),
        workers: u32::from(at > 0) * 4,
        first_us: (at > 0).then_some(at * 1_000),
    };
    let rules = ["FastRetryAfterConfirmingIsSame", "SameAgain", "AboveLock"];
    tables.rules = (0..).zip(rules).map(rule).collect();
    tables
        .blocks
        .sort_by_key(|row| (place(&row.chain), row.height));
    tables
        .messages
        .sort_by_key(|row| (place(&row.src), row.src_height, row.index));
    tables.run.chains = u64::try_from(tables.chains.len()).expect("small");
    tables.run.blocks = u64::try_from(tables.blocks.len()).expect("small");
    tables.run.messages = u64::try_from(tables.messages.len()).expect("small");
}

fn size(count: usize) -> i64 {
    i64::try_from(count).expect("small")
}

fn index_of(value: i64) -> usize {
    usize::try_from(value).expect("not negative")
}

/// splitmix64: small, and enough for made-up tables.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let bound = u64::try_from(bound.max(1)).expect("positive");
        i64::try_from(z % bound).expect("below an i64")
    }
}
