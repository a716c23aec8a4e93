//! What a machine tells whoever watches: facts of the protocol, one enum, in the order they happen.
//!
//! A machine never reads them back. Everything that checks, counts or draws a run starts here.

mod deliveries;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

pub use deliveries::DELIVERIES;

use crate::{
    amount::Amount,
    application::activity::Activity,
    blob::BlobId,
    certificate::{ConfirmedBlockCertificate, VotePayload},
    error::NodeError,
    hash::CryptoHash,
    ids::{AccountOwner, ApplicationId, BlockHeight, ChainId, Cursor, Epoch, ValidatorIndex},
    round::Round,
    rpc::RequestKind,
    rules::Rule,
    sharding::ShardingFact,
    time::TimeDelta,
};

/// A statement of docs/INVARIANTS.md, that a machine's own state must keep.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Shape {
    /// I-27: the shape of inboxes.
    Inbox,
    /// I-28: the shape of outboxes and their counters.
    Outbox,
    /// I-16: what was released is in the durable state.
    Durable,
    /// I-39: what is notified is in the durable state.
    Notified,
}

/// What became of a bundle that arrived at a validator.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Arrival {
    /// It waits to be consumed.
    Queued,
    /// A block had consumed it already.
    Anticipated,
    /// Blocks had jumped over it already.
    Skipped,
}

/// A request between two shards of one validator that is about messages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Letter {
    /// Bundles for the recipient.
    Update,
    /// The recipient has them.
    Confirmation,
    /// The recipient has lost them.
    Reversal,
}

/// What a validator's vote answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Ground {
    /// A proposal that this owner has signed.
    Proposal(AccountOwner),
    /// The certificate of a validated block.
    Certificate,
    /// A request to end a round, which by the validator's clock has so much time left.
    Timer(TimeDelta),
    /// A request to hand the height over to validators, for which it is so much too early by the
    /// validator's clock.
    Fallback(TimeDelta),
}

/// A fact.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Observation {
    /// A wallet was asked to do something.
    CommandStarted {
        /// Number of the command in the plan.
        command: u64,
        /// Its chain.
        chain: ChainId,
    },
    /// A command is done: its block is confirmed, or there was nothing to do.
    CommandDone {
        /// Number of the command in the plan.
        command: u64,
        /// Height of the block that did it.
        height: Option<BlockHeight>,
    },
    /// A command cannot be done.
    CommandFailed {
        /// Number of the command in the plan.
        command: u64,
        /// Its chain.
        chain: ChainId,
        /// Why.
        reason: String,
    },
    /// A wallet has proposed a block.
    BlockProposed {
        /// Its chain.
        chain: ChainId,
        /// Its height.
        height: BlockHeight,
        /// Round of the proposal.
        round: Round,
        /// Hash of the proposed block (without outcome).
        proposal: CryptoHash,
        /// Its operations.
        operations: u32,
        /// The bundles that it takes in.
        incoming: u32,
        /// When the workload asked for it, in microseconds of virtual time.
        scheduled_us: Option<u64>,
    },
    /// A wallet holds a quorum of votes for one payload.
    CertificateFormed {
        /// The chain.
        chain: ChainId,
        /// The height.
        height: BlockHeight,
        /// What was signed.
        payload: VotePayload,
    },
    /// A wallet holds the certificate that commits a block.
    BlockConfirmed {
        /// The certificate with its block.
        certificate: Arc<ConfirmedBlockCertificate>,
    },
    /// A validator has voted.
    VoteCast {
        /// The chain.
        chain: ChainId,
        /// The height.
        height: BlockHeight,
        /// What it signed.
        payload: VotePayload,
        /// The round that it is in.
        current_round: Round,
        /// What the vote answers.
        ground: Ground,
    },
    /// A validator has executed a confirmed block: its tip moved.
    BlockExecuted {
        /// The chain.
        chain: ChainId,
        /// The height.
        height: BlockHeight,
        /// Hash of the block.
        hash: CryptoHash,
        /// State after it.
        state_hash: CryptoHash,
    },
    /// A node has stored a confirmed block whose predecessors it lacks.
    BlockPreprocessed {
        /// The chain.
        chain: ChainId,
        /// The height.
        height: BlockHeight,
        /// Hash of the block.
        hash: CryptoHash,
    },
    /// A bundle has arrived in an inbox of a validator.
    BundleArrived {
        /// The recipient chain.
        recipient: ChainId,
        /// The origin chain.
        origin: ChainId,
        /// Where in the origin chain.
        cursor: Cursor,
        /// Hash of the bundle.
        bundle: CryptoHash,
        /// What became of it.
        arrival: Arrival,
    },
    /// A cross-chain update held nothing new.
    DuplicateUpdate {
        /// The recipient chain.
        recipient: ChainId,
        /// The origin chain.
        origin: ChainId,
    },
    /// A cross-chain update was refused.
    UpdateRefused {
        /// The recipient chain.
        recipient: ChainId,
        /// The origin chain.
        origin: ChainId,
        /// Why.
        error: NodeError,
    },
    /// An outbox entry was confirmed by its recipient.
    OutboxConfirmed {
        /// The sender chain.
        sender: ChainId,
        /// The recipient chain.
        recipient: ChainId,
        /// The height.
        height: BlockHeight,
    },
    /// A cross-chain request was dropped after its last retry.
    UpdateAbandoned {
        /// The sender chain.
        sender: ChainId,
        /// The recipient chain.
        recipient: ChainId,
    },
    /// A validator has refused a request.
    RequestRefused {
        /// The chain.
        chain: ChainId,
        /// What was asked.
        request: RequestKind,
        /// Why.
        error: NodeError,
    },
    /// A wallet sends a lagging validator what it lacks.
    ValidatorHelped {
        /// The chain.
        chain: ChainId,
        /// The validator.
        validator: ValidatorIndex,
        /// Requests sent to help it.
        requests: u32,
    },
    /// A wallet has no answer from a validator in time.
    RequestTimedOut {
        /// The chain.
        chain: ChainId,
        /// The validator.
        validator: ValidatorIndex,
    },
    /// A machine's own state breaks a statement.
    ShapeBroken {
        /// The chain.
        chain: ChainId,
        /// Which statement.
        shape: Shape,
        /// How.
        detail: String,
    },
    /// A validator has gone on to a later round of a height.
    RoundEntered {
        /// The chain.
        chain: ChainId,
        /// The height.
        height: BlockHeight,
        /// The new round.
        round: Round,
    },
    /// A worker knows more of epochs than before.
    EpochsKnown {
        /// The admin chain.
        chain: ChainId,
        /// The newest epoch.
        newest: Epoch,
        /// The first epoch that is not revoked.
        first_trusted: Epoch,
    },
    /// A worker has had to apply a voting rule, for the first time.
    RuleBitten {
        /// The chain.
        chain: ChainId,
        /// The rule.
        rule: Rule,
    },
    /// Something about which worker owns which chain.
    Sharding(ShardingFact),
    /// A validator has stored a blob, to which a certified block refers.
    BlobStored {
        /// The chain of the block.
        chain: ChainId,
        /// The blob.
        blob: BlobId,
    },
    /// A validator has taken in a blob for a pending block.
    BlobPending {
        /// The chain.
        chain: ChainId,
        /// The blob.
        blob: BlobId,
        /// Its bytes.
        size: u64,
        /// How many blobs wait there now.
        pending: u64,
    },
    /// A cross-chain update is sent again, because it was not confirmed in time.
    UpdateRetried {
        /// The sender chain.
        sender: ChainId,
        /// The recipient chain.
        recipient: ChainId,
        /// How often it was sent, this time included.
        attempt: u32,
    },
    /// A cross-chain update found no room in its shard's queue; its messages stay in the outbox.
    UpdateDropped {
        /// The sender chain.
        sender: ChainId,
        /// The recipient chain.
        recipient: ChainId,
    },
    /// A request between two shards was lost on its way.
    CrossChainLost {
        /// The sender chain.
        sender: ChainId,
        /// The recipient chain.
        recipient: ChainId,
        /// Which request.
        letter: Letter,
        /// The newest height that it was about.
        height: BlockHeight,
    },
    /// A height that was confirmed is in an outbox again: its recipient has lost it.
    OutboxRestored {
        /// The sender chain.
        sender: ChainId,
        /// The recipient chain.
        recipient: ChainId,
        /// The height.
        height: BlockHeight,
    },
    /// A validator tells who waited for it that all messages up to a height are delivered.
    DeliveryAnswered {
        /// The sender chain.
        chain: ChainId,
        /// The height.
        height: BlockHeight,
    },
    /// A wallet builds a block that rejects a bundle. Only the wallet knows why; the block does not
    /// say it.
    BundleRejected {
        /// The recipient chain.
        chain: ChainId,
        /// The origin chain.
        origin: ChainId,
        /// Where in the origin chain.
        cursor: Cursor,
        /// Why.
        reason: String,
    },
    /// A wallet leaves a bundle that it could take in for a later block.
    BundlePostponed {
        /// The recipient chain.
        chain: ChainId,
        /// The origin chain.
        origin: ChainId,
        /// Where in the origin chain.
        cursor: Cursor,
        /// Why.
        reason: String,
    },
    /// A wallet does not believe a block that a validator says has sent to its chain.
    SenderBlockRefused {
        /// The recipient chain.
        chain: ChainId,
        /// The origin chain.
        origin: ChainId,
        /// The height of the block.
        height: BlockHeight,
        /// Why.
        error: NodeError,
    },
    /// Where blocks have a price: what the block that a validator has just executed has cost.
    FeesCharged {
        /// The chain.
        chain: ChainId,
        /// The height.
        height: BlockHeight,
        /// Its fees, which are burned.
        fees: Amount,
        /// What all accounts of the chain hold after it.
        held: Amount,
    },
    /// A wallet will not bring forward what it had under way at this height: it has lost its disk, or
    /// its key owns the chain no more. It may propose there again.
    BlockGivenUp {
        /// The chain.
        chain: ChainId,
        /// The height.
        height: BlockHeight,
    },
    /// An application is created that a command of a wallet was to create.
    ApplicationCreated {
        /// The chain of its creator.
        chain: ChainId,
        /// What stood for it in commands: it follows from its name.
        placeholder: ApplicationId,
        /// What it is.
        application: ApplicationId,
    },
    /// What applications did in a block that a wallet tells next to be confirmed.
    ApplicationsRan {
        /// The chain.
        chain: ChainId,
        /// The height.
        height: BlockHeight,
        /// What.
        activity: Arc<Activity>,
    },
}

impl Observation {
    /// Content of this fact in 64 bits, for the chain hash of a run.
    pub fn fingerprint(&self) -> u64 {
        let mut fold = Fold(0x243F_6A88_85A3_08D3);
        self.hash(&mut fold);
        fold.0
    }
}

/// A small hasher that gives the same on every run and on every 64-bit machine, unlike the standard
/// library's.
struct Fold(u64);

impl Fold {
    fn mix(&mut self, word: u64) {
        let mixed = (self.0.rotate_left(29) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(u64::try_from(value).expect("a size has at most 64 bits"));
    }

    fn write_isize(&mut self, value: isize) {
        self.mix(u64::from_le_bytes(
            i64::try_from(value).expect("at most 64 bits").to_le_bytes(),
        ));
    }
}
