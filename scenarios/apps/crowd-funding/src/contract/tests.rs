use std::sync::{Arc, Mutex};

use fungible::{FungibleOperation, FungibleResponse};
use linera_sdk::{
    bcs,
    linera_base_types::{ApplicationId, ChainId, CryptoHash, Timestamp},
    util::BlockingWait,
};

use super::*;

/// What a contract asked its token to do.
type Transfers = Arc<Mutex<Vec<(AccountOwner, Amount, Account)>>>;

const DEADLINE: u64 = 1_000;

fn chain(name: &str) -> ChainId {
    ChainId(CryptoHash::test_hash(name))
}

fn owner(name: &str) -> AccountOwner {
    AccountOwner::from(CryptoHash::test_hash(name))
}

fn account(chain_name: &str, owner: AccountOwner) -> Account {
    Account {
        chain_id: chain(chain_name),
        owner,
    }
}

fn tokens(count: u128) -> Amount {
    Amount::from_tokens(count)
}

fn application() -> ApplicationId {
    ApplicationId::new(CryptoHash::test_hash("campaign"))
}

/// A contract on the chain of that name; the campaign lies on "here" and needs 10 tokens.
fn contract(chain_name: &str) -> (CrowdFundingContract, Transfers) {
    let transfers = Transfers::default();
    let sink = transfers.clone();
    let token = ApplicationId::new(CryptoHash::test_hash("token"));
    let runtime = ContractRuntime::new()
        .with_application_parameters(token.with_abi())
        .with_application_id(application().with_abi())
        .with_application_creator_chain_id(chain("here"))
        .with_chain_id(chain(chain_name))
        .with_authenticated_signer(owner("olga"))
        .with_authenticated_caller_id(None)
        .with_system_time(Timestamp::from(DEADLINE - 1))
        .with_call_application_handler(move |authenticated, callee, operation| {
            assert!(authenticated && callee == token);
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
            seen.push((owner, amount, target_account));
            bcs::to_bytes(&FungibleResponse::Ok).expect("responses have an encoding")
        });
    let contract = CrowdFundingContract::load(runtime).blocking_wait();
    (contract, transfers)
}

/// The campaign itself.
fn campaign() -> (CrowdFundingContract, Transfers) {
    let (mut contract, transfers) = contract("here");
    let argument = Campaign {
        owner: owner("olga"),
        target: tokens(10),
        deadline: Timestamp::from(DEADLINE),
    };
    contract.instantiate(argument).blocking_wait();
    (contract, transfers)
}

fn execute(contract: &mut CrowdFundingContract, operation: Operation) {
    contract.execute_operation(operation).blocking_wait();
}

fn pledge(contract: &mut CrowdFundingContract, name: &str, count: u128) {
    let operation = Operation::Pledge {
        owner: owner(name),
        amount: tokens(count),
    };
    execute(contract, operation);
}

/// A pledge that comes from the chain "there".
fn receive(contract: &mut CrowdFundingContract, name: &str, count: u128) {
    contract.runtime.set_message_origin_chain_id(chain("there"));
    let message = Message::Pledge {
        owner: owner(name),
        amount: tokens(count),
    };
    contract.execute_message(message).blocking_wait();
}

fn at(contract: &mut CrowdFundingContract, time: u64) {
    contract.runtime.set_system_time(Timestamp::from(time));
}

#[test]
fn a_pledge_goes_to_the_account_of_the_campaign() {
    let (mut contract, transfers) = campaign();
    pledge(&mut contract, "ana", 4);
    let paid = (
        owner("ana"),
        tokens(4),
        account("here", application().into()),
    );
    assert_eq!(*transfers.lock().expect("one thread"), [paid]);
    assert_eq!(*contract.state.collected.get(), tokens(4));
}

#[test]
fn a_pledge_from_elsewhere_is_tokens_and_a_word() {
    let (mut contract, transfers) = contract("there");
    pledge(&mut contract, "ana", 4);
    let paid = (
        owner("ana"),
        tokens(4),
        account("here", application().into()),
    );
    assert_eq!(*transfers.lock().expect("one thread"), [paid]);
    let sent = contract.runtime.created_send_message_requests().remove(0);
    assert_eq!(sent.destination, chain("here"));
    let Message::Pledge {
        owner: giver,
        amount,
    } = sent.message;
    assert_eq!((giver, amount), (owner("ana"), tokens(4)));
}

#[test]
fn the_owner_collects_when_enough_is_there() {
    let (mut contract, transfers) = campaign();
    pledge(&mut contract, "ana", 4);
    receive(&mut contract, "bob", 7);
    execute(&mut contract, Operation::Collect);
    let paid = (
        application().into(),
        tokens(11),
        account("here", owner("olga")),
    );
    let transfers = transfers.lock().expect("one thread");
    assert_eq!(transfers.last(), Some(&paid));
    assert_eq!(*contract.state.status.get(), Status::Collected);
    assert_eq!(contract.state.givers().blocking_wait(), []);
}

#[test]
#[should_panic(expected = "10. are needed")]
fn the_owner_collects_no_sooner() {
    let (mut contract, _) = campaign();
    pledge(&mut contract, "ana", 9);
    execute(&mut contract, Operation::Collect);
}

#[test]
#[should_panic(expected = "only its owner")]
fn nobody_else_collects() {
    let (mut contract, _) = campaign();
    pledge(&mut contract, "ana", 10);
    contract.runtime.set_authenticated_signer(owner("ana"));
    execute(&mut contract, Operation::Collect);
}

#[test]
fn everybody_gets_theirs_back_where_it_came_from() {
    let (mut contract, transfers) = campaign();
    pledge(&mut contract, "ana", 4);
    receive(&mut contract, "bob", 2);
    receive(&mut contract, "bob", 3);
    at(&mut contract, DEADLINE);
    execute(&mut contract, Operation::Cancel);
    let mut paid = transfers.lock().expect("one thread").split_off(1);
    paid.sort_by_key(|(_, amount, _)| *amount);
    let own = AccountOwner::from(application());
    let expected = [
        (own, tokens(4), account("here", owner("ana"))),
        (own, tokens(5), account("there", owner("bob"))),
    ];
    assert_eq!(paid, expected);
    assert_eq!(*contract.state.status.get(), Status::Cancelled);
}

#[test]
#[should_panic(expected = "before the deadline")]
fn nothing_is_paid_back_too_early() {
    let (mut contract, _) = campaign();
    execute(&mut contract, Operation::Cancel);
}

#[test]
#[should_panic(expected = "the target is reached")]
fn nothing_is_paid_back_when_enough_is_there() {
    let (mut contract, _) = campaign();
    pledge(&mut contract, "ana", 10);
    at(&mut contract, DEADLINE);
    execute(&mut contract, Operation::Cancel);
}

#[test]
#[should_panic(expected = "from its deadline on")]
fn a_pledge_that_comes_too_late_is_refused() {
    let (mut contract, _) = campaign();
    at(&mut contract, DEADLINE);
    receive(&mut contract, "bob", 7);
}

#[test]
#[should_panic(expected = "has ended")]
fn an_ended_campaign_pays_nothing_twice() {
    let (mut contract, _) = campaign();
    pledge(&mut contract, "ana", 10);
    execute(&mut contract, Operation::Collect);
    execute(&mut contract, Operation::Collect);
}

#[test]
#[should_panic(expected = "lies on the chain that created it")]
fn other_chains_have_no_campaign() {
    let (mut contract, _) = contract("there");
    execute(&mut contract, Operation::Cancel);
}
