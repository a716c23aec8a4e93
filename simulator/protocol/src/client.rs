//! A user's wallet with its local node: drives one chain.
//!
//! Owns the chain as its owner sees it, the pending block, and the commands that wait. One
//! operation runs at a time: find what was received, build a block, propose it, finalize it, tell
//! everybody. This file routes; each step has its file. The pending block is saved before it is
//! sent and is never replaced at its height.

mod advance;
mod answers;
mod applications;
mod blobs;
mod communication;
mod driver;
mod epochs;
mod fallback;
mod find_received;
mod help;
mod lost_disk;
mod pool;
mod rounds;
mod staging;
mod streams;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use self::{
    communication::Communication,
    driver::{Operation, Pending, Stage, Untold},
    epochs::AdminChain,
    lost_disk::LostDisk,
    pool::{HandedInByMe, Pool},
    rounds::Candidate,
    streams::Streams,
};
use crate::{
    blob::BlobId,
    block::ProposedBlock,
    certificate::{CertificateKind, ConfirmedBlockCertificate, ValidatedBlockCertificate},
    chain::ChainState,
    committee::Committee,
    genesis::Genesis,
    hash::CryptoHash,
    ids::{Address, ApplicationId, BlockHeight, ChainId, ClientIndex, Epoch, ValidatorIndex},
    machine::Outputs,
    observe::Observation,
    outside::WebAnswers,
    proposal::Content,
    round::Round,
    rpc::{Command, Lineage, Packet, Reason, Request, RequestId, Trigger},
    signature::SigningKey,
    store::ContentStore,
    time::{TimeDelta, Timestamp},
};

/// When a wallet takes in what has arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InboxPolicy {
    /// With the next block that it makes for another reason, or when told to.
    Manual,
    /// As soon as it is told of something.
    Auto,
}

/// What a wallet is told at its start.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The network.
    pub genesis: Arc<Genesis>,
    /// Its number.
    pub index: ClientIndex,
    /// Its key.
    pub key: SigningKey,
    /// Its chain; `None`: another wallet will open it.
    pub chain: Option<ChainId>,
    /// What stands for that chain until it is open.
    pub awaited: ChainId,
    /// What stands for chains that are opened later.
    pub placeholders: Arc<BTreeSet<ChainId>>,
    /// What stands for applications that are created later.
    pub applications: Arc<BTreeSet<ApplicationId>>,
    /// Whether a super owner proposes in the fast round.
    pub allow_fast_blocks: bool,
    /// When it takes in what has arrived.
    pub inbox_policy: InboxPolicy,
    /// What web servers answer to it.
    pub web: Arc<WebAnswers>,
    /// How long and how often it waits.
    pub options: ClientOptions,
}

/// What a wallet does with what has arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessagePolicy {
    /// Accepts what can be executed.
    Accept,
    /// Rejects whatever may be rejected, and leaves the rest.
    Reject,
    /// Leaves everything where it is.
    Ignore,
}

/// How long and how often a wallet waits, and what it does with what arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientOptions {
    /// A request is repeated when it is not answered for so long.
    pub request_timeout: TimeDelta,
    /// How often a request is repeated.
    pub retries: u32,
    /// The delay before a failed step is tried again; later ones wait this much longer each time.
    pub retry_delay: TimeDelta,
    /// The longest such delay.
    pub max_backoff: TimeDelta,
    /// After a quorum, stragglers get the elapsed time divided by this.
    pub grace_divisor: u64,
    /// An operation that was handed in is handed in again so often.
    pub resubmit_interval: TimeDelta,
    /// A wallet that waits for messages looks for them so often, told or not.
    pub poll_interval: TimeDelta,
    /// Bundles in one block at most.
    pub max_pending_message_bundles: usize,
    /// What it does with them.
    pub message_policy: MessagePolicy,
    /// Whether it sends validators what they lack.
    pub helps: bool,
    /// Whether it looks at its chain before it builds on what it has, where others may have built.
    pub looks_first: bool,
    /// Whether it asks for votes that a round is over whose time has run out.
    pub ends_rounds: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            request_timeout: TimeDelta::from_secs(4),
            retries: 10,
            retry_delay: TimeDelta::from_secs(1),
            max_backoff: TimeDelta::from_secs(30),
            grace_divisor: 5,
            resubmit_interval: TimeDelta::from_secs(10),
            poll_interval: TimeDelta::from_secs(30),
            max_pending_message_bundles: 300,
            message_policy: MessagePolicy::Accept,
            helps: true,
            looks_first: true,
            ends_rounds: true,
        }
    }
}

/// Timer token: commands that wait for the command of the number added to this may start.
const HELD: u64 = 1 << 60;

/// Timer token: look for messages.
const POLL: u64 = 1 << 59;

/// Timer token: hand in again what nobody has told of.
const SUBMIT: u64 = 1 << 58;

/// A wallet with its local node.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    /// The chain as this wallet sees it.
    chain: Option<Box<ChainState>>,
    /// The admin chain, if there is one and it is another one.
    admin: Option<Box<AdminChain>>,
    /// How many entries of each validator's received log were looked at.
    trackers: Vec<u64>,
    /// The block that is proposed and not yet confirmed.
    pending: Option<Box<Pending>>,
    /// The last confirmed block, until a quorum has executed it.
    untold: Option<Box<Untold>>,
    ready: VecDeque<Arc<Command>>,
    on_inbox: VecDeque<Arc<Command>>,
    held: Vec<Arc<Command>>,
    done_early: BTreeSet<u64>,
    /// Whether something has arrived since the logs were looked at.
    notified: bool,
    /// What validators told to have arrived while the logs were looked at.
    news: Vec<(ChainId, BlockHeight)>,
    /// Whether a timer runs to look without having been told.
    polling: bool,
    /// When a timer ends that this wallet may take its chain over, if it stands in for the owners.
    takes_over_at: Option<Timestamp>,
    /// Whether the logs were looked at since the last block.
    fresh: bool,
    /// The blocks that opened its chain and its ancestors, unless it is one of the first.
    lineage: Vec<Arc<ConfirmedBlockCertificate>>,
    /// Chains that were opened, by what stands for them in commands.
    opened: BTreeMap<ChainId, ChainId>,
    /// Applications that were created, by what stands for them in commands.
    created: BTreeMap<ApplicationId, ApplicationId>,
    /// What it knows of events of other chains.
    streams: Option<Box<Streams>>,
    /// The command that was last told to have started.
    started: Option<u64>,
    /// Whether a quorum was asked about the chain since its last block.
    looked: bool,
    /// Proposals at the next height that are known, by round and block.
    seen: BTreeSet<(Round, Content)>,
    /// The last proposal of this wallet at the next height.
    attempt: Option<(Round, Content)>,
    /// Blocks of its own chain that others have made, just downloaded.
    synced: Vec<Arc<ConfirmedBlockCertificate>>,
    /// Blobs that certified blocks refer to, and such a block of each.
    blobs: BTreeMap<BlobId, CryptoHash>,
    /// What users have handed in, at a validator's wallet of a public chain.
    pool: Option<Box<Pool>>,
    /// What this wallet has handed in to public chains.
    handed_in: Option<Box<HandedInByMe>>,
    /// Since its disk was lost, until it has made a block again.
    lost_disk: Option<Box<LostDisk>>,
    next_request: u64,
    /// Number of the last step; timers of earlier ones are void.
    phase: u64,
    /// Steps that failed in a row.
    failures: u64,
    operation: Option<Box<Operation>>,
    background: Option<Box<Background>>,
}

/// The last broadcast, for validators that have not answered yet.
type Background = (Communication, Arc<ConfirmedBlockCertificate>);

impl Client {
    /// A wallet that has done nothing.
    pub fn new(config: ClientConfig, now: Timestamp) -> Self {
        let description = config
            .chain
            .and_then(|chain| config.genesis.description(&chain).cloned());
        let admin = config.genesis.admin();
        let admin = admin.filter(|admin| config.chain != Some(*admin));
        let admin = admin.and_then(|admin| config.genesis.description(&admin));
        Self {
            admin: admin.map(|admin| Box::new(AdminChain::new(admin))),
            chain: description.map(|description| Box::new(ChainState::new(&description, now))),
            trackers: Vec::new(),
            pending: None,
            untold: None,
            ready: VecDeque::new(),
            on_inbox: VecDeque::new(),
            held: Vec::new(),
            done_early: BTreeSet::new(),
            notified: false,
            news: Vec::new(),
            polling: false,
            takes_over_at: None,
            fresh: false,
            lineage: Vec::new(),
            opened: BTreeMap::new(),
            created: BTreeMap::new(),
            streams: None,
            started: None,
            looked: false,
            seen: BTreeSet::new(),
            attempt: None,
            synced: Vec::new(),
            blobs: BTreeMap::new(),
            pool: None,
            handed_in: None,
            lost_disk: None,
            next_request: 0,
            phase: 0,
            failures: 0,
            operation: None,
            background: None,
            config,
        }
    }

    /// Its number.
    pub const fn index(&self) -> ClientIndex {
        self.config.index
    }

    /// The chain as this wallet sees it, once it is open.
    pub fn chain(&self) -> Option<&ChainState> {
        self.chain.as_deref()
    }

    /// The key that it signs with.
    pub(crate) const fn key(&self) -> &SigningKey {
        &self.config.key
    }

    /// How many validators it talks to.
    pub(crate) fn committee_size(&self) -> usize {
        self.committee().validators().len()
    }

    /// The certificate of the validated block that it asks validators to confirm.
    pub(crate) fn finalizing(&self) -> Option<&Arc<ValidatedBlockCertificate>> {
        match &self.operation.as_ref()?.stage {
            Stage::Finalizing { certificate, .. } => Some(certificate),
            _ => None,
        }
    }

    /// The block that is proposed, or to be, and not yet confirmed.
    pub(crate) fn pending_block(&self) -> Option<&ProposedBlock> {
        self.pending.as_ref().map(|pending| &*pending.block)
    }

    /// Whether a block is proposed and not yet confirmed.
    pub const fn has_pending_block(&self) -> bool {
        self.pending.is_some()
    }

    /// Commands that are not done.
    pub fn open_commands(&self) -> usize {
        let running = self
            .operation
            .as_ref()
            .is_some_and(|operation| operation.command.is_some());
        let telling = self
            .untold
            .as_ref()
            .is_some_and(|untold| untold.command.is_some());
        let waiting = self.ready.len() + self.on_inbox.len() + self.held.len();
        waiting + usize::from(running) + usize::from(telling)
    }

    /// Whether nothing is under way that somebody waits for.
    pub fn is_idle(&self) -> bool {
        let handed_in = self.handed_in.as_ref();
        let told = self.lost_disk.as_ref().is_none_or(|lost| lost.is_told());
        let pending = self.pending.as_ref();
        let unasked = pending.is_none_or(|pending| pending.command.is_none());
        unasked && self.open_commands() == 0 && handed_in.is_none_or(|mine| mine.is_done()) && told
    }

    /// Starts: asks to be told about its chain.
    pub fn start(&mut self, now: Timestamp, store: &dyn ContentStore, out: &mut Outputs) {
        self.subscribe(out);
        self.tell_forgotten(out);
        self.keep_looking(out);
        self.proceed(now, store, out);
    }

    /// A wallet that waits for messages looks now and then even if nobody tells it of any: nothing
    /// rests on notifications.
    fn keep_looking(&mut self, out: &mut Outputs) {
        let waits = self.config.inbox_policy == InboxPolicy::Auto || !self.on_inbox.is_empty();
        if waits && !self.polling {
            self.polling = true;
            out.timer(self.config.options.poll_interval, POLL);
        }
    }

    fn subscribe(&mut self, out: &mut Outputs) {
        if self.chain.is_some() {
            self.subscribe_at(self.validators(), out);
        }
    }

    fn subscribe_at(&mut self, validators: Vec<ValidatorIndex>, out: &mut Outputs) {
        let Some(chain) = self.chain.as_ref().map(|chain| chain.execution.chain_id) else {
            return;
        };
        // Where nobody else makes blocks, there is nothing to be told of them.
        let blocks = !self.is_alone();
        self.subscribe_to_admin(&validators, out);
        for validator in validators {
            let id = self.request_id();
            let request = Request::Subscribe { blocks };
            out.send(
                Address::Proxy(validator),
                Packet::Request { id, chain, request },
            );
        }
    }

    /// Handles a packet that `from` sent.
    pub fn handle(
        &mut self,
        now: Timestamp,
        from: Address,
        packet: Packet,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        match packet {
            Packet::Reply { id, reply } => self.on_reply(now, (from, id), *reply, store, out),
            Packet::Notification(notification) => match notification.reason {
                Reason::NewIncomingBundle { origin, height } => {
                    self.on_news(origin, height);
                    self.proceed(now, store, out);
                }
                Reason::NewBlock { height }
                    if self.on_admin_block(notification.chain_id, height) =>
                {
                    self.proceed(now, store, out);
                }
                Reason::NewBlock { .. } if self.on_published(notification.chain_id) => {
                    self.proceed(now, store, out);
                }
                Reason::NewBlock { height } => {
                    self.looked = false;
                    self.stop_waiting(now, store, out);
                    self.stop_asking(now, height, out);
                }
                Reason::NewRound { .. } => {
                    self.looked = false;
                    self.stop_waiting(now, store, out);
                }
            },
            Packet::Command(command) => self.on_command(now, command, store, out),
            Packet::CommandDone(number) => self.on_command_done(number, out),
            Packet::ChainOpened(lineage) => self.on_opened(now, &lineage, store, out),
            Packet::ApplicationCreated(placeholder, id) => {
                self.created.insert(placeholder, id);
                self.proceed(now, store, out);
            }
            Packet::Submit(handed_in) => {
                self.on_submitted(&handed_in, store, out);
                self.proceed(now, store, out);
            }
            Packet::SubmissionDone(number, height) => {
                self.on_submission_done(number, height, out);
            }
            Packet::Request { .. }
            | Packet::Forward { .. }
            | Packet::ForwardReply { .. }
            | Packet::Sharding(_)
            | Packet::CrossChain(_) => {}
        }
    }

    /// Throws away what a crash takes: what is on its way. The wallet keeps its chain, its pending
    /// block, the confirmed block that it has to tell of and its trackers; the commands are the
    /// user's, who asks again.
    pub fn crash(&mut self) {
        let running = self
            .operation
            .take()
            .and_then(|operation| operation.command);
        let in_pending = self
            .pending
            .as_ref()
            .and_then(|pending| pending.command.as_ref());
        if let Some(command) = running
            && in_pending.is_none_or(|pending| pending.number != command.number)
        {
            self.ready.push_front(command);
        }
        self.background = None;
        self.polling = false;
        self.takes_over_at = None;
        self.notified = true;
        self.looked = false;
        self.attempt = None;
        self.want_epochs();
        self.want_events();
    }

    fn on_command(
        &mut self,
        now: Timestamp,
        command: Arc<Command>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        match command.trigger {
            Trigger::Now => self.ready.push_back(command),
            Trigger::Inbox => {
                self.on_inbox.push_back(command);
                self.keep_looking(out);
            }
            Trigger::After(number, delay) => {
                self.held.push(command);
                if self.done_early.remove(&number) {
                    out.timer(delay, HELD + number);
                }
            }
        }
        self.proceed(now, store, out);
    }

    /// A command on which others may wait is done; those that wait go on after their delays.
    fn on_command_done(&mut self, number: u64, out: &mut Outputs) {
        let mut waiting = false;
        for command in &self.held {
            if let Trigger::After(after, delay) = command.trigger
                && after == number
            {
                out.timer(delay, HELD + number);
                waiting = true;
            }
        }
        if !waiting {
            self.done_early.insert(number);
        }
    }

    fn release_held(
        &mut self,
        now: Timestamp,
        number: u64,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let waits = |command: &mut Arc<Command>| matches!(command.trigger, Trigger::After(after, _) if after == number);
        self.ready.extend(self.held.extract_if(.., waits));
        self.proceed(now, store, out);
    }

    fn on_opened(
        &mut self,
        now: Timestamp,
        lineage: &Lineage,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let known = self.absorb_admin_blocks(&lineage.admin, store, out);
        if known.is_none() || !self.is_proven(lineage, store, out) {
            return;
        }
        let description = &lineage.description;
        self.opened.insert(lineage.placeholder, description.id());
        let mine = description
            .config
            .ownership
            .is_owner(&self.config.key.public().owner());
        let awaited = lineage.placeholder == self.config.awaited;
        if self.chain.is_none() && mine && awaited {
            self.chain = Some(Box::new(ChainState::new(description, now)));
            self.config.chain = Some(description.id());
            self.lineage.clone_from(&lineage.certificates);
            self.subscribe(out);
            self.notified = true;
            self.proceed(now, store, out);
        }
    }

    /// Whether a quorum has confirmed each block of the lineage, and the last opens the chain.
    fn is_proven(&self, lineage: &Lineage, store: &dyn ContentStore, out: &mut Outputs) -> bool {
        let confirmed = |certificate: &Arc<ConfirmedBlockCertificate>| {
            out.verified(certificate.lite().signatures.len());
            let epoch = certificate.block().proposed().epoch;
            let committee = self.committee_of(epoch);
            certificate.kind() == CertificateKind::Confirmed
                && committee.is_some_and(|known| certificate.lite().check(known, store).is_ok())
        };
        let opens = lineage.certificates.last().is_some_and(|last| {
            let mut opened = last.block().opened();
            !self.is_revoked(last.block().proposed().epoch)
                && opened.any(|description| *description == lineage.description)
        });
        opens && lineage.certificates.iter().all(confirmed)
    }

    fn chain_ref(&self) -> &ChainState {
        self.chain
            .as_ref()
            .expect("an operation runs on an open chain only")
    }

    fn chain_mut(&mut self) -> &mut ChainState {
        self.chain
            .as_mut()
            .expect("an operation runs on an open chain only")
    }

    fn committee(&self) -> Arc<Committee> {
        let epoch = self
            .chain
            .as_ref()
            .map_or(Epoch(0), |chain| chain.execution.epoch);
        self.committee_of(epoch)
            .expect("the local chain is in a known epoch")
            .clone()
    }

    fn validators(&self) -> Vec<ValidatorIndex> {
        self.committee().members()
    }

    fn request_id(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    fn fail_command(&self, command: &Command, reason: String, out: &mut Outputs) {
        let chain = self.config.chain.unwrap_or_default();
        out.observe(Observation::CommandFailed {
            command: command.number,
            chain,
            reason,
        });
    }
}
