//! Keys about validators whose number of workers changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DISTRIBUTION, DURATION, RATIO};

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

/// How validators find out how many workers they need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoscaleSpec {
    /// Which validators, such as `v1` or `v*`; all if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validators: Option<String>,
    /// The fewest workers of each; 1 if not given.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// The most workers of each.
    #[schemars(required, range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// How busy workers should be; `"65%"` if not given.
    #[schemars(regex(pattern = RATIO))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How often each validator looks at its workers; `"2s"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// How long workers take to start; `"5s"` if not given.
    #[schemars(regex(pattern = DISTRIBUTION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// How long fewer workers must have been enough before any is stopped; `"10s"` if not given.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<String>,
}
