//! Whole flows over all machines, without time: what an owner sees, and what validators hold.

use std::sync::Arc;

use crate::{
    Amount, TimeDelta,
    block::{ProposedBlock, SystemOperation, Transaction},
    description::{ChainDescription, ChainOrigin},
    error::NodeError,
    ids::{
        Account, AccountOwner, Address, BlockHeight, ChainId, ClientIndex, ShardIndex,
        ValidatorIndex,
    },
    observe::Observation,
    ownership::ChainOwnership,
    proposal::BlockProposal,
    round::Round,
    rpc::{Action, Lineage, Packet, Request, RequestId, Trigger},
    store::ContentStore as _,
    submission::{Submission, SubmittedOperation},
    testing::{Net, SHARDS},
};

#[test]
fn a_pays_b_and_b_pays_c() {
    let mut net = Net::new(&[100, 0, 0], ChainOwnership::single);
    net.transfer(0, 1, 10);
    assert_eq!(net.tokens(0), 90);
    net.transfer(1, 2, 4);
    assert_eq!(
        net.tokens(1),
        6,
        "the incoming bundle comes before the operation"
    );
    net.process_inbox(2);
    assert_eq!(net.tokens(2), 4);
    for client in 0..3 {
        assert_eq!(net.heights(client), [1; 4]);
    }
    assert_eq!(
        net.count(|fact| matches!(fact, Observation::RequestRefused { .. })),
        0
    );
    assert_eq!(
        net.count(|fact| matches!(fact, Observation::ShapeBroken { .. })),
        0
    );
}

#[test]
fn a_regular_owner_takes_two_votes_a_validator_and_a_super_owner_one() {
    for (ownership, votes) in [
        (
            ChainOwnership::single as fn(AccountOwner) -> ChainOwnership,
            8,
        ),
        (ChainOwnership::single_super, 4),
    ] {
        let mut net = Net::new(&[100, 0], ownership);
        net.transfer(0, 1, 10);
        assert_eq!(net.tokens(0), 90);
        assert_eq!(
            net.count(|fact| matches!(fact, Observation::VoteCast { .. })),
            votes
        );
    }
}

#[test]
fn one_silent_validator_does_not_stop_a_block_and_is_helped_with_the_next() {
    let mut net = Net::new(&[100, 0], ChainOwnership::single);
    let silent = Address::Proxy(ValidatorIndex(3));
    net.unreachable = vec![silent];
    net.transfer(0, 1, 1);
    net.pass(TimeDelta::from_secs(3));
    assert_eq!(net.heights(0), [1, 1, 1, 0]);
    net.unreachable.clear();
    net.transfer(0, 1, 1);
    net.pass(TimeDelta::from_secs(1));
    assert_eq!(net.heights(0), [2; 4]);
    assert!(net.count(|fact| matches!(fact, Observation::ValidatorHelped { .. })) > 0);
}

#[test]
fn a_recipient_helps_a_validator_that_lacks_the_senders_block() {
    let mut net = Net::new(&[100, 0], ChainOwnership::single);
    net.unreachable = vec![Address::Proxy(ValidatorIndex(3))];
    for _ in 0..3 {
        net.transfer(0, 1, 1);
        net.pass(TimeDelta::from_secs(1));
    }
    net.unreachable.clear();
    net.process_inbox(1);
    net.pass(TimeDelta::from_secs(2));
    assert_eq!(net.tokens(1), 3);
    assert_eq!(
        net.heights(1),
        [1; 4],
        "all four took part or were brought up to date"
    );
}

#[test]
fn two_silent_validators_stop_a_block_until_they_are_back() {
    let mut net = Net::new(&[100, 0], ChainOwnership::single);
    net.unreachable = [2, 3]
        .map(|index| Address::Proxy(ValidatorIndex(index)))
        .to_vec();
    net.transfer(0, 1, 1);
    net.pass(TimeDelta::from_secs(60));
    assert_eq!(net.tokens(0), 100);
    assert_eq!(net.heights(0), [0; 4]);
    net.unreachable.clear();
    net.pass(TimeDelta::from_secs(120));
    assert_eq!(
        net.tokens(0),
        99,
        "the same pending block commits when the network heals"
    );
    assert_eq!(net.heights(0), [1; 4]);
}

#[test]
fn a_transfer_of_more_than_there_is_fails_and_changes_nothing() {
    let mut net = Net::new(&[5, 0], ChainOwnership::single);
    net.transfer(0, 1, 10);
    assert_eq!(net.tokens(0), 5);
    assert_eq!(net.heights(0), [0; 4]);
    assert_eq!(
        net.count(|fact| matches!(fact, Observation::CommandFailed { .. })),
        1
    );
}

#[test]
fn a_claim_moves_the_owners_money_from_another_chain() {
    let mut net = Net::new(&[100, 0], ChainOwnership::single);
    let owner = crate::testing::key(2, 1).public().owner();
    let theirs = Account {
        chain_id: net.chains[0],
        owner,
    };
    let amount = Amount::from_tokens(7);
    net.command(
        0,
        Trigger::Now,
        Action::Transfer {
            owner: AccountOwner::CHAIN,
            recipient: theirs,
            amount,
        },
    );
    net.run();
    let mine = Account::chain(net.chains[1]);
    let claim = Action::Claim {
        owner,
        target_id: net.chains[0],
        recipient: mine,
        amount,
    };
    net.command(1, Trigger::Now, claim);
    net.run();
    net.process_inbox(0);
    net.process_inbox(1);
    assert_eq!((net.tokens(0), net.tokens(1)), (93, 7));
}

fn open_for_wallet_1() -> Action {
    let owner = crate::testing::key(2, 1).public().owner();
    Action::OpenChain {
        ownership: Arc::new(ChainOwnership::single(owner)),
        balance: Amount::from_tokens(3),
        wallets: vec![ClientIndex(1)],
        placeholder: ChainId::placeholder(0),
        permissions: None,
    }
}

#[test]
fn an_opened_chain_is_driven_by_its_wallet() {
    let mut net = Net::new(&[100, 0], ChainOwnership::single);
    // Wallet 1 has a chain already, so it ignores the news; the money is in the new chain.
    net.command(0, Trigger::Now, open_for_wallet_1());
    net.run();
    assert_eq!(net.tokens(0), 97);
    assert_eq!(net.heights(0), [1; 4]);
}

/// Wallet 0 opens a chain for wallet 1, which has none, while the workers of validator 3 are away.
fn opened_behind_a_validators_back() -> Net {
    let mut net = Net::new(&[100], ChainOwnership::single);
    net.add_client();
    net.unreachable = (0..SHARDS)
        .map(|shard| Address::Worker(ValidatorIndex(3), ShardIndex(shard)))
        .collect();
    net.command(0, Trigger::Now, open_for_wallet_1());
    net.run();
    net.pass(TimeDelta::from_secs(60));
    net.unreachable.clear();
    let opened = net.clients[1].chain().expect("it was opened");
    let opened = opened.execution.chain_id;
    net.chains.push(opened);
    net
}

#[test]
fn a_validator_learns_of_a_chain_from_the_block_that_opened_it() {
    let mut net = opened_behind_a_validators_back();
    assert_eq!(
        (net.heights(0), net.heights(1)),
        (vec![1, 1, 1, 0], vec![0; 4])
    );
    net.transfer(1, 0, 2);
    net.pass(TimeDelta::from_secs(60));
    assert_eq!(net.tokens(1), 1);
    assert_eq!((net.heights(0), net.heights(1)), (vec![1; 4], vec![1; 4]));
}

#[test]
fn nobody_opens_a_chain_without_a_certified_block() {
    let mut net = opened_behind_a_validators_back();
    let tip = net.clients[0]
        .chain()
        .and_then(|chain| chain.execution.tip_hash);
    let certificate = tip
        .and_then(|hash| net.store.certificate(&hash))
        .expect("confirmed");
    let mut config = certificate
        .block()
        .opened()
        .next()
        .expect("one")
        .config
        .clone();
    config.balance = Amount::from_tokens(1_000_000);
    let forged = Arc::new(ChainDescription {
        origin: ChainOrigin::Child {
            parent: net.chains[0],
            block_height: BlockHeight(0),
            chain_index: 1,
        },
        timestamp: net.now,
        config,
    });
    let lineage = Lineage {
        placeholder: ChainId::placeholder(0),
        description: forged.clone(),
        certificates: vec![certificate],
        admin: Vec::new(),
    };
    // Wallet 1 once more, as it was before it had a chain: the forged one names it as owner.
    net.clients.pop();
    net.add_client();
    let (from, to) = (
        Address::Client(ClientIndex(0)),
        Address::Client(ClientIndex(1)),
    );
    net.inject(from, to, Packet::ChainOpened(Arc::new(lineage)));
    assert!(net.clients[1].chain().is_none(), "a wallet asks for proof");
    let query = Request::ChainInfo(Box::default());
    net.inject(
        to,
        Address::Proxy(ValidatorIndex(0)),
        Packet::Request {
            id: RequestId(1),
            chain: forged.id(),
            request: query,
        },
    );
    let unknown = NodeError::InactiveChain(forged.id());
    assert_eq!(
        net.count(
            |fact| matches!(fact, Observation::RequestRefused { error, .. } if *error == unknown)
        ),
        1
    );
}

#[test]
fn validators_look_at_the_signatures_of_what_users_submit() {
    let submission = |net: &Net| Submission {
        chain_id: net.chains[0],
        nonce: 0,
        recipient: Account::chain(net.chains[1]),
        amount: Amount::from_tokens(1),
    };
    for forged in [true, false] {
        let mut net = Net::new(&[100, 0], ChainOwnership::single);
        let user = crate::testing::key(2, 1);
        // The owner of the chain pays to the account that a user has there.
        let account = Account {
            chain_id: net.chains[0],
            owner: user.public().owner(),
        };
        let pay = Action::Transfer {
            owner: AccountOwner::CHAIN,
            recipient: account,
            amount: Amount::from_tokens(5),
        };
        net.command(0, Trigger::Now, pay);
        net.run();
        let mut operation = SubmittedOperation::new(submission(&net), &user);
        if forged {
            operation.submission.amount = Amount::from_tokens(5);
        }
        let state = &net.clients[0].chain().expect("a first chain").execution;
        let block = ProposedBlock {
            chain_id: state.chain_id,
            epoch: state.epoch,
            transactions: vec![Transaction::ExecuteOperation(SystemOperation::Submitted(
                Arc::new(operation),
            ))],
            height: state.next_height,
            timestamp: state.timestamp,
            authenticated_owner: None,
            previous_block_hash: state.tip_hash,
        };
        let key = crate::testing::key(2, 0);
        let proposal = BlockProposal::fresh(Arc::new(block), Round::MultiLeader(0), &key);
        let votes = |net: &Net| net.count(|fact| matches!(fact, Observation::VoteCast { .. }));
        let before = votes(&net);
        let packet = Packet::Request {
            id: RequestId(99),
            chain: net.chains[0],
            request: Request::Proposal(Arc::new(proposal)),
        };
        let wallet = Address::Client(ClientIndex(0));
        net.inject(wallet, Address::Proxy(ValidatorIndex(0)), packet);
        assert_eq!(votes(&net) - before, usize::from(!forged), "{forged}");
    }
}

#[test]
fn a_wallet_that_crashed_finishes_its_pending_block() {
    let mut net = Net::new(&[100, 0], ChainOwnership::single);
    net.command(
        0,
        Trigger::Now,
        Action::Transfer {
            owner: AccountOwner::CHAIN,
            recipient: Account::chain(net.chains[1]),
            amount: Amount::from_tokens(1),
        },
    );
    net.step(3);
    assert!(net.clients[0].has_pending_block());
    net.restart_client(0);
    net.pass(TimeDelta::from_secs(30));
    assert_eq!(net.tokens(0), 99);
    assert_eq!(net.heights(0), [1; 4]);
    let confirmed = net.count(|fact| matches!(fact, Observation::BlockConfirmed { .. }));
    assert_eq!(confirmed, 1);
}

/// A net whose first wallet has just confirmed a payment of ten that no validator knows of.
fn confirmed_and_untold() -> Net {
    let mut net = Net::new(&[100, 0], ChainOwnership::single_super);
    net.command(
        0,
        Trigger::Now,
        Action::Transfer {
            owner: AccountOwner::CHAIN,
            recipient: Account::chain(net.chains[1]),
            amount: Amount::from_tokens(10),
        },
    );
    while net.count(|fact| matches!(fact, Observation::BlockConfirmed { .. })) == 0 {
        net.step(1);
    }
    assert_eq!(net.heights(0), [0; 4]);
    net
}

fn paid_once(net: &Net) {
    assert_eq!(net.tokens(0), 90);
    assert_eq!(net.heights(0), [1; 4]);
    let done = net.count(|fact| matches!(fact, Observation::CommandDone { .. }));
    assert_eq!(done, 1);
    assert_eq!(net.clients[0].open_commands(), 0);
}

#[test]
fn a_confirmed_block_that_nobody_hears_of_is_told_later_and_its_command_not_done_twice() {
    let mut net = confirmed_and_untold();
    net.unreachable = (0..4).map(|v| Address::Proxy(ValidatorIndex(v))).collect();
    net.run();
    net.pass(TimeDelta::from_secs(60));
    assert_eq!(net.heights(0), [0; 4], "all retries are over");
    assert_eq!(net.clients[0].open_commands(), 1);
    net.unreachable.clear();
    net.pass(TimeDelta::from_secs(60));
    paid_once(&net);
}

#[test]
fn a_wallet_that_crashes_before_it_tells_does_not_pay_twice() {
    let mut net = confirmed_and_untold();
    net.unreachable = (0..4).map(|v| Address::Proxy(ValidatorIndex(v))).collect();
    net.run();
    net.unreachable.clear();
    net.restart_client(0);
    net.pass(TimeDelta::from_secs(5));
    paid_once(&net);
}
