//! What may be asked of a host: [`Call`] of its contracts, [`Ask`] of its services, [`Base`] of both.
//!
//! Variants are named like the functions of the interface; those at the end combine calls.

use linera_sdk::{
    Resources, http,
    linera_base_types::{
        Account, AccountOwner, Amount, ApplicationId, ApplicationPermissions, ChainId,
        ChainOwnership, DataBlobHash, ModuleId, Timestamp,
    },
};
use serde::{Deserialize, Serialize};

/// Where instantiation leaves the answers to its calls, as BCS.
pub const AT_INSTANTIATION: &[u8] = b"at instantiation";
/// Where a message leaves the answers to its calls, as BCS.
pub const AT_MESSAGE: &[u8] = b"at message";
/// Where new events leave a list of (chain, first index, next index), as BCS.
pub const AT_STREAMS: &[u8] = b"at streams";
/// Where the end of a transaction leaves the answers to calls that wait for it, as BCS.
pub const AT_END: &[u8] = b"at end";

/// How much is said to be how important.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened.
    Info,
    /// Something for developers.
    Debug,
    /// Everything.
    Trace,
}

/// What is asked of a web server.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Request {
    /// GET, POST and so on.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What goes along.
    pub body: Vec<u8>,
}

/// How it is asked.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// DELETE
    Delete,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
    /// CONNECT
    Connect,
    /// PATCH
    Patch,
    /// TRACE
    Trace,
}

impl From<Request> for http::Request {
    fn from(request: Request) -> Self {
        let header = |(name, value)| http::Header { name, value };
        http::Request {
            method: request.method.into(),
            url: request.url,
            headers: request.headers.into_iter().map(header).collect(),
            body: request.body,
        }
    }
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => http::Method::Get,
            Method::Post => http::Method::Post,
            Method::Put => http::Method::Put,
            Method::Delete => http::Method::Delete,
            Method::Head => http::Method::Head,
            Method::Options => http::Method::Options,
            Method::Connect => http::Method::Connect,
            Method::Patch => http::Method::Patch,
            Method::Trace => http::Method::Trace,
        }
    }
}

/// A change of storage.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Change {
    /// Removes a key, which may be absent.
    Delete(Vec<u8>),
    /// Removes all keys that begin so.
    DeletePrefix(Vec<u8>),
    /// Gives a key a value.
    Put(Vec<u8>, Vec<u8>),
}

/// One call of `base-runtime-api`, which contracts and services share.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Base {
    /// `get-chain-id`
    GetChainId,
    /// `get-block-height`
    GetBlockHeight,
    /// `get-application-id`
    GetApplicationId,
    /// `get-application-creator-chain-id`
    GetApplicationCreatorChainId,
    /// `read-application-description`
    ReadApplicationDescription(ApplicationId),
    /// `application-parameters`
    ApplicationParameters,
    /// `get-chain-ownership`
    GetChainOwnership,
    /// `get-application-permissions`
    GetApplicationPermissions,
    /// `read-system-timestamp`
    ReadSystemTimestamp,
    /// `read-chain-balance`
    ReadChainBalance,
    /// `read-owner-balance`
    ReadOwnerBalance(AccountOwner),
    /// `read-owner-balances`
    ReadOwnerBalances,
    /// `read-balance-owners`
    ReadBalanceOwners,
    /// `perform-http-request`
    PerformHttpRequest(Box<Request>),
    /// `assert-before`
    AssertBefore(Timestamp),
    /// `read-data-blob`
    ReadDataBlob(DataBlobHash),
    /// `assert-data-blob-exists`
    AssertDataBlobExists(DataBlobHash),
    /// `log`
    Log(Level, String),
    /// `contains-key-new` and `contains-key-wait`
    ContainsKey(Vec<u8>),
    /// `contains-keys-new` and `contains-keys-wait`
    ContainsKeys(Vec<Vec<u8>>),
    /// `read-multi-values-bytes-new` and `read-multi-values-bytes-wait`
    ReadMultiValuesBytes(Vec<Vec<u8>>),
    /// `read-value-bytes-new` and `read-value-bytes-wait`
    ReadValueBytes(Vec<u8>),
    /// `find-keys-new` and `find-keys-wait`
    FindKeys(Vec<u8>),
    /// `find-key-values-new` and `find-key-values-wait`
    FindKeyValues(Vec<u8>),
}

/// One call of a contract.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Call {
    /// A function that services have too.
    Base(Base),

    // contract-runtime-api
    /// `authenticated-signer`
    AuthenticatedSigner,
    /// `message-is-bouncing`
    MessageIsBouncing,
    /// `message-origin-chain-id`
    MessageOriginChainId,
    /// `authenticated-caller-id`
    AuthenticatedCallerId,
    /// `send-message`
    SendMessage {
        /// Which chain gets it.
        destination: ChainId,
        /// Whether the signer goes with it.
        authenticated: bool,
        /// Whether it comes back if it is rejected.
        tracked: bool,
        /// What its execution may use at the sender's cost.
        grant: Box<Resources>,
        /// What is called where it arrives.
        calls: Vec<Call>,
    },
    /// `transfer`
    Transfer {
        /// An account of this chain.
        source: AccountOwner,
        /// An account anywhere.
        destination: Account,
        /// Native tokens.
        amount: Amount,
    },
    /// `claim`
    Claim {
        /// An account anywhere.
        source: Account,
        /// An account anywhere.
        destination: Account,
        /// Native tokens.
        amount: Amount,
    },
    /// `open-chain`
    OpenChain {
        /// Who may propose blocks there.
        ownership: Box<ChainOwnership>,
        /// What applications may do there.
        permissions: Box<ApplicationPermissions>,
        /// What it begins with.
        balance: Amount,
    },
    /// `close-chain`
    CloseChain,
    /// `change-ownership`
    ChangeOwnership(Box<ChainOwnership>),
    /// `change-application-permissions`
    ChangeApplicationPermissions(Box<ApplicationPermissions>),
    /// `create-application`
    CreateApplication {
        /// Its code.
        module: ModuleId,
        /// Its parameters, as JSON.
        parameters: String,
        /// Its argument, as JSON.
        argument: String,
        /// What it needs on every chain.
        required: Vec<ApplicationId>,
    },
    /// `create-data-blob`
    CreateDataBlob(Vec<u8>),
    /// `publish-module`, for Wasm
    PublishModule {
        /// The contract, not compressed.
        contract: Vec<u8>,
        /// The service, not compressed.
        service: Vec<u8>,
    },
    /// `try-call-application`
    TryCallApplication {
        /// Whether the callee learns who signed and who calls.
        authenticated: bool,
        /// Who is called.
        callee: ApplicationId,
        /// The operation, as the callee encodes it.
        operation: Vec<u8>,
    },
    /// `emit`, an event that is a list of bytes
    Emit {
        /// The stream.
        stream: Vec<u8>,
        /// The event.
        value: Vec<u8>,
    },
    /// `read-event`
    ReadEvent {
        /// Who emitted it.
        chain: ChainId,
        /// The stream.
        stream: Vec<u8>,
        /// Its place in the stream.
        index: u32,
    },
    /// `subscribe-to-events`
    SubscribeToEvents {
        /// Who emits.
        chain: ChainId,
        /// The application that emits.
        application: ApplicationId,
        /// The stream.
        stream: Vec<u8>,
    },
    /// `unsubscribe-from-events`
    UnsubscribeFromEvents {
        /// Who emits.
        chain: ChainId,
        /// The application that emits.
        application: ApplicationId,
        /// The stream.
        stream: Vec<u8>,
    },
    /// `query-service`
    QueryService {
        /// Whose service.
        application: ApplicationId,
        /// The query, as JSON.
        query: String,
    },
    /// `consume-fuel`
    ConsumeFuel(u64),
    /// `validation-round`
    ValidationRound,
    /// `write-batch`
    WriteBatch(Vec<Change>),

    // Calls of calls.
    /// Makes calls one after the other.
    All(Vec<Call>),
    /// Makes calls when the transaction ends, in `finalize`.
    AtEnd(Vec<Call>),
    /// Panics with this text.
    Panic(String),
    /// Has another application of this kind make a call, and unpacks its answer.
    Through {
        /// Who makes it.
        application: ApplicationId,
        /// Whether it learns who signed and who calls.
        authenticated: bool,
        /// What it makes.
        call: Box<Call>,
    },
}

/// One call of a service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Ask {
    /// A function that contracts have too.
    Base(Base),

    // service-runtime-api
    /// `schedule-operation`, one of this application
    ScheduleOperation(Box<Call>),
    /// `schedule-operation`, any bytes
    ScheduleRawOperation(Vec<u8>),
    /// `try-query-application`
    TryQueryApplication {
        /// Whose service.
        application: ApplicationId,
        /// The query, as JSON.
        query: String,
    },
    /// `check-execution-time`
    CheckExecutionTime(u64),

    // Calls of calls.
    /// Makes calls one after the other.
    All(Vec<Ask>),
    /// Panics with this text.
    Panic(String),
}

impl From<Level> for log::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => log::Level::Error,
            Level::Warn => log::Level::Warn,
            Level::Info => log::Level::Info,
            Level::Debug => log::Level::Debug,
            Level::Trace => log::Level::Trace,
        }
    }
}
