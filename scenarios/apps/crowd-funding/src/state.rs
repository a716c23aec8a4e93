//! The state of a campaign, on the chain where it lies; elsewhere there is none.

use linera_sdk::{
    linera_base_types::Amount,
    views::{MapView, RegisterView, RootView, ViewStorageContext, linera_views},
};

use crate::{Account, Campaign, Status};

/// What is stored.
#[derive(RootView)]
#[view(context = ViewStorageContext)]
pub struct CrowdFundingState {
    /// What is collected for, where the campaign lies.
    pub campaign: RegisterView<Option<Campaign>>,
    /// How far it is.
    pub status: RegisterView<Status>,
    /// What everybody has given, by the account that it goes back to; never zero.
    pub pledges: MapView<Account, Amount>,
    /// The sum of it.
    pub collected: RegisterView<Amount>,
}

impl CrowdFundingState {
    /// The campaign.
    ///
    /// # Panics
    /// On another chain than the campaign's.
    pub fn campaign(&self) -> &Campaign {
        let campaign = self.campaign.get().as_ref();
        campaign.expect("the campaign lies on the chain that created it")
    }

    /// Notes what somebody has given.
    ///
    /// # Panics
    /// If there are more tokens than an amount can say.
    pub async fn note(&mut self, giver: Account, amount: Amount) {
        let before = self.pledges.get(&giver).await;
        let before = before.expect("pledges can be read").unwrap_or_default();
        let sum = before.try_add(amount).expect("a pledge is an amount");
        let stored = self.pledges.insert(&giver, sum);
        stored.expect("pledges can be written");
        let collected = self.collected.get().try_add(amount);
        self.collected.set(collected.expect("the sum is an amount"));
    }

    /// Everybody and what they have given.
    pub async fn givers(&self) -> Vec<(Account, Amount)> {
        let pledges = self.pledges.index_values().await;
        pledges.expect("pledges can be read")
    }
}
