//! The service: shows a swap, and turns mutations into operations.

#![cfg_attr(target_arch = "wasm32", no_main)]

use std::sync::Arc;

use async_graphql::{EmptySubscription, Object, Request, Response, Schema};
use atomic_swap::{AtomicSwapAbi, Operation, Status, Terms, state::AtomicSwapState};
use linera_sdk::{
    Service, ServiceRuntime,
    graphql::GraphQLMutationRoot,
    linera_base_types::{ChainId, WithServiceAbi},
    views::View,
};

/// A swap, while a query runs.
pub struct AtomicSwapService {
    state: Arc<AtomicSwapState>,
    runtime: Arc<ServiceRuntime<Self>>,
}

linera_sdk::service!(AtomicSwapService);

impl WithServiceAbi for AtomicSwapService {
    type Abi = AtomicSwapAbi;
}

impl Service for AtomicSwapService {
    type Parameters = ();

    async fn new(runtime: ServiceRuntime<Self>) -> Self {
        let state = AtomicSwapState::load(runtime.root_view_storage_context())
            .await
            .expect("the state of a swap can be read");
        AtomicSwapService {
            state: Arc::new(state),
            runtime: Arc::new(runtime),
        }
    }

    async fn handle_query(&self, request: Request) -> Response {
        let query = Query {
            state: self.state.clone(),
        };
        let mutations = Operation::mutation_root(self.runtime.clone());
        let schema = Schema::build(query, mutations, EmptySubscription).finish();
        schema.execute(request).await
    }
}

/// What may be asked.
struct Query {
    state: Arc<AtomicSwapState>,
}

#[Object]
impl Query {
    /// How far the swap of this chain is.
    async fn status(&self) -> Status {
        *self.state.status.get()
    }

    /// What was agreed about the swap of this chain.
    async fn terms(&self) -> Option<Terms> {
        self.state.terms.get().clone()
    }

    /// The chains that were opened here for swaps, oldest first.
    async fn proposed(&self) -> Vec<ChainId> {
        let proposed = self.state.proposed.read(..).await;
        proposed.expect("the list can be read")
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;
    use linera_sdk::{serde_json::json, util::BlockingWait};

    use super::*;

    #[test]
    fn a_chain_without_a_swap_says_so() {
        let service = AtomicSwapService::new(ServiceRuntime::new()).blocking_wait();
        let request = Request::new("{ status terms { deadline } proposed }");
        let response = service.handle_query(request).blocking_wait();
        let expected = json!({"status": "UNKNOWN", "terms": null, "proposed": []});
        let expected = Value::from_json(expected).expect("this is a value");
        assert_eq!(response.data, expected, "{:?}", response.errors);
    }

    #[test]
    fn a_mutation_schedules_an_operation() {
        let service = AtomicSwapService::new(ServiceRuntime::new()).blocking_wait();
        let request = Request::new("mutation { refund }");
        let response = service.handle_query(request).blocking_wait();
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        let scheduled = service.runtime.scheduled_operations::<Operation>();
        assert!(
            matches!(scheduled[..], [Operation::Refund]),
            "{scheduled:?}"
        );
    }
}
