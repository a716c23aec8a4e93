//! The shared store of one process: immutable values and results of pure functions, by content.
//!
//! A map here is only ever looked up by key, so neither its order nor the timing of threads can
//! reach a run. What is dropped is computed again; certificates are kept.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use execution::Machine;
use foldhash::fast::FixedState;
use protocol::{
    application::guest::{Module, ModuleError, Role},
    blob::{Blob, BlobId},
    block::{Block, ProposedBlock},
    certificate::ConfirmedBlockCertificate,
    error::BlockError,
    execution::{ExecutionState, Terms, execute_under, replay},
    hash::CryptoHash,
    outside::Outside,
    policy::ResourceControlPolicy,
    sabotage::Sabotage,
    signature::{DecodedKey, PublicKey, Signature},
    store::{ContentStore, Executed, Shared},
};

/// Looked up by key alone. Keys are hashes already, so a quick function that knows no secret does.
type DashMap<K, V> = dashmap::DashMap<K, V, FixedState>;

/// Results remembered per generation; with two generations at most twice as many.
const GENERATION_MAX: usize = 8_192;

/// Executed blocks remembered per generation. Each holds a state of its chain, and its validators
/// ask for it within a second.
const EXECUTED_MAX: usize = 2_048;

/// Two generations of remembered results: when the young one is full, the old one is dropped.
struct Remembered<K, V> {
    generations: [DashMap<K, V>; 2],
    max: usize,
    second_is_young: AtomicBool,
}

impl<K: Eq + std::hash::Hash, V: Clone> Remembered<K, V> {
    /// Remembers `max` results per generation.
    fn new(max: usize) -> Self {
        Self {
            max,
            generations: [DashMap::default(), DashMap::default()],
            second_is_young: AtomicBool::new(false),
        }
    }

    fn get(&self, key: &K) -> Option<V> {
        self.generations
            .iter()
            .find_map(|map| map.get(key).map(|value| value.clone()))
    }

    fn put(&self, key: K, value: V) {
        let young = usize::from(self.second_is_young.load(Ordering::Relaxed));
        if self.generations[young].len() >= self.max {
            // Two threads may both do this; then more is forgotten, which nobody can tell.
            self.generations[1 - young].clear();
            self.second_is_young.store(young == 0, Ordering::Relaxed);
            self.generations[1 - young].insert(key, value);
        } else {
            self.generations[young].insert(key, value);
        }
    }
}

/// Compiled code, or why it is refused.
type Compiled = Result<Arc<dyn Module>, ModuleError>;

/// One process's store.
pub struct SharedStore {
    certificates: DashMap<CryptoHash, Arc<ConfirmedBlockCertificate>>,
    blobs: DashMap<BlobId, Arc<Blob>>,
    modules: DashMap<(Role, BlobId), Compiled>,
    keys: Remembered<PublicKey, Option<DecodedKey>>,
    verified: Remembered<CryptoHash, bool>,
    executed: Remembered<(CryptoHash, CryptoHash), Executed>,
    paranoid: bool,
    sabotage: Sabotage,
}

impl SharedStore {
    /// An empty store. A `paranoid` one computes everything every time and compares; blocks are
    /// executed with this seeded bug.
    pub fn new(paranoid: bool, sabotage: Sabotage) -> Self {
        Self {
            sabotage,
            certificates: DashMap::default(),
            blobs: DashMap::default(),
            modules: DashMap::default(),
            keys: Remembered::new(GENERATION_MAX),
            verified: Remembered::new(GENERATION_MAX),
            executed: Remembered::new(EXECUTED_MAX),
            paranoid,
        }
    }

    fn decoded(&self, key: &PublicKey) -> Option<DecodedKey> {
        self.keys.get(key).unwrap_or_else(|| {
            let decoded = key.decode();
            self.keys.put(*key, decoded);
            decoded
        })
    }
}

impl ContentStore for SharedStore {
    fn verify(&self, key: &PublicKey, digest: &CryptoHash, signature: &Signature) -> bool {
        if !signature.is_costly() {
            return key.verify(digest, signature);
        }
        let memo = signature.memo_key(key, digest);
        let known = self.verified.get(&memo);
        if let (Some(valid), false) = (known, self.paranoid) {
            return valid;
        }
        let valid = self
            .decoded(key)
            .is_some_and(|key| key.verify(digest, signature));
        assert!(
            known.is_none_or(|known| known == valid),
            "verification is a function"
        );
        self.verified.put(memo, valid);
        valid
    }

    fn execute(
        &self,
        state: &Arc<ExecutionState>,
        block: &ProposedBlock,
        block_hash: CryptoHash,
        policy: Option<&ResourceControlPolicy>,
        outside: &dyn Outside,
    ) -> Result<Executed, BlockError> {
        let key = (state.state_hash, block_hash);
        // Nodes may know different things of other chains and of the web.
        let known = self.executed.get(&key);
        let known = known.filter(|executed| executed.agrees_with(outside));
        if let (Some(executed), false) = (&known, self.paranoid) {
            return Ok(executed.clone());
        }
        let sabotage = self.sabotage;
        let content = Shared(self);
        let terms = Terms {
            policy,
            sabotage,
            content: Some(&content),
            outside: Some(outside),
        };
        let executed = execute_under(terms, state, block)?;
        self.keep_created(&executed);
        assert!(
            known.is_none_or(|known| known == executed),
            "I-4: execution is a function"
        );
        self.executed.put(key, executed.clone());
        Ok(executed)
    }

    fn replay(
        &self,
        state: &Arc<ExecutionState>,
        block: &Block,
        policy: Option<&ResourceControlPolicy>,
    ) -> Result<Executed, BlockError> {
        let key = (state.state_hash, block.proposed_hash());
        let known = self.executed.get(&key);
        let known = known.filter(|executed| executed.block.hash() == block.hash());
        if let (Some(executed), false) = (&known, self.paranoid) {
            return Ok(executed.clone());
        }
        let content = Shared(self);
        let terms = Terms {
            policy,
            sabotage: self.sabotage,
            content: Some(&content),
            outside: None,
        };
        let executed = replay(state, block, terms)?;
        self.keep_created(&executed);
        assert!(
            known.is_none_or(|known| known == executed),
            "I-4: a replay gives what was executed"
        );
        self.executed.put(key, executed.clone());
        Ok(executed)
    }

    fn put_blob(&self, blob: &Arc<Blob>) {
        let entry = self.blobs.entry(blob.id());
        entry.or_insert_with(|| blob.clone());
    }

    fn blob(&self, id: &BlobId) -> Option<Arc<Blob>> {
        self.blobs.get(id).map(|blob| blob.clone())
    }

    fn module(&self, role: Role, blob: &Arc<Blob>) -> Option<Compiled> {
        let key = (role, blob.id());
        if let Some(known) = self.modules.get(&key) {
            return Some(known.clone());
        }
        // Two threads may both compile it; the same bytes give the same code.
        let compiled = Machine::default().compile_stored(role, blob.bytes());
        self.modules.insert(key, compiled.clone());
        Some(compiled)
    }

    fn put_certificate(&self, certificate: &Arc<ConfirmedBlockCertificate>) {
        let entry = self.certificates.entry(certificate.hash());
        entry.or_insert_with(|| certificate.clone());
    }

    fn certificate(&self, block_hash: &CryptoHash) -> Option<Arc<ConfirmedBlockCertificate>> {
        self.certificates
            .get(block_hash)
            .map(|certificate| certificate.clone())
    }
}
