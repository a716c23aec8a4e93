//! Validators whose number of workers changes in the course of a run.

use engine::VirtualDuration;

use super::{FaultKind, Plan, ValidatorIndex};

/// Another number of workers for some validators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResizePlan {
    /// Which validators, ascending.
    pub validators: Vec<ValidatorIndex>,
    /// How many workers each of them has afterwards.
    pub workers: u32,
    /// How long workers take to start.
    pub boot: VirtualDuration,
    /// What becomes of the requests meanwhile.
    pub manner: ResizeManner,
}

/// How a validator goes over to another number of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeManner {
    /// It takes no more requests for this long, stops, and starts again.
    Offline {
        /// Between the last request and the stop.
        drain: VirtualDuration,
    },
    /// It goes on working while new workers start and chains are handed over.
    Online,
}

impl ResizePlan {
    /// From the beginning until the new number of workers is in place.
    pub fn lasts(&self) -> VirtualDuration {
        match self.manner {
            ResizeManner::Offline { drain } => VirtualDuration(drain.0.saturating_add(self.boot.0)),
            ResizeManner::Online => self.boot,
        }
    }
}

impl Plan {
    /// Whether a validator's number of workers may change.
    pub fn is_elastic(&self, validator: ValidatorIndex) -> bool {
        self.resizes(validator).next().is_some()
    }

    /// Whether a validator hands chains over while it works.
    pub fn is_elastic_online(&self, validator: ValidatorIndex) -> bool {
        self.resizes(validator)
            .any(|(_, resize)| resize.manner == ResizeManner::Online)
    }

    /// The most workers that a validator ever has.
    ///
    /// # Panics
    /// If `validator` comes from another plan.
    pub fn workers_max(&self, validator: ValidatorIndex) -> u32 {
        let first = self.validators[validator.position()].workers;
        let later = self.resizes(validator).map(|(_, resize)| resize.workers);
        later.fold(first, u32::max)
    }

    /// The changes of a validator's number of workers, with the positions of their faults.
    pub fn resizes(&self, validator: ValidatorIndex) -> impl Iterator<Item = (usize, &ResizePlan)> {
        let faults = self.faults.iter().enumerate();
        faults.filter_map(move |(position, fault)| match &fault.kind {
            FaultKind::Resize(resize) if resize.validators.contains(&validator) => {
                Some((position, resize))
            }
            _ => None,
        })
    }
}
