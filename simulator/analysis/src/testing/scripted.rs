//! Applications of tests, whose code is a script of questions, and the events that they have added.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Arc,
};

use protocol::{
    application::{
        description::{ApplicationDescription, ModuleId, StreamId, VmRuntime},
        guest::{Entry, Guest, GuestError, Module, ModuleError, Role, Step},
        outcome::UserOperation,
        request::{Answer, HttpRequest, HttpResponse, Request},
    },
    blob::{Blob, BlobContent, BlobId, BlobType},
    block::{Block, SystemOperation, Transaction},
    ids::{ApplicationId, BlockHeight, ChainId},
    outside::{EventId, Outside},
    store::Content,
};

/// What a contract asks when it is entered.
type Script = Arc<dyn Fn(&Entry) -> Vec<Request> + Send + Sync>;

/// Fuel of each question.
pub(crate) const FUEL: u64 = 10;

struct Code(Script);

impl Module for Code {
    fn instantiate(&self, fuel: u64) -> Result<Box<dyn Guest>, GuestError> {
        Ok(Box::new(Player {
            script: self.0.clone(),
            left: VecDeque::new(),
            fuel,
        }))
    }
}

struct Player {
    script: Script,
    left: VecDeque<Request>,
    fuel: u64,
}

impl Player {
    fn next(&mut self, last: Vec<u8>) -> Step {
        let Some(request) = self.left.pop_front() else {
            return Step::Returns(last);
        };
        match self.fuel.checked_sub(FUEL) {
            Some(fuel) => {
                self.fuel = fuel;
                Step::Asks(request)
            }
            None => Step::Fails(GuestError::OutOfFuel),
        }
    }
}

impl Guest for Player {
    fn start(&mut self, entry: Entry) -> Step {
        self.left = (self.script)(&entry).into();
        self.next(Vec::new())
    }

    fn resume(&mut self, answer: Answer) -> Step {
        self.next(match answer {
            Answer::Bytes(bytes) => bytes,
            _ => Vec::new(),
        })
    }

    fn fuel(&self) -> u64 {
        self.fuel
    }

    fn set_fuel(&mut self, fuel: u64) {
        self.fuel = fuel;
    }
}

/// All applications of a network, and what nodes know of the rest of the world.
#[derive(Default)]
pub(crate) struct Scripts {
    blobs: BTreeMap<BlobId, Arc<Blob>>,
    scripts: BTreeMap<BlobId, Script>,
    events: BTreeMap<(ChainId, StreamId, u32), Arc<[u8]>>,
    /// What every web server answers.
    pub(crate) web: Option<HttpResponse>,
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripts").finish_non_exhaustive()
    }
}

impl Content for Scripts {
    fn blob(&self, id: &BlobId) -> Option<Arc<Blob>> {
        self.blobs.get(id).cloned()
    }

    fn module(&self, _: Role, blob: &Arc<Blob>) -> Option<Result<Arc<dyn Module>, ModuleError>> {
        let script = self.scripts.get(&blob.id())?.clone();
        Some(Ok(Arc::new(Code(script))))
    }
}

impl Outside for Scripts {
    fn event(&self, id: &EventId) -> Option<Arc<[u8]>> {
        let place = (id.chain_id, id.stream_id.clone(), id.index);
        self.events.get(&place).cloned()
    }

    fn http(&self, _: &HttpRequest) -> Option<HttpResponse> {
        self.web.clone()
    }

    fn round(&self) -> Option<u32> {
        Some(0)
    }
}

impl Scripts {
    /// Keeps a blob.
    pub(crate) fn put(&mut self, blob_type: BlobType, bytes: &[u8]) -> BlobId {
        let blob = Blob::new(BlobContent::new(blob_type, bytes.to_vec()));
        self.blobs.insert(blob.id(), blob.clone());
        blob.id()
    }

    /// Code that both contract and service run.
    pub(crate) fn module(
        &mut self,
        name: &str,
        script: impl Fn(&Entry) -> Vec<Request> + Send + Sync + 'static,
    ) -> ModuleId {
        let contract = self.put(BlobType::ContractBytecode, name.as_bytes());
        let service = self.put(BlobType::ServiceBytecode, name.as_bytes());
        let script: Script = Arc::new(script);
        self.scripts.insert(contract, script.clone());
        self.scripts.insert(service, script);
        ModuleId {
            contract_blob_hash: contract.hash,
            service_blob_hash: service.hash,
            vm_runtime: VmRuntime::Wasm,
        }
    }

    /// An application with such code that some other chain has created.
    pub(crate) fn application(
        &mut self,
        name: &str,
        script: impl Fn(&Entry) -> Vec<Request> + Send + Sync + 'static,
    ) -> ApplicationId {
        let description = ApplicationDescription {
            module_id: self.module(name, script),
            creator_chain_id: ChainId::default(),
            block_height: BlockHeight(0),
            application_index: 0,
            parameters: Vec::new(),
            required_application_ids: Vec::new(),
        };
        let blob = Blob::new(description.content());
        self.blobs.insert(blob.id(), blob.clone());
        ApplicationId(blob.id().hash)
    }

    /// A block is executed: what it leaves can be found.
    pub(crate) fn keep(&mut self, block: &Block) {
        for blob in block.created_blobs() {
            self.blobs.insert(blob.id(), blob.clone());
        }
        for event in block.events() {
            let place = (block.chain_id(), event.stream_id.clone(), event.index);
            self.events.insert(place, event.value.clone());
        }
    }
}

/// An operation of an application.
pub(crate) fn operate(application_id: ApplicationId, bytes: &[u8]) -> Transaction {
    Transaction::ExecuteOperation(SystemOperation::User(Arc::new(UserOperation {
        application_id,
        bytes: bytes.to_vec(),
    })))
}
