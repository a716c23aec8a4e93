//! I-48: is there a proposal for an open height that a quorum of those who keep the rules would still
//! vote for? Reckoned from the votes alone, by the rules of locks (4.6).

use protocol::{certificate::CertificateKind, round::Round};

use super::heights::{Ballot, Height};

/// What can be proposed for a height on which votes were cast.
#[derive(Clone, Copy, Debug)]
enum Offer {
    /// A block that nobody has seen.
    Fresh,
    /// The block of a fast proposal, again.
    FastAgain(u16),
    /// A block with the certificate that it was validated in this round.
    Certified(u16, Round),
}

impl Height {
    /// Whether anything can come of this height. `weight` is the voting weight of a validator, 0 if
    /// nothing can be expected of it; `signs` the weight that it adds to a certificate, told whether it
    /// has voted for it.
    pub(crate) fn can_go_on(
        &self,
        quorum: u64,
        validators: u32,
        signs: impl Fn(u32, bool) -> u64,
        weight: impl Fn(u32) -> u64,
    ) -> bool {
        let mut offers = vec![Offer::Fresh];
        for ballot in &self.ballots {
            let offer = match ballot.kind {
                CertificateKind::Confirmed if ballot.round.is_fast() => {
                    Offer::FastAgain(ballot.value)
                }
                CertificateKind::Validated => Offer::Certified(ballot.value, ballot.round),
                CertificateKind::Confirmed | CertificateKind::Timeout => continue,
            };
            offers.push(offer);
        }
        offers.iter().any(|offer| {
            let there = match offer {
                Offer::Fresh | Offer::FastAgain(_) => true,
                Offer::Certified(value, round) => {
                    self.validated_by(*value, *round, validators, &signs) >= quorum
                }
            };
            let takers = (0..validators).filter(|one| self.takes(*one, *offer));
            there && takers.map(&weight).sum::<u64>() >= quorum
        })
    }

    fn validated_by(
        &self,
        value: u16,
        round: Round,
        validators: u32,
        signs: impl Fn(u32, bool) -> u64,
    ) -> u64 {
        let voted = |validator: u32| {
            self.ballots.iter().any(|one| {
                (one.validator, one.kind, one.value, one.round)
                    == (validator, CertificateKind::Validated, value, round)
            })
        };
        (0..validators).map(|one| signs(one, voted(one))).sum()
    }

    /// Whether the locks of a validator allow it to vote for this.
    fn takes(&self, validator: u32, offer: Offer) -> bool {
        let own = self.ballots.iter().filter(|one| one.validator == validator);
        let confirmed = own.filter(|one| one.kind == CertificateKind::Confirmed);
        let Some(lock) = confirmed.max_by_key(|one| one.round) else {
            return true;
        };
        let Ballot { round, value, .. } = *lock;
        match offer {
            Offer::Fresh => false,
            Offer::FastAgain(offered) => round.is_fast() && offered == value,
            Offer::Certified(offered, certified) if offered == value => round <= certified,
            Offer::Certified(_, certified) => round < certified,
        }
    }
}
