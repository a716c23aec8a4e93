//! The trace of a run as a file: records, checkpoints, writer and reader.

mod directory;
mod event;

pub use directory::{Directory, WalletEntry};
pub use event::Event;
