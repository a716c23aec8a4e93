//! Who is who: actors, wallets and chains by name. Knows nothing of what happens.

use std::collections::BTreeMap;

use engine::ActorId;
use protocol::ids::{AccountOwner, Address, ChainId, ClientIndex};

/// One wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletEntry {
    /// Name of the chain that it drives, such as `A` or `user/17`.
    pub chain_name: String,
    /// Name of the owner that it acts for.
    pub owner_name: String,
    /// Name of the group that the chain was declared in.
    pub group: String,
    /// The owner's account.
    pub owner: AccountOwner,
    /// The chain's id, if it exists from the beginning.
    pub chain: Option<ChainId>,
}

/// The parties of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// The party of each actor, from actor 1 on.
    pub addresses: Vec<Address>,
    /// Names of the validators, by index.
    pub validators: Vec<String>,
    /// The wallets, by index.
    pub wallets: Vec<WalletEntry>,
    /// The wallet of each chain that exists from the beginning.
    pub chains: BTreeMap<ChainId, ClientIndex>,
}

impl Directory {
    /// The party of an actor; `None` for the environment.
    pub fn address(&self, actor: ActorId) -> Option<Address> {
        let index = usize::try_from(actor.0).ok()?.checked_sub(1)?;
        self.addresses.get(index).copied()
    }

    /// The name of an actor, such as `v1`, `v1/w2` or `user/17`.
    pub fn name(&self, actor: ActorId) -> String {
        let validator = |index: u32| {
            let index = usize::try_from(index).expect("an index fits memory");
            self.validators.get(index).map_or("?", String::as_str)
        };
        match self.address(actor) {
            Some(Address::Proxy(index)) => validator(index.0).to_owned(),
            Some(Address::Worker(index, shard)) => {
                format!("{}/w{}", validator(index.0), shard.0 + 1)
            }
            Some(Address::Client(index)) => {
                let index = usize::try_from(index.0).expect("an index fits memory");
                self.wallets
                    .get(index)
                    .map_or("?", |wallet| wallet.chain_name.as_str())
                    .to_owned()
            }
            None => "environment".to_owned(),
        }
    }
}
