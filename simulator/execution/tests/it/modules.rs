//! The modules of the bundled applications.

fn unpack(stored: &[u8]) -> Vec<u8> {
    zstd::decode_all(stored).expect("modules are stored compressed")
}

pub(crate) struct Application {
    pub(crate) contract: Vec<u8>,
    pub(crate) service: Vec<u8>,
}

pub(crate) fn counter() -> Application {
    Application {
        contract: unpack(include_bytes!(
            "../../../../scenarios/apps/modules/counter_contract.wasm.zst"
        )),
        service: unpack(include_bytes!(
            "../../../../scenarios/apps/modules/counter_service.wasm.zst"
        )),
    }
}

pub(crate) fn fungible() -> Application {
    Application {
        contract: unpack(include_bytes!(
            "../../../../scenarios/apps/modules/fungible_contract.wasm.zst"
        )),
        service: unpack(include_bytes!(
            "../../../../scenarios/apps/modules/fungible_service.wasm.zst"
        )),
    }
}

pub(crate) fn conformance() -> Application {
    Application {
        contract: unpack(include_bytes!(
            "../../../../scenarios/apps/modules/conformance_contract.wasm.zst"
        )),
        service: unpack(include_bytes!(
            "../../../../scenarios/apps/modules/conformance_service.wasm.zst"
        )),
    }
}

pub(crate) fn hostile() -> Application {
    Application {
        contract: unpack(include_bytes!(
            "../../../../scenarios/apps/modules/hostile_contract.wasm.zst"
        )),
        service: unpack(include_bytes!(
            "../../../../scenarios/apps/modules/hostile_service.wasm.zst"
        )),
    }
}
