//! A wallet and applications: creating them, calling them, and having what they are made of.
//!
//! Commands name applications by what stands for them until they are created; a command that names
//! one that is not there yet waits, and later ones go first. Before a block is proposed, the wallet
//! has certified proof of every blob that the block needs, so that it can help validators who lack
//! one.

use std::sync::Arc;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;

use super::Client;
use crate::{
    application::{
        description::ApplicationDescription, outcome::UserOperation,
        request::CreateApplicationRequest,
    },
    blob::BlobId,
    block::{Block, SystemOperation, Transaction},
    call::{Call, Creation, Module, Says, Template},
    execution,
    ids::{Address, ApplicationId},
    machine::Outputs,
    observe::Observation,
    permissions::ApplicationPermissions,
    rpc::{Action, Packet},
    store::{ContentStore, Shared},
    time::Timestamp,
};

impl Client {
    /// The id of an application that may have been created since the command was given.
    fn application_id(&self, application: &ApplicationId) -> ApplicationId {
        self.created
            .get(application)
            .copied()
            .unwrap_or(*application)
    }

    fn fill(&self, text: &Template) -> String {
        text.fill(
            |chain| self.opened_id(chain),
            |application| self.application_id(application),
        )
    }

    /// Whether a command names an application that is not created yet, as far as this wallet knows.
    pub(super) fn awaits_application(&self, action: &Action) -> bool {
        let awaited = |application: &ApplicationId| {
            self.config.applications.contains(application)
                && !self.created.contains_key(application)
        };
        match action {
            Action::Call(call) => {
                awaited(&call.application) || call.says.text().applications().any(awaited)
            }
            Action::CreateApplication(creation) => {
                let texts = [&creation.parameters, &creation.argument];
                let mut named = texts.into_iter().flat_map(Template::applications);
                named.any(awaited) || creation.required.iter().any(awaited)
            }
            Action::OpenChain {
                permissions: Some(permissions),
                ..
            }
            | Action::ChangePermissions { permissions, .. } => permissions.named().any(awaited),
            _ => false,
        }
    }

    /// The first command that waits for no application.
    pub(super) fn next_ready(&self) -> Option<usize> {
        let mut ready = self.ready.iter();
        ready.position(|command| !self.awaits_application(&command.action))
    }

    /// Permissions with the ids of the applications that they name.
    pub(super) fn permissions(
        &self,
        permissions: &Arc<ApplicationPermissions>,
    ) -> Arc<ApplicationPermissions> {
        if permissions.is_default() || self.created.is_empty() {
            return permissions.clone();
        }
        Arc::new(permissions.map(|application| self.application_id(application)))
    }

    /// The operations of a command on applications.
    /// An error says why there are none.
    pub(super) fn operations_on_applications(
        &self,
        now: Timestamp,
        action: &Action,
        store: &dyn ContentStore,
    ) -> Result<Vec<SystemOperation>, String> {
        match action {
            Action::PublishModule(module) => Ok(vec![publish(module)]),
            Action::CreateApplication(creation) => Ok(self.creation(creation)),
            Action::Call(call) => self.call(now, call, store),
            _ => Ok(Vec::new()),
        }
    }

    fn creation(&self, creation: &Creation) -> Vec<SystemOperation> {
        let required = creation.required.iter();
        let request = CreateApplicationRequest {
            module_id: creation.module.id(),
            parameters: self.fill(&creation.parameters).into_bytes(),
            argument: self.fill(&creation.argument).into_bytes(),
            required_application_ids: required.map(|one| self.application_id(one)).collect(),
        };
        let create = SystemOperation::CreateApplication(Arc::new(request));
        let published = creation.publish.then(|| publish(&creation.module));
        published.into_iter().chain([create]).collect()
    }

    fn call(
        &self,
        now: Timestamp,
        call: &Call,
        store: &dyn ContentStore,
    ) -> Result<Vec<SystemOperation>, String> {
        let application_id = self.application_id(&call.application);
        let text = self.fill(call.says.text());
        let operations = match &call.says {
            Says::Operation(_) => vec![UserOperation {
                application_id,
                bytes: from_hex(&text)?,
            }],
            Says::Request(_) => self.scheduled(now, application_id, text, store)?,
        };
        let operations = operations.into_iter();
        Ok(operations
            .map(|operation| SystemOperation::User(Arc::new(operation)))
            .collect())
    }

    /// What the service schedules for a request.
    fn scheduled(
        &self,
        now: Timestamp,
        application: ApplicationId,
        request: String,
        store: &dyn ContentStore,
    ) -> Result<Vec<UserOperation>, String> {
        let state = &self.chain_ref().execution;
        let content = Shared(store);
        let outside = self.outside(None, store);
        let request = request.into_bytes();
        let queried = execution::query(state, &content, application, request, now, &outside);
        let queried = queried.map_err(|error| error.to_string())?;
        if let Some(refusal) = refusal(&queried.response) {
            return Err(format!("the service answers: {refusal}"));
        }
        if queried.operations.is_empty() {
            return Err("the service has scheduled no operation".to_owned());
        }
        Ok(queried.operations)
    }

    /// A blob that a block needs which nobody has proven to this wallet.
    pub(super) fn blob_to_prove(&self, block: &Block) -> Option<BlobId> {
        let calls = block.proposed().calls_applications();
        let published = |id: &BlobId| block.proposed().published_blobs().any(|one| one == *id);
        block
            .required_blobs()
            .filter(|_| calls)
            .find(|id| !self.blobs.contains_key(id) && !published(id))
    }

    /// Tells wallets of the application that a block has created by an operation.
    pub(super) fn tell_created(&self, block: &Block, creation: &Creation, out: &mut Outputs) {
        let Some(id) = created_by_operation(block) else {
            return;
        };
        out.observe(Observation::ApplicationCreated {
            chain: block.chain_id(),
            placeholder: creation.placeholder,
            application: id,
        });
        for wallet in &*creation.wallets {
            let packet = Packet::ApplicationCreated(creation.placeholder, id);
            out.send(Address::Client(*wallet), packet);
        }
    }
}

/// The application that the last operation of a block which creates one has created.
fn created_by_operation(block: &Block) -> Option<ApplicationId> {
    let is_creation = |step: &Transaction| {
        matches!(
            step,
            Transaction::ExecuteOperation(SystemOperation::CreateApplication(_))
        )
    };
    let position = block
        .proposed()
        .transactions
        .iter()
        .rposition(is_creation)?;
    let outcome = block.outcome().applications.as_ref()?;
    let mut created = outcome.created_blobs.iter();
    // What the application itself creates comes after it.
    let (_, blob) = created.find(|(transaction, blob)| {
        usize::try_from(*transaction) == Ok(position) && ApplicationDescription::of(blob).is_some()
    })?;
    Some(ApplicationId(blob.id().hash))
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let decoded = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
    decoded.map_err(|error| format!("the operation is not hexadecimal: {error}"))
}

fn publish(module: &Module) -> SystemOperation {
    let module_id = module.id();
    SystemOperation::PublishModule { module_id }
}

/// What a service that speaks GraphQL says is wrong with a request.
fn refusal(response: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Response {
        #[serde(default)]
        errors: Vec<Mistake>,
    }
    #[derive(Deserialize)]
    struct Mistake {
        message: String,
    }
    let response: Response = serde_json::from_slice(response).ok()?;
    let messages = response.errors.into_iter().map(|mistake| mistake.message);
    let messages: Vec<_> = messages.collect();
    (!messages.is_empty()).then(|| messages.join("; "))
}
