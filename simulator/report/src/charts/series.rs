//! Series over time: bins, lines and the rows of their data.
//!
//! Invariant: integers only; a missing value is a gap, never a zero.

use analysis::tables::Tables;

use crate::axis::nice_step;
use crate::text::int;

/// A line of a chart; `points` are (µs, value), `None` a gap.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) label: String,
    pub(super) points: Vec<(i64, Option<i64>)>,
    /// Position in the table of hues, shapes and dashes.
    pub(super) style: usize,
}

/// Equal bins over a stretch of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bins {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) width: i64,
    pub(super) count: usize,
}

impl Bins {
    /// At most `most` bins of a round width. A last bin of less than half the width joins the one
    /// before it, so that no rate is a guess from a sliver.
    pub(super) fn new(from: i64, to: i64, most: usize) -> Self {
        let to = to.max(from + 1);
        let width = nice_step(to - from, int(most.max(1)));
        let whole = (to - from) / width;
        let rest = (to - from) % width;
        let count = whole + i64::from(rest * 2 >= width && rest > 0);
        Self {
            from,
            to,
            width,
            count: usize::try_from(count.max(1)).unwrap_or(1),
        }
    }

    /// Bin of an instant, `None` outside.
    pub(super) fn of(&self, at: i64) -> Option<usize> {
        if at < self.from || at > self.to {
            return None;
        }
        usize::try_from((at - self.from) / self.width)
            .ok()
            .map(|bin| bin.min(self.count - 1))
    }

    /// Start and end of a bin.
    pub(super) fn range(&self, bin: usize) -> (i64, i64) {
        let start = self.from + int(bin) * self.width;
        let end = if bin + 1 == self.count {
            self.to
        } else {
            start + self.width
        };
        (start, end)
    }

    /// Middle of a bin, where its value is drawn.
    pub(super) fn middle(&self, bin: usize) -> i64 {
        let (start, end) = self.range(bin);
        start + (end - start) / 2
    }

    /// Values sorted into bins.
    pub(super) fn collect(&self, values: impl Iterator<Item = (i64, i64)>) -> Vec<Vec<i64>> {
        let mut bins = vec![Vec::new(); self.count];
        for (at, value) in values {
            if let Some(bin) = self.of(at) {
                bins[bin].push(value);
            }
        }
        bins
    }
}

/// Virtual time that the charts cover: all of it, cut when the last tenth or more is empty.
pub(super) fn span(tables: &Tables) -> (i64, i64) {
    let blocks = tables
        .blocks
        .iter()
        .map(|row| row.confirmed_us.unwrap_or(row.proposed_us));
    let messages = tables.messages.iter().filter_map(|row| row.received_us);
    let workers = tables
        .workers
        .iter()
        .filter(|row| row.busy_us > 0)
        .map(|row| row.t_us);
    let last = blocks.chain(messages).chain(workers).max().unwrap_or(0);
    let end = tables.run.virtual_us.max(last).max(1);
    if last > 0 && last < end / 10 * 9 {
        (0, last + last / 50 + 1)
    } else {
        (0, end)
    }
}

/// Rows of `metric,label,t_us,value`.
pub(super) fn rows(metric: &str, series: &[Series], decimals: u32) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for line in series {
        for (at, value) in &line.points {
            if let Some(value) = value {
                rows.push(vec![
                    metric.to_owned(),
                    line.label.clone(),
                    at.to_string(),
                    plain(*value, decimals),
                ]);
            }
        }
    }
    rows
}

/// `value / 10^decimals` without separators between thousands.
fn plain(value: i64, decimals: u32) -> String {
    crate::axis::scaled_label(value, decimals).replace(',', "")
}

/// The rows as CSV.
pub(super) fn csv(rows: Vec<Vec<String>>) -> String {
    crate::tables::csv_text(&["metric", "label", "t_us", "value"], rows.into_iter())
}

#[cfg(test)]
mod tests {
    use super::Bins;

    #[test]
    fn bins_cover_the_span_and_a_sliver_joins_its_neighbour() {
        let bins = Bins::new(0, 10_300_000, 11);
        assert_eq!((bins.width, bins.count), (1_000_000, 10));
        assert_eq!(bins.range(9), (9_000_000, 10_300_000));
        assert_eq!(bins.of(10_300_000), Some(9));
        assert_eq!(bins.of(10_300_001), None);
    }
}
