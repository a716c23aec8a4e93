//! The contract: moves tokens between accounts, on one chain or across two.

#![cfg_attr(target_arch = "wasm32", no_main)]

use fungible::{
    Account, FungibleOperation, FungibleResponse, FungibleTokenAbi, InitialState, Message,
    Parameters, state::FungibleState,
};
use linera_sdk::{
    Contract, ContractRuntime,
    linera_base_types::{AccountOwner, Amount, WithContractAbi},
    views::{RootView, View},
};

/// The accounts of a chain, while a transaction runs.
pub struct FungibleContract {
    state: FungibleState,
    runtime: ContractRuntime<Self>,
}

linera_sdk::contract!(FungibleContract);

impl WithContractAbi for FungibleContract {
    type Abi = FungibleTokenAbi;
}

impl Contract for FungibleContract {
    type Message = Message;
    type Parameters = Parameters;
    type InstantiationArgument = InitialState;
    type EventValue = ();

    async fn load(runtime: ContractRuntime<Self>) -> Self {
        let state = FungibleState::load(runtime.root_view_storage_context())
            .await
            .expect("the accounts of a chain can be read");
        FungibleContract { state, runtime }
    }

    async fn instantiate(&mut self, argument: InitialState) {
        // Parameters that do not decode are better found here than at the first question.
        self.runtime.application_parameters();
        for (owner, amount) in argument.accounts {
            self.state.credit(owner, amount).await;
        }
    }

    async fn execute_operation(&mut self, operation: FungibleOperation) -> FungibleResponse {
        match operation {
            FungibleOperation::Balance { owner } => {
                return FungibleResponse::Balance(self.state.balance(&owner).await);
            }
            FungibleOperation::TickerSymbol => {
                let parameters = self.runtime.application_parameters();
                return FungibleResponse::TickerSymbol(parameters.ticker_symbol);
            }
            FungibleOperation::Approve {
                owner,
                spender,
                allowance,
            } => {
                self.must_speak_for(owner);
                self.state.allow(owner, spender, allowance);
            }
            FungibleOperation::Transfer {
                owner,
                amount,
                target_account,
            } => {
                self.must_speak_for(owner);
                self.transfer(owner, amount, target_account).await;
            }
            FungibleOperation::TransferFrom {
                owner,
                spender,
                amount,
                target_account,
            } => {
                self.must_speak_for(spender);
                self.use_allowance(owner, spender, amount).await;
                self.transfer(owner, amount, target_account).await;
            }
            FungibleOperation::Claim {
                source_account,
                amount,
                target_account,
            } => {
                self.must_speak_for(source_account.owner);
                self.claim(source_account, amount, target_account).await;
            }
        }
        FungibleResponse::Ok
    }

    async fn execute_message(&mut self, message: Message) {
        match message {
            Message::Credit {
                target,
                amount,
                source,
            } => {
                let owner = if self.bounces() { source } else { target };
                self.state.credit(owner, amount).await;
            }
            Message::Withdraw {
                owner,
                amount,
                target_account,
            } => {
                self.must_speak_for(owner);
                self.transfer(owner, amount, target_account).await;
            }
        }
    }

    async fn store(mut self) {
        self.state
            .save()
            .await
            .expect("the accounts of a chain can be written");
    }
}

impl FungibleContract {
    /// Stops everything unless the owner has signed, or is the application that calls.
    fn must_speak_for(&mut self, owner: AccountOwner) {
        let checked = self.runtime.check_account_permission(owner);
        checked.expect("only its owner spends from an account");
    }

    /// Whether the message that is being executed comes back from where it was rejected.
    fn bounces(&mut self) -> bool {
        let bouncing = self.runtime.message_is_bouncing();
        bouncing.expect("a message is being executed")
    }

    async fn use_allowance(&mut self, owner: AccountOwner, spender: AccountOwner, amount: Amount) {
        let allowance = self.state.allowance(owner, spender).await;
        let Ok(rest) = allowance.try_sub(amount) else {
            panic!("{spender} may take {allowance} tokens of {owner}, not {amount}");
        };
        self.state.allow(owner, spender, rest);
    }

    /// Takes from an account of this chain and credits another, which may lie elsewhere.
    async fn transfer(&mut self, source: AccountOwner, amount: Amount, target: Account) {
        self.state.debit(source, amount).await;
        if target.chain_id == self.runtime.chain_id() {
            self.state.credit(target.owner, amount).await;
            return;
        }
        let credit = Message::Credit {
            target: target.owner,
            amount,
            source,
        };
        // Tracked, since the tokens must come back if the other chain rejects them.
        self.runtime
            .prepare_message(credit)
            .with_authentication()
            .with_tracking()
            .send_to(target.chain_id);
    }

    /// Transfers from an account that may lie on another chain, whose turn it then is.
    async fn claim(&mut self, source: Account, amount: Amount, target: Account) {
        if source.chain_id == self.runtime.chain_id() {
            self.transfer(source.owner, amount, target).await;
            return;
        }
        let withdrawal = Message::Withdraw {
            owner: source.owner,
            amount,
            target_account: target,
        };
        // Not tracked: nothing was taken, so there is nothing to give back.
        self.runtime
            .prepare_message(withdrawal)
            .with_authentication()
            .send_to(source.chain_id);
    }
}

#[cfg(test)]
#[path = "contract/tests.rs"]
mod tests;
