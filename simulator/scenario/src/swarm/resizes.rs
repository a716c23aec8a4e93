//! A validator that goes over to other numbers of workers, and workers of it that stop while chains
//! are handed over. It is the validator that whole crashes never take.

use super::{
    cast::Cast,
    dice::Dice,
    text::{Text, duration, quoted},
};

/// The most workers that it gets.
const MOST: u64 = 5;

/// Two resizes, with a stop or while it works.
pub(super) fn write(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    let validator = cast.order[cast.count() - 1] + 1;
    let first = (dice.millis(1_500, 3_000), other_than(cast.workers, dice));
    let second = (dice.millis(7_000, 9_500), other_than(first.1, dice));
    resize(validator, first, cast.workers.max(first.1), dice, text);
    resize(validator, second, first.1.max(second.1), dice, text);
}

/// Another number of workers.
fn other_than(workers: u64, dice: &mut Dice) -> u64 {
    let other = dice.between(1, MOST - 1);
    if other < workers { other } else { other + 1 }
}

/// From `at`, in milliseconds, on so many workers. `most` of them have to do with it.
fn resize(
    validator: usize,
    (at, workers): (u64, u64),
    most: u64,
    dice: &mut Dice,
    text: &mut Text,
) {
    let online = dice.chance(3, 4);
    let boot = dice.between(50, 300);
    let manner = if online {
        ", online = true".to_owned()
    } else {
        format!(", drain = {}", duration(dice.between(10, 200)))
    };
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
