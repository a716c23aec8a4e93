//! The block that is executed, as what applications ask and change.
//!
//! Owns who may do what: an application moves the money of its account and of the user whose
//! authentication it sees; it controls the chain if the chain's permissions say so. Everything that
//! comes from outside of the chain is an oracle's response, recorded in the block.

mod answers;

use std::sync::Arc;

use super::{Execution, StateChange, metering::ORACLE_FUEL};
use crate::{
    amount::Amount,
    application::{
        action::ActionError,
        activity::{Changed, Moved},
        description::{GenericApplicationId, ModuleId, StreamId, StreamName, VmRuntime},
        guest::Role,
        outcome::{UserMessage, UserOperation},
        query,
        request::{CreateApplicationRequest, Resources, SendMessageRequest, WriteOperation},
        runtime::{Authority, ContractRuntime, Loaded, RuntimeError, ServiceRuntime},
    },
    blob::{Blob, BlobContent, BlobLimits, BlobType},
    description::InitialChainConfig,
    error::ExecutionError,
    hash::CryptoHash,
    ids::{Account, AccountOwner, ApplicationId, ChainId},
    message::{MessageKind, OutgoingMessage, SystemMessage},
    oracle::OracleResponse,
    outside::EventId,
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
    policy::Prices,
    sabotage::Sabotage,
};

/// The block being executed, for one user action.
pub(super) struct Runtime<'e, 'a> {
    execution: &'e mut Execution<'a>,
}

/// The account of an application, which it alone may use.
const fn account_of(application: ApplicationId) -> AccountOwner {
    AccountOwner::Address32(application.0)
}

fn unauthorized(application: ApplicationId, what: &str) -> RuntimeError {
    let what = what.to_owned();
    RuntimeError::UnauthorizedApplication { application, what }
}

fn stream_of(application: ApplicationId, name: StreamName) -> Result<StreamId, RuntimeError> {
    if name.0.len() > StreamName::LENGTH_MAX {
        let length = u64::try_from(name.0.len()).expect("a length has at most 64 bits");
        return Err(RuntimeError::StreamNameTooLong(length));
    }
    let application_id = GenericApplicationId::User(application);
    Ok(StreamId {
        application_id,
        stream_name: name,
    })
}

/// What so much of each resource costs.
fn price(prices: &Prices, resources: &Resources) -> Amount {
    let Resources {
        wasm_fuel,
        evm_fuel,
        read_operations,
        write_operations,
        bytes_runtime,
        bytes_to_read,
        bytes_to_write,
        blobs_to_read,
        blobs_to_publish,
        blob_bytes_to_read,
        blob_bytes_to_publish,
        messages,
        message_size,
        // Storage has no rent.
        storage_size_delta: _,
        service_as_oracle_queries,
        http_requests,
    } = *resources;
    let parts = [
        (prices.wasm_fuel_unit, wasm_fuel),
        (prices.evm_fuel_unit, evm_fuel),
        (prices.read_operation, u64::from(read_operations)),
        (prices.write_operation, u64::from(write_operations)),
        (prices.byte_runtime, u64::from(bytes_runtime)),
        (prices.byte_read, u64::from(bytes_to_read)),
        (prices.byte_written, u64::from(bytes_to_write)),
        (prices.blob_read, u64::from(blobs_to_read)),
        (prices.blob_published, u64::from(blobs_to_publish)),
        (prices.blob_byte_read, u64::from(blob_bytes_to_read)),
        (prices.blob_byte_published, u64::from(blob_bytes_to_publish)),
        (prices.message, u64::from(messages)),
        (prices.message_byte, u64::from(message_size)),
        (
            prices.service_as_oracle_query,
            u64::from(service_as_oracle_queries),
        ),
        (prices.http_request, u64::from(http_requests)),
    ];
    parts.iter().fold(Amount::ZERO, |sum, (price, count)| {
        sum.saturating_add(price.saturating_mul(*count))
    })
}

impl<'e, 'a> Runtime<'e, 'a> {
    pub(super) const fn new(execution: &'e mut Execution<'a>) -> Self {
        Self { execution }
    }

    /// An account moves for its user, for its application, or for an owner of the chain if it is the
    /// chain's.
    fn authenticate(&self, authority: Authority, source: AccountOwner) -> Result<(), RuntimeError> {
        let ownership = &self.execution.state.ownership;
        let is_owner = |signer: AccountOwner| {
            signer == source || (source == AccountOwner::CHAIN && ownership.is_owner(&signer))
        };
        if source == account_of(authority.application) || authority.owner.is_some_and(is_owner) {
            return Ok(());
        }
        Err(ExecutionError::UnauthenticatedTransferOwner { owner: source }.into())
    }

    /// Whether the chain's permissions say yes; they are asked only where nobody ignores them.
    fn may(&self, says: impl FnOnce(&ApplicationPermissions) -> bool) -> bool {
        if self.execution.sabotage == Sabotage::PermissionsIgnored {
            return true;
        }
        self.execution
            .state
            .permissions
            .as_deref()
            .is_some_and(says)
    }

    /// Takes what a message may cost where it is executed; gives who gets the rest of it back.
    fn pay_grant(
        &mut self,
        authority: Authority,
        resources: &Resources,
    ) -> Result<(Amount, Option<Box<Account>>), RuntimeError> {
        let meter = self.execution.meter.as_ref();
        let grant = meter.map_or(Amount::ZERO, |meter| price(&meter.policy.prices, resources));
        if grant.is_zero() {
            return Ok((grant, None));
        }
        let owner = authority.owner.unwrap_or(AccountOwner::CHAIN);
        self.execution.debit(owner, grant)?;
        let moved = Moved::Grant {
            source: owner,
            amount: grant,
        };
        self.execution.has_moved(authority.application, moved);
        let chain_id = self.execution.state.chain_id;
        Ok((grant, Some(Box::new(Account { chain_id, owner }))))
    }

    fn create_data(
        &mut self,
        blob_type: BlobType,
        bytes: Vec<u8>,
    ) -> Result<CryptoHash, RuntimeError> {
        let blob = Blob::new(BlobContent::new(blob_type, bytes));
        let sized = BlobLimits::DEFAULT.check_size(&blob);
        sized.map_err(ExecutionError::Blob)?;
        let hash = blob.id().hash;
        self.execution.create_blob(blob)?;
        Ok(hash)
    }
}

impl ContractRuntime for Runtime<'_, '_> {
    fn load_contract(&mut self, application: ApplicationId) -> Result<Loaded, RuntimeError> {
        self.execution.load(application, Role::Contract)
    }

    fn send_message(
        &mut self,
        authority: Authority,
        request: SendMessageRequest,
    ) -> Result<(), RuntimeError> {
        let (grant, refund_grant_to) = self.pay_grant(authority, &request.grant)?;
        let kind = if request.is_tracked {
            MessageKind::Tracked
        } else {
            MessageKind::Simple
        };
        let message = UserMessage {
            application_id: authority.application,
            bytes: request.message,
        };
        self.execution.send(OutgoingMessage {
            destination: request.destination,
            authenticated_owner: authority.owner.filter(|_| request.authenticated),
            grant,
            refund_grant_to,
            kind,
            message: SystemMessage::User(Arc::new(message)),
        });
        Ok(())
    }

    fn transfer(
        &mut self,
        authority: Authority,
        source: AccountOwner,
        destination: Account,
        amount: Amount,
    ) -> Result<(), RuntimeError> {
        self.authenticate(authority, source)?;
        let signer = authority.owner;
        let execution = &mut *self.execution;
        execution.transfer(source, destination, amount, signer)?;
        let moved = Moved::Transfer {
            source,
            destination,
            amount,
        };
        execution.has_moved(authority.application, moved);
        Ok(())
    }

    fn claim(
        &mut self,
        authority: Authority,
        source: Account,
        destination: Account,
        amount: Amount,
    ) -> Result<(), RuntimeError> {
        self.authenticate(authority, source.owner)?;
        let (owner, target, signer) = (source.owner, source.chain_id, authority.owner);
        let execution = &mut *self.execution;
        execution.claim(owner, target, destination, amount, signer)?;
        let moved = Moved::Claim {
            source: owner,
            target,
            destination,
            amount,
        };
        execution.has_moved(authority.application, moved);
        Ok(())
    }

    fn open_chain(
        &mut self,
        authority: Authority,
        ownership: ChainOwnership,
        permissions: ApplicationPermissions,
        balance: Amount,
    ) -> Result<ChainId, RuntimeError> {
        let config = InitialChainConfig {
            ownership: Arc::new(ownership),
            epoch: self.execution.state.epoch,
            balance,
            permissions: (!permissions.is_default()).then(|| Arc::new(permissions)),
        };
        self.execution.open_chain(&config)?;
        let opened = self.execution.opened.last().and_then(|all| all.last());
        let chain = opened.expect("it was opened just now").id();
        let moved = Moved::Opened {
            chain,
            amount: balance,
        };
        self.execution.has_moved(authority.application, moved);
        Ok(chain)
    }

    fn close_chain(&mut self, authority: Authority) -> Result<bool, RuntimeError> {
        let may = self.may(|permissions| permissions.may_close(&authority.application));
        if may {
            self.execution.changes.push(StateChange::Closed);
            self.execution.state.closed = true;
            let execution = &mut *self.execution;
            execution.has_changed(authority.application, Changed::Closed);
        }
        Ok(may)
    }

    fn change_ownership(
        &mut self,
        authority: Authority,
        ownership: ChainOwnership,
    ) -> Result<bool, RuntimeError> {
        let may = self.may(|permissions| permissions.may_close(&authority.application));
        if may {
            let ownership = Arc::new(ownership);
            self.execution.set_ownership(&ownership);
            let changed = Changed::Ownership(ownership);
            self.execution.has_changed(authority.application, changed);
        }
        Ok(may)
    }

    fn change_application_permissions(
        &mut self,
        authority: Authority,
        permissions: ApplicationPermissions,
    ) -> Result<bool, RuntimeError> {
        let may = self.may(|permissions| permissions.may_change(&authority.application));
        if may {
            let permissions = Arc::new(permissions);
            self.execution.set_permissions(&permissions);
            let changed = Changed::Permissions(permissions);
            self.execution.has_changed(authority.application, changed);
        }
        Ok(may)
    }

    fn create_application(
        &mut self,
        _: Authority,
        request: &CreateApplicationRequest,
    ) -> Result<ApplicationId, RuntimeError> {
        self.execution.describe(request)
    }

    fn create_data_blob(&mut self, bytes: Vec<u8>) -> Result<CryptoHash, RuntimeError> {
        self.create_data(BlobType::Data, bytes)
    }

    fn publish_module(
        &mut self,
        contract: Vec<u8>,
        service: Vec<u8>,
        vm_runtime: VmRuntime,
    ) -> Result<ModuleId, RuntimeError> {
        if vm_runtime == VmRuntime::Evm {
            return Err(RuntimeError::UnsupportedVmRuntime(vm_runtime));
        }
        Ok(ModuleId {
            contract_blob_hash: self.create_data(BlobType::ContractBytecode, contract)?,
            service_blob_hash: self.create_data(BlobType::ServiceBytecode, service)?,
            vm_runtime,
        })
    }

    fn emit(
        &mut self,
        application: ApplicationId,
        name: StreamName,
        value: Vec<u8>,
    ) -> Result<u32, RuntimeError> {
        stream_of(application, name.clone())?;
        self.execution.has_published(value.len());
        let value: Arc<[u8]> = value.into();
        let mut event = self.execution.change_applications(|applications| {
            let (event, change) = applications.emit(application, name, &value);
            (event, Some(change))
        });
        if self.execution.sabotage == Sabotage::EventIndexReused {
            event.index = event.index.saturating_sub(1);
        }
        if let Some(meter) = &mut self.execution.meter {
            meter.track_block_size(&event)?;
        }
        let (position, index) = (self.execution.position(), event.index);
        let events = &mut self.execution.made().outcome.events;
        events.push((position, event));
        Ok(index)
    }

    fn read_event(
        &mut self,
        application: ApplicationId,
        chain_id: ChainId,
        name: StreamName,
        index: u32,
    ) -> Result<Vec<u8>, RuntimeError> {
        let stream_id = stream_of(application, name)?;
        let id = EventId {
            chain_id,
            stream_id,
            index,
        };
        let value = self.execution.read_event(id)?;
        self.execution.has_read(value.len())?;
        Ok(value.to_vec())
    }

    fn subscribe_to_events(
        &mut self,
        authority: Authority,
        chain_id: ChainId,
        publisher: ApplicationId,
        name: StreamName,
    ) -> Result<(), RuntimeError> {
        let stream = stream_of(publisher, name)?;
        let subscriber = authority.application;
        let changed = Changed::Subscribed(chain_id, stream.clone());
        self.execution.has_changed(subscriber, changed);
        self.execution.change_applications(|applications| {
            ((), applications.subscribe(subscriber, chain_id, stream))
        });
        Ok(())
    }

    fn unsubscribe_from_events(
        &mut self,
        authority: Authority,
        chain_id: ChainId,
        publisher: ApplicationId,
        name: StreamName,
    ) -> Result<(), RuntimeError> {
        let stream = stream_of(publisher, name)?;
        let subscriber = authority.application;
        let changed = Changed::Unsubscribed(chain_id, stream.clone());
        self.execution.has_changed(subscriber, changed);
        self.execution.change_applications(|applications| {
            ((), applications.unsubscribe(subscriber, chain_id, stream))
        });
        Ok(())
    }

    fn query_service(
        &mut self,
        authority: Authority,
        application: ApplicationId,
        query: Vec<u8>,
    ) -> Result<Vec<u8>, RuntimeError> {
        let permissions = self.execution.state.permissions.as_ref();
        let may = permissions.and_then(|permissions| permissions.call_service_as_oracle.as_ref());
        if may.is_some_and(|may| !may.contains(&authority.application)) {
            return Err(unauthorized(authority.application, "query services"));
        }
        self.execution.usage().oracle_queries += 1;
        let outcome = query::perform(application, query, ORACLE_FUEL, self);
        let failed = |reason: String| RuntimeError::ServiceFailed {
            application,
            reason,
        };
        let response = outcome.result.map_err(|error| match error {
            // What a block lacks, or has too much of, is said as such.
            ActionError::Refused { error, .. } if matches!(*error, RuntimeError::Execution(_)) => {
                *error
            }
            error => failed(error.to_string()),
        })?;
        let length = u64::try_from(response.len()).expect("a length has at most 64 bits");
        let meter = self.execution.meter.as_ref();
        let max = meter.map(|meter| meter.policy.limits.maximum_oracle_response_bytes);
        if let Some(max) = max.filter(|max| length > *max) {
            return Err(failed(format!("{length} bytes of answer, more than {max}")));
        }
        let recorded = response.as_slice().into();
        self.execution.ask(OracleResponse::Service(recorded))?;
        Ok(response)
    }

    fn validation_round(&mut self) -> Result<Option<u32>, RuntimeError> {
        let learned = self
            .execution
            .learn(|outside| Ok(OracleResponse::Round(outside.round())))?;
        match learned {
            OracleResponse::Round(round) => Ok(round),
            _ => Err(ExecutionError::OracleResponseMismatch.into()),
        }
    }

    fn write_batch(
        &mut self,
        application: ApplicationId,
        operations: Vec<WriteOperation>,
    ) -> Result<(), RuntimeError> {
        if operations.is_empty() {
            return Ok(());
        }
        let bytes = operations.iter().map(|operation| match operation {
            WriteOperation::Delete(key) | WriteOperation::DeletePrefix(key) => key.len(),
            WriteOperation::Put(key, value) => key.len() + value.len(),
        });
        let bytes = bytes.sum();
        self.execution.has_written(operations.len(), bytes)?;
        self.execution.change_applications(|applications| {
            ((), Some(applications.write(application, &operations)))
        });
        Ok(())
    }
}

impl ServiceRuntime for Runtime<'_, '_> {
    fn load_service(&mut self, application: ApplicationId) -> Result<Loaded, RuntimeError> {
        self.execution.load(application, Role::Service)
    }

    fn schedule_operation(
        &mut self,
        application: ApplicationId,
        bytes: Vec<u8>,
    ) -> Result<(), RuntimeError> {
        let scheduled = self.execution.made().scheduled.as_mut();
        let scheduled = scheduled.ok_or(RuntimeError::OracleSchedulesOperation(application))?;
        scheduled.push(UserOperation {
            application_id: application,
            bytes,
        });
        Ok(())
    }
}
