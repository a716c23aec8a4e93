//! Applications and calls: what a plan has of them, and what is said of mistakes in them.

use super::printed;
use crate::plan::{
    Action, ApplicationIndex, ChainIndex, Chooser, OwnerIndex, Part, Says, WorkloadKind,
};
use crate::{Checked, Diagnostic, FileError, Files, Options, Severity, Style, check_with, render};

/// A scenario without mistakes, which tests change in one place.
const BASE: &str = r#"format   = 1
name     = "swaps"
seed     = 42
duration = "10s"

[network]
latency = { client = "20ms", worker = "1ms" }

[validators]
count = 4

[[chains]]
name = "alice"
[[chains]]
name   = "bob"
owners = { ana = 1, ben = 1 }
permissions = { execute_operations = ["bank"] }
[[chains]]
name  = "user"
count = 3

[[applications]]
name       = "gold"
module     = "fungible"
creator    = "alice"
parameters = { ticker_symbol = "\"G\"", decimals = -2, share = 0.5 }
argument   = { accounts = { "${owner:ben}" = "100", "${owner:alice}" = "7" } }
[[applications]]
name          = "swap"
contract      = "swap_contract.wasm"
service       = "swap_service.wasm.zst"
creator       = "bob"
creator_owner = "ben"
publisher     = "alice"
at            = "1s"
argument      = [true, "${own:owner}@${own:chain} pays ${app:gold}"]
requires      = ["bank"]
[[applications]]
name    = "bank"
module  = "counter"
creator = "user/1"

[[workload]]
name   = "script"
script = [
  { at = "2s", chain = "alice", call = { application = "gold", mutation = 'transfer(owner: "${owner:alice}")' } },
  { at = "3s", chain = "alice", call = { application = "swap", request = { query = "q", n = 3 } } },
  { at = "4s", chain = "bob", owner = "ben", change_permissions = { manage_chain = ["swap"] } },
  { at = "5s", chain = "bob", call = { application = "bank", operation = "01 aB${chain:bob}\n${number}ff" } },
]

[[workload]]
name   = "arrivals"
chains = "user/*"
open   = { arrivals = "constant", rate = "1/s" }
call   = { application = "bank", to = "sticky(user/*)", request = '{"to": "${to:owner}", "n": ${number}}' }

[[expect]]
name    = "nothing is sent"
finally = 'in_flight() == 0'
"#;

const CODE: &[u8] = b"\0asm\x01\0\0\0code of a contract";

/// What lies beside the scenario.
struct Folder;

impl Files for Folder {
    fn read(&self, path: &str, _maximum: u64) -> Result<Vec<u8>, FileError> {
        match path {
            "swap_contract.wasm" => Ok(CODE.to_vec()),
            "swap_service.wasm.zst" => Ok(packed(CODE)),
            "text.wasm" => Ok(b"(module)".to_vec()),
            "component.wasm" => Ok(b"\0asm\x0d\0\x01\0".to_vec()),
            "torn.wasm.zst" => Ok(packed(CODE)[..9].to_vec()),
            "large.wasm" => Err(FileError::TooLarge),
            "target" => Err(FileError::Directory),
            "secret.wasm" => Err(FileError::Unreadable("permission denied".to_owned())),
            _ => Err(FileError::Missing),
        }
    }
}

fn packed(code: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(code, 1).expect("it compresses")
}

fn checked(text: &str) -> Result<Checked, Vec<Diagnostic>> {
    check_with(text, "base.toml", &Options::default(), &Folder)
}

#[track_caller]
fn good(text: &str) -> Checked {
    checked(text).unwrap_or_else(|all| panic!("{}", render(&all, Style::Plain)))
}

#[track_caller]
fn changed(from: &str, to: &str) -> String {
    assert_eq!(BASE.matches(from).count(), 1, "`{from}` stands there once");
    BASE.replace(from, to)
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

const ALICE: ChainIndex = ChainIndex::new(0);
const BOB: ChainIndex = ChainIndex::new(1);
const GOLD: ApplicationIndex = ApplicationIndex::new(0);
const BANK: ApplicationIndex = ApplicationIndex::new(2);

#[test]
fn applications_have_code_creators_and_texts() {
    let checked = good(BASE.replace("execute_operations = [\"bank\"]", "").as_str());
    assert_eq!(checked.warnings, []);
    let plan = checked.plan;
    let owner = |name: &str| {
        let position = plan.owners.iter().position(|one| one == name);
        OwnerIndex::at(position.expect("a known owner"))
    };
    let [gold, swap, bank] = plan.applications.as_slice() else {
        panic!("three applications")
    };
    assert_eq!(
        (gold.name.as_str(), gold.creator),
        ("gold", (ALICE, owner("alice")))
    );
    assert_eq!(gold.at.as_micros(), 0);
    let parameters = r#"{"decimals":-2,"share":0.5,"ticker_symbol":"\"G\""}"#;
    assert_eq!(gold.parameters.0, [text(parameters)]);
    let argument = [
        text(r#"{"accounts":{""#),
        Part::Owner(owner("alice")),
        text(r#"":"7",""#),
        Part::Owner(owner("ben")),
        text(r#"":"100"}}"#),
    ];
    assert_eq!(gold.argument.0, argument);
    assert_eq!(
        gold.module,
        crate::bundled::bundled_module("fungible").expect("bundled")
    );

    assert_eq!(swap.creator, (BOB, owner("ben")));
    assert_eq!(swap.publisher, Some((ALICE, owner("alice"))));
    assert_eq!(swap.requires, [BANK]);
    assert_eq!(swap.parameters.0, [text("null")]);
    let argument = [
        text(r#"[true,""#),
        Part::OwnOwner,
        text("@"),
        Part::OwnChain,
        text(" pays "),
        Part::Application(GOLD),
        text(r#""]"#),
    ];
    assert_eq!(swap.argument.0, argument);
    let contract = zstd::bulk::decompress(&swap.module.contract, 100).expect("compressed");
    assert_eq!(contract, CODE);
    assert_eq!(*swap.module.service, *packed(CODE));
    let files: Vec<_> = checked
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(files, ["swap_contract.wasm", "swap_service.wasm.zst"]);
    assert_eq!(checked.files[1].stored, swap.module.service);
    assert_eq!(bank.creator.0, ChainIndex::new(3));
}

#[test]
fn calls_are_requests_or_operations() {
    let plan = good(BASE.replace("execute_operations = [\"bank\"]", "").as_str()).plan;
    let WorkloadKind::Script(steps) = &plan.workloads[0].kind else {
        panic!("a script")
    };
    let calls = steps.iter().filter_map(|step| match &step.action {
        Action::Call(call) => Some(call.as_ref()),
        _ => None,
    });
    let calls: Vec<_> = calls.collect();
    let alice = plan.chain(ALICE).owners[0].owner;
    let mutation = [
        text(r#"{"query":"mutation { transfer(owner: \""#),
        Part::Owner(alice),
        text(r#"\") }"}"#),
    ];
    assert_eq!(calls[0].application, GOLD);
    assert!(matches!(&calls[0].says, Says::Request(request) if request.0 == mutation));
    let request = [text(r#"{"n":3,"query":"q"}"#)];
    assert!(matches!(&calls[1].says, Says::Request(one) if one.0 == request));
    let operation = [
        text("01aB"),
        Part::Chain(BOB),
        text(""),
        Part::Number,
        text("ff"),
    ];
    assert!(matches!(&calls[2].says, Says::Operation(one) if one.0 == operation));
    assert_eq!(calls[2].to, None);

    let WorkloadKind::Open(_, Action::Call(call)) = &plan.workloads[1].kind else {
        panic!("arrivals of calls")
    };
    assert!(matches!(&call.to, Some(Chooser::Sticky(chains)) if chains.len() == 3));
    let request = [
        text(r#"{"to": ""#),
        Part::ToOwner,
        text(r#"", "n": "#),
        Part::Number,
        text("}"),
    ];
    assert!(matches!(&call.says, Says::Request(one) if one.0 == request));
}

#[test]
fn a_resolved_scenario_reads_as_itself() {
    let first = good(BASE.replace("execute_operations = [\"bank\"]", "").as_str());
    let json: serde_json::Value = serde_json::from_str(&first.resolved_json).expect("JSON");
    let again = good(&toml::to_string(&json).expect("JSON without null is TOML"));
    assert_eq!(again.resolved_json, first.resolved_json);
    assert_eq!(again.plan, first.plan);
}

/// What is changed in the base scenario: a title, the part that goes, and what comes instead.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("not there yet", "", ""),
    ("no name", "name       = \"gold\"\n", ""),
    ("bad name", "name       = \"gold\"", "name = \"pure gold\""),
    ("name taken", "name    = \"bank\"", "name    = \"swap\""),
    ("no creator", "creator    = \"alice\"\n", ""),
    (
        "unknown creator",
        "creator    = \"alice\"",
        "creator = \"alicia\"",
    ),
    (
        "many creators",
        "creator    = \"alice\"",
        "creator = \"user/*\"",
    ),
    (
        "creator that owns nothing here",
        "\"ben\"\npublisher",
        "\"alice\"\npublisher",
    ),
    (
        "unknown publisher",
        "publisher     = \"alice\"",
        "publisher = \"carol\"",
    ),
    (
        "unknown module",
        "module     = \"fungible\"",
        "module = \"fungable\"",
    ),
    (
        "module that is a file",
        "module     = \"fungible\"",
        "module = \"f_contract.wasm\"",
    ),
    ("no code", "module     = \"fungible\"\n", ""),
    (
        "no service",
        "service       = \"swap_service.wasm.zst\"\n",
        "",
    ),
    (
        "two codes",
        "module     = \"fungible\"",
        "module = \"fungible\"\ncontract = \"f.wasm\"",
    ),
    (
        "missing file",
        "\"swap_contract.wasm\"",
        "\"swop_contract.wasm\"",
    ),
    ("directory", "\"swap_contract.wasm\"", "\"target\""),
    ("large file", "\"swap_contract.wasm\"", "\"large.wasm\""),
    ("secret file", "\"swap_contract.wasm\"", "\"secret.wasm\""),
    ("text", "\"swap_contract.wasm\"", "\"text.wasm\""),
    ("component", "\"swap_contract.wasm\"", "\"component.wasm\""),
    (
        "torn file",
        "\"swap_service.wasm.zst\"",
        "\"torn.wasm.zst\"",
    ),
    (
        "unknown requirement",
        "requires      = [\"bank\"]",
        "requires = [\"benk\"]",
    ),
    (
        "required twice",
        "requires      = [\"bank\"]",
        "requires = [\"bank\", \"bank\"]",
    ),
    (
        "requires itself",
        "requires      = [\"bank\"]",
        "requires = [\"swap\"]",
    ),
    (
        "circle",
        "creator = \"user/1\"",
        "creator = \"user/1\"\nparameters = \"${app:swap}\"",
    ),
    ("date", "decimals = -2", "decimals = [1, 2026-01-01]"),
    ("no number", "share = 0.5", "share = nan"),
    (
        "large number",
        "decimals = -2",
        "decimals = 99999999999999999999",
    ),
    ("unknown owner in a key", "${owner:ben}", "${owner:bem}"),
    ("chosen chain of a creation", "${own:owner}", "${to:owner}"),
    ("number of a creation", "${own:owner}", "${number}"),
    (
        "unknown application",
        "application = \"swap\"",
        "application = \"swab\"",
    ),
    ("no application", "application = \"swap\", ", ""),
    ("nothing asked", ", request = { query = \"q\", n = 3 }", ""),
    ("asked twice", "n = 3 }", "n = 3 }, mutation = \"a\""),
    ("request on a date", "n = 3 }", "n = 2026-01-01 }"),
    (
        "request that is a date",
        "{ query = \"q\", n = 3 }",
        "2026-01-01",
    ),
    (
        "unknown names in a text",
        "${owner:alice}\")",
        "${owner:alic} ${chin:bob} ${own:er}\")",
    ),
    ("name without end", "${owner:alice}\")", "${owner:alice\")"),
    ("nothing is chosen", "${owner:alice}\")", "${to:owner}\")"),
    (
        "bracket without end",
        "${owner:alice}\")",
        "${owner:alice}\"",
    ),
    (
        "bracket too many",
        "${owner:alice}\")",
        "${owner:alice}\") }",
    ),
    ("string without end", "${owner:alice}\")", "${owner:alice})"),
    ("odd digits", "01 aB", "01 aB3"),
    ("foreign digits", "01 aB", "0x01"),
    ("not JSON", "\"n\": ${number}", "n: ${number}"),
    ("choice of an account", "sticky(user/*)", "ben@bob"),
    (
        "call without words",
        "{ application = \"swap\", request = { query = \"q\", n = 3 } }",
        "true",
    ),
];

const LINTS: &[(&str, &str, &str)] = &[
    ("choice that changes nothing", "${to:owner}", "${own:owner}"),
    (
        "created after the end",
        "at            = \"1s\"",
        "at = \"11s\"",
    ),
    (
        "permits nobody",
        "manage_chain = [\"swap\"]",
        "manage_chain = [\"swaps\"]",
    ),
];

fn said(from: &str, to: &str) -> Vec<Diagnostic> {
    let text = if from.is_empty() {
        BASE.to_owned()
    } else {
        changed(from, to).replace("execute_operations = [\"bank\"]", "")
    };
    match checked(&text) {
        Ok(checked) => checked.warnings,
        Err(all) => all,
    }
}

fn book(changes: &[(&str, &str, &str)], severity: Severity) -> String {
    let mut book = String::new();
    for (title, from, to) in changes {
        let diagnostics = said(from, to);
        let found = diagnostics.iter().any(|one| one.severity() == severity);
        assert!(found, "{title}: {}", printed(&diagnostics));
        book.push_str(&format!("=== {title}\n{}\n", printed(&diagnostics)));
    }
    book
}

#[test]
fn mistakes_with_applications_are_explained() {
    insta::assert_snapshot!("mistakes", book(MISTAKES, Severity::Error));
    insta::assert_snapshot!("lints", book(LINTS, Severity::Warning));
}

#[test]
fn a_mistake_with_an_application_is_said_once() {
    for (title, from, to) in MISTAKES {
        let diagnostics = said(from, to);
        let expected = match *title {
            "unknown names in a text" => 3,
            _ => 1,
        };
        assert_eq!(
            diagnostics.len(),
            expected,
            "{title}: {}",
            printed(&diagnostics)
        );
    }
}

/// A file is read once for all variants, and what is wrong with it is said once.
#[test]
fn variants_share_files() {
    let text = format!(
        "{BASE}\n[[variants]]\nname = \"late\"\nset = {{ \"applications.swap.at\" = \"2s\" }}\n"
    );
    let text = text.replace("execute_operations = [\"bank\"]", "");
    assert_eq!(good(&text).files.len(), 2);
    let options = Options {
        variant: Some("late".to_owned()),
        ..Options::default()
    };
    let late = check_with(&text, "base.toml", &options, &Folder).expect("the variant is good");
    assert_eq!(late.plan.applications[1].at.as_micros(), 2_000_000);
    let Err(said) = checked(&text.replace("swap_contract.wasm", "text.wasm")) else {
        panic!("text is no code")
    };
    assert_eq!(said.len(), 1);
}
