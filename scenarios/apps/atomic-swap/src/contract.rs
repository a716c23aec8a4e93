//! The contract: opens chains for swaps, and on such a chain pays both or pays back.

#![cfg_attr(target_arch = "wasm32", no_main)]

use atomic_swap::{AtomicSwapAbi, Leg, Message, Operation, Status, Terms, state::AtomicSwapState};
use fungible::Account;
use linera_sdk::{
    Contract, ContractRuntime,
    linera_base_types::{
        AccountOwner, Amount, ApplicationPermissions, ChainId, ChainOwnership, TimeoutConfig,
        WithContractAbi,
    },
    views::{RootView, View},
};

/// Rounds in which both may propose blocks on the swap's chain, before they take turns.
const MULTI_LEADER_ROUNDS: u32 = 10;

/// A swap, while a transaction runs.
pub struct AtomicSwapContract {
    state: AtomicSwapState,
    runtime: ContractRuntime<Self>,
}

linera_sdk::contract!(AtomicSwapContract);

impl WithContractAbi for AtomicSwapContract {
    type Abi = AtomicSwapAbi;
}

impl Contract for AtomicSwapContract {
    type Message = Message;
    type Parameters = ();
    type InstantiationArgument = ();
    type EventValue = ();

    async fn load(runtime: ContractRuntime<Self>) -> Self {
        let state = AtomicSwapState::load(runtime.root_view_storage_context())
            .await
            .expect("the state of a swap can be read");
        AtomicSwapContract { state, runtime }
    }

    async fn instantiate(&mut self, (): ()) {}

    async fn execute_operation(&mut self, operation: Operation) -> Option<ChainId> {
        match operation {
            Operation::Propose {
                owner,
                gives,
                counterparty,
                gets,
                deadline,
                for_fees,
            } => {
                let chain_id = self.runtime.chain_id();
                let terms = Terms {
                    proposer: Account { chain_id, owner },
                    gives,
                    counterparty,
                    gets,
                    deadline,
                };
                Some(self.propose(terms, for_fees))
            }
            Operation::Join { swap, owner, gives } => {
                self.pay_in(owner, gives, swap);
                self.send(swap, Message::Join { owner, gives });
                None
            }
            Operation::Refund => {
                self.refund();
                None
            }
        }
    }

    async fn execute_message(&mut self, message: Message) {
        match message {
            Message::Start(terms) => self.start(terms),
            Message::Join { owner, gives } => self.settle(owner, gives),
        }
    }

    async fn store(mut self) {
        self.state
            .save()
            .await
            .expect("the state of a swap can be written");
    }
}

// On the chains of the two.
impl AtomicSwapContract {
    fn propose(&mut self, terms: Terms, for_fees: Amount) -> ChainId {
        assert!(
            terms.deadline > self.runtime.system_time(),
            "a swap ends in the future"
        );
        assert_ne!(
            terms.proposer.owner, terms.counterparty,
            "a swap is between two"
        );
        let own = self.runtime.application_id().forget_abi();
        let ownership = ChainOwnership::multiple(
            [(terms.proposer.owner, 1), (terms.counterparty, 1)],
            MULTI_LEADER_ROUNDS,
            TimeoutConfig::default(),
        );
        let permissions = ApplicationPermissions {
            execute_operations: Some(vec![own]),
            close_chain: vec![own],
            ..ApplicationPermissions::default()
        };
        let swap = self.runtime.open_chain(ownership, permissions, for_fees);
        self.pay_in(terms.proposer.owner, terms.gives, swap);
        self.send(swap, Message::Start(terms));
        self.state.proposed.push(swap);
        swap
    }

    /// Pays half of a swap into the account of the application on the swap's chain.
    fn pay_in(&mut self, owner: AccountOwner, leg: Leg, swap: ChainId) {
        let signed = self.runtime.check_account_permission(owner);
        signed.expect("everybody pays for themselves");
        let into = Account {
            chain_id: swap,
            owner: self.runtime.application_id().forget_abi().into(),
        };
        self.transfer(owner, leg, into);
    }

    fn send(&mut self, swap: ChainId, message: Message) {
        self.runtime
            .prepare_message(message)
            .with_authentication()
            .send_to(swap);
    }

    fn transfer(&mut self, owner: AccountOwner, leg: Leg, to: Account) {
        let token = leg.token.with_abi();
        fungible::transfer(&mut self.runtime, token, owner, leg.amount, to);
    }
}

// On the chain of the swap.
impl AtomicSwapContract {
    fn start(&mut self, terms: Terms) {
        let status = *self.state.status.get();
        assert_eq!(status, Status::Unknown, "a chain is for one swap");
        self.state.terms.set(Some(terms));
        self.state.status.set(Status::Waiting);
    }

    /// The terms of the swap that waits for its other half.
    fn waiting(&self) -> Terms {
        let status = *self.state.status.get();
        assert_eq!(status, Status::Waiting, "the first half is there");
        let terms = self.state.terms.get().clone();
        terms.expect("a swap that waits has terms")
    }

    fn settle(&mut self, owner: AccountOwner, gives: Leg) {
        let terms = self.waiting();
        assert_eq!(owner, terms.counterparty, "somebody else was meant");
        assert_eq!(gives, terms.gets, "something else was agreed");
        assert!(
            self.runtime.system_time() < terms.deadline,
            "nobody may join from the deadline on"
        );
        let origin = self.runtime.message_origin_chain_id();
        let counterparty = Account {
            chain_id: origin.expect("a message comes from a chain"),
            owner,
        };
        self.pay_out(terms.gives, counterparty);
        self.pay_out(terms.gets, terms.proposer);
        self.end(Status::Swapped);
    }

    fn refund(&mut self) {
        let terms = self.waiting();
        assert!(
            self.runtime.system_time() >= terms.deadline,
            "nothing is paid back before the deadline"
        );
        self.pay_out(terms.gives, terms.proposer);
        self.end(Status::Refunded);
    }

    fn pay_out(&mut self, leg: Leg, to: Account) {
        let own = self.runtime.application_id().forget_abi().into();
        self.transfer(own, leg, to);
    }

    fn end(&mut self, status: Status) {
        self.state.status.set(status);
        let closed = self.runtime.close_chain();
        closed.expect("the chain was opened so that its application may close it");
    }
}

#[cfg(test)]
#[path = "contract/tests.rs"]
mod tests;
