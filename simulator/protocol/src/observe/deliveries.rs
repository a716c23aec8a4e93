//! Facts about messages on their way, by a word each, so that they can be counted.

use super::{Arrival, Observation};

/// All words that [`Observation::delivery`] gives.
pub const DELIVERIES: &[&str] = &[
    "anticipated",
    "answered",
    "arrived-skipped",
    "confirmed",
    "dropped",
    "duplicate",
    "given-up",
    "not-believed",
    "postponed",
    "queued",
    "refused",
    "rejected",
    "restored",
    "retried",
];

impl Observation {
    /// The word for a fact about messages on their way.
    pub const fn delivery(&self) -> Option<&'static str> {
        Some(match self {
            Self::BundleArrived { arrival, .. } => match arrival {
                Arrival::Queued => "queued",
                Arrival::Anticipated => "anticipated",
                Arrival::Skipped => "arrived-skipped",
            },
            Self::DeliveryAnswered { .. } => "answered",
            Self::OutboxConfirmed { .. } => "confirmed",
            Self::UpdateDropped { .. } => "dropped",
            Self::DuplicateUpdate { .. } => "duplicate",
            Self::UpdateAbandoned { .. } => "given-up",
            Self::SenderBlockRefused { .. } => "not-believed",
            Self::BundlePostponed { .. } => "postponed",
            Self::UpdateRefused { .. } => "refused",
            Self::BundleRejected { .. } => "rejected",
            Self::OutboxRestored { .. } => "restored",
            Self::UpdateRetried { .. } => "retried",
            _ => return None,
        })
    }
}
