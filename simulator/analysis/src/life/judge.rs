//! From facts to fates: where a bundle stands at each validator, and what that means as a whole.

use std::collections::BTreeMap;

use engine::{ActorId, VirtualTime};
use protocol::{
    error::{InboxError, NodeError},
    ids::ChainId,
    observe::{Arrival, Letter},
};

use super::{
    codes::Fate,
    facts::{Facts, Loss, Pair, Sent, Told},
};
use crate::registry::number;

/// Where a bundle stands at one validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) validator: u32,
    /// When it came into the inbox, if it did.
    pub(super) arrived: Option<(VirtualTime, Arrival)>,
    /// Why it is not there, or what is wrong although it is.
    pub(super) fate: Option<Fate>,
    pub(super) detail: String,
}

/// Judges the bundles of one pair of chains.
pub(super) struct Judge<'a> {
    pub(super) facts: &'a Facts,
    pub(super) sender: ChainId,
    pub(super) recipient: ChainId,
    pub(super) pair: &'a Pair,
    /// Names of the two chains.
    pub(super) names: (&'a str, &'a str),
}

impl Judge<'_> {
    /// Where the bundle stands at every validator.
    pub(super) fn standings(&self, sent: &Sent) -> Vec<Standing> {
        let validators = 0..number(self.facts.directory.validators.len());
        validators
            .map(|validator| self.standing(sent, validator))
            .collect()
    }

    fn standing(&self, sent: &Sent, validator: u32) -> Standing {
        let arrived = sent.arrivals.get(&validator).copied();
        let (fate, detail) = match arrived {
            Some((since, _)) => self.after_arrival(sent, validator, since),
            None => self.why_not(sent, validator),
        };
        Standing {
            validator,
            arrived,
            fate,
            detail,
        }
    }

    /// The bundle is in the inbox: does the sender's outbox know it?
    fn after_arrival(
        &self,
        sent: &Sent,
        validator: u32,
        since: VirtualTime,
    ) -> (Option<Fate>, String) {
        let height = sent.bundle.height.0;
        let told = self.told(validator, since);
        let confirmed =
            |told: &&(VirtualTime, Told)| matches!(told.1, Told::Confirmed(at) if at >= height);
        if let Some((when, _)) = told.iter().find(confirmed) {
            return (None, format!("the outbox knows it since {}", at(*when)));
        }
        let lost = told.iter().rev().find_map(|(when, told)| match told {
            Told::Lost(Letter::Confirmation, ..) => Some((*when, told)),
            _ => None,
        });
        let gave_up = told.iter().any(|(_, told)| *told == Told::Abandoned);
        let crashed = self.workers().into_iter().find_map(|chain| {
            let worker = *self.facts.chains.get(&chain)?.workers.get(&validator)?;
            let crash = self.facts.last_crash(worker)?;
            (crash >= since).then_some((worker, crash))
        });
        let how = match (lost, crashed) {
            (Some((when, Told::Lost(_, _, loss))), _) => {
                format!("it was lost {} at {}", self.way(*loss), at(when))
            }
            (_, Some((worker, crash))) => {
                let name = self.facts.directory.name(worker);
                format!("{name} crashed at {} before it was sent", at(crash))
            }
            _ => return (None, "the outbox does not know it yet".to_owned()),
        };
        let then = if gave_up { "; the sender gave up" } else { "" };
        let (sender, _) = self.names;
        (
            Some(Fate::LostConfirmation),
            format!("{sender}'s outbox waits for the confirmation: {how}{then}"),
        )
    }

    const fn workers(&self) -> [ChainId; 2] {
        [self.recipient, self.sender]
    }

    /// The bundle is not in the inbox.
    fn why_not(&self, sent: &Sent, validator: u32) -> (Option<Fate>, String) {
        let chains = &self.facts.chains;
        let sender = chains.get(&self.sender);
        let executed = sender
            .and_then(|facts| facts.executed.get(&(sent.bundle.height.0, validator)))
            .copied();
        let Some(executed) = executed else {
            return self.not_executed(validator);
        };
        let told = self.told(validator, sent.time);
        if let Some(told) = self.refused(&told) {
            return told;
        }
        let dropped = told.iter().rposition(|(_, told)| *told == Told::Dropped);
        let lost = told.iter().rev().find_map(|(when, told)| match told {
            Told::Lost(Letter::Update, _, how) => Some((*when, *how)),
            _ => None,
        });
        let abandoned = told.iter().rposition(|(_, told)| *told == Told::Abandoned);
        if let Some(last) = abandoned {
            let when = told[last].0;
            let why = match lost {
                Some((_, how)) => format!("each time it was lost {}", self.way(how)),
                None => "nobody confirmed it".to_owned(),
            };
            let detail = format!(
                "given up at {} after {} retries, {why}; nothing has touched {} since",
                at(when),
                retries(&told),
                self.names.0
            );
            return (Some(Fate::GivenUp), detail);
        }
        if let Some(place) = dropped {
            let detail = format!("dropped at {}: the queue was full", at(told[place].0));
            return (Some(Fate::QueueFull), detail);
        }
        if let Some((when, Loss::Down(actor))) = lost {
            let name = self.facts.directory.name(actor);
            let again = match self.facts.down_since(actor) {
                Some(_) => "and still is",
                None => "and it is to be sent again",
            };
            let detail = format!("{name} was down when it came at {}, {again}", at(when));
            return (Some(Fate::ValidatorDown), detail);
        }
        if let Some((when, how)) = lost {
            let detail = format!("lost {} at {}", self.way(how), at(when));
            return (Some(Fate::LostOnTheWay), detail);
        }
        self.lost_with_worker(validator, executed)
    }

    /// Nothing is told of it: did a worker fall with it?
    fn lost_with_worker(&self, validator: u32, executed: VirtualTime) -> (Option<Fate>, String) {
        for chain in [self.sender, self.recipient] {
            let worker = self.facts.chains.get(&chain).map(|facts| &facts.workers);
            let Some(worker) = worker.and_then(|workers| workers.get(&validator)) else {
                continue;
            };
            let name = self.facts.directory.name(*worker);
            if let Some(since) = self.facts.down_since(*worker) {
                let detail = format!("{name} is down since {}", at(since));
                return (Some(Fate::ValidatorDown), detail);
            }
            let crash = self.facts.last_crash(*worker);
            if let Some(crash) = crash.filter(|crash| *crash >= executed) {
                let detail = format!("{name} crashed at {} with it", at(crash));
                return (Some(Fate::LostInCrash), detail);
            }
        }
        let detail = format!("sent after {}, and not there at the end", at(executed));
        (Some(Fate::OnItsWay), detail)
    }

    fn not_executed(&self, validator: u32) -> (Option<Fate>, String) {
        let actors = self.facts.actors_of(validator);
        let down = |actor: &ActorId| Some((*actor, self.facts.down_since(*actor)?));
        if let Some((actor, since)) = actors.iter().find_map(down) {
            let name = self.facts.directory.name(actor);
            let detail = format!("{name} is down since {}", at(since));
            return (Some(Fate::ValidatorDown), detail);
        }
        let detail = format!("it never got the block of {}", self.names.0);
        (Some(Fate::SenderUnknown), detail)
    }

    /// The last refusal, if nothing came of it.
    pub(super) fn refused(&self, told: &[(VirtualTime, Told)]) -> Option<(Option<Fate>, String)> {
        let (when, error) = told.iter().rev().find_map(|(when, told)| match told {
            Told::Refused(error) => Some((*when, error)),
            _ => None,
        })?;
        let recipient = self.facts.chains.get(&self.recipient);
        let ownerless = recipient.is_some_and(|facts| facts.ownerless);
        let (fate, why) = match error {
            NodeError::InactiveChain(_) if ownerless => {
                (Fate::NoOwners, format!("{} has no owners", self.names.1))
            }
            NodeError::InactiveChain(_) => {
                let why = format!("{} is not known there", self.names.1);
                (Fate::UnknownChain, why)
            }
            NodeError::RevokedEpoch(epoch) => {
                (Fate::RevokedEpoch, format!("epoch {} is revoked", epoch.0))
            }
            NodeError::Inbox {
                error: InboxError::InboxGapDetected { previous, next },
                ..
            } => {
                let why = format!(
                    "the inbox has nothing from height {next} on, and height {previous} came before"
                );
                (Fate::Gap, why)
            }
            NodeError::BatchRolledBack => (Fate::RolledBack, error.to_string()),
            other => (Fate::Refused, other.to_string()),
        };
        Some((Some(fate), format!("refused at {}: {why}", at(when))))
    }

    /// What is told at a validator from an instant on.
    fn told(&self, validator: u32, since: VirtualTime) -> Vec<(VirtualTime, Told)> {
        let all = self.pair.told.get(&validator).into_iter().flatten();
        all.filter(|(when, _)| *when >= since).cloned().collect()
    }

    pub(super) fn way(&self, loss: Loss) -> String {
        match loss {
            Loss::Link => "by the link".to_owned(),
            Loss::Fault => "by a fault of the scenario".to_owned(),
            Loss::Partition => "in a partition".to_owned(),
            Loss::Down(actor) => format!("at {}, which was down", self.facts.directory.name(actor)),
        }
    }

    /// Where the bundle stands as a whole.
    pub(super) fn verdict(&self, sent: &Sent, standings: &[Standing]) -> (Fate, String) {
        if let Some(taken) = &sent.taken {
            return self.taken(sent, taken);
        }
        let there = standings
            .iter()
            .filter(|standing| standing.arrived.is_some())
            .count();
        if there * 3 > standings.len() * 2 {
            return self.why_waiting(sent);
        }
        // The cause that most validators name; of two, the first.
        let mut causes: BTreeMap<Fate, Vec<&Standing>> = BTreeMap::new();
        for standing in standings.iter().filter(|one| one.arrived.is_none()) {
            if let Some(fate) = standing.fate {
                causes.entry(fate).or_default().push(standing);
            }
        }
        let most = causes.values().map(Vec::len).max().unwrap_or(0);
        let cause = causes.iter().find(|(_, named)| named.len() == most);
        let Some((fate, named)) = cause else {
            return (Fate::OnItsWay, "nothing is known of it".to_owned());
        };
        let names: Vec<_> = named
            .iter()
            .map(|standing| self.facts.directory.validators[super::at(standing.validator)].as_str())
            .collect();
        let detail = format!("at {}: {}", names.join(", "), named[0].detail);
        (*fate, detail)
    }

    fn taken(&self, sent: &Sent, taken: &super::facts::Taken) -> (Fate, String) {
        let recipient = self.names.1;
        let by = format!("by block {recipient}:{}", taken.height);
        if taken.skipped {
            return (Fate::Skipped, by);
        }
        if !taken.rejected {
            return (Fate::Accepted, by);
        }
        let why = match &sent.rejection {
            Some((_, reason)) => format!("{by}: {reason}"),
            None => format!("{by}; its wallet did not say why"),
        };
        let back = self.facts.pairs.get(&(self.recipient, self.sender));
        let back = back.into_iter().flat_map(|pair| &pair.sent);
        let mut back = back.filter(|one| {
            one.bundle.height.0 == taken.height
                && Some(one.bundle.transaction_index) == taken.transaction
        });
        match back.next() {
            Some(returning) => {
                let sender = self.names.0;
                let then = match &returning.taken {
                    Some(again) if again.skipped => {
                        format!("{sender} has jumped over what came back")
                    }
                    Some(again) if again.rejected => {
                        format!("{sender} has rejected what came back: it is gone")
                    }
                    Some(again) => format!("{sender}:{} has taken it back", again.height),
                    None => format!("{sender} has not taken it back yet"),
                };
                (Fate::Bounced, format!("{why}; {then}"))
            }
            None => (Fate::Rejected, why),
        }
    }

    /// It is in the inbox of a quorum, and no block has taken it in.
    fn why_waiting(&self, sent: &Sent) -> (Fate, String) {
        let recipient = self.names.1;
        let wallets = self.facts.wallets_of(self.recipient, recipient);
        if wallets.is_empty() {
            let detail = format!("in the inbox of {recipient}, which nobody drives");
            return (Fate::NoWallet, detail);
        }
        let down: Vec<_> = wallets
            .iter()
            .filter_map(|wallet| self.facts.down_since(*wallet))
            .collect();
        if down.len() == wallets.len() {
            let since = down.into_iter().max().unwrap_or_default();
            let detail = format!("the wallet of {recipient} is down since {}", at(since));
            return (Fate::WalletDown, detail);
        }
        if let Some((when, error)) = &sent.not_believed {
            let detail = format!("the wallet of {recipient} at {}: {error}", at(*when));
            return (Fate::SenderNotBelieved, detail);
        }
        let chain = self.facts.chains.get(&self.recipient);
        let last = chain.and_then(|facts| facts.proposed.last_key_value());
        if let Some((height, when)) = last
            && *when >= sent.time
            && chain.is_some_and(|facts| !facts.confirmed.contains_key(height))
        {
            let detail = format!(
                "{recipient}:{height}, proposed at {}, is not confirmed",
                at(*when)
            );
            return (Fate::BlockPending, detail);
        }
        if let Some((when, reason)) = &sent.postponed {
            let detail = format!("the wallet of {recipient} at {}: {reason}", at(*when));
            return (Fate::Postponed, detail);
        }
        let since = sent.arrivals.values().map(|(when, _)| *when).max();
        let since = since.unwrap_or(sent.time);
        let blocks = chain.map_or(0, |facts| {
            facts
                .confirmed
                .values()
                .filter(|when| **when > since)
                .count()
        });
        let detail = match blocks {
            0 => format!("{recipient} has made no block since {}", at(since)),
            many => format!(
                "{recipient} has made {many} blocks since {} without it",
                at(since)
            ),
        };
        (Fate::Waits, detail)
    }
}

fn retries(told: &[(VirtualTime, Told)]) -> usize {
    let retried = |told: &&(VirtualTime, Told)| matches!(told.1, Told::Retried(_));
    told.iter().filter(retried).count()
}

/// An instant in seconds.
pub(super) fn at(time: VirtualTime) -> String {
    let micros = time.as_micros();
    format!("{}.{:06} s", micros / 1_000_000, micros % 1_000_000)
}
