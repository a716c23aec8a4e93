//! Several owners of one chain: contention, locks, leaders and timeouts, with all machines.

use std::sync::Arc;

use crate::{
    Amount, TimeDelta,
    certificate::{CertificateKind, Timeout},
    error::NodeError,
    ids::{Account, AccountOwner, Address, ShardIndex, ValidatorIndex},
    manager::{ChainManager, LockingBlock},
    observe::Observation,
    ownership::ChainOwnership,
    proposal::BlockProposal,
    round::Round,
    rpc::{Action, Packet, Request, RequestId, Trigger},
    rules::Rules,
    testing::{Net, SHARDS},
};

fn equal_owners(owners: &[AccountOwner]) -> ChainOwnership {
    ChainOwnership {
        owners: owners.iter().map(|owner| (*owner, 1)).collect(),
        multi_leader_rounds: 2,
        ..ChainOwnership::default()
    }
}

/// No multi-leader rounds: leaders take turns.
fn leaders_only(owners: &[AccountOwner]) -> ChainOwnership {
    ChainOwnership {
        multi_leader_rounds: 0,
        first_leader: Some(owners[0]),
        ..equal_owners(owners)
    }
}

fn pay_own_account(net: &mut Net, client: usize, tokens: u64) {
    let owner = crate::testing::key(2, u32::try_from(client).expect("small"))
        .public()
        .owner();
    let chain_id = net.chains[client];
    let action = Action::Transfer {
        owner: AccountOwner::CHAIN,
        recipient: Account { chain_id, owner },
        amount: Amount::from_tokens(tokens),
    };
    net.command(client, Trigger::Now, action);
}

fn workers_of(validator: u32) -> impl Iterator<Item = Address> {
    (0..SHARDS).map(move |shard| Address::Worker(ValidatorIndex(validator), ShardIndex(shard)))
}

fn confirmed_rounds(net: &Net) -> Vec<Round> {
    let confirmed = net.facts.iter().filter_map(|(_, fact)| match fact {
        Observation::BlockConfirmed { certificate } => Some(certificate.round()),
        _ => None,
    });
    confirmed.collect()
}

#[test]
fn two_owners_who_propose_at_once_both_get_their_blocks() {
    let mut net = Net::shared(2, equal_owners);
    pay_own_account(&mut net, 0, 10);
    pay_own_account(&mut net, 1, 20);
    net.run();
    net.pass(TimeDelta::from_secs(120));
    assert_eq!(net.heights(0), [2; 4]);
    let done = net.count(|fact| matches!(fact, Observation::CommandDone { .. }));
    assert_eq!(done, 2, "{:#?}", net.clients[1]);
    let rounds = confirmed_rounds(&net);
    assert!(rounds.iter().all(|round| *round <= Round::SingleLeader(0)));
}

#[test]
fn an_owner_takes_over_when_the_leader_is_away() {
    let mut net = Net::shared(2, leaders_only);
    // Owner 0 leads the first round and has nothing to say.
    pay_own_account(&mut net, 1, 20);
    net.run();
    net.pass(TimeDelta::from_secs(300));
    assert_eq!(net.heights(0), [1; 4]);
    let rounds = confirmed_rounds(&net);
    assert!(
        matches!(rounds[..], [Round::SingleLeader(n)] if n > 0),
        "{rounds:?}"
    );
    let timeouts = net.count(|fact| {
        matches!(fact, Observation::CertificateFormed { payload, .. }
            if payload.kind == CertificateKind::Timeout)
    });
    assert!(timeouts >= 1);
}

#[test]
fn a_validated_block_of_a_wallet_that_vanished_is_finished_by_another_owner() {
    let mut net = Net::shared(2, equal_owners);
    pay_own_account(&mut net, 0, 10);
    // Until the validators have the validated certificate, and no vote to confirm is back.
    while net.count(|fact| {
        matches!(fact, Observation::VoteCast { payload, .. }
            if payload.kind == CertificateKind::Confirmed)
    }) < 4
    {
        net.step(1);
    }
    net.unreachable = vec![Address::Client(net.clients[0].index())];
    pay_own_account(&mut net, 1, 20);
    net.run();
    net.pass(TimeDelta::from_secs(60));
    assert_eq!(net.heights(1), [2; 4], "the locked block, then one's own");
    let chain = net.clients[1].chain().expect("open");
    let owners = [0, 1].map(|index| crate::testing::key(2, index).public().owner());
    let held = owners.map(|owner| chain.execution.balance_of(&owner));
    assert_eq!(held, [10, 20].map(Amount::from_tokens));
}

#[test]
fn a_validator_that_missed_a_timeout_catches_up() {
    let mut net = Net::shared(2, leaders_only);
    net.unreachable = workers_of(3).collect();
    pay_own_account(&mut net, 1, 20);
    net.run();
    net.pass(TimeDelta::from_secs(12));
    net.unreachable.clear();
    net.pass(TimeDelta::from_secs(300));
    assert_eq!(net.heights(0), [1; 4]);
}

/// E-14, at one manager.
#[test]
fn nobody_votes_to_end_a_round_that_has_time_left() {
    let key = crate::testing::key(1, 0);
    let owners = [0, 1].map(|index| crate::testing::key(2, index).public().owner());
    let at = |seconds: u64| crate::Timestamp::from_micros(seconds * 1_000_000);
    let timeout = Timeout {
        chain_id: crate::ids::ChainId::default(),
        height: crate::ids::BlockHeight(0),
        epoch: crate::ids::Epoch(0),
    };
    let first = Round::SingleLeader(0);
    let mut timed = ChainManager::new(Arc::new(leaders_only(&owners)), at(0));
    let early = timed.vote_timeout(&timeout, first, &key, at(9), &mut Rules::all());
    assert!(
        matches!(early, Err(NodeError::NotTimedOutYet { .. })),
        "{early:?}"
    );
    let later = Round::SingleLeader(1);
    let wrong = timed.vote_timeout(&timeout, later, &key, at(60), &mut Rules::all());
    assert!(
        matches!(wrong, Err(NodeError::WrongRound { .. })),
        "{wrong:?}"
    );
    let vote = timed.vote_timeout(&timeout, first, &key, at(10), &mut Rules::all());
    assert_eq!(
        vote.expect("its time is over").payload,
        timeout.payload(first)
    );
    let mut untimed = ChainManager::new(Arc::new(equal_owners(&owners)), at(0));
    let never = untimed.vote_timeout(
        &timeout,
        Round::MultiLeader(0),
        &key,
        at(60),
        &mut Rules::all(),
    );
    assert!(
        matches!(never, Err(NodeError::RoundDoesNotTimeOut(_))),
        "{never:?}"
    );
}

#[test]
fn the_leader_is_drawn_by_weight_and_alike_by_all() {
    let owners: Vec<_> = (0..3)
        .map(|index| crate::testing::key(2, index).public().owner())
        .collect();
    let mut ownership = equal_owners(&owners);
    ownership.owners.insert(owners[0], 8);
    let manager = ChainManager::new(Arc::new(ownership), crate::Timestamp::default());
    let net = Net::new(&[], ChainOwnership::single);
    let committee = net.committee();
    let chain = crate::ids::ChainId::default();
    let mut led = [0u32; 3];
    for height in 0..1_000 {
        let instance = (chain, crate::ids::BlockHeight(height));
        let leader = manager
            .leader(instance, Round::SingleLeader(1), &committee)
            .expect("owners exist");
        assert_eq!(
            manager.leader(instance, Round::SingleLeader(1), &committee),
            Some(leader)
        );
        let index = owners
            .iter()
            .position(|owner| *owner == leader)
            .expect("an owner");
        led[index] += 1;
    }
    assert!((730..870).contains(&led[0]), "eight of ten: {led:?}");
    assert!(led[1] > 50 && led[2] > 50, "{led:?}");
}

/// Who does not know of the lock proposes its block afresh, who knows of it on the ground of the lock,
/// both in one round: a vote names its ground, so neither gets a quorum, and nobody may vote again in
/// that round.
#[test]
fn one_block_on_two_grounds_in_one_round_is_brought_forward_in_the_next() {
    let mut net = Net::shared(2, equal_owners);
    pay_own_account(&mut net, 0, 10);
    let validated = |fact: &Observation| {
        matches!(fact, Observation::CertificateFormed { payload, .. }
            if payload.kind == CertificateKind::Validated)
    };
    while net.count(validated) == 0 {
        net.step(1);
    }
    // Only the first validator hears of the certificate, and the wallet of nothing.
    net.unreachable = (1..4).map(|v| Address::Proxy(ValidatorIndex(v))).collect();
    net.unreachable
        .push(Address::Client(net.clients[0].index()));
    net.run();
    let chain = net.chains[0];
    let holder = |net: &Net, validator: u32| {
        let has = |shard: &u32| {
            let workers = &net.workers[validator as usize];
            workers[*shard as usize].chains().contains_key(&chain)
        };
        let shard = (0..SHARDS).find(has).expect("somebody has the chain");
        Address::Worker(ValidatorIndex(validator), ShardIndex(shard))
    };
    let Address::Worker(_, shard) = holder(&net, 0) else {
        unreachable!("a worker")
    };
    let locked = net.workers[0][shard.0 as usize].chains()[&chain]
        .manager
        .locking_block();
    let Some(LockingBlock::Regular(lock)) = locked.cloned() else {
        panic!("{locked:?}")
    };
    let key = crate::testing::key(2, 0);
    let round = Round::MultiLeader(1);
    let afresh = BlockProposal::fresh(Arc::new(lock.block().proposed().clone()), round, &key);
    let again = BlockProposal::retry_validated(&lock, round, &key);
    for (validator, proposal) in [(0, &again), (1, &again), (2, &afresh), (3, &afresh)] {
        let packet = Packet::Forward {
            client: net.clients[0].index(),
            id: RequestId(1_000 + u64::from(validator)),
            chain,
            request: Request::Proposal(Arc::new(proposal.clone())),
        };
        let (from, to) = (
            Address::Proxy(ValidatorIndex(validator)),
            holder(&net, validator),
        );
        net.inject(from, to, packet);
    }
    let in_round = |fact: &Observation| matches!(fact, Observation::VoteCast { payload, .. } if payload.round == round);
    assert_eq!(net.count(in_round), 4, "all have voted");
    net.unreachable.clear();
    net.pass(TimeDelta::from_secs(120));
    assert_eq!(net.heights(0), [1; 4]);
}
