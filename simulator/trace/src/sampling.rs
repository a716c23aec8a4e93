//! Which records of a run are kept: decided by what a record is, so that two runs that share a
//! record agree on whether it is kept.

use engine::{ActorId, Ratio, VirtualTime};

/// Which records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// All of them.
    Full,
    /// This share of them, chosen by (time, actor, index).
    Share(Ratio),
}

impl Sampling {
    /// Whether the record with this place in the order is kept.
    pub fn keeps(self, time: VirtualTime, actor: ActorId, index: u64) -> bool {
        match self {
            Self::Full => true,
            Self::Share(share) => share.hit(mixed(time.0, u64::from(actor.0), index)),
        }
    }
}

/// Spreads the place of a record evenly over 64 bits (the finaliser of splitmix64, thrice).
fn mixed(time: u64, actor: u64, index: u64) -> u64 {
    [time, actor, index]
        .into_iter()
        .fold(0x9E37_79B9_7F4A_7C15, |state: u64, part| {
            let mut state = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
            state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            state ^ (state >> 31)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_keeps_about_its_share_and_the_same_records_each_time() {
        let share = Sampling::Share(Ratio::percent(5));
        let places = || (0..10_000).map(|n| (VirtualTime(n * 1_000), ActorId(7), n));
        let kept: Vec<_> = places()
            .filter(|(t, a, i)| share.keeps(*t, *a, *i))
            .collect();
        let again: Vec<_> = places()
            .filter(|(t, a, i)| share.keeps(*t, *a, *i))
            .collect();
        assert_eq!(kept, again);
        assert!((400..600).contains(&kept.len()), "{} of 10,000", kept.len());
        assert!(places().all(|(t, a, i)| Sampling::Full.keeps(t, a, i)));
        let none = Sampling::Share(Ratio::ZERO);
        assert!(!places().any(|(t, a, i)| none.keeps(t, a, i)));
    }
}
