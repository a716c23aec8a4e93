//! Which hue and shape an application has, the same in every picture of a run.
//!
//! Invariant: `system` comes first, the others in the order of their first message.

use std::collections::BTreeMap;

use analysis::tables::Tables;

use crate::svg::{Shape, style_of};

/// The applications of a run.
pub(crate) struct Apps<'a> {
    order: Vec<&'a str>,
    position: BTreeMap<&'a str, usize>,
}

impl<'a> Apps<'a> {
    pub(crate) fn of(tables: &'a Tables) -> Self {
        let mut first: BTreeMap<&str, (bool, i64, usize)> = BTreeMap::new();
        for (row, message) in tables.messages.iter().enumerate() {
            let key = (message.app != "system", message.sent_us, row);
            first
                .entry(&message.app)
                .and_modify(|old| *old = key.min(*old))
                .or_insert(key);
        }
        let mut order: Vec<&str> = first.keys().copied().collect();
        order.sort_by_key(|app| first.get(app).copied());
        let position = order
            .iter()
            .enumerate()
            .map(|(at, app)| (*app, at))
            .collect();
        Self { order, position }
    }

    pub(crate) fn style(&self, app: &str) -> (&'static str, Shape) {
        style_of(self.position.get(app).copied().unwrap_or(self.order.len()))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a str, (&'static str, Shape))> {
        self.order
            .iter()
            .enumerate()
            .map(|(at, app)| (*app, style_of(at)))
    }
}
