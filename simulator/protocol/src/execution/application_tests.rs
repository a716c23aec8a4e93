//! Blocks that call applications, whose code is a script of questions.

use std::{collections::BTreeMap, collections::VecDeque, sync::Arc};

use super::{
    ExecutionState, Terms, execute_under, replay,
    tests::{block, chain, owner, tokens},
};
use crate::{
    Amount,
    application::{
        action::ActionError,
        description::{ApplicationDescription, ModuleId, StreamName, VmRuntime},
        guest::{Entry, Guest, GuestError, Module, ModuleError, Role, Step},
        outcome::{UserMessage, UserOperation},
        request::{
            Answer, BaseRequest, ContractRequest, CreateApplicationRequest, HttpRequest,
            HttpResponse, Request, Resources, SendMessageRequest, WriteOperation,
        },
        runtime::RuntimeError,
    },
    blob::{Blob, BlobContent, BlobId, BlobType},
    block::{Block, SystemOperation, Transaction},
    error::{BlockError, ExecutionError},
    ids::{Account, AccountOwner, ApplicationId},
    message::{IncomingBundle, MessageAction, MessageKind, SystemMessage},
    oracle::OracleResponse,
    outside::{EventId, Outside, WebAnswers},
    permissions::ApplicationPermissions,
    policy::ResourceControlPolicy,
    store::{Content, Executed},
};

/// What a contract asks when it is entered; what it returns is the answer to its last question.
type Script = Arc<dyn Fn(&Entry) -> Vec<Request> + Send + Sync>;

struct Scripted(Script);

impl Module for Scripted {
    fn instantiate(&self, fuel: u64) -> Result<Box<dyn Guest>, GuestError> {
        Ok(Box::new(Player {
            script: self.0.clone(),
            left: VecDeque::new(),
            fuel,
        }))
    }
}

struct Player {
    script: Script,
    left: VecDeque<Request>,
    fuel: u64,
}

impl Player {
    /// Each question costs 10.
    fn next(&mut self, last: Vec<u8>) -> Step {
        let Some(request) = self.left.pop_front() else {
            return Step::Returns(last);
        };
        match self.fuel.checked_sub(10) {
            Some(fuel) => {
                self.fuel = fuel;
                Step::Asks(request)
            }
            None => Step::Fails(GuestError::OutOfFuel),
        }
    }
}

impl Guest for Player {
    fn start(&mut self, entry: Entry) -> Step {
        self.left = (self.script)(&entry).into();
        self.next(Vec::new())
    }

    fn resume(&mut self, answer: Answer) -> Step {
        self.next(match answer {
            Answer::Bytes(bytes) => bytes,
            Answer::Value(value) => value.unwrap_or_default(),
            Answer::Unit => Vec::new(),
            other => format!("{other:?}").into_bytes(),
        })
    }

    fn fuel(&self) -> u64 {
        self.fuel
    }

    fn set_fuel(&mut self, fuel: u64) {
        self.fuel = fuel;
    }
}

/// What somebody knows of the rest of the world.
#[derive(Default)]
pub(super) struct Known {
    pub(super) events: BTreeMap<EventId, Arc<[u8]>>,
    pub(super) web: WebAnswers,
    pub(super) round: Option<u32>,
}

impl Outside for Known {
    fn event(&self, id: &EventId) -> Option<Arc<[u8]>> {
        self.events.get(id).cloned()
    }

    fn http(&self, request: &HttpRequest) -> Option<HttpResponse> {
        self.web.answer(request)
    }

    fn round(&self) -> Option<u32> {
        self.round
    }
}

#[derive(Default)]
pub(super) struct World {
    /// What the node that executes first knows of the rest of the world.
    pub(super) outside: Known,
    blobs: BTreeMap<BlobId, Arc<Blob>>,
    scripts: BTreeMap<BlobId, Script>,
}

impl Content for World {
    fn blob(&self, id: &BlobId) -> Option<Arc<Blob>> {
        self.blobs.get(id).cloned()
    }

    fn module(&self, _: Role, blob: &Arc<Blob>) -> Option<Result<Arc<dyn Module>, ModuleError>> {
        let script = self.scripts.get(&blob.id())?.clone();
        Some(Ok(Arc::new(Scripted(script))))
    }
}

impl World {
    pub(super) fn publish(
        &mut self,
        name: &str,
        script: impl Fn(&Entry) -> Vec<Request> + Send + Sync + 'static,
    ) -> ModuleId {
        let mut put = |blob_type| {
            let blob = Blob::new(BlobContent::new(blob_type, name.as_bytes().to_vec()));
            self.blobs.insert(blob.id(), blob.clone());
            blob.id()
        };
        let contract = put(BlobType::ContractBytecode);
        let service = put(BlobType::ServiceBytecode);
        self.scripts.insert(contract, Arc::new(script));
        ModuleId {
            contract_blob_hash: contract.hash,
            service_blob_hash: service.hash,
            vm_runtime: VmRuntime::Wasm,
        }
    }

    /// An application that exists and is used by no chain yet.
    pub(super) fn create(&mut self, on: &ExecutionState, module_id: ModuleId) -> ApplicationId {
        let description = ApplicationDescription {
            module_id,
            creator_chain_id: on.chain_id,
            block_height: on.next_height,
            application_index: 7,
            parameters: Vec::new(),
            required_application_ids: Vec::new(),
        };
        let blob = Blob::new(description.content());
        self.blobs.insert(blob.id(), blob.clone());
        ApplicationId(blob.id().hash)
    }

    pub(super) fn run(
        &self,
        state: &ExecutionState,
        transactions: Vec<Transaction>,
    ) -> Result<Executed, BlockError> {
        self.run_under(state, None, transactions)
    }

    fn run_under(
        &self,
        state: &ExecutionState,
        policy: Option<&ResourceControlPolicy>,
        transactions: Vec<Transaction>,
    ) -> Result<Executed, BlockError> {
        let terms = Terms {
            policy,
            content: Some(self),
            outside: Some(&self.outside),
            ..Terms::default()
        };
        let executed = execute_under(terms, state, &block(state, 0, transactions))?;
        let nowhere = Terms {
            outside: None,
            ..terms
        };
        let again = replay(state, &executed.block, nowhere);
        assert_eq!(again.as_ref(), Ok(&executed), "a replay gives the same");
        Ok(executed)
    }
}

pub(super) fn operate(application_id: ApplicationId, bytes: &[u8]) -> Transaction {
    Transaction::ExecuteOperation(SystemOperation::User(Arc::new(UserOperation {
        application_id,
        bytes: bytes.to_vec(),
    })))
}

pub(super) fn error(result: Result<Executed, BlockError>) -> ExecutionError {
    match result {
        Err(BlockError::Transaction { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

pub(super) fn put(key: &[u8], value: &[u8]) -> Request {
    let put = WriteOperation::Put(key.to_vec(), value.to_vec());
    Request::Contract(ContractRequest::WriteBatch(vec![put]))
}

pub(super) fn get(key: &[u8]) -> Request {
    Request::Base(BaseRequest::ReadValueBytes(key.to_vec()))
}

/// Stores what it is instantiated with and what it is told, and returns what was there.
fn memory(entry: &Entry) -> Vec<Request> {
    match entry {
        Entry::Instantiate(bytes) | Entry::ExecuteMessage(bytes) => vec![put(b"k", bytes)],
        Entry::ExecuteOperation(bytes) => vec![put(b"n", bytes), get(b"k")],
        _ => Vec::new(),
    }
}

#[test]
fn an_application_is_created_once_and_found_again() {
    let mut world = World::default();
    let module_id = world.publish("memory", memory);
    let state = chain(0, 10);
    let publish = SystemOperation::PublishModule { module_id };
    let create = SystemOperation::CreateApplication(Arc::new(CreateApplicationRequest {
        module_id,
        parameters: Vec::new(),
        argument: b"first".to_vec(),
        required_application_ids: Vec::new(),
    }));
    let steps = [publish, create].map(Transaction::ExecuteOperation);
    let first = world.run(&state, steps.into()).expect("it is created");
    let outcome = first.block.outcome();
    assert!(!outcome.uses_oracles(), "all blobs are of this chain");
    let created: Vec<_> = first.block.created_blobs().cloned().collect();
    assert_eq!(created.len(), 1);
    let application = ApplicationId(created[0].id().hash);
    let description = ApplicationDescription::of(&created[0]).expect("it is one");
    assert_eq!(description.id(), application);
    assert_eq!(description.application_index, 0);

    world.blobs.insert(created[0].id(), created[0].clone());
    let then = world.run(&first.state, vec![operate(application, b"x")]);
    let then = then.expect("it is executed");
    let left = then.block.outcome().applications.as_ref().expect("called");
    assert_eq!(left.operation_results, [(0, b"first".to_vec())]);
    assert!(!then.block.outcome().uses_oracles());
    assert_ne!(then.state.state_hash, first.state.state_hash);
    let kept = then
        .state
        .applications
        .as_ref()
        .expect("it keeps something");
    let all = [
        (b"k".to_vec(), b"first".to_vec()),
        (b"n".to_vec(), b"x".to_vec()),
    ];
    assert_eq!(kept.storage_of(&application), all);
}

#[test]
fn the_first_use_on_a_chain_asks_for_all_that_it_is_made_of() {
    let mut world = World::default();
    let module_id = world.publish("memory", memory);
    let (a, state) = (chain(1, 0), chain(0, 10));
    let application = world.create(&a, module_id);
    let first = world.run(&state, vec![operate(application, b"x")]);
    let first = first.expect("it is deployed by itself");
    let mut asked = vec![BlobId::description(application)];
    asked.extend(module_id.blobs());
    let responses: Vec<_> = asked.iter().copied().map(OracleResponse::Blob).collect();
    assert_eq!(first.block.outcome().oracle_responses, [responses]);
    let required: Vec<_> = first.block.required_blobs().collect();
    assert_eq!(required, asked);
    let second = world.run(&first.state, vec![operate(application, b"y")]);
    assert!(!second.expect("it runs").block.outcome().uses_oracles());

    let missing = BlobId::description(application);
    world.blobs.remove(&missing);
    let failed = error(world.run(&state, vec![operate(application, b"x")]));
    assert_eq!(failed, ExecutionError::MissingBlob(missing));
}

#[test]
fn a_block_is_written_down_and_read_with_what_applications_left() {
    let mut world = World::default();
    let module_id = world.publish("memory", memory);
    let state = chain(0, 10);
    let application = world.create(&state, module_id);
    let executed = world.run(&state, vec![operate(application, b"x")]);
    let block = executed.expect("it is executed").block;
    let bytes = bcs::to_bytes(&*block).expect("it encodes");
    let read: Block = bcs::from_bytes(&bytes).expect("it decodes");
    assert_eq!(read, *block);
}

fn send(destination: &ExecutionState, grant: Resources) -> Request {
    Request::Contract(ContractRequest::SendMessage(SendMessageRequest {
        destination: destination.chain_id,
        authenticated: true,
        is_tracked: true,
        grant,
        message: b"hello".to_vec(),
    }))
}

fn arrives(sent: &Executed, to: &ExecutionState, action: MessageAction) -> Transaction {
    let bundle = sent.block.bundles_for(&to.chain_id)[0].1.clone();
    Transaction::ReceiveMessages(IncomingBundle {
        origin: sent.block.chain_id(),
        bundle,
        action,
    })
}

#[test]
fn a_message_deploys_its_application_and_comes_back_if_it_is_rejected() {
    let mut world = World::default();
    let (here, there) = (chain(0, 10), chain(1, 0));
    let destination = there.clone();
    let module_id = world.publish("sender", move |entry| match entry {
        Entry::ExecuteOperation(_) => vec![send(&destination, Resources::default())],
        Entry::ExecuteMessage(bytes) => vec![
            put(b"got", bytes),
            Request::Contract(ContractRequest::MessageIsBouncing),
        ],
        _ => Vec::new(),
    });
    let application = world.create(&here, module_id);
    let sent = world.run(&here, vec![operate(application, b"")]);
    let sent = sent.expect("it is sent");
    let message = &sent.block.outcome().messages[0][0];
    assert_eq!(message.authenticated_owner, Some(owner(0)));
    let said = UserMessage {
        application_id: application,
        bytes: b"hello".to_vec(),
    };
    assert_eq!(message.message, SystemMessage::User(Arc::new(said)));

    let accepted = world.run(&there, vec![arrives(&sent, &there, MessageAction::Accept)]);
    let accepted = accepted.expect("it is accepted");
    let kept = accepted.state.applications.as_ref().expect("it keeps it");
    let all = [(b"got".to_vec(), b"hello".to_vec())];
    assert_eq!(kept.storage_of(&application), all);

    let rejected = world.run(&there, vec![arrives(&sent, &there, MessageAction::Reject)]);
    let rejected = rejected.expect("it is rejected");
    assert_eq!(rejected.block.outcome().applications, None);
    let back = &rejected.block.outcome().messages[0][0];
    assert_eq!(back.kind, MessageKind::Bouncing);
    assert_eq!(back.message, message.message);
    let home = arrives(&rejected, &sent.state, MessageAction::Accept);
    let home = world.run(&sent.state, vec![home]).expect("it is home");
    let kept = home.state.applications.as_ref().expect("it keeps it");
    assert_eq!(kept.storage_of(&application), all);
}

#[test]
fn a_message_that_fails_fails_its_transaction_with_a_reason() {
    let mut world = World::default();
    let (here, there) = (chain(0, 10), chain(1, 0));
    let destination = there.clone();
    let module_id = world.publish("picky", move |entry| match entry {
        Entry::ExecuteOperation(_) => vec![send(&destination, Resources::default())],
        Entry::ExecuteMessage(_) => vec![Request::Contract(ContractRequest::ReadEvent(
            destination.chain_id,
            StreamName::default(),
            3,
        ))],
        _ => Vec::new(),
    });
    let application = world.create(&here, module_id);
    let sent = world.run(&here, vec![operate(application, b"")]);
    let sent = sent.expect("it is sent");
    let accept = arrives(&sent, &there, MessageAction::Accept);
    let failed = error(world.run(&there, vec![accept]));
    let ExecutionError::Application(refused) = failed else {
        panic!("{failed:?}");
    };
    assert!(matches!(*refused, ActionError::Refused { error, .. }
        if matches!(*error, RuntimeError::UnknownEvent { index: 3, .. })));
}

#[test]
fn an_application_moves_its_own_money_and_its_users_and_no_other() {
    let mut world = World::default();
    let mut state = chain(0, 10);
    let somebody = owner(5);
    let to = Account::chain(state.chain_id);
    let move_it =
        move |from: AccountOwner| Request::Contract(ContractRequest::Transfer(from, to, tokens(1)));
    let module_id = world.publish("mover", move |entry| match entry {
        Entry::ExecuteOperation(bytes) => vec![move_it(match bytes[..] {
            [0] => owner(0),
            [1] => somebody,
            _ => AccountOwner::CHAIN,
        })],
        _ => Vec::new(),
    });
    let application = world.create(&state, module_id);
    state.balances.insert(owner(0), tokens(2));
    state.balances.insert(somebody, tokens(2));
    let done = world.run(&state, vec![operate(application, &[0])]);
    let done = done.expect("the user's money moves");
    assert_eq!(done.state.balance, tokens(11));
    world
        .run(&state, vec![operate(application, &[2])])
        .expect("an owner of the chain moves its money");
    let refused = error(world.run(&state, vec![operate(application, &[1])]));
    assert!(
        refused.to_string().contains("may not move money"),
        "{refused}"
    );
}

#[test]
fn events_are_numbered_and_are_in_the_block() {
    let mut world = World::default();
    let state = chain(0, 10);
    let chain_id = state.chain_id;
    let name = || StreamName(b"s".to_vec());
    let module_id = world.publish("emitter", move |entry| match entry {
        Entry::ExecuteOperation(bytes) => vec![
            Request::Contract(ContractRequest::Emit(name(), bytes.clone())),
            Request::Contract(ContractRequest::ReadEvent(chain_id, name(), 0)),
        ],
        _ => Vec::new(),
    });
    let application = world.create(&state, module_id);
    let steps = vec![operate(application, b"a"), operate(application, b"b")];
    let executed = world.run(&state, steps).expect("it is executed");
    let left = executed
        .block
        .outcome()
        .applications
        .as_ref()
        .expect("called");
    let events = left.events.iter();
    let events: Vec<_> = events
        .map(|(at, event)| (*at, event.index, &event.value[..]))
        .collect();
    assert_eq!(events, [(0, 0, &b"a"[..]), (1, 1, &b"b"[..])]);
    let results = [(0, b"a".to_vec()), (1, b"a".to_vec())];
    assert_eq!(left.operation_results, results);
}

#[test]
fn fuel_has_a_price_and_a_limit() {
    let mut world = World::default();
    let module_id = world.publish("memory", memory);
    let state = chain(0, 10);
    let application = world.create(&state, module_id);
    let mut policy = ResourceControlPolicy::no_fees();
    policy.prices.wasm_fuel_unit = Amount::from_attos(3);
    policy.limits.maximum_wasm_fuel_per_block = 30;
    // Two questions in each operation.
    let run = |count: usize| {
        let steps = vec![operate(application, b"x"); count];
        world.run_under(&state, Some(&policy), steps)
    };
    let charged = run(1).expect("there is fuel").charged;
    assert_eq!(
        charged.map(|charged| charged.fees),
        Some(Amount::from_attos(60))
    );
    let refused = error(run(2));
    assert_eq!(refused, ExecutionError::MaximumFuelExceeded { max: 30 });
    assert!(refused.is_limit_error());
}

#[test]
fn a_grant_pays_for_its_message_and_the_rest_goes_back() {
    let mut world = World::default();
    let (mut here, mut there) = (chain(0, 10), chain(1, 0));
    there.balance = Amount::ZERO;
    here.balances.insert(owner(0), tokens(1));
    let destination = there.clone();
    let grant = Resources {
        wasm_fuel: 50,
        ..Resources::default()
    };
    let module_id = world.publish("granter", move |entry| match entry {
        Entry::ExecuteOperation(_) => vec![send(&destination, grant)],
        Entry::ExecuteMessage(bytes) => vec![put(b"k", bytes)],
        _ => Vec::new(),
    });
    let application = world.create(&here, module_id);
    let mut policy = ResourceControlPolicy::no_fees();
    policy.prices.wasm_fuel_unit = Amount::from_attos(2);
    let run = |state: &ExecutionState, step| world.run_under(state, Some(&policy), vec![step]);
    let sent = run(&here, operate(application, b"")).expect("it is sent");
    assert_eq!(
        sent.block.outcome().messages[0][0].grant,
        Amount::from_attos(100)
    );
    let got = run(&there, arrives(&sent, &there, MessageAction::Accept));
    let got = got.expect("its grant pays");
    let fees = got.charged.expect("it is metered").fees;
    assert_eq!(fees, Amount::from_attos(20));
    let back = &got.block.outcome().messages[0][0].message;
    assert!(matches!(back, SystemMessage::Credit { amount, target, .. }
        if *amount == Amount::from_attos(80) && *target == owner(0)));
}

#[test]
fn permissions_know_applications() {
    let mut world = World::default();
    let module_id = world.publish("memory", memory);
    let mut state = chain(0, 10);
    let application = world.create(&state, module_id);
    let permissions = ApplicationPermissions {
        execute_operations: Some([application].into()),
        mandatory_applications: [application].into(),
        ..ApplicationPermissions::default()
    };
    state.permissions = Some(Arc::new(permissions));
    let close = Transaction::ExecuteOperation(SystemOperation::CloseChain);
    let refused = world.run(&state, vec![close]);
    assert!(matches!(
        refused,
        Err(BlockError::AuthorizedApplications(_))
    ));
    world
        .run(&state, vec![operate(application, b"")])
        .expect("it calls the application");
}
