//! Block proposals: fresh ones, and retries of a block that some validators may be locked on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    block::{BlockExecutionOutcome, ProposedBlock},
    certificate::LiteCertificate,
    hash::{CryptoHash, Hashable},
    ids::AccountOwner,
    round::Round,
    signature::{PublicKey, Signature, SigningKey},
    store::ContentStore,
};

/// What makes a proposal a retry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum OriginalProposal {
    /// The super owner's signature over the same block in the fast round.
    Fast {
        /// Key of the super owner.
        public_key: PublicKey,
        /// Its signature over the fast proposal.
        signature: Signature,
    },
    /// The certificate that validated the block in an earlier round.
    Regular {
        /// That certificate.
        certificate: LiteCertificate,
    },
}

/// The part that the proposer signs, by hashes.
#[derive(Serialize)]
struct ProposalContent {
    block_hash: CryptoHash,
    round: Round,
    outcome_hash: Option<CryptoHash>,
}

impl Hashable for ProposalContent {
    const TAG: &'static str = "ProposalContent";
}

/// A signed proposal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockProposal {
    /// The proposed block.
    pub block: Arc<ProposedBlock>,
    /// Its hash: computed here, never taken from anybody.
    block_hash: CryptoHash,
    /// The round that it is for.
    pub round: Round,
    /// The outcome that a certificate vouches for, in a retry of a validated block.
    pub outcome: Option<Arc<BlockExecutionOutcome>>,
    /// Key of the proposer.
    pub public_key: PublicKey,
    /// Its signature.
    pub signature: Signature,
    /// What makes it a retry.
    pub original_proposal: Option<OriginalProposal>,
}

fn digest(
    block_hash: CryptoHash,
    round: Round,
    outcome: Option<&BlockExecutionOutcome>,
) -> CryptoHash {
    let outcome_hash = outcome.map(CryptoHash::of);
    CryptoHash::of(&ProposalContent {
        block_hash,
        round,
        outcome_hash,
    })
}

/// A proposed block, and the round of the certificate that it rests on, if it does. A vote names both,
/// so one block on two grounds in one round divides the votes as two blocks do.
pub type Content = (CryptoHash, Option<Round>);

impl BlockProposal {
    /// A fresh proposal.
    pub fn fresh(block: Arc<ProposedBlock>, round: Round, key: &SigningKey) -> Self {
        let block_hash = CryptoHash::of(&*block);
        Self {
            signature: key.sign(&digest(block_hash, round, None)),
            block,
            block_hash,
            round,
            outcome: None,
            public_key: key.public(),
            original_proposal: None,
        }
    }

    /// A retry in `round` of a block proposed in the fast round.
    pub fn retry_fast(fast: &Self, round: Round, key: &SigningKey) -> Self {
        let (fast_key, fast_signature) = fast.fast_signature();
        let original = OriginalProposal::Fast {
            public_key: fast_key,
            signature: fast_signature,
        };
        Self {
            signature: key.sign(&digest(fast.block_hash, round, None)),
            round,
            public_key: key.public(),
            original_proposal: Some(original),
            ..fast.clone()
        }
    }

    /// A retry in `round` of a validated block.
    pub fn retry_validated(
        certificate: &crate::certificate::ValidatedBlockCertificate,
        round: Round,
        key: &SigningKey,
    ) -> Self {
        let block = Arc::new(certificate.block().proposed().clone());
        let outcome = Arc::new(certificate.block().outcome().clone());
        let block_hash = certificate.block().proposed_hash();
        Self {
            signature: key.sign(&digest(block_hash, round, Some(&outcome))),
            block,
            block_hash,
            round,
            outcome: Some(outcome),
            public_key: key.public(),
            original_proposal: Some(OriginalProposal::Regular {
                certificate: certificate.lite().clone(),
            }),
        }
    }

    /// Hash of the proposed block.
    pub const fn block_hash(&self) -> CryptoHash {
        self.block_hash
    }

    /// What votes for it are about, beside the round.
    pub const fn content(&self) -> Content {
        let certified = match &self.original_proposal {
            Some(OriginalProposal::Regular { certificate }) => Some(certificate.payload.round),
            Some(OriginalProposal::Fast { .. }) | None => None,
        };
        (self.block_hash, certified)
    }

    /// Who signed it.
    pub fn owner(&self) -> AccountOwner {
        self.public_key.owner()
    }

    /// The super owner's key and signature over this block in the fast round: of the proposal that
    /// it is a retry of, or its own.
    pub const fn fast_signature(&self) -> (PublicKey, Signature) {
        match &self.original_proposal {
            Some(OriginalProposal::Fast {
                public_key,
                signature,
            }) => (*public_key, *signature),
            Some(OriginalProposal::Regular { .. }) | None => (self.public_key, self.signature),
        }
    }

    /// Whether the proposer's signature is right.
    pub fn check_signature(&self, store: &dyn ContentStore) -> bool {
        let digest = digest(self.block_hash, self.round, self.outcome.as_deref());
        store.verify(&self.public_key, &digest, &self.signature)
    }

    /// Whether `key` has signed this block for the fast round.
    pub fn check_fast_signature(
        &self,
        key: &PublicKey,
        signature: &Signature,
        store: &dyn ContentStore,
    ) -> bool {
        store.verify(key, &digest(self.block_hash, Round::Fast, None), signature)
    }
}
