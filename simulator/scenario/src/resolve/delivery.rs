//! How messages go from worker to worker.

use protocol::{TimeDelta, worker::DeliveryOptions};

use super::Resolver;
use crate::diagnostic::Code;
use crate::document::At;
use crate::spec::Spec;
use crate::units::{self, write_micros};

/// More than any worker could hold.
const QUEUE_MAX: u64 = 10_000_000;
/// More than anybody waits for.
const RETRIES_MAX: u64 = 1_000_000;

impl Resolver<'_> {
    pub(super) fn delivery(&mut self, spec: &Spec, filled: &mut Spec) -> Option<DeliveryOptions> {
        let at = At::root().key("delivery");
        let usual = DeliveryOptions::default();
        let target = filled.delivery.get_or_insert_default();
        let upstream = *target.as_upstream.get_or_insert(false);
        let written = spec.delivery.clone().unwrap_or_default();
        if upstream
            && written
                .sweep
                .as_deref()
                .is_some_and(|sweep| sweep != "never")
        {
            let message = "`sweep` is not what Linera does";
            let help = "leave out as_upstream or sweep".to_owned();
            self.say(&at.key("sweep"), Code::BadValue, message, help);
        }
        if upstream && written.confirm_duplicates == Some(true) {
            let message = "`confirm_duplicates` is not what Linera does";
            let help = "leave out as_upstream or confirm_duplicates".to_owned();
            self.say(&at.key("confirm_duplicates"), Code::BadValue, message, help);
        }
        let confirm = target.confirm_duplicates.get_or_insert(!upstream);
        let repair = target.repair_gaps.get_or_insert(usual.repair_gaps);
        let (confirm_duplicates, repair_gaps) = (*confirm, *repair);
        let text = |span: TimeDelta| write_micros(span.micros());
        let usual_sweep = usual.sweep.filter(|_| !upstream);
        let sweep = target
            .sweep
            .get_or_insert_with(|| usual_sweep.map_or_else(|| "never".to_owned(), text));
        let sweep = match sweep.as_str() {
            "never" => Some(None),
            some => self
                .wait(&at.key("sweep"), &some.to_owned(), true)
                .map(Some),
        };
        let delay = target
            .retry_delay
            .get_or_insert_with(|| text(usual.retry_delay));
        let retry_delay = self.wait(&at.key("retry_delay"), delay, true);
        let longest = target
            .max_backoff
            .get_or_insert_with(|| text(usual.max_backoff));
        let max_backoff = self.wait(&at.key("max_backoff"), longest, true);
        let batch = target.batch.get_or_insert_with(|| "0s".to_owned());
        let batch = self.wait(&at.key("batch"), batch, false);
        let queue = *target.queue.get_or_insert(long(usual.queue));
        let queue = self.number(&at.key("queue"), queue, 1..=QUEUE_MAX);
        let chunk = *target.chunk.get_or_insert(long(usual.chunk_blocks));
        let chunk = self.number(&at.key("chunk"), chunk, 1..=QUEUE_MAX);
        let retries = *target.retries.get_or_insert(u64::from(usual.retries));
        let retries = self.number(&at.key("retries"), retries, 0..=RETRIES_MAX);
        Some(DeliveryOptions {
            queue: queue?,
            retries: u32::try_from(retries?).ok()?,
            retry_delay: retry_delay?,
            max_backoff: max_backoff?,
            chunk_blocks: chunk?,
            sweep: sweep?,
            confirm_duplicates,
            repair_gaps,
            batch: batch.map(|span| (span > TimeDelta::default()).then_some(span))?,
        })
    }

    /// A span of time; `positive`: not none.
    fn wait(&mut self, at: &At, text: &String, positive: bool) -> Option<TimeDelta> {
        let micros = self.read(at, Some(text), units::micros)?;
        if positive && micros == 0 {
            let message = "no time at all would send without end";
            self.say(at, Code::BadValue, message, "write 1ms or more".to_owned());
            return None;
        }
        Some(TimeDelta::from_micros(micros))
    }

    fn number(
        &mut self,
        at: &At,
        number: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<usize> {
        if !range.contains(&number) {
            let message = format!("between {} and {}", range.start(), range.end());
            self.say(at, Code::BadValue, message, None);
            return None;
        }
        usize::try_from(number).ok()
    }
}

fn long(number: usize) -> u64 {
    u64::try_from(number).expect("sizes fit 64 bits")
}
