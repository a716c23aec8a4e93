//! What a worker knows of epochs: from confirmed blocks of the admin chain, and from nothing else.
//!
//! The shard that owns the admin chain executes its blocks and tells the other shards, the way it
//! tells them of opened chains: the database of a validator is one.

use std::sync::Arc;

use super::Worker;
use crate::{
    block::ProposedBlock,
    committee::Committee,
    epochs::Epochs,
    error::NodeError,
    ids::{Address, BlockHeight, ChainId, Epoch, ShardIndex},
    machine::Outputs,
    message::MessageBundle,
    observe::Observation,
    policy::ResourceControlPolicy,
    rpc::{CrossChainRequest, Packet},
    sabotage::Sabotage,
};

impl Worker {
    /// The committee of an epoch, revoked or not (4.10).
    pub(super) fn committee(&self, epoch: Epoch) -> Result<Arc<Committee>, NodeError> {
        let known = self.epochs.committee(&self.config.genesis, epoch);
        known.cloned().ok_or(NodeError::EventsNotFound(epoch))
    }

    /// Prices and limits of an epoch; `None`: nothing costs and nothing is limited.
    pub(super) fn policy(&self, epoch: Epoch) -> Option<&ResourceControlPolicy> {
        let committee = self.epochs.committee(&self.config.genesis, epoch);
        committee.and_then(|committee| committee.policy())
    }

    /// What a block reads of the admin chain is known here.
    pub(super) fn check_events(&self, block: &ProposedBlock) -> Result<(), NodeError> {
        let unknown = block
            .read_epochs()
            .find(|epoch| *epoch > self.epochs.newest());
        unknown.map_or(Ok(()), |epoch| Err(NodeError::EventsNotFound(epoch)))
    }

    /// Keeps what another shard says of epochs, unless more is known here.
    pub(super) fn store_epochs(&mut self, epochs: Arc<Epochs>, out: &mut Outputs) {
        if epochs.is_newer_than(&self.epochs)
            && let Some(chain) = self.config.genesis.admin()
        {
            out.observe(Observation::EpochsKnown {
                chain,
                newest: epochs.newest(),
                first_trusted: epochs.first_trusted(),
            });
            self.epochs = epochs;
        }
    }

    /// Tells the other shards of epochs, if `chain` is the admin chain. Also done when an old block
    /// of it comes again: what was lost on the way repairs itself so.
    pub(super) fn spread_epochs(&mut self, chain: ChainId, out: &mut Outputs) {
        if self.config.genesis.admin() != Some(chain) {
            return;
        }
        let known = self.chains[&chain].execution.epochs.clone();
        let epochs = known.expect("the admin chain keeps them");
        if *epochs == Epochs::default() {
            return;
        }
        self.store_epochs(epochs.clone(), out);
        for shard in (0..self.config.map.shards).map(ShardIndex) {
            if shard != self.config.shard {
                let request = CrossChainRequest::StoreEpochs(epochs.clone());
                let to = Address::Worker(self.config.validator, shard);
                out.send(to, Packet::CrossChain(Box::new(request)));
            }
        }
    }

    /// Admission of what a sender chain's blocks hold (5.4, I-38): up to the last bundle that is
    /// trusted, which vouches for those before it.
    pub(super) fn admit<'a>(
        &self,
        (origin, recipient): (ChainId, ChainId),
        bundles: &'a [(Epoch, Arc<MessageBundle>)],
        out: &mut Outputs,
    ) -> &'a [(Epoch, Arc<MessageBundle>)] {
        let sabotage = self.config.sabotage;
        if self.epochs.first_trusted() == Epoch(0) || sabotage == Sabotage::RevokedAdmitted {
            return bundles;
        }
        let inbox = self.chains.get(&recipient);
        let inbox = inbox.and_then(|state| state.inboxes().get(&origin));
        let anticipated: Option<BlockHeight> =
            inbox.and_then(|inbox| inbox.last_anticipated_height());
        let anticipated = anticipated.filter(|_| sabotage != Sabotage::AnticipatedRefused);
        let next = inbox.map(|inbox| inbox.next_height_to_receive());
        let trusted = |(epoch, bundle): &(Epoch, Arc<MessageBundle>)| {
            !self.epochs.is_revoked(*epoch) || anticipated.is_some_and(|last| bundle.height <= last)
        };
        let count = bundles.iter().rposition(trusted).map_or(0, |last| last + 1);
        let (admitted, refused) = bundles.split_at(count);
        let new = |(_, bundle): &&(Epoch, Arc<MessageBundle>)| {
            next.is_none_or(|next| bundle.height >= next)
        };
        if let Some((epoch, _)) = refused.iter().find(new) {
            out.observe(Observation::UpdateRefused {
                recipient,
                origin,
                error: NodeError::RevokedEpoch(*epoch),
            });
        }
        admitted
    }
}
