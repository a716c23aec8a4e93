//! The action that sends several messages of any kind at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AMOUNT;

/// Send several messages to one chain in one bundle, which is accepted or rejected as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleSpec {
    /// Who gets what is credited, as in a transfer; on another chain.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The owner whose account on the chain pays for credits and grants; the chain's own balance if not
    /// given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_owner: Option<String>,
    /// The messages, in order.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<MessageSpec>>,
}

/// One message of a bundle: either `credit` or `withdraw`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageSpec {
    /// Puts so many tokens on the recipient's account.
    #[schemars(regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit: Option<String>,
    /// Takes so many tokens from the acting owner's account there, for the chain that sends.
    #[schemars(regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdraw: Option<String>,
    /// How it may be treated: `tracked` (comes back when rejected; if not given), `simple` (may be
    /// rejected, and jumped over when it has no grant) or `protected` (may not be rejected).
    #[schemars(extend("enum" = ["tracked", "simple", "protected"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Tokens that travel with it to pay for executing it; what is left goes back. `"0"` if not given.
    #[schemars(regex(pattern = AMOUNT))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}
