//! Whether a text can be the fields of a GraphQL document: its strings end and its brackets match.
//!
//! Knows nothing of schemas: what the fields are is for the service to say.

use crate::diagnostic::Code;
use crate::plan::Part;
use crate::template::Placed;
use crate::text::TextError;

/// What the reader is in the middle of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Fields,
    Comment,
    /// A string that began at this byte.
    String(usize),
    /// A string between three quotes that began at this byte.
    Block(usize),
}

/// Reads fields in which names stand for texts without quotes and brackets.
pub(crate) fn fields(text: &str, parts: &[Placed]) -> Result<(), TextError> {
    let mut reader = Reader {
        inside: Inside::Fields,
        open: Vec::new(),
        seen: false,
    };
    for one in parts {
        if let Part::Text(_) = one.part {
            reader.read(text, one.span.clone())?;
        } else {
            reader.seen = true;
        }
    }
    reader.end(text)
}

struct Reader {
    inside: Inside,
    /// The brackets that are open, with their places.
    open: Vec<(char, usize)>,
    /// Whether there is anything but blanks and comments.
    seen: bool,
}

impl Reader {
    fn read(&mut self, text: &str, span: std::ops::Range<usize>) -> Result<(), TextError> {
        let mut at = span.start;
        while let Some(letter) = text[at..span.end].chars().next() {
            let rest = &text[at..span.end];
            let mut length = letter.len_utf8();
            match self.inside {
                Inside::Comment if letter == '\n' => self.inside = Inside::Fields,
                Inside::Comment => {}
                Inside::Block(_) if rest.starts_with("\\\"\"\"") => length = 4,
                Inside::Block(_) if rest.starts_with("\"\"\"") => {
                    self.inside = Inside::Fields;
                    length = 3;
                }
                Inside::String(_) if letter == '"' => self.inside = Inside::Fields,
                Inside::String(_) if letter == '\\' => {
                    length += rest[1..].chars().next().map_or(0, char::len_utf8);
                }
                Inside::String(from) if letter == '\n' => return Err(endless(text, from)),
                Inside::Block(_) | Inside::String(_) => {}
                Inside::Fields if rest.starts_with("\"\"\"") => {
                    self.inside = Inside::Block(at);
                    length = 3;
                }
                Inside::Fields => self.field(letter, at)?,
            }
            at += length;
        }
        Ok(())
    }

    fn field(&mut self, letter: char, at: usize) -> Result<(), TextError> {
        match letter {
            '#' => self.inside = Inside::Comment,
            '"' => self.inside = Inside::String(at),
            '(' | '[' | '{' => self.open.push((letter, at)),
            ')' | ']' | '}' => match self.open.pop() {
                Some((open, _)) if closing(open) == letter => {}
                Some((open, _)) => {
                    let message = format!("`{letter}` does not close `{open}`");
                    let help = format!("write `{}`", closing(open));
                    return Err(TextError::new(at..at + 1, Code::BadValue, message, help));
                }
                None => {
                    let message = "this bracket closes nothing";
                    return Err(TextError::new(at..at + 1, Code::BadValue, message, None));
                }
            },
            _ => {}
        }
        self.seen |= !letter.is_whitespace() && letter != '#';
        Ok(())
    }

    fn end(self, text: &str) -> Result<(), TextError> {
        match (self.inside, self.open.last()) {
            (Inside::String(from) | Inside::Block(from), _) => Err(endless(text, from)),
            (Inside::Comment, _) => {
                let message = "nothing may follow this comment";
                let whole = 0..text.len();
                let help = "remove the comment, or end its line".to_owned();
                Err(TextError::new(whole, Code::BadValue, message, help))
            }
            (Inside::Fields, Some((open, at))) => {
                let message = "this bracket is never closed";
                let help = format!("close it with `{}`", closing(*open));
                Err(TextError::new(*at..*at + 1, Code::BadValue, message, help))
            }
            (Inside::Fields, None) if !self.seen => {
                let message = "this mutation asks nothing";
                let help = "such as increment(value: 1)".to_owned();
                Err(TextError::new(0..text.len(), Code::BadValue, message, help))
            }
            (Inside::Fields, None) => Ok(()),
        }
    }
}

const fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

fn endless(text: &str, from: usize) -> TextError {
    let help = "end it with a quote".to_owned();
    let line = text[from..].find('\n').map_or(text.len(), |end| from + end);
    TextError::new(from..line, Code::BadValue, "this string never ends", help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Names;
    use crate::template::{Context, parse};

    fn read(text: &str) -> Result<(), &str> {
        let context = Context::Command { chooses: true };
        let parts = parse(&Names::default(), text, context).expect("the names are known");
        fields(text, &parts).map_err(|error| &text[error.span])
    }

    #[test]
    fn fields_are_read() {
        for good in [
            "increment(value: 1)",
            "${own:chain}",
            "a: transfer(to: {chain: \"${to:chain}\", all: [1, 2]}) { id } # done\n",
            r#"say(text: "a \" } \\")"#,
            "say(text: \"\"\"a \" } \\\"\"\" \n b\"\"\")",
            "ü(ü: \"ü\\ü\")",
        ] {
            assert_eq!(read(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_cannot_be_a_document_is_refused() {
        for (bad, place) in [
            ("", ""),
            (" # no\n", " # no\n"),
            ("a # b", "a # b"),
            ("a(b: 1", "("),
            ("a(b: [1)", ")"),
            ("a }", "}"),
            ("a(b: \"c)", "\"c)"),
            ("a(b: \"${own:chain})", "\"${own:chain})"),
            ("a(b: \"c\nd\")", "\"c"),
            ("a(b: \"\"\"c\")", "\"\"\"c\")"),
            ("a(b: \"c\\", "\"c\\"),
        ] {
            assert_eq!(read(bad), Err(place), "{bad}");
        }
    }
}
