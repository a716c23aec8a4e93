//! Committees that change: what each chain, wallet and validator does about it.

use std::sync::Arc;

use crate::{
    Amount, TimeDelta,
    block::{ProposedBlock, SystemOperation, Transaction},
    certificate::{ConfirmedBlockCertificate, LiteCertificate, Vote},
    client::InboxPolicy,
    committee::Committee,
    error::{CertificateError, NodeError},
    ids::{Address, BlockHeight, ChainId, ClientIndex, Epoch, ShardIndex, ValidatorIndex},
    observe::Observation,
    ownership::ChainOwnership,
    proposal::BlockProposal,
    round::Round,
    rpc::{Action, Delivery, Packet, Request, RequestId, Trigger},
    store::ContentStore as _,
    testing::{Net, SHARDS, key},
};

const ALL: [u32; 4] = [0, 1, 2, 3];

/// The block of a wallet's chain at a height.
fn block(net: &Net, client: usize, height: u64) -> Arc<ConfirmedBlockCertificate> {
    let chain = net.clients[client].chain().expect("open");
    let hash = chain.block_hash(BlockHeight(height));
    let hash = hash.expect("the chain is so high");
    net.store.certificate(&hash).expect("kept")
}

/// A quorum of this committee has signed, and nobody else.
fn signed_by(certificate: &ConfirmedBlockCertificate, net: &Net, committee: &Committee) -> bool {
    certificate.lite().check(committee, &net.store).is_ok()
}

fn refusals(net: &Net, wanted: &NodeError) -> usize {
    net.count(|fact| match fact {
        Observation::RequestRefused { error, .. } | Observation::UpdateRefused { error, .. } => {
            error == wanted
        }
        _ => false,
    })
}

fn revoke(net: &mut Net, epoch: u32) {
    net.command(0, Trigger::Now, Action::RevokeEpoch(Epoch(epoch)));
    net.run();
}

/// The workers of a validator.
fn away(validator: u32) -> Vec<Address> {
    let shards = (0..SHARDS).map(ShardIndex);
    shards
        .map(|shard| Address::Worker(ValidatorIndex(validator), shard))
        .collect()
}

#[test]
fn the_switching_block_is_of_the_old_committee_and_the_next_of_the_new_one() {
    let mut net = Net::with_admin(6, &[100, 0], InboxPolicy::Manual);
    net.transfer(1, 2, 1);
    let members = [2, 3, 4, 5];
    net.new_committee(&members);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!(
        (net.epoch(0), net.epoch(1)),
        (1, 0),
        "a manual wallet waits"
    );
    net.transfer(1, 2, 1);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!(net.tokens(1), 98);
    assert_eq!(net.epoch(1), 1);
    let (old, new) = (net.genesis.committee().clone(), Net::committee_of(&members));
    for (client, height) in [(0, 0), (1, 0), (1, 1)] {
        let certificate = block(&net, client, height);
        assert_eq!(certificate.block().proposed().epoch, Epoch(0));
        assert!(signed_by(&certificate, &net, &old));
    }
    let certificate = block(&net, 1, 2);
    assert_eq!(certificate.block().proposed().epoch, Epoch(1));
    assert!(signed_by(&certificate, &net, &new));
    // The old committee has the switching block, the new one has everything.
    assert_eq!(net.heights(1), [2, 2, 3, 3, 3, 3]);
}

#[test]
fn an_idle_chain_goes_through_each_epoch_with_a_block_of_its_own() {
    let mut net = Net::with_admin(7, &[100, 0], InboxPolicy::Manual);
    let committees: [&[u32]; 3] = [&[0, 1, 2, 3, 4], &[1, 2, 3, 4, 5], &[2, 3, 4, 5, 6]];
    for members in committees {
        net.new_committee(members);
        net.pass(TimeDelta::from_secs(10));
    }
    assert_eq!((net.epoch(0), net.epoch(1)), (3, 0));
    net.transfer(1, 2, 1);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!((net.epoch(1), net.tokens(1)), (3, 99));
    let mut judge = net.genesis.committee().clone();
    for (height, epoch) in (0..4).zip(0..) {
        let certificate = block(&net, 1, height);
        assert_eq!(certificate.block().proposed().epoch, Epoch(epoch));
        assert!(signed_by(&certificate, &net, &judge));
        if let Some(members) = committees.get(usize::try_from(epoch).expect("few epochs")) {
            judge = Net::committee_of(members);
        }
    }
}

#[test]
fn a_wallet_that_acts_by_itself_goes_on_at_once_and_never_in_a_fast_block() {
    let mut net = Net::with_admin(5, &[100], InboxPolicy::Auto);
    net.new_committee(&[0, 1, 2, 3, 4]);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!(net.epoch(1), 1);
    assert!(!block(&net, 1, 0).round().is_fast());
    assert_eq!(refusals(&net, &NodeError::FastBlockUsingOracles), 0);
}

#[test]
fn a_validator_that_was_away_learns_of_an_epoch_from_a_wallet() {
    let mut net = Net::with_admin(4, &[100, 0], InboxPolicy::Manual);
    net.unreachable = away(3);
    net.new_committee(&[3, 2, 1]);
    net.pass(TimeDelta::from_secs(60));
    net.unreachable.clear();
    net.transfer(1, 2, 1);
    net.pass(TimeDelta::from_secs(60));
    assert!(refusals(&net, &NodeError::EventsNotFound(Epoch(1))) > 0);
    assert_eq!(net.heights(0), [1; 4]);
    assert_eq!(net.heights(1), [1, 2, 2, 2]);
}

#[test]
fn a_sender_may_be_ahead_of_its_recipient() {
    let mut net = Net::with_admin(5, &[100, 0], InboxPolicy::Manual);
    net.new_committee(&[1, 2, 3, 4]);
    net.transfer(1, 2, 7);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!((net.epoch(1), net.epoch(2)), (1, 0));
    // The recipient takes the message in with a block of its old epoch, which leads to the new one.
    net.process_inbox(2);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!((net.epoch(2), net.tokens(2)), (1, 7));
    let certificate = block(&net, 2, 0);
    assert_eq!(certificate.block().proposed().epoch, Epoch(0));
    assert_eq!(certificate.block().proposed().incoming_bundles().count(), 1);
    assert!(signed_by(&certificate, &net, net.genesis.committee()));
    assert_eq!(net.heights(2), [1; 5]);
}

/// An epoch with the same members begins, the first one is revoked, and wallet 1 hears of neither.
fn revoked_behind_a_wallets_back(net: &mut Net) {
    net.unreachable = vec![Address::Client(ClientIndex(1))];
    net.new_committee(&ALL);
    revoke(net, 0);
    net.pass(TimeDelta::from_secs(10));
    net.unreachable.clear();
}

#[test]
fn messages_of_a_revoked_epoch_wait_for_a_later_one_that_vouches() {
    let mut net = Net::with_admin(4, &[100, 0], InboxPolicy::Manual);
    revoked_behind_a_wallets_back(&mut net);
    net.transfer(1, 2, 5);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!((net.epoch(1), net.tokens(1)), (0, 95), "validators vote");
    let refused = refusals(&net, &NodeError::RevokedEpoch(Epoch(0)));
    assert!(refused >= 4, "{refused}");
    net.process_inbox(2);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!(net.tokens(2), 0, "nothing vouches for the message");
    // Now it hears of an epoch, goes on, and pays again: that block vouches for the one before.
    net.new_committee(&ALL);
    net.transfer(1, 2, 1);
    net.pass(TimeDelta::from_secs(60));
    net.process_inbox(2);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!((net.epoch(1), net.epoch(2)), (2, 2));
    assert_eq!(net.tokens(2), 6);
}

#[test]
fn a_wallet_takes_no_block_of_a_revoked_epoch_for_news() {
    let mut net = Net::with_admin(4, &[100, 0], InboxPolicy::Manual);
    net.transfer(1, 2, 5);
    revoked_behind_a_wallets_back(&mut net);
    net.process_inbox(2);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!((net.epoch(2), net.tokens(2)), (1, 0));
    net.new_committee(&ALL);
    net.transfer(1, 2, 1);
    net.process_inbox(2);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!(net.tokens(2), 6, "the later block vouches");
}

#[test]
fn a_chain_that_is_opened_in_a_later_epoch_starts_there() {
    let mut net = Net::with_admin(5, &[100], InboxPolicy::Auto);
    net.add_client();
    net.new_committee(&[1, 2, 3, 4]);
    net.pass(TimeDelta::from_secs(10));
    let owner = key(2, 2).public().owner();
    net.command(
        1,
        Trigger::Now,
        Action::OpenChain {
            ownership: Arc::new(ChainOwnership::single(owner)),
            balance: Amount::from_tokens(3),
            wallets: vec![ClientIndex(2)],
            placeholder: ChainId::placeholder(0),
            permissions: None,
        },
    );
    net.run();
    assert_eq!(net.epoch(2), 1);
    net.chains
        .push(net.clients[2].chain().expect("open").execution.chain_id);
    net.transfer(2, 1, 2);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!((net.tokens(2), net.tokens(1)), (1, 99));
    let certificate = block(&net, 2, 0);
    assert!(signed_by(
        &certificate,
        &net,
        &Net::committee_of(&[1, 2, 3, 4])
    ));
}

#[test]
fn a_chain_is_judged_by_the_committee_that_its_block_declares() {
    let mut net = Net::with_admin(5, &[100, 0], InboxPolicy::Manual);
    net.new_committee(&[1, 2, 3, 4]);
    net.transfer(1, 2, 1);
    net.pass(TimeDelta::from_secs(10));
    // The block of the new epoch with the signatures of the old committee.
    let certificate = block(&net, 1, 1);
    let payload = certificate.lite().payload;
    let votes = [0, 1, 2].map(|index| Vote::new(payload, &key(1, index)));
    let mut signatures = votes.map(|vote| (vote.key, vote.signature)).to_vec();
    signatures.sort_unstable_by_key(|(key, _)| *key);
    let lite = LiteCertificate {
        signatures,
        ..certificate.lite().clone()
    };
    let forged = ConfirmedBlockCertificate::new(certificate.block().clone(), lite);
    let forged = Arc::new(forged.expect("over this block"));
    // Validator 0 is of the old committee, so it has the switching block and lacks this one.
    assert_eq!(net.heights(1), [1, 2, 2, 2, 2]);
    let request = Request::Confirmed(forged, Delivery::NonBlocking);
    net.inject(
        Address::Client(ClientIndex(1)),
        Address::Proxy(ValidatorIndex(0)),
        Packet::Request {
            id: RequestId(u64::MAX),
            chain: net.chains[1],
            request,
        },
    );
    let stranger = NodeError::Certificate(CertificateError::InvalidSigner);
    assert_eq!(refusals(&net, &stranger), 1);
    assert_eq!(net.heights(1), [1, 2, 2, 2, 2]);
}

#[test]
fn validators_refuse_fast_blocks_that_read_of_an_epoch() {
    let mut net = Net::with_admin(4, &[100], InboxPolicy::Manual);
    net.new_committee(&ALL);
    let owner = key(2, 1);
    let supers = ChainOwnership::single_super(owner.public().owner());
    net.command(1, Trigger::Now, Action::ChangeOwnership(Arc::new(supers)));
    net.run();
    net.pass(TimeDelta::from_secs(10));
    assert_eq!(net.epoch(1), 1);
    net.new_committee(&ALL);
    let state = &net.clients[1].chain().expect("open").execution;
    let proposed = ProposedBlock {
        chain_id: state.chain_id,
        epoch: state.epoch,
        transactions: vec![Transaction::ExecuteOperation(
            SystemOperation::ProcessNewEpoch(Epoch(2)),
        )],
        height: state.next_height,
        timestamp: state.timestamp,
        authenticated_owner: Some(owner.public().owner()),
        previous_block_hash: state.tip_hash,
    };
    let proposal = BlockProposal::fresh(Arc::new(proposed), Round::Fast, &owner);
    net.inject(
        Address::Client(ClientIndex(1)),
        Address::Proxy(ValidatorIndex(0)),
        Packet::Request {
            id: RequestId(u64::MAX),
            chain: net.chains[1],
            request: Request::Proposal(Arc::new(proposal)),
        },
    );
    assert_eq!(refusals(&net, &NodeError::FastBlockUsingOracles), 1);
    // Its wallet knows better: this block is not fast, and the next one is.
    net.process_inbox(1);
    net.transfer(1, 0, 1);
    net.pass(TimeDelta::from_secs(10));
    assert_eq!(net.epoch(1), 2);
    assert!(!block(&net, 1, 2).round().is_fast());
    assert!(block(&net, 1, 3).round().is_fast());
}
