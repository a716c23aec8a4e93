//! Invariants over everything that the validator has ever signed and sent, said without the
//! reference: see docs/INVARIANTS.md.

use crate::{
    certificate::{CertificateKind, VotePayload},
    hash::CryptoHash,
    ids::BlockHeight,
    proposal::{BlockProposal, OriginalProposal},
    round::Round,
};

use super::letters::{Letter, Said};

/// A vote, and why it was given.
struct Cast {
    height: BlockHeight,
    payload: VotePayload,
    /// The proposed block; of the timeout itself for votes to end a round.
    block: CryptoHash,
}

/// All votes of one validator on one chain, and where it stood last.
#[derive(Default)]
pub(super) struct History {
    votes: Vec<Cast>,
    at: Option<(BlockHeight, Round, Option<Round>)>,
}

fn proposed_block(letter: &Letter, payload: &VotePayload) -> CryptoHash {
    match &letter.said {
        Said::Offer(offer) => offer.proposal.block_hash(),
        Said::Validated(vouched) | Said::LiteValidated(vouched) => vouched.block.proposed_hash(),
        _ => payload.value_hash,
    }
}

impl History {
    /// I-12: within a height, neither the round nor the lock goes back.
    pub(super) fn stands_at(&mut self, height: BlockHeight, round: Round, lock: Option<Round>) {
        if let Some((old_height, old_round, old_lock)) = self.at
            && old_height == height
        {
            assert!(old_round <= round, "I-12: the round goes back");
            assert!(old_lock <= lock, "I-12: the lock goes back");
        }
        self.at = Some((height, round, lock));
    }

    fn of(
        &self,
        height: BlockHeight,
        kind: CertificateKind,
    ) -> impl DoubleEndedIterator<Item = &Cast> {
        let same = move |cast: &&Cast| (cast.height, cast.payload.kind) == (height, kind);
        self.votes.iter().filter(same)
    }

    /// Adds a vote that `letter` led to, when the validator stands in round `current`.
    pub(super) fn add(
        &mut self,
        height: BlockHeight,
        payload: VotePayload,
        letter: &Letter,
        current: Round,
    ) {
        let round = payload.round;
        if round == Round::LAST_REGULAR {
            assert!(current <= round, "I-12: validators lead already");
        } else {
            assert!(round <= current, "I-12: a vote above the current round");
        }
        let last = self.of(height, payload.kind).next_back();
        let last = last.map(|cast| cast.payload);
        match payload.kind {
            CertificateKind::Validated => {
                assert!(
                    !round.is_fast(),
                    "I-9: nothing is validated in the fast round"
                );
                assert!(
                    last.is_none_or(|last| last.round < round),
                    "I-7: rounds of votes to validate increase"
                );
                self.keeps_the_lock_rule(height, &payload, letter);
            }
            CertificateKind::Confirmed => {
                assert!(
                    last.is_none_or(|last| last.round < round || last == payload),
                    "I-8: rounds of votes to confirm do not fall, with one block each"
                );
                assert!(justifies_confirming(letter, &payload, current), "I-9, I-10");
            }
            CertificateKind::Timeout => {
                let same_round = self
                    .of(height, payload.kind)
                    .find(|cast| cast.payload.round == round);
                assert!(
                    same_round.is_none_or(|cast| cast.payload == payload),
                    "I-8: one vote to end a round"
                );
                let asked = matches!(&letter.said, Said::Query(query)
                    if query.leader_timeout == Some((height, round))
                        || (query.fallback == Some(height) && round == Round::LAST_REGULAR));
                assert!(asked, "votes to end a round are asked for");
            }
        }
        self.votes.push(Cast {
            height,
            payload,
            block: proposed_block(letter, &payload),
        });
    }

    /// I-11: whoever has voted to confirm a block validates nothing that may conflict with it.
    fn keeps_the_lock_rule(&self, height: BlockHeight, payload: &VotePayload, letter: &Letter) {
        let Said::Offer(offer) = &letter.said else {
            panic!("I-7: only proposals are validated");
        };
        let proposal = &offer.proposal;
        for cast in self.of(height, CertificateKind::Confirmed) {
            let confirmed = cast.payload.round;
            let same = cast.block == proposal.block_hash();
            let allowed = match certified_round(proposal) {
                Some(certified) if same => confirmed <= certified && certified < payload.round,
                Some(certified) => confirmed < certified && certified < payload.round,
                None => same && confirmed.is_fast() && is_fast_retry(proposal),
            };
            assert!(allowed, "I-11: confirmed in {confirmed}, then {proposal:?}");
        }
    }
}

fn certified_round(proposal: &BlockProposal) -> Option<Round> {
    match &proposal.original_proposal {
        Some(OriginalProposal::Regular { certificate }) => Some(certificate.payload.round),
        _ => None,
    }
}

fn is_fast_retry(proposal: &BlockProposal) -> bool {
    matches!(
        proposal.original_proposal,
        Some(OriginalProposal::Fast { .. })
    )
}

/// I-9 and I-10: in the fast round a proposal of that round, else a certificate of the current one.
fn justifies_confirming(letter: &Letter, payload: &VotePayload, current: Round) -> bool {
    match &letter.said {
        Said::Offer(offer) => {
            let proposal = &offer.proposal;
            let fresh = proposal.round.is_fast() && proposal.original_proposal.is_none();
            fresh && payload.round.is_fast() && offer.value == Ok(payload.value_hash)
        }
        Said::Validated(vouched) | Said::LiteValidated(vouched) => {
            let known = vouched.lite.payload;
            known.kind == CertificateKind::Validated
                && vouched.valid.is_ok()
                && !payload.round.is_fast()
                && payload.round == current
                && (known.value_hash, known.round) == (payload.value_hash, payload.round)
        }
        _ => false,
    }
}
