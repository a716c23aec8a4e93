//! Blocks that call applications: an honest run breaks nothing, and each thing that goes wrong is
//! caught by the statement that is named after it.

use std::sync::Arc;

use protocol::{
    Amount,
    application::{
        activity::Activity,
        description::{GenericApplicationId, StreamId, StreamName},
        guest::Entry,
        outcome::StreamRange,
        request::{
            BaseRequest, ContractRequest, CreateApplicationRequest, HttpMethod, HttpRequest,
            HttpResponse, Request, Resources, SendMessageRequest, WriteOperation,
        },
    },
    blob::BlobType,
    block::{Block, SystemOperation, Transaction},
    ids::{Account, AccountOwner, ApplicationId, ChainId},
    message::MessageAction,
    observe::Observation,
    oracle::OracleResponse,
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
    policy::ResourceControlPolicy,
    round::Round,
    sabotage::Sabotage,
};

use super::{
    Invariant,
    tests::{broken, watched},
};
use crate::testing::{A, B, Network, key, scripted::operate, tampered, worker};

fn name() -> StreamName {
    StreamName(b"news".to_vec())
}

fn contract(request: ContractRequest) -> Request {
    Request::Contract(request)
}

fn put(value: &[u8]) -> Request {
    let put = WriteOperation::Put(b"k".to_vec(), value.to_vec());
    contract(ContractRequest::WriteBatch(vec![put]))
}

fn say(destination: ChainId, fuel: u64) -> Request {
    contract(ContractRequest::SendMessage(SendMessageRequest {
        destination,
        authenticated: true,
        is_tracked: true,
        grant: Resources {
            wasm_fuel: fuel,
            ..Resources::default()
        },
        message: b"hello".to_vec(),
    }))
}

fn atto(attos: u128) -> Amount {
    Amount::from_attos(attos)
}

/// Where an operation does what its first byte says, and a message stores itself.
fn all_rounder(chains: [ChainId; 2]) -> impl Fn(&Entry) -> Vec<Request> + Send + Sync {
    let there = Account::chain(chains[B]);
    let own = key(A).public().owner();
    move |entry| match entry {
        Entry::ExecuteOperation(bytes) => match bytes[0] {
            b'p' => vec![put(&bytes[1..])],
            b'e' => vec![contract(ContractRequest::Emit(name(), bytes[1..].to_vec()))],
            b'm' => vec![
                contract(ContractRequest::Transfer(
                    AccountOwner::CHAIN,
                    there,
                    atto(5),
                )),
                say(chains[B], 0),
                contract(ContractRequest::Transfer(
                    AccountOwner::CHAIN,
                    Account {
                        chain_id: chains[A],
                        owner: own,
                    },
                    atto(7_000),
                )),
                say(chains[B], u64::from(bytes[1])),
            ],
            b'w' => vec![contract(ContractRequest::Claim(
                Account {
                    chain_id: chains[B],
                    owner: own,
                },
                there,
                atto(3),
            ))],
            b'o' => vec![contract(ContractRequest::OpenChain(
                Box::new(ChainOwnership::single(own)),
                Box::default(),
                atto(11),
            ))],
            b'f' => vec![contract(ContractRequest::SubscribeToEvents(
                chains[A],
                ApplicationId(protocol::hash::CryptoHash::from_bytes(
                    bytes[1..33].try_into().expect("32 bytes"),
                )),
                name(),
            ))],
            b'c' => vec![contract(ContractRequest::CloseChain)],
            b'h' => vec![Request::Base(BaseRequest::PerformHttpRequest(
                HttpRequest {
                    method: HttpMethod::Get,
                    url: "https://example.com/".to_owned(),
                    headers: Vec::new(),
                    body: Vec::new(),
                },
            ))],
            b'b' => vec![contract(ContractRequest::CreateDataBlob(
                bytes[1..].to_vec(),
            ))],
            _ => Vec::new(),
        },
        Entry::ExecuteMessage(bytes) => vec![put(bytes)],
        Entry::Instantiate(bytes) => vec![put(bytes)],
        Entry::ProcessStreams(_) => vec![put(b"streams")],
        Entry::Finalize | Entry::HandleQuery(_) => Vec::new(),
    }
}

/// Every price is another one.
fn prices() -> ResourceControlPolicy {
    let mut policy = ResourceControlPolicy::no_fees();
    let prices = &mut policy.prices;
    let all = [
        &mut prices.wasm_fuel_unit,
        &mut prices.read_operation,
        &mut prices.byte_read,
        &mut prices.write_operation,
        &mut prices.byte_written,
        &mut prices.blob_read,
        &mut prices.blob_byte_read,
        &mut prices.blob_published,
        &mut prices.blob_byte_published,
        &mut prices.service_as_oracle_query,
        &mut prices.http_request,
        &mut prices.operation,
        &mut prices.message,
    ];
    for (price, number) in all.into_iter().zip(2..) {
        *price = atto(number);
    }
    policy
}

/// A network with an application that some chain has created.
fn network(policy: Option<ResourceControlPolicy>) -> (Network, ApplicationId) {
    let mut network = Network::new();
    network.policy = policy;
    network.scripts.web = Some(HttpResponse {
        status: 200,
        headers: Vec::new(),
        body: b"yes".to_vec(),
    });
    let chains = [network.chains[A], network.chains[B]];
    let application = network.scripts.application("all", all_rounder(chains));
    (network, application)
}

/// A block that all make, of which a validator tells what it has cost.
fn commit(network: &mut Network, chain: usize, steps: Vec<Transaction>) -> Arc<Block> {
    let block = network.commit_new(chain, steps);
    if let Some(charged) = network.charged {
        let (chain_id, height) = (block.chain_id(), block.height());
        let fact = Observation::FeesCharged {
            chain: chain_id,
            height,
            fees: charged.fees,
            held: charged.held,
        };
        network.tell(worker(0, chain), fact);
    }
    block
}

fn range(network: &Network, application: ApplicationId, next_index: u32) -> Transaction {
    let stream_id = StreamId {
        application_id: GenericApplicationId::User(application),
        stream_name: name(),
    };
    Transaction::ExecuteOperation(SystemOperation::UpdateStream(Arc::new(StreamRange {
        application_id: application,
        chain_id: network.chains[A],
        stream_id,
        next_index,
    })))
}

fn follow(application: ApplicationId) -> Transaction {
    let mut bytes = vec![b'f'];
    bytes.extend(application.0.as_bytes());
    operate(application, &bytes)
}

/// Everything that an application can do, on both chains.
fn busy(policy: Option<ResourceControlPolicy>, sabotage: Sabotage) -> Network {
    let (mut network, application) = network(policy);
    network.sabotage = sabotage;
    let chains = [network.chains[A], network.chains[B]];
    let module_id = network.scripts.module("other", all_rounder(chains));
    let create = SystemOperation::CreateApplication(Arc::new(CreateApplicationRequest {
        module_id,
        parameters: b"{}".to_vec(),
        argument: b"first".to_vec(),
        required_application_ids: vec![application],
    }));
    let publish = SystemOperation::PublishModule { module_id };
    let hash = network.scripts.put(BlobType::Data, b"some data").hash;
    let data = SystemOperation::PublishDataBlob { hash };
    let steps = [publish, data, create].map(Transaction::ExecuteOperation);
    commit(&mut network, A, steps.into());
    let mut steps = vec![network.pay(10)];
    let operations: [&[u8]; 4] = [b"m\x50", b"pxyz", b"o", b"w"];
    steps.extend(operations.map(|bytes| operate(application, bytes)));
    let sent = commit(&mut network, A, steps);
    let operations: [&[u8]; 4] = [b"eone", b"etwo", b"bdata", b"h"];
    let steps = operations.map(|bytes| operate(application, bytes));
    commit(&mut network, A, steps.into());
    commit(&mut network, A, vec![operate(application, b"ethree")]);
    let mut takes = taken(&network, &sent);
    takes.push(follow(application));
    commit(&mut network, B, takes);
    let update = range(&network, application, 2);
    commit(&mut network, B, vec![update]);
    let update = range(&network, application, 3);
    commit(&mut network, B, vec![update]);
    network
}

/// `B` takes two bundles of a block in; the last one asks for money that nobody has, and is rejected.
fn taken(network: &Network, sender: &Block) -> Vec<Transaction> {
    let bundles = sender.bundles_for(&network.chains[B]);
    let origin = sender.chain_id();
    let action = |at: usize| {
        if at < 2 {
            MessageAction::Accept
        } else {
            MessageAction::Reject
        }
    };
    let take = |(at, (_, bundle)): (usize, &(ChainId, Arc<_>))| {
        Transaction::ReceiveMessages(protocol::message::IncomingBundle {
            origin,
            bundle: Arc::clone(bundle),
            action: action(at),
        })
    };
    bundles.iter().enumerate().map(take).collect()
}

#[test]
fn honest_applications_break_nothing() {
    for policy in [None, Some(prices())] {
        let network = busy(policy, Sabotage::None);
        let invariants = watched(&network);
        assert_eq!(invariants.verdicts.violations(), []);
        for checked in [
            Invariant::Events,
            Invariant::OracleResponses,
            Invariant::BlockConservation,
        ] {
            assert!(invariants.verdicts.counts(checked).0 > 0, "{checked:?}");
        }
        let supply = Amount::from_tokens(100).attos();
        let held = invariants.money.held().expect("all was told");
        assert_eq!(held + invariants.fees.burned(), supply);
        assert_eq!(invariants.fees.burned() > 0, policy.is_some());
    }
}

/// What breaks where all machines have a bug.
fn caught(policy: Option<ResourceControlPolicy>, sabotage: Sabotage) -> Vec<Invariant> {
    broken(&busy(policy, sabotage))
}

#[test]
fn i_22_fuel_that_nobody_pays_for() {
    for sabotage in [Sabotage::FuelIsFree, Sabotage::BlobsAreFree] {
        let broken = caught(Some(prices()), sabotage);
        assert!(broken.contains(&Invariant::Fees), "{sabotage:?} {broken:?}");
    }
}

#[test]
fn i_36_an_event_has_the_index_of_another_one() {
    let (mut network, application) = network(None);
    network.sabotage = Sabotage::EventIndexReused;
    let steps = [&b"eone"[..], b"etwo"].map(|bytes| operate(application, bytes));
    commit(&mut network, A, steps.into());
    assert_eq!(broken(&network), [Invariant::Events]);
}

#[test]
fn i_36_events_are_handed_over_twice() {
    let broken = caught(None, Sabotage::StreamsHandedTwice);
    assert_eq!(broken, [Invariant::Events]);
}

/// `A` has published an event and `B` follows it; the block that hands it over is not told yet.
fn followed() -> (Network, Arc<Block>) {
    let (mut network, application) = network(None);
    commit(&mut network, A, vec![operate(application, b"eone")]);
    commit(&mut network, B, vec![follow(application)]);
    let update = range(&network, application, 1);
    let block = network.block(B, vec![update]);
    (network, block)
}

#[test]
fn i_36_what_is_read_is_what_was_published() {
    let (mut network, block) = followed();
    network.commit(&block);
    assert_eq!(broken(&network), []);

    let (mut network, block) = followed();
    let elsewhere = tampered(&block, |_, outcome| {
        outcome.oracle_responses[0]
            .retain(|answer| !matches!(answer, OracleResponse::EventExists(_)));
    });
    network.commit(&elsewhere);
    assert!(broken(&network).contains(&Invariant::Events));

    let (mut network, block) = followed();
    let lie = tampered(&block, |_, outcome| {
        let exists = outcome.oracle_responses[0]
            .iter()
            .find_map(|answer| match answer {
                OracleResponse::EventExists(id) => Some((**id).clone()),
                _ => None,
            });
        let read = (exists.expect("it was looked for"), b"two"[..].into());
        outcome.oracle_responses[0].push(OracleResponse::StreamEvent(Arc::new(read)));
    });
    network.commit(&lie);
    assert!(broken(&network).contains(&Invariant::Events));
}

/// A block of an application, confirmed with something else that it did.
fn told(bytes: &[u8], change: impl FnOnce(&mut Activity)) -> Vec<Invariant> {
    let (mut network, application) = network(Some(prices()));
    let block = network.block(A, vec![operate(application, bytes)]);
    let activity = network.activities.get_mut(&block.proposed_hash());
    change(Arc::make_mut(activity.expect("it calls an application")));
    network.commit(&block);
    let charged = network.charged.expect("there are prices");
    let (chain, height) = (block.chain_id(), block.height());
    network.tell(
        worker(0, A),
        Observation::FeesCharged {
            chain,
            height,
            fees: charged.fees,
            held: charged.held,
        },
    );
    broken(&network)
}

#[test]
fn i_21_money_of_applications_that_was_not_moved() {
    assert_eq!(told(b"m\x05", |_| {}), []);
    let fewer = told(b"m\x05", |activity| {
        activity.moves.remove(0);
    });
    assert!(fewer.contains(&Invariant::BlockConservation), "{fewer:?}");
    let other = told(b"m\x05", |activity| {
        activity.moves[0].application.0 = Default::default()
    });
    assert_eq!(other, [], "who moved it is nobody's business");
    let silent = told(b"p1", |activity| activity.actions.clear());
    assert_eq!(silent, [Invariant::BlockConservation]);
}

#[test]
fn i_22_each_thing_that_is_used_has_its_price() {
    let parts: [fn(&mut Activity); 10] = [
        |told| told.actions[0].calls[0].fuel += 1,
        |told| told.actions[0].used.read_operations += 1,
        |told| told.actions[0].used.bytes_read += 1,
        |told| told.actions[0].used.write_operations += 1,
        |told| told.actions[0].used.bytes_written += 1,
        |told| told.actions[0].used.blobs_read += 1,
        |told| told.actions[0].used.blob_bytes_read += 1,
        |told| told.actions[0].used.published += 1,
        |told| told.actions[0].used.bytes_published += 1,
        |told| told.actions[0].used.http_requests += 1,
    ];
    for part in parts {
        let broken = told(b"p1", part);
        assert!(broken.contains(&Invariant::Fees), "{broken:?}");
    }
    let hidden = told(b"h", |told| told.actions[0].used.http_requests = 0);
    assert!(hidden.contains(&Invariant::Fees), "{hidden:?}");
    let hidden = told(b"evalue", |told| told.actions[0].used.bytes_published = 4);
    assert!(hidden.contains(&Invariant::Fees), "{hidden:?}");
}

#[test]
fn what_was_not_told_is_not_known_and_no_violation() {
    let (mut network, application) = network(Some(prices()));
    let block = network.block(A, vec![operate(application, b"m\x05")]);
    network.activities.clear();
    network.commit(&block);
    let invariants = watched(&network);
    assert_eq!(invariants.verdicts.violations(), []);
    assert_eq!(invariants.money.held(), None);
}

#[test]
fn i_42_applications_ask_for_blobs_once_and_never_in_a_fast_block() {
    let (mut network, application) = network(None);
    let block = network.block(A, vec![operate(application, b"p1")]);
    assert!(block.outcome().uses_oracles(), "it is used the first time");
    network.round = Round::Fast;
    network.confirm(&block);
    assert!(broken(&network).contains(&Invariant::OracleResponses));

    let unasked = |change: fn(&mut Vec<OracleResponse>)| {
        let (mut network, application) = self::network(None);
        let block = network.block(A, vec![operate(application, b"p1")]);
        let other = tampered(&block, |_, outcome| {
            change(&mut outcome.oracle_responses[0])
        });
        network.commit(&other);
        broken(&network)
    };
    assert_eq!(unasked(|_| {}), []);
    assert_eq!(unasked(Vec::clear), [Invariant::OracleResponses]);
    let twice = unasked(|answers| answers.push(answers[0].clone()));
    assert_eq!(twice, [Invariant::OracleResponses]);
}

#[test]
fn i_34_a_block_is_executed_without_the_code_that_it_calls() {
    let (mut network, application) = network(None);
    let block = network.block(A, vec![operate(application, b"p1")]);
    network.propose(&block, None);
    network.votes(&block);
    network.confirm(&block);
    network.execute(0, &block);
    assert_eq!(broken(&network), [Invariant::BlobsStored]);
}

/// What breaks when `A` permits something and goes on.
fn permitted(
    permissions: impl FnOnce(ApplicationId) -> ApplicationPermissions,
    bytes: &[u8],
    sabotage: Sabotage,
) -> Vec<Invariant> {
    let (mut network, application) = network(None);
    let permissions = permissions(application);
    let change = SystemOperation::ChangeApplicationPermissions(permissions.into());
    commit(&mut network, A, vec![Transaction::ExecuteOperation(change)]);
    network.sabotage = sabotage;
    let step = if bytes.is_empty() {
        network.pay(1)
    } else {
        operate(application, bytes)
    };
    commit(&mut network, A, vec![step]);
    broken(&network)
}

fn others() -> ApplicationId {
    ApplicationId(protocol::hash::CryptoHash::from_bytes([7; 32]))
}

#[test]
fn i_41_applications_do_what_is_permitted() {
    let only = |application| ApplicationPermissions {
        execute_operations: Some([application].into()),
        mandatory_applications: [application].into(),
        manage_chain: [application].into(),
        make_http_requests: Some([application].into()),
        ..ApplicationPermissions::default()
    };
    for bytes in [&b"p1"[..], b"c", b"h"] {
        assert_eq!(permitted(only, bytes, Sabotage::None), []);
    }
    let sabotage = Sabotage::PermissionsIgnored;
    assert_eq!(permitted(only, b"", sabotage), [Invariant::Permissions]);
    let wrong: [fn(ApplicationId) -> ApplicationPermissions; 3] = [
        |_| ApplicationPermissions {
            execute_operations: Some([others()].into()),
            ..ApplicationPermissions::default()
        },
        |_| ApplicationPermissions {
            mandatory_applications: [others()].into(),
            ..ApplicationPermissions::default()
        },
        |_| ApplicationPermissions {
            manage_chain: [others()].into(),
            ..ApplicationPermissions::default()
        },
    ];
    for permissions in wrong {
        let broken = permitted(permissions, b"c", sabotage);
        assert_eq!(broken, [Invariant::Permissions]);
    }
}

#[test]
fn i_40_a_chain_that_an_application_has_closed_only_rejects() {
    let (mut network, application) = network(None);
    let permissions = ApplicationPermissions {
        manage_chain: [application].into(),
        ..ApplicationPermissions::default()
    };
    let change = SystemOperation::ChangeApplicationPermissions(permissions.into());
    commit(&mut network, A, vec![Transaction::ExecuteOperation(change)]);
    commit(&mut network, A, vec![operate(application, b"c")]);
    network.sabotage = Sabotage::ClosedChainsPay;
    let pay = network.pay(1);
    commit(&mut network, A, vec![pay]);
    assert_eq!(broken(&network), [Invariant::ClosedChains]);
}
