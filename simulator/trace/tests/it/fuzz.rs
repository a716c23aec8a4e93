//! Seeded mutations of a committed corpus: the reader answers every one of them, and in bounded
//! memory. A file that once made it fail belongs into the corpus.

#![expect(
    clippy::disallowed_methods,
    reason = "the committed corpus is files, and is made again on request"
)]

use std::{fs, path::PathBuf};

use trace::Reader;

use crate::samples::{header, record, written};

/// Mutations of each file of the corpus.
const ROUNDS: u64 = 1_500;

fn corpus_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/trace")
}

/// What the corpus began with; `UPDATE_CORPUS=1` writes it anew.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let kinds: Vec<_> = (0..12)
        .map(|kind| record(u64::from(kind) * 10, kind, 40))
        .collect();
    let many: Vec<_> = (0..150u8)
        .map(|n| record(u64::from(n) * 7, n, u64::from(n)))
        .collect();
    let whole = written(&header(3), &kinds);
    let truncated = whole[..whole.len() * 2 / 3].to_vec();
    let mut wrong_version = whole.clone();
    wrong_version[8] = 200;
    let mut bad_size = whole.clone();
    bad_size[12..20].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]);
    let mut entry = b"MCTRACE\0\x01\0\0\0".to_vec();
    entry.extend([0; 24]);
    let files = [
        ("every-kind.mct", whole),
        ("many.mct", written(&header(1), &many)),
        ("no-records.mct", written(&header(20), &[])),
        ("truncated.mct", truncated),
        ("wrong-version.mct", wrong_version),
        ("bad-size.mct", bad_size),
        ("empty-frame.mct", entry),
        (
            "not-a-trace.mct",
            b"{\"schema\": \"manifest/v1\"}\n".to_vec(),
        ),
        ("empty.mct", Vec::new()),
    ];
    files
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .collect()
}

/// splitmix64: the same mutations on every machine.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).expect("small");
        usize::try_from(self.next() % bound).expect("small")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

fn mutate(bytes: &mut Vec<u8>, draws: &mut Draws) {
    for _ in 0..=draws.below(4) {
        let at = draws.below(bytes.len());
        match draws.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << draws.below(8),
            1 if !bytes.is_empty() => bytes[at] = draws.byte(),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, draws.byte()),
            4 if !bytes.is_empty() => {
                let until = (at + draws.below(64)).min(bytes.len());
                let part = bytes[at..until].to_vec();
                let to = draws.below(bytes.len());
                bytes.splice(to..to, part);
            }
            _ if bytes.len() >= 36 => {
                // A frame's lengths, where the interesting mistakes are.
                let at = 12 + draws.below(8);
                bytes[at] = draws.byte();
            }
            _ => {}
        }
    }
}

/// Makes the checksum of the first frame right again, so that what is behind it is looked at too.
fn repair(bytes: &mut [u8]) {
    let Some(frame) = bytes.get_mut(12..) else {
        return;
    };
    if frame.len() < 24 {
        return;
    }
    let (head, rest) = frame.split_at_mut(24);
    let size = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let size = usize::try_from(size).expect("fits").min(rest.len());
    let mut hasher = blake3::Hasher::new_derive_key("microchains trace frame v1");
    hasher.update(&head[..8]);
    hasher.update(&rest[..size]);
    head[8..24].copy_from_slice(&hasher.finalize().as_bytes()[..16]);
}

/// Reads all there is; what comes of it does not matter, as long as it comes.
fn read_all(bytes: &[u8]) -> usize {
    match Reader::new(bytes) {
        Ok(reader) => reader.count(),
        Err(error) => error.to_string().len(),
    }
}

/// What comes of a file: how many items, and how it ends.
fn answer(bytes: &[u8]) -> (usize, String) {
    let reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (0, error.to_string()),
    };
    let mut read = 0;
    for item in reader {
        match item {
            Ok(_) => read += 1,
            Err(error) => return (read, error.to_string()),
        }
    }
    (read, "whole".to_owned())
}

#[test]
fn committed_traces_are_read_as_before() {
    let folder = corpus_folder();
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        for (name, bytes) in seeds() {
            fs::write(folder.join(name), bytes).expect("the corpus folder can be written");
        }
    }
    let other = "byte 0: the trace has version 200, and this program reads version 1";
    let size = "byte 12: the trace is corrupted: a frame has an impossible size";
    let decode = "byte 12: the trace is corrupted: an entry does not decode";
    let expected = [
        ("every-kind.mct", 13, "whole"),
        ("many.mct", 152, "whole"),
        ("no-records.mct", 1, "whole"),
        ("truncated.mct", 0, "byte 12: the trace is truncated"),
        ("wrong-version.mct", 0, other),
        ("bad-size.mct", 0, size),
        ("empty-frame.mct", 0, size),
        ("not-a-trace.mct", 0, "byte 0: this is not a trace"),
        ("empty.mct", 0, "byte 0: this is not a trace"),
        // Written before a field was added to blocks, and before there was a release.
        ("old-encoding.mct", 0, decode),
    ];
    for (name, items, end) in expected {
        let bytes = fs::read(folder.join(name)).expect("every seed is committed");
        let found = answer(&bytes);
        // Where this fails though nothing here was touched, the encoding of a fact has changed:
        // traces of today cannot be read any more, and the format needs a new version.
        assert_eq!(found, (items, end.to_owned()), "{name}");
    }
}

#[test]
fn no_mutation_of_the_corpus_makes_the_reader_panic() {
    let mut names: Vec<_> = fs::read_dir(corpus_folder())
        .expect("the corpus is committed")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "mct"))
        .collect();
    names.sort();
    assert!(names.len() >= 9);
    let mut read = 0;
    for (number, path) in (0..).zip(names) {
        let original = fs::read(path).expect("the corpus can be read");
        let mut draws = Draws(number);
        for round in 0..ROUNDS {
            let mut bytes = original.clone();
            mutate(&mut bytes, &mut draws);
            if round % 2 == 0 {
                repair(&mut bytes);
            }
            read += read_all(&bytes);
        }
    }
    assert!(read > 0);
}

#[test]
fn entries_that_decode_wrongly_are_refused() {
    // The content of the frame is changed before it is compressed, so that neither the checksum
    // nor the compression stands before the decoder.
    let original = written(
        &header(2),
        &(0..12)
            .map(|k| record(u64::from(k), k, 7))
            .collect::<Vec<_>>(),
    );
    let raw_size = u32::from_le_bytes([original[16], original[17], original[18], original[19]]);
    let raw_size = usize::try_from(raw_size).expect("fits");
    let raw = zstd::bulk::decompress(&original[36..], raw_size).expect("one frame");
    let mut draws = Draws(77);
    let mut whole = 0;
    for _ in 0..ROUNDS * 2 {
        let mut raw = raw.clone();
        mutate(&mut raw, &mut draws);
        let compressed = zstd::bulk::compress(&raw, 1).expect("memory takes everything");
        let mut bytes = original[..12].to_vec();
        let size = |length: usize| u32::try_from(length).expect("small").to_le_bytes();
        bytes.extend(size(compressed.len()));
        bytes.extend(size(raw.len()));
        bytes.extend([0; 16]);
        bytes.extend(compressed);
        repair(&mut bytes);
        let items = Reader::new(&*bytes).map(|reader| reader.filter(Result::is_ok).count());
        whole += items.unwrap_or(0);
    }
    assert!(whole > 0, "some mutations leave records whole");
}
