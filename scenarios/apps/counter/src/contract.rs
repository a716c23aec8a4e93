//! The contract: adds, and refuses to wrap around.

#![cfg_attr(target_arch = "wasm32", no_main)]

use counter::{CounterAbi, Operation, state::CounterState};
use linera_sdk::{
    Contract, ContractRuntime,
    linera_base_types::WithContractAbi,
    views::{RootView, View},
};

/// The number, while a transaction runs.
pub struct CounterContract {
    state: CounterState,
}

linera_sdk::contract!(CounterContract);

impl WithContractAbi for CounterContract {
    type Abi = CounterAbi;
}

impl Contract for CounterContract {
    type Message = ();
    type Parameters = ();
    type InstantiationArgument = u64;
    type EventValue = ();

    async fn load(runtime: ContractRuntime<Self>) -> Self {
        let state = CounterState::load(runtime.root_view_storage_context())
            .await
            .expect("the state of a counter can be read");
        CounterContract { state }
    }

    async fn instantiate(&mut self, first: u64) {
        self.state.value.set(first);
    }

    async fn execute_operation(&mut self, Operation::Increment { value }: Operation) -> u64 {
        let sum = self.state.value.get().checked_add(value);
        let sum = sum.expect("a counter holds 64 bits");
        self.state.value.set(sum);
        sum
    }

    async fn execute_message(&mut self, (): ()) {
        panic!("a counter sends no messages");
    }

    async fn store(mut self) {
        self.state
            .save()
            .await
            .expect("the state of a counter can be written");
    }
}

#[cfg(test)]
mod tests {
    use linera_sdk::util::BlockingWait;

    use super::*;

    fn counter(first: u64) -> CounterContract {
        let mut contract = CounterContract::load(ContractRuntime::new()).blocking_wait();
        contract.instantiate(first).blocking_wait();
        contract
    }

    fn increment(contract: &mut CounterContract, value: u64) -> u64 {
        contract
            .execute_operation(Operation::Increment { value })
            .blocking_wait()
    }

    #[test]
    fn increments_add_up() {
        let mut contract = counter(72);
        assert_eq!(increment(&mut contract, 8), 80);
        assert_eq!(increment(&mut contract, 0), 80);
        assert_eq!(*contract.state.value.get(), 80);
    }

    #[test]
    fn a_chain_without_a_state_begins_at_zero() {
        let mut contract = CounterContract::load(ContractRuntime::new()).blocking_wait();
        assert_eq!(increment(&mut contract, 5), 5);
    }

    #[test]
    #[should_panic(expected = "64 bits")]
    fn a_sum_does_not_wrap_around() {
        increment(&mut counter(u64::MAX), 1);
    }

    #[test]
    #[should_panic(expected = "no messages")]
    fn messages_are_refused() {
        counter(0).execute_message(()).blocking_wait();
    }

    #[test]
    fn what_is_stored_is_loaded_again() {
        let runtime = ContractRuntime::<CounterContract>::new();
        let context = runtime.root_view_storage_context();
        let mut contract = CounterContract::load(runtime).blocking_wait();
        increment(&mut contract, 7);
        contract.store().blocking_wait();
        let state = CounterState::load(context)
            .blocking_wait()
            .expect("it was stored");
        assert_eq!(*state.value.get(), 7);
    }
}
