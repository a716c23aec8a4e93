//! # Crowd funding
//!
//! A campaign collects tokens of another application. If enough have come together, its owner gets
//! them; if a deadline has passed and there are too few, everybody gets theirs back.
//!
//! | | |
//! |---|---|
//! | parameters | the application whose tokens are collected: any that speaks [`FungibleTokenAbi`] |
//! | argument | [`Campaign`] |
//! | operations | [`Operation`] |
//! | messages | [`Message::Pledge`] |
//! | queries | `status`, `collected`, `pledges`, `owner`, `target`, `deadline` |
//!
//! The campaign lies on the chain that created it. A pledge from elsewhere is two messages of one
//! bundle: tokens, to the campaign's account there, and the word whose they are. A bundle is taken
//! in as a whole or not at all, so a pledge that comes too late takes its tokens back with it.
//!
//! **What it keeps:** as long as the campaign is open, the campaign's account holds the sum of all
//! pledges; when it has ended, nothing.

pub mod state;

use async_graphql::{Enum, Request, Response};
use linera_sdk::{
    graphql::GraphQLMutationRoot,
    linera_base_types::{AccountOwner, Amount, ContractAbi, ServiceAbi, Timestamp},
};
use serde::{Deserialize, Serialize};

pub use fungible::{Account, FungibleTokenAbi};

/// How others call a campaign.
pub struct CrowdFundingAbi;

impl ContractAbi for CrowdFundingAbi {
    type Operation = Operation;
    type Response = ();
}

impl ServiceAbi for CrowdFundingAbi {
    type Query = Request;
    type QueryResponse = Response;
}

/// What is collected for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Campaign {
    /// Who gets the tokens, on the campaign's chain.
    pub owner: AccountOwner,
    /// How many are needed.
    pub target: Amount,
    /// From when on no more is taken.
    pub deadline: Timestamp,
}

/// What a block may ask of a campaign.
#[derive(Debug, Deserialize, Serialize, GraphQLMutationRoot)]
pub enum Operation {
    /// Gives tokens that lie on this chain. Works on every chain, until the deadline.
    Pledge {
        /// Whose they are; must sign.
        owner: AccountOwner,
        /// How many.
        amount: Amount,
    },
    /// Pays out to the campaign's owner, once enough is there. Works on the campaign's chain.
    Collect,
    /// Pays back, when the deadline has passed and too little is there. Works on the campaign's
    /// chain; anybody may ask for it.
    Cancel,
}

/// What the application on one chain tells the campaign on another.
#[derive(Debug, Deserialize, Serialize)]
pub enum Message {
    /// Tokens were sent in the same bundle.
    Pledge {
        /// Whose they were.
        owner: AccountOwner,
        /// How many.
        amount: Amount,
    },
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Enum, Eq, PartialEq, Serialize)]
pub enum Status {
    /// Tokens are collected, or wait to be paid.
    #[default]
    Open,
    /// The owner has got everything.
    Collected,
    /// Everybody has got theirs back.
    Cancelled,
}
