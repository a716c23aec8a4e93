//! What the transactions of one block do to the accounts of its chain, and what they send.
//!
//! A small interpreter of its own: it shares no code with the execution that it checks.

use protocol::{
    Amount,
    block::{Block, SystemOperation, Transaction},
    draft::{BundleDraft, ContentDraft},
    ids::{Account, AccountOwner, ChainId},
    message::{
        IncomingBundle, MessageAction, MessageKind, OutgoingMessage, PostedMessage, SystemMessage,
    },
};

use super::{
    Invariant, Verdicts,
    fees::Meter,
    money::{Accounts, value, worth},
};

/// A message that a block should send.
struct Expected<'a> {
    destination: ChainId,
    kind: MessageKind,
    grant: Amount,
    refund_grant_to: Option<Account>,
    said: Said<'a>,
}

impl<'a> Expected<'a> {
    const fn new(destination: ChainId, kind: MessageKind, said: Said<'a>) -> Self {
        Self {
            destination,
            kind,
            grant: Amount::ZERO,
            refund_grant_to: None,
            said,
        }
    }

    /// With a grant, of which what is left goes to the account.
    fn granted(mut self, grant: Amount, refund_grant_to: Option<Account>) -> Self {
        self.grant = grant;
        self.refund_grant_to = refund_grant_to;
        self
    }
}

/// What it should say.
enum Said<'a> {
    /// The same as a message that comes back.
    Same(&'a SystemMessage),
    Credit {
        target: AccountOwner,
        amount: Amount,
        source: AccountOwner,
    },
    Withdraw {
        owner: AccountOwner,
        amount: Amount,
        recipient: Account,
    },
}

impl Expected<'_> {
    /// Whether a message is the expected one.
    fn is(&self, sent: &OutgoingMessage) -> bool {
        let same = match (&self.said, &sent.message) {
            (Said::Same(message), sent) => *message == sent,
            (
                Said::Credit {
                    target,
                    amount,
                    source,
                },
                SystemMessage::Credit {
                    target: to,
                    amount: much,
                    source: from,
                },
            ) => (target, amount, source) == (to, much, from),
            (
                Said::Withdraw {
                    owner,
                    amount,
                    recipient,
                },
                SystemMessage::Withdraw {
                    owner: who,
                    amount: much,
                    recipient: to,
                },
            ) => (owner, amount, recipient) == (who, much, to),
            (Said::Credit { .. } | Said::Withdraw { .. }, _) => false,
        };
        same && sent.destination == self.destination
            && sent.kind == self.kind
            && sent.grant == self.grant
            && sent.refund_grant_to.as_deref() == self.refund_grant_to.as_ref()
    }
}

/// One block being reckoned.
pub(super) struct Reckoning<'a> {
    verdicts: &'a mut Verdicts,
    accounts: &'a mut Accounts,
    block: &'a Block,
    emitted: Vec<Expected<'a>>,
    pub(super) consumed: u128,
    pub(super) dropped: u128,
    /// What the accounts gained and paid.
    pub(super) change: (u128, u128),
}

impl<'a> Reckoning<'a> {
    /// Begins with a block on the accounts of its chain.
    pub(super) const fn new(
        verdicts: &'a mut Verdicts,
        accounts: &'a mut Accounts,
        block: &'a Block,
    ) -> Self {
        Self {
            verdicts,
            accounts,
            block,
            emitted: Vec::new(),
            consumed: 0,
            dropped: 0,
            change: (0, 0),
        }
    }

    pub(super) fn transaction(&mut self, transaction: &'a Transaction) {
        match transaction {
            Transaction::ReceiveMessages(incoming) => self.receive(incoming),
            Transaction::ExecuteOperation(operation) => self.operation(operation),
        }
    }

    /// I-22: what the transaction costs leaves the accounts.
    pub(super) fn pay_fees(&mut self, meter: &mut Meter<'_>, transaction: &Transaction) {
        let paid = meter.transaction(self.verdicts, self.accounts, transaction);
        self.change.1 = self.change.1.saturating_add(paid);
    }

    fn receive(&mut self, incoming: &'a IncomingBundle) {
        self.consumed = self.consumed.saturating_add(worth(&incoming.bundle));
        for posted in &incoming.bundle.messages {
            let carried = value(&posted.message, posted.grant);
            match (incoming.action, posted.kind) {
                (MessageAction::Reject, MessageKind::Tracked) => {
                    let said = Said::Same(&posted.message);
                    let back = Expected::new(incoming.origin, MessageKind::Bouncing, said);
                    let refund = posted.refund_grant_to.as_deref().copied();
                    self.emitted.push(back.granted(posted.grant, refund));
                }
                (MessageAction::Reject, MessageKind::Protected) => self.lose(carried),
                (MessageAction::Reject, _) => {
                    let refunded = self.refund(posted);
                    self.lose(carried.saturating_sub(refunded));
                }
                (MessageAction::Accept, kind) => {
                    self.accept(kind, &posted.message);
                    let refunded = self.refund(posted);
                    self.lose(posted.grant.attos().saturating_sub(refunded));
                }
            }
        }
    }

    const fn lose(&mut self, attos: u128) {
        self.dropped = self.dropped.saturating_add(attos);
    }

    /// A grant goes back to whoever gave it; nothing here uses any of it. Gives how much that is.
    fn refund(&mut self, posted: &PostedMessage) -> u128 {
        let Some(account) = posted.refund_grant_to.as_deref() else {
            return 0;
        };
        if !posted.grant.is_zero() {
            let source = AccountOwner::CHAIN;
            self.give(source, account, posted.grant);
        }
        posted.grant.attos()
    }

    fn accept(&mut self, kind: MessageKind, message: &'a SystemMessage) {
        match message {
            SystemMessage::Credit {
                target,
                amount,
                source,
            } => {
                let bounced = kind == MessageKind::Bouncing;
                self.credit(if bounced { source } else { target }, *amount);
            }
            SystemMessage::Withdraw {
                owner,
                amount,
                recipient,
            } => {
                self.pay(owner, recipient, *amount);
            }
            SystemMessage::User(_) => {}
        }
    }

    fn operation(&mut self, operation: &'a SystemOperation) {
        match operation {
            SystemOperation::Transfer {
                owner,
                recipient,
                amount,
            }
            | SystemOperation::TransferFrom {
                owner,
                recipient,
                amount,
            } => {
                self.pay(owner, recipient, *amount);
            }
            SystemOperation::Claim {
                owner,
                target_id,
                recipient,
                amount,
            } => {
                if *target_id == self.block.chain_id() {
                    self.pay(owner, recipient, *amount);
                } else {
                    let (owner, amount, recipient) = (*owner, *amount, *recipient);
                    let said = Said::Withdraw {
                        owner,
                        amount,
                        recipient,
                    };
                    let sent = Expected::new(*target_id, MessageKind::Simple, said);
                    self.emitted.push(sent);
                }
            }
            SystemOperation::SendBundle(draft) => self.bundle(draft),
            SystemOperation::OpenChain(config) => {
                self.debit(&AccountOwner::CHAIN, config.balance);
            }
            SystemOperation::Submitted(operation) => {
                let submission = &operation.submission;
                self.pay(&operation.owner(), &submission.recipient, submission.amount);
            }
            SystemOperation::ChangeOwnership(_)
            | SystemOperation::CloseChain
            | SystemOperation::PublishCommitteeBlob { .. }
            | SystemOperation::CreateCommittee { .. }
            | SystemOperation::RemoveCommittee { .. }
            | SystemOperation::ProcessNewEpoch(_)
            | SystemOperation::PublishDataBlob { .. }
            | SystemOperation::VerifyBlob { .. }
            | SystemOperation::PublishModule { .. }
            | SystemOperation::CreateApplication(_)
            | SystemOperation::User(_)
            | SystemOperation::UpdateStream(_)
            | SystemOperation::Approve { .. }
            | SystemOperation::ChangeApplicationPermissions(_) => {}
        }
    }

    fn pay(&mut self, owner: &AccountOwner, recipient: &Account, amount: Amount) {
        self.debit(owner, amount);
        self.give(*owner, recipient, amount);
    }

    /// Money that has left its account goes to another one, here or elsewhere.
    fn give(&mut self, source: AccountOwner, recipient: &Account, amount: Amount) {
        if recipient.chain_id == self.block.chain_id() {
            self.credit(&recipient.owner, amount);
        } else {
            let said = Said::Credit {
                target: recipient.owner,
                amount,
                source,
            };
            let sent = Expected::new(recipient.chain_id, MessageKind::Tracked, said);
            self.emitted.push(sent);
        }
    }

    /// Several messages, of which each may be of another kind and carry a grant.
    fn bundle(&mut self, draft: &BundleDraft) {
        for message in &draft.messages {
            let said = match message.content {
                ContentDraft::Credit { target, amount } => {
                    self.debit(&draft.payer, amount);
                    Said::Credit {
                        target,
                        amount,
                        source: draft.payer,
                    }
                }
                ContentDraft::Withdraw {
                    owner,
                    amount,
                    recipient,
                } => Said::Withdraw {
                    owner,
                    amount,
                    recipient,
                },
            };
            let mut refund = None;
            if !message.grant.is_zero() {
                self.debit(&draft.payer, message.grant);
                refund = Some(Account {
                    chain_id: self.block.chain_id(),
                    owner: draft.payer,
                });
            }
            let sent = Expected::new(draft.destination, message.kind, said);
            self.emitted.push(sent.granted(message.grant, refund));
        }
    }

    fn credit(&mut self, owner: &AccountOwner, amount: Amount) {
        let balance = self.accounts.balance(owner);
        let sum = balance.checked_add(amount.attos());
        self.verdicts
            .check(Invariant::NoNegativeBalance, sum.is_some(), || {
                format!("the balance of {owner} wraps")
            });
        if let Some(sum) = sum {
            self.accounts.set(owner, sum);
            self.change.0 = self.change.0.saturating_add(amount.attos());
        }
    }

    fn debit(&mut self, owner: &AccountOwner, amount: Amount) {
        let balance = self.accounts.balance(owner);
        let left = balance.checked_sub(amount.attos());
        let known = self.accounts.is_known();
        self.verdicts.check(
            Invariant::NoNegativeBalance,
            left.is_some() || !known,
            || {
                let balance = Amount::from_attos(balance);
                let height = self.block.height();
                format!("block {height} takes {amount} from {owner}, who holds {balance}")
            },
        );
        self.accounts.set(owner, left.unwrap_or(0));
        self.change.1 = self.change.1.saturating_add(amount.attos().min(balance));
    }

    /// I-21: what the block sends and opens is what its transactions say.
    pub(super) fn compare(&mut self) {
        let outcome = self.block.outcome();
        let sent: Vec<_> = outcome.messages.iter().flatten().collect();
        let same = sent.len() == self.emitted.len()
            && sent
                .iter()
                .zip(&self.emitted)
                .all(|(sent, expected)| expected.is(sent));
        let (found, expected, height) = (sent.len(), self.emitted.len(), self.block.height());
        self.verdicts.check(Invariant::BlockConservation, same, || {
            format!("block {height} sends {found} messages that are not the {expected} expected")
        });
        let configs = self
            .block
            .proposed()
            .operations()
            .filter_map(|operation| match operation {
                SystemOperation::OpenChain(config) => Some(config.balance),
                SystemOperation::Transfer { .. }
                | SystemOperation::Claim { .. }
                | SystemOperation::SendBundle(_)
                | SystemOperation::ChangeOwnership(_)
                | SystemOperation::CloseChain
                | SystemOperation::Submitted(_)
                | SystemOperation::PublishCommitteeBlob { .. }
                | SystemOperation::CreateCommittee { .. }
                | SystemOperation::RemoveCommittee { .. }
                | SystemOperation::ProcessNewEpoch(_)
                | SystemOperation::PublishDataBlob { .. }
                | SystemOperation::VerifyBlob { .. }
                | SystemOperation::PublishModule { .. }
                | SystemOperation::CreateApplication(_)
                | SystemOperation::User(_)
                | SystemOperation::UpdateStream(_)
                | SystemOperation::Approve { .. }
                | SystemOperation::TransferFrom { .. }
                | SystemOperation::ChangeApplicationPermissions(_) => None,
            });
        let opened = self
            .block
            .opened()
            .map(|description| description.config.balance);
        self.verdicts
            .check(Invariant::BlockConservation, configs.eq(opened), || {
                format!("block {height} opens other chains than its operations say")
            });
    }
}
