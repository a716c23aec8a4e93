//! The hash of a run: a 64-bit chain per actor, always on, and a root over all of them.
//!
//! Invariant: a chain folds what its actor handled, emitted and recorded, in order, and nothing
//! that depends on how the run was driven. Two roots agree only if every actor's story does.

use std::fmt;

use crate::ids::{ActorId, Key};

/// A 256-bit hash: the root over all actors' chains.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The chain hash of one actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain(u64);

impl Chain {
    const HANDLED: u64 = 0x9e37_79b9_7f4a_7c15;
    const CAUSED: u64 = 0xd1b5_4a32_d192_ed03;
    const EMITTED: u64 = 0xa076_1d64_78bd_642f;
    const RECORDED: u64 = 0xe703_7ed1_a0b4_28db;

    pub(crate) fn handled(&mut self, key: Key, fingerprint: u64) {
        self.fold(key.time.0, fingerprint ^ Self::HANDLED);
        self.fold(u64::from(key.src.0), key.seq.raw() ^ Self::CAUSED);
    }

    pub(crate) fn emitted(&mut self, target: u64, fingerprint: u64) {
        self.fold(target, fingerprint ^ Self::EMITTED);
    }

    pub(crate) fn recorded(&mut self, fingerprint: u64) {
        self.fold(fingerprint.rotate_left(32), fingerprint ^ Self::RECORDED);
    }

    pub(crate) fn value(self) -> u64 {
        self.0
    }

    /// Multiplies to 128 bits and folds the halves: every bit of the input reaches every bit.
    fn fold(&mut self, a: u64, b: u64) {
        let product = u128::from(self.0 ^ a ^ 0x2d35_8dcc_aa6c_78a5) * u128::from(b | 1);
        let high = u64::try_from(product >> 64).expect("the upper half of 128 bits");
        let low = u64::try_from(product & u128::from(u64::MAX)).expect("masked to 64 bits");
        self.0 = (high ^ low).rotate_left(23) ^ b;
    }
}

/// Where one actor stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActorDigest {
    /// How many events it handled.
    pub events: u64,
    /// Its chain hash.
    pub chain: u64,
}

/// The root over all actors, given in the order of their identifiers.
pub(crate) fn root(actors: &[ActorDigest]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("microchains engine run root v1");
    for (index, actor) in actors.iter().enumerate() {
        let mut line = [0; 20];
        line[..4].copy_from_slice(&ActorId::from_index(index).0.to_le_bytes());
        line[4..12].copy_from_slice(&actor.events.to_le_bytes());
        line[12..].copy_from_slice(&actor.chain.to_le_bytes());
        hasher.update(&line);
    }
    Digest(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Sequence;
    use crate::time::VirtualTime;

    fn handled(time: u64, src: u32, number: u64, fingerprint: u64) -> u64 {
        let mut chain = Chain::default();
        let seq = Sequence::emission(number);
        chain.handled(
            Key {
                time: VirtualTime(time),
                src: ActorId(src),
                seq,
            },
            fingerprint,
        );
        chain.value()
    }

    #[test]
    fn every_part_of_an_event_changes_the_chain() {
        let base = handled(1, 2, 3, 4);
        for other in [
            handled(0, 2, 3, 4),
            handled(1, 1, 3, 4),
            handled(1, 2, 2, 4),
        ] {
            assert_ne!(base, other);
        }
        assert_ne!(base, handled(1, 2, 3, 5));
        assert_eq!(base, handled(1, 2, 3, 4));
    }

    #[test]
    fn order_changes_the_chain_and_kinds_are_apart() {
        let fold = |steps: &[(bool, u64)]| {
            let mut chain = Chain::default();
            for &(emitted, value) in steps {
                if emitted {
                    chain.emitted(value, value)
                } else {
                    chain.recorded(value)
                }
            }
            chain.value()
        };
        assert_ne!(fold(&[(true, 1), (true, 2)]), fold(&[(true, 2), (true, 1)]));
        assert_ne!(fold(&[(true, 1)]), fold(&[(false, 1)]));
    }

    #[test]
    fn the_root_says_which_actor_did_what() {
        let one = ActorDigest {
            events: 1,
            chain: 7,
        };
        let none = ActorDigest::default();
        assert_ne!(root(&[one, none]), root(&[none, one]));
        assert_eq!(root(&[one, none]).to_string().len(), 64);
    }
}
