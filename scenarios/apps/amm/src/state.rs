//! The state of a pool, on the chain where it lies; elsewhere there is none.

use fungible::Account;
use linera_sdk::{
    linera_base_types::Amount,
    views::{MapView, RegisterView, RootView, ViewStorageContext, linera_views},
};

/// What is stored.
#[derive(RootView)]
#[view(context = ViewStorageContext)]
pub struct AmmState {
    /// What is in the pool, of the first and the second token.
    pub reserves: RegisterView<[Amount; 2]>,
    /// Who has filled it, from which chain, and how much is theirs; never zero.
    pub shares: MapView<Account, Amount>,
    /// The sum of all shares.
    pub total_shares: RegisterView<Amount>,
    /// How many trades there were.
    pub trades: RegisterView<u64>,
}

impl AmmState {
    /// What somebody owns of the pool.
    pub async fn shares_of(&self, account: &Account) -> Amount {
        let shares = self.shares.get(account).await;
        shares.expect("shares can be read").unwrap_or_default()
    }

    /// Gives somebody shares.
    ///
    /// # Panics
    /// If there are more than an amount can say.
    pub async fn issue(&mut self, account: Account, shares: Amount) {
        let own = self.shares_of(&account).await.try_add(shares);
        let own = own.expect("shares are an amount");
        let stored = self.shares.insert(&account, own);
        stored.expect("shares can be written");
        let total = self.total_shares.get().try_add(shares);
        self.total_shares.set(total.expect("shares are an amount"));
    }

    /// Takes shares from somebody.
    ///
    /// # Panics
    /// If there are too few.
    pub async fn redeem(&mut self, account: Account, shares: Amount) {
        let own = self.shares_of(&account).await;
        let Ok(rest) = own.try_sub(shares) else {
            panic!("{} owns {own} shares, not {shares}", account.owner);
        };
        let stored = if rest == Amount::ZERO {
            self.shares.remove(&account)
        } else {
            self.shares.insert(&account, rest)
        };
        stored.expect("shares can be written");
        let total = self.total_shares.get().try_sub(shares);
        self.total_shares.set(total.expect("the total is the sum"));
    }
}
