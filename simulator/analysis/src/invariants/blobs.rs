//! I-34, I-35 and I-42: blobs that validators store and take in, and the answers that blocks record.
//!
//! What a block refers to is known from the confirmed blocks that were told, and what a validator waits
//! for from its own refusals; where facts may be missing, nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    blob::{BlobId, BlobLimits},
    block::{Block, SystemOperation, Transaction},
    error::NodeError,
    hash::CryptoHash,
    observe::Observation,
    oracle::OracleResponse,
    round::Round,
};

use super::{Invariant, Standing, Verdicts};
use crate::registry::{ChainNo, reach};

/// What is known of blobs.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    /// By block: the blobs that it refers to, if any.
    required: BTreeMap<CryptoHash, Vec<BlobId>>,
    /// The blobs to which some confirmed block refers.
    referred: BTreeSet<BlobId>,
    /// By chain: the blobs that it has used; `None` once a block of it is missing.
    used: Vec<Option<BTreeSet<BlobId>>>,
    /// By validator: what it has stored.
    stored: BTreeSet<(u32, BlobId)>,
    /// By validator and chain: what it has said to lack.
    lacked: BTreeSet<(u32, usize, BlobId)>,
}

impl Blobs {
    /// A chain has one more confirmed block.
    pub(crate) fn block(
        &mut self,
        verdicts: &mut Verdicts,
        (chain, block): (ChainNo, &Block),
        round: Round,
        standing: Standing,
    ) {
        let required: Vec<_> = block.proposed().required_blobs().collect();
        self.referred.extend(&required);
        if !required.is_empty() {
            self.required.insert(block.hash(), required);
        }
        let height = block.height();
        let outcome = block.outcome();
        verdicts.check(
            Invariant::OracleResponses,
            !round.is_fast() || !outcome.uses_oracles(),
            || format!("the fast block {height} records answers"),
        );
        let used = reach(&mut self.used, chain.index());
        if standing == Standing::AfterGap {
            *used = None;
        } else if let Some(used) = known(used, height.0) {
            let expected = answers(block, used);
            verdicts.check(
                Invariant::OracleResponses,
                expected == outcome.oracle_responses,
                || {
                    let found = &outcome.oracle_responses;
                    format!("block {height} records {found:?}, and it asks for {expected:?}")
                },
            );
        }
    }

    /// A fact that a worker tells. `lossy`: facts may be missing.
    pub(crate) fn worker(
        &mut self,
        verdicts: &mut Verdicts,
        (validator, chain): (u32, ChainNo),
        fact: &Observation,
        lossy: bool,
    ) {
        match fact {
            Observation::RequestRefused {
                error: NodeError::BlobsNotFound(missing),
                ..
            } => {
                let lacked = missing.iter().map(|blob| (validator, chain.index(), *blob));
                self.lacked.extend(lacked);
            }
            Observation::BlobStored { blob, .. } => {
                let referred = self.referred.contains(blob);
                verdicts.check(Invariant::BlobsExpected, referred || lossy, || {
                    format!("{blob:?} is stored, to which no certified block refers")
                });
                self.stored.insert((validator, *blob));
            }
            Observation::BlobPending {
                blob,
                size,
                pending,
                ..
            } => {
                let limits = BlobLimits::DEFAULT;
                let few = *pending <= 2 * limits.maximum_published_blobs;
                let small = *size <= limits.maximum_blob_size;
                verdicts.check(Invariant::BlobsExpected, few && small, || {
                    format!("{pending} blobs wait, the last of {size} bytes")
                });
                let wanted = self.lacked.contains(&(validator, chain.index(), *blob));
                verdicts.check(Invariant::BlobsExpected, wanted || lossy, || {
                    format!("{blob:?} is taken in, which nobody waits for")
                });
            }
            Observation::BlockExecuted { hash, height, .. } => {
                let required = self.required.get(hash).into_iter().flatten();
                let missing = |blob: &&BlobId| !self.stored.contains(&(validator, **blob));
                let missing = required.clone().find(missing);
                verdicts.check(Invariant::BlobsStored, missing.is_none() || lossy, || {
                    format!("block {height} is executed without {missing:?}")
                });
            }
            _ => {}
        }
    }
}

/// What a chain has used before this height, if all blocks below were told.
fn known(used: &mut Option<BTreeSet<BlobId>>, height: u64) -> Option<&mut BTreeSet<BlobId>> {
    if height == 0 {
        *used = Some(BTreeSet::new());
    }
    used.as_mut()
}

/// The answers that each transaction asks for: epochs each time, blobs the first time.
fn answers(block: &Block, used: &mut BTreeSet<BlobId>) -> Vec<Vec<OracleResponse>> {
    let mut of = |transaction: &Transaction| match transaction {
        Transaction::ExecuteOperation(SystemOperation::ProcessNewEpoch(epoch)) => {
            vec![OracleResponse::Event(*epoch)]
        }
        Transaction::ExecuteOperation(SystemOperation::PublishDataBlob { hash }) => {
            used.insert(BlobId::data(*hash));
            Vec::new()
        }
        Transaction::ExecuteOperation(SystemOperation::VerifyBlob { blob_id }) => {
            let new = used.insert(*blob_id);
            new.then_some(OracleResponse::Blob(*blob_id))
                .into_iter()
                .collect()
        }
        Transaction::ExecuteOperation(_) | Transaction::ReceiveMessages(_) => Vec::new(),
    };
    block.proposed().transactions.iter().map(&mut of).collect()
}
