//! One chain without a protocol around it: whoever answers applications in tests.
//!
//! It has storage, balances, streams and blobs of one chain, keeps a journal of what contracts do
//! beyond it, and forgets all that an action did that failed.

use std::{collections::BTreeMap, sync::Arc};

use execution::Machine;
use protocol::{
    Amount, Timestamp,
    application::{
        action::{self, ActionError, MessageContext, UserAction},
        description::{ApplicationDescription, ModuleId, StreamName, VmRuntime},
        guest::{Entry, Module, Role, VirtualMachine},
        query,
        request::{
            CreateApplicationRequest, HttpRequest, HttpResponse, KeyValue, LogLevel,
            SendMessageRequest, WriteOperation,
        },
        runtime::{Authority, BaseRuntime, ContractRuntime, Loaded, RuntimeError, ServiceRuntime},
    },
    error::ExecutionError,
    hash::CryptoHash,
    ids::{Account, AccountOwner, ApplicationId, BlockHeight, ChainId},
    ownership::ChainOwnership,
    permissions::ApplicationPermissions,
};

/// Fuel that is enough for whatever tests do.
pub(crate) const FUEL: u64 = 200_000_000;

pub(crate) fn hash(byte: u8) -> CryptoHash {
    CryptoHash::from_bytes([byte; 32])
}

pub(crate) fn owner(byte: u8) -> AccountOwner {
    AccountOwner::Address32(hash(byte))
}

type Modules = BTreeMap<ModuleId, (Arc<dyn Module>, Arc<dyn Module>)>;

/// A chain.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) id: ChainId,
    pub(crate) timestamp: Timestamp,
    pub(crate) balance: Amount,
    pub(crate) balances: BTreeMap<AccountOwner, Amount>,
    pub(crate) ownership: ChainOwnership,
    pub(crate) permissions: ApplicationPermissions,
    pub(crate) storage: BTreeMap<ApplicationId, BTreeMap<Vec<u8>, Vec<u8>>>,
    pub(crate) descriptions: BTreeMap<ApplicationId, Arc<ApplicationDescription>>,
    pub(crate) blobs: BTreeMap<CryptoHash, Vec<u8>>,
    pub(crate) events: BTreeMap<(ApplicationId, StreamName), Vec<Vec<u8>>>,
    /// Messages that were sent, by whom.
    pub(crate) sent: Vec<(Authority, SendMessageRequest)>,
    /// Operations that services asked for.
    pub(crate) scheduled: Vec<(ApplicationId, Vec<u8>)>,
    /// What else was done, in words.
    pub(crate) journal: Vec<String>,
    modules: Modules,
    /// Fuel that the last action or query has used.
    pub(crate) used: u64,
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self {
            id: ChainId(hash(0xc1)),
            timestamp: Timestamp::from_micros(1_000_000),
            balance: Amount::from_tokens(100),
            balances: BTreeMap::new(),
            ownership: ChainOwnership::single(owner(0xaa)),
            permissions: ApplicationPermissions::default(),
            storage: BTreeMap::new(),
            descriptions: BTreeMap::new(),
            blobs: BTreeMap::new(),
            events: BTreeMap::new(),
            sent: Vec::new(),
            scheduled: Vec::new(),
            journal: Vec::new(),
            modules: BTreeMap::new(),
            used: 0,
        }
    }

    /// Publishes code.
    pub(crate) fn publish(&mut self, contract: &[u8], service: &[u8]) -> ModuleId {
        let machine = Machine::default();
        let compile = |role, code| {
            machine
                .compile(role, code)
                .expect("the module is published")
        };
        let id = ModuleId {
            contract_blob_hash: CryptoHash::of_bytes("contract", contract),
            service_blob_hash: CryptoHash::of_bytes("service", service),
            vm_runtime: VmRuntime::Wasm,
        };
        let modules = (
            compile(Role::Contract, contract),
            compile(Role::Service, service),
        );
        self.modules.insert(id, modules);
        id
    }

    fn describe(&mut self, module_id: ModuleId, parameters: &[u8]) -> ApplicationId {
        let description = Arc::new(ApplicationDescription {
            module_id,
            creator_chain_id: self.id,
            block_height: BlockHeight(5),
            application_index: u32::try_from(self.descriptions.len()).expect("few"),
            parameters: parameters.to_vec(),
            required_application_ids: Vec::new(),
        });
        let id = description.id();
        self.descriptions.insert(id, description);
        id
    }

    /// Creates an application as a user does.
    pub(crate) fn create(
        &mut self,
        module: ModuleId,
        parameters: &str,
        argument: &str,
    ) -> Result<ApplicationId, ActionError> {
        let application = self.describe(module, parameters.as_bytes());
        let entry = Entry::Instantiate(argument.as_bytes().to_vec());
        self.act(application, entry, Some(owner(0xaa)), None)?;
        Ok(application)
    }

    /// Executes an operation of a user.
    pub(crate) fn operate(
        &mut self,
        application: ApplicationId,
        operation: Vec<u8>,
        signer: AccountOwner,
    ) -> Result<Vec<u8>, ActionError> {
        let entry = Entry::ExecuteOperation(operation);
        self.act(application, entry, Some(signer), None)
    }

    /// Performs an action; what it did is forgotten if it fails.
    pub(crate) fn act(
        &mut self,
        application: ApplicationId,
        entry: Entry,
        owner: Option<AccountOwner>,
        message: Option<MessageContext>,
    ) -> Result<Vec<u8>, ActionError> {
        let before = self.clone();
        let fuel = FUEL;
        let action = UserAction {
            application,
            entry,
            owner,
            message,
            fuel,
        };
        let outcome = action::perform(&action, self);
        if outcome.result.is_err() {
            *self = before;
        }
        self.used = FUEL - outcome.fuel;
        outcome.result
    }

    /// Asks a service.
    pub(crate) fn query(
        &mut self,
        application: ApplicationId,
        query: &str,
    ) -> Result<String, ActionError> {
        let outcome = query::perform(application, query.as_bytes().to_vec(), FUEL, self);
        self.used = FUEL - outcome.fuel;
        let response = outcome.result?;
        Ok(String::from_utf8(response).expect("services answer with text"))
    }

    fn load(&self, application: ApplicationId, role: Role) -> Result<Loaded, RuntimeError> {
        let description = self.descriptions.get(&application).cloned();
        let description = description.ok_or(RuntimeError::UnknownApplication(application))?;
        let modules = self.modules.get(&description.module_id);
        let (contract, service) = modules.ok_or(RuntimeError::UnknownApplication(application))?;
        let module = match role {
            Role::Contract => contract.clone(),
            Role::Service => service.clone(),
        };
        Ok(Loaded {
            description,
            module,
        })
    }

    fn of(&mut self, application: ApplicationId) -> &mut BTreeMap<Vec<u8>, Vec<u8>> {
        self.storage.entry(application).or_default()
    }

    fn note(&mut self, line: String) {
        self.journal.push(line);
    }
}

impl BaseRuntime for Chain {
    fn chain_id(&mut self) -> ChainId {
        self.id
    }

    fn block_height(&mut self) -> BlockHeight {
        BlockHeight(7)
    }

    fn system_timestamp(&mut self) -> Timestamp {
        self.timestamp
    }

    fn application_description(
        &mut self,
        application: ApplicationId,
    ) -> Result<Arc<ApplicationDescription>, RuntimeError> {
        let description = self.descriptions.get(&application).cloned();
        description.ok_or(RuntimeError::UnknownApplication(application))
    }

    fn chain_ownership(&mut self) -> ChainOwnership {
        self.ownership.clone()
    }

    fn application_permissions(&mut self) -> ApplicationPermissions {
        self.permissions.clone()
    }

    fn chain_balance(&mut self) -> Amount {
        self.balance
    }

    fn owner_balance(&mut self, owner: AccountOwner) -> Amount {
        self.balances.get(&owner).copied().unwrap_or_default()
    }

    fn owner_balances(&mut self) -> Vec<(AccountOwner, Amount)> {
        self.balances
            .iter()
            .map(|(owner, amount)| (*owner, *amount))
            .collect()
    }

    fn perform_http_request(
        &mut self,
        _: Authority,
        request: HttpRequest,
    ) -> Result<HttpResponse, RuntimeError> {
        if request.url != "https://example.org" {
            let (url, reason) = (request.url, "it is not in the table".to_owned());
            return Err(RuntimeError::Http { url, reason });
        }
        self.note(format!("{request:?}"));
        Ok(HttpResponse {
            status: 404,
            headers: request.headers,
            body: b"not here".to_vec(),
        })
    }

    fn assert_before(&mut self, limit: Timestamp) -> Result<(), RuntimeError> {
        let now = self.timestamp;
        if now < limit {
            Ok(())
        } else {
            Err(RuntimeError::AssertBefore { limit, now })
        }
    }

    fn read_data_blob(&mut self, hash: CryptoHash) -> Result<Vec<u8>, RuntimeError> {
        self.blobs
            .get(&hash)
            .cloned()
            .ok_or(RuntimeError::UnknownDataBlob(hash))
    }

    fn assert_data_blob_exists(&mut self, hash: CryptoHash) -> Result<(), RuntimeError> {
        self.read_data_blob(hash).map(|_| ())
    }

    fn log(&mut self, _: ApplicationId, level: LogLevel, line: String) {
        self.note(format!("{level:?} {line}"));
    }

    fn read_value(
        &mut self,
        application: ApplicationId,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, RuntimeError> {
        Ok(self.of(application).get(key).cloned())
    }

    fn contains_key(
        &mut self,
        application: ApplicationId,
        key: &[u8],
    ) -> Result<bool, RuntimeError> {
        Ok(self.of(application).contains_key(key))
    }

    fn find_keys(
        &mut self,
        application: ApplicationId,
        prefix: &[u8],
    ) -> Result<Vec<Vec<u8>>, RuntimeError> {
        let found = self.find_key_values(application, prefix)?.into_iter();
        Ok(found.map(|(key, _)| key).collect())
    }

    fn find_key_values(
        &mut self,
        application: ApplicationId,
        prefix: &[u8],
    ) -> Result<Vec<KeyValue>, RuntimeError> {
        let storage = self.of(application);
        let found = storage.range(prefix.to_vec()..).map_while(|(key, value)| {
            let rest = key.strip_prefix(prefix)?;
            Some((rest.to_vec(), value.clone()))
        });
        Ok(found.collect())
    }
}

impl ContractRuntime for Chain {
    fn load_contract(&mut self, application: ApplicationId) -> Result<Loaded, RuntimeError> {
        self.load(application, Role::Contract)
    }

    fn send_message(
        &mut self,
        authority: Authority,
        request: SendMessageRequest,
    ) -> Result<(), RuntimeError> {
        self.sent.push((authority, request));
        Ok(())
    }

    fn transfer(
        &mut self,
        authority: Authority,
        source: AccountOwner,
        destination: Account,
        amount: Amount,
    ) -> Result<(), RuntimeError> {
        let balance = self.owner_balance(source);
        let rest = balance.checked_sub(amount);
        let rest = rest.ok_or(ExecutionError::InsufficientBalance {
            owner: source,
            balance,
            amount,
        })?;
        self.balances.insert(source, rest);
        self.note(format!(
            "{:?} transfers {amount} from {source} to {destination}",
            authority.owner
        ));
        Ok(())
    }

    fn claim(
        &mut self,
        _: Authority,
        source: Account,
        destination: Account,
        amount: Amount,
    ) -> Result<(), RuntimeError> {
        self.note(format!("claims {amount} from {source} to {destination}"));
        Ok(())
    }

    fn open_chain(
        &mut self,
        _: Authority,
        ownership: ChainOwnership,
        permissions: ApplicationPermissions,
        balance: Amount,
    ) -> Result<ChainId, RuntimeError> {
        self.note(format!("opens {ownership:?} {permissions:?} {balance}"));
        Ok(ChainId(hash(0xc2)))
    }

    fn close_chain(&mut self, authority: Authority) -> Result<bool, RuntimeError> {
        let may = self.permissions.may_close(&authority.application);
        self.note(format!("closes: {may}"));
        Ok(may)
    }

    fn change_ownership(
        &mut self,
        authority: Authority,
        ownership: ChainOwnership,
    ) -> Result<bool, RuntimeError> {
        let may = self.permissions.may_close(&authority.application);
        if may {
            self.ownership = ownership;
        }
        Ok(may)
    }

    fn change_application_permissions(
        &mut self,
        authority: Authority,
        permissions: ApplicationPermissions,
    ) -> Result<bool, RuntimeError> {
        let may = self.permissions.may_change(&authority.application);
        if may {
            self.permissions = permissions;
        }
        Ok(may)
    }

    fn create_application(
        &mut self,
        authority: Authority,
        request: &CreateApplicationRequest,
    ) -> Result<ApplicationId, RuntimeError> {
        if request.module_id.vm_runtime == VmRuntime::Evm {
            return Err(RuntimeError::UnsupportedVmRuntime(VmRuntime::Evm));
        }
        let created = self.describe(request.module_id, &request.parameters);
        self.note(format!(
            "{:?} requires {:?}",
            authority.caller, request.required_application_ids
        ));
        Ok(created)
    }

    fn create_data_blob(&mut self, bytes: Vec<u8>) -> Result<CryptoHash, RuntimeError> {
        let hash = CryptoHash::of_bytes("blob", &bytes);
        self.blobs.insert(hash, bytes);
        Ok(hash)
    }

    fn publish_module(
        &mut self,
        contract: Vec<u8>,
        service: Vec<u8>,
        vm_runtime: VmRuntime,
    ) -> Result<ModuleId, RuntimeError> {
        self.note(format!("publishes {contract:?} {service:?}"));
        Ok(ModuleId {
            contract_blob_hash: hash(1),
            service_blob_hash: hash(2),
            vm_runtime,
        })
    }

    fn emit(
        &mut self,
        application: ApplicationId,
        name: StreamName,
        value: Vec<u8>,
    ) -> Result<u32, RuntimeError> {
        let events = self.events.entry((application, name)).or_default();
        events.push(value);
        Ok(u32::try_from(events.len() - 1).expect("few events"))
    }

    fn read_event(
        &mut self,
        application: ApplicationId,
        chain_id: ChainId,
        name: StreamName,
        index: u32,
    ) -> Result<Vec<u8>, RuntimeError> {
        let events = self.events.get(&(application, name.clone()));
        let place = usize::try_from(index).expect("few events");
        let event = events.and_then(|events| events.get(place)).cloned();
        event.ok_or(RuntimeError::UnknownEvent {
            chain_id,
            name,
            index,
        })
    }

    fn subscribe_to_events(
        &mut self,
        _: Authority,
        chain_id: ChainId,
        publisher: ApplicationId,
        name: StreamName,
    ) -> Result<(), RuntimeError> {
        self.note(format!("follows {name} of {publisher} on {chain_id}"));
        Ok(())
    }

    fn unsubscribe_from_events(
        &mut self,
        _: Authority,
        chain_id: ChainId,
        publisher: ApplicationId,
        name: StreamName,
    ) -> Result<(), RuntimeError> {
        self.note(format!("leaves {name} of {publisher} on {chain_id}"));
        Ok(())
    }

    fn query_service(
        &mut self,
        _: Authority,
        application: ApplicationId,
        asked: Vec<u8>,
    ) -> Result<Vec<u8>, RuntimeError> {
        let scheduled = self.scheduled.len();
        let outcome = query::perform(application, asked, FUEL, self);
        if self.scheduled.len() > scheduled {
            return Err(RuntimeError::OracleSchedulesOperation(application));
        }
        outcome.result.map_err(|error| RuntimeError::ServiceFailed {
            application,
            reason: error.to_string(),
        })
    }

    fn validation_round(&mut self) -> Result<Option<u32>, RuntimeError> {
        Ok(Some(3))
    }

    fn write_batch(
        &mut self,
        application: ApplicationId,
        operations: Vec<WriteOperation>,
    ) -> Result<(), RuntimeError> {
        let storage = self.of(application);
        for operation in operations {
            match operation {
                WriteOperation::Delete(key) => {
                    storage.remove(&key);
                }
                WriteOperation::DeletePrefix(prefix) => {
                    storage.retain(|key, _| !key.starts_with(&prefix));
                }
                WriteOperation::Put(key, value) => {
                    storage.insert(key, value);
                }
            }
        }
        Ok(())
    }
}

impl ServiceRuntime for Chain {
    fn load_service(&mut self, application: ApplicationId) -> Result<Loaded, RuntimeError> {
        self.load(application, Role::Service)
    }

    fn schedule_operation(
        &mut self,
        application: ApplicationId,
        operation: Vec<u8>,
    ) -> Result<(), RuntimeError> {
        self.scheduled.push((application, operation));
        Ok(())
    }
}
