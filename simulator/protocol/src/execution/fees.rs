//! What a block costs, who pays it, and how large it may be (section 8).
//!
//! Keeps: a fee is paid in full or its transaction fails, and what is paid is nobody's afterwards.
//! Does nothing at all where nothing costs and nothing is limited.

use serde::Serialize;

use super::Execution;
use crate::{
    amount::Amount,
    block::{ProposedBlock, SystemOperation, Transaction},
    error::{BlockError, ExecutionError},
    hash::encoded_size as size,
    ids::AccountOwner,
    message::{MessageKind, OutgoingMessage},
    outside::Outside,
    policy::ResourceControlPolicy,
    sabotage::Sabotage,
    store::Content,
};

/// What is laid down outside of a block and decides about its outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    /// Prices and limits of the block's epoch; `None`: nothing costs and nothing is limited.
    pub policy: Option<&'a ResourceControlPolicy>,
    /// A seeded bug; tests only.
    pub sabotage: Sabotage,
    /// Where the code of applications is; `None`: there is none, and whatever calls one fails.
    pub content: Option<&'a dyn Content>,
    /// What the node that executes knows of the rest of the world; `None`: nothing.
    pub outside: Option<&'a dyn Outside>,
}

/// What a block has cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charged {
    /// Its fees, which nobody has now.
    pub fees: Amount,
    /// What all accounts of the chain hold after it.
    pub held: Amount,
}

/// What a block under a policy has used so far.
pub(super) struct Meter<'a> {
    pub(super) policy: &'a ResourceControlPolicy,
    block_size: u64,
    max_block_size: u64,
    pub(super) fees: Amount,
}

impl<'a> Meter<'a> {
    /// Begins to measure a block.
    pub(super) fn new(
        policy: &'a ResourceControlPolicy,
        block: &ProposedBlock,
        sabotage: Sabotage,
    ) -> Result<Self, BlockError> {
        let unlimited = sabotage == Sabotage::NoLimits;
        let limit = |limit: u64| if unlimited { u64::MAX } else { limit };
        let max = limit(policy.limits.maximum_block_proposal_size);
        if max < u64::MAX {
            let size = size(block);
            if size > max {
                return Err(BlockError::BlockProposalTooLarge { size, max });
            }
        }
        Ok(Self {
            policy,
            max_block_size: limit(policy.limits.maximum_block_size),
            block_size: ResourceControlPolicy::EMPTY_BLOCK_SIZE,
            fees: Amount::ZERO,
        })
    }

    /// Counts something that is in the block.
    pub(super) fn track_block_size<T: Serialize>(
        &mut self,
        part: &T,
    ) -> Result<(), ExecutionError> {
        let max = self.max_block_size;
        if max < u64::MAX {
            self.block_size = self.block_size.saturating_add(size(part));
            if self.block_size > max {
                let size = self.block_size;
                return Err(ExecutionError::BlockTooLarge { size, max });
            }
        }
        Ok(())
    }

    /// What an operation costs.
    fn operation(&self, operation: &SystemOperation) -> Amount {
        let prices = &self.policy.prices;
        let bytes = if prices.operation_byte.is_zero() {
            0
        } else {
            size(operation)
        };
        prices.of_operation(bytes)
    }

    /// What messages cost. One that comes back is free.
    fn messages(&self, messages: &[OutgoingMessage]) -> Amount {
        let prices = &self.policy.prices;
        let paid = messages
            .iter()
            .filter(|message| message.kind != MessageKind::Bouncing);
        paid.fold(Amount::ZERO, |sum, message| {
            let bytes = if prices.message_byte.is_zero() {
                0
            } else {
                size(&message.message)
            };
            sum.saturating_add(prices.of_message(bytes))
        })
    }
}

impl Execution<'_> {
    /// Before a transaction: it takes up room in the block.
    pub(super) fn admit(&mut self, step: &Transaction) -> Result<(), ExecutionError> {
        let Some(meter) = &mut self.meter else {
            return Ok(());
        };
        match step {
            Transaction::ReceiveMessages(incoming) => meter.track_block_size(incoming),
            Transaction::ExecuteOperation(operation) => meter.track_block_size(operation),
        }
    }

    /// What an operation costs for the blobs that it publishes, each and each byte (8.5).
    fn published(&self, step: &Transaction) -> Result<Amount, ExecutionError> {
        let (Some(meter), Transaction::ExecuteOperation(operation)) = (&self.meter, step) else {
            return Ok(Amount::ZERO);
        };
        let prices = &meter.policy.prices;
        let free = prices.blob_published.is_zero() && prices.blob_byte_published.is_zero();
        if free || self.sabotage == Sabotage::BlobsAreFree {
            return Ok(Amount::ZERO);
        }
        let mut ids = operation.published().into_iter().flatten();
        ids.try_fold(Amount::ZERO, |sum, id| {
            let blob = self.content.and_then(|content| content.blob(&id));
            let blob = blob.ok_or(ExecutionError::MissingBlob(id))?;
            let bytes = prices.blob_byte_published.saturating_mul(blob.size());
            let price = prices.blob_published.saturating_add(bytes);
            Ok(sum.saturating_add(price))
        })
    }

    /// After a transaction: what it sends takes up room, and it has its price.
    pub(super) fn settle(&mut self, step: &Transaction) -> Result<(), ExecutionError> {
        let published = self.published(step)?;
        let Some(meter) = &mut self.meter else {
            return Ok(());
        };
        let messages = self
            .messages
            .last()
            .expect("pushed before each transaction");
        let opened = self.opened.last().expect("pushed before each transaction");
        meter.track_block_size(&(messages, opened))?;
        let own = match step {
            Transaction::ReceiveMessages(_) => Amount::ZERO,
            Transaction::ExecuteOperation(operation) => meter.operation(operation),
        };
        let mut fees = own.saturating_add(published);
        if self.sabotage != Sabotage::MessagesAreFree {
            fees = fees.saturating_add(meter.messages(messages));
        }
        self.charge(fees)
    }

    /// Takes fees from the chain's own balance, and what is missing from the account that the
    /// block's owner has on the chain (8.4).
    pub(super) fn charge(&mut self, fees: Amount) -> Result<(), ExecutionError> {
        self.charge_from(self.state.balance, fees)
    }

    /// Takes fees from so much of the chain's own balance, and what is missing from the account that
    /// the block's owner has on the chain.
    pub(super) fn charge_from(
        &mut self,
        chain: Amount,
        fees: Amount,
    ) -> Result<(), ExecutionError> {
        if fees.is_zero() {
            return Ok(());
        }
        let meter = self.meter.as_mut().expect("only what is metered costs");
        meter.fees = meter.fees.saturating_add(fees);
        if self.sabotage == Sabotage::FeeNotBurned {
            return Ok(());
        }
        let payer = self.block.authenticated_owner;
        let payer = payer.filter(|owner| *owner != AccountOwner::CHAIN);
        let own = payer.map_or(Amount::ZERO, |owner| self.state.balance_of(&owner));
        let from_chain = fees.min(chain);
        let rest = fees
            .checked_sub(from_chain)
            .expect("a minimum is not above it");
        let Some(left) = own.checked_sub(rest) else {
            let funding = chain.saturating_add(own);
            return Err(ExecutionError::FeesExceedFunding { fees, funding });
        };
        if !from_chain.is_zero() {
            let left = self.state.balance.checked_sub(from_chain);
            let left = left.expect("a minimum is not above it");
            self.set_balance(AccountOwner::CHAIN, left);
        }
        if let (Some(payer), false) = (payer, rest.is_zero()) {
            self.set_balance(payer, left);
        }
        Ok(())
    }

    /// What the block has cost, once all of it is executed.
    pub(super) fn charged(&self) -> Option<Charged> {
        let meter = self.meter.as_ref()?;
        let held = self.state.total_balance();
        Some(Charged {
            fees: meter.fees,
            held: held.unwrap_or(Amount::MAX),
        })
    }
}
