//! What a message costs: processor time of blocks that take one bundle in and send one message,
//! beside blocks that do neither. Both move one token into an account of an owner, on the next chain
//! or on their own.
//!
//! A message is more events (updates between shards, confirmations, notifications), and those have
//! their price whatever they carry. So the claim is about time per event, and the plain ratio of
//! blocks stands beside it. The rounds are interleaved; the median of their ratios counts.
//!
//! `cargo bench -p microchains --bench messages`. Linux only: times are read from /proc.

#![expect(clippy::disallowed_macros, reason = "a benchmark prints its table")]

mod process;

use std::{fmt::Write as _, fs, path::Path, process::ExitCode};

use process::{Cost, claim, run};

const CHAINS: usize = 200;
/// Each chain makes one block in this time.
const PERIOD: &str = "500ms";
const ROUNDS: usize = 7;
const MAX_RATIO: f64 = 1.3;

/// Who is paid.
#[derive(Clone, Copy)]
enum Payee {
    /// An owner on the same chain: no message.
    Own,
    /// An owner on the next chain: each block takes in what the one before has sent.
    Next,
}

/// A ring of chains that all pay at the same pace.
fn scenario(payee: Payee) -> String {
    let (name, messages) = match payee {
        Payee::Own => ("without", "total(sent_messages) == 0"),
        Payee::Next => (
            "with",
            "total(sent_messages) == confirmed_blocks() && total(received_messages) > 0",
        ),
    };
    let mut text = format!(
        "format = 1\nname = \"{name}\"\nseed = 1\nduration = \"32s\"\nsignatures = \"modeled\"\n\n\
         [network]\nlatency = {{ client = \"20ms\", worker = \"1ms\" }}\n\n\
         [validators]\ncount = 4\nworkers = 4\n\n\
         [output]\ntrace = \"off\"\n\n\
         [[expect]]\nname = \"what each block carries\"\nfinally = '{messages}'\n"
    );
    for chain in 0..CHAINS {
        let paid = match payee {
            Payee::Own => chain,
            Payee::Next => (chain + 1) % CHAINS,
        };
        write!(
            text,
            "\n[[chains]]\nname = \"c{chain}\"\nbalance = \"1000\"\nowners = {{ o{chain} = 1 }}\n\
             \n[[workload]]\nname = \"c{chain} pays\"\nchains = \"c{chain}\"\n\
             closed = {{ users = [\"o{chain}\"], think = \"{PERIOD}\", from = \"100ms\", until = \"30s\" }}\n\
             transfer = {{ to = \"o{paid}@c{paid}\", amount = \"1\" }}\n"
        )
        .expect("a string takes everything");
    }
    text
}

fn write_scenario(directory: &Path, payee: Payee) -> String {
    let text = scenario(payee);
    let file = match payee {
        Payee::Own => "without.toml",
        Payee::Next => "with.toml",
    };
    let path = directory.join(file);
    fs::write(&path, text).expect("a temporary file is written");
    path.to_str().expect("a plain path").to_owned()
}

fn per_event(cost: &Cost) -> f64 {
    cost.cpu.as_secs_f64() * 1e6 / cost.events as f64
}

/// One ratio of each round, and the median one.
fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn main() -> ExitCode {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let without = write_scenario(directory.path(), Payee::Own);
    let with = write_scenario(directory.path(), Payee::Next);
    println!(
        "{:<10} {:>8} {:>10} {:>14} {:>10} {:>10} {:>8}",
        "blocks", "count", "events", "events/block", "us/block", "us/event", "MiB"
    );
    let (mut of_events, mut of_blocks) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let costs = [run(&[&without]), run(&[&with])];
        for (name, cost) in ["without", "with"].iter().zip(&costs) {
            println!(
                "{name:<10} {:>8} {:>10} {:>14.1} {:>10.1} {:>10.2} {:>8}",
                cost.blocks,
                cost.events,
                cost.events as f64 / cost.blocks as f64,
                cost.micros_per_block(),
                per_event(cost),
                cost.peak_kib / 1_024,
            );
        }
        let [plain, messages] = costs;
        of_events.push(per_event(&messages) / per_event(&plain));
        of_blocks.push(messages.micros_per_block() / plain.micros_per_block());
    }
    let (of_events, of_blocks) = (median(of_events), median(of_blocks));
    println!(
        "a block with messages takes {of_blocks:.2} times as long, and an event {of_events:.2} times"
    );
    let text = format!("an event at most {MAX_RATIO} times, so that messages cost their events");
    if claim(&text, of_events <= MAX_RATIO) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
