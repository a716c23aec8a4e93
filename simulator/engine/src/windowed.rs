//! The fast plain driver: windows, one thread, nodes in a vector.

use crate::DriverOptions;
use crate::conductor::{Conductor, first_checkpoint, next_checkpoint};
use crate::node::Node;
use crate::outcome::RunOutcome;
use crate::partition::{Parts, divide};
use crate::records::Sink;
use crate::world::{World, WorldError};

/// Records are handed on when so many wait.
const BATCH: usize = 4_096;

/// Runs a world window by window on the calling thread.
///
/// # Errors
/// If the world is not valid.
pub fn run_windowed<N: Node, S: Sink<N::Record>>(
    world: World<N>,
    sink: &mut S,
    options: DriverOptions,
) -> Result<RunOutcome<N>, WorldError> {
    let config = world.config;
    let Parts {
        mut parts,
        injected,
    } = divide(world, &[], sink.wants_records(), options.sabotage)?;
    let part = parts.pop().expect("a world has at least one part");
    let (mut desk, mut nodes) = (part.desk, part.nodes);
    let mut conductor = Conductor::new(sink, config, nodes.len(), injected);
    let mut checkpoint = first_checkpoint(&config);
    let mut records = Vec::new();
    loop {
        let window = desk.next_window();
        if window == u64::MAX || desk.window_start(window) >= checkpoint {
            records = desk.take_records(records);
            conductor.records(&mut records);
            if let Some(outcome) = conductor.checkpoint(vec![desk.survey(checkpoint)]) {
                let pending = desk.messages_pending();
                return Ok(conductor.finish(outcome, pending, nodes, 1));
            }
            checkpoint = next_checkpoint(&config, checkpoint);
            continue;
        }
        desk.open(window);
        desk.run_window(&mut nodes);
        if desk.records_waiting() >= BATCH {
            records = desk.take_records(records);
            conductor.records(&mut records);
        }
    }
}
