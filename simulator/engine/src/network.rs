//! Links between nodes: latency, loss and duplication, and what scripted rules do to them.
//!
//! Invariant: what happens to an emission is a function of the seed, its sender and its number,
//! decided after the number was given; messages between groups take at least the floor.

use crate::Sabotage;
use crate::draw::{LinkDraw, LinkDraws};
use crate::ids::{ActorId, GroupId, Sequence, SiteId};
use crate::quantiles::QuantileTable;
use crate::rules::{ActiveRules, Effect, Rule};
use crate::time::{Ratio, VirtualDuration, VirtualTime};

/// A class of links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// How long a message takes. Between groups, shorter samples are raised to the floor.
    pub latency: QuantileTable,
    /// How many messages are lost.
    pub loss: Ratio,
    /// How many messages arrive twice.
    pub duplication: Ratio,
}

impl Link {
    /// A link that loses and duplicates nothing.
    #[must_use]
    pub fn reliable(latency: QuantileTable) -> Self {
        Self {
            latency,
            loss: Ratio::ZERO,
            duplication: Ratio::ZERO,
        }
    }
}

/// All links of a world, and the rules that disturb them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// L: no message between two groups is faster.
    pub floor: VirtualDuration,
    /// The link inside a group, and of a node to itself; at least a nanosecond.
    pub inside: Link,
    /// How many sites there are.
    pub sites: u16,
    /// The links between groups, `sites * sites` of them: from the first site to all, from the
    /// second to all, and so on.
    pub between: Vec<Link>,
    /// What disturbs the links; a rule's index is its name.
    pub rules: Vec<Rule>,
}

impl Network {
    /// A network of one site with the same link between all groups.
    #[must_use]
    pub fn uniform(floor: VirtualDuration, inside: Link, between: Link) -> Self {
        Self {
            floor,
            inside,
            sites: 1,
            between: vec![between],
            rules: Vec::new(),
        }
    }

    /// A network whose link between groups depends on the sites of sender and receiver.
    #[must_use]
    pub fn between_sites(
        floor: VirtualDuration,
        inside: Link,
        sites: u16,
        mut link: impl FnMut(SiteId, SiteId) -> Link,
    ) -> Self {
        let pairs = (0..sites).flat_map(|from| (0..sites).map(move |to| (from, to)));
        let between = pairs
            .map(|(from, to)| link(SiteId(from), SiteId(to)))
            .collect();
        Self {
            floor,
            inside,
            sites,
            between,
            rules: Vec::new(),
        }
    }
}

/// What the network did, summed over the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkCounters {
    /// Messages that nodes sent, and that left.
    pub sent: u64,
    /// Of these, messages between groups.
    pub between_groups: u64,
    /// Messages that the link lost.
    pub lost: u64,
    /// Messages that a rule lost.
    pub lost_by_rule: u64,
    /// Messages whose way a rule cut.
    pub partitioned: u64,
    /// Extra copies made.
    pub duplicated: u64,
    /// Latencies between groups that were below the floor and were raised to it.
    pub raised_to_floor: u64,
    /// Messages from nodes and the environment that reached a node that was up.
    pub delivered: u64,
    /// Messages that reached a node that was down.
    pub to_down_node: u64,
    /// Messages injected by the environment.
    pub injected: u64,
    /// Messages and timers lost because their receiver crashed while they waited for service.
    pub lost_in_backlog: u64,
    /// Timers that ran out for a node that has crashed since it set them.
    pub stale_timers: u64,
    /// Crashes.
    pub crashes: u64,
    /// Restarts.
    pub restarts: u64,
}

impl NetworkCounters {
    /// Adds what another part of the world counted.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            sent,
            between_groups,
            lost,
            lost_by_rule,
            partitioned,
            duplicated,
            raised_to_floor,
            delivered,
            to_down_node,
            injected,
            lost_in_backlog,
            stale_timers,
            crashes,
            restarts,
        } = other;
        self.sent += sent;
        self.between_groups += between_groups;
        self.lost += lost;
        self.lost_by_rule += lost_by_rule;
        self.partitioned += partitioned;
        self.duplicated += duplicated;
        self.raised_to_floor += raised_to_floor;
        self.delivered += delivered;
        self.to_down_node += to_down_node;
        self.injected += injected;
        self.lost_in_backlog += lost_in_backlog;
        self.stale_timers += stale_timers;
        self.crashes += crashes;
        self.restarts += restarts;
    }
}

/// An emission looking for its way.
#[derive(Clone, Copy)]
pub(crate) struct Passage {
    pub(crate) from: (ActorId, GroupId, SiteId),
    /// Whether the sender is a group of its own.
    pub(crate) alone: bool,
    pub(crate) to: (ActorId, GroupId, SiteId),
    pub(crate) at: VirtualTime,
    pub(crate) seq: Sequence,
}

/// What became of it.
pub(crate) enum Carried {
    Lost,
    LostByRule(usize),
    Partitioned(usize),
    Arrives {
        at: VirtualTime,
        copy: Option<VirtualTime>,
    },
}

/// The network as a driver uses it, with what it counts.
pub(crate) struct Carrier {
    draws: LinkDraws,
    active: ActiveRules,
    pub(crate) tally: Tally,
}

/// What the network counts.
pub(crate) struct Tally {
    pub(crate) counters: NetworkCounters,
    pub(crate) rule_hits: Vec<u64>,
    /// Whether latencies are raised to the floor, as they must be.
    raise: bool,
}

impl Carrier {
    pub(crate) fn new(network: &Network, draws: LinkDraws, sabotage: Sabotage) -> Self {
        let rule_hits = vec![0; network.rules.len()];
        Self {
            draws,
            active: ActiveRules::new(&network.rules),
            tally: Tally {
                counters: NetworkCounters::default(),
                rule_hits,
                raise: sabotage != Sabotage::IgnoreFloor,
            },
        }
    }

    /// Decides what happens to one emission.
    pub(crate) fn carry(&mut self, network: &Network, passage: Passage) -> Carried {
        let Self {
            draws,
            active,
            tally,
        } = self;
        tally.counters.sent += 1;
        let across = passage.across();
        let link = if across {
            tally.counters.between_groups += 1;
            let row = usize::from(passage.from.2.0) * usize::from(network.sites);
            &network.between[row + usize::from(passage.to.2.0)]
        } else {
            &network.inside
        };
        let rules = active.at(passage.at);
        let certain = link.loss.is_zero() && link.duplication.is_zero() && rules.is_empty();
        if certain && let Some(latency) = link.latency.as_constant() {
            return Carried::Arrives {
                at: tally.arrival(network, passage, latency),
                copy: None,
            };
        }
        let draw = draws.get(passage.from.0, passage.alone, passage.seq);
        if link.loss.hit(draw.loss()) {
            tally.counters.lost += 1;
            return Carried::Lost;
        }
        let mut fate = Fate {
            duplicated: link.duplication.hit(draw.duplication()),
            latency: link.latency.at(draw.latency()),
            copy_latency: link.latency.at(draw.copy_latency()),
        };
        for &index in rules {
            let rule = &network.rules[index];
            if rule.scope.covers(passage.from.0, passage.to.0, across)
                && let Some(stopped) = tally.apply(&rule.effect, index, &draw, &mut fate)
            {
                return stopped;
            }
        }
        let at = tally.arrival(network, passage, fate.latency);
        let copy = fate.duplicated.then(|| {
            tally.counters.duplicated += 1;
            tally.arrival(network, passage, fate.copy_latency)
        });
        Carried::Arrives { at, copy }
    }
}

impl Passage {
    fn across(&self) -> bool {
        self.from.1 != self.to.1
    }
}

/// What is decided about an emission so far.
struct Fate {
    duplicated: bool,
    latency: VirtualDuration,
    copy_latency: VirtualDuration,
}

impl Tally {
    /// What one rule does to an emission that it concerns; something if it stops it.
    fn apply(
        &mut self,
        effect: &Effect,
        index: usize,
        draw: &LinkDraw<'_>,
        fate: &mut Fate,
    ) -> Option<Carried> {
        let strikes = match effect {
            Effect::Partition | Effect::Slow { .. } => true,
            Effect::Loss(probability) | Effect::Duplicate(probability) => {
                probability.hit(draw.rule(index, false))
            }
        };
        if !strikes {
            return None;
        }
        self.rule_hits[index] += 1;
        match effect {
            Effect::Partition => {
                self.counters.partitioned += 1;
                Some(Carried::Partitioned(index))
            }
            Effect::Loss(_) => {
                self.counters.lost_by_rule += 1;
                Some(Carried::LostByRule(index))
            }
            Effect::Duplicate(_) => {
                fate.duplicated = true;
                None
            }
            Effect::Slow { factor, extra } => {
                let slow = |latency: VirtualDuration, is_copy| {
                    factor
                        .scale(latency)
                        .saturating_add(extra.at(draw.rule(index, is_copy)))
                };
                fate.latency = slow(fate.latency, false);
                fate.copy_latency = slow(fate.copy_latency, true);
                None
            }
        }
    }

    fn arrival(
        &mut self,
        network: &Network,
        passage: Passage,
        latency: VirtualDuration,
    ) -> VirtualTime {
        let mut latency = latency.max(VirtualDuration::NANOSECOND);
        if self.raise && passage.across() && latency < network.floor {
            self.counters.raised_to_floor += 1;
            latency = network.floor;
        }
        passage.at.saturating_add(latency)
    }
}

#[cfg(test)]
mod tests;
