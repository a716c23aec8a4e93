//! # Hostile
//!
//! Does to a host what a guest should not do, one deed at a time. Whatever it does may end its own
//! action and nothing else.
//!
//! | | |
//! |---|---|
//! | parameters | none |
//! | argument | deeds, done at instantiation |
//! | operation | deeds, as BCS; answers with bytes |
//! | message | deeds, done where it arrives |
//! | query | deeds, as JSON: `["Panic"]`, `[{"Log": {"count": 9, "bytes": 9}}]`; answers with bytes |
//!
//! Where it lies about lengths and addresses it goes past the SDK, to the imported functions
//! themselves: see `lies.rs`. What only a contract can do is refused by the service, with a panic.

pub mod deeds;
pub mod lies;
pub mod machine;

use linera_sdk::linera_base_types::{ContractAbi, ServiceAbi};

pub use self::deeds::Deed;

/// How others call this application.
pub struct HostileAbi;

impl ContractAbi for HostileAbi {
    type Operation = Vec<Deed>;
    type Response = Vec<u8>;
}

impl ServiceAbi for HostileAbi {
    type Query = Vec<Deed>;
    type QueryResponse = Vec<u8>;
}
