//! Applications that call one another: who is loaded, who runs, who waits.
//!
//! Invariants: an application has one instance; the one on top of the stack runs and every other one
//! on it waits; none is on it twice; fuel is one purse that whoever runs takes from.

use std::sync::Arc;

use crate::application::{
    action::ActionError,
    activity::CallRecord,
    description::ApplicationDescription,
    guest::{Entry, Guest, GuestError, Step},
    request::Answer,
    runtime::{Authority, Loaded},
};
use crate::ids::ApplicationId;

/// How many applications one action loads. It bounds the memory that an action holds, at so many
/// times what one guest may have.
pub const APPLICATIONS_PER_ACTION_MAX: usize = 32;

/// What becomes of what an application returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Then {
    /// It is what the whole call gives.
    Finish,
    /// It is the caller's answer.
    Answer,
    /// It is nothing: the caller is told the application's id.
    Created,
}

struct Instance {
    application: ApplicationId,
    description: Arc<ApplicationDescription>,
    guest: Box<dyn Guest>,
    /// Fuel of making it, which goes on the account of its first call.
    making: u64,
}

struct Frame {
    instance: usize,
    record: usize,
    authority: Authority,
    then: Then,
}

/// The applications of one action, in the order in which they were loaded.
pub(super) struct Calls {
    fuel: u64,
    loaded: Vec<Instance>,
    stack: Vec<Frame>,
    records: Vec<CallRecord>,
}

impl Calls {
    pub(super) const fn new(fuel: u64) -> Self {
        Self {
            fuel,
            loaded: Vec::new(),
            stack: Vec::new(),
            records: Vec::new(),
        }
    }

    /// What fuel is left.
    pub(super) const fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Who was entered, in order.
    pub(super) fn records(self) -> Vec<CallRecord> {
        self.records
    }

    /// Whose turn it is: with which authority, and what it was created with.
    pub(super) fn running(&self) -> (Authority, Arc<ApplicationDescription>) {
        let frame = self.stack.last().expect("somebody runs who asks");
        let description = self.loaded[frame.instance].description.clone();
        (frame.authority, description)
    }

    pub(super) fn is_loaded(&self, application: ApplicationId) -> bool {
        self.position(application).is_some()
    }

    /// All that are loaded, the last one first.
    pub(super) fn last_first(&self) -> Vec<ApplicationId> {
        let loaded = self.loaded.iter().rev();
        loaded.map(|instance| instance.application).collect()
    }

    /// Whether an application runs or waits.
    pub(super) fn is_active(&self, application: ApplicationId) -> bool {
        let mut waiting = self.stack.iter();
        waiting.any(|frame| frame.authority.application == application)
    }

    /// Makes an instance of an application that has none.
    pub(super) fn load(
        &mut self,
        application: ApplicationId,
        loaded: &Loaded,
    ) -> Result<(), ActionError> {
        assert!(!self.is_loaded(application), "one instance of each");
        if self.loaded.len() >= APPLICATIONS_PER_ACTION_MAX {
            return Err(ActionError::TooManyApplications);
        }
        let guest = loaded
            .module
            .instantiate(self.fuel)
            .map_err(|error| self.failed(application, error))?;
        let making = self.fuel.saturating_sub(guest.fuel());
        self.fuel = guest.fuel();
        self.loaded.push(Instance {
            making,
            application,
            description: loaded.description.clone(),
            guest,
        });
        Ok(())
    }

    /// Enters a loaded application that neither runs nor waits.
    pub(super) fn enter(&mut self, authority: Authority, entry: Entry, then: Then) -> Step {
        assert!(!self.is_active(authority.application), "no reentrancy");
        let instance = self.position(authority.application);
        let instance = instance.expect("loaded before it is entered");
        let record = self.records.len();
        self.records.push(CallRecord {
            application: authority.application,
            depth: u32::try_from(self.stack.len()).expect("no application is on the stack twice"),
            fuel: std::mem::take(&mut self.loaded[instance].making),
        });
        self.stack.push(Frame {
            instance,
            record,
            authority,
            then,
        });
        self.run(|guest| guest.start(entry))
    }

    /// Gives whoever runs its answer.
    pub(super) fn resume(&mut self, answer: Answer) -> Step {
        self.run(|guest| guest.resume(answer))
    }

    /// Whoever runs has returned `bytes`: the step of who has waited, or what the whole call gives.
    pub(super) fn returned(&mut self, bytes: Vec<u8>) -> Result<Step, Vec<u8>> {
        let frame = self.stack.pop().expect("somebody runs who returns");
        match frame.then {
            Then::Finish => {
                assert!(self.stack.is_empty(), "nobody waits for what is finished");
                Err(bytes)
            }
            Then::Answer => Ok(self.resume(Answer::Bytes(bytes))),
            Then::Created => Ok(self.resume(Answer::ApplicationId(frame.authority.application))),
        }
    }

    /// Why the whole call failed when whoever runs did.
    pub(super) fn blame(&mut self, error: GuestError) -> ActionError {
        let (authority, _) = self.running();
        self.failed(authority.application, error)
    }

    fn failed(&mut self, application: ApplicationId, error: GuestError) -> ActionError {
        if error == GuestError::OutOfFuel {
            // Fuel is charged in blocks of code, so a remainder says nothing.
            self.fuel = 0;
        }
        let error = Box::new(error);
        ActionError::Guest { application, error }
    }

    fn run(&mut self, step: impl FnOnce(&mut dyn Guest) -> Step) -> Step {
        let frame = self.stack.last().expect("somebody runs");
        let guest = &mut *self.loaded[frame.instance].guest;
        guest.set_fuel(self.fuel);
        let step = step(guest);
        let used = self.fuel.saturating_sub(guest.fuel());
        self.fuel = guest.fuel();
        let record = &mut self.records[frame.record];
        record.fuel = record.fuel.saturating_add(used);
        step
    }

    fn position(&self, application: ApplicationId) -> Option<usize> {
        let mut loaded = self.loaded.iter();
        loaded.position(|instance| instance.application == application)
    }
}
