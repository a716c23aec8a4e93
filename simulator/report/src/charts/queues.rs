//! Where work waits: queues of the workers, how busy they are, and the inboxes of the chains.

use std::collections::BTreeMap;

use analysis::tables::Tables;

use super::plot::{Panel, Scale, document, duration_scale, linear_ticks};
use super::rates::{MAX_DOTS, middle, quantile_lines, summary};
use super::series::{Bins, Series, csv, rows, span};
use super::{Figure, provenance};
use crate::quantile::inbox_wait;
use crate::text::{int, plural};

/// Longest queue and busy share of the workers, and the wait of messages in inboxes.
pub fn queues(tables: &Tables) -> Figure {
    let (from, to) = span(tables);
    let load = Load::of(tables, from, to);
    let queue_series = load.queues();
    let busy_series = load.busy();
    let waits: Vec<(i64, i64)> = tables
        .messages
        .iter()
        .filter(|row| row.sent_us >= tables.run.warmup_us)
        .filter_map(|row| {
            Some((
                row.received_us?,
                (row.received_us? - row.delivered_quorum_us?).max(0),
            ))
        })
        .collect();
    let bins = Bins::new(from, to, (waits.len() / 50).clamp(1, 40));
    let mut wait_series = quantile_lines(&bins, &waits, &[(500, "p50"), (950, "p95")]);
    let dots: &[(i64, i64)] = if waits.len() <= MAX_DOTS { &waits } else { &[] };
    if dots.is_empty() {
        // Without single values, at least the extremes.
        let longest = bins.collect(waits.iter().copied());
        let points = longest.iter().enumerate();
        wait_series.push(Series {
            label: "longest".to_owned(),
            points: points
                .map(|(bin, of)| (bins.middle(bin), of.iter().copied().max()))
                .collect(),
            style: 2,
        });
    }

    let deepest = most(&queue_series);
    let longest_wait = waits.iter().map(|wait| wait.1).max().unwrap_or(1).max(1);
    let (queue_scale, queue_step) = Scale::linear(deepest);
    let (wait_scale, unit, wait_ticks) = duration_scale(longest_wait, middle(&waits), 1_000);
    let log = if matches!(wait_scale, Scale::Log { .. }) {
        ", log scale"
    } else {
        ""
    };
    let wait_quantity = format!("wait in the inbox, by time of receipt ({unit}{log})");
    let panels = [
        Panel {
            quantity: "queue of a worker (requests)",
            series: &queue_series,
            dots: &[],
            scale: queue_scale,
            ticks: linear_ticks(top(queue_scale), queue_step, 0),
            empty: "the workers were not sampled",
        },
        Panel {
            quantity: "busy time of a worker (%)",
            series: &busy_series,
            dots: &[],
            scale: Scale::Linear { top: 1_000 },
            ticks: linear_ticks(1_000, 250, 1),
            empty: "the workers were not sampled",
        },
        Panel {
            quantity: &wait_quantity,
            series: &wait_series,
            dots,
            scale: wait_scale,
            ticks: wait_ticks,
            empty: "no message was received",
        },
    ];
    let mut notes = Vec::new();
    if let Some(peak) = load.peak() {
        notes.push(format!(
            "{}; longest queue {} at {}.",
            plural(load.workers, "worker"),
            peak.1,
            peak.0
        ));
    }
    let shown = if dots.is_empty() {
        ""
    } else {
        " Dots: one message each."
    };
    notes.push(format!(
        "Inbox wait: {}{shown}",
        summary(&inbox_wait(tables))
    ));
    let title = "Queues and waiting";
    let svg = document(tables, "queues", title, &notes, (from, to), &panels);
    let mut data = rows("worker_queue", &queue_series, 0);
    data.extend(rows("worker_busy_percent", &busy_series, 1));
    data.extend(rows("inbox_wait_us", &wait_series, 0));
    let single = Series {
        label: "single".to_owned(),
        points: waits.iter().map(|(at, wait)| (*at, Some(*wait))).collect(),
        style: 0,
    };
    data.extend(rows("inbox_wait_us", &[single], 0));
    let caption = format!(
        "Queues of the workers, their busy time, and the wait of messages in inboxes over virtual \
         time. {} {}\n",
        notes.join(" "),
        provenance(tables)
    );
    Figure {
        svg,
        csv: csv(data),
        caption,
    }
}

fn most(series: &[Series]) -> i64 {
    series
        .iter()
        .flat_map(|s| &s.points)
        .filter_map(|p| p.1)
        .max()
        .unwrap_or(0)
}

fn top(scale: Scale) -> i64 {
    match scale {
        Scale::Linear { top } | Scale::Log { top, .. } => top,
    }
}

/// The samples of the workers by bin.
struct Load<'a> {
    bins: Bins,
    /// (longest queue, busy time, sampled time) of each worker in each bin.
    by_bin: Vec<BTreeMap<usize, (i64, i64, i64)>>,
    names: Vec<(&'a str, &'a str)>,
    workers: usize,
}

impl<'a> Load<'a> {
    fn of(tables: &'a Tables, from: i64, to: i64) -> Self {
        let mut instants: Vec<i64> = tables.workers.iter().map(|row| row.t_us).collect();
        instants.sort_unstable();
        instants.dedup();
        let interval = instants
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .min()
            .unwrap_or(to - from)
            .max(1);
        let fitting = usize::try_from((to - from) / interval).unwrap_or(1);
        let bins = Bins::new(from, to, fitting.clamp(1, 100));
        let mut number: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut names = Vec::new();
        let mut by_bin = vec![BTreeMap::new(); bins.count];
        for row in &tables.workers {
            let key = (row.validator.as_str(), row.worker.as_str());
            let worker = *number.entry(key).or_insert_with(|| {
                names.push(key);
                names.len() - 1
            });
            let Some(bin) = bins.of(row.t_us) else {
                continue;
            };
            let entry: &mut (i64, i64, i64) = by_bin[bin].entry(worker).or_default();
            entry.0 = entry.0.max(i64::from(row.queue));
            entry.1 += row.busy_us;
            entry.2 += interval;
        }
        Self {
            bins,
            by_bin,
            workers: names.len(),
            names,
        }
    }

    /// A line from a number for each bin that has samples.
    fn series(
        &self,
        label: &str,
        style: usize,
        value: impl Fn(&BTreeMap<usize, (i64, i64, i64)>) -> Option<i64>,
    ) -> Series {
        let points = self
            .by_bin
            .iter()
            .enumerate()
            .map(|(bin, workers)| (self.bins.middle(bin), value(workers)))
            .collect();
        Series {
            label: label.to_owned(),
            points,
            style,
        }
    }

    fn queues(&self) -> Vec<Series> {
        let middle = |workers: &BTreeMap<usize, (i64, i64, i64)>| {
            let mut queues: Vec<i64> = workers.values().map(|w| w.0).collect();
            queues.sort_unstable();
            queues.get(queues.len() / 2).copied()
        };
        vec![
            self.series("longest", 0, |workers| workers.values().map(|w| w.0).max()),
            self.series("median worker", 1, middle),
        ]
    }

    /// In tenths of a percent.
    fn busy(&self) -> Vec<Series> {
        let share = |busy: i64, of: i64| (busy * 1_000 / of.max(1)).clamp(0, 1_000);
        vec![
            self.series("busiest", 0, |workers| {
                workers
                    .values()
                    .map(|(_, busy, of)| share(*busy, *of))
                    .max()
            }),
            self.series("mean", 1, |workers| {
                let sum: i64 = workers
                    .values()
                    .map(|(_, busy, of)| share(*busy, *of))
                    .sum();
                (!workers.is_empty()).then(|| sum / int(workers.len()))
            }),
        ]
    }

    /// Worker with the longest queue, and that queue.
    fn peak(&self) -> Option<(String, i64)> {
        let (worker, queue) = self
            .by_bin
            .iter()
            .flatten()
            .map(|(worker, load)| (*worker, load.0))
            .max_by_key(|(worker, queue)| (*queue, std::cmp::Reverse(*worker)))?;
        let (validator, name) = self.names.get(worker)?;
        Some((format!("{validator}/{name}"), queue))
    }
}
