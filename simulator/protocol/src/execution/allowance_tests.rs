//! What owners let others spend of their accounts, block by block.

use std::sync::Arc;

use super::{
    ExecutionState, StateChange, execute,
    tests::{block, chain, owner, tokens},
};
use crate::{
    Amount,
    block::{SystemOperation, Transaction},
    error::{BlockError, ExecutionError},
    ids::{Account, AccountOwner, ChainId},
    message::{IncomingBundle, MessageAction, MessageKind, SystemMessage},
};

/// A chain on which owner 0 has so many tokens, beside ten of the chain's own.
fn shop(held: u64) -> ExecutionState {
    let mut state = chain(0, 10);
    state.balances.insert(owner(0), tokens(held));
    state
}

fn approve(from: AccountOwner, spender: u32, amount: Amount) -> Transaction {
    Transaction::ExecuteOperation(SystemOperation::Approve {
        owner: from,
        spender: owner(spender),
        amount,
    })
}

/// From the account of owner 0 to that of owner 1 on a chain.
fn take(to: ChainId, amount: Amount) -> Transaction {
    let recipient = Account {
        chain_id: to,
        owner: owner(1),
    };
    take_from(owner(0), recipient, amount)
}

fn take_from(from: AccountOwner, recipient: Account, amount: Amount) -> Transaction {
    Transaction::ExecuteOperation(SystemOperation::TransferFrom {
        owner: from,
        recipient,
        amount,
    })
}

#[track_caller]
fn after(state: &ExecutionState, signer: u32, step: Transaction) -> Arc<ExecutionState> {
    let executed = execute(state, &block(state, signer, vec![step]));
    executed.expect("it is allowed").state
}

#[track_caller]
fn fails(state: &ExecutionState, signer: u32, step: Transaction) -> ExecutionError {
    match execute(state, &block(state, signer, vec![step])) {
        Err(BlockError::Transaction { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

fn insufficient(allowance: u64, amount: u64) -> ExecutionError {
    ExecutionError::InsufficientAllowance {
        owner: owner(0),
        allowance: tokens(allowance),
        amount: tokens(amount),
    }
}

#[test]
fn a_spender_takes_what_was_approved_in_parts_and_no_more() {
    let state = shop(100);
    let here = state.chain_id;
    assert_eq!(fails(&state, 1, take(here, tokens(1))), insufficient(0, 1));
    let state = after(&state, 0, approve(owner(0), 1, tokens(5)));
    assert_eq!(state.allowance(&owner(0), &owner(1)), tokens(5));
    assert_eq!(
        state.balance_of(&owner(0)),
        tokens(100),
        "nothing is set aside"
    );
    let state = after(&state, 1, take(here, tokens(2)));
    assert_eq!(state.allowance(&owner(0), &owner(1)), tokens(3));
    let balances = |state: &ExecutionState| [0, 1].map(|at| state.balance_of(&owner(at)));
    assert_eq!(balances(&state), [tokens(98), tokens(2)]);
    assert_eq!(fails(&state, 1, take(here, tokens(4))), insufficient(3, 4));
    let state = after(&state, 1, take(here, tokens(3)));
    assert_eq!(balances(&state), [tokens(95), tokens(5)]);
    assert_eq!(state.allowances, None, "what is used up is nowhere");
    assert_eq!(fails(&state, 1, take(here, tokens(1))), insufficient(0, 1));
}

#[test]
fn two_takings_of_one_block_use_the_same_approval() {
    let state = after(&shop(100), 0, approve(owner(0), 1, tokens(5)));
    let steps = vec![
        take(state.chain_id, tokens(3)),
        take(state.chain_id, tokens(3)),
    ];
    let failed = execute(&state, &block(&state, 1, steps));
    let error = insufficient(2, 3);
    let transaction = 1;
    assert_eq!(failed, Err(BlockError::Transaction { transaction, error }));
}

#[test]
fn an_approval_replaces_the_one_before_it_and_zero_takes_it_back() {
    let first = after(&shop(100), 0, approve(owner(0), 1, tokens(5)));
    let here = first.chain_id;
    let less = after(&first, 0, approve(owner(0), 1, tokens(2)));
    assert_eq!(less.allowance(&owner(0), &owner(1)), tokens(2));
    assert_eq!(fails(&less, 1, take(here, tokens(3))), insufficient(2, 3));
    let none = after(&less, 0, approve(owner(0), 1, Amount::ZERO));
    assert_eq!(none.allowances, None);
    assert_ne!(none.state_hash, less.state_hash);
    assert_eq!(fails(&none, 1, take(here, tokens(1))), insufficient(0, 1));
    let never = after(&shop(1), 0, approve(owner(0), 1, Amount::ZERO));
    assert_eq!(never.allowances, None, "nothing to take back");
}

#[test]
fn approvals_are_of_one_owner_for_one_spender() {
    let mut state = shop(100);
    state.balances.insert(owner(2), tokens(100));
    let here = state.chain_id;
    let state = after(&state, 0, approve(owner(0), 1, tokens(5)));
    assert_eq!(fails(&state, 3, take(here, tokens(1))), insufficient(0, 1));
    let recipient = Account {
        chain_id: here,
        owner: owner(1),
    };
    let of_another = fails(&state, 1, take_from(owner(2), recipient, tokens(1)));
    assert!(
        matches!(of_another, ExecutionError::InsufficientAllowance { owner: of, .. } if of == owner(2)),
        "{of_another:?}"
    );
    let state = after(&state, 2, approve(owner(2), 1, tokens(1)));
    assert_eq!(state.allowance(&owner(0), &owner(1)), tokens(5));
}

#[test]
fn only_the_owner_of_an_account_lends_it_and_nobody_that_of_the_chain() {
    let state = shop(100);
    let of = |owner| ExecutionError::UnauthenticatedTransferOwner { owner };
    let stranger = fails(&state, 1, approve(owner(0), 1, tokens(1)));
    assert_eq!(stranger, of(owner(0)));
    let pooled = fails(&state, 0, approve(AccountOwner::CHAIN, 1, tokens(1)));
    assert_eq!(pooled, of(AccountOwner::CHAIN));
    let recipient = Account::chain(state.chain_id);
    let pooled = fails(
        &state,
        1,
        take_from(AccountOwner::CHAIN, recipient, tokens(1)),
    );
    assert!(matches!(
        pooled,
        ExecutionError::InsufficientAllowance { .. }
    ));
}

#[test]
fn nobody_takes_where_nobody_signs() {
    let state = after(&shop(100), 0, approve(owner(0), 1, tokens(5)));
    let mut anonymous = block(&state, 1, vec![take(state.chain_id, tokens(1))]);
    anonymous.authenticated_owner = None;
    assert!(matches!(
        execute(&state, &anonymous),
        Err(BlockError::Transaction {
            error: ExecutionError::UnauthenticatedTransferOwner { .. },
            ..
        })
    ));
}

#[test]
fn more_than_the_account_holds_can_be_approved_and_not_taken() {
    let state = after(&shop(3), 0, approve(owner(0), 1, Amount::MAX));
    let much = fails(&state, 1, take(state.chain_id, tokens(4)));
    assert!(
        matches!(much, ExecutionError::InsufficientBalance { .. }),
        "{much:?}"
    );
    let nothing = fails(&state, 1, take(state.chain_id, Amount::ZERO));
    assert_eq!(nothing, ExecutionError::IncorrectTransferAmount);
    let state = after(&state, 1, take(state.chain_id, tokens(3)));
    assert_eq!(state.balance_of(&owner(0)), Amount::ZERO);
    let left = state.allowance(&owner(0), &owner(1));
    assert_eq!(left.checked_add(tokens(3)), Some(Amount::MAX));
}

#[test]
fn a_balance_that_would_overflow_takes_nothing() {
    let mut state = shop(3);
    state.balances.insert(owner(1), Amount::MAX);
    let state = after(&state, 0, approve(owner(0), 1, tokens(3)));
    let full = fails(&state, 1, take(state.chain_id, tokens(1)));
    assert_eq!(full, ExecutionError::AmountOverflow);
}

#[test]
fn an_approval_of_oneself_is_used_up_like_any_other() {
    let state = shop(100);
    assert_eq!(
        fails(&state, 0, take(state.chain_id, tokens(1))),
        insufficient(0, 1)
    );
    let state = after(&state, 0, approve(owner(0), 0, tokens(2)));
    let state = after(&state, 0, take(state.chain_id, tokens(2)));
    assert_eq!(state.allowances, None);
    assert_eq!(state.balance_of(&owner(1)), tokens(2));
}

#[test]
fn nothing_is_approved_or_taken_on_a_closed_chain() {
    let state = after(&shop(100), 0, approve(owner(0), 1, tokens(5)));
    let close = Transaction::ExecuteOperation(SystemOperation::CloseChain);
    let closed = after(&state, 0, close);
    let here = closed.chain_id;
    for (signer, step) in [
        (0, approve(owner(0), 1, tokens(1))),
        (1, take(here, tokens(1))),
    ] {
        let made = execute(&closed, &block(&closed, signer, vec![step]));
        assert_eq!(made, Err(BlockError::ClosedChain));
    }
}

#[test]
fn what_is_rejected_elsewhere_comes_back_to_the_owner_and_not_to_the_approval() {
    let (state, away) = (
        after(&shop(100), 0, approve(owner(0), 1, tokens(5))),
        chain(1, 0),
    );
    let sent = execute(
        &state,
        &block(&state, 1, vec![take(away.chain_id, tokens(4))]),
    );
    let sent = sent.expect("it is approved");
    let message = &sent.block.outcome().messages[0][0];
    assert_eq!(message.kind, MessageKind::Tracked);
    assert_eq!(message.authenticated_owner, Some(owner(1)), "who spends");
    let credit = SystemMessage::Credit {
        target: owner(1),
        amount: tokens(4),
        source: owner(0),
    };
    assert_eq!(message.message, credit);
    let received = |origin, bundle, action| {
        Transaction::ReceiveMessages(IncomingBundle {
            origin,
            bundle,
            action,
        })
    };
    let bundle = sent.block.bundles_for(&away.chain_id)[0].1.clone();
    let reject = received(state.chain_id, bundle, MessageAction::Reject);
    let rejected = execute(&away, &block(&away, 1, vec![reject])).expect("it may be rejected");
    let back = rejected.block.bundles_for(&state.chain_id)[0].1.clone();
    let accept = received(away.chain_id, back, MessageAction::Accept);
    let home = after(&sent.state, 1, accept);
    assert_eq!(home.balance_of(&owner(0)), tokens(100));
    assert_eq!(home.balance_of(&owner(1)), Amount::ZERO);
    assert_eq!(home.allowance(&owner(0), &owner(1)), tokens(1));
}

/// The place of a variant is part of its encoding, and so of all hashes of states.
#[test]
fn approvals_come_after_the_changes_that_there_were_before() {
    let change = StateChange::Allowance(owner(0), owner(1), tokens(1));
    let bytes = bcs::to_bytes(&change).expect("changes encode");
    let before = StateChange::Closed;
    assert_eq!(bcs::to_bytes(&before).expect("changes encode"), [5]);
    assert_eq!(bytes[0], 14, "after all that were there before");
}
