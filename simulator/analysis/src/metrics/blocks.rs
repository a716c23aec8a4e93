//! Blocks from the first proposal to the certificate.

use engine::VirtualTime;
use protocol::{
    certificate::ConfirmedBlockCertificate, hash::CryptoHash, message::MessageAction,
    observe::Observation, round::Round,
};
use scenario::expression::{Counter, Measure};

use super::{Counters, NEVER, Rows, windows::Windows};
use crate::{
    invariants::Stamp,
    registry::{ChainNo, long, number, reach},
    validators::Party,
};

/// One block; times in virtual microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockLine {
    pub(crate) chain: ChainNo,
    pub(crate) height: u64,
    /// The wallet that proposed it.
    pub(crate) wallet: u32,
    pub(crate) round: Round,
    pub(crate) scheduled: u64,
    pub(crate) proposed: u64,
    pub(crate) confirmed: u64,
    pub(crate) operations: u32,
    pub(crate) incoming: u32,
    pub(crate) rejected: u32,
    pub(crate) outgoing: u32,
    pub(crate) attempts: u32,
    pub(crate) hash: CryptoHash,
}

/// A proposal of a block that is not confirmed.
#[derive(Clone, Copy, Debug)]
struct Proposal {
    hash: CryptoHash,
    wallet: u32,
    scheduled: u64,
}

/// A height that was proposed and is not confirmed.
#[derive(Debug)]
struct Open {
    line: BlockLine,
    proposals: Vec<Proposal>,
    /// A wallet that has proposed there and has not given it up, and all others of that kind.
    wanted_by: Option<u32>,
    and_by: Vec<u32>,
}

/// What is counted of one chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChainTally {
    pub(crate) blocks: u64,
    pub(crate) fast: u64,
    pub(crate) opened_us: u64,
}

/// All blocks.
#[derive(Debug)]
pub(crate) struct Blocks {
    rows: Rows,
    lines: Vec<BlockLine>,
    open: Vec<Vec<Open>>,
    pending: u64,
    tallies: Vec<ChainTally>,
}

impl Blocks {
    pub(crate) const fn new(rows: Rows) -> Self {
        Self {
            rows,
            lines: Vec::new(),
            open: Vec::new(),
            pending: 0,
            tallies: Vec::new(),
        }
    }

    /// Heights that were proposed and are not confirmed, and not given up by all who proposed there.
    pub(crate) const fn pending(&self) -> u64 {
        self.pending
    }

    pub(crate) fn tally(&self, chain: ChainNo) -> ChainTally {
        self.tallies.get(chain.index()).copied().unwrap_or_default()
    }

    /// Confirmed and open blocks, by chain and height.
    pub(crate) fn lines(&self) -> Vec<BlockLine> {
        let open = self.open.iter().flatten().map(|open| open.line);
        let mut lines: Vec<_> = match self.rows {
            Rows::Full => self.lines.iter().copied().chain(open).collect(),
            Rows::CountersOnly => Vec::new(),
        };
        lines.sort_unstable_by_key(|line| (line.chain, line.height));
        lines
    }

    /// A wallet proposes; `fact` is an [`Observation::BlockProposed`]. Returns whether it
    /// is a rival: another block of its height was proposed before it, or is confirmed.
    pub(crate) fn proposed(&mut self, stamp: Stamp, chain: ChainNo, fact: &Observation) -> bool {
        let Observation::BlockProposed {
            height,
            round,
            proposal,
            operations,
            incoming,
            scheduled_us,
            ..
        } = fact
        else {
            return false;
        };
        if height.0 < self.tally(chain).blocks {
            // Somebody else's block has taken the place meanwhile.
            return true;
        }
        let wallet = wallet_of(stamp);
        let made = Proposal {
            hash: *proposal,
            wallet,
            scheduled: scheduled_us.unwrap_or(NEVER),
        };
        let open = reach(&mut self.open, chain.index());
        match open.iter_mut().find(|open| open.line.height == height.0) {
            Some(open) => {
                self.pending += u64::from(open.wanted_by.is_none());
                open.want(wallet);
                open.line.attempts += 1;
                open.line.round = *round;
                let known = open.proposals.iter().any(|known| known.hash == made.hash);
                if !known {
                    open.proposals.push(made);
                }
                !known
            }
            None => {
                let line = BlockLine {
                    chain,
                    height: height.0,
                    wallet,
                    round: *round,
                    scheduled: made.scheduled,
                    proposed: stamp.time.as_micros(),
                    confirmed: NEVER,
                    operations: *operations,
                    incoming: *incoming,
                    rejected: 0,
                    outgoing: 0,
                    attempts: 1,
                    hash: CryptoHash::default(),
                };
                open.reserve_exact(1);
                open.push(Open {
                    line,
                    proposals: vec![made],
                    wanted_by: Some(wallet),
                    and_by: Vec::new(),
                });
                self.pending += 1;
                false
            }
        }
    }

    /// A wallet will not bring forward what it has proposed at a height.
    pub(crate) fn given_up(&mut self, stamp: Stamp, chain: ChainNo, height: u64) {
        let open = reach(&mut self.open, chain.index());
        let Some(open) = open.iter_mut().find(|open| open.line.height == height) else {
            return;
        };
        let before = open.wanted_by;
        open.give_up(wallet_of(stamp));
        self.pending -= u64::from(before.is_some() && open.wanted_by.is_none());
    }

    /// A wallet holds the certificate of a block that is new to its chain.
    pub(crate) fn confirmed(
        &mut self,
        counters: &mut Counters,
        windows: &mut Windows,
        stamp: Stamp,
        chain: ChainNo,
        certificate: &ConfirmedBlockCertificate,
    ) {
        let line = self.close(stamp, chain, certificate);
        let fast = certificate.round().is_fast();
        let tally = reach(&mut self.tallies, chain.index());
        // Blocks below that were never told were confirmed all the same.
        tally.blocks = line.height + 1;
        tally.fast += u64::from(fast);
        counters.blocks += 1;
        counters.fast_blocks += u64::from(fast);
        counters.pending_blocks = self.pending;
        windows.count(Counter::ConfirmedBlocks, stamp.time, 1);
        windows.count(Counter::FastBlocks, stamp.time, u64::from(fast));
        if line.scheduled != NEVER {
            let latency = line.confirmed.saturating_sub(line.scheduled);
            let scheduled = VirtualTime::from_micros(line.scheduled);
            windows.sample(Measure::ConfirmLatency, scheduled, latency, 1);
            if let Some(carried) = &mut windows.carried {
                carried.confirmed(stamp.time);
            }
        }
        if self.rows == Rows::Full {
            self.lines.push(line);
        }
    }

    /// Takes the block out of what is open, with everything below it.
    fn close(
        &mut self,
        stamp: Stamp,
        chain: ChainNo,
        certificate: &ConfirmedBlockCertificate,
    ) -> BlockLine {
        let block = certificate.block();
        let (height, now) = (block.height().0, stamp.time.as_micros());
        let open = reach(&mut self.open, chain.index());
        let at = open.iter().position(|open| open.line.height == height);
        let found = at.map(|at| open.swap_remove(at));
        let wanted = |open: &&Open| open.wanted_by.is_some();
        let below = open.iter().filter(|open| open.line.height < height);
        self.pending -= long(below.chain(&found).filter(wanted).count());
        open.retain(|open| open.line.height > height);
        if open.is_empty() {
            *open = Vec::new();
        }
        let proposed = block.proposed();
        let rejects = proposed
            .incoming_bundles()
            .filter(|i| i.action == MessageAction::Reject);
        let made = found.as_ref().and_then(|open| open.made(certificate));
        let first = found.as_ref().map(|open| open.line);
        BlockLine {
            chain,
            height,
            wallet: made.map_or_else(|| wallet_of(stamp), |made| made.wallet),
            round: certificate.round(),
            scheduled: made.map_or(NEVER, |made| made.scheduled),
            proposed: first.map_or(now, |line| line.proposed),
            confirmed: now,
            operations: number(proposed.operations().count()),
            incoming: number(proposed.incoming_bundles().count()),
            rejected: number(rejects.count()),
            outgoing: number(block.outcome().messages.iter().map(Vec::len).sum()),
            attempts: first.map_or(1, |line| line.attempts),
            hash: block.hash(),
        }
    }

    /// A chain is opened.
    pub(crate) fn opened(&mut self, chain: ChainNo, time: VirtualTime) {
        reach(&mut self.tallies, chain.index()).opened_us = time.as_micros();
    }
}

impl Open {
    /// A wallet proposes here.
    fn want(&mut self, wallet: u32) {
        match self.wanted_by {
            None => self.wanted_by = Some(wallet),
            Some(one) if one == wallet || self.and_by.contains(&wallet) => {}
            Some(_) => self.and_by.push(wallet),
        }
    }

    /// A wallet has given this height up.
    fn give_up(&mut self, wallet: u32) {
        if self.wanted_by == Some(wallet) {
            self.wanted_by = self.and_by.pop();
        } else {
            self.and_by.retain(|one| *one != wallet);
        }
    }

    /// The proposal that became the block.
    fn made(&self, certificate: &ConfirmedBlockCertificate) -> Option<Proposal> {
        match self.proposals.as_slice() {
            [only] => Some(*only),
            several => {
                let hash = CryptoHash::of(certificate.block().proposed());
                several.iter().find(|one| one.hash == hash).copied()
            }
        }
    }
}

fn wallet_of(stamp: Stamp) -> u32 {
    match stamp.party {
        Party::Wallet(wallet) => wallet,
        Party::Environment | Party::Proxy(_) | Party::Worker(..) => u32::MAX,
    }
}
