//! What a chain lets applications do, and which of them every block must call.
//!
//! Owns [`ApplicationPermissions`] and [`Call`], the one table of what a transaction is to them.
//! Invariant: whether a block is permitted follows from the record before it and from the block
//! alone. Knows nothing of what applications do when they are called.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    block::{ProposedBlock, SystemOperation, Transaction},
    error::BlockError,
    hash::Hashable,
    ids::ApplicationId,
    message::{IncomingBundle, MessageAction, SystemMessage},
};

/// What applications may do on a chain. The default permits everything and demands nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ApplicationPermissions {
    /// Only operations of these applications may be executed, and none of the protocol itself but
    /// the exempt ones; `None`: all may.
    pub execute_operations: Option<BTreeSet<ApplicationId>>,
    /// A block must execute an operation of each of these, or accept a message for it.
    pub mandatory_applications: BTreeSet<ApplicationId>,
    /// These may close the chain, and change its owners and this record.
    pub manage_chain: BTreeSet<ApplicationId>,
    /// Only these may query services as oracles; `None`: all may.
    pub call_service_as_oracle: Option<BTreeSet<ApplicationId>>,
    /// Only these may make HTTP requests; `None`: all may.
    pub make_http_requests: Option<BTreeSet<ApplicationId>>,
    /// These may close the chain and change its owners, but not this record.
    pub close_chain: BTreeSet<ApplicationId>,
    /// These may change this record, but do nothing else with the chain.
    pub change_permissions: BTreeSet<ApplicationId>,
}

impl Hashable for ApplicationPermissions {
    const TAG: &'static str = "ApplicationPermissions";
}

/// What a transaction is to the permissions of its chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// An operation that no permissions forbid, and whose block need not call anybody.
    Exempt,
    /// Another operation of the protocol itself.
    System,
    /// An operation of an application.
    Operation(ApplicationId),
    /// An accepted message for an application.
    Message(ApplicationId),
    /// A message of the protocol itself, or one that is rejected.
    Nothing,
}

impl Call {
    /// What `transaction` is: one thing, or for a bundle one thing for each of its messages.
    pub fn of(transaction: &Transaction) -> impl Iterator<Item = Self> {
        let (operation, messages) = match transaction {
            Transaction::ExecuteOperation(operation) => (Some(Self::of_operation(operation)), None),
            Transaction::ReceiveMessages(incoming) => (None, Some(Self::of_messages(incoming))),
        };
        operation.into_iter().chain(messages.into_iter().flatten())
    }

    fn of_operation(operation: &SystemOperation) -> Self {
        match operation {
            SystemOperation::User(operation) => Self::Operation(operation.application_id),
            operation if operation.is_exempt_from_permissions() => Self::Exempt,
            _ => Self::System,
        }
    }

    fn of_messages(incoming: &IncomingBundle) -> impl Iterator<Item = Self> {
        let accepted = incoming.action == MessageAction::Accept;
        let messages = incoming.bundle.messages.iter();
        messages.map(move |posted| match &posted.message {
            SystemMessage::User(message) if accepted => Self::Message(message.application_id),
            _ => Self::Nothing,
        })
    }
}

impl SystemOperation {
    /// Whether it may be executed whatever the permissions: without it a restricted chain could
    /// never go on to another epoch, and nobody could hand it the events that it follows.
    pub const fn is_exempt_from_permissions(&self) -> bool {
        matches!(self, Self::ProcessNewEpoch(_) | Self::UpdateStream(_))
    }
}

impl ApplicationPermissions {
    /// The applications that it names.
    pub fn named(&self) -> impl Iterator<Item = &ApplicationId> {
        let sets = [
            self.execute_operations.as_ref(),
            Some(&self.mandatory_applications),
            Some(&self.manage_chain),
            Some(&self.close_chain),
            Some(&self.change_permissions),
            self.call_service_as_oracle.as_ref(),
            self.make_http_requests.as_ref(),
        ];
        sets.into_iter().flatten().flatten()
    }

    /// The same of other applications.
    #[must_use]
    pub fn map(&self, id: impl Fn(&ApplicationId) -> ApplicationId) -> Self {
        let all = |set: &BTreeSet<ApplicationId>| set.iter().map(&id).collect();
        Self {
            execute_operations: self.execute_operations.as_ref().map(all),
            mandatory_applications: all(&self.mandatory_applications),
            manage_chain: all(&self.manage_chain),
            call_service_as_oracle: self.call_service_as_oracle.as_ref().map(all),
            make_http_requests: self.make_http_requests.as_ref().map(all),
            close_chain: all(&self.close_chain),
            change_permissions: all(&self.change_permissions),
        }
    }

    /// Whether an application may close the chain and change its owners.
    pub fn may_close(&self, application: &ApplicationId) -> bool {
        self.manage_chain.contains(application) || self.close_chain.contains(application)
    }

    /// Whether an application may change this record.
    pub fn may_change(&self, application: &ApplicationId) -> bool {
        self.manage_chain.contains(application) || self.change_permissions.contains(application)
    }

    /// Whether it permits everything and demands nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `block` may be executed on a chain with this record.
    ///
    /// # Errors
    /// `AuthorizedApplications` if it executes an operation that is not permitted,
    /// `MissingMandatoryApplications` if it leaves an application out that it must call.
    pub fn check(&self, block: &ProposedBlock) -> Result<(), BlockError> {
        self.check_calls(block.transactions.iter().flat_map(Call::of))
    }

    /// The same of what the transactions of a block are.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_calls(&self, calls: impl Iterator<Item = Call>) -> Result<(), BlockError> {
        let mut missing = self.mandatory_applications.clone();
        for call in calls {
            self.authorize(call)?;
            match call {
                Call::Exempt => missing.clear(),
                Call::Operation(application) | Call::Message(application) => {
                    missing.remove(&application);
                }
                Call::System | Call::Nothing => {}
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(BlockError::MissingMandatoryApplications(missing))
        }
    }

    fn authorize(&self, call: Call) -> Result<(), BlockError> {
        let Some(permitted) = &self.execute_operations else {
            return Ok(());
        };
        let may = match call {
            Call::System => false,
            Call::Operation(application) => permitted.contains(&application),
            Call::Exempt | Call::Message(_) | Call::Nothing => true,
        };
        if may {
            Ok(())
        } else {
            Err(BlockError::AuthorizedApplications(permitted.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::CryptoHash;

    fn app(byte: u8) -> ApplicationId {
        ApplicationId(CryptoHash::from_bytes([byte; 32]))
    }

    fn mandatory(applications: &[u8]) -> ApplicationPermissions {
        ApplicationPermissions {
            mandatory_applications: applications.iter().copied().map(app).collect(),
            ..ApplicationPermissions::default()
        }
    }

    fn only(applications: &[u8]) -> ApplicationPermissions {
        ApplicationPermissions {
            execute_operations: Some(applications.iter().copied().map(app).collect()),
            ..ApplicationPermissions::default()
        }
    }

    fn check(permissions: &ApplicationPermissions, calls: &[Call]) -> Result<(), BlockError> {
        permissions.check_calls(calls.iter().copied())
    }

    #[test]
    fn the_default_permits_everything() {
        let permissions = ApplicationPermissions::default();
        let calls = [
            Call::System,
            Call::Operation(app(1)),
            Call::Message(app(2)),
            Call::Nothing,
        ];
        assert_eq!(check(&permissions, &calls), Ok(()));
    }

    #[test]
    fn a_restricted_chain_executes_operations_of_its_applications_only() {
        let permissions = only(&[1]);
        let refused = Err(BlockError::AuthorizedApplications([app(1)].into()));
        assert_eq!(check(&permissions, &[Call::Operation(app(1))]), Ok(()));
        assert_eq!(check(&permissions, &[Call::Operation(app(2))]), refused);
        assert_eq!(check(&permissions, &[Call::System]), refused);
        assert_eq!(check(&permissions, &[Call::Exempt, Call::System]), refused);
        assert_eq!(check(&permissions, &[Call::Exempt]), Ok(()));
        let messages = [Call::Message(app(2)), Call::Nothing];
        assert_eq!(check(&permissions, &messages), Ok(()));
    }

    #[test]
    fn every_block_calls_all_mandatory_applications() {
        let permissions = mandatory(&[1, 2]);
        let missing = |applications: &[u8]| {
            let applications = applications.iter().copied().map(app).collect();
            Err(BlockError::MissingMandatoryApplications(applications))
        };
        let both = [Call::Operation(app(1)), Call::Message(app(2)), Call::System];
        assert_eq!(check(&permissions, &both), Ok(()));
        assert_eq!(check(&permissions, &both[..1]), missing(&[2]));
        assert_eq!(check(&permissions, &both[2..]), missing(&[1, 2]));
        assert_eq!(check(&permissions, &[Call::Nothing]), missing(&[1, 2]));
    }

    #[test]
    fn a_block_with_an_exempt_operation_calls_nobody() {
        let permissions = mandatory(&[1]);
        assert_eq!(check(&permissions, &[Call::Exempt]), Ok(()));
        assert_eq!(check(&permissions, &[Call::Exempt, Call::Nothing]), Ok(()));
        let both = only(&[1]);
        assert_eq!(check(&both, &[Call::Exempt]), Ok(()));
    }
}
