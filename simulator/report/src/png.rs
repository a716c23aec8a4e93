//! Pictures as PNG, drawn with the bundled font only.
//!
//! Invariant: the same SVG and scale give the same bytes on every call: no system fonts, no files.

use std::fmt;
use std::sync::Arc;

use resvg::{tiny_skia, usvg};

static REGULAR: &[u8] = include_bytes!("../assets/DejaVuSans.subset.ttf");
static BOLD: &[u8] = include_bytes!("../assets/DejaVuSans-Bold.subset.ttf");

/// Longest side of a bitmap, in pixels: beyond it viewers give up.
pub(crate) const MAX_SIDE: u32 = 20_000;

/// Why a picture could not be drawn as PNG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PngError {
    /// The SVG could not be read.
    Svg(String),
    /// The bitmap would have no pixels, or a side beyond 20,000.
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The bitmap could not be encoded.
    Encoding(String),
}

impl fmt::Display for PngError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Svg(reason) => write!(f, "the SVG cannot be read: {reason}"),
            Self::Size { width, height } => {
                write!(
                    f,
                    "a picture of {width} × {height} pixels cannot be drawn; lower the scale"
                )
            }
            Self::Encoding(reason) => write!(f, "the PNG cannot be encoded: {reason}"),
        }
    }
}

impl std::error::Error for PngError {}

/// Size of a picture in its own units, rounded up.
///
/// # Errors
///
/// When the SVG is malformed.
pub(crate) fn png_size(svg: &str) -> Result<(u32, u32), PngError> {
    let number = |name: &str| {
        let (_, rest) = svg.split_once(&format!(" {name}=\""))?;
        let (whole, _) = rest.split_once(['.', '"'])?;
        whole.parse::<u32>().ok()
    };
    number("width")
        .zip(number("height"))
        .map(|(width, height)| (width.saturating_add(1), height.saturating_add(1)))
        .ok_or_else(|| PngError::Svg("it has no size".to_owned()))
}

/// Draws an SVG as PNG, `scale` pixels for each of its units.
///
/// # Errors
///
/// When the SVG is malformed, or the bitmap would be empty or too large.
pub fn png(svg: &str, scale: u32) -> Result<Vec<u8>, PngError> {
    let mut options = usvg::Options {
        font_family: "DejaVu Sans".to_owned(),
        ..Default::default()
    };
    let fonts = options.fontdb_mut();
    fonts.load_font_source(usvg::fontdb::Source::Binary(Arc::new(REGULAR)));
    fonts.load_font_source(usvg::fontdb::Source::Binary(Arc::new(BOLD)));
    let tree = usvg::Tree::from_str(svg, &options).map_err(|e| PngError::Svg(e.to_string()))?;
    let size = tree.size().to_int_size();
    let (width, height) = (
        size.width().saturating_mul(scale),
        size.height().saturating_mul(scale),
    );
    let too_large = width > MAX_SIDE || height > MAX_SIDE;
    let mut pixels = (!too_large)
        .then(|| tiny_skia::Pixmap::new(width, height))
        .flatten()
        .ok_or(PngError::Size { width, height })?;
    // Scales are a handful of pixels a unit, far below where f32 stops counting.
    let factor = f32::from(u16::try_from(scale).unwrap_or(u16::MAX));
    let transform = tiny_skia::Transform::from_scale(factor, factor);
    resvg::render(&tree, transform, &mut pixels.as_mut());
    pixels
        .encode_png()
        .map_err(|e| PngError::Encoding(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{PngError, png, png_size};

    const SQUARE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"12\" height=\"10\">\
                          <text x=\"1\" y=\"9\" font-family=\"DejaVu Sans\">M</text></svg>";

    #[test]
    fn the_bundled_font_is_found() {
        let with = png(SQUARE, 2).expect("a sound picture");
        let without = png(&SQUARE.replace('M', " "), 2).expect("a sound picture");
        assert_ne!(with, without, "the letter left no ink");
        assert_eq!(png_size(SQUARE), Ok((13, 11)));
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(matches!(png("<svg", 1), Err(PngError::Svg(_))));
        assert!(matches!(png(SQUARE, 0), Err(PngError::Size { .. })));
        assert!(matches!(png(SQUARE, 1_000_000), Err(PngError::Size { .. })));
    }
}
