//! The keys of `[delivery]`: how messages go from worker to worker inside a validator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DURATION;

/// How messages go from worker to worker inside a validator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliverySpec {
    /// `true`: as Linera does it, without what is better here: no sweep, and no confirmation of an
    /// update that holds nothing new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_upstream: Option<bool>,
    /// Updates that one worker has on their way at most; one more is dropped.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<u64>,
    /// How often an update that nobody confirms is sent again before it is forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u64>,
    /// The delay before the first time; later ones wait this much longer each time.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_delay: Option<String>,
    /// The longest such delay.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_backoff: Option<String>,
    /// Blocks of one sender in one update at most; the rest follows when these are confirmed.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u64>,
    /// What was dropped, forgotten or lost in a crash is taken up again after so long. `"never"`:
    /// only when something touches the sender chain.
    #[schemars(regex(pattern = r"^(never|[0-9][0-9_]*(\.[0-9]+)?(ns|us|ms|s|m|h))$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<String>,
    /// Whether an update that holds nothing new is confirmed once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm_duplicates: Option<bool>,
    /// Whether a recipient that has lost what it had confirmed asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair_gaps: Option<bool>,
    /// Updates for one chain that come within so long are saved together, or not at all; `"0s"`:
    /// each by itself.
    #[schemars(regex(pattern = DURATION))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
}
