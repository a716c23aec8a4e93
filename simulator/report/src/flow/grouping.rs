//! Which chains share a node when there are too many to tell apart.
//!
//! Invariant: every chain is in exactly one part, the parts have a fixed order, and the note says
//! how they came about. Declared groups win over communities, communities over plain ranges.

use std::collections::BTreeMap;

use petgraph::graph::DiGraph;
use petgraph::visit::EdgeRef;

use super::communities::communities;
use super::graph::{Edge, Node};
use crate::names::Names;
use crate::text::{count, int, plural};

/// Rows that a matrix can have and still be read.
const MAX_PARTS: usize = 32;
/// Large declared groups are cut so that there are about this many parts.
const WANTED_PARTS: usize = 20;
/// Chains with so great a share of the messages (one in this many) keep a node of their own.
const HOT_SHARE: u64 = 50;
/// At most so many of these.
const MAX_HOT: usize = 6;

/// A partition of the chains.
pub(super) struct Grouping {
    pub(super) part_of: Vec<usize>,
    pub(super) names: Vec<String>,
    pub(super) note: String,
}

pub(super) fn group(names: &Names<'_>, chains: &DiGraph<Node, Edge>) -> Grouping {
    let hot = hot_chains(chains);
    let mut declared: Vec<&str> = Vec::new();
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    for group in &names.groups {
        place.entry(group).or_insert_with(|| {
            declared.push(group);
            declared.len() - 1
        });
    }
    let base = if (2..=MAX_PARTS).contains(&declared.len()) {
        by_declaration(names, &declared, &place)
    } else {
        by_traffic(names, chains)
    };
    with_hot(names, base, &hot)
}

/// Chains that send or are sent a large share of all messages, busiest first.
fn hot_chains(chains: &DiGraph<Node, Edge>) -> Vec<usize> {
    let total: u64 = chains.node_weights().map(|node| node.sent).sum();
    let mut hot: Vec<(u64, usize)> = chains
        .node_weights()
        .enumerate()
        .map(|(chain, node)| (node.sent.max(node.addressed), chain))
        .filter(|(busy, _)| total > 0 && *busy * HOT_SHARE >= total)
        .collect();
    hot.sort_by_key(|(busy, chain)| (std::cmp::Reverse(*busy), *chain));
    hot.into_iter()
        .take(MAX_HOT)
        .map(|(_, chain)| chain)
        .collect()
}

/// The declared groups; large ones are cut into ranges while there is room for more rows.
fn by_declaration(names: &Names<'_>, declared: &[&str], place: &BTreeMap<&str, usize>) -> Grouping {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); declared.len()];
    for (chain, group) in names.groups.iter().enumerate() {
        if let Some(at) = place.get(group) {
            members[*at].push(chain);
        }
    }
    let room = WANTED_PARTS.saturating_sub(declared.len());
    let mut part_of = vec![0; names.len()];
    let mut parts = Vec::new();
    let mut cut = 0;
    for (group, chains) in declared.iter().zip(&members) {
        let pieces =
            1 + (room * chains.len() / names.len().max(1)).min(chains.len().saturating_sub(1));
        cut += usize::from(pieces > 1);
        for (piece, range) in ranges(chains.len(), pieces).into_iter().enumerate() {
            for chain in &chains[range.clone()] {
                part_of[*chain] = parts.len();
            }
            let size = plural(range.len(), "chain");
            let number = if pieces > 1 {
                format!(" {}/{pieces}", piece + 1)
            } else {
                String::new()
            };
            parts.push(if chains.len() == 1 {
                (*group).to_owned()
            } else {
                format!("{group}{number} ({size})")
            });
        }
    }
    let cut_note = if cut > 0 {
        format!(
            ", {} of them cut into ranges of chains in order of the tables",
            count(cut)
        )
    } else {
        String::new()
    };
    let note = format!(
        "{} in {}{cut_note}.",
        plural(names.len(), "chain"),
        plural(declared.len(), "declared group")
    );
    Grouping {
        part_of,
        names: parts,
        note,
    }
}

/// Communities when they hold most of the traffic, else ranges of chains.
fn by_traffic(names: &Names<'_>, chains: &DiGraph<Node, Edge>) -> Grouping {
    let edges: Vec<(usize, usize, i128)> = chains
        .edge_references()
        .map(|e| {
            (
                e.source().index(),
                e.target().index(),
                i128::from(e.weight().messages),
            )
        })
        .collect();
    let community = communities(names.len(), &edges);
    let size = community.iter().max().map_or(0, |last| last + 1);
    let mut traffic: Vec<(i128, usize)> = (0..size).map(|number| (0, number)).collect();
    let mut members = vec![0_usize; size];
    for number in &community {
        members[*number] += 1;
    }
    let (mut total, mut inside) = (0, vec![0_i128; size]);
    for (src, dst, weight) in &edges {
        total += weight;
        traffic[community[*src]].0 += weight;
        if community[*src] == community[*dst] {
            inside[community[*src]] += weight;
        }
    }
    traffic.sort_by_key(|(weight, number)| (std::cmp::Reverse(*weight), *number));
    traffic.truncate(MAX_PARTS - 1);
    let held: i128 = traffic.iter().map(|(_, number)| inside[*number]).sum();
    // Communities of random traffic are many and leaky; then a plain cut is the honest one.
    if traffic.len() < 2 || held * 2 < total {
        return by_range(names);
    }
    let mut part_of_community: Vec<usize> = vec![traffic.len(); size];
    let mut parts = Vec::new();
    for (part, (_, number)) in traffic.iter().enumerate() {
        part_of_community[*number] = part;
        let first = community.iter().position(|c| c == number).unwrap_or(0);
        let others = members[*number] - 1;
        parts.push(match others {
            0 => names.names[first].to_owned(),
            _ => format!("{} + {}", names.names[first], count(others)),
        });
    }
    let rest = size - traffic.len();
    let mut note = format!(
        "{} in {} found by traffic (Louvain); a community is named by its first chain",
        plural(names.len(), "chain"),
        count(size).to_string() + " communities"
    );
    if rest > 0 {
        parts.push(format!("{} smaller", count(rest)));
        note.push_str(&format!(
            "; the {} least busy ones share one row",
            count(rest)
        ));
    }
    note.push('.');
    let part_of = community
        .iter()
        .map(|number| part_of_community[*number])
        .collect();
    Grouping {
        part_of,
        names: parts,
        note,
    }
}

fn by_range(names: &Names<'_>) -> Grouping {
    let mut part_of = vec![0; names.len()];
    let mut parts = Vec::new();
    let pieces = WANTED_PARTS.min(names.len().max(1));
    for range in ranges(names.len(), pieces) {
        for chain in range.clone() {
            part_of[chain] = parts.len();
        }
        parts.push(match range.len() {
            0 | 1 => names
                .names
                .get(range.start)
                .copied()
                .unwrap_or_default()
                .to_owned(),
            _ => format!("{} + {}", names.names[range.start], count(range.len() - 1)),
        });
    }
    let note = format!(
        "{} in {} of neighbours in the tables, each named by its first chain (no declared groups, no clear communities).",
        plural(names.len(), "chain"),
        plural(pieces, "range")
    );
    Grouping {
        part_of,
        names: parts,
        note,
    }
}

/// Cuts `0..length` into nearly equal ranges.
fn ranges(length: usize, pieces: usize) -> Vec<std::ops::Range<usize>> {
    let pieces = pieces.max(1);
    (0..pieces)
        .map(|piece| piece * length / pieces..(piece + 1) * length / pieces)
        .collect()
}

/// Gives the hot chains nodes of their own, before all others.
fn with_hot(names: &Names<'_>, base: Grouping, hot: &[usize]) -> Grouping {
    let mut part_of: Vec<usize> = base.part_of.iter().map(|part| part + hot.len()).collect();
    let mut parts: Vec<String> = Vec::with_capacity(hot.len() + base.names.len());
    for (part, chain) in hot.iter().enumerate() {
        part_of[*chain] = part;
        parts.push(names.names[*chain].to_owned());
    }
    parts.extend(base.names);
    let mut note = base.note;
    if !hot.is_empty() {
        note.push_str(&format!(
            " {} with at least {}% of all messages stand{} alone in front.",
            plural(hot.len(), "chain"),
            100 / HOT_SHARE,
            if hot.len() == 1 { "s" } else { "" }
        ));
    }
    // A group can be emptied by its hot chain; an empty row would only confuse.
    let mut size = vec![0_i64; parts.len()];
    for part in &part_of {
        size[*part] += 1;
    }
    let mut renumbered = Vec::with_capacity(parts.len());
    let mut next = 0;
    for members in &size {
        renumbered.push(next);
        next += usize::from(*members > 0);
    }
    let names = parts
        .into_iter()
        .zip(&size)
        .filter(|(_, n)| **n > 0)
        .map(|(name, _)| name)
        .collect();
    debug_assert!(
        int(next) <= int(part_of.len()).max(1),
        "parts are not empty"
    );
    Grouping {
        part_of: part_of.iter().map(|part| renumbered[*part]).collect(),
        names,
        note,
    }
}
