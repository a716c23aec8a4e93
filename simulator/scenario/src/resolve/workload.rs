//! Workloads: scripts, arrivals, users; and the actions that they do.

use std::collections::BTreeSet;

use engine::{VirtualDuration, VirtualTime};

use super::{Resolver, present};
use crate::diagnostic::Code;
use crate::distribution::{distribution, rate_curve};
use crate::document::At;
use crate::plan::{
    Action, ChainIndex, ChainOrigin, ChainPlan, ChainSet, ClosedPlan, ClosedUser, Gaps, OpenPlan,
    OwnerIndex, OwnerPlan, StepPlan, Trigger, Visit, WorkloadKind, WorkloadPlan,
};
use crate::spec::{ClosedSpec, OpenSpec, Spec, StepSpec, WorkloadSpec};
use crate::units;

const STEP_ACTIONS: &str = "transfer, send_bundle, claim, submit, approve, transfer_from, call, open_chain, process_inbox, take_newest, airdrop, \
     change_ownership, change_permissions, close_chain, new_committee, revoke_epoch, publish_blob, verify_blob";
const USERS_MAX: u64 = 1_000_000;
const STEPS_MAX: usize = 100_000;

impl Resolver<'_> {
    pub(super) fn workloads(
        &mut self,
        spec: &Spec,
        filled: &mut Spec,
        chains: &mut [ChainPlan],
    ) -> Vec<WorkloadPlan> {
        let root = At::root().key("workload");
        let mut taken = BTreeSet::new();
        let mut plans = Vec::new();
        for (index, written) in spec.workload.iter().enumerate() {
            if !self.is_active(written.variant.as_ref()) {
                continue;
            }
            let at = root.index(index);
            let name = self.unique(&at, written.name.as_ref(), &mut taken, "a workload");
            let kind = self.workload(&at, written, &mut filled.workload[index], chains);
            if let (Some(name), Some(kind)) = (name, kind) {
                plans.push(WorkloadPlan {
                    name: name.clone(),
                    kind,
                });
            }
        }
        plans
    }

    fn workload(
        &mut self,
        at: &At,
        written: &WorkloadSpec,
        filled: &mut WorkloadSpec,
        chains: &mut [ChainPlan],
    ) -> Option<WorkloadKind> {
        let kinds = [
            ("script", written.script.is_some()),
            ("open", written.open.is_some()),
            ("closed", written.closed.is_some()),
        ];
        let found: Vec<&str> = kinds
            .iter()
            .filter(|(_, there)| *there)
            .map(|(name, _)| *name)
            .collect();
        if !self.one_action(at, &found, "script, open, closed") {
            return None;
        }
        if let Some(script) = &written.script {
            self.no_loop_keys(at, written);
            return self
                .script(&at.key("script"), script, chains)
                .map(WorkloadKind::Script);
        }
        let selected = self.acting_chains(at, written);
        let owners = written.closed.as_ref().map(|closed| &closed.users);
        let acting = owners.is_none();
        let action = self.loop_action(at, written, chains, selected.as_ref(), acting);
        if let Some(open) = &written.open {
            let target = filled.open.get_or_insert_default();
            let open = self.open(&at.key("open"), open, target, selected);
            return Some(WorkloadKind::Open(open?, action?));
        }
        let closed = written.closed.as_ref()?;
        let target = filled.closed.get_or_insert_default();
        let closed = self.closed(&at.key("closed"), closed, target, selected, chains);
        Some(WorkloadKind::Closed(closed?, action?))
    }

    fn no_loop_keys(&mut self, at: &At, written: &WorkloadSpec) {
        let keys = [
            ("chains", written.chains.is_some()),
            ("transfer", written.transfer.is_some()),
            ("send_bundle", written.send_bundle.is_some()),
            ("claim", written.claim.is_some()),
            ("submit", written.submit.is_some()),
            ("call", written.call.is_some()),
            ("process_inbox", written.process_inbox.is_some()),
        ];
        for (key, there) in keys {
            if there {
                let message = format!("`{key}` is not used beside a script");
                let help = "each step of a script has its own chain and action".to_owned();
                self.say_key(&at.key(key), Code::TwoActions, message, "", help);
            }
        }
    }

    fn acting_chains(&mut self, at: &At, written: &WorkloadSpec) -> Option<ChainSet> {
        let here = at.key("chains");
        if written.chains.is_none() {
            if !self.is_damaged(&here) {
                let message = "`chains` is missing";
                let help = "add chains = \"user/*\"".to_owned();
                self.say_key(at, Code::MissingKey, message, "who acts here?", help);
            }
            return None;
        }
        self.read_text(&here, written.chains.as_ref(), |names, text| {
            names.find_chains(&Self::whole(text))
        })
    }
}

// Scripts.
impl Resolver<'_> {
    fn script(
        &mut self,
        at: &At,
        script: &[StepSpec],
        chains: &mut [ChainPlan],
    ) -> Option<Vec<StepPlan>> {
        if script.is_empty() {
            self.say(at, Code::NoAction, "this script has no steps", None);
        }
        if script.len() > STEPS_MAX {
            self.say(
                at,
                Code::TooLarge,
                format!("at most {STEPS_MAX} steps"),
                None,
            );
            return None;
        }
        let mut steps = Vec::new();
        let mut failed = false;
        let mut is_first = true;
        for (index, written) in script.iter().enumerate() {
            if !self.is_active(written.variant.as_ref()) {
                continue;
            }
            match self.step(&at.index(index), written, is_first, chains) {
                Some(step) => steps.push(step),
                None => failed = true,
            }
            is_first = false;
        }
        (!failed).then_some(steps)
    }

    fn step(
        &mut self,
        at: &At,
        written: &StepSpec,
        is_first: bool,
        chains: &mut [ChainPlan],
    ) -> Option<StepPlan> {
        let trigger = self.trigger(at, written, is_first);
        let chain = self.read_text(&at.key("chain"), written.chain.as_ref(), |names, text| {
            names.find_chain(&Self::whole(text))
        });
        let found = present(&[
            ("transfer", written.transfer.is_some()),
            ("send_bundle", written.send_bundle.is_some()),
            ("claim", written.claim.is_some()),
            ("submit", written.submit.is_some()),
            ("approve", written.approve.is_some()),
            ("transfer_from", written.transfer_from.is_some()),
            (
                "open_chain",
                written.open_chain.is_some() && written.call.is_none(),
            ),
            ("call", written.call.is_some()),
            ("process_inbox", written.process_inbox.is_some()),
            ("take_newest", written.take_newest.is_some()),
            ("airdrop", written.airdrop.is_some()),
            ("change_ownership", written.change_ownership.is_some()),
            ("change_permissions", written.change_permissions.is_some()),
            (
                "close_chain",
                written.close_chain.is_some() && written.change_permissions.is_none(),
            ),
            ("new_committee", written.new_committee.is_some()),
            ("revoke_epoch", written.revoke_epoch.is_some()),
            ("publish_blob", written.publish_blob.is_some()),
            ("verify_blob", written.verify_blob.is_some()),
        ]);
        let has_action = self.one_action(at, &found, STEP_ACTIONS);
        if written.new_committee.is_none() {
            self.no_policy(at, written.fees.is_some(), written.policy.is_some());
        }
        let name = written.chain.as_deref().unwrap_or_default();
        let places = [&at.key("chain"), &at.key("owner")];
        let owner = chain.and_then(|chain| {
            self.acting_owner(places, written.owner.as_ref(), (name, chain), chains)
        });
        let action = if !has_action {
            None
        } else if let Some(transfer) = &written.transfer {
            self.transfer(&at.key("transfer"), transfer)
        } else if let Some(bundle) = &written.send_bundle {
            self.bundle(&at.key("send_bundle"), bundle, chain)
        } else if let Some(claim) = &written.claim {
            let here = at.key("claim");
            let action = self.claim(&here, claim);
            if let (
                Some(Action::Claim {
                    owner: claimant, ..
                }),
                Some(owner),
            ) = (&action, owner)
                && !self.names.same_key(*claimant, owner)
            {
                self.wrong_claimant(&here);
            }
            action
        } else if let Some(submit) = &written.submit {
            self.submit(&at.key("submit"), submit, chains)
        } else if let Some(approve) = &written.approve {
            self.approve(&at.key("approve"), approve, owner)
        } else if let Some(transfer) = &written.transfer_from {
            self.transfer_from(&at.key("transfer_from"), transfer)
        } else if let Some(call) = &written.call {
            let action = self.call(&at.key("call"), call);
            self.opened_by_call(at, written, (chain, owner), chains, action)
        } else if written.open_chain.is_some() {
            self.open_step(at, written, chain, owner, chains)
        } else if let Some(ownership) = &written.change_ownership {
            self.change_ownership(&at.key("change_ownership"), ownership, chain, chains)
        } else if written.change_permissions.is_some() {
            self.change_permissions(at, written)
        } else if let Some(airdrop) = &written.airdrop {
            self.airdrop(&at.key("airdrop"), airdrop)
        } else if written.take_newest.is_some() {
            self.switched_on(&at.key("take_newest"), "take_newest", written.take_newest)
                .then_some(Action::TakeNewest)
        } else if written.close_chain.is_some() {
            self.switched_on(&at.key("close_chain"), "close_chain", written.close_chain)
                .then_some(Action::CloseChain)
        } else if written.new_committee.is_some() || written.revoke_epoch.is_some() {
            self.admin_step(at, written, chain, chains)
        } else if written.publish_blob.is_some() || written.verify_blob.is_some() {
            self.blob_action(at, written)
        } else {
            self.process_inbox(&at.key("process_inbox"), written.process_inbox)
        };
        Some(StepPlan {
            trigger: trigger?,
            chain: chain?,
            owner: owner?,
            action: action?,
        })
    }

    fn trigger(&mut self, at: &At, written: &StepSpec, is_first: bool) -> Option<Trigger> {
        let found = present(&[
            ("at", written.at.is_some()),
            ("when", written.when.is_some()),
            ("after", written.after.is_some()),
        ]);
        match found.as_slice() {
            [] => {
                let damaged = ["at", "when", "after"]
                    .iter()
                    .any(|key| self.is_damaged(&at.key(key)));
                if !damaged {
                    let message = "when does this step begin?";
                    let help = "add at = \"1s\", when = \"inbox\" or after = \"prev\"".to_owned();
                    self.say_labelled(at, Code::MissingKey, message, "", help);
                }
                return None;
            }
            [_] => {}
            [first, second, ..] => {
                let message = format!("two beginnings: `{first}` and `{second}`");
                let help = "keep one of them".to_owned();
                self.say_key(
                    &at.key(second),
                    Code::TwoActions,
                    message,
                    "the second one",
                    help,
                );
                return None;
            }
        }
        if written.at.is_some() {
            let instant = self.instant(&at.key("at"), written.at.as_ref(), "this step begins")?;
            return Some(Trigger::At(instant));
        }
        if written.when.is_some() {
            return Some(Trigger::InboxNotEmpty);
        }
        let here = at.key("after");
        if is_first {
            let message = "there is no step before this one";
            self.say(
                &here,
                Code::BadValue,
                message,
                "write at = \"1s\"".to_owned(),
            );
            return None;
        }
        let text = written.after.as_ref()?;
        if text == "prev" {
            return Some(Trigger::AfterPrevious(VirtualDuration::ZERO));
        }
        self.read(&here, Some(text), units::duration)
            .map(Trigger::AfterPrevious)
    }

    fn admin_step(
        &mut self,
        at: &At,
        written: &StepSpec,
        chain: Option<ChainIndex>,
        chains: &[ChainPlan],
    ) -> Option<Action> {
        let plan = chain.and_then(|chain| chains.get(chain.position()));
        if plan.is_some_and(|plan| !plan.admin) {
            let message = "only the admin chain says which committees there are";
            let help = "add admin = true to the chain, or act on the one that has it".to_owned();
            self.say(&at.key("chain"), Code::BadValue, message, help);
        }
        if let Some(members) = &written.new_committee {
            let members = self.committee(&at.key("new_committee"), members)?;
            let written = (written.fees.as_deref(), written.policy.as_ref());
            let policy = self.policy(at, written, self.policy)?;
            return Some(Action::NewCommittee(members, Box::new(policy)));
        }
        let most = u64::from(u32::MAX);
        let epoch = self.bounded(&at.key("revoke_epoch"), written.revoke_epoch, most)?;
        Some(Action::RevokeEpoch(epoch))
    }

    pub(super) fn open_step(
        &mut self,
        at: &At,
        written: &StepSpec,
        parent: Option<ChainIndex>,
        owner: Option<OwnerIndex>,
        chains: &mut [ChainPlan],
    ) -> Option<Action> {
        let here = at.key("open_chain").key("name");
        let name = written.open_chain.as_ref()?.name.as_ref()?;
        let opened = self.names.find_chain(&Self::whole(name)).ok()?;
        let plan = chains.get_mut(opened.position())?;
        if matches!(plan.origin, ChainOrigin::Genesis) {
            // Its name is that of a chain of the genesis, which is reported already.
            return None;
        }
        if parent == Some(opened) {
            self.say(&here, Code::BadValue, "a chain cannot open itself", None);
            return None;
        }
        let (parent, owner) = (parent?, owner?);
        plan.origin = ChainOrigin::Opened { parent };
        if plan.owners.is_empty() {
            let weight = protocol::ownership::ChainOwnership::DEFAULT_WEIGHT;
            plan.owners.push(OwnerPlan {
                owner,
                weight,
                is_super: false,
            });
        }
        Some(Action::OpenChain(opened))
    }
}

// Loops.
impl Resolver<'_> {
    fn span(
        &mut self,
        at: &At,
        from: &mut Option<String>,
        until: &mut Option<String>,
    ) -> Option<(VirtualTime, VirtualTime)> {
        let from = from.get_or_insert_with(|| "0s".to_owned());
        let from = self.instant(&at.key("from"), Some(from), "this begins");
        let end = units::write_micros(self.end.as_micros());
        let until = until.get_or_insert(end);
        let until = self.read(&at.key("until"), Some(until), units::micros);
        let (from, until) = (from?, VirtualTime::from_micros(until?));
        let until = if self.end_is_known {
            until.min(self.end)
        } else {
            until
        };
        if from >= until && self.end_is_known && from < self.end {
            let message = "this ends before it begins";
            self.say(&at.key("until"), Code::BadValue, message, None);
            return None;
        }
        Some((from, until))
    }

    fn open(
        &mut self,
        at: &At,
        written: &OpenSpec,
        filled: &mut OpenSpec,
        chains: Option<ChainSet>,
    ) -> Option<OpenPlan> {
        let gaps = match written.arrivals.as_deref() {
            Some("poisson") => Some(Gaps::Poisson),
            Some("uniform") => Some(Gaps::Uniform),
            Some("constant") => Some(Gaps::Constant),
            Some(_) | None => None,
        };
        let rate = self.read_text(&at.key("rate"), written.rate.as_ref(), |_, text| {
            rate_curve(text)
        });
        let span = self.span(at, &mut filled.from, &mut filled.until);
        let visit = match filled
            .visit
            .get_or_insert_with(|| "random".to_owned())
            .as_str()
        {
            "once" => Visit::Once,
            "in-turn" => Visit::InTurn,
            _ => Visit::Random,
        };
        Some(OpenPlan::new(gaps?, rate?, span?, visit, chains?))
    }

    fn closed(
        &mut self,
        at: &At,
        written: &ClosedSpec,
        filled: &mut ClosedSpec,
        chains: Option<ChainSet>,
        plans: &[ChainPlan],
    ) -> Option<ClosedPlan> {
        let think = self.read_text(&at.key("think"), written.think.as_ref(), |_, text| {
            distribution(text)
        });
        let span = self.span(at, &mut filled.from, &mut filled.until);
        let users = self.users(&at.key("users"), written, chains?, plans);
        let (from, until) = span?;
        Some(ClosedPlan {
            users: users?,
            think: think?,
            from,
            until,
        })
    }

    fn wrong_users(&mut self, at: &At) {
        let message = "wrong type for `users`";
        let help = "write users = 200 or users = [\"ana\", \"ben\"]".to_owned();
        let label = "expected a whole number or owners";
        self.say_labelled(at, Code::WrongType, message, label, help);
    }

    fn users(
        &mut self,
        at: &At,
        written: &ClosedSpec,
        chains: ChainSet,
        plans: &[ChainPlan],
    ) -> Option<Vec<ClosedUser>> {
        let Some(users) = written.users.as_ref() else {
            // A float or a date: what reads as nothing, and still was written.
            if self.document.has(at) {
                self.wrong_users(at);
            }
            return None;
        };
        if let Some(count) = users.as_u64() {
            if count == 0 || count > USERS_MAX {
                let message = format!("between 1 and {USERS_MAX} users");
                self.say(at, Code::BadValue, message, None);
                return None;
            }
            return spread_users(count, &chains, plans);
        }
        let names: Option<Vec<&str>> = users
            .as_array()
            .and_then(|all| all.iter().map(|one| one.as_str()).collect());
        let Some(names) = names.filter(|names| !names.is_empty()) else {
            self.wrong_users(at);
            return None;
        };
        let mut found = Vec::new();
        let mut failed = false;
        for (index, name) in names.iter().enumerate() {
            let here = at.index(index);
            let piece = Self::whole(name);
            match self.names.find_owner(&piece) {
                Ok(owner) => {
                    let before = found.len();
                    let further = name.contains('#');
                    let owns = |chain: &ChainIndex| {
                        plans.get(chain.position()).is_some_and(|plan| {
                            plan.owners.iter().any(|one| one.owner == owner)
                                || (further && plan.later_owners.contains(&owner))
                        })
                    };
                    found.extend(
                        chains
                            .iter()
                            .filter(owns)
                            .map(|chain| ClosedUser { chain, owner }),
                    );
                    if found.len() == before && !self.names.chains_are_partial {
                        let message = format!("`{name}` owns none of the chains here");
                        let help = "name an owner of the chains that act".to_owned();
                        let label = "may not propose here";
                        self.say_labelled(&here, Code::UnknownOwner, message, label, help);
                        failed = true;
                    }
                }
                Err(error) => {
                    self.say_text(&here, error);
                    failed = true;
                }
            }
        }
        (!failed && !found.is_empty()).then_some(found)
    }
}

/// Spreads users evenly over chains; each is the first owner of its chain.
fn spread_users(count: u64, chains: &ChainSet, plans: &[ChainPlan]) -> Option<Vec<ClosedUser>> {
    let available = u64::from(chains.len());
    (0..count)
        .map(|user| {
            let position = if count <= available {
                user * available / count
            } else {
                user % available
            };
            let chain = chains.get(u32::try_from(position).ok()?)?;
            let owner = plans.get(chain.position())?.owners.first()?.owner;
            Some(ClosedUser { chain, owner })
        })
        .collect()
}
