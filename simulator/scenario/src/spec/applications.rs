//! Applications, and what is asked of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DURATION;

/// An application: code that is published, and created once with parameters and an argument.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationSpec {
    /// The name: letters, digits, `-` and `_`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A bundled application whose code it has, such as `fungible`; or else `contract` and `service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The file of its contract: Wasm, compressed with zstd or not; its path begins where the scenario
    /// lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// The file of its service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The chain that creates it, and on which it is instantiated.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// The owner that creates it; the first one of the chain if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator_owner: Option<String>,
    /// When that begins; `"0s"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The chain that publishes the code before; the creator in the same block if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// What every chain knows of it, as JSON; `null` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// What it is instantiated with, as JSON; `null` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argument: Option<Value>,
    /// The applications that it calls: they are created before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires: Option<Vec<String>>,
}

/// Ask something of an application, in one of three ways. `${chain:A}`, `${owner:ana}`, `${app:gold}`,
/// `${own:chain}`, `${own:owner}`, `${to:chain}`, `${to:owner}` and `${number}` stand for ids, accounts
/// and the number of the command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallSpec {
    /// The application.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// The fields of a GraphQL mutation: its service says which operations they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutation: Option<String>,
    /// A whole request to its service: a table, or JSON in a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    /// The operation itself: its bytes in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The chain that `${to:chain}` and `${to:owner}` stand for: one, or a choice as in a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}
