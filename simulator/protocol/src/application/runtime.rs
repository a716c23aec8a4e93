//! Whoever answers an application: the execution of a block, or of a query.
//!
//! A method for each question that is about the chain or the world. Questions about the user action
//! itself (who am I, who calls me, call that one) are answered by [`super::action`] and
//! [`super::query`], and never come here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    amount::Amount,
    application::{
        description::{ApplicationDescription, ModuleId, StreamName, VmRuntime},
        guest::{Module, ModuleError},
        request::{
            CreateApplicationRequest, HttpRequest, HttpResponse, KeyValue, LogLevel,
            SendMessageRequest, WriteOperation,
        },
    },
    error::ExecutionError,
    hash::CryptoHash,
    ids::{Account, AccountOwner, ApplicationId, BlockHeight, ChainId},
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
    time::Timestamp,
};

/// Who asks, and with whose authority.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Authority {
    /// The application that runs.
    pub application: ApplicationId,
    /// The user whose authentication it sees.
    pub owner: Option<AccountOwner>,
    /// The application that has called it, if it was told.
    pub caller: Option<ApplicationId>,
}

/// An application, ready to be run.
#[derive(Clone)]
pub struct Loaded {
    /// What it was created with.
    pub description: Arc<ApplicationDescription>,
    /// Its contract or its service, as was asked for.
    pub module: Arc<dyn Module>,
}

/// What contracts and services learn of the chain. Every error ends the user action.
#[expect(clippy::missing_errors_doc, reason = "all are `RuntimeError`s")]
pub trait BaseRuntime {
    /// The chain.
    fn chain_id(&mut self) -> ChainId;
    /// The height of the block; in queries that of the next one.
    fn block_height(&mut self) -> BlockHeight;
    /// The timestamp of the block; in queries the clock of who asks.
    fn system_timestamp(&mut self) -> Timestamp;
    /// What an application was created with.
    fn application_description(
        &mut self,
        application: ApplicationId,
    ) -> Result<Arc<ApplicationDescription>, RuntimeError>;
    /// Who owns the chain.
    fn chain_ownership(&mut self) -> ChainOwnership;
    /// What applications may do on it.
    fn application_permissions(&mut self) -> ApplicationPermissions;
    /// Its own balance.
    fn chain_balance(&mut self) -> Amount;
    /// An owner's balance on it.
    fn owner_balance(&mut self, owner: AccountOwner) -> Amount;
    /// All owners' balances, none of them nothing, in the order of owners.
    fn owner_balances(&mut self) -> Vec<(AccountOwner, Amount)>;
    /// Asks a web server.
    fn perform_http_request(
        &mut self,
        authority: Authority,
        request: HttpRequest,
    ) -> Result<HttpResponse, RuntimeError>;
    /// Fails unless it is earlier.
    fn assert_before(&mut self, timestamp: Timestamp) -> Result<(), RuntimeError>;
    /// The bytes of a blob of data.
    fn read_data_blob(&mut self, hash: CryptoHash) -> Result<Vec<u8>, RuntimeError>;
    /// Fails unless the blob of data exists.
    fn assert_data_blob_exists(&mut self, hash: CryptoHash) -> Result<(), RuntimeError>;
    /// Takes a line of log.
    fn log(&mut self, application: ApplicationId, level: LogLevel, line: String);

    /// The value of a key in an application's storage.
    fn read_value(
        &mut self,
        application: ApplicationId,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, RuntimeError>;
    /// Whether there is one.
    fn contains_key(
        &mut self,
        application: ApplicationId,
        key: &[u8],
    ) -> Result<bool, RuntimeError>;
    /// The keys that begin so, without the prefix, in order.
    fn find_keys(
        &mut self,
        application: ApplicationId,
        prefix: &[u8],
    ) -> Result<Vec<Vec<u8>>, RuntimeError>;
    /// The same with values.
    fn find_key_values(
        &mut self,
        application: ApplicationId,
        prefix: &[u8],
    ) -> Result<Vec<KeyValue>, RuntimeError>;
}

/// What contracts do to the chain.
#[expect(clippy::missing_errors_doc, reason = "all are `RuntimeError`s")]
pub trait ContractRuntime: BaseRuntime {
    /// The contract of an application.
    fn load_contract(&mut self, application: ApplicationId) -> Result<Loaded, RuntimeError>;
    /// Sends a message of the application.
    fn send_message(
        &mut self,
        authority: Authority,
        request: SendMessageRequest,
    ) -> Result<(), RuntimeError>;
    /// Moves money of this chain.
    fn transfer(
        &mut self,
        authority: Authority,
        source: AccountOwner,
        destination: Account,
        amount: Amount,
    ) -> Result<(), RuntimeError>;
    /// Fetches money from another chain.
    fn claim(
        &mut self,
        authority: Authority,
        source: Account,
        destination: Account,
        amount: Amount,
    ) -> Result<(), RuntimeError>;
    /// Opens a chain.
    fn open_chain(
        &mut self,
        authority: Authority,
        ownership: ChainOwnership,
        permissions: ApplicationPermissions,
        balance: Amount,
    ) -> Result<ChainId, RuntimeError>;
    /// Closes the chain, if the application may; says whether it may.
    fn close_chain(&mut self, authority: Authority) -> Result<bool, RuntimeError>;
    /// Changes the chain's owners, if the application may; says whether it may.
    fn change_ownership(
        &mut self,
        authority: Authority,
        ownership: ChainOwnership,
    ) -> Result<bool, RuntimeError>;
    /// Changes what applications may do, if the application may; says whether it may.
    fn change_application_permissions(
        &mut self,
        authority: Authority,
        permissions: ApplicationPermissions,
    ) -> Result<bool, RuntimeError>;
    /// Creates an application; it is instantiated by the action, not here.
    fn create_application(
        &mut self,
        authority: Authority,
        request: &CreateApplicationRequest,
    ) -> Result<ApplicationId, RuntimeError>;
    /// Creates a blob of data.
    fn create_data_blob(&mut self, bytes: Vec<u8>) -> Result<CryptoHash, RuntimeError>;
    /// Publishes code.
    fn publish_module(
        &mut self,
        contract: Vec<u8>,
        service: Vec<u8>,
        vm_runtime: VmRuntime,
    ) -> Result<ModuleId, RuntimeError>;
    /// Adds an event to a stream of the application; its index.
    fn emit(
        &mut self,
        application: ApplicationId,
        name: StreamName,
        value: Vec<u8>,
    ) -> Result<u32, RuntimeError>;
    /// An event of a stream of the application.
    fn read_event(
        &mut self,
        application: ApplicationId,
        chain_id: ChainId,
        name: StreamName,
        index: u32,
    ) -> Result<Vec<u8>, RuntimeError>;
    /// Has the chain follow a stream of `publisher` for the application that asks.
    fn subscribe_to_events(
        &mut self,
        authority: Authority,
        chain_id: ChainId,
        publisher: ApplicationId,
        name: StreamName,
    ) -> Result<(), RuntimeError>;
    /// Has it follow no longer.
    fn unsubscribe_from_events(
        &mut self,
        authority: Authority,
        chain_id: ChainId,
        publisher: ApplicationId,
        name: StreamName,
    ) -> Result<(), RuntimeError>;
    /// Asks a service on this chain, as an oracle. It must not schedule operations.
    fn query_service(
        &mut self,
        authority: Authority,
        application: ApplicationId,
        query: Vec<u8>,
    ) -> Result<Vec<u8>, RuntimeError>;
    /// The number of the round, where rounds may have several leaders.
    fn validation_round(&mut self) -> Result<Option<u32>, RuntimeError>;
    /// Changes the application's storage, in order.
    fn write_batch(
        &mut self,
        application: ApplicationId,
        operations: Vec<WriteOperation>,
    ) -> Result<(), RuntimeError>;
}

/// What services do beside looking.
#[expect(clippy::missing_errors_doc, reason = "all are `RuntimeError`s")]
pub trait ServiceRuntime: BaseRuntime {
    /// The service of an application.
    fn load_service(&mut self, application: ApplicationId) -> Result<Loaded, RuntimeError>;
    /// Asks for an operation of the application in the next block of who asks.
    fn schedule_operation(
        &mut self,
        application: ApplicationId,
        operation: Vec<u8>,
    ) -> Result<(), RuntimeError>;
}

/// Why an answer was refused: it ends the user action.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
pub enum RuntimeError {
    /// A rule of blocks.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// There is no such application, as far as is known here.
    #[error("unknown application {0}")]
    UnknownApplication(ApplicationId),
    /// Its code is refused.
    #[error("application {application}: {error}")]
    Module {
        /// Whose.
        application: ApplicationId,
        /// Why.
        error: ModuleError,
    },
    /// Code of another machine.
    #[error("modules of {0:?} are not run here")]
    UnsupportedVmRuntime(VmRuntime),
    /// There is no such blob of data, as far as is known here.
    #[error("unknown data blob {0}")]
    UnknownDataBlob(CryptoHash),
    /// There is no such event, as far as is known here.
    #[error("no event {index} in stream `{name}` of chain {chain_id}")]
    UnknownEvent {
        /// The publishing chain.
        chain_id: ChainId,
        /// The stream.
        name: StreamName,
        /// The event.
        index: u32,
    },
    /// The name of a stream is too long.
    #[error("the name of a stream has {0} bytes, more than 64")]
    StreamNameTooLong(u64),
    /// Who asks may not ask that here.
    #[error("application {application} may not {what}")]
    UnauthorizedApplication {
        /// Who asks.
        application: ApplicationId,
        /// What for.
        what: String,
    },
    /// It is too late.
    #[error("it is {now:?}, not before {limit:?}")]
    AssertBefore {
        /// What was asserted to lie ahead.
        limit: Timestamp,
        /// The time of the block.
        now: Timestamp,
    },
    /// Nobody answers there.
    #[error("no answer from {url}: {reason}")]
    Http {
        /// The address.
        url: String,
        /// Why not.
        reason: String,
    },
    /// A service that was asked as an oracle failed.
    #[error("the service of {application} failed: {reason}")]
    ServiceFailed {
        /// Whose.
        application: ApplicationId,
        /// Why.
        reason: String,
    },
    /// A service that was asked as an oracle schedules operations.
    #[error("the service of {0} schedules an operation when asked as an oracle")]
    OracleSchedulesOperation(ApplicationId),
}
