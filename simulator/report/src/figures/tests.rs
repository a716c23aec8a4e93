//! Tests over all figures.
