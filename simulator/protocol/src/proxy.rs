//! The public face of a validator: hands requests to the shard that owns the chain, hands answers
//! back, and fans notifications out. Keeps no chain; a crash takes its subscriptions.

use std::collections::BTreeMap;

use crate::{
    database::ShardMap,
    ids::{Address, ChainId, ClientIndex, ValidatorIndex},
    machine::Outputs,
    rpc::{Packet, Reason, Request},
    signature::PublicKey,
};

/// One wallet's interest in a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Subscription {
    client: ClientIndex,
    blocks: bool,
}

/// A validator's proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    validator: ValidatorIndex,
    key: PublicKey,
    map: ShardMap,
    /// It takes no more requests: the validator is about to stop.
    draining: bool,
    subscriptions: BTreeMap<ChainId, Vec<Subscription>>,
}

impl Proxy {
    /// The proxy of a validator whose chains are placed by `map`.
    pub const fn new(validator: ValidatorIndex, key: PublicKey, map: ShardMap) -> Self {
        Self {
            validator,
            key,
            map,
            draining: false,
            subscriptions: BTreeMap::new(),
        }
    }

    /// Its validator.
    pub const fn validator(&self) -> ValidatorIndex {
        self.validator
    }

    /// Handles a packet that `from` sent. What is addressed to nobody here is dropped.
    pub fn handle(&mut self, from: Address, packet: Packet, out: &mut Outputs) {
        match packet {
            Packet::Request {
                chain,
                request: Request::Subscribe { blocks },
                ..
            } => {
                if let Address::Client(client) = from {
                    self.subscribe(chain, Subscription { client, blocks });
                }
            }
            Packet::Request { id, chain, request } => {
                if let (Address::Client(client), false) = (from, self.draining) {
                    let shard = self.map.shard_of(&self.key, &chain);
                    let packet = Packet::Forward {
                        client,
                        id,
                        chain,
                        request,
                    };
                    out.send(Address::Worker(self.validator, shard), packet);
                }
            }
            Packet::ForwardReply { client, id, reply } => {
                out.send(Address::Client(client), Packet::Reply { id, reply });
            }
            Packet::Notification(notification) => {
                let wanted = |subscription: &&Subscription| match notification.reason {
                    Reason::NewIncomingBundle { .. } => true,
                    Reason::NewBlock { .. } | Reason::NewRound { .. } => subscription.blocks,
                };
                let subscribers = self.subscriptions.get(&notification.chain_id);
                for subscription in subscribers.into_iter().flatten().filter(wanted) {
                    let packet = Packet::Notification(notification.clone());
                    out.send(Address::Client(subscription.client), packet);
                }
            }
            Packet::Sharding(_)
            | Packet::Reply { .. }
            | Packet::Forward { .. }
            | Packet::CrossChain(_)
            | Packet::Command(_)
            | Packet::CommandDone(_)
            | Packet::ChainOpened(_)
            | Packet::ApplicationCreated(..)
            | Packet::Submit(_)
            | Packet::SubmissionDone(..) => {}
        }
    }

    fn subscribe(&mut self, chain: ChainId, subscription: Subscription) {
        let subscribers = self.subscriptions.entry(chain).or_default();
        subscribers.retain(|other| other.client != subscription.client);
        subscribers.push(subscription);
    }

    /// From now on chains are placed so.
    pub fn set_map(&mut self, map: ShardMap) {
        self.map = map;
    }

    /// Takes no more requests until it is started again.
    pub const fn drain(&mut self) {
        self.draining = true;
    }

    /// Throws away what a crash takes.
    pub fn crash(&mut self) {
        self.subscriptions.clear();
        self.draining = false;
    }
}
