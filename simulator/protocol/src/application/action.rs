//! One user action: an operation, one message of a bundle, new events, or the creation of an
//! application.
//!
//! | rule | |
//! |---|---|
//! | fresh runtime | every action begins with no application loaded, and drops all of them at its end |
//! | load | an application is loaded when it is first called, once an action |
//! | authentication | a callee sees its caller's signer and the caller itself if the call is authenticated, neither if not |
//! | no reentrancy | nobody is called who runs or waits for an answer |
//! | finalize | once the entry point has returned, every loaded application, the last loaded first, with the action's signer; nobody is called there |
//! | all or nothing | any failure ends the action: whoever executes it drops what the runtime has changed |
//!
//! Knows nothing of what the questions about the chain mean: a [`ContractRuntime`] answers them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    application::{
        activity::CallRecord,
        answering,
        calls::{Calls, Then},
        guest::{Entry, GuestError, Role, Step},
        request::{Answer, ContractRequest, CreateApplicationRequest, Request},
        runtime::{Authority, ContractRuntime, RuntimeError},
    },
    ids::{AccountOwner, ApplicationId, ChainId},
};

pub use crate::application::calls::APPLICATIONS_PER_ACTION_MAX;

/// What an accepted message is to the application that gets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageContext {
    /// The chain that sent it.
    pub origin: ChainId,
    /// Whether it comes back because it was rejected.
    pub is_bouncing: bool,
}

/// A user action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserAction {
    /// Which application is entered first.
    pub application: ApplicationId,
    /// Where.
    pub entry: Entry,
    /// Whose authentication it has.
    pub owner: Option<AccountOwner>,
    /// The message that is executed, if one is.
    pub message: Option<MessageContext>,
    /// What all its applications may use together.
    pub fuel: u64,
}

/// What an action gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActionOutcome {
    /// What the entry point returned, if all went well.
    pub result: Result<Vec<u8>, ActionError>,
    /// Fuel that is left.
    pub fuel: u64,
    /// Who ran, in the order of entering; finalizing comes last.
    pub calls: Vec<CallRecord>,
}

/// Why a user action or a query failed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
pub enum ActionError {
    /// An application failed.
    #[error("application {application}: {error}")]
    Guest {
        /// Which one.
        application: ApplicationId,
        /// Why.
        error: Box<GuestError>,
    },
    /// A question was refused.
    #[error("application {application}: {error}")]
    Refused {
        /// Who asked.
        application: ApplicationId,
        /// Why.
        error: Box<RuntimeError>,
    },
    /// An application is called that runs or waits (rule `ReentrantCall`).
    #[error("application {caller} calls {callee}, which has not returned")]
    ReentrantCall {
        /// Who calls.
        caller: ApplicationId,
        /// Who is called.
        callee: ApplicationId,
    },
    /// An application is called while another one is finalized (rule
    /// `CrossApplicationCallInFinalize`).
    #[error("application {caller} calls {callee} when it is finalized")]
    CrossApplicationCallInFinalize {
        /// Who calls.
        caller: ApplicationId,
        /// Who is called.
        callee: ApplicationId,
    },
    /// More applications are called than an action may load.
    #[error("more than {APPLICATIONS_PER_ACTION_MAX} applications in one action")]
    TooManyApplications,
    /// A contract asks what only services may, or the other way round.
    #[error("application {0} asks what its role may not")]
    WrongRole(ApplicationId),
}

impl ActionError {
    /// A question of `application` was refused.
    pub(super) fn refused(application: ApplicationId, error: RuntimeError) -> Self {
        let error = Box::new(error);
        Self::Refused { application, error }
    }
}

/// Performs a user action. If it fails, whoever answers has to forget what it changed.
///
/// # Panics
/// If the entry is none of a contract.
pub fn perform(action: &UserAction, runtime: &mut dyn ContractRuntime) -> ActionOutcome {
    assert_eq!(action.entry.role(), Role::Contract, "actions run contracts");
    let mut session = Session {
        action,
        runtime,
        calls: Calls::new(action.fuel),
        is_finalizing: false,
    };
    let result = session.perform();
    ActionOutcome {
        result,
        fuel: session.calls.fuel(),
        calls: session.calls.records(),
    }
}

struct Session<'a> {
    action: &'a UserAction,
    runtime: &'a mut dyn ContractRuntime,
    calls: Calls,
    is_finalizing: bool,
}

impl Session<'_> {
    fn perform(&mut self) -> Result<Vec<u8>, ActionError> {
        let application = self.action.application;
        self.load(application)?;
        let response = self.run(application, self.action.entry.clone())?;
        self.is_finalizing = true;
        for application in self.calls.last_first() {
            self.run(application, Entry::Finalize)?;
        }
        Ok(response)
    }

    /// Runs an entry point until it and all that it calls have returned.
    fn run(&mut self, application: ApplicationId, entry: Entry) -> Result<Vec<u8>, ActionError> {
        let authority = Authority {
            application,
            owner: self.action.owner,
            caller: None,
        };
        let mut step = self.calls.enter(authority, entry, Then::Finish);
        loop {
            step = match step {
                Step::Fails(error) => return Err(self.calls.blame(error)),
                Step::Asks(request) => self.answer(request)?,
                Step::Returns(bytes) => match self.calls.returned(bytes) {
                    Ok(step) => step,
                    Err(response) => return Ok(response),
                },
            };
        }
    }

    fn load(&mut self, application: ApplicationId) -> Result<(), ActionError> {
        if self.calls.is_loaded(application) {
            return Ok(());
        }
        let loaded = self.runtime.load_contract(application);
        let loaded = loaded.map_err(|error| ActionError::refused(application, error))?;
        self.calls.load(application, &loaded)
    }

    fn answer(&mut self, request: Request) -> Result<Step, ActionError> {
        let (authority, description) = self.calls.running();
        let application = authority.application;
        let refused = |error| ActionError::refused(application, error);
        let answer = match request {
            Request::Base(request) => {
                answering::answer(self.runtime, &description, authority, request)
            }
            Request::Contract(ContractRequest::CallApplication(
                authenticated,
                callee,
                operation,
            )) => {
                let authority = Authority {
                    application: callee,
                    owner: authority.owner.filter(|_| authenticated),
                    caller: authenticated.then_some(application),
                };
                let entry = Entry::ExecuteOperation(operation);
                return self.call(application, authority, entry, Then::Answer);
            }
            Request::Contract(ContractRequest::CreateApplication(request)) => {
                return self.create(authority, &request);
            }
            Request::Contract(request) => self.contract(authority, request),
            Request::Service(_) => return Err(ActionError::WrongRole(application)),
        };
        Ok(self.calls.resume(answer.map_err(refused)?))
    }

    fn call(
        &mut self,
        caller: ApplicationId,
        authority: Authority,
        entry: Entry,
        then: Then,
    ) -> Result<Step, ActionError> {
        let callee = authority.application;
        if self.is_finalizing {
            return Err(ActionError::CrossApplicationCallInFinalize { caller, callee });
        }
        if self.calls.is_active(callee) {
            return Err(ActionError::ReentrantCall { caller, callee });
        }
        self.load(callee)?;
        Ok(self.calls.enter(authority, entry, then))
    }

    /// The new application is instantiated at once, and knows who has created it.
    fn create(
        &mut self,
        authority: Authority,
        request: &CreateApplicationRequest,
    ) -> Result<Step, ActionError> {
        let creator = authority.application;
        let created = self.runtime.create_application(authority, request);
        let created = created.map_err(|error| ActionError::refused(creator, error))?;
        let authority = Authority {
            application: created,
            owner: authority.owner,
            caller: Some(creator),
        };
        let entry = Entry::Instantiate(request.argument.clone());
        self.call(creator, authority, entry, Then::Created)
    }

    fn contract(
        &mut self,
        authority: Authority,
        request: ContractRequest,
    ) -> Result<Answer, RuntimeError> {
        let runtime = &mut *self.runtime;
        let application = authority.application;
        Ok(match request {
            ContractRequest::AuthenticatedOwner => Answer::Owner(authority.owner),
            ContractRequest::MessageIsBouncing => {
                let message = self.action.message;
                Answer::OptionalBool(message.map(|message| message.is_bouncing))
            }
            ContractRequest::MessageOriginChainId => {
                let message = self.action.message;
                Answer::OptionalChainId(message.map(|message| message.origin))
            }
            ContractRequest::AuthenticatedCallerId => {
                Answer::OptionalApplicationId(authority.caller)
            }
            ContractRequest::SendMessage(request) => {
                runtime.send_message(authority, request)?;
                Answer::Unit
            }
            ContractRequest::Transfer(source, destination, amount) => {
                runtime.transfer(authority, source, destination, amount)?;
                Answer::Unit
            }
            ContractRequest::Claim(source, destination, amount) => {
                runtime.claim(authority, source, destination, amount)?;
                Answer::Unit
            }
            ContractRequest::OpenChain(ownership, permissions, balance) => {
                Answer::ChainId(runtime.open_chain(authority, *ownership, *permissions, balance)?)
            }
            ContractRequest::CloseChain => Answer::Permitted(runtime.close_chain(authority)?),
            ContractRequest::ChangeOwnership(ownership) => {
                Answer::Permitted(runtime.change_ownership(authority, *ownership)?)
            }
            ContractRequest::ChangeApplicationPermissions(permissions) => {
                Answer::Permitted(runtime.change_application_permissions(authority, *permissions)?)
            }
            ContractRequest::CreateDataBlob(bytes) => {
                Answer::Hash(runtime.create_data_blob(bytes)?)
            }
            ContractRequest::PublishModule(contract, service, vm_runtime) => {
                Answer::ModuleId(runtime.publish_module(contract, service, vm_runtime)?)
            }
            ContractRequest::Emit(name, value) => {
                Answer::Index(runtime.emit(application, name, value)?)
            }
            ContractRequest::ReadEvent(chain_id, name, index) => {
                Answer::Bytes(runtime.read_event(application, chain_id, name, index)?)
            }
            ContractRequest::SubscribeToEvents(chain_id, publisher, name) => {
                runtime.subscribe_to_events(authority, chain_id, publisher, name)?;
                Answer::Unit
            }
            ContractRequest::UnsubscribeFromEvents(chain_id, publisher, name) => {
                runtime.unsubscribe_from_events(authority, chain_id, publisher, name)?;
                Answer::Unit
            }
            ContractRequest::QueryService(queried, query) => {
                Answer::Bytes(runtime.query_service(authority, queried, query)?)
            }
            ContractRequest::ValidationRound => Answer::OptionalIndex(runtime.validation_round()?),
            ContractRequest::WriteBatch(operations) => {
                runtime.write_batch(application, operations)?;
                Answer::Unit
            }
            ContractRequest::CallApplication(..) | ContractRequest::CreateApplication(_) => {
                unreachable!("answered by entering the other application")
            }
        })
    }
}
