//! Faults: when, for how long, and which nodes or links.

use std::collections::BTreeSet;

use engine::{Ratio, VirtualTime};
use protocol::adversary::{OwnerBehaviour, ValidatorBehaviour};

use super::elastic::end_of;
use super::{FaultPlaces, Resolver};
use crate::diagnostic::{Code, did_you_mean};
use crate::distribution::distribution;
use crate::document::At;
use crate::plan::{
    ChainSet, CrashPoint, FaultKind, FaultPlan, LinkPlan, OwnerIndex, Targets, ValidatorIndex,
};
use crate::spec::{ByzantineSpec, ClockSpec, CrashSpec, FaultSpec, SlowSpec, Spec};
use crate::text::{Piece, TextError};
use crate::units;

const ACTIONS: &str = "partition, crash, slow, loss, clock, resize, byzantine";
/// The behaviour that is the disk's and not the validator's.
const ROLLS_BACK: &str = "rolls-back";
const FACTOR_MAX: u64 = 1_000_000;

/// One side of a link.
enum Side {
    Wallets(ChainSet, Option<OwnerIndex>),
    Validators(Vec<ValidatorIndex>),
}

impl Resolver<'_> {
    pub(super) fn faults(&mut self, spec: &Spec) -> (Vec<FaultPlan>, FaultPlaces) {
        let root = At::root().key("faults");
        let mut taken = BTreeSet::new();
        let mut plans = Vec::new();
        let mut places = Vec::new();
        for (index, written) in spec.faults.iter().enumerate() {
            if !self.is_active(written.variant.as_ref()) {
                continue;
            }
            let at = root.index(index);
            let name = self.unique(&at, written.name.as_ref(), &mut taken, "a fault");
            let plan = self.fault(spec, &at, written);
            // An expectation may speak of a fault that has mistakes.
            self.names.faults.push(name.cloned().unwrap_or_default());
            let (from, until, kind) = plan.unwrap_or_else(|| {
                let nothing = LinkPlan::Clients {
                    chains: ChainSet::default(),
                    owner: None,
                    validators: Vec::new(),
                };
                (VirtualTime::ZERO, self.end, FaultKind::Partition(nothing))
            });
            plans.push(FaultPlan {
                name: name.cloned().unwrap_or_default(),
                from,
                until,
                kind,
            });
            places.push(at);
        }
        (plans, places)
    }

    fn fault(
        &mut self,
        spec: &Spec,
        at: &At,
        written: &FaultSpec,
    ) -> Option<(VirtualTime, VirtualTime, FaultKind)> {
        let from = self.instant(&at.key("at"), written.at.as_ref(), "this fault begins");
        let lasts = self.read(&at.key("for"), written.r#for.as_ref(), units::duration);
        if lasts.is_some_and(engine::VirtualDuration::is_zero) {
            let message = "a fault of no time changes nothing";
            self.say(&at.key("for"), Code::NoEffect, message, None);
        }
        let choices = [
            ("partition", written.partition.is_some()),
            ("crash", written.crash.is_some()),
            ("slow", written.slow.is_some()),
            ("loss", written.loss.is_some()),
            ("clock", written.clock.is_some()),
            ("resize", written.resize.is_some()),
            ("byzantine", written.byzantine.is_some()),
        ];
        let found: Vec<&str> = choices
            .iter()
            .filter(|(_, there)| *there)
            .map(|(key, _)| *key)
            .collect();
        if !self.one_action(at, &found, ACTIONS) {
            return None;
        }
        let mut until = match (from, lasts) {
            (Some(from), Some(lasts)) => from.saturating_add(lasts).min(self.end.max(from)),
            (Some(_), None) | (None, _) => self.end,
        };
        let kind = if let Some(link) = &written.partition {
            let here = at.key("partition");
            let between = link.between.as_deref();
            FaultKind::Partition(self.link(&here, between, link.inside.as_ref(), "partition")?)
        } else if let Some(loss) = &written.loss {
            let here = at.key("loss");
            let between = loss.between.as_deref();
            let ratio = self.read(&here.key("ratio"), loss.ratio.as_ref(), units::ratio);
            if ratio.is_some_and(Ratio::is_zero) {
                self.say(
                    &here.key("ratio"),
                    Code::NoEffect,
                    "nothing gets lost",
                    None,
                );
            }
            let link = self.link(&here, between, loss.inside.as_ref(), "loss");
            FaultKind::Loss(link?, ratio?)
        } else if let Some(crash) = &written.crash {
            let (here, has_end) = (at.key("crash"), written.r#for.is_some());
            let (kind, restart) = self.crash(&here, crash, has_end)?;
            let kind = self
                .lose_workers(&here, spec, crash, has_end)
                .unwrap_or(kind);
            if let (Some(from), Some(restart)) = (from, restart) {
                until = from.saturating_add(restart).min(self.end.max(from));
            }
            kind
        } else if let Some(slow) = &written.slow {
            self.slow(&at.key("slow"), slow)?
        } else if let Some(byzantine) = &written.byzantine {
            self.byzantine(&at.key("byzantine"), byzantine)?
        } else if let Some(resize) = &written.resize {
            let kind = self.resize(at, written, resize)?;
            if let Some(end) = end_of(from, &kind) {
                until = end.min(self.end);
            }
            kind
        } else {
            let clock = written.clock.as_ref()?;
            self.clock(&at.key("clock"), clock)?
        };
        Some((from?, until, kind))
    }

    fn link(
        &mut self,
        at: &At,
        between: Option<&[String]>,
        inside: Option<&String>,
        what: &str,
    ) -> Option<LinkPlan> {
        let here = at.key("between");
        let [left, right] = between? else {
            let message = "a link has two ends";
            let help = "write between = [\"clients\", \"v3\"]".to_owned();
            self.say(&here, Code::BadValue, message, help);
            return None;
        };
        if inside.is_some() {
            return self.inner_link(at, left, right, inside);
        }
        if let Some(index) = [left, right].iter().position(|end| end.contains("/w")) {
            let message = "workers are inside a validator";
            let help = "write inside = \"v1\", between = [\"w1\", \"w2\"]".to_owned();
            self.say(&here.index(index), Code::BadValue, message, help);
            return None;
        }
        let left = self.side(&here.index(0), left);
        let right = self.side(&here.index(1), right);
        match (left?, right?) {
            (Side::Wallets(chains, owner), Side::Validators(validators))
            | (Side::Validators(validators), Side::Wallets(chains, owner)) => {
                Some(LinkPlan::Clients {
                    chains,
                    owner,
                    validators,
                })
            }
            (Side::Validators(_), Side::Validators(_)) => self.no_such_link(
                &here,
                what,
                "validators do not send protocol messages to one another",
            ),
            (Side::Wallets(..), Side::Wallets(..)) => self.no_such_link(
                &here,
                what,
                "wallets do not send protocol messages to one another",
            ),
        }
    }

    fn no_such_link(&mut self, at: &At, what: &str, why: &str) -> Option<LinkPlan> {
        let help = "cut wallets off with between = [\"clients\", \"v1\"], or split one validator \
                    with inside = \"v1\", between = [\"w1\", \"w2\"]";
        let message = format!("this {what} changes nothing");
        self.say_labelled(at, Code::NoEffect, message, why, help.to_owned());
        Some(LinkPlan::Clients {
            chains: ChainSet::default(),
            owner: None,
            validators: Vec::new(),
        })
    }

    fn side(&mut self, at: &At, text: &String) -> Option<Side> {
        let looks_like_validators = text.split(',').all(|part| {
            let part = part.trim();
            part == "v*"
                || part.strip_prefix('v').is_some_and(|rest| {
                    !rest.is_empty() && rest.bytes().all(|one| one.is_ascii_digit())
                })
        });
        if text.trim() == "clients" {
            let all = self
                .names
                .groups()
                .iter()
                .map(|one| one.first..one.first + one.count);
            return Some(Side::Wallets(ChainSet::new(all), None));
        }
        if looks_like_validators && self.names.group(text).is_none() {
            if self.names.validators_are_partial {
                return Some(Side::Validators(Vec::new()));
            }
            return self
                .read_text(at, Some(text), |names, text| {
                    names.find_validators(&Self::whole(text))
                })
                .map(Side::Validators);
        }
        if text.contains('@') {
            return match wallets(&self.names, text) {
                Ok((chains, owner)) => Some(Side::Wallets(chains, owner)),
                Err(error) => {
                    self.say_text(at, error);
                    None
                }
            };
        }
        let read = self.names.find_chains(&Self::whole(text));
        match read {
            Ok(chains) => Some(Side::Wallets(chains, None)),
            Err(mut error) => {
                error.message =
                    format!("`{text}` is neither `clients`, nor a validator, nor a chain");
                error.label = "unknown end".to_owned();
                self.say_text(at, error);
                None
            }
        }
    }

    fn inner_link(
        &mut self,
        at: &At,
        left: &String,
        right: &String,
        inside: Option<&String>,
    ) -> Option<LinkPlan> {
        let validator = self.read_text(&at.key("inside"), inside, |names, text| {
            names.find_validator(&Self::whole(text))
        });
        let validator = validator?;
        let here = at.key("between");
        let workers = |resolver: &mut Self, index: usize, text: &String| {
            resolver.read_text(&here.index(index), Some(text), |names, text| {
                names.find_workers(&Self::whole(text), validator)
            })
        };
        let left = workers(self, 0, left);
        let right = workers(self, 1, right);
        let (left, right) = (left?, right?);
        if left.iter().any(|worker| right.contains(worker)) {
            let message = "the two ends share a worker";
            self.say(
                &here,
                Code::BadValue,
                message,
                "name different workers".to_owned(),
            );
            return None;
        }
        Some(LinkPlan::Workers {
            validator,
            left,
            right,
        })
    }

    fn crash(
        &mut self,
        at: &At,
        written: &CrashSpec,
        has_end: bool,
    ) -> Option<(FaultKind, Option<engine::VirtualDuration>)> {
        let targets = self.targets(
            at,
            written.validators.as_ref(),
            written.workers.as_ref(),
            written.chains.as_ref(),
            "validators, workers, chains",
        );
        let fraction = self.read(&at.key("fraction"), written.fraction.as_ref(), units::ratio);
        let restart = self.read(
            &at.key("restart"),
            written.restart.as_ref(),
            units::duration,
        );
        if has_end && written.restart.is_some() {
            let message = "`for` and `restart` both say when they come back";
            let help = "keep one of them".to_owned();
            self.say_key(&at.key("restart"), Code::TwoActions, message, "", help);
        }
        let point = match written.after_outputs {
            Some(outputs) => {
                let most = u64::from(u32::MAX);
                CrashPoint::AfterOutputs(self.bounded(
                    &at.key("after_outputs"),
                    Some(outputs),
                    most,
                )?)
            }
            None => CrashPoint::BetweenSteps,
        };
        let loses_disk = self.loses_disk(at, written, targets.as_ref());
        let targets = match fraction {
            Some(fraction) => first_part(targets?, fraction),
            None => targets?,
        };
        let restarts = has_end || restart.is_some();
        Some((
            FaultKind::Crash {
                targets,
                restarts,
                point,
                loses_disk,
            },
            restart,
        ))
    }

    /// Whether they come back without their disks. What validators have saved is safe from crashes.
    fn loses_disk(&mut self, at: &At, written: &CrashSpec, targets: Option<&Targets>) -> bool {
        let loses = written.loses_disk == Some(true);
        if loses && targets.is_some_and(|targets| !matches!(targets, Targets::Wallets(..))) {
            let message = "only wallets lose their disks";
            let help = "write chains = \"A\"; a validator's disk falls back with byzantine = { \
                        validators = \"v1\", behaviour = \"rolls-back\" }";
            let here = at.key("loses_disk");
            self.say_key(&here, Code::BadValue, message, "", help.to_owned());
        }
        loses
    }

    fn slow(&mut self, at: &At, written: &SlowSpec) -> Option<FaultKind> {
        let targets = self.targets(
            at,
            written.validators.as_ref(),
            written.workers.as_ref(),
            written.chains.as_ref(),
            "validators, workers, chains",
        );
        match (&written.extra, written.factor) {
            (Some(_), None) => {
                let here = at.key("extra");
                let extra =
                    self.read_text(&here, written.extra.as_ref(), |_, text| distribution(text));
                Some(FaultKind::SlowLinks {
                    targets: targets?,
                    extra: extra?,
                })
            }
            (None, Some(factor)) => {
                let here = at.key("factor");
                let factor = self.bounded(&here, Some(factor), FACTOR_MAX)?;
                let targets = targets?;
                if matches!(targets, Targets::Wallets(..)) {
                    let message = "the work of wallets takes no virtual time";
                    let help = "write extra = \"200ms\"".to_owned();
                    self.say(&here, Code::NoEffect, message, help);
                }
                Some(FaultKind::SlowWork { targets, factor })
            }
            (Some(_), Some(_)) => {
                let message = "two actions: `extra` and `factor`";
                let help = "make two faults of it".to_owned();
                self.say_key(
                    &at.key("factor"),
                    Code::TwoActions,
                    message,
                    "the second one",
                    help,
                );
                None
            }
            (None, None) => {
                if !self.is_damaged(at) {
                    let message = "how slow?";
                    let help = "add extra = \"200ms\" or factor = 10".to_owned();
                    self.say_key(at, Code::MissingKey, message, "", help);
                }
                None
            }
        }
    }

    fn clock(&mut self, at: &At, written: &ClockSpec) -> Option<FaultKind> {
        let targets = self.targets(
            at,
            written.validators.as_ref(),
            None,
            written.chains.as_ref(),
            "validators, chains",
        );
        let skew = self.skew(&at.key("skew"), written.skew.as_ref());
        Some(FaultKind::Clock {
            targets: targets?,
            skew: skew?,
        })
    }

    fn byzantine(&mut self, at: &At, written: &ByzantineSpec) -> Option<FaultKind> {
        let targets = self.targets(
            at,
            written.validators.as_ref(),
            written.workers.as_ref(),
            written.chains.as_ref(),
            "validators, workers, chains",
        );
        let name = written.behaviour.as_deref()?;
        match targets? {
            targets @ (Targets::Validators(_) | Targets::Workers(_)) if name == ROLLS_BACK => {
                Some(FaultKind::Rollback(targets))
            }
            Targets::Validators(validators) => {
                let known = ValidatorBehaviour::ALL;
                let behaviour = self.behaviour(at, name, known, &[ROLLS_BACK])?;
                Some(FaultKind::ByzantineValidators {
                    validators,
                    behaviour,
                })
            }
            Targets::Wallets(chains, owner) => {
                let behaviour = self.behaviour(at, name, OwnerBehaviour::ALL, &[])?;
                Some(FaultKind::ByzantineOwners {
                    chains,
                    owner,
                    behaviour,
                })
            }
            Targets::Workers(_) => {
                let message = "a single worker can only fall back";
                let help = "write behaviour = \"rolls-back\", or name validators".to_owned();
                self.say(&at.key("workers"), Code::BadValue, message, help);
                None
            }
        }
    }

    fn behaviour<T: Copy>(
        &mut self,
        at: &At,
        name: &str,
        known: &[(&'static str, T)],
        others: &[&'static str],
    ) -> Option<T> {
        let found = known.iter().find(|(one, _)| *one == name);
        if found.is_none() {
            let names = known.iter().map(|(one, _)| *one);
            let names: Vec<&str> = names.chain(others.iter().copied()).collect();
            let help = did_you_mean(name, names.iter().copied())
                .unwrap_or_else(|| format!("behaviours here: {}", names.join(", ")));
            let message = format!("nobody here behaves like `{name}`");
            self.say(&at.key("behaviour"), Code::BadValue, message, help);
        }
        found.map(|(_, behaviour)| *behaviour)
    }

    fn targets(
        &mut self,
        at: &At,
        validators: Option<&String>,
        workers: Option<&String>,
        chains: Option<&String>,
        choices: &str,
    ) -> Option<Targets> {
        let found: Vec<&str> = [
            ("validators", validators),
            ("workers", workers),
            ("chains", chains),
        ]
        .iter()
        .filter(|(_, there)| there.is_some())
        .map(|(key, _)| *key)
        .collect();
        if !self.one_action(at, &found, choices) {
            return None;
        }
        let key = at.key(found[0]);
        let text = validators.or(workers).or(chains);
        type Find = fn(&crate::names::Names, &str) -> Result<Targets, TextError>;
        let find: Find = if validators.is_some() {
            |names, text| {
                names
                    .find_validators(&Self::whole(text))
                    .map(Targets::Validators)
            }
        } else if workers.is_some() {
            |names, text| {
                names
                    .find_validator_workers(&Self::whole(text))
                    .map(Targets::Workers)
            }
        } else {
            |names, text| {
                let (chains, owner) = wallets(names, text)?;
                Ok(Targets::Wallets(chains, owner))
            }
        };
        self.read_text(&key, text, find)
    }
}

/// Chains, or the wallet of one owner of some: `ana@shop`.
fn wallets(
    names: &crate::names::Names,
    text: &str,
) -> Result<(ChainSet, Option<OwnerIndex>), TextError> {
    let Some(at) = text.find('@') else {
        let all = Piece::of(text, 0..text.len());
        return Ok((names.find_chains(&all)?, None));
    };
    let owner = names.find_owner(&Piece::of(text, 0..at))?;
    let chains = names.find_chains(&Piece::of(text, at + 1..text.len()))?;
    Ok((chains, Some(owner)))
}

/// The first nodes, so many that they are the share of all; at least one.
fn first_part(targets: Targets, share: Ratio) -> Targets {
    let part = |count: usize| {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let part = u128::from(count) * u128::from(share.num()) / u128::from(share.den());
        usize::try_from(part).unwrap_or(usize::MAX).max(1)
    };
    match targets {
        Targets::Validators(mut all) => {
            all.truncate(part(all.len()));
            Targets::Validators(all)
        }
        Targets::Workers(mut all) => {
            all.truncate(part(all.len()));
            Targets::Workers(all)
        }
        Targets::Wallets(all, owner) => {
            let count = part(usize::try_from(all.len()).unwrap_or(usize::MAX));
            let first = all.first(u32::try_from(count).unwrap_or(u32::MAX));
            Targets::Wallets(first, owner)
        }
    }
}
