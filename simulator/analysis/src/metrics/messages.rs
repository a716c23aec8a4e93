//! Messages and their three instants: sent, in the inbox, taken in.
//!
//! The bundle moves as a whole; the rows are of single messages. A bundle is followed until it is
//! both in the inbox of a quorum and taken in.

use engine::VirtualTime;
use protocol::{
    Amount,
    block::Block,
    ids::{ApplicationId, Cursor},
    message::{MessageAction, MessageBundle, MessageKind, PostedMessage, SystemMessage},
};
use scenario::expression::{Counter, Measure};

use super::{Counters, NEVER, Rows, windows::Windows};
use crate::{
    names::Names,
    registry::{ChainNo, PairNo, Registry, index, long, number, reach},
    tables::MessageOutcome,
};

/// One message; times in virtual microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageLine {
    pub(crate) src: ChainNo,
    pub(crate) dst: ChainNo,
    pub(crate) src_height: u64,
    pub(crate) transaction: u32,
    pub(crate) index: u32,
    pub(crate) kind: MessageKind,
    /// Whether it asks for money instead of bringing it.
    pub(crate) withdraws: bool,
    /// Whose it is, if not the protocol's own.
    pub(crate) application: Option<ApplicationId>,
    pub(crate) outcome: MessageOutcome,
    pub(crate) amount: u128,
    pub(crate) sent: u64,
    pub(crate) delivered_first: u64,
    pub(crate) delivered_quorum: u64,
    pub(crate) received: u64,
    pub(crate) dst_height: u64,
}

impl MessageLine {
    /// Short human label, such as `transfer 10` or `message of gold`.
    pub(crate) fn label(&self, names: &Names<'_>) -> String {
        if let Some(application) = self.application {
            return said_by(&names.application(application), self.kind);
        }
        let what = match (self.withdraws, self.kind) {
            (true, _) => "withdraw",
            (false, MessageKind::Bouncing) => "bounce",
            (false, MessageKind::Simple | MessageKind::Protected | MessageKind::Tracked) => {
                "transfer"
            }
        };
        format!("{what} {}", Amount::from_attos(self.amount))
    }
}

/// A message of an application, in words.
pub(crate) fn said_by(application: &str, kind: MessageKind) -> String {
    match kind {
        MessageKind::Bouncing => format!("returning message of {application}"),
        MessageKind::Simple | MessageKind::Protected | MessageKind::Tracked => {
            format!("message of {application}")
        }
    }
}

/// A bundle on its way.
#[derive(Clone, Copy, Debug)]
struct Track {
    cursor: Cursor,
    /// Its first row and how many it has; rows may not be kept.
    first: u32,
    count: u32,
    /// Weight of the validators that have it.
    weight: u64,
    sent: u64,
    delivered_first: u64,
    delivered_quorum: u64,
    received: bool,
}

/// What is counted of one chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MessageTally {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Messages that wait in the inbox.
    pub(crate) waiting: u64,
}

/// All messages.
#[derive(Debug)]
pub(crate) struct Messages {
    rows: Rows,
    lines: Vec<MessageLine>,
    pairs: Vec<Vec<Track>>,
    tallies: Vec<MessageTally>,
}

impl Messages {
    pub(crate) const fn new(rows: Rows) -> Self {
        Self {
            rows,
            lines: Vec::new(),
            pairs: Vec::new(),
            tallies: Vec::new(),
        }
    }

    pub(crate) fn tally(&self, chain: ChainNo) -> MessageTally {
        self.tallies.get(chain.index()).copied().unwrap_or_default()
    }

    /// All messages, by sender, height and index.
    pub(crate) fn lines(&self) -> Vec<MessageLine> {
        let mut lines = self.lines.clone();
        lines.sort_unstable_by_key(|line| (line.src, line.src_height, line.index));
        lines
    }

    fn lines_of(&mut self, first: u32, count: u32) -> &mut [MessageLine] {
        let (first, count) = (index(first), index(count));
        self.lines.get_mut(first..first + count).unwrap_or_default()
    }

    /// A confirmed block sends.
    pub(crate) fn sent(
        &mut self,
        counters: &mut Counters,
        windows: &mut Windows,
        time: VirtualTime,
        src: ChainNo,
        block: &Block,
        registry: &mut Registry,
    ) {
        for (recipient, bundle) in block.bundles() {
            let dst = registry.chain(recipient);
            let pair = registry.pair(dst, src);
            let (first, count) = (self.lines.len(), bundle.messages.len());
            if self.rows == Rows::Full {
                let line = |posted| line((src, dst), bundle, posted, time.as_micros());
                self.lines.extend(bundle.messages.iter().map(line));
            }
            let track = Track {
                cursor: bundle.cursor(),
                first: number(first),
                count: number(count),
                weight: 0,
                sent: time.as_micros(),
                delivered_first: NEVER,
                delivered_quorum: NEVER,
                received: false,
            };
            let queue = reach(&mut self.pairs, pair.index());
            if queue.len() < 4 {
                queue.reserve_exact(1);
            }
            queue.push(track);
            let count = long(count);
            reach(&mut self.tallies, src.index()).sent += count;
            counters.sent += count;
            counters.in_flight += count;
            windows.count(Counter::SentMessages, time, count);
        }
    }

    /// A validator of some weight has a bundle in the recipient's inbox.
    pub(crate) fn arrived(
        &mut self,
        counters: &mut Counters,
        windows: &mut Windows,
        (weight, quorum): (u64, u64),
        time: VirtualTime,
        (pair, cursor): (PairNo, Cursor),
        registry: &Registry,
    ) {
        let queue = reach(&mut self.pairs, pair.index());
        let Ok(at) = queue.binary_search_by_key(&cursor, |track| track.cursor) else {
            return;
        };
        let (track, now) = (&mut queue[at], time.as_micros());
        // What a quorum is may have changed since, and it is reached once.
        let reached_before = track.delivered_quorum != NEVER;
        track.weight = track.weight.saturating_add(weight);
        track.delivered_first = track.delivered_first.min(now);
        if reached_before || track.weight < quorum {
            let Track {
                first,
                count,
                delivered_first,
                ..
            } = *track;
            for line in self.lines_of(first, count) {
                line.delivered_first = delivered_first;
            }
            return;
        }
        track.delivered_quorum = now;
        let track = *track;
        if track.received {
            queue.remove(at);
        } else {
            let (dst, _) = registry.ends(pair);
            let count = u64::from(track.count);
            reach(&mut self.tallies, dst.index()).waiting += count;
            counters.waiting += count;
            counters.in_flight -= count;
        }
        let times = index(track.count);
        counters.delivered += u64::from(track.count);
        windows.count(Counter::DeliveredMessages, time, u64::from(track.count));
        let sent = VirtualTime::from_micros(track.sent);
        windows.sample(Measure::DeliveryLatency, sent, now - track.sent, times);
        for line in self.lines_of(track.first, track.count) {
            line.delivered_first = track.delivered_first;
            line.delivered_quorum = now;
            if line.outcome == MessageOutcome::InFlight {
                line.outcome = MessageOutcome::Waiting;
            }
        }
    }

    /// A confirmed block takes bundles in.
    pub(crate) fn taken_in(
        &mut self,
        counters: &mut Counters,
        windows: &mut Windows,
        time: VirtualTime,
        dst: ChainNo,
        block: &Block,
        registry: &mut Registry,
    ) {
        for incoming in block.proposed().incoming_bundles() {
            let origin = registry.chain(&incoming.origin);
            let pair = registry.pair(dst, origin);
            let count = incoming.bundle.messages.len();
            let rejected = incoming.action == MessageAction::Reject;
            let jumps = (block.height().0, incoming.bundle.cursor());
            self.skip(counters, dst, pair, jumps);
            let taken = self.take(counters, dst, pair, incoming.bundle.cursor());
            counters.received += long(count);
            reach(&mut self.tallies, dst.index()).received += long(count);
            windows.count(Counter::ReceivedMessages, time, long(count));
            if rejected {
                counters.rejected += long(count);
                windows.count(Counter::RejectedMessages, time, long(count));
            }
            let Some(track) = taken else { continue };
            let now = time.as_micros();
            let sent = VirtualTime::from_micros(track.sent);
            windows.sample(Measure::MessageLatency, sent, now - track.sent, count);
            let (waited, from) = match track.delivered_quorum {
                NEVER => (0, time),
                delivered => (now - delivered, VirtualTime::from_micros(delivered)),
            };
            windows.sample(Measure::InboxWait, from, waited, count);
            let outcome = if rejected {
                MessageOutcome::Rejected
            } else {
                MessageOutcome::Accepted
            };
            for line in self.lines_of(track.first, track.count) {
                line.received = now;
                line.dst_height = block.height().0;
                line.outcome = outcome;
            }
        }
    }

    /// A block jumps over bundles: they wait no more, and are never taken in.
    fn skip(
        &mut self,
        counters: &mut Counters,
        dst: ChainNo,
        pair: PairNo,
        (height, cursor): (u64, Cursor),
    ) {
        let queue = reach(&mut self.pairs, pair.index());
        let until = queue.partition_point(|track| track.cursor < cursor);
        let jumped = queue[..until]
            .iter()
            .filter(|track| !track.received)
            .count();
        if jumped == 0 {
            return;
        }
        let jumped: Vec<_> = queue.extract_if(..until, |track| !track.received).collect();
        for track in jumped {
            forget(counters, reach(&mut self.tallies, dst.index()), &track);
            for line in self.lines_of(track.first, track.count) {
                line.outcome = MessageOutcome::Skipped;
                line.dst_height = height;
            }
        }
    }

    /// A block takes a bundle in; `None` if it was never told.
    fn take(
        &mut self,
        counters: &mut Counters,
        dst: ChainNo,
        pair: PairNo,
        cursor: Cursor,
    ) -> Option<Track> {
        let queue = reach(&mut self.pairs, pair.index());
        let at = queue
            .binary_search_by_key(&cursor, |track| track.cursor)
            .ok()?;
        let track = queue[at];
        if track.received {
            return None;
        }
        queue[at].received = true;
        if track.delivered_quorum != NEVER {
            queue.remove(at);
        }
        if queue.is_empty() {
            *queue = Vec::new();
        }
        forget(counters, reach(&mut self.tallies, dst.index()), &track);
        Some(track)
    }
}

/// A bundle is neither on its way nor waiting any more.
fn forget(counters: &mut Counters, tally: &mut MessageTally, track: &Track) {
    let count = u64::from(track.count);
    if track.delivered_quorum == NEVER {
        counters.in_flight -= count;
    } else {
        tally.waiting -= count;
        counters.waiting -= count;
    }
}

fn line(
    (src, dst): (ChainNo, ChainNo),
    bundle: &MessageBundle,
    posted: &PostedMessage,
    sent: u64,
) -> MessageLine {
    let (withdraws, amount, application) = match &posted.message {
        SystemMessage::Credit { amount, .. } => (false, amount.attos(), None),
        SystemMessage::Withdraw { amount, .. } => (true, amount.attos(), None),
        SystemMessage::User(message) => (false, 0, Some(message.application_id)),
    };
    MessageLine {
        src,
        dst,
        src_height: bundle.height.0,
        transaction: bundle.transaction_index,
        index: posted.index,
        kind: posted.kind,
        withdraws,
        application,
        outcome: MessageOutcome::InFlight,
        amount,
        sent,
        delivered_first: NEVER,
        delivered_quorum: NEVER,
        received: NEVER,
        dst_height: 0,
    }
}
