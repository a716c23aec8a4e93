//! Seeded bugs. A check that has never failed proves nothing: each of these must make one fail.

use crate::{
    client::ClientOptions,
    rules::{Rule, Rules},
    time::TimeDelta,
};

/// A time that does not come.
const NEVER: TimeDelta = TimeDelta::from_secs(0xffff_ffff);

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
    /// A worker keeps its chains whatever the shard map says, and takes those that it owns by the map
    /// whoever holds them.
    TwoOwners,
    /// A voting rule is not looked at.
    Without(Rule),
    /// A validator votes for blocks however far they are in the future.
    BlocksOfTheFuture,
    /// A validator that stops forgets its votes and locks.
    CrashForgetsVotes,
    /// A validator answers first and saves then.
    AnswersBeforeSaving,
    /// Whoever signs a block may spend everybody's money.
    AnybodyPays,
    /// A closed chain makes blocks as if it were open.
    ClosedChainsPay,
    /// An operation that changes the owners of a chain changes nothing.
    OwnersNeverChange,
    /// A chain that processes a new epoch stays in its old one.
    EpochsNeverChange,
    /// A fee is reckoned and not taken from anybody.
    FeeNotBurned,
    /// Messages cost nothing, whatever their price.
    MessagesAreFree,
    /// The fuel of applications costs nothing, whatever its price.
    FuelIsFree,
    /// Publishing blobs costs nothing, whatever its price.
    BlobsAreFree,
    /// An event gets the index of the one before it.
    EventIndexReused,
    /// An application that follows a stream gets all of it each time.
    StreamsHandedTwice,
    /// A block may be as large as it likes.
    NoLimits,
    /// A rejected tracked message does not go home.
    BounceDropped,
    /// What a message was granted goes back twice.
    GrantPaidTwice,
    /// A bundle may be rejected although it is protected.
    ProtectedRejected,
    /// Of a bundle that fails, what comes before the failing message stays done.
    BundlesByHalves,
    /// Nothing can be sent as if it were something.
    ZeroAmounts,
    /// The balance of a new chain is taken from nobody.
    ChainsOnCredit,
    /// A wallet gives those that have not answered as long again as a quorum took.
    LongGrace,
    /// A wallet looks for messages only when it is told of one.
    NeverLooksAgain,
    /// A validator takes in whatever blob is sent.
    BlobsOfAnybody,
    /// A validator does not look whether the blobs of a block are there.
    BlobsUnseen,
    /// A block may publish any number of blobs.
    BlobsWithoutLimit,
    /// What a block asks of oracles is not recorded in it.
    OraclesUnrecorded,
    /// An inbox takes in again what it has had.
    BundlesTwice,
    /// A worker confirms what has arrived before it has saved it, and the outbox forgets it.
    ConfirmsBeforeSaving,
    /// The good updates of a batch that is rolled back are confirmed all the same.
    BatchesByHalves,
    /// Nobody looks at what a chain permits its applications.
    PermissionsIgnored,
    /// A worker takes in messages of revoked epochs, whoever vouches for them.
    RevokedAdmitted,
    /// A worker refuses messages of revoked epochs that blocks have anticipated, too.
    AnticipatedRefused,
    /// A validator votes for blocks without looking for their messages in its inboxes.
    InboxesUnseen,
    /// An account pays more than it holds.
    BalancesUnchecked,
    /// An update that brings nothing new is not confirmed, whatever the options.
    DuplicatesUnconfirmed,
    /// Every update is confirmed, whatever the options.
    DuplicatesConfirmed,
    /// A worker never looks again for what is left in its outboxes.
    NeverSweeps,
    /// A recipient does not look whether something is missing before an update.
    GapsUnseen,
    /// Epochs are revoked in any order, the current one too.
    EpochsInAnyOrder,
    /// A payment within a chain is sent as a message.
    SelfPaymentsSent,
    /// A wallet that is not answered, or whose step fails, never tries again.
    GivesUp,
    /// A wallet sends nobody what he lacks.
    HelpsNobody,
    /// A wallet proposes a block without looking what is there already, a fast one too.
    NeverLooksFirst,
    /// A worker notifies of what it is about to save.
    NotifiesBeforeSaving,
    /// A wallet waits in a round whose time is over.
    NeverEndsRounds,
    /// What a spender takes is not counted against what was approved.
    AllowanceNotLowered,
}

impl Sabotage {
    /// The rules that are left.
    pub const fn rules(self) -> Rules {
        let missing = if let Self::Without(rule) = self {
            Some(rule)
        } else {
            None
        };
        Rules::without(missing)
    }
    /// How long and how often wallets wait.
    pub fn client_options(self) -> ClientOptions {
        let sound = ClientOptions::default();
        match self {
            Self::LongGrace => ClientOptions {
                grace_divisor: 1,
                ..sound
            },
            Self::NeverLooksAgain => ClientOptions {
                poll_interval: NEVER,
                ..sound
            },
            Self::GivesUp => ClientOptions {
                request_timeout: NEVER,
                retry_delay: NEVER,
                max_backoff: NEVER,
                ..sound
            },
            Self::HelpsNobody => ClientOptions {
                helps: false,
                ..sound
            },
            Self::NeverEndsRounds => ClientOptions {
                ends_rounds: false,
                ..sound
            },
            Self::NeverLooksFirst => ClientOptions {
                looks_first: false,
                ..sound
            },
            _ => sound,
        }
    }
}
