//! Actix adapters: validators, worker shards and user chains as actors, and the drivers that run them.
