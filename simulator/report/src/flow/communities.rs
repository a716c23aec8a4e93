//! Communities by the Louvain method, in integers.
//!
//! Invariant: nodes are visited in order of their number, a node moves only for a strictly greater
//! gain, and ties go to the community with the smallest number: same graph, same communities.

/// Passes over all nodes on one level, at most.
const SWEEPS: usize = 16;
/// Levels of aggregation, at most.
const LEVELS: usize = 10;

/// An undirected weighted graph as sorted rows; a loop's weight is kept apart.
struct Weighted {
    first: Vec<usize>,
    neighbours: Vec<(usize, i64)>,
    loops: Vec<i64>,
}

impl Weighted {
    /// From (a, b, weight) in any order, both directions of a pair added together.
    fn new(nodes: usize, edges: &[(usize, usize, i64)]) -> Self {
        let mut loops = vec![0; nodes];
        let mut both: Vec<(usize, usize, i64)> = Vec::with_capacity(edges.len() * 2);
        for (a, b, weight) in edges {
            if a == b {
                loops[*a] += weight;
            } else {
                both.push((*a, *b, *weight));
                both.push((*b, *a, *weight));
            }
        }
        both.sort_unstable_by_key(|(a, b, _)| (*a, *b));
        both.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2 += next.2;
            }
            same
        });
        let first = (0..=nodes)
            .map(|node| both.partition_point(|edge| edge.0 < node))
            .collect();
        let neighbours = both.into_iter().map(|(_, b, weight)| (b, weight)).collect();
        Self {
            first,
            neighbours,
            loops,
        }
    }

    fn row(&self, node: usize) -> &[(usize, i64)] {
        &self.neighbours[self.first[node]..self.first[node + 1]]
    }

    fn degree(&self, node: usize) -> i64 {
        2 * self.loops[node] + self.row(node).iter().map(|(_, weight)| weight).sum::<i64>()
    }
}

/// Community of every node, numbered from 0 in order of their first node.
pub(super) fn communities(nodes: usize, edges: &[(usize, usize, i64)]) -> Vec<usize> {
    let mut of: Vec<usize> = (0..nodes).collect();
    let mut graph = Weighted::new(nodes, edges);
    let mut size = nodes;
    for _ in 0..LEVELS {
        let (moved, count) = renumber(&local_moves(&graph, size));
        if count == size {
            break;
        }
        for community in &mut of {
            *community = moved[*community];
        }
        let mut joined: Vec<(usize, usize, i64)> = Vec::new();
        for node in 0..size {
            joined.push((moved[node], moved[node], graph.loops[node]));
            for (other, weight) in graph.row(node).iter().filter(|(other, _)| *other > node) {
                joined.push((moved[node], moved[*other], *weight));
            }
        }
        graph = Weighted::new(count, &joined);
        size = count;
    }
    renumber(&of).0
}

/// Moves single nodes to the neighbouring community with the greatest gain until none moves.
fn local_moves(graph: &Weighted, nodes: usize) -> Vec<usize> {
    let degrees: Vec<i64> = (0..nodes).map(|node| graph.degree(node)).collect();
    let twice_total: i64 = degrees.iter().sum();
    let mut community: Vec<usize> = (0..nodes).collect();
    let mut total = degrees.clone();
    let mut towards = vec![0_i64; nodes];
    let mut touched = Vec::new();
    for _ in 0..SWEEPS {
        let mut moved = false;
        for node in 0..nodes {
            let home = community[node];
            touched.clear();
            touched.push(home);
            for (other, weight) in graph.row(node) {
                let there = community[*other];
                if towards[there] == 0 && there != home {
                    touched.push(there);
                }
                towards[there] += weight;
            }
            total[home] -= degrees[node];
            // Gain of joining a community, times the square of the total weight.
            let gain = |there: usize| {
                i128::from(towards[there]) * i128::from(twice_total)
                    - i128::from(degrees[node]) * i128::from(total[there])
            };
            let mut best = (gain(home), home);
            touched.sort_unstable();
            for there in &touched {
                let gained = gain(*there);
                if gained > best.0 {
                    best = (gained, *there);
                }
            }
            for there in &touched {
                towards[*there] = 0;
            }
            total[best.1] += degrees[node];
            moved |= best.1 != home;
            community[node] = best.1;
        }
        if !moved {
            break;
        }
    }
    community
}

fn renumber(labels: &[usize]) -> (Vec<usize>, usize) {
    let mut numbers = vec![usize::MAX; labels.len()];
    let mut next = 0;
    let renumbered = labels
        .iter()
        .map(|label| {
            if numbers[*label] == usize::MAX {
                numbers[*label] = next;
                next += 1;
            }
            numbers[*label]
        })
        .collect();
    (renumbered, next)
}

#[cfg(test)]
mod tests {
    use super::communities;

    #[test]
    fn two_cliques_with_one_bridge_are_two_communities() {
        let mut edges = Vec::new();
        for base in [0, 4] {
            for a in 0..4 {
                for b in 0..a {
                    edges.push((base + a, base + b, 3));
                }
            }
        }
        edges.push((3, 4, 1));
        assert_eq!(communities(8, &edges), [0, 0, 0, 0, 1, 1, 1, 1]);
    }

    #[test]
    fn chains_without_messages_stay_alone() {
        assert_eq!(communities(3, &[]), [0, 1, 2]);
    }
}
