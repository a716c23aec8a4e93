//! The reference: one chain at one validator as plain data, and the rules of docs/PROTOCOL.md 4.5
//! to 4.10 said once more, as plainly as possible. It knows nothing of `manager.rs`.

mod certificates;
mod rounds;

use std::{collections::BTreeSet, sync::Arc};

use super::{
    actions::BlobPick,
    letters::{Letter, Offer, Original, Said},
    world::{World, blob, bundle},
};
use crate::{
    TimeDelta, Timestamp,
    blob::BlobError,
    certificate::{CertificateKind, VotePayload},
    error::{CertificateError, InboxError, NodeError},
    hash::CryptoHash,
    ids::{BlockHeight, ChainId, Epoch},
    ownership::ChainOwnership,
    round::Round,
};

/// What a message must lead to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// A vote of this content is cast, and the answer tells of it.
    Vote(VotePayload),
    /// The answer tells of this vote, which was cast before.
    Again(VotePayload),
    /// A positive answer, and no vote that was not there before.
    Done,
    /// This reason is recorded and answered.
    Refused(NodeError),
    /// No answer.
    Silence,
}

type Checked<T = ()> = Result<T, NodeError>;

/// One chain at one validator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Model {
    ownership: Arc<ChainOwnership>,
    chain: ChainId,
    other: ChainId,
    /// Whether the first block leaves room for one more height, which must stay empty.
    leaps: bool,
    pub(super) height: BlockHeight,
    tip: Option<CryptoHash>,
    /// Block, round and outcome of the proposal voted for last.
    proposed: Option<(CryptoHash, Round, Option<CryptoHash>)>,
    /// The highest round up to the first single-leader one for which a signed proposal was seen.
    signed: Option<Round>,
    /// Round of the lock, and the proposed block.
    pub(super) lock: Option<(Round, CryptoHash)>,
    validated: Option<VotePayload>,
    /// With the proposed block.
    confirmed: Option<(VotePayload, CryptoHash)>,
    /// The highest round that a quorum has ended.
    pub(super) ended: Option<Round>,
    timeout_vote: Option<Round>,
    /// Whether it has voted to hand the height over to validators.
    fallback_vote: bool,
    /// Since when there is a next epoch, if it was told of one.
    pub(super) next_epoch: Option<Timestamp>,
    pub(super) round: Round,
    pub(super) until: Option<Timestamp>,
    /// Whether the blob that a proposal publishes is here, if one waits for it.
    blob: Option<bool>,
    /// Bundles that have arrived, and that blocks have taken in.
    arrived: u64,
    pub(super) taken_in: u64,
    /// A confirmed block of the height above, and how many bundles it takes in.
    ahead: Option<(BlockHeight, CryptoHash, u64)>,
    /// Lost in a crash: bodies of blocks that lite certificates may name.
    bodies: BTreeSet<CryptoHash>,
    /// Lost in a crash: proposals a little ahead of the clock.
    delayed: Vec<(Timestamp, ChainId, Arc<Offer>)>,
    /// The rules that were applied, for counting.
    applied: Vec<&'static str>,
}

/// The last round of a height for which proposals count before they are voted for.
const LAST_OPEN: Round = Round::SingleLeader(0);

impl Model {
    pub(super) fn new(world: &World) -> Self {
        let mut model = Self {
            ownership: world.ownership.clone(),
            chain: world.chain,
            other: world.other,
            leaps: world.leaps(),
            height: BlockHeight(0),
            tip: None,
            proposed: None,
            signed: None,
            lock: None,
            validated: None,
            confirmed: None,
            ended: None,
            timeout_vote: None,
            fallback_vote: false,
            next_epoch: None,
            round: Round::Fast,
            until: None,
            blob: None,
            arrived: 0,
            taken_in: 0,
            ahead: None,
            bodies: BTreeSet::new(),
            delayed: Vec::new(),
            applied: Vec::new(),
        };
        model.begin_height(Timestamp::default());
        model
    }

    fn begin_height(&mut self, now: Timestamp) {
        (self.proposed, self.signed, self.lock) = (None, None, None);
        (self.validated, self.confirmed) = (None, None);
        (self.ended, self.timeout_vote) = (None, None);
        (self.fallback_vote, self.blob) = (false, None);
        self.round = self.first_round();
        self.until = self.end_of(self.round, now);
    }

    /// A crash: what was saved stays.
    pub(super) fn crash(&mut self) {
        self.bodies.clear();
        self.delayed.clear();
    }

    fn apply(&mut self, rule: &'static str) {
        self.applied.push(rule);
    }

    // Answers.

    /// The vote that every answer tells of.
    pub(super) fn pending(&self) -> Option<VotePayload> {
        let confirmed = self.confirmed.map(|(payload, _)| payload);
        match (self.validated, confirmed) {
            (Some(validated), Some(confirmed)) if validated.round <= confirmed.round => {
                Some(confirmed)
            }
            (Some(validated), _) => Some(validated),
            (None, confirmed) => confirmed,
        }
    }

    /// What `letter` must lead to.
    pub(super) fn receive(&mut self, letter: &Letter, now: Timestamp) -> Verdict {
        let result = match &letter.said {
            Said::Offer(offer) => {
                let ahead = offer.proposal.block.timestamp.since(now);
                if ahead > TimeDelta::default() && ahead <= TimeDelta::from_millis(500) {
                    self.apply("a proposal waits for its time");
                    let due = offer.proposal.block.timestamp;
                    self.delayed.push((due, letter.to, offer.clone()));
                    return Verdict::Silence;
                }
                return self.answer_offer(letter.to, offer, now);
            }
            Said::Validated(vouched) => self.validated_block(letter.to, vouched, now),
            Said::LiteValidated(vouched) => match self.body(vouched) {
                Ok(()) => self.validated_block(letter.to, vouched, now),
                Err(error) => Err(error),
            },
            Said::Confirmed(vouched) => self.confirmed_block(letter.to, vouched, now),
            Said::LiteConfirmed(vouched) => match self.body(vouched) {
                Ok(()) => self.confirmed_block(letter.to, vouched, now),
                Err(error) => Err(error),
            },
            Said::Timeout(certificate, valid) => {
                let timeout = certificate.timeout();
                self.end_round(letter.to, timeout, certificate.round(), valid, now)
            }
            Said::Query(query) => {
                let before = (self.timeout_vote, self.fallback_vote);
                let result = self.query(letter.to, query, now);
                if let Ok(Some(payload)) = result
                    && (before.0 == Some(payload.round)
                        || (before.1 && payload.round == Round::LAST_REGULAR))
                {
                    return Verdict::Again(payload);
                }
                result
            }
            Said::Blob(pick) => self.take_blob(letter.to, *pick),
            Said::Upload => Err(NodeError::UnexpectedBlob(blob(BlobPick::Published).id())),
            Said::Download => self.known(letter.to).map(|()| None),
            Said::Bundle { number, after } => {
                if *number == self.arrived && after.is_none_or(|after| after < self.arrived) {
                    self.arrived += 1;
                    self.apply("a bundle arrives");
                }
                return Verdict::Silence;
            }
            Said::NextEpoch(since) => {
                self.next_epoch.get_or_insert(*since);
                return Verdict::Silence;
            }
            Said::Delivered | Said::Stray => return Verdict::Silence,
        };
        verdict(result)
    }

    /// The proposals whose time has come, and what they must lead to.
    pub(super) fn wake(&mut self, now: Timestamp) -> Vec<(Letter, Verdict)> {
        let is_due = |(at, ..): &(Timestamp, ChainId, Arc<Offer>)| *at <= now;
        let (due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.delayed)
            .into_iter()
            .partition(is_due);
        self.delayed = waiting;
        let answer = |(_, to, offer): (Timestamp, ChainId, Arc<Offer>)| {
            let verdict = self.answer_offer(to, &offer, now);
            let said = Said::Offer(offer);
            (Letter { to, said }, verdict)
        };
        due.into_iter().map(answer).collect()
    }

    /// The rules that were applied since this was asked last.
    pub(super) fn take_applied(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.applied)
    }

    /// Without what a crash takes.
    pub(super) fn durable(mut self) -> Self {
        self.crash();
        self.applied.clear();
        self
    }

    /// The round of the newest proposal that was seen and could be told of.
    pub(super) fn newest(&self) -> Option<Round> {
        self.signed.max(self.proposed.map(|(_, round, _)| round))
    }

    fn answer_offer(&mut self, to: ChainId, offer: &Offer, now: Timestamp) -> Verdict {
        verdict(self.offer(to, offer, now))
    }

    /// A chain that the validator knows.
    fn known(&self, chain: ChainId) -> Checked {
        if chain == self.chain || chain == self.other {
            Ok(())
        } else {
            Err(NodeError::InactiveChain(chain))
        }
    }

    fn at_tip(&self, found: BlockHeight) -> Checked {
        let expected = self.height;
        if found == expected {
            Ok(())
        } else {
            Err(NodeError::UnexpectedBlockHeight { expected, found })
        }
    }

    // Proposals: 4.6 and 4.7.

    fn offer(
        &mut self,
        to: ChainId,
        offer: &Offer,
        now: Timestamp,
    ) -> Checked<Option<VotePayload>> {
        self.known(to)?;
        self.check_offer(to, offer)?;
        let content = offer.content();
        if self.proposed == Some(content) {
            self.apply("V0: the same again");
            return Ok(None);
        }
        let round = offer.proposal.round;
        match self.check_rounds(offer) {
            Err(error @ NodeError::HasIncompatibleConfirmedVote(_)) => {
                if round > self.round {
                    self.apply("V4 refuses, and the round counts");
                }
                self.reach_signed(round, now);
                return Err(error);
            }
            other => other?,
        }
        self.reach_signed(round, now);
        let block = &offer.proposal.block;
        self.need_blobs(block.published_blobs().count())?;
        if block.timestamp.since(now) > TimeDelta::from_millis(500) {
            return Err(NodeError::InvalidTimestamp {
                block: block.timestamp,
                local: now,
            });
        }
        for incoming in block.incoming_bundles() {
            let number = incoming.bundle.height;
            if number.0 >= self.arrived {
                let missing = vec![(self.other, number)];
                return Err(NodeError::MissingCrossChainUpdates(missing));
            }
            if incoming.bundle != bundle(number.0) {
                let (origin, cursor) = (self.other, incoming.bundle.cursor());
                let error = InboxError::UnexpectedBundle { cursor };
                return Err(NodeError::Inbox { origin, error });
            }
        }
        let value = offer.value.clone().map_err(NodeError::Block)?;
        self.bodies.insert(value);
        let old_lock = self.lock;
        match &offer.original {
            Original::Regular { payload, .. } => {
                if self.lock.is_none_or(|(known, _)| known < payload.round) {
                    self.lock = Some((payload.round, offer.proposal.block_hash()));
                }
            }
            Original::Fast { .. } => self.lock_fast(offer),
            Original::Fresh if round.is_fast() => self.lock_fast(offer),
            Original::Fresh => {}
        }
        let retry = match &offer.original {
            Original::Fresh if round.is_fast() => "vote for a fast proposal",
            Original::Fresh => "vote for a fresh proposal",
            Original::Fast { .. } => "vote for a retry of a fast block",
            Original::Regular { .. } if old_lock == self.lock => "vote for a retry of the lock",
            Original::Regular { .. } => "vote for a retry that unlocks",
        };
        self.apply(retry);
        self.proposed = Some(content);
        self.reach(round, now);
        let justified = match &offer.original {
            Original::Regular { payload, .. } => Some(*payload),
            Original::Fresh | Original::Fast { .. } => None,
        };
        let payload = VotePayload {
            value_hash: value,
            round,
            kind: if round.is_fast() {
                CertificateKind::Confirmed
            } else {
                CertificateKind::Validated
            },
            unlocking_round: justified.map(|payload| payload.round),
            first_round: round.is_fast(),
            commitment: justified.map(|payload| CryptoHash::of(&payload)),
        };
        if round.is_fast() {
            self.confirmed = Some((payload, offer.proposal.block_hash()));
            self.validated = None;
        } else {
            self.validated = Some(payload);
        }
        Ok(Some(payload))
    }

    /// Step 11 of 4.6.
    fn need_blobs(&mut self, count: usize) -> Checked {
        match count {
            0 => return Ok(()),
            1 => {}
            _ => {
                let (published, maximum) = (11, 10);
                let error = BlobError::TooManyPublishedBlobs { published, maximum };
                return Err(NodeError::Blob(error));
            }
        }
        if *self.blob.get_or_insert(false) {
            self.apply("the blob is here");
            return Ok(());
        }
        let missing = vec![blob(BlobPick::Published).id()];
        Err(NodeError::BlobsNotFound(missing))
    }

    /// I-35: only what a proposal waits for.
    fn take_blob(&mut self, to: ChainId, pick: BlobPick) -> Checked<Option<VotePayload>> {
        if pick == BlobPick::TooLarge {
            let (size, maximum) = (1_000_001, 1_000_000);
            return Err(NodeError::Blob(BlobError::BlobTooLarge { size, maximum }));
        }
        self.known(to)?;
        match &mut self.blob {
            Some(here) if pick == BlobPick::Published => *here = true,
            _ => return Err(NodeError::UnexpectedBlob(blob(pick).id())),
        }
        self.apply("a blob is taken in");
        Ok(None)
    }

    fn lock_fast(&mut self, offer: &Offer) {
        if self.lock.is_none() {
            self.lock = Some((Round::Fast, offer.proposal.block_hash()));
        }
    }

    /// Steps 2 to 8 of 4.6: everything that is wrong with the proposal itself.
    fn check_offer(&self, to: ChainId, offer: &Offer) -> Checked {
        let block = &offer.proposal.block;
        let (round, outcome) = (offer.proposal.round, &offer.proposal.outcome);
        let well_formed = match &offer.original {
            Original::Fresh => outcome.is_none(),
            Original::Fast { .. } => outcome.is_none() && round > Round::Fast,
            Original::Regular { payload, .. } => outcome.is_some() && round > payload.round,
        };
        if block.chain_id != to || !well_formed || !offer.signed {
            return Err(NodeError::InvalidProposal);
        }
        self.at_tip(block.height)?;
        if block.previous_block_hash != self.tip {
            return Err(NodeError::UnexpectedPreviousBlockHash);
        }
        self.check_epoch(block.epoch)?;
        let proposer = offer.proposal.owner();
        if !self.may_propose(proposer, round) {
            return Err(NodeError::InvalidOwner(round));
        }
        let acts_for = block.authenticated_owner;
        match &offer.original {
            Original::Fresh if acts_for.is_none_or(|owner| owner == proposer) => Ok(()),
            Original::Fast { owner, signed }
                if *signed
                    && self.ownership.super_owners.contains(owner)
                    && acts_for.is_none_or(|acting| acting == *owner) =>
            {
                Ok(())
            }
            Original::Fresh | Original::Fast { .. } => Err(NodeError::InvalidProposal),
            Original::Regular { payload, .. } if payload.kind != CertificateKind::Validated => {
                Err(NodeError::InvalidProposal)
            }
            Original::Regular { valid, fits, .. } => {
                valid.clone()?;
                if *fits {
                    Ok(())
                } else {
                    Err(NodeError::Certificate(CertificateError::OtherBlock))
                }
            }
        }
    }

    fn check_epoch(&self, found: Epoch) -> Checked {
        let expected = Epoch(0);
        if found == expected {
            Ok(())
        } else {
            Err(NodeError::InvalidEpoch { expected, found })
        }
    }

    /// V1 to V5.
    fn check_rounds(&mut self, offer: &Offer) -> Checked {
        let (current, found) = (self.round, offer.proposal.round);
        if !found.is_fast() {
            if found > LAST_OPEN && found != current {
                self.apply("V1: later rounds only when they are current");
                return Err(NodeError::WrongRound { current, found });
            }
            if found < current {
                self.apply("V1: earlier rounds are over");
                let minimum = current;
                return Err(NodeError::InsufficientRound { minimum, found });
            }
            let owner = offer.proposal.owner();
            if current.is_fast() && !self.ownership.super_owners.contains(&owner) {
                self.apply("V1: only super owners leave the fast round");
                return Err(NodeError::WrongRound { current, found });
            }
        }
        if let Some(vote) = self.validated
            && found <= vote.round
        {
            self.apply("V2: one vote to validate a round");
            let above = vote.round;
            return Err(NodeError::InsufficientRoundStrict { above, found });
        }
        if let Some((locked, _)) = self.lock
            && found <= locked
        {
            self.apply("V3: above the lock");
            return Err(NodeError::MustBeNewerThanLockingBlock { locked, found });
        }
        if let Some((vote, block)) = self.confirmed {
            let same = block == offer.proposal.block_hash();
            let (rule, allowed) = match &offer.original {
                Original::Fresh => ("V4: nothing fresh", false),
                Original::Fast { .. } if !same => ("V4: no other fast block", false),
                Original::Fast { .. } if vote.round.is_fast() => ("V4: the fast block again", true),
                Original::Fast { .. } => ("V4: no fast block after a later vote", false),
                Original::Regular { payload, .. } if same && vote.round <= payload.round => {
                    ("V4: the same block with its certificate", true)
                }
                Original::Regular { .. } if same => {
                    ("V4: not the same block with an older certificate", false)
                }
                Original::Regular { payload, .. } if vote.round < payload.round => {
                    ("V4: another block with a newer certificate", true)
                }
                Original::Regular { .. } => {
                    ("V4: no other block without a newer certificate", false)
                }
            };
            self.apply(rule);
            if !allowed {
                return Err(NodeError::HasIncompatibleConfirmedVote(vote.round));
            }
        }
        if self.height == BlockHeight::MAX {
            self.apply("V5: the last height stays empty");
            return Err(NodeError::HeightOverflow);
        }
        Ok(())
    }
}

fn verdict(result: Checked<Option<VotePayload>>) -> Verdict {
    match result {
        Ok(Some(payload)) => Verdict::Vote(payload),
        Ok(None) => Verdict::Done,
        Err(error) => Verdict::Refused(error),
    }
}
