//! What resources cost and how much of them one block may use.
//!
//! A policy travels with a committee, so a chain comes to new prices when it comes to a new epoch.
//! Prices of things that no block can do yet are kept and charged by nobody. Knows nothing of who
//! pays: that is the business of execution.

use serde::{Deserialize, Serialize};

use crate::amount::Amount;

/// Attos in a billionth of a token.
const NANO: u128 = 1_000_000_000;
/// Attos in a millionth of a token.
const MICRO: u128 = 1_000 * NANO;
/// Attos in a thousandth of a token.
const MILLI: u128 = 1_000 * MICRO;

/// The price of one unit of each resource.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Prices {
    /// A unit of Wasm fuel.
    pub wasm_fuel_unit: Amount,
    /// A unit of EVM fuel.
    pub evm_fuel_unit: Amount,
    /// A read of an application's storage.
    pub read_operation: Amount,
    /// A write to an application's storage.
    pub write_operation: Amount,
    /// A byte of loaded state.
    pub byte_runtime: Amount,
    /// A byte read.
    pub byte_read: Amount,
    /// A byte written.
    pub byte_written: Amount,
    /// A blob read.
    pub blob_read: Amount,
    /// A blob published.
    pub blob_published: Amount,
    /// A byte of a blob read.
    pub blob_byte_read: Amount,
    /// A byte of a blob published.
    pub blob_byte_published: Amount,
    /// An operation.
    pub operation: Amount,
    /// A byte of an operation.
    pub operation_byte: Amount,
    /// A message sent.
    pub message: Amount,
    /// A byte of a message sent.
    pub message_byte: Amount,
    /// A query of a service as an oracle.
    pub service_as_oracle_query: Amount,
    /// An HTTP request.
    pub http_request: Amount,
}

/// The most of each resource.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Wasm fuel per block.
    pub maximum_wasm_fuel_per_block: u64,
    /// EVM fuel per block.
    pub maximum_evm_fuel_per_block: u64,
    /// Milliseconds of services as oracles per block.
    pub maximum_service_oracle_execution_ms: u64,
    /// Bytes of a block with its outcome.
    pub maximum_block_size: u64,
    /// Bytes of a bytecode, decompressed.
    pub maximum_bytecode_size: u64,
    /// Bytes of a blob.
    pub maximum_blob_size: u64,
    /// Blobs that one block publishes.
    pub maximum_published_blobs: u64,
    /// Bytes of a proposed block.
    pub maximum_block_proposal_size: u64,
    /// Bytes read per block.
    pub maximum_bytes_read_per_block: u64,
    /// Bytes written per block.
    pub maximum_bytes_written_per_block: u64,
    /// Bytes of an oracle's answer.
    pub maximum_oracle_response_bytes: u64,
    /// Bytes of an answer to an HTTP request.
    pub maximum_http_response_bytes: u64,
    /// Milliseconds that an HTTP request may take.
    pub http_request_timeout_ms: u64,
}

impl Limits {
    /// No limit.
    pub const NONE: Self = Self {
        maximum_wasm_fuel_per_block: u64::MAX,
        maximum_evm_fuel_per_block: u64::MAX,
        maximum_service_oracle_execution_ms: u64::MAX,
        maximum_block_size: u64::MAX,
        maximum_bytecode_size: u64::MAX,
        maximum_blob_size: u64::MAX,
        maximum_published_blobs: u64::MAX,
        maximum_block_proposal_size: u64::MAX,
        maximum_bytes_read_per_block: u64::MAX,
        maximum_bytes_written_per_block: u64::MAX,
        maximum_oracle_response_bytes: u64::MAX,
        maximum_http_response_bytes: u64::MAX,
        http_request_timeout_ms: u64::MAX,
    };
}

/// Prices and limits (8.1, 8.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ResourceControlPolicy {
    /// What resources cost.
    pub prices: Prices,
    /// How much of them a block may use.
    pub limits: Limits,
}

impl Default for ResourceControlPolicy {
    fn default() -> Self {
        Self::no_fees()
    }
}

impl ResourceControlPolicy {
    /// What the size of an empty block counts as (3.9).
    pub const EMPTY_BLOCK_SIZE: u64 = 94;

    /// Nothing costs, nothing is limited.
    pub const fn no_fees() -> Self {
        let free = Amount::ZERO;
        let prices = Prices {
            wasm_fuel_unit: free,
            evm_fuel_unit: free,
            read_operation: free,
            write_operation: free,
            byte_runtime: free,
            byte_read: free,
            byte_written: free,
            blob_read: free,
            blob_published: free,
            blob_byte_read: free,
            blob_byte_published: free,
            operation: free,
            operation_byte: free,
            message: free,
            message_byte: free,
            service_as_oracle_query: free,
            http_request: free,
        };
        let limits = Limits::NONE;
        Self { prices, limits }
    }

    /// Fuel costs a millionth of a token a unit, and nothing else costs.
    pub const fn only_fuel() -> Self {
        let mut policy = Self::no_fees();
        policy.prices.wasm_fuel_unit = Amount::from_attos(MICRO);
        policy.prices.evm_fuel_unit = Amount::from_attos(MICRO);
        policy
    }

    /// The prices and limits of a test network (8.3).
    pub const fn testnet() -> Self {
        let price = Amount::from_attos;
        let prices = Prices {
            wasm_fuel_unit: price(10 * NANO),
            evm_fuel_unit: price(10 * NANO),
            read_operation: price(10 * MICRO),
            write_operation: price(20 * MICRO),
            byte_runtime: price(NANO),
            byte_read: price(10 * NANO),
            byte_written: price(100 * NANO),
            blob_read: price(100 * NANO),
            blob_published: price(MICRO),
            blob_byte_read: price(10 * NANO),
            blob_byte_published: price(100 * NANO),
            operation: price(10 * MICRO),
            operation_byte: price(10 * NANO),
            message: price(10 * MICRO),
            message_byte: price(100 * NANO),
            service_as_oracle_query: price(10 * MILLI),
            http_request: price(50 * MICRO),
        };
        let limits = Limits {
            maximum_wasm_fuel_per_block: 100_000_000,
            maximum_evm_fuel_per_block: 100_000_000,
            maximum_service_oracle_execution_ms: 10_000,
            maximum_block_size: 1_000_000,
            maximum_bytecode_size: 10_000_000,
            maximum_blob_size: 1_000_000,
            maximum_published_blobs: 10,
            maximum_block_proposal_size: 13_000_000,
            maximum_bytes_read_per_block: 100_000_000,
            maximum_bytes_written_per_block: 10_000_000,
            maximum_oracle_response_bytes: 10_000,
            maximum_http_response_bytes: 10_000,
            http_request_timeout_ms: 20_000,
        };
        Self { prices, limits }
    }
}

impl Prices {
    /// What an operation of so many bytes costs. Estimates above all amounts stay there.
    pub fn of_operation(&self, bytes: u64) -> Amount {
        self.operation
            .saturating_add(self.operation_byte.saturating_mul(bytes))
    }

    /// What a message of so many bytes costs.
    pub fn of_message(&self, bytes: u64) -> Amount {
        self.message
            .saturating_add(self.message_byte.saturating_mul(bytes))
    }

    /// What so much fuel costs.
    pub fn of_fuel(&self, fuel: u64) -> Amount {
        self.wasm_fuel_unit.saturating_mul(fuel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_cost_what_they_say() {
        let text = |amount: Amount| amount.to_string();
        let testnet = ResourceControlPolicy::testnet().prices;
        assert_eq!(text(testnet.of_operation(100)), "0.000011");
        assert_eq!(text(testnet.of_message(100)), "0.00002");
        assert_eq!(text(testnet.of_fuel(1_000)), "0.00001");
        let only_fuel = ResourceControlPolicy::only_fuel().prices;
        assert_eq!(text(only_fuel.of_fuel(1_000)), "0.001");
        assert!(only_fuel.of_operation(100).is_zero());
        let default = ResourceControlPolicy::default();
        assert!(default.prices.of_message(100).is_zero());
        assert_eq!(default.prices, Prices::default());
        assert_eq!(default.limits, Limits::NONE);
    }

    #[test]
    fn a_price_beyond_all_amounts_is_the_largest_amount() {
        let prices = Prices {
            message_byte: Amount::from_attos(u128::MAX),
            ..Prices::default()
        };
        assert_eq!(prices.of_message(2), Amount::from_attos(u128::MAX));
    }
}
