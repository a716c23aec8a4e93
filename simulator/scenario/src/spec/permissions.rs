//! What applications may do on a chain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What applications may do on a chain; they are known by their names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionsSpec {
    /// Only operations of these applications may be executed, and none of the protocol itself but the
    /// step to a new epoch; all may if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execute_operations: Option<Vec<String>>,
    /// Every block must call each of these; none if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mandatory_applications: Option<Vec<String>>,
    /// These may close the chain, and change its owners and permissions; none if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manage_chain: Option<Vec<String>>,
    /// Only these may query services as oracles; all may if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_service_as_oracle: Option<Vec<String>>,
    /// Only these may make HTTP requests; all may if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make_http_requests: Option<Vec<String>>,
}
