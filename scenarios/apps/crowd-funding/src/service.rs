//! The service: shows a campaign, and turns mutations into operations.

#![cfg_attr(target_arch = "wasm32", no_main)]

use std::sync::Arc;

use async_graphql::{EmptySubscription, Object, Request, Response, Schema, SimpleObject};
use crowd_funding::{
    Campaign, CrowdFundingAbi, FungibleTokenAbi, Operation, Status, state::CrowdFundingState,
};
use linera_sdk::{
    Service, ServiceRuntime,
    graphql::GraphQLMutationRoot,
    linera_base_types::{AccountOwner, Amount, ApplicationId, ChainId, Timestamp, WithServiceAbi},
    views::View,
};

/// A campaign, while a query runs.
pub struct CrowdFundingService {
    state: Arc<CrowdFundingState>,
    runtime: Arc<ServiceRuntime<Self>>,
}

linera_sdk::service!(CrowdFundingService);

impl WithServiceAbi for CrowdFundingService {
    type Abi = CrowdFundingAbi;
}

impl Service for CrowdFundingService {
    type Parameters = ApplicationId<FungibleTokenAbi>;

    async fn new(runtime: ServiceRuntime<Self>) -> Self {
        let state = CrowdFundingState::load(runtime.root_view_storage_context())
            .await
            .expect("the state of a campaign can be read");
        CrowdFundingService {
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
    state: Arc<CrowdFundingState>,
}

/// What somebody has given.
#[derive(SimpleObject)]
struct Pledge {
    /// The chain that it came from.
    chain_id: ChainId,
    /// Whose it was.
    owner: AccountOwner,
    /// How much.
    amount: Amount,
}

impl Query {
    fn campaign(&self) -> Option<&Campaign> {
        self.state.campaign.get().as_ref()
    }
}

#[Object]
impl Query {
    /// How far it is.
    async fn status(&self) -> Status {
        *self.state.status.get()
    }

    /// What has come together and was not paid yet.
    async fn collected(&self) -> Amount {
        *self.state.collected.get()
    }

    /// Who has given what.
    async fn pledges(&self) -> Vec<Pledge> {
        let pledge = |(giver, amount): (crowd_funding::Account, Amount)| Pledge {
            chain_id: giver.chain_id,
            owner: giver.owner,
            amount,
        };
        self.state.givers().await.into_iter().map(pledge).collect()
    }

    /// Who gets it; nothing where no campaign lies.
    async fn owner(&self) -> Option<AccountOwner> {
        self.campaign().map(|campaign| campaign.owner)
    }

    /// How much is needed; nothing where no campaign lies.
    async fn target(&self) -> Option<Amount> {
        self.campaign().map(|campaign| campaign.target)
    }

    /// When it ends; nothing where no campaign lies.
    async fn deadline(&self) -> Option<Timestamp> {
        self.campaign().map(|campaign| campaign.deadline)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;
    use linera_sdk::{serde_json::json, util::BlockingWait};

    use super::*;

    #[test]
    fn a_chain_without_a_campaign_says_so() {
        let service = CrowdFundingService::new(ServiceRuntime::new()).blocking_wait();
        let query = "{ status collected owner target deadline pledges { amount } }";
        let response = service.handle_query(Request::new(query)).blocking_wait();
        let expected = json!({
            "status": "OPEN", "collected": "0.", "owner": null, "target": null,
            "deadline": null, "pledges": [],
        });
        let expected = Value::from_json(expected).expect("this is a value");
        assert_eq!(response.data, expected, "{:?}", response.errors);
    }

    #[test]
    fn a_mutation_schedules_an_operation() {
        let service = CrowdFundingService::new(ServiceRuntime::new()).blocking_wait();
        let request = Request::new("mutation { cancel }");
        let response = service.handle_query(request).blocking_wait();
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        let scheduled = service.runtime.scheduled_operations::<Operation>();
        assert!(
            matches!(scheduled[..], [Operation::Cancel]),
            "{scheduled:?}"
        );
    }
}
