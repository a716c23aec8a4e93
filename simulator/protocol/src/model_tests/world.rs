//! What stands around the one validator: keys, the chain with its owners, the blocks that anybody
//! may propose at a height, and the signatures of the other validators.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use super::actions::BlobPick;
use crate::{
    Amount, TimeDelta, Timestamp,
    blob::{Blob, BlobContent, BlobId, BlobLimits},
    block::{Block, ProposedBlock, SystemOperation, Transaction},
    certificate::{CertificateKind, ConfirmedBlockCertificate, LiteCertificate, Vote, VotePayload},
    committee::{Committee, ValidatorState},
    description::{ChainDescription, ChainOrigin, InitialChainConfig},
    epochs::Epochs,
    error::{BlockError, CertificateError},
    execution::{self, ExecutionState},
    genesis::Genesis,
    hash::CryptoHash,
    ids::{Account, AccountOwner, BlockHeight, ChainId, Epoch, ShardIndex, ValidatorIndex},
    message::{
        IncomingBundle, MessageAction, MessageBundle, MessageKind, PostedMessage, SystemMessage,
    },
    outside::{Nowhere, Outside},
    ownership::{ChainOwnership, TimeoutConfig},
    policy::ResourceControlPolicy,
    round::Round,
    sabotage::Sabotage,
    signature::{PublicKey, Signature, SigningKey},
    store::{ContentStore, Executed},
    testing::{PlainStore, key},
    worker::WorkerConfig,
};

/// Key of the super owner.
pub(super) const SUPER: u32 = 0;
/// Keys of people: the super owner, two regular owners, a stranger.
pub(super) const PEOPLE: u32 = 4;
/// Blocks of a height that can be certified; see [`World::proposed`].
pub(super) const GOOD_BLOCKS: u8 = 4;
/// Takes in the next bundle.
pub(super) const TAKES_IN: u8 = 3;
/// All blocks of a height.
pub(super) const BLOCKS: u8 = 11;
/// Publishes a blob.
pub(super) const PUBLISHES: u8 = 8;
/// Publishes more blobs than a block may.
pub(super) const PUBLISHES_TOO_MANY: u8 = 9;

/// The key of one of the [`PEOPLE`].
pub(super) fn person(index: u32) -> SigningKey {
    key(2, index)
}

/// One of the blobs that are sent.
pub(super) fn blob(pick: BlobPick) -> Arc<Blob> {
    static TOO_LARGE: LazyLock<Arc<Blob>> = LazyLock::new(|| made(BlobPick::TooLarge));
    if pick == BlobPick::TooLarge {
        TOO_LARGE.clone()
    } else {
        made(pick)
    }
}

fn made(pick: BlobPick) -> Arc<Blob> {
    let most = usize::try_from(BlobLimits::DEFAULT.maximum_blob_size).expect("fits memory");
    Blob::new(BlobContent::data(match pick {
        BlobPick::Published => vec![1],
        BlobPick::Other => vec![2],
        BlobPick::TooLarge => vec![3; most + 1],
    }))
}

/// Bundle `number` of the other chain: its block of that height holds nothing else.
pub(super) fn bundle(number: u64) -> Arc<MessageBundle> {
    let message = SystemMessage::Credit {
        target: AccountOwner::CHAIN,
        amount: Amount::from_tokens(1),
        source: AccountOwner::CHAIN,
    };
    Arc::new(MessageBundle {
        height: BlockHeight(number),
        timestamp: Timestamp::default(),
        certificate_hash: CryptoHash::of_bytes("Bundle", &number.to_le_bytes()),
        transaction_index: 0,
        messages: vec![PostedMessage {
            authenticated_owner: None,
            grant: Amount::ZERO,
            refund_grant_to: None,
            kind: MessageKind::Tracked,
            index: 0,
            message,
        }],
    })
}

/// Who signs a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Signers {
    /// The other three.
    Others,
    /// The validator itself and two others, if it has signed just this; else the other three.
    WithOwn,
    /// Two.
    Few,
    /// Nobody.
    Nobody,
    /// Two, one of them twice.
    Twice,
    /// All others, and one of them twice.
    AllAndTwice,
    /// Two, and somebody who is no validator.
    Outsider,
    /// All others, and somebody who is no validator.
    AllAndOutsider,
    /// Three, one of whom has signed something else.
    Forged,
}

/// A quorum's word on a block, or what pretends to be one.
#[derive(Clone, Debug)]
pub(super) struct Vouched {
    pub(super) block: Arc<Block>,
    pub(super) lite: LiteCertificate,
    /// What is wrong with its signatures.
    pub(super) valid: Result<(), CertificateError>,
}

/// Which owners the chain has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Setting {
    /// A super owner and two regular ones; the fast round has a timer, the first leader is fixed.
    Fast,
    /// The same, and the first block is the last but one that the chain can hold.
    FastAndFull,
    /// Two regular owners; leaders are drawn.
    Regular,
    /// The same, and anybody may propose in multi-leader rounds.
    Open,
    /// A super owner alone: the fast round never ends.
    Alone,
}

fn ownership(setting: Setting) -> ChainOwnership {
    let owner = |index| person(index).public().owner();
    let config = TimeoutConfig {
        fast_round_duration: Some(TimeDelta::from_secs(2)),
        base_timeout: TimeDelta::from_secs(3),
        fallback_duration: (setting != Setting::Alone).then_some(TimeDelta::from_secs(5)),
        ..TimeoutConfig::default()
    };
    let mut ownership = ChainOwnership {
        super_owners: [owner(SUPER)].into(),
        owners: [(owner(1), 1), (owner(2), 2)].into(),
        first_leader: None,
        multi_leader_rounds: 2,
        open_multi_leader_rounds: setting == Setting::Open,
        timeout_config: config,
    };
    match setting {
        Setting::Fast | Setting::FastAndFull => ownership.first_leader = Some(owner(1)),
        Setting::Regular | Setting::Open => ownership.super_owners.clear(),
        Setting::Alone => ownership.owners.clear(),
    }
    ownership
}

/// Keeps certificates; may leap from the first block to the last height of a chain.
pub(super) struct Store {
    plain: PlainStore,
    leaps: bool,
}

impl Store {
    fn leap(&self, mut executed: Executed) -> Executed {
        if self.leaps {
            let mut state = (*executed.state).clone();
            state.next_height = BlockHeight::MAX;
            executed.state = Arc::new(state);
        }
        executed
    }
}

impl ContentStore for Store {
    fn execute(
        &self,
        state: &Arc<ExecutionState>,
        block: &ProposedBlock,
        _block_hash: CryptoHash,
        _policy: Option<&ResourceControlPolicy>,
        _outside: &dyn Outside,
    ) -> Result<Executed, BlockError> {
        Ok(self.leap(execution::execute(state, block)?))
    }

    fn replay(
        &self,
        state: &Arc<ExecutionState>,
        block: &Block,
        policy: Option<&ResourceControlPolicy>,
    ) -> Result<Executed, BlockError> {
        let executed = self.plain.replay(state, block, policy)?;
        Ok(self.leap(executed))
    }

    fn put_blob(&self, blob: &Arc<Blob>) {
        self.plain.put_blob(blob);
    }

    fn blob(&self, id: &BlobId) -> Option<Arc<Blob>> {
        self.plain.blob(id)
    }

    fn put_certificate(&self, certificate: &Arc<ConfirmedBlockCertificate>) {
        self.plain.put_certificate(certificate);
    }

    fn certificate(&self, hash: &CryptoHash) -> Option<Arc<ConfirmedBlockCertificate>> {
        self.plain.certificate(hash)
    }
}

/// The setting of one run.
pub(super) struct World {
    pub(super) ownership: Arc<ChainOwnership>,
    pub(super) genesis: Arc<Genesis>,
    pub(super) store: Store,
    /// The chain that everything is about.
    pub(super) chain: ChainId,
    /// A chain that the validator knows too.
    pub(super) other: ChainId,
    /// The block that a quorum confirms at a height: there is only one.
    committed: BTreeMap<BlockHeight, Executed>,
    /// Votes of the validator itself, as it has sent them.
    pub(super) own_votes: Vec<Vote>,
}

fn description(number: u32, ownership: &Arc<ChainOwnership>) -> ChainDescription {
    ChainDescription {
        origin: ChainOrigin::Root(number),
        timestamp: Timestamp::default(),
        config: InitialChainConfig {
            ownership: ownership.clone(),
            epoch: Epoch(0),
            balance: Amount::from_tokens(100),
            permissions: None,
        },
    }
}

impl World {
    pub(super) fn new(setting: Setting) -> Self {
        let ownership = Arc::new(ownership(setting));
        let member = |index| {
            let index_and_votes = ValidatorState {
                index: ValidatorIndex(index),
                votes: 1,
            };
            (key(1, index).public(), index_and_votes)
        };
        let committee = Committee::new((0..4).map(member).collect());
        let descriptions = [1, 2, 0]
            .map(|number| description(number, &ownership))
            .to_vec();
        let (chain, other) = (descriptions[0].id(), descriptions[1].id());
        Self {
            ownership,
            genesis: Arc::new(Genesis::new(committee, descriptions)),
            store: Store {
                plain: PlainStore::default(),
                leaps: setting == Setting::FastAndFull,
            },
            chain,
            other,
            committed: BTreeMap::new(),
            own_votes: Vec::new(),
        }
    }

    /// Whether the first block leaves room for one more height.
    pub(super) const fn leaps(&self) -> bool {
        self.store.leaps
    }

    /// What the admin chain says once the second epoch has begun; its committee is that of the first.
    pub(super) fn next_epoch(&self, since: Timestamp) -> Arc<Epochs> {
        let mut epochs = Epochs::default();
        let hash = epochs.publish(self.genesis.committee().clone());
        assert!(epochs.create(&hash, since), "just published");
        Arc::new(epochs)
    }

    /// A chain that nobody has heard of.
    pub(super) fn unknown() -> ChainId {
        ChainId::placeholder(7)
    }

    pub(super) fn worker_config(&self) -> WorkerConfig {
        WorkerConfig {
            web: Arc::default(),
            genesis: self.genesis.clone(),
            validator: ValidatorIndex(0),
            shard: ShardIndex(0),
            map: crate::database::ShardMap::first(1, crate::database::Placement::Remainder),
            key: key(1, 0),
            block_time_grace_period: WorkerConfig::BLOCK_TIME_GRACE_PERIOD,
            delivery: crate::worker::DeliveryOptions::default(),
            sabotage: Sabotage::None,
        }
    }

    /// One of the blocks on top of `state`, which has taken in so many bundles. The first four are
    /// good: of nobody, of the super owner, of a regular owner with a message, with a bundle. The
    /// others: without a transaction, paid by nobody, of the far future, with a bundle that nobody has
    /// sent, with a blob, with too many blobs, of the near future.
    pub(super) fn proposed(
        &self,
        kind: u8,
        state: &ExecutionState,
        taken_in: u64,
        now: Timestamp,
    ) -> ProposedBlock {
        let owner = |index| Some(person(index).public().owner());
        let pay = |chain_id, tokens| {
            Transaction::ExecuteOperation(SystemOperation::Transfer {
                owner: AccountOwner::CHAIN,
                recipient: Account::chain(chain_id),
                amount: Amount::from_tokens(tokens),
            })
        };
        let keep =
            Transaction::ExecuteOperation(SystemOperation::ChangeOwnership(self.ownership.clone()));
        let take = Transaction::ReceiveMessages(IncomingBundle {
            origin: self.other,
            bundle: bundle(taken_in),
            action: MessageAction::Accept,
        });
        let publish = Transaction::ExecuteOperation(SystemOperation::PublishDataBlob {
            hash: blob(BlobPick::Published).id().hash,
        });
        let take_invented = Transaction::ReceiveMessages(IncomingBundle {
            origin: self.other,
            bundle: Arc::new(MessageBundle {
                certificate_hash: CryptoHash::of_bytes("Invented", &[]),
                ..(*bundle(taken_in)).clone()
            }),
            action: MessageAction::Accept,
        });
        let sender = if self.ownership.owners.is_empty() {
            SUPER
        } else {
            2
        };
        let same_time = state.timestamp;
        let (transactions, authenticated_owner, timestamp) = match kind {
            0 => (vec![keep], None, same_time),
            1 if self.ownership.super_owners.is_empty() => {
                (vec![pay(self.chain, 1)], owner(1), same_time)
            }
            1 => (vec![pay(self.chain, 1)], owner(SUPER), same_time),
            2 => (vec![pay(self.other, 2)], owner(sender), same_time),
            TAKES_IN => (vec![take], None, same_time),
            4 => (Vec::new(), None, same_time),
            5 => (vec![pay(self.chain, 3)], None, same_time),
            6 => {
                let ahead = TimeDelta::from_millis(60_000);
                (vec![keep], None, now.saturating_add(ahead))
            }
            7 => (vec![take_invented], None, same_time),
            PUBLISHES => (vec![publish], None, same_time),
            PUBLISHES_TOO_MANY => (vec![publish; 11], None, same_time),
            _ => {
                let ahead = TimeDelta::from_millis(400);
                (vec![keep], None, now.saturating_add(ahead))
            }
        };
        ProposedBlock {
            chain_id: state.chain_id,
            epoch: state.epoch,
            transactions,
            height: state.next_height,
            timestamp,
            authenticated_owner,
            previous_block_hash: state.tip_hash,
        }
    }

    pub(super) fn execute(
        &self,
        state: &Arc<ExecutionState>,
        block: &ProposedBlock,
    ) -> Result<Executed, BlockError> {
        self.store
            .execute(state, block, CryptoHash::of(block), None, &Nowhere)
    }

    /// The block that a quorum has confirmed on top of `state`; this one if there is none yet.
    pub(super) fn commit(
        &mut self,
        kind: u8,
        state: &Arc<ExecutionState>,
        taken_in: u64,
    ) -> Executed {
        let height = state.next_height;
        if let Some(committed) = self.committed.get(&height) {
            return committed.clone();
        }
        let block = self.proposed(kind, state, taken_in, Timestamp::default());
        let executed = self.execute(state, &block).expect("good blocks execute");
        self.committed.insert(height, executed.clone());
        executed
    }

    /// What validators sign who saw `block` proposed without more in `round`.
    pub(super) fn payload(
        &self,
        block: &Block,
        round: Round,
        kind: CertificateKind,
    ) -> VotePayload {
        VotePayload {
            value_hash: block.hash(),
            round,
            kind,
            unlocking_round: None,
            first_round: kind == CertificateKind::Confirmed && round == self.first_round(),
            commitment: None,
        }
    }

    /// The first round of every height.
    fn first_round(&self) -> Round {
        if self.ownership.super_owners.is_empty() {
            Round::MultiLeader(0)
        } else {
            Round::Fast
        }
    }

    /// Signatures over `payload`, and what is wrong with them. If the validator has itself signed
    /// the same in other words, and is to sign here, all use its words.
    pub(super) fn sign(&self, payload: VotePayload, signers: Signers) -> Signed {
        let own = self.own_votes.iter().find(|vote| {
            let known = vote.payload;
            (known.value_hash, known.round, known.kind)
                == (payload.value_hash, payload.round, payload.kind)
        });
        let own = own.filter(|_| signers == Signers::WithOwn);
        let payload = own.map_or(payload, |vote| vote.payload);
        let by = |index: u32| {
            let vote = Vote::new(payload, &key(1, index));
            (vote.key, vote.signature)
        };
        let few = |weight| CertificateError::CertificateRequiresQuorum { weight, quorum: 3 };
        let (signatures, valid) = match (signers, own) {
            (Signers::WithOwn, Some(own)) => (vec![(own.key, own.signature), by(1), by(3)], Ok(())),
            (Signers::Others | Signers::WithOwn, _) => (vec![by(1), by(2), by(3)], Ok(())),
            (Signers::Few, _) => (vec![by(2), by(3)], Err(few(2))),
            (Signers::Nobody, _) => (Vec::new(), Err(few(0))),
            (Signers::Twice, _) => {
                let twice = vec![by(1), by(2), by(2)];
                (twice, Err(CertificateError::CertificateValidatorReuse))
            }
            (Signers::AllAndTwice, _) => {
                let twice = vec![by(1), by(2), by(3), by(1)];
                (twice, Err(CertificateError::CertificateValidatorReuse))
            }
            (Signers::Outsider, _) => {
                let outside = vec![by(1), by(2), by(9)];
                (outside, Err(CertificateError::InvalidSigner))
            }
            (Signers::AllAndOutsider, _) => {
                let outside = vec![by(1), by(2), by(3), by(9)];
                (outside, Err(CertificateError::InvalidSigner))
            }
            (Signers::Forged, _) => {
                let forged = vec![by(1), by(2), (by(3).0, by(2).1)];
                (forged, Err(CertificateError::InvalidSignature))
            }
        };
        Signed {
            payload,
            signatures,
            valid,
        }
    }

    /// What `signers` say of `block`.
    pub(super) fn vouch(
        &self,
        block: Arc<Block>,
        payload: VotePayload,
        signers: Signers,
    ) -> Vouched {
        let signed = self.sign(payload, signers);
        Vouched {
            lite: signed.lite(block.chain_id()),
            block,
            valid: signed.valid,
        }
    }
}

/// Signatures over one payload.
pub(super) struct Signed {
    payload: VotePayload,
    signatures: Vec<(PublicKey, Signature)>,
    pub(super) valid: Result<(), CertificateError>,
}

impl Signed {
    pub(super) fn lite(&self, chain_id: ChainId) -> LiteCertificate {
        LiteCertificate {
            chain_id,
            payload: self.payload,
            signatures: self.signatures.clone(),
        }
    }
}
