//! Random scenarios: the text of one for each seed, as a person might have written it.
//!
//! Each scenario enables a random subset of [`Family`], so that faults meet in all combinations,
//! and is about a network of random size. All faults end at one instant; what follows is quiet, so
//! that a scenario can also expect that everything gets on. Whoever breaks the rules has less than
//! a third of the weight: a text expects only what the protocol promises.
//!
//! A text is a pure function of its seed. Its draws have streams of their own, one for each part of
//! the text: they are no draws of the run, and a family that is there or not moves none of the
//! others.

mod allowances;
mod cast;
mod delivery;
mod dice;
mod faults;
mod resizes;
mod text;

use std::fmt;

use crate::{
    Plan,
    plan::{FaultKind, Targets},
};

use cast::Cast;
use dice::Dice;
use text::Text;

/// A family of things that go wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Family {
    /// Owners of shared chains act at once.
    Contention,
    /// Validators break the rules.
    Byzantine,
    /// Owners break the rules.
    Owners,
    /// Wallets lose validators.
    Partition,
    /// Whole validators stop and come back.
    ValidatorCrash,
    /// Workers stop and come back.
    WorkerCrash,
    /// Wallets stop and come back.
    WalletCrash,
    /// Messages get lost.
    Loss,
    /// Messages arrive twice.
    Duplication,
    /// Clocks are wrong.
    Clock,
    /// Messages take longer.
    SlowLinks,
    /// Work takes longer.
    SlowWork,
    /// Owners have two wallets with one key.
    Twins,
    /// Wallets stop and come back without their disks.
    LostDisk,
    /// Validators go over to other numbers of workers.
    Resize,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Contention,
        Self::Byzantine,
        Self::Owners,
        Self::Partition,
        Self::ValidatorCrash,
        Self::WorkerCrash,
        Self::WalletCrash,
        Self::Loss,
        Self::Duplication,
        Self::Clock,
        Self::SlowLinks,
        Self::SlowWork,
        Self::Twins,
        Self::LostDisk,
        Self::Resize,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contention => "contention",
            Self::Byzantine => "byzantine validators",
            Self::Owners => "byzantine owners",
            Self::Partition => "partitions",
            Self::ValidatorCrash => "crashes of validators",
            Self::WorkerCrash => "crashes of workers",
            Self::WalletCrash => "crashes of wallets",
            Self::Loss => "loss",
            Self::Duplication => "duplication",
            Self::Clock => "wrong clocks",
            Self::SlowLinks => "slow links",
            Self::SlowWork => "slow work",
            Self::Twins => "twin wallets",
            Self::LostDisk => "lost disks",
            Self::Resize => "resizes",
        }
    }

    /// The family of a fault.
    pub const fn of(fault: &FaultKind) -> Self {
        match fault {
            FaultKind::Partition(_) => Self::Partition,
            FaultKind::Loss(..) => Self::Loss,
            FaultKind::Crash {
                loses_disk: true, ..
            } => Self::LostDisk,
            FaultKind::Crash { targets, .. } => match targets {
                Targets::Validators(_) => Self::ValidatorCrash,
                Targets::Workers(_) => Self::WorkerCrash,
                Targets::Wallets(..) => Self::WalletCrash,
            },
            FaultKind::LoseWorkers { .. } => Self::WorkerCrash,
            FaultKind::SlowLinks { .. } => Self::SlowLinks,
            FaultKind::SlowWork { .. } => Self::SlowWork,
            FaultKind::ByzantineValidators { .. } | FaultKind::Rollback(_) => Self::Byzantine,
            FaultKind::ByzantineOwners { .. } => Self::Owners,
            FaultKind::Resize(_) => Self::Resize,
            FaultKind::Clock { .. } => Self::Clock,
        }
    }

    /// The families that a plan enables, in their order.
    pub fn enabled(plan: &Plan) -> Vec<Self> {
        let is_enabled = |family: &Self| match family {
            Self::Contention => plan.chains.iter().any(|chain| chain.owners.len() > 1),
            Self::Twins => plan.owners.iter().any(|name| name.contains('#')),
            Self::Duplication => {
                let network = &plan.network;
                !network.client_duplicate.is_zero() || !network.worker_duplicate.is_zero()
            }
            _ => plan
                .faults
                .iter()
                .any(|fault| Self::of(&fault.kind) == *family),
        };
        Self::ALL.into_iter().filter(is_enabled).collect()
    }

    /// In how many of sixteen scenarios it is enabled.
    const fn sixteenths(self) -> u64 {
        match self {
            // Most of what can go wrong with locks needs owners that get in each other's way.
            Self::Contention => 14,
            Self::Byzantine | Self::Partition | Self::WalletCrash => 10,
            Self::Owners
            | Self::ValidatorCrash
            | Self::WorkerCrash
            | Self::Loss
            | Self::Duplication
            | Self::Clock
            | Self::SlowLinks
            | Self::SlowWork
            | Self::Twins
            | Self::LostDisk
            | Self::Resize => 7,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What random scenarios are about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Swarm {
    /// Everything that can go wrong in a network.
    Everything,
    /// Messages inside validators.
    Messages,
    /// Chains that go from worker to worker.
    HandOver,
}

impl Swarm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Everything, Self::Messages, Self::HandOver];

    /// The text of the random scenario of a seed.
    pub fn scenario(self, seed: u64) -> String {
        match self {
            Self::Everything => scenario(seed),
            Self::Messages => delivery::messages(seed),
            Self::HandOver => delivery::hand_over(seed),
        }
    }
}

/// The text of the random scenario about everything of this seed.
pub fn scenario(seed: u64) -> String {
    let mut dice = Dice::new(seed, dice::FAMILIES);
    let families: Vec<Family> = Family::ALL
        .into_iter()
        .filter(|family| dice.chance(family.sixteenths(), 16))
        .collect();
    let cast = Cast::new(seed, families);
    let mut text = Text::default();
    cast.write(&mut text);
    faults::write(&cast, &mut text);
    cast.write_expectations(&mut text);
    text.finish()
}

#[cfg(test)]
mod tests {
    use super::{Family, scenario};
    use crate::{Options, check};

    #[test]
    fn every_text_is_valid_and_has_what_it_enables() {
        let mut seen = [0u32; Family::ALL.len()];
        for seed in 0..300 {
            let text = scenario(seed);
            assert_eq!(text, scenario(seed), "a function of the seed");
            let checked = check(&text, "swarm.toml", &Options::default())
                .unwrap_or_else(|found| panic!("seed {seed}: {found:#?}\n{text}"));
            let plan = checked.plan;
            assert!((4..=10).contains(&plan.validators.len()));
            let enabled = Family::enabled(&plan);
            for (at, family) in Family::ALL.iter().enumerate() {
                seen[at] += u32::from(enabled.contains(family));
            }
        }
        assert!(
            seen.iter().all(|count| (80..300).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn those_who_break_the_rules_weigh_less_than_a_third() {
        for seed in 0..300 {
            let checked = check(&scenario(seed), "swarm.toml", &Options::default());
            let plan = checked.expect("valid").plan;
            let mut guilty = vec![false; plan.validators.len()];
            for fault in &plan.faults {
                if let crate::plan::FaultKind::ByzantineValidators { validators, .. } = &fault.kind
                {
                    for validator in validators {
                        guilty[validator.position()] = true;
                    }
                }
            }
            let weights = plan.validators.iter().map(|validator| validator.weight);
            let total: u64 = weights.clone().sum();
            let broken: u64 = weights
                .zip(guilty)
                .map(|(weight, guilty)| if guilty { weight } else { 0 })
                .sum();
            assert!(
                broken < total.div_ceil(3),
                "seed {seed}: {broken} of {total}"
            );
        }
    }
}
