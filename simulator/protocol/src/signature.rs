//! Keys and signatures over 32-byte digests.
//!
//! Two schemes: `ed25519` signs for real, `modeled` costs no arithmetic and is unforgeable by
//! construction (only [`SigningKey::sign`] makes one, and it needs the key). Both cost the same
//! virtual time, which is not accounted here. Verification is one rule for all: strict, one by one.

use std::fmt;

use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize};

use crate::{
    hash::{CryptoHash, Hashable},
    ids::AccountOwner,
};

/// How signatures are made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum SignatureScheme {
    /// Real Ed25519 signatures.
    Ed25519,
    /// Values that only the holder of the key can make.
    Modeled,
}

/// Public half of a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PublicKey {
    /// An Ed25519 key, compressed.
    Ed25519(CryptoHash),
    /// A modeled key: the hash of its secret.
    Modeled(CryptoHash),
}

impl Hashable for PublicKey {
    const TAG: &'static str = "PublicKey";
}

impl PublicKey {
    /// The account owner that this key acts for.
    pub fn owner(&self) -> AccountOwner {
        AccountOwner::Address32(CryptoHash::of(self))
    }

    const fn bytes(&self) -> &[u8; 32] {
        match self {
            Self::Ed25519(bytes) | Self::Modeled(bytes) => bytes.as_bytes(),
        }
    }

    /// This key in the form that verification needs; `None` if it is no point of the curve. Costs
    /// about a tenth of a real verification, so whoever meets a key often may keep it.
    pub fn decode(&self) -> Option<DecodedKey> {
        let curve = match self {
            Self::Ed25519(bytes) => {
                Some(ed25519_dalek::VerifyingKey::from_bytes(bytes.as_bytes()).ok()?)
            }
            Self::Modeled(_) => None,
        };
        Some(DecodedKey { key: *self, curve })
    }

    /// Whether `signature` is this key's over `digest`. Costs a real verification under
    /// [`SignatureScheme::Ed25519`].
    pub fn verify(&self, digest: &CryptoHash, signature: &Signature) -> bool {
        self.decode()
            .is_some_and(|key| key.verify(digest, signature))
    }
}

/// A public key ready to verify with.
#[derive(Clone, Copy, Debug)]
pub struct DecodedKey {
    key: PublicKey,
    curve: Option<ed25519_dalek::VerifyingKey>,
}

impl DecodedKey {
    /// The same as [`PublicKey::verify`].
    pub fn verify(&self, digest: &CryptoHash, signature: &Signature) -> bool {
        match (&self.curve, &signature.0) {
            (Some(curve), Kind::Ed25519(signature)) => {
                let mut raw = [0; 64];
                raw[..32].copy_from_slice(signature.0.as_bytes());
                raw[32..].copy_from_slice(signature.1.as_bytes());
                let signature = ed25519_dalek::Signature::from_bytes(&raw);
                curve.verify_strict(digest.as_bytes(), &signature).is_ok()
            }
            (None, Kind::Modeled(tag)) => *tag == modeled_tag(&self.key, digest),
            (Some(_), Kind::Modeled(_)) | (None, Kind::Ed25519(_)) => false,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {:?}", CryptoHash::from_bytes(*self.bytes()))
    }
}

/// A signature over a digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Signature(Kind);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
enum Kind {
    Ed25519((CryptoHash, CryptoHash)),
    Modeled(u64),
}

impl Signature {
    /// A key under which one verification result may be remembered.
    pub fn memo_key(&self, key: &PublicKey, digest: &CryptoHash) -> CryptoHash {
        let mut bytes = [0; 128];
        bytes[..32].copy_from_slice(key.bytes());
        bytes[32..64].copy_from_slice(digest.as_bytes());
        match &self.0 {
            Kind::Ed25519((head, tail)) => {
                bytes[64..96].copy_from_slice(head.as_bytes());
                bytes[96..].copy_from_slice(tail.as_bytes());
            }
            Kind::Modeled(tag) => bytes[64..72].copy_from_slice(&tag.to_le_bytes()),
        }
        CryptoHash::of_bytes("Verified", &bytes)
    }

    /// Whether verifying it costs real arithmetic, so that remembering the result pays.
    pub const fn is_costly(&self) -> bool {
        matches!(self.0, Kind::Ed25519(_))
    }
}

/// Secret half of a key. Not serialisable, and shown without its secret.
#[derive(Clone)]
pub struct SigningKey {
    public: PublicKey,
    secret: Option<Box<ed25519_dalek::SigningKey>>,
}

impl SigningKey {
    /// The key that `seed` determines under `scheme`.
    pub fn from_seed(scheme: SignatureScheme, seed: &[u8; 32]) -> Self {
        match scheme {
            SignatureScheme::Ed25519 => {
                let secret = ed25519_dalek::SigningKey::from_bytes(seed);
                let bytes = CryptoHash::from_bytes(secret.verifying_key().to_bytes());
                Self {
                    public: PublicKey::Ed25519(bytes),
                    secret: Some(Box::new(secret)),
                }
            }
            SignatureScheme::Modeled => {
                let public = PublicKey::Modeled(CryptoHash::of_bytes("ModeledSecret", seed));
                Self {
                    public,
                    secret: None,
                }
            }
        }
    }

    /// The public half.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs `digest`.
    pub fn sign(&self, digest: &CryptoHash) -> Signature {
        match &self.secret {
            Some(secret) => {
                let raw = secret.sign(digest.as_bytes()).to_bytes();
                let half = |from: usize| {
                    let mut bytes = [0; 32];
                    bytes.copy_from_slice(&raw[from..from + 32]);
                    CryptoHash::from_bytes(bytes)
                };
                Signature(Kind::Ed25519((half(0), half(32))))
            }
            None => Signature(Kind::Modeled(modeled_tag(&self.public, digest))),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret of {:?}", self.public)
    }
}

/// What a modeled signature holds: public key and digest mixed, so that a signature over one digest
/// never passes for another.
fn modeled_tag(key: &PublicKey, digest: &CryptoHash) -> u64 {
    let key = CryptoHash::from_bytes(*key.bytes()).fingerprint();
    let mixed = (key ^ digest.fingerprint()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 29) ^ key.rotate_left(17)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_bind_key_and_digest() {
        let digest = |byte: u8| CryptoHash::from_bytes([byte; 32]);
        for scheme in [SignatureScheme::Ed25519, SignatureScheme::Modeled] {
            let (ana, ben) = (
                SigningKey::from_seed(scheme, &[1; 32]),
                SigningKey::from_seed(scheme, &[2; 32]),
            );
            let signature = ana.sign(&digest(7));
            assert!(ana.public().verify(&digest(7), &signature));
            assert!(!ana.public().verify(&digest(8), &signature));
            assert!(!ben.public().verify(&digest(7), &signature));
        }
    }

    #[test]
    fn schemes_do_not_mix() {
        let real = SigningKey::from_seed(SignatureScheme::Ed25519, &[1; 32]);
        let modeled = SigningKey::from_seed(SignatureScheme::Modeled, &[1; 32]);
        let digest = CryptoHash::from_bytes([7; 32]);
        assert!(!real.public().verify(&digest, &modeled.sign(&digest)));
        assert!(!modeled.public().verify(&digest, &real.sign(&digest)));
    }
}
