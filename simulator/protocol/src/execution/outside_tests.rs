//! What applications learn from outside of their chain, and how that is recorded.

use std::sync::Arc;

use super::{
    ExecutionState,
    application_tests::{World, error, operate, put},
    tests::chain,
};
use crate::{
    application::{
        action::ActionError,
        description::{GenericApplicationId, StreamId, StreamName},
        guest::Entry,
        outcome::StreamRange,
        request::{BaseRequest, ContractRequest, HttpMethod, HttpRequest, HttpResponse, Request},
        runtime::RuntimeError,
    },
    block::{SystemOperation, Transaction},
    error::ExecutionError,
    ids::{ApplicationId, ChainId},
    oracle::OracleResponse,
    outside::{EventId, Nowhere},
};

fn name() -> StreamName {
    StreamName(b"posts".to_vec())
}

fn post(chain_id: ChainId, application: ApplicationId, index: u32) -> EventId {
    EventId {
        chain_id,
        stream_id: StreamId {
            application_id: GenericApplicationId::User(application),
            stream_name: name(),
        },
        index,
    }
}

fn update(id: &EventId, application_id: ApplicationId, next_index: u32) -> Transaction {
    Transaction::ExecuteOperation(SystemOperation::UpdateStream(Arc::new(StreamRange {
        application_id,
        chain_id: id.chain_id,
        stream_id: id.stream_id.clone(),
        next_index,
    })))
}

/// Emits what it is told, and keeps what it is handed of streams.
fn feed(publisher: ChainId) -> impl Fn(&Entry) -> Vec<Request> + Send + Sync {
    move |entry| match entry {
        Entry::ExecuteOperation(bytes) => match bytes.as_slice() {
            b"follow" => vec![Request::Contract(ContractRequest::SubscribeToEvents(
                publisher,
                ApplicationId::placeholder("none"),
                name(),
            ))],
            bytes => vec![Request::Contract(ContractRequest::Emit(
                name(),
                bytes.to_vec(),
            ))],
        },
        Entry::ProcessStreams(updates) => {
            let update = &updates[0];
            let range = [update.previous_index, update.next_index].map(u32::to_le_bytes);
            let read = ContractRequest::ReadEvent(publisher, name(), update.previous_index);
            vec![put(b"range", &range.concat()), Request::Contract(read)]
        }
        _ => Vec::new(),
    }
}

#[test]
fn events_are_handed_over_once_and_in_order() {
    let mut world = World::default();
    let (here, there) = (chain(0, 10), chain(1, 10));
    let publisher = there.chain_id;
    // It follows its own stream on another chain, so its id has to be known to its code.
    let followed = Arc::new(std::sync::OnceLock::<ApplicationId>::new());
    let (known, script) = (followed.clone(), feed(publisher));
    let module_id = world.publish("feed", move |entry| {
        let mut requests = script(entry);
        for request in &mut requests {
            if let Request::Contract(ContractRequest::SubscribeToEvents(_, application, _)) =
                request
            {
                *application = *known.get().expect("it was created");
            }
        }
        requests
    });
    let application = world.create(&here, module_id);
    followed.set(application).expect("set once");

    let told = [b"one".as_slice(), b"two"].map(|text| operate(application, text));
    let published = world.run(&there, told.into()).expect("it emits");
    let events: Vec<_> = published.block.events().collect();
    assert_eq!(events.len(), 2);
    assert_eq!((events[0].index, events[1].index), (0, 1));
    let id = post(publisher, application, 0);
    let unsubscribed = error(world.run(&here, vec![update(&id, application, 2)]));
    assert_eq!(
        unsubscribed,
        ExecutionError::UnsubscribedUpdateStream(application)
    );
    let follows = world.run(&here, vec![operate(application, b"follow")]);
    let follows = follows.expect("it follows").state;

    let missing = error(world.run(&follows, vec![update(&id, application, 2)]));
    let last = post(publisher, application, 1);
    assert_eq!(missing, ExecutionError::MissingEvent(Box::new(last)));
    for event in events {
        let id = post(publisher, application, event.index);
        world.outside.events.insert(id, event.value.clone());
    }
    let handed = world.run(&follows, vec![update(&id, application, 2)]);
    let handed = handed.expect("the event is known");
    let read = (id.clone(), b"one".as_slice().into());
    let learned = [
        OracleResponse::EventExists(Arc::new(post(publisher, application, 1))),
        OracleResponse::StreamEvent(Arc::new(read)),
    ];
    assert_eq!(handed.block.outcome().oracle_responses, [learned.to_vec()]);
    assert_eq!(range(&handed.state, application), (0, 2));
    let again = error(world.run(&handed.state, vec![update(&id, application, 2)]));
    assert_eq!(
        again,
        ExecutionError::OutdatedUpdateStream { next_index: 2 }
    );
    assert!(handed.agrees_with(&world.outside));
    assert!(!handed.agrees_with(&Nowhere));
}

fn range(state: &ExecutionState, application: ApplicationId) -> (u32, u32) {
    let kept = state.applications.as_ref().expect("it keeps something");
    let range = kept
        .value(&application, b"range")
        .expect("it was handed one");
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    (number(&range[..4]), number(&range[4..]))
}

#[test]
fn the_round_is_an_answer_that_others_may_not_agree_with() {
    let mut world = World::default();
    let state = chain(0, 10);
    let module_id = world.publish("asks", |entry| match entry {
        Entry::ExecuteOperation(_) => vec![Request::Contract(ContractRequest::ValidationRound)],
        _ => Vec::new(),
    });
    let application = world.create(&state, module_id);
    world.outside.round = Some(3);
    let executed = world.run(&state, vec![operate(application, b"")]);
    let executed = executed.expect("it is told");
    let responses = &executed.block.outcome().oracle_responses[0];
    assert_eq!(responses.last(), Some(&OracleResponse::Round(Some(3))));
    assert!(executed.agrees_with(&world.outside));
    world.outside.round = None;
    assert!(!executed.agrees_with(&world.outside));
}

#[test]
fn the_web_answers_what_the_scenario_says_and_nothing_else() {
    let mut world = World::default();
    let state = chain(0, 10);
    let request = HttpRequest {
        method: HttpMethod::Get,
        url: "https://prices.example/gold".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let asked = request.clone();
    let module_id = world.publish("asks", move |entry| match entry {
        Entry::ExecuteOperation(_) => vec![Request::Base(BaseRequest::PerformHttpRequest(
            asked.clone(),
        ))],
        _ => Vec::new(),
    });
    let application = world.create(&state, module_id);
    let step = || vec![operate(application, b"")];
    let nobody = error(world.run(&state, step()));
    let ExecutionError::Application(refused) = nobody else {
        panic!("{nobody:?}");
    };
    let ActionError::Refused { error: reason, .. } = *refused else {
        panic!("{refused:?}");
    };
    assert!(matches!(*reason, RuntimeError::Http { .. }));

    let place = (request.method, request.url.clone());
    let response = HttpResponse {
        status: 200,
        headers: Vec::new(),
        body: b"42".to_vec(),
    };
    world.outside.web.0.insert(place.clone(), response.clone());
    let executed = world.run(&state, step()).expect("it is answered");
    let responses = &executed.block.outcome().oracle_responses[0];
    let exchange = Arc::new((request, response));
    assert_eq!(responses.last(), Some(&OracleResponse::Http(exchange)));
    let other = HttpResponse {
        status: 500,
        headers: Vec::new(),
        body: Vec::new(),
    };
    world.outside.web.0.insert(place, other);
    assert!(!executed.agrees_with(&world.outside));
}
