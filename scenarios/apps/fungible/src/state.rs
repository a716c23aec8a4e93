//! The accounts on one chain. An account without tokens takes no room.

use linera_sdk::{
    linera_base_types::{AccountOwner, Amount},
    views::{MapView, RootView, ViewStorageContext, linera_views},
};

/// What is stored.
#[derive(RootView)]
#[view(context = ViewStorageContext)]
pub struct FungibleState {
    /// Tokens by owner; never zero.
    pub accounts: MapView<AccountOwner, Amount>,
    /// What an owner lets a spender take, by both; never zero.
    pub allowances: MapView<(AccountOwner, AccountOwner), Amount>,
}

impl FungibleState {
    /// The tokens of an owner on this chain.
    pub async fn balance(&self, owner: &AccountOwner) -> Amount {
        let balance = self.accounts.get(owner).await;
        balance.expect("accounts can be read").unwrap_or_default()
    }

    /// How much of the owner's tokens the spender may still take.
    pub async fn allowance(&self, owner: AccountOwner, spender: AccountOwner) -> Amount {
        let allowance = self.allowances.get(&(owner, spender)).await;
        allowance
            .expect("allowances can be read")
            .unwrap_or_default()
    }

    /// Gives tokens to an owner.
    ///
    /// # Panics
    /// If the owner would have more than an amount can say.
    pub async fn credit(&mut self, owner: AccountOwner, amount: Amount) {
        if amount == Amount::ZERO {
            return;
        }
        let balance = self.balance(&owner).await.try_add(amount);
        let balance = balance.expect("a balance is an amount");
        let stored = self.accounts.insert(&owner, balance);
        stored.expect("accounts can be written");
    }

    /// Takes tokens from an owner.
    ///
    /// # Panics
    /// If there are too few.
    pub async fn debit(&mut self, owner: AccountOwner, amount: Amount) {
        let balance = self.balance(&owner).await;
        let Ok(rest) = balance.try_sub(amount) else {
            panic!("{owner} has {balance} tokens on this chain, not {amount}");
        };
        let stored = if rest == Amount::ZERO {
            self.accounts.remove(&owner)
        } else {
            self.accounts.insert(&owner, rest)
        };
        stored.expect("accounts can be written");
    }

    /// Lets a spender take so much of the owner's tokens from now on.
    pub fn allow(&mut self, owner: AccountOwner, spender: AccountOwner, allowance: Amount) {
        let stored = if allowance == Amount::ZERO {
            self.allowances.remove(&(owner, spender))
        } else {
            self.allowances.insert(&(owner, spender), allowance)
        };
        stored.expect("allowances can be written");
    }
}
