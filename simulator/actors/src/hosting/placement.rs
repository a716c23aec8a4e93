//! Which partition hosts which node: whole latency groups, by weight. Without effect on results.

use std::collections::BTreeMap;

use engine::{GroupId, Resident};

/// The partition of each node. Partitions are filled without gaps; there are never more of them
/// than groups.
pub(super) fn place<N>(residents: &[Resident<N>], partitions: usize) -> Vec<u16> {
    if partitions <= 1 {
        return vec![0; residents.len()];
    }
    let mut weights: BTreeMap<GroupId, u64> = BTreeMap::new();
    for resident in residents {
        *weights.entry(resident.group).or_default() += u64::from(resident.weight);
    }
    let partitions = partitions
        .min(weights.len())
        .clamp(1, usize::from(u16::MAX));
    let mut groups: Vec<(u64, GroupId)> = weights
        .into_iter()
        .map(|(group, weight)| (weight, group))
        .collect();
    // The heaviest first, each to where there is least so far.
    groups.sort_unstable_by_key(|&(weight, group)| (std::cmp::Reverse(weight), group));
    let mut loads = vec![0_u64; partitions];
    let mut homes = BTreeMap::new();
    for (place, (weight, group)) in groups.into_iter().enumerate() {
        let lightest = loads.iter().enumerate().min_by_key(|&(_, load)| load);
        // The first groups go one to each, so that no partition stays empty.
        let home = if place < partitions {
            place
        } else {
            lightest.map_or(0, |(home, _)| home)
        };
        loads[home] += weight;
        homes.insert(
            group,
            u16::try_from(home).expect("partitions are fewer than 2^16"),
        );
    }
    residents
        .iter()
        .map(|resident| homes[&resident.group])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn residents(groups: &[(u32, u32)]) -> Vec<Resident<()>> {
        let resident = |&(group, weight)| Resident {
            weight,
            ..Resident::new((), GroupId(group))
        };
        groups.iter().map(resident).collect()
    }

    #[test]
    fn groups_stay_together_and_weights_are_spread() {
        let world = residents(&[(1, 10), (2, 1), (1, 10), (3, 9), (4, 9), (5, 0)]);
        let places = place(&world, 2);
        assert_eq!(places[0], places[2]);
        assert_eq!(places[3], places[4]);
        assert_ne!(places[0], places[3]);
    }

    #[test]
    fn there_are_never_more_partitions_than_groups() {
        let world = residents(&[(7, 0), (7, 0), (9, 0)]);
        assert_eq!(place(&world, 5), vec![0, 0, 1]);
        assert_eq!(place(&world, 1), vec![0, 0, 0]);
    }
}
