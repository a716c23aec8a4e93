//! The service: shows the number, and turns mutations into operations.

#![cfg_attr(target_arch = "wasm32", no_main)]

use std::sync::Arc;

use async_graphql::{EmptySubscription, Object, Request, Response, Schema};
use counter::{CounterAbi, Operation, state::CounterState};
use linera_sdk::{
    Service, ServiceRuntime, graphql::GraphQLMutationRoot, linera_base_types::WithServiceAbi,
    views::View,
};

/// The number, while a query runs.
pub struct CounterService {
    state: CounterState,
    runtime: Arc<ServiceRuntime<Self>>,
}

linera_sdk::service!(CounterService);

impl WithServiceAbi for CounterService {
    type Abi = CounterAbi;
}

impl Service for CounterService {
    type Parameters = ();

    async fn new(runtime: ServiceRuntime<Self>) -> Self {
        let state = CounterState::load(runtime.root_view_storage_context())
            .await
            .expect("the state of a counter can be read");
        CounterService {
            state,
            runtime: Arc::new(runtime),
        }
    }

    async fn handle_query(&self, request: Request) -> Response {
        let query = Query {
            value: *self.state.value.get(),
        };
        let mutations = Operation::mutation_root(self.runtime.clone());
        let schema = Schema::build(query, mutations, EmptySubscription).finish();
        schema.execute(request).await
    }
}

/// What may be asked.
struct Query {
    value: u64,
}

#[Object]
impl Query {
    /// The number on this chain.
    async fn value(&self) -> u64 {
        self.value
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;
    use linera_sdk::{serde_json::json, util::BlockingWait};

    use super::*;

    fn service(value: u64) -> CounterService {
        let runtime = ServiceRuntime::<CounterService>::new();
        let mut state = CounterState::load(runtime.root_view_storage_context())
            .blocking_wait()
            .expect("an empty state can be read");
        state.value.set(value);
        CounterService {
            state,
            runtime: Arc::new(runtime),
        }
    }

    fn ask(service: &CounterService, query: &str) -> Value {
        let response = service.handle_query(Request::new(query)).blocking_wait();
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        response.data
    }

    #[test]
    fn a_query_shows_the_number() {
        let shown = ask(&service(42), "{ value }");
        let expected = Value::from_json(json!({"value": 42})).expect("this is a value");
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_mutation_schedules_an_operation() {
        let service = service(0);
        ask(&service, "mutation { increment(value: 3) }");
        let scheduled = service.runtime.scheduled_operations::<Operation>();
        assert!(
            matches!(scheduled[..], [Operation::Increment { value: 3 }]),
            "{scheduled:?}"
        );
    }
}
