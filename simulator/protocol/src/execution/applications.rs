//! Blocks that call applications: creating them, their operations and messages, and loading their
//! code.
//!
//! Keeps: an application runs here only after the chain has recorded that it uses all the blobs that
//! it is made of, and those of all applications that it requires; so whoever has the chain's blocks
//! has them. An action that fails fails its transaction, and so its block: nothing of it is left.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    ApplicationChange, Applications, Execution, StateChange, metering::Used, runtime::Runtime,
};
use crate::{
    amount::Amount,
    application::{
        action::{self, ActionError, MessageContext, UserAction},
        activity::{
            ActionRecord, Activity, ChainChange, Changed, EntryKind, MoneyMove, Moved,
            StorageRecord,
        },
        description::{ApplicationDescription, VmRuntime},
        guest::{Entry, GuestError, Role},
        outcome::{ApplicationOutcome, UserMessage, UserOperation},
        request::CreateApplicationRequest,
        runtime::{Loaded, RuntimeError},
    },
    blob::{Blob, BlobId},
    error::ExecutionError,
    ids::{ApplicationId, ChainId},
    message::{MessageKind, PostedMessage},
};

/// What applications leave behind in the block that is executed.
#[derive(Default)]
pub(super) struct Made {
    pub(super) outcome: ApplicationOutcome,
    pub(super) used: Used,
    pub(super) activity: Activity,
    /// What services have scheduled; `None` where they may not.
    pub(super) scheduled: Option<Vec<UserOperation>>,
    /// How many applications the block has created.
    created: u32,
    /// What was looked up already.
    known: BTreeMap<ApplicationId, Arc<ApplicationDescription>>,
}

impl Made {
    /// For a service that may schedule operations.
    pub(super) fn scheduling() -> Self {
        Self {
            scheduled: Some(Vec::new()),
            ..Self::default()
        }
    }
}

/// The place of the action that runs among those of its block.
fn place(activity: &Activity) -> u32 {
    u32::try_from(activity.actions.len()).expect("blocks are small")
}

impl Execution<'_> {
    pub(super) fn made(&mut self) -> &mut Made {
        let made = self.made.as_mut();
        made.expect("asked only by blocks that call applications")
    }

    /// What applications keep on the chain, to be changed; the change goes into the state hash.
    pub(super) fn change_applications<T>(
        &mut self,
        change: impl FnOnce(&mut Applications) -> (T, Option<ApplicationChange>),
    ) -> T {
        let applications = self.state.applications.get_or_insert_default();
        let (result, change) = change(Arc::make_mut(applications));
        let change = change.map(|change| StateChange::Application(Box::new(change)));
        self.changes.extend(change);
        result
    }

    /// An application has moved money.
    pub(super) fn has_moved(&mut self, application: ApplicationId, what: Moved) {
        let activity = &mut self.made().activity;
        let action = place(activity);
        activity.moves.push(MoneyMove {
            action,
            application,
            what,
        });
    }

    /// An application has changed something that lasts.
    pub(super) fn has_changed(&mut self, application: ApplicationId, what: Changed) {
        let activity = &mut self.made().activity;
        let action = place(activity);
        activity.changes.push(ChainChange {
            action,
            application,
            what,
        });
    }

    /// What applications did, with what those keep now that were called.
    pub(super) fn activity(&mut self) -> Activity {
        let mut activity = std::mem::take(&mut self.made().activity);
        let calls = activity.actions.iter().flat_map(|action| &action.calls);
        let called: BTreeSet<_> = calls.map(|call| call.application).collect();
        let kept = self.state.applications.as_ref();
        let storage = called.into_iter().map(|application| {
            let (keys, bytes) = kept.map_or((0, 0), |all| all.size_of(&application));
            StorageRecord {
                application,
                keys,
                bytes,
            }
        });
        activity.storage = storage.collect();
        activity
    }

    pub(super) fn position(&self) -> u32 {
        u32::try_from(self.messages.len() - 1).expect("blocks are small")
    }

    /// Creates an application for the block's owner, and instantiates it.
    pub(super) fn create_application(
        &mut self,
        request: &CreateApplicationRequest,
    ) -> Result<(), ExecutionError> {
        let described = self.describe(request);
        let application = described.map_err(|error| match error {
            RuntimeError::Execution(error) => error,
            error => ExecutionError::Unloadable(Box::new(error)),
        })?;
        let entry = Entry::Instantiate(request.argument.clone());
        let action = self.action(application, entry);
        self.act(action, Amount::ZERO).map(|_| ())
    }

    /// Executes an operation of the block's owner.
    pub(super) fn user_operation(
        &mut self,
        operation: &UserOperation,
    ) -> Result<(), ExecutionError> {
        let entry = Entry::ExecuteOperation(operation.bytes.clone());
        let action = self.action(operation.application_id, entry);
        let (result, _) = self.act(action, Amount::ZERO)?;
        if !result.is_empty() {
            if let Some(meter) = &mut self.meter {
                meter.track_block_size(&result)?;
            }
            let position = self.position();
            let results = &mut self.made().outcome.operation_results;
            results.push((position, result));
        }
        Ok(())
    }

    /// Executes an accepted message, with its own authentication; gives what is left of its grant.
    pub(super) fn user_message(
        &mut self,
        origin: ChainId,
        posted: &PostedMessage,
        message: &UserMessage,
    ) -> Result<Amount, ExecutionError> {
        let entry = Entry::ExecuteMessage(message.bytes.clone());
        let mut action = self.action(message.application_id, entry);
        action.owner = posted.authenticated_owner;
        action.message = Some(MessageContext {
            origin,
            is_bouncing: posted.kind == MessageKind::Bouncing,
        });
        self.act(action, posted.grant).map(|(_, left)| left)
    }

    pub(super) const fn action(&self, application: ApplicationId, entry: Entry) -> UserAction {
        UserAction {
            application,
            entry,
            owner: self.block.authenticated_owner,
            message: None,
            fuel: 0,
        }
    }

    pub(super) fn act(
        &mut self,
        mut action: UserAction,
        grant: Amount,
    ) -> Result<(Vec<u8>, Amount), ExecutionError> {
        action.fuel = self.fuel_left();
        let mut runtime = Runtime::new(self);
        let outcome = action::perform(&action, &mut runtime);
        let (transaction, used) = (self.position(), std::mem::take(self.usage()));
        self.made().activity.actions.push(ActionRecord {
            transaction,
            entry: EntryKind::of(&action.entry),
            calls: outcome.calls,
            used,
        });
        let fuel = action.fuel.saturating_sub(outcome.fuel);
        self.burn(fuel);
        let result = outcome.result.map_err(|error| self.failure(error))?;
        let left = self.pay_action(fuel, &used, grant)?;
        Ok((result, left))
    }

    /// What an action's failure is to the block: what a block lacks, or has too much of, is said as
    /// such, so that its proposer can help itself.
    fn failure(&self, error: ActionError) -> ExecutionError {
        match error {
            ActionError::Guest { error, .. } if *error == GuestError::OutOfFuel => {
                self.out_of_fuel()
            }
            ActionError::Refused { application, error } => match *error {
                RuntimeError::Execution(inner)
                    if inner.is_limit_error()
                        || matches!(
                            inner,
                            ExecutionError::MissingBlob(_) | ExecutionError::MissingEvent(_)
                        ) =>
                {
                    inner
                }
                error => {
                    let error = Box::new(error);
                    ExecutionError::Application(Box::new(ActionError::Refused {
                        application,
                        error,
                    }))
                }
            },
            error => ExecutionError::Application(Box::new(error)),
        }
    }

    /// Writes down what an application is created with.
    pub(super) fn describe(
        &mut self,
        request: &CreateApplicationRequest,
    ) -> Result<ApplicationId, RuntimeError> {
        let module_id = request.module_id;
        if module_id.vm_runtime == VmRuntime::Evm {
            return Err(RuntimeError::UnsupportedVmRuntime(VmRuntime::Evm));
        }
        let description = ApplicationDescription {
            module_id,
            creator_chain_id: self.state.chain_id,
            block_height: self.block.height,
            application_index: self.made().created,
            parameters: request.parameters.clone(),
            required_application_ids: request.required_application_ids.clone(),
        };
        self.made().created += 1;
        let blob = Blob::new(description.content());
        let application = ApplicationId(blob.id().hash);
        self.create_blob(blob)?;
        Ok(application)
    }

    /// A blob comes to be. The chain uses it from now on, and nobody has to be asked for it.
    pub(super) fn create_blob(&mut self, blob: Arc<Blob>) -> Result<(), ExecutionError> {
        self.has_published(blob.bytes().len());
        if let Some(meter) = &mut self.meter {
            meter.track_block_size(&*blob)?;
        }
        self.use_blob(blob.id());
        let position = self.position();
        let created = &mut self.made().outcome.created_blobs;
        if !created.iter().any(|(_, other)| other.id() == blob.id()) {
            created.push((position, blob));
        }
        Ok(())
    }

    /// The content of a blob that the chain uses, from now on if not before.
    pub(super) fn read_blob(&mut self, id: BlobId) -> Result<Arc<Blob>, ExecutionError> {
        let created = self.made().outcome.created_blobs.iter();
        let mut created = created.filter(|(_, blob)| blob.id() == id);
        let found = created.next().map(|(_, blob)| blob.clone());
        let found = found.or_else(|| self.content?.blob(&id));
        let blob = found.ok_or(ExecutionError::MissingBlob(id))?;
        self.verify_blob(id)?;
        Ok(blob)
    }

    /// What an application was created with. The chain uses all that it is made of, and all that the
    /// applications are made of that it requires.
    pub(super) fn description(
        &mut self,
        application: ApplicationId,
    ) -> Result<Arc<ApplicationDescription>, RuntimeError> {
        let mut wanted = vec![application];
        while let Some(next) = wanted.pop() {
            if self.made().known.contains_key(&next) {
                continue;
            }
            let blob = self.read_blob(BlobId::description(next))?;
            let description = ApplicationDescription::of(&blob);
            let description = description.ok_or(RuntimeError::UnknownApplication(next))?;
            for blob in description.module_id.blobs() {
                self.read_blob(blob)?;
            }
            wanted.extend(description.required_application_ids.iter().rev());
            self.made().known.insert(next, Arc::new(description));
        }
        Ok(self.made().known[&application].clone())
    }

    /// The code of an application.
    pub(super) fn load(
        &mut self,
        application: ApplicationId,
        role: Role,
    ) -> Result<Loaded, RuntimeError> {
        let description = self.description(application)?;
        let module_id = description.module_id;
        let blob = self.read_blob(match role {
            Role::Contract => module_id.contract(),
            Role::Service => module_id.service(),
        })?;
        self.has_loaded(blob.bytes().len());
        let module = self.content.and_then(|content| content.module(role, &blob));
        match module {
            None => Err(RuntimeError::UnsupportedVmRuntime(module_id.vm_runtime)),
            Some(Err(error)) => Err(RuntimeError::Module { application, error }),
            Some(Ok(module)) => Ok(Loaded {
                description,
                module,
            }),
        }
    }
}
