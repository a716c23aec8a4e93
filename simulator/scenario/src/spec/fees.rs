//! What a person may write about prices and limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AMOUNT;

/// Prices in tokens and limits, each instead of the one of the preset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// What an operation costs.
    #[schemars(regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What a byte of an operation costs.
    #[schemars(regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_byte: Option<String>,
    /// What a message costs its sender.
    #[schemars(regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What a byte of a message costs its sender.
    #[schemars(regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_byte: Option<String>,
    /// The most bytes of a block with its outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_block_size: Option<u64>,
    /// The most bytes of a block as it is proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_block_proposal_size: Option<u64>,
}
