//! Everything that travels: requests and replies between wallets and validators, requests between
//! the shards of one validator, notifications, and the commands that a workload gives to a wallet.

mod fingerprint;
mod losses;

use fingerprint::{
    cross_chain_fingerprint, reply_fingerprint, request_fingerprint, round_fingerprint,
};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    amount::Amount,
    application::description::StreamId,
    blob::{Blob, BlobId},
    call::{Call, Creation, Module},
    certificate::{
        ConfirmedBlockCertificate, LiteCertificate, TimeoutCertificate, ValidatedBlockCertificate,
        Vote,
    },
    committee::Committee,
    description::ChainDescription,
    draft::BundleDraft,
    epochs::Epochs,
    error::NodeError,
    hash::{CryptoHash, Hashable},
    ids::{Account, AccountOwner, ApplicationId, BlockHeight, ChainId, ClientIndex, Epoch},
    manager::LockingBlock,
    message::MessageBundle,
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
    proposal::BlockProposal,
    round::Round,
    sharding::ShardingMessage,
    signature::{PublicKey, Signature},
    streams::EventRun,
    submission::SubmittedOperation,
    time::{TimeDelta, Timestamp},
};

/// Number of a request, unique at its client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// When a validator answers a confirmed certificate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Delivery {
    /// Once its messages are in the recipients' inboxes.
    Blocking,
    /// Once it is saved.
    NonBlocking,
}

/// What a wallet asks of a validator about a chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChainInfoQuery {
    /// Whether proposal, lock and votes are wanted.
    pub manager_values: bool,
    /// Entries of the received log from this one on are wanted.
    pub received_log_from: Option<u64>,
    /// A vote to end this round of this height is wanted.
    pub leader_timeout: Option<(BlockHeight, Round)>,
    /// A vote to hand this height over to validators is wanted. Not together with the other one.
    pub fallback: Option<BlockHeight>,
}

/// A request of a wallet to a validator. Small, because so many travel: what is large is shared or
/// boxed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Vote for this proposal.
    Proposal(Arc<BlockProposal>),
    /// Vote to confirm the block of this certificate, whose body the validator has seen.
    LiteValidated(Arc<LiteCertificate>),
    /// Vote to confirm this block.
    Validated(Arc<ValidatedBlockCertificate>),
    /// Execute the block of this certificate, whose body the validator has seen.
    LiteConfirmed(Arc<LiteCertificate>),
    /// Execute this block.
    Confirmed(Arc<ConfirmedBlockCertificate>, Delivery),
    /// Go on to the next round: this one is over.
    Timeout(Arc<TimeoutCertificate>),
    /// Tell about the chain.
    ChainInfo(Box<ChainInfoQuery>),
    /// Send these confirmed blocks of the chain, by height.
    DownloadCertificates(Vec<BlockHeight>),
    /// Send notifications about the chain to this wallet.
    Subscribe {
        /// Whether blocks and rounds are of interest too, besides incoming bundles: they are where
        /// somebody else may extend the chain.
        blocks: bool,
    },
    /// Take in a blob that a pending block of the chain waits for.
    PendingBlob(Arc<Blob>),
    /// Keep a blob that a confirmed block of the chain refers to.
    UploadBlob(Arc<Blob>),
    /// Send a confirmed block that refers to a blob, and the blob with it.
    DownloadBlob(Box<BlobId>),
    /// Send the confirmed blocks of the chain that hold events of a stream, from this event on.
    DownloadEvents(Box<(StreamId, u32)>),
}

/// The kind of a [`Request`], for records and service times.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum RequestKind {
    /// A proposal.
    Proposal,
    /// A validated certificate, lite or full.
    Validated,
    /// A confirmed certificate, lite or full.
    Confirmed,
    /// A query or a download.
    Query,
    /// A subscription.
    Subscribe,
    /// A timeout certificate.
    Timeout,
    /// A blob, there or back.
    Blob,
}

impl Request {
    /// Its kind.
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::Proposal(_) => RequestKind::Proposal,
            Self::LiteValidated(_) | Self::Validated(_) => RequestKind::Validated,
            Self::LiteConfirmed(_) | Self::Confirmed(..) => RequestKind::Confirmed,
            Self::Timeout(_) => RequestKind::Timeout,
            Self::ChainInfo(_) | Self::DownloadCertificates(_) | Self::DownloadEvents(_) => {
                RequestKind::Query
            }
            Self::Subscribe { .. } => RequestKind::Subscribe,
            Self::PendingBlob(_) | Self::UploadBlob(_) | Self::DownloadBlob(_) => RequestKind::Blob,
        }
    }
}

/// What a validator tells about a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainInfo {
    /// The chain.
    pub chain_id: ChainId,
    /// Height of its next block.
    pub next_block_height: BlockHeight,
    /// Hash of its last block.
    pub block_hash: Option<CryptoHash>,
    /// Historical hash of its state.
    pub state_hash: CryptoHash,
    /// Timestamp of its last block.
    pub timestamp: Timestamp,
    /// The validator's current round at that height.
    pub current_round: Round,
    /// The vote of the highest round at that height.
    pub vote: Option<Vote>,
    /// The vote to end a round, or all rounds of owners, if it was asked for.
    pub timeout_vote: Option<Box<Vote>>,
    /// The lock, if manager values were asked for.
    pub locking_block: Option<LockingBlock>,
    /// The newest proposal of an owner, if manager values were asked for.
    pub proposed: Option<Arc<BlockProposal>>,
    /// The newest certificate that ended a round, if manager values were asked for.
    pub timeout: Option<Arc<TimeoutCertificate>>,
    /// Entries of the received log, if asked for.
    pub received_log: Vec<(ChainId, BlockHeight)>,
}

/// The part of a [`ChainInfo`] that its signature covers.
#[derive(Serialize)]
struct SignedInfo<'a> {
    chain_id: ChainId,
    next_block_height: BlockHeight,
    block_hash: Option<CryptoHash>,
    state_hash: CryptoHash,
    received_log: &'a [(ChainId, BlockHeight)],
}

impl Hashable for SignedInfo<'_> {
    const TAG: &'static str = "ChainInfo";
}

impl ChainInfo {
    /// What a validator signs when it is asked about a chain.
    pub fn digest(&self) -> CryptoHash {
        CryptoHash::of(&SignedInfo {
            chain_id: self.chain_id,
            next_block_height: self.next_block_height,
            block_hash: self.block_hash,
            state_hash: self.state_hash,
            received_log: &self.received_log,
        })
    }
}

/// A [`ChainInfo`]. It is signed where it is believed: when it tells of locks and heights. A received
/// log is never believed (blocks prove themselves), and a vote carries its own signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainInfoResponse {
    /// What is told.
    pub info: ChainInfo,
    /// Who signed it, and the signature.
    pub signature: Option<(PublicKey, Signature)>,
}

/// What a validator answers when it did as asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// About the chain, with the vote if one was asked for.
    Info(Box<ChainInfoResponse>),
    /// The certificates that were at hand, by height.
    Certificates(Vec<Arc<ConfirmedBlockCertificate>>),
    /// A block that refers to the blob, which comes along; `None`: the blob is not here.
    Blob(Option<Arc<ConfirmedBlockCertificate>>),
    /// Done, nothing to tell.
    Done,
}

/// A validator's answer.
pub type Reply = Result<Response, NodeError>;

/// A request between two shards of one validator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CrossChainRequest {
    /// Put these bundles in the recipient's inbox.
    UpdateRecipient {
        /// The sender chain.
        sender: ChainId,
        /// The recipient chain.
        recipient: ChainId,
        /// The bundles, by cursor, with the epochs of their blocks.
        bundles: Vec<(Epoch, Arc<MessageBundle>)>,
        /// Height of the block before the first of these that sent to the recipient.
        previous_height: Option<BlockHeight>,
    },
    /// The recipient has everything up to this height.
    ConfirmUpdatedRecipient {
        /// The sender chain.
        sender: ChainId,
        /// The recipient chain.
        recipient: ChainId,
        /// The height.
        latest_height: BlockHeight,
    },
    /// The recipient has lost what it had confirmed, from this height on: send it again.
    RevertConfirm {
        /// The sender chain.
        sender: ChainId,
        /// The recipient chain.
        recipient: ChainId,
        /// The height.
        retransmit_from: BlockHeight,
    },
    /// A confirmed block has opened a chain of the recipient shard.
    StoreDescription(Arc<ChainDescription>),
    /// The shard of the admin chain knows these epochs.
    StoreEpochs(Arc<Epochs>),
    /// A shard has stored these blobs, to which these blocks refer.
    StoreBlobs(Arc<[(BlobId, CryptoHash)]>),
    /// A shard knows these events, which these blocks hold.
    StoreEvents(Arc<[EventRun]>),
}

/// Why a wallet may want to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A block was executed.
    NewBlock {
        /// Its height.
        height: BlockHeight,
    },
    /// Bundles have arrived.
    NewIncomingBundle {
        /// The chain that sent them.
        origin: ChainId,
        /// The height of the newest.
        height: BlockHeight,
    },
    /// The round has changed.
    NewRound {
        /// The new round.
        round: Round,
    },
}

/// Best effort, unauthenticated, may be lost: a reason to ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notification {
    /// The chain.
    pub chain_id: ChainId,
    /// What happened.
    pub reason: Reason,
}

/// What a workload asks of a wallet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Pay.
    Transfer {
        /// Account on the wallet's chain.
        owner: AccountOwner,
        /// Who gets it.
        recipient: Account,
        /// How much.
        amount: Amount,
    },
    /// Let somebody spend from one's own account.
    Approve {
        /// Whose account.
        owner: AccountOwner,
        /// Who may spend.
        spender: AccountOwner,
        /// How much.
        amount: Amount,
    },
    /// Spend from the account of somebody who lets one.
    TransferFrom {
        /// Whose account.
        owner: AccountOwner,
        /// Who gets it.
        recipient: Account,
        /// How much.
        amount: Amount,
    },
    /// Send several messages at once.
    SendBundle(Arc<BundleDraft>),
    /// Take one's money from another chain.
    Claim {
        /// Whose money.
        owner: AccountOwner,
        /// The chain that holds it.
        target_id: ChainId,
        /// Who gets it.
        recipient: Account,
        /// How much.
        amount: Amount,
    },
    /// Open a chain for another wallet.
    OpenChain {
        /// Its owners.
        ownership: Arc<ChainOwnership>,
        /// Its first balance.
        balance: Amount,
        /// The wallets that are told: those of its owners, and those that will send to it.
        wallets: Vec<ClientIndex>,
        /// What stands for it in the commands of these wallets.
        placeholder: ChainId,
        /// What applications may do on it; `None`: everything.
        permissions: Option<Arc<ApplicationPermissions>>,
    },
    /// Hand an operation in to a public chain: pay there from one's own account.
    Submit {
        /// The public chain.
        chain_id: ChainId,
        /// Who gets it.
        recipient: Account,
        /// How much.
        amount: Amount,
        /// The validators' wallets of that chain.
        producers: Arc<[ClientIndex]>,
    },
    /// Take in what has arrived.
    ProcessInbox,
    /// Pay many chains the same in one block.
    Airdrop {
        /// The chains that get it.
        recipients: Arc<[ChainId]>,
        /// How much each of them gets.
        amount: Amount,
    },
    /// Take in the newest of each origin, and jump over what may be jumped over.
    TakeNewest,
    /// Give the chain other owners.
    ChangeOwnership(Arc<ChainOwnership>),
    /// Close the chain for good.
    CloseChain,
    /// Begin an epoch with this committee. On the admin chain.
    NewCommittee(Arc<Committee>),
    /// Revoke an epoch. On the admin chain.
    RevokeEpoch(Epoch),
    /// Publish these blobs.
    PublishBlobs(Arc<[Arc<Blob>]>),
    /// Put on record that a blob exists.
    VerifyBlob(BlobId),
    /// Change what applications may do on the chain.
    ChangePermissions {
        /// What they may do from the next block on.
        permissions: Arc<ApplicationPermissions>,
        /// Whether the same block closes the chain.
        close: bool,
    },
    /// Publish the code of applications.
    PublishModule(Arc<Module>),
    /// Create an application.
    CreateApplication(Arc<Creation>),
    /// Have an application execute something.
    Call(Arc<Call>),
}

/// When a command may start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// As soon as the wallet is free.
    Now,
    /// Once the inbox holds something.
    Inbox,
    /// So long after a command of this number, here or in another wallet, is done.
    After(u64, TimeDelta),
}

/// An action with its number and trigger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Number in the plan.
    pub number: u64,
    /// When it may start.
    pub trigger: Trigger,
    /// What to do.
    pub action: Action,
    /// When the workload asked for it, in microseconds of virtual time; `None` if the protocol
    /// decides when (a message that arrives, a command that ends).
    pub scheduled_us: Option<u64>,
    /// The wallet that waits for this command to be done.
    pub then: Option<ClientIndex>,
}

/// An operation that a user hands in to a public chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HandedIn {
    /// The signed operation.
    pub operation: SubmittedOperation,
    /// Number of the command that it does.
    pub number: u64,
    /// The wallet that wants to know of its block.
    pub wallet: ClientIndex,
}

/// How a chain came to be: what makes it known to whoever knows the first chains only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lineage {
    /// What stands for it in commands that were given before it was opened.
    pub placeholder: ChainId,
    /// How the chain begins.
    pub description: Arc<ChainDescription>,
    /// The blocks that opened its ancestors and itself, the oldest first.
    pub certificates: Vec<Arc<ConfirmedBlockCertificate>>,
    /// Blocks of the admin chain, from the first on: what these are judged by.
    pub admin: Vec<Arc<ConfirmedBlockCertificate>>,
}

/// Everything that one machine may receive from another, or from the script of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Packet {
    /// A wallet asks a validator.
    Request {
        /// Number of the request.
        id: RequestId,
        /// The chain that it is about.
        chain: ChainId,
        /// What is asked.
        request: Request,
    },
    /// A validator answers a wallet.
    Reply {
        /// Number of the request.
        id: RequestId,
        /// The answer.
        reply: Box<Reply>,
    },
    /// A proxy hands a request to a shard.
    Forward {
        /// The wallet that asked.
        client: ClientIndex,
        /// Number of the request.
        id: RequestId,
        /// The chain that it is about.
        chain: ChainId,
        /// What is asked.
        request: Request,
    },
    /// A shard hands an answer to its proxy.
    ForwardReply {
        /// The wallet that asked.
        client: ClientIndex,
        /// Number of the request.
        id: RequestId,
        /// The answer.
        reply: Box<Reply>,
    },
    /// A shard asks another shard of its validator.
    CrossChain(Box<CrossChainRequest>),
    /// The workers of a validator and its proxy speak of who owns which chain.
    Sharding(Box<ShardingMessage>),
    /// Something happened on a chain: from shard to proxy, and from proxy to wallets.
    Notification(Box<Notification>),
    /// The workload asks a wallet.
    Command(Arc<Command>),
    /// A command on which another wallet waits is done.
    CommandDone(u64),
    /// A wallet tells another that its chain is open.
    ChainOpened(Arc<Lineage>),
    /// An application was created: what stood for it in commands, and its id.
    ApplicationCreated(ApplicationId, ApplicationId),
    /// A user hands an operation in to a public chain.
    Submit(Arc<HandedIn>),
    /// The operation of this command is in a block of the public chain, at this height if it is known.
    SubmissionDone(u64, Option<BlockHeight>),
}

impl Packet {
    /// Content in 64 bits, for the chain hash of a run: cheap, from hashes that are at hand.
    pub fn fingerprint(&self) -> u64 {
        let mix = |tag: u64, a: u64, b: u64| {
            (tag ^ a.rotate_left(23)).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.rotate_left(41)
        };
        let head = |chain: &ChainId| chain.0.fingerprint();
        match self {
            Self::Request { id, chain, request } => {
                mix(1 ^ request_fingerprint(request), head(chain), id.0)
            }
            Self::Forward {
                client,
                id,
                chain,
                request,
            } => {
                let who = u64::from(client.0) << 32 ^ id.0;
                mix(2 ^ request_fingerprint(request), head(chain), who)
            }
            Self::Reply { id, reply } => mix(3, reply_fingerprint(reply), id.0),
            Self::ForwardReply { client, id, reply } => mix(
                4,
                reply_fingerprint(reply),
                u64::from(client.0) << 32 ^ id.0,
            ),
            Self::CrossChain(request) => cross_chain_fingerprint(request),
            Self::Notification(notification) => {
                let detail = match notification.reason {
                    Reason::NewBlock { height } => height.0,
                    Reason::NewIncomingBundle { origin, height } => mix(5, head(&origin), height.0),
                    Reason::NewRound { round } => mix(6, round_fingerprint(round), 0),
                };
                mix(7, head(&notification.chain_id), detail)
            }
            Self::Command(command) => {
                mix(8, command.number, command.scheduled_us.unwrap_or(u64::MAX))
            }
            Self::CommandDone(number) => mix(9, *number, 0),
            Self::ChainOpened(lineage) => mix(10, head(&lineage.description.id()), 0),
            Self::ApplicationCreated(_, id) => mix(14, id.0.fingerprint(), 0),
            Self::Submit(handed_in) => mix(11, handed_in.number, u64::from(handed_in.wallet.0)),
            Self::Sharding(message) => mix(13, message.fingerprint(), 0),
            Self::SubmissionDone(number, height) => {
                mix(12, *number, height.map_or(u64::MAX, |height| height.0))
            }
        }
    }
}
