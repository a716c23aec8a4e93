//! Charts over virtual time: throughput, confirmation latency, queues, load and workers.
//!
//! Every chart is a picture and the data that it shows. Invariant: a quantile is drawn only where
//! the sample is large enough; faults are shaded and named; unfinished work is counted and said.

mod plot;
mod queues;
mod rates;
mod scaling;
mod series;
mod workers;

use analysis::tables::Tables;

pub use queues::queues;
pub use rates::{latency, throughput};
pub(crate) use rates::{mean_rate, summary};
pub use scaling::scaling;
pub use workers::workers;

/// A chart with its data and its caption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The picture.
    pub svg: String,
    /// Everything that the picture shows: `metric,label,t_us,value`.
    pub csv: String,
    /// One paragraph for the paper: what is shown, of how many values, from which run.
    pub caption: String,
}

/// Where the run came from, for captions.
fn provenance(tables: &Tables) -> String {
    let run = &tables.run;
    let warmup = if run.warmup_us > 0 {
        format!(
            " Latencies leave out what was scheduled before {}.",
            crate::text::time(run.warmup_us)
        )
    } else {
        String::new()
    };
    format!(
        "One run: {}, {}.{warmup} Shaded: injected faults.",
        crate::tables::handle(run),
        crate::header::facts(tables)
    )
}

#[cfg(test)]
mod tests;
