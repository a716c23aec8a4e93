use super::*;
use crate::distribution::Distribution;
use crate::draw::Seed;
use crate::rules::{NodeSet, Scope};

const MESSAGES: u64 = 20_000;

fn ms(millis: u64) -> VirtualDuration {
    VirtualDuration::from_millis(millis)
}

fn spread() -> QuantileTable {
    Distribution::Uniform {
        min: VirtualDuration(0),
        max: ms(10),
    }
    .table()
    .expect("ordered")
}

fn network(between: Link, rules: Vec<Rule>) -> Network {
    let inside = Link::reliable(QuantileTable::constant(VirtualDuration::ZERO));
    Network {
        rules,
        ..Network::uniform(ms(1), inside, between)
    }
}

fn rule(effect: Effect) -> Rule {
    let everyone: NodeSet = [ActorId(1)].into_iter().collect();
    Rule {
        from: VirtualTime::ZERO,
        until: VirtualTime::MAX,
        scope: Scope::Touching(everyone),
        effect,
    }
}

/// Sends many messages from node 1 to node 2, of different groups, all at one second.
fn send(network: &Network, from_group: u32, to_group: u32) -> (Vec<Carried>, Tally) {
    let mut carrier = Carrier::new(network, LinkDraws::new(Seed(1)), Sabotage::None);
    let carried = (0..MESSAGES).map(|number| {
        let passage = Passage {
            from: (ActorId(1), GroupId(from_group), SiteId(0)),
            alone: true,
            to: (ActorId(2), GroupId(to_group), SiteId(0)),
            at: VirtualTime::from_secs(1),
            seq: Sequence::emission(number),
        };
        carrier.carry(network, passage)
    });
    (carried.collect(), carrier.tally)
}

fn latencies(carried: &[Carried]) -> Vec<u64> {
    let start = VirtualTime::from_secs(1);
    let arrivals = carried.iter().filter_map(|one| match one {
        Carried::Arrives { at, .. } => Some(at.since(start).0),
        Carried::Lost | Carried::LostByRule(_) | Carried::Partitioned(_) => None,
    });
    arrivals.collect()
}

fn assert_share(count: u64, per_mille: u64) {
    let expected = MESSAGES * per_mille / 1_000;
    assert!(
        count.abs_diff(expected) < MESSAGES / 100,
        "{count} is not {per_mille} ‰"
    );
}

#[test]
fn between_groups_nothing_is_faster_than_the_floor_and_raising_is_counted() {
    let network = network(Link::reliable(spread()), Vec::new());
    let (carried, tally) = send(&network, 1, 2);
    assert!(
        latencies(&carried)
            .iter()
            .all(|&latency| latency >= ms(1).0)
    );
    assert_share(tally.counters.raised_to_floor, 100);
    assert_eq!(tally.counters.between_groups, MESSAGES);
}

#[test]
fn inside_a_group_any_positive_latency_will_do() {
    let network = network(Link::reliable(spread()), Vec::new());
    let (carried, tally) = send(&network, 1, 1);
    assert!(latencies(&carried).iter().all(|&latency| latency == 1));
    assert_eq!(
        (
            tally.counters.raised_to_floor,
            tally.counters.between_groups
        ),
        (0, 0)
    );
}

#[test]
fn links_lose_and_duplicate_their_shares_independently() {
    let link = Link {
        latency: spread(),
        loss: Ratio::percent(5),
        duplication: Ratio::percent(10),
    };
    let (carried, tally) = send(&network(link, Vec::new()), 1, 2);
    assert_share(tally.counters.lost, 50);
    assert_share(tally.counters.duplicated, 95);
    let copies = carried.iter().filter_map(|one| match one {
        Carried::Arrives {
            at,
            copy: Some(copy),
        } => Some((at, copy)),
        _ => None,
    });
    let (mut earlier, mut later) = (0, 0);
    for (at, copy) in copies {
        if copy < at { earlier += 1 } else { later += 1 }
    }
    assert!(
        earlier > 500 && later > 500,
        "copies have a latency of their own"
    );
}

#[test]
fn losing_a_message_moves_no_other_draw() {
    let reliable = network(Link::reliable(spread()), Vec::new());
    let lossy = Link {
        loss: Ratio::percent(30),
        ..Link::reliable(spread())
    };
    let lossy = network(lossy, Vec::new());
    let (all, _) = send(&reliable, 1, 2);
    let (some, _) = send(&lossy, 1, 2);
    for (sure, unsure) in all.iter().zip(&some) {
        if let (Carried::Arrives { at, .. }, Carried::Arrives { at: same, .. }) = (sure, unsure) {
            assert_eq!(at, same);
        }
    }
}

#[test]
fn rules_do_what_they_say_and_count_it() {
    let base = || Link::reliable(QuantileTable::constant(ms(2)));
    let (_, cut) = send(&network(base(), vec![rule(Effect::Partition)]), 1, 2);
    assert_eq!(
        (cut.counters.partitioned, cut.rule_hits),
        (MESSAGES, vec![MESSAGES])
    );
    let lose = || rule(Effect::Loss(Ratio::percent(50)));
    let (_, lost) = send(&network(base(), vec![lose(), lose()]), 1, 2);
    assert_share(lost.rule_hits[0], 500);
    assert_share(lost.rule_hits[1], 250);
    assert_eq!(
        lost.counters.lost_by_rule,
        lost.rule_hits.iter().sum::<u64>()
    );
    let (_, twice) = send(
        &network(base(), vec![rule(Effect::Duplicate(Ratio::ONE))]),
        1,
        2,
    );
    assert_eq!(twice.counters.duplicated, MESSAGES);
    let slow = rule(Effect::Slow {
        factor: Ratio::new(2, 1).expect("not zero"),
        extra: QuantileTable::constant(ms(3)),
    });
    let (slowed, tally) = send(&network(base(), vec![slow]), 1, 2);
    assert!(latencies(&slowed).iter().all(|&latency| latency == ms(7).0));
    assert_eq!(tally.rule_hits, vec![MESSAGES]);
}

#[test]
fn a_rule_that_is_over_does_nothing() {
    let over = Rule {
        until: VirtualTime::from_secs(1),
        ..rule(Effect::Partition)
    };
    let (_, tally) = send(&network(Link::reliable(spread()), vec![over]), 1, 2);
    assert_eq!((tally.counters.partitioned, tally.rule_hits), (0, vec![0]));
}
