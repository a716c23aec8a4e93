//! Votes and certificates: a quorum of signatures over one payload.
//!
//! Only votes with the very same payload combine. A lite certificate names its block by hash.

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    block::Block,
    committee::Committee,
    error::CertificateError,
    hash::{CryptoHash, Hashable},
    ids::{BlockHeight, ChainId, Epoch},
    round::Round,
    signature::{PublicKey, Signature, SigningKey},
    store::ContentStore,
};

/// What a vote says about its value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum CertificateKind {
    /// The round has run out of time.
    Timeout,
    /// The block may be locked.
    Validated,
    /// The block may be committed.
    Confirmed,
}

/// What a validator signs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct VotePayload {
    /// Hash of the block (or timeout) voted for.
    pub value_hash: CryptoHash,
    /// Round of the vote.
    pub round: Round,
    /// What the vote says.
    pub kind: CertificateKind,
    /// Round of the certificate that unlocked this vote to validate.
    pub unlocking_round: Option<Round>,
    /// Whether a vote to confirm is in the first round of its height.
    pub first_round: bool,
    /// Hash of the quorum that justifies this vote.
    pub commitment: Option<CryptoHash>,
}

impl Hashable for VotePayload {
    const TAG: &'static str = "VotePayload";
}

/// A validator's signed vote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// What is signed.
    pub payload: VotePayload,
    /// Who signs.
    pub key: PublicKey,
    /// The signature over the payload's hash.
    pub signature: Signature,
}

impl Vote {
    /// Signs `payload`.
    pub fn new(payload: VotePayload, key: &SigningKey) -> Self {
        let signature = key.sign(&CryptoHash::of(&payload));
        Self {
            payload,
            key: key.public(),
            signature,
        }
    }

    /// Whether the signature is right.
    pub fn check(&self, store: &dyn ContentStore) -> bool {
        store.verify(&self.key, &CryptoHash::of(&self.payload), &self.signature)
    }
}

/// Signatures over one payload, by key.
type Signatures = Vec<(PublicKey, Signature)>;

/// A certificate that names its block by hash only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiteCertificate {
    /// The chain of the block.
    pub chain_id: ChainId,
    /// What is signed.
    pub payload: VotePayload,
    /// Who signed it, by key.
    pub signatures: Signatures,
}

impl LiteCertificate {
    /// Checks that distinct members of `committee` with a quorum of weight have signed.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(
        &self,
        committee: &Committee,
        store: &dyn ContentStore,
    ) -> Result<(), CertificateError> {
        let mut weight = 0u64;
        for (index, (key, _)) in self.signatures.iter().enumerate() {
            if self.signatures[..index]
                .iter()
                .any(|(other, _)| other == key)
            {
                return Err(CertificateError::CertificateValidatorReuse);
            }
            match committee.weight(key) {
                0 => return Err(CertificateError::InvalidSigner),
                votes => weight += votes,
            }
        }
        let quorum = committee.quorum_threshold();
        if weight < quorum {
            return Err(CertificateError::CertificateRequiresQuorum { weight, quorum });
        }
        let digest = CryptoHash::of(&self.payload);
        let valid =
            |(key, signature): &(PublicKey, Signature)| store.verify(key, &digest, signature);
        if !self.signatures.iter().all(valid) {
            return Err(CertificateError::InvalidSignature);
        }
        Ok(())
    }
}

/// A certificate with its block: validated or confirmed, as its payload says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BlockCertificate {
    block: Arc<Block>,
    lite: LiteCertificate,
}

/// A certificate that a block may be locked; see [`BlockCertificate`].
pub type ValidatedBlockCertificate = BlockCertificate;
/// A certificate that a block is committed; see [`BlockCertificate`].
pub type ConfirmedBlockCertificate = BlockCertificate;

impl Hash for BlockCertificate {
    /// By the hash of the block, which covers it, and by what was signed.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (
            self.block.hash(),
            self.lite.payload,
            self.lite.signatures.len(),
        )
            .hash(state);
    }
}

impl BlockCertificate {
    /// Joins a block with signatures over it.
    ///
    /// # Errors
    /// If the signatures are over another block.
    pub fn new(block: Arc<Block>, lite: LiteCertificate) -> Result<Self, CertificateError> {
        if block.hash() != lite.payload.value_hash || block.chain_id() != lite.chain_id {
            return Err(CertificateError::OtherBlock);
        }
        Ok(Self { block, lite })
    }

    /// The block.
    pub const fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// The same without the block's body.
    pub const fn lite(&self) -> &LiteCertificate {
        &self.lite
    }

    /// The round of the votes.
    pub const fn round(&self) -> Round {
        self.lite.payload.round
    }

    /// What the votes say.
    pub const fn kind(&self) -> CertificateKind {
        self.lite.payload.kind
    }

    /// The block's hash.
    pub fn hash(&self) -> CryptoHash {
        self.block.hash()
    }
}

/// What votes to end a round are about; the round is in the votes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Timeout {
    /// The chain.
    pub chain_id: ChainId,
    /// The height that goes on to its next round.
    pub height: BlockHeight,
    /// Epoch of the chain at that height.
    pub epoch: Epoch,
}

impl Hashable for Timeout {
    const TAG: &'static str = "Timeout";
}

impl Timeout {
    /// What a validator signs to end `round`.
    pub fn payload(&self, round: Round) -> VotePayload {
        VotePayload {
            value_hash: CryptoHash::of(self),
            round,
            kind: CertificateKind::Timeout,
            unlocking_round: None,
            first_round: false,
            commitment: None,
        }
    }
}

/// A quorum's word that a round has run out of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimeoutCertificate {
    timeout: Timeout,
    lite: LiteCertificate,
}

impl TimeoutCertificate {
    /// Joins a timeout with signatures over it.
    ///
    /// # Errors
    /// If the signatures are over something else.
    pub fn new(timeout: Timeout, lite: LiteCertificate) -> Result<Self, CertificateError> {
        if lite.payload != timeout.payload(lite.payload.round) || lite.chain_id != timeout.chain_id
        {
            return Err(CertificateError::OtherBlock);
        }
        Ok(Self { timeout, lite })
    }

    /// What it is about.
    pub const fn timeout(&self) -> &Timeout {
        &self.timeout
    }

    /// The signatures.
    pub const fn lite(&self) -> &LiteCertificate {
        &self.lite
    }

    /// The round that is over.
    pub const fn round(&self) -> Round {
        self.lite.payload.round
    }
}

/// Gathers votes until one payload has a quorum.
#[derive(Clone, Debug, Default)]
pub struct VoteCollector {
    votes: BTreeMap<VotePayload, (u64, Signatures)>,
}

impl VoteCollector {
    /// Adds a vote whose signature was checked; one vote of a key for a payload counts once.
    /// Returns the weight gathered for that payload.
    pub fn add(&mut self, vote: &Vote, committee: &Committee) -> u64 {
        let (weight, signatures) = self.votes.entry(vote.payload).or_default();
        let votes = committee.weight(&vote.key);
        if votes > 0 && signatures.iter().all(|(key, _)| *key != vote.key) {
            *weight += votes;
            signatures.push((vote.key, vote.signature));
        }
        *weight
    }

    /// The most weight that one payload has gathered.
    pub fn best_weight(&self) -> u64 {
        let weights = self.votes.values().map(|(weight, _)| *weight);
        weights.max().unwrap_or(0)
    }

    /// Whether some payload has gathered a quorum.
    pub fn has_quorum(&self, committee: &Committee) -> bool {
        self.best_weight() >= committee.quorum_threshold()
    }

    /// The signatures of the heaviest payload, if they weigh a quorum.
    pub fn certificate(&self, chain_id: ChainId, committee: &Committee) -> Option<LiteCertificate> {
        let (payload, (_, signatures)) = self
            .votes
            .iter()
            .find(|(_, (weight, _))| *weight >= committee.quorum_threshold())?;
        let mut signatures = signatures.clone();
        signatures.sort_unstable_by_key(|(key, _)| *key);
        Some(LiteCertificate {
            chain_id,
            payload: *payload,
            signatures,
        })
    }
}
