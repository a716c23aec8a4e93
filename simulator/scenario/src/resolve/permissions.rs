//! What applications may do on a chain: at its beginning, and from a step on.

use std::collections::{BTreeMap, BTreeSet};

use super::Resolver;
use crate::diagnostic::Code;
use crate::document::At;
use crate::names::{is_name, suggest};
use crate::plan::{Action, ChainIndex, PermissionsPlan, Plan, WorkloadKind};
use crate::spec::{PermissionsSpec, StepSpec};

impl Resolver<'_> {
    /// The permissions of a chain, if it has any.
    pub(super) fn permissions(
        &mut self,
        at: &At,
        written: Option<&PermissionsSpec>,
    ) -> Option<PermissionsPlan> {
        let written = written?;
        let mut named = |key: &str, names: &Option<Vec<String>>| {
            let names = names.as_deref()?;
            Some(self.permitted(&at.key(key), names))
        };
        Some(PermissionsPlan {
            execute_operations: named("execute_operations", &written.execute_operations),
            mandatory_applications: named(
                "mandatory_applications",
                &written.mandatory_applications,
            )
            .unwrap_or_default(),
            manage_chain: named("manage_chain", &written.manage_chain).unwrap_or_default(),
            call_service_as_oracle: named(
                "call_service_as_oracle",
                &written.call_service_as_oracle,
            ),
            make_http_requests: named("make_http_requests", &written.make_http_requests),
        })
    }

    fn permitted(&mut self, at: &At, names: &[String]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            let here = at.index(index);
            if !is_name(name) {
                let message = format!("`{name}` cannot be the name of an application");
                let help = "use letters, digits, `-` and `_`, at most 64".to_owned();
                self.say(&here, Code::BadValue, message, help);
            } else if !found.insert(name.clone()) {
                let message = format!("`{name}` is named twice");
                let help = "name each application once".to_owned();
                self.say(&here, Code::DuplicateName, message, help);
            } else {
                self.lint_permitted(&here, name);
            }
        }
        found
    }

    /// A scenario that creates no application may speak of any; one that does means one of those.
    fn lint_permitted(&mut self, at: &At, name: &String) {
        let names = &self.names;
        if names.applications.is_empty()
            || names.applications_are_partial
            || names.applications.contains(name)
        {
            return;
        }
        let help = suggest(
            name,
            "applications",
            names.applications.iter().map(String::as_str),
        );
        let message = format!("nobody creates an application called `{name}`");
        self.say(at, Code::NoEffect, message, help);
    }

    /// The permissions of a chain that is there from the start.
    pub(super) fn first_permissions(
        &mut self,
        at: &At,
        written: Option<&PermissionsSpec>,
    ) -> Option<PermissionsPlan> {
        let permissions = self.permissions(at, written)?;
        let lists = [
            ("execute_operations", written?.execute_operations.as_ref()),
            (
                "mandatory_applications",
                written?.mandatory_applications.as_ref(),
            ),
            ("manage_chain", written?.manage_chain.as_ref()),
            (
                "call_service_as_oracle",
                written?.call_service_as_oracle.as_ref(),
            ),
            ("make_http_requests", written?.make_http_requests.as_ref()),
        ];
        for (key, names) in lists {
            for (index, name) in names.into_iter().flatten().enumerate() {
                if self.names.applications.contains(name) {
                    let message = format!("`{name}` is not there when this chain begins");
                    let label = "its id is known when it is created";
                    let help =
                        "permit it in a step with change_permissions, or let a step open the \
                                chain with open_chain"
                            .to_owned();
                    let here = at.key(key).index(index);
                    self.say_labelled(&here, Code::BadValue, message, label, help);
                }
            }
        }
        Some(permissions)
    }

    /// The action of a step that changes permissions, and may close the chain in the same block.
    pub(super) fn change_permissions(&mut self, at: &At, written: &StepSpec) -> Option<Action> {
        let here = at.key("change_permissions");
        let permissions = self.permissions(&here, written.change_permissions.as_ref())?;
        let close = written.close_chain.is_some();
        if close && !self.switched_on(&at.key("close_chain"), "close_chain", written.close_chain) {
            return None;
        }
        Some(Action::ChangePermissions { permissions, close })
    }

    /// A chain that is closed while every block has to call an application can make no block at all:
    /// what arrives can never be sent back.
    pub(super) fn lint_closing(&mut self, plan: &Plan, places: &[(At, Vec<At>)]) {
        let mut demands: BTreeMap<ChainIndex, bool> = (0..plan.chains.len())
            .map(ChainIndex::at)
            .zip(&plan.chains)
            .map(|(index, chain)| (index, chain.permissions.as_ref().is_some_and(demands_calls)))
            .collect();
        for (workload, (_, steps)) in plan.workloads.iter().zip(places) {
            let WorkloadKind::Script(script) = &workload.kind else {
                continue;
            };
            for (step, at) in script.iter().zip(steps) {
                let closes = match &step.action {
                    Action::CloseChain => true,
                    Action::ChangePermissions { permissions, close } => {
                        demands.insert(step.chain, demands_calls(permissions));
                        *close
                    }
                    _ => false,
                };
                if closes && demands.get(&step.chain) == Some(&true) {
                    let name = &plan.chain(step.chain).name;
                    let message = format!("what is sent to `{name}` can never come back");
                    let label = "a closed chain calls no application, and here every block must";
                    let help = "let the same block permit everything: change_permissions = {}";
                    let key = at.key("close_chain");
                    self.say_key(&key, Code::StuckMessages, message, label, help.to_owned());
                }
            }
        }
    }
}

fn demands_calls(permissions: &PermissionsPlan) -> bool {
    !permissions.mandatory_applications.is_empty()
}
