//! The service: asks the counter's, and turns mutations into operations.

#![cfg_attr(target_arch = "wasm32", no_main)]

use std::sync::Arc;

use async_graphql::{EmptySubscription, Object, Request, Response, Schema, Value};
use counter::CounterAbi;
use linera_sdk::{
    Service, ServiceRuntime,
    graphql::GraphQLMutationRoot,
    linera_base_types::{ApplicationId, WithServiceAbi},
};
use meta_counter::{MetaCounterAbi, Operation};

/// The runtime, while a query runs.
pub struct MetaCounterService {
    runtime: Arc<ServiceRuntime<Self>>,
}

linera_sdk::service!(MetaCounterService);

impl WithServiceAbi for MetaCounterService {
    type Abi = MetaCounterAbi;
}

impl Service for MetaCounterService {
    type Parameters = ApplicationId<CounterAbi>;

    async fn new(runtime: ServiceRuntime<Self>) -> Self {
        MetaCounterService {
            runtime: Arc::new(runtime),
        }
    }

    async fn handle_query(&self, request: Request) -> Response {
        let query = Query {
            runtime: self.runtime.clone(),
        };
        let mutations = Operation::mutation_root(self.runtime.clone());
        let schema = Schema::build(query, mutations, EmptySubscription).finish();
        schema.execute(request).await
    }
}

/// What may be asked.
struct Query {
    runtime: Arc<ServiceRuntime<MetaCounterService>>,
}

#[Object]
impl Query {
    /// What the counter of this chain says.
    async fn value(&self) -> async_graphql::Result<u64> {
        let counter = self.runtime.application_parameters();
        let query = Request::new("{ value }");
        let response = self.runtime.query_application(counter, &query);
        let Value::Object(fields) = response.data else {
            return Err("the counter answers with no fields".into());
        };
        match fields.get("value") {
            Some(Value::Number(number)) => number
                .as_u64()
                .ok_or_else(|| "the counter answers with no 64 bits".into()),
            _ => Err("the counter answers with no value".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use linera_sdk::{linera_base_types::CryptoHash, serde_json::json, util::BlockingWait};

    use super::*;

    #[test]
    fn the_counter_is_asked() {
        let counter = ApplicationId::new(CryptoHash::test_hash("counter"));
        let runtime = ServiceRuntime::new()
            .with_application_parameters(counter.with_abi())
            .with_query_application_handler(move |callee, _| {
                assert_eq!(callee, counter);
                br#"{"data": {"value": 8}}"#.to_vec()
            });
        let service = MetaCounterService::new(runtime).blocking_wait();
        let response = service.handle_query(Request::new("{ value }"));
        let response = response.blocking_wait();
        let expected = Value::from_json(json!({"value": 8})).expect("this is a value");
        assert_eq!(response.data, expected, "{:?}", response.errors);
    }
}
