//! A sweep: one row a run, one line a point, and throughput against workers.
//!
//! The bound of a point is what its most loaded worker allows: as many times the throughput of one
//! worker that never rests as the work of all workers of a validator is that of the busiest one. One
//! worker's throughput follows from the least work that a block has taken at any point.
//! Everything is reckoned from the tables of the runs, in integers. Runs of one point differ by their
//! seeds and count alike.

use std::collections::BTreeMap;

use analysis::tables::Tables;

use crate::quantile::{confirmation, quantile_us};

/// What is kept of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepRow {
    /// The name of its point.
    pub point: String,
    /// The seed.
    pub seed: u64,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: String,
    /// Root of the trace hash, in hex.
    pub trace_hash: String,
    /// Workers of each validator at the start, rounded down.
    pub workers: u32,
    /// Confirmed blocks a second after the warm-up, in thousandths.
    pub throughput: u64,
    /// The work of all workers of a validator over that of its busiest one after the warm-up, in
    /// millionths; of the validator where that is least.
    pub spread: u64,
    /// The work of all workers of a validator for each of these blocks, in nanoseconds; of the
    /// validator where that is least.
    pub cost: u64,
    /// Median and 99th percentile of the confirmation latency, if there are values enough.
    pub p50_us: Option<i64>,
    /// See there.
    pub p99_us: Option<i64>,
}

impl SweepRow {
    /// The row of a run.
    pub fn of(point: &str, tables: &Tables) -> Self {
        let run = &tables.run;
        let measured = run.warmup_us..run.virtual_us;
        let confirmed = tables.blocks.iter().filter_map(|row| row.confirmed_us);
        let confirmed = confirmed.filter(|at| measured.contains(at)).count();
        let span = u128::from((run.virtual_us - run.warmup_us).max(1).unsigned_abs());
        let rate = u128::try_from(confirmed).unwrap_or(0) * 1_000_000_000 / span;
        let sample = confirmation(tables);
        let (spread, work) = spread(tables);
        let cost = u128::from(work) * 1_000 / u128::try_from(confirmed.max(1)).unwrap_or(1);
        Self {
            point: point.to_owned(),
            seed: run.seed,
            verdict: run.verdict.clone(),
            trace_hash: run.trace_hash.clone(),
            workers: run.workers / run.validators.max(1),
            throughput: u64::try_from(rate).unwrap_or(u64::MAX),
            spread,
            cost: u64::try_from(cost).unwrap_or(u64::MAX),
            p50_us: quantile_us(&sample, 500),
            p99_us: quantile_us(&sample, 990),
        }
    }
}

/// How the work of the busiest validator's workers was spread, in millionths, and the least that any
/// validator has worked, in microseconds.
fn spread(tables: &Tables) -> (u64, u64) {
    let mut busy: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for row in &tables.workers {
        if row.t_us >= tables.run.warmup_us {
            let workers = busy.entry(&row.validator).or_default();
            *workers.entry(&row.worker).or_default() += row.busy_us.unsigned_abs();
        }
    }
    let all = |workers: &BTreeMap<&str, u64>| workers.values().sum::<u64>();
    let of = |workers: &BTreeMap<&str, u64>| {
        let most = workers.values().max().copied().unwrap_or(0).max(1);
        u128::from(all(workers)) * 1_000_000 / u128::from(most)
    };
    let least = busy.values().map(of).min().unwrap_or(0);
    let work = busy.values().map(all).min().unwrap_or(0);
    (u64::try_from(least).unwrap_or(u64::MAX), work)
}

/// A point of a sweep: its runs together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepPoint {
    /// Its name.
    pub name: String,
    /// Workers of each validator.
    pub workers: u32,
    /// How many runs.
    pub runs: usize,
    /// Mean of the runs' throughputs, in thousandths of blocks a second.
    pub throughput: u64,
    /// What the most loaded worker allows, in thousandths of blocks a second.
    pub bound: u64,
    /// What as many workers would do if nothing were lost, in thousandths of blocks a second.
    pub ideal: u64,
    /// The throughput as a part of the bound, in millionths.
    pub of_bound: u64,
}

/// The points, by their number of workers.
pub fn points(rows: &[SweepRow]) -> Vec<SweepPoint> {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        if !names.contains(&row.point.as_str()) {
            names.push(&row.point);
        }
    }
    let mean = |name: &str, of: fn(&SweepRow) -> u64| {
        let values: Vec<u64> = rows
            .iter()
            .filter(|row| row.point == name)
            .map(of)
            .collect();
        let sum: u128 = values.iter().map(|value| u128::from(*value)).sum();
        (
            sum / u128::try_from(values.len().max(1)).unwrap_or(1),
            values.len(),
        )
    };
    let workers = |name: &str| {
        rows.iter()
            .find(|row| row.point == name)
            .map_or(0, |row| row.workers)
    };
    names.sort_by_key(|name| workers(name));
    let Some(first) = names.first().copied() else {
        return Vec::new();
    };
    let (base, _) = mean(first, |row| row.throughput);
    let cost = names.iter().map(|name| mean(name, |row| row.cost).0).min();
    let cost = cost.unwrap_or(1).max(1);
    let base_workers = u128::from(workers(first).max(1));
    let thousandths = |value: u128| u64::try_from(value).unwrap_or(u64::MAX);
    let point = |name: &str| {
        let (throughput, runs) = mean(name, |row| row.throughput);
        let bound = mean(name, |row| row.spread).0 * 1_000_000 / cost;
        SweepPoint {
            name: name.to_owned(),
            workers: workers(name),
            runs,
            throughput: thousandths(throughput),
            bound: thousandths(bound),
            ideal: thousandths(base * u128::from(workers(name)) / base_workers),
            of_bound: thousandths(throughput * 1_000_000 / bound.max(1)),
        }
    };
    names.into_iter().map(point).collect()
}

/// The rows as CSV.
pub fn runs_csv(rows: &[SweepRow]) -> String {
    let header = [
        "point",
        "seed",
        "verdict",
        "trace_hash",
        "workers",
        "blocks_per_s",
        "total_over_busiest",
        "work_per_block_us",
        "p50_us",
        "p99_us",
    ];
    let text = |value: Option<i64>| value.map_or(String::new(), |value| value.to_string());
    let row = |row: &SweepRow| {
        vec![
            row.point.clone(),
            row.seed.to_string(),
            row.verdict.clone(),
            row.trace_hash.clone(),
            row.workers.to_string(),
            decimal(row.throughput, 3),
            decimal(row.spread, 6),
            decimal(row.cost, 3),
            text(row.p50_us),
            text(row.p99_us),
        ]
    };
    crate::tables::csv_text(&header, rows.iter().map(row))
}

/// The points as CSV.
pub fn points_csv(points: &[SweepPoint]) -> String {
    let header = [
        "point",
        "workers",
        "runs",
        "blocks_per_s",
        "bound_per_s",
        "ideal_per_s",
        "of_bound",
    ];
    let row = |point: &SweepPoint| {
        vec![
            point.name.clone(),
            point.workers.to_string(),
            point.runs.to_string(),
            decimal(point.throughput, 3),
            decimal(point.bound, 3),
            decimal(point.ideal, 3),
            decimal(point.of_bound, 6),
        ]
    };
    crate::tables::csv_text(&header, points.iter().map(row))
}

/// A value divided by a power of ten, without separators.
pub(crate) fn decimal(value: u64, decimals: u32) -> String {
    crate::text::fixed(u128::from(value), decimals).replace(',', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(workers: u32, throughput: u64, spread: u64) -> SweepRow {
        SweepRow {
            point: format!("w{workers}"),
            seed: 1,
            verdict: "pass".to_owned(),
            trace_hash: String::new(),
            workers,
            throughput,
            spread,
            cost: 10_000_000,
            p50_us: None,
            p99_us: None,
        }
    }

    #[test]
    fn the_most_loaded_worker_is_the_bound() {
        // Four workers of which the busiest does a third of all.
        let rows = [row(4, 270_000, 3_000_000), row(1, 100_000, 1_000_000)];
        let points = points(&rows);
        assert_eq!(points[0].of_bound, 1_000_000);
        let four = &points[1];
        assert_eq!((four.bound, four.ideal), (300_000, 400_000));
        assert_eq!(four.of_bound, 900_000);
        assert!(points_csv(&points).contains("w4,4,1,270,300,400,0.9"));
    }

    #[test]
    fn a_run_tells_how_its_work_was_spread() {
        let mut tables = crate::samples::lanes();
        for row in &mut tables.workers {
            row.busy_us = i64::from(row.validator == "v1") * 3 + i64::from(row.worker == "w1");
        }
        let row = SweepRow::of("w2", &tables);
        let all: Vec<_> = tables
            .workers
            .iter()
            .filter(|row| row.validator != "v1")
            .collect();
        assert!(!all.is_empty());
        // Elsewhere the first worker does everything, which is the least that there can be.
        assert_eq!(row.spread, 1_000_000);
        assert_eq!((row.workers, row.throughput), (2, 7_000));
        assert!(row.cost > 0 && row.cost < 100_000, "{}", row.cost);
    }
}
