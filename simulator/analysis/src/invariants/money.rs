//! I-19, I-20, I-21: where the native token is, reckoned from the genesis and the confirmed blocks
//! alone.
//!
//! Owns all accounts. Totals are kept as it goes, so a block costs what it contains.

use std::sync::Arc;

use protocol::{
    Amount,
    block::Block,
    description::ChainDescription,
    ids::{AccountOwner, ChainId},
    message::{MessageBundle, SystemMessage},
    policy::ResourceControlPolicy,
};

use super::{Invariant, Verdicts, actions::Known, drops::Drops, fees::Meter, reckoning::Reckoning};
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
    /// resources cost in its epoch, `known` what its applications did, `published` the blobs of each
    /// transaction with their bytes. Gives what it has cost, where anything costs, and what its chain
    /// holds after it.
    pub(crate) fn block(
        &mut self,
        verdicts: &mut Verdicts,
        (chain, block, known): (ChainNo, &Block, Known<'_>),
        published: Option<Vec<(u64, u64)>>,
        skipped: u128,
        policy: Option<&ResourceControlPolicy>,
        registry: &mut Registry,
    ) -> Option<(u128, Option<u128>)> {
        reach(&mut self.accounts, chain.index());
        let priced = policy.is_some_and(|policy| {
            let prices = &policy.prices;
            !prices.blob_published.is_zero() || !prices.blob_byte_published.is_zero()
        });
        let known = match &published {
            // It costs something, and nobody has told how much.
            None if priced => Known::Untold,
            Some(_) | None => known,
        };
        if known.told().is_none() {
            self.untold(chain);
        }
        let published = published.unwrap_or_default();
        let meter = policy.map(|policy| Meter::new(verdicts, policy, (block, known), published));
        let accounts = &mut self.accounts[chain.index()];
        let mut reckoning = Reckoning::new(verdicts, accounts, (block, known), meter);
        for transaction in &block.proposed().transactions {
            reckoning.transaction(transaction);
        }
        reckoning.compare();
        let fees = reckoning.fees();
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

pub(super) fn value(message: &SystemMessage, grant: Amount) -> u128 {
    let carried = match message {
        SystemMessage::Credit { amount, .. } => amount.attos(),
        SystemMessage::Withdraw { .. } | SystemMessage::User(_) => 0,
    };
    carried.saturating_add(grant.attos())
}
