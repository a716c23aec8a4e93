use std::sync::{Arc, Mutex};

use linera_sdk::{
    Resources,
    linera_base_types::{AccountOwner, Amount, BlockHeight, CryptoHash, Timestamp},
    util::BlockingWait,
};

use conformance::{Base, calls::Level};

use super::*;

fn here() -> ChainId {
    ChainId(CryptoHash::test_hash("here"))
}

fn contract() -> ConformanceContract {
    let runtime = ContractRuntime::new()
        .with_chain_id(here())
        .with_block_height(BlockHeight(7))
        .with_system_time(Timestamp::from(1_000))
        .with_authenticated_signer(None);
    ConformanceContract::load(runtime).blocking_wait()
}

fn make(contract: &mut ConformanceContract, call: Call) -> Answer {
    contract.execute_operation(call).blocking_wait()
}

fn put(key: &[u8], value: &[u8]) -> Change {
    Change::Put(key.to_vec(), value.to_vec())
}

#[test]
fn what_the_runtime_says_comes_back() {
    let mut contract = contract();
    let calls = vec![
        Call::Base(Base::GetChainId),
        Call::Base(Base::GetBlockHeight),
        Call::Base(Base::ReadSystemTimestamp),
        Call::Base(Base::Log(Level::Info, "hello".to_owned())),
        Call::AuthenticatedSigner,
    ];
    let answers = vec![
        Answer::Chain(here()),
        Answer::Height(BlockHeight(7)),
        Answer::Time(Timestamp::from(1_000)),
        Answer::Done,
        Answer::MaybeOwner(None),
    ];
    assert_eq!(make(&mut contract, Call::All(calls)), Answer::All(answers));
}

#[test]
fn storage_is_written_and_read() {
    let mut contract = contract();
    let changes = vec![put(b"ab", b"1"), put(b"ac", b"2"), put(b"b", b"3")];
    make(&mut contract, Call::WriteBatch(changes));
    let find = Call::Base(Base::FindKeys(b"a".to_vec()));
    let keys = vec![b"b".to_vec(), b"c".to_vec()];
    assert_eq!(make(&mut contract, find.clone()), Answer::Keys(keys));
    make(
        &mut contract,
        Call::WriteBatch(vec![Change::DeletePrefix(b"a".to_vec())]),
    );
    assert_eq!(make(&mut contract, find), Answer::Keys(Vec::new()));
    let read = Call::Base(Base::ReadMultiValuesBytes(vec![
        b"b".to_vec(),
        b"c".to_vec(),
    ]));
    let values = vec![Some(b"3".to_vec()), None];
    assert_eq!(make(&mut contract, read), Answer::Values(values));
}

#[test]
fn messages_carry_calls() {
    let mut contract = contract();
    let send = Call::SendMessage {
        destination: here(),
        authenticated: false,
        tracked: true,
        grant: Box::new(Resources::default()),
        calls: vec![Call::MessageIsBouncing],
    };
    assert_eq!(make(&mut contract, send), Answer::Done);
    let request = contract.runtime.created_send_message_requests().remove(0);
    assert!(request.is_tracked && !request.authenticated);
    contract.runtime.set_message_is_bouncing(true);
    contract.execute_message(request.message).blocking_wait();
    let left = make(
        &mut contract,
        Call::Base(Base::ReadValueBytes(AT_MESSAGE.to_vec())),
    );
    let answers = to_bcs(&vec![Answer::MaybeFlag(Some(true))]);
    assert_eq!(left, Answer::Value(Some(answers)));
}

#[test]
fn some_calls_wait_for_the_end() {
    let mut contract = contract();
    let storage = contract.storage.clone();
    let wait = Call::AtEnd(vec![Call::Base(Base::GetBlockHeight)]);
    assert_eq!(make(&mut contract, wait), Answer::Done);
    contract.store().blocking_wait();
    let read = Base::ReadValueBytes(AT_END.to_vec());
    let left = conformance::storage::read(&storage, read).blocking_wait();
    let answers = to_bcs(&vec![Answer::Height(BlockHeight(7))]);
    assert_eq!(left, Ok(Answer::Value(Some(answers))));
}

#[test]
fn another_application_is_called_with_bytes() {
    let mut contract = contract();
    let callee = ApplicationId::new(CryptoHash::test_hash("callee"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    contract
        .runtime
        .set_call_application_handler(move |authenticated, application, operation| {
            sink.lock().expect("tests have one thread").push((
                authenticated,
                application,
                operation,
            ));
            vec![9]
        });
    let call = Call::TryCallApplication {
        authenticated: true,
        callee,
        operation: vec![1, 2, 3],
    };
    assert_eq!(make(&mut contract, call), Answer::Bytes(vec![9]));
    let seen = seen.lock().expect("tests have one thread");
    assert_eq!(*seen, [(true, callee, vec![1, 2, 3])]);
}

#[test]
fn what_is_not_permitted_is_an_answer() {
    let mut contract = contract();
    contract.runtime.set_can_close_chain(false);
    assert_eq!(make(&mut contract, Call::CloseChain), Answer::NotPermitted);
    contract.runtime.set_can_close_chain(true);
    assert_eq!(make(&mut contract, Call::CloseChain), Answer::Done);
}

#[test]
fn money_moves() {
    let mut contract = contract();
    contract.runtime.set_chain_balance(Amount::from_tokens(5));
    let destination = linera_sdk::linera_base_types::Account {
        chain_id: ChainId(CryptoHash::test_hash("there")),
        owner: AccountOwner::CHAIN,
    };
    let transfer = Call::Transfer {
        source: AccountOwner::CHAIN,
        destination,
        amount: Amount::from_tokens(2),
    };
    assert_eq!(make(&mut contract, transfer), Answer::Done);
    let left = make(&mut contract, Call::Base(Base::ReadChainBalance));
    assert_eq!(left, Answer::Tokens(Amount::from_tokens(3)));
}

#[test]
#[should_panic(expected = "as asked")]
fn it_panics_when_asked_to() {
    make(&mut contract(), Call::Panic("as asked".to_owned()));
}
