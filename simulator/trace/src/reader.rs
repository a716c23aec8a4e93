//! From bytes to items. Nothing is believed: lengths are bounded, checksums compared, the order
//! looked at.

use std::io::{self, Read};

use engine::{ActorId, VirtualTime};
use protocol::ids::{ChainId, ClientIndex};

use crate::{
    directory::{Directory, WalletEntry},
    format::{CHECKSUM, FRAME_HEAD, FRAME_MAX, Header, Item, MAGIC, PREAMBLE, VERSION, checksum},
    wire::{ItemWire, WalletWire, chain_of},
};

/// More parties than this are not believed: the directory is held in memory.
const PARTIES_MAX: u64 = 1 << 23;
/// Longer names are not believed.
const NAME_MAX: usize = 512;

/// Why bytes are not a trace.
#[derive(Debug, thiserror::Error)]
#[error("byte {offset}: {reason}")]
pub struct ReadError {
    /// Where the part begins that could not be read: the file's first byte, or a frame.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: ReadReason,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ReadReason {
    /// The bytes could not be read.
    #[error("{0}")]
    Io(io::Error),
    /// The file does not begin like a trace.
    #[error("this is not a trace")]
    NotATrace,
    /// The trace has another version.
    #[error("the trace has version {found}, and this program reads version {VERSION}")]
    WrongVersion {
        /// The version of the trace.
        found: u32,
    },
    /// The trace ends before its end entry.
    #[error("the trace is truncated")]
    Truncated,
    /// The trace was changed, or was not made by this program.
    #[error("the trace is corrupted: {0}")]
    Corrupted(&'static str),
}

/// Reads a trace. It is an iterator over what follows the header; after an error, or after the
/// end entry, there is nothing more.
pub struct Reader<R> {
    frames: Frames<R>,
    header: Header,
    last: Option<(VirtualTime, ActorId, u64)>,
    done: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is not that of a trace of this version.
    pub fn new(input: R) -> Result<Self, ReadError> {
        let mut frames = Frames::new(input)?;
        let header = read_header(&mut frames)?;
        Ok(Self {
            frames,
            header,
            last: None,
            done: false,
        })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    fn read_item(&mut self) -> Result<Item, ReadError> {
        let wire = self.frames.next_item()?;
        let corrupted = |what| self.frames.corrupted(what);
        let item = wire
            .read()
            .ok_or_else(|| corrupted("an entry is out of place"))?;
        match &item {
            Item::Record(record) => {
                let order = record.order();
                if self.last.is_some_and(|last| last >= order) {
                    return Err(corrupted("records are out of order"));
                }
                self.last = Some(order);
            }
            Item::Checkpoint(checkpoint) => {
                if self
                    .last
                    .is_some_and(|(time, _, _)| time >= checkpoint.time)
                {
                    return Err(corrupted("a checkpoint is out of order"));
                }
            }
            Item::End(_) => {
                self.done = true;
                self.frames.expect_end()?;
            }
        }
        Ok(item)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Item, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.read_item();
        self.done |= item.is_err();
        Some(item)
    }
}

fn read_header<R: Read>(frames: &mut Frames<R>) -> Result<Header, ReadError> {
    let ItemWire::Header(wire) = frames.next_item()? else {
        return Err(frames.corrupted("the header is missing"));
    };
    let announced = (wire.addresses, wire.wallets, wire.chains);
    if announced.0.max(announced.1).max(announced.2) > PARTIES_MAX {
        return Err(frames.corrupted("there are too many parties"));
    }
    let header = wire.read();
    let mut header = header.ok_or_else(|| frames.corrupted("the header makes no sense"))?;
    let directory = &mut header.directory;
    while counts(directory) != announced {
        match frames.next_item()? {
            ItemWire::Addresses(some) => directory.addresses.extend(some),
            ItemWire::Wallets(some) => {
                directory
                    .wallets
                    .extend(some.into_iter().map(WalletWire::read));
            }
            ItemWire::Chains(some) => {
                for entry in some {
                    add_chain(directory, entry)
                        .ok_or_else(|| frames.corrupted("a chain has no wallet"))?;
                }
            }
            ItemWire::Header(_)
            | ItemWire::Record(..)
            | ItemWire::Checkpoint(..)
            | ItemWire::End(_) => return Err(frames.corrupted("names are missing")),
        }
        let found = counts(directory);
        if found.0 > announced.0 || found.1 > announced.1 || found.2 > announced.2 {
            return Err(frames.corrupted("there are more names than announced"));
        }
    }
    let long = |wallet: &WalletEntry| {
        let WalletEntry {
            chain_name,
            owner_name,
            group,
            owner: _,
            chain: _,
        } = wallet;
        chain_name.len().max(owner_name.len()).max(group.len()) > NAME_MAX
    };
    if directory.wallets.iter().any(long) {
        return Err(frames.corrupted("a name is too long"));
    }
    Ok(header)
}

fn counts(directory: &Directory) -> (u64, u64, u64) {
    let long = |length: usize| u64::try_from(length).expect("lengths fit 64 bits");
    let Directory {
        addresses,
        validators: _,
        wallets,
        chains,
    } = directory;
    (
        long(addresses.len()),
        long(wallets.len()),
        long(chains.len()),
    )
}

fn add_chain(directory: &mut Directory, entry: (ClientIndex, Option<ChainId>)) -> Option<()> {
    let chain = chain_of(directory, entry)?;
    directory.chains.insert(chain, entry.0);
    Some(())
}

/// The frames of a file, and the items in them.
struct Frames<R> {
    input: R,
    decompressor: zstd::bulk::Decompressor<'static>,
    /// The items of the open frame,
    frame: Vec<u8>,
    /// how far they were read,
    position: usize,
    /// and where the frame begins in the file.
    frame_at: u64,
    /// Where the next frame begins.
    offset: u64,
}

impl<R: Read> Frames<R> {
    fn new(input: R) -> Result<Self, ReadError> {
        let decompressor = zstd::bulk::Decompressor::new().map_err(|error| ReadError {
            offset: 0,
            reason: ReadReason::Io(error),
        })?;
        let mut frames = Self {
            input,
            decompressor,
            frame: Vec::new(),
            position: 0,
            frame_at: 0,
            offset: 0,
        };
        let bytes = frames.read_up_to(PREAMBLE)?;
        if !bytes.starts_with(&MAGIC) {
            return Err(frames.error(ReadReason::NotATrace));
        }
        let version = bytes[MAGIC.len()..].try_into().map(u32::from_le_bytes);
        match version {
            Ok(VERSION) => {}
            Ok(found) => return Err(frames.error(ReadReason::WrongVersion { found })),
            Err(_) => return Err(frames.error(ReadReason::Truncated)),
        }
        frames.offset = length(PREAMBLE);
        Ok(frames)
    }

    fn error(&self, reason: ReadReason) -> ReadError {
        ReadError {
            offset: self.frame_at,
            reason,
        }
    }

    fn corrupted(&self, what: &'static str) -> ReadError {
        self.error(ReadReason::Corrupted(what))
    }

    /// Up to `count` bytes: fewer only at the end of the input.
    fn read_up_to(&mut self, count: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        let read = self
            .input
            .by_ref()
            .take(length(count))
            .read_to_end(&mut bytes);
        match read {
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.error(ReadReason::Io(error))),
        }
    }

    fn next_item(&mut self) -> Result<ItemWire, ReadError> {
        if self.position == self.frame.len() {
            self.open_frame()?;
        }
        let rest = &self.frame[self.position..];
        let Some((head, rest)) = rest.split_first_chunk::<4>() else {
            return Err(self.corrupted("an entry has no length"));
        };
        let size = usize::try_from(u32::from_le_bytes(*head)).unwrap_or(usize::MAX);
        let Some(bytes) = rest.get(..size) else {
            return Err(self.corrupted("an entry is longer than its frame"));
        };
        let item =
            bcs::from_bytes(bytes).map_err(|_| self.corrupted("an entry does not decode"))?;
        self.position += 4 + size;
        Ok(item)
    }

    fn open_frame(&mut self) -> Result<(), ReadError> {
        self.frame_at = self.offset;
        let head = self.read_up_to(FRAME_HEAD)?;
        let Some((lengths, sum)) = head.split_first_chunk::<8>() else {
            return Err(self.error(ReadReason::Truncated));
        };
        if sum.len() < CHECKSUM {
            return Err(self.error(ReadReason::Truncated));
        }
        let half = |from: usize| {
            let bytes = [
                lengths[from],
                lengths[from + 1],
                lengths[from + 2],
                lengths[from + 3],
            ];
            usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX)
        };
        let (compressed_size, raw_size) = (half(0), half(4));
        if compressed_size > FRAME_MAX || raw_size > FRAME_MAX || raw_size == 0 {
            return Err(self.corrupted("a frame has an impossible size"));
        }
        let compressed = self.read_up_to(compressed_size)?;
        if compressed.len() < compressed_size {
            return Err(self.error(ReadReason::Truncated));
        }
        if checksum(lengths, &compressed) != sum {
            return Err(self.corrupted("a checksum is wrong"));
        }
        self.frame = self
            .decompressor
            .decompress(&compressed, raw_size)
            .map_err(|_| self.corrupted("a frame does not decompress"))?;
        if self.frame.len() != raw_size {
            return Err(self.corrupted("a frame has another size than it says"));
        }
        self.position = 0;
        self.offset += length(FRAME_HEAD + compressed_size);
        Ok(())
    }

    /// Nothing may follow the end entry.
    fn expect_end(&mut self) -> Result<(), ReadError> {
        let rest = self.read_up_to(1)?;
        if self.position < self.frame.len() || !rest.is_empty() {
            return Err(self.corrupted("something follows the end"));
        }
        Ok(())
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("lengths fit 64 bits")
}
