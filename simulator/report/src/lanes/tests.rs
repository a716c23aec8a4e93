//! Tests of the lanes picture.
