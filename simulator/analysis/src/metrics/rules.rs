//! Which voting rules a run has tried: at how many workers each had to be applied, and when first.
//!
//! A rule that never stood in anybody's way has not been tested by the run, whatever its verdict.

use std::collections::BTreeSet;

use engine::{ActorId, VirtualTime};
use protocol::rules::Rule;

use crate::{invariants::Stamp, tables::RuleRow};

/// What is known of one rule.
#[derive(Clone, Debug, Default)]
struct Tried {
    first: Option<VirtualTime>,
    workers: BTreeSet<ActorId>,
}

/// All voting rules, in their order.
#[derive(Clone, Debug)]
pub(crate) struct RulesTried([Tried; Rule::ALL.len()]);

impl Default for RulesTried {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Tried::default()))
    }
}

impl RulesTried {
    /// A worker has had to apply a rule.
    pub(crate) fn bitten(&mut self, rule: Rule, stamp: Stamp) {
        let tried = &mut self.0[rule as usize];
        tried.first.get_or_insert(stamp.time);
        tried.workers.insert(stamp.actor);
    }

    /// One row a rule, in their order.
    pub(crate) fn rows(&self) -> Vec<RuleRow> {
        let row = |(rule, tried): (Rule, &Tried)| RuleRow {
            rule: rule.name().to_owned(),
            workers: crate::registry::number(tried.workers.len()),
            first_us: tried.first.map(|at| at.as_micros().cast_signed()),
        };
        Rule::ALL.into_iter().zip(&self.0).map(row).collect()
    }
}
