//! What the workers of one validator and its proxy tell each other about who owns which chain, and
//! what they tell whoever watches.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    block::Block,
    hash::CryptoHash,
    ids::{BlockHeight, ChainId, ClientIndex, ShardIndex, ValidatorIndex},
    rpc::RequestId,
    time::TimeDelta,
};

/// What is sent about the ownership of chains, inside one validator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShardingMessage {
    /// To a worker: the map has changed, give up what is another's.
    NewMap,
    /// To a chain's holder: give it up, this worker owns it now and has requests for it.
    Claim(ChainId, ShardIndex),
    /// To a chain's new owner: it is free, and this was known of it beside its state.
    HandOver(Box<SoftState>),
}

/// What a worker knows of a chain beside the chain's state: nothing that the protocol rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SoftState {
    /// The chain.
    pub chain: ChainId,
    /// Bodies of blocks voted for, so that lite certificates suffice.
    pub bodies: Vec<Arc<Block>>,
    /// Answers that wait for delivery: up to which height, to whom, for which request.
    pub delivery: Vec<(BlockHeight, ClientIndex, RequestId)>,
}

/// What is told about the ownership of chains.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ShardingFact {
    /// A validator's chains are shared by another number of workers from now on.
    MapChanged {
        /// The validator.
        validator: ValidatorIndex,
        /// The version of the map.
        version: u32,
        /// The number of workers.
        shards: u32,
    },
    /// A worker holds a chain that another, or it before it stopped, held until now. Who touches a
    /// chain first says nothing.
    ChainTaken {
        /// The chain.
        chain: ChainId,
        /// The number of the lease.
        lease: u64,
    },
    /// A worker has given up a chain.
    ChainReleased {
        /// The chain.
        chain: ChainId,
        /// The number of the lease that ends.
        lease: u64,
    },
    /// A validator that scales itself has decided to go over to other workers, which start now.
    ScalingDecided {
        /// The validator.
        validator: ValidatorIndex,
        /// How many workers share its chains.
        from: u32,
        /// How many are to share them.
        to: u32,
        /// Why.
        cause: ScalingCause,
        /// How busy its workers have been since it last looked, on average, in millionths.
        busy: u32,
        /// For how long all of them together have work waiting.
        waiting: TimeDelta,
    },
    /// So many of the workers that share a validator's chains are up, from now on.
    WorkersRunning {
        /// The validator.
        validator: ValidatorIndex,
        /// How many.
        workers: u32,
    },
}

/// Why a validator goes over to other workers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ScalingCause {
    /// There is more work than they should have.
    Busy,
    /// Fewer have been enough for a while.
    Idle,
    /// So many of them are gone.
    Lost(u32),
}

impl ShardingMessage {
    /// Content in 64 bits, for the chain hash of a run.
    pub(crate) fn fingerprint(&self) -> u64 {
        match self {
            Self::NewMap => 1,
            Self::Claim(chain, shard) => chain.0.fingerprint().rotate_left(4) ^ u64::from(shard.0),
            Self::HandOver(soft) => {
                let bodies = soft.bodies.iter().map(|block| block.hash());
                let fold = |sum: u64, hash: CryptoHash| sum.rotate_left(9) ^ hash.fingerprint();
                let waiting = u64::try_from(soft.delivery.len()).expect("a list fits memory");
                bodies.fold(soft.chain.0.fingerprint().rotate_left(6) ^ waiting, fold)
            }
        }
    }
}
