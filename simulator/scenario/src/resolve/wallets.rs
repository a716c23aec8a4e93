//! Wallets beyond the first one of an owner: further devices that hold the same key.
//!
//! Each has the owner's name and a number, `ana#2`, and is an owner of its own in a plan: it has a
//! wallet, with its own local node and its own pending block. What it signs is signed by `ana`.

use std::collections::BTreeMap;

use super::{Resolver, in_file_order};
use crate::diagnostic::Code;
use crate::document::At;
use crate::names::suggest;
use crate::plan::OwnerIndex;

/// Wallets of one owner on one chain at most.
const WALLETS_MAX: u64 = 16;

impl Resolver<'_> {
    /// The further wallets of those who have one for a chain.
    pub(super) fn further_wallets(
        &mut self,
        at: &At,
        written: Option<&BTreeMap<String, u64>>,
        holders: &[OwnerIndex],
    ) -> Vec<OwnerIndex> {
        let Some(written) = written else {
            return Vec::new();
        };
        let here = at.key("wallets");
        let mut further = Vec::new();
        for (name, count) in in_file_order(self.document, &here, written) {
            let one = here.key(name);
            let held = |holder: &&OwnerIndex| self.names.owner_name(**holder) == name;
            if !holders.iter().any(|holder| held(&holder)) {
                self.no_holder(&one, name, holders);
                continue;
            }
            if *count < 2 || *count > WALLETS_MAX {
                let message = format!("between 2 and {WALLETS_MAX} wallets");
                let help = "an owner has one wallet if nothing is said".to_owned();
                self.say(&one, Code::BadValue, message, help);
                continue;
            }
            let names = (2..=*count).map(|number| format!("{name}#{number}"));
            further.extend(names.map(|name| self.names.owner(&name)));
        }
        further
    }

    fn no_holder(&mut self, at: &At, name: &str, holders: &[OwnerIndex]) {
        if holders.is_empty() {
            let message = "these chains have one wallet each";
            let help = "name the owners with owners = { ana = 1 }, and remove `public`".to_owned();
            self.say_key(at, Code::UnknownOwner, message, "", help);
            return;
        }
        let known = holders.iter().map(|holder| self.names.owner_name(*holder));
        let help = suggest(name, "owners", known);
        let message = format!("`{name}` has no wallet for this chain");
        let label = "neither owner nor guest";
        self.say_labelled(at, Code::UnknownOwner, message, label, help);
    }
}
