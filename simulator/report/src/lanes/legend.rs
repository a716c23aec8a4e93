//! The legend of the lanes: one entry for each mark that occurs.
//!
//! Invariant: the entries flow from left to right and never leave the picture.

use super::draw::{cross, stop};
use crate::svg::{ALARM, Font, HUES, INK, MUTED, PAPER, Shape, Svg, closed, marker};
use crate::text::{Dp, grouped, text_width, time};

/// A kind of mark.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark<'a> {
    Block,
    SlowRound,
    Pending,
    Accepted((&'static str, Shape)),
    Rejected(&'static str),
    Skipped(&'static str),
    Bouncing(&'static str),
    Waiting(&'static str),
    Flying(&'static str),
    Stub(&'static str),
    BlockStrip { most: u64, per: i64 },
    MessageStrip { most: u64, per: i64 },
    Fault,
    Flag,
    App(&'a str, (&'static str, Shape)),
}

impl Mark<'_> {
    fn text(&self) -> String {
        let fixed = match self {
            Mark::Block => "block: left edge proposed, right edge confirmed",
            Mark::SlowRound => "not the fast round",
            Mark::Pending => "block still pending at the end",
            Mark::Accepted(_) => "sent → in inbox (marker = application) → received",
            Mark::Rejected(_) => "rejected",
            Mark::Skipped(_) => "jumped over",
            Mark::Bouncing(_) => "bouncing back",
            Mark::Waiting(_) => "still waiting at the end",
            Mark::Flying(_) => "still in flight at the end",
            Mark::Stub(_) => "to or from a folded chain",
            Mark::BlockStrip { most, per } => {
                let most = grouped(u128::from(*most));
                return format!(
                    "upwards: blocks, most {most} in a bar of about {}",
                    time(*per)
                );
            }
            Mark::MessageStrip { most, per } => {
                let most = grouped(u128::from(*most));
                return format!(
                    "downwards: messages sent, most {most} in a bar of about {}",
                    time(*per)
                );
            }
            Mark::Fault => "fault",
            Mark::Flag => "first violation of an expectation",
            Mark::App(name, _) => name,
        };
        fixed.to_owned()
    }
}

const ROW: Dp = 260;

/// Draws the legend (or only measures it) and tells its height.
pub(super) fn legend(
    mut svg: Option<&mut Svg>,
    (left, top): (Dp, Dp),
    right: Dp,
    marks: &[Mark<'_>],
) -> Dp {
    let (mut x, mut y) = (left, top);
    let mut apps = false;
    for mark in marks {
        let starts_apps = matches!(mark, Mark::App(..)) && !apps;
        apps |= starts_apps;
        let width = 360 + text_width(&mark.text(), 110, false) + 320;
        if x > left && (x + width - 320 > right || starts_apps) {
            x = left;
            y += ROW;
        }
        if let Some(svg) = svg.as_deref_mut() {
            symbol(svg, mark, x, y);
            svg.text(x + 360, y + 40, Font::new(110, INK), &mark.text());
        }
        x += width;
    }
    if marks.is_empty() { 0 } else { y - top + ROW }
}

/// Draws the mark in a field of 26 px from `x`, around the middle `y`.
fn symbol(svg: &mut Svg, mark: &Mark<'_>, x: Dp, y: Dp) {
    let line = |hue: &str| format!("fill=\"none\" stroke=\"{hue}\" stroke-width=\"2\"");
    let end = x + 260;
    match mark {
        Mark::Block | Mark::SlowRound | Mark::Pending => {
            let dash = if matches!(mark, Mark::Pending) {
                " stroke-dasharray=\"5 3\""
            } else {
                ""
            };
            let style =
                format!("rx=\"2\" fill=\"{PAPER}\" stroke=\"{INK}\" stroke-width=\"1.4\"{dash}");
            svg.rect(x, y - 70, 260, 140, &style);
            if matches!(mark, Mark::SlowRound) {
                let style = format!("stroke=\"{INK}\" stroke-dasharray=\"3 2\"");
                svg.line((x + 30, y - 35), (end - 30, y - 35), &style);
            }
        }
        Mark::Accepted((hue, shape)) => {
            svg.polyline(&[(x, y - 70), (x + 110, y), (x + 200, y)], &line(hue));
            svg.path(
                &closed(&[(x + 190, y - 40), (x + 190, y + 40), (x + 270, y)]),
                &format!("fill=\"{hue}\""),
            );
            marker(svg, x + 110, y, *shape, hue);
        }
        Mark::Rejected(hue) => cross(svg, x + 130, y, hue),
        Mark::Skipped(hue) => {
            svg.line((x, y), (x + 200, y), &line(hue));
            stop(svg, x + 200, y, hue);
        }
        Mark::Bouncing(hue) => {
            svg.line((x, y - 18), (end, y - 18), &line(hue));
            svg.line(
                (x, y + 18),
                (end, y + 18),
                &format!("stroke=\"{hue}\" stroke-width=\"1\""),
            );
        }
        Mark::Waiting(hue) => {
            svg.line(
                (x, y),
                (end, y),
                &format!("{} stroke-dasharray=\"2 4\"", line(hue)),
            );
        }
        Mark::Flying(hue) => {
            svg.line(
                (x, y),
                (end, y),
                &format!("{} stroke-dasharray=\"6 4\"", line(hue)),
            );
        }
        Mark::Stub(hue) => {
            svg.line((x + 90, y - 60), (x + 160, y + 60), &line(hue));
            svg.circle(x + 160, y + 60, 20, &format!("fill=\"{hue}\""));
        }
        Mark::BlockStrip { .. } | Mark::MessageStrip { .. } => {
            let (hue, sign) = if matches!(mark, Mark::BlockStrip { .. }) {
                (MUTED, -1)
            } else {
                (HUES[0], 1)
            };
            let mut d = String::new();
            for (bar, height) in [70, 110, 50, 130, 90].into_iter().enumerate() {
                let x = x + 40 + crate::text::int(bar) * 40;
                let (base, tip) = (y - 65 * sign, y - 65 * sign + height * sign);
                d.push_str(&closed(&[
                    (x, base),
                    (x, tip),
                    (x + 32, tip),
                    (x + 32, base),
                ]));
            }
            svg.path(&d, &format!("fill=\"{hue}\" opacity=\".55\""));
        }
        Mark::Fault => {
            svg.rect(
                x,
                y - 70,
                260,
                140,
                &format!("fill=\"{MUTED}\" opacity=\".18\""),
            );
        }
        Mark::Flag => {
            svg.line(
                (x + 80, y - 80),
                (x + 80, y + 80),
                &format!("stroke=\"{ALARM}\" stroke-width=\"1.4\""),
            );
            svg.path(
                &closed(&[(x + 80, y - 80), (x + 190, y - 35), (x + 80, y + 10)]),
                &format!("fill=\"{ALARM}\""),
            );
        }
        Mark::App(_, (hue, shape)) => {
            svg.line((x, y), (end, y), &line(hue));
            marker(svg, x + 130, y, *shape, hue);
        }
    }
}
