//! The rules of microchains as pure state machines: no clock, no randomness, no actor, no input or output.
