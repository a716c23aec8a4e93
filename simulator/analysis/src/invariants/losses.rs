//! Which nodes may have kept a fact to themselves: those that crashed between saving and telling.
//!
//! A crash cuts the outputs of one input at one place, and each chain's facts follow its save: so it
//! excuses missing facts about one chain at most, which may be about several of its senders where
//! updates are saved together, and each of these once: at one instant, since what one update has
//! brought is confirmed in one step, however many blocks it is of.
//! What a worker owes of a chain is still owed when another worker has taken the chain over: that one
//! tells what follows.

use std::collections::BTreeMap;

use engine::{ActorId, VirtualTime};

use crate::{
    registry::{ChainNo, PairNo, reach},
    validators::{Parties, Party},
};

/// What was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Blocks that were executed.
    Blocks,
    /// Bundles that arrived from one chain.
    Bundles(PairNo),
}

/// A crash, and what it has excused so far.
#[derive(Clone, Debug, Default)]
struct Crash {
    place: Option<(u32, ChainNo)>,
    /// What it has excused, and when that was missed.
    excused: Vec<(Missing, VirtualTime)>,
}

/// Crashes and what they have excused, by actor.
#[derive(Debug)]
pub(crate) struct Losses {
    left: Vec<Vec<Crash>>,
    validators: Vec<Option<u32>>,
    crashes: u64,
    /// Those who held a chain at a validator before its holder of now.
    former: BTreeMap<(u32, ChainNo), Vec<ActorId>>,
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
            former: BTreeMap::new(),
            worker_crashes: 0,
        }
    }

    pub(crate) fn crashed(&mut self, actor: ActorId) {
        self.crashes += 1;
        if let Some(at) = actor.index() {
            let worker = self.validators.get(at).copied().flatten();
            self.worker_crashes += u64::from(worker.is_some());
            reach(&mut self.left, at).push(Crash::default());
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

    /// A validator's chain goes over from this worker to another.
    pub(crate) fn passed_on(&mut self, place: (u32, ChainNo), from: ActorId) {
        let former = self.former.entry(place).or_default();
        if !former.contains(&from) {
            former.push(from);
        }
    }

    /// Excuses missing facts about a validator's chain that `actor` holds, if it has a crash that can,
    /// or one of those who held the chain before it has.
    pub(crate) fn excuse(
        &mut self,
        place: (u32, ChainNo),
        of: (Missing, VirtualTime),
        actor: ActorId,
    ) -> bool {
        let former = self.former.get(&place).cloned().unwrap_or_default();
        let holders: Vec<_> = std::iter::once(actor).chain(former).collect();
        let crashes = |actor: &ActorId| actor.index().filter(|at| *at < self.left.len());
        let at: Vec<_> = holders.iter().filter_map(crashes).collect();
        // What is known to be about this chain comes first.
        [true, false].into_iter().any(|bound| {
            let mut crashes = at
                .iter()
                .flat_map(|at| (0..self.left[*at].len()).map(|n| (*at, n)));
            let found = crashes.find(|(at, n)| self.left[*at][*n].can_excuse(place, of, bound));
            found.is_some_and(|(at, n)| self.left[at][n].take(place, of))
        })
    }

    /// Excuses missing facts of some worker of a validator.
    pub(crate) fn excuse_validator(
        &mut self,
        place: (u32, ChainNo),
        of: (Missing, VirtualTime),
    ) -> bool {
        [true, false].into_iter().any(|bound| {
            let own = self.left.iter_mut().zip(&self.validators);
            let own = own.filter(|(_, validator)| **validator == Some(place.0));
            let mut crashes = own.flat_map(|(left, _)| left.iter_mut());
            let found = crashes.find(|crash| crash.can_excuse(place, of, bound));
            found.is_some_and(|crash| crash.take(place, of))
        })
    }
}

impl Crash {
    /// Whether it can excuse this, being about that chain already or about none yet.
    fn can_excuse(
        &self,
        place: (u32, ChainNo),
        (of, at): (Missing, VirtualTime),
        bound: bool,
    ) -> bool {
        match self.place {
            Some(known) => {
                // Blocks and bundles are never told of in one input.
                let mut excused = self.excused.iter();
                let bundles = of != Missing::Blocks
                    && excused.all(|(what, when)| match what {
                        Missing::Blocks => false,
                        Missing::Bundles(_) => *what != of || *when == at,
                    });
                bound && known == place && bundles
            }
            None => !bound,
        }
    }

    fn take(&mut self, place: (u32, ChainNo), of: (Missing, VirtualTime)) -> bool {
        self.place = Some(place);
        self.excused.push(of);
        true
    }
}
