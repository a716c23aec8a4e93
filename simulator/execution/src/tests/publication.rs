//! What is said of modules when they are published, or looked at.

use protocol::application::guest::{ModuleError, Role};

use crate::{
    INTERFACE_VERSION, Limits,
    inspect::inspect,
    testing::{bytecode, compile, contract_text, service_text},
};

fn refused(text: &str) -> String {
    let refused = compile(Role::Contract, text).err();
    refused.expect("it is refused").to_string()
}

fn with_import(import: &str) -> String {
    contract_text(import, "(i32.const 16)")
}

#[test]
fn what_is_no_module_is_said_to_be_none() {
    let error = |bytes: &[u8]| inspect(bytes, &Limits::DEFAULT).expect_err("no module");
    assert!(matches!(error(b""), ModuleError::NotWasm(_)));
    assert!(matches!(error(b"#!/bin/sh"), ModuleError::NotWasm(_)));
    let component = error(b"\0asm\x0d\0\x01\0").to_string();
    assert!(component.contains("component"), "{component}");
    let cut = error(b"\0asm\x01\0\0\0\x01\x7f").to_string();
    assert!(cut.starts_with("not a valid module"), "{cut}");
    let limits = Limits {
        bytecode_bytes: 3,
        ..Limits::DEFAULT
    };
    let large = inspect(b"\0asm", &limits).expect_err("too large");
    assert_eq!(large.to_string(), "4 bytes of code, more than 3");
}

#[test]
fn an_unknown_import_is_named_with_the_nearest_one() {
    let import = r#"(import "linera:app/base-runtime-api" "get-chain-idd" (func (param i32)))"#;
    assert_eq!(
        refused(&with_import(import)),
        "unknown import `linera:app/base-runtime-api#get-chain-idd`; the nearest known one is \
         `linera:app/base-runtime-api#get-chain-id`"
    );
    let import = r#"(import "wasi_snapshot_preview1" "clock_time_get" (func (param i32)))"#;
    let error = refused(&with_import(import));
    assert_eq!(
        error,
        "unknown import `wasi_snapshot_preview1#clock_time_get`"
    );
    // Services may do less than contracts.
    let import = r#"(import "linera:app/contract-runtime-api" "close-chain" (func (param i32)))"#;
    let service = compile(Role::Service, &service_text(import, "(i32.const 16)"));
    assert!(matches!(
        service.err(),
        Some(ModuleError::UnknownImport { .. })
    ));
}

#[test]
fn a_later_interface_is_recognised() {
    let import = r#"(import "linera:app/contract-runtime-api" "authenticated-owner"
                    (func (param i32)))"#;
    let error = refused(&with_import(import));
    let reason = format!("is of interface 0.16, and this host speaks {INTERFACE_VERSION}");
    assert!(error.ends_with(&reason), "{error}");
    let inspection = inspect(&bytecode(&with_import(import)), &Limits::DEFAULT);
    assert_eq!(inspection.expect("a module").version, Some("0.16"));
}

#[test]
fn types_are_compared() {
    let import = r#"(import "linera:app/base-runtime-api" "get-chain-id" (func (result i64)))"#;
    assert_eq!(
        refused(&with_import(import)),
        "import `linera:app/base-runtime-api#get-chain-id` is () -> (i64), and should be (i32) -> ()"
    );
    let text = with_import("").replace("#finalize\")", "#finalize\") (param i32)");
    assert_eq!(
        refused(&text),
        "export `linera:app/contract-entrypoints#finalize` is (i32) -> (), and should be () -> ()"
    );
}

#[test]
fn what_is_missing_is_named() {
    let text = with_import("").replace("#execute-message", "#execute-mesage");
    assert_eq!(
        refused(&text),
        "no export `linera:app/contract-entrypoints#execute-message`: is \
         `linera:app/contract-entrypoints#execute-mesage` meant to be it?"
    );
    let error = refused("(module)");
    assert_eq!(error, "no export `memory`: is it built for this interface?");
}

#[test]
fn large_parts_are_refused() {
    let locals = format!("(func (local {}))", "i64 ".repeat(257));
    let error = refused(&with_import(&locals));
    assert_eq!(error, "locals in one function: 257, more than 256");
    let with_params = format!("(func (param i32 i32) (local {}))", "i64 ".repeat(255));
    let error = refused(&with_import(&with_params));
    assert_eq!(error, "locals in one function: 257, more than 256");
    let memory = with_import("").replace(
        "(memory (export \"memory\") 1)",
        "(memory (export \"memory\") 2000)",
    );
    let error = refused(&memory);
    assert_eq!(
        error,
        "bytes of memory to begin with: 131072000, more than 33554432"
    );
    let error = refused(&with_import("(table 100001 funcref)"));
    assert_eq!(
        error,
        "elements of tables to begin with: 100001, more than 100000"
    );
    let start = refused(&with_import("(func $start) (start $start)"));
    assert!(start.starts_with("not a valid module"), "{start}");
}

#[test]
fn a_module_is_described() {
    let import = r#"(import "linera:app/base-runtime-api" "get-chain-id" (func (param i32)))"#;
    let contract = bytecode(&with_import(import));
    let inspection = inspect(&contract, &Limits::DEFAULT).expect("a module");
    assert_eq!(inspection.role, Some(Role::Contract));
    assert_eq!(inspection.version, Some(INTERFACE_VERSION));
    assert_eq!(
        inspection.imports,
        ["linera:app/base-runtime-api#get-chain-id"]
    );
    assert_eq!(inspection.functions, 6);
    assert_eq!(inspection.memory_bytes, 65_536);
    assert_eq!(inspection.problems, []);
    let service = bytecode(&service_text("", "(i32.const 16)"));
    let inspection = inspect(&service, &Limits::DEFAULT).expect("a module");
    assert_eq!(inspection.role, Some(Role::Service));
    let neither = inspect(&bytecode("(module)"), &Limits::DEFAULT).expect("a module");
    assert_eq!((neither.role, neither.version), (None, None));
    assert_eq!(neither.problems.len(), 1);
}
