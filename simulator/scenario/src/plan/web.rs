//! What web servers answer in a run: nothing of it comes from outside.

use protocol::application::request::HttpMethod;

use super::ValidatorIndex;

/// An answer to requests for one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAnswerPlan {
    /// The verb of the requests.
    pub method: HttpMethod,
    /// Their address.
    pub url: String,
    /// The status.
    pub status: u16,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// The validators that get this answer; `None`: they all, and the wallets.
    pub validators: Option<Vec<ValidatorIndex>>,
}
