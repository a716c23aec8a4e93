//! From records to bytes, a frame at a time.

use std::io::{self, Write};

use engine::{Checkpoint, Stamped};

use crate::{
    event::Event,
    format::{End, FRAME_GOAL, FRAME_MAX, Header, MAGIC, NAMES_PER_ITEM, VERSION, checksum},
    sampling::Sampling,
    wire::{HeaderWire, ItemRef, WalletWire, chains_of},
};

/// How hard frames are compressed. The value is part of what a file's bytes are.
const LEVEL: i32 = 3;

/// Why a trace could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The bytes could not be written.
    #[error("the trace cannot be written: {0}")]
    Io(#[from] io::Error),
    /// One record alone is larger than a frame may be.
    #[error("a record of {0} bytes does not fit a frame of the trace")]
    TooLarge(usize),
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file.
    pub bytes: u64,
    /// Records in it.
    pub records: u64,
    /// blake3 of the whole file, in hex.
    pub hash: String,
}

/// Takes records and checkpoints in the order of the run.
pub trait TraceWrite {
    /// The next record. Whether it is kept is decided by the sampling.
    ///
    /// # Errors
    /// If it cannot be written.
    fn record(&mut self, record: &Stamped<Event>) -> Result<(), WriteError>;

    /// The next checkpoint.
    ///
    /// # Errors
    /// If it cannot be written.
    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), WriteError>;
}

/// Writes a trace to anything that takes bytes.
pub struct Writer<W> {
    out: W,
    sampling: Sampling,
    compressor: zstd::bulk::Compressor<'static>,
    frame: Vec<u8>,
    hasher: blake3::Hasher,
    bytes: u64,
    records: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a trace.
    ///
    /// # Errors
    /// If the header cannot be written.
    pub fn new(out: W, header: &Header) -> Result<Self, WriteError> {
        let mut writer = Self {
            out,
            sampling: header.sampling,
            compressor: zstd::bulk::Compressor::new(LEVEL)?,
            frame: Vec::with_capacity(FRAME_GOAL + FRAME_GOAL / 4),
            hasher: blake3::Hasher::new(),
            bytes: 0,
            records: 0,
        };
        writer.put(&MAGIC)?;
        writer.put(&VERSION.to_le_bytes())?;
        writer.header(header)?;
        Ok(writer)
    }

    fn header(&mut self, header: &Header) -> Result<(), WriteError> {
        self.item(&ItemRef::Header(HeaderWire::of(header)))?;
        let directory = &header.directory;
        for some in directory.addresses.chunks(NAMES_PER_ITEM) {
            self.item(&ItemRef::Addresses(some))?;
        }
        for some in directory.wallets.chunks(NAMES_PER_ITEM) {
            self.item(&ItemRef::Wallets(some.iter().map(WalletWire::of).collect()))?;
        }
        for some in chains_of(directory).chunks(NAMES_PER_ITEM) {
            self.item(&ItemRef::Chains(some.to_vec()))?;
        }
        Ok(())
    }

    /// Ends the trace. Without this a reader calls it truncated.
    ///
    /// # Errors
    /// If the rest cannot be written.
    pub fn finish(mut self, end: &End) -> Result<Written, WriteError> {
        self.item(&ItemRef::end(end))?;
        self.flush_frame()?;
        self.out.flush()?;
        let hash = self.hasher.finalize().to_hex().to_string();
        Ok(Written {
            bytes: self.bytes,
            records: self.records,
            hash,
        })
    }

    /// An item in the open frame: its length, then its encoding.
    fn item(&mut self, item: &ItemRef<'_>) -> Result<(), WriteError> {
        let before = self.frame.len();
        self.frame.extend_from_slice(&[0; 4]);
        bcs::serialize_into(&mut self.frame, item)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let length = self.frame.len() - before - 4;
        if length + 4 > FRAME_MAX {
            self.frame.truncate(before);
            return Err(WriteError::TooLarge(length));
        }
        let prefix = u32::try_from(length)
            .expect("bounded by the frame")
            .to_le_bytes();
        self.frame[before..before + 4].copy_from_slice(&prefix);
        if self.frame.len() > FRAME_MAX {
            // The item is small enough alone: what came before it goes out first.
            let item = self.frame.split_off(before);
            self.flush_frame()?;
            self.frame = item;
        }
        if self.frame.len() >= FRAME_GOAL {
            self.flush_frame()
        } else {
            Ok(())
        }
    }

    fn flush_frame(&mut self) -> Result<(), WriteError> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let compressed = self.compressor.compress(&self.frame)?;
        let length = |bytes: usize| u32::try_from(bytes).expect("bounded by the frame");
        let mut lengths = [0; 8];
        lengths[..4].copy_from_slice(&length(compressed.len()).to_le_bytes());
        lengths[4..].copy_from_slice(&length(self.frame.len()).to_le_bytes());
        self.put(&lengths)?;
        self.put(&checksum(&lengths, &compressed))?;
        self.put(&compressed)?;
        self.frame.clear();
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.out.write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes += u64::try_from(bytes.len()).expect("lengths fit 64 bits");
        Ok(())
    }
}

impl<W: Write> TraceWrite for Writer<W> {
    fn record(&mut self, record: &Stamped<Event>) -> Result<(), WriteError> {
        if self.sampling.keeps(record.time, record.actor, record.index) {
            self.item(&ItemRef::record(record))?;
            self.records += 1;
        }
        Ok(())
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), WriteError> {
        self.item(&ItemRef::checkpoint(checkpoint))
    }
}
