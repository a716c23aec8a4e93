//! Distributions, rates and trace modes as people write them.
//!
//! Owns the text of `engine::Distribution` (named parameters that can be measured), of rate curves
//! and of small choices inside strings. What leaves here has a table. Knows nothing of scenarios.

use engine::{Distribution, Ratio, VirtualDuration, VirtualTime};

use crate::diagnostic::{Code, did_you_mean};
use crate::plan::{RatePoint, TraceMode};
use crate::text::{Argument, Form, Piece, TextError, form};
use crate::units;

const NAMES: [&str; 7] = [
    "constant",
    "exp",
    "normal",
    "lognormal",
    "uniform",
    "pareto",
    "mix",
];

/// More parts than this are data, and belong into a file.
const PARTS_MAX: usize = 16;

/// Reads a span of time or a distribution over spans of time.
pub(crate) fn distribution(text: &str) -> Result<Distribution, TextError> {
    let whole = Piece::of(text, 0..text.len());
    let distribution = read(&whole, true)?;
    match distribution.table() {
        Ok(_) => Ok(distribution),
        Err(error) => Err(whole.error(Code::BadValue, error.to_string(), None)),
    }
}

fn read(piece: &Piece<'_>, may_mix: bool) -> Result<Distribution, TextError> {
    let text = piece.text;
    let Some(form) = form(text).map_err(|error| error.shifted(piece.start))? else {
        let value = units::duration(text).map_err(|error| {
            let known = did_you_mean(text, NAMES);
            let help = match known {
                Some(known) => known,
                None if error.message.ends_with("is not a duration") => {
                    format!("{}, or a distribution such as exp(mean=2ms)", error.help)
                }
                None => error.help,
            };
            TextError::new(piece.span(), Code::BadValue, error.message, help)
        })?;
        return Ok(Distribution::Constant(value));
    };
    shape(&form, text.len(), may_mix).map_err(|error| error.shifted(piece.start))
}

fn shape(form: &Form<'_>, end: usize, may_mix: bool) -> Result<Distribution, TextError> {
    let whole = form.name.start..end;
    match form.name.text {
        "constant" => match form.arguments.as_slice() {
            [Argument::Plain(value)] => Ok(Distribution::Constant(value.read(units::duration)?)),
            _ => Err(wrong_arguments(whole, "constant(20ms)")),
        },
        "exp" => {
            let [mean] = named(form, ["mean"], whole, "exp(mean=2ms)")?;
            Ok(Distribution::Exp {
                mean: mean.read(units::duration)?,
            })
        }
        "normal" => {
            let [mean, sd] = named(form, ["mean", "sd"], whole, "normal(mean=25ms, sd=5ms)")?;
            let (mean, sd) = (mean.read(units::duration)?, sd.read(units::duration)?);
            Ok(Distribution::Normal { mean, sd })
        }
        "lognormal" => {
            let example = "lognormal(median=30ms, p99=120ms)";
            let [median, p99] = named(form, ["median", "p99"], whole, example)?;
            let (median, p99) = (median.read(units::duration)?, p99.read(units::duration)?);
            Ok(Distribution::LogNormal { median, p99 })
        }
        "uniform" => uniform(form, whole),
        "pareto" => {
            let [min, alpha] = named(form, ["min", "alpha"], whole, "pareto(min=5ms, alpha=1.5)")?;
            Ok(Distribution::Pareto {
                min: min.read(units::duration)?,
                alpha: factor(&alpha)?,
            })
        }
        "mix" if may_mix => mix(form, whole),
        "mix" => {
            let message = "a mix inside a mix";
            let help = "write all parts into one mix".to_owned();
            Err(TextError::new(whole, Code::BadValue, message, help))
        }
        "empirical" => {
            let message = "`empirical` is not in this version";
            let help = "use lognormal(median=, p99=) with the two percentiles that were measured";
            let error = form
                .name
                .error(Code::NotInThisVersion, message, Some(help.to_owned()));
            Err(error.with_label("of later work"))
        }
        other => {
            let help = did_you_mean(other, NAMES)
                .unwrap_or_else(|| format!("distributions: {}", NAMES.join(", ")));
            let message = format!("unknown distribution `{other}`");
            Err(form.name.error(Code::UnknownFunction, message, help))
        }
    }
}

fn uniform(form: &Form<'_>, whole: std::ops::Range<usize>) -> Result<Distribution, TextError> {
    if let [Argument::Plain(range)] = form.arguments.as_slice()
        && let Some(dots) = range.text.find("..")
    {
        let part = |from: usize, to: usize| {
            let mut piece = Piece::of(range.text, from..to);
            piece.start += range.start;
            piece
        };
        let min = part(0, dots).read(units::duration)?;
        let max = part(dots + 2, range.text.len()).read(units::duration)?;
        return Ok(Distribution::Uniform { min, max });
    }
    let [min, max] = named(form, ["min", "max"], whole, "uniform(min=5ms, max=15ms)")?;
    let (min, max) = (min.read(units::duration)?, max.read(units::duration)?);
    Ok(Distribution::Uniform { min, max })
}

fn mix(form: &Form<'_>, whole: std::ops::Range<usize>) -> Result<Distribution, TextError> {
    const EXAMPLE: &str = "mix(0.9: 20ms, 0.1: exp(mean=200ms))";
    if form.arguments.is_empty() || form.arguments.len() > PARTS_MAX {
        return Err(wrong_arguments(whole, EXAMPLE));
    }
    let mut parts = Vec::new();
    for argument in &form.arguments {
        let Argument::Pair(weight, part) = argument else {
            return Err(wrong_arguments(argument.span(), EXAMPLE));
        };
        parts.push((self::weight(weight)?, read(part, false)?));
    }
    Ok(Distribution::Mix(parts))
}

/// A weight such as `0.9` or `3`, in thousandths.
pub(crate) fn weight(piece: &Piece<'_>) -> Result<u32, TextError> {
    let thousandths = match units::split_number(piece.text) {
        Some((number, "")) => number.at_scale(3).and_then(|one| u32::try_from(one).ok()),
        Some(_) | None => None,
    };
    thousandths
        .filter(|weight| *weight <= 1_000_000_000)
        .ok_or_else(|| {
            let message = format!("`{}` is not a weight", piece.text);
            let help = "a weight is a number such as 3 or 0.9, at most 1000000".to_owned();
            piece.error(Code::BadValue, message, help)
        })
}

/// A positive factor such as `1.5`.
fn factor(piece: &Piece<'_>) -> Result<Ratio, TextError> {
    let thousandths = match units::split_number(piece.text) {
        Some((number, "")) => number.at_scale(3).and_then(|one| u64::try_from(one).ok()),
        Some(_) | None => None,
    };
    thousandths
        .filter(|one| (1..=1_000_000).contains(one))
        .and_then(|one| Ratio::new(one, 1_000))
        .ok_or_else(|| {
            let message = format!("`{}` is not a positive number", piece.text);
            piece.error(
                Code::BadValue,
                message,
                "write a number such as 1.5".to_owned(),
            )
        })
}

fn wrong_arguments(span: std::ops::Range<usize>, example: &str) -> TextError {
    TextError::new(
        span,
        Code::WrongArgument,
        "other arguments belong here",
        format!("write {example}"),
    )
}

/// The values of the arguments `keys`, all of which must be there, and no others.
pub(crate) fn named<'a, const N: usize>(
    form: &Form<'a>,
    keys: [&str; N],
    whole: std::ops::Range<usize>,
    example: &str,
) -> Result<[Piece<'a>; N], TextError> {
    let mut values: [Option<Piece<'a>>; N] = [const { None }; N];
    for argument in &form.arguments {
        let Argument::Named(key, value) = argument else {
            return Err(wrong_arguments(argument.span(), example));
        };
        let Some(position) = keys.iter().position(|one| *one == key.text) else {
            let help = did_you_mean(key.text, keys).unwrap_or_else(|| format!("write {example}"));
            let message = format!("unknown argument `{}`", key.text);
            return Err(key.error(Code::WrongArgument, message, help));
        };
        if values[position].replace(value.clone()).is_some() {
            let message = format!("`{}` is given twice", key.text);
            return Err(key.error(Code::WrongArgument, message, None));
        }
    }
    if values.iter().any(Option::is_none) {
        return Err(wrong_arguments(whole, example));
    }
    Ok(values.map(|value| value.expect("all were found")))
}

/// Reads `40/s` or `ramp(10s: 500/s, 60s: 6000/s)`.
pub(crate) fn rate_curve(text: &str) -> Result<Vec<RatePoint>, TextError> {
    const EXAMPLE: &str = "ramp(10s: 500/s, 60s: 6000/s)";
    let whole = Piece::of(text, 0..text.len());
    let Some(form) = form(text)? else {
        let rate = whole.read(units::rate)?;
        if rate.millionths_per_second() == 0 {
            return Err(whole.error(Code::BadValue, "nothing arrives at this rate", None));
        }
        return Ok(vec![RatePoint {
            at: VirtualTime::ZERO,
            rate,
        }]);
    };
    if form.name.text != "ramp" {
        let message = format!("unknown rate `{}`", form.name.text);
        let help = format!("write 40/s or {EXAMPLE}");
        return Err(form.name.error(Code::UnknownFunction, message, help));
    }
    let mut points: Vec<RatePoint> = Vec::new();
    for argument in &form.arguments {
        let Argument::Pair(at, rate) = argument else {
            return Err(wrong_arguments(argument.span(), EXAMPLE));
        };
        let instant = VirtualTime::from_micros(at.read(units::micros)?);
        if points.last().is_some_and(|last| last.at >= instant) {
            let message = "the points of a ramp go forward in time";
            return Err(at.error(Code::BadValue, message, None));
        }
        points.push(RatePoint {
            at: instant,
            rate: rate.read(units::rate)?,
        });
    }
    if points
        .iter()
        .all(|point| point.rate.millionths_per_second() == 0)
    {
        return Err(wrong_arguments(whole.span(), EXAMPLE));
    }
    Ok(points)
}

/// Reads `full`, `off` or `sampled(5%)`.
pub(crate) fn trace_mode(text: &str) -> Result<TraceMode, TextError> {
    let whole = Piece::of(text, 0..text.len());
    match (whole.text, form(text)?) {
        ("full", _) => Ok(TraceMode::Full),
        ("off", _) => Ok(TraceMode::Off),
        (_, Some(form)) if form.name.text == "sampled" => match form.arguments.as_slice() {
            [Argument::Plain(share)] => Ok(TraceMode::Sampled(share.read(units::ratio)?)),
            _ => Err(wrong_arguments(whole.span(), "sampled(5%)")),
        },
        (written, _) => {
            let help = did_you_mean(written, ["full", "off", "sampled(5%)"])
                .unwrap_or_else(|| "write full, sampled(5%) or off".to_owned());
            let message = format!("`{written}` is not a way to keep a trace");
            Err(whole.error(Code::BadValue, message, help))
        }
    }
}

/// The mean of a distribution, from its table.
pub(crate) fn mean(distribution: &Distribution) -> VirtualDuration {
    const POINTS: u64 = 4_096;
    let Ok(table) = distribution.table() else {
        return VirtualDuration::ZERO;
    };
    let step = u64::MAX / POINTS;
    let sum: u128 = (0..POINTS)
        .map(|point| u128::from(table.at(point * step + step / 2).as_nanos()))
        .sum();
    VirtualDuration::from_nanos(u64::try_from(sum / u128::from(POINTS)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str) -> TextError {
        distribution(text).expect_err("this is no distribution")
    }

    #[test]
    fn every_distribution_is_read() {
        let ms = VirtualDuration::from_millis;
        assert_eq!(distribution("20ms"), Ok(Distribution::Constant(ms(20))));
        assert_eq!(
            distribution("constant(20ms)"),
            Ok(Distribution::Constant(ms(20)))
        );
        assert_eq!(
            distribution("exp(mean=2ms)"),
            Ok(Distribution::Exp { mean: ms(2) })
        );
        let between = Ok(Distribution::Uniform {
            min: ms(5),
            max: ms(15),
        });
        assert_eq!(distribution("uniform(5ms..15ms)"), between);
        assert_eq!(distribution(" uniform( max = 15ms , min = 5ms ) "), between);
        let lognormal = Distribution::LogNormal {
            median: ms(30),
            p99: ms(120),
        };
        assert_eq!(
            distribution("lognormal(median=30ms, p99=120ms)"),
            Ok(lognormal.clone())
        );
        let mix = Distribution::Mix(vec![
            (900, Distribution::Constant(ms(20))),
            (100, lognormal),
        ]);
        assert_eq!(
            distribution("mix(0.9: 20ms, 0.1: lognormal(median=30ms, p99=120ms))"),
            Ok(mix)
        );
        assert!(distribution("pareto(min=5ms, alpha=1.5)").is_ok());
        assert!(distribution("normal(mean=25ms, sd=5ms)").is_ok());
    }

    #[test]
    fn mistakes_point_at_their_place() {
        let error = refused("exp(mean=2)");
        assert_eq!((error.code, error.span), (Code::BadValue, 9..10));
        let error = refused("lognormal(median=30ms, p9=120ms)");
        assert_eq!((error.code, error.span), (Code::WrongArgument, 23..25));
        let error = refused("mix(0.9: 20ms, 0.1: exp(mean=2))");
        assert_eq!(error.span, 29..30);
        assert_eq!(
            refused("lognormal(median=30ms, p99=3ms)").code,
            Code::BadValue
        );
        assert_eq!(refused("empirical(\"a.csv\")").code, Code::NotInThisVersion);
        let error = refused("lognormall(median=30ms, p99=3ms)");
        assert_eq!(error.help.as_deref(), Some("did you mean `lognormal`?"));
        assert_eq!(refused("mix(1: mix(1: 2ms))").message, "a mix inside a mix");
        for text in [
            "",
            "exp()",
            "exp(2ms)",
            "mix()",
            "uniform(5ms)",
            "exp(mean=1ms, mean=2ms)",
        ] {
            refused(text);
        }
    }

    #[test]
    fn rates_are_level_or_ramps() {
        let points = rate_curve("ramp(10s: 500/s, 60s: 6000/s)").expect("a ramp");
        assert_eq!(points.len(), 2);
        assert_eq!(points[1].at, VirtualTime::from_secs(60));
        for text in [
            "0/s",
            "ramp()",
            "ramp(10s: 0/s)",
            "ramp(2s: 1/s, 1s: 2/s)",
            "slope(1s: 2/s)",
        ] {
            assert!(rate_curve(text).is_err(), "{text}");
        }
    }

    #[test]
    fn means_are_those_of_the_table() {
        let exp = distribution("exp(mean=10ms)").expect("a distribution");
        let mean = mean(&exp).as_micros();
        assert!((9_900..10_100).contains(&mean), "{mean}");
    }
}
