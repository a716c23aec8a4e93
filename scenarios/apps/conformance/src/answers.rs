//! What a call gives back, one variant a type. Equal answers mean equal behaviour of two hosts.

use linera_sdk::{
    http,
    linera_base_types::{
        AccountOwner, Amount, ApplicationDescription, ApplicationId, ApplicationPermissions,
        BlockHeight, ChainId, ChainOwnership, DataBlobHash, ModuleId, Timestamp,
    },
};
use serde::{Deserialize, Serialize};

/// What came back.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Answer {
    /// The call gives nothing back, and has come back.
    Done,
    /// The host says that the application has no permission.
    NotPermitted,
    /// Yes or no.
    Flag(bool),
    /// Yes, no, or not now.
    MaybeFlag(Option<bool>),
    /// One for each key.
    Flags(Vec<bool>),
    /// An index in a stream.
    Index(u32),
    /// A round, if there is one.
    Round(Option<u32>),
    /// A height.
    Height(BlockHeight),
    /// An instant.
    Time(Timestamp),
    /// Native tokens.
    Tokens(Amount),
    /// A chain.
    Chain(ChainId),
    /// A chain, if there is one.
    MaybeChain(Option<ChainId>),
    /// An application.
    Application(ApplicationId),
    /// An application, if there is one.
    MaybeApplication(Option<ApplicationId>),
    /// Whose module it is, and all else that is said of an application.
    Description(Box<ApplicationDescription>),
    /// Who may propose blocks.
    Ownership(Box<ChainOwnership>),
    /// What applications may do.
    Permissions(Box<ApplicationPermissions>),
    /// An owner, if there is one.
    MaybeOwner(Option<AccountOwner>),
    /// Owners, in the host's order.
    Owners(Vec<AccountOwner>),
    /// Owners and their native tokens, in the host's order.
    Balances(Vec<(AccountOwner, Amount)>),
    /// A module.
    Module(ModuleId),
    /// A blob of data.
    Blob(DataBlobHash),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A value, if there is one.
    Value(Option<Vec<u8>>),
    /// One for each key.
    Values(Vec<Option<Vec<u8>>>),
    /// What follows the prefix in every key, in the host's order.
    Keys(Vec<Vec<u8>>),
    /// The same with values.
    KeyValues(Vec<(Vec<u8>, Vec<u8>)>),
    /// JSON, as text.
    Json(String),
    /// What a web server said.
    Http(Box<http::Response>),
    /// One for each call.
    All(Vec<Answer>),
}
