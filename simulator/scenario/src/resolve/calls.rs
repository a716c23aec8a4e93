//! What is asked of an application.

use super::json::Text;
use super::{Resolver, present, recipients};
use crate::diagnostic::Code;
use crate::document::At;
use crate::graphql;
use crate::plan::{
    Account, Action, CallPlan, ChainIndex, ChainPlan, Chooser, OwnerIndex, Part, Says, TextPlan,
};
use crate::spec::{CallSpec, StepSpec};
use crate::template::{Context, Placed};
use crate::text::TextError;

const CALLS: &str = "mutation, request, operation";

impl Resolver<'_> {
    pub(super) fn call(&mut self, at: &At, written: &CallSpec) -> Option<Action> {
        let name = written.application.as_ref();
        let application = self.read_text(&at.key("application"), name, |names, text| {
            names.find_application(&Self::whole(text))
        });
        let here = at.key("to");
        let chooses = self.document.has(&here);
        let to = match &written.to {
            Some(_) => self.other_chain(&here, written.to.as_ref()).map(Some),
            None => (!chooses).then_some(None),
        };
        let request = at.key("request");
        let found = present(&[
            ("mutation", written.mutation.is_some()),
            ("request", self.document.has(&request)),
            ("operation", written.operation.is_some()),
        ]);
        if !self.one_action(at, &found, CALLS) {
            return None;
        }
        let context = Context::Command { chooses };
        let says = if let Some(mutation) = &written.mutation {
            let text = self.mutation(&at.key("mutation"), mutation, context);
            Says::Request(text?)
        } else if let Some(operation) = &written.operation {
            let text = self.operation(&at.key("operation"), operation, context);
            Says::Operation(text?)
        } else if let Some(text) = written.request.as_ref().and_then(|one| one.as_str()) {
            Says::Request(self.raw_json(&request, text, context)?)
        } else {
            Says::Request(self.json(&request, context)?)
        };
        let call = CallPlan {
            application: application?,
            to: to?,
            says,
            opens: None,
        };
        let named = |part: &Part| matches!(part, Part::ToChain | Part::ToOwner);
        if call.to.is_some() && !call.text().0.iter().any(named) {
            let message = "what is asked does not depend on this chain";
            let help = "write ${to:chain} or ${to:owner} where it belongs".to_owned();
            self.say(&here, Code::NoEffect, message, help);
        }
        Some(Action::Call(Box::new(call)))
    }

    /// A call that opens a chain, which the same step names.
    pub(super) fn opened_by_call(
        &mut self,
        at: &At,
        written: &StepSpec,
        (chain, owner): (Option<ChainIndex>, Option<OwnerIndex>),
        chains: &mut [ChainPlan],
        call: Option<Action>,
    ) -> Option<Action> {
        let Some(opened) = &written.open_chain else {
            return call;
        };
        let here = at.key("open_chain");
        let said = present(&[
            ("balance", opened.balance.is_some()),
            ("permissions", opened.permissions.is_some()),
            ("multi_leader_rounds", opened.multi_leader_rounds.is_some()),
            ("round_timeout", opened.round_timeout.is_some()),
        ]);
        for key in said {
            let message = format!("the application says the `{key}` of a chain that it opens");
            let help = "only `name`, `owners`, `super_owners` and `inbox` belong here".to_owned();
            self.say_key(&here.key(key), Code::NoEffect, message, "", help);
        }
        let opened = self.open_step(at, written, chain, owner, chains);
        match (call, opened) {
            (Some(Action::Call(mut call)), Some(Action::OpenChain(chain))) => {
                call.opens = Some(chain);
                Some(Action::Call(call))
            }
            _ => None,
        }
    }

    fn other_chain(&mut self, at: &At, written: Option<&String>) -> Option<Chooser> {
        let (to, account) = self.read_text(at, written, recipients::recipient)?;
        if account == Account::Chain {
            return Some(to);
        }
        let message = "a chain belongs here, not an account";
        let help = "name the owner in what is asked: ${owner:ana}".to_owned();
        self.say(at, Code::BadValue, message, help);
        None
    }

    /// The request that a mutation is, with the fields of the document at `at`.
    fn mutation(&mut self, at: &At, written: &str, context: Context) -> Option<TextPlan> {
        let parts = self.template(at, written, context)?;
        if let Err(error) = graphql::fields(written, &parts) {
            self.say_text(at, error);
            return None;
        }
        let mut text = Text::default();
        text.push_text("{\"query\":\"mutation { ");
        text.push_inside_string(parts);
        text.push_text(" }\"}");
        Some(text.plan())
    }

    /// The bytes of an operation, in hexadecimal without blanks.
    fn operation(&mut self, at: &At, written: &str, context: Context) -> Option<TextPlan> {
        let parts = self.template(at, written, context)?;
        let mut text = Vec::new();
        for one in parts {
            let part = match &one.part {
                Part::Text(digits) => match bytes(digits, &one) {
                    Ok(digits) => Part::Text(digits),
                    Err(error) => {
                        self.say_text(at, error);
                        return None;
                    }
                },
                name => name.clone(),
            };
            text.push(part);
        }
        Some(TextPlan(text))
    }
}

/// The digits of whole bytes, between which blanks may stand.
fn bytes(written: &str, place: &Placed) -> Result<String, TextError> {
    let help = || "write bytes in hexadecimal, two digits each".to_owned();
    let foreign = |one: char| !one.is_ascii_hexdigit() && !one.is_whitespace();
    if let Some((offset, letter)) = written.char_indices().find(|(_, one)| foreign(*one)) {
        let from = place.span.start + offset;
        let message = format!("`{letter}` is no hexadecimal digit");
        let span = from..from + letter.len_utf8();
        return Err(TextError::new(span, Code::BadValue, message, help()));
    }
    let digits: String = written.split_whitespace().collect();
    if digits.len() % 2 == 1 {
        let message = "the last byte here has one digit";
        return Err(TextError::new(
            place.span.clone(),
            Code::BadValue,
            message,
            help(),
        ));
    }
    Ok(digits)
}
