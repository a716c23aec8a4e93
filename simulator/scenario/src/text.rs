//! Small languages inside strings: `lognormal(median=30ms, p99=120ms)`, `zipf(user/*, s=1.1)`.
//!
//! Owns the splitting of such a text into a name and its arguments, with their places, and the
//! error type of everything that reads strings. Knows nothing of what the names mean.

use std::ops::Range;

use crate::diagnostic::Code;
use crate::units::UnitError;

/// What is wrong with a part of a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextError {
    /// The bytes of the string that it is about.
    pub(crate) span: Range<usize>,
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
}

impl TextError {
    pub(crate) fn new(
        span: Range<usize>,
        code: Code,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Self {
        Self {
            span,
            code,
            message: message.into(),
            label: String::new(),
            help: help.into(),
        }
    }

    pub(crate) fn with_label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// An error about a part that begins at `start` of a longer string.
    pub(crate) fn shifted(mut self, start: usize) -> Self {
        self.span = self.span.start + start..self.span.end + start;
        self
    }

    pub(crate) fn unit(span: Range<usize>, error: UnitError) -> Self {
        Self::new(span, Code::BadValue, error.message, Some(error.help))
    }
}

/// A part of a string, without blanks around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) text: &'a str,
    pub(crate) start: usize,
}

impl<'a> Piece<'a> {
    /// The part of `whole` in `range`, without blanks around it.
    pub(crate) fn of(whole: &'a str, range: Range<usize>) -> Self {
        let part = &whole[range.clone()];
        let text = part.trim();
        let start = range.start + (part.len() - part.trim_start().len());
        Self {
            text,
            start: if text.is_empty() { range.start } else { start },
        }
    }

    /// A part of the part, by its own bytes.
    pub(crate) fn sub(&self, range: Range<usize>) -> Self {
        let mut part = Piece::of(self.text, range);
        part.start += self.start;
        part
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    pub(crate) fn error(
        &self,
        code: Code,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> TextError {
        TextError::new(self.span(), code, message, help)
    }

    /// Reads the part as a quantity.
    pub(crate) fn read<T>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, UnitError>,
    ) -> Result<T, TextError> {
        parse(self.text).map_err(|error| TextError::unit(self.span(), error))
    }
}

/// One argument: a value, `key = value`, or `left: right`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument<'a> {
    Plain(Piece<'a>),
    Named(Piece<'a>, Piece<'a>),
    Pair(Piece<'a>, Piece<'a>),
}

impl Argument<'_> {
    pub(crate) fn span(&self) -> Range<usize> {
        match self {
            Self::Plain(piece) => piece.span(),
            Self::Named(key, value) | Self::Pair(key, value) => key.start..value.span().end,
        }
    }
}

/// `name(arguments)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form<'a> {
    pub(crate) name: Piece<'a>,
    pub(crate) arguments: Vec<Argument<'a>>,
}

/// Reads `name(...)`: `None` if there is no bracket at all, an error if brackets do not match.
pub(crate) fn form(text: &str) -> Result<Option<Form<'_>>, TextError> {
    let Some(open) = text.find('(') else {
        return Ok(None);
    };
    let name = Piece::of(text, 0..open);
    let is_word = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || one == '_' || one == '-')
    };
    if !is_word(name.text) {
        return Err(name.error(Code::BadValue, "a name belongs before the bracket", None));
    }
    let trimmed = text.trim_end();
    if !trimmed.ends_with(')') {
        let help = "end it with `)`".to_owned();
        let span = open..open + 1;
        return Err(TextError::new(
            span,
            Code::BadValue,
            "this bracket is never closed",
            help,
        ));
    }
    let inside = open + 1..trimmed.len() - 1;
    let arguments = split(text, inside, ',')?
        .into_iter()
        .map(|range| argument(text, range))
        .collect();
    Ok(Some(Form { name, arguments }))
}

/// The parts of `text[range]` between `separator`s that stand outside of brackets. Nothing but
/// blanks gives no part.
pub(crate) fn split(
    text: &str,
    range: Range<usize>,
    separator: char,
) -> Result<Vec<Range<usize>>, TextError> {
    if text[range.clone()].trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    let mut depth = 0_u32;
    let mut start = range.start;
    for (offset, letter) in text[range.clone()].char_indices() {
        let at = range.start + offset;
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => {
                    let span = at..at + 1;
                    let message = "this bracket closes nothing";
                    return Err(TextError::new(span, Code::BadValue, message, None));
                }
            },
            _ if letter == separator && depth == 0 => {
                parts.push(start..at);
                start = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(start..range.end);
    Ok(parts)
}

fn argument(text: &str, range: Range<usize>) -> Argument<'_> {
    let part = &text[range.clone()];
    // A bracket before the sign means that the sign belongs to an inner form.
    let outside = &part[..part.find(['(', '[']).unwrap_or(part.len())];
    match outside.find(['=', ':']) {
        Some(offset) => {
            let at = range.start + offset;
            let left = Piece::of(text, range.start..at);
            let right = Piece::of(text, at + 1..range.end);
            if part.as_bytes()[offset] == b'=' {
                Argument::Named(left, right)
            } else {
                Argument::Pair(left, right)
            }
        }
        None => {
            // `user/[0..10]: 3` has its colon behind a bracket.
            match part.rfind("]:") {
                Some(offset) if part.find('(').is_none_or(|open| open > offset) => Argument::Pair(
                    Piece::of(text, range.start..range.start + offset + 1),
                    Piece::of(text, range.start + offset + 2..range.end),
                ),
                Some(_) | None => Argument::Plain(Piece::of(text, range)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_have_arguments_of_three_kinds() {
        let text = "mix(0.9: exp(mean=2ms), s = 1, user/[0..10]: 3 , 5ms )";
        let form = form(text)
            .expect("brackets match")
            .expect("it has brackets");
        assert_eq!(form.name.text, "mix");
        let texts: Vec<(&str, &str)> = form
            .arguments
            .iter()
            .map(|argument| match argument {
                Argument::Plain(piece) => ("", piece.text),
                Argument::Named(key, value) | Argument::Pair(key, value) => (key.text, value.text),
            })
            .collect();
        let expected = [
            ("0.9", "exp(mean=2ms)"),
            ("s", "1"),
            ("user/[0..10]", "3"),
            ("", "5ms"),
        ];
        assert_eq!(texts, expected);
        assert_eq!(&text[form.arguments[3].span()], "5ms");
    }

    #[test]
    fn brackets_must_match() {
        assert_eq!(form("20ms"), Ok(None));
        assert!(form("exp(mean=2ms").is_err());
        assert!(form("exp)(").is_err());
        assert!(form("(2ms)").is_err());
        assert!(form("exp(2ms))").is_err());
    }
}
