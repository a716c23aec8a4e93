//! What single blocks cost, who pays, and which are too large.

use super::{
    ExecutionState, Terms, execute, execute_under,
    tests::{block, chain, incoming, owner, tokens, transfer},
};
use crate::{
    Amount,
    block::{SystemOperation, Transaction},
    error::{BlockError, ExecutionError},
    ids::{Account, AccountOwner},
    message::MessageAction,
    policy::ResourceControlPolicy,
    store::Executed,
};

fn attos(count: u128) -> Amount {
    Amount::from_attos(count)
}

/// An operation costs 100 attos and 3 a byte, a message 10 and 2 a byte.
fn prices() -> ResourceControlPolicy {
    let mut policy = ResourceControlPolicy::no_fees();
    policy.prices.operation = attos(100);
    policy.prices.operation_byte = attos(3);
    policy.prices.message = attos(10);
    policy.prices.message_byte = attos(2);
    policy
}

fn run(
    policy: &ResourceControlPolicy,
    state: &ExecutionState,
    index: u32,
    transactions: Vec<Transaction>,
) -> Result<Executed, BlockError> {
    let terms = Terms {
        policy: Some(policy),
        ..Terms::default()
    };
    execute_under(terms, state, &block(state, index, transactions))
}

fn failure(result: Result<Executed, BlockError>) -> (u32, ExecutionError) {
    match result {
        Err(BlockError::Transaction { transaction, error }) => (transaction, error),
        other => panic!("{other:?}"),
    }
}

/// `attos` of `A` for its owner's account there, and the state after it.
fn with_account(balance: u64, amount: Amount) -> ExecutionState {
    let mut state = chain(0, balance);
    let left = state.balance.checked_sub(amount).expect("enough for this");
    state.balance = left;
    state.balances.insert(owner(0), amount);
    state
}

#[test]
fn a_transfer_costs_its_operation_and_its_message_by_base_and_bytes() {
    let (a, b) = (chain(0, 10), chain(1, 0));
    let pay = transfer(AccountOwner::CHAIN, b.chain_id, tokens(4));
    let Transaction::ExecuteOperation(operation) = &pay else {
        panic!("an operation");
    };
    let operation = bcs::to_bytes(operation).expect("it encodes").len();
    let executed = run(&prices(), &a, 0, vec![pay]).expect("a can pay");
    let message = &executed.block.outcome().messages[0][0].message;
    let message = bcs::to_bytes(message).expect("it encodes").len();
    let fees = u128::try_from(100 + 3 * operation + 10 + 2 * message).expect("small");
    let charged = executed.charged.expect("there are prices");
    assert_eq!(charged.fees, attos(fees));
    let left = tokens(6).checked_sub(attos(fees)).expect("enough");
    assert_eq!((executed.state.balance, charged.held), (left, left));
    // Nothing is charged where nothing costs.
    let pay = transfer(AccountOwner::CHAIN, b.chain_id, tokens(4));
    let free = execute(&a, &block(&a, 0, vec![pay])).expect("a can pay");
    assert_eq!((free.state.balance, free.charged), (tokens(6), None));
}

#[test]
fn the_chain_pays_first_and_then_the_account_of_the_proposer() {
    let mut policy = ResourceControlPolicy::no_fees();
    policy.prices.operation = attos(100);
    let b = chain(1, 0);
    let a = with_account(10, attos(70));
    let all_but = |left: u128| {
        let amount = a.balance.checked_sub(attos(left)).expect("enough");
        vec![transfer(AccountOwner::CHAIN, b.chain_id, amount)]
    };
    let executed = run(&policy, &a, 0, all_but(40)).expect("together they can");
    assert_eq!(executed.state.balance, Amount::ZERO);
    assert_eq!(executed.state.balance_of(&owner(0)), attos(10));
    let all = run(&policy, &a, 0, all_but(30)).expect("just enough");
    assert_eq!(all.state.total_balance(), Some(Amount::ZERO));
    assert_eq!(all.state.balances.iter().count(), 0, "nobody holds nothing");
    let (_, error) = failure(run(&policy, &a, 0, all_but(29)));
    let (fees, funding) = (attos(100), attos(99));
    assert_eq!(error, ExecutionError::FeesExceedFunding { fees, funding });
}

#[test]
fn an_account_of_somebody_else_does_not_pay() {
    let mut policy = ResourceControlPolicy::no_fees();
    policy.prices.operation = attos(100);
    let mut a = chain(0, 0);
    a.balances.insert(owner(7), tokens(1));
    let close = vec![Transaction::ExecuteOperation(SystemOperation::CloseChain)];
    let (_, error) = failure(run(&policy, &a, 0, close));
    let (fees, funding) = (attos(100), Amount::ZERO);
    assert_eq!(error, ExecutionError::FeesExceedFunding { fees, funding });
}

#[test]
fn taking_in_costs_nothing_and_a_bounce_is_free() {
    let (a, mut b) = (chain(0, 10), chain(1, 0));
    let to_b = b.chain_id;
    for action in [MessageAction::Accept, MessageAction::Reject] {
        let bundle = incoming(&a, 0, b.chain_id, action);
        let take = vec![Transaction::ReceiveMessages(bundle)];
        let executed = run(&prices(), &b, 1, take).expect("b has nothing to pay");
        assert_eq!(executed.charged.map(|one| one.fees), Some(Amount::ZERO));
    }
    // A message that another one leads to is paid for by the chain where that happens.
    let claim = SystemOperation::Claim {
        owner: owner(0),
        target_id: b.chain_id,
        recipient: Account::chain(a.chain_id),
        amount: attos(5),
    };
    let claim = vec![Transaction::ExecuteOperation(claim)];
    let sent = execute(&a, &block(&a, 0, claim)).expect("anybody may ask");
    let take = |state: &ExecutionState| {
        let bundle = sent.block.bundles_for(&to_b)[0].1.clone();
        let (origin, action) = (a.chain_id, MessageAction::Accept);
        let incoming = crate::message::IncomingBundle {
            origin,
            bundle,
            action,
        };
        run(
            &prices(),
            state,
            1,
            vec![Transaction::ReceiveMessages(incoming)],
        )
    };
    b.balances.insert(owner(0), attos(5));
    let (_, error) = failure(take(&b));
    assert!(
        matches!(error, ExecutionError::FeesExceedFunding { .. }),
        "{error:?}"
    );
    b.balance = tokens(1);
    let executed = take(&b).expect("now it can");
    assert!(executed.state.balance < tokens(1));
}

#[test]
fn a_block_and_a_proposal_have_limits() {
    let (a, b) = (chain(0, 10), chain(1, 0));
    let pay = || transfer(AccountOwner::CHAIN, b.chain_id, tokens(1));
    let fits = run(&prices(), &a, 0, vec![pay(), pay()]);
    let fits = fits.expect("without a limit everything fits");
    let proposed = block(&a, 0, vec![pay(), pay()]);
    let size = bcs::to_bytes(&proposed).expect("it encodes").len();
    let size = u64::try_from(size).expect("small");
    let mut policy = prices();
    policy.limits.maximum_block_proposal_size = size;
    assert!(run(&policy, &a, 0, vec![pay(), pay()]).is_ok());
    policy.limits.maximum_block_proposal_size = size - 1;
    let max = size - 1;
    let error = run(&policy, &a, 0, vec![pay(), pay()]).expect_err("a byte too many");
    assert_eq!(error, BlockError::BlockProposalTooLarge { size, max });

    // The block is 94 bytes, its operations, and what they send and open.
    let part = |at: usize| {
        let outcome = fits.block.outcome();
        let sent = bcs::to_bytes(&(&outcome.messages[at], &outcome.opened[at]));
        let Transaction::ExecuteOperation(operation) = pay() else {
            panic!("an operation");
        };
        let operation = bcs::to_bytes(&operation).expect("it encodes");
        u64::try_from(operation.len() + sent.expect("it encodes").len()).expect("small")
    };
    let size = 94 + part(0) + part(1);
    let mut policy = prices();
    policy.limits.maximum_block_size = size;
    assert!(run(&policy, &a, 0, vec![pay(), pay()]).is_ok());
    policy.limits.maximum_block_size = size - 1;
    let (transaction, error) = failure(run(&policy, &a, 0, vec![pay(), pay()]));
    let max = size - 1;
    assert_eq!(
        (transaction, &error),
        (1, &ExecutionError::BlockTooLarge { size, max })
    );
    assert!(error.is_limit_error());
}
