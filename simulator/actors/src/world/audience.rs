//! Which wallets have to hear of a chain: of one that is opened later, and of a public one.

use std::{collections::BTreeSet, sync::Arc};

use protocol::ids::ClientIndex;
use scenario::{Plan, plan};

use super::Names;

impl Names {
    /// The wallets that need to know a chain once it is open: its owners', and those that may send
    /// to it.
    pub(super) fn told_of(&self, plan: &Plan, chain: plan::ChainIndex) -> Vec<ClientIndex> {
        let opened = plan.chain(chain);
        let mut wallets: BTreeSet<_> = opened
            .owners
            .iter()
            .map(|owner| self.wallet((chain, owner.owner)))
            .collect();
        let names = |action: &plan::Action| match action {
            plan::Action::Transfer { to, .. } | plan::Action::TransferFrom { to, .. } => {
                to.candidates().contains(chain)
            }
            plan::Action::SendBundle(bundle) => bundle.to.candidates().contains(chain),
            plan::Action::Claim { target, to, .. } => *target == chain || *to == chain,
            plan::Action::Submit { to, .. } => to.candidates().contains(chain),
            plan::Action::Airdrop { to, .. } => to.contains(chain),
            plan::Action::OpenChain(_)
            | plan::Action::Approve { .. }
            | plan::Action::ProcessInbox
            | plan::Action::TakeNewest
            | plan::Action::ChangeOwnership(_)
            | plan::Action::CloseChain
            | plan::Action::NewCommittee(..)
            | plan::Action::RevokeEpoch(_)
            | plan::Action::PublishBlobs(_)
            | plan::Action::VerifyBlob(_)
            | plan::Action::ChangePermissions { .. } => false,
            plan::Action::Call(call) => call.names_chain(chain),
        };
        wallets.extend(self.wallets_that(plan, names));
        let creators = plan.applications.iter();
        let creators = creators.filter(|one| one.names_chain(chain));
        wallets.extend(creators.map(|one| self.wallet(one.creator)));
        wallets.into_iter().collect()
    }

    /// The wallets that may be told to do something of this kind.
    pub(super) fn wallets_that(
        &self,
        plan: &Plan,
        is_meant: impl Fn(&plan::Action) -> bool,
    ) -> impl Iterator<Item = ClientIndex> {
        let mut wallets = BTreeSet::new();
        for workload in &plan.workloads {
            match &workload.kind {
                plan::WorkloadKind::Script(steps) => {
                    let steps = steps.iter().filter(|step| is_meant(&step.action));
                    wallets.extend(steps.map(|step| self.wallet((step.chain, step.owner))));
                }
                plan::WorkloadKind::Open(open, action) if is_meant(action) => {
                    let first = |from| self.wallet((from, plan.chain(from).owners[0].owner));
                    wallets.extend(open.chains().iter().map(first));
                }
                plan::WorkloadKind::Closed(closed, action) if is_meant(action) => {
                    let users = closed.users.iter();
                    wallets.extend(users.map(|user| self.wallet((user.chain, user.owner))));
                }
                plan::WorkloadKind::Open(..) | plan::WorkloadKind::Closed(..) => {}
            }
        }
        wallets.into_iter()
    }

    /// The validators' wallets of a public chain.
    pub(super) fn producers(&self, plan: &Plan, chain: plan::ChainIndex) -> Arc<[ClientIndex]> {
        let owners = plan.chain(chain).owners.iter();
        owners
            .map(|owner| self.wallet((chain, owner.owner)))
            .collect()
    }
}
