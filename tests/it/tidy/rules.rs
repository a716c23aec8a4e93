//! The rules as tables. The table of crates is the picture in docs/ARCHITECTURE.md: change both.

/// A crate of ours and what it may import; those above it in the list, at most.
pub(super) struct Crate {
    pub(super) name: &'static str,
    pub(super) imports: &'static [&'static str],
}

/// From the bottom up.
pub(super) const CRATES: &[Crate] = &[
    // Rules, pure: no edge to time, order or randomness.
    Crate {
        name: "protocol",
        imports: &[],
    },
    // Time and order: cannot treat one protocol message otherwise than another.
    Crate {
        name: "engine",
        imports: &[],
    },
    // Runs the code of applications: speaks to the rules through one port, and knows no world.
    Crate {
        name: "execution",
        imports: &["protocol"],
    },
    // A file format with a version of its own.
    Crate {
        name: "trace",
        imports: &["protocol", "engine"],
    },
    // What people write, and its diagnostics.
    Crate {
        name: "scenario",
        imports: &["protocol", "engine"],
    },
    // Folds over records: needs no way to run anything.
    Crate {
        name: "analysis",
        imports: &["protocol", "engine", "trace", "scenario"],
    },
    // The one place that speaks both engine and protocol.
    Crate {
        name: "actors",
        imports: &["protocol", "engine", "execution", "trace", "scenario"],
    },
    // Pictures from tables: could draw a run of years ago.
    Crate {
        name: "report",
        imports: &["analysis"],
    },
    // Files, the environment, the terminal, the clock.
    Crate {
        name: "microchains",
        imports: &[
            "protocol",
            "engine",
            "execution",
            "trace",
            "scenario",
            "analysis",
            "actors",
            "report",
        ],
    },
    Crate {
        name: "tests",
        imports: &[
            "protocol", "engine", "trace", "scenario", "analysis", "actors", "report",
        ],
    },
];

/// Other people's crates and who of ours may use them. `*`: everybody; `dev`: every test.
pub(super) const EXTERNAL: &[(&str, &[&str])] = &[
    // Anywhere: no behaviour of their own.
    ("serde", &["*"]),
    ("thiserror", &["*"]),
    // Actors and what is underneath, behind one adapter.
    ("actix", &["actors"]),
    // One map that is only looked up by key.
    ("dashmap", &["actors"]),
    ("foldhash", &["actors"]),
    // Every draw of a run.
    ("rand_chacha", &["engine"]),
    ("rand_core", &["engine"]),
    // Distributions become integer tables with the same bits on every platform.
    ("libm", &["engine", "scenario"]),
    // Content hashes, the hash of a run, the hashes of a run's files.
    (
        "blake3",
        &["protocol", "engine", "trace", "actors", "microchains"],
    ),
    ("bcs", &["protocol", "trace", "dev"]),
    ("ed25519-dalek", &["protocol"]),
    // The language of scenarios.
    ("toml", &["scenario", "dev"]),
    ("annotate-snippets", &["scenario"]),
    ("jsonschema", &["scenario"]),
    ("schemars", &["scenario"]),
    ("strsim", &["scenario", "execution"]),
    // The code of applications; its fuel is in every trace.
    ("wasmi", &["execution"]),
    ("wasmi_core", &["execution"]),
    ("wasmparser", &["execution"]),
    // Files.
    ("sha2", &["dev"]),
    (
        "zstd",
        &["trace", "scenario", "execution", "microchains", "dev"],
    ),
    ("csv", &["report", "microchains", "dev"]),
    // Also what services answer, and operations that people write.
    (
        "serde_json",
        &["protocol", "scenario", "report", "microchains", "dev"],
    ),
    ("data-encoding", &["protocol"]),
    // Graphs, charts, bitmaps.
    ("petgraph", &["report"]),
    ("plotters", &["report"]),
    ("resvg", &["report"]),
    // The command line.
    ("anstream", &["microchains"]),
    ("clap", &["microchains"]),
    ("clap_complete", &["microchains"]),
    ("ctrlc", &["microchains"]),
    ("indicatif", &["microchains"]),
    ("mimalloc", &["microchains", "dev"]),
    // Tests and benchmarks.
    ("insta", &["dev"]),
    ("proptest", &["dev"]),
    ("tempfile", &["dev"]),
    ("wat", &["dev"]),
];

/// Crates that may import nothing but this, whatever else is allowed to others.
pub(super) const PURE: &[(&str, &[&str])] = &[
    (
        "protocol",
        &[
            "bcs",
            "blake3",
            "data-encoding",
            "ed25519-dalek",
            "serde",
            "serde_json",
            "thiserror",
        ],
    ),
    ("engine", &["blake3", "libm", "rand_chacha", "rand_core"]),
];

/// A word of code and the places where it may stand.
pub(super) struct Place {
    pub(super) word: &'static str,
    pub(super) allowed: &'static [&'static str],
    /// Whether tests, benchmarks and examples may use it anywhere.
    pub(super) tests_too: bool,
    pub(super) instead: &'static str,
}

const CLI: &str = "simulator/cli/";
const HOSTING: &str = "simulator/actors/src/hosting";

/// What has a place of its own, finer than crates.
pub(super) const PLACES: &[Place] = &[
    Place {
        word: "actix",
        allowed: &[HOSTING, "simulator/actors/benches/"],
        tests_too: false,
        instead: "actors are hosted in one place, and nodes know nothing of it",
    },
    Place {
        word: "actix_rt",
        allowed: &[HOSTING, "simulator/actors/benches/"],
        tests_too: false,
        instead: "actors are hosted in one place, and nodes know nothing of it",
    },
    Place {
        word: "tokio",
        allowed: &[HOSTING, "simulator/actors/benches/"],
        tests_too: false,
        instead: "only the hosts know the runtime below Actix",
    },
    Place {
        word: "dashmap",
        allowed: &["simulator/actors/src/store.rs"],
        tests_too: false,
        instead: "its order follows threads: reach shared data through `protocol::store`",
    },
    Place {
        word: "rand_chacha",
        allowed: &["simulator/engine/src/draw.rs"],
        tests_too: false,
        instead: "ask `Ctx` or `Seed` for a draw that is keyed by what it is about",
    },
    Place {
        word: "fs::",
        allowed: &[CLI],
        tests_too: true,
        instead: "only the command line touches files: take what is read, return what is written",
    },
    Place {
        word: "env::",
        allowed: &[CLI],
        tests_too: true,
        instead: "only the command line asks the environment: take an argument",
    },
    Place {
        word: "thread::",
        allowed: &[CLI, HOSTING],
        tests_too: true,
        instead: "only the hosts in `actors::hosting` run things side by side",
    },
    Place {
        word: "Instant",
        allowed: &[CLI],
        tests_too: true,
        instead: "the wall clock: time is an argument",
    },
    Place {
        word: "SystemTime",
        allowed: &[CLI],
        tests_too: true,
        instead: "the wall clock: time is an argument",
    },
    Place {
        word: "f64",
        allowed: &[
            CLI,
            "simulator/report/",
            "simulator/engine/src/distribution.rs",
            "simulator/scenario/src/plan/recipients.rs",
            // Shows that a guest's floats are the same everywhere.
            "scenarios/apps/hostile/",
        ],
        tests_too: true,
        instead: "no float reaches state or a decision: use integers, or `engine::Ratio`",
    },
    Place {
        word: "f32",
        allowed: &[CLI, "simulator/report/", "scenarios/apps/hostile/"],
        tests_too: true,
        instead: "no float reaches state or a decision: use integers, or `engine::Ratio`",
    },
];

/// Lines of a Rust file.
pub(super) const LINES_MAX: usize = 600;

/// A file that is longer, how long it may be, and why. The list only ever shrinks.
pub(super) struct LongFile {
    pub(super) path: &'static str,
    pub(super) lines: usize,
    pub(super) reason: &'static str,
}

pub(super) const LONG_FILES: &[LongFile] = &[LongFile {
    path: "simulator/analysis/src/invariants/tests.rs",
    lines: 680,
    reason: "every statement once, in the order of the table: one run that breaks it",
}];

/// What stands for work that was not done.
pub(super) const FORBIDDEN: &[(&str, &str)] = &[
    (
        "#[ignore",
        "a test that never runs proves nothing: make it fast, or assert what is wrong",
    ),
    ("todo!(", "finish it"),
    ("unimplemented!(", "finish it"),
    ("dbg!(", "a leftover of debugging"),
];

/// A workspace of its own: applications, which import Linera's SDK and nothing of ours.
pub(super) const APPS: &str = "scenarios/apps/";

/// Entries at the top of the repository.
pub(super) const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitattributes",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "docs",
    "reports",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "scenarios",
    "simulator",
    "tests",
];

/// Where machines keep people's files, in parts so that these lines are none of them.
pub(super) const MACHINE_PATHS: &[[&str; 2]] = &[
    ["/ro", "ot/"],
    ["/ho", "me/"],
    ["/Us", "ers/"],
    ["/wo", "rk/"],
    ["C:\\Us", "ers\\"],
];
