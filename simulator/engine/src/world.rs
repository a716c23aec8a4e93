//! A world: everything that a run needs and that decides what it is.
//!
//! Invariant: two runs of equal worlds have equal roots, whatever drives them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::draw::Seed;
use crate::event::{Event, Kind};
use crate::ids::{ActorId, GroupId, Sequence, SiteId};
use crate::network::Network;
use crate::node::{Input, Node};
use crate::time::{ClockSkew, VirtualDuration, VirtualTime};

/// A node and where it lives.
#[derive(Clone, Debug)]
pub struct Resident<N> {
    /// The node.
    pub node: N,
    /// Its latency group.
    pub group: GroupId,
    /// Its site.
    pub site: SiteId,
    /// How its clock differs.
    pub skew: ClockSkew,
    /// How much work it is expected to cause, relative to others: only for spreading nodes over
    /// threads, without effect on any result.
    pub weight: u32,
}

impl<N> Resident<N> {
    /// A node with a perfect clock, at the first site, of weight 1.
    #[must_use]
    pub fn new(node: N, group: GroupId) -> Self {
        Self {
            node,
            group,
            site: SiteId(0),
            skew: ClockSkew::NONE,
            weight: 1,
        }
    }
}

/// An input that the environment gives to a node.
#[derive(Clone, Debug)]
pub struct Scripted<M> {
    /// When.
    pub at: VirtualTime,
    /// To whom.
    pub to: ActorId,
    /// What; for a message, `from` is ignored: the environment sends it.
    pub input: Input<M>,
}

/// Which nodes are started at time zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Starting {
    /// All of them, in the order of their identifiers.
    #[default]
    All,
    /// Those for which the script has an [`Input::Start`].
    Scripted,
}

/// Bounds that end a run at the next checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Events handled.
    pub events: Option<u64>,
    /// Events waiting to happen.
    pub pending: Option<u64>,
}

/// How long a run takes and how it is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunConfig {
    /// The seed.
    pub seed: Seed,
    /// Events before this time happen; those at it or later do not.
    pub end: VirtualTime,
    /// Width of a window for the drivers that have windows: at most the network's floor. Without
    /// effect on any result.
    pub window: VirtualDuration,
    /// Distance of the checkpoints.
    pub checkpoint_every: VirtualDuration,
    /// Bounds.
    pub limits: Limits,
}

/// Nodes, links, script and run.
#[derive(Clone, Debug)]
pub struct World<N: Node> {
    /// The nodes; the first is number 1.
    pub residents: Vec<Resident<N>>,
    /// Groups whose members have something in common beside messages. Windowed drivers run them
    /// event by event in the order of keys; of the others only every node's own order is kept.
    pub sharing: Vec<GroupId>,
    /// Their links.
    pub network: Network,
    /// Who is started without being told.
    pub starting: Starting,
    /// What the environment does, in any order; equal times keep the order given here.
    pub script: Vec<Scripted<N::Message>>,
    /// The run.
    pub config: RunConfig,
}

/// What is wrong with a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldError {
    /// There are no nodes.
    NoNodes,
    /// There are more nodes than can be numbered.
    TooManyNodes,
    /// The floor between groups is zero.
    NoFloor,
    /// The window is empty, or wider than the floor.
    Window {
        /// The window.
        window: VirtualDuration,
        /// The floor.
        floor: VirtualDuration,
    },
    /// The distance of checkpoints is zero.
    NoCheckpoints,
    /// The network does not list a link for every pair of sites.
    Links {
        /// How many it should list.
        expected: usize,
        /// How many it lists.
        found: usize,
    },
    /// A node lies at a site that the network does not know.
    UnknownSite(ActorId),
    /// A script entry is for a node that does not exist.
    UnknownNode {
        /// The entry's index.
        entry: usize,
        /// The node.
        to: ActorId,
    },
    /// A probability is above one.
    NotAProbability,
    /// A rule would speed messages up.
    SpeedsUp {
        /// The rule's index.
        rule: usize,
    },
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNodes => f.write_str("the world has no nodes"),
            Self::TooManyNodes => f.write_str("the world has more nodes than 32 bits can number"),
            Self::NoFloor => f.write_str("the latency floor between groups is zero"),
            Self::Window { window, floor } => {
                write!(
                    f,
                    "a window of {window} is empty or wider than the latency floor {floor}"
                )
            }
            Self::NoCheckpoints => f.write_str("the distance of checkpoints is zero"),
            Self::Links { expected, found } => {
                write!(
                    f,
                    "the network lists {found} links between sites instead of {expected}"
                )
            }
            Self::UnknownSite(actor) => write!(f, "node {actor} lies at an unknown site"),
            Self::UnknownNode { entry, to } => {
                write!(
                    f,
                    "entry {entry} of the script is for node {to}, which does not exist"
                )
            }
            Self::NotAProbability => f.write_str("a probability is above one"),
            Self::SpeedsUp { rule } => write!(f, "rule {rule} would speed messages up"),
        }
    }
}

impl Error for WorldError {}

/// Where a node lives, as drivers look it up for every message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) group: GroupId,
    pub(crate) site: SiteId,
    /// Which partition hosts it,
    pub(crate) partition: u16,
    /// and at which place there.
    pub(crate) local: u32,
    /// Whether it is a group of its own.
    pub(crate) alone: bool,
    /// Whether the members of its group have something in common.
    pub(crate) sharing: bool,
}

/// What every part of a running world shares and nobody changes.
pub(crate) struct Setting {
    pub(crate) network: Network,
    pub(crate) config: RunConfig,
    pub(crate) places: Vec<Place>,
    last_node: ActorId,
    /// Empty if every clock is perfect.
    skews: Vec<ClockSkew>,
}

impl Setting {
    pub(crate) fn place(&self, actor: ActorId) -> Place {
        let index = actor
            .index()
            .expect("messages go to nodes, not to the environment");
        self.places[index]
    }

    /// The node with the highest number.
    pub(crate) fn last_node(&self) -> ActorId {
        self.last_node
    }

    pub(crate) fn skew(&self, actor: ActorId) -> ClockSkew {
        let skew = actor.index().and_then(|index| self.skews.get(index));
        skew.copied().unwrap_or(ClockSkew::NONE)
    }
}

/// A world taken apart for driving.
pub(crate) struct Unpacked<N: Node> {
    pub(crate) setting: Arc<Setting>,
    pub(crate) nodes: Vec<N>,
    pub(crate) events: Vec<Event<N::Message>>,
}

impl<N: Node> World<N> {
    /// Checks what every driver relies on.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn validate(&self) -> Result<(), WorldError> {
        let Self {
            residents,
            network,
            script,
            config,
            ..
        } = self;
        if residents.is_empty() {
            return Err(WorldError::NoNodes);
        }
        if u32::try_from(residents.len()).is_err() {
            return Err(WorldError::TooManyNodes);
        }
        validate_network(network)?;
        let (window, floor) = (config.window, network.floor);
        if window.is_zero() || window > floor {
            return Err(WorldError::Window { window, floor });
        }
        if config.checkpoint_every.is_zero() {
            return Err(WorldError::NoCheckpoints);
        }
        if let Some(index) = residents.iter().position(|one| one.site.0 >= network.sites) {
            return Err(WorldError::UnknownSite(ActorId::from_index(index)));
        }
        let unknown = |to: ActorId| to.index().is_none_or(|index| index >= residents.len());
        match script
            .iter()
            .enumerate()
            .find(|(_, scripted)| unknown(scripted.to))
        {
            Some((entry, scripted)) => Err(WorldError::UnknownNode {
                entry,
                to: scripted.to,
            }),
            None => Ok(()),
        }
    }

    /// Validates and takes apart; `assign` says which partition hosts each node.
    pub(crate) fn unpack(self, assign: &[u16]) -> Result<Unpacked<N>, WorldError> {
        self.validate()?;
        let Self {
            residents,
            sharing,
            network,
            starting,
            script,
            config,
        } = self;
        let events = initial_events(residents.len(), starting, script);
        let perfect = residents
            .iter()
            .all(|resident| resident.skew == ClockSkew::NONE);
        let mut members: BTreeMap<GroupId, u32> = BTreeMap::new();
        for resident in &residents {
            *members.entry(resident.group).or_default() += 1;
        }
        let mut skews = Vec::new();
        let mut places = Vec::with_capacity(residents.len());
        let mut nodes = Vec::with_capacity(residents.len());
        let mut hosted = vec![0; usize::from(assign.iter().copied().max().unwrap_or(0)) + 1];
        for (index, resident) in residents.into_iter().enumerate() {
            let partition = assign.get(index).copied().unwrap_or(0);
            let local = &mut hosted[usize::from(partition)];
            let Resident {
                node,
                group,
                site,
                skew,
                weight: _,
            } = resident;
            let alone = members[&group] == 1;
            places.push(Place {
                group,
                site,
                partition,
                local: *local,
                alone,
                sharing: sharing.contains(&group),
            });
            *local += 1;
            nodes.push(node);
            if !perfect {
                skews.push(skew);
            }
        }
        let last_node = ActorId::from_index(places.len() - 1);
        let setting = Arc::new(Setting {
            network,
            config,
            places,
            last_node,
            skews,
        });
        Ok(Unpacked {
            setting,
            nodes,
            events,
        })
    }
}

fn validate_network(network: &Network) -> Result<(), WorldError> {
    if network.floor.is_zero() {
        return Err(WorldError::NoFloor);
    }
    let expected = usize::from(network.sites).pow(2);
    let found = network.between.len();
    if expected != found {
        return Err(WorldError::Links { expected, found });
    }
    let mut links = network.between.iter().chain([&network.inside]);
    if links.any(|link| !link.loss.is_probability() || !link.duplication.is_probability()) {
        return Err(WorldError::NotAProbability);
    }
    for (rule, disturbance) in network.rules.iter().enumerate() {
        use crate::rules::Effect;
        match &disturbance.effect {
            Effect::Partition => {}
            Effect::Loss(probability) | Effect::Duplicate(probability) => {
                if !probability.is_probability() {
                    return Err(WorldError::NotAProbability);
                }
            }
            Effect::Slow { factor, .. } => {
                if factor.num() < factor.den() {
                    return Err(WorldError::SpeedsUp { rule });
                }
            }
        }
    }
    Ok(())
}

fn initial_events<M>(nodes: usize, starting: Starting, script: Vec<Scripted<M>>) -> Vec<Event<M>> {
    let mut events = Vec::with_capacity(script.len());
    let starts = match starting {
        Starting::All => nodes,
        Starting::Scripted => 0,
    };
    let number = |index: usize| u64::try_from(index).expect("indices fit 64 bits");
    for index in 0..starts {
        let to = ActorId::from_index(index);
        events.push(environment(
            VirtualTime::ZERO,
            to,
            number(index),
            Kind::Start,
        ));
    }
    for (index, Scripted { at, to, input }) in script.into_iter().enumerate() {
        let kind = match input {
            Input::Start => Kind::Start,
            Input::Message { from: _, body } => Kind::Message(body),
            Input::Timer { token } => Kind::ScriptedTimer { token },
            Input::ArmCrash {
                outputs,
                restart_after,
            } => Kind::ArmCrash {
                outputs,
                restart_after,
            },
            Input::Crash => Kind::Crash,
            Input::Restart => Kind::Restart,
        };
        events.push(environment(at, to, number(nodes + index), kind));
    }
    events
}

fn environment<M>(time: VirtualTime, to: ActorId, number: u64, kind: Kind<M>) -> Event<M> {
    Event {
        time,
        seq: Sequence::emission(number),
        src: ActorId::ENVIRONMENT,
        to,
        kind,
    }
}
