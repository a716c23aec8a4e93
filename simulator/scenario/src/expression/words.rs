//! The words of an expression and where they stand.

use std::ops::Range;

use crate::diagnostic::Code;
use crate::text::TextError;

/// A longer statement than this is generated, and no error message could help with it. The bound
/// also keeps every recursion over an expression shallow.
pub(super) const WORDS_MAX: usize = 1_000;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) kind: WordKind<'a>,
    pub(super) span: Range<usize>,
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordKind<'a> {
    /// A number with its unit, such as `90`, `0.5`, `500ms`, `5800/s`, `65%`.
    Number(&'a str),
    /// A name without quotes.
    Name(&'a str),
    /// The inside of a string.
    Text(&'a str),
    /// An operator or a bracket.
    Sign(&'static str),
}

const SIGNS: [&str; 18] = [
    "&&", "||", "==", "!=", "<=", ">=", "..", "<", ">", "!", "+", "-", "*", "(", ")", ",", "[", "]",
];

/// Splits a text into words.
pub(super) fn words(text: &str) -> Result<Vec<Word<'_>>, TextError> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        if letter.is_whitespace() {
            at += letter.len_utf8();
            continue;
        }
        let rest = &text[at..];
        let (kind, length) = if letter.is_ascii_digit() {
            let length = number_length(rest);
            (WordKind::Number(&rest[..length]), length)
        } else if letter.is_ascii_alphabetic() || letter == '_' {
            let length = rest
                .find(|one: char| !one.is_ascii_alphanumeric() && one != '_')
                .unwrap_or(rest.len());
            (WordKind::Name(&rest[..length]), length)
        } else if letter == '"' || letter == '\'' {
            let Some(end) = rest[1..].find(letter) else {
                let message = "this string is never closed";
                return Err(TextError::new(
                    at..at + 1,
                    Code::BadExpression,
                    message,
                    None,
                ));
            };
            (WordKind::Text(&rest[1..=end]), end + 2)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (WordKind::Sign(sign), sign.len())
        } else {
            return Err(unknown_sign(rest, letter, at));
        };
        words.push(Word {
            kind,
            span: at..at + length,
        });
        if words.len() > WORDS_MAX {
            let message = format!("this has more than {WORDS_MAX} words");
            let help = "split it into several expectations".to_owned();
            return Err(TextError::new(
                0..text.len(),
                Code::BadExpression,
                message,
                help,
            ));
        }
        at += length;
    }
    Ok(words)
}

fn unknown_sign(rest: &str, letter: char, at: usize) -> TextError {
    let help = match letter {
        '&' => Some("`and` is written `&&`"),
        '|' => Some("`or` is written `||`"),
        '=' => Some("`equal` is written `==`"),
        '/' | '%' => Some("there is no division: multiply the other side"),
        _ => None,
    };
    let message = format!("`{letter}` means nothing here");
    let end = at + rest.chars().next().map_or(0, char::len_utf8);
    TextError::new(
        at..end,
        Code::BadExpression,
        message,
        help.map(str::to_owned),
    )
}

/// The length of a number with its unit. Two dots are a range and belong to no number.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = 0;
    while is_digit(at) || bytes.get(at) == Some(&b'_') {
        at += 1;
    }
    if bytes.get(at) == Some(&b'.') && is_digit(at + 1) {
        at += 1;
        while is_digit(at) || bytes.get(at) == Some(&b'_') {
            at += 1;
        }
    }
    let letters = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            at += 1;
        }
        at
    };
    match bytes.get(at) {
        Some(b'%') => at + 1,
        Some(b'/') if letters(at + 1) > at + 1 => letters(at + 1),
        _ => letters(at),
    }
}
