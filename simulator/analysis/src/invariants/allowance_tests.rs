//! I-23 on tampered records.

use protocol::{
    Amount,
    block::{SystemOperation, Transaction},
    ids::{Account, AccountOwner},
    sabotage::Sabotage,
};

use super::{
    Invariant,
    tests::{broken, watched},
};
use crate::{
    registry::ChainNo,
    testing::{A, B, Network, key, tampered},
};

fn owner(chain: usize) -> AccountOwner {
    key(chain).public().owner()
}

/// The owner of `A` lets somebody spend from his account.
fn approve(spender: AccountOwner, tokens: u64) -> Transaction {
    Transaction::ExecuteOperation(SystemOperation::Approve {
        owner: owner(A),
        spender,
        amount: Amount::from_tokens(tokens),
    })
}

/// Somebody takes from that account, for the chain `B`.
fn take(network: &Network, tokens: u64) -> Transaction {
    Transaction::ExecuteOperation(SystemOperation::TransferFrom {
        owner: owner(A),
        recipient: Account::chain(network.chains[B]),
        amount: Amount::from_tokens(tokens),
    })
}

/// The account of `A`'s owner there has 50 tokens, of which he himself is approved to spend five.
fn approved() -> Network {
    let mut network = Network::new();
    let own = Transaction::ExecuteOperation(SystemOperation::Transfer {
        owner: AccountOwner::CHAIN,
        recipient: Account {
            chain_id: network.chains[A],
            owner: owner(A),
        },
        amount: Amount::from_tokens(50),
    });
    network.commit_new(A, vec![own]);
    network.commit_new(A, vec![approve(owner(A), 5)]);
    network
}

fn left(network: &Network) -> Option<Amount> {
    let between = (owner(A), owner(A));
    let left = watched(network).allowances.left(ChainNo(0), between);
    left.map(Amount::from_attos)
}

#[test]
fn what_is_approved_may_be_taken_in_parts() {
    let mut network = approved();
    assert_eq!(left(&network), Some(Amount::from_tokens(5)));
    for tokens in [2, 3] {
        let steps = vec![take(&network, tokens)];
        network.commit_new(A, steps);
    }
    let invariants = watched(&network);
    assert_eq!(invariants.verdicts.violations(), []);
    assert_eq!(invariants.verdicts.counts(Invariant::Allowances).0, 2);
    assert_eq!(left(&network), Some(Amount::ZERO));
    network.commit_new(A, vec![approve(owner(A), 1)]);
    assert_eq!(left(&network), Some(Amount::from_tokens(1)));
}

#[test]
fn i_23_more_is_taken_than_is_left() {
    let mut network = approved();
    network.sabotage = Sabotage::AllowanceNotLowered;
    let steps = vec![take(&network, 3)];
    network.commit_new(A, steps);
    assert_eq!(broken(&network), []);
    let steps = vec![take(&network, 3)];
    network.commit_new(A, steps);
    assert_eq!(broken(&network), [Invariant::Allowances]);
}

#[test]
fn i_23_more_is_taken_than_after_the_last_approval() {
    let mut network = approved();
    network.sabotage = Sabotage::AllowanceNotLowered;
    let before = vec![take(&network, 5)];
    let before = network.block(A, before);
    // What was approved for more is certified with an approval of less before it.
    let less = tampered(&before, |proposed, _| {
        proposed.transactions.insert(0, approve(owner(A), 4));
    });
    network.commit(&less);
    assert!(broken(&network).contains(&Invariant::Allowances));
}

#[test]
fn i_23_somebody_takes_who_was_never_approved() {
    for stranger in [Some(owner(B)), None] {
        let mut network = approved();
        let steps = vec![take(&network, 1)];
        let block = network.block(A, steps);
        let taken = tampered(&block, |proposed, _| {
            proposed.authenticated_owner = stranger;
        });
        network.commit(&taken);
        assert!(broken(&network).contains(&Invariant::Allowances));
    }
}

#[test]
fn after_a_block_that_was_never_told_only_new_approvals_are_known() {
    let mut network = approved();
    let untold = vec![approve(owner(A), 9)];
    network.block(A, untold);
    let steps = vec![take(&network, 9)];
    network.commit_new(A, steps);
    assert!(!broken(&network).contains(&Invariant::Allowances));
    assert_eq!(left(&network), None);
    network.commit_new(A, vec![approve(owner(A), 4)]);
    assert_eq!(left(&network), Some(Amount::from_tokens(4)));
}
