//! The calls of a contract that a service may make as well.

use conformance::{Answer, Base, calls::Request, storage};
use linera_sdk::{
    contract::wit::base_runtime_api,
    linera_base_types::{AccountOwner, Amount},
};

use super::ConformanceContract;

impl ConformanceContract {
    pub(super) async fn base(&mut self, call: Base) -> Answer {
        match storage::read(&self.storage, call).await {
            Ok(answer) => answer,
            Err(other) => self.base_at_once(other),
        }
    }

    fn base_at_once(&mut self, call: Base) -> Answer {
        let runtime = &mut self.runtime;
        match call {
            Base::GetChainId => Answer::Chain(runtime.chain_id()),
            Base::GetBlockHeight => Answer::Height(runtime.block_height()),
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
            Base::GetChainOwnership => Answer::Ownership(Box::new(runtime.chain_ownership())),
            Base::GetApplicationPermissions => {
                Answer::Permissions(Box::new(runtime.application_permissions()))
            }
            Base::ReadSystemTimestamp => Answer::Time(runtime.system_time()),
            Base::ReadChainBalance => Answer::Tokens(runtime.chain_balance()),
            Base::ReadOwnerBalance(owner) => Answer::Tokens(runtime.owner_balance(owner)),
            Base::PerformHttpRequest(request) => {
                let request: Request = *request;
                Answer::Http(Box::new(runtime.http_request(request.into())))
            }
            Base::AssertBefore(time) => {
                runtime.assert_before(time);
                Answer::Done
            }
            Base::ReadDataBlob(hash) => Answer::Bytes(runtime.read_data_blob(hash)),
            Base::AssertDataBlobExists(hash) => {
                runtime.assert_data_blob_exists(hash);
                Answer::Done
            }
            Base::Log(level, text) => {
                log::log!(level.into(), "{text}");
                Answer::Done
            }
            other => bindings(other),
        }
    }
}

/// What the SDK gives only to services.
fn bindings(call: Base) -> Answer {
    match call {
        Base::ReadOwnerBalances => {
            let balances = base_runtime_api::read_owner_balances().into_iter();
            let own = |(owner, amount)| (AccountOwner::from(owner), Amount::from(amount));
            Answer::Balances(balances.map(own).collect())
        }
        Base::ReadBalanceOwners => {
            let owners = base_runtime_api::read_balance_owners().into_iter();
            Answer::Owners(owners.map(AccountOwner::from).collect())
        }
        other => unreachable!("{other:?} is made elsewhere"),
    }
}
