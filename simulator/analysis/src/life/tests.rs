//! The lives of messages in small traces.
