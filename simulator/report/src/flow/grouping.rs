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
        .filter(|(busy, _)| {
            let average = u64::try_from(chains.node_count()).unwrap_or(u64::MAX);
            total > 0 && *busy * HOT_SHARE >= total && busy.saturating_mul(average) >= 4 * total
        })
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
    let edges: Vec<(usize, usize, i64)> = chains
        .edge_references()
        .map(|edge| {
            let weight = i64::try_from(edge.weight().messages).unwrap_or(i64::MAX);
            (edge.source().index(), edge.target().index(), weight)
        })
        .collect();
    let community = communities(names.len(), &edges);
    let size = community.iter().max().map_or(0, |last| last + 1);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); size];
    for (chain, number) in community.iter().enumerate() {
        members[*number].push(chain);
    }
    let (mut total, mut busy, mut inside) = (0, vec![0_i64; size], vec![0_i64; size]);
    for (src, dst, weight) in &edges {
        total += weight;
        busy[community[*src]] += weight;
        if community[*src] == community[*dst] {
            inside[community[*src]] += weight;
        } else {
            busy[community[*dst]] += weight;
        }
    }
    let mut order: Vec<usize> = (0..size).filter(|number| busy[*number] > 0).collect();
    order.sort_by_key(|number| (std::cmp::Reverse(busy[*number]), *number));
    let found = order.len();
    order.truncate(MAX_PARTS - 2);
    let held: i64 = order.iter().map(|number| inside[*number]).sum();
    // Communities of random traffic are many and leaky; then a plain cut is the honest one.
    if order.len() < 2 || held * 2 < total {
        return by_range(names);
    }
    let mut part_of = vec![order.len(); names.len()];
    let mut parts = Vec::new();
    for number in &order {
        for chain in &members[*number] {
            part_of[*chain] = parts.len();
        }
        parts.push(named_by_first(names, &members[*number]));
    }
    let mut note = format!(
        "{} in {} found by traffic (Louvain), each named by its first chain",
        plural(names.len(), "chain"),
        if found == 1 {
            "1 community".to_owned()
        } else {
            format!("{} communities", count(found))
        }
    );
    if found > order.len() {
        let rest = count(found - order.len());
        parts.push(format!("{rest} smaller ones"));
        note.push_str(&format!("; the {rest} least busy ones share one row"));
    }
    let silent: Vec<usize> = members
        .iter()
        .zip(&busy)
        .filter(|(_, busy)| **busy == 0)
        .flat_map(|(chains, _)| chains.iter().copied())
        .collect();
    if !silent.is_empty() {
        for chain in &silent {
            part_of[*chain] = parts.len();
        }
        parts.push(format!("{} silent", count(silent.len())));
        note.push_str(&format!(
            "; {} without any message share the last row",
            plural(silent.len(), "chain")
        ));
    }
    note.push('.');
    Grouping {
        part_of,
        names: parts,
        note,
    }
}

/// `user/17 + 42`: the first chain, and how many there are beside it.
fn named_by_first(names: &Names<'_>, members: &[usize]) -> String {
    let first = members
        .first()
        .and_then(|chain| names.names.get(*chain))
        .copied();
    let first = first.unwrap_or_default();
    match members.len() {
        0 | 1 => first.to_owned(),
        n => format!("{first} + {}", count(n - 1)),
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
            " The {} (at least {}% of all messages, four times the average) stand{} alone in front.",
            match hot.len() {
                1 => "busiest chain".to_owned(),
                n => format!("{n} busiest chains"),
            },
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
