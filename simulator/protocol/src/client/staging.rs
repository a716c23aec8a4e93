//! Building a block: what waits in the inbox, then the user's operation, executed here first.
//!
//! A bundle that fails is rejected, and after too many failures left for later (3.3). The user's
//! operation is never dropped in silence.

use std::sync::Arc;

use super::{Client, MessagePolicy, blobs::operations_on_blobs};
use crate::{
    amount::Amount,
    blob::BlobId,
    block::{ProposedBlock, SystemOperation, Transaction},
    call::Template,
    committee::Committee,
    description::InitialChainConfig,
    draft::{BundleDraft, ContentDraft},
    error::{BlockError, ExecutionError},
    hash::CryptoHash,
    ids::{Account, AccountOwner, ChainId},
    machine::Outputs,
    message::{IncomingBundle, MessageAction},
    observe::Observation,
    outside::EventId,
    rpc::{Action, Command},
    store::ContentStore,
    time::Timestamp,
};

/// What came of building a block.
#[derive(Debug)]
pub(super) enum Staged {
    /// There is nothing to put in it.
    Nothing,
    /// The user's operation cannot be executed, and why.
    Impossible(String),
    /// The block needs something that nobody has proven to this wallet.
    Lacking(Lacking),
    /// A block that can be executed.
    Block {
        block: Arc<ProposedBlock>,
        block_hash: CryptoHash,
        /// Whether it asks no oracle.
        may_be_fast: bool,
    },
}

/// What a block needs that has to be looked for.
#[derive(Debug)]
pub(super) enum Lacking {
    Blob(BlobId),
    Event(EventId),
}

/// Bundles that fail in one block before the rest is left for later.
const MAX_FAILURES: u32 = 3;

impl Client {
    /// Builds the block for `command` with what waits in the inbox.
    pub(super) fn stage(
        &mut self,
        now: Timestamp,
        command: Option<&Command>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Staged {
        let written = command.map(|command| self.operations_of(now, &command.action, store));
        let mut operations = match written.transpose() {
            Ok(operations) => operations.unwrap_or_default(),
            Err(reason) => return Staged::Impossible(reason),
        };
        let pooled = operations.is_empty();
        if pooled {
            operations = self.pooled();
        }
        let mut incoming = self.waiting_bundles();
        if command.is_some_and(|command| command.action == Action::TakeNewest) {
            keep_newest(&mut incoming);
        }
        self.stage_block(now, incoming, (operations, pooled), store, out)
    }

    /// Builds a block of these operations and of what waits.
    pub(super) fn stage_operations(
        &mut self,
        now: Timestamp,
        operations: Vec<SystemOperation>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Staged {
        let incoming = self.waiting_bundles();
        self.stage_block(now, incoming, (operations, false), store, out)
    }

    /// Builds a block of operations and bundles. `pooled`: users have handed the operations in.
    fn stage_block(
        &mut self,
        now: Timestamp,
        mut incoming: Vec<IncomingBundle>,
        (mut operations, pooled): (Vec<SystemOperation>, bool),
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Staged {
        self.tell_unwanted(&incoming, out);
        let mut updates = self.stream_updates();
        let mut failures = 0;
        loop {
            if incoming.is_empty() && updates.is_empty() && operations.is_empty() {
                return Staged::Nothing;
            }
            let block = self.block_with(now, &incoming, &updates, &operations);
            let block_hash = CryptoHash::of(&block);
            match self.execute_staged(&block, block_hash, None, store) {
                Ok(executed) => {
                    if let Some(blob) = self.blob_to_prove(&executed.block) {
                        return Staged::Lacking(Lacking::Blob(blob));
                    }
                    return Staged::Block {
                        block: Arc::new(block),
                        block_hash,
                        may_be_fast: !executed.block.outcome().uses_oracles(),
                    };
                }
                Err(BlockError::Transaction {
                    error: ExecutionError::MissingEvent(id),
                    ..
                }) if !self.was_sought(&id) => return Staged::Lacking(Lacking::Event(*id)),
                Err(BlockError::Transaction { transaction, error }) => {
                    let index = usize::try_from(transaction).expect("an index fits memory");
                    let after = index.checked_sub(incoming.len());
                    if let Some(failed) = after.filter(|failed| *failed < updates.len()) {
                        let update = updates.remove(failed);
                        self.note_stuck(&update);
                        continue;
                    }
                    if let Some(failed) = after.map(|after| after - updates.len()) {
                        if pooled {
                            // It may come to be possible; what was handed in waits.
                            leave_out(&mut operations, failed);
                            continue;
                        }
                        let error = BlockError::Transaction { transaction, error };
                        return Staged::Impossible(error.to_string());
                    }
                    failures += 1;
                    let before = incoming.clone();
                    prune(&mut incoming, index, &error, failures);
                    self.tell_pruned(&before, &incoming, &error, out);
                }
                Err(BlockError::BlockProposalTooLarge { .. }) if !incoming.is_empty() => {
                    // Some of them wait for another block.
                    incoming.truncate(incoming.len() / 2);
                }
                Err(error) => return Staged::Impossible(error.to_string()),
            }
        }
    }

    /// Tells what was done with bundles that fail, and why: no block will ever say it.
    fn tell_pruned(
        &self,
        before: &[IncomingBundle],
        after: &[IncomingBundle],
        error: &ExecutionError,
        out: &mut Outputs,
    ) {
        let chain = self.chain_ref().execution.chain_id;
        for incoming in before {
            let place = (incoming.origin, incoming.bundle.cursor());
            let (origin, cursor) = place;
            let kept = after
                .iter()
                .find(|other| (other.origin, other.bundle.cursor()) == place);
            let reason = error.to_string();
            match kept {
                None => out.observe(Observation::BundlePostponed {
                    chain,
                    origin,
                    cursor,
                    reason,
                }),
                Some(kept) if kept.action != incoming.action => {
                    out.observe(Observation::BundleRejected {
                        chain,
                        origin,
                        cursor,
                        reason,
                    });
                }
                Some(_) => {}
            }
        }
    }

    /// Tells what is rejected whatever it holds.
    fn tell_unwanted(&self, incoming: &[IncomingBundle], out: &mut Outputs) {
        let state = &self.chain_ref().execution;
        let unwanted = incoming.iter();
        for one in unwanted.filter(|one| one.action == MessageAction::Reject) {
            let reason = if state.closed {
                BlockError::ClosedChain.to_string()
            } else {
                "its owner rejects what may be rejected".to_owned()
            };
            out.observe(Observation::BundleRejected {
                chain: state.chain_id,
                origin: one.origin,
                cursor: one.bundle.cursor(),
                reason,
            });
        }
    }

    /// Whether anything waits in the inbox.
    pub(super) fn inbox_waits(&self) -> bool {
        if self.config.options.message_policy == MessagePolicy::Ignore {
            return false;
        }
        let inboxes = self.chain.as_ref().map(|chain| chain.inboxes());
        inboxes.is_some_and(|inboxes| inboxes.iter().any(|(_, inbox)| !inbox.added().is_empty()))
    }

    /// Bundles that wait, by timestamp, and by cursor within each origin.
    fn waiting_bundles(&self) -> Vec<IncomingBundle> {
        let policy = self.config.options.message_policy;
        let action = if self.chain_ref().execution.closed || policy == MessagePolicy::Reject {
            MessageAction::Reject
        } else {
            MessageAction::Accept
        };
        if policy == MessagePolicy::Ignore {
            return Vec::new();
        }
        let mut incoming: Vec<_> = self
            .chain_ref()
            .inboxes()
            .iter()
            .flat_map(|(origin, inbox)| inbox.added().iter().map(move |bundle| (*origin, bundle)))
            .map(|(origin, bundle)| IncomingBundle {
                origin,
                bundle: bundle.clone(),
                action,
            })
            .collect();
        // A sender's timestamps never decrease, so this keeps the order within each origin.
        incoming.sort_by_key(|incoming| {
            (
                incoming.bundle.timestamp,
                incoming.origin,
                incoming.bundle.cursor(),
            )
        });
        incoming.truncate(self.config.options.max_pending_message_bundles);
        incoming
    }

    fn block_with(
        &self,
        now: Timestamp,
        incoming: &[IncomingBundle],
        updates: &[SystemOperation],
        operations: &[SystemOperation],
    ) -> ProposedBlock {
        let state = &self.chain_ref().execution;
        let newest = incoming
            .iter()
            .map(|incoming| incoming.bundle.timestamp)
            .max();
        let receive = incoming.iter().cloned().map(Transaction::ReceiveMessages);
        let execute = updates
            .iter()
            .chain(operations)
            .cloned()
            .map(Transaction::ExecuteOperation);
        ProposedBlock {
            chain_id: state.chain_id,
            epoch: state.epoch,
            transactions: receive.chain(execute).collect(),
            height: state.next_height,
            timestamp: now.max(state.timestamp).max(newest.unwrap_or_default()),
            authenticated_owner: Some(self.config.key.public().owner()),
            previous_block_hash: state.tip_hash,
        }
    }

    /// The id of a chain that may have been opened since the command was given.
    pub(super) fn opened_id(&self, chain: &ChainId) -> ChainId {
        self.opened.get(chain).copied().unwrap_or(*chain)
    }

    fn account(&self, account: &Account) -> Account {
        Account {
            chain_id: self.opened_id(&account.chain_id),
            ..*account
        }
    }

    /// Whether a command names a chain that nobody has opened yet, as far as this wallet knows.
    pub(super) fn names_unopened(&self, action: &Action) -> bool {
        let unopened = |chain: &ChainId| {
            self.config.placeholders.contains(chain) && !self.opened.contains_key(chain)
        };
        match action {
            Action::Transfer { recipient, .. }
            | Action::TransferFrom { recipient, .. }
            | Action::Submit { recipient, .. } => unopened(&recipient.chain_id),
            Action::Claim {
                target_id,
                recipient,
                ..
            } => unopened(target_id) || unopened(&recipient.chain_id),
            Action::SendBundle(draft) => unopened(&draft.destination),
            Action::Airdrop { recipients, .. } => recipients.iter().any(unopened),
            Action::OpenChain { .. }
            | Action::Approve { .. }
            | Action::ProcessInbox
            | Action::TakeNewest
            | Action::ChangeOwnership(_)
            | Action::CloseChain
            | Action::NewCommittee(_)
            | Action::RevokeEpoch(_)
            | Action::PublishBlobs(_)
            | Action::VerifyBlob(_)
            | Action::PublishModule(_)
            | Action::ChangePermissions { .. } => false,
            Action::CreateApplication(creation) => {
                let texts = [&creation.parameters, &creation.argument];
                texts.into_iter().flat_map(Template::chains).any(unopened)
            }
            Action::Call(call) => call.says.text().chains().any(unopened),
        }
    }

    /// What a command does. An error says why it cannot be done.
    fn operations_of(
        &self,
        now: Timestamp,
        action: &Action,
        store: &dyn ContentStore,
    ) -> Result<Vec<SystemOperation>, String> {
        let operation = match action {
            Action::Transfer {
                owner,
                recipient,
                amount,
            } => SystemOperation::Transfer {
                owner: *owner,
                recipient: self.account(recipient),
                amount: *amount,
            },
            Action::Approve {
                owner,
                spender,
                amount,
            } => SystemOperation::Approve {
                owner: *owner,
                spender: *spender,
                amount: *amount,
            },
            Action::TransferFrom {
                owner,
                recipient,
                amount,
            } => SystemOperation::TransferFrom {
                owner: *owner,
                recipient: self.account(recipient),
                amount: *amount,
            },
            Action::SendBundle(draft) => SystemOperation::SendBundle(self.bundle(draft)),
            Action::Claim {
                owner,
                target_id,
                recipient,
                amount,
            } => SystemOperation::Claim {
                owner: *owner,
                target_id: self.opened_id(target_id),
                recipient: self.account(recipient),
                amount: *amount,
            },
            Action::OpenChain {
                ownership,
                balance,
                permissions,
                ..
            } => SystemOperation::OpenChain(InitialChainConfig {
                ownership: ownership.clone(),
                epoch: self.chain_ref().execution.epoch,
                balance: *balance,
                permissions: permissions.as_ref().map(|one| self.permissions(one)),
            }),
            Action::ChangeOwnership(ownership) => {
                SystemOperation::ChangeOwnership(ownership.clone())
            }
            Action::CloseChain => SystemOperation::CloseChain,
            Action::ChangePermissions { permissions, close } => {
                let permissions = self.permissions(permissions);
                let change = SystemOperation::ChangeApplicationPermissions(permissions);
                let close = close.then_some(SystemOperation::CloseChain);
                return Ok([change].into_iter().chain(close).collect());
            }
            Action::Airdrop { recipients, amount } => {
                return Ok(self.airdrop(recipients, *amount));
            }
            Action::NewCommittee(committee) => return Ok(self.new_committee(committee)),
            Action::RevokeEpoch(epoch) => SystemOperation::RemoveCommittee { epoch: *epoch },
            Action::PublishBlobs(_) | Action::VerifyBlob(_) => {
                return Ok(operations_on_blobs(action));
            }
            Action::PublishModule(_) | Action::CreateApplication(_) | Action::Call(_) => {
                return self.operations_on_applications(now, action, store);
            }
            Action::Submit { .. } | Action::ProcessInbox | Action::TakeNewest => {
                return Ok(Vec::new());
            }
        };
        Ok(vec![operation])
    }

    fn bundle(&self, draft: &BundleDraft) -> Arc<BundleDraft> {
        let mut draft = draft.clone();
        draft.destination = self.opened_id(&draft.destination);
        for message in &mut draft.messages {
            if let ContentDraft::Withdraw { recipient, .. } = &mut message.content {
                *recipient = self.account(recipient);
            }
        }
        Arc::new(draft)
    }

    fn airdrop(&self, recipients: &[ChainId], amount: Amount) -> Vec<SystemOperation> {
        let pay = |recipient: &ChainId| SystemOperation::Transfer {
            owner: AccountOwner::CHAIN,
            recipient: Account::chain(self.opened_id(recipient)),
            amount,
        };
        recipients.iter().map(pay).collect()
    }

    fn new_committee(&self, committee: &Arc<Committee>) -> Vec<SystemOperation> {
        let publish = SystemOperation::PublishCommitteeBlob {
            committee: committee.clone(),
        };
        let epoch = self.chain_ref().execution.epoch.next();
        let blob_hash = CryptoHash::of(&**committee);
        let create = epoch.map(|epoch| SystemOperation::CreateCommittee { epoch, blob_hash });
        [publish].into_iter().chain(create).collect()
    }
}

/// Leaves a submitted operation out, and all that follow it of the same user.
fn leave_out(operations: &mut Vec<SystemOperation>, failed: usize) {
    let user = |operation: &SystemOperation| match operation {
        SystemOperation::Submitted(operation) => Some(operation.owner()),
        _ => None,
    };
    let whose = user(&operations[failed]);
    let mut position = 0;
    operations.retain(|operation| {
        position += 1;
        position <= failed || user(operation) != whose
    });
}

/// Leaves out what may be jumped over, if something later of its origin is taken in.
fn keep_newest(incoming: &mut Vec<IncomingBundle>) {
    let newest: Vec<_> = incoming
        .iter()
        .enumerate()
        .map(|(place, one)| {
            !incoming[place + 1..]
                .iter()
                .any(|later| later.origin == one.origin)
        })
        .collect();
    let mut newest = newest.into_iter();
    incoming.retain(|one| newest.next() == Some(true) || !one.bundle.is_skippable());
}

/// Table 3.3: reject what fails; leave it for later if it may not be rejected, if too much fails, or
/// if there is too much in the block. What cannot even be rejected, since nobody can pay for that,
/// waits too.
fn prune(incoming: &mut Vec<IncomingBundle>, index: usize, error: &ExecutionError, failures: u32) {
    if failures > MAX_FAILURES {
        incoming.truncate(index);
        return;
    }
    let full = error.is_limit_error() && index > 0;
    let rejected = incoming[index].action == MessageAction::Reject;
    if full || rejected || incoming[index].bundle.is_protected() {
        let origin = incoming[index].origin;
        let mut position = 0;
        incoming.retain(|other| {
            position += 1;
            position <= index || other.origin != origin
        });
    } else {
        incoming[index].action = MessageAction::Reject;
    }
}
