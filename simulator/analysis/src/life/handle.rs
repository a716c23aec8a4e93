//! How a message is named: `A:3/0` (message 0 of block 3 of chain A), `A:3` (all of the block), or
//! `A->B` (all from one chain to another). `A@3` and `A@3:0` mean the same.

use std::fmt;

/// Which messages are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handle {
    /// Those of one block, or one of them.
    Block {
        /// The sender chain.
        sender: String,
        /// Height of its block.
        height: u64,
        /// Position among the messages of the block; `None`: all.
        index: Option<u32>,
    },
    /// All from one chain to another.
    Pair {
        /// The sender chain.
        sender: String,
        /// The recipient chain.
        recipient: String,
    },
}

impl Handle {
    /// Reads a handle.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((sender, recipient)) = text.split_once("->") {
            let (sender, recipient) = (sender.trim(), recipient.trim());
            if sender.is_empty() || recipient.is_empty() {
                return Err("a chain is missing beside the arrow".to_owned());
            }
            return Ok(Self::Pair {
                sender: sender.to_owned(),
                recipient: recipient.to_owned(),
            });
        }
        let parts = match text.rsplit_once('@') {
            Some((sender, place)) => Some((sender, place, ':')),
            None => text
                .rsplit_once(':')
                .map(|(sender, place)| (sender, place, '/')),
        };
        let (sender, place, separator) =
            parts.ok_or_else(|| "a message is named as A:3/0, A:3 or A->B".to_owned())?;
        if sender.is_empty() {
            return Err("the sender chain is missing".to_owned());
        }
        let (height, index) = match place.split_once(separator) {
            Some((height, index)) => (height, Some(index)),
            None => (place, None),
        };
        let height = height
            .parse()
            .map_err(|_| format!("`{height}` is not a height"))?;
        let index = index.map(|index| {
            index
                .parse()
                .map_err(|_| format!("`{index}` is not the number of a message"))
        });
        Ok(Self::Block {
            sender: sender.to_owned(),
            height,
            index: index.transpose()?,
        })
    }

    /// The chain that sends.
    pub fn sender(&self) -> &str {
        match self {
            Self::Block { sender, .. } | Self::Pair { sender, .. } => sender,
        }
    }

    /// The chain that receives, if it is named.
    pub fn recipient(&self) -> Option<&str> {
        match self {
            Self::Block { .. } => None,
            Self::Pair { recipient, .. } => Some(recipient),
        }
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block {
                sender,
                height,
                index: None,
            } => write!(f, "{sender}:{height}"),
            Self::Block {
                sender,
                height,
                index: Some(index),
            } => write!(f, "{sender}:{height}/{index}"),
            Self::Pair { sender, recipient } => write!(f, "{sender}->{recipient}"),
        }
    }
}
