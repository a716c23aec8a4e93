//! Level of detail: which chains get a lane, and which messages a line of their own.
//!
//! Invariant: every row of blocks and messages is counted in exactly one place of [`Counts`].

use analysis::tables::{BlockRow, MessageRow, Tables};

use super::LanesOptions;
use crate::names::Names;
use crate::text::{count, plural};

/// Above this, the blocks of the drawn lanes are density strips instead of boxes.
const MAX_BOXES: usize = 4_000;

/// Where every row of the tables went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Chains with a lane of their own.
    pub chains_drawn: usize,
    /// Chains that share the lane of the others.
    pub chains_folded: usize,
    /// Blocks drawn as boxes.
    pub blocks_drawn: usize,
    /// Blocks counted in density strips.
    pub blocks_folded: usize,
    /// Blocks outside the window of time that was asked for.
    pub blocks_outside: usize,
    /// Messages drawn one by one between two lanes.
    pub messages_drawn: usize,
    /// Messages drawn one by one, with the end at a folded chain cut off.
    pub messages_stubbed: usize,
    /// Messages counted in density strips.
    pub messages_folded: usize,
    /// Messages outside the window of time that was asked for.
    pub messages_outside: usize,
}

/// What is drawn how.
pub(super) struct Selection {
    /// Chain of every lane, from top to bottom.
    pub(super) lanes: Vec<usize>,
    /// Lane of every chain.
    pub(super) lane_of: Vec<Option<usize>>,
    /// Rows of blocks drawn as boxes.
    pub(super) boxes: Vec<usize>,
    /// Rows of blocks on drawn lanes that are counted in the lane's strip.
    pub(super) lane_strips: Vec<usize>,
    /// Rows of blocks of folded chains.
    pub(super) folded_blocks: Vec<usize>,
    /// Rows of messages between two lanes.
    pub(super) singles: Vec<usize>,
    /// Rows of messages with one folded end.
    pub(super) stubs: Vec<usize>,
    /// Rows of messages that only the strips show.
    pub(super) folded_messages: Vec<usize>,
    /// The stretch of time that is drawn.
    pub(super) span: (i64, i64),
    pub(super) counts: Counts,
}

impl Selection {
    pub(super) fn folds(&self) -> bool {
        self.counts.chains_folded > 0
    }

    /// Says exactly what is drawn one by one and what is not.
    pub(super) fn sentence(&self) -> String {
        let c = &self.counts;
        let chains = c.chains_drawn + c.chains_folded;
        let blocks = c.blocks_drawn + c.blocks_folded;
        let messages = c.messages_drawn + c.messages_stubbed + c.messages_folded;
        let (n, b, m) = (
            plural(chains, "chain"),
            plural(blocks, "block"),
            plural(messages, "message"),
        );
        let mut text =
            if c.chains_folded == 0 && c.blocks_folded == 0 && c.messages_drawn == messages {
                format!("{n}, {b} and {m}: all drawn.")
            } else {
                let mut text = format!("{n}, {b} and {m}.");
                if c.chains_folded > 0 {
                    text.push_str(&format!(
                        " {} with a lane, {} folded into the lowest lane.",
                        count(c.chains_drawn),
                        count(c.chains_folded)
                    ));
                }
                text.push_str(&format!(" Blocks: {} drawn", count(c.blocks_drawn)));
                if c.blocks_folded > 0 {
                    text.push_str(&format!(
                        ", {} counted in density strips",
                        count(c.blocks_folded)
                    ));
                }
                text.push_str(&format!(
                    ". Messages: {} drawn whole",
                    count(c.messages_drawn)
                ));
                for (number, how) in [
                    (
                        c.messages_stubbed,
                        "drawn as stubs to or from the folded chains",
                    ),
                    (c.messages_folded, "counted in density strips"),
                ] {
                    if number > 0 {
                        text.push_str(&format!(", {} {how}", count(number)));
                    }
                }
                text.push('.');
                text
            };
        if c.blocks_outside + c.messages_outside > 0 {
            text.push_str(&format!(
                " Outside the window: {}, {}.",
                plural(c.blocks_outside, "block"),
                plural(c.messages_outside, "message")
            ));
        }
        text
    }
}

pub(super) fn select(tables: &Tables, names: &Names<'_>, options: &LanesOptions) -> Selection {
    let span = span_of(tables, options);
    let blocks: Vec<usize> = (0..tables.blocks.len())
        .filter(|row| tables.blocks.get(*row).is_some_and(|b| block_in(b, span)))
        .collect();
    let messages: Vec<usize> = (0..tables.messages.len())
        .filter(|row| {
            tables
                .messages
                .get(*row)
                .is_some_and(|m| message_in(m, span))
        })
        .collect();
    let lanes = choose_lanes(names, &blocks, &messages, options);
    let mut lane_of = vec![None; names.len()];
    for (lane, chain) in lanes.iter().enumerate() {
        lane_of[*chain] = Some(lane);
    }
    let (on_lanes, folded_blocks): (Vec<usize>, Vec<usize>) = blocks
        .iter()
        .partition(|row| lane_of[names.block_chain[**row]].is_some());
    let (boxes, lane_strips) = if on_lanes.len() <= MAX_BOXES {
        (on_lanes, Vec::new())
    } else {
        (Vec::new(), on_lanes)
    };

    let (mut singles, mut stubs, mut folded_messages) = (Vec::new(), Vec::new(), Vec::new());
    for row in messages.iter().copied() {
        let (src, dst) = names.ends[row];
        match (lane_of[src], lane_of[dst]) {
            (Some(_), Some(_)) => singles.push(row),
            (None, None) => folded_messages.push(row),
            (Some(_), None) | (None, Some(_)) => stubs.push(row),
        }
    }
    if singles.len() + stubs.len() > options.max_messages {
        folded_messages.append(&mut stubs);
        folded_messages.sort_unstable();
    }
    if singles.len() > options.max_messages {
        folded_messages.append(&mut singles);
        folded_messages.sort_unstable();
    }
    let counts = Counts {
        chains_drawn: lanes.len(),
        chains_folded: names.len() - lanes.len(),
        blocks_drawn: boxes.len(),
        blocks_folded: lane_strips.len() + folded_blocks.len(),
        blocks_outside: tables.blocks.len() - blocks.len(),
        messages_drawn: singles.len(),
        messages_stubbed: stubs.len(),
        messages_folded: folded_messages.len(),
        messages_outside: tables.messages.len() - messages.len(),
    };
    Selection {
        lanes,
        lane_of,
        boxes,
        lane_strips,
        folded_blocks,
        singles,
        stubs,
        folded_messages,
        span,
        counts,
    }
}

/// The window that was asked for, else from the start (or the first activity, when that comes
/// late) to the end (or the last activity, when that comes early).
fn span_of(tables: &Tables, options: &LanesOptions) -> (i64, i64) {
    if let Some((from, to)) = options.window_us {
        return (from, to.max(from + 1));
    }
    let (mut first, mut last) = (i64::MAX, 0);
    let mut see = |instant: i64| {
        first = first.min(instant);
        last = last.max(instant);
    };
    for row in &tables.blocks {
        see(row.proposed_us);
        row.confirmed_us.iter().copied().for_each(&mut see);
    }
    for row in &tables.messages {
        see(row.sent_us);
        row.delivered_quorum_us.iter().copied().for_each(&mut see);
        row.received_us.iter().copied().for_each(&mut see);
    }
    for row in &tables.faults {
        see(row.start_us);
        row.end_us.iter().copied().for_each(&mut see);
    }
    tables
        .expectations
        .iter()
        .filter_map(|row| row.first_violation_us)
        .for_each(&mut see);
    let end = tables.run.virtual_us.max(1);
    if first > last {
        return (0, end);
    }
    let busy = (last - first).max(1);
    let from = if first > busy {
        (first - busy / 20).max(0)
    } else {
        0
    };
    let to = if end < last || end - last > (last - from) / 4 {
        last + busy / 20
    } else {
        end
    };
    (from, to.max(from + 1))
}

fn block_in(row: &BlockRow, (from, to): (i64, i64)) -> bool {
    row.proposed_us <= to && row.confirmed_us.is_none_or(|at| at >= from)
}

fn message_in(row: &MessageRow, (from, to): (i64, i64)) -> bool {
    row.sent_us <= to && row.received_us.is_none_or(|at| at >= from)
}

/// All chains when there are few, else the busiest ones, always in the order of the tables.
fn choose_lanes(
    names: &Names<'_>,
    blocks: &[usize],
    messages: &[usize],
    options: &LanesOptions,
) -> Vec<usize> {
    if !options.chains.is_empty() {
        return (0..names.len())
            .filter(|chain| {
                options
                    .chains
                    .iter()
                    .any(|name| name == names.names[*chain])
            })
            .collect();
    }
    if names.len() <= options.max_lanes {
        return (0..names.len()).collect();
    }
    let mut activity = vec![0_u64; names.len()];
    for row in blocks {
        activity[names.block_chain[*row]] += 1;
    }
    for row in messages {
        let (src, dst) = names.ends[*row];
        activity[src] += 1;
        activity[dst] += 1;
    }
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|chain| (std::cmp::Reverse(activity[*chain]), *chain));
    order.truncate(options.kept_lanes.max(1));
    order.sort_unstable();
    order
}
