//! I-30: one worker of a validator speaks for a chain.

use engine::ActorId;

use super::{Invariant, Verdicts};
use crate::registry::{ChainNo, index};

/// Who speaks for each chain at each validator; actor 0 is nobody yet.
#[derive(Debug)]
pub(crate) struct Sharding {
    validators: usize,
    holders: Vec<u32>,
}

impl Sharding {
    pub(crate) const fn new(validators: usize) -> Self {
        Self {
            validators,
            holders: Vec::new(),
        }
    }

    fn place(&self, validator: u32, chain: ChainNo) -> usize {
        chain.index() * self.validators + index(validator)
    }

    /// A worker tells something about a chain.
    pub(crate) fn told(
        &mut self,
        verdicts: &mut Verdicts,
        validator: u32,
        chain: ChainNo,
        actor: ActorId,
    ) {
        let place = self.place(validator, chain);
        if self.holders.len() <= place {
            self.holders
                .resize((chain.index() + 1) * self.validators, 0);
        }
        let holder = &mut self.holders[place];
        if *holder == 0 {
            *holder = actor.0;
        }
        let first = *holder;
        verdicts.check(Invariant::SingleWriter, first == actor.0, || {
            format!("another worker of the validator, actor {first}, spoke for this chain before")
        });
    }

    /// Who speaks for a chain at a validator, if anybody has.
    pub(crate) fn holder(&self, validator: u32, chain: ChainNo) -> Option<ActorId> {
        let holder = self.holders.get(self.place(validator, chain));
        holder
            .filter(|actor| **actor != 0)
            .map(|actor| ActorId(*actor))
    }
}
