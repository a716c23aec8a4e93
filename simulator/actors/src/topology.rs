//! Which actor is which party: validators' proxies and workers first, then wallets.

use engine::ActorId;
use protocol::ids::{Address, ClientIndex, ShardIndex, ValidatorIndex};

/// The numbering of actors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// For each validator: actor of its proxy; its workers follow.
    proxies: Vec<u32>,
    /// Actor of the first wallet.
    first_client: u32,
    clients: u32,
}

impl Topology {
    /// The numbering for validators with these numbers of workers, and so many wallets.
    pub fn new(workers: &[u32], clients: u32) -> Self {
        let mut next = 1;
        let proxies = workers
            .iter()
            .map(|count| {
                let proxy = next;
                next += 1 + count;
                proxy
            })
            .collect();
        Self {
            proxies,
            first_client: next,
            clients,
        }
    }

    /// The actor of a party.
    pub fn actor(&self, address: Address) -> ActorId {
        let proxy = |validator: ValidatorIndex| {
            self.proxies[usize::try_from(validator.0).expect("an index fits memory")]
        };
        ActorId(match address {
            Address::Proxy(validator) => proxy(validator),
            Address::Worker(validator, shard) => proxy(validator) + 1 + shard.0,
            Address::Client(client) => self.first_client + client.0,
        })
    }

    /// The party of an actor; `None` for the environment.
    pub fn address(&self, actor: ActorId) -> Option<Address> {
        let number = actor.0.checked_sub(1)? + 1;
        if number >= self.first_client {
            return Some(Address::Client(ClientIndex(number - self.first_client)));
        }
        let validator = self.proxies.partition_point(|proxy| *proxy <= number) - 1;
        let index = ValidatorIndex(u32::try_from(validator).expect("few validators"));
        Some(match number - self.proxies[validator] {
            0 => Address::Proxy(index),
            worker => Address::Worker(index, ShardIndex(worker - 1)),
        })
    }

    /// All parties, in the order of their actors.
    pub fn addresses(&self) -> Vec<Address> {
        let actors = self.first_client + self.clients;
        (1..actors)
            .filter_map(|number| self.address(ActorId(number)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbering_goes_both_ways() {
        let topology = Topology::new(&[2, 3], 4);
        let addresses = topology.addresses();
        assert_eq!(addresses.len(), 3 + 4 + 4);
        for (number, address) in (1..).zip(addresses) {
            assert_eq!(topology.actor(address), ActorId(number));
            assert_eq!(topology.address(ActorId(number)), Some(address));
        }
        assert_eq!(topology.address(ActorId::ENVIRONMENT), None);
    }
}
