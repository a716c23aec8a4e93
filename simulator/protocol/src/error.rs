//! Why something is refused. Facts, not prose: variants carry the values that disagree.
//!
//! A refusal is data: it goes back to the peer and into the record of the run, and changes nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    amount::Amount,
    application::{action::ActionError, runtime::RuntimeError},
    blob::{BlobError, BlobId},
    hash::CryptoHash,
    ids::{AccountOwner, ApplicationId, BlockHeight, ChainId, Cursor, Epoch},
    outside::EventId,
    round::Round,
    time::Timestamp,
};

/// Why a certificate is not one.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
pub enum CertificateError {
    /// A validator signed twice.
    #[error("one validator appears twice among the signers")]
    CertificateValidatorReuse,
    /// A signer is no member of the committee.
    #[error("a signer is not in the committee")]
    InvalidSigner,
    /// Not enough weight.
    #[error("the signers weigh {weight}, a quorum is {quorum}")]
    CertificateRequiresQuorum {
        /// Weight of the signers.
        weight: u64,
        /// Weight needed.
        quorum: u64,
    },
    /// A signature is wrong.
    #[error("a signature is wrong")]
    InvalidSignature,
    /// Signatures over another block.
    #[error("the signatures are over another block")]
    OtherBlock,
    /// The signers say wrongly whether their round is the first one of the height.
    #[error("the signers are wrong about which round is the first")]
    FirstRoundViolation,
}

impl CertificateError {
    /// A short stable name for tables and traces.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CertificateValidatorReuse => "CertificateValidatorReuse",
            Self::InvalidSigner => "InvalidSigner",
            Self::CertificateRequiresQuorum { .. } => "CertificateRequiresQuorum",
            Self::InvalidSignature => "InvalidSignature",
            Self::OtherBlock => "OtherBlock",
            Self::FirstRoundViolation => "FirstRoundViolation",
        }
    }
}

/// Why an inbox refuses a bundle.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
pub enum InboxError {
    /// The cursor is below the next expected one.
    #[error("bundle {cursor:?} is out of order, next is {next:?}")]
    IncorrectOrder {
        /// Cursor of the bundle.
        cursor: Cursor,
        /// Next expected one.
        next: Cursor,
    },
    /// Another bundle was expected at this point.
    #[error("bundle {cursor:?} differs from the one that is expected")]
    UnexpectedBundle {
        /// Cursor of the bundle.
        cursor: Cursor,
    },
    /// An earlier block of the origin that sent to this chain has not arrived.
    #[error("block {previous} of the origin is missing, next expected is {next}")]
    InboxGapDetected {
        /// Height of the block before the update.
        previous: BlockHeight,
        /// Next height expected.
        next: BlockHeight,
    },
    /// A bundle that must not be skipped would be.
    #[error("bundle {cursor:?} may not be skipped")]
    UnskippableBundle {
        /// Cursor of the bundle.
        cursor: Cursor,
    },
}

/// Why a block cannot be executed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
pub enum ExecutionError {
    /// A transfer or claim of nothing.
    #[error("an amount of 0 cannot be moved")]
    IncorrectTransferAmount,
    /// An account holds less than is taken.
    #[error("the balance of {owner} is {balance}, less than {amount}")]
    InsufficientBalance {
        /// The account.
        owner: AccountOwner,
        /// What it holds.
        balance: Amount,
        /// What is asked.
        amount: Amount,
    },
    /// A spender takes more than was approved.
    #[error("{owner} lets the block's owner spend {allowance}, less than {amount}")]
    InsufficientAllowance {
        /// Whose account.
        owner: AccountOwner,
        /// What is left of the approval.
        allowance: Amount,
        /// What is asked.
        amount: Amount,
    },
    /// The block's owner may not touch this account.
    #[error("the block's owner may not move money of {owner}")]
    UnauthenticatedTransferOwner {
        /// The account.
        owner: AccountOwner,
    },
    /// There is not enough on the chain to pay for this.
    #[error("fees of {fees} exceed the funding of {funding}")]
    FeesExceedFunding {
        /// What it costs.
        fees: Amount,
        /// What can pay for it.
        funding: Amount,
    },
    /// With this the block is too large.
    #[error("the block would have {size} bytes, at most {max} are allowed")]
    BlockTooLarge {
        /// Bytes up to here.
        size: u64,
        /// The limit.
        max: u64,
    },
    /// A balance would overflow.
    #[error("a balance would overflow")]
    AmountOverflow,
    /// A protected bundle may not be rejected.
    #[error("the bundle is protected and may not be rejected")]
    CannotRejectMessage,
    /// A bundle has messages, none of them on its way home, for another chain.
    #[error("the bundle has no messages, or one that bounces, or is for the chain itself")]
    InvalidBundle,
    /// A user's operations are executed in their order, each once.
    #[error("operation {found} of {owner}, and {expected} is the next")]
    UnexpectedNonce {
        /// The user.
        owner: AccountOwner,
        /// Number of the next operation.
        expected: u64,
        /// Number of this one.
        found: u64,
    },
    /// What was handed in is for another chain.
    #[error("the operation was handed in to another chain")]
    SubmittedElsewhere,
    /// A new chain must have an owner and start in its parent's epoch.
    #[error("the new chain's configuration is not valid")]
    InvalidChainConfig,
    /// Only the admin chain says which committees there are.
    #[error("only the admin chain may do that")]
    AdminOperationOnNonAdminChain,
    /// A block leads to the next epoch only, and once.
    #[error("{0:?} is not the next epoch")]
    InvalidCommitteeEpoch(Epoch),
    /// Epochs are revoked in their order, and the current one never.
    #[error("{0:?} cannot be revoked")]
    InvalidCommitteeRemoval(Epoch),
    /// Nobody has published this committee.
    #[error("no blob has the hash {0:?}")]
    BlobsNotFound(CryptoHash),
    /// The block has recorded fewer answers than it asks for.
    #[error("an oracle response is missing")]
    MissingOracleResponse,
    /// The block has recorded more answers than it asks for.
    #[error("an oracle response is left over")]
    UnexpectedOracleResponse,
    /// The block has recorded the answer to another question.
    #[error("an oracle response answers something else")]
    OracleResponseMismatch,
    /// A blob is needed that is not known here.
    #[error("no blob is known as {0:?}")]
    MissingBlob(BlobId),
    /// The applications of a block use more fuel than a block may.
    #[error("a block may use {max} units of fuel")]
    MaximumFuelExceeded {
        /// The limit.
        max: u64,
    },
    /// The applications of a block read or write more bytes than a block may.
    #[error("the block reads or writes {bytes} bytes of applications, at most {max} are allowed")]
    StorageLimit {
        /// Bytes up to here.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// An application makes a blob that is too large.
    #[error("{0}")]
    Blob(BlobError),
    /// An event of another chain is needed that is not known here.
    #[error("no event {index} is known of stream `{name}` of chain {chain}", index = .0.index,
        name = .0.stream_id.stream_name, chain = .0.chain_id)]
    MissingEvent(Box<EventId>),
    /// Events are handed over that the application has seen.
    #[error("the application has seen the stream up to {next_index}")]
    OutdatedUpdateStream {
        /// The first that it has not seen.
        next_index: u32,
    },
    /// Events are handed to an application that does not follow them.
    #[error("application {0} does not follow the stream")]
    UnsubscribedUpdateStream(ApplicationId),
    /// An application, or what it asked for, failed.
    #[error(transparent)]
    Application(Box<ActionError>),
    /// An application cannot be created.
    #[error(transparent)]
    Unloadable(Box<RuntimeError>),
}

impl ExecutionError {
    /// Whether a block used more of something than one block may: another block may do it.
    pub const fn is_limit_error(&self) -> bool {
        matches!(
            self,
            Self::BlockTooLarge { .. }
                | Self::MaximumFuelExceeded { .. }
                | Self::StorageLimit { .. }
        )
    }
}

/// Why a proposed block is not valid on its chain.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
pub enum BlockError {
    /// It holds no transaction.
    #[error("the block is empty")]
    EmptyBlock,
    /// It is older than its parent.
    #[error("the block's timestamp {block:?} is before its parent's {parent:?}")]
    InvalidBlockTimestamp {
        /// Timestamp of the block.
        block: Timestamp,
        /// Timestamp of its parent.
        parent: Timestamp,
    },
    /// It is older than a bundle that it takes in.
    #[error("the block's timestamp {block:?} is before its bundle's {bundle:?}")]
    IncorrectBundleTimestamp {
        /// Timestamp of the block.
        block: Timestamp,
        /// Timestamp of the bundle.
        bundle: Timestamp,
    },
    /// A transaction fails.
    #[error("transaction {transaction} fails: {error}")]
    Transaction {
        /// Index of the transaction.
        transaction: u32,
        /// Why it fails.
        error: ExecutionError,
    },
    /// It is too large as it was proposed.
    #[error("the proposed block has {size} bytes, at most {max} are allowed")]
    BlockProposalTooLarge {
        /// Its bytes.
        size: u64,
        /// The limit.
        max: u64,
    },
    /// The chain is closed: all that is left is to reject what arrives.
    #[error("the chain is closed")]
    ClosedChain,
    /// It publishes too many blobs.
    #[error("{0}")]
    Blobs(BlobError),
    /// It has not recorded answers for each of its transactions.
    #[error("oracle responses are not there for each transaction")]
    MissingOracleResponseList,
    /// It executes an operation that its chain does not permit.
    #[error("on this chain only operations of {0:?} may be executed")]
    AuthorizedApplications(BTreeSet<ApplicationId>),
    /// It executes no operation of these, and accepts no message for them, as it must.
    #[error("every block of this chain has to call {0:?}")]
    MissingMandatoryApplications(BTreeSet<ApplicationId>),
}

/// What a validator answers when it cannot do as asked. The client knows a remedy for each.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
pub enum NodeError {
    /// The inbox lacks bundles of the proposal; all of them are listed.
    #[error("cross-chain updates are missing: {0:?}")]
    MissingCrossChainUpdates(Vec<(ChainId, BlockHeight)>),
    /// The chain is at another height.
    #[error("expected height {expected}, found {found}")]
    UnexpectedBlockHeight {
        /// The next height here.
        expected: BlockHeight,
        /// The height of the block.
        found: BlockHeight,
    },
    /// The block below is another one.
    #[error("the block does not extend the tip")]
    UnexpectedPreviousBlockHash,
    /// The chain's description is unknown or it has no owner.
    #[error("{0:?} is not active")]
    InactiveChain(ChainId),
    /// The body of a lite certificate is not at hand.
    #[error("the block of the certificate is not at hand")]
    MissingCertificateValue,
    /// The block is too far in the future.
    #[error("block at {block:?} is in the future of {local:?}")]
    InvalidTimestamp {
        /// Timestamp of the block.
        block: Timestamp,
        /// The validator's clock.
        local: Timestamp,
    },
    /// The chain is in another epoch.
    #[error("the chain is in {expected:?}, the block in {found:?}")]
    InvalidEpoch {
        /// Epoch of the chain.
        expected: Epoch,
        /// Epoch of the block.
        found: Epoch,
    },
    /// The proposer may not propose in this round.
    #[error("the proposer may not propose in round {0}")]
    InvalidOwner(Round),
    /// The signature of the proposal, or its shape, is wrong.
    #[error("the proposal is malformed or its signature is wrong")]
    InvalidProposal,
    /// The round cannot be entered from the current one.
    #[error("round {found} does not follow from the current round {current}")]
    WrongRound {
        /// Current round.
        current: Round,
        /// Round asked for.
        found: Round,
    },
    /// The round is over.
    #[error("round {found} is below {minimum}")]
    InsufficientRound {
        /// Smallest round accepted.
        minimum: Round,
        /// Round asked for.
        found: Round,
    },
    /// The round must be above one already voted in.
    #[error("round {found} is not above {above}")]
    InsufficientRoundStrict {
        /// Round already voted in.
        above: Round,
        /// Round asked for.
        found: Round,
    },
    /// The proposal must be newer than the locked block.
    #[error("round {found} is not above the locked block's {locked}")]
    MustBeNewerThanLockingBlock {
        /// Round of the lock.
        locked: Round,
        /// Round asked for.
        found: Round,
    },
    /// A vote to confirm another block was given.
    #[error("a vote to confirm another block was given in round {0}")]
    HasIncompatibleConfirmedVote(Round),
    /// No further block fits on the chain.
    #[error("the chain is full")]
    HeightOverflow,
    /// The certificate is not one.
    #[error("invalid certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The inbox refuses a bundle of the proposal.
    #[error("inbox of {origin:?}: {error}")]
    Inbox {
        /// The origin chain.
        origin: ChainId,
        /// Why.
        error: InboxError,
    },
    /// The block cannot be executed.
    #[error("invalid block: {0}")]
    Block(#[from] BlockError),
    /// Executing a certified block gave another outcome: the state here is corrupt.
    #[error("executing block {0:?} gave another outcome")]
    CorruptedChainState(CryptoHash),
    /// The round has time left, by the validator's clock.
    #[error("round {round} ends at {until:?}")]
    NotTimedOutYet {
        /// The current round.
        round: Round,
        /// When it ends.
        until: Timestamp,
    },
    /// The round has no timer.
    #[error("round {0} does not time out")]
    RoundDoesNotTimeOut(Round),
    /// The admin chain's block that creates this epoch is not known here.
    #[error("the event of {0:?} is missing")]
    EventsNotFound(Epoch),
    /// A fast block asks for something outside of its chain.
    #[error("a fast block may not use oracles")]
    FastBlockUsingOracles,
    /// A message of a revoked epoch, for which nothing later vouches.
    #[error("a message of {0:?}, which is revoked")]
    RevokedEpoch(Epoch),
    /// Another request that was handled together with this one failed.
    #[error("another request of the same batch failed")]
    BatchRolledBack,
    /// These blobs are not here.
    #[error("blobs are missing: {0:?}")]
    BlobsNotFound(Vec<BlobId>),
    /// An event of another chain is not known here.
    #[error("no event {index} is known of stream `{name}` of chain {chain}", index = .0.index,
        name = .0.stream_id.stream_name, chain = .0.chain_id)]
    StreamEventsNotFound(Box<EventId>),
    /// No pending or certified block refers to this blob.
    #[error("nobody waits for {0:?}")]
    UnexpectedBlob(BlobId),
    /// A blob is too large, or there are too many.
    #[error("{0}")]
    Blob(BlobError),
}

impl NodeError {
    /// All names that [`NodeError::name`] gives.
    pub const NAMES: &'static [&'static str] = &[
        "MissingCrossChainUpdates",
        "UnexpectedBlockHeight",
        "UnexpectedPreviousBlockHash",
        "InactiveChain",
        "MissingCertificateValue",
        "InvalidTimestamp",
        "InvalidEpoch",
        "InvalidOwner",
        "InvalidProposal",
        "WrongRound",
        "InsufficientRound",
        "InsufficientRoundStrict",
        "MustBeNewerThanLockingBlock",
        "HasIncompatibleConfirmedVote",
        "HeightOverflow",
        "NotTimedOutYet",
        "RoundDoesNotTimeOut",
        "EventsNotFound",
        "FastBlockUsingOracles",
        "RevokedEpoch",
        "BatchRolledBack",
        "CertificateValidatorReuse",
        "InvalidSigner",
        "CertificateRequiresQuorum",
        "InvalidSignature",
        "OtherBlock",
        "BlobsNotFound",
        "StreamEventsNotFound",
        "UnexpectedBlob",
        "BlobTooLarge",
        "TooManyPublishedBlobs",
        "FirstRoundViolation",
        "Inbox",
        "Block",
        "CorruptedChainState",
    ];

    /// A short stable name for tables and traces.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MissingCrossChainUpdates(_) => "MissingCrossChainUpdates",
            Self::UnexpectedBlockHeight { .. } => "UnexpectedBlockHeight",
            Self::UnexpectedPreviousBlockHash => "UnexpectedPreviousBlockHash",
            Self::InactiveChain(_) => "InactiveChain",
            Self::MissingCertificateValue => "MissingCertificateValue",
            Self::InvalidTimestamp { .. } => "InvalidTimestamp",
            Self::InvalidEpoch { .. } => "InvalidEpoch",
            Self::InvalidOwner(_) => "InvalidOwner",
            Self::InvalidProposal => "InvalidProposal",
            Self::WrongRound { .. } => "WrongRound",
            Self::InsufficientRound { .. } => "InsufficientRound",
            Self::InsufficientRoundStrict { .. } => "InsufficientRoundStrict",
            Self::MustBeNewerThanLockingBlock { .. } => "MustBeNewerThanLockingBlock",
            Self::HasIncompatibleConfirmedVote(_) => "HasIncompatibleConfirmedVote",
            Self::HeightOverflow => "HeightOverflow",
            Self::NotTimedOutYet { .. } => "NotTimedOutYet",
            Self::RoundDoesNotTimeOut(_) => "RoundDoesNotTimeOut",
            Self::EventsNotFound(_) => "EventsNotFound",
            Self::FastBlockUsingOracles => "FastBlockUsingOracles",
            Self::RevokedEpoch(_) => "RevokedEpoch",
            Self::BatchRolledBack => "BatchRolledBack",
            Self::Certificate(error) => error.name(),
            Self::BlobsNotFound(_) => "BlobsNotFound",
            Self::StreamEventsNotFound(_) => "StreamEventsNotFound",
            Self::UnexpectedBlob(_) => "UnexpectedBlob",
            Self::Blob(BlobError::BlobTooLarge { .. }) => "BlobTooLarge",
            Self::Blob(BlobError::TooManyPublishedBlobs { .. }) => "TooManyPublishedBlobs",
            Self::Inbox { .. } => "Inbox",
            Self::Block(_) => "Block",
            Self::CorruptedChainState(_) => "CorruptedChainState",
        }
    }
}
