//! Actix adapters: validators, worker shards and user chains as actors, and the drivers that run
//! them.
//!
//! A [`SimNode`] unwraps an input, calls its machine, and hands the outputs back; it decides
//! nothing. [`build`] turns a plan into a world of such nodes. [`hosting`] runs any world of nodes
//! as Actix actors over threads.

mod autoscale;
mod closed_loop;
mod elastic;
mod history;
pub mod hosting;
mod node;
mod store;
mod topology;
mod world;

pub use history::{History, HistoryError};
pub use node::{Envelope, Machine, SimNode};
pub use store::SharedStore;
pub use topology::Topology;
pub use world::{BuildOptions, Built, build};
