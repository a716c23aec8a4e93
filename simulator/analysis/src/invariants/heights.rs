//! What is known of each height that some validator has still to execute: votes, blocks, states.
//!
//! Invariant: a height that every validator has executed is forgotten, so memory follows what is
//! open and what a lagging validator lacks, not the length of the run.

use protocol::{
    certificate::{CertificateKind, VotePayload},
    hash::CryptoHash,
    round::Round,
};

use crate::{
    registry::{ChainNo, index, number, reach},
    validators::Committee,
};

/// A vote, with its block by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ballot {
    pub(crate) validator: u32,
    pub(crate) kind: CertificateKind,
    pub(crate) round: Round,
    pub(crate) value: u16,
    /// Round of the certificate that allowed a vote to validate.
    pub(crate) unlocking: Option<Round>,
}

/// The weight behind one vote.
#[derive(Clone, Copy, Debug)]
struct Tally {
    kind: CertificateKind,
    round: Round,
    value: u16,
    weight: u64,
}

/// One height of one chain.
#[derive(Debug)]
pub(crate) struct Height {
    pub(crate) height: u64,
    /// Epoch of the chain before it.
    pub(crate) epoch: u32,
    /// Blocks that were voted for, certified or executed.
    values: Vec<CryptoHash>,
    pub(crate) ballots: Vec<Ballot>,
    tallies: Vec<Tally>,
    /// The block that holds a certificate to confirm.
    pub(crate) certified: Option<u16>,
    /// The block that somebody executed, or whose content was told, and the state after it.
    pub(crate) state: Option<(u16, CryptoHash)>,
}

impl Height {
    fn new(height: u64, epoch: u32) -> Self {
        Self {
            height,
            epoch,
            values: Vec::new(),
            ballots: Vec::new(),
            tallies: Vec::new(),
            certified: None,
            state: None,
        }
    }

    /// The position of a block.
    pub(crate) fn value(&mut self, hash: CryptoHash) -> u16 {
        let position = self.values.iter().position(|known| *known == hash);
        let position = position.unwrap_or_else(|| {
            self.values.reserve_exact(1);
            self.values.push(hash);
            self.values.len() - 1
        });
        // 65,536 blocks for one height are a broken run long before this matters.
        u16::try_from(position).unwrap_or(u16::MAX)
    }

    pub(crate) fn hash(&self, value: u16) -> CryptoHash {
        self.values
            .get(usize::from(value))
            .copied()
            .unwrap_or_default()
    }

    /// The weight of the validators that gave this vote.
    pub(crate) fn weight(&self, kind: CertificateKind, round: Round, value: u16) -> u64 {
        let same = |tally: &&Tally| (tally.kind, tally.round, tally.value) == (kind, round, value);
        self.tallies
            .iter()
            .find(same)
            .map_or(0, |tally| tally.weight)
    }

    /// How many blocks have a quorum to be validated in `round`.
    pub(crate) fn validated(&self, round: Round, quorum: u64) -> usize {
        let reached = |tally: &&Tally| {
            tally.kind == CertificateKind::Validated
                && tally.round == round
                && tally.weight >= quorum
        };
        self.tallies.iter().filter(reached).count()
    }

    /// Whether a block other than `value` has a quorum of this kind in a round that `wanted` accepts.
    pub(crate) fn other_has_quorum(
        &self,
        kind: CertificateKind,
        value: u16,
        quorum: u64,
        wanted: impl Fn(Round) -> bool,
    ) -> bool {
        self.tallies.iter().any(|tally| {
            tally.kind == kind
                && tally.value != value
                && tally.weight >= quorum
                && wanted(tally.round)
        })
    }

    /// Whether a block holds a certificate to confirm, or the votes for one.
    pub(crate) fn is_confirmed(&self, value: u16, quorum: u64) -> bool {
        let reached = |tally: &Tally| {
            tally.kind == CertificateKind::Confirmed
                && tally.value == value
                && tally.weight >= quorum
        };
        self.certified == Some(value) || self.tallies.iter().any(reached)
    }

    /// How many blocks hold a certificate to confirm, or the votes for one.
    pub(crate) fn confirmed(&self, quorum: u64) -> u32 {
        let values = 0..u16::try_from(self.values.len()).unwrap_or(u16::MAX);
        number(
            values
                .filter(|value| self.is_confirmed(*value, quorum))
                .count(),
        )
    }

    /// Keeps a vote. Returns its block, and the weight behind it; `None` if it was told before.
    pub(crate) fn vote(
        &mut self,
        committee: &Committee,
        validator: u32,
        payload: &VotePayload,
    ) -> Option<(u16, u64)> {
        let value = self.value(payload.value_hash);
        let ballot = Ballot {
            validator,
            kind: payload.kind,
            round: payload.round,
            value,
            unlocking: payload.unlocking_round,
        };
        if self.ballots.contains(&ballot) {
            return None;
        }
        if self.ballots.is_empty() {
            // Two votes of each validator are the rule.
            self.ballots.reserve_exact(2 * committee.size());
        }
        // Who breaks the rules may vote for one block in two ways; its weight counts once.
        let again = self.ballots.iter().any(|known| {
            (known.validator, known.kind, known.round, known.value)
                == (validator, payload.kind, payload.round, value)
        });
        self.ballots.push(ballot);
        let Ballot {
            validator,
            kind,
            round,
            value,
            ..
        } = ballot;
        let added = if again {
            0
        } else {
            committee.weight(validator)
        };
        let same =
            |tally: &&mut Tally| (tally.kind, tally.round, tally.value) == (kind, round, value);
        if let Some(tally) = self.tallies.iter_mut().find(same) {
            tally.weight += added;
            return Some((value, tally.weight));
        }
        if self.tallies.is_empty() {
            self.tallies.reserve_exact(2);
        }
        self.tallies.push(Tally {
            kind,
            round,
            value,
            weight: added,
        });
        Some((value, added))
    }
}

/// All open heights, and where each validator stands.
#[derive(Debug)]
pub(crate) struct Heights {
    validators: usize,
    open: Vec<Vec<Height>>,
    /// Next height by chain and validator.
    tips: Vec<u64>,
    /// Blocks executed, by validator.
    executed: Vec<u64>,
    /// Blocks executed by the furthest validator of each chain, over all chains.
    furthest: u64,
    /// The most blocks with a certificate to confirm at one height.
    pub(crate) certified_max: u32,
}

impl Heights {
    pub(crate) fn new(validators: usize) -> Self {
        Self {
            validators,
            open: Vec::new(),
            tips: Vec::new(),
            executed: vec![0; validators],
            furthest: 0,
            certified_max: 0,
        }
    }

    fn tips_of(&mut self, chain: ChainNo) -> &mut [u64] {
        let from = chain.index() * self.validators;
        let until = from + self.validators;
        if self.tips.len() < until {
            self.tips.resize(until, 0);
        }
        &mut self.tips[from..until]
    }

    /// The next height of a chain at a validator.
    pub(crate) fn tip(&mut self, validator: u32, chain: ChainNo) -> u64 {
        self.tips_of(chain)[index(validator)]
    }

    /// The height, unless every validator has executed it. `epoch` is that of the chain there, as
    /// far as was told.
    pub(crate) fn open(&mut self, chain: ChainNo, height: u64, epoch: u32) -> Option<&mut Height> {
        if self.tips_of(chain).iter().all(|tip| *tip > height) {
            return None;
        }
        let open = reach(&mut self.open, chain.index());
        let at = match open.binary_search_by_key(&height, |open| open.height) {
            Ok(at) => at,
            Err(at) => {
                if open.len() < 4 {
                    open.reserve_exact(1);
                }
                open.insert(at, Height::new(height, epoch));
                at
            }
        };
        Some(&mut open[at])
    }

    fn known(&self, chain: ChainNo, height: u64) -> Option<&Height> {
        let open = self.open.get(chain.index())?;
        let at = open.binary_search_by_key(&height, |open| open.height);
        at.ok().map(|at| &open[at])
    }

    /// The epoch of a height that somebody has voted for.
    pub(crate) fn epoch_of(&self, chain: ChainNo, height: u64) -> Option<u32> {
        self.known(chain, height).map(|open| open.epoch)
    }

    /// What `ask` says of a height that somebody has voted for.
    pub(crate) fn probe(
        &self,
        chain: ChainNo,
        height: u64,
        ask: impl FnOnce(&Height) -> bool,
    ) -> Option<bool> {
        self.known(chain, height).map(ask)
    }

    /// Moves a validator's tip above `height`, and forgets what nobody needs any more.
    pub(crate) fn advance(&mut self, validator: u32, chain: ChainNo, height: u64) {
        let tips = self.tips_of(chain);
        let before = tips[index(validator)];
        let furthest = tips.iter().copied().max().unwrap_or(0);
        let tip = height.saturating_add(1).max(before);
        tips[index(validator)] = tip;
        let lowest = tips.iter().copied().min().unwrap_or(0);
        self.executed[index(validator)] += tip - before;
        self.furthest += tip.saturating_sub(furthest);
        let Some(open) = self.open.get_mut(chain.index()) else {
            return;
        };
        let done = open.partition_point(|open| open.height < lowest);
        if done == open.len() {
            *open = Vec::new();
        } else {
            open.drain(..done);
        }
    }

    /// How many blocks a validator is behind the furthest one of each chain, over all chains.
    pub(crate) fn lag(&self, validator: u32) -> u64 {
        let executed = self.executed.get(index(validator)).copied().unwrap_or(0);
        self.furthest - executed
    }

    /// Blocks that a validator has executed.
    pub(crate) fn executed(&self, validator: u32) -> u64 {
        self.executed.get(index(validator)).copied().unwrap_or(0)
    }

    /// Notes how many blocks of one height hold a certificate.
    pub(crate) fn note_certified(&mut self, count: u32) {
        self.certified_max = self.certified_max.max(count);
    }
}
