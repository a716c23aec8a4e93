//! The user actions of a block, as its transactions say them, next to those that its wallet told.
//!
//! What is told is believed where it agrees with the block; where it is missing, whoever needs it
//! knows nothing any more.

use std::{collections::BTreeMap, sync::Arc};

use protocol::{
    application::activity::{ActionRecord, Activity, ChainChange, EntryKind},
    block::{Block, SystemOperation, Transaction},
    ids::ApplicationId,
    message::{MessageAction, SystemMessage},
};

use super::{Invariant, Verdicts};
use crate::registry::{ChainNo, index};

/// What wallets have told of blocks that they tell next.
#[derive(Debug, Default)]
pub(super) struct Activities(BTreeMap<(ChainNo, u64), Arc<Activity>>);

/// What is known of the user actions of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Known<'a> {
    /// All; there may be none.
    All(&'a Activity),
    /// Nothing, and there are some.
    Untold,
}

impl<'a> Known<'a> {
    /// What was told, if it was.
    pub(crate) const fn told(self) -> Option<&'a Activity> {
        match self {
            Self::All(activity) => Some(activity),
            Self::Untold => None,
        }
    }
}

/// A user action that a block has to perform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    transaction: u32,
    entry: EntryKind,
    /// `None`: it is only created here.
    application: Option<ApplicationId>,
}

impl Activities {
    /// A wallet tells what a block has done that it tells next.
    pub(super) fn told(&mut self, chain: ChainNo, height: u64, activity: &Arc<Activity>) {
        self.0.insert((chain, height), activity.clone());
    }

    /// What was told of a block, to be used once.
    pub(super) fn take(
        &mut self,
        verdicts: &mut Verdicts,
        chain: ChainNo,
        block: &Block,
    ) -> Option<Arc<Activity>> {
        let activity = self.0.remove(&(chain, block.height().0));
        if !block.proposed().calls_applications() {
            return Some(activity.unwrap_or_default());
        }
        let activity = activity?;
        let fits = fits(block, &activity);
        let height = block.height();
        verdicts.check(Invariant::BlockConservation, fits, || {
            format!("block {height} has other user actions than its transactions say")
        });
        fits.then_some(activity)
    }
}

/// The user actions of a block, in order.
fn due(block: &Block) -> Vec<Due> {
    let mut all = Vec::new();
    for (transaction, step) in (0..).zip(&block.proposed().transactions) {
        let mut add = |entry, application| {
            all.push(Due {
                transaction,
                entry,
                application,
            });
        };
        match step {
            Transaction::ReceiveMessages(incoming) if incoming.action == MessageAction::Accept => {
                for posted in &incoming.bundle.messages {
                    if let SystemMessage::User(message) = &posted.message {
                        add(EntryKind::Message, Some(message.application_id));
                    }
                }
            }
            Transaction::ExecuteOperation(SystemOperation::CreateApplication(_)) => {
                add(EntryKind::Instantiate, None);
            }
            Transaction::ExecuteOperation(SystemOperation::User(operation)) => {
                add(EntryKind::Operation, Some(operation.application_id));
            }
            Transaction::ExecuteOperation(SystemOperation::UpdateStream(range)) => {
                add(EntryKind::Streams, Some(range.application_id));
            }
            Transaction::ReceiveMessages(_) | Transaction::ExecuteOperation(_) => {}
        }
    }
    all
}

/// Whether what was told is of the transactions of the block, and all of it within its actions.
fn fits(block: &Block, activity: &Activity) -> bool {
    let due = due(block);
    let same = |(due, action): (&Due, &ActionRecord)| {
        let first = action.calls.first().map(|call| call.application);
        (due.transaction, due.entry) == (action.transaction, action.entry)
            && first.is_some()
            && (due.application.is_none() || due.application == first)
    };
    let within = |action: u32| index(action) < activity.actions.len();
    due.len() == activity.actions.len()
        && due.iter().zip(&activity.actions).all(same)
        && activity.moves.iter().all(|moved| within(moved.action))
        && activity.changes.iter().all(|change| within(change.action))
}

/// The actions of a transaction.
pub(super) fn actions_of(
    activity: &Activity,
    transaction: usize,
) -> impl Iterator<Item = &ActionRecord> {
    let actions = activity.actions.iter();
    actions.filter(move |action| index(action.transaction) == transaction)
}

/// What applications changed in a transaction, in order.
pub(super) fn changes_of(
    activity: &Activity,
    transaction: usize,
) -> impl Iterator<Item = &ChainChange> {
    let changes = activity.changes.iter();
    changes.filter(move |change| {
        let action = activity.actions.get(index(change.action));
        action.is_some_and(|action| index(action.transaction) == transaction)
    })
}

/// Whether an application ran in a transaction.
pub(super) fn ran(activity: &Activity, transaction: usize, application: ApplicationId) -> bool {
    let mut calls = actions_of(activity, transaction).flat_map(|action| &action.calls);
    calls.any(|call| call.application == application)
}
