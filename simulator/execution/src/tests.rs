//! Guests that misbehave, and what things cost.

mod fuel;
mod hostile;
mod lies;
mod publication;
