//! # Atomic swap
//!
//! Two people exchange tokens of two applications. Both pay into an account on a chain that was
//! opened for this one purpose; when both have paid, it pays each what the other has given, and
//! closes. If a deadline passes first, it pays back what there is, and closes.
//!
//! ```text
//! proposer's chain    Propose: opens the swap's chain, pays, sends Start
//! counterparty's      Join: pays, sends Join
//! the swap's chain    Start, Join ── both there ──► pays both, closes
//!                     Start ── Refund after the deadline ──► pays back, closes
//! ```
//!
//! | | |
//! |---|---|
//! | parameters, argument | none |
//! | operations | [`Operation`]; `Propose` answers with the chain of the swap |
//! | messages | [`Message`] |
//! | queries | `status`, `terms` on the swap's chain; `proposed` on the proposer's |
//!
//! **What it keeps:** a payment and the word that it was made are messages of one bundle, which is
//! taken in as a whole or not at all. So the swap's chain holds what it says it holds; a payment
//! that comes too late, or that is not what was agreed, goes back by itself.
//!
//! The swap's chain belongs to both, and only this application's operations are permitted there:
//! either of them can bring it to its end without the other.

pub mod state;

use async_graphql::{Enum, InputObject, Request, Response, SimpleObject};
use fungible::Account;
use linera_sdk::{
    graphql::GraphQLMutationRoot,
    linera_base_types::{
        AccountOwner, Amount, ApplicationId, ChainId, ContractAbi, ServiceAbi, Timestamp,
    },
};
use serde::{Deserialize, Serialize};

/// How others call this application.
pub struct AtomicSwapAbi;

impl ContractAbi for AtomicSwapAbi {
    type Operation = Operation;
    type Response = Option<ChainId>;
}

impl ServiceAbi for AtomicSwapAbi {
    type Query = Request;
    type QueryResponse = Response;
}

/// What one of the two gives.
#[derive(Clone, Copy, Debug, Deserialize, Eq, InputObject, PartialEq, Serialize, SimpleObject)]
#[graphql(input_name = "LegInput")]
pub struct Leg {
    /// The application whose tokens they are: any that speaks
    /// [`FungibleTokenAbi`](fungible::FungibleTokenAbi).
    pub token: ApplicationId,
    /// How many.
    pub amount: Amount,
}

/// What was agreed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, SimpleObject)]
pub struct Terms {
    /// Who proposed, and where the proposer is paid.
    pub proposer: Account,
    /// What the proposer gives.
    pub gives: Leg,
    /// Who may join.
    pub counterparty: AccountOwner,
    /// What the proposer gets for it.
    pub gets: Leg,
    /// From when on nobody may join.
    pub deadline: Timestamp,
}

/// What a block may ask.
#[derive(Debug, Deserialize, Serialize, GraphQLMutationRoot)]
pub enum Operation {
    /// Opens a chain for a swap and pays the first half.
    Propose {
        /// Who gives; must sign.
        owner: AccountOwner,
        /// What is given.
        gives: Leg,
        /// Who is to give the other half.
        counterparty: AccountOwner,
        /// The other half.
        gets: Leg,
        /// From when on nobody may join.
        deadline: Timestamp,
        /// What the swap's chain gets of this chain's native tokens, for fees.
        for_fees: Amount,
    },
    /// Pays the second half.
    Join {
        /// The swap's chain.
        swap: ChainId,
        /// Who gives; must sign.
        owner: AccountOwner,
        /// What is given: exactly what was agreed.
        gives: Leg,
    },
    /// Pays back what there is, after the deadline. Works on the swap's chain.
    Refund,
}

/// What this application tells itself on the swap's chain.
#[derive(Debug, Deserialize, Serialize)]
pub enum Message {
    /// The chain was opened for this, and the first half was paid in the same bundle.
    Start(Terms),
    /// The second half was paid in the same bundle.
    Join {
        /// Who has paid.
        owner: AccountOwner,
        /// What.
        gives: Leg,
    },
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Enum, Eq, PartialEq, Serialize)]
pub enum Status {
    /// No swap is known on this chain.
    #[default]
    Unknown,
    /// The first half is there.
    Waiting,
    /// Both have what the other has given.
    Swapped,
    /// The proposer has got everything back.
    Refunded,
}
