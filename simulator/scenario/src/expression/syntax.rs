//! From words to a tree, by the usual precedence: `||`, `&&`, comparisons, `+ -`, `*`, `! -`.

use std::ops::Range;

use super::words::{Word, WordKind, words};
use crate::diagnostic::Code;
use crate::text::TextError;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree<'a> {
    pub(super) kind: TreeKind<'a>,
    pub(super) span: Range<usize>,
}

/// What a part of an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TreeKind<'a> {
    Number(&'a str),
    Text(&'a str),
    Name(&'a str),
    /// `from..until`, with either end left out.
    Range(Option<Box<Tree<'a>>>, Option<Box<Tree<'a>>>),
    Call(&'a str, Vec<Tree<'a>>),
    Not(Box<Tree<'a>>),
    Negative(Box<Tree<'a>>),
    Binary(Operator, Box<Tree<'a>>, Box<Tree<'a>>),
}

/// An operator between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
}

impl Operator {
    const fn of(sign: &str) -> Option<Self> {
        match sign.as_bytes() {
            b"||" => Some(Self::Or),
            b"&&" => Some(Self::And),
            b"==" => Some(Self::Equal),
            b"!=" => Some(Self::NotEqual),
            b"<" => Some(Self::Less),
            b"<=" => Some(Self::LessOrEqual),
            b">" => Some(Self::Greater),
            b">=" => Some(Self::GreaterOrEqual),
            b"+" => Some(Self::Plus),
            b"-" => Some(Self::Minus),
            b"*" => Some(Self::Times),
            _ => None,
        }
    }

    const fn level(self) -> u32 {
        match self {
            Self::Or => 0,
            Self::And => 1,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => COMPARISONS,
            Self::Plus | Self::Minus => 3,
            Self::Times => 4,
        }
    }
}

const COMPARISONS: u32 = 2;

/// Brackets and signs inside one another; every one costs a few frames of the stack.
const DEPTH_MAX: u32 = 64;

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Tree<'_>, TextError> {
    let words = words(text)?;
    let mut parser = Parser {
        words: &words,
        next: 0,
        depth: 0,
        end: text.len(),
    };
    let tree = parser.binary(0)?;
    match parser.peek() {
        None => Ok(tree),
        Some(word) => {
            let message = "the statement should have ended before this";
            Err(TextError::new(
                word.span.clone(),
                Code::BadExpression,
                message,
                None,
            ))
        }
    }
}

struct Parser<'a, 'w> {
    words: &'w [Word<'a>],
    next: usize,
    depth: u32,
    end: usize,
}

impl<'a, 'w> Parser<'a, 'w> {
    fn peek(&self) -> Option<&'w Word<'a>> {
        self.words.get(self.next)
    }

    fn take_sign(&mut self, sign: &str) -> Option<Range<usize>> {
        let word = self.peek()?;
        match word.kind {
            WordKind::Sign(found) if found == sign => {
                self.next += 1;
                Some(word.span.clone())
            }
            WordKind::Sign(_) | WordKind::Number(_) | WordKind::Name(_) | WordKind::Text(_) => None,
        }
    }

    fn expect_sign(&mut self, sign: &str) -> Result<Range<usize>, TextError> {
        self.take_sign(sign)
            .ok_or_else(|| self.error(&format!("`{sign}` belongs here")))
    }

    fn error(&self, message: &str) -> TextError {
        let span = self
            .peek()
            .map_or(self.end..self.end, |word| word.span.clone());
        TextError::new(span, Code::BadExpression, message, None)
    }

    fn binary(&mut self, level: u32) -> Result<Tree<'a>, TextError> {
        if level > Operator::Times.level() {
            return self.unary();
        }
        let mut left = self.binary(level + 1)?;
        let mut compared = false;
        while let Some(word) = self.peek() {
            let WordKind::Sign(sign) = word.kind else {
                break;
            };
            let Some(operator) = Operator::of(sign).filter(|one| one.level() == level) else {
                break;
            };
            if level == COMPARISONS && compared {
                let help = "write `a < b && b < c`".to_owned();
                let message = "comparisons do not chain";
                let span = word.span.clone();
                return Err(TextError::new(span, Code::BadExpression, message, help));
            }
            compared = true;
            self.next += 1;
            let right = self.binary(level + 1)?;
            let span = left.span.start..right.span.end;
            let kind = TreeKind::Binary(operator, Box::new(left), Box::new(right));
            left = Tree { kind, span };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Tree<'a>, TextError> {
        for (sign, wrap) in [
            ("!", TreeKind::Not as fn(Box<Tree<'a>>) -> TreeKind<'a>),
            ("-", TreeKind::Negative),
        ] {
            if let Some(start) = self.take_sign(sign) {
                let inner = self.deeper(Self::unary)?;
                let span = start.start..inner.span.end;
                return Ok(Tree {
                    kind: wrap(Box::new(inner)),
                    span,
                });
            }
        }
        self.atom()
    }

    fn atom(&mut self) -> Result<Tree<'a>, TextError> {
        if let Some(open) = self.take_sign("(") {
            let mut inner = self.deeper(|parser| parser.binary(0))?;
            inner.span = open.start..self.expect_sign(")")?.end;
            return Ok(inner);
        }
        let Some(word) = self.peek() else {
            return Err(self.error("something is missing at the end"));
        };
        let kind = match word.kind {
            WordKind::Number(text) => TreeKind::Number(text),
            WordKind::Text(text) => TreeKind::Text(text),
            WordKind::Name(name) => {
                self.next += 1;
                return if self.take_sign("(").is_some() {
                    self.deeper(|parser| parser.call(name, word.span.start))
                } else {
                    Ok(Tree {
                        kind: TreeKind::Name(name),
                        span: word.span.clone(),
                    })
                };
            }
            WordKind::Sign(_) => return Err(self.error("a quantity or a number belongs here")),
        };
        self.next += 1;
        Ok(Tree {
            kind,
            span: word.span.clone(),
        })
    }

    fn call(&mut self, name: &'a str, start: usize) -> Result<Tree<'a>, TextError> {
        let mut arguments = Vec::new();
        loop {
            if let Some(close) = self.take_sign(")") {
                let kind = TreeKind::Call(name, arguments);
                return Ok(Tree {
                    kind,
                    span: start..close.end,
                });
            }
            if !arguments.is_empty() {
                self.expect_sign(",")?;
            }
            arguments.push(self.argument()?);
        }
    }

    fn argument(&mut self) -> Result<Tree<'a>, TextError> {
        if let Some(dots) = self.take_sign("..") {
            let until = self.binary(0)?;
            let span = dots.start..until.span.end;
            return Ok(Tree {
                kind: TreeKind::Range(None, Some(Box::new(until))),
                span,
            });
        }
        let from = self.binary(0)?;
        let Some(dots) = self.take_sign("..") else {
            return Ok(from);
        };
        let ends = matches!(
            self.peek().map(|word| word.kind),
            Some(WordKind::Sign("," | ")")) | None
        );
        let until = if ends {
            None
        } else {
            Some(Box::new(self.binary(0)?))
        };
        let end = until.as_ref().map_or(dots.end, |until| until.span.end);
        let span = from.span.start..end;
        Ok(Tree {
            kind: TreeKind::Range(Some(Box::new(from)), until),
            span,
        })
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, TextError>,
    ) -> Result<T, TextError> {
        if self.depth == DEPTH_MAX {
            return Err(self.error(&format!(
                "more than {DEPTH_MAX} brackets inside one another"
            )));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }
}
