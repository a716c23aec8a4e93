//! The applications that come with the program, built.

use std::sync::{Arc, LazyLock};

use crate::plan::ModulePlan;

/// The code of a bundled application, as blobs hold it.
struct Built {
    name: &'static str,
    contract: &'static [u8],
    service: &'static [u8],
}

/// The entries for modules of `scenarios/apps/modules`: what a scenario calls an application, and how
/// its files are called.
macro_rules! built {
    ($(($name:literal, $file:literal)),+ $(,)?) => {
        &[$(Built {
            name: $name,
            contract: include_bytes!(concat!(
                "../../../../scenarios/apps/modules/", $file, "_contract.wasm.zst"
            )),
            service: include_bytes!(concat!(
                "../../../../scenarios/apps/modules/", $file, "_service.wasm.zst"
            )),
        }),+]
    };
}

const ALL: &[Built] = built![
    ("amm", "amm"),
    ("atomic-swap", "atomic_swap"),
    ("conformance", "conformance"),
    ("counter", "counter"),
    ("crowd-funding", "crowd_funding"),
    ("four-in-a-row", "four_in_a_row"),
    ("fungible", "fungible"),
    ("hostile", "hostile"),
    ("meta-counter", "meta_counter"),
    ("social", "social"),
];

static PLANS: LazyLock<Vec<Arc<ModulePlan>>> = LazyLock::new(|| {
    let plan = |built: &Built| {
        Arc::new(ModulePlan {
            name: built.name.to_owned(),
            contract: built.contract.into(),
            service: built.service.into(),
        })
    };
    ALL.iter().map(plan).collect()
});

/// The names of the bundled applications, ascending.
pub(crate) fn module_names() -> impl Iterator<Item = &'static str> + Clone {
    ALL.iter().map(|one| one.name)
}

/// The code of the bundled application with this name.
pub(crate) fn bundled_module(name: &str) -> Option<Arc<ModulePlan>> {
    PLANS.iter().find(|one| one.name == name).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name and stored size of contract and service, as the manifest has them.
    fn manifest() -> Vec<(String, [i64; 2])> {
        let text = include_str!("../../../../scenarios/apps/manifest.toml");
        let manifest: toml::Table = text.parse().expect("the manifest is TOML");
        let size = |entry: &toml::Value, part: &str| {
            let stored = entry.get(part).and_then(|part| part.get("stored"));
            stored.and_then(toml::Value::as_integer)
        };
        let entries = manifest.iter().filter_map(|(name, entry)| {
            let sizes = [size(entry, "contract")?, size(entry, "service")?];
            Some((name.clone(), sizes))
        });
        entries.collect()
    }

    #[test]
    fn all_modules_of_the_manifest_are_here() {
        let length = |bytes: &[u8]| i64::try_from(bytes.len()).expect("files are small");
        let here = ALL.iter().map(|one| {
            let sizes = [length(one.contract), length(one.service)];
            (one.name.to_owned(), sizes)
        });
        let here: Vec<_> = here.collect();
        assert_eq!(here, manifest());
        assert!(here.is_sorted());
    }
}
