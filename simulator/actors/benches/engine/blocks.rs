//! The world that is measured: clients take blocks through four validators.

use engine::{
    ActorId, Ctx, Distribution, GroupId, Input, Limits, Link, Message, Network, NetworkFact, Node,
    Purpose, Record, Resident, RunConfig, Seed, Starting, VirtualDuration, VirtualTime, World,
    below,
};

pub(crate) const VALIDATORS: u32 = 4;
pub(crate) const SHARDS: u32 = 4;
const MEMBERS: u32 = SHARDS + 1;
const QUORUM: u32 = 3;

/// What travels: as large as a message with an `Arc` or two in it.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    kind: PacketKind,
    client: ActorId,
    block: u64,
    content: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PacketKind {
    Proposal,
    Vote,
    Certificate,
    Acknowledgement,
}

impl Message for Packet {
    fn fingerprint(&self) -> u64 {
        self.content ^ self.block.rotate_left(20) ^ u64::from(self.client.0)
    }
}

/// Nothing is recorded.
pub(crate) enum Nothing {}

impl Record for Nothing {
    fn fingerprint(&self) -> u64 {
        match *self {}
    }

    fn from_network(_: NetworkFact) -> Option<Self> {
        None
    }
}

/// Real CPU time that a handler burns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    turns: u64,
}

impl Effort {
    /// As many turns as take this long on this machine now.
    pub(crate) fn calibrated(nanos: u64) -> Self {
        // Short enough that one of the tries is not interrupted, however busy the machine is.
        const TURNS: u64 = 200_000;
        const TRIES: u32 = 200;
        if nanos == 0 {
            return Self { turns: 0 };
        }
        let fastest = (0..TRIES).map(|_| {
            let start = std::time::Instant::now();
            std::hint::black_box(Self { turns: TURNS }.spend(1));
            start.elapsed().as_nanos()
        });
        let fastest = fastest.min().unwrap_or(1).max(1);
        let turns = u128::from(TURNS) * u128::from(nanos) / fastest;
        Self {
            turns: u64::try_from(turns).unwrap_or(1),
        }
    }

    fn spend(self, mut value: u64) -> u64 {
        for _ in 0..self.turns {
            value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
        value
    }
}

/// An actor of the world.
pub(crate) enum Member {
    /// Takes requests and passes them to shards.
    Proxy(State),
    /// Votes.
    Shard(State),
    /// Makes blocks.
    Client(Client),
}

/// What every member has.
pub(crate) struct State {
    hash: u64,
    effort: Effort,
}

/// A client and its block.
pub(crate) struct Client {
    state: State,
    /// Blocks finished.
    pub(crate) blocks: u64,
    votes: u32,
    acknowledgements: u32,
}

impl State {
    fn absorb(&mut self, value: u64) {
        let mixed = (self.hash ^ value).wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.hash = mixed ^ mixed >> 32;
        // The turns are fitted to this machine, so they must not reach the state.
        std::hint::black_box(self.effort.spend(self.hash));
    }
}

type Context<'a> = Ctx<'a, Packet, Nothing>;

impl Client {
    fn propose(&mut self, ctx: &mut Context<'_>) {
        (self.votes, self.acknowledgements) = (0, 0);
        self.ask_all(ctx, PacketKind::Proposal);
    }

    fn ask_all(&self, ctx: &mut Context<'_>, kind: PacketKind) {
        let (client, block, content) = (ctx.me(), self.blocks, self.state.hash);
        for validator in 0..VALIDATORS {
            let packet = Packet {
                kind,
                client,
                block,
                content,
            };
            ctx.send(ActorId(1 + validator * MEMBERS), packet);
        }
    }

    fn rest(&self, ctx: &mut Context<'_>) {
        let nanos = below(ctx.draw(Purpose::Think, self.blocks), 4_000_000);
        ctx.timer(VirtualDuration::from_nanos(nanos), self.blocks);
    }

    fn hear(&mut self, ctx: &mut Context<'_>, packet: &Packet) {
        if packet.block != self.blocks {
            return;
        }
        if packet.kind == PacketKind::Vote {
            self.votes += 1;
            if self.votes == QUORUM {
                self.ask_all(ctx, PacketKind::Certificate);
            }
        } else {
            self.acknowledgements += 1;
            if self.acknowledgements == QUORUM {
                self.blocks += 1;
                self.rest(ctx);
            }
        }
    }
}

impl Node for Member {
    type Message = Packet;
    type Record = Nothing;

    fn on_input(&mut self, ctx: &mut Context<'_>, input: Input<Packet>) {
        match (self, input) {
            (Self::Client(client), Input::Start) => client.rest(ctx),
            (Self::Client(client), Input::Timer { token }) => {
                client.state.absorb(token);
                client.propose(ctx);
            }
            (Self::Client(client), Input::Message { body, .. }) => {
                client.state.absorb(body.content);
                client.hear(ctx, &body);
            }
            (Self::Proxy(state), Input::Message { body, .. }) => {
                state.absorb(body.content);
                ctx.send(ActorId(ctx.me().0 + 1 + body.client.0 % SHARDS), body);
            }
            (Self::Shard(state), Input::Message { body, .. }) => {
                state.absorb(body.content);
                let kind = match body.kind {
                    PacketKind::Proposal => PacketKind::Vote,
                    _ => PacketKind::Acknowledgement,
                };
                let content = state.hash;
                ctx.send(
                    body.client,
                    Packet {
                        kind,
                        content,
                        ..body
                    },
                );
            }
            _ => {}
        }
    }
}

/// The world, for so much virtual time; four checkpoints.
pub(crate) fn world(clients: u32, effort: Effort, millis: u64) -> World<Member> {
    let state = |seed: u32| State {
        hash: u64::from(seed),
        effort,
    };
    let mut residents = Vec::new();
    for validator in 0..VALIDATORS {
        for member in 0..MEMBERS {
            let node = if member == 0 {
                Member::Proxy(state(validator))
            } else {
                Member::Shard(state(member))
            };
            // A validator handles as many events as a quarter of the clients do, and more.
            let weight = clients / 2 / MEMBERS + 1;
            residents.push(Resident {
                weight,
                ..Resident::new(node, GroupId(validator))
            });
        }
    }
    residents.extend((0..clients).map(|client| {
        let (blocks, votes, acknowledgements) = (0, 0, 0);
        let node = Client {
            state: state(client),
            blocks,
            votes,
            acknowledgements,
        };
        Resident::new(Member::Client(node), GroupId(VALIDATORS + client))
    }));
    let micros = VirtualDuration::from_micros;
    let uniform = |min, max| {
        let uniform = Distribution::Uniform {
            min: micros(min),
            max: micros(max),
        };
        Link::reliable(uniform.table().expect("the ends are in order"))
    };
    let floor = VirtualDuration::from_millis(1);
    World {
        residents,
        sharing: Vec::new(),
        network: Network::uniform(floor, uniform(50, 300), uniform(1_000, 50_000)),
        starting: Starting::All,
        script: Vec::new(),
        config: RunConfig {
            seed: Seed(1),
            end: VirtualTime::from_millis(millis),
            window: floor,
            checkpoint_every: VirtualDuration::from_millis(millis / 4),
            limits: Limits::default(),
        },
    }
}
