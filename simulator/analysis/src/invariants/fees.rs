//! I-22, and the fees of I-20 and I-21: what blocks cost, reckoned from the blocks and the policies
//! of their epochs alone.
//!
//! A meter of its own: it shares no code with the one that it checks. Where nothing costs and nothing
//! is limited there is nothing to reckon.

use protocol::{
    Amount,
    block::{Block, Transaction},
    hash::encoded_size as bytes,
    ids::AccountOwner,
    message::MessageKind,
    policy::ResourceControlPolicy,
};

use super::{Invariant, Verdicts, money::Accounts};
use crate::registry::{ChainNo, reach};

/// What a block should have cost.
#[derive(Clone, Copy, Debug)]
struct Reckoned {
    fees: u128,
    /// What its chain holds after it, if that is known.
    held: Option<u128>,
}

/// All fees of a run.
#[derive(Debug, Default)]
pub(crate) struct Fees {
    /// By chain and height.
    blocks: Vec<Vec<Option<Reckoned>>>,
    burned: u128,
}

impl Fees {
    /// What all blocks have cost, in attos.
    pub(crate) const fn burned(&self) -> u128 {
        self.burned
    }

    /// A confirmed block has cost so much.
    pub(super) fn block(&mut self, chain: ChainNo, height: u64, fees: u128, held: Option<u128>) {
        self.burned = self.burned.saturating_add(fees);
        let blocks = reach(&mut self.blocks, chain.index());
        let at = usize::try_from(height).expect("heights that were reached fit memory");
        *reach(blocks, at) = Some(Reckoned { fees, held });
    }

    /// A validator tells what a block has cost. Nothing is said of blocks that no wallet told.
    pub(super) fn told(
        &self,
        verdicts: &mut Verdicts,
        (chain, height): (ChainNo, u64),
        (fees, held): (Amount, Amount),
    ) {
        let at = usize::try_from(height).unwrap_or(usize::MAX);
        let blocks = self.blocks.get(chain.index());
        let Some(reckoned) = blocks.and_then(|blocks| blocks.get(at).copied().flatten()) else {
            return;
        };
        let same = reckoned.fees == fees.attos();
        verdicts.check(Invariant::Fees, same, || {
            let expected = Amount::from_attos(reckoned.fees);
            format!("block {height} has cost {fees}, and by its prices it is {expected}")
        });
        let Some(expected) = reckoned.held else {
            return;
        };
        verdicts.check(
            Invariant::BlockConservation,
            expected == held.attos(),
            || {
                let expected = Amount::from_attos(expected);
                format!("after block {height} its chain holds {held}, and should hold {expected}")
            },
        );
    }
}

/// The meter of one block.
pub(super) struct Meter<'a> {
    policy: &'a ResourceControlPolicy,
    block: &'a Block,
    /// The next transaction.
    position: usize,
    size: u64,
    pub(super) fees: u128,
}

impl<'a> Meter<'a> {
    /// Begins with a block under the policy of its epoch.
    pub(super) fn new(
        verdicts: &mut Verdicts,
        policy: &'a ResourceControlPolicy,
        block: &'a Block,
    ) -> Self {
        let (size, max) = (
            bytes(block.proposed()),
            policy.limits.maximum_block_proposal_size,
        );
        within(verdicts, block, "bytes as proposed", size, max);
        Self {
            policy,
            block,
            position: 0,
            size: ResourceControlPolicy::EMPTY_BLOCK_SIZE,
            fees: 0,
        }
    }

    /// After a transaction was reckoned: its price is taken from those who have to pay it.
    pub(super) fn transaction(
        &mut self,
        verdicts: &mut Verdicts,
        accounts: &mut Accounts,
        transaction: &Transaction,
    ) -> u128 {
        let outcome = self.block.outcome();
        let empty = || (Vec::new(), Vec::new());
        let (messages, opened) = match (
            outcome.messages.get(self.position),
            outcome.opened.get(self.position),
        ) {
            (Some(messages), Some(opened)) => (messages.clone(), opened.clone()),
            // An outcome of another shape is reported as what it does not send.
            _ => empty(),
        };
        self.position += 1;
        let prices = &self.policy.prices;
        let price = |each: Amount, byte: Amount, bytes: u64| {
            let all = byte.attos().saturating_mul(u128::from(bytes));
            each.attos().saturating_add(all)
        };
        let (own, size) = match transaction {
            Transaction::ReceiveMessages(incoming) => (0, bytes(incoming)),
            Transaction::ExecuteOperation(operation) => {
                let size = bytes(operation);
                (price(prices.operation, prices.operation_byte, size), size)
            }
        };
        let mut fees = own;
        for message in &messages {
            if message.kind != MessageKind::Bouncing {
                let size = bytes(&message.message);
                let one = price(prices.message, prices.message_byte, size);
                fees = fees.saturating_add(one);
            }
        }
        self.size = self
            .size
            .saturating_add(size)
            .saturating_add(bytes(&(messages, opened)));
        let max = self.policy.limits.maximum_block_size;
        within(
            verdicts,
            self.block,
            "bytes with its outcome",
            self.size,
            max,
        );
        self.pay(verdicts, accounts, fees)
    }

    /// The chain's own balance pays first, then the account of the block's owner.
    fn pay(&mut self, verdicts: &mut Verdicts, accounts: &mut Accounts, fees: u128) -> u128 {
        if fees == 0 {
            return 0;
        }
        let mut missing = fees;
        let owner = self.block.proposed().authenticated_owner;
        let payers = [Some(AccountOwner::CHAIN), owner];
        for payer in payers.iter().flatten() {
            let balance = accounts.balance(payer);
            let part = missing.min(balance);
            accounts.set(payer, balance - part);
            missing -= part;
        }
        let (known, height) = (accounts.is_known(), self.block.height());
        verdicts.check(Invariant::Fees, missing == 0 || !known, || {
            let (fees, missing) = (Amount::from_attos(fees), Amount::from_attos(missing));
            format!("block {height} costs {fees}, and of that nobody can pay {missing}")
        });
        let paid = fees - missing;
        self.fees = self.fees.saturating_add(paid);
        paid
    }
}

fn within(verdicts: &mut Verdicts, block: &Block, what: &str, used: u64, max: u64) {
    let height = block.height();
    verdicts.check(Invariant::Fees, used <= max, || {
        format!("block {height} has {used} {what}, and {max} are allowed")
    });
}
