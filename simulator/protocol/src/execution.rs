//! Executing a block on the state of its chain: a pure function, the same everywhere.
//!
//! Owns what follows from a chain's blocks alone (balances, ownership, links to recipients); keeps
//! the historical state hash, a hash chain over changes. Knows nothing of inboxes, votes or
//! validators.

mod allowances;
mod applications;
mod blobs;
mod committees;
mod fees;
mod grants;
mod metering;
mod money;
mod querying;
mod receiving;
mod runtime;
mod state;
mod streams;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Serialize;

use crate::{
    amount::Amount,
    blob::{BlobId, BlobLimits},
    block::{Block, BlockExecutionOutcome, ProposedBlock, SystemOperation, Transaction},
    description::{ChainDescription, ChainOrigin, InitialChainConfig},
    epochs::Epochs,
    error::{BlockError, ExecutionError},
    hash::{CryptoHash, Hashable},
    ids::{AccountOwner, BlockHeight, ChainId, Epoch},
    message::OutgoingMessage,
    oracle::{OracleResponse, Oracles},
    outside::{Nowhere, Outside},
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
    sabotage::Sabotage,
    small_map::SmallMap,
    store::{Content, Executed},
    time::Timestamp,
};

pub use fees::{Charged, Terms};
pub use querying::{Queried, query};
pub use state::Applications;

use applications::Made;
use fees::Meter;
use state::ApplicationChange;

/// The state of a chain that follows from its blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExecutionState {
    /// The chain.
    pub chain_id: ChainId,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its owners.
    pub ownership: Arc<ChainOwnership>,
    /// Whether it is closed for good.
    pub closed: bool,
    /// The chain's own balance.
    pub balance: Amount,
    /// Balances of owners on it; none is zero.
    pub balances: SmallMap<AccountOwner, Amount>,
    /// How many submitted operations of each user it has executed; boxed, since most have none.
    pub executed: Option<Box<SmallMap<AccountOwner, u64>>>,
    /// Timestamp of the last block.
    pub timestamp: Timestamp,
    /// Hash of the last block.
    pub tip_hash: Option<CryptoHash>,
    /// Height of the next block.
    pub next_height: BlockHeight,
    /// Historical hash.
    pub state_hash: CryptoHash,
    /// For each recipient: the last block that sent to it.
    pub previous_message_blocks: SmallMap<ChainId, (CryptoHash, BlockHeight)>,
    /// On the admin chain: the epochs that it has created.
    pub epochs: Option<Arc<Epochs>>,
    /// The blobs that it has used, if any.
    pub used_blobs: Option<Arc<BTreeSet<BlobId>>>,
    /// What applications may do on it; `None`: everything.
    pub permissions: Option<Arc<ApplicationPermissions>>,
    /// What applications keep on it, if any was ever called there.
    pub applications: Option<Arc<Applications>>,
    /// What owners let others spend of their accounts, by owner and spender; none of them is zero.
    pub allowances: Option<Arc<BTreeMap<(AccountOwner, AccountOwner), Amount>>>,
}

/// One change of a state; the historical hash is over their sequence.
#[derive(Serialize)]
enum StateChange {
    Created(ChainId),
    Balance(AccountOwner, Amount),
    Opened(ChainId),
    Sent(u32),
    Ownership(CryptoHash),
    Closed,
    Executed(AccountOwner, u64),
    CommitteePublished(CryptoHash),
    CommitteeCreated(Epoch, CryptoHash),
    CommitteeRemoved(Epoch),
    Epoch(Epoch),
    BlobUsed(BlobId),
    Permissions(CryptoHash),
    Application(Box<ApplicationChange>),
    Allowance(AccountOwner, AccountOwner, Amount),
}

#[derive(Serialize)]
struct Delta<'a> {
    previous: CryptoHash,
    timestamp: Timestamp,
    changes: &'a [StateChange],
}

impl Hashable for Delta<'_> {
    const TAG: &'static str = "StateDelta";
}

impl ExecutionState {
    /// The state of a new chain.
    pub fn new(description: &ChainDescription) -> Self {
        let chain_id = description.id();
        let config = &description.config;
        let delta = Delta {
            previous: CryptoHash::default(),
            timestamp: description.timestamp,
            changes: &[
                StateChange::Created(chain_id),
                StateChange::Balance(AccountOwner::CHAIN, config.balance),
            ],
        };
        Self {
            chain_id,
            epoch: config.epoch,
            ownership: config.ownership.clone(),
            closed: false,
            balance: config.balance,
            balances: SmallMap::default(),
            executed: None,
            timestamp: description.timestamp,
            tip_hash: None,
            next_height: BlockHeight(0),
            state_hash: CryptoHash::of(&delta),
            previous_message_blocks: SmallMap::default(),
            epochs: (description.origin == ChainOrigin::ADMIN).then(Arc::default),
            used_blobs: None,
            permissions: config.permissions.clone(),
            applications: None,
            allowances: None,
        }
    }

    /// What `owner` holds on this chain.
    pub fn balance_of(&self, owner: &AccountOwner) -> Amount {
        if *owner == AccountOwner::CHAIN {
            self.balance
        } else {
            self.balances.get(owner).copied().unwrap_or_default()
        }
    }

    /// What `spender` may still take of the account of `owner`.
    pub fn allowance(&self, owner: &AccountOwner, spender: &AccountOwner) -> Amount {
        let allowances = self.allowances.as_ref();
        let allowance = allowances.and_then(|all| all.get(&(*owner, *spender)));
        allowance.copied().unwrap_or_default()
    }

    /// How many submitted operations of a user it has executed.
    pub fn executed_of(&self, owner: &AccountOwner) -> u64 {
        let executed = self.executed.as_ref();
        executed
            .and_then(|executed| executed.get(owner).copied())
            .unwrap_or(0)
    }

    /// What all accounts of this chain hold together; `None` if that does not fit.
    pub fn total_balance(&self) -> Option<Amount> {
        self.balances
            .iter()
            .try_fold(self.balance, |sum, (_, balance)| sum.checked_add(*balance))
    }
}

/// Executes `block` on `state` where nothing costs and nothing is limited. What it asks oracles is
/// answered as the caller has found it: blobs exist, epochs are created.
///
/// # Errors
/// The first rule that the block breaks.
pub fn execute(state: &ExecutionState, block: &ProposedBlock) -> Result<Executed, BlockError> {
    execute_under(Terms::default(), state, block)
}

/// Executes `block` on `state`. Any failing transaction fails the whole block.
///
/// # Errors
/// The first rule that the block breaks.
pub fn execute_under(
    terms: Terms<'_>,
    state: &ExecutionState,
    block: &ProposedBlock,
) -> Result<Executed, BlockError> {
    run(state, block, None, terms)
}

/// Executes `block` again with the answers that it has recorded, each used once and in order, and
/// with a seeded bug.
///
/// # Errors
/// The first rule that the block breaks; an answer that is missing, another one, or left over.
pub fn replay(
    state: &ExecutionState,
    block: &Block,
    terms: Terms<'_>,
) -> Result<Executed, BlockError> {
    let (block, recorded) = (block.proposed(), &block.outcome().oracle_responses);
    if recorded.len() != block.transactions.len() {
        return Err(BlockError::MissingOracleResponseList);
    }
    run(state, block, Some(recorded), terms)
}

fn run(
    state: &ExecutionState,
    block: &ProposedBlock,
    recorded: Option<&[Vec<OracleResponse>]>,
    terms: Terms<'_>,
) -> Result<Executed, BlockError> {
    check_times(state, block)?;
    if state.closed && !block.only_rejects() && terms.sabotage != Sabotage::ClosedChainsPay {
        return Err(BlockError::ClosedChain);
    }
    if terms.sabotage != Sabotage::PermissionsIgnored
        && let Some(permissions) = &state.permissions
    {
        permissions.check(block)?;
    }
    let blobs = BlobLimits::DEFAULT.check_count(block.published_blobs().count());
    if terms.sabotage != Sabotage::BlobsWithoutLimit {
        blobs.map_err(BlockError::Blobs)?;
    }
    let meter = match terms.policy {
        Some(policy) => Some(Meter::new(policy, block, terms.sabotage)?),
        None => None,
    };
    let mut execution = Execution {
        sabotage: terms.sabotage,
        meter,
        was_closed: state.closed,
        state: state.clone(),
        block,
        changes: Vec::new(),
        messages: Vec::with_capacity(block.transactions.len()),
        opened: Vec::with_capacity(block.transactions.len()),
        opened_count: 0,
        oracles: Oracles::Ask,
        oracle_responses: Vec::with_capacity(block.transactions.len()),
        content: terms.content,
        outside: terms.outside.unwrap_or(&Nowhere),
        made: block.calls_applications().then(Box::default),
    };
    for (index, step) in block.transactions.iter().enumerate() {
        let transaction = u32::try_from(index).expect("blocks are small");
        if let Some(recorded) = recorded {
            execution.oracles = Oracles::Replay(recorded[index].iter().cloned().collect());
        }
        execution.oracle_responses.push(Vec::new());
        execution.messages.push(Vec::new());
        execution.opened.push(Vec::new());
        execution
            .transaction(step)
            .and_then(|()| execution.oracles.finish())
            .map_err(|error| BlockError::Transaction { transaction, error })?;
    }
    Ok(execution.finish())
}

/// Rules of 3.1 on emptiness and time.
fn check_times(state: &ExecutionState, block: &ProposedBlock) -> Result<(), BlockError> {
    if block.transactions.is_empty() {
        return Err(BlockError::EmptyBlock);
    }
    if block.timestamp < state.timestamp {
        let (block, parent) = (block.timestamp, state.timestamp);
        return Err(BlockError::InvalidBlockTimestamp { block, parent });
    }
    let newest = block
        .incoming_bundles()
        .map(|incoming| incoming.bundle.timestamp)
        .max();
    match newest {
        Some(bundle) if block.timestamp < bundle => Err(BlockError::IncorrectBundleTimestamp {
            block: block.timestamp,
            bundle,
        }),
        Some(_) | None => Ok(()),
    }
}

/// One block being executed.
struct Execution<'a> {
    sabotage: Sabotage,
    /// What it uses, if that costs or is limited.
    meter: Option<Meter<'a>>,
    /// Whether the chain was closed before this block.
    was_closed: bool,
    state: ExecutionState,
    block: &'a ProposedBlock,
    changes: Vec<StateChange>,
    messages: Vec<Vec<OutgoingMessage>>,
    opened: Vec<Vec<Arc<ChainDescription>>>,
    opened_count: u32,
    oracles: Oracles,
    oracle_responses: Vec<Vec<OracleResponse>>,
    /// Where code and other blobs are looked up; `None`: nowhere.
    content: Option<&'a dyn Content>,
    /// What the node that executes knows of the rest of the world.
    outside: &'a dyn Outside,
    /// What applications leave behind; only in blocks that call any.
    made: Option<Box<Made>>,
}

impl Execution<'_> {
    fn transaction(&mut self, step: &Transaction) -> Result<(), ExecutionError> {
        self.admit(step)?;
        match step {
            Transaction::ReceiveMessages(incoming) => self.receive(incoming),
            Transaction::ExecuteOperation(operation) => self.operation(operation),
        }?;
        self.settle(step)
    }

    fn operation(&mut self, operation: &SystemOperation) -> Result<(), ExecutionError> {
        match operation {
            SystemOperation::Transfer {
                owner,
                recipient,
                amount,
            } => {
                self.authenticate(*owner)?;
                self.transfer(*owner, *recipient, *amount, self.block.authenticated_owner)
            }
            SystemOperation::Claim {
                owner,
                target_id,
                recipient,
                amount,
            } => {
                self.authenticate(*owner)?;
                let signer = self.block.authenticated_owner;
                self.claim(*owner, *target_id, *recipient, *amount, signer)
            }
            SystemOperation::OpenChain(config) => self.open_chain(config),
            SystemOperation::ChangeOwnership(_) if self.sabotage == Sabotage::OwnersNeverChange => {
                Ok(())
            }
            SystemOperation::ChangeOwnership(ownership) => {
                self.set_ownership(ownership);
                Ok(())
            }
            SystemOperation::CloseChain => {
                self.changes.push(StateChange::Closed);
                self.state.closed = true;
                Ok(())
            }
            SystemOperation::Submitted(operation) => self.submitted(operation),
            SystemOperation::PublishCommitteeBlob { committee } => self.publish(committee),
            SystemOperation::CreateCommittee { epoch, blob_hash } => {
                self.create_committee(*epoch, blob_hash)
            }
            SystemOperation::RemoveCommittee { epoch } => self.remove_committee(*epoch),
            SystemOperation::ProcessNewEpoch(epoch) => self.process_new_epoch(*epoch),
            SystemOperation::PublishDataBlob { hash } => {
                self.use_blob(BlobId::data(*hash));
                Ok(())
            }
            SystemOperation::VerifyBlob { blob_id } => self.verify_blob(*blob_id),
            SystemOperation::SendBundle(draft) => self.send_bundle(draft),
            SystemOperation::PublishModule { module_id } => {
                for blob in module_id.blobs() {
                    self.use_blob(blob);
                }
                Ok(())
            }
            SystemOperation::CreateApplication(request) => self.create_application(request),
            SystemOperation::User(operation) => self.user_operation(operation),
            SystemOperation::UpdateStream(range) => self.update_stream(range),
            SystemOperation::Approve {
                owner,
                spender,
                amount,
            } => self.approve(*owner, *spender, *amount),
            SystemOperation::TransferFrom {
                owner,
                recipient,
                amount,
            } => self.transfer_from(*owner, *recipient, *amount),
            SystemOperation::ChangeApplicationPermissions(permissions) => {
                self.set_permissions(permissions);
                Ok(())
            }
        }
    }

    fn set_ownership(&mut self, ownership: &Arc<ChainOwnership>) {
        let hash = CryptoHash::of(&**ownership);
        self.changes.push(StateChange::Ownership(hash));
        self.state.ownership = ownership.clone();
    }

    fn set_permissions(&mut self, permissions: &Arc<ApplicationPermissions>) {
        let hash = CryptoHash::of(&**permissions);
        self.changes.push(StateChange::Permissions(hash));
        self.state.permissions = (!permissions.is_default()).then(|| permissions.clone());
    }

    fn open_chain(&mut self, config: &InitialChainConfig) -> Result<(), ExecutionError> {
        if config.epoch != self.state.epoch || !config.ownership.is_active() {
            return Err(ExecutionError::InvalidChainConfig);
        }
        let free = self.sabotage == Sabotage::ChainsOnCredit;
        if !config.balance.is_zero() && !free {
            self.debit(AccountOwner::CHAIN, config.balance)?;
        }
        let description = ChainDescription {
            origin: ChainOrigin::Child {
                parent: self.state.chain_id,
                block_height: self.block.height,
                chain_index: self.opened_count,
            },
            timestamp: self.block.timestamp,
            config: config.clone(),
        };
        self.opened_count += 1;
        self.changes.push(StateChange::Opened(description.id()));
        let opened = self
            .opened
            .last_mut()
            .expect("pushed before each transaction");
        opened.push(Arc::new(description));
        Ok(())
    }

    fn send(&mut self, message: OutgoingMessage) {
        let messages = self
            .messages
            .last_mut()
            .expect("pushed before each transaction");
        if messages.is_empty() {
            messages.reserve_exact(1);
        }
        messages.push(message);
    }

    fn finish(mut self) -> Executed {
        let calls = self.made.is_some();
        let activity = calls.then(|| Arc::new(self.activity()));
        let sent = self.messages.iter().map(Vec::len).sum::<usize>();
        self.changes.push(StateChange::Sent(
            u32::try_from(sent).expect("blocks are small"),
        ));
        let state_hash = CryptoHash::of(&Delta {
            previous: self.state.state_hash,
            timestamp: self.block.timestamp,
            changes: &self.changes,
        });
        let recipients = self
            .messages
            .iter()
            .flatten()
            .map(|message| message.destination);
        let previous_message_blocks = recipients
            .filter_map(|chain| Some((chain, *self.state.previous_message_blocks.get(&chain)?)))
            .collect();
        // Blocks are kept for good, so nothing in them has room to spare.
        self.messages.iter_mut().for_each(Vec::shrink_to_fit);
        let outcome = BlockExecutionOutcome {
            messages: std::mem::take(&mut self.messages),
            previous_message_blocks,
            state_hash,
            opened: std::mem::take(&mut self.opened),
            oracle_responses: std::mem::take(&mut self.oracle_responses),
            applications: self.made.take().map(|made| Arc::new(made.outcome)),
        };
        let block = Block::new(self.block.clone(), outcome);
        let charged = self.charged();
        let mut state = self.state;
        state.timestamp = block.proposed().timestamp;
        state.state_hash = state_hash;
        state.tip_hash = Some(block.hash());
        for recipient in block.recipients() {
            let link = (block.hash(), block.height());
            state.previous_message_blocks.insert(recipient, link);
        }
        state.next_height = block.height().next();
        Executed {
            block: Arc::new(block),
            state: Arc::new(state),
            charged,
            activity,
        }
    }
}

#[cfg(test)]
mod allowance_tests;
#[cfg(test)]
mod application_tests;
#[cfg(test)]
mod fee_tests;
#[cfg(test)]
mod outside_tests;
#[cfg(test)]
mod tests;
