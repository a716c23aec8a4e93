//! The command line: the only place that reads files, the environment and the terminal.
fn main() {}
