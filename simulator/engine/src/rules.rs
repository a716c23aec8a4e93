//! Rules: what disturbs the network during a range of time.
//!
//! Invariant: which rules are active is a function of the time at which a message leaves.

use crate::ids::ActorId;
use crate::quantiles::QuantileTable;
use crate::time::{Ratio, VirtualTime};

/// A set of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSet {
    words: Vec<u64>,
}

impl NodeSet {
    /// Whether this node is in the set.
    #[must_use]
    pub fn contains(&self, actor: ActorId) -> bool {
        let (word, bit) = place(actor);
        self.words.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Puts a node into the set.
    pub fn insert(&mut self, actor: ActorId) {
        let (word, bit) = place(actor);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
    }

    /// Whether no node is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&bits| bits == 0)
    }
}

impl FromIterator<ActorId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = ActorId>>(actors: I) -> Self {
        let mut set = Self::default();
        actors.into_iter().for_each(|actor| set.insert(actor));
        set
    }
}

fn place(actor: ActorId) -> (usize, u64) {
    let word = usize::try_from(actor.0 / u64::BITS).expect("32 bits fit");
    (word, 1 << (actor.0 % u64::BITS))
}

/// Which messages a rule concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Messages between different groups that a member of the set sends or receives.
    Touching(NodeSet),
    /// Messages from a member of one set to a member of the other, both ways.
    Between(NodeSet, NodeSet),
    /// Messages from a member of the first set to a member of the second.
    FromTo(NodeSet, NodeSet),
}

impl Scope {
    /// Whether a message is concerned; `across` says that its ends lie in different groups.
    #[must_use]
    pub fn covers(&self, from: ActorId, to: ActorId, across: bool) -> bool {
        match self {
            Self::Touching(set) => across && (set.contains(from) || set.contains(to)),
            Self::Between(a, b) => {
                (a.contains(from) && b.contains(to)) || (b.contains(from) && a.contains(to))
            }
            Self::FromTo(a, b) => a.contains(from) && b.contains(to),
        }
    }
}

/// What a rule does to a message that it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is lost for certain.
    Partition,
    /// It is lost with this probability.
    Loss(Ratio),
    /// It arrives twice with this probability.
    Duplicate(Ratio),
    /// Its latency is multiplied and then grows.
    Slow {
        /// What the latency is multiplied by.
        factor: Ratio,
        /// What is added then.
        extra: QuantileTable,
    },
}

/// A disturbance of the network. Rules apply in the order of their indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// It concerns messages that leave at this time or later,
    pub from: VirtualTime,
    /// and before this time.
    pub until: VirtualTime,
    /// Which messages it concerns.
    pub scope: Scope,
    /// What it does to them.
    pub effect: Effect,
}

/// The rules in force, by time.
pub(crate) struct ActiveRules {
    /// From this time on, these rules. Sorted by time; before the first entry there are none.
    spans: Vec<(VirtualTime, Vec<usize>)>,
    /// The span that answered last: times asked for are mostly close to each other.
    last: usize,
}

impl ActiveRules {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let mut borders = vec![VirtualTime::ZERO];
        borders.extend(rules.iter().flat_map(|rule| [rule.from, rule.until]));
        borders.sort_unstable();
        borders.dedup();
        let active = |time: VirtualTime| {
            let in_force = |rule: &Rule| rule.from <= time && time < rule.until;
            let indices = rules.iter().enumerate();
            indices
                .filter(|(_, rule)| in_force(rule))
                .map(|(index, _)| index)
                .collect()
        };
        Self {
            spans: borders
                .into_iter()
                .map(|time| (time, active(time)))
                .collect(),
            last: 0,
        }
    }

    pub(crate) fn at(&mut self, time: VirtualTime) -> &[usize] {
        let starts = |span: usize| self.spans.get(span).is_none_or(|&(from, _)| time < from);
        if self.spans[self.last].0 > time || !starts(self.last + 1) {
            // The first span starts at zero, so there is always one before.
            self.last = self.spans.partition_point(|&(from, _)| from <= time) - 1;
        }
        &self.spans[self.last].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(from: u64, until: u64) -> Rule {
        Rule {
            from: VirtualTime(from),
            until: VirtualTime(until),
            scope: Scope::Touching(NodeSet::default()),
            effect: Effect::Partition,
        }
    }

    #[test]
    fn rules_are_in_force_from_their_start_until_just_before_their_end() {
        let mut active = ActiveRules::new(&[rule(10, 20), rule(15, 30), rule(15, 15)]);
        let expected: [(u64, &[usize]); 8] = [
            (0, &[]),
            (9, &[]),
            (10, &[0]),
            (15, &[0, 1]),
            (19, &[0, 1]),
            (20, &[1]),
            (30, &[]),
            (12, &[0]),
        ];
        for (time, rules) in expected {
            assert_eq!(active.at(VirtualTime(time)), rules, "at {time}");
        }
        assert!(ActiveRules::new(&[]).at(VirtualTime::MAX).is_empty());
    }

    #[test]
    fn scopes_cover_what_they_say() {
        let (one, two, other) = (ActorId(1), ActorId(200), ActorId(3));
        let a: NodeSet = [one].into_iter().collect();
        let b: NodeSet = [two].into_iter().collect();
        let touching = Scope::Touching(a.clone());
        assert!(touching.covers(one, other, true) && touching.covers(other, one, true));
        assert!(!touching.covers(one, other, false) && !touching.covers(two, other, true));
        let between = Scope::Between(a.clone(), b.clone());
        assert!(between.covers(one, two, true) && between.covers(two, one, true));
        assert!(!between.covers(one, other, true));
        let directed = Scope::FromTo(a, b);
        assert!(directed.covers(one, two, true) && !directed.covers(two, one, true));
    }
}
