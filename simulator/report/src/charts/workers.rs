//! Load and workers over one time axis: what is offered and confirmed, how long it takes, and how
//! many workers each validator has.

use std::collections::BTreeMap;

use analysis::tables::Tables;

use super::plot::{Panel, Scale, document, duration_scale, linear_ticks};
use super::rates::{middle, quantile_lines, rate, summary};
use super::series::{Bins, Series, csv, rows, span};
use super::{Figure, provenance};
use crate::quantile::confirmation;
use crate::text::{plural, time};

/// Offered and confirmed blocks, confirmation latency, and running workers.
pub fn workers(tables: &Tables) -> Figure {
    let (from, to) = span(tables);
    let offered = instants(tables, |row| row.scheduled_us);
    let confirmed = instants(tables, |row| row.confirmed_us);
    let bins = Bins::new(from, to, (confirmed.len() / 20).clamp(5, 60));
    let line = |label: &str, style, instants: &[i64]| Series {
        label: label.to_owned(),
        points: rate(&bins, instants),
        style,
    };
    let load = [
        line("confirmed", 0, &confirmed),
        line("offered", 1, &offered),
    ];
    let (load_scale, load_step) = Scale::linear(most(&load) / 10 * 11);
    let latencies: Vec<(i64, i64)> = tables
        .blocks
        .iter()
        .filter_map(|row| {
            let start = row.scheduled_us.unwrap_or(row.proposed_us);
            Some((start, row.confirmed_us? - start))
        })
        .collect();
    let latency = quantile_lines(&bins, &latencies, &[(500, "p50"), (950, "p95")]);
    let least = latencies.iter().map(|one| one.1).min().unwrap_or(1);
    let (latency_scale, unit, latency_ticks) =
        duration_scale(most(&latency).max(1), middle(&latencies), least);
    let running = running(tables, to);
    // Room for the names of faults.
    let (workers_scale, workers_step) = Scale::linear(most(&running) * 6 / 5);
    let log = if matches!(latency_scale, Scale::Log { .. }) {
        ", log scale"
    } else {
        ""
    };
    let latency_quantity = format!("confirmation latency ({unit}{log})");
    let panels = [
        Panel {
            quantity: "blocks (per second)",
            series: &load,
            dots: &[],
            scale: load_scale,
            ticks: linear_ticks(load_scale.top(), load_step, 3),
            empty: "nothing was confirmed",
        },
        Panel {
            quantity: &latency_quantity,
            series: &latency,
            dots: &[],
            scale: latency_scale,
            ticks: latency_ticks,
            empty: "too few blocks for quantiles",
        },
        Panel {
            quantity: "workers that are up (of each validator)",
            series: &running,
            dots: &[],
            scale: workers_scale,
            ticks: linear_ticks(workers_scale.top(), workers_step, 0),
            empty: "no validator is known",
        },
    ];
    let notes = notes(tables, &bins);
    let title = "Load and workers";
    let svg = document(tables, "workers", title, &notes, (from, to), &panels);
    let mut data = rows("blocks_per_s", &load, 3);
    data.extend(rows("confirmation_latency_us", &latency, 0));
    data.extend(rows("workers_running", &running, 0));
    let caption = format!(
        "Offered and confirmed blocks, confirmation latency, and workers that are up, over virtual \
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

fn instants(tables: &Tables, of: impl Fn(&analysis::tables::BlockRow) -> Option<i64>) -> Vec<i64> {
    tables.blocks.iter().filter_map(of).collect()
}

fn most(series: &[Series]) -> i64 {
    let points = series.iter().flat_map(|one| &one.points);
    points.filter_map(|point| point.1).max().unwrap_or(0)
}

/// The steps of each validator: level from one change to the next.
fn running(tables: &Tables, to: i64) -> Vec<Series> {
    let mut steps: BTreeMap<&str, Vec<(i64, Option<i64>)>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for row in tables.scaling.iter().filter(|row| row.t_us <= to) {
        let points = steps.entry(&row.validator).or_insert_with(|| {
            order.push(&row.validator);
            Vec::new()
        });
        if let Some((_, before)) = points.last().copied() {
            points.push((row.t_us, before));
        }
        points.push((row.t_us, Some(i64::from(row.running))));
    }
    let one = |(style, name): (usize, &str)| {
        let mut points = steps.remove(name).unwrap_or_default();
        if let Some((_, last)) = points.last().copied() {
            points.push((to, last));
        }
        Series {
            label: name.to_owned(),
            points,
            style,
        }
    };
    order.into_iter().enumerate().map(one).collect()
}

fn notes(tables: &Tables, bins: &Bins) -> Vec<String> {
    let decided = |cause: &str| {
        let rows = tables.scaling.iter();
        rows.filter(|row| row.change == "decided" && row.cause == cause)
            .count()
    };
    vec![
        format!(
            "Confirmation: {} Bins of {}.",
            summary(&confirmation(tables)),
            time(bins.width)
        ),
        format!(
            "{} for more workers, {} for fewer, {} to replace lost ones.",
            plural(decided("busy"), "decision"),
            decided("idle"),
            decided("lost")
        ),
    ]
}
