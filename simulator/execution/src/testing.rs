//! Guests written by hand, for tests: text with the imports and the body that a test is about, around
//! an allocator and the exports that every guest has.

use std::sync::Arc;

use protocol::{
    Amount, Timestamp,
    application::{
        description::{ApplicationDescription, ModuleId, VmRuntime},
        guest::{Entry, Guest, GuestError, Module, ModuleError, Role, Step, VirtualMachine},
        request::{Answer, BaseRequest, ContractRequest, HttpResponse, Request, ServiceRequest},
    },
    hash::CryptoHash,
    ids::{ApplicationId, BlockHeight, ChainId},
};

use crate::{Limits, Machine, interface::Function};

/// Fuel that is enough for what tests do.
pub(crate) const FUEL: u64 = 10_000_000;

/// What every guest has. Its allocator only ever takes new room, and grows its memory for it.
const SKELETON: &str = r#"
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const 8192))
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get 2) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get 2))))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (block $enough
      (br_if $enough (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
      (drop (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get 3) (i32.const 65536))))))
    (local.get $at))
"#;

/// The text of a contract that does `body` when it executes an operation, with whatever `parts` stand
/// beside. The body finds the operation's address and length in locals 0 and 1, and leaves where its
/// response lies: address and length, as two words.
pub(crate) fn contract_text(parts: &str, body: &str) -> String {
    format!(
        r#"(module {parts} {SKELETON}
  (func (export "linera:app/contract-entrypoints#instantiate") (param i32 i32))
  (func (export "linera:app/contract-entrypoints#execute-operation") (param i32 i32) (result i32)
    {body})
  (func (export "linera:app/contract-entrypoints#execute-message") (param i32 i32))
  (func (export "linera:app/contract-entrypoints#process-streams") (param i32 i32))
  (func (export "linera:app/contract-entrypoints#finalize")))"#
    )
}

/// The same of a service and a query.
pub(crate) fn service_text(parts: &str, body: &str) -> String {
    format!(
        r#"(module {parts} {SKELETON}
  (func (export "linera:app/service-entrypoints#handle-query") (param i32 i32) (result i32)
    {body}))"#
    )
}

/// Code of either role with one function of the host, `$host`, which it calls with the words of its
/// argument as parameters. It responds with nothing.
pub(crate) fn caller_text(role: Role, function: &Function) -> String {
    let signature = function.signature();
    let list = |keyword: &str, types: &[wasmi::ValType]| match types {
        [] => String::new(),
        types => {
            let types = types.iter().map(|ty| format!(" {ty:?}").to_lowercase());
            format!("({keyword}{})", types.collect::<String>())
        }
    };
    let import = format!(
        r#"(import "{}" "{}" (func $host {} {}))"#,
        function.interface.module(),
        function.name,
        list("param", &signature.params),
        list("result", &signature.results),
    );
    let words = signature.params.iter().enumerate().map(|(index, ty)| {
        let ty = format!("{ty:?}").to_lowercase();
        format!("({ty}.load offset={} (local.get 0)) ", 8 * index)
    });
    let call = format!("(call $host {})", words.collect::<String>());
    let call = match signature.results.as_slice() {
        [] => call,
        _ => format!("(drop {call})"),
    };
    let body = format!("{call} (i32.const 16)");
    match role {
        Role::Contract => contract_text(&import, &body),
        Role::Service => service_text(&import, &body),
    }
}

pub(crate) fn bytecode(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text of a guest")
}

pub(crate) fn compile(role: Role, text: &str) -> Result<Arc<dyn Module>, ModuleError> {
    Machine::default().compile(role, &bytecode(text))
}

/// A fresh guest of this text.
pub(crate) fn guest(role: Role, text: &str, limits: Limits, fuel: u64) -> Box<dyn Guest> {
    let module = Machine { limits }.compile(role, &bytecode(text));
    let module = module.expect("the guest of a test compiles");
    module
        .instantiate(fuel)
        .expect("there is fuel for an instance")
}

/// What the operation of a contract gives: its response, or why it fails. Questions are answered.
pub(crate) fn run(text: &str, operation: &[u8]) -> Result<Vec<u8>, GuestError> {
    let mut guest = guest(Role::Contract, text, Limits::DEFAULT, FUEL);
    finish(&mut *guest, Entry::ExecuteOperation(operation.to_vec())).1
}

/// Enters a guest and answers it until it is through: what it asked, and what it gave.
pub(crate) fn finish(
    guest: &mut dyn Guest,
    entry: Entry,
) -> (Vec<Request>, Result<Vec<u8>, GuestError>) {
    let mut asked = Vec::new();
    let mut step = guest.start(entry);
    loop {
        step = match step {
            Step::Asks(request) => {
                let answer = answer(&request);
                asked.push(request);
                guest.resume(answer)
            }
            Step::Returns(bytes) => return (asked, Ok(bytes)),
            Step::Fails(error) => return (asked, Err(error)),
        };
    }
}

fn hash(byte: u8) -> CryptoHash {
    CryptoHash::from_bytes([byte; 32])
}

/// Some answer of the right kind.
pub(crate) fn answer(request: &Request) -> Answer {
    match request {
        Request::Base(request) => base_answer(request),
        Request::Contract(request) => contract_answer(request),
        Request::Service(ServiceRequest::ScheduleOperation(_)) => Answer::Unit,
        Request::Service(ServiceRequest::QueryApplication(..)) => Answer::Bytes(b"{}".to_vec()),
    }
}

fn base_answer(request: &BaseRequest) -> Answer {
    match request {
        BaseRequest::ChainId | BaseRequest::ApplicationCreatorChainId => {
            Answer::ChainId(ChainId(hash(1)))
        }
        BaseRequest::BlockHeight => Answer::BlockHeight(BlockHeight(7)),
        BaseRequest::ApplicationId => Answer::ApplicationId(ApplicationId(hash(2))),
        BaseRequest::ApplicationDescription(_) => {
            Answer::ApplicationDescription(Box::new(ApplicationDescription {
                module_id: module(),
                creator_chain_id: ChainId(hash(1)),
                block_height: BlockHeight(3),
                application_index: 1,
                parameters: b"null".to_vec(),
                required_application_ids: vec![ApplicationId(hash(5)), ApplicationId(hash(6))],
            }))
        }
        BaseRequest::ApplicationParameters | BaseRequest::ReadDataBlob(_) => {
            Answer::Bytes(b"null".to_vec())
        }
        BaseRequest::ChainOwnership => Answer::ChainOwnership(Box::default()),
        BaseRequest::ApplicationPermissions => Answer::ApplicationPermissions(Box::default()),
        BaseRequest::SystemTimestamp => Answer::Timestamp(Timestamp::from_micros(9)),
        BaseRequest::ChainBalance | BaseRequest::OwnerBalance(_) => {
            Answer::Amount(Amount::from_tokens(2))
        }
        BaseRequest::OwnerBalances => Answer::Balances(Vec::new()),
        BaseRequest::BalanceOwners => Answer::Owners(Vec::new()),
        BaseRequest::PerformHttpRequest(_) => Answer::HttpResponse(Box::new(HttpResponse {
            status: 200,
            headers: Vec::new(),
            body: b"hello".to_vec(),
        })),
        BaseRequest::AssertBefore(_)
        | BaseRequest::AssertDataBlobExists(_)
        | BaseRequest::Log(..) => Answer::Unit,
        BaseRequest::ContainsKey(_) => Answer::Bool(true),
        BaseRequest::ContainsKeys(keys) => Answer::Bools(vec![true; keys.len()]),
        BaseRequest::ReadMultiValuesBytes(keys) => Answer::Values(vec![None; keys.len()]),
        BaseRequest::ReadValueBytes(_) => Answer::Value(Some(b"value".to_vec())),
        BaseRequest::FindKeys(_) => Answer::Keys(vec![b"key".to_vec(), Vec::new()]),
        BaseRequest::FindKeyValues(_) => {
            Answer::KeyValues(vec![(b"key".to_vec(), b"value".to_vec())])
        }
    }
}

fn contract_answer(request: &ContractRequest) -> Answer {
    match request {
        ContractRequest::AuthenticatedOwner => Answer::Owner(None),
        ContractRequest::MessageIsBouncing => Answer::OptionalBool(Some(true)),
        ContractRequest::MessageOriginChainId => Answer::OptionalChainId(Some(ChainId(hash(1)))),
        ContractRequest::AuthenticatedCallerId => Answer::OptionalApplicationId(None),
        ContractRequest::SendMessage(_)
        | ContractRequest::Transfer(..)
        | ContractRequest::Claim(..)
        | ContractRequest::SubscribeToEvents(..)
        | ContractRequest::UnsubscribeFromEvents(..)
        | ContractRequest::WriteBatch(_) => Answer::Unit,
        ContractRequest::OpenChain(..) => Answer::ChainId(ChainId(hash(1))),
        ContractRequest::CloseChain
        | ContractRequest::ChangeOwnership(_)
        | ContractRequest::ChangeApplicationPermissions(_) => Answer::Permitted(false),
        ContractRequest::CreateApplication(_) => Answer::ApplicationId(ApplicationId(hash(4))),
        ContractRequest::CreateDataBlob(_) => Answer::Hash(hash(3)),
        ContractRequest::PublishModule(..) => Answer::ModuleId(module()),
        ContractRequest::CallApplication(..)
        | ContractRequest::ReadEvent(..)
        | ContractRequest::QueryService(..) => Answer::Bytes(vec![1, 2, 3]),
        ContractRequest::Emit(..) => Answer::Index(0),
        ContractRequest::ValidationRound => Answer::OptionalIndex(Some(2)),
    }
}

fn module() -> ModuleId {
    ModuleId {
        contract_blob_hash: hash(7),
        service_blob_hash: hash(8),
        vm_runtime: VmRuntime::Wasm,
    }
}
