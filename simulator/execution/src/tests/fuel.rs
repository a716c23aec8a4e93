//! What things cost, to the unit: a change of any number here changes every run with applications.

use protocol::application::guest::{Entry, GuestError, Role};

use crate::{
    Limits,
    testing::{FUEL, compile, contract_text, finish, guest},
};

fn cost(parts: &str, body: &str, operation: &[u8]) -> u64 {
    let text = contract_text(parts, body);
    let mut guest = guest(Role::Contract, &text, Limits::DEFAULT, FUEL);
    let before = guest.fuel();
    let entry = Entry::ExecuteOperation(operation.to_vec());
    let (_, result) = finish(&mut *guest, entry);
    result.expect("it does as it should");
    before - guest.fuel()
}

#[test]
fn prices_are_these() {
    let instance = {
        let text = contract_text("", "(i32.const 16)");
        FUEL - guest(Role::Contract, &text, Limits::DEFAULT, FUEL).fuel()
    };
    let height = r#"(import "linera:app/base-runtime-api" "get-block-height"
                    (func $height (result i64)))"#;
    let blob = r#"(import "linera:app/base-runtime-api" "application-parameters"
                  (func $parameters (param i32)))"#;
    let burn = r#"(import "linera:app/contract-runtime-api" "consume-fuel"
                  (func $burn (param i64)))"#;
    let looping = "(local $n i32) (local.set $n (i32.const 100))
      (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (i32.const 16)";
    let prices = [
        ("instance", instance),
        ("nothing", cost("", "(i32.const 16)", b"")),
        (
            "an operation of 64 bytes",
            cost("", "(i32.const 16)", &[0; 64]),
        ),
        ("a loop of 100", cost("", looping, b"")),
        (
            "a page",
            cost("", "(drop (memory.grow (i32.const 1))) (i32.const 16)", b""),
        ),
        (
            "a call of the host",
            cost(height, "(drop (call $height)) (i32.const 16)", b""),
        ),
        (
            "bytes from the host",
            cost(
                blob,
                "(call $parameters (i32.const 64)) (i32.const 16)",
                b"",
            ),
        ),
        (
            "1000 units",
            cost(burn, "(call $burn (i64.const 1000)) (i32.const 16)", b""),
        ),
        (
            "a float",
            cost("", "(drop (f64.sqrt (f64.const 2))) (i32.const 16)", b""),
        ),
    ];
    let golden = [
        ("instance", 6_024),
        ("nothing", 2),
        ("an operation of 64 bytes", 288),
        ("a loop of 100", 604),
        ("a page", 1_282),
        ("a call of the host", 310),
        ("bytes from the host", 593),
        ("1000 units", 1_311),
        ("a float", 4),
    ];
    assert_eq!(prices, golden);
}

#[test]
fn nothing_is_for_free_that_is_not_paid() {
    let text = contract_text("", "(i32.const 16)");
    let module = compile(Role::Contract, &text).expect("it compiles");
    let error = module.instantiate(1_000).err();
    assert_eq!(error, Some(GuestError::OutOfFuel));
}

#[test]
fn not_a_number_has_one_form() {
    let body = "(f64.store offset=100 (i32.const 0) (f64.div (f64.const 0) (f64.const 0)))
                (i32.store offset=16 (i32.const 0) (i32.const 100))
                (i32.store offset=20 (i32.const 0) (i32.const 8)) (i32.const 16)";
    let bits = crate::testing::run(&contract_text("", body), b"");
    assert_eq!(bits, Ok(vec![0, 0, 0, 0, 0, 0, 0xf8, 0x7f]));
}
