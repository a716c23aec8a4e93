//! What the names in a scenario mean: chains, owners, validators, workers, regions, faults.
//!
//! Owns the lookup of names and selectors, with suggestions where a name is not known. Invariant:
//! a group of 100,000 chains is one entry. Knows nothing of tables and keys.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, did_you_mean};
use crate::plan::{
    ApplicationIndex, ChainIndex, ChainSet, FaultIndex, OwnerIndex, ValidatorIndex, WorkerIndex,
};
use crate::text::{Piece, TextError, split};

/// A group of chains with one name.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// The first chain's index.
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// Whether its chains have numbers.
    pub(crate) numbered: bool,
    /// Whether it is there when the run begins.
    pub(crate) genesis: bool,
}

/// Everything in a scenario that has a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    groups: Vec<Group>,
    group_by_name: BTreeMap<String, usize>,
    owners: Vec<String>,
    owner_by_name: BTreeMap<String, OwnerIndex>,
    pub(crate) validators: u32,
    /// How many workers each validator has at first.
    pub(crate) workers: Vec<u32>,
    /// The most workers that each may have later.
    pub(crate) workers_max: Vec<u32>,
    pub(crate) regions: Vec<String>,
    pub(crate) faults: Vec<String>,
    pub(crate) applications: Vec<String>,
    /// Whether some applications could not be read.
    pub(crate) applications_are_partial: bool,
    /// Whether some chains could not be read, so that an unknown name may be theirs.
    pub(crate) chains_are_partial: bool,
    /// Whether the validators could not be read.
    pub(crate) validators_are_partial: bool,
}

/// Tells whether `name` can be the name of a chain, an owner, a region or a variant.
pub(crate) fn is_name(name: &str) -> bool {
    let letter = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '_';
    !name.is_empty() && name.len() <= 64 && name.chars().all(letter) && !name.starts_with('-')
}

/// Whose key the wallet of this name has: `ana` for `ana`, and for `ana#2`.
pub(crate) fn key_name(name: &str) -> &str {
    name.split_once('#').map_or(name, |(key, _)| key)
}

impl Names {
    /// Adds a group; `false` if the name is taken.
    pub(crate) fn add_group(&mut self, group: Group) -> bool {
        if self.group_by_name.contains_key(&group.name) {
            return false;
        }
        self.group_by_name
            .insert(group.name.clone(), self.groups.len());
        self.groups.push(group);
        true
    }

    pub(crate) fn group(&self, name: &str) -> Option<&Group> {
        self.group_by_name.get(name).map(|at| &self.groups[*at])
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The owner with this name, new or known.
    pub(crate) fn owner(&mut self, name: &str) -> OwnerIndex {
        if let Some(owner) = self.owner_by_name.get(name) {
            return *owner;
        }
        let owner = OwnerIndex::at(self.owners.len());
        self.owners.push(name.to_owned());
        self.owner_by_name.insert(name.to_owned(), owner);
        owner
    }

    /// The name of an owner.
    pub(crate) fn owner_name(&self, owner: OwnerIndex) -> &str {
        &self.owners[owner.position()]
    }

    /// Whether two wallets sign with the same key: those of one owner, as `ana` and `ana#2`.
    pub(crate) fn same_key(&self, one: OwnerIndex, other: OwnerIndex) -> bool {
        key_name(self.owner_name(one)) == key_name(self.owner_name(other))
    }

    pub(crate) fn take_owners(&mut self) -> Vec<String> {
        std::mem::take(&mut self.owners)
    }

    /// The owner that a piece of text names.
    pub(crate) fn find_owner(&self, piece: &Piece<'_>) -> Result<OwnerIndex, TextError> {
        if let Some(owner) = self.owner_by_name.get(piece.text) {
            return Ok(*owner);
        }
        // The owners of numbered chains are many and all alike.
        let single = self
            .owners
            .iter()
            .map(String::as_str)
            .filter(|name| !name.contains('/'));
        let help = suggest(piece.text, "owners", single);
        let message = format!("no owner is called `{}`", piece.text);
        Err(piece
            .error(Code::UnknownOwner, message, help)
            .with_label("unknown owner"))
    }

    /// The application that a piece of text names.
    pub(crate) fn find_application(
        &self,
        piece: &Piece<'_>,
    ) -> Result<ApplicationIndex, TextError> {
        let known = || self.applications.iter().map(String::as_str);
        if let Some(position) = known().position(|name| name == piece.text) {
            return Ok(ApplicationIndex::at(position));
        }
        let help = suggest(piece.text, "applications", known())
            .unwrap_or_else(|| "declare it with [[applications]]".to_owned());
        let message = format!("no application is called `{}`", piece.text);
        Err(piece
            .error(Code::UnknownApplication, message, help)
            .with_label("unknown application"))
    }

    /// The one chain that a piece of text names.
    pub(crate) fn find_chain(&self, piece: &Piece<'_>) -> Result<ChainIndex, TextError> {
        self.find_chains(piece)?.only().ok_or_else(|| {
            let message = format!("`{}` is more than one chain", piece.text);
            let help = "name one, such as `user/0`".to_owned();
            piece.error(Code::WrongArgument, message, help)
        })
    }

    /// The chains that a selector means: `A`, `user/7`, `user/*`, `user/[0..10]`, `*` (all of the
    /// genesis), or several with commas.
    pub(crate) fn find_chains(&self, piece: &Piece<'_>) -> Result<ChainSet, TextError> {
        let parts = split(piece.text, 0..piece.text.len(), ',')
            .map_err(|error| error.shifted(piece.start))?;
        if parts.is_empty() {
            return Err(piece.error(Code::UnknownChain, "a chain belongs here", None));
        }
        let mut all = ChainSet::default();
        for part in parts {
            let mut part = Piece::of(piece.text, part);
            part.start += piece.start;
            all = all.union(&self.find_part(&part)?);
        }
        Ok(all)
    }

    fn find_part(&self, piece: &Piece<'_>) -> Result<ChainSet, TextError> {
        if piece.text == "*" {
            let genesis = self.groups.iter().filter(|group| group.genesis);
            return Ok(ChainSet::new(
                genesis.map(|one| one.first..one.first + one.count),
            ));
        }
        let (name, rest) = match piece.text.split_once('/') {
            Some((name, rest)) => (name, Some(rest)),
            None => (piece.text, None),
        };
        let Some(group) = self.group(name) else {
            return Err(self.unknown_chain(piece, name));
        };
        let whole = group.first..group.first + group.count;
        match rest {
            None if group.numbered => {
                let help = format!("write `{name}/*` for all of them or `{name}/0` for one");
                let message = format!("`{name}` is a group of {} chains", group.count);
                Err(piece
                    .error(Code::UnknownChain, message, help)
                    .with_label("not one chain"))
            }
            None | Some("*") => Ok(ChainSet::range(whole)),
            Some(_) if !group.numbered => {
                let help = format!("write `{name}`");
                let message = format!("`{name}` is one chain, without a number");
                Err(piece
                    .error(Code::UnknownChain, message, help)
                    .with_label("unknown chain"))
            }
            Some(rest) => match numbers(rest) {
                Some((from, to)) if from < to && to <= group.count => {
                    Ok(ChainSet::range(group.first + from..group.first + to))
                }
                Some(_) => {
                    let last = group.count - 1;
                    let message = format!("`{name}` has the numbers 0 to {last}");
                    Err(piece
                        .error(Code::UnknownChain, message, None)
                        .with_label("out of range"))
                }
                None => {
                    let message = format!("`{}` selects no chains", piece.text);
                    let help = format!("write `{name}/7`, `{name}/*` or `{name}/[0..10]`");
                    Err(piece.error(Code::UnknownChain, message, help))
                }
            },
        }
    }

    fn unknown_chain(&self, piece: &Piece<'_>, name: &str) -> TextError {
        let help = suggest(
            name,
            "chains",
            self.groups.iter().map(|group| group.name.as_str()),
        );
        let message = format!("no chain is called `{name}`");
        piece
            .error(Code::UnknownChain, message, help)
            .with_label("unknown chain")
    }

    /// The validators that a selector means: `v2`, `v*`, or several with commas.
    pub(crate) fn find_validators(
        &self,
        piece: &Piece<'_>,
    ) -> Result<Vec<ValidatorIndex>, TextError> {
        let mut all = Vec::new();
        for part in list(piece)? {
            if part.text == "v*" {
                all.extend((0..self.validators).map(ValidatorIndex::new));
            } else {
                all.push(self.find_validator(&part)?);
            }
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// The validator that a piece of text names.
    pub(crate) fn find_validator(&self, piece: &Piece<'_>) -> Result<ValidatorIndex, TextError> {
        match number_after(piece.text, 'v') {
            Some(number) if number <= self.validators => Ok(ValidatorIndex::new(number - 1)),
            Some(_) | None => {
                let message = format!("no validator is called `{}`", piece.text);
                let help = (self.validators > 0)
                    .then(|| format!("validators here: v1 to v{}", self.validators));
                let error = piece.error(Code::UnknownValidator, message, help);
                Err(error.with_label("unknown validator"))
            }
        }
    }

    /// The workers of one validator that a selector means: `w2`, `w*`, or several with commas.
    pub(crate) fn find_workers(
        &self,
        piece: &Piece<'_>,
        validator: ValidatorIndex,
    ) -> Result<Vec<WorkerIndex>, TextError> {
        let of = |counts: &[u32]| counts.get(validator.position()).copied().unwrap_or(0);
        let (first, most) = (of(&self.workers), of(&self.workers_max));
        let mut all = Vec::new();
        for part in list(piece)? {
            match number_after(part.text, 'w') {
                _ if part.text == "w*" => all.extend((0..first).map(WorkerIndex::new)),
                Some(number) if number <= most => all.push(WorkerIndex::new(number - 1)),
                Some(_) | None => {
                    let message = format!("no worker is called `{}`", part.text);
                    let whose = if self.workers_max.iter().all(|one| *one == most) {
                        "each validator".to_owned()
                    } else {
                        format!("v{}", validator.get() + 1)
                    };
                    let help = format!("workers of {whose}: w1 to w{most}");
                    let error = part.error(Code::UnknownWorker, message, help);
                    return Err(error.with_label("unknown worker"));
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// The workers of any validators that a selector means: `v1/w2`, `v*/w1`. Of several validators
    /// those count that have such a worker.
    pub(crate) fn find_validator_workers(
        &self,
        piece: &Piece<'_>,
    ) -> Result<Vec<(ValidatorIndex, WorkerIndex)>, TextError> {
        let mut all = Vec::new();
        for part in list(piece)? {
            let Some(slash) = part.text.find('/') else {
                let message = format!("`{}` names no worker", part.text);
                let help = "write validator and worker: `v1/w2`, `v1/w*`".to_owned();
                return Err(part.error(Code::UnknownWorker, message, help));
            };
            let mut left = Piece::of(part.text, 0..slash);
            left.start += part.start;
            let mut right = Piece::of(part.text, slash + 1..part.text.len());
            right.start += part.start;
            let before = all.len();
            let mut refused = None;
            for validator in self.find_validators(&left)? {
                match self.find_workers(&right, validator) {
                    Ok(workers) => all.extend(workers.iter().map(|worker| (validator, *worker))),
                    Err(error) => refused = Some(error),
                }
            }
            if let (Some(error), true) = (refused, all.len() == before) {
                return Err(error);
            }
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// The fault that a piece of text names.
    pub(crate) fn find_fault(&self, piece: &Piece<'_>) -> Result<FaultIndex, TextError> {
        match self.faults.iter().position(|fault| fault == piece.text) {
            Some(position) => Ok(FaultIndex::at(position)),
            None => {
                let help = suggest(piece.text, "faults", self.faults.iter().map(String::as_str));
                let message = format!("no fault is called `{}`", piece.text);
                Err(piece
                    .error(Code::UnknownFault, message, help)
                    .with_label("unknown fault"))
            }
        }
    }
}

/// A near name, or the names that there are.
pub(crate) fn suggest<'a>(
    written: &str,
    what: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<String> {
    const SHOWN: usize = 12;
    // A long list of names is no help, and comparing with each would take long.
    const COMPARED: usize = 1_000;
    did_you_mean(written, known.clone().take(COMPARED)).or_else(|| {
        let mut names: Vec<&str> = known.take(SHOWN + 1).collect();
        let more = names.len() > SHOWN;
        names.truncate(SHOWN);
        let list = names.join(", ");
        (!list.is_empty())
            .then(|| format!("{what} here: {list}{}", if more { ", ..." } else { "" }))
    })
}

fn list<'a>(piece: &Piece<'a>) -> Result<Vec<Piece<'a>>, TextError> {
    let parts =
        split(piece.text, 0..piece.text.len(), ',').map_err(|error| error.shifted(piece.start))?;
    if parts.is_empty() {
        return Err(piece.error(Code::BadValue, "a name belongs here", None));
    }
    Ok(parts
        .into_iter()
        .map(|part| {
            let mut part = Piece::of(piece.text, part);
            part.start += piece.start;
            part
        })
        .collect())
}

/// `v12` gives 12; numbers begin at 1.
fn number_after(text: &str, letter: char) -> Option<u32> {
    let digits = text.strip_prefix(letter)?;
    let plain = digits.bytes().all(|one| one.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|number| plain && *number > 0)
}

/// `7` gives 7..8, `[2..5]` gives 2..5.
fn numbers(text: &str) -> Option<(u32, u32)> {
    let plain = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok()).flatten()
    };
    match text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(range) => {
            let (from, to) = range.split_once("..")?;
            Some((plain(from)?, plain(to)?))
        }
        None => plain(text).and_then(|number| Some((number, number.checked_add(1)?))),
    }
}
