//! A small SVG writer: escaped text, fixed-point numbers, one colour table.
//!
//! Invariant: everything that comes from a run goes through [`escape`]; attributes given as
//! `&str` come from this crate only. Knows nothing of lanes, graphs or charts.

use std::fmt::Write as _;

use crate::text::{Dp, dp};

/// Ink of text and boxes.
pub(crate) const INK: &str = "#111418";
/// Secondary text.
pub(crate) const MUTED: &str = "#59616b";
/// Lane and frame lines.
pub(crate) const RULE: &str = "#c9ced6";
/// Grid lines.
pub(crate) const GRID: &str = "#e9ecf0";
/// Background.
pub(crate) const PAPER: &str = "#ffffff";
/// Failed expectations.
pub(crate) const ALARM: &str = "#c62f00";
/// Hues of applications and series; each is doubled by a shape or a dash.
pub(crate) const HUES: [&str; 6] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#785A69", "#8787FF",
];
/// Font families: the bundled one first, so that what is measured is what is drawn.
pub(crate) const FONTS: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

/// Dark variants as one style sheet: it matches the colours above wherever they are used, so
/// light is the plain attributes and needs no style support at all.
const DARK: &str = "@media screen and (prefers-color-scheme:dark){\
.mc [fill=\"#ffffff\"]{fill:#111418}.mc [stroke=\"#ffffff\"]{stroke:#111418}\
.mc [fill=\"#111418\"]{fill:#f2f4f7}.mc [stroke=\"#111418\"]{stroke:#f2f4f7}\
.mc [fill=\"#59616b\"],.mc [fill=\"#59616B\"]{fill:#a4adb8}.mc [stroke=\"#59616b\"]{stroke:#a4adb8}\
.mc [stroke=\"#c9ced6\"]{stroke:#3a424d}.mc [fill=\"#c9ced6\"]{fill:#3a424d}\
.mc [stroke=\"#e9ecf0\"]{stroke:#232a33}.mc [stroke=\"#E9ECF0\"]{stroke:#232a33}\
.mc [fill=\"#c62f00\"]{fill:#ff7a4d}.mc [stroke=\"#c62f00\"]{stroke:#ff7a4d}\
.mc [fill=\"#0072B2\"]{fill:#3d9bd6}.mc [stroke=\"#0072B2\"]{stroke:#3d9bd6}}";

/// Text for XML and HTML, in element content and in attributes.
///
/// Characters that XML cannot hold, and marks that turn the direction of the text around them,
/// become U+FFFD; line breaks become spaces.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\r' | '\t' => out.push(' '),
            '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{fffe}'
            | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// Where a text is anchored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Font {
    pub(crate) size: Dp,
    pub(crate) bold: bool,
    pub(crate) fill: &'static str,
    pub(crate) anchor: Anchor,
}

impl Font {
    pub(crate) const fn new(size: Dp, fill: &'static str) -> Self {
        Self {
            size,
            bold: false,
            fill,
            anchor: Anchor::Start,
        }
    }

    pub(crate) const fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    pub(crate) const fn at(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }
}

/// An SVG document under construction.
pub(crate) struct Svg {
    out: String,
    background: (Dp, Dp),
}

impl Svg {
    /// Starts a document: `name` is the prefix of its own ids, sizes are in tenths of a pixel.
    pub(crate) fn new(name: &str, width: Dp, height: Dp, title: &str, desc: &str) -> Self {
        let (w, h) = (dp(width), dp(height));
        let (title, desc) = (escape(title), escape(desc));
        let out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" \
             height=\"{h}\" class=\"mc\" role=\"img\" aria-labelledby=\"{name}-title {name}-desc\" \
             font-family=\"{FONTS}\" font-size=\"12\">\n<title id=\"{name}-title\">{title}</title>\
             <desc id=\"{name}-desc\">{desc}</desc>\n<style>{DARK}</style>\n"
        );
        let mut svg = Self {
            out,
            background: (width, height),
        };
        svg.rect(0, 0, width, height, &format!("fill=\"{PAPER}\""));
        svg
    }

    /// Size of the document.
    pub(crate) fn size(&self) -> (Dp, Dp) {
        self.background
    }

    /// Appends markup that is already XML.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// Opens a group with attributes of this crate.
    pub(crate) fn open(&mut self, attributes: &str) {
        let space = if attributes.is_empty() { "" } else { " " };
        let _ = writeln!(self.out, "<g{space}{attributes}>");
    }

    /// Opens a group that has an id and a tooltip, both from the run.
    pub(crate) fn open_named(&mut self, id: &str, tooltip: &str) {
        let (id, tooltip) = (escape(id).replace(' ', "_"), escape(tooltip));
        let _ = write!(self.out, "<g id=\"{id}\"><title>{tooltip}</title>");
    }

    /// Opens a group that has a tooltip from the run.
    pub(crate) fn open_titled(&mut self, tooltip: &str) {
        let _ = write!(self.out, "<g><title>{}</title>", escape(tooltip));
    }

    /// Closes the innermost group.
    pub(crate) fn close(&mut self) {
        self.out.push_str("</g>\n");
    }

    pub(crate) fn line(&mut self, from: (Dp, Dp), to: (Dp, Dp), attributes: &str) {
        let _ = writeln!(
            self.out,
            "<path d=\"M{} {}L{} {}\" {attributes}/>",
            dp(from.0),
            dp(from.1),
            dp(to.0),
            dp(to.1)
        );
    }

    /// Straight lines through the points.
    pub(crate) fn polyline(&mut self, points: &[(Dp, Dp)], attributes: &str) {
        self.path(&path_of(points), attributes);
    }

    pub(crate) fn path(&mut self, d: &str, attributes: &str) {
        let _ = writeln!(self.out, "<path d=\"{d}\" {attributes}/>");
    }

    pub(crate) fn rect(&mut self, x: Dp, y: Dp, w: Dp, h: Dp, attributes: &str) {
        let _ = writeln!(
            self.out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {attributes}/>",
            dp(x),
            dp(y),
            dp(w.max(0)),
            dp(h.max(0))
        );
    }

    pub(crate) fn circle(&mut self, x: Dp, y: Dp, r: Dp, attributes: &str) {
        let _ = writeln!(
            self.out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {attributes}/>",
            dp(x),
            dp(y),
            dp(r)
        );
    }

    /// A line of text with its baseline at `y`.
    pub(crate) fn text(&mut self, x: Dp, y: Dp, font: Font, content: &str) {
        self.text_with(x, y, font, "", content);
    }

    /// A line of text with more attributes.
    pub(crate) fn text_with(&mut self, x: Dp, y: Dp, font: Font, more: &str, content: &str) {
        let anchor = match font.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if font.bold {
            " font-weight=\"bold\""
        } else {
            ""
        };
        let space = if more.is_empty() { "" } else { " " };
        let _ = writeln!(
            self.out,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\"{anchor}{weight}{space}{more}>{}</text>",
            dp(x),
            dp(y),
            dp(font.size),
            font.fill,
            escape(content)
        );
    }

    /// The finished document.
    pub(crate) fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }
}

/// Path data of straight lines through the points.
pub(crate) fn path_of(points: &[(Dp, Dp)]) -> String {
    let mut d = String::new();
    for (position, (x, y)) in points.iter().enumerate() {
        let letter = if position == 0 { 'M' } else { 'L' };
        let _ = write!(d, "{letter}{} {}", dp(*x), dp(*y));
    }
    d
}

/// The shape that doubles a hue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Circle,
    Square,
    Diamond,
    Up,
    Down,
    Star,
}

/// All shapes, in the order in which they are given away.
pub(crate) const SHAPES: [Shape; 6] = [
    Shape::Circle,
    Shape::Square,
    Shape::Diamond,
    Shape::Up,
    Shape::Down,
    Shape::Star,
];

/// Hue and shape of the n-th application: beyond six the hue is grey and the shapes repeat.
pub(crate) fn style_of(position: usize) -> (&'static str, Shape) {
    let hue = HUES.get(position).copied().unwrap_or(MUTED);
    (hue, SHAPES[position % SHAPES.len()])
}

/// Draws a marker of about 8 px around a point.
pub(crate) fn marker(svg: &mut Svg, x: Dp, y: Dp, shape: Shape, hue: &str) {
    let style = format!("fill=\"{PAPER}\" stroke=\"{hue}\" stroke-width=\"1.8\"");
    match shape {
        Shape::Circle => svg.circle(x, y, 40, &style),
        Shape::Square => svg.rect(x - 38, y - 38, 76, 76, &style),
        Shape::Diamond => {
            svg.path(
                &closed(&[(x, y - 52), (x + 52, y), (x, y + 52), (x - 52, y)]),
                &style,
            );
        }
        Shape::Up => svg.path(
            &closed(&[(x, y - 48), (x + 48, y + 38), (x - 48, y + 38)]),
            &style,
        ),
        Shape::Down => {
            svg.path(
                &closed(&[(x, y + 48), (x + 48, y - 38), (x - 48, y - 38)]),
                &style,
            );
        }
        Shape::Star => {
            let style = format!("fill=\"none\" stroke=\"{hue}\" stroke-width=\"2\"");
            svg.path(&path_of(&[(x - 46, y), (x + 46, y)]), &style);
            svg.path(&path_of(&[(x - 28, y - 42), (x + 28, y + 42)]), &style);
            svg.path(&path_of(&[(x - 28, y + 42), (x + 28, y - 42)]), &style);
        }
    }
}

/// Path data of a closed polygon.
pub(crate) fn closed(points: &[(Dp, Dp)]) -> String {
    let mut d = path_of(points);
    d.push('z');
    d
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn hostile_text_is_defused() {
        assert_eq!(
            escape("<a b='1'>&\"\u{0}\u{202e}\n"),
            "&lt;a b=&#39;1&#39;&gt;&amp;&quot;\u{fffd}\u{fffd} "
        );
    }
}
