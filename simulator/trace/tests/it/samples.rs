//! Records of every kind, made from numbers.

use std::{collections::BTreeMap, sync::Arc};

use engine::{ActorId, Checkpoint, Digest, NetworkFact, Stamped, VirtualTime};
use protocol::{
    Amount, Timestamp,
    block::{Block, ProposedBlock, SystemOperation, Transaction},
    certificate::{BlockCertificate, CertificateKind, LiteCertificate, Vote, VotePayload},
    description::{ChainDescription, ChainOrigin, InitialChainConfig},
    execution::{ExecutionState, execute},
    hash::CryptoHash,
    ids::{
        Account, AccountOwner, Address, BlockHeight, ChainId, ClientIndex, Cursor, Epoch,
        ShardIndex, ValidatorIndex,
    },
    observe::{Arrival, Ground, Observation, Shape},
    ownership::ChainOwnership,
    round::Round,
    signature::{SignatureScheme, SigningKey},
};
use trace::{Directory, End, Event, Header, Sampling, TraceWrite, WalletEntry, Writer};

pub(crate) fn hash(number: u64) -> CryptoHash {
    CryptoHash::of_bytes("Sample", &number.to_le_bytes())
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(SignatureScheme::Modeled, &[number; 32])
}

/// A real block that sends and opens, with a certificate over it.
pub(crate) fn certificate(tokens: u64) -> Arc<BlockCertificate> {
    let owner = key(1).public().owner();
    let config = InitialChainConfig {
        ownership: std::sync::Arc::new(ChainOwnership::single(owner)),
        epoch: Epoch(0),
        balance: Amount::from_tokens(1_000),
        permissions: None,
    };
    let origin = ChainOrigin::Root(0);
    let state = ExecutionState::new(&ChainDescription {
        origin,
        timestamp: Timestamp::default(),
        config: config.clone(),
    });
    let transfer = SystemOperation::Transfer {
        owner: AccountOwner::CHAIN,
        recipient: Account::chain(ChainId(hash(tokens))),
        amount: Amount::from_tokens(tokens % 500 + 1),
    };
    let child = InitialChainConfig {
        balance: Amount::from_tokens(3),
        permissions: None,
        ..config
    };
    let operations = [transfer, SystemOperation::OpenChain(child)];
    let proposed = ProposedBlock {
        chain_id: state.chain_id,
        epoch: Epoch(0),
        transactions: operations.map(Transaction::ExecuteOperation).to_vec(),
        height: BlockHeight(0),
        timestamp: Timestamp::from_micros(tokens),
        authenticated_owner: Some(owner),
        previous_block_hash: None,
    };
    let block: Arc<Block> = execute(&state, &proposed).expect("the owner can pay").block;
    let payload = payload(block.hash());
    let signature = |number| {
        let vote = Vote::new(payload, &key(number));
        (vote.key, vote.signature)
    };
    let signatures = (1..=3).map(signature).collect();
    let lite = LiteCertificate {
        chain_id: block.chain_id(),
        payload,
        signatures,
    };
    Arc::new(BlockCertificate::new(block, lite).expect("the votes are over this block"))
}

fn payload(value_hash: CryptoHash) -> VotePayload {
    VotePayload {
        value_hash,
        round: Round::MultiLeader(0),
        kind: CertificateKind::Confirmed,
        unlocking_round: None,
        first_round: true,
        commitment: None,
    }
}

/// An event of any kind: `kind` chooses it, `number` fills it.
pub(crate) fn event(kind: u8, number: u64) -> Event {
    let chain = ChainId(hash(number % 5));
    let height = BlockHeight(number);
    let to = ActorId(3);
    let told = |observation| Event::Protocol(Box::new(observation));
    match kind % 12 {
        0 => told(Observation::CommandStarted {
            command: number,
            chain,
        }),
        1 => told(Observation::CommandFailed {
            command: number,
            chain,
            reason: "é\n".to_owned(),
        }),
        2 => told(Observation::VoteCast {
            chain,
            height,
            payload: payload(hash(number)),
            current_round: Round::MultiLeader(1),
            ground: Ground::Certificate,
        }),
        3 => told(Observation::BlockConfirmed {
            certificate: certificate(number),
        }),
        4 => told(Observation::BundleArrived {
            recipient: chain,
            origin: ChainId(hash(9)),
            cursor: Cursor { height, index: 2 },
            bundle: hash(number),
            arrival: Arrival::Queued,
        }),
        5 => told(Observation::ShapeBroken {
            chain,
            shape: Shape::Inbox,
            detail: "x".repeat(usize::try_from(number % 64).expect("small")),
        }),
        6 => told(Observation::BlockExecuted {
            chain,
            height,
            hash: hash(number),
            state_hash: hash(number + 1),
        }),
        7 => Event::Network(NetworkFact::Lost { to, number }),
        8 => Event::Network(NetworkFact::LostByRule {
            to,
            number,
            rule: 1,
        }),
        9 => Event::Network(NetworkFact::Crashed {
            backlog: number,
            outputs: 1,
        }),
        10 => Event::Network(NetworkFact::Restarted),
        _ => Event::Fault(2),
    }
}

pub(crate) fn record(time: u64, kind: u8, number: u64) -> Stamped<Event> {
    Stamped {
        time: VirtualTime(time),
        actor: ActorId(2),
        index: time,
        record: event(kind, number),
    }
}

pub(crate) fn header(wallets: u32) -> Header {
    let wallet = |index: u32| WalletEntry {
        chain_name: format!("user/{index}"),
        owner_name: format!("owner-{index}"),
        group: "user".to_owned(),
        owner: AccountOwner::Address32(hash(u64::from(index))),
        chain: (index % 7 != 6).then(|| ChainId(hash(u64::from(index)))),
    };
    let wallets: Vec<_> = (0..wallets).map(wallet).collect();
    let mut chains: BTreeMap<ChainId, ClientIndex> = (0..)
        .zip(&wallets)
        .filter_map(|(index, wallet)| Some((wallet.chain?, ClientIndex(index))))
        .collect();
    // A chain that the wallet drives besides its own.
    chains.insert(ChainId(hash(1 << 40)), ClientIndex(0));
    let clients = (0..)
        .zip(&wallets)
        .map(|(index, _)| Address::Client(ClientIndex(index)));
    let validator = ValidatorIndex(0);
    let mut addresses = vec![
        Address::Proxy(validator),
        Address::Worker(validator, ShardIndex(0)),
    ];
    addresses.extend(clients);
    Header {
        scenario: "sample".to_owned(),
        seed: 7,
        plan: Digest([3; 32]),
        sampling: Sampling::Full,
        directory: Directory {
            addresses,
            validators: vec!["v1".to_owned()],
            wallets,
            chains,
        },
    }
}

pub(crate) fn checkpoint(time: u64) -> Checkpoint {
    Checkpoint {
        time: VirtualTime(time),
        root: Digest([9; 32]),
        events: time,
    }
}

pub(crate) fn end(time: u64) -> End {
    let (ended_at, root) = (VirtualTime(time), Digest([5; 32]));
    End {
        outcome: "completed".to_owned(),
        ended_at,
        root,
        events: 17,
    }
}

/// A whole trace of these records, with a checkpoint after every hundred.
pub(crate) fn written(header: &Header, records: &[Stamped<Event>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, header).expect("memory takes everything");
    let mut last = 0;
    for (number, record) in records.iter().enumerate() {
        if number % 100 == 99 {
            let between = checkpoint(record.time.0);
            writer
                .checkpoint(&between)
                .expect("memory takes everything");
        }
        writer.record(record).expect("memory takes everything");
        last = record.time.0 + 1;
    }
    let told = writer.finish(&end(last)).expect("memory takes everything");
    assert_eq!(told.bytes, u64::try_from(bytes.len()).expect("small"));
    assert_eq!(told.hash, blake3_hex(&bytes));
    bytes
}

fn blake3_hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
