//! Cross-chain messages: what one block sends and another takes in.
//!
//! The bundle (all messages of one transaction to one recipient) is the unit of delivery,
//! acceptance, rejection and order.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    amount::Amount,
    application::outcome::UserMessage,
    hash::{CryptoHash, Hashable},
    ids::{Account, AccountOwner, BlockHeight, ChainId, Cursor},
    time::Timestamp,
};

/// How a message may be treated by its recipient.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum MessageKind {
    /// May be rejected; may be skipped when it carries no grant.
    Simple,
    /// May be neither skipped nor rejected.
    Protected,
    /// May not be skipped; comes back as [`MessageKind::Bouncing`] when rejected.
    Tracked,
    /// A rejected tracked message on its way home. Never bounces again.
    Bouncing,
}

/// What a message says: nearly always something of the protocol itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum SystemMessage {
    /// Puts `amount` on `target`, or back on `source` when it bounces.
    Credit {
        /// Account on the recipient chain.
        target: AccountOwner,
        /// How much.
        amount: Amount,
        /// Account on the sender chain that it was taken from.
        source: AccountOwner,
    },
    /// Takes `amount` from `owner` and sends it to `recipient`. The sending chain has checked that
    /// the owner asked for it.
    Withdraw {
        /// Account on the recipient chain.
        owner: AccountOwner,
        /// How much.
        amount: Amount,
        /// Where it goes.
        recipient: Account,
    },
    /// What an application says to itself on another chain; shared, so that other messages need no
    /// more room.
    User(Arc<UserMessage>),
}

/// A message as execution emits it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct OutgoingMessage {
    /// The chain that it goes to.
    pub destination: ChainId,
    /// On whose behalf it was sent.
    pub authenticated_owner: Option<AccountOwner>,
    /// What the recipient may spend on executing it.
    pub grant: Amount,
    /// Who gets back what is left of the grant; boxed, since most messages carry none.
    pub refund_grant_to: Option<Box<Account>>,
    /// How it may be treated.
    pub kind: MessageKind,
    /// What it says.
    pub message: SystemMessage,
}

/// A message as its recipient sees it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct PostedMessage {
    /// On whose behalf it was sent.
    pub authenticated_owner: Option<AccountOwner>,
    /// What the recipient may spend on executing it.
    pub grant: Amount,
    /// Who gets back what is left of the grant; boxed, since most messages carry none.
    pub refund_grant_to: Option<Box<Account>>,
    /// How it may be treated.
    pub kind: MessageKind,
    /// Position among all messages of the sender's block.
    pub index: u32,
    /// What it says.
    pub message: SystemMessage,
}

impl PostedMessage {
    /// Whether the recipient may jump over it.
    pub fn is_skippable(&self) -> bool {
        match self.kind {
            MessageKind::Simple | MessageKind::Bouncing => self.grant.is_zero(),
            MessageKind::Protected | MessageKind::Tracked => false,
        }
    }
}

/// All messages of one transaction of one block to one recipient.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct MessageBundle {
    /// Height of the sender's block.
    pub height: BlockHeight,
    /// Timestamp of the sender's block.
    pub timestamp: Timestamp,
    /// Hash of the sender's block.
    pub certificate_hash: CryptoHash,
    /// Transaction of that block.
    pub transaction_index: u32,
    /// The messages, in order of emission.
    pub messages: Vec<PostedMessage>,
}

impl Hashable for MessageBundle {
    const TAG: &'static str = "MessageBundle";
}

impl MessageBundle {
    /// Position in its origin chain.
    pub const fn cursor(&self) -> Cursor {
        Cursor {
            height: self.height,
            index: self.transaction_index,
        }
    }

    /// Whether the recipient may jump over it: every message must allow it.
    pub fn is_skippable(&self) -> bool {
        self.messages.iter().all(PostedMessage::is_skippable)
    }

    /// Whether the recipient may not reject it: one such message is enough.
    pub fn is_protected(&self) -> bool {
        self.messages
            .iter()
            .any(|message| message.kind == MessageKind::Protected)
    }
}

/// What a block does with a bundle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum MessageAction {
    /// Execute its messages.
    Accept,
    /// Consume it without executing it; tracked messages bounce.
    Reject,
}

/// A bundle that a block takes in.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct IncomingBundle {
    /// The chain that sent it.
    pub origin: ChainId,
    /// What it sent.
    pub bundle: Arc<MessageBundle>,
    /// What the block does with it.
    pub action: MessageAction,
}
