//! Quantiles in integers, and only where the sample is large enough to have them.
//!
//! Invariant: nearest rank, no interpolation; a quantile q needs at least 10/(1-q) values.

use analysis::tables::Tables;

use crate::text::int;

/// Sorted durations in microseconds, and how many never ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    values: Vec<i64>,
    /// Started and not finished by the end of the run: counted, not measured.
    pub(crate) unfinished: usize,
}

impl Sample {
    pub(crate) fn new(mut values: Vec<i64>, unfinished: usize) -> Self {
        values.sort_unstable();
        Self { values, unfinished }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn max(&self) -> Option<i64> {
        self.values.last().copied()
    }
}

/// Values that a quantile (in thousandths) needs: 20 for the median, 200 for p95, 1,000 for p99.
pub fn needed(thousandths: i64) -> i64 {
    (10_000 + 999 - thousandths) / (1_000 - thousandths).max(1)
}

/// The quantile in thousandths, when there are enough values.
pub(crate) fn quantile_us(sample: &Sample, thousandths: i64) -> Option<i64> {
    let count = int(sample.values.len());
    if count < needed(thousandths) {
        return None;
    }
    let rank = (count * thousandths + 999) / 1_000;
    usize::try_from(rank - 1)
        .ok()
        .and_then(|at| sample.values.get(at))
        .copied()
}

/// From the instant that the workload asked (or else the proposal) to the confirmation.
pub(crate) fn confirmation(tables: &Tables) -> Sample {
    let mut unfinished = 0;
    let mut values = Vec::new();
    for row in &tables.blocks {
        let start = row.scheduled_us.unwrap_or(row.proposed_us);
        if start < tables.run.warmup_us {
            continue;
        }
        match row.confirmed_us {
            Some(end) => values.push(end - start),
            None => unfinished += 1,
        }
    }
    Sample::new(values, unfinished)
}

/// From the inbox of a quorum to the confirmation of the block that took the message in.
pub(crate) fn inbox_wait(tables: &Tables) -> Sample {
    let mut unfinished = 0;
    let mut values = Vec::new();
    for row in tables
        .messages
        .iter()
        .filter(|row| row.sent_us >= tables.run.warmup_us)
    {
        match (row.delivered_quorum_us, row.received_us) {
            (Some(start), Some(end)) => values.push((end - start).max(0)),
            (Some(_), None) => unfinished += 1,
            (None, _) => {}
        }
    }
    Sample::new(values, unfinished)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_needs_ten_over_one_minus_q_values() {
        assert_eq!((needed(500), needed(950), needed(990)), (20, 200, 1_000));
        let small = Sample::new((1..=19).collect(), 0);
        assert_eq!(quantile_us(&small, 500), None);
        let enough = Sample::new((1..=200).rev().collect(), 0);
        assert_eq!(quantile_us(&enough, 500), Some(100));
        assert_eq!(quantile_us(&enough, 950), Some(190));
        assert_eq!(quantile_us(&enough, 990), None);
    }
}
