//! Throughput against workers, beside what the most loaded worker allows.

use super::Figure;
use super::plot::{Panel, Scale, Sheet, axis_of, linear_ticks, log2};
use super::series::Series;
use crate::axis::{Tick, scaled_label};
use crate::sweep::{SweepPoint, points_csv};

/// The chart of a sweep over numbers of workers. `of` names the scenario, `facts` the seeds.
pub fn scaling(of: &str, facts: &str, points: &[SweepPoint]) -> Figure {
    let at = |point: &SweepPoint| log2(i64::from(point.workers));
    let (first, last) = (points.first().map_or(0, at), points.last().map_or(1, at));
    // A little room, so that the first and the last value do not lie on the edges.
    let room = ((last - first) / 24).max(1_000);
    let span = (first - room, last + room);
    let axis = axis_of(span.0, span.1);
    let ticks = points.iter().map(|point| Tick {
        x: axis.x(at(point)),
        label: point.workers.to_string(),
    });
    let line = |label: &str, style, value: fn(&SweepPoint) -> u64| Series {
        label: label.to_owned(),
        points: points
            .iter()
            .map(|point| (at(point), i64::try_from(value(point)).ok()))
            .collect(),
        style,
    };
    let rates = [
        line("measured", 0, |point| point.throughput),
        line("bound", 1, |point| point.bound),
        line("linear", 3, |point| point.ideal),
    ];
    let values = || {
        rates
            .iter()
            .flat_map(|one| &one.points)
            .filter_map(|one| one.1)
    };
    let (least, most) = (values().min().unwrap_or(1), values().max().unwrap_or(1));
    let (scale, rate_ticks) = log_scale(least.max(1), most.max(2));
    let parts = [line("of the bound", 0, |point| point.of_bound / 1_000)];
    let highest = parts[0]
        .points
        .iter()
        .filter_map(|one| one.1)
        .max()
        .unwrap_or(0);
    let (part_scale, part_step) = Scale::linear(highest.max(1_000));
    let panels = [
        Panel {
            quantity: "confirmed blocks (per second, log scale)",
            series: &rates,
            dots: &[],
            scale,
            ticks: rate_ticks,
            empty: "no point was run",
        },
        Panel {
            quantity: "part of the bound (%)",
            series: &parts,
            dots: &[],
            scale: part_scale,
            ticks: linear_ticks(part_scale.top(), part_step, 1),
            empty: "no point was run",
        },
    ];
    let worst = points.iter().min_by_key(|point| point.of_bound);
    let worst = worst.map_or(String::new(), |point| {
        let percent = scaled_label(i64::try_from(point.of_bound / 1_000).unwrap_or(0), 1);
        format!(
            " Least part of the bound: {percent} % at {} workers.",
            point.workers
        )
    });
    let notes = [format!(
        "Bound: what one worker that never rests does, times the work of all workers of a validator over \
         that of the most loaded one. Linear: the fewest workers, times their number.{worst}"
    )];
    let sheet = Sheet {
        name: "scaling",
        title: "Throughput against workers",
        of: of.to_owned(),
        facts: facts.to_owned(),
        notes: &notes,
        span,
        ticks: ticks.collect(),
        axis: axis_of(span.0, span.1),
        across: "workers of each validator (log scale)".to_owned(),
        faults: &[],
    };
    let svg = sheet.draw(&panels);
    let caption = format!(
        "Throughput at saturation against workers. {} {of}, {facts}.\n",
        notes[0]
    );
    Figure {
        svg,
        csv: points_csv(points),
        caption,
    }
}

/// From the step below the least value to the step above the most, in steps of 1, 2, 5, 10, ...
fn log_scale(least: i64, most: i64) -> (Scale, Vec<(i64, String)>) {
    let mut steps = vec![1_i64];
    while steps.last().is_some_and(|last| *last < most) {
        let last = steps.last().copied().unwrap_or(1);
        let lead = last / 10_i64.pow(last.ilog10());
        steps.push(if lead == 2 { last / 2 * 5 } else { last * 2 });
    }
    let first = steps.iter().rposition(|step| *step <= least).unwrap_or(0);
    let steps = &steps[first..];
    let scale = Scale::Log {
        bottom: steps[0],
        top: steps[steps.len() - 1].max(steps[0] * 2),
    };
    let ticks = steps.iter().map(|step| (*step, scaled_label(*step, 3)));
    (scale, ticks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_scale_has_round_steps_around_all_values() {
        let (scale, ticks) = log_scale(270_000, 9_000_000);
        assert_eq!(
            scale,
            Scale::Log {
                bottom: 200_000,
                top: 10_000_000
            }
        );
        let labels: Vec<&str> = ticks.iter().map(|tick| tick.1.as_str()).collect();
        assert_eq!(labels, ["200", "500", "1,000", "2,000", "5,000", "10,000"]);
    }

    #[test]
    fn the_chart_names_its_curves() {
        let point = |workers, throughput, bound| SweepPoint {
            name: format!("w{workers}"),
            workers,
            runs: 1,
            throughput,
            bound,
            ideal: u64::from(workers) * 100_000,
            of_bound: throughput * 1_000_000 / bound,
        };
        let points = [point(1, 100_000, 100_000), point(4, 330_000, 350_000)];
        let figure = scaling("scaling", "1 seed", &points);
        for text in ["measured", "bound", "linear", "94.2 % at 4 workers", ">4<"] {
            assert!(figure.svg.contains(text), "{text}");
        }
        assert!(figure.csv.starts_with("point,workers,runs,blocks_per_s"));
    }
}
