//! Finding what was sent to the chain (6.3): logs of a quorum, then the blocks that they name.
//!
//! Nothing a validator says is believed: blocks are checked by their certificates, and any quorum
//! of logs names every message that a quorum has.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Client, InboxPolicy,
    driver::{Operation, Stage},
};
use crate::{
    certificate::{CertificateKind, ConfirmedBlockCertificate},
    error::{CertificateError, InboxError, NodeError},
    hash::CryptoHash,
    ids::{BlockHeight, ChainId, ValidatorIndex},
    machine::Outputs,
    observe::Observation,
    rpc::{Action, ChainInfoQuery, ChainInfoResponse, Request},
    sabotage::Sabotage,
    store::ContentStore,
    time::Timestamp,
};

/// The log of one validator, from the entry on that was not yet looked at.
#[derive(Clone, Debug)]
pub(super) struct LogAnswer {
    pub(super) validator: ValidatorIndex,
    entries: Vec<(ChainId, BlockHeight)>,
}

/// Blocks of one origin to be downloaded.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    origin: ChainId,
    heights: Vec<BlockHeight>,
    /// Validators that named them and were not asked yet.
    sources: Vec<ValidatorIndex>,
    complete: bool,
}

impl Client {
    /// Whether to look for what was received before anything else.
    pub(super) fn wants_to_find(&self) -> bool {
        let told = self.notified
            && (self.config.inbox_policy == InboxPolicy::Auto
                || !self.ready.is_empty()
                || !self.on_inbox.is_empty());
        let asked = self
            .ready
            .front()
            .is_some_and(|c| matches!(c.action, Action::ProcessInbox | Action::TakeNewest));
        told || (asked && !self.fresh)
    }

    /// A validator tells of something that has arrived.
    pub(super) fn on_news(&mut self, origin: ChainId, height: BlockHeight) {
        if self.chain.is_none() || self.has_received(origin, height) {
            return;
        }
        let looks = self.operation.as_ref().is_some_and(|operation| {
            let stage = &operation.stage;
            matches!(stage, Stage::Finding(_) | Stage::Downloading { .. })
        });
        if !looks {
            self.notified = true;
        } else if !self.news.contains(&(origin, height)) {
            self.news.push((origin, height));
        }
    }

    fn has_received(&self, origin: ChainId, height: BlockHeight) -> bool {
        let inbox = self.chain_ref().inboxes().get(&origin);
        inbox.is_some_and(|inbox| inbox.next_height_to_receive() > height)
    }

    /// Whether to take in what waits without being asked.
    pub(super) fn takes_in_by_itself(&self) -> bool {
        self.config.inbox_policy == InboxPolicy::Auto && self.inbox_waits()
    }

    pub(super) fn start_finding(&mut self, now: Timestamp, out: &mut Outputs) {
        self.notified = false;
        self.news = Vec::new();
        let chain = self.chain_ref().execution.chain_id;
        let validators = self.validators();
        self.trackers.resize(self.config.genesis.keys().len(), 0);
        let goals = validators.into_iter().map(|validator| {
            let from = self.trackers[index_of(validator)];
            let query = ChainInfoQuery {
                received_log_from: Some(from),
                ..ChainInfoQuery::default()
            };
            (validator, chain, Request::ChainInfo(Box::new(query)))
        });
        let goals = goals.collect();
        self.ask(now, None, Stage::Finding(Vec::new()), goals, out);
    }

    /// Whether an answer to a query is the validator's own.
    pub(super) fn check_info(
        &self,
        validator: ValidatorIndex,
        response: &ChainInfoResponse,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> bool {
        out.verified(1);
        response.signature.as_ref().is_some_and(|(key, signature)| {
            self.config.genesis.keys().get(&validator) == Some(key)
                && response.info.chain_id == self.chain_ref().execution.chain_id
                && store.verify(key, &response.info.digest(), signature)
        })
    }

    pub(super) fn absorb_log(
        &self,
        answers: &mut Vec<LogAnswer>,
        validator: ValidatorIndex,
        response: &ChainInfoResponse,
    ) -> bool {
        let valid = response.info.chain_id == self.chain_ref().execution.chain_id;
        if valid {
            let entries = response.info.received_log.clone();
            answers.push(LogAnswer { validator, entries });
        }
        valid
    }

    pub(super) fn start_downloading(
        &mut self,
        now: Timestamp,
        answers: Vec<LogAnswer>,
        out: &mut Outputs,
    ) {
        let fetches = self.fetches(&answers);
        if fetches.is_empty() {
            self.finish_downloading(fetches, &answers, out);
            return;
        }
        let goal = |fetch: &Fetch| {
            let request = Request::DownloadCertificates(fetch.heights.clone());
            (fetch.sources[0], fetch.origin, request)
        };
        let goals = fetches.iter().map(goal).collect();
        self.ask(
            now,
            None,
            Stage::Downloading { fetches, answers },
            goals,
            out,
        );
    }

    /// What the logs name and the local inbox lacks, by origin.
    fn fetches(&self, answers: &[LogAnswer]) -> Vec<Fetch> {
        let mut wanted: BTreeMap<ChainId, BTreeMap<BlockHeight, Vec<ValidatorIndex>>> =
            BTreeMap::new();
        for answer in answers {
            for (origin, height) in &answer.entries {
                let inbox = self.chain_ref().inboxes().get(origin);
                let next = inbox
                    .map(|inbox| inbox.next_height_to_receive())
                    .unwrap_or_default();
                if *height >= next {
                    let sources = wanted
                        .entry(*origin)
                        .or_default()
                        .entry(*height)
                        .or_default();
                    sources.push(answer.validator);
                }
            }
        }
        let fetch = |(origin, heights): (ChainId, BTreeMap<BlockHeight, Vec<ValidatorIndex>>)| {
            // Who named the newest block is likely to have those below.
            let sources = heights.last_key_value().map(|(_, sources)| sources.clone());
            let heights = heights.into_keys().collect();
            Fetch {
                origin,
                heights,
                sources: sources.unwrap_or_default(),
                complete: false,
            }
        };
        wanted.into_iter().map(fetch).collect()
    }

    /// Puts what downloaded blocks send to this chain in the local inbox. `false`: blocks are
    /// missing, ask again or elsewhere.
    pub(super) fn absorb_blocks(
        &mut self,
        fetch: &mut Fetch,
        certificates: &[Arc<ConfirmedBlockCertificate>],
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> bool {
        let recipient = self.chain_ref().execution.chain_id;
        let unknown = |one: &&Arc<ConfirmedBlockCertificate>| {
            self.committee_of(one.block().proposed().epoch).is_none()
        };
        if certificates.iter().any(|one| unknown(&one)) {
            self.want_epochs();
            return false;
        }
        let Some(trusted) = self.count_trusted(&recipient, certificates) else {
            return false;
        };
        for refused in &certificates[trusted..] {
            let block = refused.block();
            let error = NodeError::RevokedEpoch(block.proposed().epoch);
            tell_refused(recipient, (fetch.origin, block.height()), error, out);
        }
        for certificate in &certificates[..trusted] {
            let block = certificate.block();
            out.verified(certificate.lite().signatures.len());
            if let Err(error) = self.check_sender_block(fetch.origin, certificate, store) {
                tell_refused(recipient, (fetch.origin, block.height()), error, out);
                return false;
            }
            store.put_certificate(certificate);
            let bundles = block
                .bundles_for(&recipient)
                .iter()
                .map(|(_, bundle)| (block.proposed().epoch, bundle.clone()));
            let bundles: Vec<_> = bundles.collect();
            let previous = block.outcome().previous_message_blocks.get(&recipient);
            let previous = previous.map(|(_, height)| *height);
            let chain = self.chain_mut();
            match chain.receive(fetch.origin, &bundles, previous, Sabotage::None) {
                Ok(_) => {}
                Err(NodeError::Inbox {
                    error: InboxError::InboxGapDetected { previous, .. },
                    ..
                }) => {
                    fetch.heights.insert(0, previous);
                    return false;
                }
                Err(error) => {
                    tell_refused(recipient, (fetch.origin, block.height()), error, out);
                    return false;
                }
            }
        }
        fetch.complete = certificates.len() == fetch.heights.len();
        fetch.complete
    }

    fn check_sender_block(
        &self,
        origin: ChainId,
        certificate: &ConfirmedBlockCertificate,
        store: &dyn ContentStore,
    ) -> Result<(), NodeError> {
        let block = certificate.block();
        if block.chain_id() != origin || certificate.kind() != CertificateKind::Confirmed {
            return Err(NodeError::Certificate(CertificateError::OtherBlock));
        }
        let epoch = block.proposed().epoch;
        let committee = self.committee_of(epoch);
        let committee = committee.ok_or(NodeError::EventsNotFound(epoch))?;
        Ok(certificate.lite().check(committee, store)?)
    }

    /// Asks the next validator that named the blocks; gives up after the last.
    pub(super) fn try_next_source(
        &mut self,
        now: Timestamp,
        operation: &mut Operation,
        lane: usize,
        out: &mut Outputs,
    ) {
        let Stage::Downloading { fetches, .. } = &mut operation.stage else {
            operation.communication.lanes[lane].status = super::communication::LaneStatus::Failed;
            return;
        };
        let fetch = &mut fetches[lane];
        let lane = &mut operation.communication.lanes[lane];
        lane.helped += 1;
        if fetch.sources.len() > 1 {
            fetch.sources.remove(0);
        }
        if lane.helped > super::help::HELPS_MAX {
            lane.status = super::communication::LaneStatus::Failed;
            return;
        }
        let request = Request::DownloadCertificates(fetch.heights.clone());
        lane.replace_goal(now, fetch.sources[0], request, &mut self.next_request, out);
    }

    /// Raises the trackers of validators whose log was looked at whole, if all blocks came.
    pub(super) fn finish_downloading(
        &mut self,
        fetches: Vec<Fetch>,
        answers: &[LogAnswer],
        out: &mut Outputs,
    ) {
        self.fresh = true;
        let news = std::mem::take(&mut self.news);
        let missed =
            |(origin, height): &(ChainId, BlockHeight)| !self.has_received(*origin, *height);
        self.notified |= news.iter().any(missed);
        if fetches.iter().all(|fetch| fetch.complete) {
            for answer in answers {
                let entries = u64::try_from(answer.entries.len()).expect("a log fits memory");
                self.trackers[index_of(answer.validator)] += entries;
            }
        } else {
            // Looking again helps only if something came; else it waits for the next notification.
            self.notified |= fetches.iter().any(|fetch| fetch.complete);
        }
        out.persist(self.chain_ref().execution.chain_id);
    }

    /// Hash of the block of `origin` at `height` that sent to this chain, if it waits or is part of
    /// the pending block.
    pub(super) fn sender_block(&self, origin: ChainId, height: BlockHeight) -> Option<CryptoHash> {
        let waiting = self
            .chain_ref()
            .inboxes()
            .get(&origin)
            .and_then(|inbox| inbox.added().iter().find(|bundle| bundle.height == height));
        let pending = self.pending.as_ref().and_then(|pending| {
            let mut incoming = pending.block.incoming_bundles();
            incoming
                .find(|i| i.origin == origin && i.bundle.height == height)
                .map(|i| &i.bundle)
        });
        waiting.or(pending).map(|bundle| bundle.certificate_hash)
    }
}

/// Tells that a block of a sender is no evidence for this wallet.
fn tell_refused(
    chain: ChainId,
    (origin, height): (ChainId, BlockHeight),
    error: NodeError,
    out: &mut Outputs,
) {
    out.observe(Observation::SenderBlockRefused {
        chain,
        origin,
        height,
        error,
    });
}

fn index_of(validator: ValidatorIndex) -> usize {
    usize::try_from(validator.0).expect("an index fits memory")
}
