//! Every random number of a run, each a pure function of what it is about.
//!
//! A draw is one block of ChaCha8 output. The cipher's key says seed, domain and purpose, its
//! stream says the subject (an actor, a workload), its block counter says which of that subject's
//! draws is meant. So no draw depends on how many others were made before it: adding an actor,
//! losing a message or changing a handler moves no other number. Golden vectors pin all of it.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::ids::{ActorId, Sequence};
use crate::quantiles::QuantileTable;
use crate::time::VirtualDuration;

/// The seed of a run: with the world it decides everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

/// What a draw is for. Values are part of every run's identity: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum Purpose {
    /// Latency, loss and duplication of one emission; drawn by the engine.
    Link = 1,
    /// When the next arrival of a workload comes.
    Arrival = 2,
    /// Which source acts.
    Source = 3,
    /// Which target is acted upon.
    Target = 4,
    /// Which kind of action is taken.
    Choice = 5,
    /// How much is transferred.
    Amount = 6,
    /// How long a client waits before it retries.
    Backoff = 7,
    /// How long a user thinks between actions.
    Think = 8,
    /// The order in which validators are asked.
    ValidatorOrder = 9,
    /// How long a service takes.
    Service = 10,
    /// A node's clock skew.
    Skew = 11,
    /// In which region a node lies.
    Site = 12,
    /// When a random fault strikes.
    FaultTime = 13,
    /// Whom a random fault strikes.
    FaultTarget = 14,
    /// What a Byzantine node does.
    Byzantine = 15,
    /// Contents that an application invents.
    Payload = 16,
    /// Key material of simulated parties.
    Keys = 17,
    /// The shape of a generated network or population.
    Population = 18,
    /// Anything else, told apart by the number of the draw.
    Other = 19,
}

/// Who owns a stream of draws; keeps actor 3 and workload 3 apart.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
enum Domain {
    Actor = 1,
    Workload = 2,
}

/// One ChaCha8 block: eight words of 64 bits.
pub(crate) type Block = [u64; WORDS_PER_BLOCK];

const WORDS_PER_BLOCK: usize = 8;
const BYTES_PER_BLOCK: usize = 64;
/// ChaCha8Rng counts positions in 32-bit words, sixteen to a block.
const POSITIONS_PER_BLOCK: u128 = 16;
/// The generator always computes four blocks at once.
const BLOCKS_PER_REFILL: usize = 4;

impl Seed {
    /// The draw number `n` of this workload for this purpose.
    #[must_use]
    pub fn workload_draw(self, purpose: Purpose, workload: u64, n: u64) -> u64 {
        self.block(Domain::Workload, purpose, workload, n)[0]
    }

    /// The draw number `n` of this workload for this purpose, taken from `table`.
    #[must_use]
    pub fn workload_sample(
        self,
        table: &QuantileTable,
        purpose: Purpose,
        workload: u64,
        n: u64,
    ) -> VirtualDuration {
        table.at(self.workload_draw(purpose, workload, n))
    }

    /// The draw number `n` of this actor for this purpose.
    #[must_use]
    pub fn actor_draw(self, purpose: Purpose, actor: ActorId, n: u64) -> u64 {
        self.block(Domain::Actor, purpose, u64::from(actor.0), n)[0]
    }

    /// The draw number `n` of this actor for this purpose, taken from `table`.
    #[must_use]
    pub fn actor_sample(
        self,
        table: &QuantileTable,
        purpose: Purpose,
        actor: ActorId,
        n: u64,
    ) -> VirtualDuration {
        table.at(self.actor_draw(purpose, actor, n))
    }

    fn block(self, domain: Domain, purpose: Purpose, subject: u64, n: u64) -> Block {
        let mut generator = self.generator(domain, purpose);
        generator.set_word_pos(u128::from(n) * POSITIONS_PER_BLOCK);
        generator.set_stream(subject);
        std::array::from_fn(|_| generator.next_u64())
    }

    fn generator(self, domain: Domain, purpose: Purpose) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.0.to_le_bytes());
        key[8..12].copy_from_slice(&(domain as u32).to_le_bytes());
        key[12..16].copy_from_slice(&(purpose as u32).to_le_bytes());
        key[16..].copy_from_slice(b"microchains draw");
        ChaCha8Rng::from_seed(key)
    }
}

/// A draw below `bound` without bias worth measuring (2^-64 of it), by multiplication.
///
/// # Panics
/// If `bound` is zero.
#[must_use]
pub fn below(draw: u64, bound: u64) -> u64 {
    assert!(bound > 0, "a draw below zero is impossible");
    let scaled = (u128::from(draw) * u128::from(bound)) >> 64;
    u64::try_from(scaled).expect("a product of two u64 shifted by 64 fits u64")
}

/// The words of the block that decides about one emission.
pub(crate) struct LinkDraw<'a>(&'a [u8]);

impl LinkDraw<'_> {
    pub(crate) fn latency(&self) -> u64 {
        self.word(0)
    }

    pub(crate) fn loss(&self) -> u64 {
        self.word(1)
    }

    pub(crate) fn duplication(&self) -> u64 {
        self.word(2)
    }

    pub(crate) fn copy_latency(&self) -> u64 {
        self.word(3)
    }

    fn word(&self, word: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[word * 8..word * 8 + 8]);
        u64::from_le_bytes(bytes)
    }

    /// An independent draw for what the rule with this index does to the emission.
    pub(crate) fn rule(&self, index: usize, copy: bool) -> u64 {
        let index = u64::try_from(index).expect("indices fit 64 bits");
        scramble(self.word(if copy { 5 } else { 4 }) ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// A bijection of 64 bits in which every input bit reaches every output bit.
fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Computes link draws; remembers the neighbours that the generator computes anyway.
///
/// A refill gives four consecutive emissions of one sender: enough for a client that asks four
/// validators. Members of groups are few and busy, so they keep what they have between their
/// inputs; all others share one place. What is remembered never shows: a draw is the same
/// whether it was remembered or not.
pub(crate) struct LinkDraws {
    generator: ChaCha8Rng,
    /// The first for nodes that are groups of their own, the rest for members of groups.
    lines: Vec<Line>,
}

struct Line {
    sender: ActorId,
    first: u64,
    bytes: [u8; BYTES_PER_BLOCK * BLOCKS_PER_REFILL],
}

/// Places for members of groups.
const MEMBER_LINES: usize = 64;

impl LinkDraws {
    pub(crate) fn new(seed: Seed) -> Self {
        let empty = || Line {
            sender: ActorId::ENVIRONMENT,
            first: 0,
            bytes: [0; BYTES_PER_BLOCK * BLOCKS_PER_REFILL],
        };
        Self {
            generator: seed.generator(Domain::Actor, Purpose::Link),
            lines: std::iter::repeat_with(empty)
                .take(1 + MEMBER_LINES)
                .collect(),
        }
    }

    /// The draw about this emission. `alone`: the sender is a group of its own.
    pub(crate) fn get(&mut self, sender: ActorId, alone: bool, seq: Sequence) -> LinkDraw<'_> {
        let number = seq.raw() >> 1;
        let member = usize::try_from(sender.0).expect("32 bits fit") % MEMBER_LINES;
        let line = &mut self.lines[if alone { 0 } else { 1 + member }];
        let mut within = number.wrapping_sub(line.first);
        if line.sender != sender || within >= 4 {
            // In this order: a stream set in the middle of a refill would be computed twice.
            self.generator
                .set_word_pos(u128::from(number) * POSITIONS_PER_BLOCK);
            self.generator.set_stream(u64::from(sender.0));
            self.generator.fill_bytes(&mut line.bytes);
            line.sender = sender;
            line.first = number;
            within = 0;
        }
        let from = usize::try_from(within).expect("below four") * BYTES_PER_BLOCK;
        LinkDraw(&line.bytes[from..from + BYTES_PER_BLOCK])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(draw: &LinkDraw<'_>) -> Block {
        std::array::from_fn(|word| draw.word(word))
    }

    #[test]
    fn golden_vectors_pin_every_kind_of_draw() {
        let seed = Seed(42);
        let drawn = [
            seed.workload_draw(Purpose::Arrival, 0, 0),
            seed.workload_draw(Purpose::Arrival, 0, 1),
            seed.workload_draw(Purpose::Arrival, 1, 0),
            seed.workload_draw(Purpose::Amount, 0, 0),
            seed.actor_draw(Purpose::Backoff, ActorId(1), 0),
            seed.actor_draw(Purpose::Backoff, ActorId(u32::MAX), u64::MAX),
            Seed(43).actor_draw(Purpose::Backoff, ActorId(1), 0),
        ];
        assert_eq!(drawn, GOLDEN_DRAWS);
        let mut links = LinkDraws::new(seed);
        let link = links.get(ActorId(5), true, Sequence::emission(1_000_003));
        assert_eq!(words(&link), GOLDEN_LINK);
    }

    const GOLDEN_DRAWS: [u64; 7] = [
        12_006_852_612_072_249_070,
        16_942_560_580_526_379_073,
        347_422_199_216_614_586,
        10_939_247_300_681_779_829,
        12_057_694_858_434_866_345,
        12_161_999_074_912_237_742,
        9_089_283_388_808_982_646,
    ];
    const GOLDEN_LINK: Block = [
        5_723_315_301_153_570_578,
        804_862_845_274_196_824,
        3_770_408_682_836_511_013,
        12_331_734_159_913_677_087,
        7_262_954_393_324_869_180,
        16_259_510_971_296_169_702,
        10_736_341_128_492_219_234,
        12_059_946_917_533_403_159,
    ];

    #[test]
    fn link_draws_do_not_depend_on_what_was_drawn_before() {
        let seed = Seed(7);
        let alone = |sender, number| {
            seed.block(
                Domain::Actor,
                Purpose::Link,
                u64::from(ActorId(sender).0),
                number,
            )
        };
        let mut draws = LinkDraws::new(seed);
        for (sender, number) in [
            (1, 0),
            (1, 1),
            (65, 1),
            (1, 2),
            (1, 9),
            (2, 3),
            (1, 0),
            (65, 0),
        ] {
            let seq = Sequence::emission(number);
            for shared in [true, false] {
                let block = alone(sender, number);
                assert_eq!(words(&draws.get(ActorId(sender), shared, seq)), block);
                assert_eq!(
                    words(&draws.get(ActorId(sender), shared, seq.copy())),
                    block
                );
            }
        }
    }

    #[test]
    fn purposes_subjects_and_domains_are_apart() {
        let seed = Seed(1);
        let mut all = vec![
            seed.actor_draw(Purpose::Think, ActorId(3), 0),
            seed.workload_draw(Purpose::Think, 3, 0),
            seed.actor_draw(Purpose::Backoff, ActorId(3), 0),
            seed.actor_draw(Purpose::Think, ActorId(4), 0),
            seed.actor_draw(Purpose::Think, ActorId(3), 1),
        ];
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn draws_below_a_bound_cover_it_evenly() {
        let mut counts = [0_u32; 6];
        for n in 0..6_000 {
            let draw = Seed(9).workload_draw(Purpose::Choice, 0, n);
            counts[usize::try_from(below(draw, 6)).expect("small")] += 1;
        }
        assert!(
            counts.iter().all(|&count| (900..1_100).contains(&count)),
            "{counts:?}"
        );
    }
}
