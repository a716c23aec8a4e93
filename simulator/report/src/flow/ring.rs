//! Few nodes: a ring of circles with curved, weighted arrows.
//!
//! Invariant: the order on the ring comes from the weights by improving swaps in a fixed order, so
//! the same graph has the same picture. Integers only: sines come from a table.

use analysis::tables::Tables;
use petgraph::visit::EdgeRef;

use super::graph::HotSpots;
use super::matrix::{HALO, share};
use super::{Edge, Flow};
use crate::header;
use crate::svg::{Anchor, Font, HUES, INK, MUTED, PAPER, Svg, closed};
use crate::text::{Dp, amount, dp, elide, grouped, int, text_width};

/// Sines of 0, 3, …, 90 degrees, in ten-thousandths.
const SINES: [i64; 31] = [
    0, 523, 1045, 1564, 2079, 2588, 3090, 3584, 4067, 4540, 5000, 5446, 5878, 6293, 6691, 7071,
    7431, 7771, 8090, 8387, 8660, 8910, 9135, 9336, 9511, 9659, 9781, 9877, 9945, 9986, 10000,
];

/// Sine of an angle in tenths of a degree, in ten-thousandths.
fn sine(tenths: i64) -> i64 {
    let angle = tenths.rem_euclid(3_600);
    let (sign, angle) = if angle >= 1_800 {
        (-1, angle - 1_800)
    } else {
        (1, angle)
    };
    let angle = if angle > 900 { 1_800 - angle } else { angle };
    let slot = usize::try_from(angle / 30).unwrap_or(0);
    let at = |slot: usize| SINES.get(slot).copied().unwrap_or(10_000);
    sign * (at(slot) + (at(slot + 1) - at(slot)) * (angle % 30) / 30)
}

fn cosine(tenths: i64) -> i64 {
    sine(tenths + 900)
}

/// Length of a vector.
fn length(x: Dp, y: Dp) -> Dp {
    i64::try_from((x * x + y * y).unsigned_abs().isqrt())
        .unwrap_or(i64::MAX)
        .max(1)
}

/// Title, facts and notes at the top.
pub(super) fn heading(svg: &mut Svg, tables: &Tables, notes: &[String]) {
    let name = header::name(tables);
    svg.text(200, 270, Font::new(150, INK).bold(), &name);
    let after = 200 + text_width(&name, 150, true) + 130;
    svg.text(after, 270, Font::new(120, MUTED), &header::facts(tables));
    for (line, note) in notes.iter().enumerate() {
        svg.text(200, 450 + int(line) * 150, Font::new(110, MUTED), note);
    }
}

/// The busiest chains and pairs as text.
pub(super) fn hot_spots(svg: &mut Svg, (left, top): (Dp, Dp), spots: &HotSpots) {
    let mut y = top;
    for (head, rows) in [
        ("Busiest senders", &spots.senders),
        ("Busiest recipients", &spots.recipients),
        ("Busiest pairs", &spots.pairs),
    ] {
        svg.text(left, y, Font::new(110, INK).bold(), head);
        y += 170;
        for (name, number) in rows {
            let text = elide(name, 105, false, 2_200);
            svg.text(left, y, Font::new(105, INK), &text);
            let figure = share(*number, spots.total);
            svg.text(
                left + 3_500,
                y,
                Font::new(105, MUTED).at(Anchor::End),
                &figure,
            );
            y += 150;
        }
        y += 160;
    }
}

/// Nodes in the order of the ring.
fn order(flow: &Flow) -> Vec<usize> {
    let count = flow.graph.node_count();
    let mut place: Vec<usize> = (0..count).collect();
    let cost = |place: &[usize]| -> i64 {
        flow.graph
            .edge_references()
            .map(|edge| {
                let gap = place[edge.source().index()].abs_diff(place[edge.target().index()]);
                let weight = i64::from(edge.weight().messages.max(1).ilog2()) + 1;
                int(gap.min(count - gap)) * weight
            })
            .sum()
    };
    let mut best = cost(&place);
    for _ in 0..30 {
        let mut improved = false;
        for a in 0..count {
            for b in a + 1..count {
                place.swap(a, b);
                let now = cost(&place);
                if now < best {
                    best = now;
                    improved = true;
                } else {
                    place.swap(a, b);
                }
            }
        }
        if !improved {
            break;
        }
    }
    place
}

/// Up to this many arrows also say what they carry.
const MAX_AMOUNTS: usize = 24;

struct Ring {
    centre: (Dp, Dp),
    radius: Dp,
    /// Angle of every node, in tenths of a degree.
    angle: Vec<i64>,
    /// Middle and radius of every node.
    nodes: Vec<((Dp, Dp), Dp)>,
}

pub(super) fn svg(tables: &Tables, flow: &Flow, spots: &HotSpots) -> String {
    let count = int(flow.graph.node_count());
    let radius: Dp = (count * 250).clamp(1_400, 3_400);
    let widest = flow
        .graph
        .node_weights()
        .map(|node| text_width(&elide(&node.name, 120, true, 1_800), 120, true))
        .max()
        .unwrap_or(0);
    let margin = widest + 1_000;
    let list_left = 2 * (radius + margin) + 500;
    let width = list_left + 3_900;
    let amounts = flow.graph.edge_count() <= MAX_AMOUNTS;
    let notes = header::wrap(
        &format!(
            "{} Number in a circle: its blocks. Arrow width and number: messages{}. Dashed: at \
             least one in twenty was rejected.",
            flow.note,
            if amounts {
                "; in brackets: what they carry"
            } else {
                ""
            }
        ),
        110,
        width - 400,
    );
    let top = 420 + int(notes.len()) * 150 + 200;
    let height = (top + 2 * radius + 1_900).max(top + 5_600);
    let title = format!("Message flow of {}", header::name(tables));
    let mut svg = Svg::new("flow", width, height, &title, &flow.note);
    heading(&mut svg, tables, &notes);

    let ring = place_nodes(flow, (radius + margin + 200, top + radius + 750), radius);
    let most = flow
        .graph
        .edge_weights()
        .map(|e| e.messages)
        .max()
        .unwrap_or(1)
        .max(1);
    let mut numbers = Vec::new();
    for edge in flow.graph.edge_references() {
        let (src, dst) = (edge.source().index(), edge.target().index());
        let title = edge_title(flow, src, dst, edge.weight());
        svg.open_titled(&title);
        let at = draw_edge(&mut svg, &ring, src, dst, edge.weight(), most);
        svg.close();
        numbers.push((free_place(&numbers, at), edge.weight()));
    }
    draw_nodes(&mut svg, flow, &ring);
    for ((x, y), edge) in numbers {
        let mut text = grouped(u128::from(edge.messages));
        if edge.amount_attos > 0 && amounts {
            text = format!("{text} ({})", amount(edge.amount_attos));
        }
        let halo = format!(
            "stroke=\"{HALO}\" stroke-width=\"4\" paint-order=\"stroke\" stroke-linejoin=\"round\""
        );
        let font = Font::new(100, INK).at(Anchor::Middle);
        svg.text_with(x, y + 35, font, &halo, &text);
    }
    hot_spots(&mut svg, (list_left, top + 200), spots);
    svg.finish()
}

/// The first place that is clear of the numbers so far, else the first.
fn free_place(taken: &[((Dp, Dp), &Edge)], places: [(Dp, Dp); 6]) -> (Dp, Dp) {
    let clear = |place: &(Dp, Dp)| {
        taken
            .iter()
            .all(|((x, y), _)| (x - place.0).abs() > 260 || (y - place.1).abs() > 120)
    };
    places.into_iter().find(clear).unwrap_or(places[0])
}

fn edge_title(flow: &Flow, src: usize, dst: usize, edge: &Edge) -> String {
    let name = |n: usize| {
        flow.graph
            .node_weight(petgraph::graph::NodeIndex::new(n))
            .map_or("", |node| &node.name)
    };
    format!(
        "{} → {}: {} messages, amount {}; accepted {}, rejected {}, waiting {}, in flight {}",
        name(src),
        name(dst),
        grouped(u128::from(edge.messages)),
        amount(edge.amount_attos),
        edge.accepted,
        edge.rejected,
        edge.waiting,
        edge.in_flight
    )
}

fn place_nodes(flow: &Flow, centre: (Dp, Dp), radius: Dp) -> Ring {
    let place = order(flow);
    let count = int(place.len()).max(1);
    let busiest = flow
        .graph
        .node_weights()
        .map(|n| n.sent + n.addressed)
        .max()
        .unwrap_or(1)
        .max(1);
    let mut ring = Ring {
        centre,
        radius,
        angle: Vec::new(),
        nodes: Vec::new(),
    };
    for (node, place) in flow.graph.node_weights().zip(&place) {
        // The first place is on the left, then clockwise: text reads towards the outside.
        let angle = 1_800 + int(*place) * 3_600 / count;
        let x = centre.0 + radius * cosine(angle) / 10_000;
        let y = centre.1 + radius * sine(angle) / 10_000;
        let busy = (u128::from(node.sent + node.addressed) * 10_000 / u128::from(busiest)).isqrt();
        let size = 70 + i64::try_from(busy).unwrap_or(0) * 13 / 10;
        ring.angle.push(angle);
        ring.nodes.push(((x, y), size));
    }
    ring
}

/// Where a number can stand, in hundredths of the way along its arrow.
const PLACES: [Dp; 6] = [46, 38, 54, 30, 62, 24];

/// Draws an arrow and tells where its number can go.
fn draw_edge(
    svg: &mut Svg,
    ring: &Ring,
    src: usize,
    dst: usize,
    edge: &Edge,
    most: u64,
) -> [(Dp, Dp); 6] {
    let thick = (u128::from(edge.messages) * 10_000 / u128::from(most)).isqrt();
    let width = 10 + i64::try_from(thick).unwrap_or(0) * 4 / 10;
    let refused = edge.rejected > 0 && edge.rejected * 20 >= edge.messages;
    let hue = if refused { HUES[1] } else { HUES[0] };
    let dash = if refused {
        " stroke-dasharray=\"7 4\""
    } else {
        ""
    };
    let style = format!(
        "fill=\"none\" stroke=\"{hue}\" stroke-width=\"{}\" opacity=\".75\"{dash}",
        dp(width)
    );
    let ((ax, ay), ar) = ring.nodes[src];
    let ((bx, by), br) = ring.nodes[dst];
    if src == dst {
        let (cx, cy) = (cosine(ring.angle[src]), sine(ring.angle[src]));
        let reach = ar + 190;
        let (mx, my) = (ax + reach * cx / 10_000, ay + reach * cy / 10_000);
        svg.circle(mx, my, 190, &style);
        return [(mx - 190 * cy / 10_000, my + 190 * cx / 10_000); 6];
    }
    // Pulled to the middle of the ring, and to the left of its direction, so that the two
    // directions of a pair lie apart.
    let (mx, my) = ((ax + bx) / 2, (ay + by) / 2);
    let gap = length(bx - ax, by - ay);
    let bend = (gap / 7).clamp(120, 420);
    let inward = (ring.centre.0 - mx, ring.centre.1 - my);
    let qx = mx + inward.0 * 3 / 10 - (by - ay) * bend / gap;
    let qy = my + inward.1 * 3 / 10 + (bx - ax) * bend / gap;
    let leave = length(qx - ax, qy - ay);
    let arrive = length(bx - qx, by - qy);
    let from = (ax + (qx - ax) * ar / leave, ay + (qy - ay) * ar / leave);
    let tip = (
        bx - (bx - qx) * (br + 20) / arrive,
        by - (by - qy) * (br + 20) / arrive,
    );
    let head = 90 + width * 2;
    let neck = (
        tip.0 - (bx - qx) * head / arrive,
        tip.1 - (by - qy) * head / arrive,
    );
    let wing = head * 45 / 100;
    let side = ((by - qy) * wing / arrive, (bx - qx) * wing / arrive);
    svg.path(
        &format!(
            "M{} {}Q{} {} {} {}",
            dp(from.0),
            dp(from.1),
            dp(qx),
            dp(qy),
            dp(neck.0),
            dp(neck.1)
        ),
        &style,
    );
    let arrow = closed(&[
        tip,
        (neck.0 - side.0, neck.1 + side.1),
        (neck.0 + side.0, neck.1 - side.1),
    ]);
    svg.path(&arrow, &format!("fill=\"{hue}\" opacity=\".85\""));
    // Points of the curve, the nearest to its middle first; the caller takes one that is free.
    PLACES.map(|t| {
        let along = |a: Dp, q: Dp, b: Dp| {
            (a * (100 - t) * (100 - t) + q * 2 * t * (100 - t) + b * t * t) / 10_000
        };
        (along(from.0, qx, neck.0), along(from.1, qy, neck.1))
    })
}

fn draw_nodes(svg: &mut Svg, flow: &Flow, ring: &Ring) {
    for ((index, ((x, y), size)), angle) in
        flow.graph.node_indices().zip(&ring.nodes).zip(&ring.angle)
    {
        let node = &flow.graph[index];
        svg.open_titled(&format!(
            "{} ({}): {} blocks, sent {}, addressed {}",
            node.name, node.group, node.blocks, node.sent, node.addressed
        ));
        let style = format!("fill=\"{PAPER}\" stroke=\"{INK}\" stroke-width=\"1.6\"");
        svg.circle(*x, *y, *size, &style);
        let number = Font::new(90, INK).at(Anchor::Middle);
        svg.text(*x, y + 32, number, &grouped(u128::from(node.blocks)));
        let (cx, cy) = (cosine(*angle), sine(*angle));
        let looped = flow.graph.find_edge(index, index).is_some();
        let far = ring.radius + size + if looped { 560 } else { 130 };
        let (tx, ty) = (
            ring.centre.0 + far * cx / 10_000,
            ring.centre.1 + far * cy / 10_000,
        );
        let anchor = match cx {
            i64::MIN..-2_000 => Anchor::End,
            2_001.. => Anchor::Start,
            _ => Anchor::Middle,
        };
        let name = elide(&node.name, 120, true, 1_800);
        svg.text(
            tx,
            ty + 40 + 60 * cy / 10_000,
            Font::new(120, INK).bold().at(anchor),
            &name,
        );
        svg.close();
    }
}
