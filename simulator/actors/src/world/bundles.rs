//! Bundles of the plan as what a wallet is told to send.

use std::sync::Arc;

use protocol::{
    draft::{BundleDraft, ContentDraft, MessageDraft},
    ids::{Account, AccountOwner},
    rpc::Action,
};
use scenario::plan::{self, BundlePlan, ContentPlan};

use super::{Acting, Names};

impl Names {
    pub(super) fn bundle(&self, acting: Acting, bundle: &BundlePlan, draw: u64) -> Action {
        let (chain, owner) = (acting.chain, acting.owner);
        let target = self.account_owner(bundle.account, owner);
        let messages = bundle.messages.iter().map(|message| MessageDraft {
            kind: message.kind,
            grant: message.grant,
            content: match message.content {
                ContentPlan::Credit(amount) => ContentDraft::Credit { target, amount },
                ContentPlan::Withdraw(amount) => ContentDraft::Withdraw {
                    owner: self.account_owner(plan::Account::Own, owner),
                    amount,
                    recipient: Account {
                        chain_id: self.chain_id(chain),
                        owner: AccountOwner::CHAIN,
                    },
                },
            },
        });
        Action::SendBundle(Arc::new(BundleDraft {
            destination: self.chain_id(bundle.to.pick(chain, acting.number, draw)),
            payer: self.account_owner(bundle.from, owner),
            messages: messages.collect(),
        }))
    }
}
