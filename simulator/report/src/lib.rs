//! Pictures and pages from the tables of a run: lanes, message flow, charts.
//!
//! Everything here is a pure function from [`analysis::tables::Tables`] to text or bytes: no
//! files, no clock, no randomness. The same tables give the same bytes.

mod axis;
mod header;
pub mod lanes;
mod names;
mod png;
#[cfg(test)]
mod samples;
mod styles;
mod svg;
mod text;

pub use png::{PngError, png};
