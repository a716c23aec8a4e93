use linera_sdk::{
    SendMessageRequest,
    linera_base_types::{ApplicationId, ChainId, CryptoHash},
    util::BlockingWait,
};

use super::*;

fn chain(name: &str) -> ChainId {
    ChainId(CryptoHash::test_hash(name))
}

fn owner(name: &str) -> AccountOwner {
    AccountOwner::from(CryptoHash::test_hash(name))
}

fn account(chain_name: &str, owner_name: &str) -> Account {
    Account {
        chain_id: chain(chain_name),
        owner: owner(owner_name),
    }
}

fn tokens(count: u128) -> Amount {
    Amount::from_tokens(count)
}

/// A token on the chain "here", where Ana has 10 tokens and has signed.
fn token() -> FungibleContract {
    let runtime = ContractRuntime::new()
        .with_application_parameters(Parameters::new("TEST"))
        .with_chain_id(chain("here"))
        .with_authenticated_signer(owner("ana"))
        .with_authenticated_caller_id(None);
    let mut contract = FungibleContract::load(runtime).blocking_wait();
    let accounts = [(owner("ana"), tokens(10))].into();
    contract
        .instantiate(InitialState { accounts })
        .blocking_wait();
    contract
}

fn execute(contract: &mut FungibleContract, operation: FungibleOperation) -> FungibleResponse {
    contract.execute_operation(operation).blocking_wait()
}

fn transfer(contract: &mut FungibleContract, from: &str, count: u128, target_account: Account) {
    let operation = FungibleOperation::Transfer {
        owner: owner(from),
        amount: tokens(count),
        target_account,
    };
    assert!(matches!(execute(contract, operation), FungibleResponse::Ok));
}

fn claim(contract: &mut FungibleContract, source_account: Account, target_account: Account) {
    let operation = FungibleOperation::Claim {
        source_account,
        amount: tokens(3),
        target_account,
    };
    assert!(matches!(execute(contract, operation), FungibleResponse::Ok));
}

fn receive(contract: &mut FungibleContract, message: Message, bouncing: bool) {
    contract.runtime.set_message_is_bouncing(bouncing);
    contract.execute_message(message).blocking_wait();
}

fn credit(count: u128) -> Message {
    Message::Credit {
        target: owner("bob"),
        amount: tokens(count),
        source: owner("ana"),
    }
}

fn balance(contract: &FungibleContract, name: &str) -> Amount {
    contract.state.balance(&owner(name)).blocking_wait()
}

/// The only message that was sent.
fn sent(contract: &FungibleContract) -> SendMessageRequest<Message> {
    let mut requests = contract.runtime.created_send_message_requests();
    assert_eq!(requests.len(), 1);
    requests.pop().expect("there is one")
}

#[test]
fn a_transfer_on_one_chain_moves_tokens() {
    let mut contract = token();
    transfer(&mut contract, "ana", 4, account("here", "bob"));
    assert_eq!(balance(&contract, "ana"), tokens(6));
    assert_eq!(balance(&contract, "bob"), tokens(4));
    assert!(contract.runtime.created_send_message_requests().is_empty());
}

#[test]
fn a_transfer_to_oneself_changes_nothing() {
    let mut contract = token();
    transfer(&mut contract, "ana", 10, account("here", "ana"));
    assert_eq!(balance(&contract, "ana"), tokens(10));
}

#[test]
fn a_transfer_elsewhere_sends_a_tracked_credit() {
    let mut contract = token();
    transfer(&mut contract, "ana", 4, account("there", "bob"));
    assert_eq!(balance(&contract, "ana"), tokens(6));
    assert_eq!(balance(&contract, "bob"), Amount::ZERO);
    let request = sent(&contract);
    assert_eq!(request.destination, chain("there"));
    assert!(request.is_tracked && request.authenticated);
    let expected = credit(4);
    assert_eq!(format!("{:?}", request.message), format!("{expected:?}"));
}

#[test]
fn a_credit_arrives_at_its_target_and_bounces_to_its_source() {
    let mut contract = token();
    receive(&mut contract, credit(2), false);
    assert_eq!(balance(&contract, "bob"), tokens(2));
    receive(&mut contract, credit(5), true);
    assert_eq!(balance(&contract, "ana"), tokens(15));
    assert_eq!(balance(&contract, "bob"), tokens(2));
}

#[test]
fn an_empty_account_takes_no_room() {
    let mut contract = token();
    transfer(&mut contract, "ana", 10, account("there", "bob"));
    let owners = contract.state.accounts.indices().blocking_wait();
    assert_eq!(owners.expect("accounts can be read"), []);
}

#[test]
#[should_panic(expected = "not 11")]
fn nobody_spends_more_than_there_is() {
    transfer(&mut token(), "ana", 11, account("here", "bob"));
}

#[test]
#[should_panic(expected = "only its owner")]
fn nobody_spends_what_is_not_theirs() {
    transfer(&mut token(), "bob", 0, account("here", "ana"));
}

#[test]
fn an_application_spends_what_is_its_own() {
    let mut contract = token();
    let caller = ApplicationId::new(CryptoHash::test_hash("caller"));
    let message = Message::Credit {
        target: caller.into(),
        amount: tokens(5),
        source: owner("ana"),
    };
    receive(&mut contract, message, false);
    contract.runtime.set_authenticated_caller_id(caller);
    let operation = FungibleOperation::Transfer {
        owner: caller.into(),
        amount: tokens(5),
        target_account: account("here", "bob"),
    };
    execute(&mut contract, operation);
    assert_eq!(balance(&contract, "bob"), tokens(5));
}

#[test]
fn a_claim_on_the_same_chain_is_a_transfer() {
    let mut contract = token();
    claim(
        &mut contract,
        account("here", "ana"),
        account("here", "bob"),
    );
    assert_eq!(balance(&contract, "bob"), tokens(3));
}

#[test]
fn a_claim_elsewhere_asks_that_chain_and_takes_nothing() {
    let mut contract = token();
    claim(
        &mut contract,
        account("there", "ana"),
        account("here", "ana"),
    );
    assert_eq!(balance(&contract, "ana"), tokens(10));
    let request = sent(&contract);
    assert_eq!(request.destination, chain("there"));
    assert!(request.authenticated && !request.is_tracked);
    assert!(matches!(request.message, Message::Withdraw { .. }));
}

#[test]
fn a_withdrawal_sends_the_tokens_on() {
    let mut contract = token();
    let withdrawal = Message::Withdraw {
        owner: owner("ana"),
        amount: tokens(3),
        target_account: account("there", "ana"),
    };
    receive(&mut contract, withdrawal, false);
    assert_eq!(balance(&contract, "ana"), tokens(7));
    assert_eq!(sent(&contract).destination, chain("there"));
}

#[test]
#[should_panic(expected = "only its owner")]
fn a_withdrawal_needs_the_signature_of_the_owner() {
    let mut contract = token();
    contract.runtime.set_authenticated_signer(owner("eve"));
    let withdrawal = Message::Withdraw {
        owner: owner("ana"),
        amount: tokens(3),
        target_account: account("there", "eve"),
    };
    receive(&mut contract, withdrawal, false);
}

fn approve(contract: &mut FungibleContract, allowance: Amount) {
    let operation = FungibleOperation::Approve {
        owner: owner("ana"),
        spender: owner("bob"),
        allowance,
    };
    execute(contract, operation);
}

fn take(contract: &mut FungibleContract, count: u128) {
    contract.runtime.set_authenticated_signer(owner("bob"));
    let operation = FungibleOperation::TransferFrom {
        owner: owner("ana"),
        spender: owner("bob"),
        amount: tokens(count),
        target_account: account("here", "bob"),
    };
    execute(contract, operation);
}

#[test]
fn a_spender_takes_what_was_approved() {
    let mut contract = token();
    approve(&mut contract, tokens(5));
    take(&mut contract, 2);
    take(&mut contract, 3);
    assert_eq!(balance(&contract, "bob"), tokens(5));
    let left = contract.state.allowance(owner("ana"), owner("bob"));
    assert_eq!(left.blocking_wait(), Amount::ZERO);
}

#[test]
#[should_panic(expected = "may take 5")]
fn a_spender_takes_no_more() {
    let mut contract = token();
    approve(&mut contract, tokens(5));
    take(&mut contract, 6);
}

#[test]
fn questions_are_answered() {
    let mut contract = token();
    let asked = FungibleOperation::Balance {
        owner: owner("ana"),
    };
    let answer = execute(&mut contract, asked);
    assert!(matches!(answer, FungibleResponse::Balance(amount) if amount == tokens(10)));
    let answer = execute(&mut contract, FungibleOperation::TickerSymbol);
    assert!(matches!(answer, FungibleResponse::TickerSymbol(symbol) if symbol == "TEST"));
}
