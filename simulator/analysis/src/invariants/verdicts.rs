//! The names of all statements, how often each was checked, and where one broke.

use std::fmt;

use engine::{ActorId, VirtualTime};

use crate::{
    registry::{ChainNo, long},
    validators::Party,
};

/// Violations that are kept with their details; more are counted.
const KEPT: usize = 100;

/// Defines the statements with their names.
macro_rules! invariants {
    ($($(#[doc = $docs:literal])+ $variant:ident = $name:literal,)+) => {
        /// A statement that must hold at every instant; numbers are those of protocol.md,
        /// section 15.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Invariant {
            $($(#[doc = $docs])+ $variant,)+
        }

        impl Invariant {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name, such as `I-1 CommitAgreement`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

invariants! {
    /// No two blocks each gather a quorum to confirm at one height, whoever holds the votes.
    CommitAgreement = "I-1 CommitAgreement",
    /// Validators execute the same block at a height, and only one that a quorum confirmed.
    ExecutedPrefix = "I-2 ExecutedPrefix",
    /// A block follows the one below: height, hash, time, epoch.
    ChainLinking = "I-3 ChainLinking",
    /// Equal tips have equal state hashes, and the one that the block says.
    Determinism = "I-4 Determinism",
    /// A validator's tip never falls and never leaps.
    TipMonotone = "I-5 TipMonotone",
    /// No chain begins twice, and a child says truly where it was opened.
    UniqueIdentity = "I-6 UniqueIdentity",
    /// One value validated a round, in increasing rounds.
    ValidatedVotes = "I-7 ValidatedVotes",
    /// One value confirmed a round, in rounds that never decrease.
    ConfirmedVotes = "I-8 ConfirmedVotes",
    /// Nothing is validated in the fast round, and only a super owner's proposal confirmed.
    FastRound = "I-9 FastRound",
    /// After the fast round, only a validated block of the current round is confirmed.
    ConfirmValidated = "I-10 ConfirmValidated",
    /// After a vote to confirm, another block is validated only with a newer certificate.
    LockRule = "I-11 LockRule",
    /// Votes are cast above the tip, and in no round that is still to come.
    VoteAboveTip = "I-12 VoteAboveTip",
    /// No two blocks each gather a quorum to be validated in one round.
    UniqueValidated = "I-13 UniqueValidated",
    /// What a quorum may have committed is the only block that is validated in later rounds.
    LockPreservation = "I-14 LockPreservation",
    /// Only the current round is voted to be over, when its time is.
    TimeoutVotes = "I-15 TimeoutVotes",
    /// What was released is in the durable state.
    PersistBeforeRelease = "I-16 PersistBeforeRelease",
    /// Distinct members of a committee with a quorum sign a certificate, and say truly whether its
    /// round is the first.
    CertificateForm = "I-17 CertificateForm",
    /// Only who may propose in a round gets a vote there.
    ProposerRights = "I-18 ProposerRights",
    /// No balance is negative, and no sum wraps.
    NoNegativeBalance = "I-19 NoNegativeBalance",
    /// Balances, messages on their way, burned fees and what was dropped are the supply.
    Conservation = "I-20 Conservation",
    /// A block sends and opens just what its transactions say, and leaves what it does not spend.
    BlockConservation = "I-21 BlockConservation",
    /// A block costs what its prices say, somebody pays it, and no limit is exceeded.
    Fees = "I-22 Fees",
    /// What spenders take of an account is at most what its owner has approved.
    Allowances = "I-23 Allowances",
    /// What arrives or is taken in is what the origin's block has sent.
    NoForgery = "I-24 NoForgery",
    /// No bundle is taken in twice.
    AtMostOnce = "I-25 AtMostOnce",
    /// Bundles of one origin are taken in in order, and only what may be is jumped over.
    Order = "I-26 Order",
    /// Inboxes keep their shape, and bundles arrive in order, each once.
    InboxShape = "I-27 InboxShape",
    /// Outboxes keep their shape.
    OutboxShape = "I-28 OutboxShape",
    /// An outbox forgets only what has arrived.
    OutboxInboxLink = "I-29 OutboxInboxLink",
    /// One worker of a validator speaks for a chain.
    SingleWriter = "I-30 SingleWriter",
    /// A block links, for each recipient, to the last block before it that sent there.
    MessageLinks = "I-31 MessageLinks",
    /// What is rejected and tracked comes back once and unchanged, nothing else does, and what is
    /// protected is not rejected.
    Bounces = "I-32 Bounces",
    /// Who waits for delivery is answered when everything up to that height is delivered.
    BlockingDelivery = "I-33 BlockingDelivery",
    /// A validator has stored the blobs of a block when it executes it.
    BlobsStored = "I-34 BlobsStored",
    /// Blobs are taken in only if a pending or certified block refers to them, and not too many.
    BlobsExpected = "I-35 BlobsExpected",
    /// Events of a stream are numbered without a gap, say the same to everybody, and come to who
    /// follows them once and in order.
    Events = "I-36 Events",
    /// A chain goes through the epochs one by one, each created by the admin chain.
    EpochOrder = "I-37 Epoch",
    /// No message of a revoked epoch is taken in unless a later one vouches for it.
    RevokedMessages = "I-38 RevokedMessages",
    /// What is notified is in the durable state.
    Notifications = "I-39 Notifications",
    /// A closed chain only rejects.
    ClosedChains = "I-40 ClosedChains",
    /// A block does what its chain permits, and calls whom it must.
    Permissions = "I-41 Permissions",
    /// A block records just the answers that it asks for, and a fast block none.
    OracleResponses = "I-42 OracleResponses",
    /// A block of a chain with one owner is confirmed soon, once all faults are over.
    SingleOwnerProgress = "I-43 SingleOwnerProgress",
    /// Some block of a chain with several owners is confirmed when one of them has led a round alone.
    ContendedProgress = "I-44 ContendedProgress",
    /// What a confirmed block sends is in the recipient's inbox in the end, at all who are up.
    EventualDelivery = "I-45 EventualDelivery",
    /// All who are up have in the end the blocks of a chain whose wallet goes on.
    CatchUp = "I-46 CatchUp",
    /// Something can be proposed for every open height that a quorum would vote for.
    NoWedge = "I-48 NoWedge",
    /// Two commits at one height convict a third of the weight, and nobody who kept the rules.
    Accountability = "I-49 Accountability",
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// When, who, and about which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) time: VirtualTime,
    pub(crate) actor: ActorId,
    pub(crate) party: Party,
    pub(crate) chain: Option<ChainNo>,
}

/// A statement that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// When.
    pub time: VirtualTime,
    /// Whose fact shows it.
    pub actor: ActorId,
    /// Who that is, and on which chain, such as `v1/w2 on A`.
    pub place: String,
    /// How, with the values.
    pub detail: String,
}

/// A violation before its place has names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) invariant: Invariant,
    pub(crate) stamp: Stamp,
    pub(crate) detail: String,
}

/// What the checks found so far.
#[derive(Clone, Debug)]
pub(crate) struct Verdicts {
    /// The fact that is being looked at.
    pub(crate) stamp: Stamp,
    violations: Vec<Broken>,
    /// By statement: how often it was checked, and how often it failed.
    counts: Vec<(u64, u64)>,
}

impl Default for Verdicts {
    fn default() -> Self {
        let (time, actor) = (VirtualTime::ZERO, ActorId::ENVIRONMENT);
        Self {
            stamp: Stamp {
                time,
                actor,
                party: Party::Environment,
                chain: None,
            },
            violations: Vec::new(),
            counts: vec![(0, 0); Invariant::ALL.len()],
        }
    }
}

impl Verdicts {
    /// Counts a check, and keeps the violation if it does not hold. Says whether it holds.
    pub(crate) fn check(
        &mut self,
        invariant: Invariant,
        holds: bool,
        detail: impl FnOnce() -> String,
    ) -> bool {
        let position = place(invariant);
        self.counts[position].0 += 1;
        if !holds {
            self.counts[position].1 += 1;
            if self.violations.len() < KEPT {
                self.violations.push(Broken {
                    invariant,
                    stamp: self.stamp,
                    detail: detail(),
                });
            }
        }
        holds
    }

    /// Keeps a violation.
    pub(crate) fn fails(&mut self, invariant: Invariant, detail: String) {
        self.check(invariant, false, || detail);
    }

    /// The first violations, in order.
    pub(crate) fn violations(&self) -> &[Broken] {
        &self.violations
    }

    /// How often a statement was checked, and how often it failed.
    pub(crate) fn counts(&self, invariant: Invariant) -> (u64, u64) {
        self.counts[place(invariant)]
    }

    /// Violations that are counted only.
    pub(crate) fn more(&self) -> u64 {
        let failed: u64 = self.counts.iter().map(|(_, failed)| failed).sum();
        failed - long(self.violations.len())
    }
}

fn place(invariant: Invariant) -> usize {
    let position = Invariant::ALL.binary_search(&invariant);
    position.expect("the list holds every variant, in order")
}
