//! From a tree to a statement: every part gets one dimension, every literal a base unit.

use std::cell::RefCell;
use std::ops::Range;

use super::functions::function;
use super::syntax::{Operator, Tree, TreeKind, parse};
use super::{Call, Comparison, Dimension, Expression, Number, Truth, Window};
use crate::diagnostic::Code;
use crate::names::Names;
use crate::plan::ChainSet;
use crate::text::TextError;
use crate::units::{self, Decimal};

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is evaluated at instants of the run.
    Moment,
    /// It is evaluated when the run is over.
    Whole,
}

/// What an expression can speak of.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) names: &'a Names,
    pub(crate) use_of: Use,
    /// The stretch of time that is meant where none is given.
    pub(crate) window: Window,
    pub(crate) all_chains: ChainSet,
    pub(crate) genesis_chains: ChainSet,
    /// The stretches of time that were written out, for lints.
    pub(crate) windows: RefCell<Vec<(Window, Range<usize>)>>,
}

impl Scope<'_> {
    pub(super) fn note_window(&self, window: Window, span: &Range<usize>) {
        self.windows.borrow_mut().push((window, span.clone()));
    }
}

/// Reads and checks a statement. Every mistake that does not follow from another is reported.
pub(crate) fn build(scope: &Scope<'_>, text: &str) -> Result<Expression, Vec<TextError>> {
    if text.trim().is_empty() {
        let message = "there is no statement here";
        return Err(vec![TextError::new(
            0..text.len(),
            Code::BadExpression,
            message,
            None,
        )]);
    }
    let tree = parse(text).map_err(|error| vec![error])?;
    let mut builder = Builder {
        scope,
        text,
        errors: Vec::new(),
    };
    let truth = builder.truth(&tree);
    match truth {
        Some(truth) if builder.errors.is_empty() => Ok(Expression {
            text: text.to_owned(),
            truth,
        }),
        Some(_) | None => Err(builder.errors),
    }
}

/// What a part is, before its literals have units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Truth,
    /// A number of this dimension.
    Number(Dimension),
    /// A number without a unit, which may be a count, an amount or a share.
    Plain,
    /// A part with a mistake, which fits everywhere.
    Wrong,
}

struct Builder<'a> {
    scope: &'a Scope<'a>,
    text: &'a str,
    errors: Vec<TextError>,
}

impl Builder<'_> {
    fn error(
        &mut self,
        span: &Range<usize>,
        code: Code,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.errors
            .push(TextError::new(span.clone(), code, message, help));
    }

    fn truth(&mut self, tree: &Tree<'_>) -> Option<Truth> {
        match &tree.kind {
            TreeKind::Name("true") => Some(Truth::Literal(true)),
            TreeKind::Name("false") => Some(Truth::Literal(false)),
            TreeKind::Not(inner) => Some(Truth::Not(Box::new(self.truth(inner)?))),
            TreeKind::Binary(operator, left, right) => self.binary(*operator, left, right, tree),
            TreeKind::Number(_)
            | TreeKind::Text(_)
            | TreeKind::Name(_)
            | TreeKind::Range(_, _)
            | TreeKind::Call(_, _)
            | TreeKind::Negative(_) => {
                if self.kind(tree) != Kind::Wrong {
                    let message = "this is not a statement that can be true or false";
                    let help = "compare it: `... == 0`".to_owned();
                    self.error(&tree.span, Code::Dimension, message, help);
                }
                None
            }
        }
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: &Tree<'_>,
        right: &Tree<'_>,
        whole: &Tree<'_>,
    ) -> Option<Truth> {
        let comparison = match operator {
            Operator::And | Operator::Or => {
                // Both sides are looked at, so that both can be wrong.
                let (left, right) = (self.truth(left), self.truth(right));
                let (left, right) = (Box::new(left?), Box::new(right?));
                return Some(match operator {
                    Operator::And => Truth::And(left, right),
                    _ => Truth::Or(left, right),
                });
            }
            Operator::Equal => Comparison::Equal,
            Operator::NotEqual => Comparison::NotEqual,
            Operator::Less => Comparison::Less,
            Operator::LessOrEqual => Comparison::LessOrEqual,
            Operator::Greater => Comparison::Greater,
            Operator::GreaterOrEqual => Comparison::GreaterOrEqual,
            Operator::Plus | Operator::Minus | Operator::Times => {
                let message = "this is a number, not a statement";
                self.error(&whole.span, Code::Dimension, message, None);
                return None;
            }
        };
        let is_truth = |tree: &Tree<'_>| is_truth(tree);
        if is_truth(left) && is_truth(right) {
            let (left, right) = (self.truth(left), self.truth(right));
            let same = Truth::Same(Box::new(left?), Box::new(right?));
            return match comparison {
                Comparison::Equal => Some(same),
                Comparison::NotEqual => Some(Truth::Not(Box::new(same))),
                Comparison::Less
                | Comparison::LessOrEqual
                | Comparison::Greater
                | Comparison::GreaterOrEqual => {
                    let message = "statements have no order";
                    let help = "compare them with `==` or `!=`".to_owned();
                    self.error(&whole.span, Code::Dimension, message, help);
                    None
                }
            };
        }
        let dimension = self.common(left, right, &whole.span)?;
        let (left, right) = (self.number(left, dimension), self.number(right, dimension));
        Some(Truth::Compare(comparison, left?, right?))
    }

    /// The dimension of two numbers that stand on both sides of an operator.
    fn common(
        &mut self,
        left: &Tree<'_>,
        right: &Tree<'_>,
        span: &Range<usize>,
    ) -> Option<Dimension> {
        let (left, right) = (self.kind(left), self.kind(right));
        match self.join(left, right, span) {
            Kind::Number(dimension) => Some(dimension),
            Kind::Plain => Some(Dimension::Amount),
            Kind::Truth | Kind::Wrong => None,
        }
    }

    fn join(&mut self, left: Kind, right: Kind, span: &Range<usize>) -> Kind {
        use Dimension::{Duration, Rate};
        match (left, right) {
            (Kind::Wrong, _) | (_, Kind::Wrong) => Kind::Wrong,
            (Kind::Plain, Kind::Plain) => Kind::Plain,
            (Kind::Number(one), Kind::Number(other)) if one == other => left,
            (Kind::Number(Duration), Kind::Plain) | (Kind::Plain, Kind::Number(Duration)) => {
                let help = "write a unit: `500ms`, `2s`".to_owned();
                self.error(
                    span,
                    Code::Dimension,
                    "a duration and a number without a unit",
                    help,
                );
                Kind::Wrong
            }
            (Kind::Number(Rate), Kind::Plain) | (Kind::Plain, Kind::Number(Rate)) => {
                let help = "write a unit: `40/s`".to_owned();
                self.error(
                    span,
                    Code::Dimension,
                    "a rate and a number without a unit",
                    help,
                );
                Kind::Wrong
            }
            (Kind::Number(_), Kind::Plain) => left,
            (Kind::Plain, Kind::Number(_)) => right,
            (Kind::Number(one), Kind::Number(other)) => {
                let message = format!("{} and {} do not go together", one.as_str(), other.as_str());
                self.error(span, Code::Dimension, message, None);
                Kind::Wrong
            }
            (Kind::Truth, _) | (_, Kind::Truth) => {
                let message = "a statement and a number do not go together";
                self.error(span, Code::Dimension, message, None);
                Kind::Wrong
            }
        }
    }

    /// What a part is. Mistakes are reported here, once, because every part is looked at here.
    fn kind(&mut self, tree: &Tree<'_>) -> Kind {
        match &tree.kind {
            TreeKind::Number(text) => match literal(text) {
                Ok((_, Some(dimension))) => Kind::Number(dimension),
                Ok((_, None)) => Kind::Plain,
                Err((message, help)) => {
                    self.error(&tree.span, Code::BadValue, message, Some(help));
                    Kind::Wrong
                }
            },
            TreeKind::Text(_) => {
                let message = "a string is an argument, not a quantity";
                self.error(&tree.span, Code::BadExpression, message, None);
                Kind::Wrong
            }
            TreeKind::Name("true" | "false") | TreeKind::Not(_) => Kind::Truth,
            TreeKind::Name(name) => {
                let help = format!("quantities are calls: `{name}()`");
                let message = format!("`{name}` is not a quantity");
                self.error(&tree.span, Code::UnknownFunction, message, help);
                Kind::Wrong
            }
            TreeKind::Range(_, _) => {
                let message = "a stretch of time is an argument, not a quantity";
                self.error(&tree.span, Code::BadExpression, message, None);
                Kind::Wrong
            }
            TreeKind::Call(name, arguments) => {
                match function(self.scope, self.text, name, arguments, &tree.span) {
                    Ok(function) => Kind::Number(function.dimension()),
                    Err(error) => {
                        self.errors.push(error);
                        Kind::Wrong
                    }
                }
            }
            TreeKind::Negative(inner) => match self.kind(inner) {
                Kind::Truth => {
                    self.error(&tree.span, Code::Dimension, "`not` is written `!`", None);
                    Kind::Wrong
                }
                other @ (Kind::Number(_) | Kind::Plain | Kind::Wrong) => other,
            },
            TreeKind::Binary(operator, left, right) => match operator {
                Operator::Plus | Operator::Minus => {
                    let (left, right) = (self.kind(left), self.kind(right));
                    self.join(left, right, &tree.span)
                }
                Operator::Times => {
                    let (left, right) = (self.kind(left), self.kind(right));
                    self.product(left, right, &tree.span)
                }
                Operator::Or
                | Operator::And
                | Operator::Equal
                | Operator::NotEqual
                | Operator::Less
                | Operator::LessOrEqual
                | Operator::Greater
                | Operator::GreaterOrEqual => Kind::Truth,
            },
        }
    }

    fn product(&mut self, left: Kind, right: Kind, span: &Range<usize>) -> Kind {
        match (left, right) {
            (Kind::Wrong, _) | (_, Kind::Wrong) => Kind::Wrong,
            (Kind::Truth, _) | (_, Kind::Truth) => {
                self.error(
                    span,
                    Code::Dimension,
                    "a statement cannot be multiplied",
                    None,
                );
                Kind::Wrong
            }
            (Kind::Plain | Kind::Number(Dimension::Count), other)
            | (other, Kind::Plain | Kind::Number(Dimension::Count)) => other,
            (Kind::Number(one), Kind::Number(other)) => {
                let message = format!("{} times {}", one.as_str(), other.as_str());
                let help = "one side of `*` is a count".to_owned();
                self.error(span, Code::Dimension, message, help);
                Kind::Wrong
            }
        }
    }

    /// A part as a number of `dimension`, which [`Self::kind`] has found to fit.
    fn number(&mut self, tree: &Tree<'_>, dimension: Dimension) -> Option<Number> {
        match &tree.kind {
            TreeKind::Number(text) => self.literal(text, dimension, &tree.span),
            TreeKind::Call(name, arguments) => {
                let function = function(self.scope, self.text, name, arguments, &tree.span).ok()?;
                let text = self.text[tree.span.clone()].to_owned();
                Some(Number::Call(Call { text, function }))
            }
            TreeKind::Negative(inner) => {
                Some(Number::Negative(Box::new(self.number(inner, dimension)?)))
            }
            TreeKind::Binary(Operator::Plus, left, right) => {
                let (left, right) = (self.number(left, dimension), self.number(right, dimension));
                Some(Number::Sum(Box::new(left?), Box::new(right?)))
            }
            TreeKind::Binary(Operator::Minus, left, right) => {
                let (left, right) = (self.number(left, dimension), self.number(right, dimension));
                Some(Number::Difference(Box::new(left?), Box::new(right?)))
            }
            TreeKind::Binary(Operator::Times, left, right) => {
                // The factor is the side that is a count; of two plain numbers the whole one.
                let left_is_factor = match (quiet_kind(self, left), quiet_kind(self, right)) {
                    (_, Kind::Number(other)) if other != Dimension::Count => true,
                    (Kind::Number(one), _) if one != Dimension::Count => false,
                    (Kind::Plain, _) => !has_decimals(left),
                    (_, _) => true,
                };
                let (of_left, of_right) = if left_is_factor {
                    (Dimension::Count, dimension)
                } else {
                    (dimension, Dimension::Count)
                };
                let (left, right) = (self.number(left, of_left), self.number(right, of_right));
                Some(Number::Product(Box::new(left?), Box::new(right?)))
            }
            TreeKind::Binary(_, _, _)
            | TreeKind::Text(_)
            | TreeKind::Name(_)
            | TreeKind::Range(_, _)
            | TreeKind::Not(_) => None,
        }
    }

    fn literal(&mut self, text: &str, dimension: Dimension, span: &Range<usize>) -> Option<Number> {
        let (value, own) = literal(text).ok()?;
        let base = match (own, dimension) {
            (Some(_), _) => Some(value),
            (None, Dimension::Count) => plain(text).and_then(|number| number.times(1)),
            (None, Dimension::Amount) => plain(text).and_then(|number| number.at_scale(18)),
            (None, Dimension::Share) => plain(text).and_then(|number| number.at_scale(6)),
            (None, Dimension::Duration | Dimension::Rate) => None,
        };
        match base.map(i128::try_from) {
            Some(Ok(base)) => Some(Number::Literal(base)),
            Some(Err(_)) | None => {
                let message = format!("`{text}` cannot be {}", dimension.as_str());
                self.error(span, Code::Dimension, message, None);
                None
            }
        }
    }
}

/// The kind of a part that was already reported on.
fn quiet_kind(builder: &Builder<'_>, tree: &Tree<'_>) -> Kind {
    let mut quiet = Builder {
        scope: builder.scope,
        text: builder.text,
        errors: Vec::new(),
    };
    quiet.kind(tree)
}

fn has_decimals(tree: &Tree<'_>) -> bool {
    match &tree.kind {
        TreeKind::Number(text) => text.contains('.'),
        TreeKind::Negative(inner) => has_decimals(inner),
        TreeKind::Binary(_, left, right) => has_decimals(left) || has_decimals(right),
        TreeKind::Text(_)
        | TreeKind::Name(_)
        | TreeKind::Range(_, _)
        | TreeKind::Call(_, _)
        | TreeKind::Not(_) => false,
    }
}

fn is_truth(tree: &Tree<'_>) -> bool {
    match &tree.kind {
        TreeKind::Name("true" | "false") | TreeKind::Not(_) => true,
        TreeKind::Binary(operator, _, _) => match operator {
            Operator::Plus | Operator::Minus | Operator::Times => false,
            Operator::Or
            | Operator::And
            | Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => true,
        },
        TreeKind::Number(_)
        | TreeKind::Text(_)
        | TreeKind::Name(_)
        | TreeKind::Range(_, _)
        | TreeKind::Call(_, _)
        | TreeKind::Negative(_) => false,
    }
}

fn plain(text: &str) -> Option<Decimal> {
    match units::split_number(text) {
        Some((number, "")) => Some(number),
        Some(_) | None => None,
    }
}

/// The value of a literal in base units and its dimension; without a unit it has none yet.
fn literal(text: &str) -> Result<(u128, Option<Dimension>), (String, String)> {
    let wrong = |error: units::UnitError| (error.message, error.help);
    match units::split_number(text) {
        Some((_, "")) => Ok((0, None)),
        Some((_, unit)) if unit.starts_with('/') => {
            let rate = units::rate(text).map_err(wrong)?;
            Ok((
                u128::from(rate.millionths_per_second()),
                Some(Dimension::Rate),
            ))
        }
        Some((number, "%")) => match number.times(10_000) {
            Some(millionths) => Ok((millionths, Some(Dimension::Share))),
            None => Err((
                format!("`{text}` is finer than a millionth"),
                "at most four decimals".to_owned(),
            )),
        },
        Some(_) => {
            let micros = units::micros(text).map_err(wrong)?;
            Ok((u128::from(micros), Some(Dimension::Duration)))
        }
        None => Err((
            format!("`{text}` is too long a number"),
            "write fewer digits".to_owned(),
        )),
    }
}
