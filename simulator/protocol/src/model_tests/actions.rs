//! What may happen to the validator, and how often.

use proptest::prelude::*;

use super::world::{BLOCKS, GOOD_BLOCKS, PEOPLE, PUBLISHES, Setting, Signers};
use crate::{certificate::CertificateKind, round::Round};

/// A round, as seen from where the chain stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum RoundPick {
    This(Round),
    Current,
    Next,
    Lock,
    /// The one before the round of the proposal that it is for.
    Before,
}

/// What a proposal is said to be a retry of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Retry {
    Fresh,
    /// Of a fast block of this person.
    Fast(u32),
    /// Of a block that was validated.
    Regular(RoundPick, Signers),
}

/// The one thing that is wrong with a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Flaw {
    /// Signed with another key.
    Signature,
    /// The round is another one than was signed.
    RoundAfter,
    /// The block is another one than was signed.
    BlockAfter,
    /// The block is of another chain.
    Chain,
    /// Sent as if it were about another chain.
    Envelope,
    /// Sent as if it were about a chain that nobody knows.
    Unknown,
    /// One height too high.
    Above,
    /// One height too low.
    Below,
    /// Of another epoch.
    Epoch,
    /// On top of a block that does not exist.
    Previous,
    /// With an outcome that no execution gives.
    Outcome,
    /// Votes that say something else.
    Kind,
    /// The proof of a retry is of another block.
    Original,
    /// The proof of a retry is left out.
    NoOriginal,
    /// A lite certificate that names another chain.
    OtherChainsCertificate,
}

impl Flaw {
    /// What may be wrong with a request to end a round.
    pub(super) const OF_REQUESTS: &'static [Self] = &[Self::Above, Self::Below, Self::Unknown];

    /// What may be wrong with a timeout certificate.
    pub(super) const OF_TIMEOUTS: &'static [Self] = &[
        Self::RoundAfter,
        Self::Chain,
        Self::Envelope,
        Self::Unknown,
        Self::Above,
        Self::Below,
        Self::Epoch,
    ];

    /// What may be wrong with a certificate of a block.
    pub(super) const OF_CERTIFICATES: &'static [Self] = &[
        Self::RoundAfter,
        Self::Chain,
        Self::Envelope,
        Self::Unknown,
        Self::Above,
        Self::Below,
        Self::Epoch,
        Self::Previous,
        Self::Outcome,
        Self::Kind,
        Self::OtherChainsCertificate,
    ];

    /// What may be wrong with any proposal.
    pub(super) const OF_PROPOSALS: &'static [Self] = &[
        Self::Signature,
        Self::RoundAfter,
        Self::BlockAfter,
        Self::Chain,
        Self::Envelope,
        Self::Unknown,
        Self::Above,
        Self::Below,
        Self::Epoch,
        Self::Previous,
    ];

    /// What may be wrong with a retry of a fast block, beyond that.
    pub(super) const OF_FAST_RETRIES: &'static [Self] = &[Self::Original, Self::NoOriginal];

    /// What may be wrong with a retry of a validated block, beyond that.
    pub(super) const OF_REGULAR_RETRIES: &'static [Self] = &[
        Self::Outcome,
        Self::Kind,
        Self::Original,
        Self::NoOriginal,
        Self::OtherChainsCertificate,
    ];

    /// Whether a certificate with it is still over a block that can be committed.
    pub(super) const fn keeps_the_block(self) -> bool {
        !matches!(
            self,
            Self::Chain | Self::Below | Self::Epoch | Self::Previous | Self::Outcome
        )
    }
}

/// A blob that is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BlobPick {
    /// The one that a block publishes.
    Published,
    /// Another one.
    Other,
    /// One that is too large.
    TooLarge,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Propose {
        /// Somebody who may, if it is left open.
        who: Option<u32>,
        block: u8,
        round: RoundPick,
        retry: Retry,
        flaw: Option<Flaw>,
    },
    /// A certificate over a block: validated or confirmed, lite or full.
    Certify {
        kind: CertificateKind,
        block: u8,
        round: RoundPick,
        signers: Signers,
        lite: bool,
        flaw: Option<Flaw>,
    },
    /// A timeout certificate.
    EndRound {
        round: RoundPick,
        signers: Signers,
        flaw: Option<Flaw>,
    },
    /// A request for a vote to end a round.
    AskToEnd {
        round: RoundPick,
        flaw: Option<Flaw>,
    },
    /// A request for a vote to hand the height over to validators.
    AskToTakeOver(Option<Flaw>),
    /// The next epoch has begun so many milliseconds ago.
    NextEpoch(u64),
    /// A blob for a pending block.
    Blob(BlobPick),
    /// A blob for a certified block.
    Upload,
    Query,
    Download,
    Bundle(u64),
    Delivered,
    Stray,
    /// So many milliseconds pass.
    Pass(u64),
    /// The validator stops and starts again.
    Crash,
    /// An earlier message, once more.
    Again(prop::sample::Index),
}

/// An action, and after how many outputs the validator stops, if it does.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) stop: Option<usize>,
}

fn round() -> impl Strategy<Value = RoundPick> {
    let this = prop::sample::select(vec![
        Round::Fast,
        Round::MultiLeader(0),
        Round::MultiLeader(1),
        Round::MultiLeader(2),
        Round::SingleLeader(0),
        Round::SingleLeader(1),
        Round::SingleLeader(2),
        Round::Validator(0),
    ]);
    prop_oneof![
        6 => Just(RoundPick::Current),
        3 => Just(RoundPick::Next),
        1 => Just(RoundPick::Lock),
        5 => this.prop_map(RoundPick::This),
    ]
}

fn signers() -> impl Strategy<Value = Signers> {
    prop_oneof![
        8 => Just(Signers::Others),
        8 => Just(Signers::WithOwn),
        1 => Just(Signers::Few),
        1 => Just(Signers::Nobody),
        1 => Just(Signers::Twice),
        1 => Just(Signers::AllAndTwice),
        1 => Just(Signers::Outsider),
        1 => Just(Signers::AllAndOutsider),
        1 => Just(Signers::Forged),
    ]
}

fn flaw(
    flaws: impl Into<std::borrow::Cow<'static, [Flaw]>>,
) -> impl Strategy<Value = Option<Flaw>> {
    let flaw = prop::sample::select(flaws).prop_map(Some);
    prop_oneof![3 => Just(None), 1 => flaw]
}

fn retry() -> impl Strategy<Value = (Retry, Option<Flaw>)> {
    let owner = prop_oneof![4 => Just(0), 1 => 0..PEOPLE];
    let certified = prop_oneof![
        3 => Just(RoundPick::Before),
        2 => Just(RoundPick::Lock),
        3 => round(),
    ];
    let regular = (certified, signers());
    let regular = regular.prop_map(|(round, signers)| Retry::Regular(round, signers));
    let flaws = |more: &[Flaw]| flaw([Flaw::OF_PROPOSALS, more].concat());
    prop_oneof![
        4 => (Just(Retry::Fresh), flaws(&[])),
        3 => (owner.prop_map(Retry::Fast), flaws(Flaw::OF_FAST_RETRIES)),
        4 => (regular, flaws(Flaw::OF_REGULAR_RETRIES)),
    ]
}

fn propose() -> impl Strategy<Value = Action> {
    let block = prop_oneof![6 => 0..GOOD_BLOCKS, 1 => 0..BLOCKS, 1 => Just(PUBLISHES)];
    let who = prop_oneof![3 => Just(None), 1 => (0..PEOPLE).prop_map(Some)];
    (who, block, round(), retry()).prop_map(|(who, block, round, (retry, flaw))| Action::Propose {
        who,
        block,
        round,
        retry,
        flaw,
    })
}

fn certify(kind: CertificateKind) -> impl Strategy<Value = Action> {
    let lite = prop::bool::weighted(0.3);
    let flaw = flaw(Flaw::OF_CERTIFICATES);
    (0..GOOD_BLOCKS, round(), signers(), lite, flaw).prop_map(
        move |(block, round, signers, lite, flaw)| Action::Certify {
            kind,
            block,
            round,
            signers,
            lite,
            flaw,
        },
    )
}

fn action() -> impl Strategy<Value = Action> {
    let ended = prop_oneof![9 => round(), 1 => Just(RoundPick::This(Round::LAST_REGULAR))];
    let end = (ended, signers(), flaw(Flaw::OF_TIMEOUTS));
    let end = end.prop_map(|(round, signers, flaw)| Action::EndRound {
        round,
        signers,
        flaw,
    });
    let ask = (round(), flaw(Flaw::OF_REQUESTS))
        .prop_map(|(round, flaw)| Action::AskToEnd { round, flaw });
    let other = prop_oneof![
        Just(Action::Query),
        Just(Action::Download),
        Just(Action::Delivered),
        Just(Action::Stray),
        Just(Action::Upload),
        Just(Action::Crash),
    ];
    let blob = prop_oneof![
        8 => Just(BlobPick::Published),
        1 => Just(BlobPick::Other),
        1 => Just(BlobPick::TooLarge),
    ];
    prop_oneof![
        5 => blob.prop_map(Action::Blob),
        40 => propose(),
        22 => certify(CertificateKind::Validated),
        4 => certify(CertificateKind::Confirmed),
        8 => end,
        8 => ask,
        3 => flaw(Flaw::OF_REQUESTS).prop_map(Action::AskToTakeOver),
        1 => (0..8_000u64).prop_map(Action::NextEpoch),
        4 => (0..3u64).prop_map(Action::Bundle),
        10 => (0..5_000u64).prop_map(Action::Pass),
        8 => any::<prop::sample::Index>().prop_map(Action::Again),
        5 => other,
    ]
}

/// A chain, and 1 to 60 things that happen to it.
pub(super) fn run() -> impl Strategy<Value = (Setting, Vec<Step>)> {
    let setting = prop_oneof![
        4 => Just(Setting::Fast),
        1 => Just(Setting::FastAndFull),
        3 => Just(Setting::Regular),
        1 => Just(Setting::Open),
        1 => Just(Setting::Alone),
    ];
    let stop = prop_oneof![15 => Just(None), 1 => (0..6usize).prop_map(Some)];
    let step = (action(), stop).prop_map(|(action, stop)| Step { action, stop });
    (setting, prop::collection::vec(step, 1..=60))
}
