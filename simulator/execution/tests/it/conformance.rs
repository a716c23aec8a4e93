//! Every function of the interface, called by a contract and a service that the SDK has built.
//!
//! A row says which functions it is about, what is called and what comes back; a test holds that no
//! function is without a row.

mod contract;
mod rows;
mod service;
mod session;

use std::collections::BTreeSet;

use execution::inspect;
use protocol::{
    Amount,
    application::guest::Role,
    hash::CryptoHash,
    ids::{AccountOwner, ApplicationId},
};

use crate::{
    chain::{Chain, hash, owner},
    modules,
    words::{Answer, Call},
};

/// The user whose blocks these are.
const USER: u8 = 0xaa;

fn signer() -> AccountOwner {
    owner(USER)
}

/// A chain with the conformance application, twice, and something of everything.
fn world() -> (Chain, [ApplicationId; 2]) {
    let mut chain = Chain::new();
    let modules = modules::conformance();
    let module = chain.publish(&modules.contract, &modules.service);
    chain.balances = [
        (owner(1), Amount::from_tokens(5_000)),
        (signer(), Amount::from_tokens(8)),
    ]
    .into();
    chain.blobs.insert(hash(0xb1), b"data".to_vec());
    let create = |chain: &mut Chain, parameters| {
        let created = chain.create(module, parameters, "[]");
        created.expect("the application is created")
    };
    let applications = [
        create(&mut chain, "{\"n\":1}"),
        create(&mut chain, "{\"n\":2}"),
    ];
    let storage = chain.storage.entry(applications[0]).or_default();
    storage.clear();
    storage.insert(b"ab".to_vec(), b"1".to_vec());
    storage.insert(b"ac".to_vec(), Vec::new());
    storage.insert(b"b".to_vec(), vec![9; 300]);
    (chain, applications)
}

fn call(chain: &mut Chain, application: ApplicationId, call: &Call) -> Result<Answer, String> {
    let operation = bcs::to_bytes(call).expect("calls have an encoding");
    let response = chain.operate(application, operation, signer());
    let response = response.map_err(|error| error.to_string())?;
    Ok(bcs::from_bytes(&response).expect("answers have an encoding"))
}

fn covered(names: impl Iterator<Item = &'static str>, role: Role, but: &str) {
    let covered: BTreeSet<_> = names.collect();
    for function in inspect::functions(role) {
        let (interface, name) = function.split_once('#').expect("interface and function");
        if interface != but {
            assert!(covered.contains(name), "no row calls `{function}`");
        }
    }
    let all = inspect::functions(role);
    for name in covered {
        let known = all
            .iter()
            .any(|function| function.ends_with(&format!("#{name}")));
        assert!(known, "there is no function `{name}`");
    }
}

fn hex(hash: CryptoHash) -> String {
    hash.to_string()
}
