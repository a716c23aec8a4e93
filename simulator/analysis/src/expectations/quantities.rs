//! The quantities of a run, as it stands at the moment.

use scenario::{
    expression::{Call, Function, Measure, Quantities, Statistic},
    plan::ChainSet,
};

use crate::{
    faults::Faults, invariants::Invariants, metrics::Metrics, names::Names, registry::ChainNo,
};

/// All that is known at a moment. Balances are those after the confirmed blocks; inboxes are those
/// of a quorum.
pub(crate) struct View<'a> {
    pub(crate) names: &'a Names<'a>,
    pub(crate) invariants: &'a Invariants,
    pub(crate) metrics: &'a Metrics,
    pub(crate) faults: &'a Faults,
}

impl View<'_> {
    fn sum(&self, set: &ChainSet, all: u64, of: impl Fn(ChainNo) -> u64) -> i128 {
        if self.names.are_all(set) {
            return i128::from(all);
        }
        self.names
            .numbers(set)
            .map(|chain| i128::from(of(chain)))
            .sum()
    }

    fn balance(&self, set: &ChainSet) -> Option<i128> {
        let money = &self.invariants.money;
        self.names.numbers(set).try_fold(0i128, |sum, chain| {
            let balance = i128::try_from(money.chain_balance(chain)?).ok()?;
            sum.checked_add(balance)
        })
    }

    fn min_blocks(&self, set: &ChainSet) -> Option<i128> {
        let blocks = |chain| match self.names.number(chain) {
            Some(number) => self.metrics.blocks.tally(number).blocks,
            None => 0,
        };
        set.iter().map(blocks).min().map(i128::from)
    }
}

impl Quantities for View<'_> {
    fn value(&self, call: &Call) -> Option<i128> {
        let (metrics, counters) = (self.metrics, &self.metrics.counters);
        let (blocks, messages) = (&metrics.blocks, &metrics.messages);
        let count = |value: u64| Some(i128::from(value));
        match &call.function {
            Function::Balance(set) => self.balance(set),
            Function::OwnerBalance(owner, chain) => {
                let owner = self.names.owner(*owner)?;
                let Some(chain) = self.names.number(*chain) else {
                    return Some(0);
                };
                i128::try_from(self.invariants.money.balance(chain, &owner)?).ok()
            }
            Function::Allowance {
                chain,
                owner,
                spender,
            } => {
                let between = (self.names.owner(*owner)?, self.names.owner(*spender)?);
                let Some(chain) = self.names.number(*chain) else {
                    return Some(0);
                };
                i128::try_from(self.invariants.allowances.left(chain, between)?).ok()
            }
            Function::Supply => i128::try_from(self.invariants.money.held()?).ok(),
            Function::BurnedFees => {
                let known = self.invariants.money.held().is_some();
                let burned = i128::try_from(self.invariants.fees.burned());
                burned.ok().filter(|_| known)
            }
            Function::Dropped => i128::try_from(self.invariants.money.dropped()?).ok(),
            Function::Inbox(set) => {
                Some(self.sum(set, counters.waiting, |chain| messages.tally(chain).waiting))
            }
            Function::InFlight => count(counters.in_flight),
            Function::PendingBlocks => count(counters.pending_blocks),
            Function::MaxCertifiedPerHeight => {
                Some(i128::from(self.invariants.heights.certified_max))
            }
            Function::Blocks(set) => {
                Some(self.sum(set, counters.blocks, |chain| blocks.tally(chain).blocks))
            }
            Function::FastBlocks(set) => {
                Some(self.sum(set, counters.fast_blocks, |chain| blocks.tally(chain).fast))
            }
            Function::Epoch(chain) => {
                let epoch = |number| self.invariants.heads.next_epoch(number);
                Some(self.names.number(*chain).map_or(0, epoch).into())
            }
            Function::Height(chain) => {
                let number = self.names.number(*chain);
                count(number.map_or(0, |number| self.invariants.heads.next_height(number)))
            }
            Function::MinBlocks(set) => self.min_blocks(set),
            Function::LostMessages => count(counters.lost_messages),
            Function::RejectedMessages => count(counters.rejected),
            Function::Timeouts => count(counters.timeouts),
            Function::DoneCommands => count(counters.commands_done),
            Function::FailedCommands => count(counters.commands_failed),
            Function::Refused(name) => count(metrics.refusals.get(name).copied().unwrap_or(0)),
            Function::Deliveries(word) => count(metrics.deliveries.get(word).copied().unwrap_or(0)),
            Function::FaultHits(fault) => count(self.faults.hits(fault.position())),
            Function::Lag(validator) => count(self.invariants.heights.lag(validator.get())),
            Function::Workers(validator) => {
                count(u64::from(metrics.scaling.workers(validator.get())))
            }
            Function::RunningWorkers(validator) => {
                count(u64::from(metrics.scaling.running(validator.get())))
            }
            Function::Undelivered(validator) => {
                count(self.invariants.delivery.missing(validator.get()))
            }
            Function::MovedChains => count(metrics.scaling.moved),
            Function::Rate(counter, window) => metrics.windows.rate(*counter, *window),
            Function::Total(counter, window) => count(metrics.windows.total(*counter, *window)?),
            Function::Statistic(Statistic::Jain, Measure::WorkerBusy, window) => {
                count(metrics.workers.jain(*window)?)
            }
            Function::Statistic(statistic, measure, window) => {
                count(metrics.windows.statistic(*statistic, *measure, *window)?)
            }
        }
    }
}
