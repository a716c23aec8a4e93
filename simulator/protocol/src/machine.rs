//! How a machine speaks: an ordered list of outputs. Nothing is performed here.
//!
//! `Persist` precedes the sends that it protects: whoever performs the outputs may stop between any
//! two of them, and what was sent is then in the durable state.

use crate::{
    ids::{Address, ChainId},
    observe::{Observation, Shape},
    rpc::Packet,
    time::TimeDelta,
};

/// Cryptographic work done for an input; it costs virtual time whatever the signature scheme.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Work {
    /// Signatures made.
    pub signatures: u32,
    /// Signatures verified.
    pub verifications: u32,
    /// States of chains loaded that another worker had held.
    pub loads: u32,
}

/// What a machine wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Save the chain's state; the outputs behind it rely on that.
    Persist(ChainId),
    /// Send a packet.
    Send(Address, Packet),
    /// Wake the machine with `token` after a delay.
    Timer(TimeDelta, u64),
    /// Tell whoever watches.
    Observe(Box<Observation>),
}

/// Outputs of one input, in order.
#[derive(Debug, Default)]
pub struct Outputs {
    /// What is wanted, in order.
    pub list: Vec<Output>,
    /// Work done.
    pub work: Work,
}

impl Outputs {
    /// Wants `chain` saved.
    pub fn persist(&mut self, chain: ChainId) {
        self.list.push(Output::Persist(chain));
    }

    /// Wants `packet` sent.
    pub fn send(&mut self, to: Address, packet: Packet) {
        self.list.push(Output::Send(to, packet));
    }

    /// Wants to be woken.
    pub fn timer(&mut self, delay: TimeDelta, token: u64) {
        self.list.push(Output::Timer(delay, token));
    }

    /// Tells a fact.
    pub fn observe(&mut self, observation: Observation) {
        self.list.push(Output::Observe(Box::new(observation)));
    }

    /// Tells if something is saved too late.
    pub(crate) fn tell_order(&mut self) {
        let sent = self.saved_too_late().map(|chain| {
            let detail = "something was sent before the chain was saved";
            (chain, Shape::Durable, detail)
        });
        let notified = self.notified_too_soon().map(|chain| {
            let detail = "somebody was notified before the chain was saved";
            (chain, Shape::Notified, detail)
        });
        for (chain, shape, detail) in sent.into_iter().chain(notified) {
            self.observe(Observation::ShapeBroken {
                chain,
                shape,
                detail: detail.to_owned(),
            });
        }
    }

    /// Adds the outputs of one more input, which was handled by itself.
    pub fn append(&mut self, mut more: Self) {
        self.list.append(&mut more.list);
        self.work.signatures += more.work.signatures;
        self.work.verifications += more.work.verifications;
        self.work.loads += more.work.loads;
    }

    /// A chain that is saved only after something was sent that may tell of it (I-16): whoever stops
    /// in between has told of what it then forgets. Notifications say nothing that binds.
    pub fn saved_too_late(&self) -> Option<ChainId> {
        let tells = |output: &Output| match output {
            Output::Send(_, packet) => !matches!(packet, Packet::Notification(_)),
            Output::Persist(_) | Output::Timer(..) | Output::Observe(_) => false,
        };
        let first = self.list.iter().position(tells)?;
        self.list[first..].iter().find_map(|output| match output {
            Output::Persist(chain) => Some(*chain),
            Output::Send(..) | Output::Timer(..) | Output::Observe(_) => None,
        })
    }

    /// A chain of which somebody was notified before it was saved (I-39): who comes to look may find
    /// less than was told.
    pub fn notified_too_soon(&self) -> Option<ChainId> {
        let saves = |list: &[Output], chain: ChainId| {
            let mut list = list.iter();
            list.any(|output| matches!(output, Output::Persist(saved) if *saved == chain))
        };
        self.list.iter().enumerate().find_map(|(at, output)| {
            let Output::Send(_, Packet::Notification(notification)) = output else {
                return None;
            };
            let chain = notification.chain_id;
            let (before, after) = self.list.split_at(at);
            (saves(after, chain) && !saves(before, chain)).then_some(chain)
        })
    }

    /// Puts notifications before everything else.
    pub(crate) fn notify_first(&mut self) {
        let list = std::mem::take(&mut self.list);
        let (first, rest): (Vec<_>, Vec<_>) = list
            .into_iter()
            .partition(|output| matches!(output, Output::Send(_, Packet::Notification(_))));
        self.list = first;
        self.list.extend(rest);
    }

    /// Puts everything that is to be saved behind everything else.
    pub(crate) fn save_last(&mut self) {
        let list = std::mem::take(&mut self.list);
        let (late, early): (Vec<_>, Vec<_>) = list
            .into_iter()
            .partition(|output| matches!(output, Output::Persist(_)));
        self.list = early;
        self.list.extend(late);
    }

    /// Counts signatures made.
    pub const fn signed(&mut self, count: u32) {
        self.work.signatures += count;
    }

    /// Counts signatures verified.
    pub fn verified(&mut self, count: usize) {
        self.work.verifications += u32::try_from(count).expect("certificates are small");
    }
}
