//! Senders in rows, recipients in columns, messages as colour on a logarithmic scale.
//!
//! Invariant: the sums in the margins are over everything in the graph, so they add up to all
//! messages of the run.

use analysis::tables::Tables;
use petgraph::visit::EdgeRef;

use super::Flow;
use super::graph::HotSpots;
use crate::header;
use crate::svg::{Anchor, Font, GRID, INK, MUTED, PAPER, RULE, Svg};
use crate::text::{Dp, amount, compact, dp, elide, grouped, int, percent, text_width};

/// Cividis, from its bright to its dark end, so that much is dark on paper.
const SCALE: [(u8, u8, u8); 10] = [
    (0xff, 0xea, 0x46),
    (0xe4, 0xcf, 0x5b),
    (0xc4, 0xb5, 0x6c),
    (0xa6, 0x9d, 0x75),
    (0x8a, 0x87, 0x79),
    (0x70, 0x71, 0x73),
    (0x57, 0x5c, 0x6d),
    (0x39, 0x48, 0x6b),
    (0x00, 0x33, 0x6f),
    (0x00, 0x20, 0x4d),
];

/// Binary logarithm in 1/256, the fraction interpolated linearly.
fn log2(value: u64) -> i64 {
    let value = value.max(1);
    let whole = value.ilog2();
    let fraction = ((u128::from(value) << 8) >> whole) - 256;
    i64::from(whole) * 256 + i64::try_from(fraction).unwrap_or(255)
}

/// The colour scale: from a power of ten to the greatest value.
#[derive(Clone, Copy)]
struct Range {
    least: u64,
    most: u64,
}

impl Range {
    fn of(flow: &Flow) -> Self {
        let values = || flow.graph.edge_weights().map(|edge| edge.messages);
        let least = values().min().unwrap_or(1).max(1);
        let most = values().max().unwrap_or(1).max(1);
        Self {
            least: 10_u64.pow(least.ilog10()),
            most,
        }
    }

    /// Position of a value, 0 to 1000.
    fn position(self, value: u64) -> i64 {
        let width = log2(self.most) - log2(self.least);
        if width <= 0 {
            500
        } else {
            (log2(value) - log2(self.least)) * 1_000 / width
        }
    }
}

fn colour(position: i64) -> String {
    let last = int(SCALE.len()) - 1;
    let scaled = position.clamp(0, 1_000) * last;
    let stop = (scaled / 1_000).min(last - 1);
    let part = scaled - stop * 1_000;
    let at = |n: i64| {
        usize::try_from(n)
            .ok()
            .and_then(|n| SCALE.get(n))
            .copied()
            .unwrap_or_default()
    };
    let (a, b) = (at(stop), at(stop + 1));
    let mix = |a: u8, b: u8| (i64::from(a) * (1_000 - part) + i64::from(b) * part) / 1_000;
    format!(
        "#{:02x}{:02x}{:02x}",
        mix(a.0, b.0),
        mix(a.1, b.1),
        mix(a.2, b.2)
    )
}

pub(super) fn svg(tables: &Tables, flow: &Flow, spots: &HotSpots) -> String {
    let nodes: Vec<_> = flow.graph.node_weights().collect();
    let count = nodes.len();
    let cell: Dp = match count {
        0..=12 => 480,
        13..=20 => 360,
        21..=28 => 300,
        29..=40 => 250,
        _ => 170,
    };
    let label_size: Dp = if cell >= 250 { 105 } else { 90 };
    let labels: Vec<String> = nodes
        .iter()
        .map(|node| elide(&node.name, label_size, false, 1_700))
        .collect();
    let label_width = labels
        .iter()
        .map(|l| text_width(l, label_size, false))
        .max()
        .unwrap_or(0);
    let side = cell * int(count);
    let list_width = 3_900;
    // Room for the longest label, and for the head of the bottom margin.
    let left = 520 + label_width.max(900);
    let list_left = left + side + 900;
    let width = (list_left + list_width).max(9_000);
    let notes = header::wrap(
        &format!("Rows send, columns receive. {}", flow.note),
        110,
        width - 400,
    );
    // Column labels are turned by 60 degrees; 0.87 is the sine.
    let top = 420 + int(notes.len()) * 150 + 260 + label_width * 87 / 100 + 100;
    let height = (top + side + 1_250).max(top + 5_600);
    let title = format!("Message flow of {}", header::name(tables));
    let mut svg = Svg::new("flow", width, height, &title, &flow.note);
    super::ring::heading(&mut svg, tables, &notes);

    let range = Range::of(flow);
    let name = Font::new(label_size, INK);
    for (row, label) in labels.iter().enumerate() {
        let y = top + cell * int(row);
        svg.open_titled(&nodes[row].name);
        svg.text(left - 80, y + cell / 2 + 40, name.at(Anchor::End), label);
        let x = left + cell * int(row) + cell / 2;
        let (x_text, y_text) = (dp(x + 30), dp(top - 60));
        let turn = format!("transform=\"rotate(-60 {x_text} {y_text})\"");
        svg.text_with(x + 30, top - 60, name, &turn, label);
        svg.close();
    }
    svg.rect(
        left,
        top,
        side,
        side,
        &format!("fill=\"none\" stroke=\"{RULE}\""),
    );
    svg.open(&format!("stroke=\"{GRID}\""));
    for line in 1..int(count) {
        svg.line(
            (left, top + line * cell),
            (left + side, top + line * cell),
            "",
        );
        svg.line(
            (left + line * cell, top),
            (left + line * cell, top + side),
            "",
        );
    }
    svg.close();
    for edge in flow.graph.edge_references() {
        let (src, dst) = (edge.source().index(), edge.target().index());
        let weight = edge.weight();
        let (x, y) = (left + cell * int(dst), top + cell * int(src));
        let at = range.position(weight.messages);
        svg.open_titled(&format!(
            "{} → {}: {} messages, amount {}; accepted {}, rejected {}, waiting {}, in flight {}",
            nodes[src].name,
            nodes[dst].name,
            grouped(u128::from(weight.messages)),
            amount(weight.amount_attos),
            weight.accepted,
            weight.rejected,
            weight.waiting,
            weight.in_flight
        ));
        svg.rect(
            x + 4,
            y + 4,
            cell - 8,
            cell - 8,
            &format!("fill=\"{}\"", colour(at)),
        );
        if cell >= 250 {
            let ink = if at >= 430 { "#fefefe" } else { "#101010" };
            let size = if cell >= 300 { 95 } else { 80 };
            let font = Font::new(size, ink).at(Anchor::Middle);
            svg.text(
                x + cell / 2,
                y + cell / 2 + 35,
                font,
                &compact(weight.messages),
            );
        }
        svg.close();
    }
    margins(&mut svg, &nodes, (left, top), cell);
    scale(&mut svg, (left, top + side + 620), range);
    super::ring::hot_spots(&mut svg, (list_left, top), spots);
    svg.finish()
}

/// What every row sent and every column was sent.
fn margins(svg: &mut Svg, nodes: &[&super::Node], (left, top): (Dp, Dp), cell: Dp) {
    let side = cell * int(nodes.len());
    let size = if cell >= 250 { 95 } else { 80 };
    let font = Font::new(size, MUTED);
    let head = Font::new(95, MUTED).bold();
    svg.text(left + side + 80, top - 60, head, "sent");
    svg.text(
        left - 80,
        top + side + 130,
        head.at(Anchor::End),
        "received or due",
    );
    for (place, node) in nodes.iter().enumerate() {
        let middle = cell * int(place) + cell / 2;
        svg.text(
            left + side + 80,
            top + middle + 35,
            font,
            &grouped(u128::from(node.sent)),
        );
        let (x, y) = (left + middle, top + side + 130);
        if cell >= 250 {
            svg.text(x, y, font.at(Anchor::Middle), &compact(node.addressed));
        } else {
            let turn = format!("transform=\"rotate(60 {} {})\"", dp(x), dp(y - 30));
            svg.text_with(x, y - 30, font, &turn, &compact(node.addressed));
        }
    }
}

/// The colour scale with its ticks: powers of ten.
fn scale(svg: &mut Svg, (left, top): (Dp, Dp), range: Range) {
    let font = Font::new(95, MUTED);
    svg.text(left, top - 60, font, "messages (log scale; blank = none)");
    const STEPS: i64 = 40;
    let width = 2_800;
    for step in 0..STEPS {
        let x = left + width * step / STEPS;
        let fill = format!("fill=\"{}\"", colour(step * 1_000 / (STEPS - 1)));
        svg.rect(x, top, width / STEPS + 5, 140, &fill);
    }
    let (mut tick, most) = (range.least, range.most);
    let mut last = Dp::MIN;
    while tick <= most {
        let x = left + width * range.position(tick) / 1_000;
        svg.line(
            (x, top + 140),
            (x, top + 180),
            &format!("stroke=\"{MUTED}\""),
        );
        svg.text(x, top + 290, font.at(Anchor::Middle), &compact(tick));
        last = x;
        tick = tick.saturating_mul(10);
    }
    if left + width - last > 260 {
        svg.text(
            left + width,
            top + 290,
            font.at(Anchor::Middle),
            &compact(most),
        );
    }
}

/// A share of the total as text.
pub(super) fn share(part: u64, total: u64) -> String {
    format!("{} ({})", grouped(u128::from(part)), percent(part, total))
}

/// The paper colour, for halos in this figure.
pub(super) const HALO: &str = PAPER;
