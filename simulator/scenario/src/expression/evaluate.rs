//! What a statement says about a run.

use std::fmt;

use super::{Call, Comparison, Dimension, Expression, Number, Truth};
use crate::units::{Decimal, write_micros};

/// Whoever knows a run.
pub trait Quantities {
    /// The value of a quantity in the base unit of its dimension (see the module's table), or
    /// `None` if the run does not tell.
    fn value(&self, call: &Call) -> Option<i128>;
}

/// What a statement says about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Whether it holds; `None` if that depends on a quantity that is not known.
    pub verdict: Option<bool>,
    /// The quantities that decided, in the order of the text, each once.
    pub readings: Vec<Reading>,
}

/// A quantity and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The text of the call.
    pub text: String,
    /// What kind of number it is.
    pub dimension: Dimension,
    /// The value in base units, if it is known.
    pub value: Option<i128>,
}

impl Reading {
    /// The value as text with its unit, such as `90`, `96ms` or `5912.5/s`; `unknown` if it is not
    /// known.
    pub fn value_text(&self) -> String {
        let Some(value) = self.value else {
            return "unknown".to_owned();
        };
        let sign = if value < 0 { "-" } else { "" };
        let size = value.unsigned_abs();
        let scaled = |scale| {
            Decimal {
                unscaled: size,
                scale,
            }
            .to_string()
        };
        let text = match self.dimension {
            Dimension::Count => size.to_string(),
            Dimension::Amount => scaled(18),
            Dimension::Rate => format!("{}/s", scaled(6)),
            Dimension::Share => format!("{}%", scaled(4)),
            Dimension::Duration => match u64::try_from(size) {
                Ok(micros) => write_micros(micros),
                Err(_) => format!("{size}us"),
            },
        };
        format!("{sign}{text}")
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.text, self.value_text())
    }
}

impl Expression {
    /// Evaluates the statement. An unknown quantity, or an overflow, makes the verdict unknown
    /// unless the rest decides it alone.
    pub fn evaluate(&self, quantities: &dyn Quantities) -> Evaluation {
        let mut evaluation = self.truth.evaluate(quantities);
        let mut seen: Vec<Reading> = Vec::new();
        for reading in evaluation.readings.drain(..) {
            if !seen.iter().any(|one| one.text == reading.text) {
                seen.push(reading);
            }
        }
        evaluation.readings = seen;
        evaluation
    }
}

impl Truth {
    fn evaluate(&self, quantities: &dyn Quantities) -> Evaluation {
        match self {
            Self::Literal(truth) => Evaluation {
                verdict: Some(*truth),
                readings: Vec::new(),
            },
            Self::Not(inner) => {
                let inner = inner.evaluate(quantities);
                Evaluation {
                    verdict: inner.verdict.map(|truth| !truth),
                    ..inner
                }
            }
            Self::And(left, right) => {
                decided(left.evaluate(quantities), right.evaluate(quantities), false)
            }
            Self::Or(left, right) => {
                decided(left.evaluate(quantities), right.evaluate(quantities), true)
            }
            Self::Same(left, right) => {
                let (left, right) = (left.evaluate(quantities), right.evaluate(quantities));
                let verdict = left
                    .verdict
                    .zip(right.verdict)
                    .map(|(left, right)| left == right);
                Evaluation {
                    verdict,
                    readings: both(left.readings, right.readings),
                }
            }
            Self::Compare(comparison, left, right) => {
                let mut readings = Vec::new();
                let left = left.evaluate(quantities, &mut readings);
                let right = right.evaluate(quantities, &mut readings);
                let verdict = left.zip(right).map(|(left, right)| match comparison {
                    Comparison::Equal => left == right,
                    Comparison::NotEqual => left != right,
                    Comparison::Less => left < right,
                    Comparison::LessOrEqual => left <= right,
                    Comparison::Greater => left > right,
                    Comparison::GreaterOrEqual => left >= right,
                });
                Evaluation { verdict, readings }
            }
        }
    }
}

/// Joins two sides of which one with the value `enough` decides alone. The readings are those of
/// the sides that decided.
fn decided(left: Evaluation, right: Evaluation, enough: bool) -> Evaluation {
    let is_enough = |side: &Evaluation| side.verdict == Some(enough);
    match (is_enough(&left), is_enough(&right)) {
        (true, false) => left,
        (false, true) => right,
        (true, true) => Evaluation {
            verdict: Some(enough),
            readings: both(left.readings, right.readings),
        },
        (false, false) => {
            let known = left.verdict.is_some() && right.verdict.is_some();
            Evaluation {
                verdict: known.then_some(!enough),
                readings: both(left.readings, right.readings),
            }
        }
    }
}

fn both(mut left: Vec<Reading>, right: Vec<Reading>) -> Vec<Reading> {
    left.extend(right);
    left
}

impl Number {
    fn evaluate(&self, quantities: &dyn Quantities, readings: &mut Vec<Reading>) -> Option<i128> {
        match self {
            Self::Literal(value) => Some(*value),
            Self::Call(call) => {
                let value = quantities.value(call);
                let dimension = call.dimension();
                readings.push(Reading {
                    text: call.text.clone(),
                    dimension,
                    value,
                });
                value
            }
            Self::Negative(inner) => inner.evaluate(quantities, readings)?.checked_neg(),
            Self::Sum(left, right) => {
                let (left, right) = pair(left, right, quantities, readings);
                left?.checked_add(right?)
            }
            Self::Difference(left, right) => {
                let (left, right) = pair(left, right, quantities, readings);
                left?.checked_sub(right?)
            }
            Self::Product(left, right) => {
                let (left, right) = pair(left, right, quantities, readings);
                left?.checked_mul(right?)
            }
        }
    }
}

fn pair(
    left: &Number,
    right: &Number,
    quantities: &dyn Quantities,
    readings: &mut Vec<Reading>,
) -> (Option<i128>, Option<i128>) {
    (
        left.evaluate(quantities, readings),
        right.evaluate(quantities, readings),
    )
}
