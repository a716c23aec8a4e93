//! Codes of what can become of a message, each with what it means and what helps.
//!
//! The numbers are in reports and documents: they are never given anew.

/// A code with its explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Such as `M-03`.
    pub name: &'static str,
    /// What it says, in a few words.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What helps.
    pub remedy: &'static str,
}

/// Where a message stands, or why it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// M-01
    NotSent,
    /// M-02
    NoSuchMessage,
    /// M-03
    LostConfirmation,
    /// M-04
    LostOnTheWay,
    /// M-05
    ValidatorDown,
    /// M-06
    UnknownChain,
    /// M-07
    NoOwners,
    /// M-08
    QueueFull,
    /// M-09
    GivenUp,
    /// M-10
    RevokedEpoch,
    /// M-11
    SenderUnknown,
    /// M-12
    Gap,
    /// M-13
    RolledBack,
    /// M-14
    Refused,
    /// M-15
    LostInCrash,
    /// M-16
    OnItsWay,
    /// M-20
    Waits,
    /// M-21
    NoWallet,
    /// M-22
    WalletDown,
    /// M-23
    Postponed,
    /// M-24
    SenderNotBelieved,
    /// M-25
    BlockPending,
    /// M-30
    Accepted,
    /// M-31
    Rejected,
    /// M-32
    Bounced,
    /// M-33
    Skipped,
}

/// All codes, in their order.
pub const CODES: &[(Fate, Code)] = &[
    (
        Fate::NotSent,
        Code {
            name: "M-01",
            title: "not sent",
            meaning: "No block of the sender is confirmed at that height, so nothing was sent. A block that is \
                      only proposed sends nothing.",
            remedy: "Look at the sender's commands and at its pending block.",
        },
    ),
    (
        Fate::NoSuchMessage,
        Code {
            name: "M-02",
            title: "no such message",
            meaning: "The sender's block is confirmed and holds no such message. A payment inside one chain \
                      sends none.",
            remedy: "Name the block alone to see all that it sends.",
        },
    ),
    (
        Fate::LostConfirmation,
        Code {
            name: "M-03",
            title: "the confirmation was lost",
            meaning: "The message is in the recipient's inbox at that validator, and the sender's outbox there does \
                      not know it: the request that says so never came. Nothing is lost, but whoever waits for \
                      delivery waits on.",
            remedy: "The update is sent again and confirmed again, unless `confirm_duplicates` is off: then only a \
                     newer message to the same recipient helps.",
        },
    ),
    (
        Fate::LostOnTheWay,
        Code {
            name: "M-04",
            title: "lost between two workers",
            meaning: "The network lost the update on its way from the sender's worker to the recipient's.",
            remedy: "It is sent again, after `retry_delay` and then ever later.",
        },
    ),
    (
        Fate::ValidatorDown,
        Code {
            name: "M-05",
            title: "the validator is down",
            meaning: "A worker that keeps the sender's or the recipient's chain, or the validator's proxy, is down.",
            remedy: "Messages are delivered by each validator by itself: when it is up again it is brought level. \
                     A quorum of others is enough for the recipient.",
        },
    ),
    (
        Fate::UnknownChain,
        Code {
            name: "M-06",
            title: "the recipient is not known there",
            meaning: "The validator does not know the recipient chain: the block that opened it has not come there. \
                      Nothing is saved and nothing confirmed, so the outbox keeps the message.",
            remedy: "When the opener's block is known there, the next attempt delivers.",
        },
    ),
    (
        Fate::NoOwners,
        Code {
            name: "M-07",
            title: "the recipient has no owners",
            meaning: "The recipient gave itself no owners and is dead for good: nobody will ever make a block \
                      there, and validators confirm nothing to its senders.",
            remedy: "None.",
        },
    ),
    (
        Fate::QueueFull,
        Code {
            name: "M-08",
            title: "the queue was full",
            meaning: "The sender's worker had `queue` updates on their way already and dropped this one. The message \
                      is still in the outbox.",
            remedy: "A sweep, or anything that touches the sender's chain, takes it up again. `queue` may be too \
                     small for the load.",
        },
    ),
    (
        Fate::GivenUp,
        Code {
            name: "M-09",
            title: "given up after the last retry",
            meaning: "The update was sent `retries` times more without a confirmation and then forgotten. With the \
                      sender idle, nothing sends it again.",
            remedy: "A sweep, or anything that touches the sender's chain: a query is enough.",
        },
    ),
    (
        Fate::RevokedEpoch,
        Code {
            name: "M-10",
            title: "its epoch is revoked",
            meaning: "The sender's block was certified in an epoch that has been revoked since, and nothing later \
                      vouches for it.",
            remedy: "The sender makes a block in a newer epoch that sends to this recipient again.",
        },
    ),
    (
        Fate::SenderUnknown,
        Code {
            name: "M-11",
            title: "the sender's block is not there",
            meaning: "The validator has never got the sender's confirmed block. Validators tell one another nothing: \
                      wallets bring blocks.",
            remedy: "The sender's wallet tells it with its next block; a recipient that takes the message in \
                     brings the block itself.",
        },
    ),
    (
        Fate::Gap,
        Code {
            name: "M-12",
            title: "an earlier message is missing",
            meaning: "The recipient's inbox lacks an earlier block of the sender, and admits nothing behind the gap.",
            remedy: "If the recipient has lost what it had confirmed, `repair_gaps` has it sent again.",
        },
    ),
    (
        Fate::RolledBack,
        Code {
            name: "M-13",
            title: "rolled back with its batch",
            meaning: "The update was saved together with others, one of them was bad, and all came to nothing.",
            remedy: "It is sent again, and then taken by itself.",
        },
    ),
    (
        Fate::Refused,
        Code {
            name: "M-14",
            title: "refused by the inbox",
            meaning: "The recipient's inbox contradicts the update. Correct validators never see this.",
            remedy: "Look at the reason, and at the checks I-24 to I-27.",
        },
    ),
    (
        Fate::LostInCrash,
        Code {
            name: "M-15",
            title: "lost in a crash",
            meaning: "The sender's worker crashed with the update on its way or not yet sent. Its queue is gone, its \
                      outbox is not.",
            remedy: "A sweep after the restart, or anything that touches the sender's chain.",
        },
    ),
    (
        Fate::OnItsWay,
        Code {
            name: "M-16",
            title: "on its way",
            meaning: "Nothing is wrong: the run ended first, or the update is about to be sent.",
            remedy: "Let the run last longer.",
        },
    ),
    (
        Fate::Waits,
        Code {
            name: "M-20",
            title: "waits in the inbox",
            meaning: "The message is in the recipient's inbox, and no block has taken it in. A message has effect only \
                      when an owner of the recipient puts it into a block.",
            remedy: "`inbox = \"auto\"`, a step `process_inbox`, or any other block of the recipient.",
        },
    ),
    (
        Fate::NoWallet,
        Code {
            name: "M-21",
            title: "the recipient has no wallet",
            meaning: "Nobody in this run drives the recipient chain, so nobody takes anything in. Not a failure.",
            remedy: "Give the chain an owner who is there.",
        },
    ),
    (
        Fate::WalletDown,
        Code {
            name: "M-22",
            title: "the recipient's wallet is down",
            meaning: "The wallets of the recipient have crashed and are not back.",
            remedy: "Start one: it finds what was sent to it meanwhile.",
        },
    ),
    (
        Fate::Postponed,
        Code {
            name: "M-23",
            title: "left for a later block",
            meaning: "The recipient's wallet built a block without it: it may not be rejected and could not be \
                      executed, or too much else failed.",
            remedy: "The reason says what was in the way.",
        },
    ),
    (
        Fate::SenderNotBelieved,
        Code {
            name: "M-24",
            title: "the wallet does not believe the sender's block",
            meaning: "The recipient's wallet found the sender's block and does not take it for evidence.",
            remedy: "The reason says why; with a revoked epoch it is as for M-10.",
        },
    ),
    (
        Fate::BlockPending,
        Code {
            name: "M-25",
            title: "the recipient's block is not confirmed",
            meaning: "The recipient has proposed a block after the message came, and no quorum has confirmed it.",
            remedy: "Look at the votes of that height.",
        },
    ),
    (
        Fate::Accepted,
        Code {
            name: "M-30",
            title: "taken in",
            meaning: "A confirmed block of the recipient has taken the message in and executed it.",
            remedy: "",
        },
    ),
    (
        Fate::Rejected,
        Code {
            name: "M-31",
            title: "rejected",
            meaning: "A confirmed block of the recipient has taken the message in and not executed it. Only tracked \
                      messages come back.",
            remedy: "The reason is the recipient's wallet's own; a chain never records it.",
        },
    ),
    (
        Fate::Bounced,
        Code {
            name: "M-32",
            title: "rejected, and sent back",
            meaning: "A confirmed block of the recipient has rejected the message, and since it was tracked, that \
                      block sends it back to where it came from.",
            remedy: "The sender has to take the returning message in.",
        },
    ),
    (
        Fate::Skipped,
        Code {
            name: "M-33",
            title: "jumped over",
            meaning: "The recipient has taken in a later message of the same sender. This one can never be taken in \
                      again.",
            remedy: "None.",
        },
    ),
];

impl Fate {
    /// Its code.
    ///
    /// # Panics
    /// Never: a test holds the table complete.
    pub fn code(self) -> &'static Code {
        let found = CODES.iter().find(|(fate, _)| *fate == self);
        &found.expect("the table is complete").1
    }
}

/// The code of a name such as `M-03`, in any case.
pub fn code(name: &str) -> Option<&'static Code> {
    let mut codes = CODES.iter().map(|(_, code)| code);
    codes.find(|code| code.name.eq_ignore_ascii_case(name))
}
