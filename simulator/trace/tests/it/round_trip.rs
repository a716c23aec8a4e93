//! What is written is read; what is damaged is refused with a place and a reason.

use engine::{Ratio, Stamped};
use proptest::prelude::*;
use trace::{
    Difference, Event, Header, Item, ReadReason, Reader, Sampling, TraceWrite, VERSION, Writer,
    first_difference,
};

use crate::samples::{checkpoint, end, header, record, written};

fn read(bytes: &[u8]) -> (Header, Vec<Item>) {
    let reader = Reader::new(bytes).expect("the header is whole");
    let header = reader.header().clone();
    let items = reader
        .map(|item| item.expect("the trace is whole"))
        .collect();
    (header, items)
}

fn records_of(items: &[Item]) -> Vec<Stamped<Event>> {
    let record = |item: &Item| match item {
        Item::Record(record) => Some((**record).clone()),
        Item::Checkpoint(_) | Item::End(_) => None,
    };
    items.iter().filter_map(record).collect()
}

/// The error at which reading these bytes ends.
fn error_of(bytes: &[u8]) -> Option<trace::ReadError> {
    match Reader::new(bytes) {
        Err(error) => Some(error),
        Ok(reader) => reader.filter_map(Result::err).next(),
    }
}

fn sample(count: u64) -> Vec<Stamped<Event>> {
    let kind = |n: u64| u8::try_from(n % 251).expect("small");
    (0..count).map(|n| record(3 * n, kind(n), n)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_written_is_read(
        parts in prop::collection::vec((1u64..1_000_000, any::<u8>(), 0u64..1 << 40), 0..300),
        wallets in 0u32..40,
    ) {
        let mut time = 0;
        let records: Vec<_> = parts
            .into_iter()
            .map(|(step, kind, number)| {
                time += step;
                record(time, kind, number)
            })
            .collect();
        let header = header(wallets.max(1));
        let bytes = written(&header, &records);
        prop_assert_eq!(&bytes, &written(&header, &records), "equal traces have equal bytes");
        let (read_header, items) = read(&bytes);
        prop_assert_eq!(read_header, header);
        prop_assert_eq!(records_of(&items), records);
        prop_assert!(matches!(items.last(), Some(Item::End(_))));
        prop_assert!(error_of(&bytes).is_none());
    }

    #[test]
    fn no_changed_byte_goes_unseen(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = written(&header(3), &sample(150));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let error = error_of(&bytes);
        prop_assert!(error.is_some(), "byte {} was changed", at);
    }

    #[test]
    fn no_missing_byte_goes_unseen(at in any::<prop::sample::Index>()) {
        let bytes = written(&header(3), &sample(150));
        let at = at.index(bytes.len());
        let error = error_of(&bytes[..at]).expect("the end is missing");
        let right = matches!(error.reason, ReadReason::Truncated | ReadReason::NotATrace);
        prop_assert!(right, "{error}");
        prop_assert!(error.offset <= u64::try_from(at).expect("small"));
    }
}

#[test]
fn many_frames_and_many_names_round_trip() {
    let records = sample(6_000);
    let header = header(10_000);
    let bytes = written(&header, &records);
    let (read_header, items) = read(&bytes);
    assert_eq!(read_header, header);
    assert_eq!(records_of(&items), records);
    assert_eq!(
        items
            .iter()
            .filter(|item| matches!(item, Item::Checkpoint(_)))
            .count(),
        60
    );
}

#[test]
fn a_sampled_trace_holds_a_share_of_the_same_records() {
    let records = sample(4_000);
    let full = records_of(&read(&written(&header(2), &records)).1);
    let mut sampled = header(2);
    sampled.sampling = Sampling::Share(Ratio::percent(10));
    let (read_header, items) = read(&written(&sampled, &records));
    assert_eq!(read_header.sampling, sampled.sampling);
    let kept = records_of(&items);
    assert!((300..500).contains(&kept.len()), "{} of 4,000", kept.len());
    assert!(kept.iter().all(|record| full.contains(record)));
}

#[test]
fn errors_say_what_and_where() {
    let bytes = written(&header(2), &sample(20));
    let reason = |bytes: &[u8]| error_of(bytes).expect("damaged").to_string();
    assert_eq!(reason(b""), "byte 0: this is not a trace");
    assert_eq!(
        reason(b"PK\x03\x04 something else"),
        "byte 0: this is not a trace"
    );
    let mut other = bytes.clone();
    other[8] = 9;
    assert_eq!(
        reason(&other),
        format!("byte 0: the trace has version 9, and this program reads version {VERSION}")
    );
    assert_eq!(
        reason(&bytes[..bytes.len() - 1]),
        "byte 12: the trace is truncated"
    );
    let mut damaged = bytes.clone();
    *damaged.last_mut().expect("not empty") ^= 1;
    assert_eq!(
        reason(&damaged),
        "byte 12: the trace is corrupted: a checksum is wrong"
    );
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(
        reason(&longer),
        "byte 12: the trace is corrupted: something follows the end"
    );
    let mut huge = bytes[..12].to_vec();
    huge.extend([0xff; 24]);
    assert_eq!(
        reason(&huge),
        "byte 12: the trace is corrupted: a frame has an impossible size"
    );
}

#[test]
fn records_out_of_order_are_refused() {
    let records = [record(5, 0, 0), record(4, 0, 0)];
    let error = error_of(&written(&header(1), &records)).expect("the order is wrong");
    assert!(
        error.to_string().contains("records are out of order"),
        "{error}"
    );
}

#[test]
fn an_unfinished_trace_gives_what_it_has_and_says_that_it_is_truncated() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &header(1)).expect("memory takes everything");
    for record in sample(9_000) {
        writer.record(&record).expect("memory takes everything");
    }
    drop(writer);
    let items: Vec<_> = Reader::new(&*bytes).expect("the header is whole").collect();
    let whole = items.iter().filter(|item| item.is_ok()).count();
    assert!(whole > 1_000, "{whole}");
    let last = items.last().expect("not empty");
    assert!(matches!(last, Err(error) if matches!(error.reason, ReadReason::Truncated)));
}

#[test]
fn the_first_difference_is_found() {
    let records = sample(500);
    let bytes = written(&header(2), &records);
    let reader = |bytes| Reader::new(bytes).expect("the header is whole");
    let found = first_difference(reader(&*bytes), reader(&*bytes)).expect("both are whole");
    assert_eq!(found, None);

    let mut changed = records.clone();
    changed[320] = record(3 * 320, 0, 99);
    let other = written(&header(2), &changed);
    let found = first_difference(reader(&*bytes), reader(&*other)).expect("both are whole");
    let Some(Difference::Item {
        number,
        left: Some(left),
        right: Some(right),
    }) = found
    else {
        panic!("{found:?}")
    };
    // Three checkpoints come before it.
    assert_eq!(number, 323);
    assert_eq!(left, Item::Record(Box::new(records[320].clone())));
    assert_eq!(right, Item::Record(Box::new(changed[320].clone())));

    let third = written(&header(3), &records);
    let found = first_difference(reader(&*bytes), reader(&*third)).expect("both are whole");
    assert_eq!(found, Some(Difference::Header));
}

#[test]
fn checkpoints_and_the_end_are_kept() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &header(1)).expect("memory takes everything");
    writer
        .checkpoint(&checkpoint(10))
        .expect("memory takes everything");
    writer.finish(&end(20)).expect("memory takes everything");
    let (_, items) = read(&bytes);
    assert_eq!(
        items,
        [Item::Checkpoint(checkpoint(10)), Item::End(end(20))]
    );
}
