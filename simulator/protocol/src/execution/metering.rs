//! What applications use, what that costs, and how much of it a block may use.
//!
//! Fuel is limited in every block, so that every block ends; the rest only under a policy. What a
//! user action costs is added up while it runs and paid once it is through: by the grant of its
//! message, or else as other fees are.

use super::Execution;
use crate::{amount::Amount, error::ExecutionError, policy::Prices};

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
    /// What the running action costs, without its fuel.
    owed: Amount,
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a length has at most 64 bits")
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

    /// The running action owes something more.
    pub(super) fn owe(&mut self, price: impl FnOnce(&Prices) -> Amount) {
        if let Some(meter) = &self.meter {
            let price = price(&meter.policy.prices);
            let used = self.used();
            used.owed = used.owed.saturating_add(price);
        }
    }

    /// The running action has read so many bytes in one read.
    pub(super) fn has_read(&mut self, bytes: usize) -> Result<(), ExecutionError> {
        let Some(meter) = &self.meter else {
            return Ok(());
        };
        let (bytes, max) = (
            count(bytes),
            meter.policy.limits.maximum_bytes_read_per_block,
        );
        self.owe(|prices| {
            let each = prices.byte_read.saturating_mul(bytes);
            prices.read_operation.saturating_add(each)
        });
        let read = &mut self.used().bytes_read;
        *read = read.saturating_add(bytes);
        within(*read, max)
    }

    /// The running action has written so many bytes in so many changes.
    pub(super) fn has_written(
        &mut self,
        changes: usize,
        bytes: usize,
    ) -> Result<(), ExecutionError> {
        let Some(meter) = &self.meter else {
            return Ok(());
        };
        let max = meter.policy.limits.maximum_bytes_written_per_block;
        let (changes, bytes) = (count(changes), count(bytes));
        self.owe(|prices| {
            let each = prices.byte_written.saturating_mul(bytes);
            prices
                .write_operation
                .saturating_mul(changes)
                .saturating_add(each)
        });
        let written = &mut self.used().bytes_written;
        *written = written.saturating_add(bytes);
        within(*written, max)
    }

    /// The running action publishes so many bytes, as a blob or as an event.
    pub(super) fn owe_published(&mut self, bytes: usize) {
        let bytes = count(bytes);
        self.owe(|prices| {
            let each = prices.blob_byte_published.saturating_mul(bytes);
            prices.blob_published.saturating_add(each)
        });
    }

    /// The action is through, and has used so much fuel. Its message's grant pays first, and then the
    /// account of the block's owner; where there is no grant, the chain pays as for anything else.
    /// Gives what is left of the grant.
    pub(super) fn pay_action(
        &mut self,
        fuel: u64,
        grant: Amount,
    ) -> Result<Amount, ExecutionError> {
        self.owe(|prices| prices.of_fuel(fuel));
        let owed = std::mem::take(&mut self.used().owed);
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
