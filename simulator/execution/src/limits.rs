//! What a guest may use, and what it pays.
//!
//! Fuel is part of what a run gives, so every price is here and a golden test holds them. They were
//! measured: one unit is about a nanosecond of the interpreter, whatever the unit is spent on.

use wasmi::{CompilationMode, Config, OperatorCost};

/// What guests may use. Whoever exceeds anything fails, and nobody else notices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The most bytes of a module.
    pub bytecode_bytes: u64,
    /// The most bytes of memory of one guest.
    pub memory_bytes: u64,
    /// The most elements of its tables.
    pub table_elements: u64,
    /// The most values that a function declares, parameters among them. They are zeroed at every
    /// call at no price.
    pub locals_per_function: u64,
    /// The most functions of a module.
    pub functions: u64,
    /// How often one guest may call the host.
    pub host_calls: u64,
    /// The most bytes that one guest logs.
    pub log_bytes: u64,
    /// The most bytes that one call passes to the host, with something for every part.
    pub passed_bytes: u64,
    /// The most bytes of answers that wait to be fetched.
    pub promised_bytes: u64,
}

impl Limits {
    /// What holds everywhere.
    pub const DEFAULT: Self = Self {
        bytecode_bytes: 10_000_000,
        memory_bytes: 32 << 20,
        table_elements: 100_000,
        locals_per_function: 256,
        functions: 50_000,
        host_calls: 1_000_000,
        log_bytes: 1 << 20,
        passed_bytes: 16 << 20,
        promised_bytes: 16 << 20,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Calling the host, whatever for.
pub(crate) const HOST_CALL_FUEL: u64 = 300;
/// How many bytes that pass between guest and host cost one unit.
pub(crate) const BYTES_PER_FUEL: u64 = 16;
/// Making an instance.
const INSTANCE_FUEL: u64 = 5_000;
/// How many bytes of memory of a new instance cost one unit: they are zeroed.
const ZEROED_BYTES_PER_FUEL: u64 = 64;
/// How deep calls inside of one guest may be nested.
const RECURSION_MAX: usize = 4_000;
/// Stacks that an engine keeps for later: as many as threads run guests of one module at once.
const CACHED_STACKS: usize = 16;

/// What a new instance costs that has so much memory.
pub(crate) const fn instance_fuel(memory_bytes: u64) -> u64 {
    INSTANCE_FUEL.saturating_add(memory_bytes / ZEROED_BYTES_PER_FUEL)
}

/// How modules are compiled: all at once, since what is compiled at its first call would charge its
/// compilation to whoever calls first; and with what core modules of the interface need, no more.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .compilation_mode(CompilationMode::Eager)
        .operator_cost(operator_cost())
        .set_max_recursion_depth(RECURSION_MAX)
        .set_max_cached_stacks(CACHED_STACKS)
        .allow_start_fn(false)
        .ignore_custom_sections(true)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
    config
}

/// One unit an operator, but for those that take longer: growth, which copies, and calls, which make
/// room for locals.
fn operator_cost() -> OperatorCost {
    OperatorCost {
        memory_grow: 255,
        table_grow: 255,
        call: 8,
        call_indirect: 12,
        ..OperatorCost::default()
    }
}
