//! From numbers back to names: which chain of the plan a chain is, and who owns what.
//!
//! The chains of the genesis get the first numbers, in the order of the plan. A chain that a block
//! opens is matched to the plan by parent, owners and balance.

use std::{collections::BTreeMap, sync::Arc};

use engine::ActorId;
use protocol::{
    block::Block,
    description::ChainDescription,
    ids::{AccountOwner, ApplicationId, ChainId},
};
use scenario::{
    Plan,
    plan::{ChainIndex, ChainOrigin, ChainSet, OwnerIndex},
};
use trace::Directory;

use crate::{
    invariants::{Broken, Violation},
    registry::{ChainNo, Registry, index, reach},
};

/// A chain that is in the plan and not yet open.
#[derive(Debug)]
struct Unopened {
    chain: ChainIndex,
    parent: ChainIndex,
    /// Of one that an application opens nobody knows it before.
    balance: Option<u128>,
    owners: Vec<AccountOwner>,
}

/// The names of a run.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    plan: &'a Plan,
    directory: Directory,
    numbers: Vec<Option<ChainNo>>,
    plan_of: Vec<Option<ChainIndex>>,
    owners: Vec<Option<AccountOwner>>,
    unopened: Vec<Unopened>,
    /// What the scenario calls applications that were created.
    applications: BTreeMap<ApplicationId, String>,
}

impl<'a> Names<'a> {
    /// The names, and the chains of the genesis in the order of the plan (others follow).
    pub(crate) fn new(
        plan: &'a Plan,
        mut directory: Directory,
        genesis: Vec<(ChainId, Arc<ChainDescription>)>,
    ) -> (Self, Vec<(ChainId, Arc<ChainDescription>)>) {
        let wallets = directory.wallets.iter();
        let ids: BTreeMap<&str, ChainId> = wallets
            .clone()
            .filter_map(|w| Some((w.chain_name.as_str(), w.chain?)))
            .collect();
        let accounts: BTreeMap<&str, AccountOwner> = wallets
            .map(|wallet| (wallet.owner_name.as_str(), wallet.owner))
            .collect();
        let owners: Vec<_> = plan
            .owners
            .iter()
            .map(|name| accounts.get(name.as_str()).copied())
            .collect();
        let mut described: BTreeMap<ChainId, Arc<ChainDescription>> = genesis.into_iter().collect();
        let mut ordered = Vec::with_capacity(described.len());
        let mut plan_of = Vec::with_capacity(described.len());
        let mut numbers = Vec::with_capacity(plan.chains.len());
        let mut unopened = Vec::new();
        for (position, chain) in plan.chains.iter().enumerate() {
            let id = ids.get(chain.name.as_str());
            let found = id.and_then(|id| Some((*id, described.remove(id)?)));
            numbers.push(
                found
                    .as_ref()
                    .map(|_| ChainNo(crate::registry::number(ordered.len()))),
            );
            if let Some(found) = found {
                ordered.push(found);
                plan_of.push(Some(ChainIndex::at(position)));
            } else if let ChainOrigin::Opened { parent } = chain.origin {
                let owners = chain
                    .owners
                    .iter()
                    .filter_map(|one| owners[one.owner.position()]);
                let mut owners: Vec<_> = owners.collect();
                owners.sort_unstable();
                let balance = chain.balance.attos();
                let chain = ChainIndex::at(position);
                let balance = (!plan.is_opened_by_call(chain)).then_some(balance);
                unopened.push(Unopened {
                    chain,
                    parent,
                    balance,
                    owners,
                });
            }
        }
        ordered.extend(described);
        // The wallets say the same, and there may be a million chains.
        directory.chains = BTreeMap::new();
        let names = Self {
            plan,
            directory,
            numbers,
            plan_of,
            owners,
            unopened,
            applications: BTreeMap::new(),
        };
        (names, ordered)
    }

    /// An application is created: finds out which of the plan it is.
    pub(crate) fn created(&mut self, placeholder: ApplicationId, application: ApplicationId) {
        let mut planned = self.plan.applications.iter();
        let is_it = |name: &str| ApplicationId::placeholder(name) == placeholder;
        if let Some(found) = planned.find(|one| is_it(&one.name)) {
            self.applications.insert(application, found.name.clone());
        }
    }

    /// The name of an application: that of the plan, or the beginning of its id.
    pub(crate) fn application(&self, application: ApplicationId) -> String {
        let known = self.applications.get(&application);
        known.cloned().unwrap_or_else(|| short(application))
    }

    /// A chain is opened: finds out which of the plan it is.
    pub(crate) fn opened(
        &mut self,
        registry: &mut Registry,
        block: &Block,
        description: &ChainDescription,
    ) -> ChainNo {
        let number = registry.chain(&description.id());
        let parent = registry
            .find(&block.chain_id())
            .and_then(|parent| self.plan_chain(parent));
        let config = &description.config;
        let ownership = &config.ownership;
        let mut owners: Vec<_> = ownership
            .super_owners
            .iter()
            .chain(ownership.owners.keys())
            .copied()
            .collect();
        owners.sort_unstable();
        let is_it = |one: &Unopened| {
            Some(one.parent) == parent
                && one
                    .balance
                    .is_none_or(|balance| balance == config.balance.attos())
                && one.owners == owners
        };
        if let Some(at) = self.unopened.iter().position(is_it) {
            let chain = self.unopened.remove(at).chain;
            *reach(&mut self.plan_of, number.index()) = Some(chain);
            self.numbers[chain.position()] = Some(number);
        }
        number
    }

    fn plan_chain(&self, chain: ChainNo) -> Option<ChainIndex> {
        self.plan_of.get(chain.index()).copied().flatten()
    }

    /// The number of a chain of the plan; `None` if it is not open.
    pub(crate) fn number(&self, chain: ChainIndex) -> Option<ChainNo> {
        self.numbers.get(chain.position()).copied().flatten()
    }

    /// The numbers of those of these chains that are open.
    pub(crate) fn numbers<'s>(&'s self, set: &'s ChainSet) -> impl Iterator<Item = ChainNo> + 's {
        set.iter().filter_map(|chain| self.number(chain))
    }

    /// Whether these are all chains of the plan.
    pub(crate) fn are_all(&self, set: &ChainSet) -> bool {
        index(set.len()) == self.plan.chains.len()
    }

    pub(crate) fn owner(&self, owner: OwnerIndex) -> Option<AccountOwner> {
        self.owners.get(owner.position()).copied().flatten()
    }

    /// The name of a chain: that of the plan, or the beginning of its id.
    pub(crate) fn chain(&self, registry: &Registry, chain: ChainNo) -> String {
        match self.plan_chain(chain) {
            Some(planned) => self.plan.chain(planned).name.clone(),
            None => format!("{:?}", registry.id(chain).0),
        }
    }

    /// The group that a chain was declared in; its own name if it is not in the plan.
    pub(crate) fn group(&self, registry: &Registry, chain: ChainNo) -> String {
        match self.plan_chain(chain) {
            Some(planned) => self.plan.groups[self.plan.chain(planned).group.position()]
                .name
                .clone(),
            None => self.chain(registry, chain),
        }
    }

    /// The name of the owner that a wallet acts for.
    pub(crate) fn wallet_owner(&self, wallet: u32) -> String {
        let entry = self.directory.wallets.get(index(wallet));
        entry.map_or_else(String::new, |entry| entry.owner_name.clone())
    }

    /// The chain of the plan that a chain is.
    pub(crate) fn planned(&self, chain: ChainNo) -> Option<ChainIndex> {
        self.plan_of.get(chain.index()).copied().flatten()
    }

    /// The account of the owner whose wallet it is.
    pub(crate) fn account_of(&self, wallet: u32) -> Option<AccountOwner> {
        let entry = self.directory.wallets.get(index(wallet));
        entry.map(|entry| entry.owner)
    }

    pub(crate) fn validator(&self, validator: u32) -> String {
        let name = self.directory.validators.get(index(validator)).cloned();
        name.unwrap_or_else(|| format!("v{}", validator + 1))
    }

    pub(crate) fn actor(&self, actor: ActorId) -> String {
        self.directory.name(actor)
    }

    /// A violation with names.
    pub(crate) fn violation(&self, registry: &Registry, broken: &Broken) -> Violation {
        let stamp = broken.stamp;
        let actor = self.actor(stamp.actor);
        let place = match stamp.chain {
            Some(chain) => format!("{actor} on {}", self.chain(registry, chain)),
            None => actor,
        };
        Violation {
            invariant: broken.invariant,
            time: stamp.time,
            actor: stamp.actor,
            place,
            detail: broken.detail.clone(),
        }
    }
}

/// The beginning of an application's id.
pub(crate) fn short(application: ApplicationId) -> String {
    let id = application.to_string();
    id.get(..8).unwrap_or(&id).to_owned()
}
