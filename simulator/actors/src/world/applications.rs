//! Applications of the plan as what wallets are told to do with them, and which wallets have to hear
//! of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use protocol::{
    blob::{Blob, BlobContent, BlobType},
    call::{Call, Creation, Module, Opens, Part, Says, Template},
    ids::{AccountOwner, ApplicationId, ChainId, ClientIndex},
    rpc::Action,
};
use scenario::{
    Plan,
    plan::{self, ApplicationIndex, ChainIndex, OwnerIndex, TextPlan},
};

use super::{Names, genesis};

/// Who acts, and the number of the command in its workload.
#[derive(Clone, Copy)]
pub(crate) struct Acting {
    pub(crate) chain: ChainIndex,
    pub(crate) owner: OwnerIndex,
    pub(crate) number: u64,
}

/// How names are written in a text.
#[derive(Clone, Copy)]
enum Form {
    /// As people and services read them.
    Text,
    /// As BCS has them, in hexadecimal; ids are written like that anyway.
    Bytes,
}

impl Form {
    fn owner(self, owner: AccountOwner) -> String {
        match self {
            Self::Text => owner.to_string(),
            Self::Bytes => {
                let variant = match owner {
                    AccountOwner::Reserved(_) => "00",
                    AccountOwner::Address32(_) => "01",
                    AccountOwner::Address20(_) => "02",
                };
                owner.to_string().replacen("0x", variant, 1)
            }
        }
    }

    fn number(self, number: u64) -> String {
        match self {
            Self::Text => number.to_string(),
            Self::Bytes => format!("{:016x}", number.swap_bytes()),
        }
    }
}

/// The code of all applications of a plan, as blobs.
pub(super) fn modules(plan: &Plan) -> Vec<Arc<Module>> {
    let mut known: BTreeMap<[&[u8]; 2], Arc<Module>> = BTreeMap::new();
    let applications = plan.applications.iter();
    let module = |application: &'_ plan::ApplicationPlan| application.module.clone();
    let plans: Vec<_> = applications.map(module).collect();
    let mut modules = Vec::with_capacity(plans.len());
    for code in &plans {
        let module = known.entry([&code.contract, &code.service]);
        let module = module.or_insert_with(|| Arc::new(blobs_of(code)));
        modules.push(module.clone());
    }
    modules
}

fn blobs_of(code: &plan::ModulePlan) -> Module {
    let blob = |blob_type, bytes: &[u8]| Blob::new(BlobContent::new(blob_type, bytes.to_vec()));
    Module {
        contract: blob(BlobType::ContractBytecode, &code.contract),
        service: blob(BlobType::ServiceBytecode, &code.service),
    }
}

/// All blobs that wallets of a plan bring along: code, and data.
pub(crate) fn blobs(plan: &Plan) -> Vec<Arc<Blob>> {
    let mut blobs = Vec::new();
    for module in modules(plan) {
        blobs.extend(module.blobs().map(Clone::clone));
    }
    let mut publish = |action: &plan::Action| {
        if let plan::Action::PublishBlobs(all) = action {
            blobs.extend(all.iter().map(genesis::blob));
        }
    };
    for workload in &plan.workloads {
        match &workload.kind {
            plan::WorkloadKind::Script(steps) => {
                steps.iter().for_each(|step| publish(&step.action));
            }
            plan::WorkloadKind::Open(_, action) | plan::WorkloadKind::Closed(_, action) => {
                publish(action);
            }
        }
    }
    blobs
}

/// What stands for the applications of a plan.
pub(super) fn placeholders(plan: &Plan) -> BTreeSet<ApplicationId> {
    let applications = plan.applications.iter();
    applications.map(placeholder).collect()
}

fn placeholder(application: &plan::ApplicationPlan) -> ApplicationId {
    ApplicationId::placeholder(&application.name)
}

impl Names {
    /// What creates an application, and before that publishes its code if another wallet does that.
    pub(super) fn creation(
        &self,
        plan: &Plan,
        index: ApplicationIndex,
    ) -> (Option<Action>, Action) {
        let application = &plan.applications[index.position()];
        let module = self.modules[index.position()].clone();
        let (chain, owner) = application.creator;
        let acting = Acting {
            chain,
            owner,
            number: 0,
        };
        let text = |text: &TextPlan| self.template(plan, acting, (None, Form::Text), text);
        let required = application.requires.iter();
        let publish = application.publisher.is_none();
        let published = (!publish).then(|| Action::PublishModule(module.clone()));
        let create = Action::CreateApplication(Arc::new(Creation {
            module,
            publish,
            parameters: text(&application.parameters),
            argument: text(&application.argument),
            required: required
                .map(|one| placeholder(&plan.applications[one.position()]))
                .collect(),
            placeholder: placeholder(application),
            wallets: self.told_of_application(plan, index).into(),
        }));
        (published, create)
    }

    pub(super) fn call(
        &self,
        plan: &Plan,
        acting: Acting,
        call: &plan::CallPlan,
        draw: u64,
    ) -> Action {
        let to = call
            .to
            .as_ref()
            .map(|to| to.pick(acting.chain, acting.number, draw));
        let text = |form: Form, text: &TextPlan| self.template(plan, acting, (to, form), text);
        let opens = call.opens.map(|chain| Opens {
            placeholder: ChainId::placeholder(chain.get()),
            wallets: self.told_of(plan, chain),
        });
        Action::Call(Arc::new(Call {
            opens,
            application: placeholder(&plan.applications[call.application.position()]),
            says: match &call.says {
                plan::Says::Request(request) => Says::Request(text(Form::Text, request)),
                plan::Says::Operation(operation) => Says::Operation(text(Form::Bytes, operation)),
            },
        }))
    }

    fn template(
        &self,
        plan: &Plan,
        acting: Acting,
        (to, form): (Option<ChainIndex>, Form),
        text: &TextPlan,
    ) -> Template {
        let chain = |chain: ChainIndex| {
            let id = self.chain_id(chain);
            if self.chains[chain.position()].is_some() {
                Part::Text(id.to_string().into())
            } else {
                Part::Chain(id)
            }
        };
        let owner =
            |owner: OwnerIndex| Part::Text(form.owner(self.owners[owner.position()]).into());
        let to = || to.expect("a text that names the other chain has one");
        let parts = text.0.iter().map(|part| match part {
            plan::Part::Text(text) => Part::Text(text.as_str().into()),
            plan::Part::Chain(one) => chain(*one),
            plan::Part::Owner(one) => owner(*one),
            plan::Part::Application(one) => {
                Part::Application(placeholder(&plan.applications[one.position()]))
            }
            plan::Part::OwnChain => chain(acting.chain),
            plan::Part::OwnOwner => owner(acting.owner),
            plan::Part::ToChain => chain(to()),
            plan::Part::ToOwner => owner(plan.chain(to()).owners[0].owner),
            plan::Part::Number => Part::Text(form.number(acting.number).into()),
        });
        Template(parts.collect())
    }

    /// The wallets whose commands name an application.
    fn told_of_application(&self, plan: &Plan, index: ApplicationIndex) -> Vec<ClientIndex> {
        let mut wallets: BTreeSet<_> = self
            .wallets_that(plan, |action| plan.names_application(action, index))
            .collect();
        let creators = plan.applications.iter().filter(|one| one.names(index));
        wallets.extend(creators.map(|one| self.wallet(one.creator)));
        wallets.into_iter().collect()
    }
}
