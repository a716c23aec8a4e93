//! A network without time for tests of the machines: packets arrive in the order in which they were
//! sent, unless a test drops them; timers fire in order when nothing else is left to do.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use crate::{
    Amount, TimeDelta, Timestamp,
    blob::{Blob, BlobId},
    certificate::ConfirmedBlockCertificate,
    client::{Client, ClientConfig, ClientOptions, InboxPolicy},
    committee::{Committee, ValidatorState},
    database::{Placement, ShardMap},
    description::{ChainDescription, ChainOrigin, InitialChainConfig},
    genesis::Genesis,
    hash::CryptoHash,
    ids::{
        Account, AccountOwner, Address, ChainId, ClientIndex, Epoch, ShardIndex, ValidatorIndex,
    },
    machine::{Output, Outputs},
    observe::Observation,
    ownership::ChainOwnership,
    proxy::Proxy,
    rpc::{Action, Command, Packet, Trigger},
    sabotage::Sabotage,
    signature::{SignatureScheme, SigningKey},
    store::ContentStore,
    worker::{DeliveryOptions, Worker, WorkerConfig},
};

#[derive(Default)]
pub(crate) struct PlainStore(
    Mutex<BTreeMap<CryptoHash, Arc<ConfirmedBlockCertificate>>>,
    Mutex<BTreeMap<BlobId, Arc<Blob>>>,
);

impl ContentStore for PlainStore {
    fn put_certificate(&self, certificate: &Arc<ConfirmedBlockCertificate>) {
        let mut map = self.0.lock().expect("no test panics while it holds this");
        map.insert(certificate.hash(), certificate.clone());
    }

    fn certificate(&self, hash: &CryptoHash) -> Option<Arc<ConfirmedBlockCertificate>> {
        self.0
            .lock()
            .expect("no test panics while it holds this")
            .get(hash)
            .cloned()
    }

    fn put_blob(&self, blob: &Arc<Blob>) {
        let mut map = self.1.lock().expect("no test panics while it holds this");
        map.insert(blob.id(), blob.clone());
    }

    fn blob(&self, id: &BlobId) -> Option<Arc<Blob>> {
        let map = self.1.lock().expect("no test panics while it holds this");
        map.get(id).cloned()
    }
}

pub(crate) fn key(kind: u8, index: u32) -> SigningKey {
    let mut seed = [kind; 32];
    seed[..4].copy_from_slice(&index.to_le_bytes());
    SigningKey::from_seed(SignatureScheme::Modeled, &seed)
}

pub(crate) struct Net {
    pub(crate) now: Timestamp,
    pub(crate) genesis: Arc<Genesis>,
    pub(crate) store: PlainStore,
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) workers: Vec<Vec<Worker>>,
    pub(crate) clients: Vec<Client>,
    pub(crate) chains: Vec<ChainId>,
    pub(crate) facts: Vec<(Address, Observation)>,
    /// Packets to these are lost.
    pub(crate) unreachable: Vec<Address>,
    queue: VecDeque<(Address, Address, Packet)>,
    timers: BTreeMap<(Timestamp, u64), (Address, u64)>,
    timer_count: u64,
    commands: u64,
}

pub(crate) const SHARDS: u32 = 2;
const MAP: ShardMap = ShardMap::first(SHARDS, Placement::Remainder);

fn workers(genesis: &Arc<Genesis>) -> Vec<Vec<Worker>> {
    let worker = |validator: u32, shard: u32| {
        Worker::new(WorkerConfig {
            web: Arc::default(),
            genesis: genesis.clone(),
            validator: ValidatorIndex(validator),
            shard: ShardIndex(shard),
            map: MAP,
            key: key(1, validator),
            block_time_grace_period: WorkerConfig::BLOCK_TIME_GRACE_PERIOD,
            delivery: DeliveryOptions::default(),
            sabotage: Sabotage::None,
        })
    };
    (0..)
        .take(genesis.keys().len())
        .map(|v| (0..SHARDS).map(|s| worker(v, s)).collect())
        .collect()
}

fn client_config(genesis: Arc<Genesis>, index: u32, chain: Option<ChainId>) -> ClientConfig {
    ClientConfig {
        web: Arc::default(),
        genesis,
        index: ClientIndex(index),
        key: key(2, index),
        chain,
        awaited: ChainId::placeholder(0),
        placeholders: Arc::default(),
        applications: Arc::default(),
        allow_fast_blocks: true,
        inbox_policy: InboxPolicy::Manual,
        options: ClientOptions::default(),
    }
}

impl Net {
    /// Four validators of two shards, and one wallet for each of these balances.
    pub(crate) fn new(balances: &[u64], ownership: fn(AccountOwner) -> ChainOwnership) -> Self {
        let validator_keys: Vec<_> = (0..4).map(|index| key(1, index)).collect();
        let members = (0..).map(ValidatorIndex).zip(&validator_keys);
        let committee = Committee::new(
            members
                .map(|(index, key)| (key.public(), ValidatorState { index, votes: 1 }))
                .collect(),
        );
        let described = |(index, tokens): (u32, &u64)| ChainDescription {
            origin: ChainOrigin::Root(index + 1),
            timestamp: Timestamp::default(),
            config: InitialChainConfig {
                ownership: Arc::new(ownership(key(2, index).public().owner())),
                epoch: Epoch(0),
                balance: Amount::from_tokens(*tokens),
                permissions: None,
            },
        };
        let descriptions: Vec<_> = (0..).zip(balances).map(described).collect();
        let chains: Vec<_> = descriptions.iter().map(ChainDescription::id).collect();
        let genesis = Arc::new(Genesis::new(committee, descriptions));
        let proxy = |index: u32| Proxy::new(ValidatorIndex(index), key(1, index).public(), MAP);
        let client = |(index, chain): (u32, &ChainId)| {
            let config = client_config(genesis.clone(), index, Some(*chain));
            Client::new(config, Timestamp::default())
        };
        let mut net = Self {
            now: Timestamp::default(),
            store: PlainStore::default(),
            proxies: (0..4).map(proxy).collect(),
            workers: workers(&genesis),
            clients: (0..).zip(&chains).map(client).collect(),
            chains,
            facts: Vec::new(),
            unreachable: Vec::new(),
            queue: VecDeque::new(),
            timers: BTreeMap::new(),
            timer_count: 0,
            commands: 0,
            genesis: genesis.clone(),
        };
        net.start_clients();
        net
    }

    /// One chain with 100 tokens and a wallet for each of its owners.
    pub(crate) fn shared(owners: u32, ownership: fn(&[AccountOwner]) -> ChainOwnership) -> Self {
        let mut net = Self::new(&[], ChainOwnership::single);
        let owners: Vec<_> = (0..owners)
            .map(|index| key(2, index).public().owner())
            .collect();
        let description = ChainDescription {
            origin: ChainOrigin::Root(1),
            timestamp: Timestamp::default(),
            config: InitialChainConfig {
                ownership: Arc::new(ownership(&owners)),
                epoch: Epoch(0),
                balance: Amount::from_tokens(100),
                permissions: None,
            },
        };
        let chain = description.id();
        let committee = (**net.genesis.committee()).clone();
        net.genesis = Arc::new(Genesis::new(committee, vec![description]));
        net.workers = workers(&net.genesis);
        for index in (0..).take(owners.len()) {
            let config = client_config(net.genesis.clone(), index, Some(chain));
            net.clients.push(Client::new(config, net.now));
            net.chains.push(chain);
        }
        net.start_clients();
        net
    }

    /// The validators.
    pub(crate) fn committee(&self) -> Arc<Committee> {
        self.genesis.committee().clone()
    }

    /// So many validators, of which the first four are the first committee, the admin chain with its
    /// wallet 0, and a wallet of this policy for each of these balances.
    pub(crate) fn with_admin(validators: u32, balances: &[u64], policy: InboxPolicy) -> Self {
        let mut net = Self::new(&[], ChainOwnership::single);
        let described = |(index, tokens): (u32, u64)| ChainDescription {
            origin: ChainOrigin::Root(index),
            timestamp: Timestamp::default(),
            config: InitialChainConfig {
                ownership: Arc::new(ChainOwnership::single(key(2, index).public().owner())),
                epoch: Epoch(0),
                balance: Amount::from_tokens(tokens),
                permissions: None,
            },
        };
        let balances = [0].into_iter().chain(balances.iter().copied());
        let descriptions: Vec<_> = (0..).zip(balances).map(described).collect();
        net.chains = descriptions.iter().map(ChainDescription::id).collect();
        let keys = (0..validators).map(|index| (ValidatorIndex(index), key(1, index).public()));
        let committee = (**net.genesis.committee()).clone();
        let genesis = Genesis::new(committee, descriptions).with_candidates(keys.collect());
        net.genesis = Arc::new(genesis);
        net.workers = workers(&net.genesis);
        let proxy = |index| Proxy::new(ValidatorIndex(index), key(1, index).public(), MAP);
        net.proxies = (0..validators).map(proxy).collect();
        for (index, chain) in (0..).zip(net.chains.clone()) {
            let mut config = client_config(net.genesis.clone(), index, Some(chain));
            config.inbox_policy = policy;
            net.clients.push(Client::new(config, net.now));
        }
        net.start_clients();
        net
    }

    /// The committee of these validators, of weight 1 each.
    pub(crate) fn committee_of(members: &[u32]) -> Arc<Committee> {
        let member = |index: &u32| {
            let index = ValidatorIndex(*index);
            (key(1, index.0).public(), ValidatorState { index, votes: 1 })
        };
        Arc::new(Committee::new(members.iter().map(member).collect()))
    }

    /// The admin chain begins an epoch with these members.
    pub(crate) fn new_committee(&mut self, members: &[u32]) {
        let action = Action::NewCommittee(Self::committee_of(members));
        self.command(0, Trigger::Now, action);
        self.run();
    }

    /// The epoch of a wallet's chain, as the wallet sees it.
    pub(crate) fn epoch(&self, client: usize) -> u32 {
        let chain = self.clients[client].chain();
        chain.expect("open from the beginning").execution.epoch.0
    }

    /// One more wallet, without a chain.
    pub(crate) fn add_client(&mut self) {
        let index = u32::try_from(self.clients.len()).expect("a handful");
        let config = client_config(self.genesis.clone(), index, None);
        self.clients.push(Client::new(config, self.now));
    }

    fn start_clients(&mut self) {
        for index in 0..self.clients.len() {
            let mut out = Outputs::default();
            self.clients[index].start(self.now, &self.store, &mut out);
            self.perform(Address::Client(self.clients[index].index()), out);
        }
        self.run();
    }

    pub(crate) fn command(&mut self, client: usize, trigger: Trigger, action: Action) {
        self.commands += 1;
        let command = Command {
            number: self.commands,
            trigger,
            action,
            scheduled_us: None,
            then: None,
        };
        let to = Address::Client(self.clients[client].index());
        self.queue
            .push_back((to, to, Packet::Command(Arc::new(command))));
    }

    pub(crate) fn transfer(&mut self, from: usize, to: usize, tokens: u64) {
        let action = Action::Transfer {
            owner: AccountOwner::CHAIN,
            recipient: Account::chain(self.chains[to]),
            amount: Amount::from_tokens(tokens),
        };
        self.command(from, Trigger::Now, action);
        self.run();
    }

    pub(crate) fn process_inbox(&mut self, client: usize) {
        self.command(client, Trigger::Now, Action::ProcessInbox);
        self.run();
    }

    /// Runs until no packet is left, without letting time pass.
    pub(crate) fn run(&mut self) {
        for _ in 0..1_000_000 {
            let Some((from, to, packet)) = self.queue.pop_front() else {
                return;
            };
            if !self.unreachable.contains(&to) {
                self.deliver(from, to, packet);
            }
        }
        panic!("the network never comes to rest");
    }

    /// Lets time pass: fires all timers due by then, in order.
    pub(crate) fn pass(&mut self, span: TimeDelta) {
        let until = self.now.saturating_add(span);
        while let Some(((at, _), (node, token))) = self.timers.first_key_value() {
            if *at > until {
                break;
            }
            let (at, node, token) = (*at, *node, *token);
            self.timers.pop_first();
            self.now = at;
            let mut out = Outputs::default();
            let store = &self.store;
            match node {
                Address::Client(index) => {
                    self.clients[index.0 as usize].on_timer(at, token, store, &mut out);
                }
                Address::Worker(validator, shard) => {
                    let worker = &mut self.workers[validator.0 as usize][shard.0 as usize];
                    worker.on_timer(at, token, store, &mut out);
                }
                Address::Proxy(_) => {}
            }
            self.perform(node, out);
            self.run();
        }
        self.now = until;
    }

    /// Delivers so many packets and no more.
    pub(crate) fn step(&mut self, packets: usize) {
        for _ in 0..packets {
            let Some((from, to, packet)) = self.queue.pop_front() else {
                return;
            };
            self.deliver(from, to, packet);
        }
    }

    /// Hands a packet over that nobody here has sent.
    pub(crate) fn inject(&mut self, from: Address, to: Address, packet: Packet) {
        self.queue.push_back((from, to, packet));
        self.run();
    }

    /// Crashes and restarts a wallet; packets on their way to it are lost.
    pub(crate) fn restart_client(&mut self, client: usize) {
        let address = Address::Client(self.clients[client].index());
        self.queue.retain(|(_, to, _)| *to != address);
        self.timers.retain(|_, (node, _)| *node != address);
        self.clients[client].crash();
        let mut out = Outputs::default();
        self.clients[client].start(self.now, &self.store, &mut out);
        self.perform(address, out);
        self.run();
    }

    fn deliver(&mut self, from: Address, to: Address, packet: Packet) {
        let mut out = Outputs::default();
        let (now, store) = (self.now, &self.store);
        match to {
            Address::Client(index) => {
                self.clients[index.0 as usize].handle(now, from, packet, store, &mut out);
            }
            Address::Proxy(index) => {
                self.proxies[index.0 as usize].handle(from, packet, &mut out);
            }
            Address::Worker(validator, shard) => {
                let worker = &mut self.workers[validator.0 as usize][shard.0 as usize];
                worker.handle(now, packet, store, &mut out);
            }
        }
        self.perform(to, out);
    }

    fn perform(&mut self, node: Address, out: Outputs) {
        for output in out.list {
            match output {
                Output::Persist(_) => {}
                Output::Send(to, packet) => self.queue.push_back((node, to, packet)),
                Output::Timer(delay, token) => {
                    self.timer_count += 1;
                    let key = (self.now.saturating_add(delay), self.timer_count);
                    self.timers.insert(key, (node, token));
                }
                Output::Observe(observation) => self.facts.push((node, *observation)),
            }
        }
    }

    /// What a wallet's chain holds, in whole tokens.
    pub(crate) fn tokens(&self, client: usize) -> u128 {
        let chain = self.clients[client]
            .chain()
            .expect("open from the beginning");
        chain.execution.balance.attos() / Amount::ATTOS_PER_TOKEN
    }

    /// The height that each validator expects next of a chain.
    pub(crate) fn heights(&self, client: usize) -> Vec<u64> {
        let chain = &self.chains[client];
        let of = |workers: &Vec<Worker>| {
            let state = workers.iter().find_map(|worker| worker.chains().get(chain));
            state.map_or(0, |state| state.next_height().0)
        };
        self.workers.iter().map(of).collect()
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Observation) -> bool) -> usize {
        self.facts.iter().filter(|(_, fact)| wanted(fact)).count()
    }
}
