//! The inbox of one chain for one origin: exactly once, in order, per origin.
//!
//! Two queues meet here: bundles that arrived (`added`) and bundles that a block consumed before
//! they arrived (`removed`, "anticipated"). Never are both non-empty. Knows nothing of blocks.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    error::InboxError,
    ids::{BlockHeight, Cursor},
    message::MessageBundle,
};

/// Bundles of one origin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Inbox {
    next_cursor_to_add: Cursor,
    next_cursor_to_remove: Cursor,
    added: VecDeque<Arc<MessageBundle>>,
    removed: VecDeque<Arc<MessageBundle>>,
}

/// What became of a bundle that arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Added {
    /// It waits to be consumed.
    Queued,
    /// A block had consumed it already.
    Anticipated,
    /// Blocks had jumped over it already.
    Skipped,
}

/// Whether a consumed bundle had arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removed {
    /// It had.
    Known,
    /// It had not: it is anticipated.
    Anticipated,
}

impl Inbox {
    /// The smallest height that still has to arrive: admission works in whole blocks.
    pub fn next_height_to_receive(&self) -> BlockHeight {
        match self.next_cursor_to_add.index {
            0 => self.next_cursor_to_add.height,
            _ => self.next_cursor_to_add.height.next(),
        }
    }

    /// Height up to which bundles were consumed before they arrived, if any wait.
    pub fn last_anticipated_height(&self) -> Option<BlockHeight> {
        self.removed.back().map(|bundle| bundle.height)
    }

    /// Bundles that wait to be consumed.
    pub const fn added(&self) -> &VecDeque<Arc<MessageBundle>> {
        &self.added
    }

    /// Bundles consumed before they arrived.
    pub const fn anticipated(&self) -> &VecDeque<Arc<MessageBundle>> {
        &self.removed
    }

    /// Takes in a bundle that arrived.
    ///
    /// # Errors
    /// If it is out of order, differs from the anticipated one, or was jumped over and must not be.
    pub fn add(&mut self, bundle: Arc<MessageBundle>) -> Result<Added, InboxError> {
        let cursor = bundle.cursor();
        if cursor < self.next_cursor_to_add {
            return Err(InboxError::IncorrectOrder {
                cursor,
                next: self.next_cursor_to_add,
            });
        }
        self.add_in_order(bundle)
    }

    /// Takes in a bundle without looking at the order: the seeded bug of an inbox.
    pub fn add_in_any_order(&mut self, bundle: Arc<MessageBundle>) {
        let cursor = bundle.cursor();
        self.added.push_front(bundle);
        self.next_cursor_to_add = self.next_cursor_to_add.max(cursor.next());
    }

    fn add_in_order(&mut self, bundle: Arc<MessageBundle>) -> Result<Added, InboxError> {
        let cursor = bundle.cursor();
        let added = match self.removed.front() {
            None => {
                self.added.push_back(bundle);
                Added::Queued
            }
            Some(front) if front.cursor() == cursor => {
                if **front != *bundle {
                    return Err(InboxError::UnexpectedBundle { cursor });
                }
                self.removed.pop_front();
                Added::Anticipated
            }
            Some(front) if cursor < front.cursor() => {
                if !bundle.is_skippable() {
                    return Err(InboxError::UnskippableBundle { cursor });
                }
                Added::Skipped
            }
            Some(_) => return Err(InboxError::UnexpectedBundle { cursor }),
        };
        self.next_cursor_to_add = cursor.next();
        Ok(added)
    }

    /// Consumes `bundle`. On an error the inbox may be left half-changed: callers work on a copy or
    /// drop the chain's state.
    ///
    /// # Errors
    /// If it is out of order, would skip what must not be skipped, or differs from what arrived.
    pub fn remove(&mut self, bundle: &Arc<MessageBundle>) -> Result<Removed, InboxError> {
        let cursor = bundle.cursor();
        if cursor < self.next_cursor_to_remove {
            return Err(InboxError::IncorrectOrder {
                cursor,
                next: self.next_cursor_to_remove,
            });
        }
        while let Some(front) = self.added.front().filter(|front| front.cursor() < cursor) {
            if !front.is_skippable() {
                return Err(InboxError::UnskippableBundle {
                    cursor: front.cursor(),
                });
            }
            self.added.pop_front();
        }
        let removed = match self.added.front() {
            Some(front) if **front == **bundle => {
                self.added.pop_front();
                Removed::Known
            }
            Some(_) => return Err(InboxError::UnexpectedBundle { cursor }),
            None if cursor < self.next_cursor_to_add => {
                return Err(InboxError::UnexpectedBundle { cursor });
            }
            None => {
                self.removed.push_back(bundle.clone());
                Removed::Anticipated
            }
        };
        self.next_cursor_to_remove = cursor.next();
        Ok(removed)
    }

    /// Invariant I-27: the shape of the two queues.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check_shape(&self) -> Result<(), &'static str> {
        fn sorted(queue: &VecDeque<Arc<MessageBundle>>) -> bool {
            queue
                .iter()
                .zip(queue.iter().skip(1))
                .all(|(a, b)| a.cursor() < b.cursor())
        }
        if !self.added.is_empty() && !self.removed.is_empty() {
            return Err("both queues are non-empty");
        }
        if !sorted(&self.added) || !sorted(&self.removed) {
            return Err("cursors do not increase");
        }
        if self
            .added
            .back()
            .is_some_and(|last| last.cursor() >= self.next_cursor_to_add)
        {
            return Err("an added bundle is not below the next cursor to add");
        }
        if self
            .removed
            .back()
            .is_some_and(|last| last.cursor() >= self.next_cursor_to_remove)
        {
            return Err("a removed bundle is not below the next cursor to remove");
        }
        Ok(())
    }
}

#[cfg(test)]
mod exhaustive_tests;
#[cfg(test)]
mod tests;
