//! The service: does what needs no contract.

#![cfg_attr(target_arch = "wasm32", no_main)]

use hostile::{
    Deed, HostileAbi, lies,
    machine::{act, length},
};
use linera_sdk::{
    Service, ServiceRuntime,
    linera_base_types::{AccountOwner, WithServiceAbi},
};

/// The runtime, while a query runs.
pub struct HostileService {
    runtime: ServiceRuntime<Self>,
}

linera_sdk::service!(HostileService);

impl WithServiceAbi for HostileService {
    type Abi = HostileAbi;
}

impl Service for HostileService {
    type Parameters = ();

    async fn new(runtime: ServiceRuntime<Self>) -> Self {
        HostileService { runtime }
    }

    async fn handle_query(&self, deeds: Vec<Deed>) -> Vec<u8> {
        let mut answer = Vec::new();
        for deed in deeds {
            match act(deed) {
                Ok(bytes) => answer.extend(bytes),
                Err(deed) => answer.extend(self.one(deed)),
            }
        }
        answer
    }
}

impl HostileService {
    fn one(&self, deed: Deed) -> Vec<u8> {
        match deed {
            Deed::Have { application, deeds } => {
                let callee = application.with_abi::<HostileAbi>();
                return self.runtime.query_application(callee, &deeds);
            }
            Deed::Log { count, bytes } => {
                for _ in 0..count {
                    log::error!("{}", "l".repeat(length(bytes)));
                }
            }
            Deed::Ask { count } => {
                for _ in 0..count {
                    self.runtime.owner_balance(AccountOwner::CHAIN);
                }
            }
            // A flood of operations that nobody has asked for.
            Deed::Send { count, deeds, .. } => {
                for _ in 0..count {
                    self.runtime.schedule_operation(&deeds);
                }
            }
            Deed::Tell(lie) => lies::tell(lie),
            other => panic!("{other:?} is for contracts"),
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use linera_sdk::util::BlockingWait;

    use super::*;

    #[test]
    fn what_needs_no_contract_is_done() {
        let service = HostileService::new(ServiceRuntime::new()).blocking_wait();
        let deeds = vec![Deed::Answer { bytes: 2 }];
        assert_eq!(service.handle_query(deeds).blocking_wait(), b"aa");
    }

    #[test]
    #[should_panic(expected = "for contracts")]
    fn what_needs_a_contract_is_refused() {
        let service = HostileService::new(ServiceRuntime::new()).blocking_wait();
        let deeds = vec![Deed::Emit { count: 1, bytes: 1 }];
        service.handle_query(deeds).blocking_wait();
    }
}
