//! I-24 to I-26, the order of arrival of I-27, I-29 and I-33: bundles from the block that sends them to
//! the block that takes them in.
//!
//! The bundles of a pair of chains are numbered in the order in which they were sent. They arrive
//! in that order, so a validator needs one count a pair. A bundle that everybody has and that was
//! taken in is forgotten.

use std::sync::Arc;

use protocol::{block::Block, hash::CryptoHash, ids::Cursor, message::MessageBundle};

use super::{
    Invariant, Verdicts,
    linking::Heads,
    losses::{Losses, Missing},
    money::worth,
};
use crate::registry::{ChainNo, PairNo, Registry, index, long, number, reach};

/// Where a bundle stands at its recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    TakenIn,
    Skipped,
}

/// A bundle.
#[derive(Debug)]
struct Sent {
    cursor: Cursor,
    hash: CryptoHash,
    /// What it holds; `None` if its block was never told.
    bundle: Option<Arc<MessageBundle>>,
    fate: Fate,
}

/// The bundles from one chain to another.
#[derive(Debug, Default)]
struct Pair {
    /// How many came before the first of the queue.
    base: u32,
    queue: Vec<Sent>,
    /// The last one taken in.
    last: Option<Cursor>,
    /// The last one forgotten.
    forgotten: Option<Cursor>,
}

/// What a block takes in, as far as it matters to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Intake {
    /// What the bundles are worth that it jumps over, in attos.
    pub(crate) skipped: u128,
    /// Whether it takes in a bundle of a block that was never told.
    pub(crate) untold: bool,
}

impl Pair {
    /// The position of a cursor in the queue, or where it belongs.
    fn find(&self, cursor: Cursor) -> Result<usize, usize> {
        self.queue.binary_search_by_key(&cursor, |sent| sent.cursor)
    }
}

/// Who keeps a chain at a validator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    /// The validator and the chain.
    pub(crate) place: (u32, ChainNo),
    /// The worker, if it has spoken.
    pub(crate) actor: Option<engine::ActorId>,
}

/// All bundles that matter still.
#[derive(Debug)]
pub(crate) struct Delivery {
    validators: usize,
    pairs: Vec<Pair>,
    /// Bundles arrived, by pair and validator.
    arrived: Vec<u32>,
    /// The height above the last one that the outbox has forgotten, by pair and validator.
    emptied: Vec<u64>,
}

impl Delivery {
    pub(crate) const fn new(validators: usize) -> Self {
        Self {
            validators,
            pairs: Vec::new(),
            arrived: Vec::new(),
            emptied: Vec::new(),
        }
    }

    fn open(&mut self, pair: PairNo) -> &mut Pair {
        let counts = (pair.index() + 1) * self.validators;
        if self.arrived.len() < counts {
            self.arrived.resize(counts, 0);
            self.emptied.resize(counts, 0);
        }
        reach(&mut self.pairs, pair.index())
    }

    fn count(&mut self, pair: PairNo, validator: u32) -> &mut u32 {
        &mut self.arrived[pair.index() * self.validators + index(validator)]
    }

    /// Forgets the bundles of a pair that everybody has and that were taken in.
    fn forget(&mut self, pair: PairNo) {
        let from = pair.index() * self.validators;
        let counts = &self.arrived[from..from + self.validators];
        let everywhere = counts.iter().copied().min().unwrap_or(0);
        let Pair {
            base,
            queue,
            forgotten,
            ..
        } = &mut self.pairs[pair.index()];
        let old = index(everywhere.saturating_sub(*base)).min(queue.len());
        let waiting = queue[..old]
            .iter()
            .position(|sent| sent.fate == Fate::Waiting);
        let done = waiting.unwrap_or(old);
        if done == 0 {
            return;
        }
        *forgotten = Some(queue[done - 1].cursor);
        if done == queue.len() {
            *queue = Vec::new();
        } else {
            queue.drain(..done);
        }
        *base += number(done);
    }

    /// A confirmed block sends.
    pub(crate) fn sent(
        &mut self,
        verdicts: &mut Verdicts,
        origin: ChainNo,
        block: &Block,
        registry: &mut Registry,
    ) {
        for (recipient, bundle) in block.bundles() {
            let recipient = registry.chain(recipient);
            let pair = registry.pair(recipient, origin);
            let (cursor, hash) = (bundle.cursor(), CryptoHash::of(&**bundle));
            let at = match self.open(pair).find(cursor) {
                Ok(at) => {
                    // It arrived before its block was told: what was believed is compared.
                    let known = self.pairs[pair.index()].queue[at].hash;
                    verdicts.check(Invariant::NoForgery, known == hash, || {
                        format!("{known:?} has arrived, and {hash:?} is sent")
                    });
                    self.pairs[pair.index()].queue[at].bundle = Some(bundle.clone());
                    continue;
                }
                Err(at) => at,
            };
            let (bundle, fate) = (Some(bundle.clone()), Fate::Waiting);
            self.insert(
                pair,
                at,
                Sent {
                    cursor,
                    hash,
                    bundle,
                    fate,
                },
            );
        }
    }

    /// Puts a bundle in its place. Who has a later one is taken to have this one too.
    fn insert(&mut self, pair: PairNo, at: usize, sent: Sent) {
        let Pair { base, queue, .. } = &mut self.pairs[pair.index()];
        if queue.len() < 4 {
            queue.reserve_exact(1);
        }
        queue.insert(at, sent);
        let turn = *base + number(at);
        let from = pair.index() * self.validators;
        for count in &mut self.arrived[from..from + self.validators] {
            *count += u32::from(*count > turn);
        }
    }

    /// A bundle has arrived at a validator; `sent_below` is the origin's next height.
    pub(crate) fn arrived(
        &mut self,
        verdicts: &mut Verdicts,
        losses: &mut Losses,
        (validator, recipient): (u32, ChainNo),
        (pair, cursor, hash): (PairNo, Cursor, CryptoHash),
        sent_below: u64,
    ) {
        self.open(pair);
        let Some(at) = self.place(verdicts, losses, (pair, cursor, hash), sent_below) else {
            return;
        };
        let Pair { base, queue, .. } = &self.pairs[pair.index()];
        let (known, turn) = (queue[at].hash, *base + number(at));
        verdicts.check(Invariant::NoForgery, known == hash, || {
            format!(
                "bundle {hash:?} arrives at {}, and {known:?} was sent",
                at_cursor(cursor)
            )
        });
        let count = *self.count(pair, validator);
        let missing = (Missing::Bundles(pair), verdicts.stamp.time);
        let (place, actor) = ((validator, recipient), verdicts.stamp.actor);
        let in_turn = turn == count || (turn > count && losses.excuse(place, missing, actor));
        verdicts.check(Invariant::InboxShape, in_turn, || {
            let place = at_cursor(cursor);
            format!("bundle {turn} of its origin, at {place}, arrives when {count} is due")
        });
        *self.count(pair, validator) = count.max(turn + 1);
        self.forget(pair);
    }

    /// The position of a bundle that arrives. One of a block that was never told gets a place, if
    /// that can be.
    fn place(
        &mut self,
        verdicts: &mut Verdicts,
        losses: &Losses,
        (pair, cursor, hash): (PairNo, Cursor, CryptoHash),
        sent_below: u64,
    ) -> Option<usize> {
        let Pair {
            forgotten, last, ..
        } = self.pairs[pair.index()];
        let at = match self.pairs[pair.index()].find(cursor) {
            Ok(at) => return Some(at),
            Err(at) => at,
        };
        let again = forgotten.is_some_and(|last| cursor <= last);
        verdicts.check(Invariant::InboxShape, !again, || {
            format!("the bundle at {} arrives a second time", at_cursor(cursor))
        });
        if again {
            return None;
        }
        // With a crash behind us its block may never have been told.
        let untold = losses.any();
        verdicts.check(Invariant::NoForgery, untold, || {
            let place = at_cursor(cursor);
            format!(
                "a bundle arrives from {place}, and that block {}",
                told(cursor, sent_below)
            )
        });
        if !untold {
            return None;
        }
        let fate = if last >= Some(cursor) {
            Fate::TakenIn
        } else {
            Fate::Waiting
        };
        self.insert(
            pair,
            at,
            Sent {
                cursor,
                hash,
                bundle: None,
                fate,
            },
        );
        Some(at)
    }

    /// How many bundles have arrived at a validator, and how many are sent up to a height.
    fn arrived_and_due(&mut self, pair: PairNo, validator: u32, height: u64) -> (u32, u32) {
        let Pair { base, queue, .. } = self.open(pair);
        let due = *base + number(queue.partition_point(|sent| sent.cursor.height.0 <= height));
        (*self.count(pair, validator), due)
    }

    /// A validator's outbox has forgotten a height; `holder` is who keeps the recipient there.
    pub(crate) fn popped(
        &mut self,
        verdicts: &mut Verdicts,
        losses: &mut Losses,
        holder: Holder,
        pair: PairNo,
        height: u64,
    ) {
        let validator = holder.place.0;
        let (count, due) = self.arrived_and_due(pair, validator, height);
        let arrived = count >= due || excused(verdicts, losses, holder, pair);
        verdicts.check(Invariant::OutboxInboxLink, arrived, || {
            let missing = due - count;
            format!("the outbox forgets height {height}, and {missing} bundles have not arrived")
        });
        *self.count(pair, validator) = count.max(due);
        let emptied = &mut self.emptied[pair.index() * self.validators + index(validator)];
        *emptied = (*emptied).max(height.saturating_add(1));
        self.forget(pair);
    }

    /// The last height that sends to a pair, if the outbox of a validator still holds it.
    pub(crate) fn held_in_outbox(&self, pair: PairNo, validator: u32) -> Option<u64> {
        let Pair {
            queue, forgotten, ..
        } = self.pairs.get(pair.index())?;
        let last = queue.last().map(|sent| sent.cursor).or(*forgotten)?;
        let at = pair.index() * self.validators + index(validator);
        let emptied = self.emptied.get(at).copied().unwrap_or(0);
        (emptied <= last.height.0).then_some(last.height.0)
    }

    /// I-33: a validator has told that everything up to a height is delivered.
    pub(crate) fn answered(
        &mut self,
        verdicts: &mut Verdicts,
        losses: &mut Losses,
        holder: Holder,
        pair: PairNo,
        height: u64,
    ) {
        let (count, due) = self.arrived_and_due(pair, holder.place.0, height);
        let arrived = count >= due || excused(verdicts, losses, holder, pair);
        verdicts.check(Invariant::BlockingDelivery, arrived, || {
            let missing = due - count;
            format!("height {height} is said to be delivered, and {missing} bundles are not")
        });
    }

    /// A confirmed block takes bundles in.
    pub(crate) fn taken_in(
        &mut self,
        verdicts: &mut Verdicts,
        lossy: bool,
        recipient: ChainNo,
        block: &Block,
        heads: &Heads,
        registry: &mut Registry,
    ) -> Intake {
        let mut intake = Intake::default();
        for incoming in block.proposed().incoming_bundles() {
            let origin = registry.chain(&incoming.origin);
            let pair = registry.pair(recipient, origin);
            let sent_below = heads.next_height(origin);
            let pair_state = self.open(pair);
            let bundle = &incoming.bundle;
            intake.skipped = intake
                .skipped
                .saturating_add(jump(verdicts, pair_state, bundle));
            intake.untold |= !take(verdicts, lossy, pair_state, bundle, sent_below);
            self.forget(pair);
        }
        intake
    }

    /// Bundles of a pair that have not arrived at a validator.
    pub(crate) fn missing_of(&self, pair: PairNo, validator: u32) -> u64 {
        let sent = self
            .pairs
            .get(pair.index())
            .map_or(0, |pair| long(pair.queue.len()) + u64::from(pair.base));
        let count = pair.index() * self.validators + index(validator);
        let arrived = self.arrived.get(count).copied().unwrap_or(0);
        sent.saturating_sub(u64::from(arrived))
    }

    /// Bundles that have not arrived at a validator.
    pub(crate) fn missing(&self, validator: u32) -> u64 {
        let counts = self
            .arrived
            .iter()
            .skip(index(validator))
            .step_by(self.validators.max(1));
        let missing = |(pair, count): (&Pair, &u32)| {
            long(pair.queue.len()) + u64::from(pair.base) - u64::from(*count)
        };
        self.pairs.iter().zip(counts).map(missing).sum()
    }
}

/// I-26: what a block jumps over may be jumped over. Returns what it is worth.
fn jump(verdicts: &mut Verdicts, pair: &mut Pair, bundle: &MessageBundle) -> u128 {
    let cursor = bundle.cursor();
    let until = pair.queue.partition_point(|sent| sent.cursor < cursor);
    let mut skipped = 0u128;
    for sent in &mut pair.queue[..until] {
        if sent.fate != Fate::Waiting {
            continue;
        }
        sent.fate = Fate::Skipped;
        let Some(jumped) = &sent.bundle else { continue };
        verdicts.check(Invariant::Order, jumped.is_skippable(), || {
            format!(
                "{} is taken in before {}",
                at_cursor(cursor),
                at_cursor(jumped.cursor())
            )
        });
        skipped = skipped.saturating_add(worth(jumped));
    }
    skipped
}

/// I-24, I-25, I-26: a block takes a bundle in. Returns whether its content was told.
fn take(
    verdicts: &mut Verdicts,
    lossy: bool,
    pair: &mut Pair,
    bundle: &Arc<MessageBundle>,
    sent_below: u64,
) -> bool {
    let cursor = bundle.cursor();
    let found = pair.find(cursor).ok();
    let again =
        pair.last == Some(cursor) || found.is_some_and(|at| pair.queue[at].fate == Fate::TakenIn);
    let once = verdicts.check(Invariant::AtMostOnce, !again, || {
        format!(
            "the bundle at {} is taken in a second time",
            at_cursor(cursor)
        )
    });
    let in_order = pair.last.is_none_or(|last| last <= cursor);
    verdicts.check(Invariant::Order, in_order, || {
        let last = pair.last.unwrap_or_default();
        format!(
            "{} is taken in after {}",
            at_cursor(cursor),
            at_cursor(last)
        )
    });
    pair.last = pair.last.max(Some(cursor));
    match found {
        Some(at) => {
            let sent = &mut pair.queue[at];
            sent.fate = Fate::TakenIn;
            let same = match &sent.bundle {
                Some(known) => Arc::ptr_eq(known, bundle) || known == bundle,
                None => sent.hash == CryptoHash::of(&**bundle),
            };
            verdicts.check(Invariant::NoForgery, same, || {
                format!("another bundle is taken in than {} sent", at_cursor(cursor))
            });
            sent.bundle.is_some()
        }
        None => {
            verdicts.check(Invariant::NoForgery, lossy || !once || !in_order, || {
                let place = at_cursor(cursor);
                let told = told(cursor, sent_below);
                format!("a bundle of {place} is taken in, and that block {told}")
            });
            false
        }
    }
}

/// What is known of a block that did not tell a bundle; `sent_below` is its chain's next height.
fn told(cursor: Cursor, sent_below: u64) -> &'static str {
    if cursor.height.0 < sent_below {
        "did not send it"
    } else {
        "is not confirmed"
    }
}

fn at_cursor(cursor: Cursor) -> String {
    format!("height {}, transaction {}", cursor.height, cursor.index)
}

/// Whether a crash excuses a worker, or any worker of a validator if it is not known which.
pub(super) fn excused(
    verdicts: &Verdicts,
    losses: &mut Losses,
    holder: Holder,
    pair: PairNo,
) -> bool {
    let missing = (Missing::Bundles(pair), verdicts.stamp.time);
    match holder.actor {
        Some(actor) => losses.excuse(holder.place, missing, actor),
        None => losses.excuse_validator(holder.place, missing),
    }
}
