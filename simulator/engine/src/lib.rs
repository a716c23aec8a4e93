//! Virtual time, total order, randomness, links and faults; has never heard of a chain.
