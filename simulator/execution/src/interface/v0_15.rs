//! Version 0.15 of `linera:app`: all its types, functions and entry points.
//!
//! What is particular to it: whose authority an action has is its *signer*; who may close a chain and
//! who may change permissions stand in two lists, of which this protocol has one; a chain has no fixed
//! first leader.

use std::collections::BTreeSet;

use protocol::{
    application::{
        guest::{Entry, Role},
        request::{
            BaseRequest, ContractRequest, CreateApplicationRequest, Request, ServiceRequest,
        },
    },
    permissions::ApplicationPermissions,
};

use super::{
    Args, EntryPoint, Function, Interface, Serves,
    convert::{applications_value, some, stream_update_value},
};
use crate::abi::{
    Malformed,
    Type::{
        self, Amount, Bool, Bytes, Hash, List, Option as Maybe, Record, Text, U8, U16, U32, U64,
        Variant,
    },
    Value,
};

const OWNER: Type = Variant(&[Some(U8), Some(Hash), Some(Record(&[U64, U64, U64]))]);
const ACCOUNT: Type = Record(&[Hash, OWNER]);
const APPLICATIONS: Type = List(&Hash);
const PERMISSIONS: Type = Record(&[
    Maybe(&APPLICATIONS),
    APPLICATIONS,
    APPLICATIONS,
    APPLICATIONS,
    Maybe(&APPLICATIONS),
    Maybe(&APPLICATIONS),
]);
const VM_RUNTIME: Type = Variant(&[None, None]);
const MODULE: Type = Record(&[Hash, Hash, VM_RUNTIME]);
const DESCRIPTION: Type = Record(&[MODULE, Hash, U64, U32, Bytes, APPLICATIONS]);
const OWNERSHIP: Type = Record(&[
    List(&OWNER),
    List(&Record(&[OWNER, U64])),
    U32,
    Bool,
    Record(&[Maybe(&U64), U64, U64, U64]),
]);
const HEADERS: Type = List(&Record(&[Text, Bytes]));
const METHOD: Type = Variant(&[None, None, None, None, None, None, None, None, None]);
const HTTP_REQUEST: Type = Record(&[METHOD, Text, HEADERS, Bytes]);
const HTTP_RESPONSE: Type = Record(&[U16, HEADERS, Bytes]);
const LOG_LEVEL: Type = Variant(&[None, None, None, None, None]);
const PAIR: Type = Record(&[Bytes, Bytes]);
const RESOURCES: Type = Record(&[
    U64, U64, U32, U32, U32, U32, U32, U32, U32, U32, U32, U32, U32, U32, U32, U32,
]);
const SEND_MESSAGE: Type = Record(&[Hash, Bool, Bool, RESOURCES, Bytes]);
const WRITE: Type = Variant(&[Some(Bytes), Some(Bytes), Some(PAIR)]);
/// Nothing, or that it is not permitted.
const PERMITTED: Type = Variant(&[None, Some(Variant(&[None]))]);
const STREAM_UPDATE: Type = Record(&[
    Hash,
    Record(&[Variant(&[None, Some(Hash)]), Bytes]),
    U32,
    U32,
]);

const fn base(
    name: &'static str,
    params: &'static [Type],
    result: Option<Type>,
    serves: Serves,
) -> Function {
    let interface = Interface::Base;
    Function {
        interface,
        name,
        params,
        result,
        serves,
    }
}

const fn contract(
    name: &'static str,
    params: &'static [Type],
    result: Option<Type>,
    asks: fn(Args) -> Result<Request, Malformed>,
) -> Function {
    let (interface, serves) = (Interface::Contract, Serves::Asks(asks));
    Function {
        interface,
        name,
        params,
        result,
        serves,
    }
}

const fn asks(asks: fn(Args) -> Result<Request, Malformed>) -> Serves {
    Serves::Asks(asks)
}

const fn promise(asks: fn(Args) -> Result<Request, Malformed>) -> Serves {
    Serves::Promises(asks)
}

fn ask(request: BaseRequest) -> Result<Request, Malformed> {
    Ok(Request::Base(request))
}

fn act(request: ContractRequest) -> Result<Request, Malformed> {
    Ok(Request::Contract(request))
}

pub(super) const FUNCTIONS: &[Function] = &[
    base(
        "get-chain-id",
        &[],
        Some(Hash),
        asks(|_| ask(BaseRequest::ChainId)),
    ),
    base(
        "get-block-height",
        &[],
        Some(U64),
        asks(|_| ask(BaseRequest::BlockHeight)),
    ),
    base(
        "get-application-id",
        &[],
        Some(Hash),
        asks(|_| ask(BaseRequest::ApplicationId)),
    ),
    base(
        "get-application-creator-chain-id",
        &[],
        Some(Hash),
        asks(|_| ask(BaseRequest::ApplicationCreatorChainId)),
    ),
    base(
        "read-application-description",
        &[Hash],
        Some(DESCRIPTION),
        asks(|mut args| ask(BaseRequest::ApplicationDescription(args.application_id()))),
    ),
    base(
        "application-parameters",
        &[],
        Some(Bytes),
        asks(|_| ask(BaseRequest::ApplicationParameters)),
    ),
    base(
        "get-chain-ownership",
        &[],
        Some(OWNERSHIP),
        asks(|_| ask(BaseRequest::ChainOwnership)),
    ),
    base(
        "get-application-permissions",
        &[],
        Some(PERMISSIONS),
        asks(|_| ask(BaseRequest::ApplicationPermissions)),
    ),
    base(
        "read-system-timestamp",
        &[],
        Some(U64),
        asks(|_| ask(BaseRequest::SystemTimestamp)),
    ),
    base(
        "read-chain-balance",
        &[],
        Some(Amount),
        asks(|_| ask(BaseRequest::ChainBalance)),
    ),
    base(
        "read-owner-balance",
        &[OWNER],
        Some(Amount),
        asks(|mut args| ask(BaseRequest::OwnerBalance(args.account_owner()))),
    ),
    base(
        "read-owner-balances",
        &[],
        Some(List(&Record(&[OWNER, Amount]))),
        asks(|_| ask(BaseRequest::OwnerBalances)),
    ),
    base(
        "read-balance-owners",
        &[],
        Some(List(&OWNER)),
        asks(|_| ask(BaseRequest::BalanceOwners)),
    ),
    base(
        "perform-http-request",
        &[HTTP_REQUEST],
        Some(HTTP_RESPONSE),
        asks(|mut args| ask(BaseRequest::PerformHttpRequest(args.http_request()))),
    ),
    base(
        "assert-before",
        &[U64],
        None,
        asks(|mut args| ask(BaseRequest::AssertBefore(args.timestamp()))),
    ),
    base(
        "read-data-blob",
        &[Hash],
        Some(Bytes),
        asks(|mut args| ask(BaseRequest::ReadDataBlob(args.hash()))),
    ),
    base(
        "assert-data-blob-exists",
        &[Hash],
        None,
        asks(|mut args| ask(BaseRequest::AssertDataBlobExists(args.hash()))),
    ),
    base(
        "log",
        &[Text, LOG_LEVEL],
        None,
        asks(|mut args| {
            let line = args.text();
            ask(BaseRequest::Log(args.log_level(), line))
        }),
    ),
    base(
        "contains-key-new",
        &[Bytes],
        Some(U32),
        promise(|mut args| ask(BaseRequest::ContainsKey(args.bytes()))),
    ),
    base(
        "contains-key-wait",
        &[U32],
        Some(Bool),
        Serves::Keeps("contains-key-new"),
    ),
    base(
        "contains-keys-new",
        &[List(&Bytes)],
        Some(U32),
        promise(|mut args| ask(BaseRequest::ContainsKeys(args.byte_lists()))),
    ),
    base(
        "contains-keys-wait",
        &[U32],
        Some(List(&Bool)),
        Serves::Keeps("contains-keys-new"),
    ),
    base(
        "read-multi-values-bytes-new",
        &[List(&Bytes)],
        Some(U32),
        promise(|mut args| ask(BaseRequest::ReadMultiValuesBytes(args.byte_lists()))),
    ),
    base(
        "read-multi-values-bytes-wait",
        &[U32],
        Some(List(&Maybe(&Bytes))),
        Serves::Keeps("read-multi-values-bytes-new"),
    ),
    base(
        "read-value-bytes-new",
        &[Bytes],
        Some(U32),
        promise(|mut args| ask(BaseRequest::ReadValueBytes(args.bytes()))),
    ),
    base(
        "read-value-bytes-wait",
        &[U32],
        Some(Maybe(&Bytes)),
        Serves::Keeps("read-value-bytes-new"),
    ),
    base(
        "find-keys-new",
        &[Bytes],
        Some(U32),
        promise(|mut args| ask(BaseRequest::FindKeys(args.bytes()))),
    ),
    base(
        "find-keys-wait",
        &[U32],
        Some(List(&Bytes)),
        Serves::Keeps("find-keys-new"),
    ),
    base(
        "find-key-values-new",
        &[Bytes],
        Some(U32),
        promise(|mut args| ask(BaseRequest::FindKeyValues(args.bytes()))),
    ),
    base(
        "find-key-values-wait",
        &[U32],
        Some(List(&PAIR)),
        Serves::Keeps("find-key-values-new"),
    ),
    contract("authenticated-signer", &[], Some(Maybe(&OWNER)), |_| {
        act(ContractRequest::AuthenticatedOwner)
    }),
    contract("message-is-bouncing", &[], Some(Maybe(&Bool)), |_| {
        act(ContractRequest::MessageIsBouncing)
    }),
    contract("message-origin-chain-id", &[], Some(Maybe(&Hash)), |_| {
        act(ContractRequest::MessageOriginChainId)
    }),
    contract("authenticated-caller-id", &[], Some(Maybe(&Hash)), |_| {
        act(ContractRequest::AuthenticatedCallerId)
    }),
    contract("send-message", &[SEND_MESSAGE], None, |mut args| {
        act(ContractRequest::SendMessage(args.send_message_request()))
    }),
    contract("transfer", &[OWNER, ACCOUNT, Amount], None, |mut args| {
        let (source, destination) = (args.account_owner(), args.account());
        act(ContractRequest::Transfer(
            source,
            destination,
            args.amount(),
        ))
    }),
    contract("claim", &[ACCOUNT, ACCOUNT, Amount], None, |mut args| {
        let (source, destination) = (args.account(), args.account());
        act(ContractRequest::Claim(source, destination, args.amount()))
    }),
    contract(
        "open-chain",
        &[OWNERSHIP, PERMISSIONS, Amount],
        Some(Hash),
        |mut args| {
            let ownership = Box::new(args.chain_ownership());
            let permissions = Box::new(permissions(args.record())?);
            act(ContractRequest::OpenChain(
                ownership,
                permissions,
                args.amount(),
            ))
        },
    ),
    contract("close-chain", &[], Some(PERMITTED), |_| {
        act(ContractRequest::CloseChain)
    }),
    contract(
        "change-ownership",
        &[OWNERSHIP],
        Some(PERMITTED),
        |mut args| {
            act(ContractRequest::ChangeOwnership(Box::new(
                args.chain_ownership(),
            )))
        },
    ),
    contract(
        "change-application-permissions",
        &[PERMISSIONS],
        Some(PERMITTED),
        |mut args| {
            let permissions = Box::new(permissions(args.record())?);
            act(ContractRequest::ChangeApplicationPermissions(permissions))
        },
    ),
    contract(
        "create-application",
        &[MODULE, Bytes, Bytes, APPLICATIONS],
        Some(Hash),
        |mut args| {
            act(ContractRequest::CreateApplication(Box::new(
                CreateApplicationRequest {
                    module_id: args.module_id(),
                    parameters: args.bytes(),
                    argument: args.bytes(),
                    required_application_ids: args.application_ids(),
                },
            )))
        },
    ),
    contract("create-data-blob", &[Bytes], Some(Hash), |mut args| {
        act(ContractRequest::CreateDataBlob(args.bytes()))
    }),
    contract(
        "publish-module",
        &[Bytes, Bytes, VM_RUNTIME],
        Some(MODULE),
        |mut args| {
            let (contract, service) = (args.bytes(), args.bytes());
            act(ContractRequest::PublishModule(
                contract,
                service,
                args.vm_runtime(),
            ))
        },
    ),
    contract(
        "try-call-application",
        &[Bool, Hash, Bytes],
        Some(Bytes),
        |mut args| {
            let (authenticated, callee) = (args.bool(), args.application_id());
            act(ContractRequest::CallApplication(
                authenticated,
                callee,
                args.bytes(),
            ))
        },
    ),
    contract("emit", &[Bytes, Bytes], Some(U32), |mut args| {
        let name = args.stream_name();
        act(ContractRequest::Emit(name, args.bytes()))
    }),
    contract(
        "read-event",
        &[Hash, Bytes, U32],
        Some(Bytes),
        |mut args| {
            let (chain_id, name) = (args.chain_id(), args.stream_name());
            act(ContractRequest::ReadEvent(chain_id, name, args.u32()))
        },
    ),
    contract(
        "subscribe-to-events",
        &[Hash, Hash, Bytes],
        None,
        |mut args| {
            let (chain_id, publisher) = (args.chain_id(), args.application_id());
            act(ContractRequest::SubscribeToEvents(
                chain_id,
                publisher,
                args.stream_name(),
            ))
        },
    ),
    contract(
        "unsubscribe-from-events",
        &[Hash, Hash, Bytes],
        None,
        |mut args| {
            let (chain_id, publisher) = (args.chain_id(), args.application_id());
            act(ContractRequest::UnsubscribeFromEvents(
                chain_id,
                publisher,
                args.stream_name(),
            ))
        },
    ),
    contract("query-service", &[Hash, Bytes], Some(Bytes), |mut args| {
        let application = args.application_id();
        act(ContractRequest::QueryService(application, args.bytes()))
    }),
    Function {
        interface: Interface::Contract,
        name: "consume-fuel",
        params: &[U64],
        result: None,
        serves: Serves::Burns,
    },
    contract("validation-round", &[], Some(Maybe(&U32)), |_| {
        act(ContractRequest::ValidationRound)
    }),
    contract("write-batch", &[List(&WRITE)], None, |mut args| {
        act(ContractRequest::WriteBatch(args.write_operations()))
    }),
    Function {
        interface: Interface::Service,
        name: "schedule-operation",
        params: &[Bytes],
        result: None,
        serves: asks(|mut args| {
            Ok(Request::Service(ServiceRequest::ScheduleOperation(
                args.bytes(),
            )))
        }),
    },
    Function {
        interface: Interface::Service,
        name: "try-query-application",
        params: &[Hash, Bytes],
        result: Some(Bytes),
        serves: asks(|mut args| {
            let application = args.application_id();
            let request = ServiceRequest::QueryApplication(application, args.bytes());
            Ok(Request::Service(request))
        }),
    },
    Function {
        interface: Interface::Service,
        name: "check-execution-time",
        params: &[U64],
        result: None,
        serves: Serves::Burns,
    },
];

/// Functions that later versions have, and since when.
pub(super) const LATER: &[(Interface, &str, &str)] = &[
    (Interface::Base, "has-empty-storage-new", "0.16"),
    (Interface::Base, "has-empty-storage-wait", "0.16"),
    (Interface::Base, "read-allowance", "0.16"),
    (Interface::Base, "read-allowances", "0.16"),
    (Interface::Contract, "approve", "0.16"),
    (Interface::Contract, "authenticated-owner", "0.16"),
    (Interface::Contract, "message-origin-timestamp", "0.16"),
    (Interface::Contract, "transfer-from", "0.16"),
];

const fn entry(
    role: Role,
    name: &'static str,
    params: &'static [Type],
    result: Option<Type>,
) -> EntryPoint {
    EntryPoint {
        role,
        name,
        params,
        result,
    }
}

const INSTANTIATE: &str = "linera:app/contract-entrypoints#instantiate";
const EXECUTE_OPERATION: &str = "linera:app/contract-entrypoints#execute-operation";
const EXECUTE_MESSAGE: &str = "linera:app/contract-entrypoints#execute-message";
const PROCESS_STREAMS: &str = "linera:app/contract-entrypoints#process-streams";
const FINALIZE: &str = "linera:app/contract-entrypoints#finalize";
const HANDLE_QUERY: &str = "linera:app/service-entrypoints#handle-query";

pub(super) const ENTRY_POINTS: &[EntryPoint] = &[
    entry(Role::Contract, INSTANTIATE, &[Bytes], None),
    entry(Role::Contract, EXECUTE_OPERATION, &[Bytes], Some(Bytes)),
    entry(Role::Contract, EXECUTE_MESSAGE, &[Bytes], None),
    entry(
        Role::Contract,
        PROCESS_STREAMS,
        &[List(&STREAM_UPDATE)],
        None,
    ),
    entry(Role::Contract, FINALIZE, &[], None),
    entry(Role::Service, HANDLE_QUERY, &[Bytes], Some(Bytes)),
];

pub(super) fn call(entry: Entry) -> (&'static str, Vec<Value>) {
    match entry {
        Entry::Instantiate(argument) => (INSTANTIATE, vec![Value::Bytes(argument)]),
        Entry::ExecuteOperation(operation) => (EXECUTE_OPERATION, vec![Value::Bytes(operation)]),
        Entry::ExecuteMessage(message) => (EXECUTE_MESSAGE, vec![Value::Bytes(message)]),
        Entry::ProcessStreams(updates) => {
            let updates = updates.into_iter().map(stream_update_value).collect();
            (PROCESS_STREAMS, vec![Value::List(updates)])
        }
        Entry::Finalize => (FINALIZE, Vec::new()),
        Entry::HandleQuery(query) => (HANDLE_QUERY, vec![Value::Bytes(query)]),
    }
}

/// Two lists say who may close a chain and who may change permissions: whoever is on both manages it.
fn permissions(mut fields: Args) -> Result<ApplicationPermissions, Malformed> {
    let execute_operations = fields.optional_application_ids();
    let mandatory_applications = fields.application_ids();
    let close: BTreeSet<_> = fields.application_ids().into_iter().collect();
    let change: BTreeSet<_> = fields.application_ids().into_iter().collect();
    let set = |applications: Vec<_>| applications.into_iter().collect();
    Ok(ApplicationPermissions {
        execute_operations: execute_operations.map(set),
        mandatory_applications: mandatory_applications.into_iter().collect(),
        manage_chain: &close & &change,
        call_service_as_oracle: fields.optional_application_ids().map(set),
        make_http_requests: fields.optional_application_ids().map(set),
        close_chain: &close - &change,
        change_permissions: &change - &close,
    })
}

pub(super) fn permissions_value(permissions: &ApplicationPermissions) -> Value {
    let optional =
        |applications: &Option<BTreeSet<_>>| some(applications.as_ref().map(applications_value));
    Value::Record(vec![
        optional(&permissions.execute_operations),
        applications_value(&permissions.mandatory_applications),
        applications_value(&(&permissions.manage_chain | &permissions.close_chain)),
        applications_value(&(&permissions.manage_chain | &permissions.change_permissions)),
        optional(&permissions.call_service_as_oracle),
        optional(&permissions.make_http_requests),
    ])
}
