//! Which nodes may have kept a fact to themselves: those that crashed between saving and telling.
//!
//! A crash cuts the outputs of one input, so it excuses the missing facts of one input and no more.

use engine::ActorId;

use crate::{
    registry::reach,
    validators::{Parties, Party},
};

/// Crashes that have not yet excused anything, by actor.
#[derive(Debug)]
pub(crate) struct Losses {
    left: Vec<u32>,
    validators: Vec<Option<u32>>,
    crashes: u64,
    worker_crashes: u64,
}

impl Losses {
    pub(crate) fn new(parties: &Parties) -> Self {
        let worker = |party: Party| match party {
            Party::Worker(validator, _) => Some(validator),
            Party::Environment | Party::Proxy(_) | Party::Wallet(_) => None,
        };
        let validators = parties.iter().map(|(_, party)| worker(party)).collect();
        Self {
            left: Vec::new(),
            validators,
            crashes: 0,
            worker_crashes: 0,
        }
    }

    pub(crate) fn crashed(&mut self, actor: ActorId) {
        self.crashes += 1;
        if let Some(at) = actor.index() {
            let worker = self.validators.get(at).copied().flatten();
            self.worker_crashes += u64::from(worker.is_some());
            *reach(&mut self.left, at) += 1;
        }
    }

    /// Whether any node has crashed so far.
    pub(crate) const fn any(&self) -> bool {
        self.crashes > 0
    }

    /// Whether a worker has crashed so far.
    pub(crate) const fn any_worker(&self) -> bool {
        self.worker_crashes > 0
    }

    /// Excuses missing facts of an actor, if it has a crash left.
    pub(crate) fn excuse(&mut self, actor: ActorId) -> bool {
        let left = actor.index().and_then(|at| self.left.get_mut(at));
        match left {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Excuses missing facts of some worker of a validator.
    pub(crate) fn excuse_validator(&mut self, validator: u32) -> bool {
        let own = self.left.iter_mut().zip(&self.validators);
        let crashed = own.filter(|(left, of)| **of == Some(validator) && **left > 0);
        match crashed.map(|(left, _)| left).next() {
            Some(left) => {
                *left -= 1;
                true
            }
            None => false,
        }
    }
}
