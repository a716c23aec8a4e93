//! Applications: of which code they are, who creates them, when, and with what.

use std::sync::Arc;

use engine::VirtualTime;

use super::{Resolver, present};
use crate::bundled::{bundled_module, module_names};
use crate::diagnostic::Code;
use crate::document::At;
use crate::names::{is_name, suggest};
use crate::plan::{
    ApplicationIndex, ApplicationPlan, ChainIndex, ChainPlan, ModulePlan, OwnerIndex,
};
use crate::spec::{ApplicationSpec, Spec};
use crate::template::Context;

/// So that a file cannot fill the memory.
const APPLICATIONS_MAX: usize = 1_000;

impl Resolver<'_> {
    /// The names of all applications, before anything speaks of them.
    pub(super) fn name_applications(&mut self, spec: &Spec) {
        let root = At::root().key("applications");
        self.names.applications_are_partial = self.is_damaged(&root);
        if spec.applications.len() > APPLICATIONS_MAX {
            let message = format!("at most {APPLICATIONS_MAX} applications");
            self.say_key(&root, Code::TooLarge, message, "", None);
        }
        for (index, written) in spec.applications.iter().enumerate() {
            let at = root.index(index).key("name");
            let name = written.name.clone().unwrap_or_default();
            if !is_name(&name) {
                self.names.applications_are_partial = true;
                if written.name.is_some() {
                    let message = format!("`{name}` cannot be the name of an application");
                    let help = "use letters, digits, `-` and `_`, at most 64".to_owned();
                    self.say(&at, Code::BadValue, message, help);
                }
            } else if self.names.applications.contains(&name) {
                self.names.applications_are_partial = true;
                let message = format!("two applications are called `{name}`");
                self.say(&at, Code::DuplicateName, message, None);
            }
            // By index, so what has no good name has its place too.
            self.names.applications.push(name);
        }
    }

    pub(super) fn applications(
        &mut self,
        spec: &Spec,
        filled: &mut Spec,
        chains: &[ChainPlan],
    ) -> Vec<ApplicationPlan> {
        let root = At::root().key("applications");
        let mut plans = Vec::new();
        for (index, written) in spec.applications.iter().enumerate() {
            let target = &mut filled.applications[index];
            plans.push(self.application(&root.index(index), written, target, chains));
        }
        self.cycles(&root, &plans);
        plans.into_iter().flatten().collect()
    }

    fn application(
        &mut self,
        at: &At,
        written: &ApplicationSpec,
        filled: &mut ApplicationSpec,
        chains: &[ChainPlan],
    ) -> Option<ApplicationPlan> {
        let module = self.module(at, written);
        let creator = self.acting(
            at,
            ("creator", written.creator.as_ref()),
            ("creator_owner", written.creator_owner.as_ref()),
            chains,
        );
        let publisher = match &written.publisher {
            Some(_) => {
                let chain = ("publisher", written.publisher.as_ref());
                let owner = ("", None);
                self.acting(at, chain, owner, chains).map(Some)
            }
            None => (!self.is_damaged(&at.key("publisher"))).then_some(None),
        };
        let begin = filled.at.get_or_insert_with(|| "0s".to_owned());
        let begin = self.instant(&at.key("at"), Some(begin), "this application is created");
        let parameters = self.json(&at.key("parameters"), Context::Creation);
        let argument = self.json(&at.key("argument"), Context::Creation);
        let requires = self.required(&at.key("requires"), written.requires.as_deref());
        Some(ApplicationPlan {
            name: written.name.clone()?,
            module: module?,
            publisher: publisher?,
            creator: creator?,
            at: begin.filter(|begin| *begin >= VirtualTime::ZERO)?,
            parameters: parameters?,
            argument: argument?,
            requires: requires?,
        })
    }

    /// A chain that acts, and its owner.
    fn acting(
        &mut self,
        at: &At,
        (chain_key, chain): (&str, Option<&String>),
        (owner_key, owner): (&str, Option<&String>),
        chains: &[ChainPlan],
    ) -> Option<(ChainIndex, OwnerIndex)> {
        let here = at.key(chain_key);
        let index = self.read_text(&here, chain, |names, text| {
            names.find_chain(&Self::whole(text))
        })?;
        let name = chain.map(String::as_str).unwrap_or_default();
        let places = [&here, &at.key(owner_key)];
        let owner = self.acting_owner(places, owner, (name, index), chains)?;
        Some((index, owner))
    }

    fn required(&mut self, at: &At, written: Option<&[String]>) -> Option<Vec<ApplicationIndex>> {
        if written.is_none() && self.is_damaged(at) {
            return None;
        }
        let mut found = Vec::new();
        let mut good = true;
        for (index, name) in written.unwrap_or_default().iter().enumerate() {
            let here = at.index(index);
            match self.names.find_application(&Self::whole(name)) {
                Ok(one) if found.contains(&one) => {
                    let message = format!("`{name}` is named twice");
                    let help = "name each application once".to_owned();
                    self.say(&here, Code::DuplicateName, message, help);
                }
                Ok(one) => found.push(one),
                Err(error) => {
                    self.say_text(&here, error);
                    good = false;
                }
            }
        }
        good.then_some(found)
    }

    /// An application whose creation names another one is created after it: none of a circle is.
    fn cycles(&mut self, root: &At, plans: &[Option<ApplicationPlan>]) {
        let names = |one: usize, other: usize| {
            let plan = plans[one].as_ref();
            plan.is_some_and(|plan| plan.names(ApplicationIndex::at(other)))
        };
        let mut said = vec![false; plans.len()];
        for start in 0..plans.len() {
            let Some(circle) = circle(start, plans.len(), names) else {
                continue;
            };
            if circle.iter().any(|one| said[*one]) {
                continue;
            }
            circle.iter().for_each(|one| said[*one] = true);
            let called = |one: &usize| format!("`{}`", self.names.applications[*one]);
            let way: Vec<_> = circle.iter().map(called).collect();
            let message = match way.as_slice() {
                [one] => format!("{one} waits for itself"),
                _ => format!("none of {} is ever created", way.join(", ")),
            };
            let label = match way.as_slice() {
                [_] => "its id is known when it is there".to_owned(),
                _ => format!("{} waits for {}", way[0], way[1]),
            };
            let at = root.index(start);
            let key = if self.document.has(&at.key("requires")) {
                at.key("requires")
            } else {
                at.key("name")
            };
            let help = "an application is created after those that it requires or names".to_owned();
            self.say_labelled(&key, Code::BadValue, message, &label, help);
        }
    }

    /// The code: of a bundled application, or from two files.
    fn module(&mut self, at: &At, written: &ApplicationSpec) -> Option<Arc<ModulePlan>> {
        let files = [
            ("contract", &written.contract),
            ("service", &written.service),
        ];
        let Some(name) = &written.module else {
            return self.module_of_files(at, files);
        };
        let here = at.key("module");
        let second = files.iter().find(|(_, file)| file.is_some());
        if let Some((key, _)) = second {
            let message = format!("`module` and `{key}` both say what its code is");
            let help = "keep `module`, or `contract` and `service`".to_owned();
            self.say_key(&at.key(key), Code::TwoActions, message, "", help);
            return None;
        }
        let found = bundled_module(name);
        if found.is_none() {
            let help = if name.contains(".wasm") {
                Some("name files with contract = \"...\" and service = \"...\"".to_owned())
            } else {
                suggest(name, "bundled applications", module_names())
            };
            let message = format!("no bundled application is called `{name}`");
            self.say_labelled(&here, Code::UnknownApplication, message, "", help);
        }
        found
    }

    fn module_of_files(
        &mut self,
        at: &At,
        files: [(&str, &Option<String>); 2],
    ) -> Option<Arc<ModulePlan>> {
        let keys = ["module", "contract", "service"];
        let damaged = keys.iter().any(|key| self.is_damaged(&at.key(key)));
        let missing = files.iter().find(|(_, file)| file.is_none());
        if let Some((key, _)) = missing.filter(|_| !damaged) {
            let help = match present(&files.map(|(key, file)| (key, file.is_some()))).as_slice() {
                [] => "add module = \"counter\", or contract = \"...\" and service = \"...\""
                    .to_owned(),
                _ => format!("add {key} = \"...\""),
            };
            let message = "its code is missing";
            self.say_key(
                at,
                Code::MissingKey,
                message,
                "an application has a contract and a service",
                help,
            );
        }
        let [contract, service] = files.map(|(key, path)| {
            let path = path.as_ref()?;
            let read = self.files.module(path);
            read.map_err(|problem| {
                let help = if problem.was_read {
                    format!("see what it is with `microchains app inspect {path}`")
                } else {
                    "paths begin where the scenario lies".to_owned()
                };
                self.say(&at.key(key), Code::BadValue, problem.message, help);
            })
            .ok()
        });
        let [Some(contract_path), Some(service_path)] = files.map(|(_, path)| path.as_ref()) else {
            return None;
        };
        Some(Arc::new(ModulePlan {
            name: format!("{contract_path}, {service_path}"),
            contract: contract?,
            service: service?,
        }))
    }
}

/// A shortest way from `start` back to it along `edge`, of all numbers below `count`.
fn circle(start: usize, count: usize, edge: impl Fn(usize, usize) -> bool) -> Option<Vec<usize>> {
    let mut before: Vec<Option<usize>> = vec![None; count];
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(one) = open.pop_front() {
        for other in (0..count).filter(|other| edge(one, *other)) {
            if other == start {
                let mut way = vec![one];
                while way[0] != start {
                    let last =
                        before[way[0]].expect("all but the start were reached from somewhere");
                    way.insert(0, last);
                }
                return Some(way);
            }
            if before[other].is_none() {
                before[other] = Some(one);
                open.push_back(other);
            }
        }
    }
    None
}
