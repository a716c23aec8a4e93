//! The scenarios that come with the program.

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bundled {
    /// Its name, such as `lanes`.
    pub name: &'static str,
    /// Its text.
    pub source: &'static str,
}

const ALL: [Bundled; 5] = [
    Bundled {
        name: "lanes",
        source: include_str!("../../../scenarios/lanes.toml"),
    },
    Bundled {
        name: "payments-1k",
        source: include_str!("../../../scenarios/payments-1k.toml"),
    },
    Bundled {
        name: "payments-100k",
        source: include_str!("../../../scenarios/payments-100k.toml"),
    },
    Bundled {
        name: "slow-validator",
        source: include_str!("../../../scenarios/slow-validator.toml"),
    },
    Bundled {
        name: "lossy-network",
        source: include_str!("../../../scenarios/lossy-network.toml"),
    },
];

/// All of them; the first one is the default.
pub fn bundled() -> &'static [Bundled] {
    &ALL
}

/// The one with this name.
pub fn bundled_scenario(name: &str) -> Option<&'static Bundled> {
    ALL.iter().find(|one| one.name == name)
}
