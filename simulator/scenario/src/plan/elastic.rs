//! Validators whose number of workers changes in the course of a run.

use engine::{Distribution, VirtualDuration};
use protocol::autoscale::AutoscaleOptions;

use super::{FaultKind, Plan, Targets, ValidatorIndex};

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

/// How a validator finds out how many workers it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoscalePlan {
    /// What it goes by.
    pub options: AutoscaleOptions,
    /// How long workers take to start.
    pub boot: Distribution,
}

impl Plan {
    /// Whether a validator's number of workers may change.
    pub fn is_elastic(&self, validator: ValidatorIndex) -> bool {
        self.autoscale(validator).is_some() || self.resizes(validator).next().is_some()
    }

    /// How a validator finds out how many workers it needs, if it does.
    ///
    /// # Panics
    /// If `validator` comes from another plan.
    pub fn autoscale(&self, validator: ValidatorIndex) -> Option<&AutoscalePlan> {
        self.validators[validator.position()].autoscale.as_ref()
    }

    /// Whether a validator hands chains over while it works.
    pub fn is_elastic_online(&self, validator: ValidatorIndex) -> bool {
        let online = |(_, resize): (usize, &ResizePlan)| resize.manner == ResizeManner::Online;
        self.autoscale(validator).is_some() || self.resizes(validator).any(online)
    }

    /// The most workers that share a validator's chains at one time.
    ///
    /// # Panics
    /// If `validator` comes from another plan.
    pub fn workers_at_once(&self, validator: ValidatorIndex) -> u32 {
        let first = self.validators[validator.position()].workers;
        let later = self.resizes(validator).map(|(_, resize)| resize.workers);
        let scaled = self.autoscale(validator).map(|scale| scale.options.max);
        later.chain(scaled).fold(first, u32::max)
    }

    /// The highest number that a worker of a validator ever has: a validator that scales itself puts
    /// others in the places of those that it has lost.
    ///
    /// # Panics
    /// If `validator` comes from another plan.
    pub fn workers_max(&self, validator: ValidatorIndex) -> u32 {
        let most = self.workers_at_once(validator);
        let Some(scale) = self.autoscale(validator) else {
            return most;
        };
        let lost = |fault: &super::FaultPlan| match &fault.kind {
            FaultKind::LoseWorkers {
                validators, share, ..
            } if validators.contains(&validator) => {
                let part = u128::from(scale.options.max) * u128::from(share.num())
                    / u128::from(share.den());
                u32::try_from(part).expect("a part of few").max(1)
            }
            FaultKind::Crash {
                targets: Targets::Workers(workers),
                ..
            } => {
                let own = workers.iter().filter(|(one, _)| *one == validator);
                u32::try_from(own.count()).expect("few workers")
            }
            _ => 0,
        };
        most + self.faults.iter().map(lost).sum::<u32>()
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
