//! The graph for other tools: DOT, GraphML and CSV.
//!
//! Invariant: names from the run are escaped for each format; node ids are `n0`, `n1`, ….

use std::collections::BTreeMap;
use std::fmt::Write as _;

use analysis::tables::Tables;
use petgraph::visit::EdgeRef;

use super::Flow;
use crate::header;
use crate::svg::escape;
use crate::text::{amount, grouped};

/// Slices of time that nodes are ranked by.
const SLOTS: i64 = 12;

pub(super) fn dot(tables: &Tables, flow: &Flow) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "// {}", comment(&header::name(tables)));
    let _ = writeln!(out, "// {}", comment(&flow.note));
    out.push_str(
        "// rank = time of first activity; edge label = messages (amount), width = messages\n\
         digraph flow {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"DejaVu Sans\"];\n  \
         edge [fontname=\"DejaVu Sans\", fontsize=10, color=\"#0072B2\"];\n",
    );
    let mut slots: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    let end = tables.run.virtual_us.max(1);
    for index in flow.graph.node_indices() {
        let node = &flow.graph[index];
        let _ = writeln!(
            out,
            "  n{} [label=\"{}\\n{} blocks\", tooltip=\"{}\"];",
            index.index(),
            quoted(&node.name),
            node.blocks,
            quoted(&node.group)
        );
        if let Some(at) = node.first_us {
            slots
                .entry(at.clamp(0, end) * SLOTS / end)
                .or_default()
                .push(index.index());
        }
    }
    for nodes in slots.values().filter(|nodes| nodes.len() > 1) {
        out.push_str("  { rank=same;");
        for node in nodes {
            let _ = write!(out, " n{node};");
        }
        out.push_str(" }\n");
    }
    for edge in flow.graph.edge_references() {
        let weight = edge.weight();
        let carried = match weight.amount_attos {
            0 => String::new(),
            attos => format!(" ({})", amount(attos)),
        };
        let style = if weight.rejected > 0 {
            ", color=\"#D55E00\""
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "  n{} -> n{} [label=\"{}{carried}\", weight={}, penwidth={}{style}];",
            edge.source().index(),
            edge.target().index(),
            grouped(u128::from(weight.messages)),
            weight.messages.min(1_000),
            1 + weight.messages.max(1).ilog2() / 2
        );
    }
    out.push_str("}\n");
    out
}

/// Text inside a DOT string: no escape sequence and no HTML entity of its own survives.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Text inside a line comment.
fn comment(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// (name, GraphML type) of the node attributes.
const NODE_KEYS: [(&str, &str); 7] = [
    ("name", "string"),
    ("group", "string"),
    ("chains", "long"),
    ("blocks", "long"),
    ("first_us", "long"),
    ("sent", "long"),
    ("addressed", "long"),
];

/// (name, GraphML type) of the edge attributes.
const EDGE_KEYS: [(&str, &str); 7] = [
    ("messages", "long"),
    ("amount_attos", "string"),
    ("accepted", "long"),
    ("rejected", "long"),
    ("waiting", "long"),
    ("in_flight", "long"),
    ("bouncing", "long"),
];

pub(super) fn graphml(tables: &Tables, flow: &Flow) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n",
    );
    for (target, keys) in [("node", &NODE_KEYS), ("edge", &EDGE_KEYS)] {
        for (name, kind) in keys {
            let _ = writeln!(
                out,
                "  <key id=\"{target}_{name}\" for=\"{target}\" attr.name=\"{name}\" attr.type=\"{kind}\">{}</key>",
                if default(name) {
                    "<default>0</default>"
                } else {
                    ""
                }
            );
        }
    }
    let title = escape(&format!("{}: {}", header::name(tables), flow.note));
    let _ = writeln!(
        out,
        "  <graph id=\"flow\" edgedefault=\"directed\">\n    <desc>{title}</desc>"
    );
    for index in flow.graph.node_indices() {
        let node = &flow.graph[index];
        let _ = write!(out, "    <node id=\"n{}\">", index.index());
        let first = node.first_us.map(|at| at.to_string());
        let values = [
            Some(escape(&node.name)),
            Some(escape(&node.group)),
            Some(node.chains.to_string()),
            Some(node.blocks.to_string()),
            first,
            Some(node.sent.to_string()),
            Some(node.addressed.to_string()),
        ];
        data(&mut out, "node", &NODE_KEYS, &values);
        out.push_str("</node>\n");
    }
    for edge in flow.graph.edge_references() {
        let (src, dst) = (edge.source().index(), edge.target().index());
        let _ = write!(out, "    <edge source=\"n{src}\" target=\"n{dst}\">");
        let values = edge_values(edge.weight()).map(Some);
        data(&mut out, "edge", &EDGE_KEYS, &values);
        out.push_str("</edge>\n");
    }
    out.push_str("  </graph>\n</graphml>\n");
    out
}

/// Whether the attribute is 0 when it is not given.
fn default(name: &str) -> bool {
    !matches!(name, "name" | "group" | "first_us" | "messages")
}

fn data(out: &mut String, target: &str, keys: &[(&str, &str)], values: &[Option<String>]) {
    for ((name, _), value) in keys.iter().zip(values) {
        // A default is left out: large graphs are mostly zeros.
        if let Some(value) = value
            .as_ref()
            .filter(|value| *value != "0" || !default(name))
        {
            let _ = write!(out, "<data key=\"{target}_{name}\">{value}</data>");
        }
    }
}

fn edge_values(edge: &super::Edge) -> [String; 7] {
    [
        edge.messages.to_string(),
        edge.amount_attos.to_string(),
        edge.accepted.to_string(),
        edge.rejected.to_string(),
        edge.waiting.to_string(),
        edge.in_flight.to_string(),
        edge.bouncing.to_string(),
    ]
}

pub(super) fn csv(flow: &Flow) -> String {
    let mut header = vec!["src", "dst"];
    header.extend(EDGE_KEYS.iter().map(|(name, _)| *name));
    let rows = flow.graph.edge_references().map(|edge| {
        let mut row = vec![
            flow.graph[edge.source()].name.clone(),
            flow.graph[edge.target()].name.clone(),
        ];
        row.extend(edge_values(edge.weight()));
        row
    });
    crate::tables::csv_text(&header, rows)
}
