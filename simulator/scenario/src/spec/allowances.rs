//! Spending from the accounts of others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AMOUNT;

/// Let somebody spend from the account of the acting owner on the chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveSpec {
    /// The owner who may spend.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spender: Option<String>,
    /// How many tokens altogether, in place of what was approved before; `"0"` takes it back.
    #[schemars(required, regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}

/// Spend from the account of an owner on the chain who has approved it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferFromSpec {
    /// Whose account.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who gets it, as in a transfer.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many tokens.
    #[schemars(required, regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}
