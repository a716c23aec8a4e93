//! Who gets what is sent: a chain, an account, or a choice between chains.

use crate::diagnostic::{Code, did_you_mean};
use crate::distribution::weight;
use crate::names::Names;
use crate::plan::{Account, ChainIndex, ChainSet, Chooser, OwnerIndex};
use crate::text::{Argument, Form, Piece, TextError, form};
use crate::units;

const CHOICES: [&str; 5] = ["uniform", "zipf", "weighted", "sticky", "in-turn"];

/// Reads `B`, `ben@B`, `own@B`, `uniform(user/*)`, `zipf(user/*, s=1.1)`, `weighted(A: 9, user/*: 1)`,
/// `sticky(user/*)` or `in-turn(user/*)`.
pub(super) fn recipient(names: &Names, text: &str) -> Result<(Chooser, Account), TextError> {
    if let Some(form) = form(text)? {
        return Ok((choice(names, &form, text)?, Account::Chain));
    }
    let whole = Piece::of(text, 0..text.len());
    if whole.text.contains('@') {
        let (account, chain) = owned(names, &whole)?;
        return Ok((Chooser::One(chain), account));
    }
    let chains = names.find_chains(&whole)?;
    match chains.only() {
        Some(chain) => Ok((Chooser::One(chain), Account::Chain)),
        None => {
            let message = format!("`{}` is more than one chain", whole.text);
            let help = format!("choose one: uniform({})", whole.text);
            Err(whole.error(Code::WrongArgument, message, help))
        }
    }
}

/// Reads `ben@B` or `own@B`.
fn owned(names: &Names, whole: &Piece<'_>) -> Result<(Account, ChainIndex), TextError> {
    let Some(chain) = whole.text.strip_prefix("own@") else {
        let (owner, chain) = account(names, whole)?;
        return Ok((Account::Owner(owner), chain));
    };
    let from = whole.text.len() - chain.len();
    let mut piece = Piece::of(whole.text, from..whole.text.len());
    piece.start += whole.start;
    Ok((Account::Own, names.find_chain(&piece)?))
}

/// Reads one account: `B` or `ben@B`.
pub(super) fn one_account(names: &Names, text: &str) -> Result<(ChainIndex, Account), TextError> {
    let whole = Piece::of(text, 0..text.len());
    if whole.text.contains('@') {
        let (owner, chain) = account(names, &whole)?;
        return Ok((chain, Account::Owner(owner)));
    }
    Ok((names.find_chain(&whole)?, Account::Chain))
}

/// Reads the account of an owner: `ben@B`.
pub(super) fn account(
    names: &Names,
    whole: &Piece<'_>,
) -> Result<(OwnerIndex, ChainIndex), TextError> {
    let Some(at) = whole.text.find('@') else {
        let message = format!("`{}` is no account of an owner", whole.text);
        let help = "write owner@chain".to_owned();
        return Err(whole.error(Code::BadValue, message, help));
    };
    let part = |from: usize, to: usize| {
        let mut piece = Piece::of(whole.text, from..to);
        piece.start += whole.start;
        piece
    };
    let owner = names.find_owner(&part(0, at))?;
    let chain = names.find_chain(&part(at + 1, whole.text.len()))?;
    Ok((owner, chain))
}

fn choice(names: &Names, form: &Form<'_>, text: &str) -> Result<Chooser, TextError> {
    let whole = Piece::of(text, 0..text.len());
    match form.name.text {
        "uniform" => Ok(Chooser::Uniform(chains(
            names,
            form,
            &whole,
            "uniform(user/*)",
        )?)),
        "sticky" => Ok(Chooser::Sticky(chains(
            names,
            form,
            &whole,
            "sticky(user/*)",
        )?)),
        "in-turn" => {
            let among = chains(names, form, &whole, "in-turn(user/*)")?;
            Ok(Chooser::InTurn(among))
        }
        "zipf" => zipf(names, form, &whole),
        "weighted" => weighted(names, form, &whole),
        other => {
            let help = did_you_mean(other, CHOICES)
                .unwrap_or_else(|| format!("choices: {}", CHOICES.join(", ")));
            let message = format!("unknown choice `{other}`");
            Err(form.name.error(Code::UnknownFunction, message, help))
        }
    }
}

fn wrong(piece: &Piece<'_>, example: &str) -> TextError {
    let help = format!("write {example}");
    piece.error(Code::WrongArgument, "other arguments belong here", help)
}

fn chains(
    names: &Names,
    form: &Form<'_>,
    whole: &Piece<'_>,
    example: &str,
) -> Result<ChainSet, TextError> {
    let mut all = ChainSet::default();
    for argument in &form.arguments {
        let Argument::Plain(piece) = argument else {
            return Err(wrong(whole, example));
        };
        all = all.union(&names.find_chains(piece)?);
    }
    if all.is_empty() {
        Err(wrong(whole, example))
    } else {
        Ok(all)
    }
}

fn zipf(names: &Names, form: &Form<'_>, whole: &Piece<'_>) -> Result<Chooser, TextError> {
    const EXAMPLE: &str = "zipf(user/*, s=1.1)";
    const S_MAX: u128 = 10_000;
    let [Argument::Plain(among), Argument::Named(key, s)] = form.arguments.as_slice() else {
        return Err(wrong(whole, EXAMPLE));
    };
    if key.text != "s" {
        return Err(wrong(key, EXAMPLE));
    }
    let thousandths = match units::split_number(s.text) {
        Some((number, "")) => number.at_scale(3).filter(|one| *one <= S_MAX),
        Some(_) | None => None,
    };
    let Some(thousandths) = thousandths.and_then(|one| u32::try_from(one).ok()) else {
        let message = format!("`{}` is no exponent", s.text);
        let help = "write a number from 0 to 10 with at most three decimals".to_owned();
        return Err(s.error(Code::BadValue, message, help));
    };
    Ok(Chooser::zipf(names.find_chains(among)?, thousandths))
}

fn weighted(names: &Names, form: &Form<'_>, whole: &Piece<'_>) -> Result<Chooser, TextError> {
    const EXAMPLE: &str = "weighted(shop: 9, user/*: 1)";
    const PARTS_MAX: usize = 100;
    let mut parts = Vec::new();
    for argument in &form.arguments {
        let Argument::Pair(among, share) = argument else {
            return Err(wrong(whole, EXAMPLE));
        };
        parts.push((names.find_chains(among)?, weight(share)?));
    }
    if parts.is_empty() || parts.len() > PARTS_MAX || parts.iter().all(|(_, share)| *share == 0) {
        return Err(wrong(whole, EXAMPLE));
    }
    Ok(Chooser::weighted(parts))
}
