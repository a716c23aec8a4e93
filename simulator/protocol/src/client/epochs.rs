//! What a wallet knows of epochs, and how it goes on to the next one (6.2, 7.3).
//!
//! It follows the admin chain: each block is judged by the committee of the epoch that it declares,
//! which an earlier block has created, so no committee vouches for itself. Then its own chain goes
//! through the epochs, one block each.

use std::sync::Arc;

use super::{
    Client, InboxPolicy,
    driver::{Pending, Stage},
    staging::Staged,
};
use crate::{
    block::{ProposedBlock, SystemOperation},
    certificate::{CertificateKind, ConfirmedBlockCertificate},
    committee::Committee,
    description::ChainDescription,
    epochs::Epochs,
    execution::ExecutionState,
    hash::CryptoHash,
    ids::{Address, BlockHeight, ChainId, Epoch, ValidatorIndex},
    machine::Outputs,
    policy::ResourceControlPolicy,
    rpc::{Packet, Request},
    store::ContentStore,
    time::Timestamp,
};

/// Blocks of the admin chain that are asked for at once.
const BLOCKS_AT_ONCE: u64 = 100;

/// The admin chain as this wallet sees it.
#[derive(Clone, Debug)]
pub(super) struct AdminChain {
    state: Arc<ExecutionState>,
    /// Its blocks, to help validators with.
    hashes: Vec<CryptoHash>,
    /// Whether there may be more to know.
    wanted: bool,
}

impl AdminChain {
    pub(super) fn new(description: &ChainDescription) -> Self {
        Self {
            state: Arc::new(ExecutionState::new(description)),
            hashes: Vec::new(),
            wanted: false,
        }
    }
}

impl Client {
    /// What is known of epochs; nothing if there is no admin chain.
    fn epochs(&self) -> Option<&Epochs> {
        let own = self.chain.as_ref();
        let own = own.and_then(|chain| chain.execution.epochs.as_deref());
        own.or_else(|| self.admin.as_ref()?.state.epochs.as_deref())
    }

    /// The committee of an epoch, revoked or not; `None`: the epoch is not known here.
    pub(super) fn committee_of(&self, epoch: Epoch) -> Option<&Arc<Committee>> {
        let genesis = &*self.config.genesis;
        match self.epochs() {
            Some(epochs) => epochs.committee(genesis, epoch),
            None => (epoch == Epoch(0)).then(|| genesis.committee()),
        }
    }

    /// Since when there is an epoch after the first, if it is known here.
    pub(super) fn epoch_since(&self, epoch: Epoch) -> Option<Timestamp> {
        self.epochs()?.created_at(epoch)
    }

    /// Prices and limits of an epoch; `None`: nothing costs and nothing is limited.
    pub(super) fn policy(&self, epoch: Epoch) -> Option<&ResourceControlPolicy> {
        self.committee_of(epoch)
            .and_then(|committee| committee.policy())
    }

    /// Whether a certificate of this epoch is no evidence by itself.
    pub(super) fn is_revoked(&self, epoch: Epoch) -> bool {
        self.epochs().is_some_and(|epochs| epochs.is_revoked(epoch))
    }

    /// The newest committee that is known.
    fn newest_committee(&self) -> Arc<Committee> {
        let newest = self.epochs().map_or(Epoch(0), Epochs::newest);
        let committee = self.committee_of(newest);
        committee.expect("the newest epoch is a known one").clone()
    }

    /// Whether the chain is in a known epoch after this block, too.
    pub(super) fn leads_to_known_epoch(&self, block: &ProposedBlock) -> bool {
        block
            .read_epochs()
            .all(|epoch| self.committee_of(epoch).is_some())
    }

    /// There may be epochs that this wallet does not know.
    pub(super) fn want_epochs(&mut self) {
        if let Some(admin) = &mut self.admin {
            admin.wanted = true;
        }
    }

    /// A validator tells that the admin chain has gone on. Returns whether this is about it.
    pub(super) fn on_admin_block(&mut self, chain: ChainId, height: BlockHeight) -> bool {
        let Some(admin) = &mut self.admin else {
            return false;
        };
        let about = admin.state.chain_id == chain;
        admin.wanted |= about && height >= admin.state.next_height;
        about
    }

    /// Whether to look at the admin chain before anything else.
    pub(super) fn wants_epochs(&self) -> bool {
        let wanted = self.admin.as_ref().is_some_and(|admin| admin.wanted);
        wanted && (self.is_eager() || self.pending.is_some())
    }

    /// Whether the chain is to go on to its next epoch before anything else.
    pub(super) fn is_behind(&self) -> bool {
        let Some(epochs) = self.epochs() else {
            return false;
        };
        let state = &self.chain_ref().execution;
        state.epoch < epochs.newest() && !state.closed && !self.is_shut_out() && self.is_eager()
    }

    /// Whether the wallet acts now: of itself, or because there is something to do.
    fn is_eager(&self) -> bool {
        self.config.inbox_policy == InboxPolicy::Auto || self.has_work()
    }

    /// Asks for the blocks of the admin chain that are not known here.
    pub(super) fn start_learning(&mut self, now: Timestamp, out: &mut Outputs) {
        let committee = self.newest_committee();
        let Some(admin) = &mut self.admin else { return };
        admin.wanted = false;
        let (chain, next) = (admin.state.chain_id, admin.state.next_height.0);
        let until = next.saturating_add(BLOCKS_AT_ONCE);
        let request = Request::DownloadCertificates((next..until).map(BlockHeight).collect());
        let goal = |validator| (validator, chain, request.clone());
        let goals = committee.members().into_iter().map(goal).collect();
        let stage = Stage::Learning {
            committee,
            weight: 0,
            news: false,
        };
        self.ask(now, None, stage, goals, out);
    }

    /// Takes in blocks of the admin chain. Returns whether they brought something new; `None` if one
    /// of them is not what it should be.
    pub(super) fn absorb_admin_blocks(
        &mut self,
        certificates: &[Arc<ConfirmedBlockCertificate>],
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Option<bool> {
        let mut news = false;
        for certificate in certificates {
            let Some(admin) = &self.admin else { break };
            if certificate.block().height() < admin.state.next_height {
                continue;
            }
            let state = self.next_admin_state(certificate, store, out)?;
            store.put_certificate(certificate);
            let admin = self.admin.as_mut()?;
            news |= state.epochs != admin.state.epochs;
            admin.state = state;
            admin.hashes.push(certificate.hash());
        }
        Some(news)
    }

    fn next_admin_state(
        &self,
        certificate: &ConfirmedBlockCertificate,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) -> Option<Arc<ExecutionState>> {
        let (state, block) = (&self.admin.as_ref()?.state, certificate.block());
        let fits = block.chain_id() == state.chain_id
            && block.height() == state.next_height
            && block.proposed().previous_block_hash == state.tip_hash
            && block.proposed().epoch == state.epoch
            && certificate.kind() == CertificateKind::Confirmed;
        if !fits {
            return None;
        }
        let committee = self.committee_of(state.epoch)?;
        out.verified(certificate.lite().signatures.len());
        certificate.lite().check(committee, store).ok()?;
        let executed = store.replay(state, block, committee.policy()).ok()?;
        (executed.block.hash() == block.hash()).then_some(executed.state)
    }

    /// Validators have told what they know of the admin chain.
    pub(super) fn learned(&mut self, news: bool, out: &mut Outputs) {
        if news {
            // The new committee may know of more, and what could not be judged may be now.
            self.want_epochs();
            self.notified = true;
            self.looked = false;
            let members = self.newest_committee().members();
            self.subscribe_at(members, out);
        }
    }

    /// The chain has just gone on to another epoch: others tell of it now.
    pub(super) fn follow_epoch(&mut self, before: Epoch, out: &mut Outputs) {
        if self.chain_ref().execution.epoch != before {
            self.subscribe_at(self.validators(), out);
        }
    }

    /// Asks these validators to be told of the admin chain.
    pub(super) fn subscribe_to_admin(&mut self, validators: &[ValidatorIndex], out: &mut Outputs) {
        let Some(chain) = self.admin.as_ref().map(|admin| admin.state.chain_id) else {
            return;
        };
        for validator in validators {
            let id = self.request_id();
            let request = Request::Subscribe { blocks: true };
            out.send(
                Address::Proxy(*validator),
                Packet::Request { id, chain, request },
            );
        }
    }

    /// Proposes the block that leads to the next epoch, with what waits in the inbox.
    pub(super) fn propose_next_epoch(
        &mut self,
        now: Timestamp,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let state = &self.chain_ref().execution;
        let Some(next) = state.epoch.next() else {
            return;
        };
        let operations = vec![SystemOperation::ProcessNewEpoch(next)];
        let staged = self.stage_operations(now, operations, store, out);
        let (block, block_hash, may_be_fast) = match staged {
            Staged::Block {
                block,
                block_hash,
                may_be_fast,
            } => (block, block_hash, may_be_fast),
            Staged::Lacking(lacking) => return self.look_for(now, None, lacking, out),
            Staged::Nothing | Staged::Impossible(_) => return,
        };
        self.pending = Some(Box::new(Pending {
            block,
            block_hash,
            command: None,
            may_be_fast,
        }));
        out.persist(self.chain_ref().execution.chain_id);
        self.drive_height(now, store, out);
    }

    /// The validators that have to hear of a block: its own committee, and the one after it.
    pub(super) fn audience(&self, certificate: &ConfirmedBlockCertificate) -> Vec<ValidatorIndex> {
        let mut audience = self.validators();
        let epoch = certificate.block().proposed().epoch;
        if epoch != self.chain_ref().execution.epoch
            && let Some(committee) = self.committee_of(epoch)
        {
            audience.extend(committee.members());
            audience.sort_unstable();
            audience.dedup();
        }
        audience
    }

    /// The blocks of the admin chain, in order: what a validator lacks that knows too few epochs.
    pub(super) fn admin_blocks(
        &self,
        store: &dyn ContentStore,
    ) -> Vec<Arc<ConfirmedBlockCertificate>> {
        let known = |hash: &CryptoHash| store.certificate(hash);
        if let Some(admin) = &self.admin {
            return admin.hashes.iter().filter_map(known).collect();
        }
        let own = self.chain.as_ref();
        let Some(chain) = own.filter(|chain| chain.execution.epochs.is_some()) else {
            return Vec::new();
        };
        let heights = (0..chain.next_height().0).map(BlockHeight);
        let hashes = heights.filter_map(|height| chain.block_hash(height));
        hashes.filter_map(|hash| store.certificate(&hash)).collect()
    }

    /// How many of these blocks of one sender are evidence, from the first on: up to the last of an
    /// epoch that is not revoked, whose links vouch for those below (7.4). `None`: a link is wrong.
    pub(super) fn count_trusted(
        &self,
        recipient: &ChainId,
        certificates: &[Arc<ConfirmedBlockCertificate>],
    ) -> Option<usize> {
        let revoked = |certificate: &Arc<ConfirmedBlockCertificate>| {
            self.is_revoked(certificate.block().proposed().epoch)
        };
        let last = certificates.iter().rposition(|one| !revoked(one));
        let trusted = last.map_or(0, |last| last + 1);
        let pairs = certificates[..trusted].windows(2);
        let mut linked = pairs.filter(|pair| revoked(&pair[0])).map(|pair| {
            let links = &pair[1].block().outcome().previous_message_blocks;
            links.get(recipient) == Some(&(pair[0].hash(), pair[0].block().height()))
        });
        linked.all(|linked| linked).then_some(trusted)
    }
}
