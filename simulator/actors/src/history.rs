//! The states of chains in a run that is over: its confirmed blocks, executed once more.
//!
//! Keeps nothing of its own: a state is what the blocks give, and blocks give what they have recorded
//! or are refused. Knows nothing of where the blocks were read.

use std::{collections::BTreeMap, sync::Arc};

use protocol::{
    application::description::ApplicationDescription,
    blob::BlobId,
    certificate::ConfirmedBlockCertificate,
    description::ChainDescription,
    error::BlockError,
    execution::{ExecutionState, Queried, query},
    genesis::Genesis,
    ids::{ApplicationId, BlockHeight, ChainId, Epoch},
    observe::Observation,
    outside::Nowhere,
    policy::ResourceControlPolicy,
    sabotage::Sabotage,
    store::{ContentStore as _, Shared},
};
use scenario::Plan;
use thiserror::Error;

use crate::{store::SharedStore, world};

/// Why there is no state, or no answer.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// The run has no such chain.
    #[error("the run has no chain {0}")]
    UnknownChain(ChainId),
    /// The chain did not grow so high.
    #[error("the chain has {blocks} blocks, so there is no height {height}")]
    TooHigh {
        /// The height that was asked for.
        height: u64,
        /// Blocks that it has.
        blocks: u64,
    },
    /// A block does not execute again: the record is not of this run, or of another version.
    #[error("block {height} does not give again what it has recorded: {error}")]
    Block {
        /// Its height.
        height: BlockHeight,
        /// Why.
        error: BlockError,
    },
    /// A block gives something else than it has recorded.
    #[error("block {0} gives something else than it has recorded")]
    Other(BlockHeight),
    /// The service has failed.
    #[error("{0}")]
    Service(String),
}

/// The blocks of a run, by chain.
pub struct History {
    store: SharedStore,
    genesis: Arc<Genesis>,
    opened: BTreeMap<ChainId, Arc<ChainDescription>>,
    blocks: BTreeMap<ChainId, Vec<Arc<ConfirmedBlockCertificate>>>,
    created: BTreeMap<ApplicationId, ApplicationId>,
}

impl History {
    /// Of a run of this plan, before its first block.
    pub fn new(plan: &Arc<Plan>) -> Self {
        let store = SharedStore::new(false, Sabotage::None);
        for blob in world::blobs(plan) {
            store.put_blob(&blob);
        }
        Self {
            store,
            genesis: world::build(plan, world::BuildOptions::default()).genesis,
            opened: BTreeMap::new(),
            blocks: BTreeMap::new(),
            created: BTreeMap::new(),
        }
    }

    /// Takes what the run has told, in its order.
    pub fn observe(&mut self, fact: &Observation) {
        match fact {
            Observation::BlockConfirmed { certificate } => self.confirmed(certificate),
            Observation::ApplicationCreated {
                placeholder,
                application,
                ..
            } => {
                self.created.insert(*placeholder, *application);
            }
            _ => {}
        }
    }

    fn confirmed(&mut self, certificate: &Arc<ConfirmedBlockCertificate>) {
        let block = certificate.block();
        let known = self.blocks.entry(block.chain_id()).or_default();
        // A block may be told more than once.
        if u64::try_from(known.len()) != Ok(block.height().0) {
            return;
        }
        known.push(certificate.clone());
        for blob in block.created_blobs() {
            self.store.put_blob(blob);
        }
        let opened = block.opened();
        self.opened
            .extend(opened.map(|description| (description.id(), description.clone())));
    }

    /// The application that a scenario calls `name`, if it was created.
    pub fn application(&self, name: &str) -> Option<ApplicationId> {
        let placeholder = ApplicationId::placeholder(name);
        self.created.get(&placeholder).copied()
    }

    /// What an application was created with.
    pub fn description(&self, application: ApplicationId) -> Option<ApplicationDescription> {
        let blob = self.store.blob(&BlobId::description(application))?;
        ApplicationDescription::of(&blob)
    }

    /// How many blocks of a chain are known.
    pub fn blocks_of(&self, chain: ChainId) -> u64 {
        let known = self.blocks.get(&chain).map_or(0, Vec::len);
        u64::try_from(known).expect("a length has at most 64 bits")
    }

    /// The state of a chain after the block at `height`; after its last one if none is given.
    ///
    /// # Errors
    /// If there is no such block, or it does not give again what it has recorded.
    pub fn state(
        &self,
        chain: ChainId,
        height: Option<BlockHeight>,
    ) -> Result<Arc<ExecutionState>, HistoryError> {
        let blocks = self.blocks_of(chain);
        let count = match height {
            Some(height) if height.0 >= blocks => {
                let height = height.0;
                return Err(HistoryError::TooHigh { height, blocks });
            }
            Some(height) => height.0 + 1,
            None => blocks,
        };
        self.executed(chain, count)
    }

    fn executed(&self, chain: ChainId, count: u64) -> Result<Arc<ExecutionState>, HistoryError> {
        let first = self.genesis.description(&chain);
        let description = first.or_else(|| self.opened.get(&chain));
        let description = description.ok_or(HistoryError::UnknownChain(chain))?;
        let mut state = Arc::new(ExecutionState::new(description));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let policies = self.policies(chain)?;
        let blocks = self.blocks.get(&chain).into_iter().flatten();
        for certificate in blocks.take(count) {
            let block = certificate.block();
            let height = block.height();
            let epoch = block.proposed().epoch;
            // The admin chain knows its own epochs.
            let own = state.epochs.as_ref();
            let own = own.and_then(|epochs| epochs.committee(&self.genesis, epoch)?.policy());
            let policy = own.or_else(|| policies.get(&epoch)).copied();
            let executed = self.store.replay(&state, block, policy.as_ref());
            let executed = executed.map_err(|error| HistoryError::Block { height, error })?;
            if executed.block.hash() != block.hash() {
                return Err(HistoryError::Other(height));
            }
            state = executed.state;
        }
        Ok(state)
    }

    /// What blocks cost, by epoch; those that are not there cost nothing.
    fn policies(
        &self,
        chain: ChainId,
    ) -> Result<BTreeMap<Epoch, ResourceControlPolicy>, HistoryError> {
        let mut policies = BTreeMap::new();
        let mut note = |epoch: Epoch, policy: Option<&ResourceControlPolicy>| {
            policies.extend(policy.map(|policy| (epoch, *policy)));
        };
        note(Epoch(0), self.genesis.committee().policy());
        let blocks = self.blocks.get(&chain).into_iter().flatten();
        let last = blocks.map(|one| one.block().proposed().epoch).max();
        let Some(admin) = self.genesis.admin().filter(|admin| *admin != chain) else {
            return Ok(policies);
        };
        if last.is_none_or(|last| last == Epoch(0)) {
            return Ok(policies);
        }
        let state = self.executed(admin, self.blocks_of(admin))?;
        if let Some(epochs) = &state.epochs {
            for number in 1..=epochs.newest().0 {
                let committee = epochs.committee(&self.genesis, Epoch(number));
                note(Epoch(number), committee.and_then(|one| one.policy()));
            }
        }
        Ok(policies)
    }

    /// Asks an application's service about a chain, as it was after the block at `height`.
    ///
    /// # Errors
    /// If there is no such state, no such application, or the service fails.
    pub fn query(
        &self,
        chain: ChainId,
        height: Option<BlockHeight>,
        application: ApplicationId,
        request: Vec<u8>,
    ) -> Result<Queried, HistoryError> {
        let state = self.state(chain, height)?;
        let content = Shared(&self.store);
        let now = state.timestamp;
        query(&state, &content, application, request, now, &Nowhere)
            .map_err(|error| HistoryError::Service(error.to_string()))
    }
}
