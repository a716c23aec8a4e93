//! The answers of web servers, as each node gets them.

use std::sync::Arc;

use protocol::{
    application::request::{HttpHeader, HttpResponse},
    outside::WebAnswers,
};
use scenario::{Plan, plan};

/// What one validator gets, or the wallets. What is for one validator alone stands in place of what
/// is for all.
pub(super) fn answers(plan: &Plan, validator: Option<plan::ValidatorIndex>) -> Arc<WebAnswers> {
    let mut answers = WebAnswers::default();
    let (for_all, for_some): (Vec<_>, Vec<_>) =
        plan.web.iter().partition(|one| one.validators.is_none());
    let meant = |one: &&plan::WebAnswerPlan| {
        let validators = one.validators.as_ref();
        validators.is_some_and(|all| validator.is_some_and(|one| all.contains(&one)))
    };
    for one in for_all
        .into_iter()
        .chain(for_some.into_iter().filter(meant))
    {
        let header = |(name, value): &(String, String)| HttpHeader {
            name: name.clone(),
            value: value.clone().into_bytes(),
        };
        let response = HttpResponse {
            status: one.status,
            headers: one.headers.iter().map(header).collect(),
            body: one.body.clone().into_bytes(),
        };
        answers.0.insert((one.method, one.url.clone()), response);
    }
    Arc::new(answers)
}
