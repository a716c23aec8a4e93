//! The trace of a run as a file: records, checkpoints, writer and reader.
//!
//! ```text
//! "MCTRACE\0" version | frame | frame | ...        frame = lengths, checksum, zstd(items)
//!                       items: header, names ..., records and checkpoints in order, end
//! ```
//! Owns the format of `trace.mct` and who is who in it. Invariants: equal runs give equal bytes;
//! sampling looks at what a record is, never at chance; a reader given any bytes answers with
//! items or with one error that names a place and a reason, in bounded memory. Opens no files:
//! whoever calls brings something to write to or to read from.

mod difference;
mod directory;
mod event;
mod format;
mod reader;
mod sampling;
mod wire;
mod writer;

pub use difference::{Difference, Side, first_difference};
pub use directory::{Directory, WalletEntry};
pub use event::Event;
pub use format::{End, Header, Item, VERSION};
pub use reader::{ReadError, ReadReason, Reader};
pub use sampling::Sampling;
pub use writer::{TraceWrite, WriteError, Writer, Written};
