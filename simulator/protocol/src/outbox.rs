//! The outbox of one chain for one recipient: heights whose bundles are not yet confirmed there.
//!
//! Heights only; the bundles are rebuilt from the stored blocks each time. Knows nothing of queues
//! or retries.

use std::collections::VecDeque;

use crate::ids::BlockHeight;

/// Heights that wait for one recipient's confirmation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outbox {
    next_height_to_schedule: BlockHeight,
    queue: VecDeque<BlockHeight>,
}

impl Outbox {
    /// Heights that wait, in increasing order.
    pub const fn queue(&self) -> &VecDeque<BlockHeight> {
        &self.queue
    }

    /// The smallest height that may still be scheduled.
    pub const fn next_height_to_schedule(&self) -> BlockHeight {
        self.next_height_to_schedule
    }

    /// Schedules `height`; returns whether that was new.
    pub fn schedule(&mut self, height: BlockHeight) -> bool {
        if height < self.next_height_to_schedule {
            return false;
        }
        self.next_height_to_schedule = height.next();
        self.queue.push_back(height);
        true
    }

    /// Drops all heights up to `height`, which the recipient has confirmed; returns them.
    pub fn confirm(&mut self, height: BlockHeight) -> Vec<BlockHeight> {
        let count = self.queue.partition_point(|waiting| *waiting <= height);
        self.queue.drain(..count).collect()
    }

    /// Puts heights that the recipient has lost back in their places; returns those that were not
    /// there.
    pub fn restore(&mut self, heights: &[BlockHeight]) -> Vec<BlockHeight> {
        let mut restored = Vec::new();
        for height in heights {
            if let Err(place) = self.queue.binary_search(height) {
                self.queue.insert(place, *height);
                restored.push(*height);
            }
        }
        let behind_last = self.queue.back().map(|last| last.next());
        self.next_height_to_schedule = self
            .next_height_to_schedule
            .max(behind_last.unwrap_or_default());
        restored
    }

    /// Invariant I-28, the part of one outbox: heights increase and are below the next one.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check_shape(&self) -> Result<(), &'static str> {
        if !self
            .queue
            .iter()
            .zip(self.queue.iter().skip(1))
            .all(|(a, b)| a < b)
        {
            return Err("heights do not increase");
        }
        if self
            .queue
            .back()
            .is_some_and(|last| *last >= self.next_height_to_schedule)
        {
            return Err("a height is not below the next one to schedule");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_scheduled_once_and_confirmed_in_order() {
        let mut outbox = Outbox::default();
        for height in [0, 3, 3, 1, 5] {
            outbox.schedule(BlockHeight(height));
        }
        assert_eq!(outbox.queue(), &[0, 3, 5].map(BlockHeight));
        assert_eq!(outbox.confirm(BlockHeight(4)), [0, 3].map(BlockHeight));
        assert_eq!(outbox.confirm(BlockHeight(4)), []);
        assert_eq!(outbox.queue(), &[BlockHeight(5)]);
        outbox.check_shape().expect("shape holds");
    }

    #[test]
    fn what_a_recipient_has_lost_comes_back_in_its_place_and_once() {
        let mut outbox = Outbox::default();
        for height in [0, 3, 5] {
            outbox.schedule(BlockHeight(height));
        }
        outbox.confirm(BlockHeight(3));
        let lost = [0, 3, 5].map(BlockHeight);
        assert_eq!(outbox.restore(&lost), [0, 3].map(BlockHeight));
        assert_eq!(outbox.queue(), &lost);
        assert_eq!(outbox.restore(&lost), []);
        outbox.check_shape().expect("shape holds");
        let mut emptied = Outbox::default();
        assert_eq!(emptied.restore(&[BlockHeight(7)]), [BlockHeight(7)]);
        assert!(!emptied.schedule(BlockHeight(7)));
        emptied.check_shape().expect("shape holds");
    }
}
