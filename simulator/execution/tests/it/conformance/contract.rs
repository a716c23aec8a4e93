//! The functions that contracts may call.

use protocol::{
    TimeDelta,
    application::{
        action::MessageContext,
        description::{GenericApplicationId, StreamId, StreamName, StreamUpdate},
        guest::{Entry, Role},
        request::Resources,
    },
    ids::{AccountOwner, ApplicationId, ChainId},
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
};

use super::{
    Chain, USER, call, covered, owner,
    rows::{THERE, ownership, rows},
    signer, world,
};
use crate::{
    chain::hash,
    words::{Account, Answer, Base, Call, Change, Owner, Permissions, application},
};

#[test]
fn every_function_answers_a_contract() {
    let (mut chain, applications) = world();
    let rows = rows(&chain, applications.map(application));
    for (names, asked, expected) in &rows {
        let answer = call(&mut chain, applications[0], asked);
        assert_eq!(answer.as_ref(), Ok(expected), "{names:?}: {asked:?}");
    }
    covered(
        rows.iter().flat_map(|row| row.0).copied(),
        Role::Contract,
        "",
    );
}

#[test]
fn what_contracts_do_is_what_they_said() {
    let (mut chain, applications) = world();
    for (_, asked, _) in rows(&chain, applications.map(application)) {
        call(&mut chain, applications[0], &asked).expect("every row works");
    }
    let journal = chain.journal.join("\n");
    let expected = [
        "HttpRequest { method: Post, url: \"https://example.org\", headers: [HttpHeader { name: \
         \"accept\", value: [42, 47, 42] }], body: [113, 117, 101, 115, 116, 105, 111, 110] }",
        "Warn beware",
        "transfers 1180.591620717411303424 from 0x0101",
        "to 0x00@c9c9",
        "claims 0.000000000000000017 from 0x0303030303030303030303030303030303030303@c1c1",
        "publishes [1, 2] [3]",
        "follows news of",
        "leaves news of",
    ];
    for line in expected {
        assert!(journal.contains(line), "no `{line}` in\n{journal}");
    }
    let opens = chain.journal.iter().find(|line| line.starts_with("opens"));
    let permissions = ApplicationPermissions {
        execute_operations: Some([1, 2].map(|byte| ApplicationId(hash(byte))).into()),
        mandatory_applications: [ApplicationId(hash(1))].into(),
        manage_chain: [ApplicationId(hash(2))].into(),
        call_service_as_oracle: None,
        make_http_requests: Some([].into()),
        ..ApplicationPermissions::default()
    };
    let ownership = ChainOwnership::single(owner(USER));
    let expected = format!("opens {ownership:?} {permissions:?} 0.000000000000000005");
    assert_eq!(opens, Some(&expected));
    let (authority, message) = &chain.sent[0];
    assert_eq!(authority.owner, Some(signer()));
    let counts = Resources {
        wasm_fuel: 1,
        evm_fuel: 2,
        read_operations: 3,
        write_operations: 4,
        bytes_runtime: 5,
        bytes_to_read: 6,
        bytes_to_write: 7,
        blobs_to_read: 8,
        blobs_to_publish: 9,
        blob_bytes_to_read: 10,
        blob_bytes_to_publish: 11,
        messages: 12,
        message_size: 13,
        storage_size_delta: 14,
        service_as_oracle_queries: 15,
        http_requests: 16,
    };
    assert_eq!(message.grant, counts);
    assert_eq!((message.authenticated, message.is_tracked), (true, true));
    assert_eq!(message.destination.0, hash(0xc9));
    assert_eq!(message.message, [0]);
}

#[test]
fn an_application_that_may_manages_its_chain() {
    let (mut chain, applications) = world();
    chain.permissions.manage_chain.insert(applications[0]);
    let me = application(applications[0]);
    let permissions = Permissions {
        close_chain: vec![me],
        change_application_permissions: vec![me],
        ..Permissions::default()
    };
    let seen = call(
        &mut chain,
        applications[0],
        &Call::Base(Base::GetApplicationPermissions),
    );
    assert_eq!(seen, Ok(Answer::Permissions(permissions.clone())));
    let mut owners = ownership();
    owners.super_owners = vec![Owner::Address20([4; 20])];
    owners.fast_round_duration = Some(77);
    owners.fallback_duration = 99;
    let calls = [
        Call::CloseChain,
        Call::ChangeOwnership(owners.clone()),
        Call::ChangeApplicationPermissions(Permissions::default()),
    ];
    for asked in calls {
        assert_eq!(
            call(&mut chain, applications[0], &asked),
            Ok(Answer::Done),
            "{asked:?}"
        );
    }
    let seen = call(
        &mut chain,
        applications[0],
        &Call::Base(Base::GetChainOwnership),
    );
    assert_eq!(seen, Ok(Answer::Ownership(owners)));
    let address = AccountOwner::Address20([4; 20]);
    assert!(chain.ownership.super_owners.contains(&address));
    let timeouts = chain.ownership.timeout_config;
    assert_eq!(timeouts.fallback_duration, Some(TimeDelta::from_micros(99)));
    assert!(chain.permissions.is_default());
}

#[test]
fn every_entry_point_is_entered() {
    let (mut chain, applications) = world();
    let argument = "[{\"Base\":\"GetBlockHeight\"},\"AuthenticatedSigner\"]";
    let module = chain.descriptions[&applications[0]].module_id;
    let created = chain
        .create(module, "null", argument)
        .expect("it is created");
    let stored = &chain.storage[&created][b"at instantiation".as_slice()];
    let answers: Vec<Answer> = bcs::from_bytes(stored).expect("answers have an encoding");
    let expected = [Answer::Height(7), Answer::MaybeOwner(Some(signer().into()))];
    assert_eq!(answers, expected);
    let calls = vec![Call::MessageIsBouncing, Call::MessageOriginChainId];
    let message = Entry::ExecuteMessage(bcs::to_bytes(&calls).expect("calls have an encoding"));
    let context = MessageContext {
        origin: ChainId(hash(0xc9)),
        is_bouncing: true,
    };
    let done = chain.act(applications[0], message, None, Some(context));
    assert_eq!(done, Ok(Vec::new()));
    let stored = &chain.storage[&applications[0]][b"at message".as_slice()];
    let answers: Vec<Answer> = bcs::from_bytes(stored).expect("answers have an encoding");
    assert_eq!(
        answers,
        [
            Answer::MaybeFlag(Some(true)),
            Answer::MaybeChain(Some(THERE))
        ]
    );
    let update = StreamUpdate {
        chain_id: ChainId(hash(0xc9)),
        stream_id: StreamId {
            application_id: GenericApplicationId::User(applications[1]),
            stream_name: StreamName(b"news".to_vec()),
        },
        previous_index: 2,
        next_index: 5,
    };
    let entry = Entry::ProcessStreams(vec![update.clone(), update]);
    chain
        .act(applications[0], entry, None, None)
        .expect("it looks at its streams");
    let stored = &chain.storage[&applications[0]][b"at streams".as_slice()];
    let news: Vec<([u8; 32], u32, u32)> = bcs::from_bytes(stored).expect("a list");
    assert_eq!(news, [(THERE, 2, 5), (THERE, 2, 5)]);
}

#[test]
fn what_is_refused_ends_the_action_with_its_reason() {
    let (mut chain, applications) = world();
    let me = applications[0];
    let before = chain.storage.clone();
    let refused = |chain: &mut Chain, asked: Call| {
        let write = Call::WriteBatch(vec![Change::Put(b"z".to_vec(), Vec::new())]);
        let error = call(chain, me, &Call::All(vec![write, asked])).expect_err("it is refused");
        let prefix = format!("application {me}: ");
        error
            .strip_prefix(&prefix)
            .expect("it says who failed")
            .to_owned()
    };
    let blob = refused(&mut chain, Call::Base(Base::ReadDataBlob([9; 32])));
    assert!(blob.starts_with("unknown data blob 0909"), "{blob}");
    let late = refused(&mut chain, Call::Base(Base::AssertBefore(1_000_000)));
    assert!(late.contains("not before"), "{late}");
    let poor = refused(
        &mut chain,
        Call::Transfer {
            source: Owner::Address20([9; 20]),
            destination: Account {
                chain: THERE,
                owner: Owner::Reserved(0),
            },
            amount: 1,
        },
    );
    assert!(poor.contains("less than 0.000000000000000001"), "{poor}");
    let panic = refused(&mut chain, Call::Panic("no luck today".to_owned()));
    assert!(panic.contains("no luck today"), "{panic}");
    let fuel = refused(&mut chain, Call::ConsumeFuel(u64::MAX));
    assert_eq!(fuel, "out of fuel");
    assert_eq!(chain.storage, before);
}
