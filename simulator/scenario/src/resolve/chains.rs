//! Chains: groups become single chains with owners, regions and balances.

use std::collections::BTreeMap;

use protocol::{Amount, TimeDelta, client::MessagePolicy, ownership::ChainOwnership};

use super::{Resolver, in_file_order, owners::WEIGHT_MAX};
use crate::diagnostic::Code;
use crate::document::At;
use crate::names::{Group, is_name};
use crate::plan::{
    ChainIndex, ChainOrigin, ChainPlan, ChainSet, GroupIndex, GroupPlan, InboxPolicy, OwnerIndex,
    OwnerPlan, OwnershipPlan, RegionIndex,
};
use crate::spec::{ChainSpec, OpenChainSpec, OwnershipSpec, Spec};
use crate::units;

/// More chains than a machine of our size can hold.
const CHAINS_MAX: u64 = 2_000_000;
const ROUND_TIMEOUT: &str = "10s";

/// Names that mean something else where a chain could stand.
const RESERVED: [&str; 4] = ["clients", "prev", "local", "own"];

/// What every chain of a group has in common.
struct Common {
    balance: Amount,
    multi_leader_rounds: u32,
    round_timeout: TimeDelta,
    fast_round: Option<TimeDelta>,
    inbox: InboxPolicy,
}

/// Who owns the chains of a group.
enum Ownership {
    /// One owner, named as the chain.
    Own { is_super: bool },
    /// These.
    Named(Vec<OwnerPlan>),
    /// Nobody: the validators take turns.
    Public,
}

/// What wallets do with what arrives; other words are reported by the file's shape.
fn message_policy(written: &ChainSpec) -> MessagePolicy {
    match written.message_policy.as_deref() {
        Some("reject") => MessagePolicy::Reject,
        Some("ignore") => MessagePolicy::Ignore,
        Some(_) | None => MessagePolicy::Accept,
    }
}

impl Resolver<'_> {
    /// All chains of the genesis, and their groups.
    pub(super) fn chains(
        &mut self,
        spec: &Spec,
        filled: &mut Spec,
    ) -> (Vec<GroupPlan>, Vec<ChainPlan>) {
        let root = At::root().key("chains");
        self.names.chains_are_partial = self.is_damaged(&root);
        let mut groups = Vec::new();
        let mut chains = Vec::new();
        for (index, written) in spec.chains.iter().enumerate() {
            let at = root.index(index);
            let target = &mut filled.chains[index];
            let planned = self.group(&at, written, target, chains.len());
            match planned {
                Some((name, mut planned)) => {
                    let group = GroupIndex::at(groups.len());
                    let first = chains.len();
                    planned.iter_mut().for_each(|chain| chain.group = group);
                    chains.append(&mut planned);
                    let range = ChainIndex::at(first).get()..ChainIndex::at(chains.len()).get();
                    groups.push(GroupPlan {
                        name,
                        chains: ChainSet::range(range),
                    });
                }
                None => self.names.chains_are_partial |= written.name.is_none(),
            }
        }
        if spec.chains.is_empty() && !self.is_damaged(&root) {
            let message = "there is no chain";
            let help = "add [[chains]] with name = \"A\" and balance = \"100\"".to_owned();
            self.say_labelled(
                &At::root(),
                Code::MissingKey,
                message,
                "a network has chains",
                help,
            );
        }
        (groups, chains)
    }

    fn group(
        &mut self,
        at: &At,
        written: &ChainSpec,
        target: &mut ChainSpec,
        before: usize,
    ) -> Option<(String, Vec<ChainPlan>)> {
        let name = self.chain_name(at, written.name.as_ref());
        let most = CHAINS_MAX - u64::try_from(before).expect("bounded");
        let count = match written.count {
            Some(count) => self.bounded(&at.key("count"), Some(count), most),
            None if self.is_damaged(&at.key("count")) => None,
            None => Some(1),
        };
        // Without its number of chains the names of a group are not known.
        self.names.chains_are_partial |= count.is_none();
        let common = self.common(
            at,
            target.balance.get_or_insert_with(|| "0".to_owned()),
            target.multi_leader_rounds.get_or_insert(default_rounds()),
            target
                .round_timeout
                .get_or_insert_with(|| ROUND_TIMEOUT.to_owned()),
            written.fast_round.as_ref(),
            target.inbox.get_or_insert_with(|| "manual".to_owned()),
        );
        let ownership = self.ownership(at, written, target);
        let first_leader = self.first_leader(at, written.first_leader.as_ref());
        let guests = self.guests(at, written.guests.as_deref());
        let regions = self.chain_regions(&at.key("regions"), written.regions.as_ref());
        let admin = self.is_admin(at, written);
        let permissions =
            self.first_permissions(&at.key("permissions"), written.permissions.as_ref());
        let (fallback, stand_ins) = self.fallback(at, written);
        let (name, count) = (name?, count?);
        let numbered = written.count.is_some();
        let group = Group {
            name: name.clone(),
            first: ChainIndex::at(before).get(),
            count,
            numbered,
            genesis: true,
        };
        if !self.names.add_group(group) {
            let message = format!("two chains are called `{name}`");
            self.say(&at.key("name"), Code::DuplicateName, message, None);
            self.names.chains_are_partial = true;
            return None;
        }
        let (common, ownership) = (common?, ownership?);
        let mut later_owners = guests;
        let holders = self.holders(&ownership, (name, numbered), &later_owners);
        later_owners.extend(self.further_wallets(at, written.wallets.as_ref(), &holders));
        let public = matches!(ownership, Ownership::Public);
        let mut spread = Spread::new(&regions);
        let chains = (0..count).map(|position| {
            let chain_name = if numbered {
                format!("{name}/{position}")
            } else {
                name.clone()
            };
            let owners = match &ownership {
                Ownership::Own { is_super } => vec![OwnerPlan {
                    owner: self.names.owner(&chain_name),
                    weight: if *is_super {
                        0
                    } else {
                        ChainOwnership::DEFAULT_WEIGHT
                    },
                    is_super: *is_super,
                }],
                Ownership::Named(owners) => owners.clone(),
                Ownership::Public => self.validator_owners(),
            };
            ChainPlan {
                name: chain_name,
                group: GroupIndex::new(0),
                position,
                balance: common.balance,
                owners,
                multi_leader_rounds: common.multi_leader_rounds,
                round_timeout: common.round_timeout,
                first_leader,
                fast_round: common.fast_round,
                message_policy: message_policy(written),
                open_rounds: written.open_multi_leader_rounds == Some(true),
                fallback,
                stand_ins: stand_ins.clone(),
                later_owners: later_owners.clone(),
                region: spread.next(),
                inbox: if public {
                    InboxPolicy::Auto
                } else {
                    common.inbox
                },
                admin,
                public,
                origin: ChainOrigin::Genesis,
                permissions: permissions.clone(),
            }
        });
        let chains = chains.collect();
        Some((name.clone(), chains))
    }

    /// Who may have several wallets: owners and guests with names of their own.
    fn holders(
        &mut self,
        ownership: &Ownership,
        (name, numbered): (&str, bool),
        guests: &[OwnerIndex],
    ) -> Vec<OwnerIndex> {
        let mut holders = match ownership {
            Ownership::Own { .. } if !numbered => vec![self.names.owner(name)],
            Ownership::Named(owners) => owners.iter().map(|owner| owner.owner).collect(),
            Ownership::Own { .. } | Ownership::Public => Vec::new(),
        };
        holders.extend(guests);
        holders
    }

    /// Whether this is the admin chain: one, with owners.
    fn is_admin(&mut self, at: &At, written: &ChainSpec) -> bool {
        if written.admin != Some(true) {
            return false;
        }
        let here = at.key("admin");
        if written.count.is_some() || self.has_admin {
            let message = "there is one admin chain at most";
            let help = "keep one chain with admin = true, without a count".to_owned();
            self.say_key(&here, Code::DuplicateName, message, "", help);
        }
        if written.public == Some(true) {
            let message = "the admin chain has owners";
            let help = "remove `public`".to_owned();
            self.say_key(&here, Code::TwoActions, message, "", help);
        }
        self.has_admin = true;
        true
    }

    fn chain_name<'t>(&mut self, at: &At, name: Option<&'t String>) -> Option<&'t String> {
        let name = name?;
        let help = "use letters, digits, `-` and `_`, at most 64".to_owned();
        if !is_name(name) {
            let message = format!("`{name}` cannot be the name of a chain");
            self.say(&at.key("name"), Code::BadValue, message, help);
            self.names.chains_are_partial = true;
            return None;
        }
        if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` has another meaning in scenarios");
            self.say(
                &at.key("name"),
                Code::BadValue,
                message,
                "choose another name".to_owned(),
            );
            self.names.chains_are_partial = true;
        }
        Some(name)
    }

    fn common(
        &mut self,
        at: &At,
        balance: &String,
        rounds: &u64,
        timeout: &String,
        fast_round: Option<&String>,
        inbox: &str,
    ) -> Option<Common> {
        let balance = self.read(&at.key("balance"), Some(balance), units::amount);
        let most = u64::from(u32::MAX);
        let rounds = self.bounded(&at.key("multi_leader_rounds"), Some(*rounds), most);
        let timeout = self.read(&at.key("round_timeout"), Some(timeout), units::micros);
        if timeout == Some(0) {
            let message = "a round lasts some time";
            self.say(&at.key("round_timeout"), Code::BadValue, message, None);
        }
        let fast_round = self.read(&at.key("fast_round"), fast_round, units::micros);
        Some(Common {
            balance: balance?,
            multi_leader_rounds: rounds?,
            round_timeout: TimeDelta::from_micros(timeout?),
            fast_round: fast_round.map(TimeDelta::from_micros),
            inbox: if inbox == "auto" {
                InboxPolicy::Auto
            } else {
                InboxPolicy::Manual
            },
        })
    }

    fn ownership(
        &mut self,
        at: &At,
        written: &ChainSpec,
        target: &mut ChainSpec,
    ) -> Option<Ownership> {
        let named = written.owners.is_some() || written.super_owners.is_some();
        if written.public == Some(true) {
            if named || written.owner.is_some() {
                let message = "a public chain has no owners";
                let help = "remove the owners, or `public`".to_owned();
                self.say_key(&at.key("public"), Code::TwoActions, message, "", help);
                return None;
            }
            return Some(Ownership::Public);
        }
        if named {
            if written.owner.is_some() {
                let message = "`owner` is about a chain without other owners";
                let help = "remove `owner`, or `owners` and `super_owners`".to_owned();
                self.say_key(&at.key("owner"), Code::TwoActions, message, "", help);
            }
            let owners =
                self.owners(at, written.owners.as_ref(), written.super_owners.as_deref())?;
            return Some(Ownership::Named(owners));
        }
        if self.is_damaged(&at.key("owners")) || self.is_damaged(&at.key("super_owners")) {
            self.names.chains_are_partial = true;
        }
        let owner = target.owner.get_or_insert_with(|| "regular".to_owned());
        Some(Ownership::Own {
            is_super: owner == "super",
        })
    }

    fn first_leader(&mut self, at: &At, written: Option<&String>) -> Option<OwnerIndex> {
        self.owner_name(&at.key("first_leader"), written?)
    }

    /// The ownership that a step gives to a chain.
    pub(super) fn new_ownership(
        &mut self,
        at: &At,
        written: &OwnershipSpec,
    ) -> Option<OwnershipPlan> {
        let nobody = written.owners.as_ref().is_some_and(BTreeMap::is_empty)
            && written.super_owners.is_none();
        let owners = if nobody {
            Some(Vec::new())
        } else {
            self.owners(at, written.owners.as_ref(), written.super_owners.as_deref())
        };
        let timeout = ROUND_TIMEOUT.to_owned();
        let common = self.common(
            at,
            &"0".to_owned(),
            &written.multi_leader_rounds.unwrap_or(default_rounds()),
            written.round_timeout.as_ref().unwrap_or(&timeout),
            written.fast_round.as_ref(),
            "manual",
        );
        let first_leader = self.first_leader(at, written.first_leader.as_ref());
        let (owners, common) = (owners?, common?);
        Some(OwnershipPlan {
            owners,
            multi_leader_rounds: common.multi_leader_rounds,
            round_timeout: common.round_timeout,
            first_leader,
            fast_round: common.fast_round,
            fallback: None,
            open_rounds: false,
        })
    }

    pub(super) fn owner_name(&mut self, at: &At, name: &str) -> Option<OwnerIndex> {
        // The owner of chain 7 of a group is called `user/7`.
        let (group, number) = name.split_once('/').unwrap_or((name, "0"));
        let plain = number.bytes().all(|one| one.is_ascii_digit()) && !number.is_empty();
        if !is_name(group) || !plain {
            let help = "use letters, digits, `-` and `_`".to_owned();
            let message = format!("`{name}` cannot be the name of an owner");
            self.say_key(at, Code::BadValue, message, "", help);
            return None;
        }
        Some(self.names.owner(name))
    }

    fn chain_regions(
        &mut self,
        at: &At,
        regions: Option<&BTreeMap<String, u64>>,
    ) -> Vec<(RegionIndex, u64)> {
        let Some(map) = regions else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, weight) in in_file_order(self.document, at, map) {
            let here = at.key(name);
            if *weight > WEIGHT_MAX {
                self.say(
                    &here,
                    Code::BadValue,
                    format!("a weight is at most {WEIGHT_MAX}"),
                    None,
                );
            }
            if let Some(region) = self.add_region(&here, name) {
                found.push((region, (*weight).min(WEIGHT_MAX)));
            }
        }
        if found.iter().all(|(_, weight)| *weight == 0) {
            let message = "the wallets stand nowhere";
            let help = "give one region a positive weight".to_owned();
            self.say(at, Code::BadValue, message, help);
        }
        found
    }

    /// The chains that scripts open get their names and indices before any step is read, because
    /// any step may speak of them.
    pub(super) fn opened_chains(
        &mut self,
        spec: &Spec,
        groups: &mut Vec<GroupPlan>,
        chains: &mut Vec<ChainPlan>,
    ) {
        for (index, workload) in spec.workload.iter().enumerate() {
            if !self.is_active(workload.variant.as_ref()) {
                continue;
            }
            for (number, step) in workload.script.iter().flatten().enumerate() {
                let Some(opened) = &step.open_chain else {
                    continue;
                };
                if !self.is_active(step.variant.as_ref()) {
                    continue;
                }
                let at = At::root()
                    .key("workload")
                    .index(index)
                    .key("script")
                    .index(number);
                self.opened_chain(&at.key("open_chain"), opened, groups, chains);
            }
        }
    }

    fn opened_chain(
        &mut self,
        at: &At,
        opened: &OpenChainSpec,
        groups: &mut Vec<GroupPlan>,
        chains: &mut Vec<ChainPlan>,
    ) {
        let Some(name) = self.chain_name(at, opened.name.as_ref()) else {
            self.names.chains_are_partial = true;
            return;
        };
        let group = Group {
            name: name.clone(),
            first: ChainIndex::at(chains.len()).get(),
            count: 1,
            numbered: false,
            genesis: false,
        };
        if !self.names.add_group(group) {
            let message = format!("two chains are called `{name}`");
            self.say(&at.key("name"), Code::DuplicateName, message, None);
            self.names.chains_are_partial = true;
            return;
        }
        let named = opened.owners.is_some() || opened.super_owners.is_some();
        let owners = if named {
            self.owners(at, opened.owners.as_ref(), opened.super_owners.as_deref())
        } else {
            Some(Vec::new())
        };
        let zero = "0".to_owned();
        let timeout = ROUND_TIMEOUT.to_owned();
        let common = self.common(
            at,
            opened.balance.as_ref().unwrap_or(&zero),
            &opened.multi_leader_rounds.unwrap_or(default_rounds()),
            opened.round_timeout.as_ref().unwrap_or(&timeout),
            None,
            opened.inbox.as_deref().unwrap_or("manual"),
        );
        let common = common.unwrap_or(Common {
            balance: Amount::ZERO,
            multi_leader_rounds: 0,
            round_timeout: TimeDelta::from_micros(0),
            fast_round: None,
            inbox: InboxPolicy::Manual,
        });
        let index = ChainIndex::at(chains.len());
        chains.push(ChainPlan {
            name: name.clone(),
            group: GroupIndex::at(groups.len()),
            position: 0,
            balance: common.balance,
            // Filled in when the step is read, if the acting owner is the only one.
            owners: owners.unwrap_or_default(),
            multi_leader_rounds: common.multi_leader_rounds,
            round_timeout: common.round_timeout,
            first_leader: None,
            fast_round: None,
            open_rounds: false,
            fallback: None,
            stand_ins: Vec::new(),
            later_owners: Vec::new(),
            region: RegionIndex::new(0),
            inbox: common.inbox,
            message_policy: MessagePolicy::Accept,
            admin: false,
            public: false,
            origin: ChainOrigin::Opened {
                parent: ChainIndex::new(0),
            },
            permissions: self.permissions(&at.key("permissions"), opened.permissions.as_ref()),
        });
        groups.push(GroupPlan {
            name: name.clone(),
            chains: ChainSet::one(index),
        });
    }
}

/// The rounds that a chain has if its scenario does not say.
pub(super) fn default_rounds() -> u64 {
    u64::from(ChainOwnership::DEFAULT_MULTI_LEADER_ROUNDS)
}

/// Deals regions out so that every beginning of a group has them close to their weights.
struct Spread<'r> {
    regions: &'r [(RegionIndex, u64)],
    dealt: Vec<u64>,
    total: u64,
    count: u64,
}

impl<'r> Spread<'r> {
    fn new(regions: &'r [(RegionIndex, u64)]) -> Self {
        let total = regions.iter().map(|(_, weight)| weight).sum();
        Self {
            regions,
            dealt: vec![0; regions.len()],
            total,
            count: 0,
        }
    }

    fn next(&mut self) -> RegionIndex {
        if self.total == 0 {
            return RegionIndex::new(0);
        }
        self.count += 1;
        // The region that is furthest behind what its weight promises.
        let behind = |(index, (_, weight)): &(usize, &(RegionIndex, u64))| {
            let promised = u128::from(*weight) * u128::from(self.count);
            let had = u128::from(self.dealt[*index]) * u128::from(self.total);
            (
                i128::try_from(promised).unwrap_or(i128::MAX) - i128::try_from(had).unwrap_or(0),
                usize::MAX - index,
            )
        };
        let chosen = self
            .regions
            .iter()
            .enumerate()
            .max_by_key(behind)
            .map_or(0, |(index, _)| index);
        self.dealt[chosen] += 1;
        self.regions[chosen].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_dealt_out_by_weight() {
        let regions = [
            (RegionIndex::new(0), 5),
            (RegionIndex::new(1), 3),
            (RegionIndex::new(2), 2),
        ];
        let mut spread = Spread::new(&regions);
        let mut counts = [0_u32; 3];
        for _ in 0..10 {
            counts[spread.next().position()] += 1;
        }
        assert_eq!(counts, [5, 3, 2]);
    }
}
