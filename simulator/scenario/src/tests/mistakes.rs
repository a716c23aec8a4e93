//! One mistake at a time, and all of them at once.

use super::{BASE, changed, good, printed, said};
use crate::{Options, Severity, check, render, to_json};

/// What is changed in the base scenario: a title, the part that goes, and what comes instead.
const CHANGES: &[(&str, &str, &str)] = &[
    ("no format", "format   = 1\n", ""),
    ("another format", "format   = 1", "format   = 2"),
    (
        "no validators",
        "[validators]\ncount   = 4\nworkers = 2\n",
        "",
    ),
    ("syntax", "count   = 4", "count   = "),
    (
        "two keys of one name",
        "workers = 2",
        "workers = 2\nworkers = 3",
    ),
    ("unknown key", "workers = 2", "worker = 2"),
    ("float for a number", "count   = 4", "count   = 4.0"),
    (
        "number for a duration",
        "duration = \"10s\"",
        "duration = 10",
    ),
    (
        "duration without unit",
        "duration = \"10s\"",
        "duration = \"10\"",
    ),
    (
        "duration of no time",
        "duration = \"10s\"",
        "duration = \"0s\"",
    ),
    (
        "fraction of a microsecond",
        "worker = \"1ms\"",
        "worker = \"1500ns\"",
    ),
    ("bad name", "name     = \"base\"", "name     = \"my base\""),
    (
        "no such choice",
        "arrivals = \"poisson\"",
        "arrivals = \"poison\"",
    ),
    (
        "unknown distribution",
        "client = \"20ms\"",
        "client = \"lognormall(median=1ms, p99=2ms)\"",
    ),
    (
        "bad argument inside",
        "client = \"20ms\"",
        "client = \"exp(mean=20)\"",
    ),
    (
        "fallback of the admin chain",
        "owners  = { ana = 1, ben = 1 }\n",
        "owners  = { ana = 1, ben = 1 }\nadmin = true\nfallback = \"20s\"\n",
    ),
    (
        "resize with an end",
        "for       = \"2s\"\npartition = { between = [\"clients\", \"v3\"] }",
        "for       = \"2s\"\nresize    = { validators = \"v3\", workers = 4 }",
    ),
    (
        "resize drained and online",
        "for       = \"2s\"\npartition = { between = [\"clients\", \"v3\"] }",
        "resize = { validators = \"v3\", workers = 4, online = true, drain = \"1s\" }",
    ),
    (
        "two resizes at once",
        "for       = \"2s\"\npartition = { between = [\"clients\", \"v3\"] }",
        "resize = { validators = \"v3\", workers = 4 }\n[[faults]]\nname = \"again\"\nat = \"1500ms\"\nresize = { validators = \"v*\", workers = 1 }",
    ),
    (
        "resize of a disk that falls back",
        "for       = \"2s\"\npartition = { between = [\"clients\", \"v3\"] }",
        "resize = { validators = \"v3\", workers = 4 }\n[[faults]]\nname = \"old disk\"\nat = \"5s\"\nfor = \"1s\"\nbyzantine = { validators = \"v3\", behaviour = \"rolls-back\" }",
    ),
    (
        "regional without regions",
        "client = \"20ms\"",
        "client = \"regional\"",
    ),
    (
        "no such fees",
        "client = \"20ms\", worker = \"1ms\" }",
        "client = \"20ms\", worker = \"1ms\" }\nfees = \"test-net\"",
    ),
    (
        "a price that is none",
        "client = \"20ms\", worker = \"1ms\" }",
        "client = \"20ms\", worker = \"1ms\" }\npolicy = { operation = \"cheap\" }",
    ),
    (
        "a limit that allows nothing",
        "client = \"20ms\", worker = \"1ms\" }",
        "client = \"20ms\", worker = \"1ms\" }\npolicy = { maximum_block_size = 0 }",
    ),
    (
        "prices beside no committee",
        "process_inbox = true",
        "process_inbox = true, fees = \"testnet\"",
    ),
    ("no workers", "workers = 2", "workers = 0"),
    ("too many validators", "count   = 4", "count   = 4000"),
    (
        "regions do not add up",
        "workers = 2",
        "workers = 2\nregions = { eu = 2, us = 1 }",
    ),
    (
        "unknown weight",
        "workers = 2",
        "workers = 2\nweights = { v9 = 2 }",
    ),
    (
        "bad skew",
        "workers = 2",
        "workers = 2\nclock_skew = { v1 = \"soon\" }",
    ),
    (
        "two chains of one name",
        "name    = \"shop\"",
        "name    = \"A\"",
    ),
    (
        "bad chain name",
        "name    = \"shop\"",
        "name    = \"sh op\"",
    ),
    (
        "reserved chain name",
        "name    = \"shop\"",
        "name    = \"clients\"",
    ),
    ("bad amount", "balance = \"100\"", "balance = \"1e2\""),
    (
        "owner beside owners",
        "balance = \"7\"",
        "balance = \"7\"\nowner = \"super\"",
    ),
    (
        "nobody owns",
        "owners  = { ana = 1, ben = 1 }",
        "owners  = { }",
    ),
    (
        "wallets of a stranger",
        "owners  = { ana = 1, ben = 1 }",
        "owners  = { ana = 1, ben = 1 }\nwallets = { carl = 2 }",
    ),
    (
        "one wallet is no further wallet",
        "owners  = { ana = 1, ben = 1 }",
        "owners  = { ana = 1, ben = 1 }\nwallets = { ana = 1 }",
    ),
    ("unknown chain in a step", "to = \"shop\"", "to = \"shup\""),
    ("group instead of a chain", "to = \"shop\"", "to = \"user\""),
    ("number out of range", "to = \"shop\"", "to = \"user/10\""),
    ("many instead of one", "to = \"shop\"", "to = \"user/*\""),
    ("unknown owner", "owner = \"ben\"", "owner = \"bert\""),
    ("owner of another chain", "owner = \"ben\"", "owner = \"A\""),
    ("account of nobody", "to = \"shop\"", "to = \"carl@shop\""),
    (
        "unknown action",
        "process_inbox = true",
        "proces_inbox = true",
    ),
    ("no action", ", process_inbox = true", ""),
    (
        "two actions",
        "process_inbox = true",
        "process_inbox = true, transfer = { to = \"A\", amount = \"1\" }",
    ),
    (
        "no action after all",
        "process_inbox = true",
        "process_inbox = false",
    ),
    (
        "two beginnings",
        "when = \"inbox\"",
        "when = \"inbox\", at = \"1s\"",
    ),
    ("no beginning", "at = \"100ms\",   ", ""),
    ("nothing before", "at = \"100ms\"", "after = \"prev\""),
    (
        "later action",
        "process_inbox = true",
        "call = { app = \"swap\" }",
    ),
    ("no chains", "chains   = \"user/*\"\n", ""),
    ("rate without unit", "rate = \"40/s\"", "rate = \"40\""),
    (
        "ramp backwards",
        "rate = \"40/s\"",
        "rate = \"ramp(2s: 1/s, 1s: 2/s)\"",
    ),
    (
        "unknown choice of recipients",
        "uniform(user/*)",
        "uniforn(user/*)",
    ),
    ("bad selector inside", "uniform(user/*)", "uniform(usr/*)"),
    ("exponent", "uniform(user/*)", "zipf(user/*, s=11)"),
    (
        "users of another type",
        "open     = { arrivals = \"poisson\", rate = \"40/s\" }",
        "closed = { users = \"all\", think = \"1s\" }",
    ),
    (
        "user who owns nothing here",
        "open     = { arrivals = \"poisson\", rate = \"40/s\" }",
        "closed = { users = [\"ana\"], think = \"1s\" }",
    ),
    (
        "fault without action",
        "partition = { between = [\"clients\", \"v3\"] }",
        "",
    ),
    (
        "later fault",
        "partition = { between = [\"clients\", \"v3\"] }",
        "epoch = { validators = [\"v3\"] }",
    ),
    ("one end", "[\"clients\", \"v3\"]", "[\"clients\"]"),
    (
        "unknown end",
        "[\"clients\", \"v3\"]",
        "[\"client\", \"v3\"]",
    ),
    (
        "unknown validator",
        "[\"clients\", \"v3\"]",
        "[\"clients\", \"v5\"]",
    ),
    (
        "worker without inside",
        "[\"clients\", \"v3\"]",
        "[\"v1/w1\", \"v1/w2\"]",
    ),
    (
        "unknown worker",
        "between = [\"clients\", \"v3\"]",
        "inside = \"v1\", between = [\"w1\", \"w3\"]",
    ),
    (
        "disk of a validator",
        "partition = { between = [\"clients\", \"v3\"] }",
        "crash = { validators = \"v3\", loses_disk = true }",
    ),
    (
        "crash of nobody",
        "partition = { between = [\"clients\", \"v3\"] }",
        "crash = { }",
    ),
    (
        "two ends of a crash",
        "partition = { between = [\"clients\", \"v3\"] }",
        "crash = { validators = \"v1\", restart = \"1s\" }",
    ),
    (
        "how slow",
        "partition = { between = [\"clients\", \"v3\"] }",
        "slow = { validators = \"v1\" }",
    ),
    (
        "more than all",
        "partition = { between = [\"clients\", \"v3\"] }",
        "loss = { between = [\"clients\", \"v3\"], ratio = \"101%\" }",
    ),
    (
        "unknown function",
        "balance(\"A\") == 90",
        "balanc(\"A\") == 90",
    ),
    (
        "later function",
        "balance(\"A\") == 90",
        "app_balance(\"A\", \"x\") == 90",
    ),
    (
        "unknown chain in an expression",
        "balance(\"A\") == 90",
        "balance(\"AA\") == 90",
    ),
    ("other arguments", "balance(\"A\") == 90", "balance() == 90"),
    (
        "string where none belongs",
        "balance(\"A\") == 90",
        "in_flight(\"A\") == 0",
    ),
    (
        "two dimensions",
        "balance(\"A\") == 90",
        "balance(\"A\") == inbox_total()",
    ),
    (
        "no unit",
        "balance(\"A\") == 90",
        "p99(confirm_latency) < 500",
    ),
    (
        "wrong unit",
        "balance(\"A\") == 90",
        "p99(confirm_latency) < 500/s",
    ),
    (
        "unknown metric",
        "balance(\"A\") == 90",
        "p99(confirm_latencies) < 500ms",
    ),
    ("not a statement", "balance(\"A\") == 90", "balance(\"A\")"),
    ("assignment", "balance(\"A\") == 90", "balance(\"A\") = 90"),
    (
        "chained comparison",
        "balance(\"A\") == 90",
        "1 < balance(\"A\") < 90",
    ),
    (
        "open bracket",
        "balance(\"A\") == 90",
        "(balance(\"A\") == 90",
    ),
    (
        "half a count",
        "balance(\"A\") == 90",
        "blocks(\"A\") == 0.5",
    ),
    (
        "stretch of time at a moment",
        "finally = 'balance(\"A\") == 90'",
        "always = 'rate(confirmed_blocks) > 1/s'",
    ),
    (
        "two kinds of expectation",
        "finally = 'balance(\"A\") == 90'",
        "finally = 'true'\nalways = 'true'",
    ),
    (
        "unknown fault",
        "finally = 'balance(\"A\") == 90'",
        "eventually = { holds = 'true', after = \"cat\", within = \"1s\" }",
    ),
    (
        "unknown fault in a call",
        "balance(\"A\") == 90",
        "fault_hits(\"cat\") == 0",
    ),
    (
        "unknown variant",
        "name    = \"A has paid\"",
        "name    = \"A has paid\"\nvariant = \"supper\"",
    ),
    (
        "mistake in a variant",
        "\"chains.user.owner\" = \"super\"",
        "\"chains.user.owner\" = \"superb\"",
    ),
    (
        "path of a variant",
        "\"chains.user.owner\" = \"super\"",
        "\"chains.usr.owner\" = \"super\"",
    ),
    (
        "unknown figure",
        "[[variants]]",
        "[output]\nfigures = [\"lane.svg\", \"lanes.pdf\"]\n[[variants]]",
    ),
    (
        "unknown trace",
        "[[variants]]",
        "[output]\ntrace = \"half\"\n[[variants]]",
    ),
];

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
