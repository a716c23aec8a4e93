//! What applications may do on a chain.

use std::collections::BTreeSet;

/// What a chain permits applications, which are known by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionsPlan {
    /// The applications whose operations may be executed, and nothing else; `None`: all may.
    pub execute_operations: Option<BTreeSet<String>>,
    /// Those that every block must call.
    pub mandatory_applications: BTreeSet<String>,
    /// Those that may close the chain, and change its owners and permissions.
    pub manage_chain: BTreeSet<String>,
    /// Those that may query services as oracles; `None`: all may.
    pub call_service_as_oracle: Option<BTreeSet<String>>,
    /// Those that may make HTTP requests; `None`: all may.
    pub make_http_requests: Option<BTreeSet<String>>,
}

impl PermissionsPlan {
    /// Whether it says anything of an application.
    pub fn names(&self, application: &str) -> bool {
        let sets = [
            self.execute_operations.as_ref(),
            Some(&self.mandatory_applications),
            Some(&self.manage_chain),
            self.call_service_as_oracle.as_ref(),
            self.make_http_requests.as_ref(),
        ];
        sets.into_iter()
            .flatten()
            .any(|set| set.contains(application))
    }
}
