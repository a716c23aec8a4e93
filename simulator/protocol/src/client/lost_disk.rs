//! A wallet that lost its disk (E-4): what is left, and what it must not do before it knows more.
//!
//! Left are the key, which chain it is for and how that was opened, and what its user knows and
//! wants. Its former self may have proposed a block that some validators hold: until the wallet has
//! made a block again, it looks at the chain before it proposes, and proposes no fast block of its
//! own, because validators that hold another fast block could never vote for it.

use super::{Candidate, Client, driver::Pending};
use crate::{
    chain::ChainState,
    description::ChainDescription,
    ids::{BlockHeight, ChainId},
    machine::Outputs,
    observe::Observation,
    rpc::Command,
    time::Timestamp,
};

use std::sync::Arc;

/// What a wallet that lost its disk has yet to make up for.
#[derive(Clone, Debug, Default)]
pub(super) struct LostDisk {
    /// Commands whose blocks were under way: nobody knows what became of them.
    forgotten: Vec<Arc<Command>>,
    /// The height at which it may have had a block under way, until that is told.
    given_up: Option<(ChainId, BlockHeight)>,
}

impl LostDisk {
    /// Whether everybody knows which commands went with the disk: its user can go on.
    pub(super) const fn is_told(&self) -> bool {
        self.forgotten.is_empty()
    }
}

impl Client {
    /// After a crash: throws away also what was saved.
    pub fn lose_disk(&mut self, now: Timestamp) {
        let description = self.own_description();
        let fresh = Self::new(self.config.clone(), now);
        let lost = std::mem::replace(self, fresh);
        if self.chain.is_none() {
            let chain = description.map(|one| Box::new(ChainState::new(&one, now)));
            self.chain = chain;
        }
        let in_pending = lost
            .pending
            .and_then(|pending: Box<Pending>| pending.command);
        let in_untold = lost.untold.and_then(|untold| untold.command);
        let before = lost.lost_disk.map(|lost| *lost).unwrap_or_default();
        let mut forgotten = before.forgotten;
        forgotten.extend(in_pending);
        forgotten.extend(in_untold);
        let height = |chain: Box<ChainState>| (chain.execution.chain_id, chain.next_height());
        let given_up = before.given_up.or_else(|| lost.chain.map(height));
        self.lost_disk = Some(Box::new(LostDisk {
            forgotten,
            given_up,
        }));
        self.ready = lost.ready;
        self.on_inbox = lost.on_inbox;
        self.held = lost.held;
        self.done_early = lost.done_early;
        self.handed_in = lost.handed_in;
        self.lineage = lost.lineage;
        self.opened = lost.opened;
        self.created = lost.created;
        // Answers to its former self must not be taken for answers to it.
        self.next_request = lost.next_request;
        self.phase = lost.phase;
        self.notified = true;
        self.want_epochs();
    }

    /// How its chain began, if a block has opened it.
    fn own_description(&self) -> Option<Arc<ChainDescription>> {
        let mine = self.config.chain?;
        let opened = self.lineage.last()?;
        let mut descriptions = opened.block().opened();
        descriptions.find(|one| one.id() == mine).cloned()
    }

    /// Tells of the block and the commands that went with the disk.
    pub(super) fn tell_forgotten(&mut self, out: &mut Outputs) {
        let Some(lost) = &mut self.lost_disk else {
            return;
        };
        if let Some((chain, height)) = lost.given_up.take() {
            out.observe(Observation::BlockGivenUp { chain, height });
        }
        let forgotten = std::mem::take(&mut lost.forgotten);
        for command in forgotten {
            let reason = "the wallet lost its disk, and with it the block under way".to_owned();
            self.fail_command(&command, reason, out);
        }
    }

    /// Whether its former self may have a block under way at the next height.
    pub(super) const fn is_in_the_dark(&self) -> bool {
        self.lost_disk.is_some()
    }

    /// Whether this block may be proposed in the fast round.
    pub(super) fn may_be_fast(&self, candidate: &Candidate) -> bool {
        let own = matches!(candidate, Candidate::Own(..));
        let cautious = self.config.options.looks_first;
        candidate.uses_no_oracles() && !(own && cautious && self.is_in_the_dark())
    }
}
