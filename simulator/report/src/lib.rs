//! Pictures and pages from the tables of a run: lanes, message flow, charts.
