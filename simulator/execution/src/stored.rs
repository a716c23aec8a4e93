//! Bytecode as it is stored in blobs: compressed with zstd.
//!
//! Whoever publishes it chooses the bytes, so a few of them may claim to be many: what is unpacked is
//! bounded before it is there.

use std::io::Read;

use protocol::application::guest::ModuleError;

/// The code that was compressed, of `maximum` bytes at most.
pub(crate) fn unpack(stored: &[u8], maximum: u64) -> Result<Vec<u8>, ModuleError> {
    let broken = |error: std::io::Error| ModuleError::NotWasm(format!("not compressed: {error}"));
    let decoder = zstd::Decoder::new(stored).map_err(broken)?;
    let mut code = Vec::new();
    let mut bounded = decoder.take(maximum.saturating_add(1));
    bounded.read_to_end(&mut code).map_err(broken)?;
    let size = u64::try_from(code.len()).expect("a length has at most 64 bits");
    if size > maximum {
        return Err(ModuleError::TooLarge { size, maximum });
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_comes_back_and_a_bomb_does_not() {
        let zeros = vec![0; 100_000];
        let stored = zstd::bulk::compress(&zeros, 3).expect("it compresses");
        assert!(stored.len() < 1_000);
        assert_eq!(unpack(&stored, 100_000), Ok(zeros));
        let refused = ModuleError::TooLarge {
            size: 100_000,
            maximum: 99_999,
        };
        assert_eq!(unpack(&stored, 99_999), Err(refused));
        assert!(matches!(
            unpack(b"nothing", 10),
            Err(ModuleError::NotWasm(_))
        ));
    }
}
