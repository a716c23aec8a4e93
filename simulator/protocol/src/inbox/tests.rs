//! The inbox against a model that keeps every bundle and decides by looking at all of them.

use std::{collections::BTreeSet, sync::Arc};

use proptest::prelude::*;

use super::{Added, Inbox, Removed};
use crate::{
    Amount, Timestamp,
    error::InboxError,
    hash::CryptoHash,
    ids::{AccountOwner, BlockHeight, Cursor},
    message::{MessageBundle, MessageKind, PostedMessage, SystemMessage},
};

pub(super) fn bundle(height: u64, index: u32, kind: MessageKind) -> Arc<MessageBundle> {
    let owner = AccountOwner::CHAIN;
    Arc::new(MessageBundle {
        height: BlockHeight(height),
        timestamp: Timestamp::default(),
        certificate_hash: CryptoHash::default(),
        transaction_index: index,
        messages: vec![PostedMessage {
            authenticated_owner: None,
            grant: Amount::ZERO,
            refund_grant_to: None,
            kind,
            index: 0,
            message: SystemMessage::Credit {
                target: owner,
                amount: Amount::ZERO,
                source: owner,
            },
        }],
    })
}

fn tracked(height: u64) -> Arc<MessageBundle> {
    bundle(height, 0, MessageKind::Tracked)
}

fn simple(height: u64) -> Arc<MessageBundle> {
    bundle(height, 0, MessageKind::Simple)
}

#[test]
fn a_bundle_waits_and_is_consumed_once() {
    let mut inbox = Inbox::default();
    assert_eq!(inbox.add(tracked(3)), Ok(Added::Queued));
    assert_eq!(inbox.next_height_to_receive(), BlockHeight(4));
    assert_eq!(inbox.remove(&tracked(3)), Ok(Removed::Known));
    let again = inbox.remove(&tracked(3));
    assert!(
        matches!(again, Err(InboxError::IncorrectOrder { .. })),
        "{again:?}"
    );
    let again = inbox.add(tracked(3));
    assert!(
        matches!(again, Err(InboxError::IncorrectOrder { .. })),
        "{again:?}"
    );
}

#[test]
fn a_bundle_consumed_early_is_anticipated_and_dropped_when_it_arrives() {
    let mut inbox = Inbox::default();
    assert_eq!(inbox.remove(&tracked(2)), Ok(Removed::Anticipated));
    assert_eq!(inbox.last_anticipated_height(), Some(BlockHeight(2)));
    assert_eq!(inbox.add(tracked(2)), Ok(Added::Anticipated));
    assert!(inbox.added().is_empty() && inbox.anticipated().is_empty());
}

#[test]
fn an_anticipated_bundle_with_other_content_is_refused() {
    let mut inbox = Inbox::default();
    inbox.remove(&tracked(2)).expect("anticipated");
    let other = inbox.add(simple(2));
    assert!(
        matches!(other, Err(InboxError::UnexpectedBundle { .. })),
        "{other:?}"
    );
}

#[test]
fn only_skippable_bundles_are_skipped() {
    let mut inbox = Inbox::default();
    inbox.add(simple(1)).expect("in order");
    inbox.add(tracked(2)).expect("in order");
    inbox.add(tracked(3)).expect("in order");
    let mut skipping = inbox.clone();
    let error = skipping.remove(&tracked(3));
    let cursor = Cursor {
        height: BlockHeight(2),
        index: 0,
    };
    assert_eq!(error, Err(InboxError::UnskippableBundle { cursor }));
    assert_eq!(
        inbox.remove(&tracked(2)),
        Ok(Removed::Known),
        "the simple one is skipped"
    );
    let skipped = inbox.remove(&simple(1));
    assert!(
        matches!(skipped, Err(InboxError::IncorrectOrder { .. })),
        "never consumed again"
    );
}

#[test]
fn the_seeded_bug_breaks_the_shape() {
    let mut inbox = Inbox::default();
    inbox.add_in_any_order(tracked(1));
    inbox.check_shape().expect("one bundle is in order");
    inbox.add_in_any_order(tracked(2));
    assert!(inbox.check_shape().is_err());
}

proptest! {
    /// Whatever arrives and is consumed, in any order: nothing is consumed twice, order is kept,
    /// and the shape holds.
    #[test]
    fn any_sequence_keeps_the_shape(steps in prop::collection::vec((any::<bool>(), 0u64..12), 0..60)) {
        let mut inbox = Inbox::default();
        let (mut consumed, mut last) = (BTreeSet::new(), None);
        for (arrives, height) in steps {
            // Even heights may be skipped, odd ones may not.
            let bundle = if height % 2 == 0 { simple(height) } else { tracked(height) };
            let mut copy = inbox.clone();
            let done = if arrives {
                copy.add(bundle).is_ok()
            } else {
                let removed = copy.remove(&bundle).is_ok();
                if removed {
                    prop_assert!(consumed.insert(height), "consumed twice");
                    prop_assert!(last < Some(height), "out of order");
                    last = Some(height);
                }
                removed
            };
            if done {
                inbox = copy;
            }
            prop_assert_eq!(inbox.check_shape(), Ok(()));
        }
    }
}
