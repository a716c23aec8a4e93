//! I-41: a block does what its chain permits, and calls the applications that it must.
//!
//! Knows the permissions of a chain from its description and its blocks, as told. After a gap they
//! are unknown until a block replaces them, and nothing is said. A chain that is closed while it
//! demands calls keeps for good what is sent to it: the rules allow that, so it is a warning.

use std::{collections::BTreeMap, sync::Arc};

use engine::VirtualTime;
use protocol::{
    block::{Block, SystemOperation, Transaction},
    description::ChainDescription,
    ids::ChainId,
    permissions::ApplicationPermissions,
};

use super::{Invariant, Standing, Verdicts};
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
        let mut closes = false;
        for operation in block.proposed().operations() {
            if let SystemOperation::ChangeApplicationPermissions(permissions) = operation {
                self.restricted.insert(chain, Some(permissions.clone()));
            }
            closes |= matches!(operation, SystemOperation::CloseChain);
        }
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
}

/// What a block does that the permissions before it forbid. Reckoned apart from the machines: no
/// transaction of this version calls an application, so one that has to be called never is.
fn breaks(permissions: &ApplicationPermissions, block: &Block) -> Option<String> {
    let exempt =
        |operation: &SystemOperation| matches!(operation, SystemOperation::ProcessNewEpoch(_));
    let transactions = &block.proposed().transactions;
    if permissions.execute_operations.is_some() {
        let forbidden = transactions.iter().find(
            |one| matches!(one, Transaction::ExecuteOperation(operation) if !exempt(operation)),
        );
        if let Some(Transaction::ExecuteOperation(operation)) = forbidden {
            return Some(format!("may not do this: {operation:?}"));
        }
    }
    if block.proposed().operations().any(exempt) {
        return None;
    }
    let missing = permissions.mandatory_applications.first();
    missing.map(|application| format!("does not call {application:?}, which it must"))
}
