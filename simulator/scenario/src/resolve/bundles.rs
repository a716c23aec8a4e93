//! The action that sends several messages at once.

use protocol::{Amount, message::MessageKind};

use super::{Resolver, recipients};
use crate::diagnostic::Code;
use crate::document::At;
use crate::plan::{Account, Action, BundlePlan, ChainIndex, ContentPlan, MessagePlan};
use crate::spec::{BundleSpec, MessageSpec};
use crate::units;

/// So that a file cannot fill the memory.
const MESSAGES_MAX: usize = 100;

impl Resolver<'_> {
    /// `chain` is the one that sends, if it is only one.
    pub(super) fn bundle(
        &mut self,
        at: &At,
        written: &BundleSpec,
        chain: Option<ChainIndex>,
    ) -> Option<Action> {
        let here = at.key("to");
        let to = self.read_text(&here, written.to.as_ref(), recipients::recipient);
        let only = to.as_ref().and_then(|(to, _)| to.candidates().only());
        if chain.is_some() && only == chain {
            let message = "a chain sends no messages to itself";
            let help = "pay within the chain with transfer".to_owned();
            self.say(&here, Code::BadValue, message, help);
        }
        let from = self.payer(at, written.from_owner.as_ref());
        let messages = self.messages(&at.key("messages"), written.messages.as_deref());
        let (to, account) = to?;
        Some(Action::SendBundle(Box::new(BundlePlan {
            from: from?,
            to,
            account,
            messages: messages?,
        })))
    }

    /// The account of the acting chain that pays.
    pub(super) fn payer(&mut self, at: &At, written: Option<&String>) -> Option<Account> {
        if written.is_none() {
            return Some(Account::Chain);
        }
        let owner = self.read_text(&at.key("from_owner"), written, |names, text| {
            names.find_owner(&Self::whole(text))
        });
        owner.map(Account::Owner)
    }

    fn messages(&mut self, at: &At, written: Option<&[MessageSpec]>) -> Option<Vec<MessagePlan>> {
        let written = written?;
        if written.is_empty() || written.len() > MESSAGES_MAX {
            let message = format!("a bundle has 1 to {MESSAGES_MAX} messages");
            self.say(at, Code::BadValue, message, None);
            return None;
        }
        let messages = written.iter().enumerate();
        let messages: Vec<_> = messages
            .map(|(index, one)| self.message(&at.index(index), one))
            .collect();
        messages.into_iter().collect()
    }

    fn message(&mut self, at: &At, written: &MessageSpec) -> Option<MessagePlan> {
        let mut amount = |key: &str, text: Option<&String>| {
            let amount = self.read(&at.key(key), text, units::amount);
            if amount.is_some_and(Amount::is_zero) {
                self.say(&at.key(key), Code::NoEffect, "nothing is sent", None);
            }
            amount
        };
        let credit = amount("credit", written.credit.as_ref());
        let withdraw = amount("withdraw", written.withdraw.as_ref());
        let grant = self.read(&at.key("grant"), written.grant.as_ref(), units::amount);
        let content = match (&written.credit, &written.withdraw) {
            (Some(_), None) => credit.map(ContentPlan::Credit),
            (None, Some(_)) => withdraw.map(ContentPlan::Withdraw),
            (None, None) | (Some(_), Some(_)) => {
                let message = "a message does one thing";
                let help = "write either credit = \"1\" or withdraw = \"1\"".to_owned();
                self.say(at, Code::BadValue, message, help);
                None
            }
        };
        if written.grant.is_some() && grant.is_none() {
            return None;
        }
        Some(MessagePlan {
            kind: kind(written.kind.as_deref()),
            grant: grant.unwrap_or_default(),
            content: content?,
        })
    }
}

/// Other words are reported by the file's shape.
fn kind(written: Option<&str>) -> MessageKind {
    match written {
        Some("simple") => MessageKind::Simple,
        Some("protected") => MessageKind::Protected,
        Some(_) | None => MessageKind::Tracked,
    }
}
