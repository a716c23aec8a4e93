//! The service: shows accounts, and turns mutations into operations.

#![cfg_attr(target_arch = "wasm32", no_main)]

use std::sync::Arc;

use async_graphql::{EmptySubscription, Object, Request, Response, Schema, SimpleObject};
use fungible::{FungibleOperation, FungibleTokenAbi, Parameters, state::FungibleState};
use linera_sdk::{
    Service, ServiceRuntime,
    graphql::GraphQLMutationRoot,
    linera_base_types::{AccountOwner, Amount, WithServiceAbi},
    views::View,
};

/// The accounts of a chain, while a query runs.
pub struct FungibleService {
    state: Arc<FungibleState>,
    runtime: Arc<ServiceRuntime<Self>>,
}

linera_sdk::service!(FungibleService);

impl WithServiceAbi for FungibleService {
    type Abi = FungibleTokenAbi;
}

impl Service for FungibleService {
    type Parameters = Parameters;

    async fn new(runtime: ServiceRuntime<Self>) -> Self {
        let state = FungibleState::load(runtime.root_view_storage_context())
            .await
            .expect("the accounts of a chain can be read");
        FungibleService {
            state: Arc::new(state),
            runtime: Arc::new(runtime),
        }
    }

    async fn handle_query(&self, request: Request) -> Response {
        let query = Query {
            state: self.state.clone(),
            runtime: self.runtime.clone(),
        };
        let mutations = FungibleOperation::mutation_root(self.runtime.clone());
        let schema = Schema::build(query, mutations, EmptySubscription).finish();
        schema.execute(request).await
    }
}

/// What may be asked.
struct Query {
    state: Arc<FungibleState>,
    runtime: Arc<ServiceRuntime<FungibleService>>,
}

/// An account that has tokens.
#[derive(SimpleObject)]
struct Entry {
    /// Whose it is.
    owner: AccountOwner,
    /// What is in it.
    balance: Amount,
}

impl Query {
    async fn entries(&self) -> Vec<Entry> {
        let accounts = self.state.accounts.index_values().await;
        let accounts = accounts.expect("accounts can be read");
        let entry = |(owner, balance)| Entry { owner, balance };
        accounts.into_iter().map(entry).collect()
    }
}

#[Object]
impl Query {
    /// The tokens of an owner on this chain.
    async fn balance(&self, owner: AccountOwner) -> Amount {
        self.state.balance(&owner).await
    }

    /// All accounts of this chain that have tokens, in the order in which they are stored.
    async fn accounts(&self) -> Vec<Entry> {
        self.entries().await
    }

    /// How much of the owner's tokens the spender may still take on this chain.
    async fn allowance(&self, owner: AccountOwner, spender: AccountOwner) -> Amount {
        self.state.allowance(owner, spender).await
    }

    /// The tokens on this chain.
    async fn supply(&self) -> Amount {
        let add = |sum: Amount, entry: Entry| sum.saturating_add(entry.balance);
        self.entries().await.into_iter().fold(Amount::ZERO, add)
    }

    /// What the token is called.
    async fn ticker_symbol(&self) -> String {
        self.runtime.application_parameters().ticker_symbol
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;
    use linera_sdk::{
        abis::fungible::Account,
        linera_base_types::{ChainId, CryptoHash},
        serde_json::json,
        util::BlockingWait,
    };

    use super::*;

    fn owner(name: &str) -> AccountOwner {
        AccountOwner::from(CryptoHash::test_hash(name))
    }

    fn service(balances: &[(&str, u128)]) -> FungibleService {
        let runtime = ServiceRuntime::<FungibleService>::new()
            .with_application_parameters(Parameters::new("TEST"));
        let state = FungibleState::load(runtime.root_view_storage_context()).blocking_wait();
        let mut state = state.expect("an empty state can be read");
        for (name, count) in balances {
            let credit = state.credit(owner(name), Amount::from_tokens(*count));
            credit.blocking_wait();
        }
        FungibleService {
            state: Arc::new(state),
            runtime: Arc::new(runtime),
        }
    }

    fn ask(service: &FungibleService, query: &str) -> Value {
        let response = service.handle_query(Request::new(query)).blocking_wait();
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        response.data
    }

    #[test]
    fn balances_and_supply_are_shown() {
        let service = service(&[("ana", 3), ("bob", 4)]);
        let query = format!(
            r#"{{ balance(owner: "{}"), supply, tickerSymbol }}"#,
            owner("bob")
        );
        let expected = json!({"balance": "4.", "supply": "7.", "tickerSymbol": "TEST"});
        let expected = Value::from_json(expected).expect("this is a value");
        assert_eq!(ask(&service, &query), expected);
    }

    #[test]
    fn a_mutation_schedules_a_transfer() {
        let service = service(&[]);
        let target = Account {
            chain_id: ChainId(CryptoHash::test_hash("there")),
            owner: owner("bob"),
        };
        let query = format!(
            r#"mutation {{ transfer(owner: "{}", amount: "2.5",
                targetAccount: {{ chainId: "{}", owner: "{}" }}) }}"#,
            owner("ana"),
            target.chain_id,
            target.owner
        );
        ask(&service, &query);
        let scheduled = service.runtime.scheduled_operations::<FungibleOperation>();
        let [FungibleOperation::Transfer { target_account, .. }] = scheduled[..] else {
            panic!("{scheduled:?}");
        };
        assert_eq!(target_account, target);
    }
}
