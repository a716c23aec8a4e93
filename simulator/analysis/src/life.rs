//! The lives of messages: where each one of a trace went, and why it is not where it should be.
//!
//! ```text
//! trace ─► facts ─► judge ─► Life     by pair of chains and validator; each fate has a code
//! ```
//! Owns the codes `M-..`. Everything follows from the records of a full trace: a sampled one lacks the
//! very facts that would explain. Knows nothing of files.

mod codes;
mod facts;
mod handle;
mod judge;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::BTreeMap;

use engine::{Stamped, VirtualTime};
use protocol::{
    ids::ChainId,
    message::{MessageKind, PostedMessage, SystemMessage},
    observe::{Arrival, Letter},
};
use serde::Serialize;
use trace::{Directory, Event};

use facts::{Facts, Sent, Told};
use judge::{Judge, at as instant};

pub use codes::{CODES, Code, Fate, code};
pub use handle::Handle;

/// A message of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageRow {
    /// Its handle, such as `A:3/0`.
    pub handle: String,
    /// `simple`, `protected`, `tracked` or `bouncing`.
    pub kind: &'static str,
    /// Such as `transfer 10`.
    pub label: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Happening {
    /// When, in virtual microseconds.
    pub time_us: u64,
    /// Where: a validator, a chain.
    pub place: String,
    /// What.
    pub what: String,
}

/// Where a bundle is at one validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The validator.
    pub validator: String,
    /// When it came into the inbox there, in virtual microseconds.
    pub arrived_us: Option<u64>,
    /// The code of what is wrong, if anything is.
    pub code: Option<&'static str>,
    /// In words.
    pub detail: String,
}

/// The life of one bundle: all messages of one transaction to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Life {
    /// The code of where it stands, such as `M-09`.
    pub code: &'static str,
    /// One line that says it.
    pub headline: String,
    /// The sender chain.
    pub sender: String,
    /// The recipient chain.
    pub recipient: String,
    /// Height of the sender's block, if it was sent.
    pub height: Option<u64>,
    /// Transaction of that block.
    pub transaction: Option<u32>,
    /// Epoch of that block.
    pub epoch: Option<u32>,
    /// What it holds.
    pub messages: Vec<MessageRow>,
    /// What happened to it, in order.
    pub events: Vec<Happening>,
    /// Where it is, validator by validator.
    pub places: Vec<Place>,
}

/// Collects the lives of the messages that a handle means.
#[derive(Clone, Debug)]
pub struct Lives {
    facts: Facts,
    names: BTreeMap<ChainId, String>,
    handle: Handle,
    sender: ChainId,
    recipient: Option<ChainId>,
}

impl Lives {
    /// Begins with the header's directory and the names of all chains of the run.
    ///
    /// # Errors
    /// If the handle names a chain that the run does not have: the name.
    pub fn new(
        directory: Directory,
        names: BTreeMap<ChainId, String>,
        handle: Handle,
    ) -> Result<Self, String> {
        let find = |name: &str| {
            let mut named = names.iter().filter(|(_, known)| *known == name);
            named
                .next()
                .map(|(id, _)| *id)
                .ok_or_else(|| name.to_owned())
        };
        let sender = find(handle.sender())?;
        let recipient = handle.recipient().map(find).transpose()?;
        Ok(Self {
            facts: Facts::new(directory, &handle, sender, recipient),
            names,
            handle,
            sender,
            recipient,
        })
    }

    /// Looks at the next record, in the order of the trace.
    pub fn record(&mut self, record: &Stamped<Event>) {
        self.facts.record(record);
    }

    /// The lives, by sender's block, transaction and recipient. There is always at least one: what was
    /// never sent has a short one.
    pub fn finish(&self) -> Vec<Life> {
        let pairs = self.facts.pairs.iter();
        let of_sender = pairs.filter(|((sender, recipient), _)| {
            *sender == self.sender && self.recipient.is_none_or(|wanted| wanted == *recipient)
        });
        let mut lives = Vec::new();
        for ((sender, recipient), pair) in of_sender {
            let names = (self.name(*sender), self.name(*recipient));
            let judge = Judge {
                facts: &self.facts,
                sender: *sender,
                recipient: *recipient,
                pair,
                names: (&names.0, &names.1),
            };
            let wanted = pair.sent.iter().filter(|sent| self.is_wanted(sent));
            lives.extend(wanted.map(|sent| life(&judge, sent)));
        }
        lives.sort_by_key(|life| (life.height, life.transaction));
        if lives.is_empty() {
            lives.push(self.not_sent());
        }
        lives
    }

    fn is_wanted(&self, sent: &Sent) -> bool {
        match &self.handle {
            Handle::Pair { .. } => true,
            // What comes back to the sender is of another block.
            Handle::Block { height, index, .. } => {
                let mut messages = sent.bundle.messages.iter();
                sent.bundle.height.0 == *height
                    && index.is_none_or(|index| messages.any(|message| message.index == index))
            }
        }
    }

    fn name(&self, chain: ChainId) -> String {
        let known = self.names.get(&chain).cloned();
        known.unwrap_or_else(|| format!("{:?}", chain.0))
    }

    /// The life of what was never sent.
    fn not_sent(&self) -> Life {
        let sender = self.handle.sender().to_owned();
        let facts = &self.facts.chains[&self.sender];
        let failed = facts.failed.last();
        let (fate, detail) = match &self.handle {
            Handle::Block { height, .. } if facts.confirmed.contains_key(height) => {
                let detail =
                    format!("block {sender}:{height} is confirmed and sends no such message");
                (Fate::NoSuchMessage, detail)
            }
            Handle::Block { height, .. } => {
                let detail = match (facts.proposed.get(height), failed) {
                    (Some(when), _) => format!(
                        "block {sender}:{height} was proposed at {} and is not confirmed",
                        instant(*when)
                    ),
                    (None, Some((when, reason))) => format!(
                        "there is no block {sender}:{height}; a command of {sender} failed at {}: {reason}",
                        instant(*when)
                    ),
                    (None, None) => format!("there is no block {sender}:{height}"),
                };
                (Fate::NotSent, detail)
            }
            Handle::Pair { recipient, .. } => {
                let detail = match failed {
                    Some((when, reason)) => format!(
                        "no confirmed block of {sender} sends to {recipient}; a command failed at {}: {reason}",
                        instant(*when)
                    ),
                    None => format!("no confirmed block of {sender} sends to {recipient}"),
                };
                (Fate::NotSent, detail)
            }
        };
        let code = fate.code();
        Life {
            code: code.name,
            headline: format!("{}: {}: {detail}", self.handle, code.title),
            sender,
            recipient: self.handle.recipient().unwrap_or_default().to_owned(),
            height: None,
            transaction: None,
            epoch: None,
            messages: Vec::new(),
            events: Vec::new(),
            places: Vec::new(),
        }
    }
}

fn life(judge: &Judge<'_>, sent: &Sent) -> Life {
    let standings = judge.standings(sent);
    let (fate, mut detail) = judge.verdict(sent, &standings);
    if let Some(trouble) = judge.trouble(sent, &standings, fate) {
        detail = format!("{detail}; {trouble}");
    }
    let (sender, recipient) = judge.names;
    let height = sent.bundle.height.0;
    let messages: Vec<_> = sent
        .bundle
        .messages
        .iter()
        .map(|message| message_row(sender, height, message))
        .collect();
    let subject = messages.first().map_or_else(String::new, |first| {
        let more = match messages.len() {
            1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        format!("{} to {recipient}, {}{more}", first.handle, first.label)
    });
    let validators = &judge.facts.directory.validators;
    let places = standings.iter().map(|standing| Place {
        validator: validators[at(standing.validator)].clone(),
        arrived_us: standing.arrived.map(|(when, _)| when.as_micros()),
        code: standing.fate.map(|fate| fate.code().name),
        detail: standing.detail.clone(),
    });
    Life {
        code: fate.code().name,
        headline: format!("{subject}: {}: {detail}", fate.code().title),
        sender: sender.to_owned(),
        recipient: recipient.to_owned(),
        height: Some(height),
        transaction: Some(sent.bundle.transaction_index),
        epoch: Some(sent.epoch),
        messages,
        events: events(judge, sent),
        places: places.collect(),
    }
}

/// All that happened to a bundle, by time.
fn events(judge: &Judge<'_>, sent: &Sent) -> Vec<Happening> {
    let directory = &judge.facts.directory;
    let (sender, recipient) = judge.names;
    let mut list: Vec<(VirtualTime, String, String)> = Vec::new();
    let height = sent.bundle.height.0;
    let sent_by = format!("sent: block {sender}:{height} is confirmed");
    list.push((sent.time, sender.to_owned(), sent_by));
    let facts = judge.facts.chains.get(&judge.sender);
    for (validator, name) in (0..).zip(&directory.validators) {
        let executed = facts.and_then(|facts| facts.executed.get(&(height, validator)));
        if let Some(when) = executed {
            list.push((*when, name.clone(), format!("has block {sender}:{height}")));
        }
        if let Some((when, arrival)) = sent.arrivals.get(&validator) {
            let what = match arrival {
                Arrival::Queued => "in the inbox",
                Arrival::Anticipated => "arrives; a block had taken it in already",
                Arrival::Skipped => "arrives; a block had jumped over it already",
            };
            list.push((*when, name.clone(), what.to_owned()));
        }
        for (when, told) in judge.pair.told.get(&validator).into_iter().flatten() {
            if *when >= sent.time
                && let Some(what) = told_in_words(judge, told, height)
            {
                list.push((*when, name.clone(), what));
            }
        }
    }
    if let Some((when, reason)) = &sent.postponed {
        list.push((
            *when,
            recipient.to_owned(),
            format!("left for later: {reason}"),
        ));
    }
    if let Some((when, error)) = &sent.not_believed {
        list.push((
            *when,
            recipient.to_owned(),
            format!("not believed: {error}"),
        ));
    }
    if let Some((when, reason)) = &sent.rejection {
        list.push((
            *when,
            recipient.to_owned(),
            format!("to be rejected: {reason}"),
        ));
    }
    if let Some(taken) = &sent.taken {
        let what = match (taken.skipped, taken.rejected) {
            (true, _) => "jumped over by",
            (_, true) => "rejected by",
            (false, false) => "taken in by",
        };
        let what = format!("{what} block {recipient}:{}", taken.height);
        list.push((taken.time, recipient.to_owned(), what));
    }
    list.sort_by(|one, other| (one.0, &one.2).cmp(&(other.0, &other.2)));
    together(list)
}

/// The same at the same time is one line, wherever it was.
fn together(list: Vec<(VirtualTime, String, String)>) -> Vec<Happening> {
    let mut lines: Vec<Happening> = Vec::new();
    for (when, place, what) in list {
        let time_us = when.as_micros();
        match lines.last_mut() {
            Some(last) if last.time_us == time_us && last.what == what => {
                last.place.push(' ');
                last.place.push_str(&place);
            }
            _ => lines.push(Happening {
                time_us,
                place,
                what,
            }),
        }
    }
    lines
}

/// What a worker told of the pair, if it concerns this height.
fn told_in_words(judge: &Judge<'_>, told: &Told, height: u64) -> Option<String> {
    let way = |loss: &facts::Loss| match loss {
        facts::Loss::Link => "by the link".to_owned(),
        facts::Loss::Fault => "by a fault".to_owned(),
        facts::Loss::Partition => "in a partition".to_owned(),
        facts::Loss::Down(actor) => format!("{} is down", judge.facts.directory.name(*actor)),
    };
    Some(match told {
        Told::Retried(attempt) => format!("sent again, attempt {attempt}"),
        Told::Dropped => "dropped: the queue is full".to_owned(),
        Told::Abandoned => "given up after the last retry".to_owned(),
        Told::Lost(Letter::Update, newest, loss) if *newest >= height => {
            format!("the update is lost: {}", way(loss))
        }
        Told::Lost(Letter::Confirmation, newest, loss) if *newest >= height => {
            format!("the confirmation is lost: {}", way(loss))
        }
        Told::Lost(Letter::Reversal, from, loss) if *from <= height => {
            format!("the request to send it again is lost: {}", way(loss))
        }
        Told::Lost(..) => return None,
        Told::Refused(error) => {
            // People know chains by name.
            let (id, name) = (format!("{:?}", judge.recipient), judge.names.1);
            format!("refused: {}", error.to_string().replace(&id, name))
        }
        Told::Duplicate => "came again, nothing new".to_owned(),
        Told::Confirmed(at) if *at == height => "confirmed to the sender's outbox".to_owned(),
        Told::Restored(at) if *at == height => {
            "in the outbox again: the recipient lost it".to_owned()
        }
        Told::Confirmed(_) | Told::Restored(_) => return None,
    })
}

fn message_row(sender: &str, height: u64, message: &PostedMessage) -> MessageRow {
    let kind = match message.kind {
        MessageKind::Simple => "simple",
        MessageKind::Protected => "protected",
        MessageKind::Tracked => "tracked",
        MessageKind::Bouncing => "bouncing",
    };
    let label = match &message.message {
        SystemMessage::Credit { amount, .. } if message.kind == MessageKind::Bouncing => {
            format!("returning transfer of {amount}")
        }
        SystemMessage::Credit { amount, .. } => format!("transfer of {amount}"),
        SystemMessage::Withdraw { amount, .. } => format!("claim of {amount}"),
        SystemMessage::User(said) => crate::metrics::messages::said_by(
            &crate::names::short(said.application_id),
            message.kind,
        ),
    };
    MessageRow {
        handle: format!("{sender}:{height}/{}", message.index),
        kind,
        label,
    }
}

fn at(validator: u32) -> usize {
    crate::registry::index(validator)
}
