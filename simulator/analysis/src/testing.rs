//! A small network for tests: two chains, four validators with two workers each, and the facts
//! that they would tell.

pub(crate) mod scripted;

use std::{collections::BTreeMap, sync::Arc};

use engine::{ActorId, NetworkFact, Stamped, VirtualTime};
use protocol::{
    Amount, Timestamp,
    application::activity::Activity,
    block::{Block, BlockExecutionOutcome, ProposedBlock, SystemOperation, Transaction},
    certificate::{BlockCertificate, CertificateKind, LiteCertificate, Vote, VotePayload},
    committee::ValidatorState,
    description::{ChainDescription, ChainOrigin, InitialChainConfig},
    error::NodeError,
    execution::{Charged, ExecutionState, Terms, execute_under},
    hash::CryptoHash,
    ids::{
        Account, AccountOwner, Address, BlockHeight, ChainId, ClientIndex, Epoch, ShardIndex,
        ValidatorIndex,
    },
    message::{IncomingBundle, MessageAction, MessageBundle},
    observe::{Arrival, Ground, Observation},
    ownership::ChainOwnership,
    policy::ResourceControlPolicy,
    round::Round,
    rpc::RequestKind,
    sabotage::Sabotage,
    signature::{SignatureScheme, SigningKey},
    store::Content,
};
use scenario::Plan;
use trace::{Directory, Event, WalletEntry};

use scripted::Scripts;

/// Chain `A`, which begins with 100 tokens.
pub(crate) const A: usize = 0;
/// Chain `B`, which begins with none.
pub(crate) const B: usize = 1;

/// A plan of two chains and four validators, with `more` at the end of the file.
pub(crate) fn plan(more: &str) -> Plan {
    let text = format!(
        r#"
format = 1
name = "test"
seed = 7
duration = "10s"
[validators]
count = 4
workers = 2
[[chains]]
name = "A"
balance = "100"
[[chains]]
name = "B"
[[workload]]
name = "pay"
script = [{{ at = "1s", chain = "A", transfer = {{ to = "B", amount = "10" }} }}]
{more}
"#
    );
    match scenario::check(&text, "test.toml", &scenario::Options::default()) {
        Ok(checked) => checked.plan,
        Err(diagnostics) => panic!("{diagnostics:?}"),
    }
}

/// The key of the owner of a chain.
pub(crate) fn key(chain: usize) -> SigningKey {
    let seed = [u8::try_from(chain).expect("few chains"); 32];
    SigningKey::from_seed(SignatureScheme::Modeled, &seed)
}

fn description(chain: usize) -> ChainDescription {
    let tokens = if chain == A { 100 } else { 0 };
    ChainDescription {
        origin: ChainOrigin::Root(u32::try_from(chain).expect("few chains") + 1),
        timestamp: Timestamp::default(),
        config: InitialChainConfig {
            ownership: std::sync::Arc::new(ChainOwnership::single(key(chain).public().owner())),
            epoch: Epoch(0),
            balance: Amount::from_tokens(tokens),
            permissions: None,
        },
    }
}

/// The chains of the genesis.
pub(crate) fn genesis() -> Vec<(ChainId, Arc<ChainDescription>)> {
    let described = |chain| {
        let description = description(chain);
        (description.id(), Arc::new(description))
    };
    [A, B].map(described).to_vec()
}

/// Who is who: for each validator a proxy and two workers, then the wallets of `A` and `B`.
pub(crate) fn directory() -> Directory {
    let of_validator = |validator| {
        let validator = ValidatorIndex(validator);
        let worker = |shard| Address::Worker(validator, ShardIndex(shard));
        [Address::Proxy(validator), worker(0), worker(1)]
    };
    let mut addresses: Vec<_> = (0..4).flat_map(of_validator).collect();
    addresses.extend([
        Address::Client(ClientIndex(0)),
        Address::Client(ClientIndex(1)),
    ]);
    let wallet = |(chain, name): (usize, &str)| WalletEntry {
        chain_name: name.to_owned(),
        owner_name: name.to_owned(),
        group: name.to_owned(),
        owner: key(chain).public().owner(),
        chain: Some(description(chain).id()),
    };
    let wallets: Vec<_> = [(A, "A"), (B, "B")].into_iter().map(wallet).collect();
    let chains = (0..).zip(&wallets);
    let chains = chains.filter_map(|(at, wallet)| Some((wallet.chain?, ClientIndex(at))));
    Directory {
        addresses,
        validators: (1..=4).map(|number| format!("v{number}")).collect(),
        chains: chains.collect(),
        wallets,
    }
}

/// The actor of the worker that keeps a chain at a validator: the first worker keeps `A`, the
/// second every other chain.
pub(crate) fn worker(validator: u32, chain: usize) -> ActorId {
    ActorId(3 * validator + if chain == A { 2 } else { 3 })
}

/// The actor of the wallet of a chain.
pub(crate) fn wallet(chain: usize) -> ActorId {
    ActorId(13 + u32::try_from(chain.min(B)).expect("few chains"))
}

/// The keys of the four validators.
pub(crate) fn validator_keys() -> Vec<SigningKey> {
    let key = |index: u8| SigningKey::from_seed(SignatureScheme::Modeled, &[100 + index; 32]);
    (0..4).map(key).collect()
}

/// The four validators, of equal weight.
pub(crate) fn members() -> Arc<protocol::committee::Committee> {
    let state = |index| ValidatorState {
        index: ValidatorIndex(index),
        votes: 1,
    };
    let members = (0..).zip(validator_keys());
    let members = members.map(|(index, key)| (key.public(), state(index)));
    Arc::new(protocol::committee::Committee::new(members.collect()))
}

/// What a validator signs about a block.
pub(crate) fn payload(hash: CryptoHash, kind: CertificateKind, round: Round) -> VotePayload {
    VotePayload {
        value_hash: hash,
        round,
        kind,
        unlocking_round: None,
        first_round: kind == CertificateKind::Confirmed && round == Round::MultiLeader(0),
        commitment: None,
    }
}

/// The round in which blocks are made here.
pub(crate) const ROUND: Round = Round::MultiLeader(0);

/// A network that tells facts; every fact gets its own microsecond.
pub(crate) struct Network {
    pub(crate) genesis: Vec<(ChainId, Arc<ChainDescription>)>,
    pub(crate) chains: Vec<ChainId>,
    pub(crate) states: Vec<Arc<ExecutionState>>,
    pub(crate) records: Vec<Stamped<Event>>,
    pub(crate) now_us: u64,
    /// The round of certificates.
    pub(crate) round: Round,
    /// Prices and limits.
    pub(crate) policy: Option<ResourceControlPolicy>,
    /// What the last block has cost.
    pub(crate) charged: Option<Charged>,
    /// A seeded bug of everybody.
    pub(crate) sabotage: Sabotage,
    /// Applications.
    pub(crate) scripts: Scripts,
    /// What they did, by the hash of what was proposed.
    pub(crate) activities: BTreeMap<CryptoHash, Arc<Activity>>,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self::of(genesis())
    }

    /// The same where blocks have prices and limits.
    pub(crate) fn with_policy(policy: ResourceControlPolicy) -> Self {
        let mut network = Self::new();
        network.policy = Some(policy);
        network
    }

    /// The four validators, with the prices and limits of this network.
    pub(crate) fn members(&self) -> Arc<protocol::committee::Committee> {
        let Some(policy) = self.policy else {
            return members();
        };
        Arc::new((*members()).clone().with_policy(policy))
    }

    /// The same where `A` is the admin chain.
    pub(crate) fn with_admin() -> Self {
        let mut genesis = genesis();
        let mut admin = description(A);
        admin.origin = ChainOrigin::ADMIN;
        genesis[A] = (admin.id(), Arc::new(admin));
        Self::of(genesis)
    }

    /// The same where validators may take `B` over.
    pub(crate) fn with_fallback() -> Self {
        let mut genesis = Self::with_admin().genesis;
        let mut described = description(B);
        let ownership = Arc::make_mut(&mut described.config.ownership);
        ownership.timeout_config.fallback_duration = Some(protocol::TimeDelta::from_secs(60));
        genesis[B] = (described.id(), Arc::new(described));
        Self::of(genesis)
    }

    fn of(genesis: Vec<(ChainId, Arc<ChainDescription>)>) -> Self {
        Self {
            chains: genesis.iter().map(|(id, _)| *id).collect(),
            states: genesis
                .iter()
                .map(|(_, one)| Arc::new(ExecutionState::new(one)))
                .collect(),
            genesis,
            records: Vec::new(),
            now_us: 0,
            round: ROUND,
            policy: None,
            charged: None,
            sabotage: Sabotage::None,
            scripts: Scripts::default(),
            activities: BTreeMap::new(),
        }
    }

    pub(crate) fn record(&mut self, actor: ActorId, record: Event) {
        self.now_us += 1;
        let (time, index) = (VirtualTime::from_micros(self.now_us), self.now_us);
        self.records.push(Stamped {
            time,
            actor,
            index,
            record,
        });
    }

    pub(crate) fn tell(&mut self, actor: ActorId, fact: Observation) {
        self.record(actor, Event::Protocol(Box::new(fact)));
    }

    pub(crate) fn crash(&mut self, actor: ActorId) {
        let fact = NetworkFact::Crashed {
            backlog: 0,
            outputs: 1,
        };
        self.record(actor, Event::Network(fact));
    }

    /// What the owner of `chain` would propose.
    pub(crate) fn proposal(&self, chain: usize, transactions: Vec<Transaction>) -> ProposedBlock {
        let state = &self.states[chain];
        ProposedBlock {
            chain_id: state.chain_id,
            epoch: state.epoch,
            transactions,
            height: state.next_height,
            timestamp: Timestamp::from_micros(self.now_us),
            authenticated_owner: Some(key(chain).public().owner()),
            previous_block_hash: state.tip_hash,
        }
    }

    /// Executes a block on the state of its chain.
    pub(crate) fn block(&mut self, chain: usize, transactions: Vec<Transaction>) -> Arc<Block> {
        let proposal = self.proposal(chain, transactions);
        let terms = Terms {
            policy: self.policy.as_ref(),
            sabotage: self.sabotage,
            content: Some(&self.scripts),
            outside: Some(&self.scripts),
        };
        let executed = execute_under(terms, &self.states[chain], &proposal);
        let executed = executed.expect("the block is valid");
        self.states[chain] = executed.state;
        self.charged = executed.charged;
        self.scripts.keep(&executed.block);
        if let Some(activity) = executed.activity {
            let proposed = executed.block.proposed_hash();
            self.activities.insert(proposed, activity);
        }
        executed.block
    }

    /// `A` pays `tokens` to `B`'s chain balance.
    pub(crate) fn pay(&self, tokens: u64) -> Transaction {
        Transaction::ExecuteOperation(SystemOperation::Transfer {
            owner: AccountOwner::CHAIN,
            recipient: Account::chain(self.chains[B]),
            amount: Amount::from_tokens(tokens),
        })
    }

    /// `A` asks for `tokens` of its owner's account on `B`: a message without money, which may be
    /// jumped over.
    pub(crate) fn claim(&self, tokens: u64) -> Transaction {
        Transaction::ExecuteOperation(SystemOperation::Claim {
            owner: key(A).public().owner(),
            target_id: self.chains[B],
            recipient: Account::chain(self.chains[A]),
            amount: Amount::from_tokens(tokens),
        })
    }

    /// A chain of its own for the owner of `A`.
    pub(crate) fn open(&self, tokens: u64) -> Transaction {
        Transaction::ExecuteOperation(SystemOperation::OpenChain(InitialChainConfig {
            ownership: std::sync::Arc::new(ChainOwnership::single(key(A).public().owner())),
            epoch: Epoch(0),
            balance: Amount::from_tokens(tokens),
            permissions: None,
        }))
    }

    /// Takes the first bundle for `recipient` of a block in.
    pub(crate) fn take(
        &self,
        sender: &Block,
        recipient: usize,
        action: MessageAction,
    ) -> Transaction {
        let (_, bundle) = &sender.bundles_for(&self.chains[recipient])[0];
        let origin = sender.chain_id();
        Transaction::ReceiveMessages(IncomingBundle {
            origin,
            bundle: bundle.clone(),
            action,
        })
    }

    pub(crate) fn chain_of(&self, block: &Block) -> usize {
        let chain = self.chains.iter().position(|id| *id == block.chain_id());
        chain.unwrap_or(self.chains.len())
    }

    pub(crate) fn propose(&mut self, block: &Block, scheduled_us: Option<u64>) {
        let proposed = block.proposed();
        let fact = Observation::BlockProposed {
            chain: block.chain_id(),
            height: block.height(),
            round: ROUND,
            proposal: CryptoHash::of(proposed),
            operations: u32::try_from(proposed.operations().count()).expect("few"),
            incoming: u32::try_from(proposed.incoming_bundles().count()).expect("few"),
            scheduled_us,
        };
        let actor = wallet(self.chain_of(block));
        self.tell(actor, fact);
    }

    pub(crate) fn vote(
        &mut self,
        validator: u32,
        block: &Block,
        kind: CertificateKind,
        round: Round,
    ) {
        let proposed = kind == CertificateKind::Validated || round.is_fast();
        let ground = if proposed {
            Ground::Proposal(key(self.chain_of(block)).public().owner())
        } else {
            Ground::Certificate
        };
        self.vote_on(validator, block, payload(block.hash(), kind, round), ground);
    }

    /// A vote for any reason.
    pub(crate) fn vote_on(
        &mut self,
        validator: u32,
        block: &Block,
        payload: VotePayload,
        ground: Ground,
    ) {
        let (chain, height) = (block.chain_id(), block.height());
        let actor = worker(validator, self.chain_of(block));
        self.tell(
            actor,
            Observation::VoteCast {
                chain,
                height,
                payload,
                current_round: payload.round,
                ground,
            },
        );
    }

    /// All validators validate and confirm.
    pub(crate) fn votes(&mut self, block: &Block) {
        for kind in [CertificateKind::Validated, CertificateKind::Confirmed] {
            for validator in 0..4 {
                self.vote(validator, block, kind, ROUND);
            }
        }
    }

    /// The wallet holds the certificate.
    pub(crate) fn confirm(&mut self, block: &Arc<Block>) {
        let (chain, height) = (block.chain_id(), block.height());
        let payload = payload(block.hash(), CertificateKind::Confirmed, self.round);
        let actor = wallet(self.chain_of(block));
        self.tell(
            actor,
            Observation::CertificateFormed {
                chain,
                height,
                payload,
            },
        );
        let signatures = validator_keys().into_iter().take(3).map(|key| {
            let vote = Vote::new(payload, &key);
            (vote.key, vote.signature)
        });
        let lite = LiteCertificate {
            chain_id: chain,
            payload,
            signatures: signatures.collect(),
        };
        let certificate = BlockCertificate::new(block.clone(), lite).expect("over this block");
        let certificate = Arc::new(certificate);
        if let Some(activity) = self.activities.get(&block.proposed_hash()) {
            let activity = activity.clone();
            self.tell(
                actor,
                Observation::ApplicationsRan {
                    chain,
                    height,
                    activity,
                },
            );
        }
        self.tell(actor, Observation::BlockConfirmed { certificate });
    }

    pub(crate) fn execute(&mut self, validator: u32, block: &Block) {
        let fact = Observation::BlockExecuted {
            chain: block.chain_id(),
            height: block.height(),
            hash: block.hash(),
            state_hash: block.outcome().state_hash,
        };
        let actor = worker(validator, self.chain_of(block));
        self.tell(actor, fact);
    }

    fn store_blobs(&mut self, validator: u32, block: &Block) {
        let actor = worker(validator, self.chain_of(block));
        let chain = block.chain_id();
        for blob in block.stored_blobs() {
            self.tell(actor, Observation::BlobStored { chain, blob });
        }
    }

    /// What a block sends arrives at a validator.
    pub(crate) fn arrive(&mut self, validator: u32, sender: &Block) {
        for (recipient, bundle) in sender.bundles() {
            self.arrive_bundle(validator, (sender.chain_id(), *recipient), bundle);
        }
    }

    pub(crate) fn arrive_bundle(
        &mut self,
        validator: u32,
        (origin, recipient): (ChainId, ChainId),
        bundle: &MessageBundle,
    ) {
        let fact = Observation::BundleArrived {
            recipient,
            origin,
            cursor: bundle.cursor(),
            bundle: CryptoHash::of(bundle),
            arrival: Arrival::Queued,
        };
        let chain = self
            .chains
            .iter()
            .position(|id| *id == recipient)
            .unwrap_or(B);
        self.tell(worker(validator, chain), fact);
    }

    /// The outboxes of a block are confirmed at a validator.
    pub(crate) fn pop(&mut self, validator: u32, sender: &Block) {
        let actor = worker(validator, self.chain_of(sender));
        for recipient in sender.recipients() {
            let (sender, height) = (sender.chain_id(), sender.height());
            self.tell(
                actor,
                Observation::OutboxConfirmed {
                    sender,
                    recipient,
                    height,
                },
            );
        }
    }

    /// A validator lacks the blobs that a block publishes, and is sent them.
    fn send_blobs(&mut self, block: &Block) {
        let (actor, chain) = (worker(0, self.chain_of(block)), block.chain_id());
        let ids: Vec<_> = block.proposed().published_blobs().collect();
        for (id, pending) in ids.into_iter().zip(1..) {
            let Some(blob) = self.scripts.blob(&id) else {
                continue;
            };
            let refused = Observation::RequestRefused {
                chain,
                request: RequestKind::Proposal,
                error: NodeError::BlobsNotFound(vec![id]),
            };
            self.tell(actor, refused);
            let taken = Observation::BlobPending {
                chain,
                blob: id,
                size: blob.size(),
                pending,
            };
            self.tell(actor, taken);
        }
    }

    /// Everything that a block leads to where nothing goes wrong.
    pub(crate) fn commit(&mut self, block: &Arc<Block>) {
        self.send_blobs(block);
        self.propose(block, None);
        self.votes(block);
        self.confirm(block);
        for validator in 0..4 {
            self.store_blobs(validator, block);
            self.execute(validator, block);
            self.arrive(validator, block);
            self.pop(validator, block);
        }
    }

    /// Executes and commits.
    pub(crate) fn commit_new(
        &mut self,
        chain: usize,
        transactions: Vec<Transaction>,
    ) -> Arc<Block> {
        let block = self.block(chain, transactions);
        self.commit(&block);
        block
    }
}

/// The same block with another outcome.
pub(crate) fn tampered(
    block: &Block,
    change: impl FnOnce(&mut ProposedBlock, &mut BlockExecutionOutcome),
) -> Arc<Block> {
    let (mut proposed, mut outcome) = (block.proposed().clone(), block.outcome().clone());
    change(&mut proposed, &mut outcome);
    Arc::new(Block::new(proposed, outcome))
}

/// A height.
pub(crate) const fn height(height: u64) -> BlockHeight {
    BlockHeight(height)
}
