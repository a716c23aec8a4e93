//! What goes wrong, one function for each family. Every fault is placed where it must strike: on
//! nodes that have work, while they have it. All of them are over when [`Cast::healed`] comes.

use super::{
    Family,
    cast::{BEGIN, Cast},
    dice::{self, Dice},
    resizes,
    text::{Text, duration, quoted, validators},
};

/// Before this nothing goes wrong but what goes wrong all the time, in milliseconds.
const EARLIEST: u64 = 500;
/// Until then nothing keeps everybody from doing something, in milliseconds.
const EVERYBODY_ACTS: u64 = 1_300;

/// Writes the faults of all enabled families.
pub(super) fn write(cast: &Cast, text: &mut Text) {
    let mut of = |family: Family, write: fn(&Cast, &mut Dice, &mut Text)| {
        if cast.has(family) {
            let mut dice = Dice::new(cast.seed, dice::FAULTS + family as u64);
            write(cast, &mut dice, text);
        }
    };
    of(Family::Byzantine, byzantine);
    of(Family::Owners, owners);
    of(Family::Partition, partitions);
    of(Family::ValidatorCrash, validator_crashes);
    of(Family::WorkerCrash, worker_crashes);
    of(Family::WalletCrash, wallet_crashes);
    of(Family::Loss, loss);
    of(Family::Clock, clocks);
    of(Family::SlowLinks, slow_links);
    of(Family::SlowWork, slow_work);
    of(Family::LostDisk, lost_disks);
    of(Family::Resize, resizes::write);
}

/// A fault that begins at `at` and lasts `length`, both in milliseconds.
fn fault(text: &mut Text, name: &str, (at, length): (u64, u64), action: (&str, String)) {
    let keys = [
        ("name", quoted(name)),
        ("at", duration(at)),
        ("for", duration(length)),
        action,
    ];
    text.table("[[faults]]", &keys);
}

/// A time for a node to stop, while there is work.
fn place(cast: &Cast, dice: &mut Dice, length: u64) -> (u64, u64) {
    (dice.millis(EARLIEST, cast.busy_until - length), length)
}

/// A time for what strikes only who does something: it begins while everybody does.
fn early(dice: &mut Dice) -> (u64, u64) {
    (
        dice.millis(EARLIEST, EVERYBODY_ACTS - 300),
        dice.millis(4_000, 10_000),
    )
}

/// Some validators: three at least, not all.
fn some(cast: &Cast, dice: &mut Dice) -> Vec<usize> {
    let count = dice.position(3, cast.count() - 1);
    let mut order = dice.order(cast.count());
    order.truncate(count);
    order
}

/// What a validator may do that breaks the rules, where it comes to do it for certain: an amnesiac
/// needs something to forget, and somebody who asks it again; who signs too early must be asked.
fn behaviours(cast: &Cast) -> Vec<&'static str> {
    let mut all = vec![
        "silent",
        "withholds-votes",
        "equivocates",
        "equivocates",
        "executes-wrongly",
    ];
    if cast.looks_for_messages() {
        all.push("lies-about-log");
    }
    if cast.is_contended() {
        all.extend(["answers-stale", "answers-stale"]);
    }
    if cast.insists() {
        all.extend(["amnesiac"; 6]);
    }
    if cast.ends_rounds() {
        all.extend(["signs-timeouts-early"; 3]);
    }
    all
}

/// Validators of less than a third of the weight, for as long as the faults last or for good.
fn byzantine(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    let all = behaviours(cast);
    let mut left = cast.validity() - 1;
    let wanted = dice.position(1, 3);
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    for validator in dice.order(cast.count()) {
        let weight = cast.weights[validator];
        let full = groups.iter().map(|(_, group)| group.len()).sum::<usize>() == wanted;
        if weight > left || full {
            continue;
        }
        left -= weight;
        let behaviour = *dice.pick(&all);
        match groups.iter_mut().find(|(known, _)| *known == behaviour) {
            Some((_, group)) => group.push(validator),
            None => groups.push((behaviour, vec![validator])),
        }
    }
    for (behaviour, group) in groups {
        let names = validators(&group);
        let action = format!("{{ validators = \"{names}\", behaviour = \"{behaviour}\" }}");
        let name = format!("{names} {behaviour}");
        if dice.chance(1, 2) {
            let keys = [
                ("name", quoted(&name)),
                ("at", duration(0)),
                ("byzantine", action),
            ];
            text.table("[[faults]]", &keys);
        } else {
            fault(text, &name, (0, cast.healed), ("byzantine", action));
        }
    }
}

fn owners(cast: &Cast, _: &mut Dice, text: &mut Text) {
    let (who, how) = &cast.guilty;
    let action = format!("{{ chains = \"{who}\", behaviour = \"{how}\" }}");
    let name = format!("who owns {who} {how}");
    fault(text, &name, (0, cast.healed), ("byzantine", action));
}

/// Wallets lose validators, each wallet once: owners of a chain see different parts of them, users
/// lose some; or everybody does.
fn partitions(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    let cut = |who: &str, time, lost: &[usize], text: &mut Text| {
        let names = validators(lost);
        let action = format!("{{ between = [\"{who}\", \"{names}\"] }}");
        let name = format!("{who} without {names}");
        fault(text, &name, time, ("partition", action));
    };
    let later = |dice: &mut Dice| dice.millis(EVERYBODY_ACTS, 3_000);
    if dice.chance(1, 4) {
        let time = (later(dice), dice.millis(4_500, 5_500));
        return cut("clients", time, &some(cast, dice), text);
    }
    for shared in &cast.shared {
        let sides = dice.order(cast.count());
        let (left, right) = sides.split_at(dice.position(2, cast.count() - 2));
        let owner = |at: usize| format!("{}@{}", shared.owners[at], shared.name);
        // Who waits for others has nothing to say for long: what cuts it off begins when it begins.
        let alone = (BEGIN, dice.millis(3_000, 10_000));
        let together = if shared.is_hot {
            (later(dice), dice.millis(5_000, 8_500))
        } else {
            alone
        };
        match dice.between(0, 5) {
            0 => {}
            1 => cut(shared.name, together, left, text),
            2 => cut(&owner(0), alone, left, text),
            _ => {
                cut(&owner(0), alone, left, text);
                cut(&owner(1), alone, right, text);
            }
        }
    }
    // Two users at least go on, so that validators have work and other faults something to hit.
    let who = format!("user/[0..{}]", dice.between(2, cast.users - 2));
    let time = (BEGIN, dice.millis(5_000, 8_000));
    cut(&who, time, &some(cast, dice), text);
}

/// Whole validators, all but two at most: workers of the others may stop too.
fn validator_crashes(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    let most = if dice.chance(1, 3) {
        cast.count() - 2
    } else {
        2
    };
    let count = dice.position(1, most);
    let names = validators(&cast.order[..count]);
    let length = dice.millis(300, 3_000);
    let time = (dice.millis(5_000, cast.busy_until - length), length);
    let action = format!("{{ validators = \"{names}\" }}");
    fault(text, &format!("{names} stop"), time, ("crash", action));
}

fn worker_crashes(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    let away = resizes::times_away(cast);
    for at in 1..=dice.position(1, 2) {
        let validator = cast.order[cast.count() - at];
        let worker = dice.between(1, cast.workers);
        let target = format!("v{}/w{worker}", validator + 1);
        let length = dice.millis(300, 3_000);
        let mut time = place(cast, dice, length);
        let is_away = |at: u64| {
            away.iter()
                .any(|(from, until)| (*from..=*until).contains(&at))
        };
        while validator == resizes::validator(cast) && is_away(time.0) {
            time = place(cast, dice, length);
        }
        let action = format!("{{ workers = \"{target}\" }}");
        fault(text, &format!("{target} stops"), time, ("crash", action));
    }
}

/// Wallets, each once, between two steps or inside one.
fn wallet_crashes(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    let mut hit: Vec<String> = Vec::new();
    for _ in 0..dice.between(2, 5) {
        let target = if cast.shared.is_empty() || dice.chance(1, 4) {
            format!("user/{}", dice.between(0, cast.users - 1))
        } else {
            let shared = dice.pick(&cast.shared);
            format!("{}@{}", dice.pick(&shared.owners), shared.name)
        };
        let length = dice.millis(200, 3_000);
        let time = (dice.millis(EARLIEST, cast.busy_until / 2), length);
        let inside = if dice.chance(1, 2) {
            format!(", after_outputs = {}", dice.between(0, 3))
        } else {
            String::new()
        };
        if hit.contains(&target) {
            continue;
        }
        let action = format!("{{ chains = \"{target}\"{inside} }}");
        fault(
            text,
            &format!("the wallet {target} stops"),
            time,
            ("crash", action),
        );
        hit.push(target);
    }
}

/// Wallets that no other crash hits.
fn lost_disks(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    for target in cast.losers() {
        let length = dice.millis(200, 3_000);
        let time = place(cast, dice, length);
        let action = format!("{{ chains = \"{target}\", loses_disk = true }}");
        let name = format!("the wallet {target} loses its disk");
        fault(text, &name, time, ("crash", action));
    }
}

fn loss(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    write_loss(cast, dice, text);
}

/// The validators to which the line is bad: they may have nothing to do.
fn badly_connected(cast: &Cast) -> Vec<usize> {
    if !cast.has(Family::Loss) {
        return Vec::new();
    }
    let mut dice = Dice::new(cast.seed, dice::FAULTS + Family::Loss as u64);
    write_loss(cast, &mut dice, &mut Text::default())
}

fn write_loss(cast: &Cast, dice: &mut Dice, text: &mut Text) -> Vec<usize> {
    let share = dice.between(2, 8);
    let action = format!("{{ between = [\"clients\", \"v*\"], ratio = \"{share}%\" }}");
    let time = (EARLIEST, cast.busy_until - EARLIEST);
    fault(text, "messages get lost", time, ("loss", action));
    let mut bad = Vec::new();
    if dice.chance(1, 2) {
        bad = some(cast, dice);
        let names = validators(&bad);
        let share = dice.between(4, 9) * 10;
        let action = format!("{{ between = [\"clients\", \"{names}\"], ratio = \"{share}%\" }}");
        let time = early(dice);
        fault(
            text,
            &format!("a bad line to {names}"),
            time,
            ("loss", action),
        );
    }
    bad
}

fn clocks(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    let skew = |dice: &mut Dice, most| {
        let sign = if dice.chance(1, 2) { '+' } else { '-' };
        let millis = dice.millis(100, most);
        format!("{sign}{millis}ms")
    };
    let names = validators(&some(cast, dice));
    let action = format!(
        "{{ validators = \"{names}\", skew = \"{}\" }}",
        skew(dice, 2_000)
    );
    let time = early(dice);
    fault(
        text,
        &format!("the clock of {names} is wrong"),
        time,
        ("clock", action),
    );
    // Who keeps certificates to itself must come to have some: validators refuse blocks of the future.
    if dice.chance(1, 2) && cast.guilty.1 != "withholds-certificates" {
        let action = format!(
            "{{ chains = \"user/*\", skew = \"{}\" }}",
            skew(dice, 1_500)
        );
        let time = early(dice);
        fault(
            text,
            "the clocks of the users are wrong",
            time,
            ("clock", action),
        );
    }
}

fn slow_links(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    for number in 1..=dice.between(1, 2) {
        let who = if cast.shared.is_empty() || dice.chance(1, 2) {
            format!("validators = \"{}\"", validators(&some(cast, dice)))
        } else {
            format!("chains = \"{}, user/*\"", dice.pick(&cast.shared).name)
        };
        let extra = match dice.between(0, 2) {
            0 => format!("{}ms", dice.millis(100, 900)),
            1 => format!("uniform(0ms..{}ms)", dice.millis(200, 1_500)),
            _ => format!("exp(mean={}ms)", dice.millis(100, 600)),
        };
        let action = format!("{{ {who}, extra = \"{extra}\" }}");
        let time = early(dice);
        let name = format!("messages take their time ({number})");
        fault(text, &name, time, ("slow", action));
    }
}

fn slow_work(cast: &Cast, dice: &mut Dice, text: &mut Text) {
    let mut slow = some(cast, dice);
    // One of them at least is asked for something.
    let bad = badly_connected(cast);
    if slow.iter().all(|validator| bad.contains(validator)) {
        let mut order = dice.order(cast.count()).into_iter();
        slow.extend(order.find(|validator| !bad.contains(validator)));
    }
    let names = validators(&slow);
    let factor = dice.between(5, 40);
    let action = format!("{{ validators = \"{names}\", factor = {factor} }}");
    let time = early(dice);
    fault(text, &format!("{names} are busy"), time, ("slow", action));
}
