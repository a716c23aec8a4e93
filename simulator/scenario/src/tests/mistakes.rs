//! One mistake at a time, and all of them at once.

mod changes;

use changes::CHANGES;

use super::{BASE, changed, good, printed, said};
use crate::{Options, Severity, check, render, to_json};

/// Warnings and notes: what is changed, as above.
const LINTS: &[(&str, &str, &str)] = &[
    (
        "validators do not talk",
        "[\"clients\", \"v3\"]",
        "[\"v1\", \"v3\"]",
    ),
    (
        "wallets do not talk",
        "[\"clients\", \"v3\"]",
        "[\"user/*\", \"clients\"]",
    ),
    (
        "nothing gets lost",
        "partition = { between = [\"clients\", \"v3\"] }",
        "loss = { between = [\"clients\", \"v3\"], ratio = \"0%\" }",
    ),
    (
        "fault of no time",
        "for       = \"2s\"",
        "for       = \"0s\"",
    ),
    (
        "fault after the end",
        "at        = \"1s\"",
        "at        = \"11s\"",
    ),
    ("step after the end", "at = \"100ms\"", "at = \"20s\""),
    (
        "deadline after the end",
        "finally = 'balance(\"A\") == 90'",
        "eventually = { holds = 'in_flight() == 0', after = \"cut\", within = \"9s\" }",
    ),
    ("unreachable step", "to = \"shop\"", "to = \"user/0\""),
    (
        "no quorum",
        "[\"clients\", \"v3\"]",
        "[\"clients\", \"v2, v3\"]",
    ),
    (
        "warm-up hides a window",
        "[network]",
        "warmup = \"4s\"\n[[expect]]\nname = \"early\"\nmetric = 'rate(confirmed_blocks, 1s..3s) > 1/s && rate(confirmed_blocks, 3s..5s) > 1/s'\n[network]",
    ),
    (
        "window after the end",
        "balance(\"A\") == 90",
        "rate(confirmed_blocks, 9s..12s) > 1/s",
    ),
    (
        "two super owners",
        "owners  = { ana = 1, ben = 1 }",
        "super_owners = [\"ana\", \"ben\"]",
    ),
    (
        "regular beside super",
        "owners  = { ana = 1, ben = 1 }",
        "super_owners = [\"ana\"]\nowners = { ben = 1 }",
    ),
    (
        "more load than workers",
        "rate = \"40/s\"",
        "rate = \"4000/s\"",
    ),
    (
        "below the floor",
        "client = \"20ms\"",
        "client = \"exp(mean=20ms)\"",
    ),
    (
        "nothing is sent",
        "to = \"uniform(user/*)\", amount = \"1\"",
        "to = \"uniform(user/*)\", amount = \"0\"",
    ),
    (
        "never so many tokens",
        "{ to = \"uniform(user/*)\", amount = \"1\" }",
        "{ to = \"A\", amount = \"6\" }",
    ),
    (
        "expects nothing",
        "[[expect]]\nname    = \"A has paid\"\nfinally = 'balance(\"A\") == 90'\n",
        "",
    ),
    (
        "sweep",
        "[[variants]]",
        "[sweep]\nseeds = \"1..=20\"\n[[variants]]",
    ),
    (
        "one worker",
        "[validators]\ncount   = 4\nworkers = 2",
        "[network.loss]\nworker = \"1%\"\n[validators]\ncount   = 4",
    ),
    (
        "unused regional",
        "latency = { client = \"20ms\", worker = \"1ms\" }",
        "latency = { client = \"20ms\", worker = \"1ms\" }\nregional = { same = \"8ms\" }",
    ),
    (
        "fallback without epochs",
        "owners  = { ana = 1, ben = 1 }\n",
        "owners  = { ana = 1, ben = 1 }\nfallback = \"20s\"\n",
    ),
    (
        "resize that ends too late",
        "at        = \"1s\"\nfor       = \"2s\"\npartition = { between = [\"clients\", \"v3\"] }",
        "at        = \"9500ms\"\nresize    = { validators = \"v3\", workers = 4 }",
    ),
    (
        "resize that stops a quorum",
        "for       = \"2s\"\npartition = { between = [\"clients\", \"v3\"] }",
        "resize = { validators = \"v2, v3\", workers = 4 }",
    ),
    (
        "closed so that nothing comes back",
        "[[expect]]\nname    = \"A has paid\"",
        "[[workload]]\nname = \"end\"\nscript = [{ at = \"5s\", chain = \"A\", change_permissions = { mandatory_applications = [\"game\"] }, close_chain = true }]\n[[expect]]\nname    = \"A has paid\"",
    ),
    (
        "work of wallets",
        "partition = { between = [\"clients\", \"v3\"] }",
        "slow = { chains = \"A\", factor = 3 }",
    ),
];

fn book(changes: &[(&str, &str, &str)], severity: Severity) -> String {
    let mut book = String::new();
    for (title, from, to) in changes {
        let diagnostics = said(&changed(from, to), &Options::default());
        assert!(
            diagnostics.iter().any(|one| one.severity() == severity),
            "{title}: {}",
            printed(&diagnostics)
        );
        book.push_str(&format!("=== {title}\n{}\n", printed(&diagnostics)));
    }
    book
}

#[test]
fn the_base_scenario_has_nothing_to_say() {
    assert_eq!(good(BASE).warnings, []);
}

#[test]
fn every_single_mistake_is_explained() {
    insta::assert_snapshot!("mistakes", book(CHANGES, Severity::Error));
}

#[test]
fn every_lint_is_explained() {
    let warnings: Vec<_> = LINTS
        .iter()
        .filter(|(title, _, _)| *title != "sweep")
        .copied()
        .collect();
    insta::assert_snapshot!("lints", book(&warnings, Severity::Warning));
    let sweep: Vec<_> = LINTS
        .iter()
        .filter(|(title, _, _)| *title == "sweep")
        .copied()
        .collect();
    insta::assert_snapshot!("notes", book(&sweep, Severity::Note));
}

#[test]
fn a_mistake_is_said_once() {
    for (title, from, to) in CHANGES {
        let diagnostics = said(&changed(from, to), &Options::default());
        let errors: Vec<_> = diagnostics
            .iter()
            .filter(|one| one.severity() == Severity::Error)
            .collect();
        let expected = match *title {
            "unknown figure" => 2,
            _ => 1,
        };
        assert_eq!(errors.len(), expected, "{title}: {}", printed(&diagnostics));
    }
}

/// Eight mistakes in one file: seven errors and a warning, by their place.
#[test]
fn all_mistakes_come_at_once() {
    let text = include_str!("../../../../tests/fuzz/scenario/bad.toml");
    let Err(all) = check(text, "bad.toml", &Options::default()) else {
        panic!("the file has mistakes")
    };
    assert_eq!(all.len(), 8);
    let coloured = render(&all, crate::Style::Coloured);
    assert!(coloured.contains('\u{1b}'));
    insta::assert_snapshot!(
        "bad",
        format!(
            "{}{}\n",
            render(&all, crate::Style::Plain),
            crate::summary("bad.toml", &all)
        )
    );
    insta::assert_snapshot!("bad_json", to_json(&all));
}

#[test]
fn what_is_set_beside_the_file_is_checked_too() {
    let set = |pairs: &[(&str, &str)]| Options {
        set: pairs
            .iter()
            .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
            .collect(),
        ..Options::default()
    };
    let options = set(&[
        ("network.loss.client", "200%"),
        ("chains.A.balence", "3"),
        ("chains.usr.balance", "3"),
        ("validators.count", "\"4\""),
        ("seed.x", "4"),
        ("workload.\"script\".script.0.transfer.to", "B"),
        ("apps.token", "1"),
        ("", "1"),
    ]);
    let variant = Options {
        variant: Some("sper".to_owned()),
        ..Options::default()
    };
    let text = format!(
        "{}\n{}",
        printed(&said(BASE, &options)),
        printed(&said(BASE, &variant))
    );
    insta::assert_snapshot!("set", text);
}
