//! The rules of a user action, with applications that call one another.

use protocol::{application::action::APPLICATIONS_PER_ACTION_MAX, ids::ApplicationId};

use super::{Chain, call, signer, world};
use crate::words::{Answer, Base, Call, Change, application};

fn through(callee: ApplicationId, authenticated: bool, call: Call) -> Call {
    Call::Through {
        application: application(callee),
        authenticated,
        call: Box::new(call),
    }
}

fn put(key: &str) -> Call {
    Call::WriteBatch(vec![Change::Put(key.as_bytes().to_vec(), Vec::new())])
}

fn fails(chain: &mut Chain, first: ApplicationId, asked: &Call) -> String {
    call(chain, first, asked).expect_err("it is refused")
}

#[test]
fn a_callee_learns_who_calls_only_if_told() {
    let (mut chain, [first, second]) = world();
    let who = Call::All(vec![Call::AuthenticatedSigner, Call::AuthenticatedCallerId]);
    let told = call(&mut chain, first, &through(second, true, who.clone()));
    let expected = vec![
        Answer::MaybeOwner(Some(signer().into())),
        Answer::MaybeApplication(Some(application(first))),
    ];
    assert_eq!(told, Ok(Answer::All(expected)));
    let untold = call(&mut chain, first, &through(second, false, who));
    let expected = vec![Answer::MaybeOwner(None), Answer::MaybeApplication(None)];
    assert_eq!(untold, Ok(Answer::All(expected)));
}

#[test]
fn authentication_once_withheld_is_gone() {
    let (mut chain, [first, second]) = world();
    let module = chain.descriptions[&first].module_id;
    let third = chain.create(module, "3", "[]").expect("it is created");
    let inner = through(third, true, Call::AuthenticatedSigner);
    let asked = through(second, false, inner);
    let answer = call(&mut chain, first, &asked);
    assert_eq!(answer, Ok(Answer::MaybeOwner(None)));
}

#[test]
fn nobody_is_called_who_has_not_returned() {
    let (mut chain, [first, second]) = world();
    let before = chain.storage.clone();
    let back = through(first, true, Call::CloseChain);
    let round = Call::All(vec![
        put("x"),
        through(second, true, Call::All(vec![put("y"), back])),
    ]);
    let error = fails(&mut chain, first, &round);
    let expected = format!("application {second} calls {first}, which has not returned");
    assert_eq!(error, expected);
    let error = fails(&mut chain, first, &through(first, true, Call::CloseChain));
    assert_eq!(
        error,
        format!("application {first} calls {first}, which has not returned")
    );
    assert_eq!(chain.storage, before);
}

#[test]
fn one_instance_serves_all_calls_of_an_action() {
    let (mut chain, [first, second]) = world();
    let later = through(
        second,
        true,
        Call::AtEnd(vec![Call::Base(Base::GetBlockHeight)]),
    );
    let asked = Call::All(vec![later.clone(), later]);
    call(&mut chain, first, &asked).expect("it works");
    let stored = &chain.storage[&second][b"at end".as_slice()];
    let answers: Vec<Answer> = bcs::from_bytes(stored).expect("answers");
    assert_eq!(answers, [Answer::Height(7), Answer::Height(7)]);
    // The next action begins afresh.
    chain
        .storage
        .get_mut(&second)
        .expect("it has storage")
        .clear();
    call(&mut chain, first, &through(second, true, Call::CloseChain)).expect("it works");
    assert!(chain.storage[&second].is_empty());
}

#[test]
fn the_last_loaded_is_finalized_first() {
    let (mut chain, [first, second]) = world();
    let say = |text: &str| Call::Base(Base::Log(crate::words::Level::Warn, text.to_owned()));
    let asked = Call::All(vec![
        Call::AtEnd(vec![say("first"), Call::AuthenticatedSigner]),
        through(
            second,
            false,
            Call::AtEnd(vec![say("second"), Call::AuthenticatedSigner]),
        ),
        say("body"),
    ]);
    call(&mut chain, first, &asked).expect("it works");
    assert_eq!(chain.journal, ["Warn body", "Warn second", "Warn first"]);
    // Whoever was called without authentication ends with the action's own.
    let stored = &chain.storage[&second][b"at end".as_slice()];
    let answers: Vec<Answer> = bcs::from_bytes(stored).expect("answers");
    assert_eq!(answers[1], Answer::MaybeOwner(Some(signer().into())));
}

#[test]
fn nobody_is_called_at_the_end() {
    let (mut chain, [first, second]) = world();
    let asked = Call::AtEnd(vec![through(second, true, Call::CloseChain)]);
    let error = fails(&mut chain, first, &asked);
    assert_eq!(
        error,
        format!("application {first} calls {second} when it is finalized")
    );
}

#[test]
fn a_callee_that_fails_takes_its_caller_along() {
    let (mut chain, [first, second]) = world();
    let before = chain.storage.clone();
    let inner = through(second, true, Call::Panic("inside".to_owned()));
    let error = fails(&mut chain, first, &Call::All(vec![put("x"), inner]));
    assert!(
        error.starts_with(&format!("application {second}: ")),
        "{error}"
    );
    assert!(error.contains("inside"), "{error}");
    assert_eq!(chain.storage, before);
}

#[test]
fn an_application_is_created_and_knows_by_whom() {
    let (mut chain, [first, _]) = world();
    let module = chain.descriptions[&first].module_id;
    let asked = Call::CreateApplication {
        module: crate::words::Module {
            contract: *module.contract_blob_hash.as_bytes(),
            service: *module.service_blob_hash.as_bytes(),
            vm: crate::words::Vm::Wasm,
        },
        parameters: "null".to_owned(),
        argument: "[\"AuthenticatedCallerId\"]".to_owned(),
        required: Vec::new(),
    };
    let Ok(Answer::Application(created)) = call(&mut chain, first, &asked) else {
        panic!("it is created");
    };
    let mut storage = chain.storage.iter();
    let (_, stored) = storage
        .find(|(id, _)| application(**id) == created)
        .expect("it ran");
    let answers: Vec<Answer> =
        bcs::from_bytes(&stored[b"at instantiation".as_slice()]).expect("answers");
    assert_eq!(
        answers,
        [Answer::MaybeApplication(Some(application(first)))]
    );
}

#[test]
fn an_oracle_schedules_nothing() {
    let (mut chain, [first, second]) = world();
    let asked = Call::QueryService {
        application: application(second),
        query: "{\"ScheduleRawOperation\":[1]}".to_owned(),
    };
    let error = fails(&mut chain, first, &asked);
    assert!(
        error.contains("schedules an operation when asked as an oracle"),
        "{error}"
    );
}

#[test]
fn the_purse_is_one() {
    let (mut chain, [first, second]) = world();
    let burn = through(second, true, Call::ConsumeFuel(80_000_000));
    call(&mut chain, first, &burn).expect("there is enough");
    assert!(chain.used > 80_000_000, "{}", chain.used);
    let error = fails(
        &mut chain,
        first,
        &Call::All(vec![burn.clone(), burn.clone(), burn]),
    );
    assert_eq!(error, format!("application {second}: out of fuel"));
}

#[test]
fn an_action_loads_so_many_applications() {
    let (mut chain, [first, second]) = world();
    let module = chain.descriptions[&first].module_id;
    let mut others = vec![second];
    for number in 0..APPLICATIONS_PER_ACTION_MAX - 1 {
        let created = chain.create(module, &format!("{{\"m\":{number}}}"), "[]");
        others.push(created.expect("it is created"));
    }
    assert_eq!(others.len(), APPLICATIONS_PER_ACTION_MAX);
    let all = |others: &[ApplicationId]| {
        let calls = others.iter().map(|other| through(*other, false, put("x")));
        Call::All(calls.collect())
    };
    let fits = all(&others[1..]);
    call(&mut chain, first, &fits).expect("as many as there may be");
    let error = fails(&mut chain, first, &all(&others));
    assert_eq!(error, "more than 32 applications in one action");
}
