//! What applications use, what that costs, and how much of it a block may use.
//!
//! Fuel is limited in every block, so that every block ends; the rest only under a policy. What a
//! user action uses is counted while it runs and paid for once it is through: by the grant of its
//! message, or else as other fees are.

use super::Execution;
use crate::{
    amount::Amount, application::activity::Usage, error::ExecutionError, policy::Prices,
    sabotage::Sabotage,
};

/// Fuel of a block where no policy allows less: about a second on an ordinary machine.
pub(super) const FUEL_MAX: u64 = 1_000_000_000;

/// Fuel of a service that is asked as an oracle; nobody pays for it.
pub(super) const ORACLE_FUEL: u64 = 200_000_000;

/// What the applications of a block have used so far.
#[derive(Debug, Default)]
pub(super) struct Used {
    fuel: u64,
    bytes_read: u64,
    bytes_written: u64,
    /// What the running action has used beside fuel.
    action: Usage,
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a length has at most 64 bits")
}

/// What an action costs that has used so much.
fn price_of(prices: &Prices, fuel: u64, used: &Usage) -> Amount {
    let parts = [
        (prices.wasm_fuel_unit, fuel),
        (prices.read_operation, used.read_operations),
        (prices.byte_read, used.bytes_read),
        (prices.write_operation, used.write_operations),
        (prices.byte_written, used.bytes_written),
        (prices.blob_read, used.blobs_read),
        (prices.blob_byte_read, used.blob_bytes_read),
        (prices.blob_published, used.published),
        (prices.blob_byte_published, used.bytes_published),
        (prices.service_as_oracle_query, used.oracle_queries),
        (prices.http_request, used.http_requests),
    ];
    parts.iter().fold(Amount::ZERO, |sum, (price, count)| {
        sum.saturating_add(price.saturating_mul(*count))
    })
}

impl Execution<'_> {
    fn used(&mut self) -> &mut Used {
        &mut self.made().used
    }

    fn fuel_max(&self) -> u64 {
        let limits = self.meter.as_ref().map(|meter| meter.policy.limits);
        let max = limits.map_or(u64::MAX, |limits| limits.maximum_wasm_fuel_per_block);
        max.min(FUEL_MAX)
    }

    /// Fuel that the next action of the block may use.
    pub(super) fn fuel_left(&mut self) -> u64 {
        let max = self.fuel_max();
        max.saturating_sub(self.used().fuel)
    }

    /// What the running action has used so far beside fuel.
    pub(super) fn usage(&mut self) -> &mut Usage {
        &mut self.used().action
    }

    /// The running action has loaded a blob of so many bytes.
    pub(super) fn has_loaded(&mut self, bytes: usize) {
        let used = self.usage();
        used.blobs_read += 1;
        used.blob_bytes_read = used.blob_bytes_read.saturating_add(count(bytes));
    }

    /// The running action has read so many bytes in one read.
    pub(super) fn has_read(&mut self, bytes: usize) -> Result<(), ExecutionError> {
        let bytes = count(bytes);
        let used = self.usage();
        used.read_operations += 1;
        used.bytes_read = used.bytes_read.saturating_add(bytes);
        let read = &mut self.used().bytes_read;
        *read = read.saturating_add(bytes);
        let read = *read;
        let limits = self.meter.as_ref().map(|meter| meter.policy.limits);
        limits.map_or(Ok(()), |limits| {
            within(read, limits.maximum_bytes_read_per_block)
        })
    }

    /// The running action has written so many bytes in so many changes.
    pub(super) fn has_written(
        &mut self,
        changes: usize,
        bytes: usize,
    ) -> Result<(), ExecutionError> {
        let bytes = count(bytes);
        let used = self.usage();
        used.write_operations = used.write_operations.saturating_add(count(changes));
        used.bytes_written = used.bytes_written.saturating_add(bytes);
        let written = &mut self.used().bytes_written;
        *written = written.saturating_add(bytes);
        let written = *written;
        let limits = self.meter.as_ref().map(|meter| meter.policy.limits);
        limits.map_or(Ok(()), |limits| {
            within(written, limits.maximum_bytes_written_per_block)
        })
    }

    /// The running action publishes so many bytes, as a blob or as an event.
    pub(super) fn has_published(&mut self, bytes: usize) {
        let used = self.usage();
        used.published += 1;
        used.bytes_published = used.bytes_published.saturating_add(count(bytes));
    }

    /// The action is through, and has used so much. Its message's grant pays first, and then the
    /// account of the block's owner; where there is no grant, the chain pays as for anything else.
    /// Gives what is left of the grant.
    pub(super) fn pay_action(
        &mut self,
        fuel: u64,
        used: &Usage,
        grant: Amount,
    ) -> Result<Amount, ExecutionError> {
        let paid = if self.sabotage == Sabotage::FuelIsFree {
            0
        } else {
            fuel
        };
        let prices = self.meter.as_ref().map(|meter| &meter.policy.prices);
        let owed = prices.map_or(Amount::ZERO, |prices| price_of(prices, paid, used));
        if grant.is_zero() {
            self.charge(owed)?;
            return Ok(grant);
        }
        let from_grant = owed.min(grant);
        if let Some(meter) = &mut self.meter {
            meter.fees = meter.fees.saturating_add(from_grant);
        }
        let less = |amount: Amount| amount.checked_sub(from_grant);
        let rest = less(owed).expect("a minimum is not above it");
        self.charge_from(Amount::ZERO, rest)?;
        Ok(less(grant).expect("a minimum is not above it"))
    }

    /// Fuel is gone, whatever became of the action.
    pub(super) fn burn(&mut self, fuel: u64) {
        let used = self.used();
        used.fuel = used.fuel.saturating_add(fuel);
    }

    /// Why an action ran out of fuel.
    pub(super) fn out_of_fuel(&self) -> ExecutionError {
        let max = self.fuel_max();
        ExecutionError::MaximumFuelExceeded { max }
    }
}

fn within(bytes: u64, max: u64) -> Result<(), ExecutionError> {
    if bytes > max {
        return Err(ExecutionError::StorageLimit { bytes, max });
    }
    Ok(())
}
