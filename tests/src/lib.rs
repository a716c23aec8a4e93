//! Shared builders and checks of the integration tests.
