//! The message-flow graph: chains (or groups of chains) as nodes, messages as weighted edges.
//!
//! As a petgraph graph, as DOT, as GraphML, and drawn: a ring of nodes while there are few, a
//! matrix of senders and recipients beyond that. Invariant: aggregation is deterministic, loses no
//! message, and every output names what it aggregated.

mod communities;
mod export;
mod graph;
mod grouping;
mod matrix;
mod ring;

use analysis::tables::Tables;
use petgraph::graph::DiGraph;

use crate::names::Names;
use crate::text::plural;
pub use graph::{Edge, Node};

/// Above this many chains, [`Level::Auto`] draws groups instead of chains.
const MAX_CHAINS_DRAWN: usize = 48;
/// Up to this many chains the drawing is a ring.
const MAX_RING: usize = 24;
/// Above this many edges the GraphML of a run has groups (70 MB are no use to anybody).
const MAX_GRAPHML_EDGES: usize = 50_000;
/// Up to this many edges the drawing is a ring: each of them has its number.
const MAX_RING_EDGES: usize = 40;

/// What the nodes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Chains while a reader can tell them apart, groups beyond that.
    #[default]
    Auto,
    /// Always chains.
    Chains,
    /// Always groups.
    Groups,
}

/// The message flow of a run.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Nodes in a fixed order (that of the tables, or of the groups), edges by sender, recipient.
    pub graph: DiGraph<Node, Edge>,
    /// Says in words what a node is and what was aggregated.
    pub note: String,
}

/// The flow graph at the given level.
pub fn graph(tables: &Tables, level: Level) -> Flow {
    let names = Names::of(tables);
    let chains = graph::chain_graph(tables, &names);
    view(&names, chains, level)
}

fn view(names: &Names<'_>, chains: DiGraph<Node, Edge>, level: Level) -> Flow {
    let grouped = match level {
        Level::Chains => false,
        Level::Groups => true,
        Level::Auto => names.len() > MAX_CHAINS_DRAWN,
    };
    if grouped {
        let grouping = grouping::group(names, &chains);
        Flow {
            graph: graph::quotient(&chains, &grouping),
            note: grouping.note,
        }
    } else {
        let note = format!(
            "A node for every one of the {}.",
            plural(names.len(), "chain")
        );
        Flow {
            graph: chains,
            note,
        }
    }
}

/// The graph in the DOT language, chains of the same time of first activity on one rank.
pub fn dot(tables: &Tables, level: Level) -> String {
    export::dot(tables, &graph(tables, level))
}

/// The graph as GraphML with typed attributes.
pub fn graphml(tables: &Tables, level: Level) -> String {
    export::graphml(tables, &graph(tables, level))
}

/// The edges as CSV, one row for each sender and recipient.
pub fn csv(tables: &Tables, level: Level) -> String {
    export::csv(&graph(tables, level))
}

/// The drawing, with the busiest chains and pairs in numbers beside it.
pub fn svg(tables: &Tables) -> String {
    let chains = graph(tables, Level::Chains);
    let spots = graph::hot_spots(&chains.graph);
    draw(
        tables,
        &view(&Names::of(tables), chains.graph, Level::Auto),
        &spots,
    )
}

fn draw(tables: &Tables, flow: &Flow, spots: &graph::HotSpots) -> String {
    if flow.graph.node_count() <= MAX_RING && flow.graph.edge_count() <= MAX_RING_EDGES {
        ring::svg(tables, flow, spots)
    } else {
        matrix::svg(tables, flow, spots)
    }
}

/// Everything about the flow by file ending, with the graph built once: the drawing and the DOT
/// at the level that can be read, CSV with every chain, GraphML too unless it would be huge.
pub(crate) fn files(tables: &Tables) -> (String, Vec<(&'static str, String)>) {
    let names = Names::of(tables);
    let chains = Flow {
        graph: graph::chain_graph(tables, &names),
        note: format!(
            "A node for every one of the {}.",
            plural(names.len(), "chain")
        ),
    };
    let spots = graph::hot_spots(&chains.graph);
    let csv = export::csv(&chains);
    let small = chains.graph.edge_count() <= MAX_GRAPHML_EDGES;
    let graphml = small.then(|| export::graphml(tables, &chains));
    let mut flow = view(&names, chains.graph, Level::Auto);
    let svg = draw(tables, &flow, &spots);
    let graphml = graphml.unwrap_or_else(|| {
        flow.note.push_str(" The CSV beside it has every chain.");
        export::graphml(tables, &flow)
    });
    (
        svg,
        vec![
            ("dot", export::dot(tables, &flow)),
            ("graphml", graphml),
            ("csv", csv),
        ],
    )
}

#[cfg(test)]
mod tests;
