//! # Fungible
//!
//! A token whose accounts lie on any chain. It speaks the interface that the SDK publishes for
//! fungible tokens ([`FungibleTokenAbi`]), so whatever calls such a token can call this one.
//!
//! | | |
//! |---|---|
//! | parameters | `{"ticker_symbol": "ABC"}` |
//! | argument | `{"accounts": {owner: amount}}`: what exists, on the chain that creates the token |
//! | operations | `Transfer`, `Claim`, `Approve`, `TransferFrom`, `Balance`, `TickerSymbol` |
//! | messages | [`Message::Credit`], tracked; [`Message::Withdraw`] |
//! | queries | `balance(owner)`, `accounts`, `allowance(owner, spender)`, `supply`, `tickerSymbol` |
//!
//! **What it keeps:** tokens are created by the argument and by nothing else. The supplies of all
//! chains and the credits that are on their way add up to it after every block: a transfer takes
//! from an account before it credits one, and a credit that is rejected comes back to its source.
//!
//! Who may spend from an account is whoever signed for it, or the application that the account
//! belongs to, if it calls in its own name.

pub mod state;

use linera_sdk::{
    Contract, ContractRuntime,
    linera_base_types::{AccountOwner, Amount, ApplicationId},
};
use serde::{Deserialize, Serialize};

pub use linera_sdk::abis::fungible::{
    Account, FungibleOperation, FungibleResponse, FungibleTokenAbi, InitialState, Parameters,
};

/// What the token on one chain tells the token on another.
#[derive(Debug, Deserialize, Serialize)]
pub enum Message {
    /// Tokens that arrive, or that come back.
    Credit {
        /// Who gets them.
        target: AccountOwner,
        /// How many.
        amount: Amount,
        /// Who gets them back if the message bounces.
        source: AccountOwner,
    },
    /// Tokens of an owner that are to leave the chain that gets this.
    Withdraw {
        /// Whose they are; must have signed the block that sent this.
        owner: AccountOwner,
        /// How many.
        amount: Amount,
        /// Where they go.
        target_account: Account,
    },
}

/// For contracts that use a token: transfers from an account of this chain, in the name of whoever
/// has signed and of the contract itself.
///
/// # Panics
/// If the token answers with anything but `Ok`. One that refuses ends the transaction.
pub fn transfer<C: Contract>(
    runtime: &mut ContractRuntime<C>,
    token: ApplicationId<FungibleTokenAbi>,
    owner: AccountOwner,
    amount: Amount,
    target_account: Account,
) {
    let transfer = FungibleOperation::Transfer {
        owner,
        amount,
        target_account,
    };
    let response = runtime.call_application(true, token, &transfer);
    assert!(
        matches!(response, FungibleResponse::Ok),
        "a token answers a transfer with Ok: {response:?}"
    );
}
