//! Density strips: what is not drawn one by one, counted over time.
//!
//! Invariant: every row that the selection folds is in exactly one bar.

use analysis::tables::Tables;

use super::layout::{HALF, Plan};
use super::select::Selection;
use crate::axis::scaled;
use crate::names::Names;
use crate::svg::{Anchor, Font, HUES, MUTED, Svg, closed};
use crate::text::{Dp, compact, int, time};

/// Width of a bar of a density strip.
const BAR: Dp = 40;

/// Density of what is not drawn one by one, a row for each lane and one for the folded chains.
pub(super) struct Strips {
    blocks: Vec<Vec<u64>>,
    messages: Vec<Vec<u64>>,
}

impl Strips {
    pub(super) fn of(
        tables: &Tables,
        names: &Names<'_>,
        selection: &Selection,
        plan: &Plan,
    ) -> Self {
        let rows = selection.lanes.len() + 1;
        let row_of = |chain: usize| selection.lane_of[chain].unwrap_or(rows - 1);
        let (mut blocks, mut messages) = (vec![Vec::new(); rows], vec![Vec::new(); rows]);
        for row in selection.lane_strips.iter().chain(&selection.folded_blocks) {
            let block = &tables.blocks[*row];
            let at = block.confirmed_us.unwrap_or(block.proposed_us);
            blocks[row_of(names.block_chain[*row])].push(at);
        }
        for row in &selection.folded_messages {
            messages[row_of(names.ends[*row].0)].push(tables.messages[*row].sent_us);
        }
        Self {
            blocks: blocks.iter().map(|at| density(plan, at)).collect(),
            messages: messages.iter().map(|at| density(plan, at)).collect(),
        }
    }

    /// Greatest bars of blocks and of messages among the lanes.
    pub(super) fn lane_peaks(&self) -> (u64, u64) {
        let lanes = self.blocks.len() - 1;
        (peak(&self.blocks[..lanes]), peak(&self.messages[..lanes]))
    }

    /// The same for the folded chains.
    fn folded_peaks(&self) -> (u64, u64) {
        let lanes = self.blocks.len() - 1;
        (peak(&self.blocks[lanes..]), peak(&self.messages[lanes..]))
    }
}

/// Blocks upwards, messages downwards by their sender.
pub(super) fn draw_strips(
    svg: &mut Svg,
    strips: &Strips,
    selection: &Selection,
    plan: &Plan,
    top: Dp,
) {
    let (most_up, most_down) = strips.lane_peaks();
    let lanes = plan.lane_y.len();
    let boxes = !plan.boxes.is_empty();
    let height = match lanes {
        _ if boxes => HALF,
        0..=12 => 320,
        _ => 200,
    };
    for (lane, lane_y) in plan.lane_y.iter().enumerate() {
        let y = top + lane_y;
        let up = Bars {
            counts: &strips.blocks[lane],
            most: most_up,
            height: -height,
        };
        up.draw(svg, plan, y, MUTED, "blocks of this chain");
        let down = Bars {
            counts: &strips.messages[lane],
            most: most_down,
            height,
        };
        let below = if boxes { y + HALF + 30 } else { y };
        down.draw(svg, plan, below, HUES[0], "messages that it sent");
    }
    let Some(lane_y) = plan.others_y else { return };
    let y = top + lane_y;
    let (most_up, most_down) = strips.folded_peaks();
    let up = Bars {
        counts: &strips.blocks[lanes],
        most: most_up,
        height: -260,
    };
    up.draw(svg, plan, y, MUTED, "blocks of the folded chains");
    let down = Bars {
        counts: &strips.messages[lanes],
        most: most_down,
        height: 260,
    };
    down.draw(svg, plan, y, HUES[0], "messages that they sent");
    let left = plan.axis.left() - 160;
    let note = Font::new(95, MUTED).at(Anchor::End);
    let per = time(bar_time(selection, plan));
    svg.text(
        left,
        y + 70,
        note,
        &format!("↑ blocks, most {}", compact(most_up)),
    );
    svg.text(
        left,
        y + 190,
        note,
        &format!("↓ messages, most {}", compact(most_down)),
    );
    svg.text(left, y + 310, note, &format!("in a bar of about {per}"));
}

/// Virtual time of a bar, to three digits.
pub(super) fn bar_time(selection: &Selection, plan: &Plan) -> i64 {
    let (from, to) = selection.span;
    let exact = scaled(to - from, BAR, plan.axis.right() - plan.axis.left()).max(1);
    // Three digits are enough to read a strip.
    let unit = 10_i64.pow(exact.ilog10().saturating_sub(2));
    exact / unit * unit
}

/// How many instants fall into each bar.
fn density(plan: &Plan, instants: &[i64]) -> Vec<u64> {
    let (left, right) = (plan.axis.left(), plan.axis.right());
    let bars = usize::try_from((right - left) / BAR + 1).unwrap_or(1);
    let mut counts = vec![0_u64; bars];
    for at in instants {
        let bar = usize::try_from((plan.axis.x(*at) - left) / BAR).unwrap_or(0);
        if let Some(count) = counts.get_mut(bar) {
            *count += 1;
        }
    }
    counts
}

fn peak(strips: &[Vec<u64>]) -> u64 {
    strips.iter().map(|strip| peak_of(strip)).max().unwrap_or(0)
}

fn peak_of(counts: &[u64]) -> u64 {
    counts.iter().copied().max().unwrap_or(0)
}

/// A row of bars, upwards when the height is negative.
struct Bars<'a> {
    counts: &'a [u64],
    /// Count of a bar of full height.
    most: u64,
    height: Dp,
}

impl Bars<'_> {
    fn draw(&self, svg: &mut Svg, plan: &Plan, y: Dp, hue: &str, what: &str) {
        let total: u64 = self.counts.iter().sum();
        if total == 0 {
            return;
        }
        let clamped = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let mut d = String::new();
        for (bar, number) in self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, number)| **number > 0)
        {
            let x = plan.axis.left() + int(bar) * BAR;
            let share = scaled(clamped(*number), self.height.abs(), clamped(self.most));
            let tip = y + share.max(8) * self.height.signum();
            d.push_str(&closed(&[
                (x, y),
                (x, tip),
                (x + BAR - 8, tip),
                (x + BAR - 8, y),
            ]));
        }
        svg.open_titled(&format!(
            "{what}: {total}, at most {} a bar",
            peak_of(self.counts)
        ));
        svg.path(&d, &format!("fill=\"{hue}\" opacity=\".55\""));
        svg.close();
    }
}
