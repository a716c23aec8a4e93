//! The trace file from outside: what is written is read, and nothing else is believed.

mod fuzz;
mod round_trip;
mod samples;
