//! A worker shard of a validator: many chains, one request at a time.
//!
//! Owns the chains that its [`ShardMap`] gives it, loads each on first touch, and never
//! talks to another validator. This file routes; rules are in `consensus` and `cross_chain`.
//! All but `Volatile` survives a crash: chains, descriptions, blobs, what is known of epochs.

mod batches;
mod blobs;
mod consensus;
mod cross_chain;
mod delivery;
mod epochs;
mod fallback;
mod leases;
mod observing;
mod streams;
mod timeouts;

use std::{collections::BTreeMap, sync::Arc};

pub use self::delivery::DeliveryOptions;
use self::{
    batches::{Batches, Update},
    delivery::Queue,
};
use crate::{
    blob::BlobId,
    block::Block,
    chain::ChainState,
    database::ShardMap,
    description::ChainDescription,
    epochs::Epochs,
    error::NodeError,
    genesis::Genesis,
    ids::{Address, BlockHeight, ChainId, ClientIndex, ShardIndex, ValidatorIndex},
    machine::Outputs,
    manager::ChainManager,
    observe::Observation,
    outside::WebAnswers,
    rpc::{
        ChainInfo, ChainInfoQuery, ChainInfoResponse, CrossChainRequest, Notification, Packet,
        Reason, Reply, Request, RequestId, Response,
    },
    rules::Rules,
    sabotage::Sabotage,
    signature::SigningKey,
    store::ContentStore,
    streams::KnownEvents,
    time::{TimeDelta, Timestamp},
};

/// What a worker is told at its start.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The network.
    pub genesis: Arc<Genesis>,
    /// Its validator.
    pub validator: ValidatorIndex,
    /// Its number.
    pub shard: ShardIndex,
    /// Which shard of its validator owns which chain. It changes only where the workers share a
    /// [`crate::database::Database`].
    pub map: ShardMap,
    /// Its validator's key.
    pub key: SigningKey,
    /// How far in the future a block may be.
    pub block_time_grace_period: TimeDelta,
    /// How messages go from shard to shard.
    pub delivery: DeliveryOptions,
    /// What web servers answer to it.
    pub web: Arc<WebAnswers>,
    /// A seeded bug, in tests.
    pub sabotage: Sabotage,
}

impl WorkerConfig {
    /// How far in the future a block may be when nothing else is said.
    pub const BLOCK_TIME_GRACE_PERIOD: TimeDelta = TimeDelta::from_millis(500);
}

/// A request of a wallet, as its proxy handed it on.
#[derive(Clone, Debug)]
struct Asked {
    client: ClientIndex,
    id: RequestId,
    chain: ChainId,
    request: Request,
}

impl Asked {
    fn into_packet(self) -> Packet {
        let Self {
            client,
            id,
            chain,
            request,
        } = self;
        Packet::Forward {
            client,
            id,
            chain,
            request,
        }
    }
}

/// What a crash takes away.
#[derive(Clone, Debug, Default)]
struct Volatile {
    /// Bodies of blocks voted for, so that lite certificates suffice.
    recent_blocks: BTreeMap<ChainId, Vec<Arc<Block>>>,
    /// Updates on their way to other shards.
    queue: Queue,
    /// Updates from other shards that wait to be saved together.
    batches: Batches,
    /// Answers that wait for delivery.
    delivery: BTreeMap<ChainId, Vec<(BlockHeight, ClientIndex, RequestId)>>,
    /// Proposals a little ahead of this clock.
    delayed: Vec<(Timestamp, Asked)>,
    /// Packets whose chain another worker still holds.
    waiting: Box<leases::Waiting>,
}

/// A worker shard.
#[derive(Clone, Debug)]
pub struct Worker {
    config: WorkerConfig,
    chains: BTreeMap<ChainId, Box<ChainState>>,
    descriptions: BTreeMap<ChainId, Arc<ChainDescription>>,
    /// The blobs that certified blocks refer to.
    blobs: BTreeMap<BlobId, blobs::BlobState>,
    /// The events of all chains that it knows.
    events: KnownEvents,
    /// What it knows of the admin chain.
    epochs: Arc<Epochs>,
    /// The voting rules that it keeps.
    rules: Rules,
    volatile: Volatile,
}

/// Timer token: look at unconfirmed updates.
const SWEEP: u64 = 0;
/// Timer token: look at delayed proposals.
const DELAYED: u64 = 1;
/// Timer token: look at all outboxes.
const SWEEP_ALL: u64 = 2;
/// Timer token: save what has come together.
const BATCH: u64 = 3;
/// Timer token: look at packets that wait for their chain. This one and the next are timers of workers
/// that share a database.
const WAITING: u64 = 4;
/// Timer token: give up more of what is another's.
const RELEASE: u64 = 5;

impl Worker {
    /// A worker without chains.
    pub fn new(config: WorkerConfig) -> Self {
        Self {
            rules: config.sabotage.rules(),
            config,
            chains: BTreeMap::new(),
            descriptions: BTreeMap::new(),
            blobs: BTreeMap::new(),
            events: KnownEvents::default(),
            epochs: Arc::default(),
            volatile: Volatile::default(),
        }
    }

    /// Its validator and number.
    pub const fn address(&self) -> Address {
        Address::Worker(self.config.validator, self.config.shard)
    }

    /// Its validator.
    pub const fn validator(&self) -> ValidatorIndex {
        self.config.validator
    }

    /// Its number there.
    pub const fn shard(&self) -> ShardIndex {
        self.config.shard
    }

    /// The chains that it has touched.
    pub const fn chains(&self) -> &BTreeMap<ChainId, Box<ChainState>> {
        &self.chains
    }

    /// Handles a packet.
    pub fn handle(
        &mut self,
        now: Timestamp,
        packet: Packet,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        self.take(now, packet, store, out);
        if self.config.sabotage == Sabotage::AnswersBeforeSaving {
            out.save_last();
        }
        if self.config.sabotage == Sabotage::NotifiesBeforeSaving {
            out.notify_first();
        }
        out.tell_order();
    }

    fn take(
        &mut self,
        now: Timestamp,
        packet: Packet,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        match packet {
            Packet::Forward {
                client,
                id,
                chain,
                request,
            } => {
                self.on_request(
                    now,
                    Asked {
                        client,
                        id,
                        chain,
                        request,
                    },
                    store,
                    out,
                );
            }
            Packet::CrossChain(request) => self.on_cross_chain(now, *request, store, out),
            // Nobody sends these to a worker; a stray packet changes nothing.
            Packet::Request { .. }
            | Packet::Reply { .. }
            | Packet::ForwardReply { .. }
            | Packet::Sharding(_)
            | Packet::Notification(_)
            | Packet::Command(_)
            | Packet::CommandDone(_)
            | Packet::ChainOpened(_)
            | Packet::ApplicationCreated(..)
            | Packet::Submit(_)
            | Packet::SubmissionDone(..) => {}
        }
    }

    /// Handles a timer.
    pub fn on_timer(
        &mut self,
        now: Timestamp,
        token: u64,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        match token {
            SWEEP => self.look_at_queue(now, store, out),
            SWEEP_ALL => self.sweep_all(now, store, out),
            BATCH => self.save_batches(now, out),
            _ => self.retry_delayed(now, store, out),
        }
    }

    /// Throws away what a crash takes.
    pub fn crash(&mut self) {
        self.volatile = Volatile::default();
        if self.config.sabotage == Sabotage::CrashForgetsVotes {
            for chain in self.chains.values_mut() {
                chain.manager.forget_votes(Timestamp::default());
            }
        }
    }

    /// This worker as a crash leaves it that hit after only `saved` were saved: those chains as they
    /// are here, everything else as it was `before`.
    pub fn crashed(mut self, before: &Self, saved: &[ChainId]) -> Self {
        let mut chains = before.chains.clone();
        for chain in saved {
            if let Some(state) = self.chains.remove(chain) {
                chains.insert(*chain, state);
            }
        }
        Self {
            chains,
            volatile: Volatile::default(),
            ..self
        }
    }

    fn on_request(
        &mut self,
        now: Timestamp,
        asked: Asked,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let (client, id, chain) = (asked.client, asked.id, asked.chain);
        let kind = asked.request.kind();
        let before = self.round_of(chain);
        let answer = match &asked.request {
            Request::Proposal(proposal) => match self.delay_of(now, &proposal.block.timestamp) {
                Some(at) => return self.delay(now, at, asked, out),
                None => self
                    .handle_proposal(now, chain, proposal, store, out)
                    .map(Some),
            },
            Request::LiteValidated(lite) => self
                .body_of(lite)
                .and_then(|certificate| self.handle_validated(now, chain, &certificate, store, out))
                .map(Some),
            Request::Validated(certificate) => self
                .handle_validated(now, chain, certificate, store, out)
                .map(Some),
            Request::LiteConfirmed(lite) => self
                .body_of(lite)
                .and_then(|certificate| self.handle_confirmed(now, chain, &certificate, store, out))
                .map(Some),
            Request::Confirmed(certificate, delivery) => self
                .handle_confirmed(now, chain, certificate, store, out)
                .map(|response| {
                    let height = certificate.block().height();
                    self.answer_when_delivered(&asked, height, *delivery, response, out)
                }),
            Request::Timeout(certificate) => self
                .handle_timeout(now, chain, certificate, store, out)
                .map(Some),
            Request::ChainInfo(query) => self.handle_query(now, chain, query, store, out).map(Some),
            Request::DownloadCertificates(heights) => {
                self.handle_download(chain, heights, store).map(Some)
            }
            Request::Subscribe { .. } => Ok(Some(Response::Done)),
            Request::PendingBlob(blob) => self.handle_pending_blob(now, chain, blob, out).map(Some),
            Request::UploadBlob(blob) => self.handle_blob_upload(chain, blob, out).map(Some),
            Request::DownloadEvents(wanted) => {
                Ok(Some(self.handle_event_download(chain, wanted, store)))
            }
            Request::DownloadBlob(id) => Ok(Some(self.handle_blob_download(id, store))),
        };
        self.observe_round(chain, before, out);
        for rule in self.rules.news() {
            out.observe(Observation::RuleBitten { chain, rule });
        }
        let reply = match answer {
            Ok(None) => return,
            Ok(Some(response)) => Ok(response),
            Err(error) => {
                let refused = error.clone();
                out.observe(Observation::RequestRefused {
                    chain,
                    request: kind,
                    error: refused,
                });
                Err(error)
            }
        };
        self.reply(client, id, reply, out);
    }

    fn reply(&self, client: ClientIndex, id: RequestId, reply: Reply, out: &mut Outputs) {
        let packet = Packet::ForwardReply {
            client,
            id,
            reply: Box::new(reply),
        };
        out.send(Address::Proxy(self.config.validator), packet);
    }

    /// When to look at a proposal whose timestamp is ahead of this clock by no more than the grace
    /// period (4.6).
    fn delay_of(&self, now: Timestamp, block: &Timestamp) -> Option<Timestamp> {
        let ahead = block.since(now);
        let within = ahead <= self.config.block_time_grace_period
            && self.config.sabotage != Sabotage::BlocksOfTheFuture;
        (ahead > TimeDelta::default() && within).then_some(*block)
    }

    fn delay(&mut self, now: Timestamp, at: Timestamp, asked: Asked, out: &mut Outputs) {
        out.timer(at.since(now), DELAYED);
        self.volatile.delayed.push((at, asked));
    }

    fn retry_delayed(&mut self, now: Timestamp, store: &dyn ContentStore, out: &mut Outputs) {
        let waiting = std::mem::take(&mut self.volatile.delayed);
        for (at, asked) in waiting {
            if at <= now {
                self.on_request(now, asked, store, out);
            } else {
                self.volatile.delayed.push((at, asked));
            }
        }
    }

    /// The chain, initialised on first touch.
    fn load(&mut self, now: Timestamp, chain: ChainId) -> Result<&mut ChainState, NodeError> {
        if !self.chains.contains_key(&chain) {
            let known = self.descriptions.get(&chain);
            let description = known.or_else(|| self.config.genesis.description(&chain));
            let description = description.ok_or(NodeError::InactiveChain(chain))?;
            self.chains
                .insert(chain, Box::new(ChainState::new(description, now)));
        }
        Ok(self.chains.get_mut(&chain).expect("inserted above"))
    }

    fn shard_of(&self, chain: &ChainId) -> Address {
        let key = self.config.key.public();
        Address::Worker(self.config.validator, self.config.map.shard_of(&key, chain))
    }

    fn notify(&self, chain_id: ChainId, reason: Reason, out: &mut Outputs) {
        let notification = Box::new(Notification { chain_id, reason });
        out.send(
            Address::Proxy(self.config.validator),
            Packet::Notification(notification),
        );
    }

    /// What is told about a chain; signed when it answers a query.
    fn info(&self, chain: ChainId, query: &ChainInfoQuery) -> ChainInfo {
        let state = &self.chains[&chain];
        let manager = &state.manager;
        let log = state.received_log();
        let received_log = query.received_log_from.map_or_else(Vec::new, |from| {
            let from = usize::try_from(from).unwrap_or(usize::MAX).min(log.len());
            log[from..].to_vec()
        });
        let lock = manager.locking_block().filter(|_| query.manager_values);
        ChainInfo {
            chain_id: chain,
            next_block_height: state.next_height(),
            block_hash: state.execution.tip_hash,
            state_hash: state.execution.state_hash,
            timestamp: state.execution.timestamp,
            current_round: manager.current_round(),
            vote: manager.pending_vote().copied(),
            timeout_vote: None,
            locking_block: lock.cloned(),
            proposed: manager
                .newest_proposal()
                .filter(|_| query.manager_values)
                .cloned(),
            timeout: manager.timeout().filter(|_| query.manager_values).cloned(),
            received_log,
        }
    }

    /// The key that it votes with.
    pub(crate) const fn key(&self) -> &SigningKey {
        &self.config.key
    }

    /// The consensus of a chain, if it is loaded.
    pub(crate) fn manager_of(&mut self, chain: ChainId) -> Option<&mut ChainManager> {
        self.chains.get_mut(&chain).map(|state| &mut state.manager)
    }

    pub(crate) fn unsigned_info(&self, chain: ChainId) -> Response {
        let info = self.info(chain, &ChainInfoQuery::default());
        Response::Info(Box::new(ChainInfoResponse {
            info,
            signature: None,
        }))
    }

    fn handle_query(
        &mut self,
        now: Timestamp,
        chain: ChainId,
        query: &ChainInfoQuery,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Result<Response, NodeError> {
        self.load(now, chain)?;
        self.push_outboxes(now, chain, store, out);
        let timeout_vote = match (query.leader_timeout, query.fallback) {
            (Some(asked), _) => Some(Box::new(self.vote_timeout(now, chain, asked, out)?)),
            (None, Some(height)) => Some(Box::new(self.vote_fallback(now, chain, height, out)?)),
            (None, None) => None,
        };
        let mut info = self.info(chain, query);
        info.timeout_vote = timeout_vote;
        let signature = query.manager_values.then(|| {
            out.signed(1);
            (
                self.config.key.public(),
                self.config.key.sign(&info.digest()),
            )
        });
        Ok(Response::Info(Box::new(ChainInfoResponse {
            info,
            signature,
        })))
    }

    fn handle_download(
        &self,
        chain: ChainId,
        heights: &[BlockHeight],
        store: &dyn ContentStore,
    ) -> Result<Response, NodeError> {
        if !self.chains.contains_key(&chain) && self.config.genesis.admin() == Some(chain) {
            return Ok(Response::Certificates(Vec::new()));
        }
        let state = self
            .chains
            .get(&chain)
            .ok_or(NodeError::InactiveChain(chain))?;
        let hashes = heights
            .iter()
            .filter_map(|height| state.block_hash(*height));
        Ok(Response::Certificates(
            hashes.filter_map(|hash| store.certificate(&hash)).collect(),
        ))
    }

    /// Keeps how a chain begins. Only certified blocks open chains, so only this validator's own
    /// shards ask for it; a wallet that finds a chain unknown brings the block that opened it.
    fn store_description(&mut self, description: Arc<ChainDescription>) {
        self.descriptions
            .entry(description.id())
            .or_insert(description);
    }

    fn on_cross_chain(
        &mut self,
        now: Timestamp,
        request: CrossChainRequest,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        match request {
            CrossChainRequest::UpdateRecipient {
                sender,
                recipient,
                bundles,
                previous_height,
            } => {
                let update = Update {
                    sender,
                    bundles,
                    previous_height,
                };
                self.take_update(now, recipient, update, out);
            }
            CrossChainRequest::RevertConfirm {
                sender,
                recipient,
                retransmit_from,
            } => {
                self.revert_confirm(now, (sender, recipient), retransmit_from, store, out);
            }
            CrossChainRequest::ConfirmUpdatedRecipient {
                sender,
                recipient,
                latest_height,
            } => {
                self.confirm_updated_recipient(now, (sender, recipient), latest_height, store, out);
            }
            CrossChainRequest::StoreDescription(description) => self.store_description(description),
            CrossChainRequest::StoreEpochs(epochs) => self.store_epochs(epochs, out),
            CrossChainRequest::StoreBlobs(stored) => self.note_blobs(&stored),
            CrossChainRequest::StoreEvents(runs) => self.note_events(&runs),
        }
    }
}
