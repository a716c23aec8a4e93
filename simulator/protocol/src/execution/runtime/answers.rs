//! What contracts, and services that are asked as oracles, learn of the block's chain.

use std::sync::Arc;

use super::{Runtime, unauthorized};
use crate::{
    amount::Amount,
    application::{
        activity::{LOG_BYTES_MAX, LOG_LINES_MAX, LogLine},
        description::ApplicationDescription,
        request::{HttpRequest, HttpResponse, KeyValue, LogLevel},
        runtime::{Authority, BaseRuntime, RuntimeError},
    },
    blob::BlobId,
    error::ExecutionError,
    hash::CryptoHash,
    ids::{AccountOwner, ApplicationId, BlockHeight, ChainId},
    oracle::OracleResponse,
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
    time::Timestamp,
};

impl BaseRuntime for Runtime<'_, '_> {
    fn chain_id(&mut self) -> ChainId {
        self.execution.state.chain_id
    }

    fn block_height(&mut self) -> BlockHeight {
        self.execution.block.height
    }

    fn system_timestamp(&mut self) -> Timestamp {
        self.execution.block.timestamp
    }

    fn application_description(
        &mut self,
        application: ApplicationId,
    ) -> Result<Arc<ApplicationDescription>, RuntimeError> {
        self.execution.description(application)
    }

    fn chain_ownership(&mut self) -> ChainOwnership {
        (*self.execution.state.ownership).clone()
    }

    fn application_permissions(&mut self) -> ApplicationPermissions {
        let permissions = self.execution.state.permissions.as_deref();
        permissions.cloned().unwrap_or_default()
    }

    fn chain_balance(&mut self) -> Amount {
        self.execution.state.balance
    }

    fn owner_balance(&mut self, owner: AccountOwner) -> Amount {
        self.execution.state.balance_of(&owner)
    }

    fn owner_balances(&mut self) -> Vec<(AccountOwner, Amount)> {
        let balances = self.execution.state.balances.iter();
        balances
            .map(|(owner, balance)| (*owner, *balance))
            .collect()
    }

    fn perform_http_request(
        &mut self,
        authority: Authority,
        request: HttpRequest,
    ) -> Result<HttpResponse, RuntimeError> {
        let permissions = self.execution.state.permissions.as_ref();
        let may = permissions.and_then(|permissions| permissions.make_http_requests.as_ref());
        if may.is_some_and(|may| !may.contains(&authority.application)) {
            let application = authority.application;
            return Err(unauthorized(application, "make HTTP requests"));
        }
        self.execution.usage().http_requests += 1;
        let url = request.url.clone();
        let failed = |reason: String| RuntimeError::Http { url, reason };
        let asked = request.clone();
        let learned = self
            .execution
            .learn(|outside| match outside.http(&request) {
                Some(response) => Ok(OracleResponse::Http(Arc::new((request, response)))),
                None => Err(RuntimeError::Http {
                    url: request.url,
                    reason: "the scenario has no answer to it".to_owned(),
                }),
            })?;
        let OracleResponse::Http(exchange) = learned else {
            return Err(ExecutionError::OracleResponseMismatch.into());
        };
        let (request, response) = &*exchange;
        if *request != asked {
            return Err(ExecutionError::OracleResponseMismatch.into());
        }
        let length = u64::try_from(response.body.len()).expect("a length has at most 64 bits");
        let meter = self.execution.meter.as_ref();
        let max = meter.map(|meter| meter.policy.limits.maximum_http_response_bytes);
        if let Some(max) = max.filter(|max| length > *max) {
            return Err(failed(format!("{length} bytes of answer, more than {max}")));
        }
        Ok(response.clone())
    }

    fn assert_before(&mut self, limit: Timestamp) -> Result<(), RuntimeError> {
        let now = self.execution.block.timestamp;
        if now >= limit {
            return Err(RuntimeError::AssertBefore { limit, now });
        }
        Ok(self.execution.ask(OracleResponse::Assert)?)
    }

    fn read_data_blob(&mut self, hash: CryptoHash) -> Result<Vec<u8>, RuntimeError> {
        let blob = self.execution.read_blob(BlobId::data(hash))?;
        self.execution.has_read(blob.bytes().len())?;
        Ok(blob.bytes().to_vec())
    }

    fn assert_data_blob_exists(&mut self, hash: CryptoHash) -> Result<(), RuntimeError> {
        let known = self.execution.read_blob(BlobId::data(hash));
        known.map(|_| ()).map_err(RuntimeError::from)
    }

    fn log(&mut self, application: ApplicationId, level: LogLevel, text: String) {
        let activity = &mut self.execution.made().activity;
        if activity.log.len() >= LOG_LINES_MAX {
            activity.log_dropped += 1;
            return;
        }
        let kept = text.floor_char_boundary(LOG_BYTES_MAX);
        activity.log.push(LogLine {
            application,
            level,
            text: text[..kept].into(),
        });
    }

    fn read_value(
        &mut self,
        application: ApplicationId,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, RuntimeError> {
        let applications = self.execution.state.applications.as_ref();
        let value = applications.and_then(|all| all.value(&application, key));
        let value = value.map(|value| value.to_vec());
        let length = value.as_ref().map_or(0, Vec::len);
        self.execution.has_read(length)?;
        Ok(value)
    }

    fn contains_key(
        &mut self,
        application: ApplicationId,
        key: &[u8],
    ) -> Result<bool, RuntimeError> {
        let applications = self.execution.state.applications.as_ref();
        let value = applications.and_then(|all| all.value(&application, key));
        let found = value.is_some();
        self.execution.has_read(0)?;
        Ok(found)
    }

    fn find_keys(
        &mut self,
        application: ApplicationId,
        prefix: &[u8],
    ) -> Result<Vec<Vec<u8>>, RuntimeError> {
        let applications = self.execution.state.applications.clone();
        let found = applications
            .iter()
            .flat_map(|all| all.find(&application, prefix))
            .map(|(key, _)| key.to_vec());
        let found: Vec<_> = found.collect();
        let bytes = found.iter().map(Vec::len).sum();
        self.execution.has_read(bytes)?;
        Ok(found)
    }

    fn find_key_values(
        &mut self,
        application: ApplicationId,
        prefix: &[u8],
    ) -> Result<Vec<KeyValue>, RuntimeError> {
        let applications = self.execution.state.applications.clone();
        let found = applications
            .iter()
            .flat_map(|all| all.find(&application, prefix))
            .map(|(key, value)| (key.to_vec(), value.to_vec()));
        let found: Vec<_> = found.collect();
        let bytes = found.iter().map(|(key, value)| key.len() + value.len());
        self.execution.has_read(bytes.sum())?;
        Ok(found)
    }
}
