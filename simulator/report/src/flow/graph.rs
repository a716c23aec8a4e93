//! Building the graph: one node a chain, one edge a (sender, recipient), and its quotient.

use analysis::tables::{MessageOutcome, MessageRow, Tables};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::grouping::Grouping;
use crate::names::Names;
use crate::text::parse_attos;

/// A chain, or a group of chains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Name of the chain or of the group.
    pub name: String,
    /// Declared group.
    pub group: String,
    /// Number of chains.
    pub chains: u64,
    /// Confirmed blocks.
    pub blocks: u64,
    /// First proposal or arrival, in virtual microseconds.
    pub first_us: Option<i64>,
    /// Messages sent.
    pub sent: u64,
    /// Messages addressed to it.
    pub addressed: u64,
}

/// All messages from one node to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// Number of messages.
    pub messages: u64,
    /// Sum of what they carry, in attos (all applications together).
    pub amount_attos: u128,
    /// Taken in and executed.
    pub accepted: u64,
    /// Taken in and refused.
    pub rejected: u64,
    /// In the inbox, never taken in.
    pub waiting: u64,
    /// Sent, and not in the inbox of a quorum.
    pub in_flight: u64,
    /// Of all of these, the ones that bounce back.
    pub bouncing: u64,
}

impl Edge {
    fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.amount_attos = self.amount_attos.saturating_add(other.amount_attos);
        self.accepted += other.accepted;
        self.rejected += other.rejected;
        self.waiting += other.waiting;
        self.in_flight += other.in_flight;
        self.bouncing += other.bouncing;
    }
}

pub(super) fn chain_graph(tables: &Tables, names: &Names<'_>) -> DiGraph<Node, Edge> {
    let mut nodes: Vec<Node> = names
        .names
        .iter()
        .zip(&names.groups)
        .map(|(name, group)| Node {
            name: (*name).to_owned(),
            group: (*group).to_owned(),
            chains: 1,
            ..Node::default()
        })
        .collect();
    let see = |node: &mut Node, at: i64| {
        node.first_us = Some(node.first_us.map_or(at, |first| first.min(at)));
    };
    for (row, chain) in tables.blocks.iter().zip(&names.block_chain) {
        nodes[*chain].blocks += u64::from(row.confirmed_us.is_some());
        see(&mut nodes[*chain], row.proposed_us);
    }
    for (row, (src, dst)) in tables.messages.iter().zip(&names.ends) {
        nodes[*src].sent += 1;
        nodes[*dst].addressed += 1;
        row.delivered_quorum_us
            .iter()
            .for_each(|at| see(&mut nodes[*dst], *at));
    }
    let edges = names
        .ends
        .iter()
        .zip(&tables.messages)
        .map(|(ends, row)| (*ends, edge_of(row)));
    assemble(nodes, edges)
}

/// The graph of the groups.
pub(super) fn quotient(chains: &DiGraph<Node, Edge>, grouping: &Grouping) -> DiGraph<Node, Edge> {
    let mut nodes: Vec<Node> = grouping
        .names
        .iter()
        .map(|name| Node {
            name: name.clone(),
            group: name.clone(),
            ..Node::default()
        })
        .collect();
    for (chain, part) in chains.node_weights().zip(&grouping.part_of) {
        let node = &mut nodes[*part];
        node.chains += 1;
        node.blocks += chain.blocks;
        node.sent += chain.sent;
        node.addressed += chain.addressed;
        node.first_us = match (node.first_us, chain.first_us) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    let edges = chains.edge_references().map(|edge| {
        let (src, dst) = (edge.source().index(), edge.target().index());
        (
            (grouping.part_of[src], grouping.part_of[dst]),
            edge.weight().clone(),
        )
    });
    assemble(nodes, edges)
}

/// A single message as an edge.
fn edge_of(row: &MessageRow) -> Edge {
    let mut one = Edge {
        messages: 1,
        amount_attos: parse_attos(&row.amount_attos).unwrap_or(0),
        bouncing: u64::from(row.kind == "bouncing"),
        ..Edge::default()
    };
    match row.outcome {
        MessageOutcome::InFlight => one.in_flight = 1,
        MessageOutcome::Waiting => one.waiting = 1,
        // It is neither waiting nor taken in: the whole less the parts.
        MessageOutcome::Skipped => {}
        MessageOutcome::Accepted => one.accepted = 1,
        MessageOutcome::Rejected => one.rejected = 1,
    }
    one
}

/// The graph of the nodes, with the edges between the same two ends added together.
fn assemble(
    nodes: Vec<Node>,
    edges: impl Iterator<Item = ((usize, usize), Edge)>,
) -> DiGraph<Node, Edge> {
    let mut edges: Vec<((usize, usize), Edge)> = edges.collect();
    edges.sort_by_key(|edge| edge.0);
    edges.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1.add(&next.1);
        }
        same
    });
    let mut graph = DiGraph::with_capacity(nodes.len(), edges.len());
    for node in nodes {
        graph.add_node(node);
    }
    for ((src, dst), edge) in edges {
        graph.add_edge(NodeIndex::new(src), NodeIndex::new(dst), edge);
    }
    graph
}

/// The busiest chains and pairs of chains.
pub(super) struct HotSpots {
    pub(super) total: u64,
    pub(super) senders: Vec<(String, u64)>,
    pub(super) recipients: Vec<(String, u64)>,
    pub(super) pairs: Vec<(String, u64)>,
}

/// How many of each kind are listed.
const LISTED: usize = 8;

/// From the graph of the chains.
pub(super) fn hot_spots(chains: &DiGraph<Node, Edge>) -> HotSpots {
    let of_nodes = |number: &dyn Fn(&Node) -> u64| {
        let counts = chains
            .node_indices()
            .map(|index| (index, number(&chains[index])));
        top(counts)
            .into_iter()
            .map(|(index, n)| (chains[index].name.clone(), n))
            .collect()
    };
    let pairs = chains
        .edge_references()
        .map(|e| ((e.source(), e.target()), e.weight().messages));
    HotSpots {
        total: chains.node_weights().map(|node| node.sent).sum(),
        senders: of_nodes(&|node| node.sent),
        recipients: of_nodes(&|node| node.addressed),
        pairs: top(pairs)
            .into_iter()
            .map(|((src, dst), n)| (format!("{} → {}", chains[src].name, chains[dst].name), n))
            .collect(),
    }
}

/// The greatest counts, ties in key order.
fn top<K: Ord + Copy>(counts: impl Iterator<Item = (K, u64)>) -> Vec<(K, u64)> {
    let mut rows: Vec<(K, u64)> = counts.filter(|(_, number)| *number > 0).collect();
    rows.sort_by_key(|(key, number)| (std::cmp::Reverse(*number), *key));
    rows.truncate(LISTED);
    rows
}
