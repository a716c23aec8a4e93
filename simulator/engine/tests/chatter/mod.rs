//! A small world in which everything that an engine can do happens: groups with shorter
//! latencies inside, two sites, loss, duplication, rules, crashes of all kinds, service queues,
//! skewed clocks and scripted messages. Every driver must agree on all of it.

use engine::{
    ActorId, CheckpointView, ClockSkew, Ctx, Digest, Distribution, Effect, Flow, GroupId, Input,
    Limits, Link, Message, Network, NetworkFact, Node, NodeSet, Purpose, Ratio, Record, Resident,
    Rule, RunConfig, RunOutcome, Scope, Scripted, Seed, ServiceStats, Sink, SiteId, Stamped,
    Starting, VirtualDuration, VirtualTime, World, below,
};

/// Groups of several members, and how many members each has.
pub(crate) const CLUSTERS: u32 = 3;
pub(crate) const MEMBERS: u32 = 4;
/// Nodes that are groups of their own.
pub(crate) const SINGLES: u32 = 20;

/// What chatterers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rumour {
    pub(crate) hops: u32,
    pub(crate) content: u64,
}

impl Message for Rumour {
    fn fingerprint(&self) -> u64 {
        self.content.rotate_left(8) ^ u64::from(self.hops)
    }
}

/// What they leave behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    Said {
        to: ActorId,
        number: u64,
    },
    Heard {
        from: ActorId,
        waited: VirtualDuration,
    },
    Network(NetworkFact),
}

impl Record for Note {
    fn fingerprint(&self) -> u64 {
        format!("{self:?}").bytes().fold(7, |hash: u64, byte| {
            (hash ^ u64::from(byte))
                .wrapping_mul(0x0100_0000_01b3)
                .rotate_left(7)
        })
    }

    fn from_network(fact: NetworkFact) -> Option<Self> {
        Some(Self::Network(fact))
    }
}

/// A node that spreads rumours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chatterer {
    peers: u32,
    cluster: bool,
    /// Whether inputs take time.
    slow: bool,
    /// Panics when this hop count arrives.
    pub(crate) fragile: Option<u32>,
    topics: u32,
    durable: u64,
    volatile: u64,
    draws: u64,
    armed: Option<(u32, VirtualDuration)>,
    /// Rebuilt on demand: giving it back may not show.
    scratch: Vec<u64>,
}

type Context<'a> = Ctx<'a, Rumour, Note>;

impl Chatterer {
    /// From now on it also writes to nodes that do not exist.
    pub(crate) fn lose_address_book(&mut self) {
        self.peers += 1;
    }

    fn draw(&mut self, ctx: &Context<'_>, bound: u64) -> u64 {
        self.draws += 1;
        below(ctx.draw(Purpose::Choice, self.draws), bound)
    }

    fn pick(&mut self, ctx: &Context<'_>) -> ActorId {
        // Members of a cluster talk to each other half of the time.
        if self.cluster && self.draw(ctx, 2) == 0 {
            let first = (ctx.me().0 - 1) / MEMBERS * MEMBERS + 1;
            let other = u32::try_from(self.draw(ctx, u64::from(MEMBERS))).expect("small");
            return ActorId(first + other);
        }
        ActorId(1 + u32::try_from(self.draw(ctx, u64::from(self.peers))).expect("small"))
    }

    fn say(&mut self, ctx: &mut Context<'_>, hops: u32) {
        if let Some((outputs, restart_after)) = self.armed {
            if outputs == 0 {
                ctx.crash_self(restart_after);
                return;
            }
            self.armed = Some((outputs - 1, restart_after));
        }
        let to = self.pick(ctx);
        let content = self.durable ^ self.volatile.rotate_left(17);
        let number = ctx.send(to, Rumour { hops, content });
        ctx.record(Note::Said { to, number });
    }

    fn learn(&mut self, value: u64) {
        self.scratch.push(value);
        let mixed = self.durable ^ value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.durable = mixed.rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        self.volatile = self.volatile.wrapping_add(value);
    }

    fn new_topic(&mut self, ctx: &mut Context<'_>) {
        if self.topics > 0 {
            self.topics -= 1;
            let delay = VirtualDuration::from_micros(100 + self.draw(ctx, 30_000));
            ctx.timer(delay, u64::from(self.topics));
        }
    }

    fn labour(&mut self, ctx: &mut Context<'_>) {
        if self.slow && self.draw(ctx, 3) > 0 {
            let cost = VirtualDuration::from_micros(self.draw(ctx, 4_000));
            ctx.work(cost);
        }
    }
}

impl Node for Chatterer {
    type Message = Rumour;
    type Record = Note;

    fn on_input(&mut self, ctx: &mut Context<'_>, input: Input<Rumour>) {
        self.learn(ctx.local_now().as_nanos());
        match input {
            Input::Start | Input::Restart => self.new_topic(ctx),
            Input::Timer { token } => {
                self.learn(token);
                self.say(ctx, 5);
                self.new_topic(ctx);
                self.labour(ctx);
            }
            Input::Message { from, body } => {
                assert!(self.fragile != Some(body.hops), "cannot hear this");
                self.learn(body.fingerprint());
                let waited = ctx.now().since(ctx.cause().time);
                ctx.record(Note::Heard { from, waited });
                if let Some(hops) = body.hops.checked_sub(1) {
                    for _ in 0..self.draw(ctx, 3) {
                        self.say(ctx, hops);
                    }
                }
                self.labour(ctx);
            }
            Input::ArmCrash {
                outputs,
                restart_after,
            } => {
                self.armed = Some((outputs, restart_after));
                if outputs == 0 {
                    ctx.crash_self(restart_after);
                }
            }
            Input::Crash => {
                ctx.send(
                    ActorId(1),
                    Rumour {
                        hops: 0,
                        content: 0,
                    },
                );
                self.volatile = 0;
                self.armed = None;
            }
        }
    }

    fn shrink(&mut self) {
        self.scratch = Vec::new();
    }
}

fn table(distribution: &Distribution) -> engine::QuantileTable {
    distribution.table().expect("the parameters are fine")
}

fn network() -> Network {
    let micros = VirtualDuration::from_micros;
    let percent = Ratio::percent;
    let floor = VirtualDuration::from_millis(1);
    let inside = Link {
        latency: table(&Distribution::Uniform {
            min: micros(50),
            max: micros(300),
        }),
        loss: Ratio::new(1, 200).expect("not zero"),
        duplication: percent(1),
    };
    let mut network = Network::between_sites(floor, inside, 2, |from, to| Link {
        latency: if from == to {
            table(&Distribution::Uniform {
                min: micros(500),
                max: micros(9_000),
            })
        } else {
            table(&Distribution::LogNormal {
                median: micros(20_000),
                p99: micros(90_000),
            })
        },
        loss: percent(2),
        duplication: percent(4),
    });
    let set = |range: std::ops::RangeInclusive<u32>| -> NodeSet { range.map(ActorId).collect() };
    let ms = VirtualTime::from_millis;
    let rule = |from, until, scope, effect| Rule {
        from: ms(from),
        until: ms(until),
        scope,
        effect,
    };
    let extra = table(&Distribution::Exp {
        mean: micros(4_000),
    });
    let factor = Ratio::new(3, 2).expect("not zero");
    network.rules = vec![
        rule(
            60,
            110,
            Scope::Between(set(1..=6), set(13..=20)),
            Effect::Partition,
        ),
        rule(
            100,
            180,
            Scope::Touching(set(2..=3)),
            Effect::Slow { factor, extra },
        ),
        rule(
            20,
            200,
            Scope::FromTo(set(14..=30), set(1..=12)),
            Effect::Loss(percent(20)),
        ),
        rule(
            0,
            300,
            Scope::Touching(set(17..=17)),
            Effect::Duplicate(percent(50)),
        ),
    ];
    network
}

fn script() -> Vec<Scripted<Rumour>> {
    let entry = |micros, to, input| Scripted {
        at: VirtualTime::from_micros(micros),
        to: ActorId(to),
        input,
    };
    let told = |content| Input::Message {
        from: ActorId::ENVIRONMENT,
        body: Rumour { hops: 6, content },
    };
    let arm = |outputs, millis| Input::ArmCrash {
        outputs,
        restart_after: VirtualDuration::from_millis(millis),
    };
    let mut script = vec![
        entry(40_000, 2, Input::Crash),
        entry(45_000, 2, Input::Crash),
        entry(75_000, 2, Input::Restart),
        entry(30_000, 3, arm(2, 25)),
        entry(120_000, 4, arm(0, 40)),
        entry(130_000, 14, arm(3, 10)),
        entry(131_000, 14, Input::Restart),
        entry(150_000, 15, arm(1, u64::MAX)),
        entry(50_000, 16, Input::Timer { token: 99 }),
        entry(0, 17, told(1)),
    ];
    // A burst at one time for one busy node, so that a crash finds a queue.
    script.extend((0..30).map(|content| entry(119_500, 4, told(content))));
    script
}

/// The world of this seed; windows as wide as the floor.
pub(crate) fn world(seed: u64) -> World<Chatterer> {
    let peers = CLUSTERS * MEMBERS + SINGLES;
    let residents = (1..=peers).map(|id| {
        let cluster = id <= CLUSTERS * MEMBERS;
        let group = if cluster { (id - 1) / MEMBERS } else { id };
        let node = Chatterer {
            peers,
            cluster,
            slow: cluster || id % 5 == 0,
            fragile: None,
            topics: 40,
            durable: u64::from(id),
            volatile: 0,
            draws: 0,
            armed: None,
            scratch: Vec::new(),
        };
        let drift_ppm = i32::try_from(id % 7).expect("small") * 40 - 120;
        let skew = ClockSkew {
            offset_nanos: i64::from(id) * 1_000_000 - 9_000_000,
            drift_ppm,
        };
        let site = SiteId(u16::from(id % 3 == 0));
        Resident {
            site,
            skew,
            weight: if cluster { 5 } else { 1 },
            ..Resident::new(node, GroupId(group))
        }
    });
    World {
        residents: residents.collect(),
        sharing: Vec::new(),
        network: network(),
        starting: Starting::All,
        script: script(),
        config: RunConfig {
            seed: Seed(seed),
            end: VirtualTime::from_micros(333_333),
            window: VirtualDuration::from_millis(1),
            // No multiple of any window that is tested.
            checkpoint_every: VirtualDuration::from_micros(40_107),
            limits: Limits::default(),
        },
    }
}

/// Keeps everything.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Archive {
    pub(crate) records: Vec<Stamped<Note>>,
    pub(crate) roots: Vec<(VirtualTime, Digest, u64, u64)>,
    pub(crate) service: Vec<(VirtualTime, ServiceStats)>,
    pub(crate) stop_at: Option<VirtualTime>,
}

impl Sink<Note> for Archive {
    fn window(&mut self, records: &mut Vec<Stamped<Note>>) {
        self.records.append(records);
    }

    fn checkpoint(&mut self, view: &CheckpointView<'_>) -> Flow {
        assert!(self.records.iter().all(|record| record.time < view.time));
        self.roots
            .push((view.time, view.root, view.events, view.pending));
        self.service
            .extend(view.service.iter().map(|stats| (view.time, *stats)));
        match self.stop_at {
            Some(time) if view.time >= time => Flow::Stop("seen enough".to_owned()),
            _ => Flow::Continue,
        }
    }
}

/// Asserts that two runs are the same in every respect.
pub(crate) fn assert_same(
    (left, kept_left): &(RunOutcome<Chatterer>, Archive),
    (right, kept_right): &(RunOutcome<Chatterer>, Archive),
) {
    assert_eq!(left.root, right.root);
    assert_eq!(left.outcome, right.outcome);
    assert_eq!(left.ended_at, right.ended_at);
    assert_eq!(left.events, right.events);
    assert_eq!(left.actors, right.actors);
    assert_eq!(left.checkpoints, right.checkpoints);
    assert_eq!(left.rule_hits, right.rule_hits);
    assert_eq!(left.network, right.network);
    assert_eq!(left.panics, right.panics);
    assert_eq!(left.violations, right.violations);
    let forget = |nodes: &[Chatterer]| -> Vec<Chatterer> {
        nodes
            .iter()
            .map(|node| Chatterer {
                scratch: Vec::new(),
                ..node.clone()
            })
            .collect()
    };
    assert_eq!(forget(&left.nodes), forget(&right.nodes));
    assert_eq!(kept_left, kept_right);
}
