//! I-22, and the fees of I-20 and I-21: what blocks cost, reckoned from the blocks and the policies
//! of their epochs alone.
//!
//! A meter of its own: it shares no code with the one that it checks. Where nothing costs and nothing
//! is limited there is nothing to reckon.

use protocol::{
    Amount,
    application::activity::{ActionRecord, Usage},
    block::{Block, Transaction},
    hash::encoded_size as bytes,
    ids::AccountOwner,
    message::MessageKind,
    oracle::OracleResponse,
    policy::{Prices, ResourceControlPolicy},
};

use super::{
    Invariant, Verdicts,
    actions::{self, Known},
    money::Accounts,
};
use crate::registry::{ChainNo, long, reach};

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
    known: Known<'a>,
    /// Blobs that each transaction publishes, and their bytes.
    published: Vec<(u64, u64)>,
    /// The next transaction.
    position: usize,
    size: u64,
    /// Fuel, and bytes that were read and written.
    used: [u64; 3],
    pub(super) fees: u128,
}

/// What a user action costs: each thing that it used at its price.
fn price_of(prices: &Prices, action: &ActionRecord) -> u128 {
    let Usage {
        read_operations,
        bytes_read,
        write_operations,
        bytes_written,
        blobs_read,
        blob_bytes_read,
        published,
        bytes_published,
        oracle_queries,
        http_requests,
    } = action.used;
    let mut sum = 0u128;
    let mut add = |price: Amount, count: u64| {
        let part = price.attos().saturating_mul(u128::from(count));
        sum = sum.saturating_add(part);
    };
    add(prices.wasm_fuel_unit, fuel_of(action));
    add(prices.read_operation, read_operations);
    add(prices.byte_read, bytes_read);
    add(prices.write_operation, write_operations);
    add(prices.byte_written, bytes_written);
    add(prices.blob_read, blobs_read);
    add(prices.blob_byte_read, blob_bytes_read);
    add(prices.blob_published, published);
    add(prices.blob_byte_published, bytes_published);
    add(prices.service_as_oracle_query, oracle_queries);
    add(prices.http_request, http_requests);
    sum
}

fn fuel_of(action: &ActionRecord) -> u64 {
    let calls = action.calls.iter();
    calls.fold(0, |sum, call| sum.saturating_add(call.fuel))
}

impl<'a> Meter<'a> {
    /// Begins with a block under the policy of its epoch.
    pub(super) fn new(
        verdicts: &mut Verdicts,
        policy: &'a ResourceControlPolicy,
        (block, known): (&'a Block, Known<'a>),
        published: Vec<(u64, u64)>,
    ) -> Self {
        let (size, max) = (
            bytes(block.proposed()),
            policy.limits.maximum_block_proposal_size,
        );
        within(verdicts, block, "bytes as proposed", size, max);
        Self {
            policy,
            block,
            known,
            published,
            used: [0; 3],
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
        self.size = self
            .size
            .saturating_add(self.left_by_applications(verdicts));
        let published = self.published.get(self.position);
        let (blobs, blob_bytes) = published.copied().unwrap_or_default();
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
        let each = |price: Amount, count: u64| price.attos().saturating_mul(u128::from(count));
        let mut fees = each(prices.blob_published, blobs)
            .saturating_add(each(prices.blob_byte_published, blob_bytes))
            .saturating_add(own);
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
        self.pay(verdicts, accounts, fees, true)
    }

    /// A user action is through: gives what the accounts paid for it, and what its grant did.
    pub(super) fn action(
        &mut self,
        verdicts: &mut Verdicts,
        accounts: &mut Accounts,
        action: &ActionRecord,
        grant: u128,
    ) -> (u128, u128) {
        let limits = &self.policy.limits;
        let parts = [
            (
                "units of fuel",
                limits.maximum_wasm_fuel_per_block,
                fuel_of(action),
            ),
            (
                "bytes read",
                limits.maximum_bytes_read_per_block,
                action.used.bytes_read,
            ),
            (
                "bytes written",
                limits.maximum_bytes_written_per_block,
                action.used.bytes_written,
            ),
        ];
        for ((what, max, more), used) in parts.into_iter().zip(&mut self.used) {
            *used = used.saturating_add(more);
            within(verdicts, self.block, what, *used, max);
        }
        let fees = price_of(&self.policy.prices, action);
        let from_grant = fees.min(grant);
        self.fees = self.fees.saturating_add(from_grant);
        // A grant stands for the chain's own balance.
        let paid = self.pay(verdicts, accounts, fees - from_grant, grant == 0);
        (paid, from_grant)
    }

    /// What applications left in the block in the transaction that is through: its bytes. What they
    /// say that they used has to agree with it.
    fn left_by_applications(&self, verdicts: &mut Verdicts) -> u64 {
        let outcome = self.block.outcome();
        let (Some(activity), Some(left)) = (self.known.told(), &outcome.applications) else {
            return 0;
        };
        let at = self.position;
        let here = |transaction: u32| usize::try_from(transaction) == Ok(at);
        let (mut size, mut published, mut published_bytes) = (0u64, 0u64, 0u64);
        for (_, event) in left.events.iter().filter(|(of, _)| here(*of)) {
            size = size.saturating_add(bytes(event));
            published += 1;
            published_bytes = published_bytes.saturating_add(long(event.value.len()));
        }
        for (_, blob) in left.created_blobs.iter().filter(|(of, _)| here(*of)) {
            size = size.saturating_add(bytes(&**blob));
            published += 1;
            published_bytes = published_bytes.saturating_add(long(blob.bytes().len()));
        }
        for (_, result) in left.operation_results.iter().filter(|(of, _)| here(*of)) {
            size = size.saturating_add(bytes(result));
        }
        let answers = outcome.oracle_responses.get(at).into_iter().flatten();
        let (mut queries, mut requests) = (0u64, 0u64);
        for answer in answers {
            match answer {
                OracleResponse::Service(_) => queries += 1,
                OracleResponse::Http(_) => requests += 1,
                _ => {}
            }
        }
        let sum = |part: fn(&Usage) -> u64| {
            let parts = actions::actions_of(activity, at).map(|action| part(&action.used));
            parts.fold(0, u64::saturating_add)
        };
        // Who creates a blob twice pays twice, and the block has it once.
        let agrees = sum(|used| used.published) >= published
            && sum(|used| used.bytes_published) >= published_bytes
            && sum(|used| used.oracle_queries) == queries
            && sum(|used| used.http_requests) == requests;
        let height = self.block.height();
        verdicts.check(Invariant::Fees, agrees, || {
            format!("transaction {at} of block {height} uses what no application says that it did")
        });
        size
    }

    /// The chain's own balance pays first, if it does, then the account of the block's owner.
    fn pay(
        &mut self,
        verdicts: &mut Verdicts,
        accounts: &mut Accounts,
        fees: u128,
        chain_pays: bool,
    ) -> u128 {
        if fees == 0 {
            return 0;
        }
        let mut missing = fees;
        let owner = self.block.proposed().authenticated_owner;
        let payers = [chain_pays.then_some(AccountOwner::CHAIN), owner];
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
