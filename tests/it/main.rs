//! Tests of the whole, one binary.

mod determinism;
mod sabotage;
mod tidy;
