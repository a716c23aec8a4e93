//! Certificates of blocks at the reference: 4.8 and 4.10.

use super::{super::world::Vouched, Checked, Model};
use crate::{
    Timestamp,
    certificate::{CertificateKind, VotePayload},
    error::{CertificateError, NodeError},
    hash::CryptoHash,
    ids::{BlockHeight, ChainId, Epoch},
};

impl Model {
    pub(super) fn body(&self, vouched: &Vouched) -> Checked {
        let named = (vouched.lite.chain_id, vouched.lite.payload.value_hash);
        if named.0 == self.chain && self.bodies.contains(&named.1) {
            Ok(())
        } else {
            Err(NodeError::MissingCertificateValue)
        }
    }

    fn is_about(&self, to: ChainId, vouched: &Vouched, kind: CertificateKind) -> Checked {
        if vouched.block.chain_id() == to && vouched.lite.payload.kind == kind {
            Ok(())
        } else {
            Err(NodeError::Certificate(CertificateError::OtherBlock))
        }
    }

    pub(super) fn validated_block(
        &mut self,
        to: ChainId,
        vouched: &Vouched,
        now: Timestamp,
    ) -> Checked<Option<VotePayload>> {
        let justified = vouched.lite.payload;
        let found = justified.round;
        self.known(to)?;
        self.is_about(to, vouched, CertificateKind::Validated)?;
        self.at_tip(vouched.block.height())?;
        self.check_epoch(vouched.block.proposed().epoch)?;
        vouched.valid.clone()?;
        let value_hash = vouched.block.hash();
        if let Some((vote, _)) = self.confirmed
            && (vote.round, vote.value_hash) == (found, value_hash)
        {
            self.apply("validated: confirmed already");
            return Ok(None);
        }
        if let Some(vote) = self.validated
            && vote.round > found
        {
            self.apply("validated: below the vote to validate");
            let minimum = vote.round;
            return Err(NodeError::InsufficientRound { minimum, found });
        }
        if let Some((above, _)) = self.lock
            && above >= found
        {
            self.apply("validated: not above the lock");
            return Err(NodeError::InsufficientRoundStrict { above, found });
        }
        self.lock = Some((found, vouched.block.proposed_hash()));
        self.bodies.insert(value_hash);
        self.reach(found, now);
        if self.round != found {
            self.apply("validated: locks without a vote");
            return Ok(None);
        }
        let first_round = found == self.first_round();
        let payload = VotePayload {
            value_hash,
            round: found,
            kind: CertificateKind::Confirmed,
            unlocking_round: None,
            first_round,
            commitment: (!first_round).then(|| CryptoHash::of(&justified)),
        };
        self.confirmed = Some((payload, vouched.block.proposed_hash()));
        self.validated = None;
        self.apply("validated: vote to confirm");
        Ok(Some(payload))
    }

    pub(super) fn confirmed_block(
        &mut self,
        to: ChainId,
        vouched: &Vouched,
        now: Timestamp,
    ) -> Checked<Option<VotePayload>> {
        self.is_about(to, vouched, CertificateKind::Confirmed)?;
        let block = &vouched.block;
        let takes_in = u64::try_from(block.proposed().incoming_bundles().count()).expect("small");
        if block.height() < self.height {
            self.apply("confirmed: below the tip");
            return Ok(None);
        }
        // It is judged by the committee of its own epoch, which the admin chain tells of.
        if block.proposed().epoch != Epoch(0) && self.next_epoch.is_none() {
            return Err(NodeError::EventsNotFound(block.proposed().epoch));
        }
        vouched.valid.clone()?;
        if block.height() > self.height {
            self.apply("confirmed: above the tip");
            self.ahead = Some((block.height(), block.hash(), takes_in));
            return Ok(None);
        }
        if block.proposed().previous_block_hash != self.tip {
            return Err(NodeError::UnexpectedPreviousBlockHash);
        }
        self.check_epoch(block.proposed().epoch)?;
        if super::super::letters::has_altered_outcome(block) {
            return Err(NodeError::CorruptedChainState(block.hash()));
        }
        self.taken_in += takes_in;
        self.tip = Some(block.hash());
        self.height = if self.leaps {
            BlockHeight::MAX
        } else {
            self.height.next()
        };
        self.apply("confirmed: at the tip");
        if let Some((height, hash, takes_in)) = self.ahead.take() {
            assert_eq!(height, self.height, "one block ahead");
            self.taken_in += takes_in;
            self.tip = Some(hash);
            self.height = height.next();
            self.apply("confirmed: and the one above it");
        }
        self.bodies.clear();
        self.begin_height(now);
        Ok(None)
    }
}
