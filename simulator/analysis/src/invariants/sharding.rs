//! I-30: one worker of a validator speaks for a chain.
//!
//! Where the number of workers changes, chains go from one holder to another. The next one may hold a
//! chain when the last one has given it up or has stopped, and under a later lease; in between nobody
//! speaks for it. Who touches a chain first says nothing of it: it holds the chain by speaking.

use std::collections::BTreeMap;

use engine::ActorId;

use super::{Invariant, Verdicts};
use crate::registry::{ChainNo, index};

/// Who holds a chain at a validator; actor 0 is nobody yet.
#[derive(Clone, Copy, Debug, Default)]
struct Holder {
    actor: u32,
    /// How often that actor had stopped when it began.
    stops: u32,
    lease: u32,
    /// It has given the chain up.
    released: bool,
}

/// The holders of all chains at all validators.
#[derive(Debug)]
pub(crate) struct Sharding {
    validators: usize,
    holders: Vec<Holder>,
    /// How often actors have stopped.
    stops: BTreeMap<u32, u32>,
}

impl Sharding {
    pub(crate) const fn new(validators: usize) -> Self {
        Self {
            validators,
            holders: Vec::new(),
            stops: BTreeMap::new(),
        }
    }

    fn place(&self, validator: u32, chain: ChainNo) -> usize {
        chain.index() * self.validators + index(validator)
    }

    fn reach(&mut self, validator: u32, chain: ChainNo) -> usize {
        let place = self.place(validator, chain);
        if self.holders.len() <= place {
            let chains = chain.index() + 1;
            self.holders
                .resize(chains * self.validators, Holder::default());
        }
        place
    }

    /// A node has stopped.
    pub(crate) fn stopped(&mut self, actor: ActorId) {
        *self.stops.entry(actor.0).or_default() += 1;
    }

    fn stops_of(&self, actor: u32) -> u32 {
        self.stops.get(&actor).copied().unwrap_or(0)
    }

    /// A worker tells something about a chain.
    pub(crate) fn told(
        &mut self,
        verdicts: &mut Verdicts,
        validator: u32,
        chain: ChainNo,
        actor: ActorId,
    ) {
        let place = self.reach(validator, chain);
        if self.holders[place].actor == 0 {
            self.holders[place].actor = actor.0;
            self.holders[place].stops = self.stops_of(actor.0);
        }
        let holder = self.holders[place];
        let first = holder.actor;
        verdicts.check(Invariant::SingleWriter, first == actor.0, || {
            format!("another worker of the validator, actor {first}, spoke for this chain before")
        });
        verdicts.check(Invariant::SingleWriter, !holder.released, || {
            "a worker speaks for this chain that has given it up".to_owned()
        });
    }

    /// A worker takes a chain that had a holder.
    pub(crate) fn taken(
        &mut self,
        verdicts: &mut Verdicts,
        (validator, chain): (u32, ChainNo),
        actor: ActorId,
        lease: u64,
    ) {
        let place = self.reach(validator, chain);
        let before = self.holders[place];
        let ended =
            before.actor == 0 || before.released || self.stops_of(before.actor) > before.stops;
        verdicts.check(Invariant::SingleWriter, ended, || {
            let holder = before.actor;
            format!("a worker takes this chain, and actor {holder} still holds it")
        });
        let lease = u32::try_from(lease).unwrap_or(u32::MAX);
        verdicts.check(Invariant::SingleWriter, lease > before.lease, || {
            let last = before.lease;
            format!("a worker takes this chain by lease {lease}, and there was lease {last}")
        });
        self.holders[place] = Holder {
            actor: actor.0,
            stops: self.stops_of(actor.0),
            lease,
            released: false,
        };
    }

    /// A worker gives a chain up.
    pub(crate) fn released(
        &mut self,
        verdicts: &mut Verdicts,
        (validator, chain): (u32, ChainNo),
        actor: ActorId,
    ) {
        self.told(verdicts, validator, chain, actor);
        let place = self.place(validator, chain);
        if self.holders[place].actor == actor.0 {
            self.holders[place].released = true;
        }
    }

    /// Who speaks for a chain at a validator, if anybody has.
    pub(crate) fn holder(&self, validator: u32, chain: ChainNo) -> Option<ActorId> {
        let holder = self.holders.get(self.place(validator, chain));
        holder
            .filter(|holder| holder.actor != 0)
            .map(|holder| ActorId(holder.actor))
    }
}
