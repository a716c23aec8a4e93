//! I-19, I-20, I-21: where the native token is, reckoned from the genesis and the confirmed blocks
//! alone.
//!
//! A small interpreter of its own: it shares no code with the execution that it checks. Totals are
//! kept as it goes, so a block costs what it contains.

use std::sync::Arc;

use protocol::{
    Amount,
    block::{Block, SystemOperation, Transaction},
    description::ChainDescription,
    ids::{Account, AccountOwner, ChainId},
    message::{
        IncomingBundle, MessageAction, MessageBundle, MessageKind, OutgoingMessage, SystemMessage,
    },
    policy::ResourceControlPolicy,
};

use super::{Invariant, Verdicts, drops::Drops, fees::Meter};
use crate::registry::{ChainNo, Registry, reach};

/// The accounts of one chain.
#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    /// The chain's own balance.
    chain: u128,
    /// Balances of owners on it; none is zero.
    owners: Vec<(AccountOwner, u128)>,
    /// Whether a block of it was never told, so that its balances are not known.
    untold: bool,
}

/// All money.
#[derive(Debug)]
pub(crate) struct Money {
    accounts: Vec<Accounts>,
    supply: u128,
    balances: u128,
    in_flight: u128,
    /// Lost for good: rejected messages that do not come back, and bundles that were jumped over.
    dropped: u128,
    /// Fees, which nobody has.
    burned: u128,
    /// Where it was dropped.
    pub(crate) drops: Drops,
    untold: bool,
}

impl Money {
    /// The chains of the genesis have the first numbers, in this order.
    pub(crate) fn new(genesis: &[(ChainId, Arc<ChainDescription>)]) -> Self {
        let balance = |description: &ChainDescription| description.config.balance.attos();
        let chains = genesis.iter().map(|(_, description)| balance(description));
        let supply = chains.clone().fold(0u128, u128::saturating_add);
        let account = |chain| Accounts {
            chain,
            ..Accounts::default()
        };
        Self {
            accounts: chains.map(account).collect(),
            supply,
            balances: supply,
            in_flight: 0,
            dropped: 0,
            burned: 0,
            drops: Drops::default(),
            untold: false,
        }
    }

    /// A chain's own balance, in attos; `None` if it is not known.
    pub(crate) fn chain_balance(&self, chain: ChainNo) -> Option<u128> {
        let accounts = self.accounts.get(chain.index());
        accounts.map_or(Some(0), |accounts| {
            (!accounts.untold).then_some(accounts.chain)
        })
    }

    /// What an account of a chain holds, in attos; `None` if it is not known.
    pub(crate) fn balance(&self, chain: ChainNo, owner: &AccountOwner) -> Option<u128> {
        let Some(accounts) = self.accounts.get(chain.index()) else {
            return Some(0);
        };
        (!accounts.untold).then(|| accounts.balance(owner))
    }

    /// What all accounts of a chain hold together, in attos; `None` if it is not known.
    pub(crate) fn total(&self, chain: ChainNo) -> Option<u128> {
        let Some(accounts) = self.accounts.get(chain.index()) else {
            return Some(0);
        };
        let owners = accounts.owners.iter().map(|(_, balance)| *balance);
        (!accounts.untold).then(|| owners.fold(accounts.chain, u128::saturating_add))
    }

    /// Balances and messages on their way, in attos; `None` if they are not known.
    pub(crate) fn held(&self) -> Option<u128> {
        (!self.untold).then(|| self.balances.saturating_add(self.in_flight))
    }

    /// A block of this chain was never told: neither are its balances from here on.
    pub(crate) fn untold(&mut self, chain: ChainNo) {
        self.untold = true;
        reach(&mut self.accounts, chain.index()).untold = true;
    }

    /// Money comes from a block that was never told.
    pub(crate) const fn untold_origin(&mut self) {
        self.untold = true;
    }

    /// What was lost for good, in attos; `None` if it is not known.
    pub(crate) fn dropped(&self) -> Option<u128> {
        (!self.untold).then_some(self.dropped)
    }

    /// Takes in a confirmed block; `skipped` is what bundles held that it jumped over, `policy` what
    /// resources cost in its epoch. Gives what it has cost, where anything costs, and what its chain
    /// holds after it.
    pub(crate) fn block(
        &mut self,
        verdicts: &mut Verdicts,
        (chain, block): (ChainNo, &Block),
        skipped: u128,
        policy: Option<&ResourceControlPolicy>,
        registry: &mut Registry,
    ) -> Option<(u128, Option<u128>)> {
        reach(&mut self.accounts, chain.index());
        let mut meter = policy.map(|policy| Meter::new(verdicts, policy, block));
        let mut reckoning = Reckoning {
            verdicts,
            accounts: &mut self.accounts[chain.index()],
            block,
            emitted: Vec::new(),
            consumed: 0,
            dropped: 0,
            change: (0, 0),
        };
        for transaction in &block.proposed().transactions {
            reckoning.transaction(transaction);
            if let Some(meter) = &mut meter {
                reckoning.pay_fees(meter, transaction);
            }
        }
        reckoning.compare();
        let Reckoning {
            consumed,
            dropped,
            change: (gained, paid),
            ..
        } = reckoning;
        let sent = block
            .outcome()
            .messages
            .iter()
            .flatten()
            .fold(0, |sum: u128, message| {
                sum.saturating_add(value(&message.message, message.grant))
            });
        let mut children = 0u128;
        for description in block.opened() {
            let child = registry.chain(&description.id());
            let balance = description.config.balance.attos();
            let accounts = reach(&mut self.accounts, child.index());
            accounts.chain = accounts.chain.saturating_add(balance);
            children = children.saturating_add(balance);
        }
        self.balances = self.balances.saturating_add(gained).saturating_sub(paid);
        self.balances = self.balances.saturating_add(children);
        self.dropped = self.dropped.saturating_add(dropped).saturating_add(skipped);
        self.drops.note(verdicts.stamp, block, (dropped, skipped));
        let fees = meter.map(|meter| meter.fees);
        self.burned = self.burned.saturating_add(fees.unwrap_or(0));
        let on_the_way = self.in_flight.saturating_add(sent);
        let left = consumed
            .checked_add(skipped)
            .and_then(|gone| on_the_way.checked_sub(gone));
        self.in_flight = left.unwrap_or(0);
        if !self.untold {
            self.conserve(verdicts, left.is_some());
        }
        fees.map(|fees| (fees, self.total(chain)))
    }

    fn conserve(&self, verdicts: &mut Verdicts, enough: bool) {
        let parts = [self.in_flight, self.dropped, self.burned];
        let sum = parts
            .iter()
            .try_fold(self.balances, |sum, part| sum.checked_add(*part));
        verdicts.check(
            Invariant::Conservation,
            enough && sum == Some(self.supply),
            || {
                let text = |attos| Amount::from_attos(attos).to_string();
                format!(
                    "balances {} and messages {} and dropped {} and fees {} are not the supply {}",
                    text(self.balances),
                    text(self.in_flight),
                    text(self.dropped),
                    text(self.burned),
                    text(self.supply)
                )
            },
        );
    }
}

impl Accounts {
    pub(super) fn balance(&self, owner: &AccountOwner) -> u128 {
        if *owner == AccountOwner::CHAIN {
            return self.chain;
        }
        let own = self.owners.iter().find(|(other, _)| other == owner);
        own.map_or(0, |(_, balance)| *balance)
    }

    /// Whether all blocks of the chain were told.
    pub(super) const fn is_known(&self) -> bool {
        !self.untold
    }

    pub(super) fn set(&mut self, owner: &AccountOwner, balance: u128) {
        if *owner == AccountOwner::CHAIN {
            self.chain = balance;
            return;
        }
        match self.owners.iter().position(|(other, _)| other == owner) {
            Some(at) if balance == 0 => {
                self.owners.swap_remove(at);
            }
            Some(at) => self.owners[at].1 = balance,
            None if balance > 0 => {
                self.owners.reserve_exact(1);
                self.owners.push((*owner, balance));
            }
            None => {}
        }
    }
}

/// What a bundle is worth to the supply.
pub(super) fn worth(bundle: &MessageBundle) -> u128 {
    bundle.messages.iter().fold(0, |sum, posted| {
        sum.saturating_add(value(&posted.message, posted.grant))
    })
}

fn value(message: &SystemMessage, grant: Amount) -> u128 {
    let carried = match message {
        SystemMessage::Credit { amount, .. } => amount.attos(),
        SystemMessage::Withdraw { .. } => 0,
    };
    carried.saturating_add(grant.attos())
}

/// A message that a block should send.
type Expected<'a> = (ChainId, MessageKind, Said<'a>);

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

/// One block being reckoned.
struct Reckoning<'a> {
    verdicts: &'a mut Verdicts,
    accounts: &'a mut Accounts,
    block: &'a Block,
    emitted: Vec<Expected<'a>>,
    consumed: u128,
    dropped: u128,
    /// What the accounts gained and paid.
    change: (u128, u128),
}

impl<'a> Reckoning<'a> {
    fn transaction(&mut self, transaction: &'a Transaction) {
        match transaction {
            Transaction::ReceiveMessages(incoming) => self.receive(incoming),
            Transaction::ExecuteOperation(operation) => self.operation(operation),
        }
    }

    /// I-22: what the transaction costs leaves the accounts.
    fn pay_fees(&mut self, meter: &mut Meter<'_>, transaction: &Transaction) {
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
                    self.emitted
                        .push((incoming.origin, MessageKind::Bouncing, said));
                }
                (MessageAction::Reject, _) => self.dropped = self.dropped.saturating_add(carried),
                (MessageAction::Accept, kind) => self.accept(kind, &posted.message),
            }
        }
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
        }
    }

    fn operation(&mut self, operation: &'a SystemOperation) {
        match operation {
            SystemOperation::Transfer {
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
                    self.emitted.push((*target_id, MessageKind::Simple, said));
                }
            }
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
            | SystemOperation::ChangeApplicationPermissions(_) => {}
        }
    }

    fn pay(&mut self, owner: &AccountOwner, recipient: &Account, amount: Amount) {
        self.debit(owner, amount);
        if recipient.chain_id == self.block.chain_id() {
            self.credit(&recipient.owner, amount);
        } else {
            let said = Said::Credit {
                target: recipient.owner,
                amount,
                source: *owner,
            };
            self.emitted
                .push((recipient.chain_id, MessageKind::Tracked, said));
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
        let known = !self.accounts.untold;
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
    fn compare(&mut self) {
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
                | SystemOperation::ChangeOwnership(_)
                | SystemOperation::CloseChain
                | SystemOperation::Submitted(_)
                | SystemOperation::PublishCommitteeBlob { .. }
                | SystemOperation::CreateCommittee { .. }
                | SystemOperation::RemoveCommittee { .. }
                | SystemOperation::ProcessNewEpoch(_)
                | SystemOperation::PublishDataBlob { .. }
                | SystemOperation::VerifyBlob { .. }
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

/// Whether a message is the expected one.
trait Is {
    fn is(&self, sent: &OutgoingMessage) -> bool;
}

impl Is for Expected<'_> {
    fn is(&self, sent: &OutgoingMessage) -> bool {
        let (destination, kind, said) = self;
        let same = match (said, &sent.message) {
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
        same && sent.destination == *destination && sent.kind == *kind
    }
}
