//! Several messages for one chain that one operation sends: one bundle, which is accepted or rejected
//! as a whole.
//!
//! Owns what such an operation says. Each message may be of another kind and carry a grant: applications
//! do that with messages of their own, and this does it with those of the protocol itself, so that what
//! comes of kinds and grants can be seen without any application.

use serde::{Deserialize, Serialize};

use crate::{
    amount::Amount,
    ids::{Account, AccountOwner, ChainId},
    message::MessageKind,
};

/// A bundle that an operation sends.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct BundleDraft {
    /// The chain that it goes to; not the one that sends it.
    pub destination: ChainId,
    /// The account of the sending chain that pays for credits and grants, and gets back what is left
    /// of the grants.
    pub payer: AccountOwner,
    /// The messages, in order; at least one.
    pub messages: Vec<MessageDraft>,
}

/// One message of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct MessageDraft {
    /// How it may be treated; not `Bouncing`.
    pub kind: MessageKind,
    /// What the recipient may spend on executing it.
    pub grant: Amount,
    /// What it says.
    pub content: ContentDraft,
}

/// What a message of a draft says.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ContentDraft {
    /// Puts `amount`, which the payer pays, on an account of the destination.
    Credit {
        /// The account.
        target: AccountOwner,
        /// How much; not 0.
        amount: Amount,
    },
    /// Takes `amount` from an account of the destination, whose owner makes the block.
    Withdraw {
        /// The account.
        owner: AccountOwner,
        /// How much; not 0.
        amount: Amount,
        /// Who gets it.
        recipient: Account,
    },
}
