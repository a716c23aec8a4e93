//! What the code of an application may ask, and what it is answered.
//!
//! There is a variant for every function of the base, contract and service interfaces, each with the
//! [`Answer`] that it gets, but for two matters of whoever runs the code: promises (it asks at once and
//! hands the answer out later) and fuel (it counts it, and takes what code gives away).

use serde::{Deserialize, Serialize};

use crate::{
    amount::Amount,
    application::description::{ApplicationDescription, ModuleId, StreamName, VmRuntime},
    hash::CryptoHash,
    ids::{Account, AccountOwner, ApplicationId, BlockHeight, ChainId},
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
    time::Timestamp,
};

/// How urgent a line of a log is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum LogLevel {
    /// Something failed; a panic says so here before it traps.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened.
    Info,
    /// For who looks for a mistake.
    Debug,
    /// Everything.
    Trace,
}

/// The verb of a request to a web server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the verbs of HTTP")]
pub enum HttpMethod {
    Get,
    Post,
    Put,
    Delete,
    Head,
    Options,
    Connect,
    Patch,
    Trace,
}

/// A header of a request or response.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct HttpHeader {
    /// Its name.
    pub name: String,
    /// Its value, in whatever encoding.
    pub value: Vec<u8>,
}

/// A request to a web server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct HttpRequest {
    /// The verb.
    pub method: HttpMethod,
    /// The address.
    pub url: String,
    /// Headers, in order.
    pub headers: Vec<HttpHeader>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a web server answered.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Headers, in order.
    pub headers: Vec<HttpHeader>,
    /// The body.
    pub body: Vec<u8>,
}

/// How much of each resource a message may use where it is executed, paid by the sender.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is a number of what its name says")]
pub struct Resources {
    pub wasm_fuel: u64,
    pub evm_fuel: u64,
    pub read_operations: u32,
    pub write_operations: u32,
    pub bytes_runtime: u32,
    pub bytes_to_read: u32,
    pub bytes_to_write: u32,
    pub blobs_to_read: u32,
    pub blobs_to_publish: u32,
    pub blob_bytes_to_read: u32,
    pub blob_bytes_to_publish: u32,
    pub messages: u32,
    pub message_size: u32,
    pub storage_size_delta: u32,
    pub service_as_oracle_queries: u32,
    pub http_requests: u32,
}

/// A message that a contract sends.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct SendMessageRequest {
    /// Where to.
    pub destination: ChainId,
    /// Whether it carries the sender's authentication.
    pub authenticated: bool,
    /// Whether it bounces when it is rejected.
    pub is_tracked: bool,
    /// What its execution may use at the sender's expense.
    pub grant: Resources,
    /// What it says, in the application's encoding.
    pub message: Vec<u8>,
}

/// A key, or what follows a prefix in it, with its value.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// One change of an application's storage; a batch is applied in order.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum WriteOperation {
    /// Removes a key.
    Delete(Vec<u8>),
    /// Removes every key that begins so.
    DeletePrefix(Vec<u8>),
    /// Sets a key to a value.
    Put(Vec<u8>, Vec<u8>),
}

/// What creates an application.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct CreateApplicationRequest {
    /// Its code.
    pub module_id: ModuleId,
    /// Its parameters (JSON).
    pub parameters: Vec<u8>,
    /// What it is instantiated with on the creating chain (JSON).
    pub argument: Vec<u8>,
    /// Applications that it may call.
    pub required_application_ids: Vec<ApplicationId>,
}

/// A question of an application's code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// What contracts and services may ask.
    Base(BaseRequest),
    /// What contracts may ask.
    Contract(ContractRequest),
    /// What services may ask.
    Service(ServiceRequest),
}

/// What contracts and services may ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BaseRequest {
    /// Which chain is this? [`Answer::ChainId`]
    ChainId,
    /// The height of the block, or of the next one in a query. [`Answer::BlockHeight`]
    BlockHeight,
    /// Who am I? [`Answer::ApplicationId`]
    ApplicationId,
    /// Which chain created me? [`Answer::ChainId`]
    ApplicationCreatorChainId,
    /// What was that application created with? [`Answer::ApplicationDescription`]
    ApplicationDescription(ApplicationId),
    /// My parameters. [`Answer::Bytes`]
    ApplicationParameters,
    /// Who owns this chain? [`Answer::ChainOwnership`]
    ChainOwnership,
    /// What may applications do here? [`Answer::ApplicationPermissions`]
    ApplicationPermissions,
    /// The block's timestamp; in a query, the clock of who asks. [`Answer::Timestamp`]
    SystemTimestamp,
    /// The chain's own balance. [`Answer::Amount`]
    ChainBalance,
    /// An owner's balance here. [`Answer::Amount`]
    OwnerBalance(AccountOwner),
    /// All owners' balances here, in the order of owners. [`Answer::Balances`]
    OwnerBalances,
    /// All owners with a balance here, in order. [`Answer::Owners`]
    BalanceOwners,
    /// Ask a web server. [`Answer::HttpResponse`]
    PerformHttpRequest(HttpRequest),
    /// Fail unless it is earlier than that. [`Answer::Unit`]
    AssertBefore(Timestamp),
    /// The bytes of a blob of data. [`Answer::Bytes`]
    ReadDataBlob(CryptoHash),
    /// Fail unless that blob of data exists. [`Answer::Unit`]
    AssertDataBlobExists(CryptoHash),
    /// A line for the log. [`Answer::Unit`]
    Log(LogLevel, String),
    /// Is there a value? [`Answer::Bool`]
    ContainsKey(Vec<u8>),
    /// Are there values? [`Answer::Bools`], in the order of the keys.
    ContainsKeys(Vec<Vec<u8>>),
    /// The values of several keys. [`Answer::Values`], in the order of the keys.
    ReadMultiValuesBytes(Vec<Vec<u8>>),
    /// The value of a key. [`Answer::Value`]
    ReadValueBytes(Vec<u8>),
    /// What follows a prefix in the keys that begin so, in order. [`Answer::Keys`]
    FindKeys(Vec<u8>),
    /// The same with values. [`Answer::KeyValues`]
    FindKeyValues(Vec<u8>),
}

/// What contracts may ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContractRequest {
    /// Whose authority does this action have? [`Answer::Owner`]
    AuthenticatedOwner,
    /// Is the message coming back? `None` outside of messages. [`Answer::OptionalBool`]
    MessageIsBouncing,
    /// Where is the message from? [`Answer::OptionalChainId`]
    MessageOriginChainId,
    /// Which application calls me? [`Answer::OptionalApplicationId`]
    AuthenticatedCallerId,
    /// Send a message. [`Answer::Unit`]
    SendMessage(SendMessageRequest),
    /// Move money of this chain. [`Answer::Unit`]
    Transfer(AccountOwner, Account, Amount),
    /// Fetch money from another chain. [`Answer::Unit`]
    Claim(Account, Account, Amount),
    /// Open a chain with a balance from this one. [`Answer::ChainId`]
    OpenChain(Box<ChainOwnership>, Box<ApplicationPermissions>, Amount),
    /// Close this chain for good. [`Answer::Permitted`]
    CloseChain,
    /// Give this chain other owners. [`Answer::Permitted`]
    ChangeOwnership(Box<ChainOwnership>),
    /// Change what applications may do here. [`Answer::Permitted`]
    ChangeApplicationPermissions(Box<ApplicationPermissions>),
    /// Create an application and instantiate it. [`Answer::ApplicationId`]
    CreateApplication(Box<CreateApplicationRequest>),
    /// Create a blob of data. [`Answer::Hash`]
    CreateDataBlob(Vec<u8>),
    /// Publish code, of a contract and a service. [`Answer::ModuleId`]
    PublishModule(Vec<u8>, Vec<u8>, VmRuntime),
    /// Execute an operation of another application, with or without my authentication.
    /// [`Answer::Bytes`]
    CallApplication(bool, ApplicationId, Vec<u8>),
    /// Add an event to a stream of mine. [`Answer::Index`]
    Emit(StreamName, Vec<u8>),
    /// An event of a stream of mine on that chain. [`Answer::Bytes`]
    ReadEvent(ChainId, StreamName, u32),
    /// Have this chain follow a stream. [`Answer::Unit`]
    SubscribeToEvents(ChainId, ApplicationId, StreamName),
    /// Have it follow no longer. [`Answer::Unit`]
    UnsubscribeFromEvents(ChainId, ApplicationId, StreamName),
    /// Ask a service; its answer is recorded in the block. [`Answer::Bytes`]
    QueryService(ApplicationId, Vec<u8>),
    /// The number of the round, where rounds may have several leaders.
    /// [`Answer::OptionalIndex`]
    ValidationRound,
    /// Change my storage. [`Answer::Unit`]
    WriteBatch(Vec<WriteOperation>),
}

/// What services may ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServiceRequest {
    /// Have the user's next block execute an operation of mine. [`Answer::Unit`]
    ScheduleOperation(Vec<u8>),
    /// Ask the service of another application. [`Answer::Bytes`]
    QueryApplication(ApplicationId, Vec<u8>),
}

/// The answer to a [`Request`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(
    missing_docs,
    reason = "each holds what its name says; requests say which they get"
)]
pub enum Answer {
    Unit,
    Bool(bool),
    OptionalBool(Option<bool>),
    Bools(Vec<bool>),
    Index(u32),
    OptionalIndex(Option<u32>),
    Hash(CryptoHash),
    Amount(Amount),
    Timestamp(Timestamp),
    BlockHeight(BlockHeight),
    ChainId(ChainId),
    OptionalChainId(Option<ChainId>),
    ApplicationId(ApplicationId),
    OptionalApplicationId(Option<ApplicationId>),
    ModuleId(ModuleId),
    ApplicationDescription(Box<ApplicationDescription>),
    Owner(Option<AccountOwner>),
    Owners(Vec<AccountOwner>),
    Balances(Vec<(AccountOwner, Amount)>),
    ChainOwnership(Box<ChainOwnership>),
    ApplicationPermissions(Box<ApplicationPermissions>),
    HttpResponse(Box<HttpResponse>),
    Bytes(Vec<u8>),
    Value(Option<Vec<u8>>),
    Values(Vec<Option<Vec<u8>>>),
    Keys(Vec<Vec<u8>>),
    KeyValues(Vec<KeyValue>),
    /// Whether the chain permits what was asked; it is done if so.
    Permitted(bool),
}
