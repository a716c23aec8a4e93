//! The planned picture as SVG: bands, lanes, messages, boxes, labels, in that order of paint.
//!
//! Invariant: paints what the plan and the selection say and decides nothing about them.

use std::fmt::Write as _;

use analysis::tables::{MessageOutcome, MessageRow, Tables};

use super::layout::{BlockBox, End, Fit, HALF, Line, Plan, contents};
use super::legend::{Mark, legend};
use super::select::Selection;
use super::strips::{Strips, bar_time, draw_strips};
use crate::header;
use crate::names::Names;
use crate::styles::Apps;
use crate::svg::{
    ALARM, Anchor, Font, GRID, INK, MUTED, PAPER, RULE, Svg, closed, marker, path_of,
};
use crate::text::{Dp, count, int, plural, text_width, time};

/// A named thing along the time axis that wants a row of its own where it would overlap.
struct Placed {
    x0: Dp,
    x1: Dp,
    row: usize,
    text: String,
}

/// First free row for each of the texts, left to right.
fn rows_of(items: Vec<(Dp, Dp, String)>, right: Dp) -> Vec<Placed> {
    let mut ends: Vec<Dp> = Vec::new();
    let mut placed = Vec::new();
    for (x0, x1, text) in items {
        let width = text_width(&text, 105, false) + 80;
        let start = x0.min(right - width).max(0);
        let row = ends
            .iter()
            .position(|end| *end <= start)
            .unwrap_or(ends.len());
        if row == ends.len() {
            ends.push(0);
        }
        ends[row] = start + width;
        placed.push(Placed { x0, x1, row, text });
    }
    placed
}

fn depth(placed: &[Placed]) -> Dp {
    placed.iter().map(|p| int(p.row) + 1).max().unwrap_or(0)
}

pub(super) fn draw(
    tables: &Tables,
    names: &Names<'_>,
    selection: &Selection,
    plan: &Plan,
) -> String {
    let apps = Apps::of(tables);
    let right = plan.axis.right();
    let sentences = sentences(tables, selection, plan);
    let failures = untimed_failures(tables);
    let flags = rows_of(timed_failures(tables, plan), right);
    let bands = rows_of(fault_bands(tables, selection, plan), right);
    let top = 520 + int(sentences.len() + failures.len()) * 150 + depth(&flags) * 160;
    let band_depth = depth(&bands) * 150;
    let bottom = top + plan.plot_height + band_depth;
    let strips = Strips::of(tables, names, selection, plan);
    let marks = marks_of(tables, selection, plan, &apps, &strips);
    let legend_height = legend(
        None,
        (plan.axis.left().min(860), bottom + 260),
        right,
        &marks,
    );
    let height = bottom + 300 + legend_height;

    let title = format!("Message flow of {}", header::name(tables));
    let mut svg = Svg::new("lanes", plan.width, height, &title, &sentences.join(" "));
    let left = plan.axis.left().min(860);
    let name = header::name(tables);
    svg.text(left, 270, Font::new(150, INK).bold(), &name);
    let after = left + text_width(&name, 150, true) + 130;
    svg.text(after, 270, Font::new(120, MUTED), &header::facts(tables));
    let mut y = 450;
    for sentence in &sentences {
        svg.text(left, y, Font::new(110, MUTED), sentence);
        y += 150;
    }
    for failure in &failures {
        svg.text(left, y, Font::new(110, ALARM).bold(), failure);
        y += 150;
    }
    draw_grid(&mut svg, plan, top, bottom);
    draw_bands(&mut svg, &bands, top, bottom, band_depth);
    draw_lanes(&mut svg, names, selection, plan, top);
    draw_strips(&mut svg, &strips, selection, plan, top);
    for line in &plan.lines {
        draw_message(&mut svg, tables, plan, &apps, line, top);
    }
    for block in &plan.boxes {
        draw_block(&mut svg, tables, block, top);
    }
    draw_flags(&mut svg, &flags, top, bottom);
    draw_labels(&mut svg, plan, top);
    legend(Some(&mut svg), (left, bottom + 260), right, &marks);
    svg.finish()
}

/// What the line under the title says, cut in lines.
fn sentences(tables: &Tables, selection: &Selection, plan: &Plan) -> Vec<String> {
    let mut text = selection.sentence();
    let (from, to) = selection.span;
    if to < tables.run.virtual_us {
        let _ = write!(
            text,
            " Drawn: {} to {} of {} virtual time.",
            time(from),
            time(to),
            time(tables.run.virtual_us)
        );
    } else if from > 0 {
        let _ = write!(text, " Drawn from {} on.", time(from));
    }
    if selection.counts.messages_folded > 0 {
        text.push_str(" A window of time shows more of them one by one.");
    }
    if plan.unlabelled > 0 {
        let _ = write!(
            text,
            " {} without room (see tooltips).",
            plural(plan.unlabelled, "label")
        );
    }
    if !plan.axis.breaks.is_empty() {
        text.push_str(" Idle stretches are squeezed where the axis is marked.");
    }
    header::wrap(&text, 110, plan.width - plan.axis.left().min(860) - 240)
}

fn untimed_failures(tables: &Tables) -> Vec<String> {
    let failed: Vec<_> = tables
        .expectations
        .iter()
        .filter(|row| row.verdict == "fail" && row.first_violation_us.is_none())
        .collect();
    let mut lines: Vec<String> = failed
        .iter()
        .take(4)
        .map(|row| format!("▶ failed: {} ({})", row.name, row.detail))
        .collect();
    if failed.len() > lines.len() {
        lines.push(format!(
            "and {} more failed expectations",
            failed.len() - lines.len()
        ));
    }
    lines
}

fn timed_failures(tables: &Tables, plan: &Plan) -> Vec<(Dp, Dp, String)> {
    let mut flags: Vec<(Dp, Dp, String)> = tables
        .expectations
        .iter()
        .filter(|row| row.verdict == "fail")
        .filter_map(|row| {
            let x = plan.axis.x(row.first_violation_us?);
            Some((x, x, row.name.clone()))
        })
        .collect();
    flags.sort();
    flags
}

fn fault_bands(tables: &Tables, selection: &Selection, plan: &Plan) -> Vec<(Dp, Dp, String)> {
    let (from, to) = selection.span;
    let mut bands: Vec<(Dp, Dp, String)> = tables
        .faults
        .iter()
        .filter(|row| row.start_us <= to && row.end_us.is_none_or(|end| end >= from))
        .map(|row| {
            let x0 = plan.axis.x(row.start_us);
            let x1 = row.end_us.map_or(plan.axis.right(), |end| plan.axis.x(end));
            (x0, x1.max(x0 + 15), row.name.clone())
        })
        .collect();
    bands.sort();
    bands
}

fn draw_grid(svg: &mut Svg, plan: &Plan, top: Dp, bottom: Dp) {
    let (unit, ticks) = plan.axis.ticks(900);
    let label = Font::new(120, MUTED);
    for tick in &ticks {
        svg.line(
            (tick.x, top),
            (tick.x, bottom),
            &format!("stroke=\"{GRID}\""),
        );
        svg.text(tick.x, top - 60, label.at(Anchor::Middle), &tick.label);
    }
    let first = ticks.first().map_or(plan.axis.left(), |tick| {
        tick.x.min(plan.axis.left()) - text_width(&tick.label, 120, false) / 2
    });
    svg.text(first - 50, top - 60, label.at(Anchor::End), unit);
    for (x, left_out) in &plan.axis.breaks {
        let zigzag = path_of(&[
            (x - 30, top - 20),
            (x - 10, top - 60),
            (x + 10, top - 20),
            (x + 30, top - 60),
        ]);
        svg.path(&zigzag, &format!("fill=\"none\" stroke=\"{MUTED}\""));
        svg.rect(
            x - 120,
            top,
            240,
            bottom - top,
            &format!("fill=\"{GRID}\" opacity=\".6\""),
        );
        svg.text(
            *x,
            top - 80,
            Font::new(95, MUTED).at(Anchor::Middle),
            &time(*left_out),
        );
    }
}

fn draw_bands(svg: &mut Svg, bands: &[Placed], top: Dp, bottom: Dp, depth: Dp) {
    for band in bands {
        let (x, width) = (band.x0, band.x1 - band.x0);
        svg.rect(
            x,
            top,
            width,
            bottom - top,
            &format!("fill=\"{MUTED}\" opacity=\".10\""),
        );
    }
    for band in bands {
        let y = bottom - depth + int(band.row) * 150 + 90;
        let width = text_width(&band.text, 105, false) + 80;
        let x = if width > band.x1 - band.x0 + 400 {
            band.x0
        } else {
            band.x0 + 40
        };
        halo(svg, x, y, Font::new(105, MUTED), &band.text);
    }
}

fn halo(svg: &mut Svg, x: Dp, y: Dp, font: Font, text: &str) {
    let more = format!(
        "stroke=\"{PAPER}\" stroke-width=\"3\" paint-order=\"stroke\" stroke-linejoin=\"round\""
    );
    svg.text_with(x, y, font, &more, text);
}

fn draw_lanes(svg: &mut Svg, names: &Names<'_>, selection: &Selection, plan: &Plan, top: Dp) {
    let (left, right) = (plan.axis.left(), plan.axis.right() + 100);
    let rule = format!("stroke=\"{RULE}\" stroke-width=\"1.2\"");
    for ((lane_y, name), chain) in plan
        .lane_y
        .iter()
        .zip(&plan.lane_names)
        .zip(&selection.lanes)
    {
        let y = top + lane_y;
        svg.open_titled(names.names[*chain]);
        svg.line((left, y), (right, y), &rule);
        svg.text(
            left - 160,
            y + 50,
            Font::new(150, INK).bold().at(Anchor::End),
            name,
        );
        svg.close();
    }
    if let Some(lane_y) = plan.others_y {
        let y = top + lane_y;
        svg.line((left, y), (right, y), &rule);
        let name = format!("{} others", count(selection.counts.chains_folded));
        let font = Font::new(120, INK).bold().at(Anchor::End);
        svg.text(left - 160, y - 60, font, &name);
    }
}

fn draw_message(
    svg: &mut Svg,
    tables: &Tables,
    plan: &Plan,
    apps: &Apps<'_>,
    line: &Line,
    top: Dp,
) {
    let message = &tables.messages[line.row];
    let (hue, shape) = apps.style(&message.app);
    let from = (line.from.0, line.from.1 + top);
    let to = (line.to.0, line.to.1 + top);
    let solid = format!("fill=\"none\" stroke=\"{hue}\" stroke-width=\"2\"");
    let thin = format!("fill=\"none\" stroke=\"{hue}\" stroke-width=\"1\"");
    let bouncing = message.kind == "bouncing";
    svg.open_named(&handle(message), &tooltip(message));
    match line.end {
        End::Flying => svg.line(from, to, &format!("{solid} stroke-dasharray=\"6 4\"")),
        End::Away => {
            svg.line(from, to, &solid);
            svg.circle(to.0, to.1, 20, &format!("fill=\"{hue}\""));
        }
        End::Accepted { .. } | End::Rejected { .. } | End::Skipped { .. } | End::Waiting => {
            svg.line(from, to, &solid);
        }
    }
    if bouncing {
        svg.line((from.0 + 35, from.1), (to.0 + 35, to.1), &thin);
    }
    match line.end {
        End::Accepted { x, edge } => {
            let edge = edge + top;
            let back = if edge > to.1 { -80 } else { 80 };
            svg.polyline(&[to, (x, to.1), (x, edge + back / 2)], &solid);
            let head = closed(&[(x - 40, edge + back), (x + 40, edge + back), (x, edge)]);
            svg.path(&head, &format!("fill=\"{hue}\""));
        }
        End::Rejected { x, edge } => {
            svg.polyline(&[to, (x, to.1), (x, edge + top)], &solid);
            cross(svg, x, (to.1 + edge + top) / 2, hue);
        }
        End::Waiting => {
            let dots = format!("{solid} stroke-dasharray=\"2 4\"");
            svg.line(to, (plan.axis.right() + 80, to.1), &dots);
        }
        End::Skipped { x } => {
            svg.line(to, (x, to.1), &solid);
            stop(svg, x, to.1, hue);
        }
        End::Flying | End::Away => {}
    }
    if bouncing && let End::Accepted { x, .. } | End::Rejected { x, .. } = line.end {
        svg.line((to.0, to.1 + 35), (x, to.1 + 35), &thin);
    }
    if !matches!(line.end, End::Flying | End::Away) {
        marker(svg, to.0, to.1, shape, hue);
    }
    svg.close();
}

/// The mark where a message is jumped over: the line ends at a bar.
pub(super) fn stop(svg: &mut Svg, x: Dp, y: Dp, hue: &str) {
    let style = format!("fill=\"none\" stroke=\"{hue}\" stroke-width=\"3\"");
    svg.line((x, y - 55), (x, y + 55), &style);
}

/// The refused mark.
pub(super) fn cross(svg: &mut Svg, x: Dp, y: Dp, hue: &str) {
    let style = format!("fill=\"none\" stroke=\"{hue}\" stroke-width=\"2.6\"");
    let strokes = [(x - 50, y - 50), (x + 50, y + 50)];
    svg.polyline(&strokes, &style);
    svg.polyline(&[(x + 50, y - 50), (x - 50, y + 50)], &style);
}

/// `B:3/0`.
fn handle(message: &MessageRow) -> String {
    format!("{}:{}/{}", message.src, message.src_height, message.index)
}

fn tooltip(message: &MessageRow) -> String {
    let inbox = message
        .delivered_quorum_us
        .map_or("not in the inbox".to_owned(), |at| {
            format!("in inbox {}", time(at))
        });
    let received = message.received_us.map_or("not received".to_owned(), |at| {
        format!("received {}", time(at))
    });
    format!(
        "{} {}: {} → {}; sent {}, {inbox}, {received}; {}, {}; {}",
        handle(message),
        message.label,
        message.src,
        message.dst,
        time(message.sent_us),
        message.app,
        message.kind,
        outcome(message.outcome)
    )
}

fn outcome(outcome: MessageOutcome) -> &'static str {
    match outcome {
        MessageOutcome::InFlight => "in flight",
        MessageOutcome::Waiting => "waiting",
        MessageOutcome::Accepted => "accepted",
        MessageOutcome::Rejected => "rejected",
        MessageOutcome::Skipped => "jumped over",
    }
}

fn draw_block(svg: &mut Svg, tables: &Tables, block: &BlockBox, top: Dp) {
    let row = &tables.blocks[block.row];
    let y = block.y + top;
    let width = block.x1 - block.x0;
    let (pending, confirmed) = match row.confirmed_us {
        None => (true, "still pending".to_owned()),
        Some(at) => (false, format!("confirmed {}", time(at))),
    };
    svg.open_named(
        &format!("{}:{}", row.chain, row.height),
        &format!(
            "{}:{}  proposed {} by {}, {confirmed} ({})  {}",
            row.chain,
            row.height,
            time(row.proposed_us),
            row.proposer,
            row.round,
            contents(row)
        ),
    );
    let dash = if pending {
        " stroke-dasharray=\"5 3\""
    } else {
        ""
    };
    let round = if width > 120 { "rx=\"3\" " } else { "" };
    let style = format!("{round}fill=\"{PAPER}\" stroke=\"{INK}\" stroke-width=\"1.4\"{dash}");
    svg.rect(block.x0, y - HALF, width, 2 * HALF, &style);
    if row.round != "fast" && width > 100 {
        let level = y - HALF + 35;
        let style = format!("stroke=\"{INK}\" stroke-dasharray=\"3 2\"");
        svg.line((block.x0 + 30, level), (block.x1 - 30, level), &style);
    }
    let middle = (block.x0 + block.x1) / 2;
    let name = Font::new(120, INK).bold().at(Anchor::Middle);
    match &block.text {
        Fit::Both(first, second) => {
            svg.text(middle, y - 10, name, first);
            svg.text(
                middle,
                y + 120,
                Font::new(95, MUTED).at(Anchor::Middle),
                second,
            );
        }
        Fit::Name(first) => {
            let size = if text_width(first, 100, true) <= width - 30 {
                100
            } else {
                90
            };
            let bold = size == 100;
            let font = Font { size, bold, ..name };
            svg.text(middle, y + 40, font, first);
        }
        Fit::Nothing => {}
    }
    svg.close();
}

fn draw_flags(svg: &mut Svg, flags: &[Placed], top: Dp, bottom: Dp) {
    for flag in flags {
        let level = top - 220 - int(flag.row) * 160;
        let style = format!("stroke=\"{ALARM}\" stroke-width=\"1.4\" stroke-dasharray=\"4 3\"");
        svg.line((flag.x0, level), (flag.x0, bottom), &style);
        let pennant = closed(&[
            (flag.x0, level - 90),
            (flag.x0 + 110, level - 45),
            (flag.x0, level),
        ]);
        svg.path(&pennant, &format!("fill=\"{ALARM}\""));
        let width = text_width(&flag.text, 105, true);
        let font = Font::new(105, ALARM).bold();
        if flag.x0 + width + 150 > svg.size().0 {
            halo(
                svg,
                flag.x0 - 50,
                level - 10,
                font.at(Anchor::End),
                &flag.text,
            );
        } else {
            halo(svg, flag.x0 + 150, level - 10, font, &flag.text);
        }
    }
}

fn draw_labels(svg: &mut Svg, plan: &Plan, top: Dp) {
    for label in &plan.labels {
        halo(
            svg,
            label.x,
            label.y + top,
            Font::new(105, INK),
            &label.text,
        );
    }
}

/// What occurs in this picture, and nothing else, for the legend.
fn marks_of<'a>(
    tables: &Tables,
    selection: &Selection,
    plan: &Plan,
    apps: &Apps<'a>,
    strips: &Strips,
) -> Vec<Mark<'a>> {
    let mut marks = Vec::new();
    let rows = || {
        plan.lines
            .iter()
            .map(|line| (line, &tables.messages[line.row]))
    };
    let hue_of = |wanted: &dyn Fn(&Line, &MessageRow) -> bool| {
        rows()
            .find(|(line, row)| wanted(line, row))
            .map(|(_, row)| apps.style(&row.app).0)
    };
    if !plan.boxes.is_empty() {
        marks.push(Mark::Block);
    }
    if plan
        .boxes
        .iter()
        .any(|b| tables.blocks[b.row].round != "fast")
    {
        marks.push(Mark::SlowRound);
    }
    if plan
        .boxes
        .iter()
        .any(|b| tables.blocks[b.row].confirmed_us.is_none())
    {
        marks.push(Mark::Pending);
    }
    if let Some(row) = rows().find(|(line, _)| matches!(line.end, End::Accepted { .. })) {
        marks.push(Mark::Accepted(apps.style(&row.1.app)));
    }
    marks.extend(hue_of(&|l, _| matches!(l.end, End::Rejected { .. })).map(Mark::Rejected));
    marks.extend(hue_of(&|l, _| matches!(l.end, End::Skipped { .. })).map(Mark::Skipped));
    marks.extend(hue_of(&|_, row| row.kind == "bouncing").map(Mark::Bouncing));
    marks.extend(hue_of(&|l, _| l.end == End::Waiting).map(Mark::Waiting));
    marks.extend(hue_of(&|l, _| l.end == End::Flying).map(Mark::Flying));
    marks.extend(hue_of(&|l, _| l.end == End::Away).map(Mark::Stub));
    // The strip of the folded chains says its own scale; this is the one of the lanes.
    let per = bar_time(selection, plan);
    let (most_up, most_down) = strips.lane_peaks();
    if most_up > 0 {
        marks.push(Mark::BlockStrip { most: most_up, per });
    }
    if most_down > 0 {
        marks.push(Mark::MessageStrip {
            most: most_down,
            per,
        });
    }
    if !tables.faults.is_empty() {
        marks.push(Mark::Fault);
    }
    if tables
        .expectations
        .iter()
        .any(|row| row.verdict == "fail" && row.first_violation_us.is_some())
    {
        marks.push(Mark::Flag);
    }
    if !plan.lines.is_empty() {
        marks.extend(apps.iter().map(|(name, style)| Mark::App(name, style)));
    }
    marks
}
