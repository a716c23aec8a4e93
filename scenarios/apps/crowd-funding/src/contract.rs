//! The contract: takes pledges until the deadline, then pays one way or the other.

#![cfg_attr(target_arch = "wasm32", no_main)]

use crowd_funding::{
    Account, Campaign, CrowdFundingAbi, FungibleTokenAbi, Message, Operation, Status,
    state::CrowdFundingState,
};
use linera_sdk::{
    Contract, ContractRuntime,
    linera_base_types::{AccountOwner, Amount, ApplicationId, WithContractAbi},
    views::{RootView, View},
};

/// A campaign, while a transaction runs.
pub struct CrowdFundingContract {
    state: CrowdFundingState,
    runtime: ContractRuntime<Self>,
}

linera_sdk::contract!(CrowdFundingContract);

impl WithContractAbi for CrowdFundingContract {
    type Abi = CrowdFundingAbi;
}

impl Contract for CrowdFundingContract {
    type Message = Message;
    type Parameters = ApplicationId<FungibleTokenAbi>;
    type InstantiationArgument = Campaign;
    type EventValue = ();

    async fn load(runtime: ContractRuntime<Self>) -> Self {
        let state = CrowdFundingState::load(runtime.root_view_storage_context())
            .await
            .expect("the state of a campaign can be read");
        CrowdFundingContract { state, runtime }
    }

    async fn instantiate(&mut self, campaign: Campaign) {
        // Parameters that do not decode are better found here than at the first pledge.
        self.runtime.application_parameters();
        assert!(
            campaign.deadline > self.runtime.system_time(),
            "a campaign ends in the future"
        );
        self.state.campaign.set(Some(campaign));
    }

    async fn execute_operation(&mut self, operation: Operation) {
        match operation {
            Operation::Pledge { owner, amount } => self.pledge(owner, amount).await,
            Operation::Collect => self.collect(),
            Operation::Cancel => self.cancel().await,
        }
    }

    async fn execute_message(&mut self, Message::Pledge { owner, amount }: Message) {
        let chain_id = self.runtime.message_origin_chain_id();
        let chain_id = chain_id.expect("a message comes from a chain");
        self.note(Account { chain_id, owner }, amount).await;
    }

    async fn store(mut self) {
        self.state
            .save()
            .await
            .expect("the state of a campaign can be written");
    }
}

impl CrowdFundingContract {
    /// Sends tokens to the campaign's account, and says whose they are where it lies.
    async fn pledge(&mut self, owner: AccountOwner, amount: Amount) {
        assert!(amount > Amount::ZERO, "a pledge is something");
        let here = self.runtime.chain_id();
        let campaign = Account {
            chain_id: self.runtime.application_creator_chain_id(),
            owner: self.runtime.application_id().forget_abi().into(),
        };
        self.transfer(owner, amount, campaign);
        if campaign.chain_id == here {
            let giver = Account {
                chain_id: here,
                owner,
            };
            self.note(giver, amount).await;
        } else {
            let message = Message::Pledge { owner, amount };
            self.runtime
                .prepare_message(message)
                .with_authentication()
                .send_to(campaign.chain_id);
        }
    }

    async fn note(&mut self, giver: Account, amount: Amount) {
        self.must_be_open();
        let deadline = self.state.campaign().deadline;
        assert!(
            self.runtime.system_time() < deadline,
            "the campaign takes nothing from its deadline on"
        );
        self.state.note(giver, amount).await;
    }

    fn must_be_open(&self) {
        let status = *self.state.status.get();
        assert_eq!(status, Status::Open, "the campaign has ended");
    }

    fn collect(&mut self) {
        self.must_be_open();
        let (target, owner) = (self.state.campaign().target, self.state.campaign().owner);
        let signed = self.runtime.check_account_permission(owner);
        signed.expect("only its owner ends a campaign that has reached its target");
        let collected = *self.state.collected.get();
        assert!(
            collected >= target,
            "{collected} tokens are there, {target} are needed"
        );
        let chain_id = self.runtime.chain_id();
        self.pay(Account { chain_id, owner }, collected);
        self.end(Status::Collected);
    }

    async fn cancel(&mut self) {
        self.must_be_open();
        let (target, deadline) = (self.state.campaign().target, self.state.campaign().deadline);
        assert!(
            self.runtime.system_time() >= deadline,
            "nothing is paid back before the deadline"
        );
        let collected = *self.state.collected.get();
        assert!(
            collected < target,
            "{collected} tokens are there: the target is reached"
        );
        for (giver, amount) in self.state.givers().await {
            self.pay(giver, amount);
        }
        self.end(Status::Cancelled);
    }

    fn end(&mut self, status: Status) {
        self.state.status.set(status);
        self.state.collected.set(Amount::ZERO);
        self.state.pledges.clear();
    }

    /// Pays from the campaign's own account.
    fn pay(&mut self, to: Account, amount: Amount) {
        if amount > Amount::ZERO {
            let campaign = self.runtime.application_id().forget_abi().into();
            self.transfer(campaign, amount, to);
        }
    }

    fn transfer(&mut self, owner: AccountOwner, amount: Amount, target_account: Account) {
        let token = self.runtime.application_parameters();
        fungible::transfer(&mut self.runtime, token, owner, amount, target_account);
    }
}

#[cfg(test)]
#[path = "contract/tests.rs"]
mod tests;
