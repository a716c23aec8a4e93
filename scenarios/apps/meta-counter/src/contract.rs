//! The contract: passes everything on to the counter.

#![cfg_attr(target_arch = "wasm32", no_main)]

use async_graphql::{Request, Response, Value};
use counter::CounterAbi;
use linera_sdk::{
    Contract, ContractRuntime, Resources,
    linera_base_types::{ApplicationId, WithContractAbi},
};
use meta_counter::{Message, MetaCounterAbi, Operation};

/// The runtime, while a transaction runs.
pub struct MetaCounterContract {
    runtime: ContractRuntime<Self>,
}

linera_sdk::contract!(MetaCounterContract);

impl WithContractAbi for MetaCounterContract {
    type Abi = MetaCounterAbi;
}

impl Contract for MetaCounterContract {
    type Message = Message;
    type Parameters = ApplicationId<CounterAbi>;
    type InstantiationArgument = ();
    type EventValue = ();

    async fn load(runtime: ContractRuntime<Self>) -> Self {
        MetaCounterContract { runtime }
    }

    async fn instantiate(&mut self, (): ()) {
        // A counter that is not there is better missed here than at the first call.
        self.increment(0);
    }

    async fn execute_operation(&mut self, operation: Operation) -> Option<u64> {
        match operation {
            Operation::Increment { value } => Some(self.increment(value)),
            Operation::Double => {
                let value = self.value();
                Some(self.increment(value))
            }
            Operation::IncrementElsewhere {
                chain_id,
                value,
                tracked,
                fuel_grant,
            } => {
                let grant = Resources {
                    wasm_fuel: fuel_grant,
                    ..Resources::default()
                };
                let message = Message::Increment { value };
                let mut message = self.runtime.prepare_message(message).with_grant(grant);
                if tracked {
                    message = message.with_tracking();
                }
                message.send_to(chain_id);
                None
            }
            Operation::FailElsewhere { chain_id } => {
                self.runtime.send_message(chain_id, Message::Fail);
                None
            }
            Operation::IncrementAndFail { value } => {
                let sum = self.increment(value);
                panic!("fails on purpose, after the counter has said {sum}");
            }
        }
    }

    async fn execute_message(&mut self, message: Message) {
        match message {
            // One that bounces is carried out here: whoever tracks it gets the number somewhere.
            Message::Increment { value } => {
                self.increment(value);
            }
            Message::Fail => panic!("fails on purpose"),
        }
    }

    async fn store(self) {}
}

impl MetaCounterContract {
    fn increment(&mut self, value: u64) -> u64 {
        let counter = self.runtime.application_parameters();
        let increment = counter::Operation::Increment { value };
        self.runtime.call_application(true, counter, &increment)
    }

    /// What the counter's service says. The answer becomes part of the block.
    fn value(&mut self) -> u64 {
        let counter = self.runtime.application_parameters();
        let query = Request::new("{ value }");
        let Response { data, errors, .. } = self.runtime.query_service(counter, query);
        assert!(errors.is_empty(), "the counter answers: {errors:?}");
        let Value::Object(fields) = data else {
            panic!("the counter answers with fields: {data}");
        };
        match fields.get("value") {
            Some(Value::Number(number)) => number.as_u64().expect("a counter holds 64 bits"),
            other => panic!("a counter has a value: {other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use linera_sdk::{
        bcs,
        linera_base_types::{ChainId, CryptoHash},
        util::BlockingWait,
    };

    use super::*;

    fn chain(name: &str) -> ChainId {
        ChainId(CryptoHash::test_hash(name))
    }

    fn counter_id() -> ApplicationId<CounterAbi> {
        ApplicationId::new(CryptoHash::test_hash("counter")).with_abi()
    }

    /// A contract whose counter says 40 more than it is asked to add.
    fn contract() -> MetaCounterContract {
        let runtime = ContractRuntime::new()
            .with_application_parameters(counter_id())
            .with_call_application_handler(|authenticated, callee, operation| {
                assert!(authenticated && callee == counter_id().forget_abi());
                let operation = bcs::from_bytes(&operation).expect("a counter is called");
                let counter::Operation::Increment { value } = operation;
                bcs::to_bytes(&(value + 40)).expect("a number has an encoding")
            });
        MetaCounterContract::load(runtime).blocking_wait()
    }

    fn execute(contract: &mut MetaCounterContract, operation: Operation) -> Option<u64> {
        contract.execute_operation(operation).blocking_wait()
    }

    #[test]
    fn an_increment_is_a_call() {
        let sum = execute(&mut contract(), Operation::Increment { value: 2 });
        assert_eq!(sum, Some(42));
    }

    #[test]
    fn an_increment_elsewhere_is_a_message_and_there_a_call() {
        let mut contract = contract();
        let operation = Operation::IncrementElsewhere {
            chain_id: chain("there"),
            value: 3,
            tracked: true,
            fuel_grant: 1_000,
        };
        assert_eq!(execute(&mut contract, operation), None);
        let request = contract.runtime.created_send_message_requests().remove(0);
        assert_eq!(request.destination, chain("there"));
        assert!(request.is_tracked && !request.authenticated);
        assert_eq!(request.grant.wasm_fuel, 1_000);
        contract.execute_message(request.message).blocking_wait();
    }

    #[test]
    fn the_counters_service_is_asked() {
        let mut contract = contract();
        let answer = r#"{"data": {"value": 5}}"#;
        let answer = linera_sdk::serde_json::from_str(answer).expect("this is a response");
        let query = Request::new("{ value }");
        contract
            .runtime
            .add_expected_service_query(counter_id(), query, answer);
        assert_eq!(execute(&mut contract, Operation::Double), Some(45));
    }

    #[test]
    #[should_panic(expected = "after the counter has said 41")]
    fn a_call_may_have_been_for_nothing() {
        execute(&mut contract(), Operation::IncrementAndFail { value: 1 });
    }

    #[test]
    #[should_panic(expected = "on purpose")]
    fn a_message_may_fail() {
        contract().execute_message(Message::Fail).blocking_wait();
    }
}
