//! Blobs that nobody waits for or that are missing, and answers that nobody asked for: each breach is
//! caught by the statement that is named after it.

use std::sync::Arc;

use protocol::{
    blob::{BlobContent, BlobId},
    block::{Block, SystemOperation, Transaction},
    error::NodeError,
    hash::CryptoHash,
    observe::Observation,
    oracle::OracleResponse,
    rpc::RequestKind,
};

use super::{Invariant, tests::broken};
use crate::testing::{A, B, Network, tampered, worker};

fn blob() -> BlobId {
    BlobContent::data(vec![1, 2, 3]).id()
}

fn publish() -> Vec<Transaction> {
    let hash = blob().hash;
    let publish = SystemOperation::PublishDataBlob { hash };
    vec![Transaction::ExecuteOperation(publish)]
}

fn verify() -> Vec<Transaction> {
    let verify = SystemOperation::VerifyBlob { blob_id: blob() };
    vec![Transaction::ExecuteOperation(verify)]
}

fn stored(network: &mut Network, validator: u32, chain: usize) {
    let chain_id = network.chains[chain];
    let fact = Observation::BlobStored {
        chain: chain_id,
        blob: blob(),
    };
    network.tell(worker(validator, chain), fact);
}

/// A block, confirmed, stored with its blob if it is to be, and executed.
fn committed(network: &mut Network, block: &Arc<Block>, chain: usize, with_blob: bool) {
    network.propose(block, None);
    network.votes(block);
    network.confirm(block);
    for validator in 0..4 {
        if with_blob {
            stored(network, validator, chain);
        }
        network.execute(validator, block);
    }
}

/// What a validator tells of a blob of so many bytes that it takes in, named as lacking or not.
fn pending(named: bool, size: u64, pending: u64) -> Vec<Invariant> {
    let mut network = Network::new();
    let chain = network.chains[A];
    if named {
        network.tell(
            worker(0, A),
            Observation::RequestRefused {
                chain,
                request: RequestKind::Proposal,
                error: NodeError::BlobsNotFound(vec![blob()]),
            },
        );
    }
    let taken_in = Observation::BlobPending {
        chain,
        blob: blob(),
        size,
        pending,
    };
    network.tell(worker(0, A), taken_in);
    broken(&network)
}

#[test]
fn i_34_nothing_is_wrong_when_blobs_come_first() {
    let mut network = Network::new();
    let block = network.block(A, publish());
    committed(&mut network, &block, A, true);
    let block = network.block(B, verify());
    committed(&mut network, &block, B, true);
    assert_eq!(broken(&network), []);
}

#[test]
fn i_34_a_block_is_executed_without_its_blob() {
    let mut network = Network::new();
    let block = network.block(A, publish());
    committed(&mut network, &block, A, false);
    assert_eq!(broken(&network), [Invariant::BlobsStored]);
}

#[test]
fn i_35_a_blob_is_taken_in_that_is_waited_for() {
    assert_eq!(pending(true, 3, 1), []);
}

#[test]
fn i_35_a_blob_is_taken_in_that_nobody_waits_for() {
    assert_eq!(pending(false, 3, 1), [Invariant::BlobsExpected]);
}

#[test]
fn i_35_a_blob_is_too_large_or_one_too_many() {
    assert_eq!(pending(true, 1_000_001, 1), [Invariant::BlobsExpected]);
    assert_eq!(pending(true, 3, 21), [Invariant::BlobsExpected]);
}

#[test]
fn i_35_a_blob_is_stored_to_which_nothing_refers() {
    let mut network = Network::new();
    stored(&mut network, 0, A);
    assert_eq!(broken(&network), [Invariant::BlobsExpected]);
}

#[test]
fn i_42_an_answer_is_not_recorded_or_another_one() {
    let other = BlobId::data(CryptoHash::of_bytes("Other", &[]));
    for recorded in [vec![], vec![OracleResponse::Blob(other)]] {
        let mut network = Network::new();
        let block = network.block(A, verify());
        let block = tampered(&block, |_, outcome| {
            outcome.oracle_responses = vec![recorded]
        });
        committed(&mut network, &block, A, true);
        // Another blob is one that the block needs and nobody has.
        assert!(broken(&network).contains(&Invariant::OracleResponses));
    }
}

#[test]
fn i_42_an_answer_is_recorded_a_second_time() {
    let mut network = Network::new();
    let block = network.block(A, publish());
    committed(&mut network, &block, A, true);
    let block = network.block(A, verify());
    assert!(!block.outcome().uses_oracles(), "the chain knows its blob");
    let again = vec![vec![OracleResponse::Blob(blob())]];
    let block = tampered(&block, |_, outcome| outcome.oracle_responses = again);
    committed(&mut network, &block, A, true);
    assert_eq!(broken(&network), [Invariant::OracleResponses]);
}

#[test]
fn i_42_a_fast_block_records_answers() {
    let mut network = Network::new();
    let block = network.block(A, verify());
    network.round = protocol::round::Round::Fast;
    network.confirm(&block);
    assert!(broken(&network).contains(&Invariant::OracleResponses));
}
