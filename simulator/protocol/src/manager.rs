//! One height of one chain at one validator: which proposals may be voted for, what is locked,
//! which votes were given.
//!
//! Keeps the voting rules V0 to V5 and the statements CommitAgreement and LockPreservation rest on:
//! one validating vote a round in increasing rounds, one confirming vote a round in non-decreasing
//! rounds, none below the current round. Never reads a clock and knows nothing of blocks' contents.
//! A node without a key runs the same code and tracks locks without voting.
//!
//! | input | checks, in order | changes |
//! |---|---|---|
//! | proposal | V0 same again, V1 round window, V2 above validating vote, V3 above lock, V4 confirming vote, V5 height | proposed, lock, round, vote |
//! | validated certificate | not below the validating vote, above the lock | lock, round, confirming vote |
//! | request to end the round | it is the current one, it has a timer, the time is over | timeout vote |
//! | timeout certificate | above the one at hand | round |
//! | request to take over | rounds of owners are not over, its time has come | fallback vote |

mod fallback;

use std::sync::Arc;

use crate::{
    block::Block,
    certificate::{
        CertificateKind, Timeout, TimeoutCertificate, ValidatedBlockCertificate, Vote, VotePayload,
    },
    committee::Committee,
    error::NodeError,
    hash::CryptoHash,
    ids::{AccountOwner, BlockHeight, ChainId},
    leader::draw_leader,
    ownership::ChainOwnership,
    proposal::{BlockProposal, OriginalProposal},
    round::Round,
    rules::{Rule, Rules},
    signature::SigningKey,
    time::Timestamp,
};

/// What a validator is locked on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LockingBlock {
    /// A block that it confirmed in the fast round.
    Fast(Arc<BlockProposal>),
    /// A block that a quorum validated.
    Regular(Arc<ValidatedBlockCertificate>),
}

impl LockingBlock {
    /// The round of the lock.
    pub fn round(&self) -> Round {
        match self {
            Self::Fast(_) => Round::Fast,
            Self::Regular(certificate) => certificate.round(),
        }
    }
}

/// What to do with an input that is in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// Go on.
    Accept,
    /// It was handled already: answer with the vote at hand.
    Skip,
}

/// The consensus state of one height.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainManager {
    ownership: Arc<ChainOwnership>,
    proposed: Option<Arc<BlockProposal>>,
    signed_proposal: Option<Arc<BlockProposal>>,
    locking_block: Option<LockingBlock>,
    /// Boxed: most chains have no vote most of the time.
    validated_vote: Option<Box<Vote>>,
    confirmed_vote: Option<Box<(Vote, CryptoHash)>>,
    timeout: Option<Arc<TimeoutCertificate>>,
    timeout_vote: Option<Box<Vote>>,
    fallback_vote: Option<Box<Vote>>,
    current_round: Round,
    round_timeout: Option<Timestamp>,
}

impl ChainManager {
    /// A fresh height.
    pub fn new(ownership: Arc<ChainOwnership>, now: Timestamp) -> Self {
        let current_round = ownership.first_round();
        let round_timeout = ownership
            .round_timeout(current_round)
            .map(|span| now.saturating_add(span));
        Self {
            ownership,
            proposed: None,
            signed_proposal: None,
            locking_block: None,
            validated_vote: None,
            confirmed_vote: None,
            timeout: None,
            timeout_vote: None,
            fallback_vote: None,
            current_round,
            round_timeout,
        }
    }

    /// The owners at this height.
    pub const fn ownership(&self) -> &Arc<ChainOwnership> {
        &self.ownership
    }

    /// The round that this node is in.
    pub const fn current_round(&self) -> Round {
        self.current_round
    }

    /// When that round runs out, by this node's clock.
    pub const fn round_timeout(&self) -> Option<Timestamp> {
        self.round_timeout
    }

    /// The proposal voted for last.
    pub const fn proposed(&self) -> Option<&Arc<BlockProposal>> {
        self.proposed.as_ref()
    }

    /// What this node is locked on.
    pub const fn locking_block(&self) -> Option<&LockingBlock> {
        self.locking_block.as_ref()
    }

    /// The newest correctly signed proposal that is known, voted for or not.
    pub fn newest_proposal(&self) -> Option<&Arc<BlockProposal>> {
        let known = [self.proposed.as_ref(), self.signed_proposal.as_ref()];
        known.into_iter().flatten().max_by_key(|known| known.round)
    }

    /// The certificate that ended the latest round that ran out of time.
    pub const fn timeout(&self) -> Option<&Arc<TimeoutCertificate>> {
        self.timeout.as_ref()
    }

    /// The vote of the highest round, given at this height.
    pub fn pending_vote(&self) -> Option<&Vote> {
        let confirmed = self.confirmed_vote.as_deref().map(|(vote, _)| vote);
        match (self.validated_vote.as_deref(), confirmed) {
            (Some(validated), Some(confirmed)) => {
                let newer = validated.payload.round > confirmed.payload.round;
                Some(if newer { validated } else { confirmed })
            }
            (Some(vote), None) | (None, Some(vote)) => Some(vote),
            (None, None) => None,
        }
    }

    /// Whether `owner` may propose in `round` of this height (section 2.2).
    pub fn can_propose(
        &self,
        instance: (ChainId, BlockHeight),
        owner: &AccountOwner,
        round: Round,
        committee: &Committee,
    ) -> bool {
        let leads = || self.leader(instance, round, committee) == Some(*owner);
        self.ownership.may_propose(owner, round) || leads()
    }

    /// The one regular owner, or in the validators' rounds the one validator, who leads `round`:
    /// drawn by weight, but for a fixed first leader. `None` in rounds without a leader.
    pub fn leader(
        &self,
        instance: (ChainId, BlockHeight),
        round: Round,
        committee: &Committee,
    ) -> Option<AccountOwner> {
        match round {
            Round::Fast | Round::MultiLeader(_) => None,
            Round::SingleLeader(0) if self.ownership.first_leader.is_some() => {
                self.ownership.first_leader
            }
            Round::SingleLeader(_) => {
                let owners = self.ownership.owners.iter();
                draw_leader(
                    instance,
                    round,
                    owners.map(|(owner, weight)| (*owner, *weight)),
                )
            }
            Round::Validator(_) => {
                let members = committee.validators().iter();
                let weights = members.map(|(key, member)| (key.owner(), member.votes));
                draw_leader(instance, round, weights)
            }
        }
    }

    /// The vote to end `round`, if that was the last one given.
    pub fn timeout_vote_of(&self, round: Round) -> Option<&Vote> {
        let vote = self.timeout_vote.as_deref();
        vote.filter(|vote| vote.payload.round == round)
    }

    /// Rules of 4.8 on a request to end `round`, for which no vote was given yet.
    ///
    /// # Errors
    /// If the round is not the current one, has no timer, or has time left.
    pub fn vote_timeout(
        &mut self,
        timeout: &Timeout,
        round: Round,
        key: &SigningKey,
        now: Timestamp,
        rules: &mut Rules,
    ) -> Result<Vote, NodeError> {
        let current = self.current_round;
        if round != current && rules.bites(Rule::TimeoutOfCurrentRound) {
            let found = round;
            return Err(NodeError::WrongRound { current, found });
        }
        let until = self
            .round_timeout
            .ok_or(NodeError::RoundDoesNotTimeOut(round))?;
        if now < until && rules.bites(Rule::TimeoutWhenExpired) {
            return Err(NodeError::NotTimedOutYet { round, until });
        }
        let vote = Vote::new(timeout.payload(round), key);
        self.timeout_vote = Some(Box::new(vote));
        Ok(vote)
    }

    /// Goes on to the round after a certified timeout; returns whether the certificate was news.
    pub fn handle_timeout(
        &mut self,
        certificate: &Arc<TimeoutCertificate>,
        now: Timestamp,
    ) -> bool {
        let newer = self
            .timeout
            .as_ref()
            .is_none_or(|known| known.round() < certificate.round());
        if newer {
            self.timeout = Some(certificate.clone());
            self.update_current_round(now);
        }
        newer
    }

    /// Remembers a lock that a validator told of, which the caller has checked. For a node without
    /// a key: it needs to know what may be proposed.
    pub fn note_lock(&mut self, lock: &LockingBlock, now: Timestamp) {
        match lock {
            LockingBlock::Regular(certificate) => self.lock_regular(certificate.clone()),
            LockingBlock::Fast(_) if self.locking_block.is_some() => {}
            LockingBlock::Fast(_) => self.locking_block = Some(lock.clone()),
        }
        self.update_current_round(now);
    }

    /// Rules V0 to V5 on a proposal for `height`.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check_proposed_block(
        &self,
        proposal: &BlockProposal,
        height: BlockHeight,
        rules: &mut Rules,
    ) -> Result<Gate, NodeError> {
        // V0: the same again is answered with the vote at hand.
        let last = self.proposed.as_ref();
        if last.is_some_and(|old| same_content(old, proposal)) && rules.bites(Rule::SameAgain) {
            return Ok(Gate::Skip);
        }
        let found = proposal.round;
        self.check_round_window(proposal, rules)?;
        // V2: above the round of the last vote to validate.
        if let Some(vote) = &self.validated_vote
            && found <= vote.payload.round
            && rules.bites(Rule::AboveValidatingVote)
        {
            return Err(NodeError::InsufficientRoundStrict {
                above: vote.payload.round,
                found,
            });
        }
        // V3: above the lock.
        if let Some(lock) = &self.locking_block
            && found <= lock.round()
            && rules.bites(Rule::AboveLock)
        {
            return Err(NodeError::MustBeNewerThanLockingBlock {
                locked: lock.round(),
                found,
            });
        }
        self.check_confirmed_vote(proposal, rules)?;
        // V5: a block above must remain possible.
        if height == BlockHeight::MAX && rules.bites(Rule::HeightBelowMax) {
            return Err(NodeError::HeightOverflow);
        }
        Ok(Gate::Accept)
    }

    /// V1: the window of rounds.
    fn check_round_window(
        &self,
        proposal: &BlockProposal,
        rules: &mut Rules,
    ) -> Result<(), NodeError> {
        let (current, found) = (self.current_round, proposal.round);
        match found {
            Round::Fast => Ok(()),
            Round::MultiLeader(_) | Round::SingleLeader(0) => {
                if found < current && rules.bites(Rule::NotBelowCurrentRound) {
                    return Err(NodeError::InsufficientRound {
                        minimum: current,
                        found,
                    });
                }
                let is_super = self.ownership.super_owners.contains(&proposal.owner());
                if current.is_fast() && !is_super && rules.bites(Rule::SuperOwnerEndsFastRound) {
                    return Err(NodeError::WrongRound { current, found });
                }
                Ok(())
            }
            Round::SingleLeader(_) | Round::Validator(_)
                if found == current || !rules.bites(Rule::IsCurrentRound) =>
            {
                Ok(())
            }
            Round::SingleLeader(_) | Round::Validator(_) => {
                Err(NodeError::WrongRound { current, found })
            }
        }
    }

    /// V4: a vote to confirm some block allows only what cannot conflict with it.
    fn check_confirmed_vote(
        &self,
        proposal: &BlockProposal,
        rules: &mut Rules,
    ) -> Result<(), NodeError> {
        let Some((vote, confirmed_block)) = self.confirmed_vote.as_deref() else {
            return Ok(());
        };
        let confirmed = vote.payload.round;
        let same_block = *confirmed_block == proposal.block_hash();
        let (rule, compatible) = match &proposal.original_proposal {
            None => (Rule::NothingFreshAfterConfirming, false),
            Some(OriginalProposal::Regular { certificate }) => {
                let certified = certificate.payload.round;
                let later = confirmed < certified || (same_block && confirmed == certified);
                (Rule::RetryAfterConfirmingIsCertified, later)
            }
            Some(OriginalProposal::Fast { .. }) => {
                let same = confirmed.is_fast() && same_block;
                (Rule::FastRetryAfterConfirmingIsSame, same)
            }
        };
        if compatible || !rules.bites(rule) {
            Ok(())
        } else {
            Err(NodeError::HasIncompatibleConfirmedVote(confirmed))
        }
    }

    /// Remembers that a correctly signed proposal reached its round, even if nothing comes of it.
    pub fn record_signed_proposal(&mut self, proposal: &Arc<BlockProposal>, now: Timestamp) {
        if proposal.round > Round::SingleLeader(0) {
            return;
        }
        if self
            .signed_proposal
            .as_ref()
            .is_none_or(|old| old.round < proposal.round)
        {
            self.signed_proposal = Some(proposal.clone());
            self.update_current_round(now);
        }
    }

    /// Votes for an accepted proposal, whose execution gave `block`. Returns the vote if there is a
    /// key.
    pub fn create_vote(
        &mut self,
        proposal: &Arc<BlockProposal>,
        regular_lock: Option<Arc<ValidatedBlockCertificate>>,
        block: &Block,
        key: Option<&SigningKey>,
        (now, rules): (Timestamp, &mut Rules),
    ) -> Option<Vote> {
        let in_order = proposal.round.is_fast() || self.current_round <= proposal.round;
        assert!(in_order || !rules.are_complete(), "V1");
        if let Some(certificate) = regular_lock {
            self.lock_regular(certificate);
        }
        let fast_retry = matches!(
            proposal.original_proposal,
            Some(OriginalProposal::Fast { .. })
        );
        let fast = fast_retry || proposal.round.is_fast();
        if fast && self.locking_block.is_none() && rules.bites(Rule::FastBlockLocks) {
            self.locking_block = Some(LockingBlock::Fast(proposal.clone()));
        }
        self.proposed = Some(proposal.clone());
        self.update_current_round(now);
        let payload = self.proposal_vote_payload(proposal, block);
        let vote = key.map(|key| Vote::new(payload, key))?;
        if proposal.round.is_fast() {
            self.confirmed_vote = Some(Box::new((vote, proposal.block_hash())));
            self.validated_vote = None;
        } else {
            let last = self.validated_vote.as_ref().map(|vote| vote.payload.round);
            assert!(
                last.is_none_or(|last| last < proposal.round) || !rules.are_complete(),
                "one validating vote a round"
            );
            self.validated_vote = Some(Box::new(vote));
        }
        Some(vote)
    }

    fn proposal_vote_payload(&self, proposal: &BlockProposal, block: &Block) -> VotePayload {
        let unlocking = match &proposal.original_proposal {
            Some(OriginalProposal::Regular { certificate }) => Some(&certificate.payload),
            Some(OriginalProposal::Fast { .. }) | None => None,
        };
        let fast = proposal.round.is_fast();
        VotePayload {
            value_hash: block.hash(),
            round: proposal.round,
            kind: if fast {
                CertificateKind::Confirmed
            } else {
                CertificateKind::Validated
            },
            unlocking_round: unlocking.map(|payload| payload.round),
            first_round: fast && self.ownership.first_round().is_fast(),
            commitment: unlocking.map(CryptoHash::of),
        }
    }

    /// Rules of 4.8 on a validated certificate for the next height, already checked against the
    /// committee.
    ///
    /// # Errors
    /// If a vote or lock of a later round stands against it.
    pub fn check_validated_block(
        &self,
        certificate: &ValidatedBlockCertificate,
        rules: &mut Rules,
    ) -> Result<Gate, NodeError> {
        let found = certificate.round();
        if let Some((vote, _)) = self.confirmed_vote.as_deref()
            && vote.payload.round == found
            && vote.payload.value_hash == certificate.hash()
        {
            return Ok(Gate::Skip);
        }
        if let Some(vote) = &self.validated_vote
            && vote.payload.round > found
            && rules.bites(Rule::CertificateNotBelowVote)
        {
            return Err(NodeError::InsufficientRound {
                minimum: vote.payload.round,
                found,
            });
        }
        if let Some(lock) = &self.locking_block
            && lock.round() >= found
            && rules.bites(Rule::CertificateAboveLock)
        {
            return Err(NodeError::InsufficientRoundStrict {
                above: lock.round(),
                found,
            });
        }
        Ok(Gate::Accept)
    }

    /// Locks an accepted validated certificate and votes to confirm it if its round is current.
    pub fn create_final_vote(
        &mut self,
        certificate: &Arc<ValidatedBlockCertificate>,
        key: Option<&SigningKey>,
        (now, rules): (Timestamp, &mut Rules),
    ) -> Option<Vote> {
        if rules.bites(Rule::CertificateLocks) {
            self.lock_regular(certificate.clone());
        }
        self.update_current_round(now);
        let round = certificate.round();
        if self.current_round != round && rules.bites(Rule::ConfirmInCurrentRound) {
            return None;
        }
        let first_round = round == self.ownership.first_round();
        let payload = VotePayload {
            value_hash: certificate.hash(),
            round,
            kind: CertificateKind::Confirmed,
            unlocking_round: None,
            first_round,
            commitment: (!first_round).then(|| CryptoHash::of(&certificate.lite().payload)),
        };
        let vote = key.map(|key| Vote::new(payload, key))?;
        let last = self
            .confirmed_vote
            .as_deref()
            .map(|(vote, _)| vote.payload.round);
        assert!(
            last.is_none_or(|last| last <= round) || !rules.are_complete(),
            "confirming votes never go back"
        );
        self.confirmed_vote = Some(Box::new((vote, certificate.block().proposed_hash())));
        self.validated_vote = None;
        Some(vote)
    }

    fn lock_regular(&mut self, certificate: Arc<ValidatedBlockCertificate>) {
        let newer = self
            .locking_block
            .as_ref()
            .is_none_or(|lock| lock.round() < certificate.round());
        if newer {
            self.locking_block = Some(LockingBlock::Regular(certificate));
        }
    }

    /// Section 4.5: the current round never goes back, and each increase restarts the timer.
    fn update_current_round(&mut self, now: Timestamp) {
        let rounds = [
            self.locking_block.as_ref().map(LockingBlock::round),
            self.proposed.as_ref().map(|proposal| proposal.round),
            self.signed_proposal.as_ref().map(|proposal| proposal.round),
            self.timeout
                .as_ref()
                .and_then(|timeout| self.ownership.next_round(timeout.round())),
        ];
        let reached = rounds
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(self.current_round);
        if reached > self.current_round {
            self.current_round = reached;
            self.round_timeout = self
                .ownership
                .round_timeout(reached)
                .map(|span| now.saturating_add(span));
        }
    }
}

/// What only misbehaving validators do.
impl ChainManager {
    /// Forgets lock and votes to confirm; returns whether there was anything.
    pub(crate) fn forget_locks(&mut self) -> bool {
        let lock = self.locking_block.take();
        let vote = self.confirmed_vote.take();
        lock.is_some() || vote.is_some()
    }

    /// Forgets everything but certified timeouts; returns whether there was anything.
    pub(crate) fn forget_votes(&mut self, now: Timestamp) -> bool {
        let timeout = self.timeout.take();
        let voted = self.validated_vote.is_some() || self.confirmed_vote.is_some();
        *self = Self::new(self.ownership.clone(), now);
        self.timeout = timeout;
        self.update_current_round(now);
        voted
    }
}

fn same_content(a: &BlockProposal, b: &BlockProposal) -> bool {
    a.block_hash() == b.block_hash() && a.round == b.round && a.outcome == b.outcome
}

#[cfg(test)]
mod tests;
