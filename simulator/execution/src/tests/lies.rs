//! Guests that pass whatever they like to every function of the host.

use proptest::prelude::*;
use protocol::application::{
    guest::{Entry, GuestError, Role, Step},
    request::{Answer, ContractRequest, Request},
};

use crate::{
    Limits,
    interface::{self, Function},
    testing::{FUEL, answer, bytecode, caller_text, compile, contract_text, finish, guest, run},
};

/// Both roles, with every function that they may import.
fn all_functions() -> Vec<(Role, &'static Function)> {
    [Role::Contract, Role::Service]
        .into_iter()
        .flat_map(|role| interface::functions(role).map(move |function| (role, function)))
        .collect()
}

fn entry(role: Role, words: &[u64]) -> Entry {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    match role {
        Role::Contract => Entry::ExecuteOperation(bytes),
        Role::Service => Entry::HandleQuery(bytes),
    }
}

/// Words that are likely to hit something: small numbers, addresses in memory and at its end, lengths
/// that fit and do not, and anything.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..4_u64,
        4 => (0..8_300_u64).prop_map(|address| address & !7),
        2 => 65_500..65_600_u64,
        2 => Just(u64::from(u32::MAX)),
        1 => Just(u64::MAX),
        1 => Just(0x8000_0000),
        2 => any::<u64>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every function with arbitrary parameters: it is asked, or it fails with a reason. Nothing else
    /// can happen, and nothing happens to the host.
    #[test]
    fn every_function_survives_any_parameters(
        calls in proptest::collection::vec(proptest::collection::vec(word(), 48), 8),
    ) {
        for (role, function) in all_functions() {
            let module = compile(role, &caller_text(role, function));
            let module = module.expect("it compiles");
            for words in &calls {
                let mut guest = module.instantiate(FUEL).expect("there is fuel");
                let (_, result) = finish(&mut *guest, entry(role, words));
                let is_reasonable = matches!(
                    &result,
                    Ok(_)
                        | Err(
                            GuestError::Malformed { .. }
                                | GuestError::OutOfFuel
                                | GuestError::MemoryLimit { .. }
                                | GuestError::LogLimit { .. }
                        )
                );
                prop_assert!(is_reasonable, "{}: {result:?}", function.name);
            }
        }
    }

    /// Any bytes are a module, or are refused; nobody panics over them.
    #[test]
    fn any_bytes_are_looked_at(noise in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..8)) {
        let mut bytes = bytecode(&contract_text("", "(i32.const 16)"));
        for (position, byte) in noise {
            let position = position % bytes.len();
            bytes[position] = byte;
        }
        let limits = Limits::DEFAULT;
        let _ = crate::inspect::inspect(&bytes, &limits);
    }
}

/// Where each function has its first list, if it has one among its parameters: the words to pass so
/// that all before are harmless, and the place of address and length.
#[test]
fn no_length_is_believed() {
    for (role, function) in all_functions() {
        let signature = function.signature();
        let has_list = function.params.iter().any(|ty| {
            matches!(
                ty,
                crate::abi::Type::Bytes | crate::abi::Type::Text | crate::abi::Type::List(_)
            )
        });
        if !has_list || signature.params_in_memory {
            continue;
        }
        // Every word a length that is a lie: whichever is an address or a length, none of them holds.
        let words = vec![0xffff_fff8; signature.params.len()];
        let mut guest = guest(role, &caller_text(role, function), Limits::DEFAULT, FUEL);
        let (asked, result) = finish(&mut *guest, entry(role, &words));
        let refused = matches!(&result, Err(GuestError::Malformed { function: name, .. })
            if name == function.name);
        assert!(refused, "{}: {result:?}", function.name);
        assert_eq!(asked, Vec::new(), "{}", function.name);
    }
}

/// A list of lists whose elements all lie at the same place is much larger than the memory.
#[test]
fn overlapping_lists_are_counted_each_time() {
    let parts = r#"(import "linera:app/base-runtime-api" "contains-keys-new"
                   (func $new (param i32 i32) (result i32)))"#;
    // 7000 keys of 60000 bytes each, all of them the whole memory.
    let body = "(local $i i32)
      (loop $l
        (i32.store (i32.add (i32.const 8) (i32.mul (local.get $i) (i32.const 8))) (i32.const 0))
        (i32.store (i32.add (i32.const 12) (i32.mul (local.get $i) (i32.const 8))) (i32.const 60000))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 7000))))
      (drop (call $new (i32.const 8) (i32.const 7000))) (i32.const 16)";
    let error = run(&contract_text(parts, body), b"").expect_err("too much");
    assert_eq!(
        error.to_string(),
        "contains-keys-new: too much is passed at once"
    );
}

#[test]
fn a_response_lies_in_memory() {
    let text = contract_text("", "(i32.const 0x7ffffff0)");
    let error = run(&text, b"").expect_err("it lies").to_string();
    let entry_point = "linera:app/contract-entrypoints#execute-operation";
    let reason = "4 bytes at 2147483632 do not lie in a memory of 65536";
    assert_eq!(error, format!("{entry_point}: {reason}"));
}

#[test]
fn cases_and_texts_are_checked() {
    let owner = r#"(import "linera:app/base-runtime-api" "read-owner-balance"
                   (func $f (param i32 i64 i64 i64 i64 i32)))"#;
    let body = "(call $f (i32.const 3) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)
                (i32.const 64)) (i32.const 16)";
    let error = run(&contract_text(owner, body), b"").expect_err("no such owner");
    assert_eq!(
        error.to_string(),
        "read-owner-balance: there is no case 3 among 3"
    );
    let log = r#"(import "linera:app/base-runtime-api" "log" (func $f (param i32 i32 i32)))
                 (data (i32.const 100) "\ff\fe")"#;
    let body = "(call $f (i32.const 100) (i32.const 2) (i32.const 0)) (i32.const 16)";
    let error = run(&contract_text(log, body), b"")
        .expect_err("no text")
        .to_string();
    assert!(error.starts_with("log: a text is not UTF-8"), "{error}");
}

/// Who may close a chain and who may change permissions are two lists in this interface.
#[test]
fn whoever_is_on_one_list_only_may_do_one_thing_only() {
    let function = interface::functions(Role::Contract)
        .find(|function| function.name == "change-application-permissions")
        .expect("it is in the table");
    let mut guest = guest(
        Role::Contract,
        &caller_text(Role::Contract, function),
        Limits::DEFAULT,
        FUEL,
    );
    // Nobody executes, none is mandatory, one application at address 0 may close the chain, none may
    // change permissions, anybody asks services and the web.
    let words = [0, 0, 0, 8, 0, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 64];
    let (asked, _) = finish(&mut *guest, entry(Role::Contract, &words));
    let Some(Request::Contract(ContractRequest::ChangeApplicationPermissions(permissions))) =
        asked.first()
    else {
        panic!("{asked:?}");
    };
    assert_eq!(permissions.close_chain.len(), 1);
    assert!(permissions.manage_chain.is_empty() && permissions.change_permissions.is_empty());
}

/// An answer that a guest has no room for is its own misfortune.
#[test]
fn answers_larger_than_a_guest_fail_it() {
    let function = interface::functions(Role::Contract)
        .find(|function| function.name == "application-parameters")
        .expect("it is in the table");
    let text = caller_text(Role::Contract, function);
    let mut guest = guest(Role::Contract, &text, Limits::DEFAULT, 1 << 40);
    let Step::Asks(request) = guest.start(entry(Role::Contract, &[64])) else {
        panic!("it asks for its parameters");
    };
    assert!(matches!(answer(&request), Answer::Bytes(_)));
    let step = guest.resume(Answer::Bytes(vec![0; 40 << 20]));
    let Step::Fails(error) = step else {
        panic!("there is no room");
    };
    let reason = "application-parameters: the result does not lie in memory";
    assert_eq!(error.to_string(), reason);
}
