//! What the code of applications costs: compiling it, making an instance, calling the host, and whole
//! user actions of the bundled applications, a fresh runtime each.
//!
//! Every figure is processor time, the least of several rounds, since the machine may be shared. No protocol is
//! around: signatures, blocks and validators are not in these figures.
//!
//! `cargo bench -p execution`

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark measures real time and prints what it finds"
)]

#[path = "../tests/it/chain.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod chain;
#[path = "../tests/it/modules.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod modules;
#[path = "../tests/it/words.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod words;

use std::{
    io::{Write, stdout},
    sync::OnceLock,
    time::{Duration, Instant},
};

use chain::{Chain, FUEL, owner};
use execution::{Limits, Machine, inspect::inspect};
use protocol::{
    application::{
        action::{self, UserAction},
        guest::{Entry, Guest, Role, Step, VirtualMachine},
        request::Answer,
    },
    ids::{ApplicationId, BlockHeight},
};
use words::{Account, FungibleOperation, Owner};

const ROUNDS: u32 = 7;

/// What this thread has used of its processor, to a few milliseconds; wall-clock time where the
/// operating system does not say.
fn used() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = schedule.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(
        || START.get_or_init(Instant::now).elapsed(),
        Duration::from_nanos,
    )
}

/// The least time of several rounds of `count` repetitions, for one repetition.
fn least(count: u32, mut repeated: impl FnMut()) -> Duration {
    let round = |_| {
        let start = used();
        for _ in 0..count {
            repeated();
        }
        (used() - start) / count
    };
    (0..ROUNDS).map(round).min().expect("there are rounds")
}

fn say(line: &str) {
    writeln!(stdout(), "{line}").expect("somebody reads it");
}

fn per_second(duration: Duration) -> u128 {
    1_000_000_000 / duration.as_nanos().max(1)
}

fn compiling() {
    say("module                    bytes   functions   memory KiB   compile    instance");
    let applications = [
        ("counter", modules::counter()),
        ("fungible", modules::fungible()),
        ("conformance", modules::conformance()),
    ];
    for (name, application) in applications {
        let sides = [
            ("contract", Role::Contract, application.contract),
            ("service", Role::Service, application.service),
        ];
        for (side, role, code) in sides {
            let shape = inspect(&code, &Limits::DEFAULT).expect("a module");
            let machine = Machine::default();
            let compile = || machine.compile(role, &code).expect("a module");
            let compiled = compile();
            let took = least(20, || drop(compile()));
            let instance = least(2_000, || {
                drop(compiled.instantiate(FUEL).expect("there is fuel"));
            });
            say(&format!(
                "{:<22}{:>9}{:>12}{:>13}{:>7} us{:>9} us",
                format!("{name} {side}"),
                shape.bytes,
                shape.functions,
                shape.memory_bytes / 1024,
                took.as_micros(),
                instance.as_micros(),
            ));
        }
    }
}

/// A contract that asks for the height, or reads a value of 32 bytes, so often.
fn asking(with_memory: bool) -> Vec<u8> {
    let (import, ask) = if with_memory {
        (
            r#"(import "linera:app/base-runtime-api" "application-parameters"
               (func $ask (param i32)))"#,
            "(call $ask (i32.const 64))",
        )
    } else {
        (
            r#"(import "linera:app/base-runtime-api" "get-block-height"
               (func $ask (result i64)))"#,
            "(drop (call $ask))",
        )
    };
    let entry = "linera:app/contract-entrypoints#";
    let text = format!(
        r#"(module {import}
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "{entry}instantiate") (param i32 i32))
        (func (export "{entry}execute-operation") (param i32 i32) (result i32) (local $n i32)
          (local.set $n (i32.const {ASKED}))
          (loop $l {ask}
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (i32.const 16))
        (func (export "{entry}execute-message") (param i32 i32))
        (func (export "{entry}process-streams") (param i32 i32))
        (func (export "{entry}finalize")))"#
    );
    wat::parse_str(text).expect("the text of a module")
}

const ASKED: u32 = 10_000;

fn ask(guest: &mut dyn Guest, answer: &Answer) {
    let mut step = guest.start(Entry::ExecuteOperation(Vec::new()));
    loop {
        step = match step {
            Step::Asks(_) => guest.resume(answer.clone()),
            Step::Returns(_) => return,
            Step::Fails(error) => panic!("{error}"),
        };
    }
}

fn calling() {
    let answers = [
        (
            "a call without memory",
            false,
            Answer::BlockHeight(BlockHeight(7)),
        ),
        (
            "a call that gets 32 bytes",
            true,
            Answer::Bytes(vec![0; 32]),
        ),
    ];
    for (what, with_memory, answer) in answers {
        let module = Machine::default().compile(Role::Contract, &asking(with_memory));
        let module = module.expect("a module");
        let took = least(20, || {
            let mut guest = module.instantiate(FUEL).expect("there is fuel");
            ask(&mut *guest, &answer);
        });
        say(&format!("{what:<34}{:>7} ns", (took / ASKED).as_nanos()));
    }
}

/// The time and the fuel of one operation, performed on the same state again and again.
fn acting(what: &str, chain: &mut Chain, application: ApplicationId, operation: &[u8]) {
    let mut used = 0;
    let mut act = || {
        let action = UserAction {
            application,
            entry: Entry::ExecuteOperation(operation.to_vec()),
            owner: Some(owner(1)),
            message: None,
            fuel: FUEL,
        };
        let outcome = action::perform(&action, chain);
        outcome.result.expect("it works");
        used = FUEL - outcome.fuel;
    };
    let took = least(1_000, &mut act);
    say(&format!(
        "{what:<26}{:>7} us{:>10} a second{:>10} units of fuel",
        took.as_micros(),
        per_second(took),
        used,
    ));
}

fn actions() {
    let mut chain = Chain::new();
    let modules = modules::counter();
    let module = chain.publish(&modules.contract, &modules.service);
    let counter = chain.create(module, "null", "0").expect("it is created");
    let increment = bcs::to_bytes(&(0_u8, 1_u64)).expect("a pair");
    acting("counter: increment", &mut chain, counter, &increment);
    let modules = modules::fungible();
    let module = chain.publish(&modules.contract, &modules.service);
    let argument = format!("{{\"accounts\":{{\"{}\":\"1000000\"}}}}", owner(1));
    let created = chain.create(module, "{\"ticker_symbol\":\"ABC\"}", &argument);
    let token = created.expect("it is created");
    let transfer = FungibleOperation::Transfer {
        owner: owner(1).into(),
        amount: 1,
        target_account: Account {
            chain: *chain.id.0.as_bytes(),
            owner: Owner::from(owner(2)),
        },
    };
    let transfer = bcs::to_bytes(&transfer).expect("operations have an encoding");
    acting("fungible: transfer", &mut chain, token, &transfer);
    let query = "{\"query\":\"{ supply }\"}";
    let took = least(50, || {
        chain.query(token, query).expect("it answers");
    });
    say(&format!(
        "{:<26}{:>7} us{:>10} a second{:>10} units of fuel",
        "fungible: query supply",
        took.as_micros(),
        per_second(took),
        chain.used,
    ));
}

fn main() {
    compiling();
    say("");
    calling();
    say("");
    actions();
}
