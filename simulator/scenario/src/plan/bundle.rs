//! Bundles of several messages that an action sends.

use protocol::{Amount, message::MessageKind};

use super::{Account, Chooser};

/// Several messages for one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundlePlan {
    /// Which account of the acting chain pays.
    pub from: Account,
    /// Which chain gets them.
    pub to: Chooser,
    /// Which account there.
    pub account: Account,
    /// The messages.
    pub messages: Vec<MessagePlan>,
}

/// One message of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagePlan {
    /// How it may be treated.
    pub kind: MessageKind,
    /// What travels with it.
    pub grant: Amount,
    /// What it does.
    pub content: ContentPlan,
}

/// What a message of a bundle does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentPlan {
    /// Puts so much on the recipient's account.
    Credit(Amount),
    /// Takes so much from the acting owner's account there, for the chain that sends.
    Withdraw(Amount),
}
