//! The contract: does deeds in their order.

#![cfg_attr(target_arch = "wasm32", no_main)]

use hostile::{
    Deed, HostileAbi, lies,
    machine::{act, length},
};
use linera_sdk::{
    Contract, ContractRuntime, KeyValueStore,
    contract::wit::contract_runtime_api::{WriteOperation, write_batch},
    linera_base_types::{ApplicationId, ChainId, StreamUpdate, WithContractAbi},
    views::linera_views::{batch::Batch, store::WritableKeyValueStore},
};

/// Deeds that wait, while a transaction runs.
pub struct HostileContract {
    runtime: ContractRuntime<Self>,
    storage: KeyValueStore,
    at_end: Vec<Deed>,
}

linera_sdk::contract!(HostileContract);

impl WithContractAbi for HostileContract {
    type Abi = HostileAbi;
}

impl Contract for HostileContract {
    type Message = Vec<Deed>;
    type Parameters = ();
    type InstantiationArgument = Vec<Deed>;
    type EventValue = Vec<u8>;

    async fn load(runtime: ContractRuntime<Self>) -> Self {
        HostileContract {
            storage: runtime.key_value_store(),
            runtime,
            at_end: Vec::new(),
        }
    }

    async fn instantiate(&mut self, deeds: Vec<Deed>) {
        self.all(deeds).await;
    }

    async fn execute_operation(&mut self, deeds: Vec<Deed>) -> Vec<u8> {
        self.all(deeds).await
    }

    async fn execute_message(&mut self, deeds: Vec<Deed>) {
        self.all(deeds).await;
    }

    async fn process_streams(&mut self, updates: Vec<StreamUpdate>) {
        panic!("{} streams are not wanted", updates.len());
    }

    async fn store(mut self) {
        let deeds = std::mem::take(&mut self.at_end);
        self.all(deeds).await;
    }
}

impl HostileContract {
    async fn all(&mut self, deeds: Vec<Deed>) -> Vec<u8> {
        let mut answer = Vec::new();
        for deed in deeds {
            match act(deed) {
                Ok(bytes) => answer.extend(bytes),
                Err(deed) => answer.extend(self.one(deed).await),
            }
        }
        answer
    }

    async fn one(&mut self, deed: Deed) -> Vec<u8> {
        match deed {
            Deed::Have { application, deeds } => return self.have(application, &deeds),
            Deed::AtEnd(deeds) => self.at_end.extend(deeds),
            Deed::Tell(lie) => lies::tell(lie),
            Deed::WriteUnknownChange => lies::write_unknown_change(),
            Deed::Send {
                chain_id,
                count,
                tracked,
                deeds,
            } => self.send(chain_id, count, tracked, &deeds),
            Deed::Write { count, bytes } => self.write(count, bytes).await,
            Deed::WriteLongKey { bytes } => {
                let key = vec![b'k'; length(bytes)];
                write_batch(&[WriteOperation::Put((key, vec![1]))]);
            }
            other => self.flood(other),
        }
        Vec::new()
    }

    fn have(&mut self, application: ApplicationId, deeds: &Vec<Deed>) -> Vec<u8> {
        let callee = application.with_abi::<HostileAbi>();
        self.runtime.call_application(true, callee, deeds)
    }

    fn send(&mut self, chain_id: ChainId, count: u32, tracked: bool, deeds: &[Deed]) {
        for _ in 0..count {
            let message = self.runtime.prepare_message(deeds.to_vec());
            if tracked {
                message.with_tracking().send_to(chain_id);
            } else {
                message.send_to(chain_id);
            }
        }
    }

    async fn write(&mut self, count: u32, bytes: u32) {
        let mut batch = Batch::new();
        for number in 0..count {
            batch.put_key_value_bytes(number.to_le_bytes().to_vec(), vec![1; length(bytes)]);
        }
        let written = self.storage.write_batch(batch).await;
        written.expect("keys are short enough");
    }

    fn flood(&mut self, deed: Deed) {
        match deed {
            Deed::Log { count, bytes } => {
                for _ in 0..count {
                    log::error!("{}", "l".repeat(length(bytes)));
                }
            }
            Deed::Emit { count, bytes } => {
                for _ in 0..count {
                    self.runtime
                        .emit(b"flood".as_slice().into(), &vec![1; length(bytes)]);
                }
            }
            Deed::Publish { count, bytes } => {
                for number in 0..count {
                    let mut blob = vec![1; length(bytes)];
                    blob.extend(number.to_le_bytes());
                    self.runtime.create_data_blob(blob);
                }
            }
            Deed::Ask { count } => {
                for _ in 0..count {
                    self.runtime.chain_balance();
                }
            }
            other => unreachable!("{other:?} is done elsewhere"),
        }
    }
}

#[cfg(test)]
mod tests {
    use linera_sdk::{
        bcs,
        linera_base_types::{Amount, CryptoHash},
        util::BlockingWait,
    };

    use super::*;

    fn contract() -> HostileContract {
        let runtime = ContractRuntime::new().with_chain_balance(Amount::ONE);
        HostileContract::load(runtime).blocking_wait()
    }

    fn act_on(contract: &mut HostileContract, deeds: Vec<Deed>) -> Vec<u8> {
        contract.execute_operation(deeds).blocking_wait()
    }

    #[test]
    fn deeds_are_done_in_order() {
        let deeds = vec![
            Deed::Answer { bytes: 1 },
            Deed::Ask { count: 3 },
            Deed::Allocate { bytes: 9 },
        ];
        assert_eq!(act_on(&mut contract(), deeds), [b'a', 1]);
    }

    #[test]
    fn messages_carry_deeds() {
        let mut contract = contract();
        let chain_id = ChainId(CryptoHash::test_hash("there"));
        let send = Deed::Send {
            chain_id,
            count: 3,
            tracked: true,
            deeds: vec![Deed::Trap],
        };
        act_on(&mut contract, vec![send]);
        let sent = contract.runtime.created_send_message_requests();
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|request| request.is_tracked
            && request.destination == chain_id
            && request.message == [Deed::Trap]));
    }

    #[test]
    fn others_are_called() {
        let mut contract = contract();
        let application = ApplicationId::new(CryptoHash::test_hash("other"));
        contract
            .runtime
            .set_call_application_handler(move |_, callee, operation| {
                assert_eq!(callee, application);
                let deeds: Vec<Deed> = bcs::from_bytes(&operation).expect("deeds are asked for");
                bcs::to_bytes(&vec![u8::try_from(deeds.len()).expect("these are few")])
                    .expect("bytes have an encoding")
            });
        let have = Deed::Have {
            application,
            deeds: vec![Deed::Trap, Deed::Loop],
        };
        assert_eq!(act_on(&mut contract, vec![have]), [2]);
    }

    #[test]
    #[should_panic(expected = "pp")]
    fn some_deeds_wait_for_the_end() {
        let mut contract = contract();
        let wait = Deed::AtEnd(vec![Deed::Panic { bytes: 2 }]);
        assert!(act_on(&mut contract, vec![wait]).is_empty());
        contract.store().blocking_wait();
    }

    #[test]
    fn a_flood_of_writes_is_written() {
        let mut contract = contract();
        act_on(&mut contract, vec![Deed::Write { count: 2, bytes: 4 }]);
        use linera_sdk::views::linera_views::store::ReadableKeyValueStore;
        let keys = contract.storage.find_keys_by_prefix(&[]).blocking_wait();
        assert_eq!(keys.expect("keys can be read").len(), 2);
    }
}
