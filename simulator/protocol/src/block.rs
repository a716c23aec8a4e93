//! Blocks: what an owner proposes, what executing it gives, and the two together under one hash.
//!
//! The block hash is the hash of the header, and the header holds one hash per part of the body.

mod encoding;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    amount::Amount,
    application::{
        description::ModuleId,
        outcome::{ApplicationOutcome, Event, StreamRange, UserOperation},
        request::CreateApplicationRequest,
    },
    blob::{Blob, BlobId},
    committee::Committee,
    description::{ChainDescription, InitialChainConfig},
    draft::BundleDraft,
    hash::{CryptoHash, Hashable},
    ids::{Account, AccountOwner, BlockHeight, ChainId, Epoch},
    message::{
        IncomingBundle, MessageAction, MessageBundle, OutgoingMessage, PostedMessage, SystemMessage,
    },
    oracle::OracleResponse,
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
    small_map::SmallMap,
    submission::SubmittedOperation,
    time::Timestamp,
};

/// An operation: of the protocol itself, or of an application.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum SystemOperation {
    /// Moves `amount` from an account of this chain to any account.
    Transfer {
        /// Account on this chain that pays.
        owner: AccountOwner,
        /// Who gets it.
        recipient: Account,
        /// How much; not 0.
        amount: Amount,
    },
    /// Asks another chain to move `amount` of the owner's balance there.
    Claim {
        /// Whose balance on the target chain.
        owner: AccountOwner,
        /// The chain that holds it.
        target_id: ChainId,
        /// Who gets it.
        recipient: Account,
        /// How much; not 0.
        amount: Amount,
    },
    /// Opens a chain, paid from this chain's own account.
    OpenChain(InitialChainConfig),
    /// Replaces the ownership record, from the next height on. May leave nobody to propose.
    ChangeOwnership(Arc<ChainOwnership>),
    /// Closes the chain for good.
    CloseChain,
    /// What a user has handed in, on that user's behalf.
    Submitted(Arc<SubmittedOperation>),
    /// Makes a committee known. On the admin chain only.
    PublishCommitteeBlob {
        /// The committee.
        committee: Arc<Committee>,
    },
    /// Begins an epoch. The admin chain itself is in it at once.
    CreateCommittee {
        /// The epoch: that of the admin chain and one.
        epoch: Epoch,
        /// The hash of its committee, which was published.
        blob_hash: CryptoHash,
    },
    /// Revokes an epoch: each in its turn, and not the current one.
    RemoveCommittee {
        /// The epoch.
        epoch: Epoch,
    },
    /// Goes on to the next epoch, which the admin chain has created. Not on the admin chain.
    ProcessNewEpoch(Epoch),
    /// Publishes a blob of data, which the proposer brings along.
    PublishDataBlob {
        /// The hash of the blob.
        hash: CryptoHash,
    },
    /// Says that a blob exists: the block is not valid where it is not known.
    VerifyBlob {
        /// The blob.
        blob_id: BlobId,
    },
    /// Replaces what applications may do on the chain, from the next block on.
    ChangeApplicationPermissions(Arc<ApplicationPermissions>),
    /// Sends several messages to one chain, of any kind and with grants: see [`crate::draft`].
    SendBundle(Arc<BundleDraft>),
    /// Publishes code: two blobs, which the proposer brings along.
    PublishModule {
        /// The code.
        module_id: ModuleId,
    },
    /// Creates an application, and instantiates it on this chain.
    CreateApplication(Arc<CreateApplicationRequest>),
    /// Has an application execute something.
    User(Arc<UserOperation>),
    /// Hands new events of another chain to an application that follows them.
    UpdateStream(Arc<StreamRange>),
    /// Lets somebody spend from an account of this chain, in place of what he might before.
    Approve {
        /// Whose account.
        owner: AccountOwner,
        /// Who may spend.
        spender: AccountOwner,
        /// How much altogether; nothing takes it back.
        amount: Amount,
    },
    /// Moves money of an account of this chain whose owner has approved that.
    TransferFrom {
        /// Whose account.
        owner: AccountOwner,
        /// Where to.
        recipient: Account,
        /// How much.
        amount: Amount,
    },
}

impl SystemOperation {
    /// The blobs that it publishes, but for committees.
    pub(crate) fn published(&self) -> [Option<BlobId>; 2] {
        match self {
            Self::PublishDataBlob { hash } => [Some(BlobId::data(*hash)), None],
            Self::PublishModule { module_id } => module_id.blobs().map(Some),
            _ => [None, None],
        }
    }
}

/// One step of a block.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Transaction {
    /// Takes a bundle from the inbox.
    ReceiveMessages(IncomingBundle),
    /// Executes an operation.
    ExecuteOperation(SystemOperation),
}

impl Transaction {
    /// Whether executing it calls an application.
    pub fn calls_application(&self) -> bool {
        match self {
            Self::ReceiveMessages(incoming) => {
                let is_user =
                    |posted: &PostedMessage| matches!(posted.message, SystemMessage::User(_));
                incoming.action == MessageAction::Accept
                    && incoming.bundle.messages.iter().any(is_user)
            }
            Self::ExecuteOperation(operation) => matches!(
                operation,
                SystemOperation::User(_)
                    | SystemOperation::CreateApplication(_)
                    | SystemOperation::UpdateStream(_)
            ),
        }
    }
}

/// What an owner proposes.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ProposedBlock {
    /// The chain that it extends.
    pub chain_id: ChainId,
    /// Epoch of the chain before it.
    pub epoch: Epoch,
    /// The steps, in order of execution.
    pub transactions: Vec<Transaction>,
    /// Its height.
    pub height: BlockHeight,
    /// When it was made, by its owner's clock.
    pub timestamp: Timestamp,
    /// On whose behalf operations run.
    pub authenticated_owner: Option<AccountOwner>,
    /// Hash of the block below; `None` at height 0.
    pub previous_block_hash: Option<CryptoHash>,
}

impl Hashable for ProposedBlock {
    const TAG: &'static str = "ProposedBlock";
}

impl ProposedBlock {
    /// The bundles that it takes in, in order.
    pub fn incoming_bundles(&self) -> impl Iterator<Item = &IncomingBundle> {
        self.transactions
            .iter()
            .filter_map(|transaction| match transaction {
                Transaction::ReceiveMessages(incoming) => Some(incoming),
                Transaction::ExecuteOperation(_) => None,
            })
    }

    /// Whether it does nothing but reject bundles: all that a closed chain may do (I-40).
    pub fn only_rejects(&self) -> bool {
        self.transactions.iter().all(|transaction| {
            matches!(transaction, Transaction::ReceiveMessages(incoming)
                if incoming.action == MessageAction::Reject)
        })
    }

    /// The epochs of the admin chain that it reads of: executing it asks for something that is not in
    /// the chain's own state.
    pub fn read_epochs(&self) -> impl Iterator<Item = Epoch> {
        self.operations().filter_map(|operation| match operation {
            SystemOperation::ProcessNewEpoch(epoch) => Some(*epoch),
            _ => None,
        })
    }

    /// The blobs that its proposer brings along, in order.
    pub fn published_blobs(&self) -> impl Iterator<Item = BlobId> {
        self.operations()
            .flat_map(|operation| operation.published().into_iter().flatten())
    }

    /// The blobs that it names, in order: whoever executes it needs them. Executing it may need more,
    /// see [`Block::required_blobs`].
    pub fn required_blobs(&self) -> impl Iterator<Item = BlobId> {
        self.operations().flat_map(|operation| {
            let verified = match operation {
                SystemOperation::VerifyBlob { blob_id } => Some(*blob_id),
                _ => None,
            };
            let published = operation.published().into_iter().flatten();
            published.chain(verified)
        })
    }

    /// Whether executing it calls an application.
    pub fn calls_applications(&self) -> bool {
        self.transactions.iter().any(Transaction::calls_application)
    }

    /// The operations that it executes, in order.
    pub fn operations(&self) -> impl Iterator<Item = &SystemOperation> {
        self.transactions
            .iter()
            .filter_map(|transaction| match transaction {
                Transaction::ReceiveMessages(_) => None,
                Transaction::ExecuteOperation(operation) => Some(operation),
            })
    }

    /// Those of them that users have handed in.
    pub fn submitted(&self) -> impl Iterator<Item = &Arc<SubmittedOperation>> {
        self.operations().filter_map(|operation| match operation {
            SystemOperation::Submitted(submitted) => Some(submitted),
            _ => None,
        })
    }
}

/// What executing a block gives: a function of the state before it and of the block.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct BlockExecutionOutcome {
    /// Messages that each transaction sends.
    pub messages: Vec<Vec<OutgoingMessage>>,
    /// For each recipient: the previous block that sent to it.
    pub previous_message_blocks: SmallMap<ChainId, (CryptoHash, BlockHeight)>,
    /// Historical hash of the state after it.
    pub state_hash: CryptoHash,
    /// Chains that each transaction opens.
    pub opened: Vec<Vec<Arc<ChainDescription>>>,
    /// What each transaction learned from outside of the chain.
    pub oracle_responses: Vec<Vec<OracleResponse>>,
    /// What applications left behind; there is nothing in blocks that call none, nor in their
    /// encoding: see [`Block`].
    #[serde(skip)]
    pub applications: Option<Arc<ApplicationOutcome>>,
}

impl BlockExecutionOutcome {
    /// Whether an oracle was asked, so that it may not be that of a fast block (I-42).
    pub fn uses_oracles(&self) -> bool {
        self.oracle_responses.iter().any(|all| !all.is_empty())
    }
}

impl Hashable for BlockExecutionOutcome {
    const TAG: &'static str = "BlockExecutionOutcome";
}

/// The part of a block that its hash covers directly.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct BlockHeader {
    /// The chain that it extends.
    pub chain_id: ChainId,
    /// Epoch of the chain before it.
    pub epoch: Epoch,
    /// Its height.
    pub height: BlockHeight,
    /// When it was made.
    pub timestamp: Timestamp,
    /// Hash of the block below.
    pub previous_block_hash: Option<CryptoHash>,
    /// On whose behalf operations run.
    pub authenticated_owner: Option<AccountOwner>,
    /// Historical hash of the state after it.
    pub state_hash: CryptoHash,
    /// Hash of the transactions.
    pub transactions_hash: CryptoHash,
    /// Hash of the messages.
    pub messages_hash: CryptoHash,
    /// Hash of the links to previous senders.
    pub previous_message_blocks_hash: CryptoHash,
    /// Hash of the opened chains.
    pub opened_hash: CryptoHash,
    /// Hash of the oracle responses.
    pub oracle_responses_hash: CryptoHash,
    /// Hash of what applications left behind, where any was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applications_hash: Option<CryptoHash>,
}

impl Hashable for BlockHeader {
    const TAG: &'static str = "BlockHeader";
}

/// A block: proposal and outcome under one hash, with the bundles that follow from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    proposed: ProposedBlock,
    outcome: BlockExecutionOutcome,
    proposed_hash: CryptoHash,
    hash: CryptoHash,
    bundles: Vec<(ChainId, Arc<MessageBundle>)>,
}

impl Block {
    /// The block of this proposal and outcome.
    pub fn new(proposed: ProposedBlock, outcome: BlockExecutionOutcome) -> Self {
        let hash = CryptoHash::of(&header(&proposed, &outcome));
        let bundles = bundles(&proposed, &outcome, hash);
        let proposed_hash = CryptoHash::of(&proposed);
        Self {
            proposed,
            outcome,
            proposed_hash,
            hash,
            bundles,
        }
    }

    /// What was proposed.
    pub const fn proposed(&self) -> &ProposedBlock {
        &self.proposed
    }

    /// What executing it gives.
    pub const fn outcome(&self) -> &BlockExecutionOutcome {
        &self.outcome
    }

    /// Hash of what was proposed.
    pub const fn proposed_hash(&self) -> CryptoHash {
        self.proposed_hash
    }

    /// Its hash: that of its header.
    pub const fn hash(&self) -> CryptoHash {
        self.hash
    }

    /// Its chain.
    pub const fn chain_id(&self) -> ChainId {
        self.proposed.chain_id
    }

    /// Its height.
    pub const fn height(&self) -> BlockHeight {
        self.proposed.height
    }

    /// What it sends, by recipient and then by transaction.
    pub fn bundles(&self) -> &[(ChainId, Arc<MessageBundle>)] {
        &self.bundles
    }

    /// What it sends to `recipient`, by transaction.
    pub fn bundles_for(&self, recipient: &ChainId) -> &[(ChainId, Arc<MessageBundle>)] {
        let from = self.bundles.partition_point(|(chain, _)| chain < recipient);
        let until = self
            .bundles
            .partition_point(|(chain, _)| chain <= recipient);
        &self.bundles[from..until]
    }

    /// The chains that it sends to, in order, each once.
    pub fn recipients(&self) -> Vec<ChainId> {
        let mut recipients: Vec<_> = self.bundles.iter().map(|(chain, _)| *chain).collect();
        recipients.dedup();
        recipients
    }

    /// The blobs that whoever has it needs: those that it names, and those that executing it asked for
    /// the first time on its chain.
    pub fn required_blobs(&self) -> impl Iterator<Item = BlobId> {
        let asked = self.outcome.oracle_responses.iter().flatten();
        let asked = asked.filter_map(|response| match response {
            OracleResponse::Blob(id) => Some(*id),
            _ => None,
        });
        let named = |id: &BlobId| self.proposed.required_blobs().any(|named| named == *id);
        let more = asked.filter(move |id| !named(id));
        self.proposed.required_blobs().chain(more)
    }

    /// The blobs that came to be by executing it.
    pub fn created_blobs(&self) -> impl Iterator<Item = &Arc<Blob>> {
        let applications = self.outcome.applications.as_ref();
        let created = applications.map(|applications| &applications.created_blobs);
        created.into_iter().flatten().map(|(_, blob)| blob)
    }

    /// The events that applications have added to streams, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        let applications = self.outcome.applications.as_ref();
        let events = applications.map(|applications| &applications.events);
        events.into_iter().flatten().map(|(_, event)| event)
    }

    /// The blobs that are stored with it: those that it needs and those that it makes.
    pub fn stored_blobs(&self) -> impl Iterator<Item = BlobId> {
        let created = self.created_blobs().map(|blob| blob.id());
        self.required_blobs().chain(created)
    }

    /// The chains that it opens.
    pub fn opened(&self) -> impl Iterator<Item = &Arc<ChainDescription>> {
        self.outcome.opened.iter().flatten()
    }
}

fn header(proposed: &ProposedBlock, outcome: &BlockExecutionOutcome) -> BlockHeader {
    fn part<T: Serialize>(tag: &str, value: &T) -> CryptoHash {
        let bytes = bcs::to_bytes(value).expect("blocks encode");
        CryptoHash::of_bytes(tag, &bytes)
    }
    BlockHeader {
        chain_id: proposed.chain_id,
        epoch: proposed.epoch,
        height: proposed.height,
        timestamp: proposed.timestamp,
        previous_block_hash: proposed.previous_block_hash,
        authenticated_owner: proposed.authenticated_owner,
        state_hash: outcome.state_hash,
        transactions_hash: part("Transactions", &proposed.transactions),
        messages_hash: part("Messages", &outcome.messages),
        previous_message_blocks_hash: part(
            "PreviousMessageBlocks",
            &outcome.previous_message_blocks,
        ),
        opened_hash: part("Opened", &outcome.opened),
        oracle_responses_hash: part("OracleResponses", &outcome.oracle_responses),
        applications_hash: outcome
            .applications
            .as_ref()
            .map(|applications| part("Applications", &**applications)),
    }
}

fn bundles(
    proposed: &ProposedBlock,
    outcome: &BlockExecutionOutcome,
    certificate_hash: CryptoHash,
) -> Vec<(ChainId, Arc<MessageBundle>)> {
    let mut bundles: SmallMap<(ChainId, u32), MessageBundle> = SmallMap::default();
    let mut index = 0;
    for (transaction_index, messages) in (0..).zip(&outcome.messages) {
        for message in messages {
            let empty = || MessageBundle {
                height: proposed.height,
                timestamp: proposed.timestamp,
                certificate_hash,
                transaction_index,
                messages: Vec::new(),
            };
            let key = (message.destination, transaction_index);
            let bundle = bundles.get_or_insert_with(key, empty);
            bundle.messages.reserve_exact(1);
            bundle.messages.push(PostedMessage {
                authenticated_owner: message.authenticated_owner,
                grant: message.grant,
                refund_grant_to: message.refund_grant_to.clone(),
                kind: message.kind,
                index,
                message: message.message.clone(),
            });
            index += 1;
        }
    }
    bundles
        .into_iter()
        .map(|((chain, _), bundle)| (chain, Arc::new(bundle)))
        .collect()
}
