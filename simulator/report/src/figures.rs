//! The figures of a run by name, each with its data under the same name.

use std::fmt;

use analysis::tables::Tables;

use crate::lanes::LanesOptions;
use crate::png::{MAX_SIDE, PngError, png, png_size};
use crate::{charts, flow, lanes};

/// Pixels for each unit of a picture, where the bitmap stays within its limits.
const SCALE: u32 = 2;

/// Above this many pixels at twice the size, a bitmap is made at its size.
const MAX_PIXELS: u64 = 24_000_000;

/// Why a figure could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FigureError {
    /// There is no figure of that name.
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The bitmap could not be drawn.
    Png(PngError),
}

impl fmt::Display for FigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => {
                write!(
                    f,
                    "no figure is called `{name}`; there are {}",
                    figures().join(", ")
                )
            }
            Self::Png(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for FigureError {}

impl From<PngError> for FigureError {
    fn from(reason: PngError) -> Self {
        Self::Png(reason)
    }
}

/// Names of the figures that [`figure`] makes.
pub fn figures() -> &'static [&'static str] {
    &[
        "lanes",
        "flow",
        "throughput",
        "latency",
        "queues",
        "workers",
    ]
}

/// The files of one figure: picture as `.svg` and `.png`, data and caption with the same name.
///
/// # Errors
///
/// When there is no figure of that name, or its bitmap cannot be drawn.
pub fn figure(name: &str, tables: &Tables) -> Result<Vec<(String, Vec<u8>)>, FigureError> {
    let file = |ending: &str, text: String| (format!("{name}.{ending}"), text.into_bytes());
    let (svg, mut files) = match name {
        "lanes" => (lanes::svg(tables, &LanesOptions::default()), Vec::new()),
        "flow" => {
            let (svg, others) = flow::files(tables);
            (
                svg,
                others
                    .into_iter()
                    .map(|(ending, text)| file(ending, text))
                    .collect(),
            )
        }
        "throughput" | "latency" | "queues" | "workers" => {
            let chart = match name {
                "throughput" => charts::throughput(tables),
                "latency" => charts::latency(tables),
                "workers" => charts::workers(tables),
                _ => charts::queues(tables),
            };
            (
                chart.svg,
                vec![file("csv", chart.csv), file("txt", chart.caption)],
            )
        }
        _ => {
            return Err(FigureError::Unknown {
                name: name.to_owned(),
            });
        }
    };
    let bitmap = bitmap(&svg)?;
    files.insert(0, (format!("{name}.png"), bitmap));
    files.insert(0, (format!("{name}.svg"), svg.into_bytes()));
    Ok(files)
}

/// The picture as PNG at twice its size, or at its size when that would be too large.
fn bitmap(svg: &str) -> Result<Vec<u8>, PngError> {
    let (width, height) = png_size(svg)?;
    let pixels = u64::from(width) * u64::from(height) * u64::from(SCALE * SCALE);
    let fits = width.max(height) * SCALE <= MAX_SIDE && pixels <= MAX_PIXELS;
    png(svg, if fits { SCALE } else { 1 })
}

#[cfg(test)]
mod tests;
