//! Tests of the charts: the data is right, and the picture is sound XML with text as text.

use analysis::tables::{ScalingRow, Tables};
use resvg::usvg::roxmltree::Document;

use super::{Figure, latency, queues, throughput, workers};
use crate::samples::{self, Traffic, synthetic};

fn value(figure: &Figure, metric: &str, label: &str) -> Vec<(i64, String)> {
    let mut reader = csv::Reader::from_reader(figure.csv.as_bytes());
    reader
        .records()
        .map(|row| row.expect("well-formed"))
        .filter(|row| row.get(0) == Some(metric) && row.get(1) == Some(label))
        .map(|row| {
            let at = row.get(2).and_then(|t| t.parse().ok()).expect("an instant");
            (at, row.get(3).expect("a value").to_owned())
        })
        .collect()
}

#[test]
fn throughput_is_counted_per_second() {
    let figure = throughput(&samples::lanes());
    // Five bins of 200 ms: blocks confirmed at 130, 330, 560, 670, 720, 760 and 870 ms.
    let confirmed = value(&figure, "throughput_per_s", "blocks confirmed");
    let rates: Vec<&str> = confirmed.iter().map(|(_, rate)| rate.as_str()).collect();
    assert_eq!(rates, ["5", "5", "5", "15", "5"]);
    assert_eq!(confirmed[0].0, 100_000);
    assert!(
        figure
            .svg
            .contains("7 blocks/s confirmed, 5 messages/s received")
    );
}

#[test]
fn small_samples_have_no_quantiles_but_all_their_values() {
    let figure = latency(&samples::lanes());
    assert!(value(&figure, "confirmation_latency_us", "p50").is_empty());
    let single = value(&figure, "confirmation_latency_us", "single");
    assert_eq!(single.len(), 7);
    // From the scheduled instant where there is one: 58 to 130 ms.
    assert!(single.contains(&(58_000, "72000".to_owned())));
    assert!(figure.svg.contains("p50: n too small (7 of 20)"));
    assert!(figure.caption.contains("lanes@42"));
}

#[test]
fn large_samples_have_quantiles_in_order() {
    let tables = synthetic(100, 12_000, 100_000_000, Traffic::Uniform);
    let figure = latency(&tables);
    let line = |label| value(&figure, "confirmation_latency_us", label);
    let (p50, p95, p99) = (line("p50"), line("p95"), line("p99"));
    assert!(p99.len() >= 6, "{} bins have a p99", p99.len());
    for ((low, middle), high) in p50.iter().zip(&p95).zip(&p99) {
        let number = |row: &(i64, String)| row.1.parse::<i64>().expect("an integer");
        assert!(number(low) <= number(middle) && number(middle) <= number(high));
    }
    assert!(figure.svg.contains("are not drawn one by one"));
}

#[test]
fn queues_show_workers_and_inboxes() {
    let figure = queues(&samples::lanes());
    assert_eq!(value(&figure, "worker_queue", "longest").len(), 20);
    let busy = value(&figure, "worker_busy_percent", "busiest");
    assert!(
        busy.iter()
            .all(|(_, share)| share.parse::<f64>().expect("a number") <= 100.0)
    );
    let waits = value(&figure, "inbox_wait_us", "single");
    // Transfer 10 was in the inbox from 160 to 330 ms.
    assert!(waits.contains(&(330_000, "170000".to_owned())));
    assert_eq!(waits.len(), 5);
}

#[test]
fn workers_go_in_steps() {
    let mut tables = samples::lanes();
    let row = |validator: &str, t_us, change: &str, running| ScalingRow {
        validator: validator.to_owned(),
        t_us,
        change: change.to_owned(),
        running,
        ..ScalingRow::default()
    };
    tables.scaling = vec![
        row("v1", 0, "start", 3),
        row("v2", 0, "start", 2),
        row("v1", 400_000, "running", 2),
        row("v1", 600_000, "map", 4),
    ];
    let figure = workers(&tables);
    let steps = |name: &str| -> Vec<(i64, String)> { value(&figure, "workers_running", name) };
    let expected = [
        (0, 3),
        (400_000, 3),
        (400_000, 2),
        (600_000, 2),
        (600_000, 4),
        (1_000_000, 4),
    ];
    assert_eq!(
        steps("v1"),
        expected.map(|(at, count)| (at, count.to_string()))
    );
    assert_eq!(steps("v2").len(), 2);
    assert_eq!(value(&figure, "blocks_per_s", "confirmed").len(), 5);
}

#[test]
fn every_chart_is_well_formed_and_shades_the_faults() {
    for tables in [samples::lanes(), samples::hostile(), Tables::default()] {
        for figure in [
            throughput(&tables),
            latency(&tables),
            queues(&tables),
            workers(&tables),
        ] {
            let document = Document::parse(&figure.svg).expect("well-formed XML");
            let faults = document
                .descendants()
                .filter(|node| node.has_tag_name("title") && node.text() == Some("faults"))
                .count();
            assert_eq!(faults > 0, !tables.faults.is_empty());
            let plain = |node: &resvg::usvg::roxmltree::Node<'_, '_>| {
                node.text().is_none_or(|text| !text.contains('\n'))
            };
            assert!(
                document
                    .descendants()
                    .filter(|n| n.has_tag_name("text"))
                    .all(|n| plain(&n))
            );
        }
    }
}
