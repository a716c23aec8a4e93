//! What must hold at every instant, checked on every fact: named after protocol.md, section 15.
//!
//! | file | statements |
//! |---|---|
//! | `votes` | I-1, I-7, I-8, I-9, I-11 to I-14, I-49 |
//! | `grounds` | I-9, I-10, I-12, I-15, I-17, I-18 |
//! | `accountability` | who signed what nobody may |
//! | `execution` | I-2, I-4, I-5 |
//! | `linking` | I-3, I-6 |
//! | `money` | I-19, I-20, I-21 |
//! | `fees` | I-22 |
//! | `allowances` | I-23 |
//! | `delivery` | I-24, I-25, I-26, I-27 (order of arrival), I-29 |
//! | `sharding` | I-30 |
//! | `messages` | I-31, I-32; I-33 in `delivery` |
//! | `epochs` | I-37, I-38 |
//! | `blobs` | I-34, I-35, I-42 |
//! | `actions` | what applications did, for the others |
//! | `events` | I-36 |
//! | `permissions` | I-41 |
//! | `wedge` | the probe of I-48; I-43 to I-46 are in [`crate::liveness`] |
//!
//! I-16, I-27, I-28 and I-39 about a machine's own state are told by the machine itself. Every check
//! believes facts only; what a node did not tell because it crashed between saving and telling is
//! excused once a crash, and never taken for a contradiction.

mod accountability;
mod actions;
mod allowances;
mod blobs;
mod delivery;
mod drops;
mod epochs;
mod events;
mod execution;
mod fees;
mod grounds;
mod heights;
mod linking;
mod losses;
mod messages;
mod money;
mod permissions;
mod reckoning;
mod sharding;
mod verdicts;
mod votes;
mod wedge;

#[cfg(test)]
mod action_tests;
#[cfg(test)]
mod allowance_tests;
#[cfg(test)]
mod blob_tests;
#[cfg(test)]
mod epoch_tests;
#[cfg(test)]
mod fee_tests;
#[cfg(test)]
mod ground_tests;
#[cfg(test)]
mod message_tests;
#[cfg(test)]
mod permission_tests;
#[cfg(test)]
mod rival_tests;
#[cfg(test)]
mod sharding_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use engine::NetworkFact;
use protocol::{
    application::activity::Changed,
    block::{Block, SystemOperation},
    certificate::ConfirmedBlockCertificate,
    description::ChainDescription,
    ids::ChainId,
    observe::{Observation, Shape},
    ownership::ChainOwnership,
    sharding::ShardingFact,
};

pub(crate) use drops::Loss;
pub(crate) use linking::Standing;
pub(crate) use permissions::Sealed;
pub(crate) use verdicts::{Broken, Stamp, Verdicts};
pub use verdicts::{Invariant, Violation};

use accountability::Proof;
use actions::{Activities, Known};
use allowances::Allowances;
use blobs::Blobs;
use delivery::{Delivery, Holder};
use epochs::Epochs;
use events::Events;
use fees::Fees;
use grounds::{Cast, Rights};
use heights::Heights;
use linking::Heads;
use losses::Losses;
use messages::Links;
use money::Money;
use permissions::Permissions;
use sharding::Sharding;

use crate::{
    registry::{ChainNo, PairNo, Registry, Subject, reach},
    validators::{Committee, Parties, Party},
};

/// All checks and what they remember.
#[derive(Debug)]
pub(crate) struct Invariants {
    pub(crate) epochs: Epochs,
    pub(crate) verdicts: Verdicts,
    pub(crate) heights: Heights,
    pub(crate) heads: Heads,
    pub(crate) money: Money,
    pub(crate) fees: Fees,
    pub(crate) delivery: Delivery,
    activities: Activities,
    blobs: Blobs,
    events: Events,
    rights: Rights,
    pub(crate) permissions: Permissions,
    pub(crate) allowances: Allowances,
    links: Links,
    sharding: Sharding,
    losses: Losses,
    /// Chains that a confirmed block has closed.
    closed: Vec<bool>,
    /// Whom the last fork convicts, with the proofs.
    pub(crate) convicted: Vec<(u32, Proof)>,
}

impl Invariants {
    pub(crate) fn new(
        committee: Committee,
        members: Arc<protocol::committee::Committee>,
        parties: &Parties,
        genesis: &[(ChainId, Arc<ChainDescription>)],
    ) -> Self {
        let size = committee.size();
        Self {
            epochs: Epochs::new(committee, members, genesis),
            verdicts: Verdicts::default(),
            heights: Heights::new(size),
            heads: Heads::new(genesis),
            money: Money::new(genesis),
            fees: Fees::default(),
            delivery: Delivery::new(size),
            activities: Activities::default(),
            blobs: Blobs::default(),
            events: Events::default(),
            rights: Rights::new(genesis),
            permissions: Permissions::new(genesis),
            allowances: Allowances::default(),
            links: Links::default(),
            sharding: Sharding::new(size),
            losses: Losses::new(parties),
            closed: Vec::new(),
            convicted: Vec::new(),
        }
    }

    /// The owners of a chain at its next height.
    pub(crate) fn owners(&self, chain: ChainNo) -> Option<&Arc<ChainOwnership>> {
        self.rights.of(chain)
    }

    /// Whether a worker has crashed, so that votes may not have been told.
    pub(crate) const fn workers_crashed(&self) -> bool {
        self.losses.any_worker()
    }

    /// The run is over.
    pub(crate) fn finish(&mut self) {
        self.epochs.end(&mut self.verdicts, self.losses.any());
    }

    /// Looks at what the network or the kernel did.
    pub(crate) fn network(&mut self, stamp: Stamp, fact: &NetworkFact) {
        match fact {
            NetworkFact::Crashed { .. } | NetworkFact::Panicked => {
                self.losses.crashed(stamp.actor);
                self.sharding.stopped(stamp.actor);
            }
            NetworkFact::Lost { .. }
            | NetworkFact::LostByRule { .. }
            | NetworkFact::Partitioned { .. }
            | NetworkFact::Duplicated { .. }
            | NetworkFact::ToDownNode { .. }
            | NetworkFact::Restarted => {}
        }
    }

    /// Looks at a fact. Says what a confirmed block is to the chain as it was told so far.
    pub(crate) fn observe(
        &mut self,
        stamp: Stamp,
        fact: &Observation,
        subject: Subject,
        registry: &mut Registry,
    ) -> Option<Standing> {
        self.verdicts.stamp = stamp;
        let chain = subject.chain?;
        if let Party::Worker(validator, _) = stamp.party {
            self.worker(stamp, validator, fact, (chain, subject), registry);
        }
        match fact {
            Observation::CertificateFormed {
                height, payload, ..
            } => {
                let lossless = !self.losses.any();
                self.certificate_formed(chain, height.0, payload, lossless);
                None
            }
            Observation::BlockConfirmed { certificate } => {
                Some(self.confirmed(chain, certificate, registry))
            }
            Observation::ApplicationsRan {
                height, activity, ..
            } => {
                self.activities.told(chain, height.0, activity);
                None
            }
            Observation::ShapeBroken { shape, detail, .. } => {
                self.shape_broken(*shape, detail);
                None
            }
            Observation::CommandStarted { .. }
            | Observation::CommandDone { .. }
            | Observation::CommandFailed { .. }
            | Observation::BlockProposed { .. }
            | Observation::VoteCast { .. }
            | Observation::BlockExecuted { .. }
            | Observation::BlockPreprocessed { .. }
            | Observation::BundleArrived { .. }
            | Observation::DuplicateUpdate { .. }
            | Observation::UpdateRefused { .. }
            | Observation::RoundEntered { .. }
            | Observation::EpochsKnown { .. }
            | Observation::RuleBitten { .. }
            | Observation::BlobStored { .. }
            | Observation::BlobPending { .. }
            | Observation::FeesCharged { .. }
            | Observation::ApplicationCreated { .. }
            | Observation::BlockGivenUp { .. }
            | Observation::OutboxConfirmed { .. }
            | Observation::UpdateAbandoned { .. }
            | Observation::UpdateRetried { .. }
            | Observation::UpdateDropped { .. }
            | Observation::CrossChainLost { .. }
            | Observation::OutboxRestored { .. }
            | Observation::DeliveryAnswered { .. }
            | Observation::BundleRejected { .. }
            | Observation::BundlePostponed { .. }
            | Observation::SenderBlockRefused { .. }
            | Observation::RequestRefused { .. }
            | Observation::ValidatorHelped { .. }
            | Observation::Sharding(_)
            | Observation::RequestTimedOut { .. } => None,
        }
    }

    /// A fact that a worker tells.
    fn worker(
        &mut self,
        stamp: Stamp,
        validator: u32,
        fact: &Observation,
        (chain, subject): (ChainNo, Subject),
        registry: &Registry,
    ) {
        let (verdicts, actor) = (&mut self.verdicts, stamp.actor);
        match fact {
            Observation::Sharding(ShardingFact::ChainTaken { lease, .. }) => {
                let place = (validator, chain);
                let before = self.sharding.holder(validator, chain);
                if let Some(before) = before.filter(|before| *before != actor) {
                    self.losses.passed_on(place, before);
                }
                self.sharding.taken(verdicts, place, actor, *lease);
            }
            Observation::Sharding(ShardingFact::ChainReleased { .. }) => {
                self.sharding.released(verdicts, (validator, chain), actor);
            }
            Observation::EpochsKnown { .. } => {}
            _ => self.sharding.told(verdicts, validator, chain, actor),
        }
        let arrived = subject.pair.map(|pair| (pair, registry.ends(pair).1));
        let lossy = self.losses.any();
        self.epochs.worker(&mut self.verdicts, fact, arrived, lossy);
        let who = (validator, chain);
        self.blobs.worker(&mut self.verdicts, who, fact, lossy);
        match fact {
            Observation::VoteCast {
                chain: chain_id,
                height,
                payload,
                current_round,
                ground,
            } => {
                // The machine looks at the order of what it does, and tells if it is wrong.
                let verdicts = &mut self.verdicts;
                verdicts.check(Invariant::PersistBeforeRelease, true, String::new);
                let cast = Cast {
                    chain: *chain_id,
                    height: *height,
                    payload,
                    current_round: *current_round,
                    ground: *ground,
                };
                self.vote_cast(validator, chain, &cast);
            }
            Observation::BlockExecuted {
                height,
                hash,
                state_hash,
                ..
            } => {
                // Of each block there is a notification; the machine tells if that comes too soon.
                let verdicts = &mut self.verdicts;
                verdicts.check(Invariant::Notifications, true, String::new);
                self.block_executed(validator, chain, height.0, (*hash, *state_hash));
            }
            Observation::FeesCharged {
                height, fees, held, ..
            } => {
                let (verdicts, block) = (&mut self.verdicts, (chain, height.0));
                self.fees.told(verdicts, block, (*fees, *held));
            }
            Observation::BundleArrived { cursor, bundle, .. } => {
                let pair = subject.pair.expect("an arrival has an origin");
                let (_, origin) = registry.ends(pair);
                let sent = self.heads.next_height(origin);
                let (verdicts, losses) = (&mut self.verdicts, &mut self.losses);
                let arrival = (pair, *cursor, *bundle);
                self.delivery
                    .arrived(verdicts, losses, (validator, chain), arrival, sent);
            }
            Observation::DeliveryAnswered { height, .. } => {
                // Outboxes know nothing of blocks that the validator does not have: below its tip it
                // has all.
                let until = self.heights.tip(validator, chain).checked_sub(1);
                let Some(until) = until.map(|tip| tip.min(height.0)) else {
                    return;
                };
                for pair in registry.pairs_from(chain) {
                    let (recipient, _) = registry.ends(pair);
                    let holder = self.holder(validator, recipient);
                    let (verdicts, losses) = (&mut self.verdicts, &mut self.losses);
                    self.delivery
                        .answered(verdicts, losses, holder, pair, until);
                }
            }
            Observation::OutboxConfirmed { height, .. } => {
                let pair = subject.pair.expect("an outbox has a recipient");
                // The machine looks at its outbox whenever that changes, and tells if it is wrong.
                let verdicts = &mut self.verdicts;
                verdicts.check(Invariant::OutboxShape, true, String::new);
                let (recipient, _) = registry.ends(pair);
                let holder = self.holder(validator, recipient);
                let (verdicts, losses) = (&mut self.verdicts, &mut self.losses);
                self.delivery
                    .popped(verdicts, losses, holder, pair, height.0);
            }
            Observation::CommandStarted { .. }
            | Observation::CommandDone { .. }
            | Observation::CommandFailed { .. }
            | Observation::BlockProposed { .. }
            | Observation::CertificateFormed { .. }
            | Observation::BlockConfirmed { .. }
            | Observation::ApplicationsRan { .. }
            | Observation::ApplicationCreated { .. }
            | Observation::BlockPreprocessed { .. }
            | Observation::DuplicateUpdate { .. }
            | Observation::UpdateRefused { .. }
            | Observation::RoundEntered { .. }
            | Observation::EpochsKnown { .. }
            | Observation::RuleBitten { .. }
            | Observation::BlobStored { .. }
            | Observation::BlobPending { .. }
            | Observation::BlockGivenUp { .. }
            | Observation::UpdateAbandoned { .. }
            | Observation::UpdateRetried { .. }
            | Observation::UpdateDropped { .. }
            | Observation::CrossChainLost { .. }
            | Observation::OutboxRestored { .. }
            | Observation::BundleRejected { .. }
            | Observation::BundlePostponed { .. }
            | Observation::SenderBlockRefused { .. }
            | Observation::RequestRefused { .. }
            | Observation::ValidatorHelped { .. }
            | Observation::RequestTimedOut { .. }
            | Observation::Sharding(_)
            | Observation::ShapeBroken { .. } => {}
        }
    }

    /// Who keeps a chain at a validator.
    fn holder(&self, validator: u32, chain: ChainNo) -> Holder {
        Holder {
            place: (validator, chain),
            actor: self.sharding.holder(validator, chain),
        }
    }

    /// The last height that sends to a pair, if the outbox of a validator still holds it, and no crash
    /// of who keeps the sender there can have hidden that it does not.
    pub(crate) fn held_in_outbox(
        &mut self,
        (pair, origin): (PairNo, ChainNo),
        validator: u32,
    ) -> Option<u64> {
        let holder = self.holder(validator, origin);
        let held = self.delivery.held_in_outbox(pair, validator)?;
        let (verdicts, losses) = (&self.verdicts, &mut self.losses);
        (!delivery::excused(verdicts, losses, holder, pair)).then_some(held)
    }

    /// A wallet holds the certificate of a block.
    fn confirmed(
        &mut self,
        chain: ChainNo,
        certificate: &Arc<ConfirmedBlockCertificate>,
        registry: &mut Registry,
    ) -> Standing {
        self.block_certified(chain, certificate.block());
        let block = certificate.block();
        let members = self.epochs.members(block.proposed().epoch.0);
        grounds::check_certificate(&mut self.verdicts, certificate, members);
        let is_next = self.heads.next_height(chain) == block.height().0;
        let expected = is_next.then(|| self.heads.next_epoch(chain));
        let losses = self.losses.any();
        let activity = self.activities.take(&mut self.verdicts, chain, block);
        let known = activity.as_deref().map_or(Known::Untold, Known::All);
        let standing = self
            .heads
            .block(&mut self.verdicts, losses, chain, certificate, registry);
        match standing {
            Standing::Repeated => return standing,
            Standing::AfterGap => {
                self.money.untold(chain);
                self.allowances.untold(chain);
            }
            Standing::Next => {}
        }
        self.allowances.block(&mut self.verdicts, chain, block);
        let (told, round) = ((chain, &**block), certificate.round());
        self.blobs.block(&mut self.verdicts, told, round, standing);
        self.events
            .block(&mut self.verdicts, told, known, standing, losses);
        self.epochs
            .block(&mut self.verdicts, (chain, block), expected, losses);
        for description in block.opened() {
            let child = registry.chain(&description.id());
            self.epochs.opened(child, description.config.epoch);
        }
        self.rights.block(chain, block, known, registry);
        let (verdicts, told) = (&mut self.verdicts, (chain, &**block, standing));
        self.permissions.block(verdicts, told, known, registry);
        let was_closed = self.check_closed(chain, block, known);
        let gap = standing == Standing::AfterGap;
        self.links
            .block(&mut self.verdicts, chain, block, gap, registry);
        messages::check_bounces(&mut self.verdicts, block, was_closed);
        let (verdicts, heads) = (&mut self.verdicts, &self.heads);
        let intake = self
            .delivery
            .taken_in(verdicts, losses, chain, block, heads, registry);
        if intake.untold {
            self.money.untold_origin();
        }
        self.delivery.sent(verdicts, chain, block, registry);
        let epoch = block.proposed().epoch.0;
        if self.epochs.has_unknown_prices(epoch) {
            self.money.untold(chain);
        }
        let policy = self.epochs.members(epoch).policy();
        let published = self.blobs.published(block);
        let metered = self.money.block(
            verdicts,
            (chain, block, known),
            published,
            intake.skipped,
            policy,
            registry,
        );
        if let Some((fees, held)) = metered {
            self.fees.block(chain, block.height().0, fees, held);
        }
        standing
    }

    /// I-40. Returns whether the chain was closed before the block.
    fn check_closed(&mut self, chain: ChainNo, block: &Block, known: Known<'_>) -> bool {
        let closed = reach(&mut self.closed, chain.index());
        let height = block.height();
        self.verdicts.check(
            Invariant::ClosedChains,
            !*closed || block.proposed().only_rejects(),
            || format!("block {height} of a closed chain does more than reject"),
        );
        let closes = |operation| matches!(operation, &SystemOperation::CloseChain);
        let was_closed = *closed;
        *closed |= block.proposed().operations().any(closes);
        let changes = known.told().into_iter();
        let mut changes = changes.flat_map(|activity| &activity.changes);
        *closed |= changes.any(|change| change.what == Changed::Closed);
        was_closed
    }

    fn shape_broken(&mut self, shape: Shape, detail: &str) {
        let invariant = match shape {
            Shape::Inbox => Invariant::InboxShape,
            Shape::Outbox => Invariant::OutboxShape,
            Shape::Durable => Invariant::PersistBeforeRelease,
            Shape::Notified => Invariant::Notifications,
        };
        self.verdicts.fails(invariant, detail.to_owned());
    }
}
