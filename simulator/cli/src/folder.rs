//! The files that a scenario names: where they lie, and their copies in run directories.
//!
//! Invariant: a run directory has what its scenario names, so that it can be repeated when the files
//! themselves are gone or others.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use scenario::{FileError, Files, InputFile};
use serde::{Deserialize, Serialize};

use crate::rundir;

/// A copy of a file that a scenario names, in a run directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Input {
    /// Where it lies there.
    file: String,
    /// Its size, compressed.
    bytes: u64,
    /// What it is.
    blake3: String,
}

impl Input {
    /// Where the copy lies in the run directory.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }
}

/// Copies by the path that a scenario writes.
pub(crate) type Inputs = BTreeMap<String, Input>;

/// Where the files of a scenario lie.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folder {
    dir: PathBuf,
    copies: Inputs,
}

impl Folder {
    /// Around a scenario that lies at `path`.
    pub(crate) fn around(path: &Path) -> Self {
        let dir = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let is_copy = path
            .file_name()
            .is_some_and(|name| name == rundir::SCENARIO);
        let manifest = is_copy.then(|| rundir::read_manifest(&dir).ok()).flatten();
        let copies = manifest.map(|one| one.inputs).unwrap_or_default();
        Self { dir, copies }
    }

    fn copy(&self, copy: &Input, maximum: u64) -> Result<Vec<u8>, FileError> {
        let bytes = read(&self.dir.join(&copy.file), maximum)?;
        if blake3::hash(&bytes).to_hex().as_str() == copy.blake3 {
            Ok(bytes)
        } else {
            let why = format!("its copy {} was changed", copy.file);
            Err(FileError::Unreadable(why))
        }
    }
}

impl Files for Folder {
    fn read(&self, path: &str, maximum: u64) -> Result<Vec<u8>, FileError> {
        match self.copies.get(path) {
            Some(copy) => self.copy(copy, maximum),
            None => read(&self.dir.join(path), maximum),
        }
    }
}

fn read(path: &Path, maximum: u64) -> Result<Vec<u8>, FileError> {
    let said = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing,
        io::ErrorKind::IsADirectory => FileError::Directory,
        _ => FileError::Unreadable(error.to_string()),
    };
    if path.is_dir() {
        return Err(FileError::Directory);
    }
    let file = fs::File::open(path).map_err(said)?;
    let mut bytes = Vec::new();
    let mut bounded = file.take(maximum.saturating_add(1));
    bounded.read_to_end(&mut bytes).map_err(said)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= maximum) {
        Ok(bytes)
    } else {
        Err(FileError::TooLarge)
    }
}

/// Copies of files, named by what they are, and where each lies.
pub(crate) fn copies(files: &[InputFile]) -> Vec<(String, Input, &[u8])> {
    let copy = |file: &'_ InputFile| {
        let blake3 = blake3::hash(&file.stored).to_hex().to_string();
        Input {
            file: format!("inputs/{}.wasm.zst", &blake3[..16]),
            bytes: u64::try_from(file.stored.len()).expect("files are bounded"),
            blake3,
        }
    };
    let files = files.iter();
    files
        .map(|file| (file.path.clone(), copy(file), &*file.stored))
        .collect()
}
