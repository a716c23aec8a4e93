//! Runs the published bytecode of Linera applications, unmodified, on wasmi.
//!
//! Owns what a guest is: how its module is checked and compiled ([`Machine`]), how values pass between
//! its memory and the protocol's words, what it may use ([`Limits`]) and what that costs. Says what a
//! file is and what it lacks ([`inspect`]). Invariants: what a guest does follows from its code, its
//! fuel and the answers alone; whatever a guest does ends at worst its own action, with a reason.
//!
//! Knows nothing of chains: what a question means is for whoever drives a guest through
//! [`protocol::application`].

mod abi;
mod checks;
mod guest;
pub mod inspect;
mod interface;
mod limits;
mod machine;
mod stored;

pub use interface::VERSION as INTERFACE_VERSION;
pub use limits::Limits;
pub use machine::Machine;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
