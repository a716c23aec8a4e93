//! Pictures and pages from the tables of a run: lanes, message flow, charts.
//!
//! Everything here is a pure function from [`analysis::tables::Tables`] to text or bytes: no
//! files, no clock, no randomness. The same tables give the same bytes.

mod axis;
pub mod charts;
mod figures;
pub mod flow;
mod header;
pub mod lanes;
mod names;
pub mod page;
mod png;
mod quantile;
#[cfg(test)]
mod samples;
mod styles;
mod svg;
pub mod sweep;
pub mod tables;
mod text;

pub use quantile::needed as sample_needed;

pub use figures::{FigureError, figure, figures};
pub use png::{PngError, png};
