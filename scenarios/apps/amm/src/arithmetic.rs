//! Prices and shares: integers only, and products that do not fit 128 bits.

use linera_sdk::linera_base_types::Amount;

/// Of so many parts of an input ...
const PARTS: u128 = 1_000;
/// ... so many are traded; the rest stays in the pool.
const TRADED_PARTS: u128 = 997;

/// `a * b / c`, rounded down; nothing if that does not fit or `c` is zero.
pub fn multiply_divide(a: u128, b: u128, c: u128) -> Option<u128> {
    if let Some(product) = a.checked_mul(b) {
        return product.checked_div(c);
    }
    let (high, low) = wide_product(a, b);
    if high >= c {
        return None;
    }
    // Long division, bit by bit: the rest stays below `c`, and `carry` is its 129th bit.
    let (mut rest, mut quotient) = (high, 0_u128);
    for bit in (0..128).rev() {
        let carry = rest >> 127;
        rest = (rest << 1) | ((low >> bit) & 1);
        if carry == 1 || rest >= c {
            rest = rest.wrapping_sub(c);
            quotient |= 1 << bit;
        }
    }
    Some(quotient)
}

/// The upper and the lower half of `a * b`.
pub fn wide_product(a: u128, b: u128) -> (u128, u128) {
    const HALF: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & HALF, b >> 64, b & HALF);
    let low = a_low * b_low;
    let (one, other) = (a_high * b_low, a_low * b_high);
    let middle = (low >> 64) + (one & HALF) + (other & HALF);
    let high = a_high * b_high + (one >> 64) + (other >> 64) + (middle >> 64);
    (high, (middle << 64) | (low & HALF))
}

/// The same for amounts.
///
/// # Panics
/// If the result is no amount.
pub fn share_of(a: Amount, b: Amount, c: Amount) -> Amount {
    let share = multiply_divide(a.to_attos(), b.to_attos(), c.to_attos());
    Amount::from_attos(share.expect("a share of an amount is an amount"))
}

/// What an input gives, where `from` is in the pool of its kind and `to` of the other.
///
/// # Panics
/// If the pool would hold more than an amount can say.
pub fn output(input: Amount, from: Amount, to: Amount) -> Amount {
    let traded = multiply_divide(input.to_attos(), TRADED_PARTS, PARTS);
    let traded = Amount::from_attos(traded.expect("a part of an amount is an amount"));
    let sum = from.try_add(traded).expect("a reserve is an amount");
    if sum == Amount::ZERO {
        return Amount::ZERO;
    }
    share_of(to, traded, sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are small, large, and at the edges of halves.
    fn samples() -> Vec<u128> {
        let edges = [0, 1, 2, 997, u128::from(u64::MAX), u128::MAX];
        let mut samples = edges.to_vec();
        let mut number = 1_u128;
        for _ in 0..40 {
            number =
                number.wrapping_mul(0x2545_f491_4f6c_dd1d_9e37_79b9_7f4a_7c15) ^ (number >> 61);
            samples.push(number >> (number % 128));
        }
        samples
    }

    #[test]
    fn division_undoes_multiplication() {
        for a in samples() {
            for b in samples() {
                if b > 0 {
                    assert_eq!(multiply_divide(a, b, b), Some(a), "{a} * {b} / {b}");
                }
            }
        }
    }

    #[test]
    fn quotient_and_rest_make_up_the_product() {
        for a in samples() {
            for b in samples() {
                for c in samples() {
                    let Some(quotient) = multiply_divide(a, b, c) else {
                        assert!(wide_product(a, b).0 >= c, "{a} * {b} / {c} fits");
                        continue;
                    };
                    let (product, back) = (wide_product(a, b), wide_product(quotient, c));
                    assert!(back <= product);
                    let rest = product.1.wrapping_sub(back.1);
                    assert!(rest < c, "{a} * {b} / {c} leaves {rest}");
                }
            }
        }
    }

    #[test]
    fn the_product_of_the_reserves_never_falls() {
        for from in samples() {
            for to in samples() {
                for input in samples() {
                    let Some(after) = from.checked_add(input) else {
                        continue;
                    };
                    let [from_amount, to_amount, input] = [from, to, input].map(Amount::from_attos);
                    let given = output(input, from_amount, to_amount).to_attos();
                    assert!(given <= to);
                    assert!(wide_product(after, to - given) >= wide_product(from, to));
                }
            }
        }
    }

    #[test]
    fn a_price_has_a_fee() {
        let tokens = Amount::from_tokens;
        let given = output(tokens(10), tokens(1_000), tokens(1_000));
        // 9.97 * 1000 / 1009.97
        assert_eq!(given, Amount::from_attos(9_871_580_343_970_612_988));
    }
}
