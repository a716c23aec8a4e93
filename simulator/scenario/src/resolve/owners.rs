//! Owners of a chain as they are written: super owners, regular ones with weights, or validators.

use std::collections::{BTreeMap, BTreeSet};

use protocol::TimeDelta;

use super::{Resolver, in_file_order};
use crate::diagnostic::Code;
use crate::document::At;
use crate::names::suggest;
use crate::plan::{Action, ChainIndex, ChainPlan, OwnerIndex, OwnerPlan};
use crate::spec::{ChainSpec, OwnershipSpec};
use crate::units;

/// So that a sum of weights stays far from the end of 64 bits.
pub(super) const WEIGHT_MAX: u64 = 1_000_000_000;
const OWNERS_MAX: usize = 1_000;

impl Resolver<'_> {
    /// People who have wallets for a chain without owning it.
    pub(super) fn guests(&mut self, at: &At, written: Option<&[String]>) -> Vec<OwnerIndex> {
        let mut guests = Vec::new();
        for (index, name) in written.unwrap_or_default().iter().enumerate() {
            let here = at.key("guests").index(index);
            let guest = self.owner_name(&here, name);
            guests.extend(guest.filter(|guest| !guests.contains(guest)));
        }
        guests
    }

    /// Who acts on a chain, which is written with its name: the owner that is named, or the first one.
    /// The places are those of the chain and of the owner.
    pub(super) fn acting_owner(
        &mut self,
        [chain_at, owner_at]: [&At; 2],
        written: Option<&String>,
        (chain_name, chain): (&str, ChainIndex),
        chains: &[ChainPlan],
    ) -> Option<OwnerIndex> {
        let owners = chains
            .get(chain.position())
            .map(|plan| plan.owners.as_slice());
        let Some(name) = written else {
            return match owners {
                Some([first, ..]) => Some(first.owner),
                // A chain whose owner is the one that opens it, used before it is opened.
                Some([]) if !self.names.chains_are_partial => {
                    let message = "the owner of this chain is not known yet";
                    let help = "open it in an earlier step, or name its owners there".to_owned();
                    self.say(chain_at, Code::UnknownOwner, message, help);
                    None
                }
                Some(_) | None => None,
            };
        };
        let Some(owners) = owners.filter(|all| !all.is_empty()) else {
            return self.read_text(owner_at, written, |names, text| {
                names.find_owner(&Self::whole(text))
            });
        };
        let later = chains
            .get(chain.position())
            .into_iter()
            .flat_map(|plan| plan.later_owners.iter().copied());
        let known: Vec<_> = owners.iter().map(|one| one.owner).chain(later).collect();
        let named = |one: &&OwnerIndex| self.names.owner_name(**one) == name;
        if let Some(owner) = known.iter().find(named) {
            return Some(*owner);
        }
        let names: Vec<&str> = known
            .iter()
            .map(|one| self.names.owner_name(*one))
            .collect();
        let help = suggest(name, "owners", names.iter().copied());
        let message = format!("`{name}` is no owner of `{chain_name}`");
        if !self.names.chains_are_partial {
            self.say_labelled(
                owner_at,
                Code::UnknownOwner,
                message,
                "may not propose here",
                help,
            );
        }
        None
    }

    /// The action of a step that gives a chain other owners.
    pub(super) fn change_ownership(
        &mut self,
        at: &At,
        written: &OwnershipSpec,
        chain: Option<ChainIndex>,
        chains: &mut [ChainPlan],
    ) -> Option<Action> {
        let ownership = self.new_ownership(at, written)?;
        let plan = chains.get_mut(chain?.position())?;
        for owner in &ownership.owners {
            let known = plan.owners.iter().any(|one| one.owner == owner.owner);
            if !known && !plan.later_owners.contains(&owner.owner) {
                plan.later_owners.push(owner.owner);
            }
        }
        Some(Action::ChangeOwnership(ownership))
    }

    /// The validators, as who makes the blocks of a public chain: each has a wallet for it.
    pub(super) fn validator_owners(&mut self) -> Vec<OwnerPlan> {
        let names: Vec<_> = (1..=self.validator_count)
            .map(|number| format!("v{number}"))
            .collect();
        let owner = |name: &String| OwnerPlan {
            owner: self.names.owner(name),
            weight: 0,
            is_super: false,
        };
        names.iter().map(owner).collect()
    }

    /// How long the validators wait until they take a chain over, and who they are then.
    pub(super) fn fallback(
        &mut self,
        at: &At,
        written: &ChainSpec,
    ) -> (Option<TimeDelta>, Vec<OwnerIndex>) {
        let here = at.key("fallback");
        let Some(span) = self.read(&here, written.fallback.as_ref(), units::micros) else {
            return (None, Vec::new());
        };
        let needless = if written.public == Some(true) {
            Some(("validators lead a public chain anyway", "public"))
        } else if written.admin == Some(true) {
            Some(("the admin chain is always in the newest epoch", "admin"))
        } else {
            None
        };
        if let Some((message, key)) = needless {
            let help = format!("remove `fallback`, or `{key}`");
            self.say_key(&here, Code::TwoActions, message, "", help);
        }
        let validators = self.validator_owners();
        let owns = |owner: &OwnerPlan| {
            let name = self.names.owner_name(owner.owner);
            let regular = written.owners.iter().flat_map(BTreeMap::keys);
            let supers = written.super_owners.iter().flatten();
            let guests = written.guests.iter().flatten();
            regular
                .chain(supers)
                .chain(guests)
                .any(|one| one.as_str() == name)
        };
        let others = validators.iter().filter(|owner| !owns(owner));
        let stand_ins = others.map(|owner| owner.owner).collect();
        (Some(TimeDelta::from_micros(span)), stand_ins)
    }

    /// Super owners first, then regular ones, each in the order of the file.
    pub(super) fn owners(
        &mut self,
        at: &At,
        regular: Option<&BTreeMap<String, u64>>,
        supers: Option<&[String]>,
    ) -> Option<Vec<OwnerPlan>> {
        let mut owners: Vec<OwnerPlan> = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut failed = false;
        for (index, name) in supers.unwrap_or_default().iter().enumerate() {
            let here = at.key("super_owners").index(index);
            if !seen.insert(name) {
                let message = format!("`{name}` is a super owner already");
                self.say(&here, Code::DuplicateName, message, None);
            }
            match self.owner_name(&here, name) {
                Some(owner) => owners.push(OwnerPlan {
                    owner,
                    weight: 0,
                    is_super: true,
                }),
                None => failed = true,
            }
        }
        let map_at = at.key("owners");
        let empty = BTreeMap::new();
        for (name, weight) in in_file_order(self.document, &map_at, regular.unwrap_or(&empty)) {
            let here = map_at.key(name);
            if !seen.insert(name) {
                let message = format!("`{name}` is a super owner already");
                let help = "a super owner may propose in every round".to_owned();
                self.say_key(&here, Code::DuplicateName, message, "", help);
            }
            if *weight > WEIGHT_MAX || *weight == 0 {
                let message = format!("a weight is between 1 and {WEIGHT_MAX}");
                self.say(&here, Code::BadValue, message, None);
                failed = true;
            }
            match self.owner_name(&here, name) {
                Some(owner) => {
                    owners.push(OwnerPlan {
                        owner,
                        weight: *weight,
                        is_super: false,
                    });
                }
                None => failed = true,
            }
        }
        if owners.is_empty() && !failed {
            let message = "a chain without owners is not in this version";
            let help = "name an owner, or remove the key".to_owned();
            self.say_key(
                at,
                Code::NotInThisVersion,
                message,
                "nobody may propose here",
                help,
            );
            failed = true;
        }
        if owners.len() > OWNERS_MAX {
            self.say_key(
                at,
                Code::TooLarge,
                format!("at most {OWNERS_MAX} owners"),
                "",
                None,
            );
            failed = true;
        }
        self.names.chains_are_partial |= failed;
        (!failed).then_some(owners)
    }
}
