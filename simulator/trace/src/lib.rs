//! The trace of a run as a file: records, checkpoints, writer and reader.
