//! From a plan to a world: keys, genesis, nodes, links, script and faults.
//!
//! Everything here is a function of the plan; nothing depends on how the world is run.

mod applications;
mod audience;
mod bundles;
mod elastic;
mod faults;
mod genesis;
mod script;
mod web;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use engine::{
    ClockSkew, Distribution, GroupId, Link, Network, QuantileTable, Ratio, Resident, RunConfig,
    Seed, SiteId, Starting, VirtualDuration, World,
};
use protocol::{
    Timestamp,
    call::Module,
    client::{Client, ClientConfig, ClientOptions, InboxPolicy},
    genesis::Genesis,
    ids::{Account, AccountOwner, ChainId, ClientIndex, Epoch, ShardIndex, ValidatorIndex},
    machine::Outputs,
    ownership::ChainOwnership,
    proxy::Proxy,
    rpc::Action,
    sabotage::Sabotage,
    signature::{PublicKey, SignatureScheme, SigningKey},
    worker::{Worker, WorkerConfig},
};
use scenario::{Plan, plan};
use trace::{Directory, WalletEntry};

pub(crate) use applications::{Acting, blobs};
use genesis::{blob, committee, genesis, ownership, permissions};

use crate::{
    node::{LocalFault, Machine, ServiceTimes, Shared, SimNode},
    store::SharedStore,
    topology::Topology,
};

/// The virtual time of making a signature: a measured one of `ed25519`.
const SIGNING: VirtualDuration = VirtualDuration::from_micros(15);
/// The virtual time of verifying a signature: a measured one of `ed25519`.
const VERIFYING: VirtualDuration = VirtualDuration::from_micros(31);

/// What is not in the plan, because it does not change a result or is for tests only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Whether to compute everything everywhere and compare.
    pub paranoid: bool,
    /// A seeded bug.
    pub sabotage: Sabotage,
    /// The only validator that has it; `None`: all have.
    pub saboteur: Option<u32>,
}

/// A world, and who is who in it.
pub struct Built {
    /// The world.
    pub world: World<SimNode>,
    /// Who is who.
    pub directory: Directory,
    /// What everybody knows before the first block.
    pub genesis: Arc<Genesis>,
    /// For each rule of the network: the index of the fault that it belongs to.
    pub rule_faults: Vec<usize>,
}

/// Who owns what, by the plan's indices.
#[derive(Debug)]
pub(crate) struct Names {
    /// The wallet of each (chain, owner).
    wallets: BTreeMap<(plan::ChainIndex, plan::OwnerIndex), ClientIndex>,
    /// The id of each chain; those that are opened later have none.
    chains: Vec<Option<ChainId>>,
    owners: Vec<AccountOwner>,
    ownerships: Vec<Arc<ChainOwnership>>,
    /// The keys of the validators.
    validators: Vec<PublicKey>,
    /// The code of each application.
    modules: Vec<Arc<Module>>,
}

impl Names {
    /// The id of a chain, or what stands for it until it is opened.
    fn chain_id(&self, chain: plan::ChainIndex) -> ChainId {
        self.chains[chain.position()].unwrap_or_else(|| ChainId::placeholder(chain.get()))
    }

    /// What stands for the chains that are opened later.
    fn placeholders(&self) -> BTreeSet<ChainId> {
        let chains = (0..).zip(&self.chains);
        let later = chains.filter(|(_, id)| id.is_none());
        later.map(|(at, _)| ChainId::placeholder(at)).collect()
    }

    fn account_owner(&self, account: plan::Account, acting: plan::OwnerIndex) -> AccountOwner {
        match account {
            plan::Account::Chain => AccountOwner::CHAIN,
            plan::Account::Owner(owner) => self.owners[owner.position()],
            plan::Account::Own => self.owners[acting.position()],
        }
    }

    /// The wallet of a chain and owner.
    pub(crate) fn wallet(&self, who: (plan::ChainIndex, plan::OwnerIndex)) -> ClientIndex {
        self.wallets[&who]
    }

    /// A planned action with its choices made by `draw`.
    pub(crate) fn action(
        &self,
        plan: &Plan,
        acting: Acting,
        action: &plan::Action,
        draw: u64,
    ) -> Action {
        let who = (acting.chain, acting.owner);
        match action {
            plan::Action::Transfer {
                from,
                to,
                account,
                amount,
            } => Action::Transfer {
                owner: self.account_owner(*from, who.1),
                recipient: Account {
                    chain_id: self.chain_id(to.pick(who.0, acting.number, draw)),
                    owner: self.account_owner(*account, who.1),
                },
                amount: *amount,
            },
            plan::Action::Approve { spender, amount } => Action::Approve {
                owner: self.owners[who.1.position()],
                spender: self.owners[spender.position()],
                amount: *amount,
            },
            plan::Action::TransferFrom {
                owner,
                to,
                account,
                amount,
            } => Action::TransferFrom {
                owner: self.owners[owner.position()],
                recipient: Account {
                    chain_id: self.chain_id(to.pick(who.0, acting.number, draw)),
                    owner: self.account_owner(*account, who.1),
                },
                amount: *amount,
            },
            plan::Action::SendBundle(bundle) => self.bundle(acting, bundle, draw),
            plan::Action::Claim {
                owner,
                target,
                to,
                account,
                amount,
            } => Action::Claim {
                owner: self.owners[owner.position()],
                target_id: self.chain_id(*target),
                recipient: Account {
                    chain_id: self.chain_id(*to),
                    owner: self.account_owner(*account, who.1),
                },
                amount: *amount,
            },
            plan::Action::Submit {
                chain,
                to,
                account,
                amount,
            } => Action::Submit {
                chain_id: self.chain_id(*chain),
                recipient: Account {
                    chain_id: self.chain_id(to.pick(who.0, acting.number, draw)),
                    owner: self.account_owner(*account, who.1),
                },
                amount: *amount,
                producers: self.producers(plan, *chain),
            },
            plan::Action::OpenChain(chain) => {
                let opened = plan.chain(*chain);
                Action::OpenChain {
                    ownership: self.ownerships[chain.position()].clone(),
                    balance: opened.balance,
                    wallets: self.told_of(plan, *chain),
                    placeholder: ChainId::placeholder(chain.get()),
                    permissions: opened.permissions.as_ref().map(permissions),
                }
            }
            plan::Action::ProcessInbox => Action::ProcessInbox,
            plan::Action::TakeNewest => Action::TakeNewest,
            plan::Action::Airdrop { to, amount } => Action::Airdrop {
                recipients: to.iter().map(|chain| self.chain_id(chain)).collect(),
                amount: *amount,
            },
            plan::Action::ChangeOwnership(changed) => {
                Action::ChangeOwnership(Arc::new(ownership(changed, false, &self.owners)))
            }
            plan::Action::CloseChain => Action::CloseChain,
            plan::Action::NewCommittee(members, policy) => {
                let committee = committee(members, **policy, &self.validators);
                Action::NewCommittee(Arc::new(committee))
            }
            plan::Action::RevokeEpoch(epoch) => Action::RevokeEpoch(Epoch(*epoch)),
            plan::Action::PublishBlobs(blobs) => {
                Action::PublishBlobs(blobs.iter().map(blob).collect())
            }
            plan::Action::VerifyBlob(one) => Action::VerifyBlob(blob(one).id()),
            plan::Action::ChangePermissions {
                permissions: changed,
                close,
            } => Action::ChangePermissions {
                permissions: permissions(changed),
                close: *close,
            },
            plan::Action::Call(call) => self.call(plan, acting, call, draw),
        }
    }
}

/// Builds the world of a plan.
pub fn build(plan: &Arc<Plan>, options: BuildOptions) -> Built {
    let scheme = match plan.signatures {
        plan::Signatures::Ed25519 => SignatureScheme::Ed25519,
        plan::Signatures::Modeled => SignatureScheme::Modeled,
    };
    let key =
        |kind: &str, name: &str| SigningKey::from_seed(scheme, &secret(plan.seed, kind, name));
    let validator_keys: Vec<_> = plan
        .validators
        .iter()
        .map(|v| key("validator", &v.name))
        .collect();
    // Validators lead public chains, and take others over, with their own keys.
    let led = |chain: &plan::ChainPlan| chain.public || chain.fallback.is_some();
    let led = plan.chains.iter().any(led);
    let validator_key = |name: &str| {
        let position = plan.validators.iter().position(|one| one.name == name);
        position.map(|position| validator_keys[position].clone())
    };
    let owner_key = |position: usize| {
        let name = plan.key_name(plan::OwnerIndex::at(position));
        let validator = validator_key(name).filter(|_| led);
        validator.unwrap_or_else(|| key("owner", name))
    };
    let owner_keys: Vec<_> = (0..plan.owners.len()).map(owner_key).collect();
    let owners: Vec<_> = owner_keys.iter().map(|key| key.public().owner()).collect();
    let ownerships: Vec<_> = plan
        .chains
        .iter()
        .map(|chain| Arc::new(ownership(&chain.ownership(), chain.public, &owners)))
        .collect();
    let (genesis, chains) = genesis(plan, &validator_keys, &ownerships);
    let names = Names {
        wallets: wallets(plan),
        chains,
        owners,
        ownerships,
        validators: validator_keys.iter().map(SigningKey::public).collect(),
        modules: applications::modules(plan),
    };
    let names = Arc::new(names);
    let validators = (0..).take(plan.validators.len());
    let workers: Vec<_> = validators
        .map(|index| plan.workers_max(plan::ValidatorIndex::new(index)))
        .collect();
    let clients = u32::try_from(names.wallets.len()).expect("the plan bounds wallets");
    let topology = Topology::new(&workers, clients);
    let shared = Arc::new(Shared {
        store: SharedStore::new(options.paranoid, options.sabotage),
        topology: topology.clone(),
        signing: SIGNING,
        verifying: VERIFYING,
    });
    let builder = Builder {
        plan,
        genesis: &genesis,
        names: &names,
        topology: &topology,
        shared: &shared,
    };
    let mut residents = builder.validators(&validator_keys, options);
    residents.extend(builder.wallets(&owner_keys, options.sabotage));
    let resizes = elastic::equip(plan, &topology, &mut residents);
    let faults = faults::plan_faults(plan, &names, &topology);
    for (actor, fault) in faults.local {
        let index = usize::try_from(actor.0 - 1).expect("an index fits memory");
        residents[index].node.faults.push(fault);
    }
    let mut network = builder.network();
    network.rules = faults.rules;
    let mut script = script::script(plan, &names, &topology, &mut residents);
    script.extend(faults.script);
    script.extend(resizes);
    let world = World {
        residents,
        // The workers of an elastic validator share a database.
        sharing: (0..)
            .take(plan.validators.len())
            .filter(|index| plan.is_elastic(plan::ValidatorIndex::new(*index)))
            .map(GroupId)
            .collect(),
        network,
        starting: Starting::All,
        script,
        config: config(plan),
    };
    let directory = builder.directory();
    Built {
        world,
        directory,
        genesis,
        rule_faults: faults.rule_faults,
    }
}

fn secret(seed: u64, kind: &str, name: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(kind.as_bytes());
    hasher.update(b"/");
    hasher.update(name.as_bytes());
    *hasher.finalize().as_bytes()
}

fn config(plan: &Plan) -> RunConfig {
    // About two hundred looks at a run, on whole milliseconds, whatever its length.
    let millis = (plan.duration.as_micros() / 200_000).clamp(1, 1_000);
    RunConfig {
        seed: Seed(plan.seed),
        end: plan.end(),
        window: plan.network.floor,
        checkpoint_every: VirtualDuration::from_millis(millis),
        limits: engine::Limits {
            events: Some(plan.limits.events),
            pending: Some(plan.limits.pending),
        },
    }
}

/// One wallet for each owner of each chain: the chains' first owners in the order of the chains,
/// then the others.
fn wallets(plan: &Plan) -> BTreeMap<(plan::ChainIndex, plan::OwnerIndex), ClientIndex> {
    let chains = || plan.chains.iter().enumerate();
    let firsts = chains().map(|(at, chain)| (plan::ChainIndex::at(at), chain.owners[0].owner));
    let others = chains().flat_map(|(at, chain)| {
        let others = chain.owners[1..].iter().map(|owner| owner.owner);
        others
            .chain(chain.later_owners.iter().copied())
            .chain(chain.stand_ins.iter().copied())
            .map(move |owner| (plan::ChainIndex::at(at), owner))
    });
    firsts
        .chain(others)
        .zip(0..)
        .map(|(who, index)| (who, ClientIndex(index)))
        .collect()
}

struct Builder<'a> {
    plan: &'a Plan,
    genesis: &'a Arc<Genesis>,
    names: &'a Arc<Names>,
    topology: &'a Topology,
    shared: &'a Arc<Shared>,
}

impl Builder<'_> {
    fn node(&self, machine: Machine, service: Option<Arc<ServiceTimes>>) -> SimNode {
        SimNode {
            machine,
            shared: self.shared.clone(),
            service,
            faults: Vec::<LocalFault>::new(),
            applied_faults: 0,
            closed_loop: None,
            served: 0,
            armed: None,
            old_disk: None,
            elastic: None,
            gauge: None,
            outputs: Outputs::default(),
        }
    }

    /// Proxies and workers; a validator is one latency group.
    fn validators(&self, keys: &[SigningKey], options: BuildOptions) -> Vec<Resident<SimNode>> {
        let mut residents = Vec::new();
        for ((index, validator), key) in (0..).zip(&self.plan.validators).zip(keys) {
            let service = Arc::new(service_times(&validator.service));
            let site = self.validator_site(validator);
            let sabotaged = options.saboteur.is_none_or(|saboteur| saboteur == index);
            let sabotage = if sabotaged {
                options.sabotage
            } else {
                Sabotage::None
            };
            let mut add = |machine, service, weight| {
                residents.push(Resident {
                    node: self.node(machine, service),
                    group: GroupId(index),
                    site,
                    skew: validator.clock,
                    weight,
                });
            };
            let map = elastic::first_map(self.plan, index);
            let proxy = Proxy::new(ValidatorIndex(index), key.public(), map.clone());
            let load = u32::try_from(self.names.wallets.len() / 4 + 16).unwrap_or(u32::MAX);
            add(Machine::Proxy(proxy), None, load);
            let web = web::answers(self.plan, Some(plan::ValidatorIndex::new(index)));
            for shard in 0..self.plan.workers_max(plan::ValidatorIndex::new(index)) {
                let config = WorkerConfig {
                    web: web.clone(),
                    genesis: self.genesis.clone(),
                    validator: ValidatorIndex(index),
                    shard: ShardIndex(shard),
                    map: map.clone(),
                    key: key.clone(),
                    block_time_grace_period: WorkerConfig::BLOCK_TIME_GRACE_PERIOD,
                    delivery: self.plan.delivery,
                    sabotage,
                };
                add(
                    Machine::Worker(Box::new(Worker::new(config))),
                    Some(service.clone()),
                    load,
                );
            }
        }
        residents
    }

    fn wallets(&self, owner_keys: &[SigningKey], sabotage: Sabotage) -> Vec<Resident<SimNode>> {
        let mut by_index: Vec<_> = self.names.wallets.iter().collect();
        by_index.sort_unstable_by_key(|(_, index)| **index);
        let placeholders = Arc::new(self.names.placeholders());
        let web = web::answers(self.plan, None);
        let applications = Arc::new(applications::placeholders(self.plan));
        let first_group = u32::try_from(self.plan.validators.len()).expect("few validators");
        let wallet =
            |((chain, owner), index): (&(plan::ChainIndex, plan::OwnerIndex), &ClientIndex)| {
                let planned = self.plan.chain(*chain);
                let config = ClientConfig {
                    web: web.clone(),
                    genesis: self.genesis.clone(),
                    index: *index,
                    key: owner_keys[owner.position()].clone(),
                    chain: self.names.chains[chain.position()],
                    awaited: ChainId::placeholder(chain.get()),
                    placeholders: placeholders.clone(),
                    applications: applications.clone(),
                    allow_fast_blocks: true,
                    inbox_policy: match planned.inbox {
                        _ if planned.stand_ins.contains(owner) => InboxPolicy::Auto,
                        plan::InboxPolicy::Manual => InboxPolicy::Manual,
                        plan::InboxPolicy::Auto => InboxPolicy::Auto,
                    },
                    options: ClientOptions {
                        message_policy: planned.message_policy,
                        ..sabotage.client_options()
                    },
                };
                let client = Box::new(Client::new(config, Timestamp::default()));
                Resident {
                    node: self.node(Machine::Wallet(client), None),
                    group: GroupId(first_group + index.0),
                    site: self.wallet_site(planned, *owner),
                    skew: ClockSkew::NONE,
                    weight: 1,
                }
            };
        by_index.into_iter().map(wallet).collect()
    }

    /// Sites: the wallets' regions, then the validators'.
    /// Where a wallet stands: a validator's with the validator.
    fn wallet_site(&self, chain: &plan::ChainPlan, owner: plan::OwnerIndex) -> SiteId {
        let position = if chain.public {
            chain.owners.iter().position(|one| one.owner == owner)
        } else {
            let name = self.plan.owner_name(owner);
            let is_named = |one: &plan::ValidatorPlan| one.name == name;
            let stands_in = chain.stand_ins.contains(&owner);
            let validators = self.plan.validators.iter();
            validators.clone().position(is_named).filter(|_| stands_in)
        };
        let region = match position {
            Some(validator) => self.plan.validators[validator].region,
            None => chain.region,
        };
        SiteId(u16::try_from(region.position()).expect("few regions"))
    }

    fn validator_site(&self, validator: &plan::ValidatorPlan) -> SiteId {
        let site = self.plan.regions.len() + validator.region.position();
        SiteId(u16::try_from(site).expect("few regions"))
    }

    fn network(&self) -> Network {
        let plan = &self.plan.network;
        let inside = Link {
            latency: table(&plan.worker_latency),
            loss: plan.worker_loss,
            duplication: plan.worker_duplicate,
        };
        let regions = u16::try_from(self.plan.regions.len()).expect("few regions");
        Network::between_sites(plan.floor, inside, 2 * regions, |from, to| {
            let (wallet, validator) = match (from.0 < regions, to.0 < regions) {
                (true, false) => (from.0, to.0 - regions),
                (false, true) => (to.0, from.0 - regions),
                // Wallets tell each other things outside the network; validators never do.
                (true, true) | (false, false) => {
                    return Link::reliable(QuantileTable::constant(plan.floor));
                }
            };
            let region = |index: u16| plan::RegionIndex::at(usize::from(index));
            Link {
                latency: table(plan.client_latency(region(wallet), region(validator))),
                loss: plan.client_loss,
                duplication: plan.client_duplicate,
            }
        })
    }

    fn directory(&self) -> Directory {
        let mut wallets: Vec<_> = self.names.wallets.iter().collect();
        wallets.sort_unstable_by_key(|(_, index)| **index);
        let entry = |((chain, owner), _): (&(plan::ChainIndex, plan::OwnerIndex), &ClientIndex)| {
            let planned = self.plan.chain(*chain);
            WalletEntry {
                chain_name: planned.name.clone(),
                owner_name: self.plan.owner_name(*owner).to_owned(),
                group: self.plan.groups[planned.group.position()].name.clone(),
                owner: self.names.owners[owner.position()],
                chain: self.names.chains[chain.position()],
            }
        };
        let first_wallet = |(at, id): (usize, &Option<ChainId>)| {
            let chain = plan::ChainIndex::at(at);
            let owner = self.plan.chain(chain).owners[0].owner;
            id.map(|id| (id, self.names.wallet((chain, owner))))
        };
        Directory {
            addresses: self.topology.addresses(),
            validators: self
                .plan
                .validators
                .iter()
                .map(|v| v.name.clone())
                .collect(),
            wallets: wallets.into_iter().map(entry).collect(),
            chains: self
                .names
                .chains
                .iter()
                .enumerate()
                .filter_map(first_wallet)
                .collect(),
        }
    }
}

fn service_times(service: &plan::ServicePlan) -> ServiceTimes {
    ServiceTimes {
        propose: table(&service.propose),
        validated: table(&service.validated),
        confirmed: table(&service.confirmed),
        cross_chain: table(&service.cross_chain),
        query: table(&service.query),
        load: table(&service.load),
    }
}

/// The integer table of a distribution.
pub(crate) fn table(distribution: &Distribution) -> QuantileTable {
    distribution
        .table()
        .expect("the plan holds distributions that were checked")
}

/// Whether a ratio is worth a rule.
pub(crate) fn is_some(ratio: Ratio) -> bool {
    !ratio.is_zero()
}
