//! Texts with names in them that stand for ids: `transfer(owner: "${owner:ana}", amount: "1")`.
//!
//! Owns how such names are written, and where each part of a text stands. Knows nothing of what the
//! texts mean to an application.

use std::ops::Range;

use crate::diagnostic::{Code, did_you_mean};
use crate::names::Names;
use crate::plan::Part;
use crate::text::{Piece, TextError};

/// What may stand before the colon, or alone.
const KINDS: [&str; 6] = ["chain", "owner", "app", "own", "to", "number"];
const EXAMPLES: &str = "${chain:A}, ${owner:ana}, ${app:gold}, ${own:chain}, ${own:owner}, ${to:chain}, \
     ${to:owner}, ${number}";

/// Who says a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// Whoever creates an application.
    Creation,
    /// A command of a workload.
    Command {
        /// Whether it chooses another chain.
        chooses: bool,
    },
}

/// A part of a text, and the bytes where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) span: Range<usize>,
    pub(crate) part: Part,
}

/// Takes a text apart. Errors are all that is wrong with its names.
pub(crate) fn parse(
    names: &Names,
    text: &str,
    context: Context,
) -> Result<Vec<Placed>, Vec<TextError>> {
    let mut parts = Vec::new();
    let mut errors = Vec::new();
    let mut from = 0;
    while let Some(offset) = text[from..].find("${") {
        let open = from + offset;
        push_text(&mut parts, text, from..open);
        let Some(length) = text[open..].find('}') else {
            let help = "end it with `}`".to_owned();
            let message = "this name never ends";
            errors.push(TextError::new(
                open..open + 2,
                Code::BadValue,
                message,
                help,
            ));
            return Err(errors);
        };
        from = open + length + 1;
        match part(names, &Piece::of(text, open + 2..from - 1), context) {
            Ok(part) => parts.push(Placed {
                span: open..from,
                part,
            }),
            Err(error) => errors.push(error),
        }
    }
    push_text(&mut parts, text, from..text.len());
    if errors.is_empty() {
        Ok(parts)
    } else {
        Err(errors)
    }
}

fn push_text(parts: &mut Vec<Placed>, text: &str, span: Range<usize>) {
    if !span.is_empty() {
        let part = Part::Text(text[span.clone()].to_owned());
        parts.push(Placed { span, part });
    }
}

fn part(names: &Names, inner: &Piece<'_>, context: Context) -> Result<Part, TextError> {
    let (kind, name) = match inner.text.find(':') {
        Some(colon) => (
            inner.sub(0..colon),
            Some(inner.sub(colon + 1..inner.text.len())),
        ),
        None => (inner.clone(), None),
    };
    match (kind.text, name) {
        ("chain", Some(name)) => names.find_chain(&name).map(Part::Chain),
        ("owner", Some(name)) => names.find_owner(&name).map(Part::Owner),
        ("app", Some(name)) => names.find_application(&name).map(Part::Application),
        ("own", Some(name)) => side(&name, Part::OwnChain, Part::OwnOwner),
        ("to", Some(name)) => {
            let part = side(&name, Part::ToChain, Part::ToOwner)?;
            chosen(inner, context).map(|()| part)
        }
        ("number", None) => numbered(inner, context).map(|()| Part::Number),
        (known, _) if KINDS.contains(&known) => Err(unreadable(inner)),
        (unknown, _) => {
            let help = did_you_mean(unknown, KINDS).unwrap_or_else(|| format!("write {EXAMPLES}"));
            let message = format!("`{unknown}` is no kind of name");
            Err(kind.error(Code::BadValue, message, help))
        }
    }
}

fn unreadable(inner: &Piece<'_>) -> TextError {
    let message = format!("`{}` names nothing", inner.text);
    inner.error(Code::BadValue, message, format!("write {EXAMPLES}"))
}

/// The chain or the owner of somebody.
fn side(name: &Piece<'_>, chain: Part, owner: Part) -> Result<Part, TextError> {
    match name.text {
        "chain" => Ok(chain),
        "owner" => Ok(owner),
        other => {
            let message = format!("`{other}` is neither `chain` nor `owner`");
            let help = did_you_mean(other, ["chain", "owner"]);
            Err(name.error(Code::BadValue, message, help))
        }
    }
}

fn chosen(inner: &Piece<'_>, context: Context) -> Result<(), TextError> {
    let help = match context {
        Context::Command { chooses: true } => return Ok(()),
        Context::Command { chooses: false } => "add to = \"uniform(user/*)\" to the call",
        Context::Creation => "name a chain: ${chain:A}",
    };
    let message = "no other chain is chosen here";
    Err(inner.error(Code::BadValue, message, help.to_owned()))
}

fn numbered(inner: &Piece<'_>, context: Context) -> Result<(), TextError> {
    match context {
        Context::Command { .. } => Ok(()),
        Context::Creation => {
            let message = "only commands of workloads have numbers";
            Err(inner.error(Code::BadValue, message, None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Group;
    use crate::plan::{ApplicationIndex, ChainIndex, OwnerIndex};

    const COMMAND: Context = Context::Command { chooses: true };

    fn names() -> Names {
        let mut names = Names::default();
        names.add_group(Group {
            name: "user".to_owned(),
            first: 3,
            count: 5,
            numbered: true,
            genesis: true,
        });
        names.owner("user/2");
        names.applications.push("gold".to_owned());
        names
    }

    #[test]
    fn a_text_is_taken_apart() {
        let text =
            "a${chain:user/1}${ owner : user/2 }ß${app:gold}${own:chain}${to:owner}${number}}";
        let parts = parse(&names(), text, COMMAND).expect("all names are known");
        let whole: Vec<&str> = parts.iter().map(|one| &text[one.span.clone()]).collect();
        assert_eq!(whole.concat(), text);
        let parts: Vec<Part> = parts.into_iter().map(|one| one.part).collect();
        let expected = [
            Part::Text("a".to_owned()),
            Part::Chain(ChainIndex::new(4)),
            Part::Owner(OwnerIndex::new(0)),
            Part::Text("ß".to_owned()),
            Part::Application(ApplicationIndex::new(0)),
            Part::OwnChain,
            Part::ToOwner,
            Part::Number,
            Part::Text("}".to_owned()),
        ];
        assert_eq!(parts, expected);
        assert_eq!(parse(&names(), "", COMMAND), Ok(Vec::new()));
    }

    #[test]
    fn every_wrong_name_is_said_where_it_stands() {
        let text = "ß${chain:user/9} ${app:golt} ${ower:x} ${own:me} ${number:3} ${to:chain} ${";
        let context = Context::Command { chooses: false };
        let Err(errors) = parse(&names(), text, context) else {
            panic!("all names are wrong")
        };
        let said = errors.iter().map(|error| &text[error.span.clone()]);
        let said: Vec<&str> = said.collect();
        let expected = ["user/9", "golt", "ower", "me", "number:3", "to:chain", "${"];
        assert_eq!(said, expected);
    }
}
