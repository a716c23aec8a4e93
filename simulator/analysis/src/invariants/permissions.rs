//! I-41: a block does what its chain permits, and calls the applications that it must.
//!
//! Knows the permissions of a chain from its description and its blocks, as told. After a gap they
//! are unknown until a block replaces them, and nothing is said. Applications that may manage the chain
//! change them too, as the wallet of the block tells. A chain that is closed while it
//! demands calls keeps for good what is sent to it: the rules allow that, so it is a warning.

use std::{collections::BTreeMap, sync::Arc};

use engine::VirtualTime;
use protocol::{
    application::activity::{Activity, Changed},
    block::{Block, SystemOperation, Transaction},
    description::ChainDescription,
    ids::{ApplicationId, ChainId},
    message::{IncomingBundle, MessageAction, SystemMessage},
    oracle::OracleResponse,
    permissions::ApplicationPermissions,
};

use super::{
    Invariant, Standing, Verdicts,
    actions::{self, Known},
};
use crate::registry::{ChainNo, Registry};

/// Closed chains that are kept for a warning.
const KEPT: usize = 100;

/// The chains that restrict anything; all others permit everything.
#[derive(Debug, Default)]
pub(crate) struct Permissions {
    /// `None`: unknown since a gap.
    restricted: BTreeMap<ChainNo, Option<Arc<ApplicationPermissions>>>,
    /// The first blocks that closed a chain for which every block has to call an application.
    sealed: Vec<Sealed>,
}

/// A block has closed its chain so that no other block can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// When its certificate was formed.
    pub(crate) time: VirtualTime,
    /// Its chain.
    pub(crate) chain: ChainNo,
    /// Its height.
    pub(crate) height: u64,
}

impl Permissions {
    /// The chains of the genesis have the first numbers, in this order.
    pub(super) fn new(genesis: &[(ChainId, Arc<ChainDescription>)]) -> Self {
        let mut all = Self::default();
        for (number, (_, description)) in (0..).zip(genesis) {
            all.begins(ChainNo(number), description);
        }
        all
    }

    /// The first blocks that closed a chain so that nothing can be sent back.
    pub(crate) fn sealed(&self) -> &[Sealed] {
        &self.sealed
    }

    fn begins(&mut self, chain: ChainNo, description: &ChainDescription) {
        if let Some(permissions) = &description.config.permissions {
            self.restricted.insert(chain, Some(permissions.clone()));
        }
    }

    /// A chain has one more confirmed block.
    pub(super) fn block(
        &mut self,
        verdicts: &mut Verdicts,
        (chain, block, standing): (ChainNo, &Block, Standing),
        known: Known<'_>,
        registry: &mut Registry,
    ) {
        if standing == Standing::AfterGap && self.restricted.contains_key(&chain) {
            self.restricted.insert(chain, None);
        }
        if let Some(Some(permissions)) = self.restricted.get(&chain) {
            let wrong = breaks(permissions, block);
            verdicts.check(Invariant::Permissions, wrong.is_none(), || {
                format!("block {} {}", block.height(), wrong.unwrap_or_default())
            });
        }
        let closes = self.changes(verdicts, (chain, block), known);
        let known = self.restricted.get(&chain).and_then(Option::as_ref);
        let demands = known.is_some_and(|one| !one.mandatory_applications.is_empty());
        if closes && demands && self.sealed.len() < KEPT {
            self.sealed.push(Sealed {
                time: verdicts.stamp.time,
                chain,
                height: block.height().0,
            });
        }
        for description in block.opened() {
            let child = registry.chain(&description.id());
            self.begins(child, description);
        }
    }

    /// What the block changes, transaction by transaction, and whether it closes its chain. Where its
    /// applications may have changed something that was not told, nothing is known any more.
    fn changes(
        &mut self,
        verdicts: &mut Verdicts,
        (chain, block): (ChainNo, &Block),
        known: Known<'_>,
    ) -> bool {
        let mut closes = false;
        for (at, step) in block.proposed().transactions.iter().enumerate() {
            match step {
                Transaction::ExecuteOperation(SystemOperation::ChangeApplicationPermissions(
                    permissions,
                )) => {
                    self.restricted.insert(chain, Some(permissions.clone()));
                }
                Transaction::ExecuteOperation(SystemOperation::CloseChain) => closes = true,
                Transaction::ExecuteOperation(_) | Transaction::ReceiveMessages(_) => {}
            }
            let Some(activity) = known.told() else {
                self.forget(chain);
                continue;
            };
            self.check_oracles(verdicts, (chain, block), activity, at);
            for change in actions::changes_of(activity, at) {
                match &change.what {
                    Changed::Subscribed(..) | Changed::Unsubscribed(..) | Changed::Handed(..) => {
                        continue;
                    }
                    Changed::Closed | Changed::Ownership(_) | Changed::Permissions(_) => {}
                }
                let may = self.may(chain, |permissions| match change.what {
                    Changed::Permissions(_) => permissions.may_change(&change.application),
                    _ => permissions.may_close(&change.application),
                });
                verdicts.check(Invariant::Permissions, may, || {
                    let (height, application) = (block.height(), change.application);
                    format!("block {height} is changed by {application}, which may not")
                });
                closes |= matches!(change.what, Changed::Closed);
                if let Changed::Permissions(permissions) = &change.what {
                    self.restricted.insert(chain, Some(permissions.clone()));
                }
            }
        }
        closes
    }

    /// Whatever applications may change is unknown.
    fn forget(&mut self, chain: ChainNo) {
        if let Some(Some(permissions)) = self.restricted.get(&chain)
            && !(permissions.manage_chain.is_empty() && permissions.change_permissions.is_empty())
        {
            self.restricted.insert(chain, None);
        }
    }

    fn may(&self, chain: ChainNo, says: impl Fn(&ApplicationPermissions) -> bool) -> bool {
        match self.restricted.get(&chain) {
            None => false,
            Some(None) => true,
            Some(Some(permissions)) => says(permissions),
        }
    }

    /// Services and web servers are asked only where somebody ran who may.
    fn check_oracles(
        &self,
        verdicts: &mut Verdicts,
        (chain, block): (ChainNo, &Block),
        activity: &Activity,
        at: usize,
    ) {
        let Some(Some(permissions)) = self.restricted.get(&chain) else {
            return;
        };
        let answers = block.outcome().oracle_responses.get(at);
        for answer in answers.into_iter().flatten() {
            let permitted = match answer {
                OracleResponse::Service(_) => &permissions.call_service_as_oracle,
                OracleResponse::Http(_) => &permissions.make_http_requests,
                _ => continue,
            };
            let Some(permitted) = permitted else {
                continue;
            };
            let mut permitted = permitted.iter();
            let ran = permitted.any(|one| actions::ran(activity, at, *one));
            verdicts.check(Invariant::Permissions, ran, || {
                let height = block.height();
                format!("transaction {at} of block {height} asks an oracle, and nobody in it may")
            });
        }
    }
}

/// The applications whose messages a bundle brings, if it is accepted.
fn messages_of(incoming: &IncomingBundle) -> impl Iterator<Item = ApplicationId> {
    let accepted = incoming.action == MessageAction::Accept;
    let messages = incoming.bundle.messages.iter().filter(move |_| accepted);
    messages.filter_map(|posted| match &posted.message {
        SystemMessage::User(message) => Some(message.application_id),
        SystemMessage::Credit { .. } | SystemMessage::Withdraw { .. } => None,
    })
}

/// What a block does that the permissions before it forbid. Reckoned apart from the machines.
fn breaks(permissions: &ApplicationPermissions, block: &Block) -> Option<String> {
    let mut missing = permissions.mandatory_applications.clone();
    let mut is_exempt = false;
    for step in &block.proposed().transactions {
        let operation = match step {
            Transaction::ReceiveMessages(incoming) => {
                for application in messages_of(incoming) {
                    missing.remove(&application);
                }
                continue;
            }
            Transaction::ExecuteOperation(operation) => operation,
        };
        let permitted = match operation {
            SystemOperation::ProcessNewEpoch(_) | SystemOperation::UpdateStream(_) => {
                is_exempt = true;
                true
            }
            SystemOperation::User(operation) => {
                missing.remove(&operation.application_id);
                let permitted = permissions.execute_operations.as_ref();
                permitted.is_none_or(|all| all.contains(&operation.application_id))
            }
            _ => permissions.execute_operations.is_none(),
        };
        if !permitted {
            return Some(format!("may not do this: {operation:?}"));
        }
    }
    let missing = missing.first().filter(|_| !is_exempt);
    missing.map(|application| format!("does not call {application:?}, which it must"))
}
