//! The service: makes the calls that it is asked to make, and nothing else.

#![cfg_attr(target_arch = "wasm32", no_main)]

use conformance::{Answer, AnyAbi, Ask, Base, ConformanceAbi, calls::Request, storage};
use linera_sdk::{
    KeyValueStore, Service, ServiceRuntime,
    linera_base_types::{ApplicationPermissions, ChainOwnership, WithServiceAbi},
    serde_json::{self, Value},
    service::wit::{base_runtime_api, service_runtime_api},
};

/// The runtime, while a query runs.
pub struct ConformanceService {
    runtime: ServiceRuntime<Self>,
    storage: KeyValueStore,
}

linera_sdk::service!(ConformanceService);

impl WithServiceAbi for ConformanceService {
    type Abi = ConformanceAbi;
}

impl Service for ConformanceService {
    type Parameters = Value;

    async fn new(runtime: ServiceRuntime<Self>) -> Self {
        ConformanceService {
            storage: runtime.key_value_store(),
            runtime,
        }
    }

    async fn handle_query(&self, ask: Ask) -> Answer {
        self.one(ask).await
    }
}

impl ConformanceService {
    async fn one(&self, ask: Ask) -> Answer {
        match ask {
            Ask::Base(call) => self.base(call).await,
            Ask::ScheduleOperation(call) => {
                self.runtime.schedule_operation(&call);
                Answer::Done
            }
            Ask::ScheduleRawOperation(bytes) => {
                self.runtime.schedule_raw_operation(bytes);
                Answer::Done
            }
            Ask::TryQueryApplication { application, query } => {
                let callee = application.with_abi::<AnyAbi>();
                let query: Value = serde_json::from_str(&query)
                    .unwrap_or_else(|error| panic!("{query} is no JSON: {error}"));
                let response = self.runtime.query_application(callee, &query);
                Answer::Json(response.to_string())
            }
            // The SDK has no method for this one.
            Ask::CheckExecutionTime(fuel) => {
                service_runtime_api::check_execution_time(fuel);
                Answer::Done
            }
            Ask::All(asks) => {
                let mut answers = Vec::with_capacity(asks.len());
                for ask in asks {
                    // A future that holds itself needs a place on the heap.
                    answers.push(Box::pin(self.one(ask)).await);
                }
                Answer::All(answers)
            }
            Ask::Panic(text) => panic!("{text}"),
        }
    }

    async fn base(&self, call: Base) -> Answer {
        match storage::read(&self.storage, call).await {
            Ok(answer) => answer,
            Err(other) => self.base_at_once(other),
        }
    }

    fn base_at_once(&self, call: Base) -> Answer {
        let runtime = &self.runtime;
        match call {
            Base::GetChainId => Answer::Chain(runtime.chain_id()),
            Base::GetBlockHeight => Answer::Height(runtime.next_block_height()),
            Base::GetApplicationId => Answer::Application(runtime.application_id().forget_abi()),
            Base::GetApplicationCreatorChainId => {
                Answer::Chain(runtime.application_creator_chain_id())
            }
            Base::ReadApplicationDescription(application) => {
                let description = runtime.read_application_description(application);
                Answer::Description(Box::new(description))
            }
            Base::ApplicationParameters => {
                Answer::Json(runtime.application_parameters().to_string())
            }
            Base::ReadSystemTimestamp => Answer::Time(runtime.system_time()),
            Base::ReadChainBalance => Answer::Tokens(runtime.chain_balance()),
            Base::ReadOwnerBalance(owner) => Answer::Tokens(runtime.owner_balance(owner)),
            Base::ReadOwnerBalances => Answer::Balances(runtime.owner_balances()),
            Base::ReadBalanceOwners => Answer::Owners(runtime.balance_owners()),
            Base::PerformHttpRequest(request) => {
                let request: Request = *request;
                Answer::Http(Box::new(runtime.http_request(request.into())))
            }
            Base::ReadDataBlob(hash) => Answer::Bytes(runtime.read_data_blob(hash)),
            Base::Log(level, text) => {
                log::log!(level.into(), "{text}");
                Answer::Done
            }
            other => bindings(other),
        }
    }
}

/// What the SDK gives only to contracts, or calls otherwise in tests.
fn bindings(call: Base) -> Answer {
    match call {
        Base::GetChainOwnership => {
            let ownership: ChainOwnership = base_runtime_api::get_chain_ownership().into();
            Answer::Ownership(Box::new(ownership))
        }
        Base::GetApplicationPermissions => {
            let permissions = base_runtime_api::get_application_permissions();
            Answer::Permissions(Box::new(ApplicationPermissions::from(permissions)))
        }
        Base::AssertBefore(time) => {
            base_runtime_api::assert_before(time.into());
            Answer::Done
        }
        Base::AssertDataBlobExists(hash) => {
            base_runtime_api::assert_data_blob_exists(hash.into());
            Answer::Done
        }
        other => unreachable!("{other:?} is made elsewhere"),
    }
}

#[cfg(test)]
mod tests {
    use linera_sdk::{
        linera_base_types::{BlockHeight, ChainId, CryptoHash},
        serde_json::json,
        util::BlockingWait,
    };

    use conformance::Call;

    use super::*;

    fn service() -> ConformanceService {
        let runtime = ServiceRuntime::new()
            .with_chain_id(ChainId(CryptoHash::test_hash("here")))
            .with_next_block_height(BlockHeight(7));
        ConformanceService::new(runtime).blocking_wait()
    }

    #[test]
    fn a_query_is_json() {
        let ask: Ask =
            serde_json::from_value(json!({"Base": "GetBlockHeight"})).expect("this is a query");
        let answer = service().handle_query(ask).blocking_wait();
        assert_eq!(answer, Answer::Height(BlockHeight(7)));
        let ask = json!({"Base": {"ReadValueBytes": [1, 2]}});
        let ask: Ask = serde_json::from_value(ask).expect("this is a query");
        let answer = service().handle_query(ask).blocking_wait();
        assert_eq!(answer, Answer::Value(None));
    }

    #[test]
    fn asks_are_made_in_order() {
        let asks = vec![
            Ask::Base(Base::GetBlockHeight),
            Ask::Base(Base::ContainsKey(vec![1])),
        ];
        let answer = service().handle_query(Ask::All(asks)).blocking_wait();
        let answers = vec![Answer::Height(BlockHeight(7)), Answer::Flag(false)];
        assert_eq!(answer, Answer::All(answers));
    }

    #[test]
    fn operations_are_scheduled() {
        let service = service();
        let call = Call::Base(Base::GetChainId);
        let ask = Ask::ScheduleOperation(Box::new(call.clone()));
        assert_eq!(service.handle_query(ask).blocking_wait(), Answer::Done);
        let ask = Ask::ScheduleRawOperation(vec![0, 1]);
        assert_eq!(service.handle_query(ask).blocking_wait(), Answer::Done);
        let scheduled = service.runtime.raw_scheduled_operations();
        let encoded = linera_sdk::bcs::to_bytes(&call).expect("calls have an encoding");
        assert_eq!(scheduled, [encoded, vec![0, 1]]);
    }
}
