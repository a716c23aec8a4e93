//! The voting rules by name, and which of them have bitten.
//!
//! Owns the list of rules that a report tells of, and the record of which a machine has had to
//! apply so far: a rule that never bit in any run has not been tried. Does not know what the rules
//! say: each is one branch, in `manager` or `worker::consensus`, that asks here.

use serde::{Deserialize, Serialize};

/// A voting rule of sections 4.6 to 4.8, by what it demands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Rule {
    /// 4.6: the signer of a proposal may propose in its round.
    ProposerMayPropose,
    /// V0: the same proposal again is answered with the vote at hand.
    SameAgain,
    /// V1: a multi-leader round, or the first single-leader round, is not below the current one.
    NotBelowCurrentRound,
    /// V1: out of the fast round only a super owner leads.
    SuperOwnerEndsFastRound,
    /// V1: a later single-leader round, or a validator round, is the current one.
    IsCurrentRound,
    /// V2: above the round of the last validating vote.
    AboveValidatingVote,
    /// V3: above the round of the lock.
    AboveLock,
    /// V4: after a confirming vote no fresh block is validated.
    NothingFreshAfterConfirming,
    /// V4: after a confirming vote a retry needs a certificate of a later round, or of the same
    /// block.
    RetryAfterConfirmingIsCertified,
    /// V4: after a confirming vote a fast retry is of the same fast block.
    FastRetryAfterConfirmingIsSame,
    /// V5: a height above remains possible.
    HeightBelowMax,
    /// 4.8: a validated certificate is not below the last validating vote.
    CertificateNotBelowVote,
    /// 4.8: a validated certificate is above the lock.
    CertificateAboveLock,
    /// 4.8: a block is confirmed in the current round only.
    ConfirmInCurrentRound,
    /// 4.7: a fast block is a lock.
    FastBlockLocks,
    /// 4.8: a validated certificate is a lock.
    CertificateLocks,
    /// 4.8: only the current round is voted to be over.
    TimeoutOfCurrentRound,
    /// 4.8: no round is voted to be over before its time.
    TimeoutWhenExpired,
    /// 4.8: validators do not take over before the chain's epoch is over for long enough.
    FallbackWhenDue,
}

impl Rule {
    /// All rules, in their order.
    pub const ALL: [Self; 19] = [
        Self::ProposerMayPropose,
        Self::SameAgain,
        Self::NotBelowCurrentRound,
        Self::SuperOwnerEndsFastRound,
        Self::IsCurrentRound,
        Self::AboveValidatingVote,
        Self::AboveLock,
        Self::NothingFreshAfterConfirming,
        Self::RetryAfterConfirmingIsCertified,
        Self::FastRetryAfterConfirmingIsSame,
        Self::HeightBelowMax,
        Self::CertificateNotBelowVote,
        Self::CertificateAboveLock,
        Self::ConfirmInCurrentRound,
        Self::FastBlockLocks,
        Self::CertificateLocks,
        Self::TimeoutOfCurrentRound,
        Self::TimeoutWhenExpired,
        Self::FallbackWhenDue,
    ];

    /// Its name, as docs/VOTING-RULES.md lists it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProposerMayPropose => "ProposerMayPropose",
            Self::SameAgain => "SameAgain",
            Self::NotBelowCurrentRound => "NotBelowCurrentRound",
            Self::SuperOwnerEndsFastRound => "SuperOwnerEndsFastRound",
            Self::IsCurrentRound => "IsCurrentRound",
            Self::AboveValidatingVote => "AboveValidatingVote",
            Self::AboveLock => "AboveLock",
            Self::NothingFreshAfterConfirming => "NothingFreshAfterConfirming",
            Self::RetryAfterConfirmingIsCertified => "RetryAfterConfirmingIsCertified",
            Self::FastRetryAfterConfirmingIsSame => "FastRetryAfterConfirmingIsSame",
            Self::HeightBelowMax => "HeightBelowMax",
            Self::CertificateNotBelowVote => "CertificateNotBelowVote",
            Self::CertificateAboveLock => "CertificateAboveLock",
            Self::ConfirmInCurrentRound => "ConfirmInCurrentRound",
            Self::FastBlockLocks => "FastBlockLocks",
            Self::CertificateLocks => "CertificateLocks",
            Self::TimeoutOfCurrentRound => "TimeoutOfCurrentRound",
            Self::TimeoutWhenExpired => "TimeoutWhenExpired",
            Self::FallbackWhenDue => "FallbackWhenDue",
        }
    }

    const fn bit(self) -> u32 {
        1 << (self as u32)
    }
}

/// The voting rules that a machine keeps: all of them, or all but one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    missing: Option<Rule>,
    /// Those that have bitten, a bit each.
    bitten: u32,
    /// Those of them that were told of.
    told: u32,
}

impl Rules {
    /// Every rule is kept, and none has bitten.
    pub const fn all() -> Self {
        Self::without(None)
    }

    /// All rules but `missing` are kept.
    pub const fn without(missing: Option<Rule>) -> Self {
        Self {
            missing,
            bitten: 0,
            told: 0,
        }
    }

    /// To be asked at the branch of `rule` when all its conditions hold, so that nothing but the
    /// rule stands in the way: whether the rule is kept. Remembers that it was asked.
    pub fn bites(&mut self, rule: Rule) -> bool {
        self.bitten |= rule.bit();
        self.missing != Some(rule)
    }

    /// Whether all rules are kept.
    pub const fn are_complete(&self) -> bool {
        self.missing.is_none()
    }

    /// Rules that have bitten since this was asked last, and never before.
    pub fn news(&mut self) -> impl Iterator<Item = Rule> + use<> {
        let fresh = self.bitten & !self.told;
        self.told = self.bitten;
        let all = Rule::ALL.into_iter();
        all.filter(move |rule| fresh & rule.bit() != 0)
    }
}
