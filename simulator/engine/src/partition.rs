//! Dividing a world into partitions.

use std::sync::Arc;

use crate::Sabotage;
use crate::desk::Desk;
use crate::heap::count;
use crate::ids::ActorId;
use crate::node::Node;
use crate::world::{Unpacked, World, WorldError};

/// A world divided for hosts.
pub struct Parts<N: Node> {
    /// The partitions, at least one.
    pub parts: Vec<Part<N>>,
    /// Messages in the script: what a [`Conductor`](crate::kernel::Conductor) is told.
    pub injected: u64,
}

/// One partition, ready to run.
pub struct Part<N: Node> {
    /// Its desk, with all scripted events in its queue.
    pub desk: Desk<N>,
    /// Its nodes, in the order of their places.
    pub nodes: Vec<N>,
}

/// Validates a world and divides it; `assign` says which partition hosts each node, the first
/// one if it says nothing.
///
/// # Errors
/// If the world is not valid.
///
/// # Panics
/// If a group is divided: its members reach each other faster than windows are exchanged.
pub fn divide<N: Node>(
    world: World<N>,
    assign: &[u16],
    keep_records: bool,
    sabotage: Sabotage,
) -> Result<Parts<N>, WorldError> {
    let Unpacked {
        setting,
        nodes,
        events,
    } = world.unpack(assign)?;
    let partitions = setting
        .places
        .iter()
        .map(|place| place.partition)
        .max()
        .unwrap_or(0)
        + 1;
    let injected = count(events.iter().filter(|event| event.is_message()).count());
    let mut homes: Vec<(u32, u16)> = setting
        .places
        .iter()
        .map(|place| (place.group.0, place.partition))
        .collect();
    homes.sort_unstable();
    homes.dedup();
    assert!(
        homes.windows(2).all(|pair| pair[0].0 != pair[1].0),
        "no group may be divided"
    );
    let mut parts: Vec<Part<N>> = (0..partitions)
        .map(|me| {
            let places = setting.places.iter().enumerate();
            let hosted = places
                .filter(|(_, place)| place.partition == me)
                .map(|(index, _)| ActorId::from_index(index));
            let shape = (me, partitions);
            let desk = Desk::new(Arc::clone(&setting), hosted, shape, keep_records, sabotage);
            Part {
                desk,
                nodes: Vec::new(),
            }
        })
        .collect();
    for (node, place) in nodes.into_iter().zip(&setting.places) {
        parts[usize::from(place.partition)].nodes.push(node);
    }
    for event in events {
        let host = setting.place(event.to).partition;
        parts[usize::from(host)].desk.route(event);
    }
    Ok(Parts { parts, injected })
}
