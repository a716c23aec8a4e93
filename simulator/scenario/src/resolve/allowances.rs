//! The actions on allowances.

use protocol::Amount;

use super::{Resolver, recipients};
use crate::diagnostic::Code;
use crate::document::At;
use crate::plan::{Action, OwnerIndex};
use crate::spec::{ApproveSpec, TransferFromSpec};
use crate::units;

impl Resolver<'_> {
    /// `owner` is the one that acts.
    pub(super) fn approve(
        &mut self,
        at: &At,
        written: &ApproveSpec,
        owner: Option<OwnerIndex>,
    ) -> Option<Action> {
        let here = at.key("spender");
        let spender = self.read_text(&here, written.spender.as_ref(), |names, text| {
            names.find_owner(&Self::whole(text))
        });
        let amount = self.read(&at.key("amount"), written.amount.as_ref(), units::amount);
        let spender = spender?;
        if owner.is_some_and(|owner| self.names.same_key(owner, spender)) {
            let message = "everybody may spend what is his own";
            let help = "name another owner, or pay with transfer".to_owned();
            self.say(&here, Code::NoEffect, message, help);
        }
        Some(Action::Approve {
            spender,
            amount: amount?,
        })
    }

    pub(super) fn transfer_from(&mut self, at: &At, written: &TransferFromSpec) -> Option<Action> {
        let owner = self.read_text(&at.key("owner"), written.owner.as_ref(), |names, text| {
            names.find_owner(&Self::whole(text))
        });
        let to = self.read_text(&at.key("to"), written.to.as_ref(), recipients::recipient);
        let amount = self.read(&at.key("amount"), written.amount.as_ref(), units::amount);
        if amount.is_some_and(Amount::is_zero) {
            let message = "nothing is sent";
            self.say(&at.key("amount"), Code::NoEffect, message, None);
        }
        let (to, account) = to?;
        Some(Action::TransferFrom {
            owner: owner?,
            to,
            account,
            amount: amount?,
        })
    }
}
