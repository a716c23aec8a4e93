//! Inbox and outbox in all small cases, against models that remember everything that ever happened
//! and decide by looking at all of it (5.4, 5.5).
//!
//! Machine and model are walked together through every state that any sequence of steps reaches,
//! however long; in each of them every step must give the same answer on both sides.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Added, Inbox, Removed, tests::bundle};
use crate::{
    error::InboxError,
    ids::{BlockHeight, Cursor},
    message::{MessageBundle, MessageKind},
    outbox::Outbox,
};

/// Where the four bundles of an origin stand: two of them in one block.
const PLACES: [(u64, u32); 4] = [(0, 0), (1, 0), (1, 2), (3, 1)];

/// What an answer is, without its details.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    Queued,
    Anticipated,
    Skipped,
    Known,
    Order,
    Unexpected,
    Unskippable,
}

fn of_error(error: &InboxError) -> Answer {
    match error {
        InboxError::IncorrectOrder { .. } => Answer::Order,
        InboxError::UnexpectedBundle { .. } => Answer::Unexpected,
        InboxError::UnskippableBundle { .. } => Answer::Unskippable,
        InboxError::InboxGapDetected { .. } => panic!("an inbox alone sees no gaps"),
    }
}

/// Everything that has ever happened to an inbox.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Model {
    /// Bundles that came, and whether the content was the other one.
    arrived: BTreeMap<Cursor, bool>,
    /// Bundles that blocks took in.
    consumed: BTreeMap<Cursor, bool>,
}

impl Model {
    fn add(&mut self, cursor: Cursor, other: bool, skippable: bool) -> Answer {
        if self.arrived.keys().any(|known| *known >= cursor) {
            return Answer::Order;
        }
        // Taken in before it came: the first of these decides.
        let early = self
            .consumed
            .iter()
            .find(|(one, _)| !self.arrived.contains_key(one));
        let answer = match early {
            None => Answer::Queued,
            Some((first, content)) if *first == cursor && *content == other => Answer::Anticipated,
            Some((first, _)) if cursor < *first && skippable => Answer::Skipped,
            Some((first, _)) if cursor < *first => return Answer::Unskippable,
            Some(_) => return Answer::Unexpected,
        };
        self.arrived.insert(cursor, other);
        answer
    }

    fn remove(
        &mut self,
        cursor: Cursor,
        other: bool,
        skippable: impl Fn(Cursor) -> bool,
    ) -> Answer {
        if self.consumed.keys().any(|known| *known >= cursor) {
            return Answer::Order;
        }
        let last = self.consumed.keys().next_back().copied();
        let waiting = self.arrived.iter().filter(|(one, _)| Some(**one) > last);
        let waiting: Vec<_> = waiting.map(|(one, content)| (*one, *content)).collect();
        if waiting
            .iter()
            .any(|(one, _)| *one < cursor && !skippable(*one))
        {
            return Answer::Unskippable;
        }
        let answer = match waiting.iter().find(|(one, _)| *one >= cursor) {
            Some(front) if *front == (cursor, other) => Answer::Known,
            Some(_) => return Answer::Unexpected,
            None => Answer::Anticipated,
        };
        self.consumed.insert(cursor, other);
        answer
    }
}

/// A step: whether a bundle arrives or is taken in, which, and with what content.
type Step = (bool, usize, bool);

fn steps() -> impl Iterator<Item = Step> {
    let all = [true, false].into_iter();
    all.flat_map(|arrives| {
        (0..PLACES.len())
            .flat_map(move |which| [false, true].map(move |other| (arrives, which, other)))
    })
}

fn kinds(mask: u32) -> [MessageKind; 4] {
    std::array::from_fn(|bit| {
        if mask & (1 << bit) == 0 {
            MessageKind::Tracked
        } else {
            MessageKind::Simple
        }
    })
}

/// The bundle at a place, or another one that stands there with the same right to be jumped over.
fn made(which: usize, other: bool, kinds: [MessageKind; 4]) -> Arc<MessageBundle> {
    let (height, index) = PLACES[which];
    let made = bundle(height, index, kinds[which]);
    if !other {
        return made;
    }
    let mut made = (*made).clone();
    made.messages[0].index = 9;
    Arc::new(made)
}

fn step_both(
    (arrives, which, other): Step,
    kinds: [MessageKind; 4],
    inbox: &Inbox,
    model: &Model,
) -> (Inbox, Model) {
    let (mut next, mut remembered) = (inbox.clone(), model.clone());
    let bundle = made(which, other, kinds);
    let cursor = bundle.cursor();
    let skippable = |cursor: Cursor| {
        let place = PLACES.iter().position(|(height, index)| {
            (BlockHeight(*height), *index) == (cursor.height, cursor.index)
        });
        kinds[place.expect("one of ours")] == MessageKind::Simple
    };
    let (answer, expected) = if arrives {
        let answer = match next.add(bundle) {
            Ok(Added::Queued) => Answer::Queued,
            Ok(Added::Anticipated) => Answer::Anticipated,
            Ok(Added::Skipped) => Answer::Skipped,
            Err(error) => of_error(&error),
        };
        (answer, remembered.add(cursor, other, skippable(cursor)))
    } else {
        let answer = match next.remove(&bundle) {
            Ok(Removed::Known) => Answer::Known,
            Ok(Removed::Anticipated) => Answer::Anticipated,
            Err(error) => of_error(&error),
        };
        (answer, remembered.remove(cursor, other, skippable))
    };
    let step = (arrives, PLACES[which], other);
    assert_eq!(answer, expected, "{step:?} in {model:?} with {kinds:?}");
    let refused = matches!(
        answer,
        Answer::Order | Answer::Unexpected | Answer::Unskippable
    );
    if refused {
        // A refused step changes nothing: callers drop the copy that it was tried on.
        return (inbox.clone(), model.clone());
    }
    next.check_shape().expect("I-27");
    (next, remembered)
}

#[test]
fn an_inbox_does_what_its_history_says_in_every_state() {
    let mut states = 0;
    for mask in 0..16 {
        let kinds = kinds(mask);
        let mut seen: BTreeSet<Model> = BTreeSet::new();
        let mut open = vec![(Inbox::default(), Model::default())];
        while let Some((inbox, model)) = open.pop() {
            if !seen.insert(model.clone()) {
                continue;
            }
            open.extend(steps().map(|step| step_both(step, kinds, &inbox, &model)));
        }
        states += seen.len();
    }
    assert!(states > 2_000, "only {states} states were reached");
}

/// What each of three origins has sent: blocks at four heights, each linked to the one before.
mod several_origins {
    use super::*;
    use crate::{
        Amount, Timestamp,
        chain::ChainState,
        description::{ChainDescription, ChainOrigin, InitialChainConfig},
        error::NodeError,
        hash::CryptoHash,
        ids::{AccountOwner, ChainId, Epoch},
        ownership::ChainOwnership,
        sabotage::Sabotage,
    };

    const HEIGHTS: [u64; 4] = [0, 2, 3, 7];

    fn origin(number: u8) -> ChainId {
        ChainId(CryptoHash::of_bytes("test", &[number]))
    }

    fn chain() -> ChainState {
        let ownership = ChainOwnership::single(AccountOwner::CHAIN);
        let description = ChainDescription {
            origin: ChainOrigin::Root(1),
            timestamp: Timestamp::default(),
            config: InitialChainConfig {
                ownership: Arc::new(ownership),
                epoch: Epoch(0),
                balance: Amount::ZERO,
                permissions: None,
            },
        };
        ChainState::new(&description, Timestamp::default())
    }

    /// The update that holds blocks `from..=to` of an origin.
    fn deliver(
        chain: &mut ChainState,
        number: u8,
        (from, to): (usize, usize),
    ) -> Result<(usize, Option<BlockHeight>), NodeError> {
        let bundles = HEIGHTS[from..=to].iter();
        let bundles: Vec<_> = bundles
            .map(|height| (Epoch(0), bundle(*height, 0, MessageKind::Tracked)))
            .collect();
        let previous = from
            .checked_sub(1)
            .map(|before| BlockHeight(HEIGHTS[before]));
        let received = chain.receive(origin(number), &bundles, previous, Sabotage::None)?;
        Ok((received.arrivals.len(), received.latest_height))
    }

    /// Every update of three origins in every state that updates lead to: nothing comes twice, no
    /// gap is jumped, and origins know nothing of one another.
    #[test]
    fn updates_of_three_origins_in_every_order() {
        let mut seen: BTreeSet<[usize; 3]> = BTreeSet::new();
        let mut open = vec![(chain(), [0usize; 3])];
        while let Some((state, have)) = open.pop() {
            if !seen.insert(have) {
                continue;
            }
            for number in 0..3u8 {
                let mine = have[usize::from(number)];
                for (from, to) in (0..4).flat_map(|from| (from..4).map(move |to| (from, to))) {
                    let mut next = state.clone();
                    let answer = deliver(&mut next, number, (from, to));
                    if from > mine {
                        let gap = matches!(
                            answer,
                            Err(NodeError::Inbox {
                                error: InboxError::InboxGapDetected { .. },
                                ..
                            })
                        );
                        assert!(gap, "{from}..={to} at {mine}: {answer:?}");
                        assert_eq!(next, state, "a refused update changes nothing");
                        continue;
                    }
                    let (arrivals, latest) = answer.expect("no gap");
                    let after = mine.max(to + 1);
                    assert_eq!(arrivals, after - mine);
                    assert_eq!(latest, Some(BlockHeight(HEIGHTS[after - 1])));
                    assert_eq!(
                        next.received_log().len(),
                        have.iter().sum::<usize>() + arrivals
                    );
                    let mut now = have;
                    now[usize::from(number)] = after;
                    next.check_shape((0..3).map(origin)).expect("I-27");
                    open.push((next, now));
                }
            }
        }
        assert_eq!(seen.len(), 125, "all combinations of what has come");
    }
}

/// Everything that has ever happened to an outbox: what was scheduled, and what waits.
#[test]
fn an_outbox_does_what_its_history_says_in_every_state() {
    type History = (Option<u64>, BTreeSet<u64>);
    let mut seen: BTreeSet<History> = BTreeSet::new();
    let mut open = vec![(Outbox::default(), (None, BTreeSet::new()))];
    while let Some((outbox, history)) = open.pop() {
        if !seen.insert(history.clone()) {
            continue;
        }
        let (newest, waiting) = &history;
        assert!(
            outbox
                .queue()
                .iter()
                .map(|height| height.0)
                .eq(waiting.iter().copied())
        );
        for height in 0..4u64 {
            let mut next = outbox.clone();
            let new = newest.is_none_or(|newest| height > newest);
            assert_eq!(next.schedule(BlockHeight(height)), new);
            let mut after = history.clone();
            if new {
                after.0 = Some(height);
                after.1.insert(height);
            }
            next.check_shape().expect("I-28");
            open.push((next, after));

            let mut next = outbox.clone();
            let gone = next.confirm(BlockHeight(height));
            let expected: Vec<_> = waiting
                .range(..=height)
                .map(|one| BlockHeight(*one))
                .collect();
            assert_eq!(gone, expected);
            let left = waiting
                .iter()
                .copied()
                .filter(|one| *one > height)
                .collect();
            open.push((next, (*newest, left)));

            // What is lost behind a height comes back, as far as it was ever sent.
            if let Some(newest) = newest.filter(|newest| height <= *newest) {
                let lost: Vec<_> = (height..=newest).map(BlockHeight).collect();
                let mut next = outbox.clone();
                let restored = next.restore(&lost);
                let all: BTreeSet<_> = waiting.iter().copied().chain(height..=newest).collect();
                assert_eq!(restored.len(), all.len() - waiting.len());
                next.check_shape().expect("I-28");
                open.push((next, (Some(newest), all)));
            }
        }
    }
    assert_eq!(seen.len(), 20, "all that four heights can lead to");
}
