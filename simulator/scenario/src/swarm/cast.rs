//! Who takes part: the network, the validators, the chains, and what their users do.

use super::{
    Family,
    dice::{self, Dice},
    text::{Text, duration, quoted},
};

/// Names of the owners of shared chains.
const OWNERS: [&str; 4] = ["ana", "ben", "dan", "eve"];
/// Names of shared chains.
const SHARED: [&str; 3] = ["club", "shop", "table"];
/// The chain that a two-faced super owner may block.
const WEDGED: &str = "fast/0";
/// The chain whose one owner has two wallets.
const TWINS: &str = "pair";
/// Tokens of each chain at the start.
const BALANCE: u64 = 1_000;
/// When everybody begins, in milliseconds.
pub(super) const BEGIN: u64 = 100;
/// How long the quiet at the end may last; a run ends as soon as nobody has anything to do. Timers
/// of rounds grow, and one owner among many idle ones has to wait for the round that it leads.
const QUIET: u64 = 3_000_000;

/// A chain of several owners.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) name: &'static str,
    /// The super owner, if there is one, comes first.
    pub(super) owners: Vec<&'static str>,
    weights: Vec<u64>,
    /// Whether all owners want to act all the time.
    pub(super) is_hot: bool,
    has_super: bool,
    multi_leader_rounds: u64,
    timeout: u64,
    fast_round: u64,
    think: u64,
}

/// What does not depend on the faults.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    pub(super) seed: u64,
    families: Vec<Family>,
    /// By validator.
    pub(super) weights: Vec<u64>,
    pub(super) workers: u64,
    latency: String,
    /// Chains `user/0`, `user/1`, ... of one regular owner each.
    pub(super) users: u64,
    /// Chains `fast/0`, ... of one super owner each.
    pub(super) fasts: u64,
    inbox: &'static str,
    pub(super) shared: Vec<Shared>,
    /// Users act until then, in milliseconds.
    pub(super) busy_until: u64,
    /// All faults are over, in milliseconds.
    pub(super) healed: u64,
    /// The validators in the order in which crashes take them.
    pub(super) order: Vec<usize>,
    /// The chains whose owners break the rules, and how, if that family is enabled.
    pub(super) guilty: (String, &'static str),
    rate: u64,
    fast_think: u64,
    duplicate: u64,
    pair_think: u64,
}

impl Cast {
    pub(super) fn new(seed: u64, families: Vec<Family>) -> Self {
        let mut dice = Dice::new(seed, dice::CAST);
        let count = dice.position(4, 10);
        let equal = dice.chance(1, 2);
        let weights = (0..count)
            .map(|_| if equal { 1 } else { dice.between(1, 4) })
            .collect();
        let workers = dice.between(1, 3);
        let latency = latency(&mut dice);
        let busy_until = dice.millis(12_000, 16_000);
        let shared_count = dice.position(1, 3);
        let shared: Vec<_> = (0..shared_count)
            .map(|at| match at {
                0 => Shared::hot(SHARED[at], &mut dice),
                _ => Shared::new(SHARED[at], &mut dice),
            })
            .collect();
        let contended = families.contains(&Family::Contention);
        let shared = if contended { shared } else { Vec::new() };
        let users = dice.between(4, 7);
        let guilty = guilty(shared.first(), users, &mut dice);
        Self {
            seed,
            weights,
            workers,
            latency,
            users,
            fasts: dice.between(1, 2),
            inbox: if dice.chance(1, 4) { "auto" } else { "manual" },
            shared,
            busy_until,
            healed: busy_until + 1_000,
            order: dice.order(count),
            guilty,
            rate: dice.between(8, 11),
            fast_think: dice.between(3, 8) * 50,
            duplicate: dice.between(1, 5),
            pair_think: dice.between(2, 8) * 50,
            families,
        }
    }

    pub(super) fn has(&self, family: Family) -> bool {
        self.families.contains(&family)
    }

    /// Whether several owners share a chain.
    pub(super) fn is_contended(&self) -> bool {
        !self.shared.is_empty()
    }

    /// Whether a super owner may block its own chain for good, by proposing two fast blocks.
    fn may_wedge(&self) -> bool {
        self.has(Family::Owners) && self.guilty.0 == WEDGED
    }

    /// Whether that owner asks for votes again and again: neither block gets a quorum.
    pub(super) fn insists(&self) -> bool {
        self.may_wedge() && self.weights.iter().all(|weight| *weight == 1)
    }

    /// Whether wallets ask what was sent to them as soon as they hear of something.
    pub(super) fn looks_for_messages(&self) -> bool {
        self.inbox == "auto"
    }

    /// Whether owners ask for the end of rounds that have time left.
    pub(super) fn ends_rounds(&self) -> bool {
        self.has(Family::Owners) && self.guilty.1 == "ends-rounds"
    }

    /// The owner of a shared chain that has two wallets: a regular one, because a super owner with
    /// two wallets may block its own chain.
    fn twin_of(&self, shared: &Shared) -> Option<&'static str> {
        let last = shared.owners.last().copied();
        last.filter(|_| self.has(Family::Twins) && shared.is_hot)
    }

    /// The wallets that lose their disks: of quick payers, and the second ones of owners.
    pub(super) fn losers(&self) -> Vec<String> {
        let wedged = usize::from(self.may_wedge());
        let quick = (0..self.fasts).map(|number| format!("fast/{number}"));
        let mut losers: Vec<_> = quick.skip(wedged).collect();
        if self.has(Family::Twins) {
            losers.push(format!("{TWINS}#2@{TWINS}"));
        }
        losers
    }

    /// Commands of which nobody knows what became of them, at most.
    fn forgotten(&self) -> usize {
        if self.has(Family::LostDisk) {
            self.losers().len()
        } else {
            0
        }
    }

    pub(super) fn count(&self) -> usize {
        self.weights.len()
    }

    /// The least weight in which an honest validator must be.
    pub(super) fn validity(&self) -> u64 {
        self.weights.iter().sum::<u64>().div_ceil(3)
    }

    fn supply(&self) -> u64 {
        let shared = u64::try_from(self.shared.len()).expect("a few");
        let pair = u64::from(self.has(Family::Twins));
        BALANCE * (self.users + self.fasts + shared + pair)
    }

    /// The top of the file, the network, the validators, the chains and the workloads.
    pub(super) fn write(&self, text: &mut Text) {
        text.line("# Claim: whatever goes wrong at once with less than a third of the weight at fault, the validators");
        text.line("# agree; and when it is over, everybody gets on.");
        text.table(
            "",
            &[
                ("format", "1".to_owned()),
                ("name", quoted(&format!("swarm-{}", self.seed))),
                ("about", quoted(&self.about())),
                (
                    "claim",
                    quoted("No two blocks are committed at one height, and all is settled when the faults are over."),
                ),
                ("seed", self.seed.to_string()),
                ("duration", duration(self.healed + QUIET)),
                ("signatures", quoted("modeled")),
            ],
        );
        let mut network = vec![(
            "latency",
            format!("{{ client = \"{}\", worker = \"500us\" }}", self.latency),
        )];
        if self.has(Family::Duplication) {
            let share = self.duplicate;
            network.push((
                "duplicate",
                format!("{{ client = \"{share}%\", worker = \"{share}%\" }}"),
            ));
        }
        text.table("[network]", &network);
        let mut validators = vec![
            ("count", self.count().to_string()),
            ("workers", self.workers.to_string()),
        ];
        let uneven = (1..).zip(&self.weights).filter(|(_, weight)| **weight > 1);
        let uneven: Vec<_> = uneven
            .map(|(number, weight)| format!("v{number} = {weight}"))
            .collect();
        if !uneven.is_empty() {
            validators.push(("weights", format!("{{ {} }}", uneven.join(", "))));
        }
        text.table("[validators]", &validators);
        self.write_chains(text);
        self.write_workloads(text);
    }

    fn about(&self) -> String {
        let names: Vec<_> = self.families.iter().map(|family| family.name()).collect();
        if names.is_empty() {
            return "A random scenario in which nothing goes wrong.".to_owned();
        }
        format!("A random scenario of {}.", names.join(", "))
    }

    fn write_chains(&self, text: &mut Text) {
        let balance = quoted(&BALANCE.to_string());
        text.table(
            "[[chains]]",
            &[
                ("name", quoted("user")),
                ("count", self.users.to_string()),
                ("balance", balance.clone()),
                ("round_timeout", quoted("2s")),
                ("inbox", quoted(self.inbox)),
            ],
        );
        text.table(
            "[[chains]]",
            &[
                ("name", quoted("fast")),
                ("count", self.fasts.to_string()),
                ("balance", balance.clone()),
                ("owner", quoted("super")),
            ],
        );
        for shared in &self.shared {
            let mut keys = vec![("name", quoted(shared.name)), ("balance", balance.clone())];
            let regular = usize::from(shared.has_super);
            if shared.has_super {
                keys.push(("super_owners", format!("[\"{}\"]", shared.owners[0])));
                keys.push(("fast_round", duration(shared.fast_round)));
            }
            let owners = shared.owners.iter().zip(&shared.weights).skip(regular);
            let owners: Vec<_> = owners
                .map(|(owner, weight)| format!("{owner} = {weight}"))
                .collect();
            keys.push(("owners", format!("{{ {} }}", owners.join(", "))));
            if let Some(twin) = self.twin_of(shared) {
                keys.push(("wallets", format!("{{ {twin} = 2 }}")));
            }
            keys.push((
                "multi_leader_rounds",
                shared.multi_leader_rounds.to_string(),
            ));
            keys.push(("round_timeout", duration(shared.timeout)));
            text.table("[[chains]]", &keys);
        }
        if self.has(Family::Twins) {
            let keys = [
                ("name", quoted(TWINS)),
                ("balance", balance),
                ("wallets", format!("{{ {TWINS} = 2 }}")),
                ("round_timeout", quoted("1500ms")),
            ];
            text.table("[[chains]]", &keys);
        }
    }

    fn write_workloads(&self, text: &mut Text) {
        let shared = self.shared.iter().map(|shared| shared.name);
        let everybody: Vec<_> = ["user/*", "fast/*"].into_iter().chain(shared).collect();
        let everybody = everybody.join(", ");
        text.table(
            "[[workload]]",
            &[
                ("name", quoted("payments")),
                ("chains", quoted("user/*")),
                (
                    "open",
                    format!(
                        "{{ arrivals = \"constant\", rate = \"{}/s\", from = {}, until = {} }}",
                        self.rate,
                        duration(BEGIN),
                        duration(self.busy_until)
                    ),
                ),
                (
                    "transfer",
                    format!("{{ to = \"uniform({everybody})\", amount = \"1\" }}"),
                ),
            ],
        );
        text.table(
            "[[workload]]",
            &[
                ("name", quoted("quick payments")),
                ("chains", quoted("fast/*")),
                (
                    "closed",
                    format!(
                        "{{ users = {}, think = \"exp(mean={}ms)\", from = {}, until = {} }}",
                        self.fasts,
                        self.fast_think,
                        duration(BEGIN),
                        duration(self.busy_until)
                    ),
                ),
                (
                    "transfer",
                    "{ to = \"uniform(user/*)\", amount = \"1\" }".to_owned(),
                ),
            ],
        );
        if self.has(Family::Twins) {
            self.write_twins(text);
        }
        for shared in &self.shared {
            let mut owners: Vec<_> = shared.owners.iter().map(|owner| quoted(owner)).collect();
            let twin = self.twin_of(shared);
            owners.extend(twin.map(|owner| quoted(&format!("{owner}#2"))));
            text.table(
                "[[workload]]",
                &[
                    ("name", quoted(&format!("moves at the {}", shared.name))),
                    ("chains", quoted(shared.name)),
                    (
                        "closed",
                        format!(
                            "{{ users = [{}], think = \"exp(mean={}ms)\", from = {}, until = {} }}",
                            owners.join(", "),
                            shared.think,
                            duration(BEGIN),
                            duration(self.busy_until)
                        ),
                    ),
                    (
                        "transfer",
                        format!(
                            "{{ to = \"{}@{}\", amount = \"1\" }}",
                            shared.owners[0], shared.name
                        ),
                    ),
                ],
            );
        }
    }

    /// Both wallets of one owner pay whenever they like.
    fn write_twins(&self, text: &mut Text) {
        let users = format!("[\"{TWINS}\", \"{TWINS}#2\"]");
        let think = self.pair_think;
        let (begin, end) = (duration(BEGIN), duration(self.busy_until));
        let closed = format!(
            "{{ users = {users}, think = \"exp(mean={think}ms)\", from = {begin}, until = {end} }}"
        );
        let transfer = "{ to = \"uniform(user/*)\", amount = \"1\" }".to_owned();
        text.table(
            "[[workload]]",
            &[
                ("name", quoted("payments of two wallets with one key")),
                ("chains", quoted(TWINS)),
                ("closed", closed),
                ("transfer", transfer),
            ],
        );
    }

    /// What the protocol promises whatever goes wrong.
    pub(super) fn write_expectations(&self, text: &mut Text) {
        let mut expect = |name: &str, kind: &'static str, what: String| {
            text.table("[[expect]]", &[("name", quoted(name)), (kind, what)]);
        };
        expect(
            "at most one block is certified at a height",
            "always",
            quoted("max_certified_per_height() <= 1"),
        );
        // A super owner who proposed two fast blocks may have blocked its chain for good.
        let (open, name) = if self.may_wedge() {
            (
                "pending_blocks() <= 1",
                "all but the chain of the two-faced is settled when the faults are over",
            )
        } else {
            (
                "pending_blocks() == 0",
                "all is settled when the faults are over",
            )
        };
        expect(
            name,
            "eventually",
            format!(
                "{{ holds = \"{open} && in_flight() == 0\", after = {}, within = {} }}",
                duration(self.healed),
                duration(QUIET - 1_000)
            ),
        );
        expect(
            "it stays settled, much was done, and nothing was lost",
            "finally",
            quoted(&format!(
                "{open} && in_flight() == 0 && confirmed_blocks() >= 50 && supply() == {} && failed_commands() <= {}",
                self.supply(),
                self.forgotten()
            )),
        );
    }
}

impl Shared {
    /// A shared chain of any kind.
    fn new(name: &'static str, dice: &mut Dice) -> Self {
        let count = dice.position(2, OWNERS.len());
        let owners: Vec<_> = dice
            .order(OWNERS.len())
            .into_iter()
            .take(count)
            .map(|at| OWNERS[at])
            .collect();
        let weights = owners.iter().map(|_| dice.between(1, 2)).collect();
        Self {
            name,
            owners,
            weights,
            is_hot: false,
            has_super: dice.chance(1, 2),
            multi_leader_rounds: dice.between(0, 3),
            timeout: dice.millis(1_000, 2_000),
            fast_round: dice.millis(1_000, 2_000),
            think: dice.between(1, 8) * 50,
        }
    }

    /// One whose owners all propose at once and get in each other's way for certain.
    fn hot(name: &'static str, dice: &mut Dice) -> Self {
        let this = Self::new(name, dice);
        let owners = dice.order(OWNERS.len());
        Self {
            owners: owners.iter().map(|at| OWNERS[*at]).collect(),
            weights: vec![1; OWNERS.len()],
            is_hot: true,
            has_super: false,
            multi_leader_rounds: this.multi_leader_rounds.max(2),
            think: dice.between(1, 3) * 50,
            ..this
        }
    }
}

/// Chains whose owners break the rules, and how: those of the chain where they meet, or those of a
/// chain of their own.
fn guilty(shared: Option<&Shared>, users: u64, dice: &mut Dice) -> (String, &'static str) {
    match shared {
        Some(shared) if dice.chance(3, 4) => {
            let how = *dice.pick(&["two-faced", "rushes", "drags", "ends-rounds"]);
            (shared.name.to_owned(), how)
        }
        // The last two users are cut off only together with everybody.
        _ if dice.chance(1, 4) => {
            let who = format!("user/[{}..{users}]", users - 2);
            (who, "withholds-certificates")
        }
        _ => (WEDGED.to_owned(), "two-faced"),
    }
}

/// A one-way delay between a wallet and a validator.
fn latency(dice: &mut Dice) -> String {
    let median = dice.between(8, 40);
    match dice.between(0, 4) {
        0 => format!("normal(mean={}ms, sd={median}ms)", median * 2),
        1 => format!("uniform(2ms..{}ms)", median * 3),
        2 => format!("exp(mean={median}ms)"),
        3 => format!("lognormal(median={median}ms, p99={}ms)", median * 6),
        _ => format!("mix(0.8: {median}ms, 0.2: exp(mean={}ms))", median * 8),
    }
}
