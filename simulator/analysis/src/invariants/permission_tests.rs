//! I-41 on tampered records.

use std::sync::Arc;

use protocol::{
    block::{Block, SystemOperation, Transaction},
    hash::CryptoHash,
    ids::{ApplicationId, Epoch},
    permissions::ApplicationPermissions,
};

use super::{Invariant, tests::broken};
use crate::testing::{A, Network, tampered};

fn change(permissions: ApplicationPermissions) -> Transaction {
    Transaction::ExecuteOperation(SystemOperation::ChangeApplicationPermissions(
        permissions.into(),
    ))
}

fn game() -> ApplicationId {
    ApplicationId(CryptoHash::from_bytes([7; 32]))
}

/// `A` pays, permits only what is given, and pays again.
fn paid_after(permissions: ApplicationPermissions) -> (Network, Arc<Block>) {
    let mut network = Network::new();
    let payments = [0, 1].map(|_| {
        let transactions = vec![network.pay(10)];
        network.block(A, transactions)
    });
    let changing = tampered(&payments[0], |proposed, _| {
        proposed.transactions.push(change(permissions));
    });
    network.commit(&changing);
    assert!(!broken(&network).contains(&Invariant::Permissions));
    (network, payments[1].clone())
}

#[test]
fn i_41_a_block_does_what_is_not_permitted() {
    let only = ApplicationPermissions {
        execute_operations: Some([game()].into()),
        ..ApplicationPermissions::default()
    };
    let (mut network, payment) = paid_after(only.clone());
    network.commit(&payment);
    assert!(broken(&network).contains(&Invariant::Permissions));

    let (mut network, payment) = paid_after(only);
    let exempt = tampered(&payment, |proposed, _| {
        let next = SystemOperation::ProcessNewEpoch(Epoch(1));
        proposed.transactions = vec![Transaction::ExecuteOperation(next)];
    });
    network.commit(&exempt);
    assert!(!broken(&network).contains(&Invariant::Permissions));
}

#[test]
fn i_41_a_block_does_not_call_whom_it_must() {
    let demanding = ApplicationPermissions {
        mandatory_applications: [game()].into(),
        ..ApplicationPermissions::default()
    };
    let (mut network, payment) = paid_after(demanding);
    network.commit(&payment);
    assert!(broken(&network).contains(&Invariant::Permissions));

    let managed = ApplicationPermissions {
        manage_chain: [game()].into(),
        ..ApplicationPermissions::default()
    };
    let (mut network, payment) = paid_after(managed);
    network.commit(&payment);
    assert!(!broken(&network).contains(&Invariant::Permissions));
}
