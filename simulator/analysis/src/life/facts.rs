//! What a trace says of the messages that are asked for, collected by pair of chains and validator.
//!
//! Knows what was told and when; what follows from it is in `judge`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::{ActorId, NetworkFact, Stamped, VirtualTime};
use protocol::{
    block::{Block, SystemOperation, Transaction},
    error::NodeError,
    ids::{Address, ChainId, Cursor},
    message::{MessageAction, MessageBundle, MessageKind},
    observe::{Arrival, Letter, Observation},
};
use trace::{Directory, Event};

use super::handle::Handle;
use crate::registry::index;

/// How a request between two workers got lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The link lost it.
    Link,
    /// A fault of the scenario lost it.
    Fault,
    /// A partition of the scenario cut its way.
    Partition,
    /// The receiver was down.
    Down(ActorId),
}

/// What a validator's workers told of a pair of chains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Retried(u32),
    Dropped,
    Abandoned,
    Lost(Letter, u64, Loss),
    Refused(NodeError),
    Duplicate,
    Confirmed(u64),
    Restored(u64),
}

/// What a block did with a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) time: VirtualTime,
    pub(super) height: u64,
    pub(super) rejected: bool,
    /// Whether it was jumped over instead.
    pub(super) skipped: bool,
    /// Transaction of that block, if it was taken in.
    pub(super) transaction: Option<u32>,
}

/// A bundle and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) time: VirtualTime,
    pub(super) epoch: u32,
    pub(super) bundle: Arc<MessageBundle>,
    /// By validator.
    pub(super) arrivals: BTreeMap<u32, (VirtualTime, Arrival)>,
    pub(super) taken: Option<Taken>,
    pub(super) rejection: Option<(VirtualTime, String)>,
    pub(super) postponed: Option<(VirtualTime, String)>,
    pub(super) not_believed: Option<(VirtualTime, NodeError)>,
}

/// The bundles from one chain to another.
#[derive(Clone, Debug, Default)]
pub(super) struct Pair {
    pub(super) sent: Vec<Sent>,
    /// By validator, in order.
    pub(super) told: BTreeMap<u32, Vec<(VirtualTime, Told)>>,
}

/// What is known of one chain, whoever it is.
#[derive(Clone, Debug, Default)]
pub(super) struct ChainFacts {
    /// When validators had blocks, by height and validator.
    pub(super) executed: BTreeMap<(u64, u32), VirtualTime>,
    /// The worker that keeps the chain, by validator.
    pub(super) workers: BTreeMap<u32, ActorId>,
    /// Heights that were proposed, and when last.
    pub(super) proposed: BTreeMap<u64, VirtualTime>,
    /// Heights that are confirmed, and when first.
    pub(super) confirmed: BTreeMap<u64, VirtualTime>,
    /// Why commands of its wallets failed.
    pub(super) failed: Vec<(VirtualTime, String)>,
    /// Whether its last change of owners left none.
    pub(super) ownerless: bool,
}

/// All that a trace says of the messages that are asked for.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) directory: Directory,
    pub(super) pairs: BTreeMap<(ChainId, ChainId), Pair>,
    pub(super) chains: BTreeMap<ChainId, ChainFacts>,
    /// Crashes and restarts of every actor: `true` is up.
    pub(super) status: BTreeMap<ActorId, Vec<(VirtualTime, bool)>>,
    sender: ChainId,
    recipient: Option<ChainId>,
    height: Option<u64>,
    /// The last thing the network did, which the record after it may be about.
    last_loss: Option<(VirtualTime, ActorId, Loss)>,
}

impl Facts {
    pub(super) fn new(
        directory: Directory,
        handle: &Handle,
        sender: ChainId,
        recipient: Option<ChainId>,
    ) -> Self {
        let height = match handle {
            Handle::Block { height, .. } => Some(*height),
            Handle::Pair { .. } => None,
        };
        let mut chains = BTreeMap::new();
        chains.insert(sender, ChainFacts::default());
        if let Some(recipient) = recipient {
            chains.insert(recipient, ChainFacts::default());
        }
        Self {
            directory,
            pairs: BTreeMap::new(),
            chains,
            status: BTreeMap::new(),
            sender,
            recipient,
            height,
            last_loss: None,
        }
    }

    /// The validator of a worker.
    fn validator(&self, actor: ActorId) -> Option<u32> {
        match self.directory.address(actor)? {
            Address::Worker(validator, _) => Some(validator.0),
            Address::Proxy(_) | Address::Client(_) => None,
        }
    }

    /// Looks at the next record.
    pub(super) fn record(&mut self, record: &Stamped<Event>) {
        let (time, actor) = (record.time, record.actor);
        match &record.record {
            Event::Network(fact) => self.network(time, actor, fact),
            Event::Protocol(fact) => {
                self.chain_fact(time, actor, fact);
                self.pair_fact(time, actor, fact);
            }
            Event::Fault(_) => {}
        }
    }

    fn network(&mut self, time: VirtualTime, actor: ActorId, fact: &NetworkFact) {
        let loss = match fact {
            NetworkFact::Lost { .. } => Loss::Link,
            NetworkFact::LostByRule { .. } => Loss::Fault,
            NetworkFact::Partitioned { .. } => Loss::Partition,
            NetworkFact::ToDownNode { .. } => Loss::Down(actor),
            NetworkFact::Crashed { .. } | NetworkFact::Panicked => {
                return self.status.entry(actor).or_default().push((time, false));
            }
            NetworkFact::Restarted => {
                return self.status.entry(actor).or_default().push((time, true));
            }
            NetworkFact::Duplicated { .. } => return,
        };
        self.last_loss = Some((time, actor, loss));
    }

    /// What is told of a chain that matters here.
    fn chain_fact(&mut self, time: VirtualTime, actor: ActorId, fact: &Observation) {
        let validator = self.validator(actor);
        let chain = match fact {
            Observation::BlockExecuted { chain, .. }
            | Observation::BlockPreprocessed { chain, .. }
            | Observation::BlockProposed { chain, .. }
            | Observation::CommandFailed { chain, .. }
            | Observation::VoteCast { chain, .. } => *chain,
            Observation::BundleArrived { recipient, .. } => *recipient,
            Observation::BlockConfirmed { certificate } => {
                return self.confirmed(time, certificate.block());
            }
            _ => return,
        };
        let Some(facts) = self.chains.get_mut(&chain) else {
            return;
        };
        if let Some(validator) = validator {
            facts.workers.insert(validator, actor);
        }
        match fact {
            Observation::BlockExecuted { height, .. }
            | Observation::BlockPreprocessed { height, .. } => {
                if let Some(validator) = validator {
                    facts.executed.entry((height.0, validator)).or_insert(time);
                }
            }
            Observation::BlockProposed { height, .. } => {
                facts.proposed.insert(height.0, time);
            }
            Observation::CommandFailed { reason, .. } => facts.failed.push((time, reason.clone())),
            _ => {}
        }
    }

    fn confirmed(&mut self, time: VirtualTime, block: &Block) {
        let (chain, height) = (block.chain_id(), block.height().0);
        let first = match self.chains.get_mut(&chain) {
            Some(facts) => {
                let first = !facts.confirmed.contains_key(&height);
                facts.confirmed.entry(height).or_insert(time);
                for operation in block.proposed().operations() {
                    if let SystemOperation::ChangeOwnership(ownership) = operation {
                        facts.ownerless = !ownership.is_active();
                    }
                }
                first
            }
            None => false,
        };
        if !first {
            return;
        }
        if chain == self.sender && self.height.is_none_or(|wanted| wanted == height) {
            let wanted = self.recipient;
            let bundles = block.bundles().iter();
            for (recipient, bundle) in bundles.filter(|(to, _)| wanted.is_none_or(|one| one == *to))
            {
                self.sent(time, (chain, *recipient), block, bundle);
            }
        }
        self.taken_in(time, block);
    }

    fn sent(
        &mut self,
        time: VirtualTime,
        pair: (ChainId, ChainId),
        block: &Block,
        bundle: &Arc<MessageBundle>,
    ) {
        self.chains.entry(pair.1).or_default();
        let pair = self.pairs.entry(pair).or_default();
        let known = |sent: &Sent| sent.bundle.cursor() == bundle.cursor();
        if !pair.sent.iter().any(known) {
            pair.sent.push(Sent {
                time,
                epoch: block.proposed().epoch.0,
                bundle: bundle.clone(),
                arrivals: BTreeMap::new(),
                taken: None,
                rejection: None,
                postponed: None,
                not_believed: None,
            });
        }
    }

    fn taken_in(&mut self, time: VirtualTime, block: &Block) {
        let (recipient, height) = (block.chain_id(), block.height().0);
        let mut returns = BTreeSet::new();
        for (transaction, step) in (0..).zip(&block.proposed().transactions) {
            let Transaction::ReceiveMessages(incoming) = step else {
                continue;
            };
            let cursor = incoming.bundle.cursor();
            let Some(pair) = self.pairs.get_mut(&(incoming.origin, recipient)) else {
                continue;
            };
            let rejected = incoming.action == MessageAction::Reject;
            for sent in &mut pair.sent {
                let place = sent.bundle.cursor();
                if sent.taken.is_none() && place <= cursor {
                    let skipped = place < cursor;
                    sent.taken = Some(Taken {
                        time,
                        height,
                        rejected: rejected && !skipped,
                        skipped,
                        transaction: (!skipped).then_some(transaction),
                    });
                    if rejected && !skipped && is_tracked(&sent.bundle) {
                        returns.insert((incoming.origin, transaction));
                    }
                }
            }
        }
        for (origin, transaction) in returns {
            let bundles = block.bundles_for(&origin).iter();
            let back = bundles.filter(|(_, bundle)| bundle.transaction_index == transaction);
            for (_, bundle) in back {
                self.sent(time, (recipient, origin), block, bundle);
            }
        }
    }

    /// What is told of a pair of chains that matters here.
    fn pair_fact(&mut self, time: VirtualTime, actor: ActorId, fact: &Observation) {
        let loss = self.last_loss.take();
        let (pair, told) = match fact {
            Observation::BundleArrived {
                recipient,
                origin,
                cursor,
                arrival,
                ..
            } => {
                return self.arrived(time, actor, (*origin, *recipient), (*cursor, *arrival));
            }
            Observation::BundleRejected {
                chain,
                origin,
                cursor,
                reason,
            } => {
                let said = Some((time, reason.clone()));
                return self.each((*origin, *chain), *cursor, |sent| {
                    sent.rejection.clone_from(&said);
                });
            }
            Observation::BundlePostponed {
                chain,
                origin,
                cursor,
                reason,
            } => {
                let said = Some((time, reason.clone()));
                return self.each((*origin, *chain), *cursor, |sent| {
                    sent.postponed.clone_from(&said);
                });
            }
            Observation::SenderBlockRefused {
                chain,
                origin,
                height,
                error,
            } => {
                let Some(pair) = self.pairs.get_mut(&(*origin, *chain)) else {
                    return;
                };
                let of_block = |sent: &&mut Sent| sent.bundle.height == *height;
                for sent in pair.sent.iter_mut().filter(of_block) {
                    sent.not_believed = Some((time, error.clone()));
                }
                return;
            }
            Observation::DuplicateUpdate { recipient, origin } => {
                ((*origin, *recipient), Told::Duplicate)
            }
            Observation::UpdateRefused {
                recipient,
                origin,
                error,
            } => ((*origin, *recipient), Told::Refused(error.clone())),
            Observation::OutboxConfirmed {
                sender,
                recipient,
                height,
            } => ((*sender, *recipient), Told::Confirmed(height.0)),
            Observation::OutboxRestored {
                sender,
                recipient,
                height,
            } => ((*sender, *recipient), Told::Restored(height.0)),
            Observation::UpdateAbandoned { sender, recipient } => {
                ((*sender, *recipient), Told::Abandoned)
            }
            Observation::UpdateDropped { sender, recipient } => {
                ((*sender, *recipient), Told::Dropped)
            }
            Observation::UpdateRetried {
                sender,
                recipient,
                attempt,
            } => ((*sender, *recipient), Told::Retried(*attempt)),
            Observation::CrossChainLost {
                sender,
                recipient,
                letter,
                height,
            } => {
                let how = loss.filter(|(when, who, _)| (*when, *who) == (time, actor));
                let how = how.map_or(Loss::Link, |(_, _, how)| how);
                ((*sender, *recipient), Told::Lost(*letter, height.0, how))
            }
            _ => return,
        };
        let Some(validator) = self.validator(actor) else {
            return;
        };
        if let Some(pair) = self.pairs.get_mut(&pair) {
            pair.told.entry(validator).or_default().push((time, told));
        }
    }

    fn arrived(
        &mut self,
        time: VirtualTime,
        actor: ActorId,
        pair: (ChainId, ChainId),
        (cursor, arrival): (Cursor, Arrival),
    ) {
        let Some(validator) = self.validator(actor) else {
            return;
        };
        self.each(pair, cursor, |sent| {
            sent.arrivals.entry(validator).or_insert((time, arrival));
        });
    }

    fn each(&mut self, pair: (ChainId, ChainId), cursor: Cursor, then: impl Fn(&mut Sent)) {
        if let Some(pair) = self.pairs.get_mut(&pair) {
            let mut here = pair.sent.iter_mut();
            if let Some(sent) = here.find(|sent| sent.bundle.cursor() == cursor) {
                then(sent);
            }
        }
    }

    /// Since when an actor is down, if it is.
    pub(super) fn down_since(&self, actor: ActorId) -> Option<VirtualTime> {
        let last = self.status.get(&actor)?.last()?;
        (!last.1).then_some(last.0)
    }

    /// The last crash of an actor that is up again.
    pub(super) fn last_crash(&self, actor: ActorId) -> Option<VirtualTime> {
        let crashes = self.status.get(&actor)?.iter();
        crashes
            .filter(|(_, up)| !up)
            .map(|(time, _)| *time)
            .next_back()
    }

    /// The actors of a validator's proxy and workers.
    pub(super) fn actors_of(&self, validator: u32) -> Vec<ActorId> {
        let of_it = |address: &Address| match address {
            Address::Proxy(one) | Address::Worker(one, _) => one.0 == validator,
            Address::Client(_) => false,
        };
        let all = (1..).map(ActorId).zip(&self.directory.addresses);
        all.filter(|(_, address)| of_it(address))
            .map(|(actor, _)| actor)
            .collect()
    }

    /// The wallets of a chain.
    pub(super) fn wallets_of(&self, chain: ChainId, name: &str) -> Vec<ActorId> {
        let drives = |address: &Address| match address {
            Address::Client(client) => {
                let wallet = self.directory.wallets.get(index(client.0));
                wallet.is_some_and(|wallet| {
                    wallet.chain == Some(chain)
                        || (wallet.chain.is_none() && wallet.chain_name == name)
                })
            }
            Address::Proxy(_) | Address::Worker(..) => false,
        };
        let all = (1..).map(ActorId).zip(&self.directory.addresses);
        all.filter(|(_, address)| drives(address))
            .map(|(actor, _)| actor)
            .collect()
    }
}

fn is_tracked(bundle: &MessageBundle) -> bool {
    let mut messages = bundle.messages.iter();
    messages.any(|message| message.kind == MessageKind::Tracked)
}
