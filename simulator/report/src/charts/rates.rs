//! Throughput and confirmation latency.

use analysis::tables::Tables;

use super::plot::{Panel, Scale, document, duration_scale, linear_ticks};
use super::series::{Bins, Series, csv, rows, span};
use super::{Figure, provenance};
use crate::quantile::{Sample, confirmation, needed, quantile_us};
use crate::text::{count, int, plural, time};

/// Most single values that are drawn as dots.
pub(super) const MAX_DOTS: usize = 5_000;

/// Offered blocks, confirmed blocks and received messages per second.
pub fn throughput(tables: &Tables) -> Figure {
    let (from, to) = span(tables);

    let offered: Vec<i64> = tables
        .blocks
        .iter()
        .filter_map(|row| row.scheduled_us)
        .collect();
    let confirmed: Vec<i64> = tables
        .blocks
        .iter()
        .filter_map(|row| row.confirmed_us)
        .collect();
    let received: Vec<i64> = tables
        .messages
        .iter()
        .filter_map(|row| row.received_us)
        .collect();
    // Few events in narrow bins would be a row of spikes, not a rate.
    let most = confirmed.len().max(received.len());
    let bins = Bins::new(from, to, (most / 4).clamp(5, 60));
    let mut series = Vec::new();
    for (label, style, instants) in [
        ("blocks confirmed", 0, &confirmed),
        ("blocks offered", 1, &offered),
        ("messages received", 2, &received),
    ] {
        if !instants.is_empty() {
            series.push(Series {
                label: label.to_owned(),
                points: rate(&bins, instants),
                style,
            });
        }
    }
    let most = series
        .iter()
        .flat_map(|s| &s.points)
        .filter_map(|p| p.1)
        .max()
        .unwrap_or(0);
    let (scale, step) = Scale::linear(most);
    let top = match scale {
        Scale::Linear { top } | Scale::Log { top, .. } => top,
    };
    let mean = |number: usize| crate::text::fixed(mean_rate(number, to - from), 1);
    let mut note = format!(
        "Mean over {}: {} blocks/s confirmed, {} messages/s received",
        time(to - from),
        mean(confirmed.len()),
        mean(received.len())
    );
    if !offered.is_empty() {
        note.push_str(&format!(", {} blocks/s offered", mean(offered.len())));
    }
    note.push_str(&format!(". Bins of {}.", time(bins.width)));
    let panel = Panel {
        quantity: "blocks and messages (per second)",
        series: &series,
        dots: &[],
        scale,
        ticks: linear_ticks(top, step, 3),
        empty: "nothing was confirmed",
    };
    let svg = document(
        tables,
        "throughput",
        "Throughput",
        &[note.clone()],
        (from, to),
        &[panel],
    );
    let caption = format!(
        "Throughput over virtual time: {} offered, {} confirmed, {} received. {note} {}\n",
        plural(offered.len(), "block"),
        plural(confirmed.len(), "block"),
        plural(received.len(), "message"),
        provenance(tables)
    );
    Figure {
        svg,
        csv: csv(rows("throughput_per_s", &series, 3)),
        caption,
    }
}

/// Events per second in each bin, in thousandths.
pub(super) fn rate(bins: &Bins, instants: &[i64]) -> Vec<(i64, Option<i64>)> {
    let counted = bins.collect(instants.iter().map(|at| (*at, 1)));
    counted
        .iter()
        .enumerate()
        .map(|(bin, values)| {
            let (start, end) = bins.range(bin);
            let rate =
                i128::from(int(values.len())) * 1_000_000_000 / i128::from((end - start).max(1));
            (
                bins.middle(bin),
                Some(i64::try_from(rate).unwrap_or(i64::MAX)),
            )
        })
        .collect()
}

/// Events per second over a stretch, in tenths.
pub(crate) fn mean_rate(number: usize, us: i64) -> u128 {
    let us = u128::from(us.max(1).unsigned_abs());
    u128::try_from(number).unwrap_or(0) * 10_000_000 / us
}

/// Confirmation latency over time: quantiles where there are enough values, single values behind.
pub fn latency(tables: &Tables) -> Figure {
    let (from, to) = span(tables);
    let open_loop = tables.blocks.iter().any(|row| row.scheduled_us.is_some());
    let values: Vec<(i64, i64)> = tables
        .blocks
        .iter()
        .filter_map(|row| {
            let start = row.scheduled_us.unwrap_or(row.proposed_us);
            let end = row.confirmed_us?;
            (start >= tables.run.warmup_us).then_some((start, end - start))
        })
        .collect();
    let sample = confirmation(tables);
    // Wide enough for the 99th percentile when that leaves a line, else for the 95th.
    let wanted = match values.len() / 1_000 {
        0..6 => (values.len() / 200).clamp(1, 20),
        thousands => thousands.min(40),
    };
    let bins = Bins::new(from, to, wanted);
    let series = quantile_lines(&bins, &values, &[(500, "p50"), (950, "p95"), (990, "p99")]);
    let dots: &[(i64, i64)] = if values.len() <= MAX_DOTS {
        &values
    } else {
        &[]
    };
    let least = values.iter().map(|v| v.1).min().unwrap_or(1);
    let drawn = series.iter().flat_map(|s| &s.points).filter_map(|p| p.1);
    let most = drawn.chain(dots.iter().map(|d| d.1)).max().unwrap_or(1);
    let typical = middle(&values);
    let (scale, unit, ticks) = duration_scale(most, typical, least);
    let log = if matches!(scale, Scale::Log { .. }) {
        ", log scale"
    } else {
        ""
    };
    let quantity = format!("confirmation latency ({unit}{log})");
    let since = if open_loop {
        "from the scheduled instant"
    } else {
        "from the proposal"
    };
    let mut note = format!("{} Measured {since}.", summary(&sample));
    if !dots.is_empty() {
        note.push_str(" Dots: one block each.");
    }
    if dots.is_empty() && !values.is_empty() {
        note.push_str(&format!(
            " {} are not drawn one by one.",
            plural(values.len(), "value")
        ));
    }
    if series
        .iter()
        .any(|s| s.points.iter().any(|p| p.1.is_some()))
    {
        note.push_str(&format!(" Quantiles of bins of {}.", time(bins.width)));
    }
    let panel = Panel {
        quantity: &quantity,
        series: &series,
        dots,
        scale,
        ticks,
        empty: "nothing was confirmed",
    };
    let title = "Confirmation latency";
    let svg = document(
        tables,
        "latency",
        title,
        &[note.clone()],
        (from, to),
        &[panel],
    );
    let mut data = rows("confirmation_latency_us", &series, 0);
    let single = Series {
        label: "single".to_owned(),
        points: values
            .iter()
            .map(|(at, value)| (*at, Some(*value)))
            .collect(),
        style: 0,
    };
    data.extend(rows("confirmation_latency_us", &[single], 0));
    let caption = format!(
        "Confirmation latency over virtual time. {note} {}\n",
        provenance(tables)
    );
    Figure {
        svg,
        csv: csv(data),
        caption,
    }
}

/// The value in the middle, whatever the size of the sample: only to choose a scale.
pub(super) fn middle(values: &[(i64, i64)]) -> i64 {
    let mut sorted: Vec<i64> = values.iter().map(|value| value.1).collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(1)
}

/// A line for each quantile, with a gap where a bin has too few values.
pub(super) fn quantile_lines(
    bins: &Bins,
    values: &[(i64, i64)],
    wanted: &[(i64, &str)],
) -> Vec<Series> {
    let samples: Vec<Sample> = bins
        .collect(values.iter().copied())
        .into_iter()
        .map(|values| Sample::new(values, 0))
        .collect();
    wanted
        .iter()
        .enumerate()
        .map(|(style, (thousandths, label))| Series {
            label: (*label).to_owned(),
            points: samples
                .iter()
                .enumerate()
                .map(|(bin, sample)| (bins.middle(bin), quantile_us(sample, *thousandths)))
                .collect(),
            style,
        })
        .collect()
}

/// `p50 96 ms · p95 241 ms · p99 n too small (312 of 1,000) · max 1.3 s · n = 312`.
pub(crate) fn summary(sample: &Sample) -> String {
    let mut parts = Vec::new();
    for (thousandths, label) in [(500, "p50"), (950, "p95"), (990, "p99")] {
        parts.push(match quantile_us(sample, thousandths) {
            Some(value) => format!("{label} {}", time(value)),
            None => format!(
                "{label}: n too small ({} of {})",
                count(sample.len()),
                count(usize::try_from(needed(thousandths)).unwrap_or(0),)
            ),
        });
    }
    parts.extend(sample.max().map(|value| format!("max {}", time(value))));
    parts.push(format!("n = {}", count(sample.len())));
    let unfinished = match sample.unfinished {
        0 => String::new(),
        n => format!(", {} unfinished at the end", count(n)),
    };
    format!("{}{unfinished}.", parts.join(" · "))
}
