//! What a trace file says, and the sizes that both sides keep to.

use engine::{Checkpoint, Digest, Stamped, VirtualTime};

use crate::{directory::Directory, event::Event, sampling::Sampling};

/// The version of the format. A reader knows one version only.
pub const VERSION: u32 = 1;

/// The first bytes of every trace.
pub(crate) const MAGIC: [u8; 8] = *b"MCTRACE\0";
/// Magic and version.
pub(crate) const PREAMBLE: usize = 12;
/// Compressed length, raw length, checksum.
pub(crate) const FRAME_HEAD: usize = 8 + CHECKSUM;
/// Bytes of the checksum that are kept.
pub(crate) const CHECKSUM: usize = 16;
/// A frame is closed when its items take so many bytes.
pub(crate) const FRAME_GOAL: usize = 256 << 10;
/// No frame holds more, raw or compressed: this bounds the memory of a reader.
pub(crate) const FRAME_MAX: usize = 8 << 20;
/// Names in one item, so that a directory of a million wallets fits many frames.
pub(crate) const NAMES_PER_ITEM: usize = 2_048;

/// The checksum of a frame: over its two lengths and its compressed bytes.
pub(crate) fn checksum(lengths: &[u8; 8], compressed: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new_derive_key("microchains trace frame v1");
    hasher.update(lengths);
    hasher.update(compressed);
    let mut kept = [0; CHECKSUM];
    kept.copy_from_slice(&hasher.finalize().as_bytes()[..CHECKSUM]);
    kept
}

/// What a trace begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Name of the scenario, such as `lanes`.
    pub scenario: String,
    /// The seed of every draw.
    pub seed: u64,
    /// Hash of the plan that was run.
    pub plan: Digest,
    /// Which records are in the file.
    pub sampling: Sampling,
    /// Who is who.
    pub directory: Directory,
}

/// One entry after the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A record in its place of the run's one order.
    Record(Box<Stamped<Event>>),
    /// The root over all that happened before an instant.
    Checkpoint(Checkpoint),
    /// The last entry.
    End(End),
}

/// How the run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Why, in words: `completed`, `quiescent`, `stopped: I-1 CommitAgreement`.
    pub outcome: String,
    /// When.
    pub ended_at: VirtualTime,
    /// THE hash of the run.
    pub root: Digest,
    /// Events that the engine handled.
    pub events: u64,
}
