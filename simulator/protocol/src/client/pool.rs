//! Public chains: a user's wallet hands operations in to the validators' wallets and repeats that
//! until it is told of their block; a validator's wallet keeps what was handed in until a block of
//! the chain has executed it.

use std::{collections::BTreeMap, sync::Arc};

use super::{Client, SUBMIT};
use crate::{
    block::SystemOperation,
    ids::{AccountOwner, Address, BlockHeight, ChainId, ClientIndex},
    machine::Outputs,
    observe::Observation,
    rpc::{Action, Command, HandedIn, Packet},
    store::ContentStore,
    submission::{Submission, SubmittedOperation},
};

/// Operations in one block at most.
const OPERATIONS_MAX: usize = 100;

/// What a validator's wallet keeps for the next blocks, by user and number.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    waiting: BTreeMap<(AccountOwner, u64), Arc<HandedIn>>,
}

/// What a user's wallet has handed in.
#[derive(Clone, Debug, Default)]
pub(super) struct HandedInByMe {
    /// How many operations each chain was given.
    given: BTreeMap<ChainId, u64>,
    /// Those that nobody has told of yet, by the number of their commands.
    open: BTreeMap<u64, (Arc<HandedIn>, Vec<ClientIndex>)>,
}

impl HandedInByMe {
    /// Whether all of it is known to be executed.
    pub(super) fn is_done(&self) -> bool {
        self.open.is_empty()
    }
}

impl Client {
    /// Hands a command's operation in to all validators' wallets of a public chain.
    pub(super) fn hand_in(&mut self, command: &Command, out: &mut Outputs) {
        let Action::Submit {
            chain_id,
            recipient,
            amount,
            producers,
        } = &command.action
        else {
            return;
        };
        let mine = self.handed_in.get_or_insert_default();
        let given = mine.given.entry(*chain_id).or_default();
        let submission = Submission {
            chain_id: *chain_id,
            nonce: *given,
            recipient: *recipient,
            amount: *amount,
        };
        *given += 1;
        out.signed(1);
        let handed_in = Arc::new(HandedIn {
            operation: SubmittedOperation::new(submission, &self.config.key),
            number: command.number,
            wallet: self.config.index,
        });
        let entry = (handed_in.clone(), producers.to_vec());
        mine.open.insert(command.number, entry);
        send_to_all(&handed_in, producers, out);
        out.timer(self.config.options.resubmit_interval, SUBMIT);
    }

    /// Repeats what nobody has told of, in the order of the commands.
    pub(super) fn hand_in_again(&mut self, out: &mut Outputs) {
        let Some(mine) = &self.handed_in else { return };
        for (handed_in, producers) in mine.open.values() {
            send_to_all(handed_in, producers, out);
        }
        if !mine.open.is_empty() {
            out.timer(self.config.options.resubmit_interval, SUBMIT);
        }
    }

    /// A block has executed an operation that this wallet has handed in.
    pub(super) fn on_submission_done(
        &mut self,
        number: u64,
        height: Option<BlockHeight>,
        out: &mut Outputs,
    ) {
        let mine = self.handed_in.as_mut();
        if mine.is_some_and(|mine| mine.open.remove(&number).is_some()) {
            let command = number;
            out.observe(Observation::CommandDone { command, height });
        }
    }

    /// A user hands an operation in: what is new waits for a block, what is done is told.
    pub(super) fn on_submitted(
        &mut self,
        handed_in: &Arc<HandedIn>,
        store: &dyn ContentStore,
        out: &mut Outputs,
    ) {
        let operation = &handed_in.operation;
        let (owner, nonce) = (operation.owner(), operation.submission.nonce);
        let here = self.config.chain == Some(operation.submission.chain_id);
        let Some(chain) = self.chain.as_ref().filter(|_| here) else {
            return;
        };
        if nonce < chain.execution.executed_of(&owner) {
            let number = handed_in.number;
            let done = Packet::SubmissionDone(number, None);
            return out.send(Address::Client(handed_in.wallet), done);
        }
        out.verified(1);
        if operation.check(store) {
            let pool = &mut self.pool.get_or_insert_default().waiting;
            let entry = pool.entry((owner, nonce));
            entry.or_insert_with(|| handed_in.clone());
        }
    }

    /// Whether an operation waits that could be executed next.
    pub(super) fn pool_waits(&self) -> bool {
        !self.pooled_operations(1).is_empty()
    }

    /// Operations for the next block: of each user in their order, without gaps.
    pub(super) fn pooled(&self) -> Vec<SystemOperation> {
        self.pooled_operations(OPERATIONS_MAX)
    }

    fn pooled_operations(&self, most: usize) -> Vec<SystemOperation> {
        let (Some(pool), Some(chain)) = (&self.pool, &self.chain) else {
            return Vec::new();
        };
        let mut next: BTreeMap<AccountOwner, u64> = BTreeMap::new();
        let mut operations = Vec::new();
        for ((owner, nonce), handed_in) in &pool.waiting {
            let executed = || chain.execution.executed_of(owner);
            let expected = next.entry(*owner).or_insert_with(executed);
            if nonce == expected && operations.len() < most {
                *expected += 1;
                let operation = Arc::new(handed_in.operation.clone());
                operations.push(SystemOperation::Submitted(operation));
            }
        }
        operations
    }

    /// Forgets what the chain has executed; tells users of what this wallet's own block did.
    pub(super) fn prune_pool(&mut self, mine: Option<BlockHeight>, out: &mut Outputs) {
        let (Some(pool), Some(chain)) = (&mut self.pool, &self.chain) else {
            return;
        };
        pool.waiting.retain(|(owner, nonce), handed_in| {
            let waits = *nonce >= chain.execution.executed_of(owner);
            if !waits && mine.is_some() {
                let done = Packet::SubmissionDone(handed_in.number, mine);
                out.send(Address::Client(handed_in.wallet), done);
            }
            waits
        });
    }
}

fn send_to_all(handed_in: &Arc<HandedIn>, producers: &[ClientIndex], out: &mut Outputs) {
    for producer in producers {
        let packet = Packet::Submit(handed_in.clone());
        out.send(Address::Client(*producer), packet);
    }
}
