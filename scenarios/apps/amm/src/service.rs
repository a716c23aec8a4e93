//! The service: shows the pool, and turns mutations into operations.

#![cfg_attr(target_arch = "wasm32", no_main)]

use std::sync::Arc;

use amm::{AmmAbi, Operation, Parameters, Side, arithmetic::output, state::AmmState};
use async_graphql::{EmptySubscription, Object, Request, Response, Schema};
use fungible::Account;
use linera_sdk::{
    Service, ServiceRuntime,
    graphql::GraphQLMutationRoot,
    linera_base_types::{AccountOwner, Amount, ChainId, WithServiceAbi},
    views::View,
};

/// A pool, while a query runs.
pub struct AmmService {
    state: Arc<AmmState>,
    runtime: Arc<ServiceRuntime<Self>>,
}

linera_sdk::service!(AmmService);

impl WithServiceAbi for AmmService {
    type Abi = AmmAbi;
}

impl Service for AmmService {
    type Parameters = Parameters;

    async fn new(runtime: ServiceRuntime<Self>) -> Self {
        let state = AmmState::load(runtime.root_view_storage_context())
            .await
            .expect("the state of a pool can be read");
        AmmService {
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
    state: Arc<AmmState>,
}

#[Object]
impl Query {
    /// What is in the pool, of the first and the second token.
    async fn reserves(&self) -> Vec<Amount> {
        self.state.reserves.get().to_vec()
    }

    /// What somebody owns of the pool who has filled it from a chain.
    async fn shares(&self, chain_id: ChainId, owner: AccountOwner) -> Amount {
        self.state.shares_of(&Account { chain_id, owner }).await
    }

    /// The sum of all shares.
    async fn total_shares(&self) -> Amount {
        *self.state.total_shares.get()
    }

    /// How many trades there were.
    async fn trades(&self) -> u64 {
        *self.state.trades.get()
    }

    /// What a trade would give.
    async fn price(&self, input: Side, amount: Amount) -> Amount {
        let reserves = self.state.reserves.get();
        output(
            amount,
            reserves[input.index()],
            reserves[input.other().index()],
        )
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;
    use linera_sdk::{serde_json::json, util::BlockingWait};

    use super::*;

    #[test]
    fn the_pool_and_a_price_are_shown() {
        let runtime = ServiceRuntime::<AmmService>::new();
        let state = AmmState::load(runtime.root_view_storage_context()).blocking_wait();
        let mut state = state.expect("an empty state can be read");
        state
            .reserves
            .set([Amount::from_tokens(1_000), Amount::from_tokens(1_000)]);
        let service = AmmService {
            state: Arc::new(state),
            runtime: Arc::new(runtime),
        };
        let request = Request::new(r#"{ reserves trades price(input: SECOND, amount: "10") }"#);
        let response = service.handle_query(request).blocking_wait();
        let expected = json!({
            "reserves": ["1000.", "1000."], "trades": 0, "price": "9.871580343970612988",
        });
        let expected = Value::from_json(expected).expect("this is a value");
        assert_eq!(response.data, expected, "{:?}", response.errors);
    }
}
