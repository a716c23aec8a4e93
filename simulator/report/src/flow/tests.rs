//! Tests of the flow graph: nothing is lost by grouping, and every format survives hostile names.

use petgraph::visit::EdgeRef;
use resvg::usvg::roxmltree::Document;

use super::{Level, csv, dot, graph, graphml, svg};
use crate::samples::{self, Traffic, synthetic};

#[test]
fn the_graph_has_the_messages_of_the_tables() {
    let flow = graph(&samples::lanes(), Level::Auto);
    let edges: Vec<(String, String, u64)> = flow
        .graph
        .edge_references()
        .map(|edge| {
            let name = |n: petgraph::graph::NodeIndex| flow.graph[n].name.clone();
            (
                name(edge.source()),
                name(edge.target()),
                edge.weight().messages,
            )
        })
        .collect();
    let expected = [
        ("A", "B"),
        ("B", "A"),
        ("B", "C"),
        ("B", "D"),
        ("C", "A"),
        ("C", "D"),
        ("D", "B"),
    ];
    assert_eq!(
        edges,
        expected.map(|(s, d)| (s.to_owned(), d.to_owned(), 1))
    );
    let bid = flow
        .graph
        .edge_weights()
        .find(|edge| edge.rejected == 1)
        .expect("the bid");
    assert_eq!(bid.amount_attos, 3_000_000_000_000_000_000);
}

#[test]
fn grouping_loses_no_message_and_no_chain() {
    for traffic in [Traffic::Uniform, Traffic::Communities, Traffic::Groups] {
        let tables = synthetic(1_000, 4_000, 10_000_000, traffic);
        let flow = graph(&tables, Level::Auto);
        let count = |number: usize| u64::try_from(number).expect("small");
        assert!(
            flow.graph.node_count() <= 40,
            "{} rows",
            flow.graph.node_count()
        );
        assert!(flow.graph.node_weights().all(|node| node.chains > 0));
        assert_eq!(
            flow.graph.node_weights().map(|n| n.chains).sum::<u64>(),
            1_000
        );
        let messages: u64 = flow.graph.edge_weights().map(|edge| edge.messages).sum();
        assert_eq!(messages, count(tables.messages.len()));
        let outcomes: u64 = flow
            .graph
            .edge_weights()
            .map(|e| e.accepted + e.rejected + e.waiting + e.in_flight)
            .sum();
        assert_eq!(outcomes, messages);
    }
}

#[test]
fn each_kind_of_traffic_is_grouped_by_what_it_has() {
    let note = |traffic| graph(&synthetic(1_000, 8_000, 10_000_000, traffic), Level::Auto).note;
    assert!(
        note(Traffic::Groups).contains("4 declared groups"),
        "{}",
        note(Traffic::Groups)
    );
    let communities = note(Traffic::Communities);
    assert!(
        communities.contains("communities found by traffic"),
        "{communities}"
    );
    let uniform = note(Traffic::Uniform);
    assert!(uniform.contains("ranges of neighbours"), "{uniform}");
}

#[test]
fn small_runs_are_rings_and_large_ones_matrices() {
    assert!(svg(&samples::lanes()).contains("Number in a circle"));
    assert!(svg(&synthetic(200, 600, 10_000_000, Traffic::Uniform)).contains("Rows send"));
}

#[test]
fn dot_quotes_what_would_end_a_string() {
    let text = dot(&samples::hostile(), Level::Chains);
    assert!(
        text.contains("label=\"<script>alert('1')</script>\\n2 blocks\""),
        "{text}"
    );
    assert!(text.contains("label=\"b \\\" -> c; ]]> &amp; "), "{text}");
    // Outside of quoted strings there is nothing but the language itself.
    for line in text.lines().filter(|line| !line.starts_with("//")) {
        let mut inside = false;
        let mut escaped = false;
        let mut bare = String::new();
        for c in line.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if inside => escaped = true,
                '"' => inside = !inside,
                c if !inside => bare.push(c),
                _ => {}
            }
        }
        assert!(!inside, "a string is left open: {line}");
        let plain = |c: char| c.is_ascii_alphanumeric() || " [](){},;=->_".contains(c);
        assert!(bare.chars().all(plain), "{bare}");
    }
}

#[test]
fn dot_ranks_chains_by_first_activity() {
    let mut tables = samples::lanes();
    tables.run.virtual_us = 12_000_000;
    let text = dot(&tables, Level::Chains);
    assert!(text.contains("{ rank=same; n0; n1; n2; n3; }"), "{text}");
    assert!(
        text.contains("n0 -> n1 [label=\"1 (10)\", weight=1, penwidth=1];"),
        "{text}"
    );
}

#[test]
fn graphml_declares_every_attribute_that_it_uses() {
    let text = graphml(&samples::hostile(), Level::Chains);
    let document = Document::parse(&text).expect("well-formed XML");
    let keys: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("key"))
        .filter_map(|node| node.attribute("id"))
        .collect();
    let mut data = document
        .descendants()
        .filter(|node| node.has_tag_name("data"));
    assert!(data.all(|node| node.attribute("key").is_some_and(|key| keys.contains(&key))));
    let nodes = document
        .descendants()
        .filter(|node| node.has_tag_name("node"))
        .count();
    let edges = document
        .descendants()
        .filter(|node| node.has_tag_name("edge"))
        .count();
    assert_eq!((nodes, edges), (4, 8));
}

#[test]
fn csv_reads_back_with_hostile_names() {
    let text = csv(&samples::hostile(), Level::Chains);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<::csv::StringRecord> = reader
        .records()
        .map(|row| row.expect("well-formed"))
        .collect();
    assert_eq!(rows.len(), 8);
    assert_eq!(rows[0].get(0), Some("<script>alert('1')</script>"));
}

#[test]
fn every_drawing_is_well_formed() {
    for tables in [
        samples::hostile(),
        analysis::tables::Tables::default(),
        synthetic(30, 200, 10_000_000, Traffic::Uniform),
        synthetic(500, 600, 10_000_000, Traffic::Groups),
    ] {
        let text = svg(&tables);
        Document::parse(&text).expect("well-formed XML");
    }
}
