//! What a wallet is told to do with applications.
//!
//! Owns texts in which names stand for chains that are not open yet and applications that nobody has
//! created yet. Whoever writes commands knows what they will be called, and only the blocks say what
//! their ids are. Knows nothing of what the texts mean.

use std::sync::Arc;

use crate::{
    application::description::{ModuleId, VmRuntime},
    blob::Blob,
    ids::{ApplicationId, ChainId, ClientIndex},
};

/// The code of an application.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Module {
    /// The contract.
    pub contract: Arc<Blob>,
    /// The service.
    pub service: Arc<Blob>,
}

impl Module {
    /// Its name.
    pub fn id(&self) -> ModuleId {
        ModuleId {
            contract_blob_hash: self.contract.id().hash,
            service_blob_hash: self.service.id().hash,
            vm_runtime: VmRuntime::Wasm,
        }
    }

    /// Both parts.
    pub const fn blobs(&self) -> [&Arc<Blob>; 2] {
        [&self.contract, &self.service]
    }
}

/// An application to be created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Creation {
    /// Its code.
    pub module: Arc<Module>,
    /// Whether the same block publishes the code.
    pub publish: bool,
    /// What it is created with.
    pub parameters: Template,
    /// What it is instantiated with.
    pub argument: Template,
    /// The applications that it calls, or what stands for them.
    pub required: Vec<ApplicationId>,
    /// What stands for it until it is created.
    pub placeholder: ApplicationId,
    /// The wallets that are told of it.
    pub wallets: Arc<[ClientIndex]>,
}

/// Something that an application is to execute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The application, or what stands for it.
    pub application: ApplicationId,
    /// What.
    pub says: Says,
    /// The chain that it opens, if commands speak of one.
    pub opens: Option<Opens>,
}

/// A chain that an application opens, and of which others have to hear.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opens {
    /// What stands for it until it is open.
    pub placeholder: ChainId,
    /// The wallets that are told: those of its owners, and those whose commands name it.
    pub wallets: Vec<ClientIndex>,
}

/// How an operation is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Says {
    /// A request to the service, which schedules the operations.
    Request(Template),
    /// The operation itself, in hexadecimal.
    Operation(Template),
}

impl Says {
    /// What is written.
    pub const fn text(&self) -> &Template {
        match self {
            Self::Request(text) | Self::Operation(text) => text,
        }
    }
}

/// A text with names in it that stand for ids.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Template(pub Vec<Part>);

/// A part of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// These characters.
    Text(Arc<str>),
    /// The id of a chain that is opened later.
    Chain(ChainId),
    /// The id of an application that is created later.
    Application(ApplicationId),
}

impl Template {
    /// The applications that it names.
    pub fn applications(&self) -> impl Iterator<Item = &ApplicationId> {
        self.0.iter().filter_map(|part| match part {
            Part::Application(application) => Some(application),
            Part::Text(_) | Part::Chain(_) => None,
        })
    }

    /// The chains that it names.
    pub fn chains(&self) -> impl Iterator<Item = &ChainId> {
        self.0.iter().filter_map(|part| match part {
            Part::Chain(chain) => Some(chain),
            Part::Text(_) | Part::Application(_) => None,
        })
    }

    /// The text, with the ids that these functions find.
    pub fn fill(
        &self,
        chain: impl Fn(&ChainId) -> ChainId,
        application: impl Fn(&ApplicationId) -> ApplicationId,
    ) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(characters) => text.push_str(characters),
                Part::Chain(one) => text.push_str(&chain(one).to_string()),
                Part::Application(one) => text.push_str(&application(one).to_string()),
            }
        }
        text
    }
}
