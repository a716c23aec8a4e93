//! Numbers, times and names as text, and how wide that text is.
//!
//! Owns every formatting rule of the crate. Invariant: integers only, so the same value gives the
//! same characters on every platform. Knows nothing of pictures.

/// Tenths of a pixel: the one length unit of this crate's own pictures.
pub(crate) type Dp = i64;

/// A count as a signed integer; a count beyond `i64` is clamped (no table is that long).
pub(crate) fn int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A non-negative integer as an index; negative values become 0.
pub(crate) fn index(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}

/// A length in tenths as `12.3`, without a trailing `.0`.
pub(crate) fn dp(value: Dp) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, tenth) = (value.unsigned_abs() / 10, value.unsigned_abs() % 10);
    if tenth == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{tenth}")
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(value: u128) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with thousands separators.
pub(crate) fn count(value: usize) -> String {
    grouped(u128::try_from(value).unwrap_or(u128::MAX))
}

/// A count and its noun: `1 chain`, `2 chains`.
pub(crate) fn plural(value: usize, noun: &str) -> String {
    let s = if value == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(value))
}

/// A count in at most four characters, for cells: `999`, `1.2k`, `45k`, `1.2M`.
pub(crate) fn compact(value: u64) -> String {
    for (unit, suffix) in [(1_000_000_000_u64, "G"), (1_000_000, "M"), (1_000, "k")] {
        if value >= unit {
            let tenths = value / (unit / 10);
            return if tenths < 100 && !tenths.is_multiple_of(10) {
                format!("{}.{}{suffix}", tenths / 10, tenths % 10)
            } else {
                format!("{}{suffix}", tenths / 10)
            };
        }
    }
    value.to_string()
}

/// `value / 10^decimals`, with trailing zeros of the fraction dropped.
pub(crate) fn fixed(value: u128, decimals: u32) -> String {
    let unit = 10_u128.pow(decimals.min(38));
    let fraction = value % unit;
    if fraction == 0 {
        return grouped(value / unit);
    }
    let width = usize::try_from(decimals).unwrap_or(0);
    let digits = format!("{fraction:0width$}");
    format!("{}.{}", grouped(value / unit), digits.trim_end_matches('0'))
}

/// An instant or a duration in the unit that suits it: `850 µs`, `130 ms`, `1.204 s`.
pub(crate) fn time(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    let value = u128::from(us.unsigned_abs());
    let text = match value {
        0..1_000 => format!("{value} µs"),
        1_000..1_000_000 => {
            // Beyond 100 ms a thousandth of a millisecond is noise to a reader.
            let kept = if value >= 100_000 {
                value / 100 * 100
            } else {
                value
            };
            format!("{} ms", fixed(kept, 3))
        }
        _ => format!("{} s", fixed(value / 1_000, 3)),
    };
    format!("{sign}{text}")
}

/// An amount in attos, as tokens with up to 18 decimals.
pub(crate) fn amount(attos: u128) -> String {
    fixed(attos, 18)
}

/// Decimal text as an integer; `None` for an empty or malformed field.
pub(crate) fn parse_attos(text: &str) -> Option<u128> {
    text.parse().ok()
}

/// First and last characters of a hash: `9c1f…a2`.
pub(crate) fn short_hash(hash: &str) -> String {
    let chars: Vec<char> = hash.chars().collect();
    if chars.len() <= 10 {
        return hash.to_owned();
    }
    let head: String = chars.iter().take(4).collect();
    let tail: String = chars.iter().skip(chars.len() - 2).collect();
    format!("{head}…{tail}")
}

/// A share in percent, rounded down to a tenth: `12.5%`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0%".to_owned();
    }
    let tenths = u128::from(part) * 1_000 / u128::from(whole);
    if tenths == 0 && part > 0 {
        return "<0.1%".to_owned();
    }
    format!("{}%", fixed(tenths, 1))
}

/// The text cut in the middle so that it is at most `width` wide.
pub(crate) fn elide(text: &str, size: Dp, bold: bool, width: Dp) -> String {
    if text_width(text, size, bold) <= width {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    for kept in (1..chars.len()).rev() {
        let head = kept.div_ceil(2);
        let candidate: String = chars
            .iter()
            .take(head)
            .chain(std::iter::once(&'…'))
            .chain(chars.iter().skip(chars.len() - (kept - head)))
            .collect();
        if text_width(&candidate, size, bold) <= width {
            return candidate;
        }
    }
    "…".to_owned()
}

/// Width of a line of text in the bundled font (size and result in tenths of a pixel).
pub(crate) fn text_width(text: &str, size: Dp, bold: bool) -> Dp {
    let table = if bold { &BOLD } else { &REGULAR };
    let units: i64 = text
        .chars()
        .map(|c| {
            let code = usize::try_from(u32::from(c)).unwrap_or(usize::MAX);
            match code.checked_sub(32).and_then(|slot| table.get(slot)) {
                Some(units) => i64::from(*units),
                None if c == '·' => 330,
                // Wider than most letters: a label that is a little too roomy harms nobody.
                None => 800,
            }
        })
        .sum();
    (units * size + 999) / 1_000
}

/// Advance widths of DejaVu Sans for ASCII from space on, in thousandths of the font size.
const REGULAR: [u16; 95] = [
    317, 400, 459, 837, 636, 950, 779, 274, 390, 390, 500, 837, 317, 360, 317, 336, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 336, 336, 837, 837, 837, 530, 1000, 684, 686, 698, 770, 631,
    575, 774, 751, 294, 294, 655, 557, 862, 748, 787, 603, 787, 694, 634, 610, 731, 684, 988, 685,
    610, 685, 390, 336, 390, 837, 500, 500, 612, 634, 549, 634, 615, 352, 634, 633, 277, 277, 579,
    277, 974, 633, 611, 634, 634, 411, 520, 392, 633, 591, 817, 591, 591, 524, 636, 336, 636, 837,
];

/// The same for DejaVu Sans Bold.
const BOLD: [u16; 95] = [
    348, 456, 520, 837, 695, 1001, 872, 306, 457, 457, 522, 837, 379, 415, 379, 365, 695, 695, 695,
    695, 695, 695, 695, 695, 695, 695, 399, 399, 837, 837, 837, 580, 1000, 773, 762, 733, 830, 683,
    683, 820, 836, 372, 372, 774, 637, 995, 836, 850, 732, 850, 770, 720, 682, 812, 773, 1103, 770,
    724, 725, 457, 365, 457, 837, 500, 500, 674, 715, 592, 715, 678, 435, 715, 711, 342, 342, 665,
    342, 1041, 711, 687, 715, 715, 493, 595, 478, 711, 651, 923, 645, 651, 582, 711, 365, 711, 837,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_floats() {
        assert_eq!(dp(123), "12.3");
        assert_eq!(dp(-5), "-0.5");
        assert_eq!(dp(-120), "-12");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(compact(999), "999");
        assert_eq!(compact(1_250), "1.2k");
        assert_eq!(compact(45_999), "45k");
        assert_eq!(time(850), "850 µs");
        assert_eq!(time(12_345), "12.345 ms");
        assert_eq!(time(130_000), "130 ms");
        assert_eq!(time(1_204_000), "1.204 s");
        assert_eq!(amount(10_500_000_000_000_000_000), "10.5");
        assert_eq!(percent(1, 8), "12.5%");
        assert_eq!(percent(1, 80_000), "<0.1%");
    }

    #[test]
    fn long_names_are_cut_in_the_middle() {
        let cut = elide("a-very-long-chain-name/1234", 120, true, 900);
        assert!(text_width(&cut, 120, true) <= 900);
        assert!(
            cut.starts_with("a-v") && cut.ends_with("34") && cut.contains('…'),
            "{cut}"
        );
    }
}
