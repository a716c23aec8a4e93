//! The voting rules, one by one.

use std::sync::Arc;

use super::{ChainManager, Gate, LockingBlock};
use crate::{
    Timestamp,
    block::{Block, BlockExecutionOutcome, ProposedBlock},
    certificate::{BlockCertificate, CertificateKind, LiteCertificate, Vote, VotePayload},
    error::NodeError,
    hash::CryptoHash,
    ids::{BlockHeight, ChainId, Epoch},
    ownership::ChainOwnership,
    proposal::BlockProposal,
    round::Round,
    rules::Rules,
    signature::SigningKey,
    small_map::SmallMap,
    testing::key,
};

const NOW: Timestamp = Timestamp::from_micros(1);
const FIRST: Round = Round::MultiLeader(0);
const SECOND: Round = Round::MultiLeader(1);

fn owner() -> SigningKey {
    key(2, 0)
}

fn manager(ownership: ChainOwnership) -> ChainManager {
    ChainManager::new(Arc::new(ownership), Timestamp::default())
}

fn regular() -> ChainManager {
    manager(ChainOwnership::single(owner().public().owner()))
}

fn fast() -> ChainManager {
    manager(ChainOwnership::single_super(owner().public().owner()))
}

/// Blocks differ by their timestamps.
fn proposed(number: u64) -> Arc<ProposedBlock> {
    Arc::new(ProposedBlock {
        chain_id: ChainId::default(),
        epoch: Epoch(0),
        transactions: Vec::new(),
        height: BlockHeight(0),
        timestamp: Timestamp::from_micros(number),
        authenticated_owner: None,
        previous_block_hash: None,
    })
}

fn block(number: u64) -> Arc<Block> {
    let outcome = BlockExecutionOutcome {
        applications: None,
        messages: Vec::new(),
        previous_message_blocks: SmallMap::default(),
        state_hash: CryptoHash::default(),
        opened: Vec::new(),
        oracle_responses: Vec::new(),
    };
    Arc::new(Block::new((*proposed(number)).clone(), outcome))
}

fn proposal(number: u64, round: Round) -> Arc<BlockProposal> {
    Arc::new(BlockProposal::fresh(proposed(number), round, &owner()))
}

/// What a quorum would sign; who signed is checked elsewhere.
fn validated(number: u64, round: Round) -> Arc<BlockCertificate> {
    let block = block(number);
    let payload = VotePayload {
        value_hash: block.hash(),
        round,
        kind: CertificateKind::Validated,
        unlocking_round: None,
        first_round: false,
        commitment: None,
    };
    let lite = LiteCertificate {
        chain_id: block.chain_id(),
        payload,
        signatures: Vec::new(),
    };
    Arc::new(BlockCertificate::new(block, lite).expect("signed for this block"))
}

fn check(manager: &ChainManager, number: u64, round: Round) -> Result<Gate, NodeError> {
    manager.check_proposed_block(&proposal(number, round), BlockHeight(0), &mut Rules::all())
}

#[track_caller]
fn vote(manager: &mut ChainManager, number: u64, round: Round) -> Vote {
    assert_eq!(check(manager, number, round), Ok(Gate::Accept));
    let proposal = proposal(number, round);
    manager.record_signed_proposal(&proposal, NOW);
    let vote = manager.create_vote(
        &proposal,
        None,
        &block(number),
        Some(&key(1, 0)),
        (NOW, &mut Rules::all()),
    );
    vote.expect("there is a key")
}

#[track_caller]
fn confirm(manager: &mut ChainManager, number: u64, round: Round) -> Option<Vote> {
    let certificate = validated(number, round);
    assert_eq!(
        manager.check_validated_block(&certificate, &mut Rules::all()),
        Ok(Gate::Accept)
    );
    manager.create_final_vote(&certificate, Some(&key(1, 0)), (NOW, &mut Rules::all()))
}

#[test]
fn v0_the_same_again_is_skipped() {
    let mut manager = regular();
    let first = vote(&mut manager, 1, FIRST);
    assert_eq!(check(&manager, 1, FIRST), Ok(Gate::Skip));
    assert_eq!(manager.pending_vote(), Some(&first));
}

#[test]
fn v1_rounds_below_the_current_one_are_over() {
    let mut manager = regular();
    vote(&mut manager, 1, SECOND);
    let error = check(&manager, 2, FIRST);
    assert_eq!(
        error,
        Err(NodeError::InsufficientRound {
            minimum: SECOND,
            found: FIRST
        })
    );
}

#[test]
fn v1_only_a_super_owner_leaves_the_fast_round() {
    let mut ownership = ChainOwnership::single_super(key(2, 9).public().owner());
    ownership.owners.insert(owner().public().owner(), 1);
    ownership.multi_leader_rounds = 2;
    let error = check(&manager(ownership), 1, FIRST);
    assert_eq!(
        error,
        Err(NodeError::WrongRound {
            current: Round::Fast,
            found: FIRST
        })
    );
}

#[test]
fn v2_one_vote_to_validate_a_round() {
    let mut manager = regular();
    vote(&mut manager, 1, FIRST);
    let error = check(&manager, 2, FIRST);
    assert_eq!(
        error,
        Err(NodeError::InsufficientRoundStrict {
            above: FIRST,
            found: FIRST
        })
    );
    assert_eq!(check(&manager, 2, SECOND), Ok(Gate::Accept));
}

#[test]
fn v3_proposals_are_newer_than_the_lock() {
    let mut manager = regular();
    manager.create_final_vote(&validated(1, SECOND), None, (NOW, &mut Rules::all()));
    let error = check(&manager, 2, SECOND);
    let newer = NodeError::MustBeNewerThanLockingBlock {
        locked: SECOND,
        found: SECOND,
    };
    assert_eq!(error, Err(newer));
}

#[test]
fn v4_a_vote_to_confirm_refuses_other_blocks_and_accepts_their_later_certificates() {
    let mut manager = regular();
    vote(&mut manager, 1, FIRST);
    confirm(&mut manager, 1, FIRST).expect("the round is current");
    let error = check(&manager, 2, SECOND);
    assert_eq!(error, Err(NodeError::HasIncompatibleConfirmedVote(FIRST)));
    // A retry of the same block with its certificate passes.
    let retry = BlockProposal::retry_validated(&validated(1, FIRST), SECOND, &owner());
    assert_eq!(
        manager.check_proposed_block(&retry, BlockHeight(0), &mut Rules::all()),
        Ok(Gate::Accept)
    );
    // A retry of another block needs a certificate of a later round than the vote.
    let old = BlockProposal::retry_validated(&validated(2, FIRST), SECOND, &owner());
    let error = manager.check_proposed_block(&old, BlockHeight(0), &mut Rules::all());
    assert_eq!(error, Err(NodeError::HasIncompatibleConfirmedVote(FIRST)));
    let third = Round::MultiLeader(2);
    let newer = BlockProposal::retry_validated(&validated(2, SECOND), third, &owner());
    assert_eq!(
        manager.check_proposed_block(&newer, BlockHeight(0), &mut Rules::all()),
        Ok(Gate::Accept)
    );
}

#[test]
fn v5_no_block_has_the_last_height() {
    let error =
        regular().check_proposed_block(&proposal(1, FIRST), BlockHeight::MAX, &mut Rules::all());
    assert_eq!(error, Err(NodeError::HeightOverflow));
}

#[test]
fn a_fast_proposal_is_confirmed_at_once_and_locks() {
    let mut manager = fast();
    let vote = vote(&mut manager, 1, Round::Fast);
    assert_eq!(vote.payload.kind, CertificateKind::Confirmed);
    assert!(vote.payload.first_round);
    assert!(matches!(
        manager.locking_block(),
        Some(LockingBlock::Fast(_))
    ));
    let other = check(&manager, 2, Round::MultiLeader(0));
    assert_eq!(
        other,
        Err(NodeError::HasIncompatibleConfirmedVote(Round::Fast))
    );
    let retry = BlockProposal::retry_fast(&proposal(1, Round::Fast), FIRST, &owner());
    assert_eq!(
        manager.check_proposed_block(&retry, BlockHeight(0), &mut Rules::all()),
        Ok(Gate::Accept)
    );
}

#[test]
fn a_certificate_of_another_round_locks_without_a_vote() {
    let mut manager = regular();
    vote(&mut manager, 2, SECOND);
    let certificate = validated(1, FIRST);
    let error = manager.check_validated_block(&certificate, &mut Rules::all());
    assert_eq!(
        error,
        Err(NodeError::InsufficientRound {
            minimum: SECOND,
            found: FIRST
        })
    );
    let mut behind = regular();
    assert!(
        confirm(&mut behind, 1, SECOND).is_some(),
        "the certificate moves the round"
    );
    assert_eq!(behind.current_round(), SECOND);
    let again = behind.check_validated_block(&validated(1, SECOND), &mut Rules::all());
    assert_eq!(again, Ok(Gate::Skip));
}
