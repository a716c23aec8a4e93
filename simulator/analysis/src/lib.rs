//! Folds over the records of a run: invariants, metrics, tables, expectations.
pub mod tables;
