//! Fees: what is told is compared with what the blocks should have cost.

use protocol::{
    Amount, message::MessageAction, observe::Observation, policy::ResourceControlPolicy,
};

use super::*;
use crate::{
    invariants::tests::{broken, watched},
    testing::{A, B, Network, tampered, worker},
};

fn prices() -> ResourceControlPolicy {
    let mut policy = ResourceControlPolicy::no_fees();
    policy.prices.operation = "0.5".parse().expect("an amount");
    policy.prices.operation_byte = "0.001".parse().expect("an amount");
    policy.prices.message = "0.25".parse().expect("an amount");
    policy.prices.message_byte = "0.002".parse().expect("an amount");
    policy
}

/// `A` has paid `B`, where that costs.
fn paid() -> (Network, Arc<Block>) {
    let mut network = Network::with_policy(prices());
    let transactions = vec![network.pay(10)];
    let block = network.commit_new(A, transactions);
    (network, block)
}

/// A validator tells of the first block of `A`.
fn told(change: impl FnOnce(&mut Amount, &mut Amount)) -> Vec<Invariant> {
    let (mut network, block) = paid();
    let charged = network.charged.expect("there are prices");
    let (mut fees, mut held) = (charged.fees, charged.held);
    change(&mut fees, &mut held);
    let (chain, height) = (block.chain_id(), block.height());
    network.tell(
        worker(0, A),
        Observation::FeesCharged {
            chain,
            height,
            fees,
            held,
        },
    );
    broken(&network)
}

#[test]
fn a_run_with_fees_breaks_nothing() {
    let (mut network, sender) = paid();
    let rejected = network.take(&sender, B, MessageAction::Reject);
    let bouncer = network.commit_new(B, vec![rejected]);
    let home = network.take(&bouncer, A, MessageAction::Accept);
    network.commit_new(A, vec![home]);
    let invariants = watched(&network);
    assert_eq!(invariants.verdicts.violations(), []);
    assert!(invariants.verdicts.counts(Invariant::Fees).0 > 0);
    let (held, burned) = (invariants.money.held(), invariants.fees.burned());
    assert!(burned > Amount::from_attos(750_000_000_000_000_000).attos());
    let supply = Amount::from_tokens(100).attos();
    assert_eq!(held.map(|held| held + burned), Some(supply));
    assert_eq!(told(|_, _| {}), [], "the truth is no violation");
}

#[test]
fn i_22_fees_that_are_not_those_of_the_prices() {
    let less = |fees: &mut Amount, _: &mut Amount| *fees = Amount::from_attos(fees.attos() - 1);
    assert_eq!(told(less), [Invariant::Fees]);
}

#[test]
fn i_21_a_fee_that_nobody_has_paid() {
    let more = |fees: &mut Amount, held: &mut Amount| *held = held.saturating_add(*fees);
    assert_eq!(told(more), [Invariant::BlockConservation]);
}

#[test]
fn i_22_a_block_that_nobody_can_pay() {
    // The block is made where nothing costs, and judged where it does.
    let mut network = Network::new();
    let transactions = vec![network.pay(100)];
    let block = network.block(A, transactions);
    network.policy = Some(prices());
    network.commit(&block);
    assert_eq!(broken(&network), [Invariant::Fees]);
}

#[test]
fn i_22_a_block_beyond_the_limits() {
    for (size, proposal) in [(100, u64::MAX), (u64::MAX, 100)] {
        let mut network = Network::new();
        let transactions = vec![network.pay(10)];
        let block = network.block(A, transactions);
        let mut policy = ResourceControlPolicy::no_fees();
        policy.limits.maximum_block_size = size;
        policy.limits.maximum_block_proposal_size = proposal;
        network.policy = Some(policy);
        network.commit(&block);
        assert_eq!(broken(&network), [Invariant::Fees]);
    }
}

#[test]
fn a_bounce_that_is_rejected_is_a_loss_and_no_violation() {
    let (mut network, sender) = paid();
    let rejected = network.take(&sender, B, MessageAction::Reject);
    let bouncer = network.commit_new(B, vec![rejected]);
    let home = network.take(&bouncer, A, MessageAction::Reject);
    network.commit_new(A, vec![home]);
    let invariants = watched(&network);
    assert_eq!(invariants.verdicts.violations(), []);
    let dropped = Amount::from_tokens(10).attos();
    assert_eq!(invariants.money.dropped(), Some(dropped));
    let losses = invariants.money.drops.losses();
    let texts: Vec<_> = losses.iter().map(Loss::text).collect();
    assert_eq!(texts, ["block 1 rejects 10 that nobody gets back"]);
    assert_eq!(losses[0].chain, Some(ChainNo(0)));
}

#[test]
fn i_21_a_bounce_that_does_not_go_home() {
    let (mut network, sender) = paid();
    let rejected = network.take(&sender, B, MessageAction::Reject);
    let bouncer = network.block(B, vec![rejected]);
    let silent = tampered(&bouncer, |_, outcome| outcome.messages[0].clear());
    network.commit(&silent);
    assert!(broken(&network).contains(&Invariant::BlockConservation));
}
