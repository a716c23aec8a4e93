//! Panels drawn with plotters on a canvas of ten units a pixel; words are written on top.
//!
//! Plotters places whole units only, so the canvas is scaled; it is given one layer at a time, so
//! that dashes and tooltips can be put around its output. Invariant: every text stays text.

use analysis::tables::{FaultRow, Tables};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordi64;
use plotters::prelude::{
    Cartesian2d, ChartBuilder, Circle, DrawingArea, IntoDrawingArea, LineSeries, PathElement,
    RGBColor, Rectangle, SVGBackend,
};
use plotters::style::Color;

use super::series::Series;
use crate::axis::{Tick, TimeAxis, nice_step, scaled, scaled_label, unit_of};
use crate::header;
use crate::svg::{Anchor, Font, HUES, INK, MUTED, PAPER, RULE, SHAPES, Shape, Svg, escape, marker};
use crate::text::{Dp, elide, int, text_width};

type Area<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordi64, RangedCoordi64>>;

/// Dashes by style, in canvas units; solid first.
const DASHES: [&str; 6] = ["", "90 50", "25 35", "140 40 25 40", "50 30", "200 60"];

/// Width of every chart.
pub(super) const WIDTH: Dp = 11_200;
const LEFT: Dp = 900;
const RIGHT: Dp = 9_300;

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// From 0 to the top.
    Linear { top: i64 },
    /// Logarithmic between the two.
    Log { bottom: i64, top: i64 },
}

impl Scale {
    pub(super) fn linear(most: i64) -> (Self, i64) {
        let step = nice_step(most.max(1), 5);
        let top =
            most.max(1).div_euclid(step) * step + if most.max(1) % step == 0 { 0 } else { step };
        (Self::Linear { top }, step)
    }

    /// Coordinate of a value on the axis that plotters sees.
    fn at(self, value: i64) -> i64 {
        match self {
            Self::Linear { .. } => value,
            Self::Log { bottom, .. } => log2(value.max(bottom)) - log2(bottom),
        }
    }

    pub(super) fn top(self) -> i64 {
        match self {
            Self::Linear { top } => top.max(1),
            Self::Log { bottom, top } => (log2(top) - log2(bottom)).max(1),
        }
    }
}

/// Binary logarithm in 1/65536; the fraction by repeated squaring, so that lines stay smooth.
pub(super) fn log2(value: i64) -> i64 {
    let value = value.max(1).unsigned_abs();
    let whole = value.ilog2();
    let mut mantissa = (u128::from(value) << 63) >> whole;
    let mut result = i64::from(whole);
    for _ in 0..16 {
        mantissa = (mantissa * mantissa) >> 63;
        result *= 2;
        if mantissa >> 64 != 0 {
            result += 1;
            mantissa >>= 1;
        }
    }
    result
}

/// What a panel shows.
pub(super) struct Panel<'a> {
    /// Quantity and unit, such as `blocks and messages (1/s)`.
    pub(super) quantity: &'a str,
    pub(super) series: &'a [Series],
    /// Single values behind the lines.
    pub(super) dots: &'a [(i64, i64)],
    pub(super) scale: Scale,
    /// Values with a grid line, and their labels.
    pub(super) ticks: Vec<(i64, String)>,
    /// What to say when there is nothing to draw.
    pub(super) empty: &'a str,
}

/// Ticks of a linear scale; values are in units of 10^-decimals.
pub(super) fn linear_ticks(top: i64, step: i64, decimals: u32) -> Vec<(i64, String)> {
    (0..=top / step.max(1))
        .map(|n| (n * step, scaled_label(n * step, decimals)))
        .collect()
}

/// A scale for durations: from 0 while that can be read, else logarithmic. With unit and ticks.
pub(super) fn duration_scale(
    most: i64,
    typical: i64,
    least: i64,
) -> (Scale, &'static str, Vec<(i64, String)>) {
    let (unit, decimals) = unit_of(most);
    if most <= typical.max(1).saturating_mul(30) {
        let (scale, step) = Scale::linear(most);
        return (scale, unit, linear_ticks(scale.top(), step, decimals));
    }
    let decade = |value: i64| 10_i64.pow(value.max(1).ilog10());
    let bottom = decade(least.max(1));
    let top = if decade(most) == most {
        most
    } else {
        decade(most).saturating_mul(10)
    };
    let mut ticks = Vec::new();
    let mut at = bottom;
    while at <= top {
        ticks.push((at, scaled_label(at, decimals)));
        at = at.saturating_mul(10);
    }
    (Scale::Log { bottom, top }, unit, ticks)
}

/// What stands around panels, and the axis that they share.
pub(super) struct Sheet<'a> {
    /// For the ids of the document.
    pub(super) name: &'a str,
    pub(super) title: &'a str,
    /// What the figure is of, and its circumstances.
    pub(super) of: String,
    pub(super) facts: String,
    pub(super) notes: &'a [String],
    pub(super) axis: TimeAxis,
    /// Its ends, as values.
    pub(super) span: (i64, i64),
    pub(super) ticks: Vec<Tick>,
    /// Quantity and unit of the axis.
    pub(super) across: String,
    /// Stretches to shade.
    pub(super) faults: &'a [FaultRow],
}

/// The panels below each other over one time axis, as a document.
pub(super) fn document(
    tables: &Tables,
    name: &str,
    title: &str,
    notes: &[String],
    (from, to): (i64, i64),
    panels: &[Panel<'_>],
) -> String {
    let axis = axis_of(from, to);
    let (unit, ticks) = axis.ticks(900);
    let sheet = Sheet {
        name,
        title,
        of: header::name(tables),
        facts: header::facts(tables),
        notes,
        axis,
        span: (from, to),
        ticks,
        across: format!("virtual time ({unit})"),
        faults: &tables.faults,
    };
    sheet.draw(panels)
}

/// An axis over the whole width.
pub(super) fn axis_of(from: i64, to: i64) -> TimeAxis {
    TimeAxis::linear(from, to, LEFT, RIGHT)
}

impl Sheet<'_> {
    /// The panels below each other over the one axis, as a document.
    pub(super) fn draw(&self, panels: &[Panel<'_>]) -> String {
        let panel_height: Dp = if panels.len() == 1 { 3_000 } else { 1_700 };
        let mut lines = Vec::new();
        for note in self.notes {
            lines.extend(header::wrap(note, 110, WIDTH - 400));
        }
        let first = 420 + int(lines.len()) * 150 + 320;
        let pitch = panel_height + 620;
        let height = first + pitch * int(panels.len()) + 180;
        let (title, of) = (self.title, &self.of);
        let full_title = format!("{title} of {of}");
        let notes = self.notes.join(" ");
        let mut svg = Svg::new(self.name, WIDTH, height, &full_title, &notes);
        svg.text(200, 270, Font::new(150, INK).bold(), title);
        let after = 200 + text_width(title, 150, true) + 130;
        let facts = format!("{of} · {}", self.facts);
        let facts = elide(&facts, 120, false, WIDTH - after - 200);
        svg.text(after, 270, Font::new(120, MUTED), &facts);
        for (line, note) in lines.iter().enumerate() {
            svg.text(200, 450 + int(line) * 150, Font::new(110, MUTED), note);
        }
        for (number, panel) in panels.iter().enumerate() {
            let top = first + pitch * int(number);
            let frame = Frame {
                sheet: self,
                top,
                bottom: top + panel_height,
                size: (WIDTH, height),
                span: self.span,
            };
            frame.draw(&mut svg, panel, number + 1 == panels.len());
        }
        svg.finish()
    }
}

struct Frame<'a> {
    sheet: &'a Sheet<'a>,
    top: Dp,
    bottom: Dp,
    size: (Dp, Dp),
    span: (i64, i64),
}

impl Frame<'_> {
    fn y(&self, scale: Scale, value: i64) -> Dp {
        self.bottom - scaled(scale.at(value), self.bottom - self.top, scale.top())
    }

    fn draw(&self, svg: &mut Svg, panel: &Panel<'_>, last: bool) {
        let names = self.bands(svg, panel.scale);
        let ticks = self.sheet.ticks.iter();
        let vertical: Vec<i64> = ticks.map(|tick| self.time_at(tick.x)).collect();
        self.layer(svg, panel.scale, "", "grid", |area| {
            let (from, to) = self.span;
            let line = RGBColor(0xe9, 0xec, 0xf0).stroke_width(10);
            for (value, _) in &panel.ticks {
                let y = panel.scale.at(*value);
                area.draw(&PathElement::new(vec![(from, y), (to, y)], line))?;
            }
            for x in &vertical {
                area.draw(&PathElement::new(
                    vec![(*x, 0), (*x, panel.scale.top())],
                    line,
                ))?;
            }
            Ok(())
        });
        self.layer(svg, panel.scale, "", "single values", |area| {
            let (radius, opacity) = match panel.dots.len() {
                0..=100 => (30, 0.8),
                101..=1_000 => (20, 0.5),
                _ => (14, 0.35),
            };
            let fill = RGBColor(0x59, 0x61, 0x6b).mix(opacity).filled();
            for (x, value) in panel.dots {
                area.draw(&Circle::new((*x, panel.scale.at(*value)), radius, fill))?;
            }
            Ok(())
        });
        for series in panel.series {
            self.line(svg, panel.scale, series);
        }
        self.words(svg, panel, last);
        for (x, name) in names {
            halo(svg, x + 40, self.top + 110, Font::new(100, MUTED), &name);
        }
        if panel
            .series
            .iter()
            .all(|s| s.points.iter().all(|p| p.1.is_none()))
            && panel.dots.is_empty()
        {
            let middle = ((LEFT + RIGHT) / 2, (self.top + self.bottom) / 2);
            svg.text(
                middle.0,
                middle.1,
                Font::new(120, MUTED).at(Anchor::Middle),
                panel.empty,
            );
        }
        self.direct_labels(svg, panel);
    }

    fn time_at(&self, x: Dp) -> i64 {
        let (from, to) = self.span;
        from + scaled(x - LEFT, to - from, RIGHT - LEFT)
    }

    /// Shades the faults and tells where their names go.
    fn bands(&self, svg: &mut Svg, scale: Scale) -> Vec<(Dp, String)> {
        let (from, to) = self.span;
        let seen: Vec<_> = self
            .sheet
            .faults
            .iter()
            .filter(|row| row.start_us < to && row.end_us.is_none_or(|end| end > from))
            .collect();
        self.layer(svg, scale, "", "faults", |area| {
            let fill = RGBColor(0x59, 0x61, 0x6b).mix(0.12).filled();
            for fault in &seen {
                let start = fault.start_us.max(from);
                let least = start.saturating_add((to - from) / 400);
                let end = fault.end_us.unwrap_or(to).max(least).min(to);
                area.draw(&Rectangle::new([(start, 0), (end, scale.top())], fill))?;
            }
            Ok(())
        });
        let mut names = Vec::new();
        let mut free = Dp::MIN;
        for fault in seen {
            let x = self.sheet.axis.x(fault.start_us);
            let width = text_width(&fault.name, 100, false) + 120;
            // A name that would run into the one before it is left to the list of faults.
            if x >= free && x + width < RIGHT + 600 {
                names.push((x, fault.name.clone()));
                free = x + width;
            }
        }
        names
    }

    fn line(&self, svg: &mut Svg, scale: Scale, series: &Series) {
        let (hue, shape, dash) = style(series.style);
        let mut runs: Vec<Vec<(i64, i64)>> = vec![Vec::new()];
        for (at, value) in &series.points {
            match (value, runs.last_mut()) {
                (Some(value), Some(run)) => run.push((*at, scale.at(*value))),
                (None, Some(run)) if run.is_empty() => {}
                (_, _) => runs.push(Vec::new()),
            }
        }
        let attributes = if dash.is_empty() {
            String::new()
        } else {
            format!(" stroke-dasharray=\"{dash}\"")
        };
        let ink = rgb(hue).stroke_width(20);
        self.layer(svg, scale, &attributes, &series.label, |area| {
            for run in &runs {
                // A single value has no line; its marker shows it.
                if run.len() > 1 {
                    for element in LineSeries::new(run.iter().copied(), ink) {
                        area.draw(&element)?;
                    }
                }
            }
            Ok(())
        });
        let drawn: Vec<&(i64, Option<i64>)> = series
            .points
            .iter()
            .filter(|point| point.1.is_some())
            .collect();
        let every = drawn.len().div_ceil(14).max(1);
        svg.open("stroke-opacity=\".9\"");
        for (place, (at, value)) in drawn.iter().enumerate() {
            if let Some(value) = value.filter(|_| place % every == every / 2) {
                marker(
                    svg,
                    self.sheet.axis.x(*at),
                    self.y(scale, value),
                    shape,
                    hue,
                );
            }
        }
        svg.close();
    }

    fn words(&self, svg: &mut Svg, panel: &Panel<'_>, last: bool) {
        let font = Font::new(110, MUTED);
        svg.text(
            LEFT - 700,
            self.top - 130,
            Font::new(115, INK),
            panel.quantity,
        );
        for (value, label) in &panel.ticks {
            let y = self.y(panel.scale, *value);
            svg.text(LEFT - 100, y + 40, font.at(Anchor::End), label);
        }
        let axis = format!("stroke=\"{RULE}\" stroke-width=\"1.4\"");
        svg.line((LEFT, self.bottom), (RIGHT, self.bottom), &axis);
        for tick in &self.sheet.ticks {
            svg.text(
                tick.x,
                self.bottom + 180,
                font.at(Anchor::Middle),
                &tick.label,
            );
        }
        if last {
            svg.text(
                RIGHT,
                self.bottom + 350,
                Font::new(115, INK).at(Anchor::End),
                &self.sheet.across,
            );
        }
    }

    /// Name of every line at its end, moved apart where they would overlap.
    fn direct_labels(&self, svg: &mut Svg, panel: &Panel<'_>) {
        let mut places: Vec<(Dp, &Series)> = panel
            .series
            .iter()
            .filter_map(|series| {
                let last = series.points.iter().rev().find_map(|point| point.1)?;
                Some((self.y(panel.scale, last), series))
            })
            .collect();
        places.sort_by_key(|(y, series)| (*y, series.style));
        let mut free = self.top - 60;
        for place in &mut places {
            place.0 = place.0.max(free);
            free = place.0 + 170;
        }
        let mut limit = self.bottom + 40;
        for place in places.iter_mut().rev() {
            place.0 = place.0.min(limit);
            limit = place.0 - 170;
        }
        for (y, series) in places {
            let (hue, shape, dash) = style(series.style);
            let dash = dash
                .split_whitespace()
                .filter_map(|n| n.parse::<i64>().ok())
                .map(crate::text::dp)
                .collect::<Vec<_>>()
                .join(" ");
            let dash = if dash.is_empty() {
                String::new()
            } else {
                format!(" stroke-dasharray=\"{dash}\"")
            };
            let ink = format!("stroke=\"{hue}\" stroke-width=\"2\"{dash}");
            svg.line((RIGHT + 100, y), (RIGHT + 440, y), &ink);
            marker(svg, RIGHT + 270, y, shape, hue);
            let label = elide(&series.label, 105, false, WIDTH - RIGHT - 540);
            svg.text(RIGHT + 500, y + 38, Font::new(105, INK), &label);
        }
    }

    /// Draws with plotters into a group of its own.
    fn layer(
        &self,
        svg: &mut Svg,
        scale: Scale,
        attributes: &str,
        tooltip: &str,
        draw: impl FnOnce(&Area<'_>) -> Result<(), PlotError>,
    ) {
        let side = |length: Dp| u32::try_from(length.max(0)).unwrap_or(u32::MAX);
        let mut buffer = String::new();
        {
            let size = (side(self.size.0), side(self.size.1));
            let root: DrawingArea<SVGBackend<'_>, Shift> =
                SVGBackend::with_string(&mut buffer, size).into_drawing_area();
            let (from, to) = self.span;
            let chart = ChartBuilder::on(&root)
                .margin_left(side(LEFT))
                .margin_right(side(self.size.0 - RIGHT))
                .margin_top(side(self.top))
                .margin_bottom(side(self.size.1 - self.bottom))
                .build_cartesian_2d(from..to, 0..scale.top())
                .expect("a chart without label areas always fits");
            draw(chart.plotting_area()).expect("drawing into memory cannot fail");
            root.present().expect("a string needs no writing");
        }
        let inside = buffer.split_once('\n').map_or("", |(_, rest)| rest);
        let body = inside.trim_end().trim_end_matches("</svg>").trim_end();
        if !body.is_empty() {
            svg.raw(&format!(
                "<g transform=\"scale(.1)\"{attributes}><title>{}</title>\n{body}\n</g>\n",
                escape(tooltip)
            ));
        }
    }
}

type PlotError = plotters::drawing::DrawingAreaErrorKind<std::io::Error>;

fn halo(svg: &mut Svg, x: Dp, y: Dp, font: Font, text: &str) {
    let more = format!(
        "stroke=\"{PAPER}\" stroke-width=\"3\" paint-order=\"stroke\" stroke-linejoin=\"round\""
    );
    svg.text_with(x, y, font, &more, text);
}

fn style(number: usize) -> (&'static str, Shape, &'static str) {
    let slot = number % HUES.len();
    (HUES[slot], SHAPES[slot], DASHES[slot])
}

fn rgb(hue: &str) -> RGBColor {
    let part = |at: usize| {
        hue.get(at..at + 2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
    };
    RGBColor(
        part(1).unwrap_or(0),
        part(3).unwrap_or(0),
        part(5).unwrap_or(0),
    )
}
