use super::*;
use crate::draw::{Purpose, Seed};

const MS: u64 = 1_000_000;

fn ms(value: u64) -> VirtualDuration {
    VirtualDuration::from_millis(value)
}

fn table_of(distribution: &Distribution) -> QuantileTable {
    distribution.table().expect("the parameters are fine")
}

/// The value below which `num / den` of the samples lie.
fn quantile(table: &QuantileTable, num: u64, den: u64) -> u64 {
    let draw = (u128::from(num) << 64) / u128::from(den);
    table.at(u64::try_from(draw).expect("below one")).0
}

fn mean(table: &QuantileTable) -> u64 {
    let count = 200_000;
    let sum: u128 = (0..count)
        .map(|n| u128::from(table.at(Seed(3).workload_draw(Purpose::Arrival, 0, n)).0))
        .sum();
    u64::try_from(sum / u128::from(count)).expect("a mean of u64 fits")
}

fn assert_near(value: u64, expected: u64, per_mille: u64) {
    let slack = expected * per_mille / 1_000;
    assert!(
        value.abs_diff(expected) <= slack,
        "{value} is not {expected} within {per_mille} ‰"
    );
}

#[test]
fn uniform_reaches_both_ends() {
    let table = table_of(&Distribution::Uniform {
        min: ms(1),
        max: ms(50),
    });
    assert_eq!((table.min(), table.max()), (ms(1), ms(50)));
    assert_near(mean(&table), 25_500_000, 5);
}

#[test]
fn exponential_has_its_mean_and_median() {
    let table = table_of(&Distribution::Exp { mean: ms(10) });
    assert_near(mean(&table), 10 * MS, 10);
    assert_near(quantile(&table, 1, 2), 6_931_471, 2);
    assert_near(quantile(&table, 999, 1_000), 69_077_552, 2);
}

#[test]
fn normal_has_its_percentiles_and_never_goes_below_zero() {
    let table = table_of(&Distribution::Normal {
        mean: ms(50),
        sd: ms(5),
    });
    assert_near(quantile(&table, 1, 2), 50 * MS, 1);
    assert_near(quantile(&table, 975, 1_000), 59_799_820, 2);
    let wide = table_of(&Distribution::Normal {
        mean: ms(1),
        sd: ms(5),
    });
    assert_eq!(wide.min(), VirtualDuration::ZERO);
}

#[test]
fn log_normal_has_the_percentiles_it_is_given_by() {
    let table = table_of(&Distribution::LogNormal {
        median: ms(40),
        p99: ms(200),
    });
    assert_near(quantile(&table, 1, 2), 40 * MS, 1);
    assert_near(quantile(&table, 99, 100), 200 * MS, 5);
}

#[test]
fn pareto_has_its_minimum_and_tail() {
    let alpha = Ratio::new(2, 1).expect("not zero");
    let table = table_of(&Distribution::Pareto { min: ms(10), alpha });
    assert_near(table.min().0, 10 * MS, 1);
    assert_near(quantile(&table, 99, 100), 100 * MS, 5);
    assert_near(quantile(&table, 9_999, 10_000), 1_000 * MS, 20);
}

#[test]
fn measured_values_and_mixes_keep_their_shares() {
    let values = vec![ms(30), ms(10), ms(20)];
    let table = table_of(&Distribution::Empirical(values));
    assert_eq!((table.min(), table.max()), (ms(10), ms(30)));
    assert_near(quantile(&table, 1, 2), 20 * MS, 1);
    let parts = vec![
        (9, Distribution::Constant(ms(1))),
        (1, Distribution::Constant(ms(100))),
        (0, Distribution::Constant(ms(9_999))),
    ];
    let table = table_of(&Distribution::Mix(parts));
    assert_eq!(quantile(&table, 85, 100), MS);
    assert_eq!(quantile(&table, 95, 100), 100 * MS);
    assert_near(mean(&table), 10_900_000, 20);
}

#[test]
fn impossible_parameters_are_refused() {
    let refused = [
        (
            Distribution::Uniform {
                min: ms(2),
                max: ms(1),
            },
            DistributionError::Unordered,
        ),
        (
            Distribution::LogNormal {
                median: ms(0),
                p99: ms(1),
            },
            DistributionError::ZeroMedian,
        ),
        (
            Distribution::LogNormal {
                median: ms(2),
                p99: ms(1),
            },
            DistributionError::Unordered,
        ),
        (
            Distribution::Pareto {
                min: ms(1),
                alpha: Ratio::ZERO,
            },
            DistributionError::ZeroAlpha,
        ),
        (
            Distribution::Empirical(Vec::new()),
            DistributionError::NoValues,
        ),
        (Distribution::Mix(Vec::new()), DistributionError::NoWeights),
    ];
    for (distribution, error) in refused {
        assert_eq!(distribution.table(), Err(error));
    }
}

#[test]
fn tables_are_the_same_on_every_platform() {
    let tables = [
        Distribution::Exp { mean: ms(7) },
        Distribution::Normal {
            mean: ms(20),
            sd: ms(3),
        },
        Distribution::LogNormal {
            median: ms(30),
            p99: ms(90),
        },
        Distribution::Pareto {
            min: ms(5),
            alpha: Ratio::new(5, 2).expect("not zero"),
        },
    ];
    let samples: Vec<[u64; 3]> = tables
        .iter()
        .map(|distribution| {
            let table = table_of(distribution);
            [
                quantile(&table, 1, 10),
                quantile(&table, 3, 4),
                quantile(&table, 9_990, 10_000),
            ]
        })
        .collect();
    assert_eq!(samples, GOLDEN);
}

const GOLDEN: [[u64; 3]; 4] = [
    [737_524, 9_704_061, 48_403_854],
    [16_155_330, 22_023_469, 29_276_569],
    [16_378_774, 41_252_989, 129_229_526],
    [5_215_224, 8_705_506, 79_535_087],
];
