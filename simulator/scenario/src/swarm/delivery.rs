//! Two smaller swarms about what happens inside validators: messages from worker to worker that get lost
//! and arrive twice while workers stop between any two outputs, and chains that go from worker to
//! worker meanwhile. Nobody breaks the rules here, so every validator must have everything in the end.

use super::{
    allowances::{self, Failures},
    dice::{self, Dice},
    text::{Text, duration, quoted},
};

/// Validators of each scenario.
const VALIDATORS: u64 = 4;
/// Tokens of each chain at the start.
const BALANCE: u64 = 1_000;
/// When everybody begins, and when everybody ends, in milliseconds.
const BUSY: (u64, u64) = (100, 9_000);
/// Until then workers stop, in milliseconds.
const CRASHES_END: u64 = 9_500;
/// When everything must be there, and how long a run may last, in milliseconds.
const QUIET: u64 = 300_000;

/// Who takes part, and how bad the lines between workers are.
struct Cast {
    seed: u64,
    name: &'static str,
    workers: u64,
    users: u64,
    /// Chains that reject what comes to them.
    shy: u64,
    /// Chains that are closed on the way.
    closing: u64,
    /// Whether what a block does has a price.
    fees: bool,
    /// Whether owners of another chain spend from the account of one of them.
    lends: bool,
}

impl Cast {
    fn chains(&self) -> u64 {
        self.users + self.shy + self.closing + u64::from(self.lends)
    }

    /// Top, network and validators; `loss` and `duplicate` in hundredths between workers.
    fn write_top(
        &self,
        claim: &str,
        (loss, duplicate): (u64, u64),
        dice: &mut Dice,
        text: &mut Text,
    ) {
        text.line(&format!("# Claim: {claim}"));
        let keys = [
            ("format", "1".to_owned()),
            ("name", quoted(&format!("{}-{}", self.name, self.seed))),
            ("claim", quoted(claim)),
            ("seed", self.seed.to_string()),
            ("duration", duration(QUIET)),
            ("signatures", quoted("modeled")),
        ];
        text.table("", &keys);
        let client = dice.between(5, 30);
        let worker = dice.between(1, 15) * 100;
        let mut network = vec![
            (
                "latency",
                format!("{{ client = \"{client}ms\", worker = \"uniform(100us..{worker}us)\" }}"),
            ),
            ("loss", format!("{{ worker = \"{loss}%\" }}")),
            ("duplicate", format!("{{ worker = \"{duplicate}%\" }}")),
        ];
        if self.fees {
            network.push((
                "policy",
                "{ operation = \"0.01\", message = \"0.002\" }".to_owned(),
            ));
        }
        text.table("[network]", &network);
        let validators = [
            ("count", VALIDATORS.to_string()),
            ("workers", self.workers.to_string()),
        ];
        text.table("[validators]", &validators);
        let mut delivery = vec![
            ("retry_delay", duration(dice.millis(100, 1_000))),
            ("retries", dice.between(2, 8).to_string()),
            ("max_backoff", quoted("2s")),
            ("sweep", duration(dice.millis(1_000, 5_000))),
            ("chunk", dice.pick(&[1, 2, 100]).to_string()),
            ("queue", dice.pick(&[1, 2, 1_000, 1_000]).to_string()),
        ];
        if dice.chance(1, 3) {
            delivery.push(("batch", duration(dice.between(1, 10))));
        }
        text.table("[delivery]", &delivery);
    }

    fn write_chains(&self, dice: &mut Dice, text: &mut Text) {
        let mut group = |name: &str, count: u64, more: &[(&'static str, String)]| {
            if count > 0 {
                let mut keys = vec![
                    ("name", quoted(name)),
                    ("count", count.to_string()),
                    ("balance", quoted(&BALANCE.to_string())),
                ];
                keys.extend(more.iter().cloned());
                text.table("[[chains]]", &keys);
            }
        };
        let inbox = *dice.pick(&["auto", "auto", "manual"]);
        group("user", self.users, &[("inbox", quoted(inbox))]);
        let rejects = ("message_policy", quoted("reject"));
        group("shy", self.shy, &[("inbox", quoted("auto")), rejects]);
        group("closing", self.closing, &[("inbox", quoted("auto"))]);
        if self.lends {
            allowances::write_chain(BALANCE, text);
        }
    }

    fn write_work(&self, dice: &mut Dice, text: &mut Text) {
        let groups = [
            ("user", self.users),
            ("shy", self.shy),
            ("closing", self.closing),
        ];
        let groups = groups.iter().filter(|(_, count)| *count > 0);
        let everybody: Vec<_> = groups.map(|(name, _)| format!("{name}/*")).collect();
        let rate = dice.between(8, 14);
        let (from, until) = (duration(BUSY.0), duration(BUSY.1));
        let open = format!(
            "{{ arrivals = \"poisson\", rate = \"{rate}/s\", from = {from}, until = {until} }}"
        );
        let to = everybody.join(", ");
        let keys = [
            ("name", quoted("payments")),
            ("chains", quoted("user/*")),
            ("open", open),
            (
                "transfer",
                format!("{{ to = \"uniform({to})\", amount = \"1\" }}"),
            ),
        ];
        text.table("[[workload]]", &keys);
        if self.closing > 0 {
            let steps: Vec<_> = (0..self.closing)
                .map(|chain| {
                    let at = duration(dice.millis(1_000, 6_000));
                    format!("{{ at = {at}, chain = \"closing/{chain}\", close_chain = true }}")
                })
                .collect();
            let script = format!("[{}]", steps.join(", "));
            let keys = [("name", quoted("chains are closed")), ("script", script)];
            text.table("[[workload]]", &keys);
        }
    }

    /// Bundles of two messages with grants, of which what is left has to come back.
    fn write_bundles(&self, text: &mut Text) {
        let (from, until) = (duration(BUSY.0), duration(BUSY.1));
        let open =
            format!("{{ arrivals = \"poisson\", rate = \"2/s\", from = {from}, until = {until} }}");
        let messages = "[{ credit = \"1\", grant = \"2\" }, { credit = \"2\", grant = \"1\" }]";
        let keys = [
            ("name", quoted("bundles with grants")),
            ("chains", quoted("user/*")),
            ("open", open),
            (
                "send_bundle",
                format!("{{ to = \"uniform(shy/*, closing/*)\", messages = {messages} }}"),
            ),
        ];
        text.table("[[workload]]", &keys);
    }

    fn write_expectations(&self, failures: &Failures, text: &mut Text) {
        let total = BALANCE * self.chains();
        let lossless = format!("supply() + burned_fees() + dropped() == {total}");
        let keys = [
            ("name", quoted("no token is made or lost")),
            ("always", quoted(&lossless)),
        ];
        text.table("[[expect]]", &keys);
        let everywhere: Vec<_> = (1..=VALIDATORS)
            .map(|number| format!("undelivered('v{number}') == 0"))
            .collect();
        let everywhere = everywhere.join(" && ").replace('\'', "\\\"");
        let Failures { least, most } = failures;
        let failed = if most == least {
            format!("failed_commands() == {least}")
        } else {
            format!("failed_commands() >= {least} && failed_commands() <= {most}")
        };
        let all = format!(
            "pending_blocks() == 0 && {failed} && dropped() == 0 && confirmed_blocks() >= 50 && {everywhere}"
        );
        let keys = [
            (
                "name",
                quoted("everything is everywhere in the end, and much was done"),
            ),
            ("finally", quoted(&all)),
        ];
        text.table("[[expect]]", &keys);
    }
}

/// A worker that stops between two steps and comes back: this strikes for certain.
fn stop_between(text: &mut Text, target: &str, at: u64, dice: &mut Dice) {
    let keys = [
        ("name", quoted(&format!("{target} stops between two steps"))),
        ("at", duration(at)),
        ("for", duration(dice.millis(100, 1_500))),
        ("crash", format!("{{ workers = \"{target}\" }}")),
    ];
    text.table("[[faults]]", &keys);
}

/// A worker that stops after so many outputs of a step and comes back.
fn stop(text: &mut Text, number: u64, target: &str, at: u64, dice: &mut Dice) {
    let outputs = dice.between(0, 7);
    let name = format!("{target} stops inside a step ({number})");
    let crash = format!("{{ workers = \"{target}\", after_outputs = {outputs} }}");
    let keys = [
        ("name", quoted(&name)),
        ("at", duration(at)),
        ("for", duration(dice.millis(100, 1_500))),
        ("crash", crash),
    ];
    text.table("[[faults]]", &keys);
}

/// Messages are lost and doubled between workers that stop, to chains that reject and close.
pub(super) fn messages(seed: u64) -> String {
    let mut dice = Dice::new(seed, dice::MESSAGES);
    let cast = Cast {
        seed,
        name: "messages",
        workers: dice.between(2, 4),
        users: dice.between(4, 7),
        shy: dice.between(1, 2),
        closing: dice.between(1, 2),
        fees: dice.chance(1, 2),
        lends: true,
    };
    let mut text = Text::default();
    let bad = (dice.between(1, 12), dice.between(1, 12));
    let claim = "Workers stop between any two outputs, what they tell each other gets lost and comes twice, chains close, money bounces and some spend what others have: no token is lost, and all of it arrives.";
    cast.write_top(claim, bad, &mut dice, &mut text);
    cast.write_chains(&mut dice, &mut text);
    cast.write_work(&mut dice, &mut text);
    cast.write_bundles(&mut text);
    let failures = allowances::write_work(seed, "user/*, shy/*, closing/*", &mut text);
    for number in 1..=dice.between(4, 10) {
        let (validator, worker) = (dice.between(1, VALIDATORS), dice.between(1, cast.workers));
        let at = dice.millis(300, CRASHES_END - 1_500);
        stop(
            &mut text,
            number,
            &format!("v{validator}/w{worker}"),
            at,
            &mut dice,
        );
    }
    cast.write_expectations(&failures, &mut text);
    text.finish()
}

/// Validators change their numbers of workers while workers stop and messages between them are lost.
pub(super) fn hand_over(seed: u64) -> String {
    let mut dice = Dice::new(seed, dice::HAND_OVER);
    let cast = Cast {
        seed,
        name: "hand-over",
        workers: dice.between(1, 4),
        users: dice.between(6, 12),
        shy: dice.between(0, 1),
        closing: dice.between(0, 1),
        fees: false,
        lends: false,
    };
    let mut text = Text::default();
    let bad = (dice.between(0, 6), dice.between(0, 6));
    let claim = "Chains go from worker to worker while requests come, workers stop in the middle of it and messages between them get lost: a chain has one holder at most, and nothing is lost or done twice.";
    cast.write_top(claim, bad, &mut dice, &mut text);
    cast.write_chains(&mut dice, &mut text);
    cast.write_work(&mut dice, &mut text);
    let validator = dice.between(1, VALIDATORS);
    let mut workers = cast.workers;
    for (round, begin) in (1..).zip([1_000, 3_500, 6_000]) {
        let next = dice.between(1, 4);
        let next = if next < workers { next } else { next + 1 };
        let (at, boot) = (dice.millis(begin, begin + 700), dice.between(20, 200));
        let online = dice.chance(5, 6);
        let manner = if online {
            "online = true"
        } else {
            "drain = \"50ms\""
        };
        let keys = [
            (
                "name",
                quoted(&format!("v{validator} gets {next} workers ({round})")),
            ),
            ("at", duration(at)),
            (
                "resize",
                format!(
                    "{{ validators = \"v{validator}\", workers = {next}, boot = {}, {manner} }}",
                    duration(boot)
                ),
            ),
        ];
        text.table("[[faults]]", &keys);
        let most = workers.max(next);
        let mut order = dice.order(usize::try_from(most).expect("few workers"));
        order.truncate(dice.position(1, 2));
        for worker in order.into_iter().filter(|_| online) {
            let at = at + boot + dice.between(0, 40);
            stop(
                &mut text,
                round,
                &format!("v{validator}/w{}", worker + 1),
                at,
                &mut dice,
            );
        }
        workers = next;
    }
    // Another validator stops too, so that something does in every seed.
    let other = 1 + validator % VALIDATORS;
    let at = dice.millis(1_000, 8_000);
    stop_between(&mut text, &format!("v{other}/w1"), at, &mut dice);
    let failures = Failures { least: 0, most: 0 };
    cast.write_expectations(&failures, &mut text);
    text.finish()
}
