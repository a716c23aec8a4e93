//! The scenarios that come with the program, and the applications that they may use.

mod modules;

pub(crate) use modules::{bundled_module, module_names};

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bundled {
    /// Its name, such as `lanes`.
    pub name: &'static str,
    /// Its text.
    pub source: &'static str,
}

/// The entries for files of `scenarios/`, by name.
macro_rules! bundled {
    ($($name:literal),+ $(,)?) => {
        &[$(Bundled {
            name: $name,
            source: include_str!(concat!("../../../scenarios/", $name, ".toml")),
        }),+]
    };
}

const ALL: &[Bundled] = bundled![
    "lanes",
    "payments-1k",
    "payments-100k",
    "slow-validator",
    "lossy-network",
    "contended-game",
    "permissioned-swap",
    "public-chain",
    "message-kinds",
    "lost-confirmation",
    "inbox-backlog",
    "airdrop-10k",
    "reconfiguration",
    "fees",
    "elastic",
    "scaling",
    "byzantine-partition",
    "broken-assumption",
    "counter",
    "fungible-everywhere",
    "crowd-funding",
    "social-feed",
    "atomic-swap",
    "amm-rush",
    "game-night",
    "hostile-app",
];

/// All of them; the first one is the default.
pub fn bundled() -> &'static [Bundled] {
    ALL
}

/// The one with this name.
pub fn bundled_scenario(name: &str) -> Option<&'static Bundled> {
    ALL.iter().find(|one| one.name == name)
}
