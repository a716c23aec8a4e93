//! Nodes that have something in common beside messages: every driver runs them in the order of keys
//! if the world says so, and only then.

use std::sync::{Arc, Mutex, PoisonError};

use engine::kernel::{Conductor, Parts, Turn, divide, first_checkpoint, next_checkpoint};
use engine::{
    Ctx, Digest, DriverOptions, GroupId, Input, Limits, Link, Message, Network, NetworkFact, Node,
    NullSink, Purpose, QuantileTable, Record, Resident, RunConfig, Seed, Starting, VirtualDuration,
    VirtualTime, World, run_heap, run_windowed,
};

/// A node that counts on a counter which others count on too.
struct Counter {
    shared: Arc<Mutex<u64>>,
    ticks: u64,
}

#[derive(Clone)]
struct Nothing;

impl Message for Nothing {
    fn fingerprint(&self) -> u64 {
        0
    }
}

struct Count(u64);

impl Record for Count {
    fn fingerprint(&self) -> u64 {
        self.0
    }

    fn from_network(_: NetworkFact) -> Option<Self> {
        None
    }
}

impl Node for Counter {
    type Message = Nothing;
    type Record = Count;

    fn on_input(&mut self, ctx: &mut Ctx<'_, Nothing, Count>, _: Input<Nothing>) {
        let count = {
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            *shared += 1;
            *shared
        };
        ctx.record(Count(count));
        self.ticks += 1;
        // Often at the same instant as others, and often work that makes it wait.
        let pause = 10 * (1 + ctx.draw(Purpose::Other, self.ticks) % 7);
        ctx.work(VirtualDuration::from_micros(pause % 3));
        ctx.timer(VirtualDuration::from_micros(pause), 0);
    }
}

fn world(sharing: bool) -> World<Counter> {
    let mut residents = Vec::new();
    for group in 0..2 {
        let shared = Arc::new(Mutex::new(0));
        for _ in 0..5 {
            let (shared, ticks) = (shared.clone(), 0);
            residents.push(Resident::new(Counter { shared, ticks }, GroupId(group)));
        }
    }
    let link = |millis| {
        Link::reliable(QuantileTable::constant(VirtualDuration::from_millis(
            millis,
        )))
    };
    let floor = VirtualDuration::from_millis(1);
    World {
        residents,
        sharing: if sharing {
            vec![GroupId(0), GroupId(1)]
        } else {
            Vec::new()
        },
        network: Network::uniform(floor, link(1), link(2)),
        starting: Starting::All,
        script: Vec::new(),
        config: RunConfig {
            seed: Seed(3),
            end: VirtualTime::from_millis(20),
            window: floor,
            checkpoint_every: VirtualDuration::from_millis(5),
            limits: Limits::default(),
        },
    }
}

/// A host that takes turns as those do that call nodes by way of actors.
fn by_turns(world: World<Counter>) -> Digest {
    let config = world.config;
    let sabotage = engine::Sabotage::None;
    let Parts {
        mut parts,
        injected,
    } = divide(world, &[], false, sabotage).expect("a world");
    let part = parts.pop().expect("one part");
    let (mut desk, mut nodes) = (part.desk, part.nodes);
    let mut sink = NullSink;
    let mut conductor: Conductor<'_, Count, NullSink> =
        Conductor::new(&mut sink, config, nodes.len(), injected);
    let mut checkpoint = first_checkpoint(&config);
    loop {
        let window = desk.next_window();
        if window == u64::MAX || desk.window_start(window) >= checkpoint {
            if let Some(outcome) = conductor.checkpoint(vec![desk.survey(checkpoint)]) {
                let pending = desk.messages_pending();
                return conductor.finish(outcome, pending, nodes, 1).root;
            }
            checkpoint = next_checkpoint(&config, checkpoint);
            continue;
        }
        desk.open(window);
        loop {
            match desk.next_turn() {
                Turn::Run(batch) => desk.run(batch, &mut nodes[batch.local()]),
                Turn::Settle => {}
                Turn::Done => break,
            }
        }
    }
}

#[test]
fn what_is_shared_is_used_in_the_order_of_keys_if_the_world_says_so() {
    let heap = |sharing| {
        let options = DriverOptions::default();
        run_heap(world(sharing), &mut NullSink, options)
            .expect("a world")
            .root
    };
    let plain = run_windowed(world(true), &mut NullSink, DriverOptions::default());
    assert_eq!(heap(true), heap(false), "one heap knows no other order");
    assert_eq!(plain.expect("a world").root, heap(true));
    assert_eq!(by_turns(world(true)), heap(true));
    // Without a word of it the nodes are run one after the other, and it shows.
    assert_ne!(by_turns(world(false)), heap(false));
}
