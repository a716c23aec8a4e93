//! The message-flow picture: a lane per chain, time from left to right.
//!
//! A block is a box from its proposal to its confirmation; a message is three instants: sent
//! (slanted), in the inbox (flat), taken in (arrowhead). Invariant: what is drawn one by one plus
//! what is drawn in aggregate is everything in the tables, and the picture says so in words.

mod draw;
mod labels;
mod layout;
mod legend;
mod select;
mod strips;

use analysis::tables::Tables;

use crate::names::Names;
pub use select::Counts;

/// What to draw and how much of it one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanesOptions {
    /// Least width of the picture in pixels; it grows to about twice that so that blocks have
    /// room for their names.
    pub width: u32,
    /// Up to this many chains, every chain has a lane.
    pub max_lanes: usize,
    /// Lanes that are kept when there are more chains than that.
    pub kept_lanes: usize,
    /// Up to this many messages are drawn one by one.
    pub max_messages: usize,
    /// Only what touches this stretch of virtual time, in microseconds.
    pub window_us: Option<(i64, i64)>,
    /// Lanes for these chains and no others (all the rest is folded); empty: choose by activity.
    pub chains: Vec<String>,
    /// Squeeze idle stretches instead of drawing time linearly.
    pub squeeze_idle: bool,
}

impl Default for LanesOptions {
    fn default() -> Self {
        Self {
            width: 1_120,
            max_lanes: 40,
            kept_lanes: 20,
            max_messages: 2_000,
            window_us: None,
            chains: Vec::new(),
            squeeze_idle: false,
        }
    }
}

/// The picture as SVG; its ids are handles such as `B:3` and `B:3/0`.
pub fn svg(tables: &Tables, options: &LanesOptions) -> String {
    let names = Names::of(tables);
    let selection = select::select(tables, &names, options);
    let plan = layout::plan(tables, &names, &selection, options);
    draw::draw(tables, &names, &selection, &plan)
}

/// What the picture draws one by one and what in aggregate.
pub fn counts(tables: &Tables, options: &LanesOptions) -> Counts {
    let names = Names::of(tables);
    select::select(tables, &names, options).counts
}

#[cfg(test)]
mod tests;
