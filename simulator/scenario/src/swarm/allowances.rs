//! A chain of three owners, of whom one lets the other two spend from her account: approvals that are
//! replaced and taken back, takings in parts, within the chain and to chains that reject or close.
//!
//! Who is first in a block depends on what goes wrong around them, so whether a taking succeeds does
//! too; some can never succeed. Knows nothing of what else the scenario holds but its groups of chains.

use super::{
    dice::{self, Dice},
    text::{Text, duration, quoted},
};

/// The chain.
const NAME: &str = "purse";
/// Whose account.
const LENDER: &str = "ana";
/// Who spends from it.
const SPENDERS: [&str; 2] = ["ben", "dan"];
/// The tokens of the account: more than all takings together.
const LENT: u64 = 500;
/// The most that is ever approved at a time.
const APPROVED_MAX: u64 = 8;
/// More than that, so it is never approved.
const TOO_MUCH: u64 = 20;
/// When the first approvals are given, in milliseconds.
const FIRST: u64 = 1_500;

/// Writes the chain, after all others.
pub(super) fn write_chain(balance: u64, text: &mut Text) {
    let keys = [
        ("name", quoted(NAME)),
        ("balance", quoted(&balance.to_string())),
        ("owners", "{ ana = 1, ben = 1, dan = 1 }".to_owned()),
        ("inbox", quoted("auto")),
    ];
    text.table("[[chains]]", &keys);
}

/// How many commands fail.
#[derive(Debug)]
pub(super) struct Failures {
    /// In any order of blocks.
    pub(super) least: u64,
    /// If nothing that needs an approval succeeds.
    pub(super) most: u64,
}

/// Writes what the owners do; `elsewhere` are selectors of other chains.
pub(super) fn write_work(seed: u64, elsewhere: &str, text: &mut Text) -> Failures {
    let mut dice = Dice::new(seed, dice::ALLOWANCES);
    let mut script = Script {
        at: FIRST,
        steps: Vec::new(),
        failures: Failures { least: 0, most: 0 },
    };
    let own = format!("transfer = {{ to = \"{LENDER}@{NAME}\", amount = \"{LENT}\" }}");
    script.step(500, LENDER, &own);
    for spender in SPENDERS {
        script.approve(spender, dice.between(2, APPROVED_MAX));
    }
    let count = dice.between(8, 14);
    let (beyond, as_owner) = (dice.between(1, count), dice.between(1, count));
    for number in 1..=count {
        script.at += dice.millis(200, 500);
        let spender = *dice.pick(&SPENDERS);
        if number == beyond {
            script.take(spender, "ben@purse", TOO_MUCH);
            script.failures.least += 1;
        } else if number == as_owner {
            let pay = format!(
                "transfer = {{ from_owner = \"{LENDER}\", to = \"{spender}@{NAME}\", amount = \"1\" }}"
            );
            script.step(script.at, spender, &pay);
            script.failures.least += 1;
            script.failures.most += 1;
        } else if dice.chance(1, 4) {
            let some = dice.between(1, APPROVED_MAX);
            script.approve(spender, *dice.pick(&[0, some, some]));
        } else {
            let away = format!("uniform({elsewhere})");
            let to = *dice.pick(&["ben@purse", "dan@purse", away.as_str(), away.as_str()]);
            script.take(spender, to, dice.between(1, 4));
        }
    }
    let keys = [
        ("name", quoted("some spend from another's account")),
        ("script", format!("[{}]", script.steps.join(", "))),
    ];
    text.table("[[workload]]", &keys);
    script.failures
}

struct Script {
    /// Of the next step, in milliseconds.
    at: u64,
    steps: Vec<String>,
    failures: Failures,
}

impl Script {
    fn step(&mut self, at: u64, owner: &str, action: &str) {
        let at = duration(at);
        self.steps.push(format!(
            "{{ at = {at}, chain = \"{NAME}\", owner = \"{owner}\", {action} }}"
        ));
    }

    fn approve(&mut self, spender: &str, tokens: u64) {
        let action = format!("approve = {{ spender = \"{spender}\", amount = \"{tokens}\" }}");
        self.step(self.at, LENDER, &action);
    }

    fn take(&mut self, spender: &str, to: &str, tokens: u64) {
        let action = format!(
            "transfer_from = {{ owner = \"{LENDER}\", to = \"{to}\", amount = \"{tokens}\" }}"
        );
        self.step(self.at, spender, &action);
        self.failures.most += 1;
    }
}
