use std::sync::{Arc, Mutex};

use fungible::{FungibleOperation, FungibleResponse};
use linera_sdk::{
    bcs,
    linera_base_types::{ApplicationId, CryptoHash, Timestamp},
    util::BlockingWait,
};

use super::*;

/// What a contract asked tokens to do: which, whose, how many, where to.
type Transfers = Arc<Mutex<Vec<(ApplicationId, AccountOwner, Amount, Account)>>>;

const DEADLINE: u64 = 1_000;

fn chain(name: &str) -> ChainId {
    ChainId(CryptoHash::test_hash(name))
}

fn owner(name: &str) -> AccountOwner {
    AccountOwner::from(CryptoHash::test_hash(name))
}

fn application(name: &str) -> ApplicationId {
    ApplicationId::new(CryptoHash::test_hash(name))
}

fn account(chain_name: &str, owner: AccountOwner) -> Account {
    Account {
        chain_id: chain(chain_name),
        owner,
    }
}

fn leg(token: &str, count: u128) -> Leg {
    Leg {
        token: application(token),
        amount: Amount::from_tokens(count),
    }
}

fn terms() -> Terms {
    Terms {
        proposer: account("ana's", owner("ana")),
        gives: leg("gold", 3),
        counterparty: owner("bob"),
        gets: leg("silver", 7),
        deadline: Timestamp::from(DEADLINE),
    }
}

fn contract(chain_name: &str, signer: &str) -> (AtomicSwapContract, Transfers) {
    let transfers = Transfers::default();
    let sink = transfers.clone();
    let runtime = ContractRuntime::new()
        .with_application_id(application("swap").with_abi())
        .with_chain_id(chain(chain_name))
        .with_authenticated_signer(owner(signer))
        .with_authenticated_caller_id(None)
        .with_can_close_chain(true)
        .with_system_time(Timestamp::from(DEADLINE - 1))
        .with_call_application_handler(move |authenticated, callee, operation| {
            assert!(authenticated);
            let operation = bcs::from_bytes(&operation).expect("a token is called");
            let FungibleOperation::Transfer {
                owner,
                amount,
                target_account,
            } = operation
            else {
                panic!("{operation:?}");
            };
            let mut seen = sink.lock().expect("tests have one thread");
            seen.push((callee, owner, amount, target_account));
            bcs::to_bytes(&FungibleResponse::Ok).expect("responses have an encoding")
        });
    let contract = AtomicSwapContract::load(runtime).blocking_wait();
    (contract, transfers)
}

/// The chain of a swap whose first half is there.
fn waiting() -> (AtomicSwapContract, Transfers) {
    let (mut contract, transfers) = contract("swap's", "ana");
    contract
        .execute_message(Message::Start(terms()))
        .blocking_wait();
    (contract, transfers)
}

fn join(contract: &mut AtomicSwapContract, name: &str, gives: Leg) {
    contract.runtime.set_message_origin_chain_id(chain("bob's"));
    let owner = owner(name);
    let message = Message::Join { owner, gives };
    contract.execute_message(message).blocking_wait();
}

fn refund(contract: &mut AtomicSwapContract) {
    contract
        .execute_operation(Operation::Refund)
        .blocking_wait();
}

#[test]
fn a_proposal_opens_a_chain_for_both_and_pays() {
    let (mut contract, transfers) = contract("ana's", "ana");
    let ownership = ChainOwnership::multiple(
        [(owner("ana"), 1), (owner("bob"), 1)],
        MULTI_LEADER_ROUNDS,
        TimeoutConfig::default(),
    );
    let permissions = ApplicationPermissions {
        execute_operations: Some(vec![application("swap")]),
        close_chain: vec![application("swap")],
        ..ApplicationPermissions::default()
    };
    contract.runtime.add_expected_open_chain_call(
        ownership,
        permissions,
        Amount::ONE,
        chain("swap's"),
    );
    let propose = Operation::Propose {
        owner: owner("ana"),
        gives: leg("gold", 3),
        counterparty: owner("bob"),
        gets: leg("silver", 7),
        deadline: Timestamp::from(DEADLINE),
        for_fees: Amount::ONE,
    };
    let opened = contract.execute_operation(propose).blocking_wait();
    assert_eq!(opened, Some(chain("swap's")));
    let paid = (
        application("gold"),
        owner("ana"),
        Amount::from_tokens(3),
        account("swap's", application("swap").into()),
    );
    assert_eq!(*transfers.lock().expect("one thread"), [paid]);
    let sent = contract.runtime.created_send_message_requests().remove(0);
    assert_eq!(sent.destination, chain("swap's"));
    assert!(matches!(sent.message, Message::Start(sent) if sent == terms()));
}

#[test]
fn joining_pays_and_says_so() {
    let (mut contract, transfers) = contract("bob's", "bob");
    let operation = Operation::Join {
        swap: chain("swap's"),
        owner: owner("bob"),
        gives: leg("silver", 7),
    };
    contract.execute_operation(operation).blocking_wait();
    let paid = (
        application("silver"),
        owner("bob"),
        Amount::from_tokens(7),
        account("swap's", application("swap").into()),
    );
    assert_eq!(*transfers.lock().expect("one thread"), [paid]);
    let sent = contract.runtime.created_send_message_requests().remove(0);
    assert!(matches!(sent.message, Message::Join { .. }));
}

#[test]
#[should_panic(expected = "pays for themselves")]
fn nobody_pays_for_another() {
    let (mut contract, _) = contract("bob's", "eve");
    let operation = Operation::Join {
        swap: chain("swap's"),
        owner: owner("bob"),
        gives: leg("silver", 7),
    };
    contract.execute_operation(operation).blocking_wait();
}

#[test]
fn both_get_what_the_other_has_given() {
    let (mut contract, transfers) = waiting();
    join(&mut contract, "bob", leg("silver", 7));
    let own = AccountOwner::from(application("swap"));
    let gold = (
        application("gold"),
        own,
        Amount::from_tokens(3),
        account("bob's", owner("bob")),
    );
    let silver = (
        application("silver"),
        own,
        Amount::from_tokens(7),
        account("ana's", owner("ana")),
    );
    assert_eq!(*transfers.lock().expect("one thread"), [gold, silver]);
    assert_eq!(*contract.state.status.get(), Status::Swapped);
}

#[test]
#[should_panic(expected = "something else was agreed")]
fn less_than_agreed_is_refused() {
    join(&mut waiting().0, "bob", leg("silver", 6));
}

#[test]
#[should_panic(expected = "something else was agreed")]
fn another_token_is_refused() {
    join(&mut waiting().0, "bob", leg("copper", 7));
}

#[test]
#[should_panic(expected = "somebody else was meant")]
fn strangers_are_refused() {
    join(&mut waiting().0, "eve", leg("silver", 7));
}

#[test]
#[should_panic(expected = "from the deadline on")]
fn joining_too_late_is_refused() {
    let (mut contract, _) = waiting();
    contract.runtime.set_system_time(Timestamp::from(DEADLINE));
    join(&mut contract, "bob", leg("silver", 7));
}

#[test]
fn the_first_half_goes_back_after_the_deadline() {
    let (mut contract, transfers) = waiting();
    contract.runtime.set_system_time(Timestamp::from(DEADLINE));
    refund(&mut contract);
    let paid = (
        application("gold"),
        application("swap").into(),
        Amount::from_tokens(3),
        account("ana's", owner("ana")),
    );
    assert_eq!(*transfers.lock().expect("one thread"), [paid]);
    assert_eq!(*contract.state.status.get(), Status::Refunded);
}

#[test]
#[should_panic(expected = "before the deadline")]
fn nothing_goes_back_too_early() {
    refund(&mut waiting().0);
}

#[test]
#[should_panic(expected = "the first half is there")]
fn nothing_goes_back_twice() {
    let (mut contract, _) = waiting();
    contract.runtime.set_system_time(Timestamp::from(DEADLINE));
    refund(&mut contract);
    refund(&mut contract);
}

#[test]
#[should_panic(expected = "a chain is for one swap")]
fn a_swap_starts_once() {
    let (mut contract, _) = waiting();
    contract
        .execute_message(Message::Start(terms()))
        .blocking_wait();
}

#[test]
#[should_panic(expected = "ends in the future")]
fn a_swap_that_has_ended_is_not_proposed() {
    let (mut contract, _) = contract("ana's", "ana");
    contract.runtime.set_system_time(Timestamp::from(DEADLINE));
    contract.propose(terms(), Amount::ZERO);
}
