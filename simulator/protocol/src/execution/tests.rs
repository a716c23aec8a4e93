//! Money and messages of single blocks.

use std::sync::Arc;

use super::{ExecutionState, execute};
use crate::{
    Amount, Timestamp,
    block::{ProposedBlock, SystemOperation, Transaction},
    description::{ChainDescription, ChainOrigin, InitialChainConfig},
    error::{BlockError, ExecutionError},
    hash::CryptoHash,
    ids::{Account, AccountOwner, ChainId, Epoch},
    message::{IncomingBundle, MessageAction, MessageKind, SystemMessage},
    ownership::ChainOwnership,
    submission::{Submission, SubmittedOperation},
    testing::key,
};

pub(super) fn owner(index: u32) -> AccountOwner {
    key(2, index).public().owner()
}

pub(super) fn tokens(count: u64) -> Amount {
    Amount::from_tokens(count)
}

pub(super) fn chain(index: u32, balance: u64) -> ExecutionState {
    ExecutionState::new(&ChainDescription {
        origin: ChainOrigin::Root(index),
        timestamp: Timestamp::default(),
        config: InitialChainConfig {
            ownership: Arc::new(ChainOwnership::single(owner(index))),
            epoch: Epoch(0),
            balance: tokens(balance),
            permissions: None,
        },
    })
}

pub(super) fn block(
    state: &ExecutionState,
    index: u32,
    transactions: Vec<Transaction>,
) -> ProposedBlock {
    ProposedBlock {
        chain_id: state.chain_id,
        epoch: state.epoch,
        transactions,
        height: state.next_height,
        timestamp: Timestamp::from_micros(5),
        authenticated_owner: Some(owner(index)),
        previous_block_hash: state.tip_hash,
    }
}

pub(super) fn transfer(from: AccountOwner, to: ChainId, amount: Amount) -> Transaction {
    let recipient = Account::chain(to);
    Transaction::ExecuteOperation(SystemOperation::Transfer {
        owner: from,
        recipient,
        amount,
    })
}

#[track_caller]
fn fails(state: &ExecutionState, index: u32, transaction: Transaction) -> ExecutionError {
    match execute(state, &block(state, index, vec![transaction])) {
        Err(BlockError::Transaction {
            transaction: 0,
            error,
        }) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_transfer_debits_here_and_sends_a_tracked_credit() {
    let (a, b) = (chain(0, 10), chain(1, 0));
    let pay = transfer(AccountOwner::CHAIN, b.chain_id, tokens(4));
    let executed = execute(&a, &block(&a, 0, vec![pay])).expect("a has the money");
    assert_eq!(executed.state.balance, tokens(6));
    let messages: Vec<_> = executed.block.outcome().messages.iter().flatten().collect();
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (messages[0].destination, messages[0].kind),
        (b.chain_id, MessageKind::Tracked)
    );
    assert_ne!(executed.state.state_hash, a.state_hash);
    let link = executed.state.previous_message_blocks.get(&b.chain_id);
    assert_eq!(
        link,
        Some(&(executed.block.hash(), executed.block.height()))
    );
}

#[test]
fn what_must_not_move_does_not() {
    let (a, b) = (chain(0, 10), chain(1, 0));
    let nothing = transfer(AccountOwner::CHAIN, b.chain_id, Amount::ZERO);
    assert_eq!(
        fails(&a, 0, nothing),
        ExecutionError::IncorrectTransferAmount
    );
    let much = fails(&a, 0, transfer(AccountOwner::CHAIN, b.chain_id, tokens(11)));
    assert!(
        matches!(much, ExecutionError::InsufficientBalance { .. }),
        "{much:?}"
    );
    let stranger = fails(&a, 1, transfer(AccountOwner::CHAIN, b.chain_id, tokens(1)));
    assert!(matches!(
        stranger,
        ExecutionError::UnauthenticatedTransferOwner { .. }
    ));
    let empty = execute(&a, &block(&a, 0, Vec::new()));
    assert_eq!(empty, Err(BlockError::EmptyBlock));
}

/// The bundle that `state`'s block sends to `to`, as an incoming one.
pub(super) fn incoming(
    from: &ExecutionState,
    index: u32,
    to: ChainId,
    action: MessageAction,
) -> IncomingBundle {
    let pay = transfer(AccountOwner::CHAIN, to, tokens(4));
    let executed = execute(from, &block(from, index, vec![pay])).expect("the money is there");
    let bundle = executed.block.bundles_for(&to)[0].1.clone();
    IncomingBundle {
        origin: from.chain_id,
        bundle,
        action,
    }
}

#[test]
fn a_rejected_credit_bounces_once_and_comes_home() {
    let (a, b) = (chain(0, 10), chain(1, 0));
    let rejected = incoming(&a, 0, b.chain_id, MessageAction::Reject);
    let reject = Transaction::ReceiveMessages(rejected);
    let at_b = execute(&b, &block(&b, 1, vec![reject])).expect("rejecting is always possible");
    assert_eq!(at_b.state.balance, Amount::ZERO);
    let (home, bundle) = &at_b.block.bundles()[0];
    assert_eq!(*home, a.chain_id);
    assert_eq!(bundle.messages[0].kind, MessageKind::Bouncing);
    let back = |action| {
        let (origin, bundle) = (b.chain_id, bundle.clone());
        Transaction::ReceiveMessages(IncomingBundle {
            origin,
            bundle,
            action,
        })
    };
    let accepted = execute(&a, &block(&a, 0, vec![back(MessageAction::Accept)]));
    assert_eq!(
        accepted.expect("a credit").state.balance,
        tokens(14),
        "the source gets it back"
    );
    let refused = execute(&a, &block(&a, 0, vec![back(MessageAction::Reject)])).expect("allowed");
    assert!(
        refused.block.bundles().is_empty(),
        "a bounce never bounces again"
    );
}

#[test]
fn two_opened_chains_have_two_ids_and_are_paid_for() {
    let a = chain(0, 10);
    let open = || {
        Transaction::ExecuteOperation(SystemOperation::OpenChain(InitialChainConfig {
            ownership: Arc::new(ChainOwnership::single(owner(7))),
            epoch: Epoch(0),
            balance: tokens(3),
            permissions: None,
        }))
    };
    let executed = execute(&a, &block(&a, 0, vec![open(), open()])).expect("a has the money");
    let ids: Vec<_> = executed
        .block
        .opened()
        .map(|description| description.id())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(executed.state.balance, tokens(4));
    let three = execute(&a, &block(&a, 0, vec![open(), open(), open(), open()]));
    assert!(
        matches!(three, Err(BlockError::Transaction { transaction: 3, .. })),
        "{three:?}"
    );
}

#[test]
fn a_withdrawal_pays_only_what_the_owner_has() {
    let mut a = chain(0, 0);
    a.balances.insert(owner(1), tokens(5));
    let b = chain(1, 0);
    let claim = |amount| {
        Transaction::ExecuteOperation(SystemOperation::Claim {
            owner: owner(1),
            target_id: a.chain_id,
            recipient: Account::chain(b.chain_id),
            amount,
        })
    };
    let take = |amount| {
        let claimed =
            execute(&b, &block(&b, 1, vec![claim(amount)])).expect("a claim costs nothing");
        let bundle = claimed.block.bundles_for(&a.chain_id)[0].1.clone();
        assert!(matches!(
            bundle.messages[0].message,
            SystemMessage::Withdraw { .. }
        ));
        let action = MessageAction::Accept;
        let incoming = IncomingBundle {
            origin: b.chain_id,
            bundle,
            action,
        };
        execute(
            &a,
            &block(&a, 0, vec![Transaction::ReceiveMessages(incoming)]),
        )
    };
    let paid = take(tokens(5)).expect("it is there");
    assert_eq!(paid.state.balance_of(&owner(1)), Amount::ZERO);
    assert_eq!(paid.block.bundles()[0].0, b.chain_id);
    assert!(take(tokens(6)).is_err());
}

/// Operation number `nonce` of user 2, handed in to `chain`: a token to user 3 there.
fn submitted(chain: ChainId, nonce: u64) -> Transaction {
    let submission = Submission {
        chain_id: chain,
        nonce,
        recipient: Account {
            chain_id: chain,
            owner: owner(3),
        },
        amount: tokens(1),
    };
    let operation = SubmittedOperation::new(submission, &key(2, 2));
    Transaction::ExecuteOperation(SystemOperation::Submitted(Arc::new(operation)))
}

#[test]
fn a_users_operations_are_executed_in_their_order_and_each_once() {
    let mut state = chain(0, 0);
    state.balances.insert(owner(2), tokens(5));
    let id = state.chain_id;
    let expected = |expected, found| ExecutionError::UnexpectedNonce {
        owner: owner(2),
        expected,
        found,
    };
    assert_eq!(fails(&state, 0, submitted(id, 1)), expected(0, 1), "a gap");
    let both = vec![submitted(id, 0), submitted(id, 1)];
    let executed = execute(&state, &block(&state, 0, both)).expect("they are in order");
    let after = &executed.state;
    assert_eq!(after.balance_of(&owner(2)), tokens(3));
    assert_eq!(after.balance_of(&owner(3)), tokens(2));
    assert_eq!(after.executed_of(&owner(2)), 2);
    assert_eq!(fails(after, 0, submitted(id, 1)), expected(2, 1), "again");
    assert!(execute(after, &block(after, 0, vec![submitted(id, 2)])).is_ok());
}

#[test]
fn an_operation_is_executed_only_where_it_was_handed_in() {
    let (mut a, b) = (chain(0, 0), chain(1, 0));
    a.balances.insert(owner(2), tokens(5));
    let error = fails(&a, 0, submitted(b.chain_id, 0));
    assert_eq!(error, ExecutionError::SubmittedElsewhere);
}

fn system(operation: SystemOperation) -> Transaction {
    Transaction::ExecuteOperation(operation)
}

fn published(
    state: &ExecutionState,
    more: &[SystemOperation],
) -> Result<ExecutionState, ExecutionError> {
    let committee = crate::testing::Net::committee_of(&[0, 1]);
    let publish = SystemOperation::PublishCommitteeBlob { committee };
    let operations = [publish].into_iter().chain(more.iter().cloned());
    let block = block(state, 0, operations.map(system).collect());
    match execute(state, &block) {
        Ok(executed) => Ok((*executed.state).clone()),
        Err(BlockError::Transaction { error, .. }) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

fn create(epoch: u32) -> SystemOperation {
    SystemOperation::CreateCommittee {
        epoch: Epoch(epoch),
        blob_hash: CryptoHash::of(&*crate::testing::Net::committee_of(&[0, 1])),
    }
}

fn remove(epoch: u32) -> SystemOperation {
    let epoch = Epoch(epoch);
    SystemOperation::RemoveCommittee { epoch }
}

#[test]
fn the_admin_chain_goes_from_one_epoch_to_the_next() {
    let admin = chain(0, 0);
    let next = published(&admin, &[create(1)]).expect("the next epoch");
    assert_eq!(next.epoch, Epoch(1));
    assert_ne!(next.state_hash, admin.state_hash);
    for epoch in [0, 1, 3] {
        let wrong = ExecutionError::InvalidCommitteeEpoch(Epoch(epoch));
        assert_eq!(published(&next, &[create(epoch)]), Err(wrong));
    }
    let twice = published(&admin, &[create(1), create(2)]);
    assert_eq!(twice, Err(ExecutionError::InvalidCommitteeEpoch(Epoch(2))));
    let unknown = SystemOperation::CreateCommittee {
        epoch: Epoch(1),
        blob_hash: CryptoHash::default(),
    };
    let missing = ExecutionError::BlobsNotFound(CryptoHash::default());
    assert_eq!(published(&admin, &[unknown]), Err(missing));
    let processed = published(&admin, &[SystemOperation::ProcessNewEpoch(Epoch(1))]);
    assert_eq!(
        processed,
        Err(ExecutionError::InvalidCommitteeEpoch(Epoch(1)))
    );
}

#[test]
fn epochs_are_revoked_in_their_order_and_the_current_one_never() {
    let admin = chain(0, 0);
    let invalid = |epoch| Err(ExecutionError::InvalidCommitteeRemoval(Epoch(epoch)));
    assert_eq!(published(&admin, &[remove(0)]), invalid(0));
    let first = published(&admin, &[create(1)]).expect("the next epoch");
    let second = published(&first, &[create(2)]).expect("the next epoch");
    assert_eq!(published(&second, &[remove(1)]), invalid(1));
    assert_eq!(published(&second, &[remove(2)]), invalid(2));
    let both = published(&second, &[remove(0), remove(1)]).expect("in their order");
    let epochs = both.epochs.clone().expect("the admin chain keeps them");
    assert_eq!(epochs.first_trusted(), Epoch(2));
    assert_eq!(published(&both, &[remove(1)]), invalid(1));
    assert_eq!(published(&both, &[remove(2)]), invalid(2));
}

#[test]
fn only_the_admin_chain_has_to_do_with_committees() {
    let state = chain(1, 0);
    let publish = SystemOperation::PublishCommitteeBlob {
        committee: crate::testing::Net::committee_of(&[0]),
    };
    for operation in [publish, create(1), remove(0)] {
        let block = block(&state, 1, vec![system(operation)]);
        let refused = BlockError::Transaction {
            transaction: 0,
            error: ExecutionError::AdminOperationOnNonAdminChain,
        };
        assert_eq!(execute(&state, &block).map(|_| ()), Err(refused));
    }
}

#[test]
fn other_chains_go_through_the_epochs_one_by_one() {
    let state = chain(1, 0);
    let process = |epoch| system(SystemOperation::ProcessNewEpoch(Epoch(epoch)));
    let result = |transactions: Vec<Transaction>| {
        let block = block(&state, 1, transactions);
        execute(&state, &block).map(|executed| executed.state.epoch)
    };
    assert_eq!(result(vec![process(1)]), Ok(Epoch(1)));
    for (transaction, steps) in [(0, vec![process(0)]), (0, vec![process(2)])] {
        let refused = result(steps).expect_err("not the next one");
        assert!(
            matches!(refused, BlockError::Transaction { transaction: at, .. } if at == transaction)
        );
    }
    let refused = result(vec![process(1), process(2)]).expect_err("two in one block");
    let error = ExecutionError::InvalidCommitteeEpoch(Epoch(2));
    assert_eq!(
        refused,
        BlockError::Transaction {
            transaction: 1,
            error
        }
    );
}
