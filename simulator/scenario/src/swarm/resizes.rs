//! A validator that goes over to other numbers of workers, and workers of it that stop while chains
//! are handed over. It is the validator that whole crashes never take.

use super::{
    Family,
    cast::Cast,
    dice::{self, Dice},
    text::{Text, duration, quoted},
};

/// The most workers that it gets.
const MOST: u64 = 5;

/// Two resizes, with a stop or while it works.
pub(super) fn write(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    let away = write_both(cast, dice, text);
    debug_assert_eq!(away, times_away(cast), "the same draws");
}

/// When this validator is away for a resize, in milliseconds: what stops then strikes nobody.
pub(super) fn times_away(cast: &Cast) -> Vec<(u64, u64)> {
    if !cast.has(Family::Resize) {
        return Vec::new();
    }
    let mut dice = Dice::new(cast.seed, dice::FAULTS + Family::Resize as u64);
    write_both(cast, &mut dice, &mut Text::default())
}

fn write_both(cast: &Cast, dice: &mut Dice, text: &mut Text) -> Vec<(u64, u64)> {
    let validator = validator(cast) + 1;
    let first = (dice.millis(1_500, 3_000), other_than(cast.workers, dice));
    let second = (dice.millis(7_000, 9_500), other_than(first.1, dice));
    let one = resize(validator, first, cast.workers.max(first.1), dice, text);
    let other = resize(validator, second, first.1.max(second.1), dice, text);
    [one, other].into_iter().flatten().collect()
}

/// The validator that goes over to other numbers of workers.
pub(super) fn validator(cast: &Cast) -> usize {
    cast.order[cast.count() - 1]
}

/// Another number of workers.
fn other_than(workers: u64, dice: &mut Dice) -> u64 {
    let other = dice.between(1, MOST - 1);
    if other < workers { other } else { other + 1 }
}

/// From `at`, in milliseconds, on so many workers. `most` of them have to do with it. Returns from when
/// to when the validator is away, if it is.
fn resize(
    validator: usize,
    (at, workers): (u64, u64),
    most: u64,
    dice: &mut Dice,
    text: &mut Text,
) -> Option<(u64, u64)> {
    let online = dice.chance(3, 4);
    let boot = dice.between(50, 300);
    let drain = (!online).then(|| dice.between(10, 200));
    let manner = drain.map_or(", online = true".to_owned(), |drain| {
        format!(", drain = {}", duration(drain))
    });
    let name = format!("v{validator} gets {workers} workers at {at} ms");
    let action = format!(
        "{{ validators = \"v{validator}\", workers = {workers}, boot = {}{manner} }}",
        duration(boot)
    );
    let keys = [
        ("name", quoted(&name)),
        ("at", duration(at)),
        ("resize", action),
    ];
    text.table("[[faults]]", &keys);
    if online && dice.chance(3, 4) {
        stop_inside(validator, at + boot, most, dice, text);
    }
    drain.map(|drain| (at, at + drain + boot))
}

/// Workers stop while chains go from one to another.
fn stop_inside(validator: usize, handed_over: u64, most: u64, dice: &mut Dice, text: &mut Text) {
    let mut workers = dice.order(usize::try_from(most).expect("few workers"));
    workers.truncate(dice.position(1, 2));
    for worker in workers {
        let at = handed_over + dice.between(0, 60);
        let target = format!("v{validator}/w{}", worker + 1);
        // Only the first worker is certain to do something, so that a stop inside a step strikes.
        let inside = if worker == 0 && dice.chance(1, 2) {
            format!(", after_outputs = {}", dice.between(0, 4))
        } else {
            String::new()
        };
        let keys = [
            ("name", quoted(&format!("{target} stops at {at} ms"))),
            ("at", duration(at)),
            ("for", duration(dice.millis(100, 2_500))),
            ("crash", format!("{{ workers = \"{target}\"{inside} }}")),
        ];
        text.table("[[faults]]", &keys);
    }
}
