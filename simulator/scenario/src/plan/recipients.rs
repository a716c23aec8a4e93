//! Who gets what a workload sends.
//!
//! Invariants: a choice is a pure function of sender, number and draw, in integers; a sender chooses
//! itself only if there is nobody else.

use engine::below;

use super::index::{ChainIndex, ChainSet};

/// How a recipient is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chooser {
    /// Always this chain.
    One(ChainIndex),
    /// Every chain of the set as often as any other.
    Uniform(ChainSet),
    /// The chain number `k` of the set (from 1) in proportion to `1 / k^s`.
    Zipf {
        /// The chains, the most popular first.
        among: ChainSet,
        /// By chain: the share of all draws that lies at or below it, in `2^-64`.
        cumulative: Vec<u64>,
    },
    /// First a part in proportion to its weight, then a chain of it uniformly.
    Weighted(Vec<WeightedPart>),
    /// A chain of the set drawn uniformly once for every sender; see
    /// [`Chooser::draws_by_sender`].
    Sticky(ChainSet),
    /// The chains of the set one after another.
    InTurn(ChainSet),
}

/// One part of a weighted choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightedPart {
    /// The chains.
    pub among: ChainSet,
    /// The share of all draws that lies at or below this part, in `2^-64`.
    pub cumulative: u64,
}

impl Chooser {
    /// The recipient of what `sender` sends with command `number` of a workload, where `draw` is uniform
    /// over all of `u64`.
    pub fn pick(&self, sender: ChainIndex, number: u64, draw: u64) -> ChainIndex {
        match self {
            Self::One(chain) => *chain,
            Self::Uniform(among) | Self::Sticky(among) => uniform(among, sender, draw),
            Self::Zipf { among, cumulative } => {
                let rank = cumulative.partition_point(|upper| *upper < draw);
                let rank = u32::try_from(rank).expect("a set has at most u32::MAX chains");
                let chosen = rank.min(among.len() - 1);
                not_oneself(among, sender, chosen)
            }
            Self::InTurn(among) => {
                let chosen = u32::try_from(number % u64::from(among.len()));
                not_oneself(among, sender, chosen.expect("below a length of 32 bits"))
            }
            Self::Weighted(parts) => {
                let chosen = parts.partition_point(|part| part.cumulative < draw);
                let chosen = chosen.min(parts.len() - 1);
                let below = chosen
                    .checked_sub(1)
                    .map_or(0, |before| parts[before].cumulative);
                let width = parts[chosen].cumulative - below;
                let rest = draw.saturating_sub(below);
                // The place inside the part, stretched to all of u64, is the draw of the part.
                let stretched = (u128::from(rest) << 64) / (u128::from(width) + 1);
                let inner = u64::try_from(stretched).unwrap_or(u64::MAX);
                uniform(&parts[chosen].among, sender, inner)
            }
        }
    }

    /// Whether the draw must depend on the sender alone (and not on the arrival): number it by the
    /// sender's index.
    pub const fn draws_by_sender(&self) -> bool {
        matches!(self, Self::Sticky(_))
    }

    /// Every chain that may be chosen.
    pub fn candidates(&self) -> ChainSet {
        match self {
            Self::One(chain) => ChainSet::one(*chain),
            Self::Uniform(among)
            | Self::Sticky(among)
            | Self::InTurn(among)
            | Self::Zipf { among, .. } => among.clone(),
            Self::Weighted(parts) => parts
                .iter()
                .fold(ChainSet::default(), |all, part| all.union(&part.among)),
        }
    }

    /// A choice in proportion to `1 / rank^s`, with `s` in thousandths.
    ///
    /// # Panics
    /// If the set is empty.
    pub(crate) fn zipf(among: ChainSet, s_thousandths: u32) -> Self {
        let exponent = f64::from(s_thousandths) / 1_000.0;
        let weights = (1..=among.len()).map(|rank| {
            // Weights are fixed to integers here, once; a draw only compares integers.
            fixed(libm::pow(f64::from(rank), -exponent))
        });
        let cumulative = shares(weights);
        Self::Zipf { among, cumulative }
    }

    /// A choice between parts in proportion to their weights.
    ///
    /// # Panics
    /// If all weights are zero or a set is empty.
    pub(crate) fn weighted(parts: Vec<(ChainSet, u32)>) -> Self {
        let cumulative = shares(parts.iter().map(|(_, weight)| u64::from(*weight)));
        let parts = parts.into_iter().zip(cumulative);
        Self::Weighted(
            parts
                .map(|((among, _), cumulative)| WeightedPart { among, cumulative })
                .collect(),
        )
    }
}

/// Forty bits of fraction: enough for the last of a million ranks to have a weight.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the argument lies between 0 and 2^40"
)]
fn fixed(weight: f64) -> u64 {
    (libm::round(weight * libm::exp2(40.0)) as u64).max(1)
}

/// Cumulative shares in `2^-64`; the last one is all.
fn shares(weights: impl Iterator<Item = u64> + Clone) -> Vec<u64> {
    let total: u128 = weights.clone().map(u128::from).sum();
    assert!(total > 0, "the checker refuses choices without weight");
    let mut below = 0_u128;
    weights
        .map(|weight| {
            below += u128::from(weight);
            let share = below * u128::from(u64::MAX) / total;
            u64::try_from(share).expect("a share of u64::MAX")
        })
        .collect()
}

/// The chosen chain of a set, or the next one if that is the sender.
fn not_oneself(among: &ChainSet, sender: ChainIndex, chosen: u32) -> ChainIndex {
    let chain = among.get(chosen).expect("below the length");
    if chain != sender || among.len() == 1 {
        return chain;
    }
    let next = among.get((chosen + 1) % among.len());
    next.expect("below the length")
}

fn uniform(among: &ChainSet, sender: ChainIndex, draw: u64) -> ChainIndex {
    let count = among.len();
    assert!(count > 0, "the checker refuses empty sets");
    let number = |bound: u32| {
        u32::try_from(below(draw, u64::from(bound))).expect("below a bound of 32 bits")
    };
    let chosen = match among.position(sender) {
        Some(own) if count > 1 => {
            let other = number(count - 1);
            if other < own { other } else { other + 1 }
        }
        Some(_) | None => number(count),
    };
    among.get(chosen).expect("below the length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws() -> impl Iterator<Item = u64> {
        (0..10_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n << 7))
    }

    #[test]
    fn nobody_pays_itself() {
        let set = ChainSet::range(0..5);
        let me = ChainIndex::new(2);
        let choosers = [
            Chooser::Uniform(set.clone()),
            Chooser::Sticky(set.clone()),
            Chooser::InTurn(set.clone()),
            Chooser::zipf(set.clone(), 1_100),
            Chooser::weighted(vec![(set.clone(), 3), (ChainSet::range(7..9), 1)]),
        ];
        for chooser in choosers {
            let candidates = chooser.candidates();
            for draw in draws().chain([0, 1, u64::MAX, u64::MAX - 1]) {
                let chosen = chooser.pick(me, draw / 3, draw);
                assert_ne!(chosen, me);
                assert!(candidates.contains(chosen));
            }
        }
        let alone = Chooser::Uniform(ChainSet::one(me));
        assert_eq!(alone.pick(me, 7, 7), me);
    }

    #[test]
    fn turns_are_taken() {
        let turns = Chooser::InTurn(ChainSet::new([3..5, 9..10]));
        let picked = (0..7).map(|number| turns.pick(ChainIndex::new(4), number, 0).get());
        assert_eq!(picked.collect::<Vec<_>>(), [3, 9, 9, 3, 9, 9, 3]);
    }

    #[test]
    fn shares_are_kept() {
        let outside = ChainIndex::new(100);
        let weighted = Chooser::weighted(vec![
            (ChainSet::one(ChainIndex::new(0)), 9),
            (ChainSet::range(1..11), 1),
        ]);
        let hot = draws()
            .filter(|draw| weighted.pick(outside, 0, *draw) == ChainIndex::new(0))
            .count();
        assert!((8_900..9_100).contains(&hot), "{hot}");

        let zipf = Chooser::zipf(ChainSet::range(0..3), 1_000);
        let mut counts = [0_u32; 3];
        for draw in draws() {
            counts[zipf.pick(outside, 0, draw).position()] += 1;
        }
        // 1 : 1/2 : 1/3 is 6 : 3 : 2.
        assert!((5_350..5_560).contains(&counts[0]), "{counts:?}");
        assert!((2_630..2_830).contains(&counts[1]), "{counts:?}");
    }
}
