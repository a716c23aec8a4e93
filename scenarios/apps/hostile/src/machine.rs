//! Deeds that need no host: they are about instructions, the stack and the memory.

use std::hint::black_box;

use crate::Deed;

/// Does one of them, or gives it back if it needs a host.
///
/// # Errors
/// The deed, if it needs a host.
///
/// # Panics
/// If it is to.
pub fn act(deed: Deed) -> Result<Vec<u8>, Deed> {
    match deed {
        Deed::Panic { bytes } => panic!("{}", "p".repeat(length(bytes))),
        Deed::Trap => trap(),
        Deed::Loop => loop {
            black_box(());
        },
        Deed::Spin { times } => {
            for turn in 0..times {
                black_box(turn);
            }
            Ok(Vec::new())
        }
        Deed::Recurse => Ok(vec![recurse(1)]),
        Deed::GrowMemory => Ok(grow(false).to_le_bytes().to_vec()),
        Deed::GrowForEver => Ok(grow(true).to_le_bytes().to_vec()),
        Deed::Allocate { bytes } => {
            let memory = black_box(vec![1_u8; length(bytes)]);
            Ok(vec![memory[memory.len() / 2]])
        }
        Deed::NotANumber => Ok(not_a_number()),
        Deed::Answer { bytes } => Ok(vec![b'a'; length(bytes)]),
        other => Err(other),
    }
}

/// So many bytes.
pub fn length(bytes: u32) -> usize {
    usize::try_from(bytes).expect("addresses have 32 bits at least")
}

fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    panic!("a trap");
}

/// Needs some stack for each level, and does something after the call, so that no compiler can make
/// a loop of it.
#[expect(unconditional_recursion, reason = "that is what it is for")]
fn recurse(depth: u8) -> u8 {
    let frame = black_box([depth; 64]);
    let below = recurse(black_box(depth.wrapping_add(1)));
    below.wrapping_add(frame[usize::from(depth) % frame.len()])
}

/// Asks for a page until it gets none, or for ever; gives the pages that it has got.
fn grow(for_ever: bool) -> u64 {
    #[cfg(target_arch = "wasm32")]
    {
        let mut pages = 0;
        loop {
            if core::arch::wasm32::memory_grow(0, 1) != usize::MAX {
                pages += 1;
            } else if !for_ever {
                return pages;
            }
        }
    }
    #[cfg(not(target_arch = "wasm32"))]
    panic!("there are no pages: {for_ever}");
}

/// The bits of numbers that are none, in both sizes. They have to be the same on every machine.
fn not_a_number() -> Vec<u8> {
    let (double, single) = (black_box(0.0_f64), black_box(0.0_f32));
    let quotient = double / black_box(0.0_f64);
    let mut bits = quotient.to_bits().to_le_bytes().to_vec();
    bits.extend((-quotient).sqrt().to_bits().to_le_bytes());
    bits.extend((single / black_box(0.0_f32)).to_bits().to_le_bytes());
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_deeds_do_no_harm() {
        assert_eq!(act(Deed::Spin { times: 10 }), Ok(Vec::new()));
        assert_eq!(act(Deed::Allocate { bytes: 10 }), Ok(vec![1]));
        assert_eq!(act(Deed::Answer { bytes: 2 }), Ok(b"aa".to_vec()));
        assert_eq!(not_a_number().len(), 20);
    }

    #[test]
    #[should_panic(expected = "ppp")]
    fn a_panic_has_a_text() {
        assert!(act(Deed::Panic { bytes: 3 }).is_err());
    }

    #[test]
    fn others_need_a_host() {
        let deed = Deed::Ask { count: 1 };
        assert_eq!(act(deed.clone()), Err(deed));
    }
}
