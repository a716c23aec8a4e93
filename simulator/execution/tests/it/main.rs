//! Applications that are built with the published SDK, on a chain without a protocol around it.

mod applications;
mod chain;
mod conformance;
mod hostile;
mod modules;
mod words;
