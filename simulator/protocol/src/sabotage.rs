//! Seeded bugs. A check that has never failed proves nothing: each of these must make one fail.

/// One deliberate bug in a machine. No scenario can name one; tests can.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sabotage {
    /// No bug.
    #[default]
    None,
    /// A validator signs a second, different vote in the same round.
    VoteTwice,
    /// An inbox takes in bundles without looking at their order.
    InboxOutOfOrder,
    /// An outbox forgets a height that was never delivered.
    OutboxForgets,
    /// A voting rule is not looked at.
    Without(Rule),
}

/// A voting rule of sections 4.6 to 4.8, by what it demands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
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
}

impl Rule {
    /// All rules, in their order.
    pub const ALL: [Self; 18] = [
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
    ];
}

/// The voting rules that a machine keeps: all of them, or all but one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    missing: Option<Rule>,
}

impl Rules {
    /// Every rule is kept.
    pub const ALL: Self = Self { missing: None };

    /// Whether `rule` is kept.
    pub fn keep(self, rule: Rule) -> bool {
        self.missing != Some(rule)
    }

    /// Whether all rules are kept.
    pub const fn are_complete(self) -> bool {
        self.missing.is_none()
    }
}

impl Sabotage {
    /// The rules that are left.
    pub const fn rules(self) -> Rules {
        let missing = match self {
            Self::Without(rule) => Some(rule),
            Self::None | Self::VoteTwice | Self::InboxOutOfOrder | Self::OutboxForgets => None,
        };
        Rules { missing }
    }
}
