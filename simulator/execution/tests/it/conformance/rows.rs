//! What a contract is asked to call, and what has to come back.

use protocol::{
    Amount, TimeDelta, application::description::ApplicationDescription, hash::CryptoHash,
};

use super::{Chain, owner, signer};
use crate::words::{
    Account, Answer, Base, Call, Change, Description, Level, Method, Module, Owner, Ownership,
    Permissions, Vm, WebRequest, WebResponse, application, attos, bytes_of,
};

/// Functions, what is called, and what comes back.
pub(super) type Row = (&'static [&'static str], Call, Answer);

const HERE: [u8; 32] = [0xc1; 32];
pub(super) const THERE: [u8; 32] = [0xc9; 32];

fn base_rows(chain: &Chain, me: [u8; 32]) -> Vec<Row> {
    let description = chain
        .descriptions
        .values()
        .find(|one| application(one.id()) == me);
    let description = description.expect("it is described");
    let module = module(description);
    let request = WebRequest {
        method: Method::Post,
        url: "https://example.org".to_owned(),
        headers: vec![("accept".to_owned(), b"*/*".to_vec())],
        body: b"question".to_vec(),
    };
    let base = |call| Call::Base(call);
    let users = Owner::from(signer());
    vec![
        (
            &["get-chain-id"],
            base(Base::GetChainId),
            Answer::Chain(HERE),
        ),
        (
            &["get-block-height"],
            base(Base::GetBlockHeight),
            Answer::Height(7),
        ),
        (
            &["get-application-id"],
            base(Base::GetApplicationId),
            Answer::Application(me),
        ),
        (
            &["get-application-creator-chain-id"],
            base(Base::GetApplicationCreatorChainId),
            Answer::Chain(HERE),
        ),
        (
            &["read-application-description"],
            base(Base::ReadApplicationDescription(me)),
            Answer::Description(Description {
                module,
                creator: HERE,
                height: 5,
                index: description.application_index,
                parameters: description.parameters.clone(),
                required: Vec::new(),
            }),
        ),
        (
            &["application-parameters"],
            base(Base::ApplicationParameters),
            Answer::Json("{\"n\":1}".to_owned()),
        ),
        (
            &["get-chain-ownership"],
            base(Base::GetChainOwnership),
            Answer::Ownership(ownership()),
        ),
        (
            &["get-application-permissions"],
            base(Base::GetApplicationPermissions),
            Answer::Permissions(Permissions::default()),
        ),
        (
            &["read-system-timestamp"],
            base(Base::ReadSystemTimestamp),
            Answer::Time(1_000_000),
        ),
        (
            &["read-chain-balance"],
            base(Base::ReadChainBalance),
            Answer::Tokens(attos(Amount::from_tokens(100))),
        ),
        (
            &["read-owner-balance"],
            base(Base::ReadOwnerBalance(users)),
            Answer::Tokens(attos(Amount::from_tokens(8))),
        ),
        (
            &["read-owner-balance"],
            base(Base::ReadOwnerBalance(Owner::Address20([7; 20]))),
            Answer::Tokens(0),
        ),
        (
            &["read-owner-balances"],
            base(Base::ReadOwnerBalances),
            Answer::Balances(vec![
                (owner(1).into(), attos(Amount::from_tokens(5_000))),
                (users, attos(Amount::from_tokens(8))),
            ]),
        ),
        (
            &["read-balance-owners"],
            base(Base::ReadBalanceOwners),
            Answer::Owners(vec![owner(1).into(), users]),
        ),
        (
            &["perform-http-request"],
            base(Base::PerformHttpRequest(request)),
            Answer::Http(WebResponse {
                status: 404,
                headers: vec![("accept".to_owned(), b"*/*".to_vec())],
                body: b"not here".to_vec(),
            }),
        ),
        (
            &["assert-before"],
            base(Base::AssertBefore(1_000_001)),
            Answer::Done,
        ),
        (
            &["read-data-blob"],
            base(Base::ReadDataBlob([0xb1; 32])),
            Answer::Bytes(b"data".to_vec()),
        ),
        (
            &["assert-data-blob-exists"],
            base(Base::AssertDataBlobExists([0xb1; 32])),
            Answer::Done,
        ),
        (
            &["log"],
            base(Base::Log(Level::Warn, "beware".to_owned())),
            Answer::Done,
        ),
    ]
}

fn storage_rows() -> Vec<Row> {
    let base = |call| Call::Base(call);
    let (ab, ac, none) = (b"ab".to_vec(), b"ac".to_vec(), b"none".to_vec());
    let large = b"b".to_vec();
    vec![
        (
            &["contains-key-new", "contains-key-wait"],
            base(Base::ContainsKey(ac.clone())),
            Answer::Flag(true),
        ),
        (
            &["contains-keys-new", "contains-keys-wait"],
            base(Base::ContainsKeys(vec![
                ab.clone(),
                none.clone(),
                ac.clone(),
            ])),
            Answer::Flags(vec![true, false, true]),
        ),
        (
            &[
                "read-multi-values-bytes-new",
                "read-multi-values-bytes-wait",
            ],
            base(Base::ReadMultiValuesBytes(vec![
                ab.clone(),
                none,
                large.clone(),
            ])),
            Answer::Values(vec![Some(b"1".to_vec()), None, Some(vec![9; 300])]),
        ),
        (
            &["read-value-bytes-new", "read-value-bytes-wait"],
            base(Base::ReadValueBytes(ac)),
            Answer::Value(Some(Vec::new())),
        ),
        (
            &["find-keys-new", "find-keys-wait"],
            base(Base::FindKeys(b"a".to_vec())),
            Answer::Keys(vec![b"b".to_vec(), b"c".to_vec()]),
        ),
        (
            &["find-key-values-new", "find-key-values-wait"],
            base(Base::FindKeyValues(b"a".to_vec())),
            Answer::KeyValues(vec![
                (b"b".to_vec(), b"1".to_vec()),
                (b"c".to_vec(), Vec::new()),
            ]),
        ),
        (
            &["write-batch"],
            Call::WriteBatch(vec![
                Change::Put(b"x1".to_vec(), b"new".to_vec()),
                Change::DeletePrefix(b"a".to_vec()),
                Change::Delete(large),
            ]),
            Answer::Done,
        ),
        (
            &["find-key-values-new"],
            base(Base::FindKeyValues(Vec::new())),
            Answer::KeyValues(vec![(b"x1".to_vec(), b"new".to_vec())]),
        ),
    ]
}

fn money_and_messages(other: [u8; 32]) -> Vec<Row> {
    let account = Account {
        chain: THERE,
        owner: Owner::Reserved(0),
    };
    let mine = Account {
        chain: HERE,
        owner: Owner::Address20([3; 20]),
    };
    vec![
        (
            &["authenticated-signer"],
            Call::AuthenticatedSigner,
            Answer::MaybeOwner(Some(signer().into())),
        ),
        (
            &["message-is-bouncing"],
            Call::MessageIsBouncing,
            Answer::MaybeFlag(None),
        ),
        (
            &["message-origin-chain-id"],
            Call::MessageOriginChainId,
            Answer::MaybeChain(None),
        ),
        (
            &["authenticated-caller-id"],
            Call::AuthenticatedCallerId,
            Answer::MaybeApplication(None),
        ),
        (
            &["send-message"],
            Call::SendMessage {
                destination: THERE,
                authenticated: true,
                tracked: true,
                grant: [1, 2],
                grant_counts: [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
                calls: Vec::new(),
            },
            Answer::Done,
        ),
        (
            &["transfer"],
            Call::Transfer {
                source: owner(1).into(),
                destination: account,
                amount: 1 << 70,
            },
            Answer::Done,
        ),
        (
            &["claim"],
            Call::Claim {
                source: mine,
                destination: account,
                amount: 17,
            },
            Answer::Done,
        ),
        (
            &["try-call-application"],
            Call::TryCallApplication {
                authenticated: true,
                callee: other,
                operation: bcs::to_bytes(&Call::CloseChain).expect("calls have an encoding"),
            },
            Answer::Bytes(vec![1]),
        ),
    ]
}

fn chain_control(module: Module, created: [u8; 32]) -> Vec<Row> {
    let permissions = Permissions {
        execute_operations: Some(vec![[1; 32], [2; 32]]),
        mandatory_applications: vec![[1; 32]],
        close_chain: vec![[2; 32]],
        change_application_permissions: vec![[2; 32]],
        call_service_as_oracle: None,
        make_http_requests: Some(Vec::new()),
    };
    let own = Call::ChangeOwnership(ownership());
    vec![
        (
            &["open-chain"],
            Call::OpenChain {
                ownership: ownership(),
                permissions: permissions.clone(),
                balance: 5,
            },
            Answer::Chain([0xc2; 32]),
        ),
        (&["close-chain"], Call::CloseChain, Answer::NotPermitted),
        (&["change-ownership"], own, Answer::NotPermitted),
        (
            &["change-application-permissions"],
            Call::ChangeApplicationPermissions(permissions),
            Answer::NotPermitted,
        ),
        (
            &["create-application"],
            Call::CreateApplication {
                module,
                parameters: "{\"n\":3}".to_owned(),
                argument: "[\"AuthenticatedCallerId\"]".to_owned(),
                required: vec![[1; 32]],
            },
            Answer::Application(created),
        ),
        (
            &["create-data-blob"],
            Call::CreateDataBlob(b"mine".to_vec()),
            Answer::Blob(bytes_of(CryptoHash::of_bytes("blob", b"mine"))),
        ),
        (
            &["publish-module"],
            Call::PublishModule {
                contract: vec![1, 2],
                service: vec![3],
            },
            Answer::Module(Module {
                contract: [1; 32],
                service: [2; 32],
                vm: Vm::Wasm,
            }),
        ),
    ]
}

fn streams_and_oracles(other: [u8; 32]) -> Vec<Row> {
    let stream = b"news".to_vec();
    vec![
        (
            &["emit"],
            Call::Emit {
                stream: stream.clone(),
                value: vec![5, 6],
            },
            Answer::Index(0),
        ),
        (
            &["read-event"],
            Call::ReadEvent {
                chain: HERE,
                stream: stream.clone(),
                index: 0,
            },
            Answer::Bytes(vec![5, 6]),
        ),
        (
            &["subscribe-to-events"],
            Call::SubscribeToEvents {
                chain: THERE,
                application: other,
                stream: stream.clone(),
            },
            Answer::Done,
        ),
        (
            &["unsubscribe-from-events"],
            Call::UnsubscribeFromEvents {
                chain: THERE,
                application: other,
                stream,
            },
            Answer::Done,
        ),
        (
            &["query-service"],
            Call::QueryService {
                application: other,
                query: "{\"Base\":\"GetBlockHeight\"}".to_owned(),
            },
            Answer::Json("{\"Height\":7}".to_owned()),
        ),
        (
            &["consume-fuel"],
            Call::ConsumeFuel(5_000_000),
            Answer::Done,
        ),
        (
            &["validation-round"],
            Call::ValidationRound,
            Answer::Round(Some(3)),
        ),
    ]
}

fn module(description: &ApplicationDescription) -> Module {
    Module {
        contract: bytes_of(description.module_id.contract_blob_hash),
        service: bytes_of(description.module_id.service_blob_hash),
        vm: Vm::Wasm,
    }
}

pub(super) fn ownership() -> Ownership {
    Ownership {
        super_owners: Vec::new(),
        owners: vec![(signer().into(), 100)],
        multi_leader_rounds: 5,
        open_multi_leader_rounds: false,
        fast_round_duration: None,
        base_timeout: TimeDelta::from_secs(10).micros(),
        timeout_increment: TimeDelta::from_secs(1).micros(),
        fallback_duration: u64::MAX,
    }
}

pub(super) fn rows(chain: &Chain, applications: [[u8; 32]; 2]) -> Vec<Row> {
    let [me, other] = applications;
    let description = chain
        .descriptions
        .values()
        .next()
        .expect("there are applications");
    let module = module(description);
    let created = ApplicationDescription {
        application_index: 2,
        parameters: b"{\"n\":3}".to_vec(),
        ..(**description).clone()
    };
    let mut rows = base_rows(chain, me);
    rows.extend(storage_rows());
    rows.extend(money_and_messages(other));
    rows.extend(chain_control(module, application(created.id())));
    rows.extend(streams_and_oracles(other));
    rows
}
