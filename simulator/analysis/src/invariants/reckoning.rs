//! What the transactions of one block do to the accounts of its chain, and what they send.
//!
//! A small interpreter of its own: it shares no code with the execution that it checks.

use protocol::{
    Amount,
    application::activity::{MoneyMove, Moved},
    block::{Block, SystemOperation, Transaction},
    draft::{BundleDraft, ContentDraft},
    ids::{Account, AccountOwner, ApplicationId, ChainId},
    message::{
        IncomingBundle, MessageAction, MessageKind, OutgoingMessage, PostedMessage, SystemMessage,
    },
};

use super::{
    Invariant, Verdicts,
    actions::{self, Known},
    fees::Meter,
    money::{Accounts, value, worth},
};
use crate::registry::index;

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
    /// Whatever this application says, to whom it likes: it has been granted something.
    Granted(ApplicationId),
}

/// Whether a message is one that an application may send.
fn is_of_application(sent: &OutgoingMessage) -> Option<ApplicationId> {
    match (&sent.message, sent.kind) {
        (SystemMessage::User(_), MessageKind::Bouncing | MessageKind::Protected) => None,
        (SystemMessage::User(message), MessageKind::Simple | MessageKind::Tracked) => {
            Some(message.application_id)
        }
        (SystemMessage::Credit { .. } | SystemMessage::Withdraw { .. }, _) => None,
    }
}

impl Expected<'_> {
    /// Whether a message is the expected one.
    fn is(&self, sent: &OutgoingMessage) -> bool {
        if let Said::Granted(application) = self.said {
            return is_of_application(sent) == Some(application)
                && sent.grant == self.grant
                && sent.refund_grant_to.as_deref() == self.refund_grant_to.as_ref();
        }
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
            (Said::Credit { .. } | Said::Withdraw { .. } | Said::Granted(_), _) => false,
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
    /// What its applications did.
    known: Known<'a>,
    /// The next user action.
    next_action: u32,
    meter: Option<Meter<'a>>,
    emitted: Vec<Expected<'a>>,
    /// Balances of the chains that it should open.
    opens: Vec<Amount>,
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
        (block, known): (&'a Block, Known<'a>),
        meter: Option<Meter<'a>>,
    ) -> Self {
        Self {
            verdicts,
            accounts,
            block,
            known,
            next_action: 0,
            meter,
            opens: Vec::new(),
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
        // I-22: what it costs leaves the accounts.
        if let Some(meter) = &mut self.meter {
            let paid = meter.transaction(self.verdicts, self.accounts, transaction);
            self.change.1 = self.change.1.saturating_add(paid);
        }
    }

    /// What the block has cost, if anything costs and it is known.
    pub(super) fn fees(&self) -> Option<u128> {
        self.known.told()?;
        self.meter.as_ref().map(|meter| meter.fees)
    }

    /// A user action: the money that it moves, and what it costs. Gives what is left of its grant.
    fn action(&mut self, grant: Amount) -> Amount {
        let Some(activity) = self.known.told() else {
            return grant;
        };
        let place = self.next_action;
        self.next_action += 1;
        let moves = activity.moves.iter().filter(|one| one.action == place);
        for moved in moves {
            self.moves(moved);
        }
        let (Some(meter), Some(action)) = (&mut self.meter, activity.actions.get(index(place)))
        else {
            return grant;
        };
        let (from_accounts, from_grant) =
            meter.action(self.verdicts, self.accounts, action, grant.attos());
        self.change.1 = self.change.1.saturating_add(from_accounts);
        Amount::from_attos(grant.attos().saturating_sub(from_grant))
    }

    fn moves(&mut self, moved: &MoneyMove) {
        match &moved.what {
            Moved::Transfer {
                source,
                destination,
                amount,
            } => self.pay(source, destination, *amount),
            Moved::Claim {
                source,
                target,
                destination,
                amount,
            } => self.claim(*source, *target, destination, *amount),
            Moved::Opened { amount, .. } => self.open(*amount),
            Moved::Grant { source, amount } => {
                self.debit(source, *amount);
                let said = Said::Granted(moved.application);
                let chain_id = self.block.chain_id();
                let owner = *source;
                let back = Some(Account { chain_id, owner });
                let sent = Expected::new(chain_id, MessageKind::Simple, said);
                self.emitted.push(sent.granted(*amount, back));
            }
        }
    }

    fn open(&mut self, balance: Amount) {
        self.debit(&AccountOwner::CHAIN, balance);
        self.opens.push(balance);
    }

    fn claim(&mut self, owner: AccountOwner, target: ChainId, recipient: &Account, amount: Amount) {
        if target == self.block.chain_id() {
            self.pay(&owner, recipient, amount);
            return;
        }
        let said = Said::Withdraw {
            owner,
            amount,
            recipient: *recipient,
        };
        let sent = Expected::new(target, MessageKind::Simple, said);
        self.emitted.push(sent);
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
                    let refunded = self.refund(posted, posted.grant);
                    self.lose(carried.saturating_sub(refunded));
                }
                (MessageAction::Accept, kind) => {
                    let left = self.accept(kind, posted);
                    let refunded = self.refund(posted, left);
                    self.lose(left.attos().saturating_sub(refunded));
                }
            }
        }
    }

    const fn lose(&mut self, attos: u128) {
        self.dropped = self.dropped.saturating_add(attos);
    }

    /// What is left of a grant goes back to whoever gave it. Gives how much that is.
    fn refund(&mut self, posted: &PostedMessage, left: Amount) -> u128 {
        let Some(account) = posted.refund_grant_to.as_deref() else {
            return 0;
        };
        if !left.is_zero() {
            let source = AccountOwner::CHAIN;
            self.give(source, account, left);
        }
        left.attos()
    }

    /// Gives what is left of the message's grant.
    fn accept(&mut self, kind: MessageKind, posted: &'a PostedMessage) -> Amount {
        match &posted.message {
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
            SystemMessage::User(_) => return self.action(posted.grant),
        }
        posted.grant
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
            } => self.claim(*owner, *target_id, recipient, *amount),
            SystemOperation::SendBundle(draft) => self.bundle(draft),
            SystemOperation::OpenChain(config) => self.open(config.balance),
            SystemOperation::CreateApplication(_)
            | SystemOperation::User(_)
            | SystemOperation::UpdateStream(_) => {
                self.action(Amount::ZERO);
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

    /// I-21: what the block sends and opens is what its transactions say, and its applications did.
    pub(super) fn compare(&mut self) {
        let Some(activity) = self.known.told() else {
            return;
        };
        let outcome = self.block.outcome();
        let mut expected = self.emitted.iter();
        let mut as_expected = |transaction: usize, sent: &OutgoingMessage| {
            let free = is_of_application(sent).filter(|_| sent.grant.is_zero());
            if let Some(application) = free {
                return sent.refund_grant_to.is_none()
                    && actions::ran(activity, transaction, application);
            }
            expected.next().is_some_and(|expected| expected.is(sent))
        };
        let mut sent = outcome.messages.iter().enumerate();
        let same = sent.all(|(at, sent)| sent.iter().all(|sent| as_expected(at, sent)))
            && expected.next().is_none();
        let (expected, height) = (self.emitted.len(), self.block.height());
        self.verdicts.check(Invariant::BlockConservation, same, || {
            let found = outcome.messages.iter().map(Vec::len).sum::<usize>();
            format!("block {height} sends {found} messages that are not the {expected} expected")
        });
        let opened = self
            .block
            .opened()
            .map(|description| description.config.balance);
        let same = opened.eq(self.opens.iter().copied());
        self.verdicts.check(Invariant::BlockConservation, same, || {
            format!("block {height} opens other chains than its transactions say")
        });
    }
}
