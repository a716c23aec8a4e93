//! Applications of a plan: who creates them of what, and what is asked of them.

use std::{fmt, sync::Arc};

use engine::VirtualTime;

use super::{Action, ApplicationIndex, ChainIndex, Chooser, OwnerIndex, PermissionsPlan, Plan};

/// An application that the environment has created, when everything it is made of is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationPlan {
    /// Its name; the wallets know it by [`protocol::ids::ApplicationId::placeholder`] of this until it
    /// is created.
    pub name: String,
    /// Its code.
    pub module: Arc<ModulePlan>,
    /// Who publishes the code, in a block before; `None`: the creator, in the same block.
    pub publisher: Option<(ChainIndex, OwnerIndex)>,
    /// Who creates it.
    pub creator: (ChainIndex, OwnerIndex),
    /// When the first of these begins.
    pub at: VirtualTime,
    /// What it is created with, on all chains: JSON.
    pub parameters: TextPlan,
    /// What it is instantiated with, on its creator's chain: JSON.
    pub argument: TextPlan,
    /// The applications that it calls.
    pub requires: Vec<ApplicationIndex>,
}

/// Code, compressed as blobs hold it.
#[derive(Clone, PartialEq, Eq)]
pub struct ModulePlan {
    /// What it is called: a bundled application, or a file.
    pub name: String,
    /// The contract.
    pub contract: Arc<[u8]>,
    /// The service.
    pub service: Arc<[u8]>,
}

/// A text in which names stand for what is known only later, or differs from command to command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextPlan(pub Vec<Part>);

/// A part of such a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These characters.
    Text(String),
    /// The id of a chain.
    Chain(ChainIndex),
    /// The account of an owner.
    Owner(OwnerIndex),
    /// The id of an application.
    Application(ApplicationIndex),
    /// The chain that acts.
    OwnChain,
    /// The owner who acts.
    OwnOwner,
    /// The chain that was chosen by [`CallPlan::to`].
    ToChain,
    /// The first owner of that chain.
    ToOwner,
    /// The number of the command in its workload, from 0.
    Number,
}

/// What is asked of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPlan {
    /// Whose.
    pub application: ApplicationIndex,
    /// The chain that the text names as the other one, chosen anew for each command.
    pub to: Option<Chooser>,
    /// What.
    pub says: Says,
    /// The chain that it opens, if the scenario speaks of one.
    pub opens: Option<ChainIndex>,
}

/// How an operation is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// A request to the service, in JSON, which schedules operations.
    Request(TextPlan),
    /// The operation itself, in hexadecimal.
    Operation(TextPlan),
}

impl fmt::Debug for ModulePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (contract, service) = (self.contract.len(), self.service.len());
        write!(f, "module {} of {contract} and {service} bytes", self.name)
    }
}

impl Plan {
    /// Whether an action names an application: as the one that is called, in a text, or in
    /// permissions.
    pub fn names_application(&self, action: &Action, application: ApplicationIndex) -> bool {
        let named = |permissions: &PermissionsPlan| {
            let name = &self.applications[application.position()].name;
            permissions.names(name)
        };
        match action {
            Action::Call(call) => call.names(application),
            Action::ChangePermissions { permissions, .. } => named(permissions),
            Action::OpenChain(chain) => {
                let permissions = self.chain(*chain).permissions.as_ref();
                permissions.is_some_and(named)
            }
            _ => false,
        }
    }
}

impl ApplicationPlan {
    /// Whether creating it names another application.
    pub fn names(&self, application: ApplicationIndex) -> bool {
        self.requires.contains(&application)
            || self.parameters.names(application)
            || self.argument.names(application)
    }

    /// Whether creating it names a chain.
    pub fn names_chain(&self, chain: ChainIndex) -> bool {
        self.parameters.names_chain(chain) || self.argument.names_chain(chain)
    }
}

impl TextPlan {
    /// Whether it names an application.
    pub fn names(&self, application: ApplicationIndex) -> bool {
        self.0.contains(&Part::Application(application))
    }

    /// Whether it names a chain.
    pub fn names_chain(&self, chain: ChainIndex) -> bool {
        self.0.contains(&Part::Chain(chain))
    }
}

impl CallPlan {
    /// What is written.
    pub const fn text(&self) -> &TextPlan {
        match &self.says {
            Says::Request(text) | Says::Operation(text) => text,
        }
    }

    /// Whether it is of an application, or names it.
    pub fn names(&self, application: ApplicationIndex) -> bool {
        self.application == application || self.text().names(application)
    }

    /// Whether it names a chain, or may choose it.
    pub fn names_chain(&self, chain: ChainIndex) -> bool {
        let chosen = self.to.as_ref();
        chosen.is_some_and(|to| to.candidates().contains(chain)) || self.text().names_chain(chain)
    }

    /// Whether the other chain is chosen once for each chain that acts.
    pub fn draws_by_sender(&self) -> bool {
        self.to.as_ref().is_some_and(Chooser::draws_by_sender)
    }
}
