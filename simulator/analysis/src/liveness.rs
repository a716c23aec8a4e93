//! I-43 to I-46 and I-48: whether a run gets on, once what disturbed it is over.
//!
//! | statement | judged |
//! |---|---|
//! | I-43, I-44 | when a block is confirmed, and at the end of what is not |
//! | I-45, I-46, I-48 | at the end, if it is quiet by then |
//!
//! Owns the blocks that are pending and how long they may be. Where a promise depends on what the
//! scenario takes away for good, nothing is judged: see [`terms`]. Knows nothing of the machines: all
//! of it follows from the plan and from what was told.

mod terms;

use engine::{ActorId, ServiceStats, VirtualDuration, VirtualTime};
use protocol::{
    Timestamp,
    ids::{AccountOwner, BlockHeight, ChainId},
    manager::ChainManager,
    observe::Observation,
    ownership::ChainOwnership,
    round::Round,
};
use scenario::Plan;

use crate::{
    invariants::{Invariant, Invariants, Stamp},
    names::Names,
    registry::{ChainNo, PairNo, Registry, index, number, reach},
    validators::{Committee, Party},
};
use terms::{Excuse, Terms};

/// Requests that wait for one worker: with more it is not the protocol that keeps a block waiting.
const BUSY: u64 = 8;
/// Rounds that are looked through for one with a leader who has a block.
const ROUNDS: u32 = 64;

/// A height that was proposed and is not confirmed.
#[derive(Clone, Debug)]
struct Pending {
    height: u64,
    since: VirtualTime,
    wallets: Vec<u32>,
    /// The round that it was in when it was first to be judged.
    round: Round,
}

/// How far all chains get.
#[derive(Debug)]
pub(crate) struct Liveness {
    terms: Terms,
    pending: Vec<Option<Pending>>,
    /// When the last block of each chain was confirmed.
    confirmed: Vec<Option<VirtualTime>>,
    /// When a worker had too much to do for the last time.
    busy: VirtualTime,
}

impl Liveness {
    pub(crate) fn new(plan: &Plan, committee: &Committee) -> Self {
        Self {
            terms: Terms::of(plan, committee),
            pending: Vec::new(),
            confirmed: Vec::new(),
            busy: VirtualTime::ZERO,
        }
    }

    /// Why a statement was not judged, if it never was.
    pub(crate) fn unjudged(&self, invariant: Invariant) -> Option<&'static str> {
        let reason = match invariant {
            Invariant::SingleOwnerProgress | Invariant::ContendedProgress | Invariant::NoWedge => {
                "no such chain had a block to make, once all faults were over"
            }
            Invariant::EventualDelivery if self.terms.sweep.is_none() => "nobody sweeps",
            Invariant::EventualDelivery | Invariant::CatchUp => {
                if self.terms.committees {
                    "committees change"
                } else {
                    "nothing was quiet for long enough"
                }
            }
            _ => return None,
        };
        Some(self.terms.healed.err().unwrap_or(reason))
    }

    /// How much workers have to do.
    pub(crate) fn checkpoint(&mut self, time: VirtualTime, service: &[ServiceStats]) {
        if service.iter().any(|one| one.queue_now > BUSY) {
            self.busy = time;
        }
    }

    /// A proposal, or another round.
    pub(crate) fn observe(
        &mut self,
        stamp: Stamp,
        fact: &Observation,
        chain: ChainNo,
        invariants: &mut Invariants,
        names: &Names<'_>,
    ) {
        let (healed, busy) = (self.terms.healed.unwrap_or(VirtualTime::MAX), self.busy);
        let early = |since: VirtualTime| stamp.time <= since.max(healed).max(busy);
        match fact {
            Observation::BlockProposed { height, round, .. } => {
                if height.0 < invariants.heads.next_height(chain) {
                    return;
                }
                let Party::Wallet(wallet) = stamp.party else {
                    return;
                };
                let pending = reach(&mut self.pending, chain.index());
                let known = pending.as_mut().filter(|one| one.height == height.0);
                let Some(known) = known else {
                    *pending = Some(Pending {
                        height: height.0,
                        since: stamp.time,
                        wallets: vec![wallet],
                        round: *round,
                    });
                    return;
                };
                if !known.wallets.contains(&wallet) {
                    known.wallets.push(wallet);
                }
                if early(known.since) {
                    known.round = known.round.max(*round);
                }
            }
            Observation::RoundEntered { height, round, .. } => {
                let pending = self.pending.get_mut(chain.index()).and_then(Option::as_mut);
                if let Some(known) = pending.filter(|one| one.height == height.0)
                    && early(known.since)
                {
                    known.round = known.round.max(*round);
                }
                // A round has brought no block: another one may.
                self.probe(chain, invariants, names);
            }
            _ => {}
        }
    }

    /// From when on something that begins at `since` is judged.
    fn start(&self, since: VirtualTime) -> VirtualTime {
        let healed = self.terms.healed.unwrap_or(VirtualTime::MAX);
        since.max(healed).max(self.busy)
    }

    /// A block is confirmed that is new to its chain.
    pub(crate) fn confirmed(
        &mut self,
        time: VirtualTime,
        (chain, id, height): (ChainNo, ChainId, BlockHeight),
        owners: Option<&ChainOwnership>,
        invariants: &mut Invariants,
        names: &Names<'_>,
    ) {
        *reach(&mut self.confirmed, chain.index()) = Some(time);
        let pending = reach(&mut self.pending, chain.index()).take();
        let pending = pending.filter(|one| one.height == height.0);
        if let (Some(pending), Some(owners)) = (pending, owners) {
            self.judge(&pending, (chain, id), time, owners, invariants, names);
        }
    }

    /// I-43 and I-44: whether a height that is open until `time` is open for too long.
    fn judge(
        &self,
        pending: &Pending,
        (chain, id): (ChainNo, ChainId),
        time: VirtualTime,
        owners: &ChainOwnership,
        invariants: &mut Invariants,
        names: &Names<'_>,
    ) {
        let start = self.start(pending.since);
        if time < start
            || self
                .excuse(chain, names)
                .is_none_or(|excuse| excuse.is_some())
        {
            return;
        }
        let single = owners.owners.len() + owners.super_owners.len() == 1;
        let (invariant, within) = if single && pending.wallets.len() == 1 {
            let within = self.terms.trips.0.saturating_add(self.terms.patience.0);
            (Invariant::SingleOwnerProgress, VirtualDuration(within))
        } else {
            let Some(within) = self.contended(pending, id, owners, invariants, names) else {
                return;
            };
            (Invariant::ContendedProgress, within)
        };
        let took = time.since(start);
        invariants
            .verdicts
            .check(invariant, took.0 <= within.0, || {
                let height = pending.height;
                format!("height {height} is open for {took}, and {within} are enough")
            });
    }

    /// How long a height may be open that several may propose for: the timers of all rounds up to the
    /// first that one of them leads alone. `None` if no such round comes.
    fn contended(
        &self,
        pending: &Pending,
        id: ChainId,
        owners: &ChainOwnership,
        invariants: &Invariants,
        names: &Names<'_>,
    ) -> Option<VirtualDuration> {
        let unsure = owners.is_public() && self.terms.committees;
        if owners.super_owners.len() > 1 || unsure || !owners.is_active() {
            return None;
        }
        let accounts: Vec<AccountOwner> = pending
            .wallets
            .iter()
            .filter_map(|wallet| names.account_of(*wallet))
            .collect();
        let instance = (id, BlockHeight(pending.height));
        let manager = ChainManager::new(owners.clone().into(), Timestamp::default());
        let members = invariants.epochs.members(0);
        let mut total = 0_u64;
        let mut round = pending.round;
        for _ in 0..ROUNDS {
            let timer = owners.round_timeout(round);
            if round.is_fast() && timer.is_none() {
                return None;
            }
            let timer = timer.map_or(0, |timer| VirtualDuration::from_micros(timer.micros()).0);
            let each = self.terms.trips.0.saturating_add(self.terms.patience.0);
            total = total.saturating_add(timer).saturating_add(each);
            let led = matches!(round, Round::SingleLeader(_) | Round::Validator(_))
                && accounts
                    .iter()
                    .any(|owner| manager.can_propose(instance, owner, round, members));
            if led {
                return Some(VirtualDuration(total));
            }
            round = owners.next_round(round)?;
        }
        None
    }

    /// Whether a chain is excused, and why; `None` if it is not in the plan.
    fn excuse(&self, chain: ChainNo, names: &Names<'_>) -> Option<Option<Excuse>> {
        let planned = names.planned(chain)?;
        self.terms.excused.get(planned.position()).copied()
    }

    /// The run is over: at `ended`, or for good if it is `quiet`.
    pub(crate) fn finish(
        &self,
        (ended, quiet): (VirtualTime, bool),
        invariants: &mut Invariants,
        registry: &Registry,
        names: &Names<'_>,
    ) {
        let Ok(healed) = self.terms.healed else {
            return;
        };
        let until = if quiet { VirtualTime::MAX } else { ended };
        let stamp = |chain| Stamp {
            time: ended,
            actor: ActorId::ENVIRONMENT,
            party: Party::Environment,
            chain: Some(chain),
        };
        for (chain, pending) in (0..).map(ChainNo).zip(&self.pending) {
            let Some(pending) = pending else { continue };
            let Some(owners) = invariants.owners(chain).cloned() else {
                continue;
            };
            let id = registry.id(chain);
            invariants.verdicts.stamp = stamp(chain);
            if owners.is_active() {
                self.judge(pending, (chain, id), until, &owners, invariants, names);
            }
        }
        for chain in (0..number(registry.chains())).map(ChainNo) {
            invariants.verdicts.stamp = stamp(chain);
            if healed <= ended {
                self.probe(chain, invariants, names);
            }
            if !self.terms.committees {
                self.caught_up(chain, (ended, quiet), invariants, names);
            }
        }
        if !self.terms.committees {
            self.delivered((ended, quiet), invariants, registry, names);
        }
    }

    /// I-48: something can come of the next height of a chain, if votes were cast on it. Where votes may
    /// be missing, because a worker has crashed, nothing is said.
    fn probe(&self, chain: ChainNo, invariants: &mut Invariants, names: &Names<'_>) {
        let honest = self.excuse(chain, names);
        let byzantine = honest.is_none_or(|excuse| excuse == Some(Excuse::Byzantine));
        if byzantine || self.terms.healed.is_err() || invariants.workers_crashed() {
            return;
        }
        let next = invariants.heads.next_height(chain);
        let validators = number(self.terms.correct.len());
        let Some(epoch) = invariants.heights.epoch_of(chain, next) else {
            return;
        };
        let committee = invariants.epochs.committee(epoch).clone();
        let weight = |one: u32| {
            let correct = self.terms.correct.get(index(one)) == Some(&true);
            if correct { committee.weight(one) } else { 0 }
        };
        let signs = |one: u32, voted: bool| {
            // Nobody tells what those sign who break the rules.
            let may = voted || committee.is_byzantine(one);
            if may { committee.weight(one) } else { 0 }
        };
        let quorum = committee.quorum;
        let Some(goes_on) = invariants.heights.probe(chain, next, |open| {
            open.confirmed(quorum) > 0 || open.can_go_on(quorum, validators, signs, weight)
        }) else {
            return;
        };
        invariants.verdicts.check(Invariant::NoWedge, goes_on, || {
            format!("nobody can propose anything for height {next} that a quorum would vote for")
        });
    }

    /// Whether the last block of a chain is so old that everybody should have what it sends: a sweep
    /// has taken place since, and since the last fault.
    fn swept(&self, chain: ChainNo, (ended, quiet): (VirtualTime, bool)) -> bool {
        let (Ok(healed), Some(Some(last))) = (
            self.terms.healed,
            self.confirmed.get(chain.index()).copied(),
        ) else {
            return false;
        };
        let sweep = self.terms.sweep.unwrap_or(VirtualDuration::ZERO);
        let within = self.terms.trips.0.saturating_add(self.terms.patience.0);
        let within = VirtualDuration(within.saturating_add(sweep.0));
        let from = last.max(healed).max(self.busy);
        quiet || from.saturating_add(within) <= ended
    }

    /// Whether the last block of a chain is one since the last fault, and so old that everybody should
    /// have it: its wallet has told them.
    fn settled(&self, chain: ChainNo, end: (VirtualTime, bool)) -> bool {
        let last = self.confirmed.get(chain.index()).copied().flatten();
        let healed = self.terms.healed;
        let since = last.is_some_and(|last| healed.is_ok_and(|healed| last >= healed));
        since && self.swept(chain, end)
    }

    /// I-46: every validator that is up has the blocks of a chain whose wallet goes on.
    fn caught_up(
        &self,
        chain: ChainNo,
        end: (VirtualTime, bool),
        invariants: &mut Invariants,
        names: &Names<'_>,
    ) {
        if self.excuse(chain, names) != Some(None) || !self.settled(chain, end) {
            return;
        }
        let next = invariants.heads.next_height(chain);
        for validator in self.correct() {
            let tip = invariants.heights.tip(validator, chain);
            invariants
                .verdicts
                .check(Invariant::CatchUp, tip >= next, || {
                    let name = names.validator(validator);
                    format!("{name} stands at height {tip}, and its wallet at {next}")
                });
        }
    }

    /// I-45: every bundle of a block that a validator has is in the recipient's inbox there.
    fn delivered(
        &self,
        end: (VirtualTime, bool),
        invariants: &mut Invariants,
        registry: &Registry,
        names: &Names<'_>,
    ) {
        if self.terms.sweep.is_none() {
            return;
        }
        for pair in (0..number(registry.pairs())).map(PairNo) {
            let (recipient, origin) = registry.ends(pair);
            invariants.verdicts.stamp.chain = Some(recipient);
            let judged = self.excuse(origin, names) == Some(None) && self.swept(origin, end);
            let owners = invariants.owners(recipient);
            let known = owners.is_some_and(|owners| owners.is_active());
            if !judged || !known {
                continue;
            }
            let next = invariants.heads.next_height(origin);
            for validator in self.correct() {
                if invariants.heights.tip(validator, origin) < next {
                    continue;
                }
                let missing = invariants.delivery.missing_of(pair, validator);
                invariants
                    .verdicts
                    .check(Invariant::EventualDelivery, missing == 0, || {
                        let name = names.validator(validator);
                        format!("{missing} bundles never arrived at {name}")
                    });
                if self.terms.confirmed_again && missing == 0 {
                    let held = invariants.held_in_outbox((pair, origin), validator);
                    let empty = held.is_none();
                    let verdicts = &mut invariants.verdicts;
                    verdicts.check(Invariant::EventualDelivery, empty, || {
                        let (name, height) = (names.validator(validator), held.unwrap_or(0));
                        format!("an outbox of {name} keeps height {height} for good")
                    });
                }
            }
        }
    }

    fn correct(&self) -> impl Iterator<Item = u32> + '_ {
        let all = (0..).zip(&self.terms.correct);
        all.filter(|(_, correct)| **correct).map(|(one, _)| one)
    }
}
