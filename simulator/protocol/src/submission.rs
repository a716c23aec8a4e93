//! Operations that users hand in to a public chain, where they propose no blocks: signed by the user,
//! numbered, and put into a block by whichever validator leads.
//!
//! The number is why an operation is executed once at most, however often it is handed in and to
//! however many validators: a chain takes the operations of one user in their order, without gaps.

use serde::{Deserialize, Serialize};

use crate::{
    amount::Amount,
    hash::{CryptoHash, Hashable},
    ids::{Account, AccountOwner, ChainId},
    signature::{PublicKey, Signature, SigningKey},
    store::ContentStore,
};

/// The part that the user signs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Submission {
    /// The chain that is to execute it.
    pub chain_id: ChainId,
    /// How many operations of this user the chain has executed before.
    pub nonce: u64,
    /// Who gets the tokens from the user's account there.
    pub recipient: Account,
    /// How many; not 0.
    pub amount: Amount,
}

impl Hashable for Submission {
    const TAG: &'static str = "Submission";
}

/// A user's signed operation.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct SubmittedOperation {
    /// What is to be done.
    pub submission: Submission,
    /// The user's key.
    pub public_key: PublicKey,
    /// The user's signature.
    pub signature: Signature,
}

impl SubmittedOperation {
    /// Signs `submission`.
    pub fn new(submission: Submission, key: &SigningKey) -> Self {
        Self {
            submission,
            public_key: key.public(),
            signature: key.sign(&CryptoHash::of(&submission)),
        }
    }

    /// Whose it is.
    pub fn owner(&self) -> AccountOwner {
        self.public_key.owner()
    }

    /// Whether the user has signed it.
    pub fn check(&self, store: &dyn ContentStore) -> bool {
        let digest = CryptoHash::of(&self.submission);
        store.verify(&self.public_key, &digest, &self.signature)
    }
}
