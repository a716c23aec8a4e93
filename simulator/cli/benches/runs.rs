//! What whole runs cost: processor time a confirmed block, beside one signature verification
//! measured in the same process, and peak memory a chain. Set-up counts; reports are not written.
//!
//! The rounds are interleaved, and each run stands beside verifications just before and after it;
//! the row shows the round whose ratio is the median, because other guests of a machine slow some
//! rounds down by half.
//!
//! `cargo bench -p microchains --bench runs` runs all; `-- NAME` one of them. Linux only: times and
//! memory of the runs are read from /proc.

#![expect(clippy::disallowed_macros, reason = "a benchmark prints its table")]

mod process;

use std::{process::ExitCode, time::Instant};

use process::{Cost, claim, run};
use protocol::{
    hash::CryptoHash,
    signature::{SignatureScheme, SigningKey},
};

/// One run and what it may cost.
struct Case {
    name: &'static str,
    args: &'static [&'static str],
    /// Verifications that a block may cost at most.
    verifications_max: Option<f64>,
    /// Memory that a chain may take at most, with the number of chains.
    kib_max: Option<(f64, u64)>,
}

const CASES: [Case; 3] = [
    Case {
        name: "payments-1k ed25519",
        args: &["payments-1k", "--set", "signatures=ed25519"],
        verifications_max: Some(20.0),
        kib_max: None,
    },
    Case {
        name: "payments-1k modeled",
        args: &["payments-1k", "--set", "signatures=modeled"],
        verifications_max: Some(5.0),
        kib_max: None,
    },
    Case {
        name: "payments-100k",
        args: &["payments-100k"],
        verifications_max: None,
        kib_max: Some((16.0, 100_000)),
    },
];

/// Rounds of the cases that are about time.
const ROUNDS: usize = 5;

/// A run beside the verifications around it.
struct Round {
    cost: Cost,
    verification_us: f64,
}

impl Round {
    fn micros_per_block(&self) -> f64 {
        self.cost.micros_per_block()
    }

    fn verifications(&self) -> f64 {
        self.micros_per_block() / self.verification_us
    }
}

fn main() -> ExitCode {
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    println!(
        "{:<22} {:>8} {:>12} {:>12} {:>14} {:>12}",
        "run", "blocks", "events/block", "us/block", "verifications", "KiB/chain"
    );
    let wanted = |case: &&Case| {
        wanted
            .as_ref()
            .is_none_or(|name| case.name.contains(name.as_str()))
    };
    let cases: Vec<&Case> = CASES.iter().filter(wanted).collect();
    let mut rounds: Vec<Vec<Round>> = cases.iter().map(|_| Vec::new()).collect();
    for number in 0..ROUNDS {
        for (case, rounds) in cases.iter().zip(&mut rounds) {
            if number == 0 || case.verifications_max.is_some() {
                rounds.push(round(case));
            }
        }
    }
    let mut all_held = true;
    for (case, rounds) in cases.iter().zip(rounds) {
        all_held &= report(case, rounds);
    }
    if all_held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn round(case: &Case) -> Round {
    let before = verification();
    let cost = run(case.args);
    Round {
        cost,
        verification_us: f64::midpoint(before, verification()),
    }
}

/// Prints the row of a case and whether its claims held.
fn report(case: &Case, mut rounds: Vec<Round>) -> bool {
    rounds.sort_by(|a, b| a.verifications().total_cmp(&b.verifications()));
    let all: Vec<_> = rounds
        .iter()
        .map(|round| format!("{:.2}", round.verifications()))
        .collect();
    let median = &rounds[rounds.len() / 2];
    let per_chain = case
        .kib_max
        .map(|(_, chains)| median.cost.peak_kib as f64 / chains as f64);
    println!(
        "{:<22} {:>8} {:>12.1} {:>12.1} {:>14.2} {:>12}",
        case.name,
        median.cost.blocks,
        median.cost.events as f64 / median.cost.blocks as f64,
        median.micros_per_block(),
        median.verifications(),
        per_chain.map_or_else(|| "-".to_owned(), |kib| format!("{kib:.2}")),
    );
    println!(
        "    one verification took {:.1} us; all rounds: {}",
        median.verification_us,
        all.join(" ")
    );
    let mut held = true;
    if let Some(max) = case.verifications_max {
        let text = format!("at most {max} verifications a block");
        held &= claim(&text, median.verifications() <= max);
    }
    if let (Some((max, _)), Some(kib)) = (case.kib_max, per_chain) {
        held &= claim(&format!("at most {max} KiB a chain"), kib <= max);
    }
    held
}

/// Microseconds of one verification.
fn verification() -> f64 {
    const COUNT: u32 = 5_000;
    let key = SigningKey::from_seed(SignatureScheme::Ed25519, &[7; 32]);
    let digest = CryptoHash::of_bytes("Bench", b"what is signed");
    let signature = key.sign(&digest);
    let start = Instant::now();
    let valid = (0..COUNT).filter(|_| {
        std::hint::black_box(key.public()).verify(std::hint::black_box(&digest), &signature)
    });
    assert_eq!(valid.count(), 5_000);
    start.elapsed().as_secs_f64() * 1e6 / f64::from(COUNT)
}
