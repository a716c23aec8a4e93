//! Tests of the whole, one binary.

mod apps;
mod coverage;
mod determinism;
mod edge_cases;
mod elastic;
mod sabotage;
mod swarm;
mod tidy;
mod voting_rules;
