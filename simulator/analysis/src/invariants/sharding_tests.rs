//! I-30 where chains go from worker to worker: what is allowed, and what is caught.

use protocol::{observe::Observation, sharding::ShardingFact};

use super::{Invariant, tests::broken};
use crate::testing::{A, B, Network, worker};

fn taken(network: &mut Network, by: usize, lease: u64) {
    let chain = network.chains[A];
    let fact = ShardingFact::ChainTaken { chain, lease };
    network.tell(worker(1, by), Observation::Sharding(fact));
}

fn released(network: &mut Network, by: usize, lease: u64) {
    let chain = network.chains[A];
    let fact = ShardingFact::ChainReleased { chain, lease };
    network.tell(worker(1, by), Observation::Sharding(fact));
}

fn speaks(network: &mut Network, by: usize) {
    let (recipient, origin) = (network.chains[A], network.chains[B]);
    network.tell(
        worker(1, by),
        Observation::DuplicateUpdate { recipient, origin },
    );
}

#[test]
fn i_30_chains_go_from_one_holder_to_the_next() {
    let mut network = Network::new();
    speaks(&mut network, A);
    released(&mut network, A, 0);
    taken(&mut network, B, 1);
    speaks(&mut network, B);
    network.crash(worker(1, B));
    taken(&mut network, A, 2);
    speaks(&mut network, A);
    network.crash(worker(1, A));
    taken(&mut network, A, 4);
    speaks(&mut network, A);
    assert_eq!(broken(&network), []);
}

#[test]
fn i_30_a_worker_takes_a_chain_from_its_live_holder() {
    let mut network = Network::new();
    speaks(&mut network, A);
    taken(&mut network, B, 1);
    assert_eq!(broken(&network), [Invariant::SingleWriter]);
}

#[test]
fn i_30_a_worker_speaks_for_what_it_gave_up() {
    let mut network = Network::new();
    speaks(&mut network, A);
    released(&mut network, A, 0);
    speaks(&mut network, A);
    assert_eq!(broken(&network), [Invariant::SingleWriter]);
}

#[test]
fn i_30_a_worker_that_was_away_goes_on_with_what_another_has_now() {
    let mut network = Network::new();
    speaks(&mut network, A);
    network.crash(worker(1, A));
    taken(&mut network, B, 1);
    assert_eq!(broken(&network), []);
    speaks(&mut network, A);
    assert_eq!(broken(&network), [Invariant::SingleWriter]);
}

#[test]
fn i_30_a_lease_of_the_past_is_none() {
    let mut network = Network::new();
    taken(&mut network, A, 3);
    released(&mut network, A, 3);
    taken(&mut network, B, 3);
    assert_eq!(broken(&network), [Invariant::SingleWriter]);
}

/// What a worker does not tell because it stops in between is still owed when another has the chain.
fn goes_on_elsewhere(network: &mut Network, stops: bool) {
    let transactions = vec![network.pay(1)];
    let first = network.block(A, transactions);
    network.votes(&first);
    network.confirm(&first);
    let transactions = vec![network.pay(2)];
    let second = network.block(A, transactions);
    network.votes(&second);
    network.confirm(&second);
    speaks(network, A);
    if stops {
        network.crash(worker(1, A));
    } else {
        released(network, A, 0);
    }
    taken(network, B, 1);
    let fact = Observation::BlockExecuted {
        chain: second.chain_id(),
        height: second.height(),
        hash: second.hash(),
        state_hash: second.outcome().state_hash,
    };
    network.tell(worker(1, B), fact);
}

#[test]
fn i_5_what_a_stopped_holder_did_not_tell_is_owed_by_the_next() {
    let mut network = Network::new();
    goes_on_elsewhere(&mut network, true);
    assert_eq!(broken(&network), []);
}

#[test]
fn i_5_nothing_is_owed_where_nobody_has_stopped() {
    let mut network = Network::new();
    goes_on_elsewhere(&mut network, false);
    assert_eq!(broken(&network), [Invariant::TipMonotone]);
}

#[test]
fn i_5_one_stop_is_one_excuse_whoever_holds_the_chain() {
    let mut network = Network::new();
    goes_on_elsewhere(&mut network, true);
    released(&mut network, B, 1);
    taken(&mut network, A, 2);
    let mut last = Vec::new();
    for tokens in [3, 4] {
        let transactions = vec![network.pay(tokens)];
        let block = network.block(A, transactions);
        network.votes(&block);
        network.confirm(&block);
        last.push(block);
    }
    network.execute(1, &last[1]);
    assert_eq!(broken(&network), [Invariant::TipMonotone]);
}
