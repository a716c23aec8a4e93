//! The shape of items as bytes: BCS, one enum. The engine's types have no encoding of their own.
//!
//! Variants are append-only: their numbers are in files.

use engine::{ActorId, Checkpoint, Digest, NetworkFact, Ratio, Stamped, VirtualTime};
use protocol::{
    ids::{AccountOwner, Address, ChainId, ClientIndex},
    observe::Observation,
};
use serde::{Deserialize, Serialize};

use crate::{
    directory::{Directory, WalletEntry},
    event::Event,
    format::{End, Header, Item},
    sampling::Sampling,
};

/// An item to be written.
#[derive(Serialize)]
pub(crate) enum ItemRef<'a> {
    Header(HeaderWire),
    Addresses(&'a [Address]),
    Wallets(Vec<WalletWire>),
    Chains(Vec<(ClientIndex, Option<ChainId>)>),
    Record(u64, u32, u64, EventRef<'a>),
    Checkpoint(u64, [u8; 32], u64),
    End(EndWire),
}

/// The content of a record to be written.
#[derive(Serialize)]
pub(crate) enum EventRef<'a> {
    Protocol(&'a Observation),
    Network(FactWire),
    Fault(u32),
}

/// An item that was read.
#[derive(Deserialize)]
pub(crate) enum ItemWire {
    Header(HeaderWire),
    Addresses(Vec<Address>),
    Wallets(Vec<WalletWire>),
    Chains(Vec<(ClientIndex, Option<ChainId>)>),
    Record(u64, u32, u64, EventWire),
    Checkpoint(u64, [u8; 32], u64),
    End(EndWire),
}

/// The content of a record that was read.
#[derive(Deserialize)]
pub(crate) enum EventWire {
    Protocol(Box<Observation>),
    Network(FactWire),
    Fault(u32),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct HeaderWire {
    scenario: String,
    seed: u64,
    plan: [u8; 32],
    /// The share that is kept; `None`: all.
    share: Option<(u64, u64)>,
    validators: Vec<String>,
    pub(crate) addresses: u64,
    pub(crate) wallets: u64,
    pub(crate) chains: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct WalletWire {
    chain_name: String,
    owner_name: String,
    group: String,
    owner: AccountOwner,
    chain: Option<ChainId>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct EndWire {
    outcome: String,
    ended_at: u64,
    root: [u8; 32],
    events: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum FactWire {
    Lost { to: u32, number: u64 },
    LostByRule { to: u32, number: u64, rule: u64 },
    Partitioned { to: u32, number: u64, rule: u64 },
    Duplicated { to: u32, number: u64 },
    ToDownNode { from: u32, number: u64 },
    Crashed { backlog: u64, outputs: u64 },
    Restarted,
    Panicked,
}

fn long(value: usize) -> u64 {
    u64::try_from(value).expect("sizes fit 64 bits")
}

impl HeaderWire {
    pub(crate) fn of(header: &Header) -> Self {
        let directory = &header.directory;
        Self {
            scenario: header.scenario.clone(),
            seed: header.seed,
            plan: header.plan.0,
            share: match header.sampling {
                Sampling::Full => None,
                Sampling::Share(share) => Some((share.num(), share.den())),
            },
            validators: directory.validators.clone(),
            addresses: long(directory.addresses.len()),
            wallets: long(directory.wallets.len()),
            chains: long(directory.chains.len()),
        }
    }

    /// The header, as yet without addresses, wallets and chains; `None` if it makes no sense.
    pub(crate) fn read(self) -> Option<Header> {
        let sampling = match self.share {
            None => Sampling::Full,
            Some((num, den)) => Sampling::Share(Ratio::new(num, den)?),
        };
        let directory = Directory {
            validators: self.validators,
            ..Directory::default()
        };
        let plan = Digest(self.plan);
        Some(Header {
            scenario: self.scenario,
            seed: self.seed,
            plan,
            sampling,
            directory,
        })
    }
}

impl WalletWire {
    pub(crate) fn of(entry: &WalletEntry) -> Self {
        let WalletEntry {
            chain_name,
            owner_name,
            group,
            owner,
            chain,
        } = entry.clone();
        Self {
            chain_name,
            owner_name,
            group,
            owner,
            chain,
        }
    }

    pub(crate) fn read(self) -> WalletEntry {
        let Self {
            chain_name,
            owner_name,
            group,
            owner,
            chain,
        } = self;
        WalletEntry {
            chain_name,
            owner_name,
            group,
            owner,
            chain,
        }
    }
}

/// The chains of a directory by wallet; the id is left out where it is that of the wallet.
pub(crate) fn chains_of(directory: &Directory) -> Vec<(ClientIndex, Option<ChainId>)> {
    let entry = |(chain, wallet): (&ChainId, &ClientIndex)| {
        let own = own_chain(directory, *wallet);
        (*wallet, (own != Some(*chain)).then_some(*chain))
    };
    directory.chains.iter().map(entry).collect()
}

/// The chain that an entry of [`chains_of`] is about, if there is such a wallet.
pub(crate) fn chain_of(
    directory: &Directory,
    (wallet, chain): (ClientIndex, Option<ChainId>),
) -> Option<ChainId> {
    chain.or_else(|| own_chain(directory, wallet))
}

fn own_chain(directory: &Directory, wallet: ClientIndex) -> Option<ChainId> {
    let index = usize::try_from(wallet.0).ok()?;
    directory.wallets.get(index)?.chain
}

impl<'a> ItemRef<'a> {
    pub(crate) fn record(stamped: &'a Stamped<Event>) -> Self {
        let content = match &stamped.record {
            Event::Protocol(observation) => EventRef::Protocol(observation),
            Event::Network(fact) => EventRef::Network(FactWire::of(fact)),
            Event::Fault(index) => EventRef::Fault(*index),
        };
        Self::Record(stamped.time.0, stamped.actor.0, stamped.index, content)
    }

    pub(crate) fn checkpoint(checkpoint: &Checkpoint) -> Self {
        Self::Checkpoint(checkpoint.time.0, checkpoint.root.0, checkpoint.events)
    }

    pub(crate) fn end(end: &End) -> Self {
        Self::End(EndWire {
            outcome: end.outcome.clone(),
            ended_at: end.ended_at.0,
            root: end.root.0,
            events: end.events,
        })
    }
}

impl ItemWire {
    /// The item, if it is one of those after the header.
    pub(crate) fn read(self) -> Option<Item> {
        match self {
            Self::Header(_) | Self::Addresses(_) | Self::Wallets(_) | Self::Chains(_) => None,
            Self::Record(time, actor, index, content) => {
                let record = match content {
                    EventWire::Protocol(observation) => Event::Protocol(observation),
                    EventWire::Network(fact) => Event::Network(fact.read()?),
                    EventWire::Fault(index) => Event::Fault(index),
                };
                let (time, actor) = (VirtualTime(time), ActorId(actor));
                Some(Item::Record(Box::new(Stamped {
                    time,
                    actor,
                    index,
                    record,
                })))
            }
            Self::Checkpoint(time, root, events) => Some(Item::Checkpoint(Checkpoint {
                time: VirtualTime(time),
                root: Digest(root),
                events,
            })),
            Self::End(end) => Some(Item::End(End {
                outcome: end.outcome,
                ended_at: VirtualTime(end.ended_at),
                root: Digest(end.root),
                events: end.events,
            })),
        }
    }
}

impl FactWire {
    fn of(fact: &NetworkFact) -> Self {
        match *fact {
            NetworkFact::Lost { to, number } => Self::Lost { to: to.0, number },
            NetworkFact::LostByRule { to, number, rule } => Self::LostByRule {
                to: to.0,
                number,
                rule: long(rule),
            },
            NetworkFact::Partitioned { to, number, rule } => Self::Partitioned {
                to: to.0,
                number,
                rule: long(rule),
            },
            NetworkFact::Duplicated { to, number } => Self::Duplicated { to: to.0, number },
            NetworkFact::ToDownNode { from, number } => Self::ToDownNode {
                from: from.0,
                number,
            },
            NetworkFact::Crashed { backlog, outputs } => Self::Crashed { backlog, outputs },
            NetworkFact::Restarted => Self::Restarted,
            NetworkFact::Panicked => Self::Panicked,
        }
    }

    /// The fact; `None` if a number does not fit this platform.
    fn read(self) -> Option<NetworkFact> {
        let short = |rule: u64| usize::try_from(rule).ok();
        Some(match self {
            Self::Lost { to, number } => NetworkFact::Lost {
                to: ActorId(to),
                number,
            },
            Self::LostByRule { to, number, rule } => NetworkFact::LostByRule {
                to: ActorId(to),
                number,
                rule: short(rule)?,
            },
            Self::Partitioned { to, number, rule } => NetworkFact::Partitioned {
                to: ActorId(to),
                number,
                rule: short(rule)?,
            },
            Self::Duplicated { to, number } => NetworkFact::Duplicated {
                to: ActorId(to),
                number,
            },
            Self::ToDownNode { from, number } => NetworkFact::ToDownNode {
                from: ActorId(from),
                number,
            },
            Self::Crashed { backlog, outputs } => NetworkFact::Crashed { backlog, outputs },
            Self::Restarted => NetworkFact::Restarted,
            Self::Panicked => NetworkFact::Panicked,
        })
    }
}
