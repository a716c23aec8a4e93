//! Calls of imported functions as no SDK makes them: addresses that are not in the guest's memory,
//! lengths that are not those of what lies there, promises that nobody has made.
//!
//! The functions are declared as the interface lowers them: a string or a list is an address and a
//! length, a result that is more than a number is written to an address that the guest names.

use serde::{Deserialize, Serialize};

/// What is wrong with a call.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub enum Lie {
    /// A text that begins in memory and ends beyond it.
    TextEndsOutside,
    /// A text at the last address there is.
    TextAtTheEnd,
    /// A text whose address and length have a sum beyond 32 bits.
    TextWrapsAround,
    /// A text that is no UTF-8.
    TextIsNoText,
    /// A level that no log has.
    UnknownLevel,
    /// A key of four gigabytes.
    HugeKey,
    /// A list of a billion keys.
    HugeList,
    /// A list of a key that is four gigabytes long.
    HugeKeyInList,
    /// A list at an address that is not aligned.
    UnalignedList,
    /// Waits for a promise that was never made.
    UnknownPromise,
    /// Waits twice for the same promise.
    PromiseTwice,
    /// Waits for the answer to another question.
    PromiseOfAnotherKind,
    /// Has a result written outside of its memory.
    ResultOutside,
    /// Has a result written to an address that is not aligned.
    UnalignedResult,
    /// Makes promises and waits for none of them.
    ManyPromises,
}

/// Writes a change of storage that is of no kind. For contracts: a service that so much as names the
/// function is no service.
///
/// # Panics
/// Natively, where there is no host to lie to.
pub fn write_unknown_change() {
    #[cfg(target_arch = "wasm32")]
    imports::write_unknown_change();
    #[cfg(not(target_arch = "wasm32"))]
    panic!("there is no host");
}

/// Tells a lie.
///
/// # Panics
/// Natively, where there is no host to lie to.
pub fn tell(lie: Lie) {
    #[cfg(target_arch = "wasm32")]
    imports::tell(lie);
    #[cfg(not(target_arch = "wasm32"))]
    panic!("{lie:?}: there is no host");
}

#[cfg(target_arch = "wasm32")]
mod imports {
    use super::Lie;

    #[link(wasm_import_module = "linera:app/base-runtime-api")]
    unsafe extern "C" {
        #[link_name = "log"]
        fn log(text: usize, length: usize, level: i32);
        #[link_name = "contains-key-new"]
        fn contains_key_new(key: usize, length: usize) -> i32;
        #[link_name = "contains-key-wait"]
        fn contains_key_wait(promise: i32) -> i32;
        #[link_name = "contains-keys-new"]
        fn contains_keys_new(keys: usize, length: usize) -> i32;
        #[link_name = "read-value-bytes-new"]
        fn read_value_bytes_new(key: usize, length: usize) -> i32;
        #[link_name = "read-value-bytes-wait"]
        fn read_value_bytes_wait(promise: i32, result: usize);
        #[link_name = "get-chain-id"]
        fn get_chain_id(result: usize);
    }

    #[link(wasm_import_module = "linera:app/contract-runtime-api")]
    unsafe extern "C" {
        #[link_name = "write-batch"]
        fn write_batch(changes: usize, length: usize);
    }

    const INFO: i32 = 2;
    /// An address to which no memory here ever grows.
    const OUTSIDE: usize = 0xffff_0000;
    const PROMISES: u32 = 100_000;

    /// A list with one element: a text, a key, a list of bytes.
    #[repr(C, align(8))]
    struct Element {
        address: usize,
        length: usize,
    }

    /// The same with a kind before it, as changes of storage have.
    #[repr(C, align(8))]
    struct Change {
        kind: u32,
        address: usize,
        length: usize,
        value: usize,
        value_length: usize,
    }

    fn address_of<T: ?Sized>(value: &T) -> usize {
        (&raw const *value).cast::<u8>() as usize
    }

    pub(super) fn tell(lie: Lie) {
        match lie {
            Lie::TextEndsOutside
            | Lie::TextAtTheEnd
            | Lie::TextWrapsAround
            | Lie::TextIsNoText
            | Lie::UnknownLevel => about_text(lie),
            Lie::HugeKey | Lie::HugeList | Lie::HugeKeyInList | Lie::UnalignedList => {
                about_lists(lie)
            }
            Lie::UnknownPromise
            | Lie::PromiseTwice
            | Lie::PromiseOfAnotherKind
            | Lie::ManyPromises => about_promises(lie),
            Lie::ResultOutside | Lie::UnalignedResult => about_results(lie),
        }
    }

    fn about_text(lie: Lie) {
        let text = [b'a', 0xff, 0xfe, b'b'];
        let address = address_of(&text);
        // SAFETY: whatever the arguments are, the host has to check them. That is the point.
        unsafe {
            match lie {
                Lie::TextEndsOutside => log(address, OUTSIDE - address, INFO),
                Lie::TextAtTheEnd => log(usize::MAX, 1, INFO),
                Lie::TextWrapsAround => log(address, usize::MAX, INFO),
                Lie::TextIsNoText => log(address, text.len(), INFO),
                _ => log(address, 1, 77),
            }
        }
    }

    fn about_lists(lie: Lie) {
        let bytes = [1_u8; 32];
        let honest = Element {
            address: address_of(&bytes),
            length: bytes.len(),
        };
        let huge = Element {
            address: address_of(&bytes),
            length: usize::MAX,
        };
        // SAFETY: as above.
        unsafe {
            match lie {
                Lie::HugeKey => _ = contains_key_new(address_of(&bytes), usize::MAX),
                Lie::HugeList => _ = contains_keys_new(address_of(&honest), 1_000_000_000),
                Lie::HugeKeyInList => _ = contains_keys_new(address_of(&huge), 1),
                _ => _ = contains_keys_new(address_of(&honest) + 1, 1),
            }
        }
    }

    fn about_promises(lie: Lie) {
        let key = [7_u8];
        let address = address_of(&key);
        // SAFETY: as above.
        unsafe {
            match lie {
                Lie::UnknownPromise => _ = contains_key_wait(0x7fff_ffff),
                Lie::PromiseTwice => {
                    let promise = contains_key_new(address, key.len());
                    contains_key_wait(promise);
                    contains_key_wait(promise);
                }
                Lie::PromiseOfAnotherKind => {
                    _ = contains_key_wait(read_value_bytes_new(address, key.len()));
                }
                _ => {
                    for _ in 0..PROMISES {
                        read_value_bytes_new(address, key.len());
                    }
                }
            }
        }
    }

    fn about_results(lie: Lie) {
        let key = [7_u8];
        let place = [0_u64; 8];
        // SAFETY: as above.
        unsafe {
            match lie {
                Lie::ResultOutside => get_chain_id(OUTSIDE),
                _ => {
                    let promise = read_value_bytes_new(address_of(&key), key.len());
                    read_value_bytes_wait(promise, address_of(&place) + 1);
                }
            }
        }
    }

    pub(super) fn write_unknown_change() {
        let bytes = [1_u8; 32];
        let change = Change {
            kind: 99,
            address: address_of(&bytes),
            length: bytes.len(),
            value: address_of(&bytes),
            value_length: bytes.len(),
        };
        // SAFETY: as above.
        unsafe {
            write_batch(address_of(&change), 1);
        }
    }
}
