//! Which nodes may have kept a fact to themselves: those that crashed between saving and telling.
//!
//! A crash cuts the outputs of one input, so it excuses the missing facts of one input and no more.
//! What a worker owes of a chain is still owed when another worker has taken the chain over: that one
//! tells what follows.

use std::collections::BTreeMap;

use engine::ActorId;

use crate::{
    registry::{ChainNo, reach},
    validators::{Parties, Party},
};

/// Crashes that have not yet excused anything, by actor.
#[derive(Debug)]
pub(crate) struct Losses {
    left: Vec<u32>,
    validators: Vec<Option<u32>>,
    crashes: u64,
    /// Those who held a chain at a validator before its holder of now.
    former: BTreeMap<(u32, ChainNo), Vec<ActorId>>,
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
            former: BTreeMap::new(),
        }
    }

    pub(crate) fn crashed(&mut self, actor: ActorId) {
        self.crashes += 1;
        if let Some(at) = actor.index() {
            *reach(&mut self.left, at) += 1;
        }
    }

    /// Whether any node has crashed so far.
    pub(crate) const fn any(&self) -> bool {
        self.crashes > 0
    }

    /// A validator's chain goes over from this worker to another.
    pub(crate) fn passed_on(&mut self, place: (u32, ChainNo), from: ActorId) {
        let former = self.former.entry(place).or_default();
        if !former.contains(&from) {
            former.push(from);
        }
    }

    /// Excuses missing facts about a validator's chain that `actor` holds, if it has a crash left, or
    /// one of those who held the chain before it has.
    pub(crate) fn excuse(&mut self, place: (u32, ChainNo), actor: ActorId) -> bool {
        if self.excuse_actor(actor) {
            return true;
        }
        let former = self.former.get(&place).cloned().unwrap_or_default();
        former.into_iter().any(|actor| self.excuse_actor(actor))
    }

    fn excuse_actor(&mut self, actor: ActorId) -> bool {
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
