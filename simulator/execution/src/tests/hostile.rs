//! Traps, endless loops, growth, floods: each ends the guest that does it, with a reason.

use protocol::application::guest::{Entry, GuestError, Role};

use crate::{
    Limits,
    testing::{FUEL, compile, contract_text, finish, guest, run},
};

const LOG: &str = r#"(import "linera:app/base-runtime-api" "log" (func $log (param i32 i32 i32)))"#;
const EMPTY: &str = "(i32.const 16)";

fn fails(parts: &str, body: &str) -> GuestError {
    run(&contract_text(parts, body), b"").expect_err("it misbehaves")
}

#[test]
fn an_operation_has_a_response() {
    let body = "(i32.store offset=16 (i32.const 0) (local.get 0))
                (i32.store offset=20 (i32.const 0) (local.get 1)) (i32.const 16)";
    assert_eq!(run(&contract_text("", body), b"echo"), Ok(b"echo".to_vec()));
    assert_eq!(run(&contract_text("", body), b""), Ok(Vec::new()));
}

#[test]
fn a_trap_says_what_it_is() {
    let trap = |reason: &str| GuestError::Trap(reason.to_owned());
    let unreachable = trap("wasm `unreachable` instruction executed");
    assert_eq!(fails("", "unreachable"), unreachable);
    let division = "(i32.div_u (i32.const 1) (local.get 1))";
    assert_eq!(fails("", division), trap("integer divide by zero"));
    let outside = "(i32.load (i32.const 0x7fffffff))";
    assert_eq!(fails("", outside), trap("out of bounds memory access"));
    let recursion = "(func $again (result i32) (i32.add (i32.const 1) (call $again)))";
    assert_eq!(
        fails(recursion, "(call $again)"),
        trap("call stack exhausted")
    );
}

#[test]
fn a_panic_is_told_in_its_own_words() {
    let parts = format!(r#"{LOG} (data (i32.const 100) "index out of bounds")"#);
    let body = "(call $log (i32.const 100) (i32.const 19) (i32.const 0)) unreachable";
    let panic = GuestError::Panic("index out of bounds".to_owned());
    assert_eq!(fails(&parts, body), panic);
    // What is only said, and not as an error, is no reason.
    let body = "(call $log (i32.const 100) (i32.const 19) (i32.const 2)) unreachable";
    assert!(matches!(fails(&parts, body), GuestError::Trap(_)));
}

#[test]
fn an_endless_loop_uses_up_its_fuel() {
    let text = contract_text("", "(loop $l (br $l)) unreachable");
    let mut guest = guest(Role::Contract, &text, Limits::DEFAULT, 100_000);
    let (_, result) = finish(&mut *guest, Entry::ExecuteOperation(Vec::new()));
    assert_eq!(result, Err(GuestError::OutOfFuel));
    assert_eq!(guest.fuel(), 0);
}

#[test]
fn memory_ends_at_the_limit() {
    let maximum = Limits::DEFAULT.memory_bytes;
    let limit = GuestError::MemoryLimit { maximum };
    // Whoever is refused may make do without, however often it asks.
    let asks = "(drop (memory.grow (i32.const 65535))) (i32.const 16)";
    assert_eq!(run(&contract_text("", asks), b""), Ok(Vec::new()));
    let body = "(loop $l (drop (memory.grow (i32.const 16))) (br $l)) unreachable";
    assert_eq!(fails("", body), GuestError::OutOfFuel);
    // Whoever traps then has run out of it, unless it says something else.
    let traps = "(loop $l (br_if $l (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0))))";
    assert_eq!(fails("", &format!("{traps} unreachable")), limit);
    let says = "(call $log (i32.const 0) (i32.const 4) (i32.const 0))";
    let panic = fails(LOG, &format!("{traps} {says} unreachable"));
    assert_eq!(panic, GuestError::Panic("\0\0\0\0".to_owned()));
    let tables = "(table $t 1 funcref)";
    let body = "(loop $l (br_if $l (i32.ge_s
                  (table.grow $t (ref.null func) (i32.const 1000)) (i32.const 0)))) unreachable";
    assert_eq!(fails(tables, body), limit);
}

#[test]
fn the_host_is_called_so_often_and_no_more() {
    let height = r#"(import "linera:app/base-runtime-api" "get-block-height"
                    (func $height (result i64)))"#;
    let text = contract_text(
        height,
        "(loop $l (drop (call $height)) (br $l)) unreachable",
    );
    let limits = Limits {
        host_calls: 100,
        ..Limits::DEFAULT
    };
    let mut guest = guest(Role::Contract, &text, limits, FUEL);
    let (asked, result) = finish(&mut *guest, Entry::ExecuteOperation(Vec::new()));
    assert_eq!(result, Err(GuestError::HostCallLimit { maximum: 100 }));
    assert_eq!(asked.len(), 100);
}

#[test]
fn a_flood_of_log_is_cut() {
    let body = "(loop $l (call $log (i32.const 0) (i32.const 60000) (i32.const 2)) (br $l))
                unreachable";
    let maximum = Limits::DEFAULT.log_bytes;
    assert_eq!(fails(LOG, body), GuestError::LogLimit { maximum });
}

#[test]
fn answers_that_nobody_fetches_do_not_pile_up() {
    let new = r#"(import "linera:app/base-runtime-api" "find-keys-new"
                 (func $new (param i32 i32) (result i32)))"#;
    let body = "(loop $l (drop (call $new (i32.const 0) (i32.const 1))) (br $l)) unreachable";
    let limits = Limits {
        promised_bytes: 10_000,
        ..Limits::DEFAULT
    };
    let mut guest = guest(Role::Contract, &contract_text(new, body), limits, FUEL);
    let (asked, result) = finish(&mut *guest, Entry::ExecuteOperation(Vec::new()));
    let error = result.expect_err("it only asks").to_string();
    assert_eq!(error, "find-keys-new: too many answers are not fetched");
    assert!(
        asked.len() < 150,
        "{} answers of some 100 bytes",
        asked.len()
    );
}

#[test]
fn a_promise_is_kept_once_and_by_its_own_function() {
    let parts = r#"
      (import "linera:app/base-runtime-api" "contains-key-new"
        (func $new (param i32 i32) (result i32)))
      (import "linera:app/base-runtime-api" "contains-key-wait"
        (func $wait (param i32) (result i32)))
      (import "linera:app/base-runtime-api" "find-keys-wait"
        (func $other (param i32 i32)))"#;
    let new = "(call $new (i32.const 0) (i32.const 1))";
    let kept = format!("(drop (call $wait {new})) {EMPTY}");
    assert_eq!(run(&contract_text(parts, &kept), b""), Ok(Vec::new()));
    let twice = format!("(drop (call $wait {new})) (drop (call $wait (i32.const 0))) {EMPTY}");
    let error = fails(parts, &twice).to_string();
    let reason = "contains-key-wait: there is no promise 0 of `contains-key-new`";
    assert_eq!(error, reason);
    let other = format!("(call $other {new} (i32.const 64)) {EMPTY}");
    let error = fails(parts, &other).to_string();
    assert_eq!(
        error,
        "find-keys-wait: there is no promise 0 of `find-keys-new`"
    );
}

#[test]
fn an_allocator_gives_room_that_there_is() {
    let export = |body: &str| {
        let text = contract_text("", "(i32.const 16)");
        let start = text.find("(local $at i32)").expect("the allocator");
        let end = text
            .find("(func (export \"linera")
            .expect("the entry points");
        let text = format!("{}{body}){}", &text[..start], &text[end..]);
        run(&text, b"twelve bytes")
    };
    let malformed = |result: Result<_, GuestError>| result.expect_err("it lies").to_string();
    let outside = malformed(export("(i32.const 0x7fff0000)"));
    assert_eq!(outside, "the arguments: the result does not lie in memory");
    let trap = export("unreachable");
    assert!(matches!(trap, Err(GuestError::Trap(_))), "{trap:?}");
    let endless = export("(loop $l (br $l)) unreachable");
    assert_eq!(endless, Err(GuestError::OutOfFuel));
}

#[test]
fn an_allocator_does_not_call_the_host() {
    let parts = r#"(import "linera:app/base-runtime-api" "get-block-height"
                   (func $height (result i64)))"#;
    let text = contract_text(parts, "(i32.const 16)");
    let text = text.replace("(local $at i32)", "(local $at i32) (drop (call $height))");
    let error = run(&text, b"operation").expect_err("it calls").to_string();
    let reason = "cabi_realloc: the host is asked while it hands something over";
    assert_eq!(error, reason);
}

#[test]
fn a_guest_remembers_until_it_is_dropped() {
    let body = "(i32.store offset=100 (i32.const 0)
                  (i32.add (i32.const 1) (i32.load offset=100 (i32.const 0))))
                (i32.store offset=16 (i32.const 0) (i32.const 100))
                (i32.store offset=20 (i32.const 0) (i32.const 1)) (i32.const 16)";
    let module = compile(Role::Contract, &contract_text("", body)).expect("it compiles");
    for _ in 0..2 {
        let mut guest = module.instantiate(FUEL).expect("there is fuel");
        for count in 1..4 {
            let (_, result) = finish(&mut *guest, Entry::ExecuteOperation(Vec::new()));
            assert_eq!(result, Ok(vec![count]));
        }
    }
}

/// What one guest cannot do: loops over growth have overflowed the native stack with another dispatch
/// of the interpreter, one frame an operator.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a native stack of this size needs a thread"
)]
fn loops_over_growth_stay_off_the_native_stack() {
    let operators = [
        ("", "(drop (memory.grow (i32.const 0)))"),
        (
            "(table $t 1 funcref)",
            "(drop (table.grow $t (ref.null func) (i32.const 0)))",
        ),
        (
            "(table $t 1 funcref)",
            "(drop (table.get $t (i32.const 0)))",
        ),
        ("(func $f)", "(call $f)"),
        (
            "",
            "(memory.fill (i32.const 0) (i32.const 0) (i32.const 8))",
        ),
        (
            "",
            "(memory.copy (i32.const 0) (i32.const 64) (i32.const 8))",
        ),
    ];
    let thread = std::thread::Builder::new().stack_size(128 << 10);
    let looping = thread.spawn(move || {
        for (parts, operator) in operators {
            let text = contract_text(parts, &format!("(loop $l {operator} (br $l)) unreachable"));
            assert_eq!(run(&text, b""), Err(GuestError::OutOfFuel), "{operator}");
        }
    });
    let looping = looping.expect("a thread").join();
    looping.expect("the stack is large enough");
}
