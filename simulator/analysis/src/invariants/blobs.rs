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
    message::{MessageAction, SystemMessage},
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
    /// How large blobs are, as told by who took them in.
    sizes: BTreeMap<BlobId, u64>,
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
        let required: Vec<_> = block.stored_blobs().collect();
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
            let wrong = wrong_answers(block, used);
            verdicts.check(Invariant::OracleResponses, wrong.is_none(), || {
                format!("block {height} records {}", wrong.unwrap_or_default())
            });
        }
    }

    /// How many blobs each transaction of a block publishes that cost something, and their bytes; `None`
    /// if somebody has not told how large one is.
    pub(super) fn published(&self, block: &Block) -> Option<Vec<(u64, u64)>> {
        let transactions = block.proposed().transactions.iter();
        let published = transactions.map(|transaction| {
            let Transaction::ExecuteOperation(operation) = transaction else {
                return Some((0, 0));
            };
            let ids: &[BlobId] = match operation {
                SystemOperation::PublishDataBlob { hash } => &[BlobId::data(*hash)],
                SystemOperation::PublishModule { module_id } => &module_id.blobs(),
                _ => &[],
            };
            ids.iter().try_fold((0u64, 0u64), |(count, bytes), id| {
                let size = self.sizes.get(id)?;
                Some((count + 1, bytes.saturating_add(*size)))
            })
        });
        published.collect()
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
                self.sizes.insert(*blob, *size);
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

/// What is wrong with the answers that a block records, given what its chain has used before it:
/// epochs are asked for each time, blobs the first time.
fn wrong_answers(block: &Block, used: &mut BTreeSet<BlobId>) -> Option<String> {
    let (transactions, recorded) = (
        &block.proposed().transactions,
        &block.outcome().oracle_responses,
    );
    if recorded.len() != transactions.len() {
        return Some(format!("answers of {} transactions", recorded.len()));
    }
    let created = block.outcome().applications.as_ref();
    let created: Vec<_> = created.map_or(Vec::new(), |left| {
        let created = left.created_blobs.iter();
        created.map(|(at, blob)| (*at, blob.id())).collect()
    });
    let mut wrong = None;
    for ((at, step), found) in (0u32..).zip(transactions).zip(recorded) {
        let created = created.iter().filter(|(of, _)| *of == at);
        let created = created.map(|(_, id)| *id);
        let problem = if step.calls_application() {
            answers_of_applications(step, found, created, used)
        } else {
            let expected = answers(step, used);
            (*found != expected).then(|| format!("{found:?}, and it asks for {expected:?}"))
        };
        wrong = wrong.or(problem);
    }
    wrong
}

/// The answers that a transaction asks for that calls no application.
fn answers(transaction: &Transaction, used: &mut BTreeSet<BlobId>) -> Vec<OracleResponse> {
    let Transaction::ExecuteOperation(operation) = transaction else {
        return Vec::new();
    };
    match operation {
        SystemOperation::ProcessNewEpoch(epoch) => vec![OracleResponse::Event(*epoch)],
        SystemOperation::PublishDataBlob { hash } => {
            used.insert(BlobId::data(*hash));
            Vec::new()
        }
        SystemOperation::PublishModule { module_id } => {
            used.extend(module_id.blobs());
            Vec::new()
        }
        SystemOperation::VerifyBlob { blob_id } if used.insert(*blob_id) => {
            vec![OracleResponse::Blob(*blob_id)]
        }
        _ => Vec::new(),
    }
}

/// What is wrong with the answers that applications have asked for: what they ask is up to them, but
/// for a blob they ask once on their chain, and not of one that they create; and an application runs
/// only where its description is used.
fn answers_of_applications(
    transaction: &Transaction,
    found: &[OracleResponse],
    created: impl Iterator<Item = BlobId>,
    used: &mut BTreeSet<BlobId>,
) -> Option<String> {
    let mut wrong = None;
    for answer in found {
        match answer {
            OracleResponse::Blob(id) if !used.insert(*id) => {
                wrong = Some(format!("that it asks a second time for {id:?}"));
            }
            OracleResponse::Event(epoch) => {
                wrong = Some(format!("that an application asks for {epoch:?}"));
            }
            _ => {}
        }
    }
    used.extend(created);
    let missing = made_of(transaction)
        .into_iter()
        .find(|id| !used.contains(id));
    wrong.or_else(|| missing.map(|id| format!("{found:?}, and nothing of {id:?}")))
}

/// The blobs without which the applications that a transaction names cannot run.
fn made_of(transaction: &Transaction) -> Vec<BlobId> {
    match transaction {
        Transaction::ExecuteOperation(SystemOperation::CreateApplication(request)) => {
            request.module_id.blobs().into()
        }
        Transaction::ExecuteOperation(SystemOperation::User(operation)) => {
            vec![BlobId::description(operation.application_id)]
        }
        Transaction::ExecuteOperation(SystemOperation::UpdateStream(range)) => {
            vec![BlobId::description(range.application_id)]
        }
        Transaction::ReceiveMessages(incoming) if incoming.action == MessageAction::Accept => {
            let messages = incoming.bundle.messages.iter();
            let called = messages.filter_map(|posted| match &posted.message {
                SystemMessage::User(message) => Some(BlobId::description(message.application_id)),
                SystemMessage::Credit { .. } | SystemMessage::Withdraw { .. } => None,
            });
            called.collect()
        }
        Transaction::ExecuteOperation(_) | Transaction::ReceiveMessages(_) => Vec::new(),
    }
}
