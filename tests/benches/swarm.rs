//! The swarm: random scenarios in which everything goes wrong at once, and the same ones with a
//! voting rule taken out, which must be caught.
//!
//! `cargo bench -p tests --bench swarm` runs ten thousand seeds, then the sabotaged ones until one
//! is caught; `-- 500` runs so many; `-- 200 rules` shows for each rule how many of so many seeds
//! catch that it is missing. `-- messages` and `-- hand-over` run the swarms about what happens inside
//! validators, and which seeded bugs they catch. Two threads.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark measures the wall clock and reads its arguments"
)]

use std::{collections::BTreeMap, process::ExitCode, time::Instant};

use actors::BuildOptions;
use analysis::swarm::{DeliveryTable, Distribution, SeedRow};
use protocol::{rules::Rule, sabotage::Sabotage};
use scenario::swarm::Swarm;
use tests::swarm::{DELIVERY_BUGS, breaks_an_invariant, run_delivery_seeds, run_seeds};

/// Seeds of the whole swarm.
const SEEDS: u64 = 10_000;
/// Seeds of the swarm about messages.
const MESSAGES: u64 = 2_000;
/// Seeds of the swarm about chains that are handed over.
const HAND_OVERS: u64 = 1_000;
/// Seconds that it may take.
const SECONDS_MAX: u64 = 20 * 60;
/// Seeds within which a missing lock rule must be caught.
const SABOTAGED_MAX: u64 = 1_000;

/// The lock rule: what a validator that voted to confirm a block may still validate.
const LOCK_RULES: [Rule; 3] = [
    Rule::NothingFreshAfterConfirming,
    Rule::RetryAfterConfirmingIsCertified,
    Rule::FastRetryAfterConfirmingIsSame,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let number = arguments.iter().find_map(|argument| argument.parse().ok());
    let seeds: u64 = number.unwrap_or(SEEDS);
    if arguments.iter().any(|argument| argument == "rules") {
        table_of_rules(seeds);
        return ExitCode::SUCCESS;
    }
    for (name, swarm, seeds) in [
        ("messages", Swarm::Messages, MESSAGES),
        ("hand-over", Swarm::HandOver, HAND_OVERS),
    ] {
        if arguments.iter().any(|argument| argument == name) {
            let held = delivery(name, swarm, number.unwrap_or(seeds));
            return if held {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
        }
    }
    let mut held = swarm(seeds);
    for rule in LOCK_RULES {
        held &= sabotaged(rule);
    }
    if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn claim(text: &str, held: bool) -> bool {
    let word = if held { "held:    " } else { "NOT HELD:" };
    println!("    {word} {text}");
    held
}

fn swarm(seeds: u64) -> bool {
    let start = Instant::now();
    let rows = run_seeds(1, seeds, BuildOptions::default(), false);
    let seconds = start.elapsed().as_secs();
    println!("{seeds} seeds in {seconds} s");
    print!("{}", Distribution(&rows));
    let failed: Vec<_> = rows.iter().filter(|row| !row.held()).collect();
    for row in &failed {
        println!("    seed {}: {}", row.seed, row.broken.join("; "));
    }
    let few = rows.iter().filter(|row| row.blocks < 50).count();
    let quick =
        u128::from(seconds) * u128::from(SEEDS) <= u128::from(SECONDS_MAX) * u128::from(seeds);
    claim("no seed breaks anything", failed.is_empty())
        & claim("every seed confirms 50 blocks", few == 0)
        & claim("10,000 seeds take 20 minutes at most", quick)
}

/// One of the swarms about what happens inside validators, and the bugs that it must catch.
fn delivery(name: &str, swarm: Swarm, seeds: u64) -> bool {
    let start = Instant::now();
    let rows = run_delivery_seeds(swarm, (1, seeds), BuildOptions::default(), false);
    println!("{name}: {seeds} seeds in {} s", start.elapsed().as_secs());
    print!("{}", DeliveryTable(&rows));
    let failed: Vec<_> = rows.iter().filter(|row| !row.row.held()).collect();
    for row in &failed {
        println!("    seed {}: {}", row.row.seed, row.row.broken.join("; "));
    }
    let mut held = claim("no seed breaks anything", failed.is_empty());
    let bugs: &[(Sabotage, &str)] = match swarm {
        Swarm::HandOver => &[(Sabotage::TwoOwners, "I-30 SingleWriter")],
        Swarm::Messages | Swarm::Everything => &DELIVERY_BUGS,
    };
    println!("  seeded bug, the seed that catches it, what it breaks");
    for (sabotage, invariant) in bugs {
        held &= bug(swarm, seeds, *sabotage, invariant);
    }
    held
}

fn bug(swarm: Swarm, seeds: u64, sabotage: Sabotage, invariant: &str) -> bool {
    let options = BuildOptions {
        sabotage,
        ..BuildOptions::default()
    };
    let rows = run_delivery_seeds(swarm, (1, seeds), options, true);
    let last = rows.last().map(|row| &row.row);
    let broken = last.map_or(&[][..], |row| &row.broken);
    let named = |broken: &&String| broken.starts_with(&format!("fail: {invariant} "));
    let found = broken.iter().find(named);
    let (seed, what) = (last.map_or(0, |row| row.seed), found.map_or("", |one| one));
    println!("    {:<24} {seed:>5}   {what}", format!("{sabotage:?}"));
    claim("caught by its own check", found.is_some())
}

fn without(rule: Rule) -> BuildOptions {
    BuildOptions {
        sabotage: Sabotage::Without(rule),
        ..BuildOptions::default()
    }
}

fn sabotaged(rule: Rule) -> bool {
    let start = Instant::now();
    let rows = run_seeds(1, SABOTAGED_MAX, without(rule), true);
    let seconds = start.elapsed().as_secs();
    let last = rows.last().filter(|row| breaks_an_invariant(row));
    println!("without {rule:?}: {} seeds in {seconds} s", rows.len());
    if let Some(row) = last {
        let broken = row.broken.iter().filter(|one| one.contains(": I-"));
        let broken: Vec<_> = broken.map(String::as_str).collect();
        println!("    seed {}: {}", row.seed, broken.join("; "));
    }
    claim("caught within 1,000 seeds", last.is_some())
}

/// For each rule: how many seeds notice that it is missing, and by what.
fn table_of_rules(seeds: u64) {
    let sound = run_seeds(1, seeds, BuildOptions::default(), false);
    println!("of {seeds} seeds: caught, by an invariant, the first, what broke most");
    for rule in Rule::ALL {
        let rows = run_seeds(1, seeds, without(rule), false);
        let pairs = rows.iter().zip(&sound);
        let caught: Vec<&SeedRow> = pairs
            .filter(|(row, sound)| sound.held() && !row.held())
            .map(|(row, _)| row)
            .collect();
        let broken: Vec<_> = caught
            .iter()
            .filter(|row| breaks_an_invariant(row))
            .collect();
        let first = broken.first().map_or(0, |row| row.seed);
        let rule = format!("{rule:?}");
        let (all, broken) = (caught.len(), broken.len());
        println!(
            "  {rule:<34} {all:>5} {broken:>5} {first:>5}   {}",
            by_what(&caught)
        );
    }
}

/// What broke, the most frequent first.
fn by_what(rows: &[&SeedRow]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for broken in rows.iter().flat_map(|row| &row.broken) {
        let Some(rest) = broken.strip_prefix("fail: ") else {
            continue;
        };
        let words = rest.split(' ').take(2).collect::<Vec<_>>().join(" ");
        *counts.entry(words).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(_, one), (_, other)| other.cmp(one));
    let texts = counts
        .iter()
        .take(5)
        .map(|(what, count)| format!("{what} {count}"));
    texts.collect::<Vec<_>>().join(", ")
}
