//! The contract: makes the calls that it is asked to make, and nothing else.

#![cfg_attr(target_arch = "wasm32", no_main)]

#[path = "contract/base.rs"]
mod base;

use conformance::{
    Answer, AnyAbi, Call, ConformanceAbi,
    calls::{AT_END, AT_INSTANTIATION, AT_MESSAGE, AT_STREAMS, Change},
};
use linera_sdk::{
    Contract, ContractRuntime, KeyValueStore, bcs,
    contract::wit::contract_runtime_api,
    linera_base_types::{
        ApplicationId, Bytecode, ChainId, StreamName, StreamUpdate, VmRuntime, WithContractAbi,
    },
    serde_json::{self, Value},
    views::linera_views::{batch::Batch, store::WritableKeyValueStore},
};

/// The calls that wait, while a transaction runs.
pub struct ConformanceContract {
    runtime: ContractRuntime<Self>,
    storage: KeyValueStore,
    at_end: Vec<Call>,
}

linera_sdk::contract!(ConformanceContract);

impl WithContractAbi for ConformanceContract {
    type Abi = ConformanceAbi;
}

impl Contract for ConformanceContract {
    type Message = Vec<Call>;
    type Parameters = Value;
    type InstantiationArgument = Vec<Call>;
    type EventValue = Vec<u8>;

    async fn load(runtime: ContractRuntime<Self>) -> Self {
        ConformanceContract {
            storage: runtime.key_value_store(),
            runtime,
            at_end: Vec::new(),
        }
    }

    async fn instantiate(&mut self, calls: Vec<Call>) {
        let answers = self.all(calls).await;
        self.put(AT_INSTANTIATION, to_bcs(&answers)).await;
    }

    async fn execute_operation(&mut self, call: Call) -> Answer {
        self.one(call).await
    }

    async fn execute_message(&mut self, calls: Vec<Call>) {
        let answers = self.all(calls).await;
        self.put(AT_MESSAGE, to_bcs(&answers)).await;
    }

    async fn process_streams(&mut self, updates: Vec<StreamUpdate>) {
        let news: Vec<(ChainId, u32, u32)> = updates
            .into_iter()
            .map(|update| (update.chain_id, update.previous_index, update.next_index))
            .collect();
        self.put(AT_STREAMS, to_bcs(&news)).await;
    }

    async fn store(mut self) {
        let calls = std::mem::take(&mut self.at_end);
        if !calls.is_empty() {
            let answers = self.all(calls).await;
            self.put(AT_END, to_bcs(&answers)).await;
        }
    }
}

fn to_bcs(value: &impl serde::Serialize) -> Vec<u8> {
    bcs::to_bytes(value).expect("calls and answers have an encoding")
}

fn to_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is no JSON: {error}"))
}

fn permitted<E>(result: Result<(), E>) -> Answer {
    match result {
        Ok(()) => Answer::Done,
        Err(_) => Answer::NotPermitted,
    }
}

impl ConformanceContract {
    async fn all(&mut self, calls: Vec<Call>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(calls.len());
        for call in calls {
            // A future that holds itself needs a place on the heap.
            answers.push(Box::pin(self.one(call)).await);
        }
        answers
    }

    async fn one(&mut self, call: Call) -> Answer {
        match call {
            Call::Base(call) => self.base(call).await,
            Call::WriteBatch(changes) => {
                self.write(changes).await;
                Answer::Done
            }
            Call::All(calls) => Answer::All(self.all(calls).await),
            Call::AtEnd(calls) => {
                self.at_end.extend(calls);
                Answer::Done
            }
            Call::Panic(text) => panic!("{text}"),
            Call::Through {
                application,
                authenticated,
                call,
            } => {
                let callee = application.with_abi::<ConformanceAbi>();
                self.runtime.call_application(authenticated, callee, &call)
            }
            other => self.at_once(other),
        }
    }

    /// Calls of `contract-runtime-api`; none of them waits for anything.
    fn at_once(&mut self, call: Call) -> Answer {
        let runtime = &mut self.runtime;
        match call {
            Call::AuthenticatedSigner => Answer::MaybeOwner(runtime.authenticated_signer()),
            Call::MessageIsBouncing => Answer::MaybeFlag(runtime.message_is_bouncing()),
            Call::MessageOriginChainId => Answer::MaybeChain(runtime.message_origin_chain_id()),
            Call::AuthenticatedCallerId => {
                Answer::MaybeApplication(runtime.authenticated_caller_id())
            }
            Call::Transfer {
                source,
                destination,
                amount,
            } => {
                runtime.transfer(source, destination, amount);
                Answer::Done
            }
            Call::Claim {
                source,
                destination,
                amount,
            } => {
                runtime.claim(source, destination, amount);
                Answer::Done
            }
            Call::OpenChain {
                ownership,
                permissions,
                balance,
            } => Answer::Chain(runtime.open_chain(*ownership, *permissions, balance)),
            Call::CloseChain => permitted(runtime.close_chain()),
            Call::ChangeOwnership(ownership) => permitted(runtime.change_ownership(*ownership)),
            Call::ChangeApplicationPermissions(permissions) => {
                permitted(runtime.change_application_permissions(*permissions))
            }
            Call::CreateDataBlob(bytes) => Answer::Blob(runtime.create_data_blob(bytes)),
            Call::PublishModule { contract, service } => Answer::Module(runtime.publish_module(
                Bytecode::new(contract),
                Bytecode::new(service),
                VmRuntime::Wasm,
            )),
            // The SDK has no method for this one.
            Call::ConsumeFuel(fuel) => {
                contract_runtime_api::consume_fuel(fuel);
                Answer::Done
            }
            Call::ValidationRound => Answer::Round(runtime.validation_round()),
            other => self.between(other),
        }
    }

    /// Calls between applications and between chains.
    fn between(&mut self, call: Call) -> Answer {
        match call {
            Call::SendMessage {
                destination,
                authenticated,
                tracked,
                grant,
                calls,
            } => {
                let mut message = self.runtime.prepare_message(calls).with_grant(*grant);
                if authenticated {
                    message = message.with_authentication();
                }
                if tracked {
                    message = message.with_tracking();
                }
                message.send_to(destination);
                Answer::Done
            }
            Call::CreateApplication {
                module,
                parameters,
                argument,
                required,
            } => {
                let (parameters, argument) = (to_json(&parameters), to_json(&argument));
                let created = self.runtime.create_application::<AnyAbi, _, _>(
                    module,
                    &parameters,
                    &argument,
                    required,
                );
                Answer::Application(created.forget_abi())
            }
            Call::TryCallApplication {
                authenticated,
                callee,
                operation,
            } => {
                let callee = callee.with_abi::<AnyAbi>();
                let response = self
                    .runtime
                    .call_application(authenticated, callee, &operation);
                Answer::Bytes(response)
            }
            Call::QueryService { application, query } => self.query_service(application, &query),
            other => self.stream(other),
        }
    }

    fn query_service(&mut self, application: ApplicationId, query: &str) -> Answer {
        let callee = application.with_abi::<AnyAbi>();
        let response = self.runtime.query_service(callee, to_json(query));
        Answer::Json(response.to_string())
    }

    /// Calls about streams of events.
    fn stream(&mut self, call: Call) -> Answer {
        match call {
            Call::Emit { stream, value } => {
                Answer::Index(self.runtime.emit(StreamName(stream), &value))
            }
            Call::ReadEvent {
                chain,
                stream,
                index,
            } => Answer::Bytes(self.runtime.read_event(chain, StreamName(stream), index)),
            Call::SubscribeToEvents {
                chain,
                application,
                stream,
            } => {
                let stream = StreamName(stream);
                self.runtime.subscribe_to_events(chain, application, stream);
                Answer::Done
            }
            Call::UnsubscribeFromEvents {
                chain,
                application,
                stream,
            } => {
                let stream = StreamName(stream);
                self.runtime
                    .unsubscribe_from_events(chain, application, stream);
                Answer::Done
            }
            other => unreachable!("{other:?} is made elsewhere"),
        }
    }

    async fn write(&self, changes: Vec<Change>) {
        let mut batch = Batch::new();
        for change in changes {
            match change {
                Change::Delete(key) => batch.delete_key(key),
                Change::DeletePrefix(prefix) => batch.delete_key_prefix(prefix),
                Change::Put(key, value) => batch.put_key_value_bytes(key, value),
            }
        }
        let written = self.storage.write_batch(batch).await;
        written.expect("keys are short enough");
    }

    async fn put(&self, key: &[u8], value: Vec<u8>) {
        self.write(vec![Change::Put(key.to_vec(), value)]).await;
    }
}

#[cfg(test)]
#[path = "contract/tests.rs"]
mod tests;
