//! No text makes the checker panic: a committed corpus, seeded mutations of it, and random text.
//!
//! A find goes into `tests/fuzz/scenario` as a file; every file there is checked and mutated.

use proptest::prelude::*;

use crate::{Options, Style, bundled, check, render, summary, to_json};

/// Rounds of mutation of every file: enough for a few seconds in a debug build.
const ROUNDS: u64 = 150;

#[expect(
    clippy::disallowed_methods,
    reason = "the corpus is a folder, so that a find is one file"
)]
fn corpus() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz/scenario");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the corpus is a folder of the repository")
        .map(|entry| entry.expect("the folder can be listed").path())
        .map(|path| {
            let bytes = std::fs::read(&path).expect("the corpus can be read");
            let name = path.file_name().expect("a file has a name");
            (
                name.to_string_lossy().into_owned(),
                String::from_utf8_lossy(&bytes).into_owned(),
            )
        })
        .collect();
    files.sort();
    let small = bundled().iter().filter(|one| one.name != "payments-100k");
    files.extend(small.map(|one| (one.name.to_owned(), one.source.to_owned())));
    files
}

/// Checks a text and prints all that is said about it.
fn survives(text: &str) {
    let said = match check(text, "fuzz.toml", &Options::default()) {
        Ok(checked) => checked.warnings,
        Err(all) => {
            let is_error = |one: &crate::Diagnostic| one.severity() == crate::Severity::Error;
            assert!(all.iter().any(is_error));
            assert!(all.iter().all(|one| one.message != crate::UNRESOLVED));
            all
        }
    };
    for one in &said {
        assert!(one.span.start <= one.span.end, "{one:?}");
        assert!(one.span.end <= one.source.text.len(), "{one:?}");
    }
    render(&said, Style::Plain);
    summary("fuzz.toml", &said);
    to_json(&said);
}

/// The same, and a panic shows the text that made it.
fn survives_as(title: &str, text: &str) {
    if std::panic::catch_unwind(|| survives(text)).is_err() {
        panic!("{title} made the checker panic:\n{text}");
    }
}

#[test]
fn the_corpus_survives() {
    for (name, text) in corpus() {
        survives_as(&name, &text);
    }
}

#[test]
fn seeded_mutations_survive() {
    let files = corpus();
    for (file, (name, text)) in files.iter().enumerate() {
        for round in 0..ROUNDS {
            let file = u64::try_from(file).expect("few files");
            let other = &files[usize::try_from(round).expect("few rounds") % files.len()].1;
            let mutated = mutate(text, other, file * ROUNDS + round);
            survives_as(&format!("{name} round {round}"), &mutated);
        }
    }
}

/// Pieces that make trouble where they do not belong.
const SPLINTERS: [&str; 40] = [
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    ",",
    "\n",
    "#",
    "\"\"\"",
    "[[chains]]\n",
    "[network]\n",
    "0",
    "-1",
    "999999999999999999999",
    "0x10",
    "1.5",
    "nan",
    "1979-05-27T07:32:00Z",
    "true",
    "\"user/*\"",
    "\"*\"",
    "user/[3..2]",
    "uniform(",
    "zipf(user/*, s=0)",
    "exp(mean=0s)",
    "\"0s\"",
    "\"9999h\"",
    "\"100%\"",
    "((((((((",
    "!!!!!!!!",
    "balance(\"A\") == ",
    "..",
    "é",
    "\u{1f980}",
    "\\u0000",
    "\t",
    "count = 0\n",
    "variant = \"super\"\n",
];

/// A few edits, each a function of the seed.
fn mutate(text: &str, other: &str, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(bound.max(1)).expect("a length")).expect("a length")
    };
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..=next(4) {
        let at = next(letters.len() + 1);
        match next(5) {
            0 => {
                let end = (at + next(12)).min(letters.len());
                letters.drain(at.min(end)..end);
            }
            1 => {
                let splinter = SPLINTERS[next(SPLINTERS.len())];
                letters.splice(at..at, splinter.chars());
            }
            2 => {
                let end = (at + next(40)).min(letters.len());
                let copy: Vec<char> = letters[at..end].to_vec();
                let to = next(letters.len() + 1);
                letters.splice(to..to, copy);
            }
            3 => {
                // A whole line of another file.
                let lines: Vec<&str> = other.lines().collect();
                let line = lines.get(next(lines.len())).copied().unwrap_or_default();
                let to = letters[..at]
                    .iter()
                    .rposition(|one| *one == '\n')
                    .map_or(0, |one| one + 1);
                letters.splice(to..to, format!("{line}\n").chars());
            }
            _ => {
                if let Some(letter) = letters.get_mut(at) {
                    *letter = char::from(u8::try_from(32 + next(95)).expect("printable"));
                }
            }
        }
    }
    letters.into_iter().collect()
}

#[test]
fn deep_and_long_texts_survive() {
    let statement = |text: &str| super::changed("balance(\"A\") == 90", text);
    survives(&statement(&"(".repeat(100_000)));
    survives(&statement(&"!".repeat(100_000)));
    survives(&statement(&vec!["in_flight() == 0"; 10_000].join(" && ")));
    survives(&statement(&vec!["1"; 450].join(" * ")));
    survives(&format!("x = {}", "[".repeat(10_000)));
    survives(&format!(
        "x = {}1{}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    ));
    survives(&format!("{}name = 1", "a.".repeat(10_000)));
    survives(&super::changed(
        "20ms",
        &format!("mix({})", "1: 2ms, ".repeat(10_000)),
    ));
    survives(&super::changed(
        "uniform(user/*)",
        &"user/*, ".repeat(10_000),
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_text_survives(text in "\\PC{0,200}") {
        survives(&text);
    }

    #[test]
    fn random_bytes_survive(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_values_survive(value in "[\\PC\"'\n]{0,40}", key in 0_usize..14) {
        let places = [
            "10s", "20ms", "100ms", "uniform(user/*)", "user/*", "40/s", "poisson", "clients",
            "balance(\"A\") == 90", "chains.user.owner", "ana", "100", "2s", "shop\"",
        ];
        let text = super::BASE.replacen(places[key], &value, 1);
        survives(&text);
    }

    #[test]
    fn random_statements_survive(words in proptest::collection::vec(prop_oneof![
        Just("balance(\"A\")"), Just("in_flight()"), Just("rate(confirmed_blocks, 1s..2s)"),
        Just("p99(confirm_latency)"), Just("=="), Just("<"), Just("&&"), Just("||"), Just("!"),
        Just("+"), Just("-"), Just("*"), Just("("), Just(")"), Just("0.5"), Just("7"), Just("5ms"),
        Just("40/s"), Just("65%"), Just("true"), Just(",")
    ], 0..14)) {
        let statement = words.join(" ");
        survives(&super::changed("balance(\"A\") == 90", &statement));
    }

    #[test]
    fn random_settings_survive(path in "[a-zA-Z0-9.*\"_]{0,30}", value in "\\PC{0,20}") {
        let options = Options { set: vec![(path, value)], ..Options::default() };
        if let Err(all) = check(super::BASE, "fuzz.toml", &options) {
            render(&all, Style::Plain);
        }
    }
}
