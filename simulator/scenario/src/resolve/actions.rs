//! Actions: what a step, an arrival or a user does.

use super::{Resolver, present, recipients};
use crate::diagnostic::Code;
use crate::document::At;
use crate::plan::{Action, ChainIndex, ChainPlan, ChainSet};
use crate::spec::{AirdropSpec, ClaimSpec, SubmitSpec, TransferSpec, WorkloadSpec};
use crate::units;

const LOOP_ACTIONS: &str = "transfer, send_bundle, claim, submit, call, process_inbox";

impl Resolver<'_> {
    pub(super) fn loop_action(
        &mut self,
        at: &At,
        written: &WorkloadSpec,
        chains: &[ChainPlan],
        selected: Option<&ChainSet>,
        first_owner_acts: bool,
    ) -> Option<Action> {
        let found = present(&[
            ("transfer", written.transfer.is_some()),
            ("send_bundle", written.send_bundle.is_some()),
            ("claim", written.claim.is_some()),
            ("submit", written.submit.is_some()),
            ("call", written.call.is_some()),
            ("process_inbox", written.process_inbox.is_some()),
        ]);
        if !self.one_action(at, &found, LOOP_ACTIONS) {
            return None;
        }
        if let Some(transfer) = &written.transfer {
            return self.transfer(&at.key("transfer"), transfer);
        }
        if let Some(bundle) = &written.send_bundle {
            let only = selected.and_then(ChainSet::only);
            return self.bundle(&at.key("send_bundle"), bundle, only);
        }
        if let Some(submit) = &written.submit {
            return self.submit(&at.key("submit"), submit, chains);
        }
        if let Some(call) = &written.call {
            return self.call(&at.key("call"), call);
        }
        if let Some(claim) = &written.claim {
            let here = at.key("claim");
            let action = self.claim(&here, claim)?;
            if let (Action::Claim { owner, .. }, true, Some(selected)) =
                (&action, first_owner_acts, selected)
            {
                let first = |chain: ChainIndex| {
                    chains
                        .get(chain.position())
                        .and_then(|plan| plan.owners.first())
                };
                if selected.iter().any(|chain| {
                    first(chain).is_some_and(|one| !self.names.same_key(one.owner, *owner))
                }) {
                    self.wrong_claimant(&here);
                }
            }
            return Some(action);
        }
        self.process_inbox(&at.key("process_inbox"), written.process_inbox)
    }

    pub(super) fn wrong_claimant(&mut self, at: &At) {
        let message = "only its owner can claim from an account";
        let help = "let that owner act".to_owned();
        self.say(&at.key("from"), Code::BadValue, message, help);
    }

    pub(super) fn process_inbox(&mut self, at: &At, written: Option<bool>) -> Option<Action> {
        self.switched_on(at, "process_inbox", written)
            .then_some(Action::ProcessInbox)
    }

    /// Whether an action without further words is there: `false` is none.
    pub(super) fn switched_on(&mut self, at: &At, key: &str, written: Option<bool>) -> bool {
        let off = written == Some(false);
        if off {
            let message = format!("`{key} = false` is no action");
            let help = format!("write {key} = true");
            self.say(at, Code::BadValue, message, help);
        }
        !off
    }

    pub(super) fn transfer(&mut self, at: &At, written: &TransferSpec) -> Option<Action> {
        let to = self.read_text(&at.key("to"), written.to.as_ref(), recipients::recipient);
        let amount = self.read(&at.key("amount"), written.amount.as_ref(), units::amount);
        if amount.is_some_and(protocol::Amount::is_zero) {
            let message = "nothing is sent";
            self.say(&at.key("amount"), Code::NoEffect, message, None);
        }
        let from = self.payer(at, written.from_owner.as_ref())?;
        let (to, account) = to?;
        Some(Action::Transfer {
            from,
            to,
            account,
            amount: amount?,
        })
    }

    pub(super) fn airdrop(&mut self, at: &At, written: &AirdropSpec) -> Option<Action> {
        let to = self.read_text(&at.key("to"), written.to.as_ref(), |names, text| {
            names.find_chains(&Self::whole(text))
        });
        let amount = self.read(&at.key("amount"), written.amount.as_ref(), units::amount);
        if amount.is_some_and(protocol::Amount::is_zero) {
            let message = "nothing is sent";
            self.say(&at.key("amount"), Code::NoEffect, message, None);
        }
        Some(Action::Airdrop {
            to: to?,
            amount: amount?,
        })
    }

    pub(super) fn submit(
        &mut self,
        at: &At,
        written: &SubmitSpec,
        chains: &[ChainPlan],
    ) -> Option<Action> {
        let here = at.key("chain");
        let chain = self.read_text(&here, written.chain.as_ref(), |names, text| {
            names.find_chain(&Self::whole(text))
        });
        let public = |chain: ChainIndex| chains.get(chain.position()).is_none_or(|one| one.public);
        if chain.is_some_and(|chain| !public(chain)) {
            let message = "only its owners make blocks of this chain";
            let help = "add public = true to the chain, or send to it with transfer".to_owned();
            self.say(&here, Code::BadValue, message, help);
        }
        let to = self.read_text(&at.key("to"), written.to.as_ref(), recipients::recipient);
        let amount = self.read(&at.key("amount"), written.amount.as_ref(), units::amount);
        if amount.is_some_and(protocol::Amount::is_zero) {
            let message = "nothing is sent";
            self.say(&at.key("amount"), Code::NoEffect, message, None);
        }
        let (to, account) = to?;
        Some(Action::Submit {
            chain: chain?,
            to,
            account,
            amount: amount?,
        })
    }

    pub(super) fn claim(&mut self, at: &At, written: &ClaimSpec) -> Option<Action> {
        let from = self.read_text(&at.key("from"), written.from.as_ref(), |names, text| {
            recipients::account(names, &Self::whole(text))
        });
        let to = self.read_text(&at.key("to"), written.to.as_ref(), recipients::one_account);
        let amount = self.read(&at.key("amount"), written.amount.as_ref(), units::amount);
        let ((owner, target), (to, account)) = (from?, to?);
        Some(Action::Claim {
            owner,
            target,
            to,
            account,
            amount: amount?,
        })
    }
}
