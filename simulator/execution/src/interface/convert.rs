//! Between values of the interface and the words of the protocol, where versions do not differ.

use protocol::{
    Amount, TimeDelta, Timestamp,
    application::{
        description::{GenericApplicationId, ModuleId, StreamName, StreamUpdate, VmRuntime},
        request::{
            HttpHeader, HttpMethod, HttpRequest, HttpResponse, KeyValue, LogLevel, Resources,
            SendMessageRequest, WriteOperation,
        },
    },
    hash::CryptoHash,
    ids::{Account, AccountOwner, ApplicationId, ChainId},
    ownership::{ChainOwnership, TimeoutConfig},
};

use crate::abi::Value;

/// The parts of a record, or the arguments of a call, taken one after the other. That they have the
/// right types follows from the table: anything else is a mistake of the host.
pub(crate) struct Args(std::vec::IntoIter<Value>);

impl Args {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    fn next(&mut self) -> Value {
        self.0.next().expect("the table says how many there are")
    }

    pub(super) fn record(&mut self) -> Self {
        fields(self.next())
    }

    pub(super) fn bool(&mut self) -> bool {
        match self.next() {
            Value::Bool(value) => value,
            other => mistyped(&other),
        }
    }

    pub(super) fn u64(&mut self) -> u64 {
        match self.next() {
            Value::Int(value) => value,
            other => mistyped(&other),
        }
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::try_from(self.u64()).expect("lifted with its width")
    }

    pub(super) fn bytes(&mut self) -> Vec<u8> {
        bytes(self.next())
    }

    pub(super) fn text(&mut self) -> String {
        match self.next() {
            Value::Text(text) => text,
            other => mistyped(&other),
        }
    }

    pub(super) fn hash(&mut self) -> CryptoHash {
        match self.next() {
            Value::Hash(bytes) => CryptoHash::from_bytes(bytes),
            other => mistyped(&other),
        }
    }

    pub(super) fn chain_id(&mut self) -> ChainId {
        ChainId(self.hash())
    }

    pub(super) fn application_id(&mut self) -> ApplicationId {
        ApplicationId(self.hash())
    }

    pub(super) fn amount(&mut self) -> Amount {
        match self.next() {
            Value::Amount(attos) => Amount::from_attos(attos),
            other => mistyped(&other),
        }
    }

    pub(super) fn timestamp(&mut self) -> Timestamp {
        Timestamp::from_micros(self.u64())
    }

    pub(super) fn stream_name(&mut self) -> StreamName {
        StreamName(self.bytes())
    }

    pub(super) fn list(&mut self) -> Vec<Value> {
        match self.next() {
            Value::List(values) => values,
            other => mistyped(&other),
        }
    }

    pub(super) fn byte_lists(&mut self) -> Vec<Vec<u8>> {
        self.list().into_iter().map(bytes).collect()
    }

    pub(super) fn application_ids(&mut self) -> Vec<ApplicationId> {
        self.list().into_iter().map(application_id).collect()
    }

    pub(super) fn optional_application_ids(&mut self) -> Option<Vec<ApplicationId>> {
        let list = self.option();
        list.map(|value| Self::new(vec![value]).application_ids())
    }

    pub(super) fn option(&mut self) -> Option<Value> {
        match self.next() {
            Value::Option(value) => value.map(|value| *value),
            other => mistyped(&other),
        }
    }

    pub(super) fn tag(&mut self) -> u32 {
        self.variant().0
    }

    fn variant(&mut self) -> (u32, Option<Value>) {
        match self.next() {
            Value::Variant(tag, value) => (tag, value.map(|value| *value)),
            other => mistyped(&other),
        }
    }

    pub(super) fn account_owner(&mut self) -> AccountOwner {
        match self.variant() {
            (0, Some(Value::Int(byte))) => {
                AccountOwner::Reserved(u8::try_from(byte).expect("lifted with its width"))
            }
            (1, Some(Value::Hash(bytes))) => AccountOwner::Address32(CryptoHash::from_bytes(bytes)),
            (2, Some(address)) => AccountOwner::Address20(address20(fields(address))),
            (_, other) => mistyped(&other.unwrap_or(Value::Bool(false))),
        }
    }

    pub(super) fn account(&mut self) -> Account {
        let mut fields = self.record();
        Account {
            chain_id: fields.chain_id(),
            owner: fields.account_owner(),
        }
    }

    pub(super) fn vm_runtime(&mut self) -> VmRuntime {
        match self.tag() {
            0 => VmRuntime::Wasm,
            _ => VmRuntime::Evm,
        }
    }

    pub(super) fn module_id(&mut self) -> ModuleId {
        let mut fields = self.record();
        ModuleId {
            contract_blob_hash: fields.hash(),
            service_blob_hash: fields.hash(),
            vm_runtime: fields.vm_runtime(),
        }
    }

    pub(super) fn log_level(&mut self) -> LogLevel {
        match self.tag() {
            0 => LogLevel::Error,
            1 => LogLevel::Warn,
            2 => LogLevel::Info,
            3 => LogLevel::Debug,
            _ => LogLevel::Trace,
        }
    }

    pub(super) fn http_request(&mut self) -> HttpRequest {
        const METHODS: [HttpMethod; 9] = [
            HttpMethod::Get,
            HttpMethod::Post,
            HttpMethod::Put,
            HttpMethod::Delete,
            HttpMethod::Head,
            HttpMethod::Options,
            HttpMethod::Connect,
            HttpMethod::Patch,
            HttpMethod::Trace,
        ];
        let mut fields = self.record();
        let method = usize::try_from(fields.tag()).expect("few methods");
        HttpRequest {
            method: METHODS[method],
            url: fields.text(),
            headers: fields.list().into_iter().map(http_header).collect(),
            body: fields.bytes(),
        }
    }

    pub(super) fn resources(&mut self) -> Resources {
        let mut fields = self.record();
        Resources {
            wasm_fuel: fields.u64(),
            evm_fuel: fields.u64(),
            read_operations: fields.u32(),
            write_operations: fields.u32(),
            bytes_runtime: fields.u32(),
            bytes_to_read: fields.u32(),
            bytes_to_write: fields.u32(),
            blobs_to_read: fields.u32(),
            blobs_to_publish: fields.u32(),
            blob_bytes_to_read: fields.u32(),
            blob_bytes_to_publish: fields.u32(),
            messages: fields.u32(),
            message_size: fields.u32(),
            storage_size_delta: fields.u32(),
            service_as_oracle_queries: fields.u32(),
            http_requests: fields.u32(),
        }
    }

    pub(super) fn send_message_request(&mut self) -> SendMessageRequest {
        let mut fields = self.record();
        SendMessageRequest {
            destination: fields.chain_id(),
            authenticated: fields.bool(),
            is_tracked: fields.bool(),
            grant: fields.resources(),
            message: fields.bytes(),
        }
    }

    pub(super) fn write_operations(&mut self) -> Vec<WriteOperation> {
        let operations = self.list().into_iter();
        operations
            .map(|value| Self::new(vec![value]).write_operation())
            .collect()
    }

    fn write_operation(&mut self) -> WriteOperation {
        match self.variant() {
            (0, Some(key)) => WriteOperation::Delete(bytes(key)),
            (1, Some(prefix)) => WriteOperation::DeletePrefix(bytes(prefix)),
            (2, Some(pair)) => {
                let mut pair = fields(pair);
                WriteOperation::Put(pair.bytes(), pair.bytes())
            }
            (_, other) => mistyped(&other.unwrap_or(Value::Bool(false))),
        }
    }

    /// The ownership of a chain. An owner that stands twice has the last weight.
    pub(super) fn chain_ownership(&mut self) -> ChainOwnership {
        let owner = |value| Self::new(vec![value]).account_owner();
        let weighted = |value| {
            let mut pair = fields(value);
            (pair.account_owner(), pair.u64())
        };
        let mut fields = self.record();
        ChainOwnership {
            super_owners: fields.list().into_iter().map(owner).collect(),
            owners: fields.list().into_iter().map(weighted).collect(),
            first_leader: None,
            multi_leader_rounds: fields.u32(),
            open_multi_leader_rounds: fields.bool(),
            timeout_config: fields.timeout_config(),
        }
    }

    fn timeout_config(&mut self) -> TimeoutConfig {
        let mut fields = self.record();
        let delta = |value| TimeDelta::from_micros(Self::new(vec![value]).u64());
        TimeoutConfig {
            fast_round_duration: fields.option().map(delta),
            base_timeout: TimeDelta::from_micros(fields.u64()),
            timeout_increment: TimeDelta::from_micros(fields.u64()),
            fallback_duration: match fields.u64() {
                NEVER => None,
                micros => Some(TimeDelta::from_micros(micros)),
            },
        }
    }
}

/// The duration that stands for none: validators never take over.
const NEVER: u64 = u64::MAX;

fn mistyped(value: &Value) -> ! {
    panic!("the table has another type than {value:?}")
}

fn fields(value: Value) -> Args {
    match value {
        Value::Record(values) => Args::new(values),
        other => mistyped(&other),
    }
}

fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::Bytes(bytes) => bytes,
        other => mistyped(&other),
    }
}

fn application_id(value: Value) -> ApplicationId {
    Args::new(vec![value]).application_id()
}

fn http_header(value: Value) -> HttpHeader {
    let mut fields = fields(value);
    HttpHeader {
        name: fields.text(),
        value: fields.bytes(),
    }
}

/// 20 bytes lie in three words, from the most significant byte of the first on.
fn address20(mut words: Args) -> [u8; 20] {
    let words = [words.u64(), words.u64(), words.u64()];
    let mut bytes = [0; 20];
    let all = words.into_iter().flat_map(u64::to_be_bytes);
    for (byte, value) in bytes.iter_mut().zip(all) {
        *byte = value;
    }
    bytes
}

pub(super) fn some(value: Option<Value>) -> Value {
    Value::Option(value.map(Box::new))
}

pub(super) fn tagged(tag: u32, value: Value) -> Value {
    Value::Variant(tag, Some(Box::new(value)))
}

pub(super) const fn hash_value(hash: CryptoHash) -> Value {
    Value::Hash(*hash.as_bytes())
}

pub(super) fn owner_value(owner: AccountOwner) -> Value {
    match owner {
        AccountOwner::Reserved(byte) => tagged(0, Value::Int(u64::from(byte))),
        AccountOwner::Address32(hash) => tagged(1, hash_value(hash)),
        AccountOwner::Address20(bytes) => {
            let words = bytes.chunks(8).map(|chunk| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                Value::Int(u64::from_be_bytes(word))
            });
            tagged(2, Value::Record(words.collect()))
        }
    }
}

pub(super) fn module_value(module: ModuleId) -> Value {
    let vm_runtime = match module.vm_runtime {
        VmRuntime::Wasm => 0,
        VmRuntime::Evm => 1,
    };
    Value::Record(vec![
        hash_value(module.contract_blob_hash),
        hash_value(module.service_blob_hash),
        Value::Variant(vm_runtime, None),
    ])
}

pub(super) fn applications_value<'a>(
    applications: impl IntoIterator<Item = &'a ApplicationId>,
) -> Value {
    let values = applications
        .into_iter()
        .map(|application| hash_value(application.0));
    Value::List(values.collect())
}

pub(super) fn key_value((key, value): KeyValue) -> Value {
    Value::Record(vec![Value::Bytes(key), Value::Bytes(value)])
}

pub(super) fn balance_value((owner, amount): (AccountOwner, Amount)) -> Value {
    Value::Record(vec![owner_value(owner), Value::Amount(amount.attos())])
}

pub(super) fn http_response_value(response: HttpResponse) -> Value {
    let header = |header: HttpHeader| {
        Value::Record(vec![Value::Text(header.name), Value::Bytes(header.value)])
    };
    Value::Record(vec![
        Value::Int(u64::from(response.status)),
        Value::List(response.headers.into_iter().map(header).collect()),
        Value::Bytes(response.body),
    ])
}

pub(super) fn ownership_value(ownership: &ChainOwnership) -> Value {
    let owners = ownership
        .owners
        .iter()
        .map(|(owner, weight)| Value::Record(vec![owner_value(*owner), Value::Int(*weight)]));
    let super_owners = ownership.super_owners.iter().copied().map(owner_value);
    let config = &ownership.timeout_config;
    let delta = |delta: TimeDelta| Value::Int(delta.micros());
    Value::Record(vec![
        Value::List(super_owners.collect()),
        Value::List(owners.collect()),
        Value::Int(u64::from(ownership.multi_leader_rounds)),
        Value::Bool(ownership.open_multi_leader_rounds),
        Value::Record(vec![
            some(config.fast_round_duration.map(delta)),
            delta(config.base_timeout),
            delta(config.timeout_increment),
            config.fallback_duration.map_or(Value::Int(NEVER), delta),
        ]),
    ])
}

pub(super) fn stream_update_value(update: StreamUpdate) -> Value {
    let application = match update.stream_id.application_id {
        GenericApplicationId::System => Value::Variant(0, None),
        GenericApplicationId::User(application) => tagged(1, hash_value(application.0)),
    };
    Value::Record(vec![
        hash_value(update.chain_id.0),
        Value::Record(vec![
            application,
            Value::Bytes(update.stream_id.stream_name.0),
        ]),
        Value::Int(u64::from(update.previous_index)),
        Value::Int(u64::from(update.next_index)),
    ])
}
