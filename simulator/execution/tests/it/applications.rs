//! The bundled counter and token, as users have them.

use protocol::{
    application::{action::MessageContext, guest::Entry},
    ids::{AccountOwner, ApplicationId, ChainId},
};

use crate::{
    chain::{Chain, hash, owner},
    modules,
    words::{Account, FungibleOperation, Owner},
};

fn counter() -> (Chain, ApplicationId) {
    let mut chain = Chain::new();
    let modules = modules::counter();
    let module = chain.publish(&modules.contract, &modules.service);
    let created = chain.create(module, "null", "40");
    (chain, created.expect("it is created"))
}

/// The one operation of the counter, as BCS.
fn increment(value: u64) -> Vec<u8> {
    bcs::to_bytes(&(0_u8, value)).expect("a pair")
}

#[test]
fn a_counter_counts() {
    let (mut chain, counter) = counter();
    let sum = chain.operate(counter, increment(2), owner(1));
    assert_eq!(sum, Ok(42_u64.to_le_bytes().to_vec()));
    let answer = chain.query(counter, "{\"query\":\"{ value }\"}");
    assert_eq!(answer, Ok("{\"data\":{\"value\":42}}".to_owned()));
    let mutation = "{\"query\":\"mutation { increment(value: 3) }\"}";
    chain.query(counter, mutation).expect("it schedules");
    assert_eq!(chain.scheduled, [(counter, increment(3))]);
    // What overflows, and what is no operation, changes nothing.
    let error = chain.operate(counter, increment(u64::MAX), owner(1));
    assert!(error.is_err());
    let error = chain
        .operate(counter, vec![7], owner(1))
        .expect_err("no operation");
    assert!(
        error
            .to_string()
            .contains("Failed to deserialize `Operation`"),
        "{error}"
    );
    let answer = chain.query(counter, "{\"query\":\"{ value }\"}");
    assert_eq!(answer, Ok("{\"data\":{\"value\":42}}".to_owned()));
}

#[test]
fn the_same_operation_costs_the_same() {
    let used = |_| {
        let (mut chain, counter) = counter();
        chain
            .operate(counter, increment(2), owner(1))
            .expect("it counts");
        chain.used
    };
    let costs: Vec<u64> = (0..3).map(used).collect();
    assert_eq!(costs[0], costs[1]);
    assert_eq!(costs[1], costs[2]);
}

fn token() -> (Chain, ApplicationId) {
    let mut chain = Chain::new();
    let modules = modules::fungible();
    let module = chain.publish(&modules.contract, &modules.service);
    let argument = format!("{{\"accounts\":{{\"{}\":\"100\"}}}}", owner(1));
    let created = chain.create(module, "{\"ticker_symbol\":\"ABC\"}", &argument);
    (chain, created.expect("it is created"))
}

fn tokens(tokens: u128) -> u128 {
    tokens * 1_000_000_000_000_000_000
}

fn transfer(to: AccountOwner, chain: ChainId, amount: u128) -> Vec<u8> {
    let operation = FungibleOperation::Transfer {
        owner: owner(1).into(),
        amount: tokens(amount),
        target_account: Account {
            chain: *chain.0.as_bytes(),
            owner: Owner::from(to),
        },
    };
    bcs::to_bytes(&operation).expect("operations have an encoding")
}

fn balance(chain: &mut Chain, token: ApplicationId, whose: u8) -> u128 {
    let operation = FungibleOperation::Balance {
        owner: owner(whose).into(),
    };
    let operation = bcs::to_bytes(&operation).expect("operations have an encoding");
    let response = chain
        .operate(token, operation, owner(9))
        .expect("it answers");
    let (tag, amount): (u8, u128) = bcs::from_bytes(&response).expect("a balance");
    assert_eq!(tag, 1);
    amount
}

#[test]
fn a_token_moves() {
    let (mut chain, token) = token();
    let here = chain.id;
    chain
        .operate(token, transfer(owner(2), here, 30), owner(1))
        .expect("it moves");
    assert_eq!(balance(&mut chain, token, 1), tokens(70));
    assert_eq!(balance(&mut chain, token, 2), tokens(30));
    // Another one's tokens, and more than there are, stay.
    let stolen = chain.operate(token, transfer(owner(2), here, 1), owner(2));
    assert!(stolen.is_err());
    let poor = chain.operate(token, transfer(owner(2), here, 71), owner(1));
    let reason = poor.expect_err("there are 70").to_string();
    assert!(reason.contains("70"), "{reason}");
    assert_eq!(balance(&mut chain, token, 1), tokens(70));
    let supply = chain
        .query(token, "{\"query\":\"{ supply }\"}")
        .expect("it answers");
    assert_eq!(supply, "{\"data\":{\"supply\":\"100.\"}}");
}

#[test]
fn a_token_goes_to_another_chain_and_comes_back() {
    let (mut chain, token) = token();
    let there = ChainId(hash(0xc9));
    chain
        .operate(token, transfer(owner(3), there, 25), owner(1))
        .expect("it is sent");
    let (authority, message) = chain.sent.pop().expect("a message");
    assert_eq!(authority.application, token);
    assert_eq!((message.destination, message.is_tracked), (there, true));
    assert_eq!(balance(&mut chain, token, 1), tokens(75));
    // There, on a chain where nobody has instantiated anything.
    let mut other = chain.clone();
    other.id = there;
    other.storage.clear();
    let receive = |chain: &mut Chain, origin, is_bouncing| {
        let entry = Entry::ExecuteMessage(message.message.clone());
        let context = MessageContext {
            origin,
            is_bouncing,
        };
        chain
            .act(token, entry, Some(owner(1)), Some(context))
            .expect("it is received");
    };
    receive(&mut other, chain.id, false);
    assert_eq!(balance(&mut other, token, 3), tokens(25));
    // Or rejected there, and back here.
    receive(&mut chain, there, true);
    assert_eq!(balance(&mut chain, token, 1), tokens(100));
}
