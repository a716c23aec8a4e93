//! Where everything goes: lanes, boxes, message lines, gutter rows.
//!
//! Invariant: integers in tenths of a pixel; a message never points at the wrong side of its own
//! instants (sent ≤ in inbox ≤ taken in). Knows nothing of SVG.

use std::collections::BTreeMap;

use analysis::tables::{MessageOutcome, Tables};

use super::LanesOptions;
use super::labels::{Label, place_labels};
use super::select::Selection;
use crate::axis::{TimeAxis, scaled};
use crate::names::Names;
use crate::text::{Dp, elide, int, text_width};

/// Half the height of a block box.
pub(super) const HALF: Dp = 170;
/// Distance of the first gutter row from the box.
const FIRST_ROW: Dp = 90;

/// A block as a box.
#[derive(Clone, Debug)]
pub(super) struct BlockBox {
    pub(super) row: usize,
    pub(super) x0: Dp,
    pub(super) x1: Dp,
    pub(super) y: Dp,
    /// Name and contents, as far as they fit inside.
    pub(super) text: Fit,
}

/// What fits into a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Both(String, String),
    Name(String),
    Nothing,
}

/// How the line of a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Into the box at this position, with an arrowhead.
    Accepted { x: Dp, edge: Dp },
    /// At the box, refused.
    Rejected { x: Dp, edge: Dp },
    /// At a bar: jumped over by the box at this position.
    Skipped { x: Dp },
    /// Dotted to the right end.
    Waiting,
    /// Dashed to the right end: not in the inbox yet.
    Flying,
    /// At a folded chain, not drawn.
    Away,
}

/// A message as a line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) row: usize,
    pub(super) from: (Dp, Dp),
    /// In the inbox, or where the line stops when it never got there.
    pub(super) to: (Dp, Dp),
    pub(super) end: End,
    pub(super) stub: bool,
}

/// Everything with its place.
pub(super) struct Plan {
    pub(super) axis: TimeAxis,
    pub(super) width: Dp,
    /// Middle of every lane, relative to the top of the plot.
    pub(super) lane_y: Vec<Dp>,
    /// Middle of the lane of the others.
    pub(super) others_y: Option<Dp>,
    pub(super) plot_height: Dp,
    pub(super) boxes: Vec<BlockBox>,
    pub(super) lines: Vec<Line>,
    pub(super) labels: Vec<Label>,
    /// Messages that have no room for their label.
    pub(super) unlabelled: usize,
    pub(super) lane_names: Vec<String>,
}

/// A gutter row: lane, side (`true` below), and origin (`None`: the folded chains).
type Gutter = (usize, bool, Option<usize>);

pub(super) fn plan(
    tables: &Tables,
    names: &Names<'_>,
    selection: &Selection,
    options: &LanesOptions,
) -> Plan {
    let lane_names: Vec<String> = selection
        .lanes
        .iter()
        .map(|chain| elide(names.names[*chain], 150, true, 1_500))
        .collect();
    let widest = lane_names
        .iter()
        .map(|n| text_width(n, 150, true))
        .max()
        .unwrap_or(0);
    let left = (widest + 320).max(if selection.folds() { 1_500 } else { 860 });
    let axis = axis_of(tables, selection, options, left);
    let gutters = gutter_rows(names, selection);
    let heights = lane_heights(&gutters, selection);
    let boxes = boxes_of(tables, names, selection, &axis, &heights);
    let lines = lines_of(tables, names, selection, &axis, &gutters, &heights, &boxes);
    let (labels, unlabelled) = place_labels(tables, &boxes, &lines, &axis, heights.bottom);
    let width = axis.right() + 240;
    Plan {
        axis,
        width,
        lane_y: heights.y,
        others_y: heights.others,
        plot_height: heights.bottom,
        boxes,
        lines,
        labels,
        unlabelled,
        lane_names,
    }
}

/// Wide enough that most blocks have room for their name, within reason.
fn axis_of(tables: &Tables, selection: &Selection, options: &LanesOptions, left: Dp) -> TimeAxis {
    let (from, to) = selection.span;
    let least = (i64::from(options.width) * 10 - left - 240).max(2_000);
    let idle = if options.squeeze_idle {
        idle_stretches(tables, selection)
    } else {
        Vec::new()
    };
    let busy = to - from - idle.iter().map(|(a, b)| b - a).sum::<i64>();
    let mut durations: Vec<i64> = selection
        .boxes
        .iter()
        .filter_map(|row| {
            tables.blocks[*row]
                .confirmed_us
                .map(|c| c - tables.blocks[*row].proposed_us)
        })
        .collect();
    durations.sort_unstable();
    let typical = durations
        .get(durations.len() / 4)
        .copied()
        .unwrap_or(busy)
        .max(1);
    let wanted = scaled(460, busy, typical);
    let crowded = int(selection.singles.len()) * 50;
    let room = wanted.min(least + crowded).clamp(least, least * 2);
    if idle.is_empty() {
        TimeAxis::linear(from, to, left, left + room)
    } else {
        TimeAxis::squeezed(from, to, left, left + room, &idle)
    }
}

/// Stretches of at least an eighth of the picture in which nothing drawn changes.
fn idle_stretches(tables: &Tables, selection: &Selection) -> Vec<(i64, i64)> {
    let (from, to) = selection.span;
    let mut busy: Vec<(i64, i64)> = Vec::new();
    for row in &selection.boxes {
        let block = &tables.blocks[*row];
        busy.push((
            block.proposed_us,
            block.confirmed_us.unwrap_or(block.proposed_us),
        ));
    }
    for row in selection.singles.iter().chain(&selection.stubs) {
        let message = &tables.messages[*row];
        busy.push((
            message.sent_us,
            message.delivered_quorum_us.unwrap_or(message.sent_us),
        ));
    }
    for fault in &tables.faults {
        busy.push((fault.start_us, fault.start_us));
        busy.extend(fault.end_us.map(|end| (end, end)));
    }
    busy.sort_unstable();
    let mut stretches = Vec::new();
    let mut at = from;
    let margin = (to - from) / 100;
    for (start, end) in busy.into_iter().chain([(to, to)]) {
        if start - at > (to - from) / 8 {
            stretches.push((at + margin, start - margin));
        }
        at = at.max(end);
    }
    stretches
}

/// Gives every (lane, side, origin) a row; the nearest row to the first origin in lane order.
fn gutter_rows(names: &Names<'_>, selection: &Selection) -> BTreeMap<Gutter, usize> {
    let mut gutters: BTreeMap<Gutter, usize> = BTreeMap::new();
    for row in selection.singles.iter().chain(&selection.stubs) {
        let (src, dst) = names.ends[*row];
        if let Some(lane) = selection.lane_of[dst] {
            let origin = selection.lane_of[src];
            gutters.insert((lane, is_below(lane, origin), origin), 0);
        }
    }
    let mut last: Option<(usize, bool, usize)> = None;
    for ((lane, below, _), place) in &mut gutters {
        *place = match last {
            Some((l, b, p)) if l == *lane && b == *below => p + 1,
            _ => 0,
        };
        last = Some((*lane, *below, *place));
    }
    gutters
}

/// Messages from lower lanes and from the folded chains arrive from below.
fn is_below(lane: usize, origin: Option<usize>) -> bool {
    origin.is_none_or(|from| from > lane)
}

struct Heights {
    y: Vec<Dp>,
    others: Option<Dp>,
    bottom: Dp,
    /// Distance between the gutter rows above and below every lane.
    steps: Vec<[Dp; 2]>,
}

impl Heights {
    /// Height of a gutter row.
    fn row(&self, gutter: Gutter, place: usize) -> Dp {
        let (lane, below, _) = gutter;
        let distance = HALF + FIRST_ROW + int(place) * self.steps[lane][usize::from(below)];
        if below {
            self.y[lane] + distance
        } else {
            self.y[lane] - distance
        }
    }
}

fn lane_heights(gutters: &BTreeMap<Gutter, usize>, selection: &Selection) -> Heights {
    let lanes = selection.lanes.len();
    let mut rows = vec![[0_usize; 2]; lanes];
    for ((lane, below, _), place) in gutters {
        let most = &mut rows[*lane][usize::from(*below)];
        *most = (*most).max(place + 1);
    }
    // Many lanes must stay on one page: their gutters and the room between them shrink.
    let (depth_most, between) = match lanes {
        0..=12 => (700, 280),
        13..=24 => (360, 200),
        _ => (240, 120),
    };
    let step = |rows: usize| (depth_most / int(rows.max(1))).clamp(15, 70);
    let depth = |rows: usize| {
        if rows == 0 {
            0
        } else {
            FIRST_ROW + step(rows) * int(rows - 1)
        }
    };
    let least = match lanes {
        0..=12 => 920,
        13..=24 => 700,
        _ => 480,
    };
    let mut y: Vec<Dp> = Vec::with_capacity(lanes);
    let mut below = 0;
    for [above, under] in &rows {
        let top = depth(*above) + HALF;
        let next = match y.last() {
            None => 120 + top.max(HALF + 80),
            Some(last) => last + (HALF + below + between + top).max(least),
        };
        y.push(next);
        below = depth(*under);
    }
    let mut bottom = y.last().map_or(600, |last| last + HALF + below + 160);
    let mut others = None;
    if selection.folds() {
        others = Some(bottom + 340);
        bottom += 640;
    }
    let steps = rows
        .iter()
        .map(|[above, under]| [step(*above), step(*under)])
        .collect();
    Heights {
        y,
        others,
        bottom,
        steps,
    }
}

fn boxes_of(
    tables: &Tables,
    names: &Names<'_>,
    selection: &Selection,
    axis: &TimeAxis,
    heights: &Heights,
) -> Vec<BlockBox> {
    let mut boxes = Vec::with_capacity(selection.boxes.len());
    for row in selection.boxes.iter().copied() {
        let block = &tables.blocks[row];
        let Some(lane) = selection.lane_of[names.block_chain[row]] else {
            continue;
        };
        let x1 = block
            .confirmed_us
            .map_or(axis.right(), |at| axis.x(at))
            .max(axis.left() + 20);
        let x0 = axis.x(block.proposed_us).min(x1 - 30);
        let name = format!("{}:{}", names.names[names.block_chain[row]], block.height);
        let number = format!(":{}", block.height);
        let detail = contents(block);
        let room = x1 - x0 - 60;
        let text = if text_width(&name, 120, true) <= room && text_width(&detail, 95, false) <= room
        {
            Fit::Both(name, detail)
        } else if text_width(&name, 100, true) <= room + 30 {
            Fit::Name(name)
        } else if text_width(&number, 90, false) <= room + 40 {
            Fit::Name(number)
        } else {
            Fit::Nothing
        };
        boxes.push(BlockBox {
            row,
            x0,
            x1,
            y: heights.y[lane],
            text,
        });
    }
    boxes
}

/// `1 in · 1 op · ml-0`.
pub(super) fn contents(block: &analysis::tables::BlockRow) -> String {
    let mut parts = Vec::new();
    let taken = block.incoming.saturating_sub(block.rejected);
    if taken > 0 {
        parts.push(format!("{taken} in"));
    }
    if block.rejected > 0 {
        parts.push(format!("{} reject", block.rejected));
    }
    if block.operations > 0 {
        parts.push(format!("{} op", block.operations));
    }
    if block.round != "fast" {
        parts.push(block.round.clone());
    }
    if parts.is_empty() {
        "empty".to_owned()
    } else {
        parts.join(" · ")
    }
}

fn lines_of(
    tables: &Tables,
    names: &Names<'_>,
    selection: &Selection,
    axis: &TimeAxis,
    gutters: &BTreeMap<Gutter, usize>,
    heights: &Heights,
    boxes: &[BlockBox],
) -> Vec<Line> {
    let by_block: BTreeMap<(usize, u64), &BlockBox> = boxes
        .iter()
        .map(|b| ((names.block_chain[b.row], tables.blocks[b.row].height), b))
        .collect();
    let arrows = arrow_positions(tables, names, selection, axis, &by_block);
    let mut lines = Vec::new();
    for (row, stub) in selection
        .singles
        .iter()
        .map(|row| (*row, false))
        .chain(selection.stubs.iter().map(|row| (*row, true)))
    {
        let message = &tables.messages[row];
        let (src, dst) = names.ends[row];
        let source = selection.lane_of[src];
        let sent = by_block
            .get(&(src, message.src_height))
            .map_or(axis.x(message.sent_us), |b| b.x1);
        let Some(lane) = selection.lane_of[dst] else {
            let y = source.map_or(0, |lane| heights.y[lane] + HALF);
            let to = (sent + 70, y + 130);
            lines.push(Line {
                row,
                from: (sent, y),
                to,
                end: End::Away,
                stub,
            });
            continue;
        };
        let gutter = (lane, is_below(lane, source), source);
        let place = gutters.get(&gutter).copied().unwrap_or(0);
        let level = heights.row(gutter, place);
        let edge = heights.y[lane] + if gutter.1 { HALF } else { -HALF };
        let arrow = arrows.get(&row).copied();
        let delivered = message.delivered_quorum_us.or(message.delivered_first_us);
        let inbox = delivered.map_or(axis.right(), |at| axis.x(at));
        let inbox = inbox
            .max(sent)
            .min(arrow.map_or(axis.right(), |x| x.max(sent)));
        let end = match (message.outcome, arrow) {
            (MessageOutcome::Rejected, Some(x)) => End::Rejected {
                x: x.max(inbox),
                edge,
            },
            (MessageOutcome::Accepted, Some(x)) => End::Accepted {
                x: x.max(inbox),
                edge,
            },
            (MessageOutcome::Skipped, Some(x)) => End::Skipped { x: x.max(inbox) },
            (MessageOutcome::InFlight, _) => End::Flying,
            (_, None) if delivered.is_none() => End::Flying,
            _ => End::Waiting,
        };
        let from = source.map_or((inbox - 70, level + 110), |from| {
            let side = if from >= lane { -HALF } else { HALF };
            (sent, heights.y[from] + side)
        });
        lines.push(Line {
            row,
            from,
            to: (inbox, level),
            end,
            stub,
        });
    }
    lines
}

/// Where along its block every message that was taken in arrives, side by side in order of age.
fn arrow_positions(
    tables: &Tables,
    names: &Names<'_>,
    selection: &Selection,
    axis: &TimeAxis,
    by_block: &BTreeMap<(usize, u64), &BlockBox>,
) -> BTreeMap<usize, Dp> {
    let mut arriving: BTreeMap<(usize, u64, bool), Vec<usize>> = BTreeMap::new();
    let mut positions = BTreeMap::new();
    for row in selection.singles.iter().chain(&selection.stubs).copied() {
        let message = &tables.messages[row];
        let (src, dst) = names.ends[row];
        let Some(lane) = selection.lane_of[dst] else {
            continue;
        };
        // What is jumped over is never received, and ends at the block that did it.
        let skipped = message.outcome == MessageOutcome::Skipped;
        if message.received_us.is_none() && !skipped {
            continue;
        }
        let below = is_below(lane, selection.lane_of[src]);
        match message
            .dst_height
            .filter(|height| by_block.contains_key(&(dst, *height)))
        {
            Some(height) => arriving.entry((dst, height, below)).or_default().push(row),
            None => {
                if let Some(at) = message.received_us {
                    positions.insert(row, axis.x(at));
                }
            }
        }
    }
    for ((chain, height, _), mut rows) in arriving {
        let Some(target) = by_block.get(&(chain, height)) else {
            continue;
        };
        rows.sort_by_key(|row| {
            (
                tables.messages[*row].delivered_quorum_us,
                names.ends[*row].0,
                *row,
            )
        });
        let width = target.x1 - target.x0;
        let step = ((width - 80) / int(rows.len()).max(1)).clamp(1, 160);
        let first = (width / 4).min(120);
        for (slot, row) in rows.into_iter().enumerate() {
            let x = target.x0 + first + step * int(slot);
            positions.insert(row, x.min(target.x1 - 10));
        }
    }
    positions
}
