//! The words of the applications in `scenarios/apps`, as they are encoded. The SDK's own types are not
//! used here: what is encoded must be what the interface says, not what we think of it.

use protocol::{
    Amount,
    hash::CryptoHash,
    ids::{AccountOwner, ApplicationId},
};
use serde::{Deserialize, Serialize};

pub(crate) type Hash = [u8; 32];

pub(crate) fn bytes_of(hash: CryptoHash) -> Hash {
    *hash.as_bytes()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) enum Owner {
    Reserved(u8),
    Address32(Hash),
    Address20([u8; 20]),
}

impl From<AccountOwner> for Owner {
    fn from(owner: AccountOwner) -> Self {
        match owner {
            AccountOwner::Reserved(byte) => Self::Reserved(byte),
            AccountOwner::Address32(hash) => Self::Address32(bytes_of(hash)),
            AccountOwner::Address20(bytes) => Self::Address20(bytes),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) chain: Hash,
    pub(crate) owner: Owner,
}

pub(crate) const fn attos(amount: Amount) -> u128 {
    amount.attos()
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Permissions {
    pub(crate) execute_operations: Option<Vec<Hash>>,
    pub(crate) mandatory_applications: Vec<Hash>,
    pub(crate) close_chain: Vec<Hash>,
    pub(crate) change_application_permissions: Vec<Hash>,
    pub(crate) call_service_as_oracle: Option<Vec<Hash>>,
    pub(crate) make_http_requests: Option<Vec<Hash>>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Ownership {
    pub(crate) super_owners: Vec<Owner>,
    pub(crate) owners: Vec<(Owner, u64)>,
    pub(crate) multi_leader_rounds: u32,
    pub(crate) open_multi_leader_rounds: bool,
    pub(crate) fast_round_duration: Option<u64>,
    pub(crate) base_timeout: u64,
    pub(crate) timeout_increment: u64,
    pub(crate) fallback_duration: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Vm {
    Wasm,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Module {
    pub(crate) contract: Hash,
    pub(crate) service: Hash,
    pub(crate) vm: Vm,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) module: Module,
    pub(crate) creator: Hash,
    pub(crate) height: u64,
    pub(crate) index: u32,
    pub(crate) parameters: Vec<u8>,
    pub(crate) required: Vec<Hash>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Level {
    #[expect(dead_code, reason = "keeps the number of the next one")]
    Error,
    Warn,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct WebRequest {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Method {
    #[expect(dead_code, reason = "keeps the number of the next one")]
    Get,
    Post,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) enum Change {
    Delete(Vec<u8>),
    DeletePrefix(Vec<u8>),
    Put(Vec<u8>, Vec<u8>),
}

#[derive(Clone, Debug, Serialize)]
pub(crate) enum Base {
    GetChainId,
    GetBlockHeight,
    GetApplicationId,
    GetApplicationCreatorChainId,
    ReadApplicationDescription(Hash),
    ApplicationParameters,
    GetChainOwnership,
    GetApplicationPermissions,
    ReadSystemTimestamp,
    ReadChainBalance,
    ReadOwnerBalance(Owner),
    ReadOwnerBalances,
    ReadBalanceOwners,
    PerformHttpRequest(WebRequest),
    AssertBefore(u64),
    ReadDataBlob(Hash),
    AssertDataBlobExists(Hash),
    Log(Level, String),
    ContainsKey(Vec<u8>),
    ContainsKeys(Vec<Vec<u8>>),
    ReadMultiValuesBytes(Vec<Vec<u8>>),
    ReadValueBytes(Vec<u8>),
    FindKeys(Vec<u8>),
    FindKeyValues(Vec<u8>),
}

#[derive(Clone, Debug, Serialize)]
pub(crate) enum Call {
    Base(Base),
    AuthenticatedSigner,
    MessageIsBouncing,
    MessageOriginChainId,
    AuthenticatedCallerId,
    SendMessage {
        destination: Hash,
        authenticated: bool,
        tracked: bool,
        grant: [u64; 2],
        grant_counts: [u32; 14],
        calls: Vec<Call>,
    },
    Transfer {
        source: Owner,
        destination: Account,
        amount: u128,
    },
    Claim {
        source: Account,
        destination: Account,
        amount: u128,
    },
    OpenChain {
        ownership: Ownership,
        permissions: Permissions,
        balance: u128,
    },
    CloseChain,
    ChangeOwnership(Ownership),
    ChangeApplicationPermissions(Permissions),
    CreateApplication {
        module: Module,
        parameters: String,
        argument: String,
        required: Vec<Hash>,
    },
    CreateDataBlob(Vec<u8>),
    PublishModule {
        contract: Vec<u8>,
        service: Vec<u8>,
    },
    TryCallApplication {
        authenticated: bool,
        callee: Hash,
        operation: Vec<u8>,
    },
    Emit {
        stream: Vec<u8>,
        value: Vec<u8>,
    },
    ReadEvent {
        chain: Hash,
        stream: Vec<u8>,
        index: u32,
    },
    SubscribeToEvents {
        chain: Hash,
        application: Hash,
        stream: Vec<u8>,
    },
    UnsubscribeFromEvents {
        chain: Hash,
        application: Hash,
        stream: Vec<u8>,
    },
    QueryService {
        application: Hash,
        query: String,
    },
    ConsumeFuel(u64),
    ValidationRound,
    WriteBatch(Vec<Change>),
    All(Vec<Call>),
    AtEnd(Vec<Call>),
    Panic(String),
    Through {
        application: Hash,
        authenticated: bool,
        call: Box<Call>,
    },
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct WebResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) enum Answer {
    Done,
    NotPermitted,
    Flag(bool),
    MaybeFlag(Option<bool>),
    Flags(Vec<bool>),
    Index(u32),
    Round(Option<u32>),
    Height(u64),
    Time(u64),
    Tokens(u128),
    Chain(Hash),
    MaybeChain(Option<Hash>),
    Application(Hash),
    MaybeApplication(Option<Hash>),
    Description(Description),
    Ownership(Ownership),
    Permissions(Permissions),
    MaybeOwner(Option<Owner>),
    Owners(Vec<Owner>),
    Balances(Vec<(Owner, u128)>),
    Module(Module),
    Blob(Hash),
    Bytes(Vec<u8>),
    Value(Option<Vec<u8>>),
    Values(Vec<Option<Vec<u8>>>),
    Keys(Vec<Vec<u8>>),
    KeyValues(Vec<(Vec<u8>, Vec<u8>)>),
    Json(String),
    Http(WebResponse),
    All(Vec<Answer>),
}

/// An operation of a fungible token.
#[derive(Clone, Debug, Serialize)]
pub(crate) enum FungibleOperation {
    Balance {
        owner: Owner,
    },
    #[expect(dead_code, reason = "keeps the number of the next one")]
    TickerSymbol,
    #[expect(dead_code, reason = "keeps the number of the next one")]
    Approve,
    Transfer {
        owner: Owner,
        amount: u128,
        target_account: Account,
    },
}

pub(crate) fn application(id: ApplicationId) -> Hash {
    bytes_of(id.0)
}
