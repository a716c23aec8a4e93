use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use fungible::{FungibleOperation, FungibleResponse};
use linera_sdk::{
    bcs,
    linera_base_types::{ApplicationId, CryptoHash},
    util::BlockingWait,
};

use super::*;

/// What everybody has of both tokens, in attos: what the pool pays is added, what it gets is taken.
type Accounts = Arc<Mutex<BTreeMap<(usize, AccountOwner), i128>>>;

fn chain(name: &str) -> ChainId {
    ChainId(CryptoHash::test_hash(name))
}

fn owner(name: &str) -> AccountOwner {
    AccountOwner::from(CryptoHash::test_hash(name))
}

fn application(name: &str) -> ApplicationId {
    ApplicationId::new(CryptoHash::test_hash(name))
}

fn tokens(count: u128) -> Amount {
    Amount::from_tokens(count)
}

fn attos(amount: Amount) -> i128 {
    i128::try_from(amount.to_attos()).expect("tests have small amounts")
}

/// A contract on a chain; the pool lies on "pool's".
fn contract(chain_name: &str, signer: &str) -> (AmmContract, Accounts) {
    let accounts = Accounts::default();
    let sink = accounts.clone();
    let sides = ["gold", "silver"].map(application);
    let runtime = ContractRuntime::new()
        .with_application_parameters(Parameters { tokens: sides })
        .with_application_id(application("pool").with_abi())
        .with_application_creator_chain_id(chain("pool's"))
        .with_chain_id(chain(chain_name))
        .with_authenticated_signer(owner(signer))
        .with_authenticated_caller_id(None)
        .with_call_application_handler(move |authenticated, callee, operation| {
            assert!(authenticated);
            let side = sides.iter().position(|side| *side == callee);
            let side = side.expect("one of the tokens is called");
            let operation = bcs::from_bytes(&operation).expect("a token is called");
            let FungibleOperation::Transfer {
                owner,
                amount,
                target_account,
            } = operation
            else {
                panic!("{operation:?}");
            };
            let mut accounts = sink.lock().expect("tests have one thread");
            *accounts.entry((side, owner)).or_default() -= attos(amount);
            *accounts.entry((side, target_account.owner)).or_default() += attos(amount);
            bcs::to_bytes(&FungibleResponse::Ok).expect("responses have an encoding")
        });
    let contract = AmmContract::load(runtime).blocking_wait();
    (contract, accounts)
}

fn execute(contract: &mut AmmContract, operation: Operation) {
    contract.execute_operation(operation).blocking_wait();
}

fn fill(contract: &mut AmmContract, first: u128, second: u128) {
    let operation = Operation::Fill {
        owner: owner("ana"),
        first: tokens(first),
        second: tokens(second),
    };
    execute(contract, operation);
}

fn trade(input: Side, amount: u128, at_least: u128) -> Operation {
    Operation::Trade {
        owner: owner("ana"),
        input,
        amount: tokens(amount),
        at_least: tokens(at_least),
    }
}

fn pool() -> (AmmContract, Accounts) {
    let (mut contract, accounts) = contract("pool's", "ana");
    fill(&mut contract, 1_000, 2_000);
    (contract, accounts)
}

/// Checks that the pool's accounts hold the reserves.
fn check(contract: &AmmContract, accounts: &Accounts) {
    let accounts = accounts.lock().expect("tests have one thread");
    let own = AccountOwner::from(application("pool"));
    for (index, reserve) in contract.state.reserves.get().iter().enumerate() {
        assert_eq!(accounts[&(index, own)], attos(*reserve), "token {index}");
    }
}

#[test]
fn the_first_to_fill_makes_the_price() {
    let (contract, accounts) = pool();
    check(&contract, &accounts);
    assert_eq!(
        *contract.state.reserves.get(),
        [tokens(1_000), tokens(2_000)]
    );
    assert_eq!(*contract.state.total_shares.get(), tokens(1_000));
}

#[test]
fn others_fill_at_that_price_and_get_the_rest_back() {
    let (mut contract, accounts) = pool();
    fill(&mut contract, 100, 1_000);
    check(&contract, &accounts);
    let [first, second] = *contract.state.reserves.get();
    assert_eq!(first, tokens(1_100));
    assert_eq!(minus(second, tokens(2_200)), Amount::from_attos(1));
    assert_eq!(*contract.state.total_shares.get(), tokens(1_100));
}

#[test]
fn a_trade_gives_the_other_token() {
    let (mut contract, accounts) = pool();
    let before = accounts.lock().expect("one thread")[&(1, owner("ana"))];
    execute(&mut contract, trade(Side::First, 10, 19));
    check(&contract, &accounts);
    let after = accounts.lock().expect("one thread")[&(1, owner("ana"))];
    let expected = output(tokens(10), tokens(1_000), tokens(2_000));
    assert_eq!(after - before, attos(expected));
    assert_eq!(*contract.state.trades.get(), 1);
}

#[test]
fn trades_there_and_back_cost_something() {
    let (mut contract, accounts) = pool();
    let [first, second] = *contract.state.reserves.get();
    for _ in 0..5 {
        execute(&mut contract, trade(Side::First, 10, 0));
        execute(&mut contract, trade(Side::Second, 20, 0));
        check(&contract, &accounts);
    }
    let [first_after, second_after] = contract.state.reserves.get().map(Amount::to_attos);
    let product = amm::arithmetic::wide_product;
    let before = product(first.to_attos(), second.to_attos());
    assert!(product(first_after, second_after) > before);
}

#[test]
#[should_panic(expected = "not 20.")]
fn a_bad_price_is_refused() {
    execute(&mut pool().0, trade(Side::First, 10, 20));
}

#[test]
#[should_panic(expected = "give 0.")]
fn an_empty_pool_trades_nothing() {
    execute(&mut contract("pool's", "ana").0, trade(Side::First, 1, 0));
}

#[test]
fn everything_can_be_taken_out_again() {
    let (mut contract, accounts) = pool();
    execute(&mut contract, trade(Side::First, 10, 0));
    let operation = Operation::Drain {
        owner: owner("ana"),
        shares: tokens(1_000),
    };
    execute(&mut contract, operation);
    check(&contract, &accounts);
    assert_eq!(*contract.state.reserves.get(), [Amount::ZERO; 2]);
    let left = accounts.lock().expect("one thread");
    assert!(left.values().all(|balance| *balance == 0), "{left:?}");
}

#[test]
#[should_panic(expected = "not 1001.")]
fn nobody_takes_out_more_than_is_theirs() {
    let operation = Operation::Drain {
        owner: owner("ana"),
        shares: tokens(1_001),
    };
    execute(&mut pool().0, operation);
}

#[test]
fn what_comes_from_elsewhere_is_tokens_and_a_request() {
    let (mut away, accounts) = contract("there", "ana");
    execute(&mut away, trade(Side::First, 10, 0));
    let own = AccountOwner::from(application("pool"));
    let brought = accounts.lock().expect("one thread")[&(0, own)];
    assert_eq!(brought, attos(tokens(10)));
    let sent = away.runtime.created_send_message_requests().remove(0);
    assert_eq!(sent.destination, chain("pool's"));
    let (mut contract, _) = pool();
    contract.runtime.set_message_origin_chain_id(chain("there"));
    contract.execute_message(sent.message).blocking_wait();
    assert_eq!(contract.state.reserves.get()[0], tokens(1_010));
}

#[test]
#[should_panic(expected = "their own shares")]
fn nobody_gives_up_shares_of_others() {
    let operation = Operation::Drain {
        owner: owner("ana"),
        shares: tokens(1),
    };
    execute(&mut contract("there", "eve").0, operation);
}
