//! Code of applications that lies in files of its own.
//!
//! Owns what may be in such a file, and its form in a plan. Whoever checks a scenario reads the files:
//! nothing here opens one. Invariant: of one file of a scenario there is one content, whatever variants
//! name it.

use std::{cell::RefCell, collections::BTreeMap, io::Read, sync::Arc};

/// The most bytes that a module has, compressed or not; what a validator takes in.
pub const MODULE_BYTES_MAX: u64 = 10_000_000;

/// What Linera compresses bytecode with, so that sizes are what they are there.
const LEVEL: i32 = 19;
const COMPRESSED: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const WASM: [u8; 4] = *b"\0asm";
const CORE_MODULE: [u8; 4] = [1, 0, 0, 0];

/// Reads the files that a scenario names.
pub trait Files {
    /// The content of the file with this path, as the scenario writes it.
    ///
    /// # Errors
    /// If it cannot be read, or has more than `maximum` bytes.
    fn read(&self, path: &str, maximum: u64) -> Result<Vec<u8>, FileError>;
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileError {
    /// There is none.
    Missing,
    /// It is a directory.
    Directory,
    /// It has more bytes than it may.
    TooLarge,
    /// Something else, in words.
    Unreadable(String),
}

/// For scenarios that name no files.
pub(crate) struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str, _maximum: u64) -> Result<Vec<u8>, FileError> {
        Err(FileError::Unreadable(
            "no files can be read here".to_owned(),
        ))
    }
}

/// A file that a scenario names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Its path, as the scenario writes it.
    pub path: String,
    /// The module in it, compressed.
    pub stored: Arc<[u8]>,
}

/// The files that were read already.
pub(crate) struct Shelf<'a> {
    files: &'a dyn Files,
    known: RefCell<BTreeMap<String, Known>>,
}

/// What a file turned out to be.
type Known = Result<Arc<[u8]>, Problem>;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) message: String,
    /// Whether it was read, and is not what it should be.
    pub(crate) was_read: bool,
}

impl<'a> Shelf<'a> {
    pub(crate) const fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            known: RefCell::new(BTreeMap::new()),
        }
    }

    /// The module in a file, compressed. An error says what is wrong with the file.
    pub(crate) fn module(&self, path: &str) -> Known {
        let mut known = self.known.borrow_mut();
        let module = known.entry(path.to_owned()).or_insert_with(|| {
            match self.files.read(path, MODULE_BYTES_MAX) {
                Ok(bytes) => stored(bytes).map(Into::into).map_err(|message| Problem {
                    message,
                    was_read: true,
                }),
                Err(error) => Err(said(&error)),
            }
        });
        module.clone()
    }

    /// All files that were read and are modules, by path.
    pub(crate) fn inputs(self) -> Vec<InputFile> {
        let known = self.known.into_inner().into_iter();
        let input = |(path, module): (String, Known)| {
            let stored = module.ok()?;
            Some(InputFile { path, stored })
        };
        known.filter_map(input).collect()
    }
}

fn said(error: &FileError) -> Problem {
    Problem {
        message: match error {
            FileError::Missing => "there is no such file".to_owned(),
            FileError::Directory => "this is a directory".to_owned(),
            FileError::TooLarge => too_large(),
            FileError::Unreadable(why) => format!("this file cannot be read: {why}"),
        },
        was_read: matches!(error, FileError::TooLarge),
    }
}

fn too_large() -> String {
    let megabytes = MODULE_BYTES_MAX / 1_000_000;
    format!("a module has {megabytes} MB at most, and this file has more")
}

/// A module as a blob holds it: what is compressed already keeps its bytes.
fn stored(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(&COMPRESSED) {
        looks_like_code(&bytes)?;
        return zstd::bulk::compress(&bytes, LEVEL)
            .map_err(|error| format!("this file cannot be compressed: {error}"));
    }
    let broken = |error: std::io::Error| format!("this file cannot be unpacked: {error}");
    let decoder = zstd::Decoder::with_buffer(bytes.as_slice()).map_err(broken)?;
    let mut code = Vec::new();
    let mut bounded = decoder.take(MODULE_BYTES_MAX + 1);
    bounded.read_to_end(&mut code).map_err(broken)?;
    if u64::try_from(code.len()).is_ok_and(|length| length <= MODULE_BYTES_MAX) {
        looks_like_code(&code)?;
        Ok(bytes)
    } else {
        Err(too_large())
    }
}

fn looks_like_code(code: &[u8]) -> Result<(), String> {
    match code.strip_prefix(&WASM) {
        Some(rest) if rest.starts_with(&CORE_MODULE) => Ok(()),
        Some(_) => Err("this is no core module of Wasm".to_owned()),
        None => Err("this is not Wasm".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(Vec<u8>);

    impl Files for Folder {
        fn read(&self, _path: &str, maximum: u64) -> Result<Vec<u8>, FileError> {
            match u64::try_from(self.0.len()) {
                Ok(length) if length <= maximum => Ok(self.0.clone()),
                Ok(_) | Err(_) => Err(FileError::TooLarge),
            }
        }
    }

    fn module(bytes: &[u8]) -> Result<Arc<[u8]>, String> {
        let module = Shelf::new(&Folder(bytes.to_vec())).module("x.wasm");
        module.map_err(|problem| problem.message)
    }

    fn packed(code: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(code, 3).expect("it compresses")
    }

    #[test]
    fn code_is_compressed_once() {
        let code = b"\0asm\x01\0\0\0";
        let stored = module(code).expect("this is a module");
        assert_eq!(
            zstd::bulk::decompress(&stored, 100).expect("it is compressed"),
            code
        );
        let packed = packed(code);
        assert_eq!(module(&packed).as_deref(), Ok(packed.as_slice()));
    }

    #[test]
    fn everything_else_is_refused() {
        let not_wasm = Err("this is not Wasm".to_owned());
        assert_eq!(module(b""), not_wasm);
        assert_eq!(module(b"(module)"), not_wasm);
        assert_eq!(module(&packed(b"(module)")), not_wasm);
        let component = Err("this is no core module of Wasm".to_owned());
        assert_eq!(module(b"\0asm\x0d\0\x01\0"), component);
        let size = usize::try_from(MODULE_BYTES_MAX).expect("it fits");
        let mut large = vec![0; size + 1];
        large[..8].copy_from_slice(b"\0asm\x01\0\0\0");
        assert_eq!(module(&large), Err(too_large()));
        // A few bytes that claim to be many.
        assert_eq!(module(&packed(&large)), Err(too_large()));
        let mut torn = packed(b"\0asm\x01\0\0\0");
        torn.pop();
        assert!(module(&torn).is_err_and(|why| why.contains("unpacked")));
    }
}
