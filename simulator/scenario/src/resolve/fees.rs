//! Prices and limits: a preset, and what replaces parts of it.

use protocol::{Amount, policy::ResourceControlPolicy};

use super::Resolver;
use crate::diagnostic::Code;
use crate::document::At;
use crate::spec::PolicySpec;
use crate::units;

impl Resolver<'_> {
    /// The policy of a preset and own prices; `inherited` where nothing is written.
    pub(super) fn policy(
        &mut self,
        at: &At,
        (preset, own): (Option<&str>, Option<&PolicySpec>),
        inherited: ResourceControlPolicy,
    ) -> Option<ResourceControlPolicy> {
        let mut policy = match preset {
            None => inherited,
            Some("no-fees") => ResourceControlPolicy::no_fees(),
            Some("only-fuel") => ResourceControlPolicy::only_fuel(),
            Some("testnet") => ResourceControlPolicy::testnet(),
            // What is not in the schema's list is reported by its shape.
            Some(_) => return None,
        };
        let Some(own) = own else {
            return Some(policy);
        };
        let at = at.key("policy");
        let (prices, limits) = (&mut policy.prices, &mut policy.limits);
        let written = [
            ("operation", &own.operation, &mut prices.operation),
            (
                "operation_byte",
                &own.operation_byte,
                &mut prices.operation_byte,
            ),
            ("message", &own.message, &mut prices.message),
            ("message_byte", &own.message_byte, &mut prices.message_byte),
        ];
        let mut failed = false;
        for (key, text, price) in written {
            if text.is_some() {
                let read: Option<Amount> = self.read(&at.key(key), text.as_ref(), units::amount);
                failed |= read.is_none();
                *price = read.unwrap_or_default();
            }
        }
        let written = [
            (
                "maximum_block_size",
                own.maximum_block_size,
                &mut limits.maximum_block_size,
            ),
            (
                "maximum_block_proposal_size",
                own.maximum_block_proposal_size,
                &mut limits.maximum_block_proposal_size,
            ),
        ];
        for (key, number, limit) in written {
            if number == Some(0) {
                let message = format!("no block is within `{key} = 0`");
                let help = "leave it out for no limit".to_owned();
                self.say(&at.key(key), Code::BadValue, message, help);
                failed = true;
            }
            *limit = number.unwrap_or(*limit);
        }
        (!failed).then_some(policy)
    }

    /// Prices go with a committee, and with nothing else.
    pub(super) fn no_policy(&mut self, at: &At, fees: bool, policy: bool) {
        for (key, there) in [("fees", fees), ("policy", policy)] {
            if there {
                let message = "prices change with a new committee";
                let help = "write it beside new_committee, or in [network]".to_owned();
                self.say_key(&at.key(key), Code::BadValue, message, "", help);
            }
        }
    }
}
