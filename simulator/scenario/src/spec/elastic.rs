//! Keys about validators whose number of workers changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DURATION;

/// Go over to another number of workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResizeSpec {
    /// Which validators, such as `v1` or `v*`.
    #[schemars(required)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validators: Option<String>,
    /// How many workers each of them has from then on.
    #[schemars(required, range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<u64>,
    /// `true`: the validator goes on working, and chains are handed over one by one. Otherwise it
    /// stops and starts again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    /// How long workers take to start; `"1s"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// How long a validator that is about to stop goes on with what it has, without taking requests;
    /// `"100ms"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<String>,
}
