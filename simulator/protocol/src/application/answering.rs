//! From a question to the method that answers it.

use crate::application::{
    request::{Answer, BaseRequest},
    runtime::{Authority, BaseRuntime, RuntimeError},
};

use super::description::ApplicationDescription;

/// Answers what contracts and services ask alike.
pub(super) fn answer(
    runtime: &mut dyn BaseRuntime,
    description: &ApplicationDescription,
    authority: Authority,
    request: BaseRequest,
) -> Result<Answer, RuntimeError> {
    let application = authority.application;
    Ok(match request {
        BaseRequest::ChainId => Answer::ChainId(runtime.chain_id()),
        BaseRequest::BlockHeight => Answer::BlockHeight(runtime.block_height()),
        BaseRequest::ApplicationId => Answer::ApplicationId(application),
        BaseRequest::ApplicationCreatorChainId => Answer::ChainId(description.creator_chain_id),
        BaseRequest::ApplicationDescription(id) => {
            let description = runtime.application_description(id)?;
            Answer::ApplicationDescription(Box::new((*description).clone()))
        }
        BaseRequest::ApplicationParameters => Answer::Bytes(description.parameters.clone()),
        BaseRequest::ChainOwnership => Answer::ChainOwnership(Box::new(runtime.chain_ownership())),
        BaseRequest::ApplicationPermissions => {
            Answer::ApplicationPermissions(Box::new(runtime.application_permissions()))
        }
        BaseRequest::SystemTimestamp => Answer::Timestamp(runtime.system_timestamp()),
        BaseRequest::ChainBalance => Answer::Amount(runtime.chain_balance()),
        BaseRequest::OwnerBalance(owner) => Answer::Amount(runtime.owner_balance(owner)),
        BaseRequest::OwnerBalances => Answer::Balances(runtime.owner_balances()),
        BaseRequest::BalanceOwners => {
            let owners = runtime.owner_balances().into_iter();
            Answer::Owners(owners.map(|(owner, _)| owner).collect())
        }
        BaseRequest::PerformHttpRequest(request) => {
            let response = runtime.perform_http_request(authority, request)?;
            Answer::HttpResponse(Box::new(response))
        }
        BaseRequest::AssertBefore(timestamp) => {
            runtime.assert_before(timestamp)?;
            Answer::Unit
        }
        BaseRequest::ReadDataBlob(hash) => Answer::Bytes(runtime.read_data_blob(hash)?),
        BaseRequest::AssertDataBlobExists(hash) => {
            runtime.assert_data_blob_exists(hash)?;
            Answer::Unit
        }
        BaseRequest::Log(level, line) => {
            runtime.log(application, level, line);
            Answer::Unit
        }
        BaseRequest::ContainsKey(key) => Answer::Bool(runtime.contains_key(application, &key)?),
        BaseRequest::ContainsKeys(keys) => {
            let found = keys
                .iter()
                .map(|key| runtime.contains_key(application, key));
            Answer::Bools(found.collect::<Result<_, _>>()?)
        }
        BaseRequest::ReadMultiValuesBytes(keys) => {
            let found = keys.iter().map(|key| runtime.read_value(application, key));
            Answer::Values(found.collect::<Result<_, _>>()?)
        }
        BaseRequest::ReadValueBytes(key) => Answer::Value(runtime.read_value(application, &key)?),
        BaseRequest::FindKeys(prefix) => Answer::Keys(runtime.find_keys(application, &prefix)?),
        BaseRequest::FindKeyValues(prefix) => {
            Answer::KeyValues(runtime.find_key_values(application, &prefix)?)
        }
    })
}
