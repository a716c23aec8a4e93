//! The bundled application that does what a guest should not, as the SDK builds it; and every bundled
//! module as it is committed.

use protocol::{application::action::ActionError, ids::ApplicationId};
use serde::Serialize;

use crate::{
    chain::{Chain, hash, owner},
    modules,
    words::Hash,
};

/// What it may be asked to do.
#[derive(Clone, Debug, Serialize)]
enum Deed {
    Panic {
        bytes: u32,
    },
    Trap,
    Loop,
    #[expect(dead_code, reason = "keeps the number of the next one")]
    Spin {
        times: u64,
    },
    Recurse,
    GrowMemory,
    GrowForEver,
    Allocate {
        bytes: u32,
    },
    NotANumber,
    Log {
        count: u32,
        bytes: u32,
    },
    Send {
        chain: Hash,
        count: u32,
        tracked: bool,
        deeds: Vec<Deed>,
    },
    Write {
        count: u32,
        bytes: u32,
    },
    WriteLongKey {
        bytes: u32,
    },
    Emit {
        count: u32,
        bytes: u32,
    },
    Publish {
        count: u32,
        bytes: u32,
    },
    Ask {
        count: u32,
    },
    Answer {
        bytes: u32,
    },
    Have {
        application: Hash,
        deeds: Vec<Deed>,
    },
    AtEnd(Vec<Deed>),
    Tell(Lie),
    WriteUnknownChange,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
enum Lie {
    TextEndsOutside,
    TextAtTheEnd,
    TextWrapsAround,
    TextIsNoText,
    UnknownLevel,
    HugeKey,
    HugeList,
    HugeKeyInList,
    UnalignedList,
    UnknownPromise,
    PromiseTwice,
    PromiseOfAnotherKind,
    ResultOutside,
    UnalignedResult,
    ManyPromises,
}

fn world() -> (Chain, ApplicationId) {
    let mut chain = Chain::new();
    let modules = modules::hostile();
    let module = chain.publish(&modules.contract, &modules.service);
    let created = chain.create(module, "null", "[]");
    (chain, created.expect("it is created"))
}

fn act(chain: &mut Chain, application: ApplicationId, deed: Deed) -> Result<Vec<u8>, ActionError> {
    let operation = bcs::to_bytes(&vec![deed]).expect("deeds have an encoding");
    chain.operate(application, operation, owner(1))
}

#[test]
fn a_deed_ends_its_action_and_says_why() {
    let (mut chain, hostile) = world();
    let before = chain.storage.clone();
    let deeds = [
        (Deed::Panic { bytes: 5 }, "ppppp"),
        (Deed::Trap, "unreachable"),
        (Deed::Loop, "out of fuel"),
        (Deed::GrowForEver, "out of fuel"),
        (
            Deed::Allocate { bytes: 100 << 20 },
            "more than 33554432 bytes of memory",
        ),
        (
            Deed::Log {
                count: 30,
                bytes: 60_000,
            },
            "more than 1048576 bytes of log",
        ),
        (Deed::WriteUnknownChange, "write-batch: there is no case"),
        (Deed::AtEnd(vec![Deed::Trap]), "unreachable"),
        (
            Deed::Have {
                application: *hostile.0.as_bytes(),
                deeds: Vec::new(),
            },
            "which has not returned",
        ),
    ];
    for (deed, reason) in deeds {
        let error = act(&mut chain, hostile, deed.clone()).expect_err("it is not done");
        let text = error.to_string();
        assert!(text.contains(reason), "{deed:?}: {text}");
        assert_eq!(chain.storage, before, "{deed:?}");
    }
    // The compiler decides which stack is full first: the guest's own or the interpreter's.
    act(&mut chain, hostile, Deed::Recurse).expect_err("no stack is endless");
}

#[test]
fn floods_within_the_bounds_pass() {
    let (mut chain, hostile) = world();
    let here = *hash(0xc1).as_bytes();
    let deeds = [
        Deed::GrowMemory,
        Deed::NotANumber,
        Deed::Log {
            count: 3,
            bytes: 10,
        },
        Deed::Send {
            chain: here,
            count: 50,
            tracked: true,
            deeds: vec![Deed::Trap],
        },
        Deed::Write {
            count: 100,
            bytes: 100,
        },
        Deed::WriteLongKey { bytes: 2_000 },
        Deed::Emit {
            count: 20,
            bytes: 10,
        },
        Deed::Publish {
            count: 2,
            bytes: 1_000,
        },
        Deed::Ask { count: 1_000 },
        Deed::Answer { bytes: 100_000 },
    ];
    for deed in deeds {
        let done = act(&mut chain, hostile, deed.clone());
        assert!(done.is_ok(), "{deed:?}: {done:?}");
    }
    assert_eq!(chain.sent.len(), 50);
    assert_eq!(chain.blobs.len(), 2);
    let answer = act(&mut chain, hostile, Deed::GrowMemory).expect("it is refused and goes on");
    let pages: Vec<u8> = bcs::from_bytes(&answer).expect("bytes");
    let pages = u64::from_le_bytes(pages.try_into().expect("a number"));
    assert!(
        (400..512).contains(&pages),
        "{pages} pages beside those that it has"
    );
}

#[test]
fn no_lie_is_believed() {
    let (mut chain, hostile) = world();
    let before = chain.storage.clone();
    let lies = [
        Lie::TextEndsOutside,
        Lie::TextAtTheEnd,
        Lie::TextWrapsAround,
        Lie::TextIsNoText,
        Lie::UnknownLevel,
        Lie::HugeKey,
        Lie::HugeList,
        Lie::HugeKeyInList,
        Lie::UnalignedList,
        Lie::UnknownPromise,
        Lie::PromiseTwice,
        Lie::PromiseOfAnotherKind,
        Lie::ResultOutside,
        Lie::UnalignedResult,
    ];
    for lie in lies {
        let error = act(&mut chain, hostile, Deed::Tell(lie)).expect_err("a lie");
        let ActionError::Guest { error, .. } = error else {
            panic!("{lie:?}: {error}");
        };
        let is_malformed = matches!(
            *error,
            protocol::application::guest::GuestError::Malformed { .. }
        );
        assert!(is_malformed, "{lie:?}: {error}");
        assert_eq!(chain.storage, before, "{lie:?}");
    }
    act(&mut chain, hostile, Deed::Tell(Lie::ManyPromises)).expect("they are small");
}

#[test]
fn services_are_held_to_the_same() {
    let (mut chain, hostile) = world();
    let mut fails = |query: &str| {
        chain
            .query(hostile, query)
            .expect_err("it fails")
            .to_string()
    };
    assert!(fails("[{\"Panic\":{\"bytes\":3}}]").contains("ppp"));
    assert!(fails("[\"Loop\"]").ends_with("out of fuel"));
    assert!(fails("[{\"Tell\":\"HugeKey\"}]").contains("contains-key-new"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the committed modules are files")]
fn every_bundled_module_is_fit() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/apps/modules");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of modules") {
        let path = entry.expect("an entry").path();
        let name = path.display().to_string();
        let stored = std::fs::read(&path).expect("a module");
        let code = zstd::decode_all(stored.as_slice()).expect("it is compressed");
        let limits = execution::Limits::DEFAULT;
        let inspection = execution::inspect::inspect(&code, &limits).expect("a module");
        assert_eq!(inspection.problems, [], "{name}");
        assert_eq!(inspection.version, Some("0.15"), "{name}");
        let role = inspection.role.expect("a role");
        let is_contract = role == protocol::application::guest::Role::Contract;
        assert_eq!(is_contract, name.contains("_contract."), "{name}");
        let machine = execution::Machine::default();
        let compiled = protocol::application::guest::VirtualMachine::compile(&machine, role, &code);
        assert!(compiled.is_ok(), "{name}");
        seen += 1;
    }
    assert!(seen >= 6, "{seen} modules");
}
