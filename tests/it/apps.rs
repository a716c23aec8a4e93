//! What is committed of the bundled applications: modules, and a manifest that says what they were
//! made from. A module that was not rebuilt with its source fails here, and so does one that is not
//! what the manifest says. Needs no Wasm target: nothing is built.
//!
//! The hashes are those of `scenarios/apps/build.sh`: SHA-256 over a line for each file with the
//! hash of its bytes and its path from there, in the order of bytes.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use toml::{Table, Value};

/// Everything together, in bytes.
const STORED_MAX: u64 = 8 * 1024 * 1024;

fn apps() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.join("../scenarios/apps")
}

fn manifest() -> Table {
    let text = fs::read_to_string(apps().join("manifest.toml")).expect("build.sh has written it");
    text.parse().expect("build.sh writes TOML")
}

/// The sections of the manifest, one for each application.
fn applications(manifest: &Table) -> Vec<(&str, &Table)> {
    let section = |(name, value)| Some((String::as_str(name), Value::as_table(value)?));
    manifest.iter().filter_map(section).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes everything");
            text
        })
}

/// The hash of some files, by their paths from the folder of the applications.
fn hash_of(paths: &BTreeSet<String>) -> String {
    let lines = paths.iter().fold(String::new(), |mut lines, path| {
        let bytes = fs::read(apps().join(path)).expect("the file was found a moment ago");
        writeln!(lines, "{} {path}", sha256(&bytes)).expect("a string takes everything");
        lines
    });
    sha256(lines.as_bytes())
}

/// Rust files below a folder.
fn rust_files(folder: &str, paths: &mut BTreeSet<String>) {
    for entry in fs::read_dir(apps().join(folder)).expect("an application has sources") {
        let entry = entry.expect("the folder can be read");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            rust_files(&path, paths);
        } else if path.ends_with(".rs") {
            paths.insert(path);
        }
    }
}

fn source_of(application: &str) -> String {
    let mut paths = BTreeSet::from([format!("{application}/Cargo.toml")]);
    rust_files(&format!("{application}/src"), &mut paths);
    hash_of(&paths)
}

#[test]
fn modules_are_made_from_the_sources_beside_them() {
    let manifest = manifest();
    let mut stale = Vec::new();
    let versions = ["Cargo.toml", "Cargo.lock"].map(str::to_owned);
    if manifest["workspace"].as_str() != Some(&hash_of(&versions.into())) {
        stale.push("Cargo.toml or Cargo.lock");
    }
    for (name, section) in applications(&manifest) {
        if section["source"].as_str() != Some(&source_of(name)) {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "built from other sources: {stale:?}. Run scenarios/apps/build.sh and commit what it writes"
    );
}

#[test]
fn every_application_is_in_the_manifest() {
    let workspace = fs::read_to_string(apps().join("Cargo.toml")).expect("it is there");
    let workspace: Table = workspace.parse().expect("cargo has read it");
    let members = workspace["workspace"]["members"].as_array();
    let members: BTreeSet<_> = members
        .expect("a workspace has members")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let manifest = manifest();
    let built: BTreeSet<_> = applications(&manifest)
        .iter()
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(members, built);
}

#[test]
fn modules_are_what_the_manifest_says() {
    let manifest = manifest();
    let mut named = BTreeSet::new();
    let mut stored_sum = 0;
    for (name, section) in applications(&manifest) {
        for role in ["contract", "service"] {
            let file = format!("{}_{role}.wasm.zst", name.replace('-', "_"));
            let stored = fs::read(apps().join("modules").join(&file))
                .unwrap_or_else(|error| panic!("{file}: {error}"));
            let module = zstd::decode_all(&stored[..])
                .unwrap_or_else(|error| panic!("{file} is not compressed: {error}"));
            let said = &section[role];
            assert!(module.starts_with(b"\0asm"), "{file} is no Wasm");
            assert_eq!(said["sha256"].as_str(), Some(&*sha256(&module)), "{file}");
            let length = |bytes: &[u8]| i64::try_from(bytes.len()).ok();
            assert_eq!(said["bytes"].as_integer(), length(&module), "{file}");
            assert_eq!(said["stored"].as_integer(), length(&stored), "{file}");
            stored_sum += stored.len() as u64;
            named.insert(file);
        }
    }
    let found: BTreeSet<_> = fs::read_dir(apps().join("modules"))
        .expect("there are modules")
        .map(|entry| entry.expect("the folder can be read").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    assert_eq!(found, named, "modules/ holds what the manifest names");
    assert!(
        stored_sum <= STORED_MAX,
        "{stored_sum} bytes of modules, {STORED_MAX} at most"
    );
}

/// What contracts and services may both ask of a host: the names of the interface.
const BASE: &[&str] = &[
    "get-chain-id",
    "get-block-height",
    "get-application-id",
    "get-application-creator-chain-id",
    "read-application-description",
    "application-parameters",
    "get-chain-ownership",
    "get-application-permissions",
    "read-system-timestamp",
    "read-chain-balance",
    "read-owner-balance",
    "read-owner-balances",
    "read-balance-owners",
    "perform-http-request",
    "assert-before",
    "read-data-blob",
    "assert-data-blob-exists",
    "log",
    "contains-key-new",
    "contains-key-wait",
    "contains-keys-new",
    "contains-keys-wait",
    "read-multi-values-bytes-new",
    "read-multi-values-bytes-wait",
    "read-value-bytes-new",
    "read-value-bytes-wait",
    "find-keys-new",
    "find-keys-wait",
    "find-key-values-new",
    "find-key-values-wait",
];

/// What only contracts may ask.
const CONTRACT: &[&str] = &[
    "authenticated-signer",
    "message-is-bouncing",
    "message-origin-chain-id",
    "authenticated-caller-id",
    "send-message",
    "transfer",
    "claim",
    "open-chain",
    "close-chain",
    "change-ownership",
    "change-application-permissions",
    "create-application",
    "create-data-blob",
    "publish-module",
    "try-call-application",
    "emit",
    "read-event",
    "subscribe-to-events",
    "unsubscribe-from-events",
    "query-service",
    "consume-fuel",
    "validation-round",
    "write-batch",
];

/// What only services may ask.
const SERVICE: &[&str] = &[
    "schedule-operation",
    "try-query-application",
    "check-execution-time",
];

fn module(name: &str) -> Vec<u8> {
    let path = apps().join("modules").join(format!("{name}.wasm.zst"));
    let stored = fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    zstd::decode_all(&stored[..]).expect("modules are compressed")
}

/// Whether a module imports a function. An import is two names, each after its length, and a kind.
fn imports(module: &[u8], interface: &str, function: &str) -> bool {
    let length = |name: &str| u8::try_from(name.len()).expect("names are short");
    let mut import = vec![length(interface)];
    import.extend(interface.as_bytes());
    import.push(length(function));
    import.extend(function.as_bytes());
    import.push(0);
    module.windows(import.len()).any(|window| window == import)
}

#[test]
fn conformance_calls_every_function() {
    let base = "linera:app/base-runtime-api";
    let cases = [
        ("conformance_contract", base, BASE),
        (
            "conformance_contract",
            "linera:app/contract-runtime-api",
            CONTRACT,
        ),
        ("conformance_service", base, BASE),
        (
            "conformance_service",
            "linera:app/service-runtime-api",
            SERVICE,
        ),
    ];
    for (name, interface, functions) in cases {
        let module = module(name);
        let missing: Vec<_> = functions
            .iter()
            .filter(|function| !imports(&module, interface, function))
            .collect();
        assert!(missing.is_empty(), "{name} never calls {missing:?}");
    }
}

#[test]
fn services_import_nothing_of_contracts() {
    let manifest = manifest();
    for (name, _) in applications(&manifest) {
        let name = format!("{}_service", name.replace('-', "_"));
        let module = module(&name);
        for function in CONTRACT {
            let imported = imports(&module, "linera:app/contract-runtime-api", function);
            assert!(!imported, "{name} imports `{function}`");
        }
    }
}
