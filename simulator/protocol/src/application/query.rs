//! One query: services that answer, and ask one another.
//!
//! The rules of [`super::action`] without authority: every query begins with nothing loaded, an
//! application is loaded once, nobody is asked who has not answered yet, nothing is finalized. A query
//! changes nothing; the operations that it schedules are for whoever asks it.

use crate::{
    application::{
        action::{ActionError, ActionOutcome},
        answering,
        calls::{Calls, Then},
        guest::{Entry, Step},
        request::{Answer, Request, ServiceRequest},
        runtime::{Authority, ServiceRuntime},
    },
    ids::ApplicationId,
};

/// Asks the service of `application`, with `fuel` as a limit and not as a price.
pub fn perform(
    application: ApplicationId,
    query: Vec<u8>,
    fuel: u64,
    runtime: &mut dyn ServiceRuntime,
) -> ActionOutcome {
    let calls = Calls::new(fuel);
    let mut session = Session { runtime, calls };
    let result = session.run(application, query);
    ActionOutcome {
        result,
        fuel: session.calls.fuel(),
        calls: session.calls.records(),
    }
}

struct Session<'a> {
    runtime: &'a mut dyn ServiceRuntime,
    calls: Calls,
}

impl Session<'_> {
    fn run(&mut self, application: ApplicationId, query: Vec<u8>) -> Result<Vec<u8>, ActionError> {
        let mut step = self.ask(application, query, Then::Finish)?;
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

    fn ask(
        &mut self,
        application: ApplicationId,
        query: Vec<u8>,
        then: Then,
    ) -> Result<Step, ActionError> {
        if !self.calls.is_loaded(application) {
            let loaded = self.runtime.load_service(application);
            let loaded = loaded.map_err(|error| ActionError::refused(application, error))?;
            self.calls.load(application, &loaded)?;
        }
        let authority = Authority {
            application,
            owner: None,
            caller: None,
        };
        Ok(self.calls.enter(authority, Entry::HandleQuery(query), then))
    }

    fn answer(&mut self, request: Request) -> Result<Step, ActionError> {
        let (authority, description) = self.calls.running();
        let application = authority.application;
        let answer = match request {
            Request::Base(request) => {
                answering::answer(self.runtime, &description, authority, request)
            }
            Request::Service(ServiceRequest::ScheduleOperation(operation)) => self
                .runtime
                .schedule_operation(application, operation)
                .map(|()| Answer::Unit),
            Request::Service(ServiceRequest::QueryApplication(callee, query)) => {
                if self.calls.is_active(callee) {
                    let caller = application;
                    return Err(ActionError::ReentrantCall { caller, callee });
                }
                return self.ask(callee, query, Then::Answer);
            }
            Request::Contract(_) => return Err(ActionError::WrongRole(application)),
        };
        let answer = answer.map_err(|error| ActionError::refused(application, error))?;
        Ok(self.calls.resume(answer))
    }
}
